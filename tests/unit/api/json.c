/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "pack_json.h"
#include "unit.h"

void pack_json(msgpack_sbuffer *out, const char *json) {
  char *text = strdup(json);
  for (char *at = text; *at != '\0'; at++)
    if (*at == '\'') *at = '"';
  json_object *value = json_tokener_parse(text);
  assert_non_null(value);
  msgpack_packer packer;
  msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
  test_pack_json(&packer, value);
  json_object_put(value);
  free(text);
}

static json_object *unpack(const msgpack_object *from) {
  json_object *made = NULL;
  switch (from->type) {
    case MSGPACK_OBJECT_BOOLEAN: return json_object_new_boolean(from->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER: return json_object_new_int64((int64_t)from->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_object_new_int64(from->via.i64);
    case MSGPACK_OBJECT_STR: return json_object_new_string_len(from->via.str.ptr, (int)from->via.str.size);
    case MSGPACK_OBJECT_BIN:
      made = json_object_new_object();
      json_object_object_add(made, "bin", json_object_new_string_len(from->via.bin.ptr, (int)from->via.bin.size));
      return made;
    case MSGPACK_OBJECT_ARRAY:
      made = json_object_new_array();
      for (uint32_t i = 0; i < from->via.array.size; i++) json_object_array_add(made, unpack(&from->via.array.ptr[i]));
      return made;
    case MSGPACK_OBJECT_MAP:
      made = json_object_new_object();
      for (uint32_t i = 0; i < from->via.map.size; i++) {
        const msgpack_object *key = &from->via.map.ptr[i].key;
        char name[64] = "";
        assert_true(key->type == MSGPACK_OBJECT_STR && key->via.str.size < sizeof name);
        memcpy(name, key->via.str.ptr, key->via.str.size);
        assert_false(json_object_object_get_ex(made, name, NULL));
        json_object_object_add(made, name, unpack(&from->via.map.ptr[i].val));
      }
      return made;
    default: fail_msg("type %d in a reply", (int)from->type); return NULL;
  }
}

json_object *unpack_json(const void *bytes, size_t len) {
  msgpack_unpacked unpacked;
  size_t at = 0;
  msgpack_unpacked_init(&unpacked);
  assert_int_equal(msgpack_unpack_next(&unpacked, bytes, len, &at), MSGPACK_UNPACK_SUCCESS);
  assert_int_equal(at, len);
  json_object *made = unpack(&unpacked.data);
  msgpack_unpacked_destroy(&unpacked);
  return made;
}
