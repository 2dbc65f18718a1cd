/* SPDX-License-Identifier: MIT */
/* Counters and the request log, which is written so that nothing secret can get into it. */
#include "internal.h"

#include <json-c/json.h>
#include <stdlib.h>

/*
 * A segment that is long or has many digits could be a secret or a card number that somebody put into a path. Quotes and the like
 * are left out too, so that what is shown needs no escaping in a JSON line.
 */
static bool segment_is_harmless(const char *segment, size_t len) {
  size_t digits = 0;
  for (size_t i = 0; i < len; i++) {
    if (segment[i] >= '0' && segment[i] <= '9') digits++;
    if (segment[i] <= ' ' || segment[i] >= 0x7f || segment[i] == '"' || segment[i] == '\\') return false;
  }
  return len <= 24 && digits < 12;
}

static void describe_path(char *out, size_t size, engine_text path) {
  size_t used = 0;
  for (size_t at = 0; at < path.len;) {
    size_t end = at;
    while (end < path.len && path.data[end] != '/') end++;
    bool harmless = segment_is_harmless(path.data + at, end - at);
    const char *shown = harmless ? path.data + at : "***";
    size_t len = harmless ? end - at : 3;
    if (used + len + 2 > size) break;
    memcpy(out + used, shown, len);
    used += len;
    if (end < path.len) out[used++] = '/';
    at = end + 1;
  }
  out[used] = '\0';
}

void journal_describe(engine_answer *answer, engine_text method, engine_text path) {
  size_t len = method.len < sizeof answer->method ? method.len : sizeof answer->method - 1;
  for (size_t i = 0; i < len; i++) answer->method[i] = engine_is_token((engine_text){method.data + i, 1}) ? method.data[i] : '?';
  answer->method[len] = '\0';
  describe_path(answer->path, sizeof answer->path, path);
}

void journal_add(journal *self, const log_entry *entry) {
  self->requests++;
  if (entry->status > 0 && entry->status < 600) self->by_status[entry->status]++;
  if (entry->status == 0) self->dropped++;
  if (self->capacity == 0) return;
  self->items[self->written % self->capacity] = *entry;
  self->items[self->written % self->capacity].number = self->requests;
  self->written++;
}

static const char *drop_name(engine_drop drop) {
  switch (drop) {
    case ENGINE_DROP_BEFORE_HANDLING:
      return "before_handling";
    case ENGINE_DROP_AFTER_HANDLING:
      return "after_handling";
    case ENGINE_DROP_AFTER_RESPONSE:
      return "after_response";
    case ENGINE_DROP_NONE:
      break;
  }
  return NULL;
}

static bool add(struct json_object *object, const char *name, struct json_object *value) {
  if (value != NULL && json_object_object_add(object, name, value) == 0) return true;
  json_object_put(value);
  return false;
}

static bool add_number(struct json_object *object, const char *name, uint64_t value) {
  return add(object, name, json_object_new_uint64(value));
}

static bool add_text(struct json_object *object, const char *name, const char *value) {
  return value == NULL || *value == '\0' || add(object, name, json_object_new_string(value));
}

static struct json_object *entry_json(const log_entry *e) {
  struct json_object *object = json_object_new_object();
  if (object == NULL) return NULL;
  bool good = add_number(object, "number", e->number) && add(object, "at_ms", json_object_new_int64(e->at_ms)) &&
              add_text(object, "method", e->method) && add_text(object, "path", e->path) &&
              add_text(object, "trace_id", e->trace_id) && add(object, "status", json_object_new_int(e->status)) &&
              add_text(object, "code", e->code) && add(object, "delay_ms", json_object_new_int64(e->delay_ms)) &&
              add(object, "fault", json_object_new_boolean(e->fault)) && add_text(object, "drop", drop_name(e->drop));
  if (good) return object;
  json_object_put(object);
  return NULL;
}

/* The text of an object, which is freed. */
static char *to_text(struct json_object *object) {
  const char *text =
      object == NULL ? NULL : json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
  char *copy = text == NULL ? NULL : text_copy((engine_text){text, strlen(text)});
  json_object_put(object);
  return copy;
}

char *engine_log_json(const engine *self) {
  const journal *j = &self->journal;
  struct json_object *list = json_object_new_array();
  uint64_t first = j->written > j->capacity ? j->written - j->capacity : 0;
  for (uint64_t i = first; list != NULL && i < j->written; i++) {
    struct json_object *entry = entry_json(&j->items[i % j->capacity]);
    if (entry != NULL && json_object_array_add(list, entry) == 0) continue;
    json_object_put(entry);
    json_object_put(list);
    list = NULL;
  }
  return to_text(list);
}

static bool add_statuses(struct json_object *object, const journal *j) {
  struct json_object *statuses = json_object_new_object();
  if (!add(object, "answers", statuses)) return false;
  for (int status = 0; status < 600; status++) {
    const char name[4] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    if (j->by_status[status] > 0 && !add_number(statuses, name, j->by_status[status])) return false;
  }
  return true;
}

char *engine_state_json(const engine *self) {
  const journal *j = &self->journal;
  struct json_object *object = json_object_new_object();
  bool good = object != NULL && add_number(object, "requests", j->requests) && add_statuses(object, j) &&
              add_number(object, "dropped", j->dropped) && add_number(object, "secrets_issued", j->secrets_issued) &&
              add_number(object, "secrets_used", j->secrets_used) && add_number(object, "secrets_refused", j->secrets_refused) &&
              add_number(object, "faults_pending", self->fault_count) &&
              add_number(object, "faults_applied", j->faults_applied) && add_number(object, "keys", self->keys.count) &&
              add(object, "clock_ms", json_object_new_int64(engine_now_ms(self))) &&
              add(object, "clock_advanced_ms", json_object_new_int64(self->offset_ms));
  if (!good) {
    json_object_put(object);
    return NULL;
  }
  char *text = to_text(object);
  if (text != NULL) text[strlen(text) - 1] = '\0';
  return text;
}

void engine_clear_log(engine *self) {
  self->journal.written = 0;
}
