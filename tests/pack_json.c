/* SPDX-License-Identifier: MIT */
#include "pack_json.h"

#include <string.h>

static void pack_array(msgpack_packer *packer, json_object *list) {
  size_t count = json_object_array_length(list);
  msgpack_pack_array(packer, count);
  for (size_t i = 0; i < count; i++) test_pack_json(packer, json_object_array_get_idx(list, i));
}

static void pack_map(msgpack_packer *packer, json_object *object) {
  msgpack_pack_map(packer, (size_t)json_object_object_length(object));
  json_object_object_foreach(object, key, member) {
    msgpack_pack_str_with_body(packer, key, strlen(key));
    test_pack_json(packer, member);
  }
}

void test_pack_json(msgpack_packer *packer, json_object *value) {
  switch (json_object_get_type(value)) {
    case json_type_null:
      msgpack_pack_nil(packer);
      break;
    case json_type_boolean:
      json_object_get_boolean(value) ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
      break;
    case json_type_int:
      msgpack_pack_int64(packer, json_object_get_int64(value));
      break;
    case json_type_double:
      msgpack_pack_double(packer, json_object_get_double(value));
      break;
    case json_type_string:
      msgpack_pack_str_with_body(packer, json_object_get_string(value), (size_t)json_object_get_string_len(value));
      break;
    case json_type_array:
      pack_array(packer, value);
      break;
    case json_type_object:
      pack_map(packer, value);
      break;
  }
}
