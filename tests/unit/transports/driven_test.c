/* SPDX-License-Identifier: MIT */
/*
 * The half without blocking, on the transport whose file is the first argument (the second is a pattern of cases): the kit's
 * cases of it, and what the kit cannot play because it stands in for the name service. Each in a process of its own, as the kit
 * does it.
 */
#include <dlfcn.h>
#include <fnmatch.h>
#include <netdb.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "standin.h"
#include "unit.h"

#define GOOD "{\"status\":200,\"body\":\"{}\"}"

/* slow.test takes its time, late.test less; others are not asked for. */
TEST_STANDIN int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  TEST_REAL(real, "getaddrinfo");
  if (name != NULL && strcmp(name, "slow.test") == 0) usleep(1500 * 1000);
  if (name != NULL && strcmp(name, "late.test") == 0) usleep(200 * 1000);
  return real(name != NULL && strstr(name, ".test") != NULL ? "127.0.0.1" : name, service, hints, out);
}

typedef struct operation {
  check_request request;
  record made;
  plq_transport_sink sink;
  char origin[64];
} operation;

/* host NULL: the server by its address. */
static void submit_to(check *self, operation *op, const char *host) {
  plq_transport_error error = {.struct_size = sizeof error};
  check_request_init(self, &op->request);
  record_init(&op->made, self);
  op->sink = record_sink(&op->made);
  if (host != NULL) {
    snprintf(op->origin, sizeof op->origin, "https://%s:%u", host, (unsigned)op->request.target.port);
    op->request.target.flags &= ~PLQ_TARGET_ADDRESS;
    op->request.target.host = host;
    op->request.target.host_len = strlen(host);
    op->request.target.origin = op->origin;
    op->request.target.origin_len = strlen(op->origin);
  }
  int32_t status = self->functions->submit(self->instance, &op->request.request, &op->sink, &error);
  EXPECT(self, status == PLQ_OK, "submit: %s: %s", plq_status_name(status), error.message);
}

static void drive_for(check *self, const operation *op, int64_t ms) {
  int64_t until = check_now_ms() + ms;
  while (!op->made.over && check_now_ms() < until)
    self->functions->drive(self->instance, self->host.now_ns(&self->host) + 5 * CHECK_MS);
}

static void clear(operation *op) {
  record_clear(&op->made);
  check_request_clear(&op->request);
}

/* Each has its own, so that nobody waits for a thread that nobody can end. */
static void check_looking_up(check *self, bool cancel) {
  operation op;
  self->deadline_ms = cancel ? 10000 : 300;
  check_serve(self, "[" GOOD "]", NULL);
  if (!check_create(self, NULL)) return;
  int64_t began = check_now_ms();
  submit_to(self, &op, "slow.test");
  drive_for(self, &op, cancel ? 300 : 1000);
  EXPECT(self, op.made.over != cancel, "it ended too early or too late");
  if (cancel) self->functions->cancel(self->instance, op.request.request.op);
  drive_for(self, &op, 1000);
  int64_t took = op.made.over_ms - began;
  EXPECT(self, took >= 290 && took < 700, "it ended after %lld ms", (long long)took);
  check_ends_with(self, &op.made, cancel ? PLQ_KIND_CANCELLED : PLQ_KIND_TIMEOUT, PLQ_DELIVERY_NOT_SENT);
  EXPECT(self, op.made.error.phase == PLQ_PHASE_RESOLVE, "the phase is %d", (int)op.made.error.phase);
  clear(&op);
}

static void check_cancel_looking_up(check *self) {
  check_looking_up(self, true);
}
static void check_deadline_looking_up(check *self) {
  check_looking_up(self, false);
}

/* They share a look-up, and one that leaves takes nothing from the others. */
static void check_shared_look_up(check *self) {
  operation ops[3];
  self->deadline_ms = 10000;
  check_serve(self, "[" GOOD "," GOOD "]", NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < 3; i++) submit_to(self, &ops[i], "late.test");
  drive_for(self, &ops[1], 50);
  self->functions->cancel(self->instance, ops[1].request.request.op);
  drive_for(self, &ops[1], 50);
  check_ends_with(self, &ops[1].made, PLQ_KIND_CANCELLED, PLQ_DELIVERY_NOT_SENT);
  for (int i = 0; i < 3; i += 2) {
    drive_for(self, &ops[i], 5000); /* the certificate is for another name: as far as it comes */
    EXPECT(self, ops[i].made.error.status == PLQ_E_VERIFY_HOST, "it ended with %s", plq_status_name(ops[i].made.error.status));
  }
  for (int i = 0; i < 3; i++) clear(&ops[i]);
}

