/* SPDX-License-Identifier: MIT */
/* Has no entry function, but a library under it has one. */
#include <plastiq/transport.h>

PLQ_TRANSPORT_EXPORT int borrows_function(void);

int borrows_function(void) { return 1; }
