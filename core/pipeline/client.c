/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <string.h>
#include <time.h>

#include "../base/alloc.h"
#include "../base/ambient.h"
#include "../base/clock.h"
#include "../base/error.h"
#include "../base/fork.h"
#include "../base/handle.h"

/* ---- the live part ---- */

static void live_free(struct plq__live *live) {
  if (live == NULL) return;
  if (live->published != NULL) live->drop_published(live->published);
  plq__lane_clear(&live->lane);
  plq__tokens_unref(live->tokens);
  plq__observers_unref(live->observers);
  pthread_cond_destroy(&live->changed);
  pthread_mutex_destroy(&live->lock);
  plq__free(live);
}

/* Takes over the reference to the tokens, also on failure. */
static int32_t live_new(struct plq__client *client, struct plq__tokens *tokens, const struct plq__following *following,
                        struct plq__live **out_live, plq_error **out_error) {
  struct plq__live *live = plq__alloc(sizeof *live);
  if (live == NULL) {
    plq__tokens_unref(tokens);
    return plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&live->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&live->lock, NULL);
  live->client = client;
  live->generation = plq__fork_generation();
  live->tokens = tokens;
  live->following = *following;
  live->repeats_left = client->settings.repeat_budget * PLQ__REPEAT_COST;
  int32_t status = plq__lane_init(&live->lane, live, out_error);
  if (status == PLQ_OK)
    *out_live = live;
  else
    live_free(live);
  return status;
}

/* Live parts of processes before a fork. They are never freed, but stay in sight, so that a leak checker finds only real leaks. */
static _Atomic(struct plq__live *) left_behind;

static void live_leave_behind(struct plq__live *live) {
  plq__instance_abandon(live->lane.instance);
  live->next_left = atomic_load(&left_behind);
  while (!atomic_compare_exchange_weak(&left_behind, &live->next_left, live)) continue;
}

/* In the child: the parent's locks may be held for ever, so they are not taken, and its memory is left as it is. */
static struct plq__live *live_after_fork(struct plq__client *client, struct plq__live *old, int32_t *out_status, plq_error **out_error) {
  struct plq__live *fresh = NULL;
  struct plq__following following = old->following;
  following.looking = false; /* whoever looked is not here */
  *out_status = live_new(client, plq__tokens_ref(old->tokens), &following, &fresh, out_error);
  if (fresh == NULL) return NULL;
  *out_status = plq__observers_after_fork(old->observers, &fresh->observers);
  if (*out_status != PLQ_OK) {
    live_free(fresh);
    plq__fail_plain(out_error, *out_status);
    return NULL;
  }
  fresh->last_observer = old->last_observer;
  if (!atomic_compare_exchange_strong(&client->live, &old, fresh)) {
    live_free(fresh);
    return old;
  }
  live_leave_behind(old);
  return fresh;
}

struct plq__live *plq__client_live(struct plq__client *client, int32_t *out_status, plq_error **out_error) {
  struct plq__live *live = atomic_load_explicit(&client->live, memory_order_acquire);
  *out_status = PLQ_OK;
  return live->generation == plq__fork_generation() ? live : live_after_fork(client, live, out_status, out_error);
}

/* ---- lanes ---- */

int32_t plq__lane_init(struct plq__lane *lane, struct plq__live *live, plq_error **out_error) {
  lane->live = live;
  plq__random_init(&lane->random);
  return plq__instance_new(live->client->plugin, live->client->options, &lane->instance, out_error);
}

void plq__lane_clear(struct plq__lane *lane) {
  plq__instance_free(lane->instance);
  plq__tokens_unref(lane->tokens);
  plq__observers_unref(lane->observers);
  plq__random_clear(&lane->random);
}

/* With the live part's lock held. */
static void keep_counts(struct plq__lane *lane) {
  for (int i = 0; i < PLQ__COUNTS; i++) lane->live->past_counts[i] += atomic_exchange(&lane->counts[i], 0);
}

bool plq__live_add_queue(struct plq__queue_link *queue) {
  struct plq__live *live = queue->lane->live;
  pthread_mutex_lock(&live->lock);
  bool open = !live->closing;
  if (open) {
    queue->lane->is_queue = true;
    queue->lane->first_call = ++live->queue_count << 32; /* below 2^53 for two million queues */
    queue->next = live->queues;
    queue->link = &live->queues;
    if (queue->next != NULL) queue->next->link = &queue->next;
    live->queues = queue;
  }
  pthread_mutex_unlock(&live->lock);
  return open;
}

