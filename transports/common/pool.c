/* SPDX-License-Identifier: MIT */
/*
 * Slots for blocking calls: whatever a transport needs for one, with at most one connection. A thread has its slot for itself, so
 * the lock is held only to take one and to give it back. The slot that was used last is taken first: the others grow old and go.
 */
#include <string.h>
#include <time.h>

#include "plqt.h"

struct plqt_waiter {
  struct plqt_waiter *next;
  uint64_t id;
  bool cancelled;
};

void plqt_pool_init(plqt_pool *pool) {
  pthread_condattr_t attributes;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&pool->freed, &attributes);
  pthread_condattr_destroy(&attributes);
}

void plqt_pool_free(plqt_pool *pool) {
  pthread_cond_destroy(&pool->freed);
  pthread_mutex_destroy(&pool->lock);
}

static void push(plqt_slot **list, plqt_slot *slot) {
  slot->previous = NULL;
  slot->next = *list;
  if (*list) (*list)->previous = slot;
  *list = slot;
}

static void unlink_slot(plqt_slot **list, plqt_slot *slot) {
  if (slot->previous) slot->previous->next = slot->next;
  if (slot->next) slot->next->previous = slot->previous;
  if (*list == slot) *list = slot->next;
  slot->next = slot->previous = NULL;
}

static void push_idle(plqt_pool *pool, plqt_slot *slot) {
  push(&pool->idle_first, slot);
  if (!pool->idle_last) pool->idle_last = slot;
}

static void unlink_idle(plqt_pool *pool, plqt_slot *slot) {
  if (pool->idle_last == slot) pool->idle_last = slot->previous;
  unlink_slot(&pool->idle_first, slot);
}

static void drop_all(plqt_pool *pool, plqt_slot *slot) {
  while (slot) {
    plqt_slot *next = slot->next;
    pool->drop(slot);
    slot = next;
  }
}

/*
 * Takes the slots out whose connections are too old to be used; from the end of the list, because there are the oldest. The first
 * one stays for the sake of its TLS session.
 */
static plqt_slot *take_old(plqt_pool *pool, int64_t now) {
  plqt_slot *old = NULL;
  int64_t limit = now - pool->idle_ns;
  while (pool->idle_last && pool->idle_last != pool->idle_first && pool->idle_last->used_ns < limit) {
    plqt_slot *slot = pool->idle_last;
    unlink_idle(pool, slot);
    slot->next = old;
    old = slot;
    pool->count--;
  }
  return old;
}

static void mark(plqt_pool *pool, plqt_slot *slot, uint64_t id) {
  slot->id = id;
  atomic_store_explicit(&slot->cancelled, false, memory_order_relaxed);
  push(&pool->busy, slot);
}

static void leave_waiting(plqt_pool *pool, plqt_waiter *waiter) {
  plqt_waiter **at = &pool->waiting;
  while (*at != waiter) at = &(*at)->next;
  *at = waiter->next;
}

bool plqt_is_cancelled(const plq_transport_sink *sink) {
  return PLQT_HAS(sink, is_cancelled) && sink->is_cancelled && sink->is_cancelled(sink->context);
}

/* Under the lock. False: it took too long, or was cancelled. */
static bool wait_for_slot(plqt_pool *pool, plqt_waiter *waiter, int64_t deadline_ns) {
  if (waiter->cancelled) return false;
  if (deadline_ns == PLQT_NEVER) return pthread_cond_wait(&pool->freed, &pool->lock) == 0 && !waiter->cancelled;
  struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
  return pthread_cond_timedwait(&pool->freed, &pool->lock, &until) == 0 && !waiter->cancelled;
}

static bool slot_available(const plqt_pool *pool) {
  return pool->idle_first || pool->count < pool->max;
}

/* Under the lock. */
static int32_t wait_until_available(plqt_pool *pool, uint64_t id, const plq_transport_sink *sink, int64_t deadline_ns) {
  plqt_waiter waiter = {.id = id, .next = pool->waiting};
  int32_t status = PLQ_OK;
  pool->waiting = &waiter;
  pthread_mutex_unlock(&pool->lock);
  bool cancelled = plqt_is_cancelled(sink); /* now that cancel can find it */
  pthread_mutex_lock(&pool->lock);
  if (cancelled) waiter.cancelled = true;
  while (!status && !slot_available(pool)) {
    if (!wait_for_slot(pool, &waiter, deadline_ns)) status = waiter.cancelled ? PLQ_E_CANCELLED : PLQ_E_TIMEOUT_POOL;
  }
  if (waiter.cancelled) status = PLQ_E_CANCELLED;
  leave_waiting(pool, &waiter);
  if (status && slot_available(pool)) pthread_cond_signal(&pool->freed); /* it was for the next one, then */
  return status;
}

