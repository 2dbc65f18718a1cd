/* SPDX-License-Identifier: MIT */
/* A shared object that is no transport. */
#include <plastiq/transport.h>

PLQ_TRANSPORT_EXPORT int foreign_function(void);

int foreign_function(void) { return 1; }
