/* SPDX-License-Identifier: MIT */
/*
 * The half without blocking: the same operations, many on one engine, behind one epoll descriptor that also holds a timer and a
 * wake-up. libcurl is never called from submit, so submit may come from inside a callback.
 */
#include "plqc.h"

#include <sys/epoll.h>

#define EVENTS_MAX 64
#define ROUNDS_MAX 8
#define SPARE_MAX 128
#define SPARE_CALLS_MAX 1024
#define AGAIN_NS (2 * PLQT_MS) /* to begin with */
#define AGAIN_MAX_NS (256 * PLQT_MS)
#define STREAMS_MAX 100 /* on one HTTP/2 connection: libcurl's own limit, unless it is told another */

static int32_t open_engine(plqc_instance *instance, int *out_errno) {
  int32_t status = plqt_inbox_open(&instance->inbox, out_errno);
  if (status || instance->async_ready) return status;
  status = plqc_engine_init(&instance->async, instance, true, out_errno);
  instance->async_ready = status == PLQ_OK;
  return status;
}

int32_t plqc_event_fd(plq_transport_instance *handle) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno;
  return plqt_inbox_open(&instance->inbox, &os_errno) ? -1 : instance->inbox.epoll_fd;
}

void plqc_wake(plq_transport_instance *handle) {
  plqt_inbox_wake(&((plqc_instance *)handle)->inbox);
}

bool plqc_async_is_used(const plqc_instance *instance) {
  return atomic_load(&instance->inbox.open);
}

/* ---- what is used again ---- */

static plqc_operation *get_operation(plqc_instance *instance) {
  plqc_operation *op = instance->spare;
  if (op) {
    plqc_list_remove(&instance->spare, op);
    instance->spare_count--;
    return op;
  }
  op = plqc_alloc(instance, sizeof *op);
  if (!op) return NULL;
  if (plqc_operation_init(op, instance, NULL)) return op;
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

static plqc_call *get_call(plqc_instance *instance) {
  plqc_call *call = instance->spare_calls;
  if (!call) return plqc_alloc(instance, sizeof *call);
  instance->spare_calls = call->next;
  instance->spare_call_count--;
  return call;
}

static void put_call(plqc_instance *instance, plqc_call *call) {
  if (instance->spare_call_count == SPARE_CALLS_MAX) {
    plqc_free(instance, call);
    return;
  }
  call->next = instance->spare_calls;
  instance->spare_calls = call;
  instance->spare_call_count++;
}

int32_t plqc_submit(plq_transport_instance *handle, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error) {
  plqc_instance *instance = (plqc_instance *)handle;
  int os_errno;
  if (!plqc_request_valid(request, sink, error)) return error->status;
  int32_t status = open_engine(instance, &os_errno);
  plqc_call *call = status ? NULL : get_call(instance);
  if (!call) {
    if (!status) status = PLQ_E_MEMORY;
    plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "the operation cannot be set up");
    return status;
  }
  call->op = NULL;
  call->request = request;
  call->sink = sink;
  call->submitted_ns = plqc_now(instance);
  plqt_timer_init(&call->timer);
  plqt_inbox_submit(&instance->inbox, &call->entry, request->op);
  return PLQ_OK;
}

/* ---- waiting for libcurl to take more ---- */

/* How many operations it can do something with: one for each connection, until it turns out that the server speaks HTTP/2. */
static bool has_room(const plqc_instance *instance) {
  uint32_t two = instance->two_count;
  return instance->running < (two ? two * STREAMS_MAX : (uint64_t)instance->config.max_connections);
}

/*
 * Where every stream of every connection is taken: one more, and not the next before it is there. Left to itself libcurl opens
 * one for each handle that finds no stream.
 */
static bool may_grow(const plqc_instance *instance) {
  return instance->two_count && !instance->growing && instance->open_count < instance->config.max_connections;
}

