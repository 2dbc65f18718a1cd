/* SPDX-License-Identifier: MIT */
/*
 * Reads a cassette, and believes none of it. Each map is walked through before msgpack-c sees it: that allocates what an array
 * claims to hold before it looks at what there is, and cannot say where a map is cut off.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_DEPTH = 8 };

typedef struct reader {
  cassette *out;
  cassette_problem *problem;
  char where[64]; /* "entry 2 (at byte 812)" */
  bool no_memory;
} reader;

/* ---- msgpack, as its first bytes tell ---- */

typedef enum walked { WALK_WHOLE, WALK_CUT, WALK_BAD } walked;

static uint64_t big_endian(const unsigned char *at, size_t len) {
  uint64_t number = 0;
  for (size_t i = 0; i < len; i++) number = number << 8 | at[i];
  return number;
}

/* Size of an object, without what it contains, and how many objects that is. */
static walked item(const unsigned char *at, size_t len, uint64_t *out_size, uint64_t *out_children) {
  /* From 0xc0 on: bytes of a length, bytes of a value, and what the length counts: 1 bytes, 2 objects, 3 pairs of them. */
  static const unsigned char shapes[32][3] = {
      {0, 0, 0}, {0, 0, 9}, {0, 0, 0},  {0, 0, 0}, {1, 0, 1}, {2, 0, 1}, {4, 0, 1}, {1, 1, 1}, {2, 1, 1}, {4, 1, 1}, {0, 4, 0},
      {0, 8, 0}, {0, 1, 0}, {0, 2, 0},  {0, 4, 0}, {0, 8, 0}, {0, 1, 0}, {0, 2, 0}, {0, 4, 0}, {0, 8, 0}, {0, 2, 0}, {0, 3, 0},
      {0, 5, 0}, {0, 9, 0}, {0, 17, 0}, {1, 0, 1}, {2, 0, 1}, {4, 0, 1}, {2, 0, 2}, {4, 0, 2}, {2, 0, 3}, {4, 0, 3}};
  unsigned char first = at[0];
  *out_size = 1;
  *out_children = 0;
  if (first <= 0x7f || first >= 0xe0) return WALK_WHOLE;
  if (first <= 0x9f) {
    *out_children = (first & 0x0fu) * (first <= 0x8f ? 2u : 1u);
    return WALK_WHOLE;
  }
  if (first <= 0xbf) {
    *out_size += first & 0x1f;
    return *out_size <= len ? WALK_WHOLE : WALK_CUT;
  }
  const unsigned char *shape = shapes[first - 0xc0];
  if (shape[2] == 9) return WALK_BAD;
  if (len <= shape[0]) return WALK_CUT;
  uint64_t counted = big_endian(at + 1, shape[0]);
  *out_size += shape[0] + (uint64_t)shape[1] + (shape[2] == 1 ? counted : 0);
  *out_children = shape[2] >= 2 ? counted * (shape[2] - 1u) : 0;
  return *out_size <= len ? WALK_WHOLE : WALK_CUT;
}

/* Length of the object at the start. */
static walked walk(const char *bytes, size_t len, size_t *out_len) {
  const unsigned char *at = (const unsigned char *)bytes;
  uint64_t left[MOST_DEPTH + 1] = {1}; /* how many objects are still to come, by level */
  size_t done = 0;
  int depth = 0;
  while (depth > 0 || left[0] > 0) {
    if (left[depth] == 0) {
      depth--;
      continue;
    }
    uint64_t size = 0, children = 0;
    if (done == len) return WALK_CUT;
    walked how = item(at + done, len - done, &size, &children);
    if (how != WALK_WHOLE) return how;
    done += (size_t)size;
    left[depth]--;
    if (children == 0) continue;
    if (depth == MOST_DEPTH) return WALK_BAD;
    if (children > len - done) return WALK_CUT; /* each takes a byte at least */
    left[++depth] = children;
  }
  *out_len = done;
  return WALK_WHOLE;
}

/* ---- members ---- */

static bool wrong(reader *r, const char *part, const char *member, const char *right) {
  return cassette_fail(r->problem, "cassette: %s: %s%s%s is missing or wrong; right is %s", r->where, part,
                       part[0] != '\0' ? "." : "", member, right);
}

static bool has_size(reader *r, const msgpack_object_map *map, const char *part, size_t size) {
  if (map->size == size) return true;
  return cassette_fail(r->problem, "cassette: %s: %s has %u members; right are %zu", r->where, part[0] != '\0' ? part : "the map",
                       (unsigned)map->size, size);
}

