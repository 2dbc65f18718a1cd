/* SPDX-License-Identifier: MIT */
#ifndef PLQ_OPERATIONS_SECRET_H
#define PLQ_OPERATIONS_SECRET_H

#include <plastiq/secret.h>
#include <stdbool.h>

struct plq_secret {
  char *bytes; /* in the secure pages; NULL once taken */
  size_t len;
  int64_t expires_at_ms;
};

/* Room for `len` bytes and a NUL, to be filled in place. NULL without memory. */
plq_secret *plq__secret_new(size_t len, int64_t expires_at_ms);

/* Gives a secret a handle until it is claimed or the client ends. Takes the secret over, but not on failure. */
int32_t plq__secret_publish(plq_client_id client, plq_secret *secret, plq_secret_id *out_id);

#endif
