/* SPDX-License-Identifier: MIT */
/*
 * The script: a JSON list. Each entry is one attempt, in order; after the last one the engine answers. Members of an entry:
 * - status: of the response; required, unless the attempt ends before it, or head, engine or hang is there
 * - reason: phrase of the status line
 * - headers: [[name, value], ..]
 * - body: text. Without Content-Length or Transfer-Encoding among the headers, Content-Length is added; if Content-Length is more than
 *   the body has, the attempt ends as truncated
 * - trailers: as headers, after the body
 * - head: raw text in place of status, reason and headers; nothing is added to it
 * - interim: [100, 103]: statuses of 1xx responses that come first
 * - http: "1.0", "1.1" or "2"
 * - delay_ms: passes on the virtual clock between the request and the first byte; before the fault, if it comes at the start
 * - pieces: the body is delivered in pieces of so many bytes; piece_delay_ms passes between two of them
 * - end: "keep" or "close": whether the connection is used again
 * - hang: true: nothing comes. The clock runs to the attempt's deadline at once; without one the attempt waits for a cancel
 * - engine: true: the engine answers this attempt
 * - fault: {status, phase, delivery, after, body_bytes, os_errno, message}: the attempt fails. status is a name of status.h; phase and
 *   delivery are names too, by default where that status usually happens. after: "start" (before there is a connection), "connected"
 *   (the request is sent), "head", or "body" with body_bytes; by default what fits the phase
 * - connection: {reused, resumed, proxied, tls_version, chain_verified, host_verified}: what is said of it; null: not known
 */
#include "stub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_DELAY_MS INT64_C(86400000)
#define MAX_HEADERS 2000

static const char *const members[] = {"status", "reason",   "headers",  "body",       "head",   "interim",
                                      "http",   "delay_ms", "fault",    "engine",     "pieces", "piece_delay_ms",
                                      "end",    "hang",     "trailers", "connection", NULL};
static const char *const fault_members[] = {"status", "phase", "delivery", "after", "body_bytes", "os_errno", "message", NULL};
static const char *const fault_points[] = {"start", "connected", "head", "body", NULL};
static const char *const http_versions[] = {"1.0", "1.1", "2", NULL};
static const char *const ends[] = {"keep", "close", NULL};

static bool has(struct json_object *object, const char *name) {
  return json_object_object_get_ex(object, name, NULL);
}

static engine_text text_of(const char *text) {
  return (engine_text){text, strlen(text)};
}

/* ---- fault ---- */

/* Reads an optional name; *out stays if there is none. */
static bool read_name(struct json_object *json, const char *member, int32_t (*find)(engine_text), int32_t first, int32_t last,
                      const char *names, const char *where, int32_t *out, engine_problem *problem) {
  engine_text name = {NULL, 0};
  if (!json_input_text(json, member, where, &name, problem)) return false;
  if (name.data == NULL) return true;
  *out = find(name);
  return (*out >= first && *out <= last) || json_input_fail(problem, "%s.%s: must be one of: %s", where, member, names);
}

static bool read_status(struct json_object *json, const char *where, script_fault *f, engine_problem *problem) {
  engine_text name = {NULL, 0};
  status_name found;
  if (!json_input_text(json, "status", where, &name, problem)) return false;
  if (name.data == NULL || !status_find(name, &found)) {
    return json_input_fail(
        problem, "%s.status: must be a name of status.h that a transport can report, such as \"PLQ_E_CONNECT_REFUSED\"", where);
  }
  f->status = found.status;
  f->phase = found.phase == PLQ_PHASE_NONE || found.phase == PLQ_PHASE_CONFIG ? PLQ_PHASE_CONNECT : found.phase;
  snprintf(f->message, sizeof f->message, "the script says so");
  return true;
}

