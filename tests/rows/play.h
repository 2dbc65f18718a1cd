/* SPDX-License-Identifier: MIT */
/* Plays one case on one transport through one door, and says what differs from what the case expects. */
#ifndef TEST_PLAY_H
#define TEST_PLAY_H

#include "bytes.h"
#include "ca.h"
#include "outcome.h"
#include "vector.h"

typedef struct test_door {
  const char *name; /* "" for the plain one */
  void (*call)(test_outcome *outcome, const test_case *from, plq_client_id client);
} test_door;

extern const test_door test_plain_door;
extern const test_door test_message_door;
extern const test_door test_queue_door;
extern const test_door test_queue_message_door;

void test_play(test_bytes *problems, const test_case *self, const char *transport, const test_door *door, const test_ca *ca);

#endif