void plq__live_drop_queue(struct plq__queue_link *queue) {
  struct plq__live *live = queue->lane->live;
  pthread_mutex_lock(&live->lock);
  *queue->link = queue->next;
  if (queue->next != NULL) queue->next->link = queue->link;
  keep_counts(queue->lane);
  pthread_mutex_unlock(&live->lock);
}

void plq__live_keep_counts(struct plq__lane *lane) {
  pthread_mutex_lock(&lane->live->lock);
  keep_counts(lane);
  pthread_mutex_unlock(&lane->live->lock);
}

void plq__count(struct plq__lane *lane, enum plq__count which, uint64_t more) {
  atomic_fetch_add_explicit(&lane->counts[which], more, memory_order_relaxed);
}

/* What a queue copied is looked at again only when it changed: reading the version takes no lock, and writes nothing. */
static bool refresh(struct plq__lane *lane) {
  struct plq__live *live = lane->live;
  if (lane->tokens != NULL && lane->version == atomic_load_explicit(&live->version, memory_order_acquire)) return true;
  pthread_mutex_lock(&live->lock);
  uint32_t version = live->version;
  struct plq__tokens *tokens = plq__tokens_ref(live->tokens), *copy;
  struct plq__observers *observers = plq__observers_ref(live->observers);
  pthread_mutex_unlock(&live->lock);
  copy = plq__tokens_copy(tokens);
  plq__tokens_unref(tokens);
  plq__observers_unref(lane->observers);
  lane->observers = observers;
  if (copy == NULL) return false;
  plq__tokens_unref(lane->tokens);
  lane->tokens = copy;
  lane->version = version;
  return true;
}

struct plq__tokens *plq__lane_tokens(struct plq__lane *lane) {
  if (!lane->is_queue) return plq__live_tokens(lane->live);
  return refresh(lane) ? plq__tokens_ref(lane->tokens) : NULL;
}

struct plq__observers *plq__lane_observers(struct plq__lane *lane) {
  refresh(lane);
  return plq__observers_ref(lane->observers);
}

/* ---- the client ---- */

static void client_destroy(void *object) {
  struct plq__client *client = object;
  struct plq__live *live = atomic_load(&client->live);
  if (live != NULL && live->generation != plq__fork_generation())
    live_leave_behind(live);
  else
    live_free(live);
  plq__settings_clear(&client->settings);
  plq__options_free(client->options);
  plq__free(client);
}

/* Moves the tokens out of the options: from now on they live in one place, where they can be replaced. */
static int32_t take_tokens(plq_options *options, struct plq__following *following, struct plq__tokens **out_tokens,
                           plq_error **out_error) {
  int32_t status = plq__token_files_read(options, following, out_tokens, out_error);
  plq__options_unset(options, PLQ__OPT_ACCESS_TOKEN);
  plq__options_unset(options, PLQ__OPT_SECOND_ACCESS_TOKEN);
  return status;
}

