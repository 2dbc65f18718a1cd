/* SPDX-License-Identifier: MIT */
/* For the rows that are no vectors: a scripted server, a client with it, and calls whose outcomes are read like JSON. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <plastiq/plastiq.h>

#include "outcome.h"
#include "server.h"

/* Ends a list of options: {"timeout_ms", "600"}, FIXTURE_END. */
#define FIXTURE_END \
  { NULL, NULL }

typedef const char *const fixture_options[][2];

/* The TLS transport that this run of the program is about: the variable TEST_TRANSPORT. A program that asks is run once for each. */
const char *fixture_tls(void);

typedef struct fixture {
  test_ca *ca;
  json_object *responses;
  test_script *script;
  test_server *server;
  plq_client_id client;
  uint32_t flags;       /* of plq_options_new(); PLQ_NO_AMBIENT unless a test wants the environment */
  test_outcome outcome; /* of the last call */
} fixture;

/* For cmocka: makes and frees a fixture as *state. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Starts a server that plays the entries. */
void fixture_serve(fixture *self, const char *responses);
/*
 * Makes a client, with the defaults of the vectors for `transport` and these options over them. {port} in a value is the
 * server's. Without a server the stub transport's script is the option stub.script.
 */
void fixture_connect(fixture *self, const char *transport, fixture_options options);
/* The same, but a failure is an outcome too. */
json_object *fixture_try_connect(fixture *self, const char *transport, fixture_options options);
/* Calls client_secrets.create, or another operation, with nothing set. The outcome lives until the next call. */
json_object *fixture_call(fixture *self);
json_object *fixture_call_case(fixture *self, const char *json);
/* Calls client_secrets.create on a call handle, and cancels it from another thread after 100 ms. */
json_object *fixture_call_cancelled(fixture *self);
/* Frees the client, then stops the server, so that what it saw can be counted. */
void fixture_stop(fixture *self);

size_t fixture_requests(const fixture *self);
json_object *fixture_request(const fixture *self, size_t index);
/* A header of a request, or NULL. */
const char *fixture_header(const fixture *self, size_t index, const char *name);

const char *fixture_text(json_object *object, const char *key);
int64_t fixture_number(json_object *object, const char *key);
json_object *fixture_attempt(json_object *outcome, size_t index);

int64_t fixture_now_ms(void);

#endif
