/* SPDX-License-Identifier: MIT */
/* The half without blocking: what its descriptor tells, what drive does, and how operations end. */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-kit\\\"}\"}"

enum { MANY = 20 };

typedef struct operation {
  check_request request;
  record made;
  plq_transport_sink sink;
} operation;

static bool submit(check *self, operation *op) {
  plq_transport_error error = {.struct_size = sizeof error};
  check_request_init(self, &op->request);
  record_init(&op->made, self);
  op->sink = record_sink(&op->made);
  int32_t status = self->functions->submit(self->instance, &op->request.request, &op->sink, &error);
  EXPECT(self, status == PLQ_OK, "submit: %s: %s", plq_status_name(status), error.message);
  EXPECT(self, !op->made.connected && !op->made.over, "a sink was called inside of submit");
  return status == PLQ_OK;
}

static void clear(operation *op) {
  record_clear(&op->made);
  check_request_clear(&op->request);
}

static bool readable(int fd, int timeout_ms) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void check_descriptor(check *self) {
  operation op;
  check_serve(self, "[" GOOD "]", NULL);
  if (!check_create(self, NULL)) return;
  int fd = self->functions->event_fd(self->instance);
  EXPECT(self, fd >= 0, "event_fd is %d", fd);
  for (int i = 0; i < 100 && readable(fd, 0); i++) self->functions->drive(self->instance, 0);
  EXPECT(self, !readable(fd, 0), "event_fd stays readable, and nothing was submitted");
  if (!submit(self, &op)) return;
  EXPECT(self, readable(fd, 1000), "event_fd is not readable after submit");
  for (int i = 0; i < 1000 && !op.made.over; i++)
    if (readable(fd, 5000)) self->functions->drive(self->instance, 0);
  EXPECT(self, op.made.over && op.made.error.status == PLQ_OK, "it did not end well: %s", op.made.error.message);
  for (int i = 0; i < 100 && readable(fd, 0); i++) self->functions->drive(self->instance, 0);
  EXPECT(self, !readable(fd, 0), "event_fd stays readable after all was done");
  EXPECT(self, self->functions->event_fd(self->instance) == fd, "event_fd changed its number");
  clear(&op);
}

/* An edge-triggered host drives once for each edge: what drive leaves undone must make a new one. */
static void drive_by_edges(check *self, const char *script, int count, int64_t pause_ms) {
  operation ops[MANY];
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  struct timespec pause = {.tv_nsec = pause_ms * 1000000};
  int over = 0;
  check_serve(self, script, NULL);
  if (!check_create(self, NULL)) return;
  int outer = epoll_create1(EPOLL_CLOEXEC);
  if (outer < 0 || epoll_ctl(outer, EPOLL_CTL_ADD, self->functions->event_fd(self->instance), &event) != 0) test_die("no epoll");
  for (int i = 0; i < count; i++)
    if (!submit(self, &ops[i])) return;
  int64_t until = check_now_ms() + 20000;
  while (over < count && check_now_ms() < until) {
    if (epoll_wait(outer, &event, 1, 5000) == 0) break; /* stalled */
    nanosleep(&pause, NULL);
    self->functions->drive(self->instance, 0);
    over = 0;
    for (int i = 0; i < count; i++) over += ops[i].made.over;
  }
  EXPECT(self, over == count, "%d of %d operations ended, and no edge came for the others", over, count);
  for (int i = 0; i < count; i++) EXPECT(self, ops[i].made.error.status == PLQ_OK, "one failed: %s", ops[i].made.error.message);
  close(outer);
  check_destroy(self);
  for (int i = 0; i < count; i++) clear(&ops[i]);
}

static void check_edges(check *self) {
  drive_by_edges(self, "[{\"copies\":20,\"of\":{\"status\":200,\"body\":{\"repeat\":\"0123456789\",\"times\":20000}}}]", MANY, 0);
}

/* More lies in the socket than is read in one go, and nothing follows. */
static void check_edges_late(check *self) {
  drive_by_edges(self, "[{\"status\":200,\"body\":{\"repeat\":\"0123456789\",\"times\":100000}}]", 1, 60);
}

