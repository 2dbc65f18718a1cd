/* SPDX-License-Identifier: MIT */
/* The life of an instance, and its clock. */
#include "stub.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SCRIPT_BYTES (16 << 20)
#define MAX_KEYS 64

/* ---- options ---- */

typedef struct options {
  engine_text script;
  engine_text script_file;
  engine_text api_keys;
  engine_text forbidden_keys;
  engine_text cassette;
  engine_text record_over;
  bool record;
  uint32_t max_connections;
  engine_settings engine;
} options;

static bool is(engine_text text, const char *other) {
  return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

static void read_options(const plq_transport_value *values, size_t count, size_t stride, options *out) {
  for (size_t i = 0; i < count; i++) {
    const plq_transport_value *v = (const plq_transport_value *)((const char *)values + i * stride);
    engine_text key = {v->key, v->key_len};
    engine_text text = {v->text, v->text_len};
    if (is(key, "script"))
      out->script = text;
    else if (is(key, "script_file"))
      out->script_file = text;
    else if (is(key, "api_keys"))
      out->api_keys = text;
    else if (is(key, "forbidden_keys"))
      out->forbidden_keys = text;
    else if (is(key, "cassette"))
      out->cassette = text;
    else if (is(key, "cassette_mode"))
      out->record = is(text, "record");
    else if (is(key, "record_over"))
      out->record_over = text;
    else if (is(key, "max_connections"))
      out->max_connections = (uint32_t)v->number;
    else if (is(key, "base_path"))
      out->engine.base_path = text.data;
    else if (is(key, "success_status"))
      out->engine.success_status = is(text, "201") ? 201 : 200;
    else if (is(key, "error_shape"))
      out->engine.error_shape = is(text, "new") ? ENGINE_ERRORS_NEW : ENGINE_ERRORS_OLD;
  }
}

static int32_t refuse(plq_transport_error *error, int32_t status, const char *message) {
  return error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "%s", message);
}

static size_t split(engine_text list, engine_text *out, size_t max) {
  size_t count = 0;
  while (list.len > 0 && count < max) {
    const char *comma = memchr(list.data, ',', list.len);
    engine_text part = {list.data, comma == NULL ? list.len : (size_t)(comma - list.data)};
    list.len -= part.len + (comma != NULL);
    list.data += part.len + (comma != NULL);
    while (part.len > 0 && part.data[0] == ' ') part.data++, part.len--;
    while (part.len > 0 && part.data[part.len - 1] == ' ') part.len--;
    if (part.len > 0) out[count++] = part;
  }
  return count;
}

static int32_t set_keys(engine *e, const options *o, plq_transport_error *error) {
  engine_text keys[MAX_KEYS];
  engine_text forbidden[MAX_KEYS];
  size_t count = split(o->api_keys, keys, MAX_KEYS);
  size_t forbidden_count = split(o->forbidden_keys, forbidden, MAX_KEYS);
  if (engine_set_keys(e, keys, count, forbidden, forbidden_count)) return PLQ_OK;
  return refuse(error, PLQ_E_MEMORY, "out of memory");
}

/* ---- script ---- */

static bool read_all(int fd, buffer *out) {
  char chunk[4096];
  for (;;) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    buffer_add(out, chunk, (size_t)got);
    if (out->failed || out->len > MAX_SCRIPT_BYTES) return false;
  }
}

static int32_t read_script_file(const plq_transport_host *host, engine_text path, script *out, plq_transport_error *error) {
  buffer text = {.host = host};
  int32_t status = PLQ_OK;
  int fd = open(path.data, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || !read_all(fd, &text)) {
    int code = errno;
    status = text.failed ? refuse(error, PLQ_E_MEMORY, "out of memory")
                         : error_set(error, PLQ_E_OPTION_VALUE, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT,
                                     "script_file: cannot be read (errno %d), or is larger than 16 MiB", code);
  } else {
    status = script_read(host, (engine_text){text.data == NULL ? "" : text.data, text.len}, out, error);
  }
  if (fd >= 0) close(fd);
  buffer_clear(&text);
  return status;
}

static int32_t load_script(const plq_transport_host *host, const options *o, script *out, plq_transport_error *error) {
  if (o->script.len > 0 && o->script_file.len > 0) {
    return refuse(error, PLQ_E_OPTION_VALUE, "script and script_file exclude each other: set one of them");
  }
  if (o->script.len > 0) return script_read(host, o->script, out, error);
  if (o->script_file.len > 0) return read_script_file(host, o->script_file, out, error);
  return PLQ_OK;
}

static int32_t open_cassette(plq_transport_instance *self, const options *o, plq_transport_error *error) {
  if (o->cassette.len == 0 && !o->record) return PLQ_OK;
  if (o->cassette.len == 0)
    return refuse(error, PLQ_E_OPTION_VALUE,
                  "cassette_mode: to record, name a file that is not there yet by the option cassette");
  if (o->script.len > 0 || o->script_file.len > 0)
    return refuse(error, PLQ_E_OPTION_VALUE, "cassette and script exclude each other: set one of them");
  if (!o->record) return replay_open(self, o->cassette.data, error);
  return record_open(self, o->cassette.data, o->record_over, error);
}

/* ---- life ---- */

/* Called by the engine, so with the lock. */
static int64_t engine_clock(void *context) {
  const plq_transport_instance *self = context;
  return self->now_ns / NS_PER_MS;
}

static bool engine_random(void *context, void *out, size_t len) {
  const plq_transport_instance *self = context;
  return self->host->random(self->host->context, out, len) == PLQ_OK;
}

