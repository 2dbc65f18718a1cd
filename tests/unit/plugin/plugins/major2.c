/* SPDX-License-Identifier: MIT */
/* A transport for a later major version of the ABI. */
#include <plastiq/transport.h>

PLQ_TRANSPORT_EXPORT int32_t plq_transport_entry_v2(void);

int32_t plq_transport_entry_v2(void) { return PLQ_OK; }
