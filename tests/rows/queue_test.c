/* SPDX-License-Identifier: MIT */
/* Completion queues over real connections: both kinds of event loops, limits, threads that submit and cancel at random, free and fork
 * with calls in flight. On the stub transport too, whose connections are not real and whose time is virtual. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-queue\\\"}\"}"
#define MANY(n) "[{\"copies\":" #n ",\"of\":" GOOD "}]"

static bool is_stub(void) { return strcmp(fixture_tls(), "stub") == 0; }

/* A server that plays the entries, or the stub with its emulator inside. */
static void open_queue(fixture *self, const char *responses, fixture_options options, plq_queue_id *out_queue) {
  const char *all[8][2] = {{"stub.api_keys", "test-key-0001"}, {"stub.base_path", "/api"}};
  size_t count = is_stub() ? 2 : 0;
  if (!is_stub()) fixture_serve(self, responses);
  for (size_t i = 0; options[i][0] != NULL; i++, count++) memcpy(all[count], options[i], sizeof all[count]);
  all[count][0] = NULL;
  fixture_connect(self, fixture_tls(), (const char *const(*)[2])all);
  assert_int_equal(plq_queue_new(self->client, out_queue, NULL), PLQ_OK);
}

static plq_request *make_request(void) {
  plq_request *request = NULL;
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
  return request;
}

static void submit(plq_queue_id queue, uint64_t from, uint64_t to) {
  plq_request *request = make_request();
  for (uint64_t tag = from; tag < to; tag++) assert_int_equal(plq_queue_submit(queue, request, tag, 0, NULL, NULL), PLQ_OK);
  plq_request_free(request);
}

/* Which tags came, each once. */
typedef struct seen {
  bool tags[2000];
  size_t good, cancelled, other;
} seen;

static void see(seen *self, plq_completion *completion) {
  uint64_t tag = plq_completion_tag(completion);
  assert_true(tag < sizeof self->tags && !self->tags[tag]);
  self->tags[tag] = true;
  int32_t status = plq_completion_status(completion);
  if (status == PLQ_OK)
    self->good++;
  else if (status == PLQ_E_CANCELLED)
    self->cancelled++;
  else
    self->other++;
  plq_completion_free(completion);
}

static size_t all(const seen *self) { return self->good + self->cancelled + self->other; }

static bool readable(int fd, int timeout_ms) {
  struct pollfd event = {.fd = fd, .events = POLLIN};
  return poll(&event, 1, timeout_ms) == 1;
}

/* ---- event loops ---- */

/* Takes one for each time that poll says so, which is the least that a loop may do. */
static void test_level_triggered(void **state) {
  fixture *self = *state;
  static seen all_seen;
  plq_queue_id queue;
  plq_completion *completion;
  int fd = -1;
  memset(&all_seen, 0, sizeof all_seen);
  open_queue(self, MANY(200), (fixture_options){{"max_repeats", "0"}, {"max_connections", "8"}, FIXTURE_END}, &queue);
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  submit(queue, 0, 200);
  while (all(&all_seen) < 200) {
    assert_true(readable(fd, 10000)); /* it went quiet too early */
    if (plq_queue_next(queue, 0, &completion) == PLQ_OK) see(&all_seen, completion);
  }
  assert_int_equal(all_seen.good, 200);
  for (int i = 0; i < 100 && readable(fd, 0); i++) assert_int_equal(plq_queue_next(queue, 0, &completion), PLQ_E_QUEUE_EMPTY);
  assert_false(readable(fd, 0));
  plq_queue_free(queue);
  if (is_stub()) return;
  fixture_stop(self);
  assert_in_range(test_server_connections(self->server), 1, 8);
}

