/* SPDX-License-Identifier: MIT */
/* The kit's sink, which holds what it is told to the order that transport.h gives, and calls through either half. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- the sink ---- */

static int32_t on_connected(void *context, const plq_transport_connection *connection) {
  record *made = context;
  check *self = made->self;
  EXPECT(self, !made->connected, "on_connected came twice");
  EXPECT(self, !made->over, "on_connected came after on_done");
  made->connected = true;
  size_t size = connection->struct_size < sizeof made->connection ? connection->struct_size : sizeof made->connection;
  memcpy(&made->connection, connection, size);
  if (made->cancel_op != 0) {
    atomic_store(&made->cancelled, true);
    self->functions->cancel(self->instance, made->cancel_op); /* legal from inside of a sink, and no lock may be held there */
  }
  return made->refuse_at == REFUSE_CONNECTED;
}

static int32_t on_line(void *context, const char *line, size_t len) {
  record *made = context;
  check *self = made->self;
  EXPECT(self, made->connected, "on_line came before on_connected");
  EXPECT(self, !made->over, "on_line came after on_done");
  EXPECT(self, len >= 2 && line[len - 1] == '\n', "on_line got a part of a line");
  if (made->refuse_at == REFUSE_LINE) return 1;
  int32_t status = plq__head_line(&made->head, line, len);
  EXPECT(self, status == PLQ_OK, "a line is not as the server sent it: %s", plq_status_name(status));
  return status;
}

static int32_t on_body(void *context, const uint8_t *data, size_t len) {
  record *made = context;
  EXPECT(made->self, made->head.complete, "on_body came before the head's end");
  EXPECT(made->self, !made->over, "on_body came after on_done");
  if (made->refuse_at == REFUSE_BODY) return 1;
  test_bytes_add(&made->body, data, len);
  return 0;
}

static void on_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  record *made = context;
  check *self = made->self;
  made->done_count++;
  EXPECT(self, made->done_count == 1, "on_done came %d times", made->done_count);
  EXPECT(self, transfer == NULL || transfer->struct_size >= sizeof(uint32_t), "the transfer has no struct_size");
  if (error != NULL) {
    EXPECT(self, error->status != PLQ_OK, "on_done has an error with the status PLQ_OK");
    memcpy(&made->error, error, error->struct_size < sizeof made->error ? error->struct_size : sizeof made->error);
    EXPECT(self, memchr(made->error.message, '\0', sizeof made->error.message) != NULL, "the error's message has no NUL");
    EXPECT(self, strstr(made->error.message, CHECK_TOKEN) == NULL, "the error's message has the token");
    EXPECT(self, made->error.delivery == PLQ_DELIVERY_NOT_SENT || made->error.delivery == PLQ_DELIVERY_MAYBE_SENT,
           "an error has the delivery %d", (int)made->error.delivery);
    EXPECT(self, made->connected || made->error.delivery == PLQ_DELIVERY_NOT_SENT,
           "it failed before on_connected, and is not NOT_SENT");
  }
  made->over_ms = check_now_ms();
  made->over = true;
}

static int32_t is_cancelled(void *context) {
  return atomic_load(&((record *)context)->cancelled);
}

plq_transport_sink record_sink(record *made) {
  return (plq_transport_sink){sizeof(plq_transport_sink), 0, made, on_connected, on_line, on_body, on_done, is_cancelled};
}

void record_init(record *made, check *self) {
  memset(made, 0, sizeof *made);
  made->self = self;
  plq__head_init(&made->head, 32768);
}

void record_clear(record *made) {
  test_bytes_clear(&made->body);
}

/* ---- requests ---- */

#define SET(row, name_, value_, flags_)                             \
  (row) = (plq_transport_header) {                                  \
    name_, sizeof(name_) - 1, value_, sizeof(value_) - 1, flags_, 0 \
  }

