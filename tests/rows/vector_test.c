/* SPDX-License-Identifier: MIT */
/*
 * Runs the vectors of tests/vectors: each on each of its transports, through plq_call(), plq_call_message(), and a queue, which
 * takes requests and messages.
 * Usage: vector_test [--row N] [--transport NAME] [--name PART] [--plain] [--list]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "play.h"

typedef struct vector_run {
  const test_case *self;
  const char *transport;
  const test_door *door;
  char name[160];
} vector_run;

typedef struct run_list {
  vector_run *runs;
  size_t count;
  size_t skipped;
} run_list;

static bool plain_only;
static const char *const transports[] = {"stub", "curl", "openssl"};
static const test_ca *the_ca;

static void run_vector(void **state) {
  const vector_run *run = *state;
  test_bytes problems = {0};
  test_play(&problems, run->self, run->transport, run->door, the_ca);
  if (problems.len > 0) {
    print_error("%s\n%s", run->name, problems.data);
    test_bytes_clear(&problems);
    fail();
  }
}

static void not_run(run_list *list, const test_case *self, const char *what, const char *why) {
  printf("NOT RUN row-%02d/%s/%s: %s\n", self->row, self->name, what, why);
  list->skipped++;
}

static void add(run_list *list, const test_case *self, const char *transport, const test_door *door, const char *part) {
  vector_run run = {.self = self, .transport = transport, .door = door};
  snprintf(run.name, sizeof run.name, "row-%02d/%s/%s%s", self->row, self->name, transport, door->name);
  if (part != NULL && strstr(run.name, part) == NULL) return;
  list->runs = realloc(list->runs, (list->count + 1) * sizeof run);
  if (list->runs == NULL) test_die("no memory");
  list->runs[list->count++] = run;
}

static run_list make_list(const test_cases *cases, const char *transport, const char *part) {
  run_list list = {0};
  for (size_t c = 0; c < cases->count; c++) {
    const test_case *self = &cases->cases[c];
    const char *unable = test_call_message_unable(self);
    if (unable != NULL && part == NULL) not_run(&list, self, "message", unable);
    for (size_t t = 0; t < sizeof transports / sizeof *transports; t++) {
      if (transport != NULL && strcmp(transport, transports[t]) != 0) continue;
      if (!test_case_runs_on(self, transports[t])) {
        if (part == NULL) not_run(&list, self, transports[t], self->why);
        continue;
      }
      add(&list, self, transports[t], &test_plain_door, part);
      if (plain_only) continue;
      add(&list, self, transports[t], &test_queue_door, part);
      if (unable != NULL) continue;
      add(&list, self, transports[t], &test_message_door, part);
      add(&list, self, transports[t], &test_queue_message_door, part);
    }
  }
  return list;
}

static int run_all(const run_list *list) {
  struct CMUnitTest *tests = test_alloc(list->count * sizeof *tests);
  for (size_t i = 0; i < list->count; i++)
    tests[i] = (struct CMUnitTest){list->runs[i].name, run_vector, NULL, NULL, &list->runs[i]};
  int failed = _cmocka_run_group_tests("vectors", tests, list->count, NULL, NULL);
  free(tests);
  return failed;
}

int main(int argc, char **argv) {
  const char *transport = NULL, *part = NULL;
  int row = 0, failed = 0;
  bool list_only = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--list") == 0)
      list_only = true;
    else if (strcmp(argv[i], "--plain") == 0)
      plain_only = true;
    else if (i + 1 == argc)
      test_die("usage: %s [--row N] [--transport NAME] [--name PART] [--plain] [--list]", argv[0]);
    else if (strcmp(argv[i], "--row") == 0)
      row = atoi(argv[++i]);
    else if (strcmp(argv[i], "--transport") == 0)
      transport = argv[++i];
    else if (strcmp(argv[i], "--name") == 0)
      part = argv[++i];
  }
  (void)alarm(600); /* nothing here waits for ever, but if it did, this ends it */
  test_cases cases = test_cases_load(TEST_VECTOR_DIR, row);
  run_list list = make_list(&cases, transport, part);
  for (size_t i = 0; list_only && i < list.count; i++) puts(list.runs[i].name);
  if (!list_only) {
    test_ca *ca = test_ca_new();
    the_ca = ca;
    if (list.count == 0) test_die("no vector fits");
    failed = run_all(&list);
    test_ca_free(ca);
    printf("%zu vectors: %zu runs, %d failed, %zu not run (reasons above)\n", cases.count, list.count, failed, list.skipped);
  }
  free(list.runs);
  test_cases_free(&cases);
  return failed == 0 ? 0 : 1;
}
