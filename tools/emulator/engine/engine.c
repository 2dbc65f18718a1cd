/* SPDX-License-Identifier: MIT */
/* The engine's life, and the way of a request through it. */
#include "engine.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* "" or "/": nothing. Otherwise it begins with a slash; those at the end are cut off. */
static char *copy_base_path(const char *base_path) {
  engine_text text = {base_path, strlen(base_path)};
  while (text.len > 0 && text.data[text.len - 1] == '/') text.len--;
  if (text.len > 0 && text.data[0] != '/') return NULL;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] <= ' ' || text.data[i] >= 0x7f || text.data[i] == '?' || text.data[i] == '#') return NULL;
  }
  return text_copy(text);
}

engine *engine_new(const engine_settings *settings) {
  if (settings->now_ms == NULL || settings->random == NULL) return NULL;
  int success = settings->success_status == 0 ? 200 : settings->success_status;
  if (success != 200 && success != 201) return NULL;
  engine *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->settings = *settings;
  self->settings.success_status = success;
  self->settings.base_path = NULL;
  self->base_path = copy_base_path(settings->base_path == NULL ? ENGINE_DEFAULT_BASE_PATH : settings->base_path);
  self->journal.capacity = settings->log_capacity;
  if (settings->log_capacity > 0) self->journal.items = calloc(settings->log_capacity, sizeof *self->journal.items);
  if (self->base_path != NULL && (settings->log_capacity == 0 || self->journal.items != NULL)) return self;
  engine_free(self);
  return NULL;
}

void engine_free(engine *self) {
  if (self == NULL) return;
  engine_clear_faults(self);
  keys_clear(&self->keys);
  secrets_clear(&self->secrets);
  free(self->journal.items);
  free(self->base_path);
  free(self);
}

bool engine_set_keys(engine *self, const engine_text *keys, size_t key_count, const engine_text *forbidden,
                     size_t forbidden_count) {
  return keys_replace(&self->keys, keys, key_count, forbidden, forbidden_count);
}

void engine_advance(engine *self, int64_t ms) {
  self->offset_ms += ms;
}

int64_t engine_now_ms(const engine *self) {
  return self->settings.now_ms(self->settings.context) + self->offset_ms;
}

/* A valid trace id is kept, any other replaced. */
static bool choose_trace_id(exchange *x) {
  const engine_settings *s = &x->engine->settings;
  char *out = x->answer->trace_id;
  engine_text given;
  uint8_t b[16];
  if (request_header(x->request, "Trace-Id", &given) && engine_is_uuid(given, 4)) {
    memcpy(out, given.data, 36);
    out[36] = '\0';
    return true;
  }
  if (!s->random(s->context, b, sizeof b)) return false;
  b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
  b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
  snprintf(out, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
           b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  return true;
}

/* What a fault answers in place of the service. */
static void answer_from_fault(exchange *x, const fault *f) {
  if (f->status >= 400) {
    const char *code = f->code == NULL ? code_for_status(f->status) : f->code;
    answer_error(x, f->status, code, f->message == NULL ? "A fault that the test asked for." : f->message);
  } else {
    x->answer->status = f->status;
    answer_body(x, "", 0);
  }
}

static void run(exchange *x, const fault *f) {
  if (f != NULL && f->drop == ENGINE_DROP_BEFORE_HANDLING) {
    x->answer->drop = f->drop;
    x->answer->delay_ms = f->delay_ms;
    return;
  }
  answer_header(x, "Content-Type", "application/json");
  answer_header(x, "Trace-Id", x->answer->trace_id);
  if (f != NULL && f->status != 0)
    answer_from_fault(x, f);
  else
    handle_request(x);
  if (f != NULL) answer_apply_fault(x, f);
}

static void write_log(const exchange *x) {
  engine_answer *a = x->answer;
  bool silent = a->drop == ENGINE_DROP_BEFORE_HANDLING || a->drop == ENGINE_DROP_AFTER_HANDLING;
  log_entry entry = {.at_ms = engine_now_ms(x->engine), .delay_ms = a->delay_ms, .drop = a->drop, .fault = a->fault};
  entry.status = silent ? 0 : a->status;
  journal_describe(a, x->request->method, x->path);
  snprintf(a->code, sizeof a->code, "%s", x->code == NULL ? "" : x->code);
  memcpy(entry.method, a->method, sizeof entry.method);
  memcpy(entry.path, a->path, sizeof entry.path);
  memcpy(entry.trace_id, a->trace_id, sizeof entry.trace_id);
  memcpy(entry.code, a->code, sizeof entry.code);
  journal_add(&x->engine->journal, &entry);
}

bool engine_handle(engine *self, const engine_request *request, engine_answer *out_answer) {
  exchange x = {.engine = self, .request = request, .path = request->target, .answer = out_answer};
  const char *query = memchr(x.path.data, '?', x.path.len);
  bool last = false;
  if (query != NULL) x.path.len = (size_t)(query - x.path.data);
  *out_answer = (engine_answer){0};
  if (!choose_trace_id(&x)) return false;

  fault *f = faults_take(self, x.path, &last);
  run(&x, f);
  out_answer->fault = f != NULL;
  if (!x.out_of_memory) write_log(&x);
  if (last) fault_free(f);
  if (x.out_of_memory) engine_answer_clear(out_answer);
  return !x.out_of_memory;
}
