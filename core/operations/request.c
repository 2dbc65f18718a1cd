/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <json-c/json.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../codec/scan.h"

enum { VALUE_LONGEST = 8192, HEADERS_LONGEST = 64 * 1024, EXTRA_LONGEST = 256 * 1024, EXTRA_DEPTH = 64 };

int32_t plq_request_new(const char *operation, size_t operation_len, plq_request **out_request, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_request == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, "out_request", "out_request is NULL");
  *out_request = NULL;
  struct plq__text name = plq__text_in(operation, operation_len);
  const struct plq__operation *row = plq__operation_find(name);
  if (row == NULL) {
    const char *nearest = plq__operation_nearest(name);
    return plq__fail(out_error, PLQ_E_UNKNOWN_OPERATION, nearest, "there is no such operation; %s%s%s", nearest != NULL ? "the nearest is \"" : "",
                     nearest != NULL ? nearest : "docs/operations.md lists them", nearest != NULL ? "\"" : "");
  }
  plq_request *request = plq__alloc(sizeof *request + row->field_count * sizeof *request->values);
  if (request == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  *request = (plq_request){.operation = row, .max_repeats = -1};
  request->headers_end = &request->headers;
  *out_request = request;
  return PLQ_OK;
}

void plq_request_free(plq_request *request) {
  if (request == NULL) return;
  for (size_t i = 0; i < request->operation->field_count; i++)
    if (request->values[i] != NULL) plq__wipe_free(request->values[i], strlen(request->values[i]));
  while (request->headers != NULL) {
    struct plq__header *header = request->headers;
    request->headers = header->next;
    plq__wipe_free(header->value, header->value_len);
    plq__free(header->name);
    plq__free(header);
  }
  json_object_put(request->extra);
  plq__free(request);
}

/* ---- fields ---- */

static const char *const rule_texts[] = {
    [PLQ__RULE_UUID] = "a UUID: 8-4-4-4-12 hexadecimal digits (RFC 9562)",
    [PLQ__RULE_UUID4] = "a UUID of version 4: xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx with y one of 8, 9, a, b (RFC 9562)",
    [PLQ__RULE_CHOICE] = "one of the known values",
    [PLQ__RULE_IP] = "an IPv4 or IPv6 address, such as 192.0.2.1 or 2001:db8::1",
    [PLQ__RULE_TEXT] = "text that is not empty",
    [PLQ__RULE_HEADER] = "1 to 8192 bytes of visible characters, spaces and tabs",
};

static bool keeps_rule(const struct plq__field *field, struct plq__text value) {
  switch (field->rule) {
    case PLQ__RULE_UUID: return plq__is_uuid(value);
    case PLQ__RULE_UUID4: return plq__is_uuid4(value);
    case PLQ__RULE_CHOICE: return plq__list_has(field->choices, value);
    case PLQ__RULE_IP: return plq__is_address(value);
    default: return value.len > 0 && value.len <= VALUE_LONGEST;
  }
}

/* Never quotes the value: it may be a secret in the wrong place. */
static int32_t check_field(const struct plq__field *field, struct plq__text *value, plq_error **out_error) {
  if (field->header != NULL) {
    if (!plq__is_field_value(*value))
      return plq__fail(out_error, PLQ_E_HEADER_VALUE, field->name,
                       "%s has a control character (CR, LF, NUL or another one), which a header must not have (RFC 9110 section 5.5)",
                       field->name);
    *value = plq__text_trim(*value);
  }
  if (!plq__is_utf8(*value) || plq__has_nul(*value))
    return plq__fail(out_error, PLQ_E_TEXT_ENCODING, field->name, "%s is not UTF-8, or has a NUL inside", field->name);
  if (keeps_rule(field, *value)) return PLQ_OK;
  if (field->choices != NULL)
    return plq__fail(out_error, PLQ_E_FIELD_VALUE, field->name,
                     "%s must be one of: %s; a value that is newer than this library passes as an extra member", field->name, field->choices);
  return plq__fail(out_error, PLQ_E_FIELD_VALUE, field->name, "%s must be %s", field->name, rule_texts[field->rule]);
}