static bool no_memory(reader *r) {
  r->no_memory = true;
  return cassette_fail(r->problem, "out of memory");
}

/* The texts stay where they are, in the cassette's copy of the file. */
static bool read_str(const msgpack_object *value, cassette_text *out) {
  if (value == NULL || value->type != MSGPACK_OBJECT_STR) return false;
  *out = (cassette_text){value->via.str.ptr, value->via.str.size};
  return true;
}

static bool read_bin(const msgpack_object *value, cassette_text *out) {
  if (value == NULL || value->type != MSGPACK_OBJECT_BIN) return false;
  *out = (cassette_text){value->via.bin.ptr, value->via.bin.size};
  return true;
}

/* A map of these members, or nil. */
static bool read_struct(reader *r, const msgpack_object_map *map, const char *name, const cassette_members *members, void *object,
                        bool *out_there) {
  const msgpack_object *value = cassette_find(map, name);
  *out_there = false;
  if (value != NULL && value->type == MSGPACK_OBJECT_NIL) return true;
  if (value == NULL || value->type != MSGPACK_OBJECT_MAP) return wrong(r, "", name, "a map or nil");
  if (!has_size(r, &value->via.map, name, members->count)) return false;
  const char *bad = cassette_read_members(&value->via.map, members, object);
  if (bad != NULL) return wrong(r, name, bad, "what docs/cassettes.md says");
  *out_there = true;
  return true;
}

static const msgpack_object_array *read_list(const msgpack_object_map *map, const char *name) {
  const msgpack_object *value = cassette_find(map, name);
  return value != NULL && value->type == MSGPACK_OBJECT_ARRAY ? &value->via.array : NULL;
}

static bool read_lines(reader *r, const msgpack_object_map *map, const char *name, cassette_text **out, size_t *out_count) {
  const msgpack_object_array *list = read_list(map, name);
  if (list == NULL) return wrong(r, "", name, "a list of bin");
  *out = cassette_arena_take(&r->out->arena, list->size * sizeof **out);
  if (*out == NULL) return no_memory(r);
  *out_count = list->size;
  for (uint32_t i = 0; i < list->size; i++) {
    cassette_text *line = &(*out)[i];
    if (!read_bin(&list->ptr[i], line) || line->len == 0 || memchr(line->at, '\n', line->len) != line->at + line->len - 1)
      return wrong(r, "", name, "a list of lines as bin, each with its line end");
  }
  return true;
}

static bool read_header(const msgpack_object *value, cassette_header *out) {
  if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size != 3) return false;
  const msgpack_object *parts = value->via.array.ptr;
  out->secret = parts[2].type == MSGPACK_OBJECT_BOOLEAN && parts[2].via.boolean;
  return read_str(&parts[0], &out->name) && read_bin(&parts[1], &out->value) && parts[2].type == MSGPACK_OBJECT_BOOLEAN;
}

static bool read_headers(reader *r, const msgpack_object_map *map, cassette_request *out) {
  const msgpack_object_array *list = read_list(map, "headers");
  if (list == NULL) return wrong(r, "request", "headers", "a list");
  out->headers = cassette_arena_take(&r->out->arena, list->size * sizeof *out->headers);
  if (out->headers == NULL) return no_memory(r);
  out->header_count = list->size;
  for (uint32_t i = 0; i < list->size; i++) {
    if (!read_header(&list->ptr[i], &out->headers[i]))
      return wrong(r, "request", "headers", "a list of [name: str, value: bin, secret: bool]");
  }
  return true;
}

static bool read_request(reader *r, const msgpack_object_map *entry, cassette_request *out) {
  const msgpack_object *value = cassette_find(entry, "request");
  if (value == NULL || value->type != MSGPACK_OBJECT_MAP) return wrong(r, "", "request", "a map");
  const msgpack_object_map *map = &value->via.map;
  const msgpack_object *body = cassette_find(map, "body");
  if (!has_size(r, map, "request", CASSETTE_REQUEST_MEMBERS)) return false;
  if (!read_str(cassette_find(map, "method"), &out->method)) return wrong(r, "request", "method", "a str");
  if (!read_str(cassette_find(map, "origin"), &out->origin)) return wrong(r, "request", "origin", "a str");
  if (!read_str(cassette_find(map, "path"), &out->path)) return wrong(r, "request", "path", "a str");
  if (!read_headers(r, map, out)) return false;
  out->has_body = read_bin(body, &out->body);
  return out->has_body || (body != NULL && body->type == MSGPACK_OBJECT_NIL) || wrong(r, "request", "body", "a bin or nil");
}

