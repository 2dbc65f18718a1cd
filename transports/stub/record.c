/* SPDX-License-Identifier: MIT */
/*
 * Recording: another transport carries the requests, and what it does goes on to the core and to a cassette. An attempt that
 * cannot be recorded fails: a cassette that silently lacks one would be found out much later.
 */
#include "stub.h"

#include <plastiq/version.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

/* One operation of the transport behind. */
typedef struct recording {
  struct recording *next; /* in the list of those that are over */
  recorder *recorder;
  const plq_transport_sink *outer;
  plq_transport_sink inner;
  cassette_take take;
  bool connected;
} recording;

struct recorder {
  const plq_transport_host *host;
  const plq_chain *chain;
  plq_chained behind;
  cassette_writer writer;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool busy;       /* behind a transport that lets in one thread at a time */
  recording *over; /* that were submitted */
};

/* ---- life ---- */

static void copy_text(char *out, size_t room, const char *text) {
  snprintf(out, room, "%s", text == NULL ? "" : text);
}

static int32_t open_behind(recorder *self, engine_text over, plq_transport_error *error) {
  self->chain = self->host->get_extension(self->host->context, PLQ_EXTENSION_CHAIN);
  self->behind.struct_size = sizeof self->behind;
  if (self->chain == NULL)
    return error_set(error, PLQ_E_UNSUPPORTED, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT,
                     "cassette_mode: this libplastiq puts no transport behind another one, so there is nothing to record");
  int32_t status = self->chain->open(self->host->context, over.data, over.len, error, &self->behind);
  if (status != PLQ_OK) return status;
  if (self->behind.capabilities & PLQ_CAP_BLOCKING) return PLQ_OK;
  return error_set(error, PLQ_E_UNSUPPORTED, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT,
                   "record_over: the transport %s makes no blocking calls, and only these are recorded", self->behind.name);
}

static int32_t open_file(recorder *self, const char *path, plq_transport_error *error) {
  cassette_about about = {.recorded_s = (int64_t)time(NULL)};
  cassette_problem problem = {""};
  copy_text(about.library, sizeof about.library, PLQ_VERSION_TEXT);
  copy_text(about.transport, sizeof about.transport, self->behind.name);
  copy_text(about.transport_version, sizeof about.transport_version, self->behind.version);
  copy_text(about.stack, sizeof about.stack, self->behind.stack);
  int32_t status = cassette_writer_open(&self->writer, self->host, path, &about, &problem);
  if (status == PLQ_OK) return PLQ_OK;
  return error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "%s", problem.text);
}

/* What is left of one that could not be opened is ended by record_close. The file comes last: it is made only if all else is
 * well. */
