/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How a failure that the stub transport merely reports is brought about over a socket. */
typedef enum rendering {
  RENDER_CUT,         /* the answer ends where the fault says: by `end` */
  RENDER_BEFORE,      /* the connection fails before a request: by `before`, with `answer` */
  RENDER_CERTIFICATE, /* the server's certificate is bad: `answer` names the kind */
  RENDER_DEAD,
  RENDER_DEAF,
} rendering;

typedef struct fault_rendering {
  const char *status;
  rendering how;
  test_end end;
  test_before before;
  const char *answer;
  size_t answer_len;
} fault_rendering;

#define CUT(status, end) \
  { status, RENDER_CUT, end, TEST_BEFORE_NOTHING, NULL, 0 }
#define BEFORE(status, before, answer) \
  { status, RENDER_BEFORE, TEST_END_FIN, before, answer, sizeof(answer) - 1 }
#define CERTIFICATE(status, kind) \
  { status, RENDER_CERTIFICATE, TEST_END_FIN, TEST_BEFORE_NOTHING, kind, 0 }
#define NOBODY(status, how) \
  { status, how, TEST_END_FIN, TEST_BEFORE_NOTHING, NULL, 0 }

static const fault_rendering faults[] = {
    NOBODY("PLQ_E_CONNECT_REFUSED", RENDER_DEAD),
    NOBODY("PLQ_E_TIMEOUT_CONNECT", RENDER_DEAF),
    BEFORE("PLQ_E_TLS_HANDSHAKE_EOF", TEST_BEFORE_HELLO_FIN, ""),
    BEFORE("PLQ_E_TLS_NOT_TLS", TEST_BEFORE_REPLY, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    BEFORE("PLQ_E_TLS_ALERT", TEST_BEFORE_REPLY, "\x15\x03\x03\x00\x02\x02\x50"),
    BEFORE("PLQ_E_TLS_RECORD", TEST_BEFORE_REPLY, "\x16\x03\x03\xff\xff\x02\x50\x50\x50\x50"),
    BEFORE("PLQ_E_TIMEOUT_TLS", TEST_BEFORE_SILENT, ""),
    CERTIFICATE("PLQ_E_TLS_VERSION", "tls_old"),
    CERTIFICATE("PLQ_E_TLS_CIPHER", "no_cipher"),
    CERTIFICATE("PLQ_E_VERIFY_EXPIRED", "expired"),
    CERTIFICATE("PLQ_E_VERIFY_NOT_YET_VALID", "not_yet_valid"),
    CERTIFICATE("PLQ_E_VERIFY_UNTRUSTED", "untrusted"),
    CERTIFICATE("PLQ_E_VERIFY_HOST", "wrong_host"),
    CERTIFICATE("PLQ_E_VERIFY_PURPOSE", "client_only"),
    CERTIFICATE("PLQ_E_VERIFY_WEAK", "weak_key"),
    CUT("PLQ_E_IO_RESET", TEST_END_RST),
    CUT("PLQ_E_TRUNCATED_NO_RESPONSE", TEST_END_CLOSE),
    CUT("PLQ_E_TRUNCATED_HEAD", TEST_END_CLOSE),
    CUT("PLQ_E_TRUNCATED_BODY", TEST_END_CLOSE),
    CUT("PLQ_E_TRUNCATED_CHUNK", TEST_END_CLOSE),
    CUT("PLQ_E_TIMEOUT_FIRST_BYTE", TEST_END_HANG),
    CUT("PLQ_E_TIMEOUT_IDLE", TEST_END_HANG),
};

static const char *get_text(json_object *object, const char *key) {
  json_object *value = json_object_object_get(object, key);
  return value == NULL ? NULL : json_object_get_string(value);
}

static int64_t get_number(json_object *object, const char *key) {
  return json_object_get_int64(json_object_object_get(object, key));
}

static const fault_rendering *find_fault(const char *status) {
  for (size_t i = 0; status != NULL && i < sizeof faults / sizeof *faults; i++)
    if (strcmp(faults[i].status, status) == 0) return &faults[i];
  return NULL;
}

void test_raw(test_bytes *out, json_object *text) {
  const unsigned char *at = (const unsigned char *)json_object_get_string(text);
  const unsigned char *end = at + json_object_get_string_len(text);
  while (at < end) {
    char byte = (char)*at++;
    if ((unsigned char)byte >= 0x80) {
      if ((unsigned char)byte > 0xc3) test_die("raw: a character above U+00FF");
      byte = (char)(((unsigned char)byte & 3) << 6 | (*at++ & 0x3f));
    }
    test_bytes_add(out, &byte, 1);
  }
}

static bool is_chunked(json_object *headers) {
  for (size_t i = 0; headers != NULL && i < json_object_array_length(headers); i++)
    if (strcasecmp(json_object_get_string(json_object_array_get_idx(json_object_array_get_idx(headers, i), 0)),
                   "Transfer-Encoding") == 0)
      return true;
  return false;
}

/* Writes header lines; returns whether one of them frames the body. */
static bool add_fields(test_bytes *out, json_object *headers) {
  bool framed = is_chunked(headers);
  for (size_t i = 0; headers != NULL && i < json_object_array_length(headers); i++) {
    json_object *pair = json_object_array_get_idx(headers, i);
    const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
    framed |= strcasecmp(name, "Content-Length") == 0;
    test_bytes_format(out, "%s: %s\r\n", name, json_object_get_string(json_object_array_get_idx(pair, 1)));
  }
  return framed;
}

static void add_head(test_bytes *out, json_object *entry, size_t body_len) {
  const char *http = get_text(entry, "http");
  const char *reason = get_text(entry, "reason");
  json_object *interim = json_object_object_get(entry, "interim");
  int64_t status = get_number(entry, "status");
  for (size_t i = 0; interim != NULL && i < json_object_array_length(interim); i++)
    test_bytes_format(out, "HTTP/1.1 %d Interim\r\n\r\n", json_object_get_int(json_object_array_get_idx(interim, i)));
  test_bytes_format(out, "HTTP/%s %d %s\r\n", http == NULL ? "1.1" : http, (int)status, reason == NULL ? "Scripted" : reason);
  bool framed = add_fields(out, json_object_object_get(entry, "headers"));
  if (!framed && status != 204 && status != 304 && status >= 200) test_bytes_format(out, "Content-Length: %zu\r\n", body_len);
  test_bytes_text(out, "\r\n");
}

/* Writes a structured answer, or as much of it as comes before its fault. */
static void add_answer(test_bytes *out, json_object *entry, json_object *fault) {
  json_object *body = json_object_object_get(entry, "body");
  const char *text = body == NULL ? "" : json_object_get_string(body);
  size_t len = body == NULL ? 0 : (size_t)json_object_get_string_len(body);
  const char *after = get_text(fault, "after");
  size_t part = fault == NULL ? len : after != NULL && strcmp(after, "body") == 0 ? (size_t)get_number(fault, "body_bytes") : 0;
  bool chunked = is_chunked(json_object_object_get(entry, "headers"));
  bool head_only = fault != NULL && (after == NULL || strcmp(after, "connected") == 0);
  add_head(out, entry, len);
  if (head_only) { /* not even the head: some of it for a head that is cut, nothing else */
    bool inside = strcmp(get_text(fault, "status"), "PLQ_E_TRUNCATED_HEAD") == 0;
    out->len = inside ? out->len - 2 : 0;
    return;
  }
  if (chunked && part > 0) test_bytes_format(out, "%zx\r\n", part);
  test_bytes_add(out, text, part < len ? part : len);
  if (chunked && part > 0) test_bytes_text(out, "\r\n");
  if (!chunked || fault != NULL) return;
  test_bytes_text(out, "0\r\n");
  add_fields(out, json_object_object_get(entry, "trailers"));
  test_bytes_text(out, "\r\n");
}

static test_end read_end(json_object *entry, test_end otherwise) {
  static const char *const names[] = {"keep", "close", "fin", "rst", "hang"};
  const char *end = get_text(entry, "end");
  if (end == NULL) return otherwise;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(end, names[i]) == 0) return (test_end)i;
  test_die("script: no end is called %s", end);
}