int32_t plq__client_new(const plq_options *options, plq_client_id *out_client, plq_error **out_error) {
  struct plq__live *live = NULL;
  struct plq__tokens *tokens = NULL;
  struct plq__following following = {.looked_ns = 0};
  struct plq__client *client = plq__alloc(sizeof *client);
  if (client == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  client->options = plq__options_copy(options);
  int32_t status = client->options != NULL ? PLQ_OK : plq__fail_plain(out_error, PLQ_E_MEMORY);
  if (status == PLQ_OK) status = plq__token_files_choose(client->options, out_error);
  if (status == PLQ_OK) status = plq__ambient_check(client->options, out_error);
  if (status == PLQ_OK) client->ambient_address = plq__ambient_address(client->options);
  if (status == PLQ_OK) status = plq__settings_init(&client->settings, client->options, out_error);
  if (status == PLQ_OK) status = plq__plugin_load(client->options, &client->plugin, out_error);
  if (status == PLQ_OK) status = take_tokens(client->options, &following, &tokens, out_error);
  if (status == PLQ_OK) status = live_new(client, tokens, &following, &live, out_error);
  if (status != PLQ_OK) goto cleanup;
  atomic_store(&client->live, live);
  client->id = plq__handle_new(PLQ__HANDLE_CLIENT, client, client_destroy);
  if (client->id == 0) {
    status = plq__fail_plain(out_error, PLQ_E_RESOURCE_HANDLES);
    goto cleanup;
  }
  *out_client = client->id;
  return PLQ_OK;
cleanup:
  client_destroy(client);
  return status;
}

struct plq__client *plq__client_acquire(plq_client_id id) { return plq__handle_acquire(id, PLQ__HANDLE_CLIENT); }

void plq__client_release(struct plq__client *client) { plq__handle_release(client->id); }

/* ---- runs ---- */

bool plq__run_begin(struct plq__live *live, struct plq__run *run) {
  pthread_mutex_lock(&live->lock);
  bool open = !live->closing;
  if (open) {
    run->next = live->runs;
    run->link = &live->runs;
    if (run->next != NULL) run->next->link = &run->next;
    live->runs = run;
    run->emitter.observers = plq__observers_ref(live->observers);
    run->emitter.client = live->client->id;
  }
  pthread_mutex_unlock(&live->lock);
  return open;
}

void plq__run_end(struct plq__live *live, struct plq__run *run) {
  pthread_mutex_lock(&live->lock);
  *run->link = run->next;
  if (run->next != NULL) run->next->link = run->link;
  pthread_cond_broadcast(&live->changed);
  pthread_mutex_unlock(&live->lock);
  plq__observers_unref(run->emitter.observers);
}

void plq__run_cancel(struct plq__live *live, struct plq__run *run) {
  run->cancelled = true;
  if (run->op != 0) live->lane.instance->plugin->functions.cancel(live->lane.instance->transport, run->op);
  pthread_cond_broadcast(&live->changed);
}

uint64_t plq__run_op(struct plq__live *live, struct plq__run *run) {
  pthread_mutex_lock(&live->lock);
  run->op = run->cancelled ? 0 : ++live->last_op;
  uint64_t op = run->op;
  pthread_mutex_unlock(&live->lock);
  return op;
}

static bool drain(struct plq__live *live, int64_t timeout_ms) {
  int64_t deadline_ns = plq__deadline_ns(plq__now_ns(), timeout_ms);
  struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = (long)(deadline_ns % 1000000000)};
  while (live->runs != NULL && plq__now_ns() < deadline_ns) {
    if (deadline_ns == PLQ__NEVER)
      pthread_cond_wait(&live->changed, &live->lock);
    else
      pthread_cond_timedwait(&live->changed, &live->lock, &until);
  }
  return live->runs == NULL;
}

bool plq__client_shut(struct plq__client *client, int64_t timeout_ms) {
  struct plq__live *live = atomic_load(&client->live);
  if (live->generation != plq__fork_generation()) return true; /* this process never used it: nothing runs, and nothing is made */
  pthread_mutex_lock(&live->lock);
  live->closing = true;
  for (struct plq__run *run = live->runs; run != NULL; run = run->next) plq__run_cancel(live, run);
  for (struct plq__queue_link *queue = live->queues; queue != NULL; queue = queue->next) queue->cancel_all(queue);
  bool drained = drain(live, timeout_ms);
  pthread_mutex_unlock(&live->lock);
  return drained;
}

/* ---- who observes ---- */

void plq__live_log(struct plq__live *live, int32_t level, struct plq__text text) {
  pthread_mutex_lock(&live->lock);
  struct plq__emitter emitter = {.observers = plq__observers_ref(live->observers), .client = live->client->id};
  pthread_mutex_unlock(&live->lock);
  plq__emit_log(&emitter, level, "libplastiq", text);
  plq__observers_unref(emitter.observers);
}

/* ---- tokens ---- */

struct plq__tokens *plq__live_tokens(struct plq__live *live) {
  pthread_mutex_lock(&live->lock);
  struct plq__tokens *tokens = plq__tokens_ref(live->tokens);
  pthread_mutex_unlock(&live->lock);
  return tokens;
}

void plq__live_set_tokens(struct plq__live *live, struct plq__tokens *tokens) {
  pthread_mutex_lock(&live->lock);
  struct plq__tokens *old = live->tokens;
  live->tokens = tokens;
  live->following.over = true;
  live->version++;
  pthread_mutex_unlock(&live->lock);
  plq__tokens_unref(old);
}

/* ---- time ---- */

int64_t plq__lane_now_ns(const struct plq__lane *lane) {
  return plq__instance_now_ns(lane->instance);
}

bool plq__live_wait(struct plq__live *live, struct plq__run *run, int64_t until_ns) {
  const struct plq__instance *instance = live->lane.instance;
  if (instance->clock != NULL) {
    instance->clock->sleep_until_ns(instance->timed, until_ns);
    return !run->cancelled;
  }
  struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000)};
  pthread_mutex_lock(&live->lock);
  while (!run->cancelled && plq__now_ns() < until_ns) pthread_cond_timedwait(&live->changed, &live->lock, &until);
  bool cancelled = run->cancelled;
  pthread_mutex_unlock(&live->lock);
  return !cancelled;
}