/* Where it fails: by default where the phase says, and the other way round for a status that happens anywhere. */
static bool read_place(struct json_object *json, const char *where, script_fault *f, engine_problem *problem) {
  int after = FAULT_AT_START;
  if (!json_input_choice(json, "after", fault_points, where, &after, problem)) return false;
  if (after > FAULT_AT_START && f->phase < PLQ_PHASE_SEND)
    f->phase = after == FAULT_AFTER_CONNECTED ? PLQ_PHASE_WAIT : PLQ_PHASE_RECEIVE;
  if (!read_name(json, "phase", phase_find, PLQ_PHASE_RESOLVE, PLQ_PHASE_RECEIVE,
                 "resolve, connect, proxy, tls, send, wait, receive", where, &f->phase, problem)) {
    return false;
  }
  if (!has(json, "after") && f->phase >= PLQ_PHASE_SEND) after = FAULT_AFTER_CONNECTED;
  if ((after == FAULT_AT_START) != (f->phase < PLQ_PHASE_SEND)) {
    return json_input_fail(
        problem, "%s: resolve, connect, proxy and tls come before a connection (after: start), send, wait and receive later",
        where);
  }
  f->after = (fault_point)after;
  f->delivery = after == FAULT_AT_START ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT;
  return read_name(json, "delivery", delivery_find, PLQ_DELIVERY_NOT_SENT, PLQ_DELIVERY_MAYBE_SENT, "not_sent, maybe_sent", where,
                   &f->delivery, problem);
}

static bool read_fault(struct json_object *entry, const char *entry_where, script_fault *f, engine_problem *problem) {
  char where[48];
  struct json_object *json = NULL;
  engine_text message = {NULL, 0};
  int64_t body_bytes = 0;
  int64_t os_errno = 0;
  if (!json_object_object_get_ex(entry, "fault", &json)) return true;
  snprintf(where, sizeof where, "%s.fault", entry_where);
  if (!json_input_object(json, fault_members, where, problem)) return false;
  if (!json_input_number(json, "body_bytes", 0, INT32_MAX, where, &body_bytes, problem)) return false;
  if (!json_input_number(json, "os_errno", 0, 4095, where, &os_errno, problem)) return false;
  if (!read_status(json, where, f, problem) || !read_place(json, where, f, problem)) return false;
  if (!json_input_text(json, "message", where, &message, problem)) return false;
  f->body_bytes = (uint64_t)body_bytes;
  f->os_errno = (int32_t)os_errno;
  if (message.data != NULL) snprintf(f->message, sizeof f->message, "%.*s", (int)message.len, message.data);
  return true;
}

/* ---- connection ---- */

static const struct {
  const char *name;
  uint32_t fact;
} facts[] = {{"reused", PLQ_FACT_REUSED},
             {"resumed", PLQ_FACT_RESUMED},
             {"proxied", PLQ_FACT_PROXIED},
             {"chain_verified", PLQ_FACT_CHAIN_VERIFIED},
             {"host_verified", PLQ_FACT_HOST_VERIFIED}};

static bool read_connection(struct json_object *entry, const char *entry_where, script_connection *c, engine_problem *problem) {
  static const char *const names[] = {"reused", "resumed", "proxied", "tls_version", "chain_verified", "host_verified", NULL};
  static const char *const tls_versions[] = {"1.2", "1.3", NULL};
  char where[48];
  struct json_object *json = NULL;
  struct json_object *value = NULL;
  if (!json_object_object_get_ex(entry, "connection", &json)) return true;
  snprintf(where, sizeof where, "%s.connection", entry_where);
  if (!json_input_object(json, names, where, problem)) return false;
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
    bool yes = false;
    if (!json_object_object_get_ex(json, facts[i].name, &value)) continue;
    if (value == NULL)
      c->unknown |= facts[i].fact;
    else if (!json_input_bool(json, facts[i].name, where, &yes, problem))
      return false;
    else
      *(yes ? &c->yes : &c->no) |= facts[i].fact;
  }
  if (!json_object_object_get_ex(json, "tls_version", &value)) return true;
  int version = 0;
  if (value == NULL)
    c->unknown |= PLQ_FACT_TLS_VERSION;
  else if (!json_input_choice(json, "tls_version", tls_versions, where, &version, problem))
    return false;
  else
    c->tls_version = 0x0303 + (uint32_t)version;
  return true;
}

/* ---- response ---- */

