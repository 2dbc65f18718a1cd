/* SPDX-License-Identifier: MIT */
#include <plastiq/client.h>
#include <plastiq/observer.h>
#include <string.h>

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
    live->version++;
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
    live->version++;
  }
  pthread_mutex_unlock(&live->lock);
  if (old != NULL) plq__observers_await(old, observer);
  plq__observers_unref(old);
  plq__client_release(client);
  return status;
}

/* ---- statistics ---- */

/* What a lane's transport says of its connections now, if it does. */
static void add_connections(const struct plq__lane *lane, int64_t values[PLQ_STATS]) {
  uint32_t open = 0, busy = 0;
  if (!plq__instance_connections(lane->instance, &open, &busy)) return;
  if (values[PLQ_STAT_CONNECTIONS_OPEN] < 0) values[PLQ_STAT_CONNECTIONS_OPEN] = values[PLQ_STAT_CONNECTIONS_BUSY] = 0;
  values[PLQ_STAT_CONNECTIONS_OPEN] += open;
  values[PLQ_STAT_CONNECTIONS_BUSY] += busy;
}

static void add_lane(const struct plq__lane *lane, uint64_t sums[PLQ__COUNTS], int64_t values[PLQ_STATS]) {
  for (int i = 0; i < PLQ__COUNTS; i++) sums[i] += atomic_load_explicit(&lane->counts[i], memory_order_relaxed);
  add_connections(lane, values);
}

static void read_stats(struct plq__live *live, int64_t values[PLQ_STATS]) {
  static const struct {
    int stat;
    enum plq__count count;
  } rows[] = {{PLQ_STAT_CALLS_SUCCEEDED, PLQ__COUNT_SUCCEEDED},
              {PLQ_STAT_CALLS_FAILED, PLQ__COUNT_FAILED},
              {PLQ_STAT_CALLS, PLQ__COUNT_CALLS},
              {PLQ_STAT_ATTEMPTS, PLQ__COUNT_ATTEMPTS},
              {PLQ_STAT_REPEATS, PLQ__COUNT_REPEATS},
              {PLQ_STAT_REPEATS_DENIED, PLQ__COUNT_REPEATS_DENIED},
              {PLQ_STAT_CONNECTIONS_OPENED, PLQ__COUNT_CONNECTIONS_OPENED},
              {PLQ_STAT_CONNECTIONS_REUSED, PLQ__COUNT_CONNECTIONS_REUSED},
              {PLQ_STAT_BYTES_SENT, PLQ__COUNT_BYTES_SENT},
              {PLQ_STAT_BYTES_RECEIVED, PLQ__COUNT_BYTES_RECEIVED},
              {PLQ_STAT_TOKENS_READ, PLQ__COUNT_TOKENS_READ}};
  uint64_t sums[PLQ__COUNTS];
  values[PLQ_STAT_CONNECTIONS_OPEN] = values[PLQ_STAT_CONNECTIONS_BUSY] = -1;
  pthread_mutex_lock(&live->lock);
  memcpy(sums, live->past_counts, sizeof sums);
  add_lane(&live->lane, sums, values);
  for (const struct plq__queue_link *queue = live->queues; queue != NULL; queue = queue->next) add_lane(queue->lane, sums, values);
  pthread_mutex_unlock(&live->lock);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) values[rows[i].stat] = (int64_t)sums[rows[i].count];
  values[PLQ_STAT_CALLS_IN_FLIGHT] = values[PLQ_STAT_CALLS] - values[PLQ_STAT_CALLS_SUCCEEDED] - values[PLQ_STAT_CALLS_FAILED];
  values[PLQ_STAT_REPEATS_LEFT] = atomic_load(&live->repeats_left) / PLQ__REPEAT_COST;
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
