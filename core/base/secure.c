/* SPDX-License-Identifier: MIT */
/*
 * Blocks of one size are cut from regions of 64 KiB; what is larger than the largest class has a region of its own. Every block is
 * preceded by a head that says where it belongs. After fork the child starts with an arena of its own: the parent's lock may be held,
 * and its free lists may be half changed. Blocks of the parent's arena are wiped in the child and otherwise left alone.
 */
#include "secure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "fork.h"

enum { REGION = 64 * 1024, CLASSES = 4 };
static const size_t class_sizes[CLASSES] = {128, 512, 2048, 8192};

struct arena;

struct head {
  struct arena *arena; /* NULL: the block has a region of its own */
  size_t size;         /* of the block, or of its region */
  struct head *next;   /* in the free list */
  size_t class_index;
};

struct arena {
  pthread_mutex_t lock;
  uint32_t generation;
  struct head *free[CLASSES];
};

static _Atomic(struct arena *) current;

static void *region_new(size_t size) {
  void *region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) return NULL;
  (void)mlock(region, size); /* RLIMIT_MEMLOCK may forbid it: swap is then the system's business */
  (void)madvise(region, size, MADV_DONTDUMP);
  return region;
}

static struct arena *arena_now(void) {
  struct arena *arena = atomic_load_explicit(&current, memory_order_acquire);
  uint32_t generation = plq__fork_generation();
  if (arena != NULL && arena->generation == generation) return arena;
  struct arena *fresh = plq__alloc(sizeof *fresh);
  if (fresh == NULL) return NULL;
  pthread_mutex_init(&fresh->lock, NULL);
  fresh->generation = generation;
  if (atomic_compare_exchange_strong_explicit(&current, &arena, fresh, memory_order_acq_rel, memory_order_acquire)) return fresh;
  pthread_mutex_destroy(&fresh->lock);
  plq__free(fresh);
  return arena;
}

/* With the arena's lock held. */
static bool refill(struct arena *arena, size_t class_index) {
  size_t step = sizeof(struct head) + class_sizes[class_index];
  char *region = region_new(REGION);
  if (region == NULL) return false;
  for (size_t at = 0; at + step <= REGION; at += step) {
    struct head *head = (struct head *)(void *)(region + at);
    *head = (struct head){arena, class_sizes[class_index], arena->free[class_index], class_index};
    arena->free[class_index] = head;
  }
  return true;
}

static void *alloc_small(size_t class_index) {
  struct arena *arena = arena_now();
  if (arena == NULL) return NULL;
  pthread_mutex_lock(&arena->lock);
  struct head *head = NULL;
  if (arena->free[class_index] != NULL || refill(arena, class_index)) {
    head = arena->free[class_index];
    arena->free[class_index] = head->next;
  }
  pthread_mutex_unlock(&arena->lock);
  return head != NULL ? head + 1 : NULL;
}

static void *alloc_large(size_t size) {
  if (size > SIZE_MAX - sizeof(struct head)) return NULL;
  struct head *head = region_new(sizeof *head + size);
  if (head == NULL) return NULL;
  head->size = size;
  return head + 1;
}

void *plq__secure_alloc(size_t size) {
  if (plq__alloc_gate != NULL && !plq__alloc_gate(size)) return NULL;
  for (size_t i = 0; i < CLASSES; i++)
    if (size <= class_sizes[i]) return alloc_small(i);
  return alloc_large(size);
}

void plq__secure_free(void *block) {
  if (block == NULL) return;
  struct head *head = (struct head *)block - 1;
  plq__wipe(block, head->size);
  struct arena *arena = head->arena;
  if (arena == NULL) {
    munmap(head, sizeof *head + head->size);
    return;
  }
  if (arena->generation != plq__fork_generation()) return;
  pthread_mutex_lock(&arena->lock);
  head->next = arena->free[head->class_index];
  arena->free[head->class_index] = head;
  pthread_mutex_unlock(&arena->lock);
}

char *plq__secure_copy(const char *text, size_t len) {
  char *copy = len < SIZE_MAX ? plq__secure_alloc(len + 1) : NULL;
  if (copy == NULL) return NULL;
  if (len > 0) memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}

bool plq__secure_has_dontdump(void) {
#ifdef MADV_DONTDUMP
  return true;
#else
  return false;
#endif
}
