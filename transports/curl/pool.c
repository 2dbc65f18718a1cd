/* SPDX-License-Identifier: MIT */
/*
 * Lanes: a multi handle, one easy handle and at most one connection each. A thread has its lane for itself, so the lock is held
 * only to take one and to give it back. The lane that was used last is taken first: the others grow old and go.
 */
#include "plqc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void push(plqc_lane **list, plqc_lane *lane) {
  lane->previous = NULL;
  lane->next = *list;
  if (*list) (*list)->previous = lane;
  *list = lane;
}

static void unlink_lane(plqc_lane **list, plqc_lane *lane) {
  if (lane->previous) lane->previous->next = lane->next;
  if (lane->next) lane->next->previous = lane->previous;
  if (*list == lane) *list = lane->next;
  lane->next = lane->previous = NULL;
}

static void push_idle(plqc_instance *instance, plqc_lane *lane) {
  push(&instance->idle_first, lane);
  if (!instance->idle_last) instance->idle_last = lane;
}

static void unlink_idle(plqc_instance *instance, plqc_lane *lane) {
  if (instance->idle_last == lane) instance->idle_last = lane->previous;
  unlink_lane(&instance->idle_first, lane);
}

static void free_lane(plqc_instance *instance, plqc_lane *lane) {
  plqc_engine_clear(&lane->engine); /* closes the connection */
  plqc_operation_clear(&lane->operation);
  plqc_free(instance, lane);
}

static void free_lanes(plqc_instance *instance, plqc_lane *lane) {
  while (lane) {
    plqc_lane *next = lane->next;
    free_lane(instance, lane);
    lane = next;
  }
}

static plqc_lane *new_lane(plqc_instance *instance, int32_t *out_status, int *out_errno) {
  plqc_lane *lane = plqc_alloc(instance, sizeof *lane);
  *out_status = PLQ_E_MEMORY;
  if (!lane) return NULL;
  memset(lane, 0, sizeof *lane);
  *out_status = plqc_engine_init(&lane->engine, instance, false, out_errno);
  if (*out_status) {
    plqc_free(instance, lane);
    return NULL;
  }
  if (!plqc_operation_init(&lane->operation, instance)) {
    *out_status = PLQ_E_MEMORY;
    free_lane(instance, lane);
    return NULL;
  }
  return lane;
}

/*
 * Takes the lanes out whose connections are too old to be used; from the end of the list, because there are the oldest. The first
 * one stays for the sake of its TLS session.
 */
static plqc_lane *take_old(plqc_instance *instance, int64_t now) {
  plqc_lane *old = NULL;
  int64_t limit = now - instance->config.connection_idle_ms * PLQC_MS;
  while (instance->idle_last && instance->idle_last != instance->idle_first && instance->idle_last->used_ns < limit) {
    plqc_lane *lane = instance->idle_last;
    unlink_idle(instance, lane);
    lane->next = old;
    old = lane;
    instance->lane_count--;
  }
  return old;
}

static void mark(plqc_instance *instance, plqc_lane *lane, uint64_t id) {
  lane->operation.id = id;
  atomic_store_explicit(&lane->operation.cancelled, false, memory_order_relaxed);
  push(&instance->busy, lane);
}

static void leave_waiting(plqc_instance *instance, plqc_waiter *waiter) {
  plqc_waiter **at = &instance->waiting;
  while (*at != waiter) at = &(*at)->next;
  *at = waiter->next;
}

static bool is_cancelled(const plq_transport_sink *sink) {
  return PLQC_HAS(sink, is_cancelled) && sink->is_cancelled && sink->is_cancelled(sink->context);
}

/* Under the lock. False: it took too long, or was cancelled. */
static bool wait_for_lane(plqc_instance *instance, plqc_waiter *waiter, int64_t deadline_ns) {
  if (waiter->cancelled) return false;
  if (deadline_ns == PLQC_NEVER) return pthread_cond_wait(&instance->lane_free, &instance->lock) == 0 && !waiter->cancelled;
  struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
  return pthread_cond_timedwait(&instance->lane_free, &instance->lock, &until) == 0 && !waiter->cancelled;
}

static bool lane_available(const plqc_instance *instance) {
  return instance->idle_first || instance->lane_count < instance->config.max_connections;
}

/* Under the lock. */
static int32_t wait_until_available(plqc_instance *instance, uint64_t id, const plq_transport_sink *sink, int64_t deadline_ns) {
  plqc_waiter waiter = {.id = id, .next = instance->waiting};
  int32_t status = PLQ_OK;
  instance->waiting = &waiter;
  pthread_mutex_unlock(&instance->lock);
  bool cancelled = is_cancelled(sink); /* now that cancel can find it */
  pthread_mutex_lock(&instance->lock);
  if (cancelled) waiter.cancelled = true;
  while (!status && !lane_available(instance)) {
    if (!wait_for_lane(instance, &waiter, deadline_ns)) status = waiter.cancelled ? PLQ_E_CANCELLED : PLQ_E_TIMEOUT_POOL;
  }
  if (waiter.cancelled) status = PLQ_E_CANCELLED;
  leave_waiting(instance, &waiter);
  if (status && lane_available(instance)) pthread_cond_signal(&instance->lane_free); /* it was for the next one, then */
  return status;
}