int32_t record_open(plq_transport_instance *instance, const char *path, engine_text over, plq_transport_error *error) {
  const plq_transport_host *host = instance->host;
  pthread_condattr_t monotonic;
  recorder *self = host->alloc(host->context, sizeof *self);
  if (self == NULL) return error_set(error, PLQ_E_MEMORY, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "out of memory");
  *self = (recorder){.host = host, .writer.fd = -1};
  pthread_mutex_init(&self->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&self->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  instance->recorder = self;
  int32_t status = open_behind(self, over, error);
  return status == PLQ_OK ? open_file(self, path, error) : status;
}

static void drop_those_that_are_over(recorder *self) {
  pthread_mutex_lock(&self->lock);
  recording *first = self->over;
  self->over = NULL;
  pthread_mutex_unlock(&self->lock);
  while (first != NULL) {
    recording *next = first->next;
    self->host->free(self->host->context, first);
    first = next;
  }
}

void record_close(recorder *self) {
  static const char lost[] = "cassette: its end could not be written; what was recorded is there";
  if (self == NULL) return;
  if (self->chain != NULL) self->chain->close(self->host->context); /* may end operations, which are recorded */
  drop_those_that_are_over(self);
  if (!cassette_writer_close(&self->writer)) self->host->log(self->host->context, PLQ_LOG_ERROR, lost, sizeof lost - 1);
  pthread_cond_destroy(&self->changed);
  pthread_mutex_destroy(&self->lock);
  self->host->free(self->host->context, self);
}

void record_abandon(recorder *self) {
  if (self->chain != NULL) self->chain->close(self->host->context);
  cassette_writer_abandon(&self->writer);
}

/* ---- what the transport behind reports ---- */

static int32_t on_connected(void *context, const plq_transport_connection *connection) {
  recording *r = context;
  cassette_take_connected(&r->take, connection);
  r->connected = true;
  return r->outer->on_connected(r->outer->context, connection);
}

static int32_t on_line(void *context, const char *line, size_t len) {
  recording *r = context;
  cassette_take_line(&r->take, line, len);
  return r->outer->on_line(r->outer->context, line, len);
}

static int32_t on_body(void *context, const uint8_t *data, size_t len) {
  recording *r = context;
  cassette_take_body(&r->take, data, len);
  return r->outer->on_body(r->outer->context, data, len);
}

static int32_t is_cancelled(void *context) {
  const recording *r = context;
  return sink_is_cancelled(r->outer);
}

#define HAS(object, field) ((object)->struct_size >= offsetof(__typeof__(*(object)), field) + sizeof((object)->field))

/* The stub says that it is exact about delivery; of one that is not, NOT_SENT is believed before a connection only. */
static void be_exact(const recording *r, plq_transport_error *error) {
  bool exact = (r->recorder->behind.capabilities & PLQ_CAP_SEND_STATE) != 0;
  if (!exact && r->connected) error->delivery = PLQ_DELIVERY_MAYBE_SENT;
}

static plq_transport_error copy_of(const plq_transport_error *error) {
  plq_transport_error copy = {0};
  memcpy(&copy, error, error->struct_size < sizeof copy ? error->struct_size : sizeof copy);
  if (!HAS(error, delivery)) copy.delivery = PLQ_DELIVERY_MAYBE_SENT;
  copy.struct_size = sizeof copy;
  copy.message[sizeof copy.message - 1] = '\0';
  return copy;
}

/* Keeps the attempt. On failure *error says so; how far the request came stays true. */
static int32_t keep(recording *r, plq_transport_error *error, const plq_transport_transfer *transfer) {
  cassette_problem problem = {""};
  int32_t delivery = error->status != PLQ_OK ? error->delivery : PLQ_DELIVERY_MAYBE_SENT;
  cassette_take_end(&r->take, error->status != PLQ_OK ? error : NULL, transfer);
  int32_t status = cassette_writer_add(&r->recorder->writer, &r->take, &problem);
  cassette_take_clear(&r->take);
  if (status != PLQ_OK) error_set(error, status, PLQ_PHASE_RECEIVE, delivery, "cassette: %s", problem.text);
  return status;
}

static void on_done(void *context, const plq_transport_error *reported, const plq_transport_transfer *transfer) {
  recording *r = context;
  plq_transport_error error = {.struct_size = sizeof error};
  if (reported != NULL) error = copy_of(reported);
  if (reported != NULL) be_exact(r, &error);
  (void)keep(r, &error, transfer);
  r->outer->on_done(r->outer->context, error.status != PLQ_OK ? &error : NULL, transfer);
}

static void begin(recording *r, recorder *self, const plq_transport_request *request, const plq_transport_sink *sink) {
  *r = (recording){.recorder = self,
                   .outer = sink,
                   .inner = {.struct_size = sizeof r->inner,
                             .context = r,
                             .on_connected = on_connected,
                             .on_line = on_line,
                             .on_body = on_body,
                             .on_done = on_done,
                             .is_cancelled = is_cancelled}};
  cassette_take_begin(&r->take, self->host, request);
}

/* ---- one thread at a time, where the transport behind wants that ---- */

static bool enter(recorder *self, const plq_transport_sink *sink, int64_t deadline_ns) {
  struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = (long)(deadline_ns % 1000000000)};
  if (self->behind.capabilities & PLQ_CAP_CONCURRENT) return true;
  pthread_mutex_lock(&self->lock);
  while (self->busy && !sink_is_cancelled(sink) && self->host->now_ns(self->host->context) < deadline_ns) {
    if (deadline_ns == FOREVER)
      pthread_cond_wait(&self->changed, &self->lock);
    else
      pthread_cond_timedwait(&self->changed, &self->lock, &until);
  }
  bool mine = !self->busy;
  if (mine) self->busy = true;
  pthread_mutex_unlock(&self->lock);
  return mine;
}

static void leave(recorder *self) {
  if (self->behind.capabilities & PLQ_CAP_CONCURRENT) return;
  pthread_mutex_lock(&self->lock);
  self->busy = false;
  pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
}