static bool read_interim(struct json_object *json, const char *where, script_entry *e, engine_problem *problem) {
  struct json_object *list = NULL;
  if (!json_object_object_get_ex(json, "interim", &list)) return true;
  bool good = json_object_is_type(list, json_type_array);
  for (size_t i = 0; good && i < json_object_array_length(list); i++) {
    struct json_object *item = json_object_array_get_idx(list, i);
    int status = json_object_get_int(item);
    good = json_object_is_type(item, json_type_int) && status >= 100 && status < 200;
    render_status(&e->head, e->http_version, status, text_of(engine_reason(status)));
    buffer_add(&e->head, "\r\n", 2);
  }
  return good || json_input_fail(problem, "%s.interim: must be a list of statuses from 100 to 199, such as [100,103]", where);
}

static bool is_nocase(engine_text text, const char *name) {
  return text.len == strlen(name) && strncasecmp(text.data, name, text.len) == 0;
}

/* Writes the headers, and looks at what they say about the body's length. */
static void render_headers(struct json_object *list, script_entry *e, bool *out_framed) {
  for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
    engine_header pair = json_input_header(list, i);
    render_field(&e->head, pair.name, pair.value);
    if (is_nocase(pair.name, "Transfer-Encoding")) *out_framed = true;
    if (!is_nocase(pair.name, "Content-Length")) continue;
    *out_framed = true;
    uint64_t length = strtoull(pair.value.data, NULL, 10);
    if (length > e->body.len)
      e->truncated = true;
    else
      e->body.len = (size_t)length;
  }
}

static bool read_head(struct json_object *json, const char *where, script_entry *e, engine_problem *problem) {
  struct json_object *headers = NULL;
  engine_text reason = {NULL, 0};
  engine_text raw = {NULL, 0};
  int64_t status = 0;
  bool framed = false;
  if (!read_interim(json, where, e, problem)) return false;
  if (!json_input_number(json, "status", 100, 999, where, &status, problem)) return false;
  if (!json_input_text(json, "reason", where, &reason, problem)) return false;
  if (!json_input_text(json, "head", where, &raw, problem)) return false;
  if (!json_input_headers(json, "headers", MAX_HEADERS, where, &headers, problem)) return false;
  if (raw.data != NULL) {
    if (has(json, "status") || has(json, "reason") || has(json, "headers")) {
      return json_input_fail(problem, "%s.head: stands in place of status, reason and headers; leave them out", where);
    }
    buffer_add(&e->head, raw.data, raw.len);
    return true;
  }
  if (status == 0) return json_input_fail(problem, "%s.status: is missing; give it, or head, engine, hang or a fault", where);
  render_status(&e->head, e->http_version, (int)status, reason.data == NULL ? text_of(engine_reason((int)status)) : reason);
  render_headers(headers, e, &framed);
  bool bodiless = status < 200 || status == 204 || status == 304;
  if (!framed && !bodiless) buffer_print(&e->head, "Content-Length: %zu\r\n", e->body.len);
  buffer_add(&e->head, "\r\n", 2);
  return true;
}

static bool read_trailers(struct json_object *json, const char *where, script_entry *e, engine_problem *problem) {
  struct json_object *list = NULL;
  if (!json_input_headers(json, "trailers", MAX_HEADERS, where, &list, problem)) return false;
  for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
    engine_header pair = json_input_header(list, i);
    render_field(&e->trailers, pair.name, pair.value);
  }
  if (list != NULL) buffer_add(&e->trailers, "\r\n", 2);
  return true;
}

/* An entry that lets the engine answer, or hangs, has no response of its own. */
static bool check_sense(struct json_object *json, const char *where, const script_entry *e, engine_problem *problem) {
  static const char *const own[] = {"status", "reason", "headers", "body", "head", "interim", "http", "trailers", NULL};
  if (e->engine && e->hang) return json_input_fail(problem, "%s: engine and hang exclude each other", where);
  if (e->hang && e->fault.after != FAULT_NONE) return json_input_fail(problem, "%s: hang and fault exclude each other", where);
  for (size_t i = 0; (e->engine || e->hang) && own[i] != NULL; i++) {
    if (has(json, own[i])) {
      return json_input_fail(problem, "%s.%s: does not go together with engine or hang; leave one out", where, own[i]);
    }
  }
  return true;
}

