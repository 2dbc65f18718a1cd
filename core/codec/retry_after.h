/* SPDX-License-Identifier: MIT */
/* Retry-After (RFC 9110 section 10.2.3): seconds, or a date in any of the three formats of section 5.6.7. */
#ifndef PLQ_CODEC_RETRY_AFTER_H
#define PLQ_CODEC_RETRY_AFTER_H

#include <stdint.h>

/* ms to wait, 0 for a date that has passed; -1 for garbage. wall_now_s is the Unix time. */
int64_t plq__retry_after_ms(const char *value, int64_t wall_now_s);

#endif
