/* SPDX-License-Identifier: MIT */
#include "config_file.h"

#include <plastiq/options.h>
#include <plastiq/transport.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/ambient.h"
#include "../base/error.h"
#include "../base/file.h"
#include "../base/secure.h"
#include "scan.h"

enum { LARGEST = 1 << 20 };

struct reading {
  plq_options *options;
  const char *path;
  const char *begin; /* of the text */
  bool seen[PLQ__OPT_COUNT];
  int32_t status;
  plq_error **out_error;
};

/* ---- failures ---- */

static int32_t fail_at(const struct reading *reading, const char *at, int32_t status, const char *field, const char *what) {
  int line = 1, column = 1;
  for (const char *c = reading->begin; c < at; c++) {
    bool ends = *c == '\n';
    line += ends;
    column = ends ? 1 : column + ((*c & 0xC0) != 0x80); /* characters, not bytes */
  }
  return plq__fail(reading->out_error, status, field, "the file %s, line %d, column %d: %s", reading->path, line, column, what);
}

/* What is there, in so far as it can be no part of a secret. */
static int32_t fail_syntax(const struct reading *reading, const char *at, const char *end) {
  char what[96] = "this is not JSON here (RFC 8259)";
  if (at == end) snprintf(what, sizeof what, "the text ends before its JSON object does");
  if (at < end && (*at == '}' || *at == ']' || *at == ','))
    snprintf(what, sizeof what, "there is a %c where something else must be; a comma too many?", *at);
  if (at < end && *at == '"') snprintf(what, sizeof what, "a comma or a bracket is missing before this");
  if (at == reading->begin) snprintf(what, sizeof what, "the file must have one JSON object, such as {\"timeout_ms\": 5000}");
  return fail_at(reading, at, PLQ_E_CONFIG_FILE, NULL, what);
}

/* Says of a failure where it is. */
static int32_t place(const struct reading *reading, const char *at, int32_t status) {
  if (reading->out_error == NULL || *reading->out_error == NULL) return status;
  plq_error *plain = *reading->out_error;
  const char *message = plain->texts[PLQ__ERROR_MESSAGE];
  fail_at(reading, at, status, plain->texts[PLQ__ERROR_FIELD], message != NULL ? message : plq_status_text(status));
  plq_error_free(plain);
  return status;
}

/* ---- values ---- */

/* The elements of an array, joined by commas. */
struct list {
  char *text;
  size_t len;
  bool good;
};

static bool add_element(void *context, const struct plq__scan_value *key, const struct plq__scan_value *value) {
  struct list *list = context;
  (void)key;
  bool text = value->kind == PLQ__SCAN_STRING;
  list->good = text || value->kind == PLQ__SCAN_NUMBER;
  if (!list->good) return false;
  if (list->len > 0) list->text[list->len++] = ',';
  char *at = list->text + list->len;
  size_t written = value->raw_len;
  if (text)
    written = plq__scan_unescape(value->raw, value->raw_len, at);
  else
    memcpy(at, value->raw, written);
  list->good = memchr(at, ',', written) == NULL;
  list->len += written;
  return list->good;
}

/* The value as the text that plq_options_set() takes. `room` holds raw_len bytes. False: it is of a kind that no option has. */
static bool value_text(const struct plq__scan_value *value, char *room, struct plq__text *out) {
  struct list list = {room, 0, true};
  const struct plq__scan_visitor visitor = {add_element, &list};
  switch (value->kind) {
    case PLQ__SCAN_STRING:
      list.len = plq__scan_unescape(value->raw, value->raw_len, room);
      break;
    case PLQ__SCAN_NUMBER:
    case PLQ__SCAN_BOOL:
      memcpy(room, value->raw, list.len = value->raw_len);
      break;
    case PLQ__SCAN_ARRAY:
      plq__scan_walk(value->raw, value->raw_len, PLQ__SCAN_ARRAY, &visitor);
      break;
    default:
      return false;
  }
  *out = (struct plq__text){room, list.len};
  return list.good;
}

