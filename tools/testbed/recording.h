/* SPDX-License-Identifier: MIT */
/* What a scripted server received: each request as it came, taken apart. */
#ifndef TEST_RECORDING_H
#define TEST_RECORDING_H

#include <json-c/json.h>
#include <stdbool.h>

#include "bytes.h"

/* How much of what was received makes the first whole request: 0 while it is incomplete. */
size_t test_request_length(const test_bytes *received);

/*
 * Takes a request apart: {"method", "target", "version", "headers": [[name, value], ..], "body", "connection", "position"}, and
 * "broken": what is wrong, if it is not what a good HTTP/1.1 client sends.
 * connection is the number of its connection, from 0; position its place on that, from 0.
 */
json_object *test_request_parse(const char *bytes, size_t len, int connection, int position);

#endif
