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
static void check_edges(check *self) {
  operation ops[MANY];
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  int over = 0;
  check_serve(self, "[{\"copies\":20,\"of\":{\"status\":200,\"body\":{\"repeat\":\"0123456789\",\"times\":20000}}}]", NULL);
  if (!check_create(self, NULL)) return;
  int outer = epoll_create1(EPOLL_CLOEXEC);
  if (outer < 0 || epoll_ctl(outer, EPOLL_CTL_ADD, self->functions->event_fd(self->instance), &event) != 0) test_die("no epoll");
  for (int i = 0; i < MANY; i++)
    if (!submit(self, &ops[i])) return;
  int64_t until = check_now_ms() + 20000;
  while (over < MANY && check_now_ms() < until) {
    if (epoll_wait(outer, &event, 1, 5000) == 0) break; /* stalled */
    self->functions->drive(self->instance, 0);
    over = 0;
    for (int i = 0; i < MANY; i++) over += ops[i].made.over;
  }
  EXPECT(self, over == MANY, "%d of %d operations ended, and no edge came for the others", over, MANY);
  for (int i = 0; i < MANY; i++) EXPECT(self, ops[i].made.error.status == PLQ_OK, "one failed: %s", ops[i].made.error.message);
  close(outer);
  check_destroy(self);
  for (int i = 0; i < MANY; i++) clear(&ops[i]);
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

const check_case check_async_cases[] = {
    {"async/descriptor", PLQ_CAP_ASYNC, CHECK_SERVER, "event_fd is readable while drive has work, and only then",
     check_descriptor},
    {"async/edges", PLQ_CAP_ASYNC, CHECK_SERVER, "work that is left when drive returns is a new edge", check_edges},
    {"async/no-wait", PLQ_CAP_ASYNC, CHECK_SERVER, "drive(0) does not wait", check_drive_does_not_wait},
    {"async/timer", PLQ_CAP_ASYNC, CHECK_SERVER, "event_fd alone carries deadlines", check_timer},
    {"async/wake", PLQ_CAP_ASYNC, CHECK_SERVER, "wake makes a drive that waits return", check_wake},
    {"async/cancel", PLQ_CAP_ASYNC, CHECK_SERVER, "cancel makes event_fd readable, and drive reports", check_cancel_pending},
    {"async/destroy", PLQ_CAP_ASYNC, CHECK_SERVER, "destroy reports what is pending as cancelled, once", check_destroy_pending},
    {"async/connections", PLQ_CAP_ASYNC | PLQ_CAP_KEEPALIVE, CHECK_SERVER,
     "no more than max_connections are opened, and none is forgotten", check_max_connections},
    {NULL, 0, 0, NULL, NULL}};