/* Takes until there is nothing, once for each edge; submits in between. */
static void test_edge_triggered(void **state) {
  fixture *self = *state;
  static seen all_seen;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  plq_queue_id queue;
  plq_completion *completion;
  int fd = -1, outer = epoll_create1(EPOLL_CLOEXEC);
  uint64_t next = 20;
  memset(&all_seen, 0, sizeof all_seen);
  open_queue(self, MANY(300), (fixture_options){{"max_repeats", "0"}, {"max_connections", "4"}, FIXTURE_END}, &queue);
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, fd, &event), 0);
  submit(queue, 0, 20);
  while (all(&all_seen) < 300) {
    if (epoll_wait(outer, &event, 1, 10000) != 1) fail_msg("an edge is missing after %zu of 300", all(&all_seen));
    while (plq_queue_next(queue, 0, &completion) == PLQ_OK) {
      see(&all_seen, completion);
      if (next < 300) submit(queue, next, next + 1), next++;
    }
  }
  assert_int_equal(all_seen.good, 300);
  plq_queue_free(queue);
  close(outer);
}

/* ---- threads ---- */

enum { SUBMITTERS = 4, EACH = 200 };

typedef struct submitter {
  pthread_t thread;
  plq_queue_id queue;
  unsigned number;
  atomic_size_t cancels, accepted;
} submitter;

/* Submits and cancels at random, what is its own and what is gone. */
static void *submit_at_random(void *argument) {
  submitter *self = argument;
  unsigned random = 7919 * (self->number + 1);
  uint64_t ids[EACH];
  plq_request *request = NULL;
  if (plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL) != PLQ_OK) return NULL;
  for (unsigned i = 0; i < EACH; i++) {
    random = random * 1103515245 + 12345;
    if (plq_queue_submit(self->queue, request, self->number * EACH + i, -1, &ids[i], NULL) != PLQ_OK) break;
    self->accepted++;
    if (random >> 16 & 1) continue;
    self->cancels += plq_queue_cancel(self->queue, ids[(random >> 17) % (i + 1)]) == PLQ_OK;
    if ((random >> 20) % 8 == 0) (void)plq_queue_wake(self->queue);
  }
  plq_request_free(request);
  return NULL;
}

/* For ThreadSanitizer too: four threads put in what one takes out; everything that was accepted comes out once. */
static void test_threads_at_random(void **state) {
  fixture *self = *state;
  static seen all_seen;
  submitter submitters[SUBMITTERS];
  plq_queue_id queue;
  plq_completion *completion;
  size_t cancels = 0;
  memset(&all_seen, 0, sizeof all_seen);
  open_queue(self, MANY(1000), (fixture_options){{"max_repeats", "0"}, {"max_connections", "6"}, {"queue_max_calls", "50"}, FIXTURE_END}, &queue);
  for (unsigned i = 0; i < SUBMITTERS; i++) {
    submitters[i] = (submitter){.queue = queue, .number = i};
    assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_at_random, &submitters[i]), 0);
  }
  while (all(&all_seen) < (size_t)SUBMITTERS * EACH) {
    int32_t status = plq_queue_next(queue, 10000, &completion);
    if (status == PLQ_OK)
      see(&all_seen, completion);
    else
      assert_int_equal(status, PLQ_E_QUEUE_EMPTY);
  }
  for (unsigned i = 0; i < SUBMITTERS; i++) {
    pthread_join(submitters[i].thread, NULL);
    assert_int_equal(submitters[i].accepted, EACH);
    cancels += submitters[i].cancels;
  }
  assert_int_equal(all_seen.other, 0);
  assert_true(all_seen.cancelled <= cancels);
  assert_true(all_seen.good > 0);
  assert_int_equal(plq_queue_close(queue, 0), PLQ_OK);
  assert_int_equal(plq_queue_next(queue, -1, &completion), PLQ_E_CLOSED);
  plq_queue_free(queue);
}

static void *take_all(void *argument) {
  plq_queue_id queue = *(const plq_queue_id *)argument;
  plq_completion *completion;
  uintptr_t good = 0;
  int32_t status;
  while ((status = plq_queue_next(queue, -1, &completion)) == PLQ_OK) {
    good += plq_completion_status(completion) == PLQ_OK;
    plq_completion_free(completion);
  }
  return status == PLQ_E_CLOSED ? (void *)good : NULL;
}