static void check_drive_does_not_wait(check *self) {
  operation op;
  check_serve(self, "[{\"hang\":true}]", NULL);
  if (!check_create(self, NULL) || !submit(self, &op)) return;
  int64_t began = check_now_ms();
  for (int i = 0; i < 50; i++) self->functions->drive(self->instance, 0);
  EXPECT(self, check_now_ms() - began < 2000, "drive(0) waits: 50 took %lld ms", (long long)(check_now_ms() - began));
  check_destroy(self);
  clear(&op);
}

/* Nobody watches a clock for the transport: its descriptor carries deadlines. */
static void check_timer(check *self) {
  operation op;
  self->deadline_ms = 400;
  check_serve(self, "[{\"hang\":true}]", NULL);
  if (!check_create(self, NULL) || !submit(self, &op)) return;
  int fd = self->functions->event_fd(self->instance);
  int64_t began = check_now_ms();
  while (!op.made.over && readable(fd, 5000)) self->functions->drive(self->instance, 0);
  EXPECT(self, op.made.over, "its deadline passed, and event_fd did not tell");
  check_ends_with(self, &op.made, PLQ_KIND_TIMEOUT, PLQ_DELIVERY_MAYBE_SENT);
  EXPECT(self, check_now_ms() - began >= 390, "it ended before its deadline");
  clear(&op);
}

static void *wake_soon(void *argument) {
  check *self = argument;
  struct timespec moment = {.tv_nsec = 200000000};
  nanosleep(&moment, NULL);
  self->functions->wake(self->instance);
  return NULL;
}

static void check_wake(check *self) {
  pthread_t thread;
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < 100 && readable(self->functions->event_fd(self->instance), 0); i++)
    self->functions->drive(self->instance, 0);
  if (pthread_create(&thread, NULL, wake_soon, self) != 0) test_die("no thread");
  int64_t began = check_now_ms();
  self->functions->drive(self->instance, self->host.now_ns(&self->host) + 10000 * CHECK_MS);
  EXPECT(self, check_now_ms() - began < 5000, "wake did not make drive return");
  pthread_join(thread, NULL);
}

static void check_destroy_pending(check *self) {
  operation ops[3];
  check_serve(self, "[{\"copies\":3,\"of\":{\"hang\":true}}]", NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < 2; i++)
    if (!submit(self, &ops[i])) return;
  for (int i = 0; i < 20; i++) self->functions->drive(self->instance, self->host.now_ns(&self->host) + 20 * CHECK_MS);
  if (!submit(self, &ops[2])) return; /* which no drive has seen */
  check_destroy(self);
  for (int i = 0; i < 3; i++) {
    EXPECT(self, ops[i].made.done_count == 1, "destroy reported operation %d %d times", i, ops[i].made.done_count);
    EXPECT(self, ops[i].made.error.status == PLQ_E_CANCELLED, "destroy reported %s", plq_status_name(ops[i].made.error.status));
    clear(&ops[i]);
  }
}

static void check_cancel_pending(check *self) {
  operation op;
  check_serve(self, "[{\"hang\":true}]", NULL);
  if (!check_create(self, NULL) || !submit(self, &op)) return;
  for (int i = 0; i < 10; i++) self->functions->drive(self->instance, self->host.now_ns(&self->host) + 20 * CHECK_MS);
  atomic_store(&op.made.cancelled, true);
  self->functions->cancel(self->instance, op.request.request.op);
  EXPECT(self, readable(self->functions->event_fd(self->instance), 1000), "event_fd is not readable after cancel");
  for (int i = 0; i < 10 && !op.made.over; i++) self->functions->drive(self->instance, 0);
  check_ends_with(self, &op.made, PLQ_KIND_CANCELLED, PLQ_DELIVERY_MAYBE_SENT);
  check_destroy(self);
  clear(&op);
}

