/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "harness.h"

enum { LIVE = 4, DEAD = 16, BUSY = 2 * ARGS_MOST, NUMBERS = 8 };

struct entry {
  uint64_t value;
  size_t len;      /* of a reply */
  uint64_t parent; /* ends with it */
};

static struct pool {
  struct entry at[LIVE + 1]; /* oldest first */
  int count;
  uint64_t dead[DEAD];
  unsigned dead_count;
} pools[KINDS];

static uint64_t busy[BUSY];
static int busy_count;

static bool is_busy(uint64_t value) {
  for (int i = 0; i < busy_count; i++)
    if (busy[i] == value) return true;
  return false;
}

void live_busy(uint64_t value, bool is) {
  if (is && busy_count < BUSY) busy[busy_count++] = value;
  for (int i = busy_count - 1; !is && i >= 0; i--)
    if (busy[i] == value) {
      busy[i] = busy[--busy_count];
      return;
    }
}

bool live_any(enum kind kind) {
  return pools[kind].count > 0;
}
bool live_is_full(enum kind kind) {
  return pools[kind].count > LIVE;
}

bool live_has(enum kind kind, uint64_t value) {
  for (int i = 0; i < pools[kind].count; i++)
    if (pools[kind].at[i].value == value) return true;
  return false;
}

/* The newest one half of the time: it is the one that most was not done with yet. */
bool live_pick(enum kind kind, uint64_t *out_value, size_t *out_len) {
  const struct pool *pool = &pools[kind];
  if (pool->count == 0) return false;
  int index = below(2) ? pool->count - 1 : (int)below((uint64_t)pool->count);
  if (is_busy(pool->at[index].value)) return false;
  *out_value = pool->at[index].value;
  *out_len = pool->at[index].len;
  return true;
}

bool live_oldest(enum kind kind, uint64_t *out_value, size_t *out_len) {
  if (pools[kind].count == 0) return false;
  *out_value = pools[kind].at[0].value;
  *out_len = pools[kind].at[0].len;
  return true;
}

uint64_t live_dead(enum kind kind) {
  unsigned count = pools[kind].dead_count < DEAD ? pools[kind].dead_count : DEAD;
  return count > 0 ? pools[kind].dead[below(count)] : 0;
}

void live_add(enum kind kind, uint64_t value, size_t len, uint64_t parent) {
  if (live_has(kind, value)) return; /* borrowed, and so the same each time */
  pools[kind].at[pools[kind].count++] = (struct entry){value, len, parent};
}

static void drop(struct pool *pool, int index) {
  pool->dead[pool->dead_count++ % DEAD] = pool->at[index].value;
  memmove(&pool->at[index], &pool->at[index + 1], (size_t)(--pool->count - index) * sizeof *pool->at);
}

void live_remove(enum kind kind, uint64_t value) {
  static const enum kind children[] = {KIND_ATTEMPTS, KIND_SECRET_ID};
  if (!live_has(kind, value)) return;
  for (int i = 0; i < pools[kind].count; i++)
    if (pools[kind].at[i].value == value) drop(&pools[kind], i--);
  for (size_t k = 0; k < sizeof children / sizeof *children; k++)
    for (int i = 0; i < pools[children[k]].count; i++)
      if (pools[children[k]].at[i].parent == value) drop(&pools[children[k]], i--);
}

/* ---- numbers that were given, to be passed again ---- */

static struct {
  const char *name;
  uint64_t numbers[NUMBERS];
  unsigned count;
} memories[8];

void remember(const char *name, uint64_t number) {
  for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
    if (memories[i].name == NULL) memories[i].name = name;
    if (strcmp(memories[i].name, name) != 0) continue;
    memories[i].numbers[memories[i].count++ % NUMBERS] = number;
    return;
  }
}

bool recall(const char *name, uint64_t *out_number) {
  for (size_t i = 0; i < sizeof memories / sizeof *memories && memories[i].name != NULL; i++) {
    if (strcmp(memories[i].name, name) != 0) continue;
    *out_number = memories[i].numbers[below(memories[i].count < NUMBERS ? memories[i].count : NUMBERS)];
    return true;
  }
  return false;
}
