/* SPDX-License-Identifier: MIT */
/*
 * json-c reads error bodies, because they carry no secret of ours and it is more forgiving than the scanner for success bodies.
 * The host's locale does not matter: json-c 0.16 switches LC_NUMERIC to "C" by uselocale (json_tokener.c, HAVE_USELOCALE; the symbol
 * is imported by Debian's build) for this thread and this parse alone, and switches back. It wipes nothing, so it gets a copy of the
 * body that the longer secrets were taken out of.
 */
#include "error_body.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/buffer.h"
#include "redact.h"

enum {
  MAX_DEPTH = 32,
  MAX_TEXT = 4096,
  MAX_DETAILS = 64,
  MAX_CONTAINERS = 16384, /* json-c takes 792 bytes for each "{}" (measured): 1 MiB of them would cost 277 MB */
  LONG_SECRET = 16       /* longer than any name of a member, so that taking it out of the raw body breaks nothing */
};

struct reader {
  const struct plq__text *secrets;
  size_t secret_count;
  plq_error *error;
};

/* Well-formed UTF-8 without control characters, cut between characters. */
static void add_clean(struct plq__buffer *buffer, struct plq__text text) {
  while (text.len > 0) {
    struct plq__text shown = plq__next_clean(&text);
    if (shown.len > buffer->cap - buffer->len || !plq__buffer_add(buffer, shown.at, shown.len)) return;
  }
}

/* A text that may be shown, in *out; false: there is none. Secrets go before the cut, which could otherwise leave half of one. */
static bool clean_text(const struct reader *reader, struct json_object *value, struct plq__buffer *out) {
  plq__buffer_init(out, MAX_TEXT, false);
  if (!json_object_is_type(value, json_type_string)) return false;
  struct plq__text text = {json_object_get_string(value), (size_t)json_object_get_string_len(value)};
  struct plq__buffer redacted;
  plq__buffer_init(&redacted, SIZE_MAX / 4, false);
  if (plq__redact_into(&redacted, text, reader->secrets, reader->secret_count, 1))
    add_clean(out, (struct plq__text){redacted.at, redacted.len});
  plq__buffer_clear(&redacted);
  return out->len > 0;
}

static void set_text(const struct reader *reader, enum plq__error_text which, struct json_object *value) {
  struct plq__buffer text;
  if (clean_text(reader, value, &text)) plq__error_set(reader->error, which, text.at, text.len);
  plq__buffer_clear(&text);
}

static void set_trace_id(const struct reader *reader, struct json_object *value) {
  const char *known = reader->error->texts[PLQ__ERROR_TRACE_ID];
  struct plq__buffer text;
  if (known != NULL && known[0] != '\0') return;
  if (clean_text(reader, value, &text) && plq__is_uuid((struct plq__text){text.at, text.len}))
    plq__error_set(reader->error, PLQ__ERROR_TRACE_ID, text.at, text.len);
  plq__buffer_clear(&text);
}

static void add_detail(const struct reader *reader, struct json_object *value) {
  plq_error *error = reader->error;
  struct plq__buffer text;
  if (error->detail_count >= MAX_DETAILS) return;
  bool some = clean_text(reader, value, &text);
  char **details = some ? plq__realloc(error->details, (error->detail_count + 1) * sizeof *details) : NULL;
  if (details != NULL) error->details = details;
  char *detail = details != NULL ? plq__copy(text.at, text.len) : NULL;
  if (detail != NULL) details[error->detail_count++] = detail;
  plq__buffer_clear(&text);
}

static struct json_object *member(struct json_object *object, const char *name) {
  struct json_object *value = NULL;
  return json_object_object_get_ex(object, name, &value) ? value : NULL;
}

/* A text, {"details": text}, or a list of either; anything else adds nothing. Recursion ends at the depth of the parser. */
static void add_details(const struct reader *reader, struct json_object *value) {
  if (json_object_is_type(value, json_type_array)) {
    for (size_t i = 0; i < json_object_array_length(value); i++) add_details(reader, json_object_array_get_idx(value, i));
  } else if (json_object_is_type(value, json_type_object)) {
    add_details(reader, member(value, "details"));
  } else {
    add_detail(reader, value);
  }
}

static void forget_details(plq_error *error) {
  for (uint32_t i = 0; i < error->detail_count; i++) plq__free(error->details[i]);
  plq__free(error->details);
  error->details = NULL;
  error->detail_count = 0;
}

/* Older bodies have the list under errors, newer ones under details. */
static void read_object(const struct reader *reader, struct json_object *object) {
  set_text(reader, PLQ__ERROR_SERVICE_CODE, member(object, "code"));
  set_text(reader, PLQ__ERROR_SERVICE_MESSAGE, member(object, "message"));
  set_trace_id(reader, member(object, "traceId"));
  forget_details(reader->error);
  add_details(reader, member(object, "errors"));
  add_details(reader, member(object, "details"));
}

static bool is_readable(struct plq__text body) {
  size_t containers = 0;
  for (size_t i = 0; i < body.len; i++) containers += body.at[i] == '{' || body.at[i] == '[';
  return body.len <= INT_MAX && containers <= MAX_CONTAINERS;
}

static struct json_object *parse(struct plq__text body) {
  struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
  if (tokener == NULL) return NULL;
  struct json_object *value = json_tokener_parse_ex(tokener, body.at, (int)body.len);
  json_tokener_free(tokener);
  return value;
}

void plq__error_body_read(const char *body, size_t len, const struct plq__text *secrets, size_t secret_count, plq_error *error) {
  struct reader reader = {secrets, secret_count, error};
  struct plq__text text = {body, len};
  struct plq__buffer copy;
  plq__buffer_init(&copy, SIZE_MAX / 4, false);
  if (body == NULL || error == NULL || !is_readable(text)) return;
  if (len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) text = (struct plq__text){body + 3, len - 3};
  struct json_object *object = NULL;
  if (plq__redact_into(&copy, text, secrets, secret_count, LONG_SECRET) && copy.len < INT_MAX)
    object = parse((struct plq__text){copy.at, copy.len});
  if (json_object_is_type(object, json_type_object)) read_object(&reader, object);
  json_object_put(object);
  plq__buffer_clear(&copy);
}