void check_request_init(check *self, check_request *made) {
  static const char body[] = "{}";
  memset(made, 0, sizeof *made);
  size_t len = self->body_len != 0 ? self->body_len : sizeof body - 1;
  made->body = malloc(len);
  if (made->body == NULL) test_die("no memory");
  memset(made->body, ' ', len);
  memcpy(made->body, body, 2);
  SET(made->headers[0], "Accept", "application/json", 0);
  SET(made->headers[1], "Content-Type", "application/json", 0);
  SET(made->headers[2], "User-Agent", "conformance/1", 0);
  SET(made->headers[3], "Authorization", "Bearer " CHECK_TOKEN, PLQ_TRANSPORT_HEADER_SENSITIVE);
  bool tls = strncmp(self->origin, "https", 5) == 0 || self->origin[0] == '\0';
  const char *origin = self->origin[0] != '\0' ? self->origin : "https://plastiq.test";
  made->target = (plq_transport_target){.struct_size = sizeof made->target,
                                        .flags = (tls ? PLQ_TARGET_TLS : 0) | (self->server != NULL ? PLQ_TARGET_ADDRESS : 0),
                                        .port = self->server != NULL ? test_server_port(self->server) : 443,
                                        .origin = origin,
                                        .origin_len = strlen(origin),
                                        .host = self->server != NULL ? "127.0.0.1" : "plastiq.test"};
  made->target.host_len = strlen(made->target.host);
  int64_t ms = self->deadline_ms != 0 ? self->deadline_ms : 10000;
  made->request = (plq_transport_request){.struct_size = sizeof made->request,
                                          .header_stride = sizeof *made->headers,
                                          .op = ++self->last_op,
                                          .deadline_ns = self->host.now_ns(&self->host) + ms * CHECK_MS,
                                          .max_head_bytes = 32768,
                                          .max_body_bytes = 1 << 20,
                                          .target = &made->target,
                                          .method = self->method != NULL ? self->method : "POST",
                                          .path = "/api/client-secrets",
                                          .path_len = 19,
                                          .headers = made->headers,
                                          .header_count = 4,
                                          .body = made->body,
                                          .body_len = len};
  made->request.method_len = strlen(made->request.method);
}

void check_request_clear(check_request *made) {
  free(made->body);
}

/* ---- calls ---- */

static void drive_to_end(check *self, record *made) {
  int fd = self->functions->event_fd(self->instance);
  int64_t until = check_now_ms() + 30000;
  while (!made->over && check_now_ms() < until) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    poll(&poll_fd, 1, 1000);
    self->functions->drive(self->instance, 0);
  }
}

static void carry_out(check *self, record *made, const plq_transport_request *request) {
  plq_transport_sink sink = record_sink(made);
  plq_transport_error error = {.struct_size = sizeof error};
  bool async = self->half == PLQ_CAP_ASYNC || (self->half == 0 && (self->what->capabilities & PLQ_CAP_BLOCKING) == 0);
  int32_t status = async ? self->functions->submit(self->instance, request, &sink, &error)
                         : self->functions->perform(self->instance, request, &sink, &error);
  if (status != PLQ_OK) {
    check_fail(self, "the request was not accepted: %s: %s", plq_status_name(status), error.message);
    return;
  }
  if (async && atomic_load(&made->cancelled)) self->functions->cancel(self->instance, request->op);
  if (async) drive_to_end(self, made);
  EXPECT(self, made->over, "it was accepted, and on_done did not come");
  if (made->over && made->error.status == PLQ_OK)
    EXPECT(self, made->head.complete, "it is done without error, and the head was not complete");
}

void check_call(check *self, record *made) {
  check_request request;
  check_request_init(self, &request);
  if (made->cancel_op != 0) made->cancel_op = request.request.op;
  carry_out(self, made, &request.request);
  memset(request.body, 'x', request.request.body_len); /* it is ours again: whoever still reads it reads this */
  check_request_clear(&request);
}

static void *run_caller(void *argument) {
  check_caller *caller = argument;
  check_call(caller->self, caller->made);
  return NULL;
}

void check_call_begin(check *self, record *made, check_caller *caller) {
  *caller = (check_caller){.self = self, .made = made, .op = self->last_op + 1};
  if (pthread_create(&caller->thread, NULL, run_caller, caller) != 0) test_die("no thread");
}

void check_call_end(check_caller *caller) {
  pthread_join(caller->thread, NULL);
}

void check_good_call(check *self) {
  record made;
  record_init(&made, self);
  check_call(self, &made);
  EXPECT(self, made.error.status == PLQ_OK, "a good call failed: %s: %s", plq_status_name(made.error.status), made.error.message);
  EXPECT(self, made.head.http_status == 200, "a good call has the status %d", (int)made.head.http_status);
  record_clear(&made);
}

void check_ends_with(check *self, const record *made, int32_t kind, int32_t delivery) {
  int32_t status = made->error.status;
  EXPECT(self, plq_status_kind(status) == kind, "the status is %s (%s), not of kind %d", plq_status_name(status),
         made->error.message, (int)kind);
  EXPECT(self, made->error.delivery == delivery, "the delivery is %d, not %d", (int)made->error.delivery, (int)delivery);
}