static bool read_numbers(struct json_object *json, const char *where, script_entry *e, engine_problem *problem) {
  int64_t delay_ms = 0;
  int64_t pieces = 0;
  int64_t piece_delay_ms = 0;
  if (!json_input_number(json, "delay_ms", 0, MAX_DELAY_MS, where, &delay_ms, problem)) return false;
  if (!json_input_number(json, "pieces", 1, INT32_MAX, where, &pieces, problem)) return false;
  if (!json_input_number(json, "piece_delay_ms", 0, MAX_DELAY_MS, where, &piece_delay_ms, problem)) return false;
  e->delay_ns = delay_ms * NS_PER_MS;
  e->pieces = (uint64_t)pieces;
  e->piece_delay_ns = piece_delay_ms * NS_PER_MS;
  return true;
}

static bool read_entry(struct json_object *json, const char *where, script_entry *e, engine_problem *problem) {
  static const uint32_t versions[] = {10, 11, 20};
  int http = 1;
  int end = 0;
  engine_text body = {NULL, 0};
  if (!json_input_object(json, members, where, problem)) return false;
  if (!json_input_bool(json, "engine", where, &e->engine, problem) || !json_input_bool(json, "hang", where, &e->hang, problem))
    return false;
  if (!read_numbers(json, where, e, problem)) return false;
  if (!json_input_choice(json, "http", http_versions, where, &http, problem)) return false;
  if (!json_input_choice(json, "end", ends, where, &end, problem)) return false;
  if (!json_input_text(json, "body", where, &body, problem)) return false;
  e->http_version = versions[http];
  e->close = end == 1;
  buffer_add(&e->body, body.data, body.len);
  if (!read_fault(json, where, &e->fault, problem) || !read_connection(json, where, &e->connection, problem)) return false;
  if (!check_sense(json, where, e, problem)) return false;
  bool silent = e->engine || e->hang || e->fault.after == FAULT_AT_START || e->fault.after == FAULT_AFTER_CONNECTED;
  return silent || (read_head(json, where, e, problem) && read_trailers(json, where, e, problem));
}

static bool read_entries(const plq_transport_host *host, struct json_object *list, script *out, engine_problem *problem,
                         bool *out_memory) {
  size_t count = json_object_array_length(list);
  if (count == 0) return true;
  out->entries = host->alloc(host->context, count * sizeof *out->entries);
  *out_memory = out->entries == NULL;
  if (*out_memory) return false;
  for (size_t i = 0; i < count; i++) {
    char where[32];
    script_entry *e = &out->entries[i];
    *e = (script_entry){.head.host = host, .body.host = host, .trailers.host = host, .fault.after = FAULT_NONE};
    out->count = i + 1;
    snprintf(where, sizeof where, "script[%zu]", i);
    if (!read_entry(json_object_array_get_idx(list, i), where, e, problem)) return false;
    *out_memory = e->head.failed || e->body.failed || e->trailers.failed;
    if (*out_memory) return false;
  }
  return true;
}

int32_t script_read(const plq_transport_host *host, engine_text text, script *out, plq_transport_error *error) {
  engine_problem problem = {""};
  bool memory = false;
  bool good = false;
  *out = (script){0};
  struct json_object *json = json_input_parse(text, "script", &problem);
  if (json != NULL && !json_object_is_type(json, json_type_array))
    json_input_fail(&problem, "script: must be a list of entries");
  else if (json != NULL)
    good = read_entries(host, json, out, &problem, &memory);
  json_object_put(json);
  if (good) return PLQ_OK;
  script_clear(host, out);
  if (memory) return error_set(error, PLQ_E_MEMORY, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "out of memory");
  return error_set(error, PLQ_E_OPTION_VALUE, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "%s", problem.text);
}

void script_clear(const plq_transport_host *host, script *self) {
  for (size_t i = 0; i < self->count; i++) {
    buffer_clear(&self->entries[i].head);
    buffer_clear(&self->entries[i].body);
    buffer_clear(&self->entries[i].trailers);
  }
  if (self->entries != NULL) host->free(host->context, self->entries);
  *self = (script){0};
}
