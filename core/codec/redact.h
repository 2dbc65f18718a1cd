/* SPDX-License-Identifier: MIT */
/* Taking secrets out of text. Private to the codecs; plq__redact in error_body.h is the door for others. */
#ifndef PLQ_CODEC_REDACT_H
#define PLQ_CODEC_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/buffer.h"
#include "../base/text.h"

/* Appends text with every occurrence of a secret of at least `least` bytes replaced. false: full, or no memory. */
bool plq__redact_into(struct plq__buffer *buffer, struct plq__text text, const struct plq__text *secrets, size_t secret_count,
                      size_t least);

#endif