static int32_t set_up(plq_transport_instance *self, options *o, plq_transport_error *error) {
  int32_t status = load_script(self->host, o, &self->script, error);
  if (status != PLQ_OK) return status;
  self->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->event_fd < 0) {
    bool full = errno == EMFILE || errno == ENFILE;
    return refuse(error, full ? PLQ_E_RESOURCE_DESCRIPTORS : PLQ_E_RESOURCE_SYSTEM, "no event descriptor is to be had");
  }
  o->engine.now_ms = engine_clock;
  o->engine.random = engine_random;
  o->engine.context = self;
  errno = 0;
  self->engine = engine_new(&o->engine);
  if (self->engine != NULL) {
    status = set_keys(self->engine, o, error);
    return status == PLQ_OK ? open_cassette(self, o, error) : status;
  }
  if (errno == ENOMEM) return refuse(error, PLQ_E_MEMORY, "out of memory");
  return refuse(error, PLQ_E_OPTION_VALUE,
                "base_path: must begin with '/', without query and fragment, such as /api; or be empty");
}

int32_t stub_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance) {
  options o = {.max_connections = 64, .api_keys = {ENGINE_DEFAULT_KEY, sizeof ENGINE_DEFAULT_KEY - 1}};
  plq_transport_instance *self = host->alloc(host->context, sizeof *self);
  *out_instance = NULL;
  if (self == NULL) return refuse(error, PLQ_E_MEMORY, "out of memory");
  *self = (plq_transport_instance){.host = host, .event_fd = -1, .now_ns = host->now_ns(host->context)};
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->changed, NULL);
  read_options(values, count, stride, &o);
  self->max_connections = o.max_connections;
  int32_t status = set_up(self, &o, error);
  if (status == PLQ_OK)
    *out_instance = self;
  else
    stub_destroy(self);
  return status;
}

void stub_destroy(plq_transport_instance *self) {
  const plq_transport_host *host = self->host;
  record_close(self->recorder);
  replay_close(self);
  while (self->operations != NULL) {
    operation *op = self->operations;
    operation_drop(op);
    host->free(host->context, op);
  }
  if (self->event_fd >= 0) close(self->event_fd);
  engine_free(self->engine);
  script_clear(host, &self->script);
  pthread_cond_destroy(&self->changed);
  pthread_mutex_destroy(&self->lock);
  host->free(host->context, self);
}

/* The parent's lock may be held by a thread that does not exist here: all is left as it is. */
void stub_abandon_after_fork(plq_transport_instance *self) {
  if (self->event_fd >= 0) close(self->event_fd);
  self->event_fd = -1;
  if (self->recorder != NULL) record_abandon(self->recorder);
}

/* ---- calls ---- */

static void wait_for(plq_transport_instance *self, const operation *op) {
  pthread_mutex_lock(&self->lock);
  int64_t due_ns = operation_due_ns(op);
  if (due_ns != FOREVER && self->now_ns < due_ns) self->now_ns = due_ns;
  while (operation_due_ns(op) > self->now_ns) pthread_cond_wait(&self->changed, &self->lock);
  pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
}

int32_t stub_perform(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error) {
  operation op;
  if (self->recorder != NULL) return record_perform(self->recorder, request, sink, error);
  if (request->flags != 0)
    return error_set(error, PLQ_E_UNSUPPORTED, PLQ_PHASE_NONE, PLQ_DELIVERY_NOT_SENT, "unknown request flags");
  operation_begin(&op, self, request, sink);
  for (bool ended = operation_start(&op); !ended; ended = operation_resume(&op)) wait_for(self, &op);
  return PLQ_OK;
}

void stub_cancel(plq_transport_instance *self, uint64_t id) {
  if (self->recorder != NULL) {
    record_cancel(self->recorder, id);
    return;
  }
  pthread_mutex_lock(&self->lock);
  for (operation *op = self->operations; op != NULL; op = op->next) {
    if (op->request->op == id) op->cancelled = true;
  }
  async_update(self);
  pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
}

/* The script has no say here: it is about attempts. */
int32_t stub_prewarm(plq_transport_instance *self, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  if (self->recorder != NULL) return record_prewarm(self->recorder, target, count, deadline_ns, op, sink, error, out_open);
  bool cancelled = sink_is_cancelled(sink);
  pthread_mutex_lock(&self->lock);
  bool late = self->now_ns > deadline_ns;
  uint32_t wanted = count < self->max_connections ? count : self->max_connections;
  if (!late && !cancelled && self->idle + self->busy < wanted) self->idle = wanted - self->busy;
  *out_open = self->idle + self->busy;
  pthread_mutex_unlock(&self->lock);
  if (cancelled)
    return error_set(error, PLQ_E_CANCELLED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, "the operation was cancelled");
  if (late) return error_set(error, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, "the deadline passed");
  return PLQ_OK;
}

void stub_quiesce(plq_transport_instance *self, int64_t deadline_ns) {
  if (self->recorder != NULL) record_quiesce(self->recorder, deadline_ns);
  pthread_mutex_lock(&self->lock);
  self->idle = 0;
  pthread_mutex_unlock(&self->lock);
}

/* While it records, time is real, and the core asks neither of these: the clock that counts is that of the transport behind. */
int64_t stub_now_ns(plq_transport_instance *self) {
  if (self->recorder != NULL) return self->host->now_ns(self->host->context);
  pthread_mutex_lock(&self->lock);
  int64_t now = self->now_ns;
  pthread_mutex_unlock(&self->lock);
  return now;
}

void stub_sleep_until_ns(plq_transport_instance *self, int64_t until_ns) {
  pthread_mutex_lock(&self->lock);
  if (self->now_ns < until_ns) self->now_ns = until_ns;
  async_update(self);
  pthread_cond_broadcast(&self->changed);
  pthread_mutex_unlock(&self->lock);
}