static void queue(plqc_instance *instance, plqc_call *call) {
  call->next = NULL;
  call->previous = instance->waiting_last;
  *(call->previous ? &call->previous->next : &instance->waiting) = call;
  instance->waiting_last = call;
  plqt_timer_limit(&instance->waiting_timers, &call->timer, call->request->deadline_ns);
}

static void leave_queue(plqc_instance *instance, plqc_call *call) {
  *(call->previous ? &call->previous->next : &instance->waiting) = call->next;
  *(call->next ? &call->next->previous : &instance->waiting_last) = call->previous;
  plqt_timer_stop(&instance->waiting_timers, &call->timer);
}

/* One that has no operation ends. */
static void end_waiting(plqc_instance *instance, plqc_call *call, int32_t status, int os_errno) {
  const plq_transport_sink *sink = call->sink;
  int64_t submitted_ns = call->submitted_ns;
  plqt_inbox_leave(&instance->inbox, &call->entry);
  put_call(instance, call);
  plqt_report_no_slot(instance->host, sink, submitted_ns, status, os_errno);
}

static void begin(plqc_instance *instance, plqc_call *call, bool fresh) {
  plqc_operation *op = get_operation(instance);
  if (!op) {
    end_waiting(instance, call, PLQ_E_MEMORY, 0);
    return;
  }
  call->op = op;
  op->call = call;
  op->cancelled = &call->entry.cancelled;
  op->prewarm = false;
  instance->running++;
  plqc_operation_reset(op, call->request, call->sink, call->submitted_ns);
  op->want_fresh = fresh;
  if (fresh) instance->growing = op;
  plqc_operation_begin(op, &instance->async, plqc_now(instance));
}

/* True: one of them was reported. */
static bool begin_waiting(plqc_instance *instance, int64_t now) {
  bool any = false;
  plqt_timer *timer;
  while ((timer = plqt_timers_take(&instance->waiting_timers, now))) {
    plqc_call *call = (plqc_call *)(void *)((char *)timer - offsetof(plqc_call, timer));
    leave_queue(instance, call);
    end_waiting(instance, call, PLQ_E_TIMEOUT_POOL, 0);
    any = true;
  }
  if (instance->growing && instance->growing->accepted) instance->growing = NULL;
  while (instance->waiting && (has_room(instance) || may_grow(instance))) {
    plqc_call *call = instance->waiting;
    bool fresh = !has_room(instance);
    leave_queue(instance, call);
    begin(instance, call, fresh);
  }
  return any;
}

static bool take_submitted(plqc_instance *instance) {
  plqt_entry *entry;
  bool any = false;
  while ((entry = plqt_inbox_take(&instance->inbox))) {
    queue(instance, (plqc_call *)(void *)entry);
    any = true;
  }
  return any;
}

/* ---- ends ---- */

static void finish(plqc_instance *instance, plqc_operation *op, int64_t now) {
  plqc_call *call = op->call;
  if (call) plqt_inbox_leave(&instance->inbox, &call->entry);
  if (call) put_call(instance, call);
  op->call = NULL;
  instance->running--;
  if (instance->growing == op) instance->growing = NULL;
  plqc_operation_report(op, now);
  put_operation(instance, op);
}

static void finish_over(plqc_instance *instance) {
  if (!instance->async.over) return;
  int64_t now = plqc_now(instance);
  while (instance->async.over) finish(instance, instance->async.over, now);
}

static void cancel(plqc_operation *op) {
  plqc_operation_stop(op, PLQ_E_CANCELLED, plqc_phase(op));
}

static bool end_cancelled(plqc_instance *instance) {
  plqt_entry *entry;
  bool any = false;
  while ((entry = plqt_inbox_take_cancelled(&instance->inbox))) {
    plqc_call *call = (plqc_call *)(void *)entry;
    any = true;
    if (entry == instance->warming) {
      for (plqc_operation *op = instance->async.active, *next; op; op = next) {
        next = op->next;
        if (op->prewarm) cancel(op);
      }
    } else if (call->op) {
      cancel(call->op);
    } else {
      leave_queue(instance, call);
      end_waiting(instance, call, PLQ_E_CANCELLED, 0);
    }
  }
  return any;
}