static int32_t set_field(plq_request *request, size_t index, struct plq__text value, plq_error **out_error) {
  char *copy = NULL, *old = request->values[index];
  if (value.at != NULL) {
    int32_t status = check_field(&request->operation->fields[index], &value, out_error);
    if (status != PLQ_OK) return status;
    copy = plq__copy(value.at, value.len);
    if (copy == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  if (old != NULL) plq__wipe_free(old, strlen(old));
  request->values[index] = copy;
  return PLQ_OK;
}

static int32_t unknown_field(const struct plq__operation *operation, struct plq__text name, plq_error **out_error) {
  const char *nearest = NULL;
  size_t best = 8;
  for (size_t i = 0; i < operation->field_count; i++) {
    size_t distance = plq__distance(name, plq__text_in(operation->fields[i].name, PLQ_NUL), best);
    if (distance < best) best = distance, nearest = operation->fields[i].name;
  }
  int len = (int)plq__utf8_cut(name, 64);
  if (!plq__is_utf8(name) || plq__has_nul(name)) len = 0;
  if (nearest != NULL)
    return plq__fail(out_error, PLQ_E_FIELD_UNKNOWN, nearest, "%s has no field \"%.*s\"; the nearest is \"%s\"", operation->name, len,
                     len > 0 ? name.at : "", nearest);
  return plq__fail(out_error, PLQ_E_FIELD_UNKNOWN, NULL, "%s has no field \"%.*s\"; docs/operations.md lists them", operation->name, len,
                   len > 0 ? name.at : "");
}

int32_t plq_request_set(plq_request *request, const char *field, size_t field_len, const char *value, size_t value_len,
                        plq_error **out_error) {
  plq__out_error(out_error);
  struct plq__text name = plq__text_in(field, field_len);
  if (request == NULL || field == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "request or field is NULL");
  for (size_t i = 0; i < request->operation->field_count; i++)
    if (plq__text_is_one(name, request->operation->fields[i].name))
      return set_field(request, i, plq__text_in(value, value_len), out_error);
  return unknown_field(request->operation, name, out_error);
}

/* ---- headers ---- */

/* What the library or the transport sets, and what would change how the message is framed or the connection is used. */
static const char *const owned[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Authorization", "Accept", "Accept-Encoding",
                                    "Content-Type", "Content-Encoding", "Expect", "TE", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Connection",
                                    "Proxy-Authorization", "HTTP2-Settings"};

static int32_t check_header(struct plq__text name, struct plq__text *value, plq_error **out_error) {
  if (!plq__is_token(name))
    return plq__fail(out_error, PLQ_E_HEADER_NAME, NULL,
                     "a header name must be a token: letters, digits and !#$%%&'*+-.^_`|~ (RFC 9110 section 5.6.2)");
  char shown[64];
  size_t len = name.len < sizeof shown ? name.len : sizeof shown - 1;
  memcpy(shown, name.at, len);
  shown[len] = '\0';
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    if (plq__text_is_nocase(name, owned[i]))
      return plq__fail(out_error, PLQ_E_HEADER_OWNED, owned[i], "the header %s is set by the library itself", owned[i]);
  if (!plq__is_field_value(*value))
    return plq__fail(out_error, PLQ_E_HEADER_VALUE, shown,
                     "the value of %s has a control character (CR, LF, NUL or another one), which a header must not have (RFC 9110 section 5.5)",
                     shown);
  if (!plq__is_utf8(*value)) return plq__fail(out_error, PLQ_E_TEXT_ENCODING, shown, "the value of %s is not UTF-8", shown);
  *value = plq__text_trim(*value);
  if (value->len == 0 || value->len > VALUE_LONGEST)
    return plq__fail(out_error, PLQ_E_HEADER_VALUE, shown, "the value of %s must be %s", shown, rule_texts[PLQ__RULE_HEADER]);
  return PLQ_OK;
}

int32_t plq_request_add_header(plq_request *request, const char *name, size_t name_len, const char *value, size_t value_len,
                               uint32_t flags, plq_error **out_error) {
  plq__out_error(out_error);
  if (request == NULL || name == NULL || value == NULL || flags & ~PLQ_HEADER_SENSITIVE)
    return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "request, name or value is NULL, or a flag is unknown");
  struct plq__text name_text = plq__text_in(name, name_len), value_text = plq__text_in(value, value_len);
  for (size_t i = 0; i < request->operation->field_count; i++) {
    const char *header = request->operation->fields[i].header;
    if (header != NULL && plq__text_is_nocase(name_text, header)) return set_field(request, i, value_text, out_error);
  }
  int32_t status = check_header(name_text, &value_text, out_error);
  if (status != PLQ_OK) return status;
  size_t bytes = name_text.len + value_text.len;
  if (bytes > HEADERS_LONGEST - request->header_bytes)
    return plq__fail(out_error, PLQ_E_HEADER_VALUE, NULL, "the further headers of a request may have 64 KiB together, and this one is too much");
  struct plq__header *header = plq__alloc(sizeof *header);
  char *name_copy = plq__copy(name_text.at, name_text.len), *value_copy = plq__copy(value_text.at, value_text.len);
  if (header == NULL || name_copy == NULL || value_copy == NULL) {
    plq__free(header), plq__free(name_copy), plq__free(value_copy);
    return plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  *header = (struct plq__header){name_copy, value_copy, value_text.len, (flags & PLQ_HEADER_SENSITIVE) != 0, NULL};
  *request->headers_end = header;
  request->headers_end = &header->next;
  request->header_bytes += bytes;
  return PLQ_OK;
}

/* ---- extra members ---- */

/* json-c cuts whole numbers beyond 64 bits to the nearest that fits: such a number must be refused, not changed. */
static bool has_long_integer(struct plq__text json) {
  bool inside = false;
  for (size_t i = 0; i < json.len; i++) {
    char c = json.at[i];
    if (inside && c == '\\')
      i++;
    else if (c == '"')
      inside = !inside;
    else if (!inside && c >= '0' && c <= '9') {
      size_t from = i;
      while (i < json.len && json.at[i] >= '0' && json.at[i] <= '9') i++;
      bool whole = i == json.len || strchr(".eE", json.at[i]) == NULL;
      if (whole && i - from > 18) return true;
      while (i < json.len && strchr("0123456789.eE+-", json.at[i]) != NULL) i++;
      i--;
    }
  }
  return false;
}

/* json-c decides nothing here: even its strict mode takes single quotes. What it reads was found good by our own scanner. */
static json_object *parse_object(struct plq__text json) {
  if (!plq__scan_object(json.at, json.len, NULL, 0)) return NULL;
  json_tokener *tokener = json_tokener_new_ex(EXTRA_DEPTH + 2); /* the scanner is the one that counts */
  if (tokener == NULL) return NULL;
  json_object *object = json_tokener_parse_ex(tokener, json.at, (int)json.len);
  json_tokener_free(tokener);
  return object;
}

int32_t plq_request_set_extra(plq_request *request, const char *json, size_t json_len, plq_error **out_error) {
  plq__out_error(out_error);
  if (request == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, "request", "request is NULL");
  struct plq__text text = plq__text_in(json, json_len);
  json_object *extra = NULL;
  if (text.at != NULL) {
    if (text.len > EXTRA_LONGEST || plq__has_nul(text) || has_long_integer(text) || (extra = parse_object(text)) == NULL)
      return plq__fail(out_error, PLQ_E_EXTRA, "extra",
                       "extra must be one JSON object in UTF-8 (RFC 8259), at most 64 levels deep and 256 KiB long, with whole numbers of at "
                       "most 18 digits");
  }
  json_object_put(request->extra);
  request->extra = extra;
  return PLQ_OK;
}

/* ---- settings ---- */

int32_t plq_request_set_timeout_ms(plq_request *request, int64_t timeout_ms, plq_error **out_error) {
  plq__out_error(out_error);
  if (request == NULL || timeout_ms == 0 || timeout_ms < -1)
    return plq__fail(out_error, PLQ_E_ARGUMENT, "timeout_ms", "timeout_ms must be 1 or more, or -1 for ever");
  request->timeout_ms = timeout_ms;
  return PLQ_OK;
}

int32_t plq_request_set_max_repeats(plq_request *request, uint32_t max_repeats, plq_error **out_error) {
  plq__out_error(out_error);
  if (request == NULL || max_repeats > 100)
    return plq__fail(out_error, PLQ_E_ARGUMENT, "max_repeats", "max_repeats must be 0 to 100");
  request->max_repeats = (int32_t)max_repeats;
  return PLQ_OK;
}
