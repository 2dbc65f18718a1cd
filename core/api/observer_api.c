/* SPDX-License-Identifier: MIT */
#include <plastiq/client.h>
#include <plastiq/observer.h>

#include "../base/error.h"
#include "../pipeline/client.h"
#include "enter.h"

int32_t plq_client_observe(plq_client_id id, const char *event, size_t event_len, const char *fields, size_t fields_len,
                           plq_observer_fn function, void *context, uint64_t *out_observer, plq_error **out_error) {
  struct plq__live *live;
  struct plq__observers *fresh = NULL, *old = NULL;
  int32_t status;
  if (out_observer != NULL) *out_observer = 0;
  plq__out_error(out_error);
  if (event == NULL || function == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "event or function is NULL");
  struct plq__client *client = plq__enter(id, &live, &status, out_error);
  if (client == NULL) return status;
  struct plq__text list = fields != NULL ? plq__text_in(fields, fields_len) : PLQ__TEXT("");
  pthread_mutex_lock(&live->lock);
  uint64_t number = live->last_observer + 1;
  status =
      plq__observers_add(live->observers, number, plq__text_in(event, event_len), list, function, context, &fresh, out_error);
  if (status == PLQ_OK) {
    old = live->observers;
    live->observers = fresh;
    live->last_observer = number;
  }
  pthread_mutex_unlock(&live->lock);
  plq__observers_unref(old);
  if (status == PLQ_OK && out_observer != NULL) *out_observer = number;
  plq__client_release(client);
  return status;
}

int32_t plq_client_unobserve(plq_client_id id, uint64_t observer) {
  struct plq__live *live;
  struct plq__observers *fresh = NULL, *old = NULL;
  int32_t status;
  struct plq__client *client = plq__enter(id, &live, &status, NULL);
  if (client == NULL) return status;
  pthread_mutex_lock(&live->lock);
  status = plq__observers_remove(live->observers, observer, &fresh);
  if (status == PLQ_OK) {
    old = live->observers;
    live->observers = fresh;
  }
  pthread_mutex_unlock(&live->lock);
  if (old != NULL) plq__observers_await(old, observer);
  plq__observers_unref(old);
  plq__client_release(client);
  return status;
}

/* ---- statistics ---- */

static int64_t number(const _Atomic uint64_t *count) {
  return (int64_t)atomic_load_explicit(count, memory_order_relaxed);
}

/* What the transport says of its connections now, if it does. */
static void read_connections(const struct plq__live *live, int64_t values[PLQ_STATS]) {
  const struct plq__instance *instance = live->instance;
  uint32_t open = 0, busy = 0;
  bool known = instance->connections != NULL && instance->connections->count(instance->transport, &open, &busy) == PLQ_OK;
  values[PLQ_STAT_CONNECTIONS_OPEN] = known ? (int64_t)open : -1;
  values[PLQ_STAT_CONNECTIONS_BUSY] = known ? (int64_t)busy : -1;
}

static void read_stats(struct plq__live *live, int64_t values[PLQ_STATS]) {
  const struct plq__counts *counts = &live->counts;
  /* in this order, so that no call that ends meanwhile makes the number in flight negative */
  values[PLQ_STAT_CALLS_SUCCEEDED] = number(&counts->succeeded);
  values[PLQ_STAT_CALLS_FAILED] = number(&counts->failed);
  values[PLQ_STAT_CALLS] = number(&counts->calls);
  values[PLQ_STAT_CALLS_IN_FLIGHT] = values[PLQ_STAT_CALLS] - values[PLQ_STAT_CALLS_SUCCEEDED] - values[PLQ_STAT_CALLS_FAILED];
  values[PLQ_STAT_ATTEMPTS] = number(&counts->attempts);
  values[PLQ_STAT_REPEATS] = number(&counts->repeats);
  values[PLQ_STAT_REPEATS_DENIED] = number(&counts->repeats_denied);
  values[PLQ_STAT_CONNECTIONS_OPENED] = number(&counts->connections_opened);
  values[PLQ_STAT_CONNECTIONS_REUSED] = number(&counts->connections_reused);
  values[PLQ_STAT_BYTES_SENT] = number(&counts->bytes_sent);
  values[PLQ_STAT_BYTES_RECEIVED] = number(&counts->bytes_received);
  values[PLQ_STAT_TOKENS_READ] = number(&counts->tokens_read);
  pthread_mutex_lock(&live->lock);
  values[PLQ_STAT_REPEATS_LEFT] = live->repeats_left / PLQ__REPEAT_COST;
  pthread_mutex_unlock(&live->lock);
  read_connections(live, values);
}

int32_t plq_client_stats(plq_client_id id, int64_t *out_values, uint32_t count) {
  struct plq__live *live;
  int32_t status;
  int64_t values[PLQ_STATS];
  for (uint32_t i = 0; out_values != NULL && i < count; i++) out_values[i] = -1;
  if (out_values == NULL) return PLQ_E_ARGUMENT;
  struct plq__client *client = plq__enter_to_read(id, &live, &status, NULL);
  if (client == NULL) return status;
  read_stats(live, values);
  for (uint32_t i = 0; i < count && i < PLQ_STATS; i++) out_values[i] = values[i];
  plq__client_release(client);
  return PLQ_OK;
}
