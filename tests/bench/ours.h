/* SPDX-License-Identifier: MIT */
/* What the programs that use libplastiq share: a client, and the message that they send. */
#ifndef PLASTIQ_BENCH_OURS_H
#define PLASTIQ_BENCH_OURS_H

#include <msgpack.h>
#include <plastiq/plastiq.h>

#include "bench.h"

/* Says what went wrong, frees the error, and returns false. */
bool ours_fail(const char *what, int32_t status, plq_error *error);

bool ours_options(const struct bench_settings *settings, plq_options **out_options);
bool ours_client(const plq_options *options, plq_client_id *out_client);

/* Packs the request of the benchmark. */
void ours_pack(msgpack_sbuffer *out);
/* A success begins with status 0, and has the secret: what a reader costs belongs to the reader. */
bool ours_glance(const uint8_t *reply, size_t len);

#endif
