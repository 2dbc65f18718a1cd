/* SPDX-License-Identifier: MIT */
/* What libmicrohttpd leaves to the application about TLS: requiring client certificates, and counting handshakes. */
#ifndef PLASTIQ_EMULATOR_TLS_H
#define PLASTIQ_EMULATOR_TLS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* Prepares a connection that has just been accepted, before its handshake. */
void tls_prepare(struct MHD_Connection *connection, bool require_certificate);
/* How many handshakes have been completed. */
uint64_t tls_handshakes(void);

#endif
