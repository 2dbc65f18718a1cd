/* SPDX-License-Identifier: MIT */
/*
 * A scripted server on a loopback address, in threads of its own. Each request, on whatever connection, is answered by the next
 * entry of the script; one that has no entry left is answered 599 and counted all the same.
 *
 * Free the client first, then stop the server: it reads on until every connection has been closed by the client, so that no byte
 * that was sent goes uncounted.
 */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca.h"
#include "script.h"

typedef struct test_server test_server;

/* Starts a server. The script and the CA are borrowed until test_server_free(). */
test_server *test_server_new(const test_ca *ca, const test_script *script);
uint16_t test_server_port(const test_server *server);

/* Waits until so many requests have been answered, and their connections ended if the script says so; 10 seconds at most. */
bool test_server_wait(test_server *server, size_t requests);

/* Waits until the connections have ended, 5 seconds at most, and stops. What follows is for after that. */
void test_server_stop(test_server *server);
/* The requests in the order in which they came: see recording.h. Borrowed. */
json_object *test_server_requests(const test_server *server);
size_t test_server_connections(const test_server *server);
/* Bytes that belong to no whole request: cut requests, and what was written to a connection that the server had ended. */
size_t test_server_stray_bytes(const test_server *server);

/* Stops, if that was not done, and frees. */
void test_server_free(test_server *server);

#endif
