/* SPDX-License-Identifier: MIT */
/* Maps that are structs: one table is what is written and what is read. */
#include "internal.h"

#include <string.h>

#define MEMBER(type, field, kind_, min_) \
  { #field, kind_, offsetof(type, field), sizeof(((type *)0)->field), min_ }
#define MEMBERS(rows) \
  { rows, sizeof rows / sizeof rows[0] }

#define ABOUT(field, kind) MEMBER(cassette_about, field, kind, 0)
static const cassette_member about[] = {ABOUT(recorded_s, MEMBER_I64), ABOUT(library, MEMBER_CHARS),
                                        ABOUT(transport, MEMBER_CHARS), ABOUT(transport_version, MEMBER_CHARS),
                                        ABOUT(stack, MEMBER_CHARS)};
const cassette_members cassette_about_members = MEMBERS(about);

static const cassette_member times[] = {MEMBER(cassette_entry, connected_ns, MEMBER_I64, -1),
                                        MEMBER(cassette_entry, first_ns, MEMBER_I64, -1),
                                        MEMBER(cassette_entry, end_ns, MEMBER_I64, 0)};
const cassette_members cassette_times_members = MEMBERS(times);

#define CONNECTION(field, kind) MEMBER(plq_transport_connection, field, kind, 0)
static const cassette_member connection[] = {CONNECTION(known, MEMBER_U32),          CONNECTION(flags, MEMBER_U32),
                                             CONNECTION(tls_version, MEMBER_U32),    CONNECTION(http_version, MEMBER_U32),
                                             CONNECTION(peer_port, MEMBER_U32),      CONNECTION(spki_sha256, MEMBER_OCTETS),
                                             CONNECTION(peer_address, MEMBER_CHARS), CONNECTION(tls_cipher, MEMBER_CHARS)};
const cassette_members cassette_connection_members = MEMBERS(connection);

#define ERROR(field, kind, min) MEMBER(plq_transport_error, field, kind, min)
static const cassette_member error[] = {ERROR(status, MEMBER_I32, 1),
                                        ERROR(phase, MEMBER_I32, 0),
                                        ERROR(delivery, MEMBER_I32, 0),
                                        ERROR(os_errno, MEMBER_I32, 0),
                                        ERROR(plugin_code, MEMBER_I64, INT64_MIN),
                                        ERROR(message, MEMBER_CHARS, 0)};
const cassette_members cassette_error_members = MEMBERS(error);

#define TRANSFER(field, kind) MEMBER(plq_transport_transfer, field, kind, -1)
static const cassette_member transfer[] = {
    TRANSFER(queue_ns, MEMBER_I64), TRANSFER(resolve_ns, MEMBER_I64), TRANSFER(connect_ns, MEMBER_I64),
    TRANSFER(tls_ns, MEMBER_I64),   TRANSFER(send_ns, MEMBER_I64),    TRANSFER(first_byte_ns, MEMBER_I64),
    TRANSFER(total_ns, MEMBER_I64), TRANSFER(bytes_sent, MEMBER_U64), TRANSFER(bytes_received, MEMBER_U64)};
const cassette_members cassette_transfer_members = MEMBERS(transfer);

static void pack(msgpack_packer *packer, const cassette_member *row, const char *at) {
  int32_t i32 = 0;
  uint32_t u32 = 0;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  switch (row->kind) {
    case MEMBER_I32:
      memcpy(&i32, at, sizeof i32);
      msgpack_pack_int32(packer, i32);
      break;
    case MEMBER_U32:
      memcpy(&u32, at, sizeof u32);
      msgpack_pack_uint32(packer, u32);
      break;
    case MEMBER_I64:
      memcpy(&i64, at, sizeof i64);
      msgpack_pack_int64(packer, i64);
      break;
    case MEMBER_U64:
      memcpy(&u64, at, sizeof u64);
      msgpack_pack_uint64(packer, u64);
      break;
    case MEMBER_CHARS:
      msgpack_pack_str_with_body(packer, at, strnlen(at, row->size));
      break;
    case MEMBER_OCTETS:
      msgpack_pack_bin_with_body(packer, at, row->size);
      break;
  }
}

void cassette_pack_members(msgpack_packer *packer, const cassette_members *members, const void *object) {
  for (size_t i = 0; i < members->count; i++) {
    const cassette_member *row = &members->rows[i];
    msgpack_pack_str_with_body(packer, row->name, strlen(row->name));
    pack(packer, row, (const char *)object + row->offset);
  }
}

const msgpack_object *cassette_find(const msgpack_object_map *map, const char *key) {
  size_t len = strlen(key);
  for (uint32_t i = 0; i < map->size; i++) {
    const msgpack_object *name = &map->ptr[i].key;
    if (name->type == MSGPACK_OBJECT_STR && name->via.str.size == len && memcmp(name->via.str.ptr, key, len) == 0)
      return &map->ptr[i].val;
  }
  return NULL;
}

static bool read_signed(const msgpack_object *value, int64_t min, int64_t max, int64_t *out) {
  if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 <= INT64_MAX)
    *out = (int64_t)value->via.u64;
  else if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
    *out = value->via.i64;
  else
    return false;
  return *out >= min && *out <= max;
}

static bool read_number(const msgpack_object *value, const cassette_member *row, char *at) {
  bool is_signed = row->kind == MEMBER_I32 || row->kind == MEMBER_I64;
  uint64_t most = row->kind == MEMBER_U32 ? UINT32_MAX : UINT64_MAX;
  int64_t number = 0;
  if (is_signed && !read_signed(value, row->min, row->kind == MEMBER_I32 ? INT32_MAX : INT64_MAX, &number)) return false;
  if (!is_signed && (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER || value->via.u64 > most)) return false;
  int32_t i32 = (int32_t)number;
  uint32_t u32 = is_signed ? 0 : (uint32_t)value->via.u64;
  uint64_t u64 = is_signed ? 0 : value->via.u64;
  const void *from = row->kind == MEMBER_I32   ? (const void *)&i32
                     : row->kind == MEMBER_I64 ? (const void *)&number
                     : row->kind == MEMBER_U32 ? (const void *)&u32
                                               : (const void *)&u64;
  memcpy(at, from, row->size);
  return true;
}

static bool read_one(const msgpack_object *value, const cassette_member *row, char *at) {
  const msgpack_object_str *str = &value->via.str;
  switch (row->kind) {
    case MEMBER_CHARS:
      if (value->type != MSGPACK_OBJECT_STR || str->size >= row->size || memchr(str->ptr, '\0', str->size) != NULL) return false;
      memset(at, 0, row->size);
      memcpy(at, str->ptr, str->size);
      return true;
    case MEMBER_OCTETS:
      if (value->type != MSGPACK_OBJECT_BIN || value->via.bin.size != row->size) return false;
      memcpy(at, value->via.bin.ptr, row->size);
      return true;
    default:
      return read_number(value, row, at);
  }
}

const char *cassette_read_members(const msgpack_object_map *map, const cassette_members *members, void *object) {
  for (size_t i = 0; i < members->count; i++) {
    const cassette_member *row = &members->rows[i];
    const msgpack_object *value = cassette_find(map, row->name);
    if (value == NULL || !read_one(value, row, (char *)object + row->offset)) return row->name;
  }
  return NULL;
}
