/* SPDX-License-Identifier: MIT */
/* The HTTP/1 response parser that transports get by the extension "plastiq.http1/1"; include/plastiq/http1.h has its contract. */
#ifndef PLQ_CODEC_HTTP1_H
#define PLQ_CODEC_HTTP1_H

#include <plastiq/http1.h>

extern const plq_http1 plq__http1;

#endif