/* More than there may be connections: all are served, one after the other, and the limit is kept. */
static void check_max_connections(check *self) {
  operation ops[MANY];
  int over = 0;
  check_serve(self, "[{\"copies\":20,\"of\":" GOOD "}]", NULL);
  if (!check_create(self, "max_connections", "3", NULL)) return;
  for (int i = 0; i < MANY; i++)
    if (!submit(self, &ops[i])) return;
  int64_t until = check_now_ms() + 10000;
  while (over < MANY && check_now_ms() < until) {
    self->functions->drive(self->instance, self->host.now_ns(&self->host) + 1000 * CHECK_MS);
    over = 0;
    for (int i = 0; i < MANY; i++) over += ops[i].made.over;
  }
  check_stop(self);
  for (int i = 0; i < MANY; i++) {
    EXPECT(self, ops[i].made.error.status == PLQ_OK, "one failed: %s", ops[i].made.error.message);
    clear(&ops[i]);
  }
  EXPECT(self, over == MANY, "%d of %d ended", over, MANY);
  EXPECT(self, test_server_connections(self->server) <= 3, "%zu connections were opened, and 3 are allowed",
         test_server_connections(self->server));
}

static int count_over(const operation *ops, int count) {
  int over = 0;
  for (int i = 0; i < count; i++) over += ops[i].made.over;
  return over;
}

/* Drives until all are over, or for so long. */
static void drive_all(check *self, operation *ops, int count, int64_t ms) {
  int64_t until = check_now_ms() + ms;
  while (count_over(ops, count) < count && check_now_ms() < until)
    self->functions->drive(self->instance, self->host.now_ns(&self->host) + 100 * CHECK_MS);
  EXPECT(self, count_over(ops, count) == count, "%d of %d ended", count_over(ops, count), count);
}

enum { BURST = 8 };

/* Nobody waits for somebody else's answer where there may be another connection. */
static void check_burst(check *self) {
  operation ops[BURST];
  check_serve(self, "[{\"copies\":8,\"of\":{\"delay_ms\":400,\"status\":200,\"body\":\"{}\"}}]", NULL);
  if (!check_create(self, NULL)) return;
  int64_t began = check_now_ms();
  for (int i = 0; i < BURST; i++)
    if (!submit(self, &ops[i])) return;
  drive_all(self, ops, BURST, 10000);
  EXPECT(self, check_now_ms() - began < 1600, "8 answers that take 400 ms each took %lld ms",
         (long long)(check_now_ms() - began));
  check_stop(self);
  for (int i = 0; i < BURST; i++) {
    EXPECT(self, ops[i].made.error.status == PLQ_OK, "one failed: %s", ops[i].made.error.message);
    clear(&ops[i]);
  }
  EXPECT(self, test_server_connections(self->server) == BURST, "%zu connections were opened for 8 calls at once",
         test_server_connections(self->server));
}

/* Those that wait for a connection to become free. */
static void check_queue(check *self) {
  operation ops[4];
  check_serve(self, "[{\"copies\":4,\"of\":{\"delay_ms\":800,\"status\":200,\"body\":\"{}\"}}]", NULL);
  if (!check_create(self, "max_connections", "1", NULL)) return;
  if (!submit(self, &ops[0])) return;
  for (int i = 0; i < 10; i++) self->functions->drive(self->instance, self->host.now_ns(&self->host) + 10 * CHECK_MS);
  if (!submit(self, &ops[1])) return;
  self->deadline_ms = 100;
  if (!submit(self, &ops[2])) return;
  self->deadline_ms = 0;
  if (!submit(self, &ops[3])) return;
  for (int i = 0; i < 10; i++) self->functions->drive(self->instance, self->host.now_ns(&self->host) + 10 * CHECK_MS);
  atomic_store(&ops[1].made.cancelled, true);
  self->functions->cancel(self->instance, ops[1].request.request.op);
  for (int i = 0; i < 5; i++) self->functions->drive(self->instance, self->host.now_ns(&self->host) + 10 * CHECK_MS);
  EXPECT(self, ops[0].made.over || (ops[1].made.over && ops[2].made.over), "what ended while it waited was not reported then");
  drive_all(self, ops, 4, 10000);
  check_ends_with(self, &ops[1].made, PLQ_KIND_CANCELLED, PLQ_DELIVERY_NOT_SENT);
  EXPECT(self, ops[2].made.error.status == PLQ_E_TIMEOUT_POOL, "its deadline passed while it waited: %s",
         plq_status_name(ops[2].made.error.status));
  EXPECT(self, ops[2].made.error.delivery == PLQ_DELIVERY_NOT_SENT, "what waited was sent");
  EXPECT(self, ops[0].made.error.status == PLQ_OK && ops[3].made.error.status == PLQ_OK, "one failed: %s%s",
         ops[0].made.error.message, ops[3].made.error.message);
  check_stop(self);
  EXPECT(self, check_requests(self) == 2, "the server saw %zu requests, not 2", check_requests(self));
  for (int i = 0; i < 4; i++) clear(&ops[i]);
}