static test_before read_before(json_object *entry) {
  static const char *const names[] = {"nothing", "drop",   "reset", "hello_fin", "hello_rst",
                                      "reply",   "silent", "stall", "stall_rst"};
  const char *before = get_text(entry, "before");
  if (before == NULL) return TEST_BEFORE_NOTHING;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(before, names[i]) == 0) return (test_before)i;
  test_die("script: nothing before a request is called %s", before);
}

static test_midway read_midway(json_object *entry) {
  static const char *const names[] = {"nothing", "renegotiate", "key_update", "tickets"};
  const char *midway = get_text(entry, "midway");
  if (midway == NULL) return TEST_MIDWAY_NOTHING;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(midway, names[i]) == 0) return (test_midway)i;
  test_die("script: nothing midway is called %s", midway);
}

static const char *compile_fault(test_script *script, test_step *step, json_object *entry, json_object *fault) {
  const fault_rendering *how = find_fault(get_text(fault, "status"));
  if (how == NULL) return "no way is known to bring this fault about over a socket";
  if (how->how == RENDER_DEAD) script->dead = true;
  if (how->how == RENDER_DEAF) script->deaf = true;
  if (how->how == RENDER_CERTIFICATE) script->certificate = how->answer;
  if (how->how != RENDER_BEFORE && how->how != RENDER_CUT) { /* what the server is, it is for all entries */
    script->whole++;
    return NULL;
  }
  step->before = how->before;
  step->end = read_end(entry, how->end);
  if (how->how == RENDER_BEFORE) test_bytes_add(&step->answer, how->answer, how->answer_len);
  if (how->how == RENDER_CUT && json_object_object_get(entry, "status") != NULL) add_answer(&step->answer, entry, fault);
  return NULL;
}