/* Under the lock: a slot that is idle, or NULL and room for a new one. */
static plqt_slot *take_idle(plqt_pool *pool, uint64_t id) {
  plqt_slot *slot = pool->idle_first;
  if (slot) {
    unlink_idle(pool, slot);
    mark(pool, slot, id);
  } else {
    pool->count++;
  }
  return slot;
}

static plqt_slot *add_slot(plqt_pool *pool, uint64_t id, int32_t *out_status, int *out_errno) {
  plqt_slot *slot = pool->make(pool->owner, out_status, out_errno);
  pthread_mutex_lock(&pool->lock);
  if (slot) {
    mark(pool, slot, id);
  } else {
    pool->count--;
    pthread_cond_signal(&pool->freed);
  }
  pthread_mutex_unlock(&pool->lock);
  return slot;
}

plqt_slot *plqt_pool_take(plqt_pool *pool, uint64_t id, const plq_transport_sink *sink, int64_t deadline_ns, int64_t now,
                          int32_t *out_status, int *out_errno) {
  *out_status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&pool->lock);
  plqt_slot *old = take_old(pool, now);
  if (!slot_available(pool)) *out_status = wait_until_available(pool, id, sink, deadline_ns);
  plqt_slot *slot = *out_status ? NULL : take_idle(pool, id);
  pthread_mutex_unlock(&pool->lock);
  drop_all(pool, old);
  if (!slot && !*out_status) slot = add_slot(pool, id, out_status, out_errno);
  if (slot && plqt_is_cancelled(sink)) atomic_store(&slot->cancelled, true);
  return slot;
}

void plqt_pool_give_back(plqt_pool *pool, plqt_slot *slot) {
  pthread_mutex_lock(&pool->lock);
  slot->id = 0;
  unlink_slot(&pool->busy, slot);
  push_idle(pool, slot);
  if (pool->waiting) pthread_cond_signal(&pool->freed);
  pthread_mutex_unlock(&pool->lock);
}

void plqt_pool_clear(plqt_pool *pool) {
  drop_all(pool, pool->idle_first);
  drop_all(pool, pool->busy);
  pool->idle_first = pool->idle_last = pool->busy = NULL;
  pool->count = 0;
}

void plqt_pool_cancel(plqt_pool *pool, uint64_t id) {
  pthread_mutex_lock(&pool->lock);
  for (plqt_slot *slot = pool->busy; slot; slot = slot->next) {
    if (slot->id != id) continue;
    atomic_store(&slot->cancelled, true);
    pool->wake(slot);
  }
  for (plqt_waiter *waiter = pool->waiting; waiter; waiter = waiter->next) {
    if (waiter->id != id) continue;
    waiter->cancelled = true;
    pthread_cond_broadcast(&pool->freed);
  }
  pthread_mutex_unlock(&pool->lock);
}

/* ---- for prewarm ---- */

uint32_t plqt_pool_count_open(plqt_pool *pool, const plq_transport_target *target) {
  uint32_t count = 0;
  pthread_mutex_lock(&pool->lock);
  for (const plqt_slot *slot = pool->idle_first; slot; slot = slot->next) count += pool->is_open(slot, target, false);
  for (const plqt_slot *slot = pool->busy; slot; slot = slot->next) count += pool->is_open(slot, target, true);
  pthread_mutex_unlock(&pool->lock);
  return count;
}

void plqt_pool_count(plqt_pool *pool, uint32_t *out_open, uint32_t *out_busy) {
  *out_open = *out_busy = 0;
  pthread_mutex_lock(&pool->lock);
  for (const plqt_slot *slot = pool->busy; slot; slot = slot->next) *out_busy += pool->is_open(slot, NULL, true);
  for (const plqt_slot *slot = pool->idle_first; slot; slot = slot->next) *out_open += pool->is_open(slot, NULL, false);
  *out_open += *out_busy;
  pthread_mutex_unlock(&pool->lock);
}

plqt_slot *plqt_pool_try(plqt_pool *pool, uint64_t id, const plq_transport_target *target, int32_t *out_status, int *out_errno) {
  plqt_slot *slot;
  *out_status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&pool->lock);
  for (slot = pool->idle_first; slot && pool->is_open(slot, target, false); slot = slot->next) continue;
  bool room = pool->count < pool->max;
  if (slot) {
    unlink_idle(pool, slot);
    mark(pool, slot, id);
  } else if (room) {
    pool->count++;
  } else {
    *out_status = PLQ_E_TIMEOUT_POOL;
  }
  pthread_mutex_unlock(&pool->lock);
  return slot || !room ? slot : add_slot(pool, id, out_status, out_errno);
}