/* What a transport may do, and no more: a replay must not break the contract. */
static bool makes_sense(reader *r, const cassette_entry *entry) {
  bool came = entry->line_count + entry->trailer_count + entry->body.len > 0;
  if (!entry->connected && (came || !entry->failed || entry->connected_ns >= 0))
    return wrong(r, "", "connection", "a map, where something came");
  if (entry->connected && (entry->connected_ns < 0 || entry->connected_ns > entry->end_ns))
    return wrong(r, "", "connected_ns", "0 to end_ns, where there is a connection");
  if ((entry->first_ns >= 0) != (entry->line_count > 0) || (entry->line_count == 0 && came))
    return wrong(r, "", "first_ns", "-1 exactly where no line came");
  if (entry->first_ns >= 0 && (entry->first_ns < entry->connected_ns || entry->first_ns > entry->end_ns))
    return wrong(r, "", "first_ns", "connected_ns to end_ns");
  if (entry->failed && (entry->error.phase > PLQ_PHASE_RECEIVE || entry->error.delivery > PLQ_DELIVERY_MAYBE_SENT))
    return wrong(r, "", "error", "a phase up to receive, and not_sent or maybe_sent");
  return true;
}

static bool read_entry(reader *r, const msgpack_object_map *map, uint64_t number, cassette_entry *out) {
  const msgpack_object *told = cassette_find(map, "number");
  if (!has_size(r, map, "", CASSETTE_ENTRY_MEMBERS + cassette_times_members.count)) return false;
  if (told == NULL || told->type != MSGPACK_OBJECT_POSITIVE_INTEGER || told->via.u64 != number)
    return wrong(r, "", "number", "its place in the file; was one before it taken out?");
  out->number = number;
  if (!read_request(r, map, &out->request)) return false;
  const char *bad = cassette_read_members(map, &cassette_times_members, out);
  if (bad != NULL) return wrong(r, "", bad, "a whole number");
  if (!read_struct(r, map, "connection", &cassette_connection_members, &out->connection, &out->connected)) return false;
  if (!read_struct(r, map, "error", &cassette_error_members, &out->error, &out->failed)) return false;
  if (!read_struct(r, map, "transfer", &cassette_transfer_members, &out->transfer, &out->has_transfer)) return false;
  out->connection.struct_size = sizeof out->connection;
  out->error.struct_size = sizeof out->error;
  out->transfer.struct_size = sizeof out->transfer;
  if (!read_lines(r, map, "lines", &out->lines, &out->line_count)) return false;
  if (!read_lines(r, map, "trailers", &out->trailers, &out->trailer_count)) return false;
  if (!read_bin(cassette_find(map, "body"), &out->body)) return wrong(r, "", "body", "a bin");
  return makes_sense(r, out);
}