static int32_t not_entered(const plq_transport_sink *sink, plq_transport_error *error) {
  bool cancelled = sink_is_cancelled(sink);
  return error_set(error, cancelled ? PLQ_E_CANCELLED : PLQ_E_TIMEOUT_POOL, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, "%s",
                   cancelled ? "the operation was cancelled" : "another operation kept the transport busy");
}

/* ---- calls ---- */

/* Once an attempt could not be recorded, no other one is made. */
static int32_t check(recorder *self, plq_transport_error *error) {
  cassette_problem problem = {""};
  int32_t status = cassette_writer_state(&self->writer, &problem);
  if (status == PLQ_OK) return PLQ_OK;
  return error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "cassette: %s", problem.text);
}

int32_t record_perform(recorder *self, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  recording r;
  int32_t status = check(self, error);
  if (status != PLQ_OK) return status;
  begin(&r, self, request, sink);
  if (enter(self, sink, request->deadline_ns)) {
    status = self->behind.functions->perform(self->behind.instance, request, &r.inner, error);
    leave(self);
  } else {
    status = not_entered(sink, error);
  }
  /* It was not accepted, so its sink was not called: that is what a replay is to answer. */
  if (status == PLQ_OK) return PLQ_OK;
  error->status = status;
  int32_t kept = keep(&r, error, NULL);
  return kept == PLQ_OK ? status : kept;
}

static void on_done_submitted(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  recording *r = context;
  recorder *self = r->recorder;
  on_done(r, error, transfer);
  /* Its sink is in use until this returns. */
  pthread_mutex_lock(&self->lock);
  r->next = self->over;
  self->over = r;
  pthread_mutex_unlock(&self->lock);
}

int32_t record_submit(recorder *self, const plq_transport_request *request, const plq_transport_sink *sink,
                      plq_transport_error *error) {
  if (!record_is_async(self))
    return error_set(error, PLQ_E_UNSUPPORTED, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT, "the transport %s only blocks",
                     self->behind.name);
  int32_t status = check(self, error);
  recording *r = status == PLQ_OK ? self->host->alloc(self->host->context, sizeof *r) : NULL;
  if (status != PLQ_OK) return status;
  if (r == NULL) return error_set(error, PLQ_E_MEMORY, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT, "out of memory");
  begin(r, self, request, sink);
  r->inner.on_done = on_done_submitted;
  status = self->behind.functions->submit(self->behind.instance, request, &r->inner, error);
  if (status == PLQ_OK) return PLQ_OK;
  error->status = status;
  int32_t kept = keep(r, error, NULL);
  self->host->free(self->host->context, r);
  return kept == PLQ_OK ? status : kept;
}

bool record_is_async(const recorder *self) {
  return (self->behind.capabilities & PLQ_CAP_ASYNC) != 0;
}

int32_t record_event_fd(recorder *self) {
  return self->behind.functions->event_fd(self->behind.instance);
}

int32_t record_drive(recorder *self, int64_t until_ns) {
  int32_t status = self->behind.functions->drive(self->behind.instance, until_ns);
  drop_those_that_are_over(self);
  return status;
}

void record_wake(recorder *self) {
  self->behind.functions->wake(self->behind.instance);
}

void record_cancel(recorder *self, uint64_t op) {
  self->behind.functions->cancel(self->behind.instance, op);
  pthread_mutex_lock(&self->lock);
  pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
}

/* Not an attempt, so not in the cassette. */
int32_t record_prewarm(recorder *self, const plq_transport_target *target, uint32_t count, int64_t deadline_ns, uint64_t op,
                       const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  *out_open = 0;
  if (!(self->behind.capabilities & PLQ_CAP_PREWARM))
    return error_set(error, PLQ_E_UNSUPPORTED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT,
                     "the transport %s cannot open connections ahead of use", self->behind.name);
  if (!enter(self, sink, deadline_ns)) return not_entered(sink, error);
  int32_t status = self->behind.functions->prewarm(self->behind.instance, target, count, deadline_ns, op, sink, error, out_open);
  leave(self);
  return status;
}

void record_quiesce(recorder *self, int64_t deadline_ns) {
  if (self->behind.functions->quiesce != NULL) self->behind.functions->quiesce(self->behind.instance, deadline_ns);
}
