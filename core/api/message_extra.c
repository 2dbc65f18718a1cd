/* SPDX-License-Identifier: MIT */
/* Further members of the body: from msgpack to JSON text, which is what requests take. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

static int32_t add_value(struct plq__buffer *json, const msgpack_object *value, plq_error **out_error);

static int32_t refuse(plq_error **out_error, const char *what) {
  return plq__fail(out_error, PLQ_E_EXTRA, "extra", "extra has %s, which JSON has no place for", what);
}

/* The shortest digits that read back as the same number. printf and strtod follow the host's locale, which may write the point in
   another way: whatever stands there becomes a point. */
static int32_t add_float(struct plq__buffer *json, double number, plq_error **out_error) {
  char text[64];
  if (!isfinite(number)) return refuse(out_error, "a number that is not finite");
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  bool point = false;
  for (const char *at = text; *at != '\0'; at++) {
    bool plain = (*at >= '0' && *at <= '9') || *at == '-' || *at == '+' || *at == 'e';
    if (plain || !point) plq__buffer_add(json, plain ? at : ".", 1);
    point = point || !plain;
  }
  return PLQ_OK;
}

static int32_t add_text(struct plq__buffer *json, msgpack_object_str text, plq_error **out_error) {
  if (!plq__is_utf8((struct plq__text){text.ptr, text.size}))
    return plq__fail(out_error, PLQ_E_TEXT_ENCODING, "extra", "extra has text that is not UTF-8");
  plq__buffer_add_json(json, text.ptr, text.size);
  return PLQ_OK;
}

static int32_t add_array(struct plq__buffer *json, msgpack_object_array array, plq_error **out_error) {
  int32_t status = PLQ_OK;
  plq__buffer_add_text(json, "[");
  for (uint32_t i = 0; i < array.size && status == PLQ_OK; i++) {
    if (i > 0) plq__buffer_add_text(json, ",");
    status = add_value(json, &array.ptr[i], out_error);
  }
  plq__buffer_add_text(json, "]");
  return status;
}

static int32_t add_map(struct plq__buffer *json, const msgpack_object_map *map, plq_error **out_error) {
  int32_t status = plq__message_check_keys(map, "extra", out_error);
  plq__buffer_add_text(json, "{");
  for (uint32_t i = 0; i < map->size && status == PLQ_OK; i++) {
    if (i > 0) plq__buffer_add_text(json, ",");
    status = add_text(json, map->ptr[i].key.via.str, out_error);
    plq__buffer_add_text(json, ":");
    if (status == PLQ_OK) status = add_value(json, &map->ptr[i].val, out_error);
  }
  plq__buffer_add_text(json, "}");
  return status;
}

/* Recursion ends at the 32 levels that plq__message_check allows. */
static int32_t add_value(struct plq__buffer *json, const msgpack_object *value, plq_error **out_error) {
  switch (value->type) {
    case MSGPACK_OBJECT_NIL: plq__buffer_add_text(json, "null"); return PLQ_OK;
    case MSGPACK_OBJECT_BOOLEAN: plq__buffer_add_text(json, value->via.boolean ? "true" : "false"); return PLQ_OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: plq__buffer_addf(json, "%" PRIu64, value->via.u64); return PLQ_OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: plq__buffer_addf(json, "%" PRId64, value->via.i64); return PLQ_OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return add_float(json, value->via.f64, out_error);
    case MSGPACK_OBJECT_STR: return add_text(json, value->via.str, out_error);
    case MSGPACK_OBJECT_ARRAY: return add_array(json, value->via.array, out_error);
    case MSGPACK_OBJECT_MAP: return add_map(json, &value->via.map, out_error);
    default: return refuse(out_error, "binary data or an extension type");
  }
}

int32_t plq__message_extra(const msgpack_object *extra, struct plq__buffer *json, plq_error **out_error) {
  if (extra->type != MSGPACK_OBJECT_MAP) return plq__fail(out_error, PLQ_E_MESSAGE, "extra", "extra must be a map");
  int32_t status = add_map(json, &extra->via.map, out_error);
  return status == PLQ_OK && json->failed ? plq__fail_plain(out_error, PLQ_E_MEMORY) : status;
}
