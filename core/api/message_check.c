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

enum { MAX_DEPTH = 32 };

/* One object, as its first bytes tell. */
struct item {
  uint64_t size;     /* with its head, without what it contains */
  uint64_t children; /* of a map: keys and values */
  bool container;
};

static uint64_t big_endian(const unsigned char *at, size_t len) {
  uint64_t number = 0;
  for (size_t i = 0; i < len; i++) number = number << 8 | at[i];
  return number;
}

/* The types with a length of 1, 2 or 4 bytes behind the first one: which of the three it is, from 0. */
static int wide_step(unsigned char first, unsigned char base, int count) {
  return first >= base && first < base + count ? first - base : -1;
}

/* false: cut off, or no msgpack. */
static bool read_item(struct plq__text rest, struct item *item) {
  const unsigned char *at = (const unsigned char *)rest.at;
  unsigned char first = at[0];
  int step;
  *item = (struct item){.size = 1};
  if (first <= 0x7f || first >= 0xe0 || first == 0xc0 || first == 0xc2 || first == 0xc3) return true;
  if (first == 0xc1) return false;
  if (first <= 0x9f) { /* fixmap, fixarray */
    *item = (struct item){1, (first & 0x0fu) * (first <= 0x8f ? 2u : 1u), true};
    return true;
  }
  if (first <= 0xbf) { /* fixstr */
    item->size += first & 0x1f;
  } else if ((step = wide_step(first, 0xc4, 3)) >= 0 || (step = wide_step(first, 0xd9, 3)) >= 0 || (step = wide_step(first, 0xc7, 3)) >= 0) {
    size_t width = (size_t)1 << step; /* bin, str, ext */
    if (rest.len <= width) return false;
    item->size += width + big_endian(at + 1, width) + (first >= 0xc7 && first <= 0xc9);
  } else if ((step = wide_step(first, 0xdc, 2)) >= 0 || (step = wide_step(first, 0xde, 2)) >= 0) {
    size_t width = (size_t)2 << step; /* array, map */
    if (rest.len <= width) return false;
    *item = (struct item){1 + width, big_endian(at + 1, width) * (first >= 0xde ? 2 : 1), true};
  } else if ((step = wide_step(first, 0xca, 2)) >= 0) {
    item->size += UINT64_C(4) << step; /* float32, float64 */
  } else if ((step = wide_step(first, 0xcc, 4)) >= 0 || (step = wide_step(first, 0xd0, 4)) >= 0) {
    item->size += UINT64_C(1) << step; /* uint, int */
  } else {
    item->size += 1 + (UINT64_C(1) << (first - 0xd4)); /* fixext */
  }
  return item->size <= rest.len;
}

const char *plq__message_check(struct plq__text bytes) {
  uint64_t left[MAX_DEPTH + 1] = {1}; /* how many objects are still to come, by level */
  int depth = 0;
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

/* Sorted: a map may be large, and comparing each with each would let a message take minutes. */
static bool has_twins(struct plq__text *keys, size_t count) {
  qsort(keys, count, sizeof *keys, compare_texts);
  for (size_t i = 1; i < count; i++)
    if (compare_texts(&keys[i - 1], &keys[i]) == 0) return true;
  return false;
}

int32_t plq__message_check_keys(const msgpack_object_map *map, const char *where, plq_error **out_error) {
  const char *name = where != NULL ? where : "the message";
  struct plq__text *keys = plq__alloc(map->size * sizeof *keys);
  if (keys == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  int32_t status = PLQ_OK;
  for (uint32_t i = 0; i < map->size && status == PLQ_OK; i++) {
    const msgpack_object *key = &map->ptr[i].key;
    if (key->type != MSGPACK_OBJECT_STR)
      status = plq__fail(out_error, PLQ_E_MESSAGE, where, "%s has a key that is not text", name);
    else
      keys[i] = (struct plq__text){key->via.str.ptr, key->via.str.size};
  }
  if (status == PLQ_OK && has_twins(keys, map->size)) status = plq__fail(out_error, PLQ_E_MESSAGE, where, "%s has a key twice", name);
  plq__free(keys);
  return status;
}
