/* SPDX-License-Identifier: MIT */
/* The service's error object, in either published shape, read leniently: what can be read is filled in, the rest stays empty. */
#ifndef PLQ_CODEC_ERROR_BODY_H
#define PLQ_CODEC_ERROR_BODY_H

#include <stddef.h>

#include "../base/error.h"
#include "../base/text.h"

/* Fills service code, service message, details, and the trace id if it is a UUID and the error has none yet. Whatever of `secrets`
   occurs in these texts is replaced by "[redacted]". Any body will do: HTML, nothing, 5,000 levels. */
void plq__error_body_read(const char *body, size_t len, const struct plq__text *secrets, size_t secret_count, plq_error *error);

/* A new NUL-terminated copy of text with every occurrence of a secret replaced by "[redacted]", or NULL without memory. */
char *plq__redact(struct plq__text text, const struct plq__text *secrets, size_t secret_count);

#endif
