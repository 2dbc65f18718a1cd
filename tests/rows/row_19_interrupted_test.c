/* SPDX-License-Identifier: MIT */
/* Row 19: a call that is cancelled, wherever it is, tells the truth about what was sent; and a fork in the middle of it all. */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "standin.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0019\\\"}\"}"
#define LARGE (250 * 1024) /* more than the buffers on both sides hold */

TEST_STANDIN int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  TEST_REAL(real, "getaddrinfo");
  if (name != NULL && strcmp(name, "slow.test") == 0) usleep(1500 * 1000);
  return real(name != NULL && strstr(name, ".test") != NULL ? "127.0.0.1" : name, service, hints, out);
}

/* Sockets of this process, libraries included, while it is set: with a send buffer that a request fills. */
static bool small_buffers;

TEST_STANDIN int socket(int domain, int type, int protocol) {
  int (*real)(int, int, int);
  TEST_REAL(real, "socket");
  int fd = real(domain, type, protocol), small = 4096;
  if (fd >= 0 && small_buffers) (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  return fd;
}

typedef struct canceller {
  plq_call_id call;
  plq_queue_id queue; /* 0: a blocking call */
  uint64_t queued;
  unsigned after_ms;
  int64_t cancelled_ms;
} canceller;

static void *cancel_soon(void *argument) {
  canceller *self = argument;
  usleep(self->after_ms * 1000);
  self->cancelled_ms = fixture_now_ms();
  (void)(self->queue != 0 ? plq_queue_cancel(self->queue, self->queued) : plq_call_cancel(self->call));
  return NULL;
}

static plq_request *make_request(size_t size) {
  plq_request *request = NULL;
  test_bytes json = {0};
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
  test_bytes_text(&json, "{\"a\":\"");
  for (size_t i = 0; i < size; i++) test_bytes_add(&json, "x", 1);
  test_bytes_text(&json, "\"}");
  assert_int_equal(plq_request_set_extra(request, json.data, json.len, NULL), PLQ_OK);
  test_bytes_clear(&json);
  return request;
}

static int32_t run(const canceller *soon, const plq_request *request, plq_response **response, plq_error **error) {
  plq_completion *completion = NULL;
  if (soon->queue == 0) return plq_call_run(soon->call, request, response, error);
  assert_int_equal(plq_queue_next(soon->queue, -1, &completion), PLQ_OK);
  int32_t status = plq_completion_status(completion);
  *response = plq_completion_take_response(completion);
  *error = plq_completion_take_error(completion);
  plq_completion_free(completion);
  return status;
}

/* Returns how long it took from the cancel to the end. */
static int64_t call_and_cancel(fixture *self, size_t size, unsigned after_ms, bool through_queue) {
  canceller soon = {.after_ms = after_ms};
  plq_request *request = make_request(size);
  plq_response *response = NULL;
  plq_error *error = NULL;
  pthread_t thread;
  small_buffers = size == LARGE;
  if (through_queue) {
    assert_int_equal(plq_queue_new(self->client, &soon.queue, NULL), PLQ_OK);
    assert_int_equal(plq_queue_submit(soon.queue, request, 1, 0, &soon.queued, NULL), PLQ_OK);
  } else {
    assert_int_equal(plq_call_new(self->client, &soon.call, NULL), PLQ_OK);
  }
  assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &soon), 0);
  int32_t status = run(&soon, request, &response, &error);
  int64_t ended_ms = fixture_now_ms();
  pthread_join(thread, NULL);
  small_buffers = false;
  plq_call_free(soon.call);
  plq_queue_free(soon.queue);
  plq_request_free(request);
  plq_response_free(response);
  test_outcome_clear(&self->outcome);
  test_outcome_error(&self->outcome, status, error);
  return ended_ms - soon.cancelled_ms;
}

