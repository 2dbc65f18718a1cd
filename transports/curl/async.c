/* SPDX-License-Identifier: MIT */
/*
 * The half without blocking: the same operations, many on one engine, behind one epoll descriptor that also holds a timer and a
 * wake-up. libcurl is never called from submit, so submit may come from inside a callback.
 */
#include "plqc.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#define EVENTS_MAX 64
#define SPARE_MAX 64

/* Once, by whoever comes first; the descriptors are not for those who only block. */
static int32_t open_engine(plqc_instance *instance, int *out_errno) {
  int32_t status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&instance->lock);
  if (!instance->async_ready) {
    status = plqc_engine_init(&instance->async, instance, true, out_errno);
    instance->async_ready = status == PLQ_OK;
    atomic_store(&instance->async_open, instance->async_ready);
  }
  pthread_mutex_unlock(&instance->lock);
  if (!status && atomic_load(&instance->wake_pending)) plqc_engine_wake(&instance->async);
  return status;
}

int32_t plqc_event_fd(plq_transport_instance *handle) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno;
  return open_engine(instance, &os_errno) ? -1 : instance->async.epoll_fd;
}

void plqc_wake(plq_transport_instance *handle) {
  plqc_instance *instance = (plqc_instance *)handle;
  atomic_store(&instance->wake_pending, true);
  if (atomic_load(&instance->async_open)) plqc_engine_wake(&instance->async);
}

/* Operations are found by cancel in two lists: queued here, and those that the engine has. All three change under the lock. */
static plqc_operation *get_operation(plqc_instance *instance) {
  plqc_operation *op = instance->spare;
  if (op) {
    plqc_list_remove(&instance->spare, op);
    instance->spare_count--;
    return op;
  }
  op = plqc_alloc(instance, sizeof *op);
  if (!op) return NULL;
  if (plqc_operation_init(op, instance)) return op;
  plqc_operation_clear(op);
  plqc_free(instance, op);
  return NULL;
}

static void put_operation(plqc_instance *instance, plqc_operation *op) {
  if (instance->spare_count < SPARE_MAX) {
    plqc_list_add(&instance->spare, op);
    instance->spare_count++;
    return;
  }
  plqc_operation_clear(op);
  plqc_free(instance, op);
}

/* Under the lock, as the other two. */
static void enter(plqc_instance *instance, plqc_operation *op) {
  op->next = NULL;
  if (instance->queued_last) {
    instance->queued_last->next = op;
  } else {
    instance->queued = op;
  }
  instance->queued_last = op;
  op->known_previous = NULL;
  op->known_next = instance->known;
  if (op->known_next) op->known_next->known_previous = op;
  instance->known = op;
}

static plqc_operation *take_queued(plqc_instance *instance) {
  plqc_operation *op = instance->queued;
  if (op) instance->queued = op->next;
  if (!instance->queued) instance->queued_last = NULL;
  if (op) op->next = op->previous = NULL;
  return op;
}

static void leave(plqc_instance *instance, plqc_operation *op) {
  if (op->known_previous) op->known_previous->known_next = op->known_next;
  if (op->known_next) op->known_next->known_previous = op->known_previous;
  if (instance->known == op) instance->known = op->known_next;
}

int32_t plqc_submit(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno;
  if (!plqc_request_valid(request, sink, error)) return error->status;
  int32_t status = open_engine(instance, &os_errno);
  plqc_operation *op = status ? NULL : get_operation(instance);
  if (!op) {
    if (!status) status = PLQ_E_MEMORY;
    plqc_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "the operation cannot be set up");
    return status;
  }
  plqc_operation_reset(op, request, sink, plqc_now(instance));
  atomic_store(&op->cancelled, false);
  pthread_mutex_lock(&instance->lock);
  op->id = request->op;
  enter(instance, op);
  pthread_mutex_unlock(&instance->lock);
  plqc_engine_wake(&instance->async);
  return PLQ_OK;
}

/* Under the lock. */
void plqc_async_cancel(plqc_instance *instance, uint64_t id) {
  for (plqc_operation *op = instance->known; op; op = op->known_next) {
    if (op->id != id) continue;
    atomic_store(&op->cancelled, true);
    atomic_store(&instance->cancel_pending, true);
    plqc_engine_wake(&instance->async);
    return;
  }
}

static void finish(plqc_instance *instance, plqc_operation *op, int64_t now) {
  pthread_mutex_lock(&instance->lock);
  leave(instance, op);
  pthread_mutex_unlock(&instance->lock);
  plqc_operation_report(op, now);
  put_operation(instance, op);
}