/* A thread for each of several queues, and blocking calls beside them; the client's statistics count all of it. */
static void test_a_thread_for_each_queue(void **state) {
  enum { QUEUES = 3, CALLS = 60 };
  fixture *self = *state;
  plq_queue_id queues[QUEUES];
  pthread_t threads[QUEUES];
  int64_t stats[PLQ_STATS];
  open_queue(self, MANY(300), (fixture_options){{"max_repeats", "0"}, {"max_connections", "3"}, FIXTURE_END}, &queues[0]);
  for (int i = 1; i < QUEUES; i++) assert_int_equal(plq_queue_new(self->client, &queues[i], NULL), PLQ_OK);
  for (int i = 0; i < QUEUES; i++) assert_int_equal(pthread_create(&threads[i], NULL, take_all, &queues[i]), 0);
  for (uint64_t i = 0; i < CALLS; i++)
    for (int j = 0; j < QUEUES; j++) submit(queues[j], i, i + 1);
  for (int i = 0; i < 5; i++) assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  for (int i = 0; i < QUEUES; i++) {
    void *good;
    assert_int_equal(plq_queue_close(queues[i], 0), PLQ_OK);
    pthread_join(threads[i], &good);
    assert_int_equal((uintptr_t)good, CALLS);
  }
  assert_int_equal(plq_client_stats(self->client, stats, PLQ_STATS), PLQ_OK);
  assert_int_equal(stats[PLQ_STAT_CALLS], QUEUES * CALLS + 5);
  assert_int_equal(stats[PLQ_STAT_CALLS_SUCCEEDED], QUEUES * CALLS + 5);
  assert_int_equal(stats[PLQ_STAT_CALLS_IN_FLIGHT], 0);
  if (!is_stub()) assert_in_range(stats[PLQ_STAT_CONNECTIONS_OPEN], QUEUES + 1, 3 * (QUEUES + 1));
  for (int i = 0; i < QUEUES; i++) plq_queue_free(queues[i]);
}

/* ---- the end ---- */

/* Where they are when the queue goes: connecting, waiting for an answer, not begun. */
static void test_free_in_flight(void **state) {
  fixture *self = *state;
  plq_queue_id queue;
  plq_completion *completion;
  for (int drives = 0; drives < 6; drives++) {
    open_queue(self, "[{\"copies\":50,\"of\":{\"hang\":true}}]", (fixture_options){{"max_connections", "4"}, FIXTURE_END}, &queue);
    submit(queue, 0, 20);
    for (int i = 0; i < drives; i++)
      if (plq_queue_next(queue, i < 3 ? 0 : 20, &completion) == PLQ_OK) plq_completion_free(completion);
    submit(queue, 20, 30);
    int64_t began = fixture_now_ms();
    plq_queue_free(queue);
    assert_true(fixture_now_ms() - began < 5000);
    assert_int_equal(plq_queue_next(queue, -1, &completion), PLQ_E_HANDLE);
  }
}

