/* SPDX-License-Identifier: MIT */
/* Opening connections ahead of time: the function prewarm, over a pool of slots. */
#include <string.h>

#include "plqt.h"

static int32_t ignore_connection(void *context, const plq_transport_connection *connection) {
  (void)context, (void)connection;
  return 0;
}

static int32_t ignore_line(void *context, const char *line, size_t len) {
  (void)context, (void)line, (void)len;
  return 0;
}

static int32_t ignore_body(void *context, const uint8_t *data, size_t len) {
  (void)context, (void)data, (void)len;
  return 0;
}

/* What on_done of the operations that open connections writes to. */
typedef struct outcome {
  plq_transport_error *error; /* of the last one that failed */
  uint32_t pending;
} outcome;

static void on_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  outcome *self = context;
  (void)transfer;
  self->pending--;
  if (!error) return;
  plqt_error_set(self->error, error->status, error->phase, PLQ_DELIVERY_NOT_SENT, error->os_errno, error->plugin_code, "%s",
                 error->message);
}

static plq_transport_sink sink_to(outcome *self) {
  return (plq_transport_sink){sizeof(plq_transport_sink), 0, self, ignore_connection, ignore_line, ignore_body, on_done, NULL};
}

/* Nobody sends it, but libcurl wants one to open a connection for. */
static plq_transport_request request_to(const plq_transport_target *target, int64_t deadline_ns, uint64_t op) {
  static const uint8_t byte = 0;
  return (plq_transport_request){.struct_size = sizeof(plq_transport_request),
                                 .op = op,
                                 .deadline_ns = deadline_ns,
                                 .target = target,
                                 .method = "POST",
                                 .method_len = 4,
                                 .path = "/",
                                 .path_len = 1,
                                 .body = &byte,
                                 .body_len = 1,
                                 .header_stride = sizeof(plq_transport_header)};
}

static void say_lack(plq_transport_error *error, int32_t status, int os_errno) {
  plqt_error_set(error, status, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "%s",
                 status == PLQ_E_TIMEOUT_POOL ? "the other connections are busy elsewhere" : "no connection can be had");
}

/* All have ended, and it may be that none of them is to blame. */
static int32_t verdict(plq_transport_error *error, uint32_t open, uint32_t count) {
  if (open >= count) return PLQ_OK;
  if (error->status == PLQ_OK) {
    plqt_error_set(error, PLQ_E_CONNECT_FAILED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, 0, 0,
                   "the server closed a connection at once");
  }
  return error->status;
}

/* ---- over a pool of slots ---- */

static size_t finish(const plqt_warming *warming, plqt_slot **slots, size_t count) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    int64_t now = warming->host->now_ns(warming->host->context);
    if (warming->finish(slots[i], now)) {
      slots[i]->used_ns = now;
      plqt_pool_give_back(warming->pool, slots[i]);
    } else {
      slots[left++] = slots[i];
    }
  }
  return left;
}

/* As many as can be had; *error says why not more. */
static size_t take_slots(const plqt_warming *warming, const plq_transport_request *request, uint32_t count, plqt_slot **slots,
                         plq_transport_error *error) {
  size_t taken = 0;
  int32_t status = PLQ_OK;
  int os_errno;
  while (taken < count && !status) {
    plqt_slot *slot = plqt_pool_try(warming->pool, request->op, request->target, &status, &os_errno);
    if (slot) slots[taken++] = slot;
  }
  if (status) say_lack(error, status, os_errno);
  return taken;
}

static void warm(const plqt_warming *warming, plqt_slot **slots, size_t count, const plq_transport_request *request,
                 const plq_transport_sink *inner, const plq_transport_sink *sink) {
  int64_t now = warming->host->now_ns(warming->host->context);
  bool cancelled = plqt_is_cancelled(sink);
  for (size_t i = 0; i < count; i++) {
    if (cancelled) atomic_store(&slots[i]->cancelled, true);
    warming->begin(slots[i], request, inner, now);
  }
  while ((count = finish(warming, slots, count))) warming->step(slots, count);
}