enum { STREAMS = 160 };

/* An answer to a stream of HTTP/2. */
static void add_answer(test_bytes *script, int stream, int delay_ms) {
  test_bytes_format(script, "%c{\"delay_ms\":%d,\"raw\":\"", script->len == 0 ? '[' : ',', delay_ms);
  const int bytes[] = {0, 0, 1, 1, 4, 0, 0, 0, stream, 0x88, 0, 0, 2, 0, 1, 0, 0, 0, stream, '{', '}'};
  for (size_t i = 0; i < COUNT(bytes); i++) test_bytes_format(script, "\\u%04x", (unsigned)bytes[i]);
  test_bytes_text(script, "\"}");
}

/*
 * libcurl puts 100 streams on a connection, and would open one for each call that finds none free. The server is slow to answer
 * the first: what it answers next came over the second connection.
 */
static void check_streams(check *self) {
  static operation ops[STREAMS];
  test_bytes script = {0};
  add_answer(&script, 1, 3000);
  for (int i = 0; i < STREAMS - 100; i++) add_answer(&script, 2 * i + 1, 0);
  for (int i = 1; i < 100; i++) add_answer(&script, 2 * i + 1, 0);
  test_bytes_text(&script, "]");
  check_serve_http2(self, script.data);
  test_bytes_clear(&script);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < STREAMS; i++) submit_to(self, &ops[i], NULL);
  for (int i = 0; i < STREAMS; i++) drive_for(self, &ops[i], 5000);
  check_stop(self);
  for (int i = 0; i < STREAMS; i++) {
    EXPECT(self, ops[i].made.over && ops[i].made.error.status == PLQ_OK, "%d failed: %s", i, ops[i].made.error.message);
    clear(&ops[i]);
  }
  EXPECT(self, test_server_connections(self->server) == 2, "%zu connections were opened", test_server_connections(self->server));
}

static const check_case own_cases[] = {
    {"async/streams", PLQ_CAP_ASYNC | PLQ_CAP_CA | PLQ_CAP_HTTP2, CHECK_SERVER, "connections are opened as streams are needed",
     check_streams},
    {"cancel/looking-up", PLQ_CAP_ASYNC | PLQ_CAP_CA, CHECK_SERVER, "cancel ends a look-up", check_cancel_looking_up},
    {"deadline/looking-up", PLQ_CAP_ASYNC | PLQ_CAP_CA, CHECK_SERVER, "the deadline ends a look-up", check_deadline_looking_up},
    {"async/look-up", PLQ_CAP_ASYNC | PLQ_CAP_CA, CHECK_SERVER, "a look-up is shared", check_shared_look_up},
};

/* ---- as a program of cmocka ---- */

static check_plugin plugin;

static void run_case(void **state) {
  const check_settings settings = {.timeout_s = 60, .soon_ms = 50};
  check_result result;
  const check_case *what = *state;
  check_run(&plugin, what, what->flags & CHECK_HALVES ? PLQ_CAP_ASYNC : 0, &settings, &result);
  if (result.verdict == CHECK_FAILED) fail_msg("%s", result.text);
}

static bool is_wanted(const check_case *what) {
  static const char *const wanted[] = {"async/*", "cancel/*", "deadline/*", "keep/*", "connections/*", "prewarm/*"};
  for (size_t i = 0; i < COUNT(wanted); i++)
    if (fnmatch(wanted[i], what->name, 0) == 0) return true;
  return false;
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[128];
  size_t count = 0, used = 0;
  char why[1000];
  const check_case *cases = check_cases(&count);
  if (argc < 2 || !check_describe(argv[1], &plugin, why, sizeof why)) {
    fprintf(stderr, "%s\n", argc < 2 ? "which transport?" : why);
    return 1;
  }
  for (size_t i = 0; i < COUNT(own_cases); i++)
    tests[used++] = (struct CMUnitTest){own_cases[i].name, run_case, NULL, NULL, (void *)(uintptr_t)&own_cases[i]};
  for (size_t i = 0; i < count; i++)
    if (is_wanted(&cases[i]))
      tests[used++] = (struct CMUnitTest){cases[i].name, run_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
  if (argc > 2) cmocka_set_test_filter(argv[2]);
  return _cmocka_run_group_tests("driven", tests, used, NULL, NULL);
}