/* The server answers the first stream late, so that all are under way at once. */
static void check_shared(check *self) {
  operation ops[BURST];
  test_bytes script = {0};
  uint32_t open = 1, busy = 1;
  for (int i = 0; i < BURST; i++)
    test_bytes_format(&script,
                      "%c{\"delay_ms\":%d,\"raw\":\"\\u0000\\u0000\\u0001\\u0001\\u0004\\u0000\\u0000\\u0000\\u%04x\\u0088"
                      "\\u0000\\u0000\\u0002\\u0000\\u0001\\u0000\\u0000\\u0000\\u%04x{}\"}",
                      i == 0 ? '[' : ',', i == 0 ? 500 : 0, 2 * i + 1, 2 * i + 1);
  test_bytes_text(&script, "]");
  check_serve_http2(self, script.data);
  test_bytes_clear(&script);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < BURST; i++)
    if (!submit(self, &ops[i])) return;
  for (int i = 0; i < 25; i++) self->functions->drive(self->instance, self->host.now_ns(&self->host) + 10 * CHECK_MS);
  const plq_transport *transport = &self->plugin->transport;
  const plq_transport_connections *counting =
      transport->get_extension != NULL ? transport->get_extension(PLQ_EXTENSION_CONNECTIONS) : NULL;
  if (counting != NULL) counting->count(self->instance, &open, &busy);
  EXPECT(self, open == 1 && busy == 1, "8 streams: %u connections are counted, %u busy", (unsigned)open, (unsigned)busy);
  drive_all(self, ops, BURST, 10000);
  if (counting != NULL) counting->count(self->instance, &open, &busy);
  EXPECT(self, counting == NULL || (open == 1 && busy == 0), "no stream: %u connections are counted, %u busy", (unsigned)open,
         (unsigned)busy);
  check_stop(self);
  for (int i = 0; i < BURST; i++) {
    EXPECT(self, ops[i].made.error.status == PLQ_OK, "one failed: %s", ops[i].made.error.message);
    EXPECT(self, ops[i].made.connection.http_version == 20, "the HTTP version is %d", (int)ops[i].made.connection.http_version);
    clear(&ops[i]);
  }
  EXPECT(self, test_server_connections(self->server) == 1, "%zu connections were opened", test_server_connections(self->server));
}

/* ---- threads ---- */

enum { TROUBLEMAKERS = 3, ROUNDS = 40 };

typedef struct trouble {
  check *self;
  unsigned seed;
  atomic_bool *stop;
  atomic_ullong *newest;
  operation *ops;
} trouble;