/* ---- driving ---- */

/* True: what it told of may be so still. Over HTTP/1 a socket whose operation has ended is read empty. */
static bool take_event(plqc_instance *instance, const struct epoll_event *event) {
  plqc_engine *engine = &instance->async;
  uint64_t ended = engine->ended_count;
  if (event->data.u64 == PLQC_LOOKUP_EVENT) {
    engine->look = true;
    return false;
  }
  if (plqt_inbox_saw(&instance->inbox, event->data.u64)) return false;
  int poll_events = (event->events & EPOLLIN ? POLLIN : 0) | (event->events & EPOLLOUT ? POLLOUT : 0) |
                    (event->events & (EPOLLERR | EPOLLHUP) ? POLLERR : 0);
  plqc_engine_socket(engine, (curl_socket_t)event->data.u64, plqc_poll_mask(poll_events));
  return engine->ended_count == ended || instance->two_count > 0;
}

/*
 * libcurl 7.88 may read what belongs to one stream of a connection while it works for another, and then does not come back to the
 * first until something else happens there. So where nothing does any more, each is looked at again, less and less often.
 */
static void look_again(plqc_instance *instance, int64_t now, bool active) {
  bool streams = false;
  if (!active && instance->again_at > now) return;
  for (plqc_connection *connection = instance->connections, *next; connection; connection = next) {
    next = connection->next;
    if (!connection->two || !atomic_load(&connection->streams)) continue;
    streams = true;
    if (active) break;
    plqc_engine_socket(&instance->async, connection->fd, CURL_CSELECT_IN);
  }
  instance->again_ns = active ? AGAIN_NS : instance->again_ns < AGAIN_MAX_NS ? 2 * instance->again_ns : AGAIN_MAX_NS;
  instance->again_at = streams ? now + instance->again_ns : PLQT_NEVER;
}

static int64_t next_due(const plqc_instance *instance) {
  int64_t next = plqc_engine_next(&instance->async), waiting = plqt_timers_next(&instance->waiting_timers);
  if (instance->two_count && instance->again_at < next) next = instance->again_at;
  return next < waiting ? next : waiting;
}

/* What the inbox holds is looked at after the wait, which tells of it. */
static int wait_for_events(plqc_instance *instance, struct epoll_event *events, int64_t until) {
  plqt_inbox *inbox = &instance->inbox;
  int64_t now = plqc_now(instance), next = next_due(instance);
  if (atomic_load(&inbox->submitted_count) || atomic_load(&inbox->cancelled_count)) until = 0;
  return plqt_inbox_wait(inbox, events, EVENTS_MAX, now, next < until ? next : until);
}

/*
 * One round; true: something was done. libcurl's sockets are level-triggered, and it does not always read one empty: that is no
 * new edge for the host, so *out_left says whether that may be.
 */
static bool round_once(plqc_instance *instance, int64_t until, bool *out_left) {
  plqc_engine *engine = &instance->async;
  struct epoll_event events[EVENTS_MAX];
  int count = wait_for_events(instance, events, until);
  uint64_t runs = engine->runs, accepted = engine->accepted_count;
  *out_left = count == EVENTS_MAX;
  for (int i = 0; i < count; i++) *out_left |= take_event(instance, &events[i]);
  int64_t now = plqc_now(instance);
  bool active = engine->runs != runs;
  bool any = take_submitted(instance);
  any |= end_cancelled(instance);
  if (instance->two_count && !active) look_again(instance, now, false);
  do { /* What ends makes room for what waits, and what was begun is due at once: libcurl's timer. */
    any |= begin_waiting(instance, now);
    plqc_engine_turn(engine, now);
    any |= engine->over != NULL;
    finish_over(instance);
  } while (instance->waiting && has_room(instance));
  active |= engine->accepted_count != accepted;
  if (instance->two_count && active) look_again(instance, now, true);
  return any || count != 0;
}

