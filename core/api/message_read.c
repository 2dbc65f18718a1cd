/* SPDX-License-Identifier: MIT */
/*
 * From a message to a request. Texts of unpacked objects point into the message itself (template_callback_str of msgpack-c 4.0's
 * unpack.c); msgpack-c's zone holds only the objects: types, numbers, pointers. Nothing of a message is copied but by the setters.
 */
#include <plastiq/message.h>
#include <stdio.h>
#include <string.h>

#include "../operations/request.h"
#include "message.h"

enum { ZONE_CHUNK = 960 };
enum key { KEY_V, KEY_OP, KEY_PARAMS, KEY_HEADERS, KEY_EXTRA, KEY_TIMEOUT_MS, KEY_MAX_REPEATS, KEY_WANT, KEY_COUNT };

static const char *const key_names[KEY_COUNT] = {"v", "op", "params", "headers", "extra", "timeout_ms", "max_repeats", "want"};
#define HIGHEST "the highest message version known is %d"

static const char *const want_names[] = {"attempts", "secret_handle", "events"};
static const char *const header_names[] = {"name", "value", "sensitive"};

static struct plq__text text_of(const msgpack_object *object) {
  return (struct plq__text){object->via.str.size > 0 ? object->via.str.ptr : "", object->via.str.size};
}

static bool is_text(const msgpack_object *object) { return object->type == MSGPACK_OBJECT_STR; }

/* Absent and nil are the same. */
static bool is_set(const msgpack_object *object) { return object != NULL && object->type != MSGPACK_OBJECT_NIL; }

static int32_t refuse(plq_error **out_error, const char *key, const char *rule) {
  return plq__fail(out_error, PLQ_E_MESSAGE, key, "%s must be %s", key, rule);
}

static int find_name(const char *const *names, size_t count, struct plq__text name) {
  for (size_t i = 0; i < count; i++)
    if (plq__text_is_one(name, names[i])) return (int)i;
  return -1;
}

static const char *nearest_name(const char *const *names, size_t count, struct plq__text name) {
  const char *nearest = NULL;
  size_t best = 4;
  for (size_t i = 0; i < count; i++) {
    size_t distance = plq__distance(name, plq__text_in(names[i], SIZE_MAX), best);
    if (distance < best) best = distance, nearest = names[i];
  }
  return nearest;
}

/* A name that may be quoted in an error: short and plain. Anything else could be a value in the wrong place. */
static const char *show_name(char room[33], struct plq__text name) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  bool good = name.len > 0 && name.len <= 32 && plq__is_token(name);
  memset(room, 0, 33);
  if (good) memcpy(room, name.at, name.len);
  return good && strspn(room, plain) == name.len ? room : "";
}

/* what: "key" or "want", or where a key lies. */
static int32_t refuse_name(plq_error **out_error, const char *what, struct plq__text name, const char *const *names, size_t count) {
  char room[33], hint[64] = "";
  const char *shown = show_name(room, name), *nearest = nearest_name(names, count, name);
  if (nearest != NULL) snprintf(hint, sizeof hint, "; the nearest is \"%s\"", nearest);
  if (shown[0] == '\0')
    return plq__fail(out_error, PLQ_E_MESSAGE_KEY, NULL, "there is no such %s%s; " HIGHEST, what, hint, PLQ_MESSAGE_VERSION);
  return plq__fail(out_error, PLQ_E_MESSAGE_KEY, shown, "there is no %s \"%s\"%s; " HIGHEST, what, shown, hint, PLQ_MESSAGE_VERSION);
}

/* ---- the map itself ---- */

