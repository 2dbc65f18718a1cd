/* SPDX-License-Identifier: MIT */
/* Fork and exit: prefork servers work, children do not disturb their parent, and a process may end in the middle of calls. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-fork\\\"}\"}"
#define MANY "[{\"copies\":100,\"of\":" GOOD "}]"

enum { CHILDREN = 4, CALLS = 3, EXITS = 50, THREADS = 8 };

static int32_t call(plq_client_id client) {
  plq_response *response = NULL;
  int32_t status = plq_client_secrets_create(client, NULL, &response, NULL);
  plq_response_free(response);
  return status;
}

static void check_reused(fixture *self, int64_t expected) {
  json_object *outcome = fixture_call(self);
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_OK");
  assert_int_equal(fixture_number(fixture_attempt(outcome, 0), "reused"), expected);
}

static void wait_for(pid_t child, int expected) {
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) print_error("signal %d\n", WTERMSIG(status));
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), expected);
}

/* How many of the calls of a child failed. The last child has one of its own. */
static int work_in_child(plq_client_id client, bool deeper) {
  int failed = 0;
  for (int i = 0; i < CALLS; i++) failed += call(client) != PLQ_OK;
  if (deeper) {
    pid_t grandchild = fork();
    if (grandchild == 0) _exit(call(client) != PLQ_OK);
    int status = -1;
    failed += waitpid(grandchild, &status, 0) != grandchild || status != 0;
    failed += call(client) != PLQ_OK;
  }
  return failed;
}

/* The connections that requests came on, as a set of bits. */
static uint64_t connections_of(const fixture *self, size_t from, size_t to) {
  uint64_t set = 0;
  for (size_t i = from; i < to; i++) set |= UINT64_C(1) << fixture_number(fixture_request(self, i), "connection");
  return set;
}

/*
 * The server is in this process. A thread of it that is inside of OpenSSL or of an allocator at the fork would leave a lock behind that
 * nobody in the child can open, so it is let come to rest first.
 */
static void let_the_server_rest(void) {
  struct timespec moment = {.tv_nsec = 50000000};
  nanosleep(&moment, NULL);
}

static void test_prefork(void **state) {
  fixture *self = *state;
  pid_t children[CHILDREN];
  int start[2];
  char go;
  uint32_t open = 0;
  fixture_serve(self, MANY);
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  assert_int_equal(plq_client_warm(self->client, 1, 5000, &open, NULL), PLQ_OK);
  assert_int_equal(open, 1);
  check_reused(self, 1);
  let_the_server_rest();
  assert_int_equal(pipe(start), 0);
  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    if (children[i] != 0) continue;
    (void)alarm(60);
    close(start[1]);
    (void)!read(start[0], &go, 1); /* until all are there */
    _exit(work_in_child(self->client, i == CHILDREN - 1));
  }
  close(start[0]);
  close(start[1]);
  check_reused(self, 1); /* while they are at it */
  for (int i = 0; i < CHILDREN; i++) wait_for(children[i], 0);
  check_reused(self, 1); /* and when they are gone */
  fixture_stop(self);
  /* One for the parent, one for each child, one for the grandchild; nobody else's requests on the parent's. */
  size_t requests = fixture_requests(self), parents = 0;
  assert_int_equal(requests, 3 + CHILDREN * CALLS + 2);
  assert_int_equal(test_server_connections(self->server), 1 + CHILDREN + 1);
  for (size_t i = 0; i < requests; i++) parents += connections_of(self, i, i + 1) == 1;
  assert_int_equal(parents, 3);
}

/* Ends without having used the client, by both ways out. */
static void test_idle_child_ends(void **state) {
  fixture *self = *state;
  fixture_serve(self, MANY);
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  check_reused(self, 0);
  for (int way = 0; way < 3; way++) {
    let_the_server_rest();
    pid_t child = fork();
    if (child == 0) {
      if (way == 0) _exit(0);
      if (way == 1) plq_client_close(self->client, 1000);
      quick_exit(0); /* exit() would run the test runner's and the sanitizers' handlers too */
    }
    wait_for(child, 0);
    check_reused(self, 1);
  }
}

static void *call_for_ever(void *argument) {
  const plq_client_id *client = argument;
  while (call(*client) != PLQ_E_HANDLE) continue;
  return NULL;
}

/* A program of its own: cmocka takes an exit() inside of a test for its own business. */
static int exit_in_the_middle(char **argv) {
  static plq_client_id client;
  plq_options *options = NULL;
  pthread_t thread;
  struct timespec soon = {.tv_nsec = 1000000L + 700000L * atol(argv[3])};
  const char *const settings[][2] = {{"transport", fixture_tls()},
                                     {"transport_dir", TEST_TRANSPORT_DIR},
                                     {"transport_path_check", "false"},
                                     {"access_token", "test-key-0001"},
                                     {"max_repeats", "0"},
                                     {"base_url", argv[1]},
                                     {"ca_file", argv[2]}};
  if (plq_options_new(PLQ_NO_AMBIENT, &options, NULL) != PLQ_OK) return 1;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (plq_options_set(options, settings[i][0], PLQ_NUL, settings[i][1], PLQ_NUL, NULL) != PLQ_OK) return 2;
  if (plq_client_new(options, &client, NULL) != PLQ_OK) return 3;
  if (plq_client_warm(client, 1, 5000, NULL, NULL) != PLQ_OK) return 4;
  for (int i = 0; i < THREADS; i++) (void)pthread_create(&thread, NULL, call_for_ever, &client);
  nanosleep(&soon, NULL);
  exit(7); /* OpenSSL's atexit handler would free what the threads are using */
}

/* Fifty times: each at another moment, and a new server now and then, because one keeps count of 128 connections. */
static void test_exit_during_calls(void **state) {
  fixture *self = *state;
  char url[64], seed[16];
  for (unsigned i = 0; i < EXITS; i++) {
    if (i % 10 == 0) fixture_serve(self, "[{\"copies\":1000,\"of\":" GOOD "}]");
    snprintf(url, sizeof url, "https://127.0.0.1:%d/api", test_server_port(self->server));
    snprintf(seed, sizeof seed, "%u", i % 20);
    pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "life_test", url, test_ca_file(self->ca), seed, (char *)NULL);
      _exit(127);
    }
    wait_for(child, 7);
  }
}

int main(int argc, char **argv) {
  if (argc == 4) return exit_in_the_middle(argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_prefork, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_idle_child_ends, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_exit_during_calls, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