int32_t plqc_drive(plq_transport_instance *handle, int64_t until_ns) {
  plqc_instance *instance = (plqc_instance *)handle;
  bool any = false, left = false;
  int os_errno, rounds = 0;
  int32_t status = open_engine(instance, &os_errno);
  if (status) return status;
  do {
    if (round_once(instance, any ? 0 : until_ns, &left)) any = true;
    if (any) rounds++;
  } while (any ? left && rounds < ROUNDS_MAX : plqc_now(instance) < until_ns);
  if (left) plqt_inbox_signal(&instance->inbox);
  plqt_inbox_arm(&instance->inbox, next_due(instance));
  return PLQ_OK;
}

/* ---- prewarm ---- */

static uint32_t count_open(void *owner, const plq_transport_target *target) {
  const plqc_instance *instance = owner;
  const plqc_connection *connection = instance->connections;
  uint64_t origin = plqc_origin_hash(target);
  int64_t now = plqc_now(instance);
  uint32_t count = 0;
  for (; connection; connection = connection->next) count += plqc_connection_is_warm(instance, connection, origin, now);
  return count;
}

/* libcurl closes one that is idle where there are too many. */
static bool may_open(const plqc_instance *instance, const plq_transport_target *target, int64_t now) {
  const plqc_connection *connection = instance->connections;
  uint64_t origin = plqc_origin_hash(target);
  if (instance->open_count < instance->config.max_connections) return true;
  while (connection && (connection->streams || plqc_connection_is_warm(instance, connection, origin, now)))
    connection = connection->next;
  return connection != NULL;
}

static int32_t begin_warming(void *owner, const plq_transport_request *request, const plq_transport_sink *sink,
                             const atomic_bool *cancelled) {
  plqc_instance *instance = owner;
  int64_t now = plqc_now(instance);
  if (!may_open(instance, request->target, now)) return PLQ_E_TIMEOUT_POOL;
  plqc_operation *op = get_operation(instance);
  if (!op) return PLQ_E_MEMORY;
  plqc_operation_reset(op, request, sink, now);
  op->call = NULL;
  op->cancelled = cancelled;
  op->prewarm = op->want_fresh = true;
  instance->running++;
  plqc_operation_begin(op, &instance->async, now);
  return PLQ_OK;
}

static void drive_warming(void *owner, int64_t until_ns) {
  plqc_drive(owner, until_ns);
}

int32_t plqc_async_prewarm(plqc_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                           uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  const plqt_async_warming warming = {.host = instance->host,
                                      .inbox = &instance->inbox,
                                      .owner = instance,
                                      .max = (uint32_t)instance->config.max_connections,
                                      .warming = &instance->warming,
                                      .count_open = count_open,
                                      .begin = begin_warming,
                                      .drive = drive_warming};
  int os_errno;
  int32_t status = open_engine(instance, &os_errno);
  return status ? status : plqt_async_prewarm(&warming, target, count, deadline_ns, op, sink, error, out_open);
}

/* ---- the end ---- */

void plqc_async_clear(plqc_instance *instance) {
  plqc_engine *engine = &instance->async;
  if (instance->async_ready) {
    take_submitted(instance);
    while (instance->waiting) {
      plqc_call *call = instance->waiting;
      leave_queue(instance, call);
      end_waiting(instance, call, PLQ_E_CANCELLED, 0);
    }
    while (engine->active) cancel(engine->active);
    finish_over(instance);
    plqc_engine_clear(engine);
  }
  while (instance->spare) {
    plqc_operation *op = instance->spare;
    plqc_list_remove(&instance->spare, op);
    plqc_operation_clear(op);
    plqc_free(instance, op);
  }
  while (instance->spare_calls) {
    plqc_call *call = instance->spare_calls;
    instance->spare_calls = call->next;
    plqc_free(instance, call);
  }
}
