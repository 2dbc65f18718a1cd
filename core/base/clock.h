/* SPDX-License-Identifier: MIT */
/* The two clocks: one for deadlines, one that also runs while the machine sleeps, for the life of secrets. */
#ifndef PLQ_BASE_CLOCK_H
#define PLQ_BASE_CLOCK_H

#include <stdint.h>

#define PLQ__NS_PER_MS INT64_C(1000000)
#define PLQ__NEVER INT64_MAX

int64_t plq__now_ns(void);      /* CLOCK_MONOTONIC */
int64_t plq__wall_now_us(void); /* CLOCK_REALTIME, since 1970 */
int64_t plq__life_now_ms(void); /* CLOCK_BOOTTIME */

/* now + timeout, saturating; a negative timeout is for ever. */
int64_t plq__deadline_ns(int64_t now_ns, int64_t timeout_ms);

/* For tests: added to plq__life_now_ms. */
extern _Atomic int64_t plq__life_offset_ms;

#endif