static void cancel_in_each_phase(fixture *self, bool through_queue) {
  static const struct {
    const char *script, *host, *phase, *delivery;
    size_t size;
  } rows[] = {
      {"[" GOOD "]", "slow.test", "resolve", "not_sent", 1},
      {"[{\"fault\":{\"status\":\"PLQ_E_TIMEOUT_CONNECT\"}}]", "127.0.0.1", "connect", "not_sent", 1},
      {"[{\"before\":\"silent\"}]", "127.0.0.1", "tls", "not_sent", 1},
      {"[{\"before\":\"stall\"}]", "127.0.0.1", "send", "maybe_sent", LARGE},
      {"[{\"hang\":true}]", "127.0.0.1", "wait", "maybe_sent", 1},
      {"[{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Le\",\"end\":\"hang\"}]", "127.0.0.1", "receive", "maybe_sent", 1},
      {"[{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 35\\r\\n\\r\\n{\",\"end\":\"hang\"}]", "127.0.0.1", "receive",
       "maybe_sent", 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char url[64];
    int64_t took_ms = 0;
    snprintf(url, sizeof url, "https://%s:{port}/api", rows[i].host);
    /* Under memcheck a handshake takes its time: then once more, and later. */
    for (unsigned after_ms = 200; after_ms < 4000; after_ms *= 4) {
      fixture_serve(self, rows[i].script);
      fixture_connect(self, fixture_tls(), (fixture_options){{"base_url", url}, FIXTURE_END});
      took_ms = call_and_cancel(self, rows[i].size, after_ms, through_queue);
      assert_true(took_ms < 4000); /* no other limit ends it before 5 s; it takes about a millisecond */
      assert_string_equal(fixture_text(self->outcome.json, "status"), "PLQ_E_CANCELLED");
      if (strcmp(fixture_text(self->outcome.json, "phase"), rows[i].phase) == 0 &&
          strcmp(fixture_text(self->outcome.json, "delivery"), rows[i].delivery) == 0)
        break;
    }
    print_message("%s: over %lld ms after the cancel\n", rows[i].phase, (long long)took_ms);
    assert_string_equal(fixture_text(self->outcome.json, "phase"), rows[i].phase);
    assert_string_equal(fixture_text(self->outcome.json, "delivery"), rows[i].delivery);
    assert_int_equal(fixture_number(self->outcome.json, "attempts"), 1);
  }
  usleep(1600 * 1000); /* the look-up that nobody waits for ends by itself */
}

static void test_cancel_in_each_phase(void **state) {
  cancel_in_each_phase(*state, false);
}

static void test_cancel_in_each_phase_of_a_queue(void **state) {
  cancel_in_each_phase(*state, true);
}

/* What was cancelled is over: the connection is not used again, and the late answer is nobody's. */
static void test_cancelled_connection_is_not_kept(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"hang\":true}," GOOD "]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  call_and_cancel(self, 1, 200, false);
  assert_string_equal(fixture_text(self->outcome.json, "status"), "PLQ_E_CANCELLED");
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 2);
  assert_int_equal(test_server_connections(self->server), 2);
}

/* A proxy that says nothing. Where there are no proxies there is nothing to cancel: row-19/proxy-is-refused-not-bypassed. */
static void test_cancel_at_the_proxy(void **state) {
  fixture *self = *state;
  if (strcmp(fixture_tls(), "openssl") == 0) return;
  fixture_serve(self, "[{\"hang\":true}]");
  test_server_free(self->server);
  self->script->certificate = NULL;
  self->server = test_server_new(self->ca, self->script);
  fixture_connect(self, fixture_tls(),
                  (fixture_options){{"base_url", "https://plastiq.test/api"}, {"proxy", "http://127.0.0.1:{port}"}, FIXTURE_END});
  call_and_cancel(self, 1, 200, false);
  assert_string_equal(fixture_text(self->outcome.json, "status"), "PLQ_E_CANCELLED");
  assert_string_equal(fixture_text(self->outcome.json, "phase"), "proxy");
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "not_sent");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_cancel_in_each_phase, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_cancel_in_each_phase_of_a_queue, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_cancel_at_the_proxy, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_cancelled_connection_is_not_kept, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 19: interrupted", tests, NULL, NULL);
}