static int32_t check_version(const msgpack_object *version, plq_error **out_error) {
  if (!is_set(version))
    return plq__fail(out_error, PLQ_E_MESSAGE, "v", "the message has no v; " HIGHEST, PLQ_MESSAGE_VERSION);
  if (version->type != MSGPACK_OBJECT_POSITIVE_INTEGER && version->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
    return refuse(out_error, "v", "a whole number");
  if (version->type == MSGPACK_OBJECT_NEGATIVE_INTEGER || version->via.u64 != PLQ_MESSAGE_VERSION)
    return plq__fail(out_error, PLQ_E_MESSAGE_VERSION, "v", "this message version is not known; " HIGHEST, PLQ_MESSAGE_VERSION);
  return PLQ_OK;
}

/* The version comes before the keys: a later one may have others. */
static int32_t find_values(const msgpack_object *root, const msgpack_object *values[KEY_COUNT], plq_error **out_error) {
  if (root->type != MSGPACK_OBJECT_MAP) return plq__fail(out_error, PLQ_E_MESSAGE, NULL, "the message must be a map");
  const msgpack_object_map *map = &root->via.map;
  int32_t status = plq__message_check_keys(map, NULL, out_error);
  if (status != PLQ_OK) return status;
  int unknown = -1;
  for (uint32_t i = 0; i < map->size; i++) {
    int key = find_name(key_names, KEY_COUNT, text_of(&map->ptr[i].key));
    if (key >= 0)
      values[key] = &map->ptr[i].val;
    else if (unknown < 0)
      unknown = (int)i;
  }
  status = check_version(values[KEY_V], out_error);
  if (status != PLQ_OK || unknown < 0) return status;
  return refuse_name(out_error, "key", text_of(&map->ptr[unknown].key), key_names, KEY_COUNT);
}

static int32_t read_op(struct plq__message *message, const msgpack_object *op, plq_error **out_error) {
  if (!is_set(op)) return plq__fail(out_error, PLQ_E_MESSAGE, "op", "the message has no op");
  if (!is_text(op)) return refuse(out_error, "op", "text");
  struct plq__text name = text_of(op);
  message->describe = plq__text_is(name, "describe");
  if (message->describe) return PLQ_OK;
  int32_t status = plq_request_new(name.at, name.len, &message->request, out_error);
  if (status == PLQ_OK) message->operation = message->request->operation;
  if (status == PLQ_E_UNKNOWN_OPERATION && out_error != NULL && *out_error != NULL) {
    const char *text = plq_error_message(*out_error, NULL);
    plq__error_setf(*out_error, "%s; " HIGHEST, text, PLQ_MESSAGE_VERSION);
  }
  return status;
}

/* ---- its values ---- */

static int32_t read_params(struct plq__message *message, const msgpack_object *params, plq_error **out_error) {
  if (params->type != MSGPACK_OBJECT_MAP) return refuse(out_error, "params", "a map");
  const msgpack_object_map *map = &params->via.map;
  int32_t status = plq__message_check_keys(map, "params", out_error);
  for (uint32_t i = 0; i < map->size && status == PLQ_OK; i++) {
    struct plq__text name = text_of(&map->ptr[i].key), value = {NULL, 0};
    const msgpack_object *object = &map->ptr[i].val;
    if (is_text(object)) value = text_of(object);
    if (is_text(object) || !is_set(object)) {
      status = plq_request_set(message->request, name.at, name.len, value.at, value.len, out_error);
    } else {
      char room[33];
      const char *shown = show_name(room, name);
      status = plq__fail(out_error, PLQ_E_FIELD_VALUE, shown, "%s must be text", shown[0] != '\0' ? shown : "every param");
    }
  }
  return status;
}

static int32_t add_header(struct plq__message *message, struct plq__text name, const msgpack_object *value, uint32_t flags,
                          plq_error **out_error) {
  if (is_set(value) && !is_text(value)) {
    char room[33];
    const char *shown = show_name(room, name);
    return plq__fail(out_error, PLQ_E_HEADER_VALUE, shown, "%s must be text", shown[0] != '\0' ? shown : "a header's value");
  }
  if (!is_set(value)) return PLQ_OK;
  struct plq__text text = text_of(value);
  return plq_request_add_header(message->request, name.at, name.len, text.at, text.len, flags, out_error);
}

/* {name, value, sensitive} */
static int32_t read_header(struct plq__message *message, const msgpack_object *header, plq_error **out_error) {
  enum { NAME, VALUE, SENSITIVE, COUNT };
  const msgpack_object *values[COUNT] = {NULL};
  if (header->type != MSGPACK_OBJECT_MAP) return refuse(out_error, "headers", "a map, or an array of maps");
  const msgpack_object_map *map = &header->via.map;
  int32_t status = plq__message_check_keys(map, "headers", out_error);
  for (uint32_t i = 0; i < map->size && status == PLQ_OK; i++) {
    struct plq__text name = text_of(&map->ptr[i].key);
    int key = find_name(header_names, COUNT, name);
    if (key >= 0)
      values[key] = &map->ptr[i].val;
    else
      status = refuse_name(out_error, "key of a header", name, header_names, COUNT);
  }
  if (status != PLQ_OK) return status;
  if (!is_set(values[NAME]) || !is_text(values[NAME])) return refuse(out_error, "headers", "maps that have a name, which is text");
  bool sensitive = is_set(values[SENSITIVE]);
  if (sensitive && values[SENSITIVE]->type != MSGPACK_OBJECT_BOOLEAN)
    return refuse(out_error, "headers", "maps in which sensitive is a bool");
  sensitive = sensitive && values[SENSITIVE]->via.boolean;
  return add_header(message, text_of(values[NAME]), values[VALUE], sensitive ? PLQ_HEADER_SENSITIVE : 0, out_error);
}

static int32_t read_headers(struct plq__message *message, const msgpack_object *headers, plq_error **out_error) {
  int32_t status = PLQ_OK;
  if (headers->type == MSGPACK_OBJECT_ARRAY) {
    const msgpack_object_array *array = &headers->via.array;
    for (uint32_t i = 0; i < array->size && status == PLQ_OK; i++) status = read_header(message, &array->ptr[i], out_error);
    return status;
  }
  if (headers->type != MSGPACK_OBJECT_MAP) return refuse(out_error, "headers", "a map, or an array of maps");
  const msgpack_object_map *map = &headers->via.map;
  status = plq__message_check_keys(map, "headers", out_error);
  for (uint32_t i = 0; i < map->size && status == PLQ_OK; i++)
    status = add_header(message, text_of(&map->ptr[i].key), &map->ptr[i].val, 0, out_error);
  return status;
}

static int32_t read_extra(struct plq__message *message, const msgpack_object *extra, plq_error **out_error) {
  struct plq__buffer json;
  plq__buffer_init(&json, SIZE_MAX / 4, false);
  int32_t status = plq__message_extra(extra, &json, out_error);
  if (status == PLQ_OK) status = plq_request_set_extra(message->request, json.at, json.len, out_error);
  plq__buffer_clear(&json);
  return status;
}

static bool to_number(const msgpack_object *object, int64_t *out_number) {
  bool positive = object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX;
  *out_number = object->via.i64;
  return positive || object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
}

static int32_t read_timeout(struct plq__message *message, const msgpack_object *timeout, plq_error **out_error) {
  int64_t number = 0;
  if (!to_number(timeout, &number)) return refuse(out_error, "timeout_ms", "a whole number of at most 63 bits");
  return plq_request_set_timeout_ms(message->request, number, out_error);
}

static int32_t read_max_repeats(struct plq__message *message, const msgpack_object *repeats, plq_error **out_error) {
  int64_t number = 0;
  if (!to_number(repeats, &number)) return refuse(out_error, "max_repeats", "a whole number");
  /* What does not fit is as wrong as the largest number that does: the setter says so. */
  if (number < 0 || number > UINT32_MAX) number = UINT32_MAX;
  return plq_request_set_max_repeats(message->request, (uint32_t)number, out_error);
}

static int32_t read_want(struct plq__message *message, const msgpack_object *want, plq_error **out_error) {
  bool *const flags[] = {&message->want_attempts, &message->want_secret_handle, &message->want_events};
  const size_t count = sizeof flags / sizeof *flags;
  if (want->type != MSGPACK_OBJECT_ARRAY) return refuse(out_error, "want", "an array of text");
  for (uint32_t i = 0; i < want->via.array.size; i++) {
    const msgpack_object *object = &want->via.array.ptr[i];
    if (!is_text(object)) return refuse(out_error, "want", "an array of text");
    int which = find_name(want_names, count, text_of(object));
    if (which < 0) return refuse_name(out_error, "want", text_of(object), want_names, count);
    *flags[which] = true;
  }
  return PLQ_OK;
}

/* {op: describe, params: {table: name}} and nothing else. */
static int32_t read_describe(struct plq__message *message, const msgpack_object *const values[KEY_COUNT], plq_error **out_error) {
  for (int key = KEY_HEADERS; key < KEY_COUNT; key++)
    if (is_set(values[key])) return plq__fail(out_error, PLQ_E_MESSAGE, key_names[key], "describe takes params alone");
  const msgpack_object *params = values[KEY_PARAMS];
  bool good = params != NULL && params->type == MSGPACK_OBJECT_MAP && params->via.map.size == 1 && is_text(&params->via.map.ptr[0].key) &&
              plq__text_is(text_of(&params->via.map.ptr[0].key), "table") && is_text(&params->via.map.ptr[0].val);
  if (!good) return refuse(out_error, "params", "a map with the name of a table, such as {table: \"tables\"}");
  message->table = text_of(&params->via.map.ptr[0].val);
  return PLQ_OK;
}

static int32_t read_values(struct plq__message *message, const msgpack_object *const values[KEY_COUNT], plq_error **out_error) {
  static int32_t (*const readers[KEY_COUNT])(struct plq__message *message, const msgpack_object *value, plq_error **out_error) = {
      [KEY_PARAMS] = read_params,         [KEY_HEADERS] = read_headers,         [KEY_EXTRA] = read_extra,
      [KEY_TIMEOUT_MS] = read_timeout,    [KEY_MAX_REPEATS] = read_max_repeats, [KEY_WANT] = read_want,
  };
  int32_t status = PLQ_OK;
  for (int key = 0; key < KEY_COUNT && status == PLQ_OK; key++)
    if (readers[key] != NULL && is_set(values[key])) status = readers[key](message, values[key], out_error);
  return status;
}

int32_t plq__message_read(struct plq__text bytes, struct plq__message *out_message, plq_error **out_error) {
  *out_message = (struct plq__message){0};
  plq__out_error(out_error);
  const char *wrong = plq__message_check(bytes);
  if (wrong != NULL) return plq__fail(out_error, PLQ_E_MESSAGE, NULL, "the message %s", wrong);
  const msgpack_object *values[KEY_COUNT] = {NULL};
  msgpack_object root;
  msgpack_zone zone;
  /* What msgpack_unpack_next() makes itself has chunks of 8 KiB: no cache of free blocks keeps those. */
  if (!msgpack_zone_init(&zone, ZONE_CHUNK)) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  int32_t status = PLQ_OK;
  if (msgpack_unpack(bytes.at, bytes.len, NULL, &zone, &root) != MSGPACK_UNPACK_SUCCESS) status = plq__fail_plain(out_error, PLQ_E_MEMORY);
  if (status == PLQ_OK) status = find_values(&root, values, out_error);
  if (status == PLQ_OK) status = read_op(out_message, values[KEY_OP], out_error);
  if (status == PLQ_OK && out_message->describe)
    status = read_describe(out_message, values, out_error);
  else if (status == PLQ_OK)
    status = read_values(out_message, values, out_error);
  if (status == PLQ_OK && out_message->want_events) out_message->request->events = &out_message->events;
  msgpack_zone_destroy(&zone);
  if (status != PLQ_OK) plq__message_clear(out_message);
  return status;
}

void plq__message_clear(struct plq__message *message) {
  plq_request_free(message->request);
  message->request = NULL;
  plq__event_log_clear(&message->events);
}
