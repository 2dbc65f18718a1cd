/* SPDX-License-Identifier: MIT */
/*
 * Transports on the real clock whose operations stay where they are until the test answers them:
 *
 *   loop          non-blocking, one descriptor
 *   block         blocking, any number of threads at once
 *   block-one     blocking, one thread at a time
 *   loop-virtual  as loop, of class test and with a clock of its own
 */
#ifndef TEST_UNIT_LOOP_H
#define TEST_UNIT_LOOP_H

#include <plastiq/plastiq.h>
#include <plastiq/transport.h>

#include "unit.h"

#define LOOP_TOKEN "loop-token-1"

/* How operations end from now on. */
struct loop_answer {
  int32_t http_status; /* 0: 200 */
  const char *fields;  /* further lines of the head, or NULL */
  const char *body;    /* NULL: a client secret that is different each time */
  int32_t failure;     /* PLQ_E_*: it fails, with nothing sent, before it has a connection */
  const char *logs;    /* a line of level warning */
};

extern struct loop_answer loop_answers[8];
/* Operations are answered as they come, from the first of loop_answers, and then as {0}; otherwise when loop_let() says so. */
extern _Atomic bool loop_at_once;
/* Also when they were cancelled, nothing happens. */
extern _Atomic bool loop_stuck;
extern _Atomic int loop_instances, loop_submits, loop_drives, loop_wakes, loop_cancels, loop_running, loop_most_running, loop_prewarms;
extern _Atomic int32_t loop_drive_fails; /* not 0: what drive answers, doing nothing */
extern void (*loop_before_drive)(void);  /* once, at the start of the next drive; or NULL */
extern _Atomic int64_t loop_deadline_ns; /* of the last operation */
extern _Atomic int64_t loop_clock_ns;    /* of loop-virtual */
/* Whether each signal was blocked on the thread of the last perform; and whether it was another thread than the test's. */
extern _Atomic bool loop_signals_blocked, loop_elsewhere;
/* The Authorization of the last operation. */
extern char loop_authorization[128];

int loop_reset(void **state);
/* Lets the operation with this number, from 0 since loop_reset(), end. From any thread. */
void loop_let(int number);
plq_client_id loop_client(const char *transport, ...);

#endif
