/* SPDX-License-Identifier: MIT */
/*
 * A message is walked through before msgpack-c sees it. msgpack-c 4.0 has a stack of 32 containers (MSGPACK_EMBED_STACK_SIZE in
 * unpack_template.h) and answers "no memory" for a deeper one; and it allocates what an array or map claims to hold before it looks
 * at what there is: five bytes could ask for 200 GB. After this check it can fail only for lack of memory.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "message.h"

enum { MAX_DEPTH = 32, FEW_KEYS = 16 };

/* One object, as its first bytes tell. */
struct item {
  uint64_t size;     /* with its head, without what it contains */
  uint64_t children; /* of a map: keys and values */
  bool container;
};

/* What follows a first byte from 0xc0 to 0xdf: a length of `width` bytes, `plain` bytes, and the bytes or objects that the length
   counts. */
struct shape {
  unsigned char width, plain, objects; /* objects: for each one counted; 0: it counts bytes */
};

static const struct shape shapes[] = {
    {0, 0, 0},  {0, 0, 0},  {0, 0, 0}, {0, 0, 0},             /* nil, never used, false, true */
    {1, 0, 0},  {2, 0, 0},  {4, 0, 0},                        /* bin */
    {1, 1, 0},  {2, 1, 0},  {4, 1, 0},                        /* ext */
    {0, 4, 0},  {0, 8, 0},                                    /* float */
    {0, 1, 0},  {0, 2, 0},  {0, 4, 0}, {0, 8, 0},             /* uint */
    {0, 1, 0},  {0, 2, 0},  {0, 4, 0}, {0, 8, 0},             /* int */
    {0, 2, 0},  {0, 3, 0},  {0, 5, 0}, {0, 9, 0}, {0, 17, 0}, /* fixext */
    {1, 0, 0},  {2, 0, 0},  {4, 0, 0},                        /* str */
    {2, 0, 1},  {4, 0, 1},                                    /* array */
    {2, 0, 2},  {4, 0, 2},                                    /* map */
};

static uint64_t big_endian(const unsigned char *at, size_t len) {
  uint64_t number = 0;
  for (size_t i = 0; i < len; i++) number = number << 8 | at[i];
  return number;
}

/* false: cut off, or no msgpack. */
static bool read_item(struct plq__text rest, struct item *item) {
  const unsigned char *at = (const unsigned char *)rest.at;
  unsigned char first = at[0];
  *item = (struct item){.size = 1};
  if (first <= 0x7f || first >= 0xe0) return true; /* fixint */
  if (first <= 0x9f) {                             /* fixmap, fixarray */
    item->container = true;
    item->children = (first & 0x0fu) * (first <= 0x8f ? 2u : 1u);
    return true;
  }
  if (first <= 0xbf) { /* fixstr */
    item->size += first & 0x1f;
    return item->size <= rest.len;
  }
  const struct shape *shape = &shapes[first - 0xc0];
  if (first == 0xc1 || rest.len <= shape->width) return false;
  uint64_t length = big_endian(at + 1, shape->width);
  item->container = shape->objects > 0;
  item->children = length * shape->objects;
  item->size += shape->width + shape->plain + (item->container ? 0 : length);
  return item->size <= rest.len;
}

const char *plq__message_check(struct plq__text bytes) {
  uint64_t left[MAX_DEPTH + 1]; /* how many objects are still to come, by level down to this one */
  int depth = 0;
  left[0] = 1;
  while (left[0] > 0 || depth > 0) {
    if (left[depth] == 0) {
      depth--;
      continue;
    }
    struct item item;
    if (bytes.len == 0 || !read_item(bytes, &item)) return "is cut off or is no msgpack";
    bytes.at += (size_t)item.size;
    bytes.len -= (size_t)item.size;
    left[depth]--;
    if (!item.container) continue;
    if (depth == MAX_DEPTH) return "is nested deeper than 32 levels";
    if (item.children > bytes.len) return "is cut off or is no msgpack"; /* each takes a byte at least */
    left[++depth] = item.children;
  }
  return bytes.len > 0 ? "has bytes after its end" : NULL;
}

/* ---- keys ---- */

static int compare_texts(const void *a, const void *b) {
  const struct plq__text *first = a, *second = b;
  if (first->len != second->len) return first->len < second->len ? -1 : 1;
  return first->len > 0 ? memcmp(first->at, second->at, first->len) : 0;
}

static bool is_among(const struct plq__text *keys, size_t count, const struct plq__text *key) {
  for (size_t i = 0; i < count; i++)
    if (compare_texts(&keys[i], key) == 0) return true;
  return false;
}

/* Sorted, unless they are few: comparing each with each would let a large map take minutes. */
static bool has_twins(struct plq__text *keys, size_t count) {
  for (size_t i = 1; count <= FEW_KEYS && i < count; i++)
    if (is_among(keys, i, &keys[i])) return true;
  if (count <= FEW_KEYS) return false;
  qsort(keys, count, sizeof *keys, compare_texts);
  for (size_t i = 1; i < count; i++)
    if (compare_texts(&keys[i - 1], &keys[i]) == 0) return true;
  return false;
}

int32_t plq__message_check_keys(const msgpack_object_map *map, const char *where, plq_error **out_error) {
  const char *name = where != NULL ? where : "the message";
  struct plq__text few[FEW_KEYS], *more = NULL, *keys = few;
  if (map->size > FEW_KEYS) keys = more = plq__alloc(map->size * sizeof *keys);
  if (keys == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  int32_t status = PLQ_OK;
  for (uint32_t i = 0; i < map->size && status == PLQ_OK; i++) {
    const msgpack_object *key = &map->ptr[i].key;
    if (key->type != MSGPACK_OBJECT_STR)
      status = plq__fail(out_error, PLQ_E_MESSAGE, where, "%s has a key that is not text", name);
    else
      keys[i] = (struct plq__text){key->via.str.ptr, key->via.str.size};
  }
  if (status == PLQ_OK && has_twins(keys, map->size))
    status = plq__fail(out_error, PLQ_E_MESSAGE, where, "%s has a key twice", name);
  plq__free(more);
  return status;
}
