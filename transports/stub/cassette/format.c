/* SPDX-License-Identifier: MIT */
/*
 * What is written. Texts that could be anything are bin: values of headers, lines, bodies.
 *
 *   first   {plastiq_cassette: 1, recorded_s, library, transport, transport_version, stack}
 *   entry   {request: {method, origin, path, headers: [[name, value, secret], ..], body: bin | nil},
 *            connected_ns, first_ns, end_ns, connection: {known, flags, ..} | nil,
 *            lines: [bin, ..], body: bin, trailers: [bin, ..], error: {status, phase, ..} | nil, transfer: {queue_ns, ..} | nil,
 *            number: from 1 on}
 *   last    {end: how many entries there are}
 */
#include "internal.h"

#include <string.h>

typedef struct output {
  cassette_bytes *bytes;
  bool failed;
} output;

static int write_bytes(void *context, const char *data, size_t len) {
  output *out = context;
  if (!out->failed && !cassette_bytes_add(out->bytes, data, len)) out->failed = true;
  return out->failed ? -1 : 0;
}

static void pack_key(msgpack_packer *packer, const char *key) {
  msgpack_pack_str_with_body(packer, key, strlen(key));
}

static void pack_str(msgpack_packer *packer, cassette_text text) {
  msgpack_pack_str_with_body(packer, text.at, text.len);
}

static void pack_bin(msgpack_packer *packer, cassette_text text) {
  msgpack_pack_bin_with_body(packer, text.at, text.len);
}

static void pack_struct(msgpack_packer *packer, const char *key, bool there, const cassette_members *members,
                        const void *object) {
  pack_key(packer, key);
  if (!there) {
    msgpack_pack_nil(packer);
    return;
  }
  msgpack_pack_map(packer, members->count);
  cassette_pack_members(packer, members, object);
}

static void pack_lines(msgpack_packer *packer, const char *key, const cassette_text *lines, size_t count) {
  pack_key(packer, key);
  msgpack_pack_array(packer, count);
  for (size_t i = 0; i < count; i++) pack_bin(packer, lines[i]);
}

static void pack_request(msgpack_packer *packer, const cassette_request *request) {
  pack_key(packer, "request");
  msgpack_pack_map(packer, CASSETTE_REQUEST_MEMBERS);
  pack_key(packer, "method");
  pack_str(packer, request->method);
  pack_key(packer, "origin");
  pack_str(packer, request->origin);
  pack_key(packer, "path");
  pack_str(packer, request->path);
  pack_key(packer, "headers");
  msgpack_pack_array(packer, request->header_count);
  for (size_t i = 0; i < request->header_count; i++) {
    const cassette_header *header = &request->headers[i];
    msgpack_pack_array(packer, 3);
    pack_str(packer, header->name);
    pack_bin(packer, header->value);
    header->secret ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
  }
  pack_key(packer, "body");
  if (request->has_body)
    pack_bin(packer, request->body);
  else
    msgpack_pack_nil(packer);
}

bool cassette_pack_about(cassette_bytes *out, const cassette_about *about) {
  output to = {out, false};
  msgpack_packer packer;
  msgpack_packer_init(&packer, &to, write_bytes);
  msgpack_pack_map(&packer, 1 + cassette_about_members.count);
  pack_key(&packer, CASSETTE_FORMAT_KEY);
  msgpack_pack_int(&packer, CASSETTE_VERSION);
  cassette_pack_members(&packer, &cassette_about_members, about);
  return !to.failed;
}

bool cassette_pack_entry(cassette_bytes *out, const cassette_entry *entry) {
  output to = {out, false};
  msgpack_packer packer;
  msgpack_packer_init(&packer, &to, write_bytes);
  msgpack_pack_map(&packer, CASSETTE_ENTRY_MEMBERS + cassette_times_members.count);
  pack_key(&packer, "number");
  msgpack_pack_uint64(&packer, entry->number);
  pack_request(&packer, &entry->request);
  cassette_pack_members(&packer, &cassette_times_members, entry);
  pack_struct(&packer, "connection", entry->connected, &cassette_connection_members, &entry->connection);
  pack_lines(&packer, "lines", entry->lines, entry->line_count);
  pack_key(&packer, "body");
  pack_bin(&packer, entry->body);
  pack_lines(&packer, "trailers", entry->trailers, entry->trailer_count);
  pack_struct(&packer, "error", entry->failed, &cassette_error_members, &entry->error);
  pack_struct(&packer, "transfer", entry->has_transfer, &cassette_transfer_members, &entry->transfer);
  return !to.failed;
}

bool cassette_pack_end(cassette_bytes *out, uint64_t count) {
  output to = {out, false};
  msgpack_packer packer;
  msgpack_packer_init(&packer, &to, write_bytes);
  msgpack_pack_map(&packer, 1);
  pack_key(&packer, CASSETTE_END_KEY);
  msgpack_pack_uint64(&packer, count);
  return !to.failed;
}
