/* SPDX-License-Identifier: MIT */
/* Whether, and when, a failed attempt is repeated. */
#ifndef PLQ_PIPELINE_POLICY_H
#define PLQ_PIPELINE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

/* How an attempt failed. */
struct plq__failure {
  int32_t status, delivery, http_status;
  int64_t retry_after_ms; /* -1: the service said nothing */
};

/* Whether a failure is of a kind that may be repeated. may_repeat: the operation allows it where the service may have acted. */
bool plq__policy_repeatable(const struct plq__settings *settings, bool may_repeat, const struct plq__failure *failure);
/* Takes a repeat from the client's budget; false: there is none left. */
bool plq__policy_take(struct plq__live *live);
/* How many repeats are left. */
int64_t plq__policy_left(struct plq__live *live);
/* After a success: gives a part of a repeat back. */
void plq__policy_give(struct plq__live *live, const struct plq__settings *settings);
/* How long to wait before repeat number `repeat`, from 0, in ns. */
int64_t plq__policy_wait_ns(const struct plq__settings *settings, struct plq__random *random, uint32_t repeat,
                            const struct plq__failure *failure);

#endif