/* A text for a number or a bool is refused: what looks right in the file is of the type that the table says. */
static const char *right_kind(uint32_t type, enum plq__scan_kind kind) {
  bool text = kind == PLQ__SCAN_STRING, number = kind == PLQ__SCAN_NUMBER;
  switch (type) {
    case PLQ_OPTION_BOOL:
      return kind == PLQ__SCAN_BOOL ? NULL : "true or false, without quotes";
    case PLQ_OPTION_INT:
    case PLQ_OPTION_MS:
      return number ? NULL : "a number, without quotes";
    case PLQ_OPTION_LIST:
      return text || kind == PLQ__SCAN_ARRAY ? NULL : "a list of texts, or one text with commas";
    default:
      return text ? NULL : "a text in quotes";
  }
}

static int32_t put(struct reading *reading, const struct plq__scan_value *key, const struct plq__scan_value *value, char *room) {
  struct plq__text name = {room, plq__scan_unescape(key->raw, key->raw_len, room)}, text;
  int index = plq__option_find(name);
  if (index < 0) {
    if (memchr(name.at, '.', name.len) != NULL)
      return fail_at(
          reading, key->raw, PLQ_E_OPTION_UNKNOWN, NULL,
          "a transport's own options are taken from code only: the library cannot know which of them weaken something");
    /* Asked only for the failure, which names the nearest. */
    return place(reading, key->raw, plq__options_put(reading->options, name, PLQ__TEXT(""), PLQ_SOURCE_FILE, reading->out_error));
  }
  const struct plq__option *row = plq__option_row((enum plq__option_index)index);
  if (reading->seen[index]) return fail_at(reading, key->raw, PLQ_E_CONFIG_FILE, row->name, "this option is there twice");
  reading->seen[index] = true;
  if (value->kind == PLQ__SCAN_NULL) return PLQ_OK;
  const char *right = right_kind(row->type, value->kind);
  char what[128];
  snprintf(what, sizeof what, "%s must be %s", row->name, right != NULL ? right : "a list of texts without commas");
  if (right != NULL || !value_text(value, room, &text)) return fail_at(reading, value->raw, PLQ_E_OPTION_VALUE, row->name, what);
  int32_t status =
      plq__options_put(reading->options, plq__text_in(row->name, SIZE_MAX), text, PLQ_SOURCE_FILE, reading->out_error);
  return status == PLQ_OK ? status : place(reading, value->raw, status);
}

/* Keys and values may be secrets, or a secret in the wrong place: they are unescaped in the secure pages. */
static bool visit(void *context, const struct plq__scan_value *key, const struct plq__scan_value *value) {
  struct reading *reading = context;
  size_t size = key->raw_len > value->raw_len ? key->raw_len : value->raw_len;
  char *room = plq__secure_alloc(size + 1);
  reading->status = room != NULL ? put(reading, key, value, room) : plq__fail_plain(reading->out_error, PLQ_E_MEMORY);
  plq__secure_free(room);
  return reading->status == PLQ_OK;
}

/* ---- the file ---- */

int32_t plq__config_file_read(plq_options *options, const char *path, plq_error **out_error) {
  struct reading reading = {.options = options, .path = path, .out_error = out_error};
  const struct plq__scan_visitor visitor = {visit, &reading};
  struct plq__file_text text = {0};
  char trouble[160];
  if (path[0] != '/')
    return plq__fail(out_error, PLQ_E_CONFIG_FILE, NULL,
                     "the variable PLASTIQ_CONFIG: it must be the absolute path of a JSON file; what a relative one means would "
                     "depend on the folder that the program happens to run in");
  options->config_path = plq__copy(path, strlen(path));
  if (options->config_path == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  int32_t status = plq__file_text_read(path, LARGEST, &text, trouble, sizeof trouble);
  if (status != PLQ_OK)
    return status == PLQ_E_MEMORY ? plq__fail_plain(out_error, status)
                                  : plq__fail(out_error, PLQ_E_CONFIG_FILE, NULL,
                                              "the file %s, which the variable PLASTIQ_CONFIG names, %s", path, trouble);
  reading.begin = text.at;
  const char *stopped = plq__scan_walk(text.at, text.len, PLQ__SCAN_OBJECT, NULL);
  if (stopped != NULL)
    status = fail_syntax(&reading, stopped, text.at + text.len);
  else if (plq__scan_walk(text.at, text.len, PLQ__SCAN_OBJECT, &visitor) != NULL)
    status = reading.status;
  plq__secure_free(text.at);
  return status;
}
