/* SPDX-License-Identifier: MIT */
/*
 * handle = kind (3 bits) | generation (28) | index (20): below 2^51.
 * A slot's state = generation (28) | open (1) | references (32), changed only by compare and swap.
 */
#include "handle.h"

#include <stdatomic.h>
#include <stddef.h>

#include "alloc.h"

enum { INDEX_BITS = 20, GENERATION_BITS = 28, CHUNK = 1024, CHUNKS = (1 << INDEX_BITS) / CHUNK };
#define GENERATION_MASK ((UINT64_C(1) << GENERATION_BITS) - 1)
#define OPEN (UINT64_C(1) << 32)
#define REFERENCES UINT64_C(0xffffffff)

struct slot {
  _Atomic uint64_t state;
  _Atomic uint32_t next_free; /* index + 1 of the next free slot, 0 at the end */
  _Atomic uint32_t kind;
  void *object;
  void (*destroy)(void *object);
};

static _Atomic(struct slot *) chunks[CHUNKS];
static _Atomic uint32_t used;      /* slots that were ever handed out */
static _Atomic uint64_t free_list; /* tag (32) | index + 1 of the first free slot: the tag defeats ABA */

static uint64_t generation_of(uint64_t state) { return state >> 33; }
static uint64_t state_of(uint64_t generation, uint64_t rest) { return generation << 33 | rest; }

static struct slot *slot_at(uint32_t index) {
  struct slot *chunk = atomic_load_explicit(&chunks[index / CHUNK], memory_order_acquire);
  return chunk != NULL ? &chunk[index % CHUNK] : NULL;
}

/* Of an index that was handed out: its chunk is there. */
static struct slot *slot_known(uint32_t index) {
  return &atomic_load_explicit(&chunks[index / CHUNK], memory_order_acquire)[index % CHUNK];
}

static struct slot *slot_make(uint32_t index) {
  _Atomic(struct slot *) *place = &chunks[index / CHUNK];
  if (atomic_load_explicit(place, memory_order_acquire) == NULL) {
    struct slot *chunk = plq__alloc(CHUNK * sizeof *chunk), *none = NULL;
    if (chunk == NULL) return NULL;
    if (!atomic_compare_exchange_strong(place, &none, chunk)) plq__free(chunk);
  }
  return slot_at(index);
}

static bool pop_free(uint32_t *out_index) {
  uint64_t head = atomic_load(&free_list);
  while ((uint32_t)head != 0) {
    uint32_t index = (uint32_t)head - 1;
    uint64_t next = atomic_load(&slot_known(index)->next_free);
    if (atomic_compare_exchange_weak(&free_list, &head, ((head >> 32) + 1) << 32 | next)) {
      *out_index = index;
      return true;
    }
  }
  return false;
}

static void push_free(uint32_t index) {
  uint64_t head = atomic_load(&free_list);
  do {
    atomic_store(&slot_known(index)->next_free, (uint32_t)head);
  } while (!atomic_compare_exchange_weak(&free_list, &head, ((head >> 32) + 1) << 32 | (index + 1)));
}

static bool take_slot(uint32_t *out_index) {
  if (pop_free(out_index)) return true;
  uint32_t index = atomic_load(&used);
  do {
    if (index >= (uint32_t)CHUNK * CHUNKS || slot_make(index) == NULL) return false;
  } while (!atomic_compare_exchange_weak(&used, &index, index + 1));
  *out_index = index;
  return true;
}

uint64_t plq__handle_new(enum plq__handle_kind kind, void *object, void (*destroy)(void *object)) {
  uint32_t index;
  if (!take_slot(&index)) return 0;
  struct slot *slot = slot_known(index);
  uint64_t generation = generation_of(atomic_load(&slot->state)) + 1;
  if (generation > GENERATION_MASK) generation = 1;
  slot->object = object;
  slot->destroy = destroy;
  atomic_store(&slot->kind, (uint32_t)kind);
  atomic_store_explicit(&slot->state, state_of(generation, OPEN | 1), memory_order_release);
  return (uint64_t)kind << (INDEX_BITS + GENERATION_BITS) | generation << INDEX_BITS | index;
}

/* The slot that a number names, if there can be one of this kind. */
static struct slot *find(uint64_t handle, uint32_t kind, uint64_t *out_generation) {
  uint32_t index = (uint32_t)(handle & ((1u << INDEX_BITS) - 1));
  *out_generation = handle >> INDEX_BITS & GENERATION_MASK;
  if (handle >> (INDEX_BITS + GENERATION_BITS) != kind || index >= atomic_load(&used)) return NULL;
  struct slot *slot = slot_at(index);
  return slot != NULL && atomic_load(&slot->kind) == kind ? slot : NULL;
}

void *plq__handle_acquire(uint64_t handle, enum plq__handle_kind kind) {
  uint64_t generation;
  struct slot *slot = find(handle, (uint32_t)kind, &generation);
  if (slot == NULL) return NULL;
  uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
  do {
    if (generation_of(state) != generation || !(state & OPEN) || (state & REFERENCES) == REFERENCES) return NULL;
  } while (!atomic_compare_exchange_weak_explicit(&slot->state, &state, state + 1, memory_order_acq_rel, memory_order_acquire));
  return slot->object;
}

void plq__handle_release(uint64_t handle) {
  uint32_t index = (uint32_t)(handle & ((1u << INDEX_BITS) - 1));
  struct slot *slot = slot_known(index);
  uint64_t before = atomic_fetch_sub_explicit(&slot->state, 1, memory_order_acq_rel);
  if ((before & REFERENCES) != 1 || before & OPEN) return;
  slot->destroy(slot->object);
  slot->object = NULL;
  push_free(index);
}

bool plq__handle_close(uint64_t handle, enum plq__handle_kind kind) {
  uint64_t generation;
  struct slot *slot = find(handle, (uint32_t)kind, &generation);
  if (slot == NULL) return false;
  uint64_t state = atomic_load(&slot->state);
  do {
    if (generation_of(state) != generation || !(state & OPEN)) return false;
  } while (!atomic_compare_exchange_weak(&slot->state, &state, state & ~OPEN));
  return true;
}