static const char *compile(test_script *script, test_step *step, json_object *entry) {
  json_object *fault = json_object_object_get(entry, "fault");
  json_object *raw = json_object_object_get(entry, "raw");
  bool answers = raw != NULL || json_object_object_get(entry, "status") != NULL;
  step->before = read_before(entry);
  step->certificate = get_text(entry, "certificate");
  step->early = json_object_get_boolean(json_object_object_get(entry, "early"));
  step->midway = read_midway(entry);
  if (step->before == TEST_BEFORE_STALL || step->before == TEST_BEFORE_STALL_RST || step->early) script->stalls = true;
  step->delay_ms = get_number(entry, "delay_ms");
  step->piece = (size_t)get_number(entry, "pieces");
  step->piece_delay_ms = get_number(entry, "piece_delay_ms");
  step->end_delay_ms = get_number(entry, "end_delay_ms");
  if (fault != NULL && raw == NULL) return compile_fault(script, step, entry, fault);
  step->end = read_end(entry, answers                                                          ? TEST_END_KEEP
                              : json_object_get_boolean(json_object_object_get(entry, "hang")) ? TEST_END_HANG
                                                                                               : TEST_END_CLOSE);
  if (raw != NULL)
    test_raw(&step->answer, raw);
  else if (answers)
    add_answer(&step->answer, entry, NULL);
  return NULL;
}

test_script *test_script_new(json_object *responses, const char **out_reason) {
  test_script *script = test_alloc(sizeof *script);
  *out_reason = NULL;
  script->certificate = "good";
  script->host = "127.0.0.1";
  script->count = responses == NULL ? 0 : json_object_array_length(responses);
  script->steps = test_alloc(script->count * sizeof *script->steps);
  for (size_t i = 0; i < script->count && *out_reason == NULL; i++)
    *out_reason = compile(script, &script->steps[i], json_object_array_get_idx(responses, i));
  if (*out_reason == NULL && script->whole > 0 && script->whole != script->count)
    *out_reason = "this fault is one of the whole server, so that no other entry can stand beside it";
  if (*out_reason == NULL) return script;
  test_script_free(script);
  return NULL;
}

void test_script_free(test_script *script) {
  if (script == NULL) return;
  for (size_t i = 0; i < script->count; i++) test_bytes_clear(&script->steps[i].answer);
  free(script->steps);
  test_bytes_clear(&script->settings);
  free(script);
}

static void add_text(test_bytes *out, json_object *value) {
  json_object *repeat = NULL, *join = NULL;
  if (json_object_is_type(value, json_type_string)) {
    test_bytes_add(out, json_object_get_string(value), (size_t)json_object_get_string_len(value));
  } else if (json_object_object_get_ex(value, "repeat", &repeat)) {
    for (int64_t i = get_number(value, "times"); i > 0; i--) add_text(out, repeat);
  } else if (json_object_object_get_ex(value, "join", &join)) {
    for (size_t i = 0; i < json_object_array_length(join); i++) add_text(out, json_object_array_get_idx(join, i));
  } else {
    test_die("not a text: %s", json_object_to_json_string(value));
  }
}

static bool is_macro(json_object *value) {
  return json_object_object_get_ex(value, "join", NULL) ||
         (json_object_object_get_ex(value, "repeat", NULL) && json_object_object_get_ex(value, "times", NULL));
}

/* Adds what an element of a list stands for: itself, or {"copies": n, "of": value}. */
static void add_elements(json_object *list, json_object *element) {
  json_object *of = NULL;
  int64_t copies = 1;
  if (json_object_is_type(element, json_type_object) && json_object_object_get_ex(element, "of", &of)) {
    copies = get_number(element, "copies");
    element = of;
  }
  for (; copies > 0; copies--) json_object_array_add(list, test_expand(element));
}

json_object *test_expand(json_object *value) {
  json_object *expanded = NULL;
  if (json_object_is_type(value, json_type_object) && is_macro(value)) {
    test_bytes text = {0};
    add_text(&text, value);
    expanded = json_object_new_string_len(text.data, (int)text.len);
    test_bytes_clear(&text);
  } else if (json_object_is_type(value, json_type_object)) {
    expanded = json_object_new_object();
    json_object_object_foreach(value, key, member) json_object_object_add(expanded, key, test_expand(member));
  } else if (json_object_is_type(value, json_type_array)) {
    expanded = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(value); i++) add_elements(expanded, json_object_array_get_idx(value, i));
  } else {
    expanded = json_object_get(value);
  }
  return expanded;
}
