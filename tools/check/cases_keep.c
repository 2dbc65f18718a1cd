/* SPDX-License-Identifier: MIT */
/* Connections that are kept, opened ahead of use, used by many threads, and inherited by a child. */
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-kit\\\"}\"}"
#define GOOD_THEN(end) "{\"status\":200,\"body\":\"{}\",\"end\":\"" end "\"}"

static void pause_ms(int64_t ms) {
  struct timespec moment = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&moment, NULL);
}

static void expect_connections(check *self, size_t connections, size_t requests) {
  check_stop(self);
  EXPECT(self, test_server_connections(self->server) == connections, "the server saw %zu connections, not %zu",
         test_server_connections(self->server), connections);
  EXPECT(self, check_requests(self) == requests, "the server saw %zu requests, not %zu", check_requests(self), requests);
  EXPECT(self, test_server_stray_bytes(self->server) == 0, "the server saw %zu bytes that belong to no request",
         test_server_stray_bytes(self->server));
}

static void check_reused(check *self) {
  record made;
  check_serve(self, "[{\"copies\":3,\"of\":" GOOD "}]", NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < 3; i++) {
    record_init(&made, self);
    check_call(self, &made);
    bool reused = (made.connection.known & made.connection.flags & PLQ_FACT_REUSED) != 0;
    EXPECT(self, reused == (i > 0), "call %d: the fact says that the connection was %s", i, reused ? "open before" : "new");
    record_clear(&made);
  }
  expect_connections(self, 1, 3);
}

/* What the server does after its answer is seen before the next request is written. */
static void check_stale(check *self, const char *script) {
  check_serve(self, script, NULL);
  if (!check_create(self, NULL)) return;
  check_good_call(self);
  test_server_wait(self->server, 1);
  pause_ms(100);
  check_good_call(self);
  expect_connections(self, 2, 2);
}

static void check_stale_close(check *self) {
  check_stale(self, "[" GOOD_THEN("close") "," GOOD "]");
}
static void check_stale_fin(check *self) {
  check_stale(self, "[" GOOD_THEN("fin") "," GOOD "]");
}
static void check_stale_reset(check *self) {
  check_stale(self, "[" GOOD_THEN("rst") "," GOOD "]");
}
static void check_unasked(check *self) {
  check_stale(self,
              "[{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}HTTP/1.1 200 OK\\r\\nContent-Length: "
              "0\\r\\n\\r\\n\"}," GOOD "]");
}
/* In a piece of their own, while nobody reads. */
static void check_unasked_later(check *self) {
  check_stale(self,
              "[{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}HTTP/1.1 200 OK\\r\\nContent-Length: "
              "0\\r\\n\\r\\n\",\"pieces\":40,\"piece_delay_ms\":60}," GOOD "]");
}
static void check_connection_close(check *self) {
  check_stale(self, "[{\"status\":200,\"headers\":[[\"Connection\",\"close\"]],\"body\":\"{}\"}," GOOD "]");
}

/* The server reads a request on a kept connection, acts on it, and drops the connection: it must not be asked again. */
static void check_no_resend(check *self) {
  record made;
  check_serve(self, "[" GOOD ",{\"end\":\"fin\"}," GOOD "]", NULL);
  if (!check_create(self, NULL)) return;
  check_good_call(self);
  record_init(&made, self);
  check_call(self, &made);
  EXPECT(self, made.error.status != PLQ_OK, "a request that was dropped went well: it was sent again");
  EXPECT(self, made.error.delivery == PLQ_DELIVERY_MAYBE_SENT, "the delivery is NOT_SENT, and the server had the request");
  record_clear(&made);
  expect_connections(self, 1, 2);
}

/* ---- how many there are ---- */

static const plq_transport_connections *counting(check *self) {
  const plq_transport *transport = &self->plugin->transport;
  const plq_transport_connections *found =
      transport->get_extension != NULL ? transport->get_extension(PLQ_EXTENSION_CONNECTIONS) : NULL;
  if (found == NULL || found->count == NULL) check_not_declared(self, "it does not count its connections");
  return found != NULL && found->count != NULL ? found : NULL;
}