static bool finish_over(plqc_instance *instance) {
  bool any = instance->async.over != NULL;
  while (instance->async.over) finish(instance, instance->async.over, plqc_now(instance));
  return any;
}

static bool begin_queued(plqc_instance *instance) {
  bool any = false;
  for (;;) {
    pthread_mutex_lock(&instance->lock);
    plqc_operation *op = take_queued(instance);
    pthread_mutex_unlock(&instance->lock);
    if (!op) return any;
    any = true;
    plqc_operation_begin(op, &instance->async, plqc_now(instance));
  }
}

static void take_event(plqc_engine *engine, const struct epoll_event *event) {
  if (event->data.u64 == PLQC_LOOKUP_EVENT) {
    engine->limit_at = 0;
  } else if (event->data.u64 == (uint64_t)engine->wake_fd) {
    plqc_engine_drain(engine->wake_fd);
  } else if (event->data.u64 == (uint64_t)engine->timer_fd) {
    plqc_engine_drain(engine->timer_fd);
    engine->armed_at = PLQC_NEVER;
  } else {
    int poll_events = (event->events & EPOLLIN ? POLLIN : 0) | (event->events & EPOLLOUT ? POLLOUT : 0) |
                      (event->events & (EPOLLERR | EPOLLHUP) ? POLLERR : 0);
    plqc_engine_socket(engine, (curl_socket_t)event->data.u64, plqc_poll_mask(poll_events));
  }
}

static int wait_ms(int64_t now, int64_t until) {
  if (until <= now) return 0;
  if (until == PLQC_NEVER || (until - now) / PLQC_MS >= INT32_MAX - 1) return -1;
  return (int)((until - now + PLQC_MS - 1) / PLQC_MS);
}

/* One round; true: something was done. */
static bool round_once(plqc_instance *instance, int64_t until) {
  plqc_engine *engine = &instance->async;
  struct epoll_event events[EVENTS_MAX];
  bool any = begin_queued(instance);
  if (atomic_exchange(&instance->cancel_pending, false)) engine->limit_at = 0;
  int64_t now = plqc_now(instance);
  int64_t next = plqc_engine_next(engine);
  if (any || engine->over || next <= now) until = 0;
  int count = epoll_wait(engine->epoll_fd, events, EVENTS_MAX, wait_ms(now, next < until ? next : until));
  for (int i = 0; i < count; i++) take_event(engine, &events[i]);
  if (atomic_exchange(&instance->cancel_pending, false)) engine->limit_at = 0;
  now = plqc_now(instance);
  if (plqc_engine_next(engine) <= now) any = true;
  plqc_engine_turn(engine, now);
  return finish_over(instance) || any || count > 0;
}

/* Puts the timer to when the next drive is due. One that is set too early only costs a round. */
static void arm(plqc_engine *engine) {
  int64_t at = plqc_engine_next(engine);
  struct itimerspec spec = {0};
  if (at >= engine->armed_at) return;
  engine->armed_at = at;
  if (at <= 0) at = 1;
  spec.it_value.tv_sec = at / 1000000000;
  spec.it_value.tv_nsec = at % 1000000000;
  timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/*
 * Goes on until a round finds nothing, but not for ever: an edge-triggered host sees no new edge for what was there before, so
 * what is left after that announces itself by the wake-up descriptor.
 */
int32_t plqc_drive(plq_transport_instance *handle, int64_t until_ns) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno, rounds = 0;
  int32_t status = open_engine(instance, &os_errno);
  if (status) return status;
  if (atomic_exchange(&instance->wake_pending, false)) until_ns = 0;
  while (rounds < 8 && round_once(instance, until_ns)) {
    until_ns = 0;
    rounds++;
  }
  atomic_store(&instance->wake_pending, false);
  if (rounds == 8) plqc_engine_wake(&instance->async);
  arm(&instance->async);
  return PLQ_OK;
}

void plqc_async_clear(plqc_instance *instance) {
  plqc_operation *op;
  if (instance->async_ready) {
    while ((op = take_queued(instance))) {
      op->verdict = PLQ_E_CANCELLED;
      op->verdict_phase = PLQ_PHASE_CONNECT;
      finish(instance, op, plqc_now(instance));
    }
    while (instance->async.active)
      plqc_operation_stop(instance->async.active, PLQ_E_CANCELLED, plqc_phase(instance->async.active));
    finish_over(instance);
    plqc_engine_clear(&instance->async);
  }
  while ((op = instance->spare)) {
    plqc_list_remove(&instance->spare, op);
    plqc_operation_clear(op);
    plqc_free(instance, op);
  }
}
