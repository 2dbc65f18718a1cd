/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "../base/clock.h"
#include "../base/error.h"

/* The service says itself that it did not act: safe whatever the operation. */
static bool refused_unseen(const struct plq__failure *failure) {
  return failure->http_status == 429 || (failure->http_status == 503 && failure->retry_after_ms >= 0);
}

bool plq__policy_repeatable(const struct plq__settings *settings, bool may_repeat, const struct plq__failure *failure) {
  bool ambiguous = may_repeat && !settings->only_safe;
  if (failure->status == PLQ_E_HTTP_UNAUTHORIZED) return false; /* whatever retry_statuses says: the token will not get better */
  switch (plq__status_repeat(failure->status)) {
    case REPEAT_NOT_SENT: return failure->delivery == PLQ_DELIVERY_NOT_SENT;
    case REPEAT_AMBIGUOUS: return failure->delivery == PLQ_DELIVERY_NOT_SENT || ambiguous;
    case REPEAT_STATUS: return plq__settings_retries(settings, failure->http_status) && (ambiguous || refused_unseen(failure));
    default: return false;
  }
}

bool plq__policy_take(struct plq__live *live) {
  int64_t left = atomic_load(&live->repeats_left);
  while (left >= PLQ__REPEAT_COST)
    if (atomic_compare_exchange_weak(&live->repeats_left, &left, left - PLQ__REPEAT_COST)) return true;
  return false;
}

int64_t plq__policy_left(struct plq__live *live) {
  return atomic_load(&live->repeats_left) / PLQ__REPEAT_COST;
}

void plq__policy_give(struct plq__live *live, const struct plq__settings *settings) {
  /* mostly the budget is full, and then nothing is written */
  int64_t left = atomic_load(&live->repeats_left);
  while (left < settings->repeat_budget * PLQ__REPEAT_COST)
    if (atomic_compare_exchange_weak(&live->repeats_left, &left, left + 1)) return;
}

int64_t plq__policy_wait_ns(const struct plq__settings *settings, struct plq__random *random, uint32_t repeat,
                            const struct plq__failure *failure) {
  if (failure->retry_after_ms >= 0) return failure->retry_after_ms > INT64_MAX / PLQ__NS_PER_MS ? INT64_MAX : failure->retry_after_ms * PLQ__NS_PER_MS;
  int64_t bound = settings->backoff_base_ms;
  while (repeat-- > 0 && bound < settings->backoff_cap_ms) bound *= 2;
  if (bound > settings->backoff_cap_ms) bound = settings->backoff_cap_ms;
  return plq__random_up_to(random, bound * PLQ__NS_PER_MS);
}
