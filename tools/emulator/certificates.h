/* SPDX-License-Identifier: MIT */
/* A throwaway CA and what it signs, for one run of the tests. */
#ifndef PLASTIQ_EMULATOR_CERTIFICATES_H
#define PLASTIQ_EMULATOR_CERTIFICATES_H

#include <stdbool.h>

/*
 * Writes into a folder, which is made if it is missing: ca.pem, server.pem and server-key.pem (for localhost, 127.0.0.1, ::1 and
 * the address), client.pem and client-key.pem. Keys have the mode 0600. The CA's own key is forgotten: nobody can sign with it
 * later. False: *out_reason says why, statically.
 */
bool certificates_make(const char *folder, const char *address, int valid_days, const char **out_reason);

#endif
