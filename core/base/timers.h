/* SPDX-License-Identifier: MIT */
/* What is due when: a pairing heap whose nodes lie in what they belong to, so that nothing here can lack memory. */
#ifndef PLQ_BASE_TIMERS_H
#define PLQ_BASE_TIMERS_H

#include <stdint.h>

struct plq__timer {
  int64_t at_ns;
  struct plq__timer *child, *next, *previous; /* previous: the sibling before it, or the parent of a first child */
};

struct plq__timers {
  struct plq__timer *first; /* the one that is due first, or NULL */
};

/* Sets a timer that is not set. */
void plq__timer_set(struct plq__timers *timers, struct plq__timer *timer, int64_t at_ns);
/* Takes out one that is set. */
void plq__timer_clear(struct plq__timers *timers, struct plq__timer *timer);
/* When the first one is due, or PLQ__NEVER. */
int64_t plq__timers_next_ns(const struct plq__timers *timers);

#endif