int32_t plqt_prewarm(const plqt_warming *warming, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  const plq_transport_host *host = warming->host;
  plqt_pool *pool = warming->pool;
  const plq_transport_request request = request_to(target, deadline_ns, op);
  if (count > pool->max) count = pool->max;
  *out_open = plqt_pool_count_open(pool, target);
  if (*out_open >= count) return PLQ_OK;
  uint32_t missing = count - *out_open;
  error->status = PLQ_OK;
  plqt_slot **slots = host->alloc(host->context, missing * sizeof *slots);
  if (!slots) {
    plqt_error_set(error, PLQ_E_MEMORY, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
    return PLQ_E_MEMORY;
  }
  outcome left = {.error = error};
  const plq_transport_sink inner = sink_to(&left);
  size_t taken = take_slots(warming, &request, missing, slots, error);
  left.pending = (uint32_t)taken;
  if (taken) warm(warming, slots, taken, &request, &inner, sink);
  host->free(host->context, slots);
  *out_open = plqt_pool_count_open(pool, target);
  return verdict(error, *out_open, count);
}

/* ---- over the asynchronous half ---- */

/* As many as are missing. Those that calls are opening count once they are open: until then they may take all the room there is. */
static void warm_all(const plqt_async_warming *self, const plq_transport_request *request, const plqt_entry *entry, uint32_t count,
                     plq_transport_error *error) {
  const plq_transport_host *host = self->host;
  outcome left = {.error = error};
  const plq_transport_sink inner = sink_to(&left);
  for (;;) {
    int32_t status = PLQ_OK;
    uint32_t open = self->count_open(self->owner, request->target);
    while (!error->status && !status && open + left.pending < count) {
      left.pending++;
      status = self->begin(self->owner, request, &inner, &entry->cancelled);
      if (status) left.pending--;
    }
    bool cancelled = atomic_load(&entry->cancelled);
    bool may_wait = status == PLQ_E_TIMEOUT_POOL && !cancelled && host->now_ns(host->context) < request->deadline_ns;
    if (!left.pending && !may_wait) {
      if (status) say_lack(error, cancelled ? PLQ_E_CANCELLED : status, 0);
      return;
    }
    self->drive(self->owner, request->deadline_ns);
  }
}

int32_t plqt_async_prewarm(const plqt_async_warming *self, const plq_transport_target *target, uint32_t count,
                           int64_t deadline_ns, uint64_t op, const plq_transport_sink *sink, plq_transport_error *error,
                           uint32_t *out_open) {
  const plq_transport_request request = request_to(target, deadline_ns, op);
  plqt_entry entry;
  if (count > self->max) count = self->max;
  *out_open = self->count_open(self->owner, target);
  if (*out_open >= count) return PLQ_OK;
  error->status = PLQ_OK;
  plqt_inbox_know(self->inbox, &entry, op);
  *self->warming = &entry;
  if (plqt_is_cancelled(sink)) atomic_store(&entry.cancelled, true); /* now that cancel can find it */
  warm_all(self, &request, &entry, count, error);
  *self->warming = NULL;
  plqt_inbox_leave(self->inbox, &entry);
  plqt_inbox_signal(self->inbox); /* a wake that came meanwhile was for the next drive */
  *out_open = self->count_open(self->owner, target);
  return verdict(error, *out_open, count);
}

void plqt_report_no_slot(const plq_transport_host *host, const plq_transport_sink *sink, int64_t began, int32_t status,
                         int os_errno) {
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_transfer transfer = {
      .struct_size = sizeof transfer, .resolve_ns = -1, .connect_ns = -1, .tls_ns = -1, .send_ns = -1, .first_byte_ns = -1};
  transfer.total_ns = transfer.queue_ns = host->now_ns(host->context) - began;
  plqt_error_set(&error, status, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, os_errno, 0, "%s",
                 status == PLQ_E_TIMEOUT_POOL ? "all connections are busy"
                 : status == PLQ_E_CANCELLED  ? "cancelled"
                                              : "no connection can be had");
  sink->on_done(sink->context, &error, &transfer);
}