/* Under the lock: a lane that is idle, or NULL and room for a new one. */
static plqc_lane *take_idle(plqc_instance *instance, uint64_t id) {
  plqc_lane *lane = instance->idle_first;
  if (lane) {
    unlink_idle(instance, lane);
    mark(instance, lane, id);
  } else {
    instance->lane_count++;
  }
  return lane;
}

static plqc_lane *add_lane(plqc_instance *instance, uint64_t id, int32_t *out_status, int *out_errno) {
  plqc_lane *lane = new_lane(instance, out_status, out_errno);
  pthread_mutex_lock(&instance->lock);
  if (lane) {
    mark(instance, lane, id);
  } else {
    instance->lane_count--;
    pthread_cond_signal(&instance->lane_free);
  }
  pthread_mutex_unlock(&instance->lock);
  return lane;
}

plqc_lane *plqc_lane_take(plqc_instance *instance, uint64_t id, const plq_transport_sink *sink, int64_t deadline_ns, int64_t now,
                          int32_t *out_status, int *out_errno) {
  *out_status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&instance->lock);
  plqc_lane *old = take_old(instance, now);
  if (!lane_available(instance)) *out_status = wait_until_available(instance, id, sink, deadline_ns);
  plqc_lane *lane = *out_status ? NULL : take_idle(instance, id);
  pthread_mutex_unlock(&instance->lock);
  free_lanes(instance, old);
  if (!lane && !*out_status) lane = add_lane(instance, id, out_status, out_errno);
  if (lane && is_cancelled(sink)) atomic_store(&lane->operation.cancelled, true);
  return lane;
}

void plqc_lane_give_back(plqc_instance *instance, plqc_lane *lane) {
  pthread_mutex_lock(&instance->lock);
  lane->operation.id = 0;
  unlink_lane(&instance->busy, lane);
  push_idle(instance, lane);
  if (instance->waiting) pthread_cond_signal(&instance->lane_free);
  pthread_mutex_unlock(&instance->lock);
}

void plqc_lanes_clear(plqc_instance *instance) {
  free_lanes(instance, instance->idle_first);
  free_lanes(instance, instance->busy);
  instance->idle_first = instance->idle_last = instance->busy = NULL;
  instance->lane_count = 0;
}

/* ---- for prewarm ---- */

static bool goes_to(const plqc_lane *lane, const plq_transport_target *target) {
  const plqc_operation *op = &lane->operation;
  return op->url && op->origin_len == target->origin_len && memcmp(op->url, target->origin, target->origin_len) == 0;
}

bool plqc_lane_is_old(const plqc_lane *lane, int64_t now) {
  return lane->used_ns < now - lane->engine.instance->config.connection_idle_ms * PLQC_MS;
}

static bool is_open(const plqc_lane *lane) {
  char byte;
  if (plqc_lane_is_old(lane, plqc_now(lane->engine.instance))) return false;
  int fd = atomic_load(&lane->engine.connection_fd);
  if (fd < 0) return false;
  ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

uint32_t plqc_lanes_open_to(plqc_instance *instance, const plq_transport_target *target) {
  uint32_t count = 0;
  pthread_mutex_lock(&instance->lock);
  for (plqc_lane *lane = instance->idle_first; lane; lane = lane->next) count += goes_to(lane, target) && is_open(lane);
  for (plqc_lane *lane = instance->busy; lane; lane = lane->next) count += atomic_load(&lane->engine.connection_fd) >= 0;
  pthread_mutex_unlock(&instance->lock);
  return count;
}

/* A lane without a connection to the target, or NULL; does not wait. */
plqc_lane *plqc_lane_try(plqc_instance *instance, uint64_t id, const plq_transport_target *target, int32_t *out_status,
                         int *out_errno) {
  plqc_lane *lane;
  *out_status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&instance->lock);
  for (lane = instance->idle_first; lane && goes_to(lane, target) && is_open(lane); lane = lane->next) continue;
  bool room = instance->lane_count < instance->config.max_connections;
  if (lane) {
    unlink_idle(instance, lane);
    mark(instance, lane, id);
  } else if (room) {
    instance->lane_count++;
  } else {
    *out_status = PLQ_E_TIMEOUT_POOL;
  }
  pthread_mutex_unlock(&instance->lock);
  return lane || !room ? lane : add_lane(instance, id, out_status, out_errno);
}
