/* SPDX-License-Identifier: MIT */
/*
 * What the programs of the benchmark share: a command line, a loop that takes orders, and the request that all of them send. Each
 * program defines the three functions at the end; bench_main.c calls them.
 */
#ifndef PLASTIQ_BENCH_H
#define PLASTIQ_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* One request for everybody, byte for byte of one length: the driver compares what nginx received. */
#define BENCH_HOST "127.0.0.1"
#define BENCH_PREFIX "/api"
#define BENCH_PATH "/api/client-secrets"
#define BENCH_TOKEN "test-key-0000000000000000"
#define BENCH_PAYER "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"
#define BENCH_IP "192.0.2.1"
#define BENCH_AGENT "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

struct bench_settings {
  const char *job;       /* what a run does; each program has its own list */
  const char *transport; /* for libplastiq */
  const char *ca_file;   /* NULL: the system's */
  int port;
  int in_flight;       /* how many calls at once, where a job has several */
  int max_connections; /* 0: the default */
  int http;            /* 2: HTTP/2; 0: HTTP/1.1 */
};

/* Says on stderr what went wrong, and returns false. */
bool bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether this is the job; a NULL-safe strcmp that reads well. */
bool bench_is(const struct bench_settings *settings, const char *job);

int64_t bench_now_ns(void);

/* Notes a duration inside a run. The reply has the median of those of the run. */
void bench_sample(int64_t ns);

/* ---- defined by each program ---- */

/* Prepares what does not belong to a call. */
bool bench_open(const struct bench_settings *settings);
/* Makes so many calls; false after bench_fail() if one did not go as it should. */
bool bench_run(long calls);
/* Ends; false after bench_fail() if what was done is not what was meant, such as connections that were not kept. */
bool bench_close(void);

#endif
