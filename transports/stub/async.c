/* SPDX-License-Identifier: MIT */
/*
 * The half of calling that does not block. Operations are events on the virtual clock: drive starts what was submitted, then lets
 * the clock run from one response to the next. The descriptor is readable as long as there is such an operation.
 */
#include "stub.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Whether drive can bring an operation further; one that hangs without a deadline has to be cancelled first. */
static bool is_active(const operation *op) {
  if (!op->async || op->state == OP_RUNNING) return false;
  return op->state == OP_QUEUED || operation_due_ns(op) != FOREVER;
}

static bool any_active(const plq_transport_instance *self) {
  for (const operation *op = self->operations; op != NULL; op = op->next) {
    if (is_active(op)) return true;
  }
  return false;
}

/* The next event: what was submitted comes first, then what is due first. `last`: nothing that was submitted later. `limit`: nothing
 * that is due later. */
static operation *next_event(plq_transport_instance *self, uint64_t last, int64_t limit_ns) {
  operation *found = NULL;
  for (operation *op = self->operations; op != NULL; op = op->next) {
    if (op->number > last || !is_active(op)) continue;
    if (op->state == OP_QUEUED) return op;
    if (operation_due_ns(op) <= limit_ns && (found == NULL || operation_due_ns(op) < operation_due_ns(found))) found = op;
  }
  return found;
}

void async_update(plq_transport_instance *self) {
  uint64_t count = 0;
  if (self->woken || any_active(self)) {
    count = 1;
    while (write(self->event_fd, &count, sizeof count) < 0 && errno == EINTR) continue;
  } else {
    while (read(self->event_fd, &count, sizeof count) < 0 && errno == EINTR) continue;
  }
}

int32_t stub_submit(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error) {
  if (self->recorder != NULL) return record_submit(self->recorder, request, sink, error);
  if (request->flags != 0)
    return error_set(error, PLQ_E_UNSUPPORTED, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT, "unknown request flags");
  operation *op = self->host->alloc(self->host->context, sizeof *op);
  if (op == NULL) return error_set(error, PLQ_E_MEMORY, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT, "out of memory");
  operation_begin(op, self, request, sink);
  pthread_mutex_lock(&self->lock);
  op->async = true;
  op->state = OP_QUEUED;
  async_update(self);
  pthread_mutex_unlock(&self->lock);
  return PLQ_OK;
}

/* Of a transport behind that has no such half, nothing can be submitted. */
static bool is_elsewhere(const plq_transport_instance *self) {
  return self->recorder != NULL && record_is_async(self->recorder);
}

int32_t stub_event_fd(plq_transport_instance *self) {
  return is_elsewhere(self) ? record_event_fd(self->recorder) : self->event_fd;
}

/* Waits where there is nothing to do. On the virtual clock that takes no time; without an end it waits for submit, cancel or
 * wake. */
static void wait_for_event(plq_transport_instance *self, int64_t until_ns) {
  if (until_ns != FOREVER) {
    if (self->now_ns < until_ns) self->now_ns = until_ns;
    return;
  }
  struct pollfd event = {.fd = self->event_fd, .events = POLLIN};
  pthread_mutex_unlock(&self->lock);
  while (poll(&event, 1, -1) < 0 && errno == EINTR) continue;
  pthread_mutex_lock(&self->lock);
}

/* Brings one operation further, and frees it at its end. Called with the lock, which is let go meanwhile. */
static void handle_event(plq_transport_instance *self, operation *op) {
  bool ended = true;
  bool queued = op->state == OP_QUEUED;
  if (!queued && self->now_ns < operation_due_ns(op)) self->now_ns = operation_due_ns(op);
  if (queued) op->state = OP_RUNNING;
  pthread_mutex_unlock(&self->lock);
  if (queued)
    ended = operation_start(op);
  else
    ended = operation_resume(op);
  if (ended) self->host->free(self->host->context, op);
  pthread_mutex_lock(&self->lock);
}

int32_t stub_drive(plq_transport_instance *self, int64_t until_ns) {
  if (is_elsewhere(self)) return record_drive(self->recorder, until_ns);
  pthread_mutex_lock(&self->lock);
  if (!self->woken && until_ns > self->now_ns && !any_active(self)) wait_for_event(self, until_ns);
  self->woken = false;
  /* Who waits until then has something else to do at that time: the clock does not run past it. */
  int64_t limit_ns = until_ns > self->now_ns ? until_ns : FOREVER;
  uint64_t last = self->submitted;
  for (operation *op = next_event(self, last, limit_ns); op != NULL; op = next_event(self, last, limit_ns)) handle_event(self, op);
  if (limit_ns != FOREVER && self->now_ns < limit_ns && !self->woken && any_active(self)) self->now_ns = limit_ns;
  async_update(self);
  pthread_mutex_unlock(&self->lock);
  return PLQ_OK;
}

void stub_wake(plq_transport_instance *self) {
  if (is_elsewhere(self)) {
    record_wake(self->recorder);
    return;
  }
  pthread_mutex_lock(&self->lock);
  self->woken = true;
  async_update(self);
  pthread_mutex_unlock(&self->lock);
}
