/* SPDX-License-Identifier: MIT */
/* The events of calls and of warming, filled in from what the pipeline knows. Each costs next to nothing if nobody listens. */
#ifndef PLQ_PIPELINE_TELLING_H
#define PLQ_PIPELINE_TELLING_H

#include "call.h"

void plq__tell_call_start(const struct plq__run *run, const struct plq__exchange *exchange);
void plq__tell_attempt_start(const struct plq__run *run, uint32_t attempt, const char *trace_id, int token, int64_t wait_ns);
void plq__tell_attempt_end(const struct plq__run *run, uint32_t attempt, const struct plq__attempt *row);
/* reason: as docs/events.md has them. */
void plq__tell_repeat(const struct plq__run *run, uint32_t attempt, int32_t status, const char *reason, int64_t wait_ns,
                      int64_t repeats_left);

/* How a call ended. */
struct plq__ending {
  const char *operation, *trace_id;
  int32_t status, delivery, http_status;
  uint32_t attempts;
  int64_t elapsed_ns;
  const plq_error *error; /* or NULL */
};
void plq__tell_call_end(const struct plq__run *run, const struct plq__ending *ending);
void plq__tell_warm(const struct plq__run *run, uint32_t count, uint32_t open, int32_t status, int64_t elapsed_ns);

#endif