static unsigned next_random(unsigned *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* Cancels what is under way, what is over and what never was, wakes, and counts. */
static void *make_trouble(void *argument) {
  trouble *own = argument;
  check *self = own->self;
  const plq_transport *transport = &self->plugin->transport;
  const plq_transport_connections *counting =
      transport->get_extension != NULL ? transport->get_extension(PLQ_EXTENSION_CONNECTIONS) : NULL;
  uint32_t open, busy;
  while (!atomic_load(own->stop)) {
    unsigned dice = next_random(&own->seed);
    uint64_t newest = atomic_load(own->newest);
    if (dice % 4 == 0) self->functions->wake(self->instance);
    if (dice % 4 == 1 && newest > 0) self->functions->cancel(self->instance, newest - dice % 7);
    if (dice % 4 == 2 && counting != NULL) counting->count(self->instance, &open, &busy);
    struct timespec moment = {.tv_nsec = (long)(dice % 300) * 1000};
    nanosleep(&moment, NULL);
  }
  return NULL;
}

/* One thread submits and drives, three do what any thread may. */
static void check_async_threads(check *self) {
  static operation ops[MANY];
  atomic_bool stop = false;
  atomic_ullong newest = 0;
  pthread_t threads[TROUBLEMAKERS];
  trouble troubles[TROUBLEMAKERS];
  int ended = 0;
  if (self->what->deployment_class != PLQ_CLASS_TEST)
    check_serve(self, "[{\"copies\":800,\"of\":{\"delay_ms\":2,\"status\":200,\"body\":\"{}\"}}]", NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < TROUBLEMAKERS; i++) {
    troubles[i] = (trouble){self, (unsigned)i + 1, &stop, &newest, ops};
    if (pthread_create(&threads[i], NULL, make_trouble, &troubles[i]) != 0) test_die("no thread");
  }
  for (int round = 0; round < ROUNDS; round++) {
    bool good = true;
    for (int i = 0; i < MANY && good; i++) {
      good = submit(self, &ops[i]);
      atomic_store(&newest, ops[i].request.request.op);
    }
    if (!good) break;
    drive_all(self, ops, MANY, 10000);
    for (int i = 0; i < MANY; i++) {
      int32_t status = ops[i].made.error.status;
      EXPECT(self, status == PLQ_OK || status == PLQ_E_CANCELLED, "one failed: %s: %s", plq_status_name(status),
             ops[i].made.error.message);
      ended += ops[i].made.done_count;
      clear(&ops[i]);
    }
  }
  atomic_store(&stop, true);
  for (int i = 0; i < TROUBLEMAKERS; i++) pthread_join(threads[i], NULL);
  EXPECT(self, ended == MANY * ROUNDS, "%d of %d were reported", ended, MANY * ROUNDS);
}

const check_case check_async_cases[] = {
    {"async/descriptor", PLQ_CAP_ASYNC, CHECK_SERVER, "event_fd is readable while drive has work, and only then",
     check_descriptor},
    {"async/edges", PLQ_CAP_ASYNC, CHECK_SERVER, "work that is left when drive returns is a new edge", check_edges},
    {"async/late", PLQ_CAP_ASYNC, CHECK_SERVER, "what lies in a socket and was not read is a new edge", check_edges_late},
    {"async/no-wait", PLQ_CAP_ASYNC, CHECK_SERVER, "drive(0) does not wait", check_drive_does_not_wait},
    {"async/timer", PLQ_CAP_ASYNC, CHECK_SERVER, "event_fd alone carries deadlines", check_timer},
    {"async/wake", PLQ_CAP_ASYNC, CHECK_SERVER, "wake makes a drive that waits return", check_wake},
    {"async/cancel", PLQ_CAP_ASYNC, CHECK_SERVER, "cancel makes event_fd readable, and drive reports", check_cancel_pending},
    {"async/destroy", PLQ_CAP_ASYNC, CHECK_SERVER, "destroy reports what is pending as cancelled, once", check_destroy_pending},
    {"async/connections", PLQ_CAP_ASYNC | PLQ_CAP_KEEPALIVE, CHECK_SERVER,
     "no more than max_connections are opened, and none is forgotten", check_max_connections},
    {"async/burst", PLQ_CAP_ASYNC, CHECK_SERVER, "calls do not wait for one another while there may be more connections",
     check_burst},
    {"async/queue", PLQ_CAP_ASYNC, CHECK_SERVER, "what waits for a connection can be cancelled, and has its deadline",
     check_queue},
    {"async/shared", PLQ_CAP_ASYNC | PLQ_CAP_HTTP2 | PLQ_CAP_CA, CHECK_SERVER, "calls at once share an HTTP/2 connection",
     check_shared},
    {"async/threads", PLQ_CAP_ASYNC, 0, "cancel and wake may come from any thread while another one drives", check_async_threads},
    {NULL, 0, 0, NULL, NULL}};
