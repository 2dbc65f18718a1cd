/* SPDX-License-Identifier: MIT */
/* Compares what a server received with what a case expects, and with what holds for every request of the library. */
#ifndef TEST_REQUESTS_H
#define TEST_REQUESTS_H

#include "bytes.h"
#include "server.h"
#include "vector.h"

/* sent: how many requests left, as the client tells it. */
void test_check_requests(test_bytes *problems, const test_case *self, const char *transport, const test_server *server, size_t sent,
                         bool proxy);

#endif
