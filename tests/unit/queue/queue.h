/* SPDX-License-Identifier: MIT */
/* A client with a queue, and short ways to use them. */
#ifndef TEST_UNIT_QUEUE_H
#define TEST_UNIT_QUEUE_H

#include "loop.h"

extern plq_client_id client;
extern plq_queue_id queue;
extern plq_request *request;

/* Without a client and a queue; teardown frees what the test made, and sees that no instance is left. */
int queue_setup(void **state);
int queue_teardown(void **state);
/* Makes client and queue; further options as pairs that end with NULL. */
#define queue_open(...) (client = loop_client(__VA_ARGS__), queue_make())
void queue_make(void);

/* Submits the request; its id. */
uint64_t queue_put(uint64_t tag);
/* The status of the completion with this tag, which must be the next one. */
int32_t queue_get(uint64_t tag);
/* What plq_queue_next() answers where no completion may come. */
int32_t queue_none(int64_t timeout_ms);
int64_t queue_now_ms(void);
/* Whether the descriptor is readable within that time. */
bool queue_readable(int fd, int timeout_ms);

#endif