/* Waits until so many are counted, 3 s at most; where they are driven, that is done meanwhile. */
static void expect_count(check *self, const plq_transport_connections *from, uint32_t open, uint32_t busy, const char *when,
                         bool drive) {
  int64_t until = check_now_ms() + 3000;
  uint32_t opened = 99, carrying = 99;
  int32_t status;
  do {
    status = from->count(self->instance, &opened, &carrying);
    if (status != PLQ_OK || (opened == open && carrying == busy)) break;
    if (drive) self->functions->drive(self->instance, 0);
    pause_ms(5);
  } while (check_now_ms() < until);
  EXPECT(self, status == PLQ_OK, "%s: %s", when, plq_status_name(status));
  EXPECT(self, opened == open && carrying == busy, "%s: %u are open and %u busy, not %u and %u", when, (unsigned)opened,
         (unsigned)carrying, (unsigned)open, (unsigned)busy);
}

static void check_count(check *self) {
  const plq_transport_connections *from = counting(self);
  bool drive = self->half == PLQ_CAP_ASYNC;
  check_caller caller;
  record made;
  if (from == NULL) return;
  check_serve(self, "[{\"delay_ms\":500,\"status\":200,\"body\":\"{}\"}," GOOD_THEN("close") "]", NULL);
  if (!check_create(self, NULL)) return;
  expect_count(self, from, 0, 0, "before the first call", false);
  record_init(&made, self);
  check_call_begin(self, &made, &caller);
  expect_count(self, from, 1, 1, "during a call", false);
  check_call_end(&caller);
  record_clear(&made);
  expect_count(self, from, 1, 0, "after a call", drive);
  check_good_call(self);
  expect_count(self, from, 0, 0, "after the server closed it", drive);
}

/* ---- prewarm ---- */

static void check_prewarm(check *self) {
  check_request request;
  record made;
  uint32_t open = 0;
  plq_transport_error error = {.struct_size = sizeof error};
  check_serve(self, "[{\"copies\":3,\"of\":" GOOD "}]", NULL);
  if (!check_create(self, NULL)) return;
  check_request_init(self, &request);
  record_init(&made, self);
  plq_transport_sink sink = record_sink(&made);
  for (int i = 0; i < 2; i++) { /* the second time they are open already */
    int32_t status = self->functions->prewarm(self->instance, &request.target, 3, request.request.deadline_ns, ++self->last_op,
                                              &sink, &error, &open);
    EXPECT(self, status == PLQ_OK, "prewarm: %s: %s", plq_status_name(status), error.message);
    EXPECT(self, open == 3, "prewarm says that %u are open, not 3", (unsigned)open);
  }
  EXPECT(self, !made.connected && !made.over, "prewarm called more of the sink than is_cancelled");
  check_request_clear(&request);
  check_good_call(self);
  expect_connections(self, 3, 1);
}

enum { WARM = 3 };

/* What is driven has its connections where it is driven: those that were opened ahead are the ones that calls use. */
static void check_prewarm_driven(check *self) {
  check_request requests[WARM];
  record made[WARM];
  plq_transport_sink sinks[WARM];
  uint32_t open = 0;
  int over = 0;
  plq_transport_error error = {.struct_size = sizeof error};
  check_serve(self, "[{\"copies\":3,\"of\":{\"delay_ms\":200,\"status\":200,\"body\":\"{}\"}}]", NULL);
  if (!check_create(self, NULL)) return;
  EXPECT(self, self->functions->event_fd(self->instance) >= 0, "there is no event_fd");
  for (int i = 0; i < WARM; i++) {
    check_request_init(self, &requests[i]);
    record_init(&made[i], self);
    sinks[i] = record_sink(&made[i]);
  }
  for (int i = 0; i < 2; i++) {
    int32_t status = self->functions->prewarm(self->instance, &requests[0].target, WARM, requests[0].request.deadline_ns,
                                              ++self->last_op, &sinks[0], &error, &open);
    EXPECT(self, status == PLQ_OK, "prewarm: %s: %s", plq_status_name(status), error.message);
    EXPECT(self, open == WARM, "prewarm says that %u are open, not %d", (unsigned)open, WARM);
  }
  EXPECT(self, !made[0].connected && !made[0].over, "prewarm called more of the sink than is_cancelled");
  for (int i = 0; i < WARM; i++) {
    int32_t status = self->functions->submit(self->instance, &requests[i].request, &sinks[i], &error);
    EXPECT(self, status == PLQ_OK, "submit: %s: %s", plq_status_name(status), error.message);
  }
  int64_t until = check_now_ms() + 10000;
  while (over < WARM && check_now_ms() < until) {
    self->functions->drive(self->instance, self->host.now_ns(&self->host) + 1000 * CHECK_MS);
    over = 0;
    for (int i = 0; i < WARM; i++) over += made[i].over;
  }
  EXPECT(self, over == WARM, "%d of %d ended", over, WARM);
  for (int i = 0; i < WARM; i++) {
    EXPECT(self, made[i].error.status == PLQ_OK, "one failed: %s", made[i].error.message);
    record_clear(&made[i]);
    check_request_clear(&requests[i]);
  }
  expect_connections(self, WARM, WARM);
}

