/* SPDX-License-Identifier: MIT */
/* plastiq bench: what its files share. */
#ifndef PLASTIQ_CLI_BENCH_H
#define PLASTIQ_CLI_BENCH_H

#include <sys/resource.h>

#include "cli.h"
#include "histogram.h"

struct bench_plan {
  const struct cli_args *args;
  plq_client_id client;
  const char *base_url; /* where it goes; NULL: nowhere, the transport answers by itself */
  int64_t calls;        /* how many at most; 0: no limit */
  int64_t seconds;      /* how long at most; 0: no limit */
  int64_t threads;
  int64_t warm;
};

struct bench_failure {
  int32_t status;
  int64_t count;
};

/* There are more statuses than a run can meet; those past the room are counted as failed, and not named. */
enum { BENCH_FAILURES = 64 };

struct bench_result {
  int64_t ended, failed;
  bool interrupted;
  int64_t elapsed_ns;
  int64_t first_ns;            /* the first call, failed or not; -1: it did not end */
  struct histogram *latencies; /* of the others, as far as they succeeded */
  struct bench_failure failures[BENCH_FAILURES];
  int32_t first_status;   /* of the first failure */
  plq_error *first_error; /* its details, or NULL */
  struct rusage before, after;
};

/* ---- bench_run.c ---- */

/* Makes the calls, until there are enough of them, the time is over, the user interrupts, or a call fails in a way that every
   call would. Returns CLI_GO_ON with a result, which bench_result_clear() frees, or an exit code. */
int bench_run(const struct bench_plan *plan, struct bench_result *out);
void bench_result_clear(struct bench_result *self);

/* ---- bench_report.c ---- */

void bench_report(const struct bench_plan *plan, const struct bench_result *result);
/* One line on the terminal, in place of the one before. */
void bench_progress_show(const struct bench_plan *plan, int64_t elapsed_ns, int64_t ended, int64_t failed);
void bench_progress_end(void);

#endif
