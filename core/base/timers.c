/* SPDX-License-Identifier: MIT */
#include "timers.h"

#include <stddef.h>

#include "clock.h"

/* Of two heaps one: the later root becomes the first child of the earlier. */
static struct plq__timer *merge(struct plq__timer *a, struct plq__timer *b) {
  if (a == NULL) return b;
  if (b == NULL) return a;
  if (b->at_ns < a->at_ns) {
    struct plq__timer *swap = a;
    a = b;
    b = swap;
  }
  b->next = a->child;
  if (b->next != NULL) b->next->previous = b;
  b->previous = a;
  a->child = b;
  return a;
}

/* Merges siblings in pairs from the left, then the pairs from the right. */
static struct plq__timer *merge_all(struct plq__timer *first) {
  struct plq__timer *pairs = NULL, *root = NULL;
  while (first != NULL) {
    struct plq__timer *a = first, *b = a->next;
    first = b != NULL ? b->next : NULL;
    a->next = a->previous = NULL;
    if (b != NULL) b->next = b->previous = NULL;
    struct plq__timer *pair = merge(a, b);
    pair->next = pairs;
    pairs = pair;
  }
  while (pairs != NULL) {
    struct plq__timer *pair = pairs;
    pairs = pair->next;
    pair->next = NULL;
    root = merge(root, pair);
  }
  return root;
}

void plq__timer_set(struct plq__timers *timers, struct plq__timer *timer, int64_t at_ns) {
  *timer = (struct plq__timer){.at_ns = at_ns};
  timers->first = merge(timers->first, timer);
}

void plq__timer_clear(struct plq__timers *timers, struct plq__timer *timer) {
  if (timers->first == timer) {
    timers->first = merge_all(timer->child);
    return;
  }
  if (timer->previous->child == timer)
    timer->previous->child = timer->next;
  else
    timer->previous->next = timer->next;
  if (timer->next != NULL) timer->next->previous = timer->previous;
  timers->first = merge(timers->first, merge_all(timer->child));
}

int64_t plq__timers_next_ns(const struct plq__timers *timers) { return timers->first != NULL ? timers->first->at_ns : PLQ__NEVER; }