typedef struct canceller {
  check *self;
  record *made;
  uint64_t op;
} canceller;

static void *cancel_soon(void *argument) {
  canceller *soon = argument;
  pause_ms(200);
  atomic_store(&soon->made->cancelled, true);
  soon->self->functions->cancel(soon->self->instance, soon->op);
  return NULL;
}

/* By the half that is checked: the driven one is known by its descriptor. */
static void check_prewarm_cancel(check *self) {
  check_request request;
  record made;
  pthread_t thread;
  uint32_t open = 99;
  plq_transport_error error = {.struct_size = sizeof error};
  check_serve(self, "[{\"copies\":2,\"of\":{\"before\":\"silent\"}}]", NULL);
  if (!check_create(self, NULL)) return;
  if (self->half == PLQ_CAP_ASYNC) self->functions->event_fd(self->instance);
  check_request_init(self, &request);
  record_init(&made, self);
  plq_transport_sink sink = record_sink(&made);
  canceller soon = {self, &made, ++self->last_op};
  if (pthread_create(&thread, NULL, cancel_soon, &soon) != 0) test_die("no thread");
  int64_t began = check_now_ms();
  int32_t status =
      self->functions->prewarm(self->instance, &request.target, 2, request.request.deadline_ns, soon.op, &sink, &error, &open);
  EXPECT(self, check_now_ms() - began < 2000, "it ended %lld ms after it was cancelled",
         (long long)(check_now_ms() - began - 200));
  EXPECT(self, status == PLQ_E_CANCELLED && error.status == status, "a cancelled prewarm: %s", plq_status_name(status));
  EXPECT(self, open == 0, "%u are open, and the server never spoke TLS", (unsigned)open);
  pthread_join(thread, NULL);
  check_request_clear(&request);
}

static void check_prewarm_nobody(check *self) {
  check_request request;
  record made;
  uint32_t open = 99;
  plq_transport_error error = {.struct_size = sizeof error};
  check_serve(self, "[{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\"}}]", NULL);
  if (!check_create(self, NULL)) return;
  if (self->half == PLQ_CAP_ASYNC) self->functions->event_fd(self->instance);
  check_request_init(self, &request);
  record_init(&made, self);
  plq_transport_sink sink = record_sink(&made);
  int32_t status = self->functions->prewarm(self->instance, &request.target, 2, request.request.deadline_ns, ++self->last_op,
                                            &sink, &error, &open);
  EXPECT(self, plq_status_kind(status) == PLQ_KIND_CONNECT, "prewarm to nobody: %s", plq_status_name(status));
  EXPECT(self, error.status == status && open == 0, "the error has the status %d, and %u are open", (int)error.status,
         (unsigned)open);
  check_request_clear(&request);
}

/* ---- threads ---- */

enum { THREADS = 8, CALLS = 10 };

static atomic_ullong next_op;

static void *call_often(void *argument) {
  check *self = argument;
  for (int i = 0; i < CALLS; i++) {
    check mine; /* the kit's own state is for one thread: a copy of what a call reads, and the shared host and instance */
    memcpy(&mine, self, sizeof mine);
    mine.last_op = atomic_fetch_add(&next_op, 1) + 1000;
    check_good_call(&mine);
  }
  return NULL;
}

