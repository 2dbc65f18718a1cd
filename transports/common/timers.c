/* SPDX-License-Identifier: MIT */
/*
 * When operations are to be looked at: a pairing heap inside of them, so that nothing is allocated and nobody walks over all of
 * them. Deadlines come in nearly in order, and most timers go before they ring: both cost next to nothing here.
 */
#include "plqt.h"

static plqt_timer *meld(plqt_timer *a, plqt_timer *b) {
  if (!a || !b) return a ? a : b;
  if (b->at < a->at) {
    plqt_timer *later = a;
    a = b;
    b = later;
  }
  b->next = a->child;
  if (b->next) b->next->previous = b;
  b->previous = a;
  a->child = b;
  return a;
}

/* In pairs, and then the pairs from the last to the first: that is what keeps the heap flat. */
static plqt_timer *meld_all(plqt_timer *first) {
  plqt_timer *pairs = NULL, *root = NULL;
  while (first) {
    plqt_timer *a = first, *b = first->next;
    first = b ? b->next : NULL;
    a->next = a->previous = NULL;
    if (b) b->next = b->previous = NULL;
    a = meld(a, b);
    a->next = pairs;
    pairs = a;
  }
  while (pairs) {
    plqt_timer *next = pairs->next;
    pairs->next = NULL;
    root = meld(root, pairs);
    pairs = next;
  }
  return root;
}

void plqt_timer_init(plqt_timer *timer) {
  *timer = (plqt_timer){.at = PLQT_NEVER};
}

void plqt_timer_stop(plqt_timers *timers, plqt_timer *timer) {
  if (timer->at == PLQT_NEVER) return;
  plqt_timer *below = meld_all(timer->child);
  if (timers->first == timer) {
    timers->first = below;
  } else {
    /* The one before it is its parent or a sibling. */
    if (timer->previous->child == timer)
      timer->previous->child = timer->next;
    else
      timer->previous->next = timer->next;
    if (timer->next) timer->next->previous = timer->previous;
    timers->first = meld(timers->first, below);
  }
  plqt_timer_init(timer);
}

void plqt_timer_limit(plqt_timers *timers, plqt_timer *timer, int64_t at) {
  if (at >= timer->at) return;
  plqt_timer_stop(timers, timer);
  timer->at = at;
  timers->first = meld(timers->first, timer);
}

int64_t plqt_timers_next(const plqt_timers *timers) {
  return timers->first ? timers->first->at : PLQT_NEVER;
}

plqt_timer *plqt_timers_take(plqt_timers *timers, int64_t now) {
  plqt_timer *timer = timers->first;
  if (!timer || timer->at > now) return NULL;
  plqt_timer_stop(timers, timer);
  return timer;
}