static bool read_about(reader *r, const msgpack_object_map *map) {
  const msgpack_object *version = cassette_find(map, CASSETTE_FORMAT_KEY);
  if (version == NULL || version->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
    return cassette_fail(r->problem, "cassette: this is none: it begins with a map that has no number " CASSETTE_FORMAT_KEY);
  if (version->via.u64 != CASSETTE_VERSION)
    return cassette_fail(
        r->problem,
        "cassette: it is of version %llu, and this library reads version %d; record it again, or use the library that did",
        (unsigned long long)version->via.u64, CASSETTE_VERSION);
  if (!has_size(r, map, "", 1 + cassette_about_members.count)) return false;
  const char *bad = cassette_read_members(map, &cassette_about_members, &r->out->about);
  return bad == NULL || wrong(r, "", bad, "what docs/cassettes.md says");
}

/* ---- the file ---- */

/* Length of the map at a place. */
static bool measure(reader *r, const char *bytes, size_t len, size_t at, size_t index, size_t *out_len) {
  unsigned char first = (unsigned char)bytes[at];
  walked how = walk(bytes + at, len - at, out_len);
  if (index == 0 && (how == WALK_BAD || (first >> 4 != 8 && first != 0xde && first != 0xdf)))
    return cassette_fail(r->problem, "cassette: this is none: it does not begin with a map of msgpack");
  if (how == WALK_CUT)
    return cassette_fail(r->problem, "cassette: it is cut off: the file ends at byte %zu, inside of %s; record it again", len,
                         r->where);
  if (how == WALK_BAD)
    return cassette_fail(r->problem, "cassette: %s is no map of msgpack: the file is damaged; record it again", r->where);
  return true;
}

/* The last map, if that is what it is. */
static bool read_end(reader *r, const msgpack_object_map *map, uint64_t count, bool last) {
  const msgpack_object *end = map->size == 1 ? cassette_find(map, CASSETTE_END_KEY) : NULL;
  if (end == NULL) return false;
  if (last && end->type == MSGPACK_OBJECT_POSITIVE_INTEGER && end->via.u64 == count) r->out->complete = true;
  if (!r->out->complete)
    cassette_fail(r->problem,
                  "cassette: %s: this is the end, but not of this file: entries are missing, or come after it; record it again",
                  r->where);
  return true;
}

/* Reads map `index` of the file. */
static bool read_map(reader *r, const msgpack_object *object, size_t index, bool last) {
  if (object->type != MSGPACK_OBJECT_MAP)
    return cassette_fail(r->problem, "cassette: %s is no map: the file is damaged; record it again", r->where);
  const msgpack_object_map *map = &object->via.map;
  cassette_entry entry = {.number = index};
  if (index == 0) return read_about(r, map);
  if (read_end(r, map, index - 1, last)) return r->out->complete;
  if (!read_entry(r, map, index, &entry)) return false;
  return cassette_bytes_add(&r->out->rows, &entry, sizeof entry) || no_memory(r);
}

static bool read_at(reader *r, const char *bytes, size_t len, size_t at, size_t index, size_t *out_len) {
  msgpack_unpacked unpacked;
  size_t offset = 0;
  if (index == 0)
    snprintf(r->where, sizeof r->where, "the first map");
  else
    snprintf(r->where, sizeof r->where, "entry %zu (at byte %zu)", index, at);
  if (!measure(r, bytes, len, at, index, out_len)) return false;
  msgpack_unpacked_init(&unpacked);
  msgpack_unpack_return got = msgpack_unpack_next(&unpacked, bytes + at, *out_len, &offset);
  bool good = got == MSGPACK_UNPACK_SUCCESS ? read_map(r, &unpacked.data, index, at + *out_len == len) : no_memory(r);
  msgpack_unpacked_destroy(&unpacked);
  return good;
}

static bool read_all(reader *r, const char *bytes, size_t len) {
  cassette *out = r->out;
  const char *copy = cassette_arena_copy(&out->arena, (cassette_text){bytes, len});
  if (copy == NULL) return no_memory(r);
  if (len == 0) return cassette_fail(r->problem, "cassette: the file is empty; record it");
  size_t map_len = 0;
  for (size_t at = 0, index = 0; at < len; at += map_len, index++) {
    if (!read_at(r, copy, len, at, index, &map_len)) return false;
  }
  out->entries = (cassette_entry *)(void *)out->rows.at;
  out->count = out->rows.len / sizeof *out->entries;
  return true;
}

int32_t cassette_read(const plq_transport_host *host, const char *bytes, size_t len, cassette *out, cassette_problem *problem) {
  reader r = {.out = out, .problem = problem};
  *out = (cassette){.arena.host = host, .rows.host = host};
  if (read_all(&r, bytes, len)) return PLQ_OK;
  cassette_clear(out);
  return r.no_memory ? PLQ_E_MEMORY : PLQ_E_OPTION_VALUE;
}

void cassette_clear(cassette *self) {
  cassette_arena_clear(&self->arena);
  cassette_bytes_clear(&self->rows);
  *self = (cassette){.arena = self->arena, .rows = self->rows};
}

/* 0, or an errno. */
static int read_bytes(int fd, cassette_bytes *out) {
  char chunk[16384];
  for (;;) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    if (out->len + (size_t)got > CASSETTE_MOST_BYTES) return EFBIG;
    if (!cassette_bytes_add(out, chunk, (size_t)got)) return ENOMEM;
  }
}

int32_t cassette_read_file(const plq_transport_host *host, const char *path, cassette *out, cassette_problem *problem) {
  cassette_bytes bytes = {.host = host};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  int number = fd < 0 ? errno : read_bytes(fd, &bytes);
  int32_t status = PLQ_E_OPTION_VALUE;
  if (fd >= 0) close(fd);
  if (number == 0) {
    status = cassette_read(host, bytes.at, bytes.len, out, problem);
  } else if (number == ENOMEM) {
    cassette_fail(problem, "out of memory");
    status = PLQ_E_MEMORY;
  } else if (number == EFBIG) {
    cassette_fail(problem, "cassette: the file is larger than 64 MiB");
  } else {
    cassette_fail(problem, "cassette: the file cannot be read: %s (errno %d)", cassette_errno_text(number), number);
    if (number == EMFILE || number == ENFILE) status = PLQ_E_RESOURCE_DESCRIPTORS;
  }
  cassette_bytes_clear(&bytes);
  return status;
}