static void check_threads(check *self) {
  pthread_t threads[THREADS];
  check_serve(self, "[{\"copies\":80,\"of\":" GOOD "}]", NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, call_often, self) != 0) test_die("no thread");
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  check_stop(self);
  EXPECT(self, check_requests(self) == THREADS * CALLS, "the server saw %zu requests, not %d", check_requests(self),
         THREADS * CALLS);
}

/* ---- fork ---- */

static void check_fork(check *self) {
  int status = 0;
  check_serve(self, "[" GOOD "," GOOD "]", NULL);
  if (!check_create(self, NULL)) return;
  check_good_call(self);
  pause_ms(50); /* the server is in this process: its threads come to rest, so that no lock of theirs is left to the child */
  pid_t child = fork();
  if (child == 0) {
    size_t before = check_count_fds();
    self->functions->abandon_after_fork(self->instance);
    bool keeps = (self->what->capabilities & PLQ_CAP_KEEPALIVE) != 0; /* then there is a connection */
    _exit(check_count_fds() < before || !keeps ? 0 : 1);
  }
  waitpid(child, &status, 0);
  EXPECT(self, WIFEXITED(status), "abandon_after_fork crashed the child");
  EXPECT(self, !WIFEXITED(status) || WEXITSTATUS(status) == 0, "abandon_after_fork left the descriptors open");
  check_good_call(self);
  bool keeps = (self->what->capabilities & PLQ_CAP_KEEPALIVE) != 0;
  expect_connections(self, keeps ? 1 : 2, 2);
}

#define BOTH (CHECK_SERVER | CHECK_HALVES)
const check_case check_keep_cases[] = {
    {"keep/reused", PLQ_CAP_KEEPALIVE, BOTH, "a connection is used again, and the fact says so", check_reused},
    {"keep/closed", PLQ_CAP_KEEPALIVE, BOTH, "one that the server closed is replaced before a byte is written",
     check_stale_close},
    {"keep/cut", PLQ_CAP_KEEPALIVE, BOTH, "one that ended by a FIN is replaced", check_stale_fin},
    {"keep/reset", PLQ_CAP_KEEPALIVE, BOTH, "one that was reset is replaced", check_stale_reset},
    {"keep/unasked", PLQ_CAP_KEEPALIVE, BOTH, "one on which bytes came unasked is not used again", check_unasked},
    {"keep/unasked-later", PLQ_CAP_KEEPALIVE, BOTH, "one on which bytes came after the response is not used again",
     check_unasked_later},
    {"keep/connection-close", PLQ_CAP_KEEPALIVE, BOTH, "one of which the server said that it closes is not used again",
     check_connection_close},
    {"keep/no-resend", PLQ_CAP_KEEPALIVE, BOTH, "a request is never sent twice", check_no_resend},
    {"connections/count", PLQ_CAP_KEEPALIVE, BOTH, "those that are open and those that carry a request are counted, if any are",
     check_count},
    {"prewarm/count", PLQ_CAP_PREWARM, CHECK_SERVER, "count connections are opened, no request is sent, and calls use them",
     check_prewarm},
    {"prewarm/nobody", PLQ_CAP_PREWARM, BOTH, "why a connection could not be opened is told", check_prewarm_nobody},
    {"prewarm/driven", PLQ_CAP_PREWARM | PLQ_CAP_ASYNC, CHECK_SERVER, "once event_fd was asked for, what is submitted uses them",
     check_prewarm_driven},
    {"prewarm/cancel", PLQ_CAP_PREWARM | PLQ_CAP_CA, BOTH, "cancel ends a prewarm", check_prewarm_cancel},
    {"threads/calls", PLQ_CAP_CONCURRENT | PLQ_CAP_BLOCKING, CHECK_SERVER, "perform may run on many threads at once",
     check_threads},
    {"fork/abandon", PLQ_CAP_FORK_ABANDON, CHECK_SERVER, "a child that abandons leaves the parent's connection unharmed",
     check_fork},
    {NULL, 0, 0, NULL, NULL}};
