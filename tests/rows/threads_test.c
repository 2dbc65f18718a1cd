/* SPDX-License-Identifier: MIT */
/* Many threads on one client over real TLS, with cancels and a close in between: for ThreadSanitizer, and to see nothing get
 * lost. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "fixture.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-many\\\"}\"}"
#define MANY "[{\"copies\":1000,\"of\":" GOOD "}]"

enum { THREADS = 16, CALLS = 20 };

typedef struct worker {
  pthread_t thread;
  plq_client_id client;
  plq_request *request;
  bool cancels;
  atomic_size_t good, cancelled, other;
} worker;

static void count(worker *self, int32_t status) {
  atomic_size_t *counter = status == PLQ_OK ? &self->good : status == PLQ_E_CANCELLED ? &self->cancelled : &self->other;
  atomic_fetch_add(counter, 1);
}

static void *cancel(void *argument) {
  const plq_call_id *id = argument;
  struct timespec moment = {.tv_nsec = 100000};
  nanosleep(&moment, NULL);
  plq_call_cancel(*id);
  return NULL;
}

static int32_t call_and_cancel(worker *self) {
  plq_response *response = NULL;
  plq_call_id id = 0;
  pthread_t thread;
  int32_t status = plq_call_new(self->client, &id, NULL);
  if (status != PLQ_OK) return status;
  if (pthread_create(&thread, NULL, cancel, &id) != 0) return PLQ_E_RESOURCE_SYSTEM;
  status = plq_call_run(id, self->request, &response, NULL);
  pthread_join(thread, NULL);
  plq_call_free(id);
  plq_response_free(response);
  return status;
}

static int32_t call(worker *self) {
  plq_response *response = NULL;
  int32_t status = plq_client_secrets_create(self->client, NULL, &response, NULL);
  plq_response_free(response);
  return status;
}

static void *work(void *argument) {
  worker *self = argument;
  for (int i = 0; i < CALLS; i++) count(self, self->cancels && i % 3 == 0 ? call_and_cancel(self) : call(self));
  return NULL;
}

static void start(fixture *self, worker *workers, bool cancels) {
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (worker){.client = self->client, .cancels = cancels && i % 4 == 0};
    assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &workers[i].request, NULL), PLQ_OK);
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
}

static worker join(worker *workers) {
  worker sum = {0};
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    plq_request_free(workers[i].request);
    sum.good += workers[i].good;
    sum.cancelled += workers[i].cancelled;
    sum.other += workers[i].other;
  }
  return sum;
}

static void test_many_threads(void **state) {
  fixture *self = *state;
  worker workers[THREADS];
  fixture_serve(self, MANY);
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, {"max_connections", "6"}, FIXTURE_END});
  start(self, workers, false);
  worker sum = join(workers);
  assert_int_equal(sum.good, THREADS * CALLS);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), THREADS * CALLS);
  assert_in_range(test_server_connections(self->server), 1, 6);
}

/* Every call ends, and as what it was: done or cancelled. */
static void test_with_cancels(void **state) {
  fixture *self = *state;
  worker workers[THREADS];
  fixture_serve(self, MANY);
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  start(self, workers, true);
  worker sum = join(workers);
  assert_int_equal(sum.good + sum.cancelled, THREADS * CALLS);
  assert_true(sum.good >= THREADS * CALLS - 4 * (CALLS / 3 + 1));
}

static void test_close_from_another_thread(void **state) {
  fixture *self = *state;
  worker workers[THREADS];
  struct timespec moment = {.tv_nsec = 3000000};
  fixture_serve(self, MANY);
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  start(self, workers, false);
  nanosleep(&moment, NULL);
  assert_int_equal(plq_client_close(self->client, 10000), PLQ_OK);
  self->client = 0;
  worker sum = join(workers);
  assert_int_equal(sum.good + sum.cancelled + sum.other, THREADS * CALLS);
}

/* n threads after warm(n) find all open. */
static void test_warm(void **state) {
  fixture *self = *state;
  worker workers[THREADS];
  uint32_t open = 0;
  fixture_serve(self, MANY);
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  assert_int_equal(plq_client_warm(self->client, THREADS, 20000, &open, NULL), PLQ_OK);
  assert_int_equal(open, THREADS);
  assert_int_equal(plq_client_warm(self->client, THREADS, 20000, &open, NULL), PLQ_OK);
  start(self, workers, false);
  worker sum = join(workers);
  assert_int_equal(sum.good, THREADS * CALLS);
  fixture_stop(self);
  assert_int_equal(test_server_connections(self->server), THREADS);
}

/* The library's threads and calls leave signals alone. */
static void test_signals_are_left_alone(void **state) {
  fixture *self = *state;
  struct sigaction before, after;
  sigset_t mask_before, mask_after;
  sigaction(SIGPIPE, NULL, &before);
  pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
  fixture_serve(self, "[{\"copies\":4,\"of\":{\"end\":\"rst\"}}]");
  fixture_connect(self, fixture_tls(),
                  (fixture_options){{"max_repeats", "0"}, {"base_url", "https://localhost:{port}/api"}, FIXTURE_END});
  for (int i = 0; i < 4; i++) assert_string_equal(fixture_text(fixture_call(self), "kind"), "io");
  sigaction(SIGPIPE, NULL, &after);
  pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
  assert_ptr_equal(before.sa_handler, after.sa_handler);
  for (int signal = 1; signal < SIGRTMAX; signal++)
    assert_int_equal(sigismember(&mask_before, signal), sigismember(&mask_after, signal));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_many_threads, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_with_cancels, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_close_from_another_thread, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_warm, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_signals_are_left_alone, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