/* A child that knows nothing of the parent's queue, and frees it; the parent's connections live on. */
static void test_fork_in_flight(void **state) {
  fixture *self = *state;
  static seen all_seen;
  plq_queue_id queue;
  plq_completion *completion;
  int status = 0;
  memset(&all_seen, 0, sizeof all_seen);
  open_queue(self, MANY(100), (fixture_options){{"max_repeats", "0"}, {"max_connections", "2"}, FIXTURE_END}, &queue);
  submit(queue, 0, 40);
  while (all(&all_seen) < 10)
    if (plq_queue_next(queue, 10000, &completion) == PLQ_OK) see(&all_seen, completion);
  usleep(50000); /* the server's threads are in this process: let them come to rest */
  pid_t child = fork();
  if (child == 0) {
    (void)alarm(60);
    int32_t answer = plq_queue_next(queue, -1, &completion);
    plq_queue_free(queue);
    _exit(answer == PLQ_E_FORKED && plq_queue_wake(queue) == PLQ_E_HANDLE ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  while (all(&all_seen) < 40)
    if (plq_queue_next(queue, 10000, &completion) == PLQ_OK) see(&all_seen, completion);
  assert_int_equal(all_seen.good, 40);
  plq_queue_free(queue);
  if (is_stub()) return;
  fixture_stop(self);
  assert_in_range(test_server_connections(self->server), 1, 2);
}

/* Opened ahead of use, and then used. */
static void test_warm(void **state) {
  fixture *self = *state;
  static seen all_seen;
  plq_queue_id queue;
  plq_completion *completion;
  int64_t stats[PLQ_QUEUE_STATS];
  uint32_t open = 0;
  memset(&all_seen, 0, sizeof all_seen);
  if (is_stub()) return;
  open_queue(self, MANY(100), (fixture_options){{"max_repeats", "0"}, {"max_connections", "5"}, FIXTURE_END}, &queue);
  assert_int_equal(plq_queue_warm(queue, 5, 20000, &open, NULL), PLQ_OK);
  assert_int_equal(open, 5);
  assert_int_equal(plq_queue_stats(queue, stats, PLQ_QUEUE_STATS), PLQ_OK);
  assert_int_equal(stats[PLQ_QUEUE_STAT_CONNECTIONS_OPEN], 5);
  submit(queue, 0, 30);
  while (all(&all_seen) < 30)
    if (plq_queue_next(queue, 10000, &completion) == PLQ_OK) see(&all_seen, completion);
  assert_int_equal(all_seen.good, 30);
  plq_queue_free(queue);
  fixture_stop(self);
  assert_int_equal(test_server_connections(self->server), 5);
}

/* What was in flight goes on while connections are opened, and what ended meanwhile is told. */
static void test_warm_in_flight(void **state) {
  fixture *self = *state;
  static seen all_seen;
  plq_queue_id queue;
  plq_completion *completion;
  uint32_t open = 0;
  int fd = -1;
  memset(&all_seen, 0, sizeof all_seen);
  if (is_stub()) return;
  open_queue(self, MANY(100), (fixture_options){{"max_repeats", "0"}, {"max_connections", "6"}, FIXTURE_END}, &queue);
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  submit(queue, 0, 20);
  if (plq_queue_next(queue, 0, &completion) == PLQ_OK) see(&all_seen, completion);
  assert_int_equal(plq_queue_warm(queue, 6, 20000, &open, NULL), PLQ_OK);
  while (all(&all_seen) < 20) {
    assert_true(readable(fd, 10000));
    if (plq_queue_next(queue, 0, &completion) == PLQ_OK) see(&all_seen, completion);
  }
  assert_int_equal(all_seen.good, 20);
  plq_queue_free(queue);
}

/* The deadline passes while nobody is inside: the descriptor tells, and the truth comes out. */
static void test_deadline_in_flight(void **state) {
  fixture *self = *state;
  plq_queue_id queue;
  plq_completion *completion = NULL;
  int fd = -1;
  if (is_stub()) return; /* its time does not pass by itself */
  open_queue(self, "[{\"hang\":true}]", (fixture_options){{"timeout_ms", "600"}, {"max_repeats", "0"}, FIXTURE_END}, &queue);
  assert_int_equal(plq_queue_fd(queue, &fd), PLQ_OK);
  submit(queue, 0, 1);
  int64_t began = fixture_now_ms();
  while (plq_queue_next(queue, 0, &completion) != PLQ_OK) assert_true(readable(fd, 10000));
  assert_in_range(fixture_now_ms() - began, 590, 8000);
  plq_error *error = plq_completion_take_error(completion);
  assert_int_equal(plq_error_kind(error), PLQ_KIND_TIMEOUT);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_MAYBE_SENT);
  plq_error_free(error);
  plq_completion_free(completion);
  plq_queue_free(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_level_triggered, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_edge_triggered, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_threads_at_random, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_a_thread_for_each_queue, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_free_in_flight, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_fork_in_flight, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_warm, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_warm_in_flight, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_deadline_in_flight, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
