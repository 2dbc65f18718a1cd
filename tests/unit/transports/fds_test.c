/* SPDX-License-Identifier: MIT */
/* The table of descriptors: what a forked child closes, and nothing else. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static plqt_fds fds;

static int set_up(void **state) {
  (void)state;
  plqt_fds_init(&fds);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  plqt_fds_clear(&fds);
  return 0;
}

static int open_null(void) {
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

static int count_known(void) {
  int count = 0;
  for (plqt_fds *block = &fds; block != NULL; block = atomic_load(&block->next))
    for (int i = 0; i < PLQT_FD_BLOCK; i++) count += atomic_load(&block->slots[i]) != -1;
  return count;
}

static void closes_what_is_in_it(void **state) {
  (void)state;
  int in = open_null(), out = open_null(), removed = open_null();
  assert_true(plqt_fds_add(&fds, in));
  assert_true(plqt_fds_add(&fds, removed));
  plqt_fds_remove(&fds, removed);
  plqt_fds_remove(&fds, out); /* is not in it */
  plqt_fds_close_all(&fds);
  assert_false(is_open(in));
  assert_true(is_open(out));
  assert_true(is_open(removed));
  assert_int_equal(count_known(), 0);
  close(out);
  close(removed);
}

static void closes_and_forgets(void **state) {
  (void)state;
  int fd = open_null();
  assert_true(plqt_fds_add(&fds, fd));
  assert_int_equal(plqt_fds_close(&fds, fd), 0);
  assert_false(is_open(fd));
  assert_int_equal(count_known(), 0);
  assert_int_equal(plqt_fds_close(&fds, fd), -1);
}

static void has_no_limit(void **state) {
  enum { MANY = 3 * PLQT_FD_BLOCK + 1 };
  static int opened[MANY];
  (void)state;
  for (int i = 0; i < MANY; i++) assert_true(plqt_fds_add(&fds, opened[i] = open_null()));
  assert_int_equal(count_known(), MANY);
  for (int i = 0; i < MANY; i += 2) assert_int_equal(plqt_fds_close(&fds, opened[i]), 0);
  /* Free places are used again. */
  for (int i = 0; i < MANY; i += 2) assert_true(plqt_fds_add(&fds, opened[i] = open_null()));
  int blocks = 0;
  for (plqt_fds *block = &fds; block != NULL; block = atomic_load(&block->next)) blocks++;
  assert_int_equal(blocks, 4);
  plqt_fds_close_all(&fds);
  for (int i = 0; i < MANY; i++) assert_false(is_open(opened[i]));
}

/* A library closed it without a word, and the number went to somebody else. */
static void spares_a_number_that_means_something_else(void **state) {
  (void)state;
  int pair[2], fd = open_null();
  assert_true(plqt_fds_add(&fds, fd));
  assert_int_equal(pipe(pair), 0);
  assert_int_equal(dup2(pair[0], fd), fd);
  plqt_fds_close_all(&fds);
  assert_true(is_open(fd));
  close(fd);
  close(pair[0]);
  close(pair[1]);
}

/* The same, but the number came back to us: it is in the table once, as what it is now. */
static void takes_a_number_anew(void **state) {
  (void)state;
  int pair[2], fd = open_null();
  assert_true(plqt_fds_add(&fds, fd));
  assert_int_equal(pipe(pair), 0);
  assert_int_equal(dup2(pair[0], fd), fd);
  assert_true(plqt_fds_add(&fds, fd));
  assert_int_equal(count_known(), 1);
  plqt_fds_close_all(&fds);
  assert_false(is_open(fd));
  close(pair[0]);
  close(pair[1]);
}

static void child_closes_its_own_numbers(void **state) {
  (void)state;
  int status, fd = open_null();
  assert_true(plqt_fds_add(&fds, fd));
  pid_t child = fork();
  if (child == 0) {
    plqt_fds_close_all(&fds);
    _exit(is_open(fd) ? 1 : 0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_true(is_open(fd));
  assert_int_equal(plqt_fds_close(&fds, fd), 0);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 300, HELD = 40 };

static void *churn(void *argument) {
  _Atomic int *wrong = argument;
  int held[HELD];
  for (int i = 0; i < ROUNDS; i++) {
    for (int j = 0; j < HELD; j++) {
      held[j] = open("/dev/null", O_RDWR | O_CLOEXEC);
      if (held[j] < 0 || !plqt_fds_add(&fds, held[j])) (*wrong)++;
    }
    for (int j = 0; j < HELD; j++) *wrong += plqt_fds_close(&fds, held[j]) != 0;
  }
  return NULL;
}

static void many_at_once(void **state) {
  static _Atomic int wrong;
  pthread_t threads[THREADS];
  (void)state;
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, &wrong), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(wrong, 0);
  assert_int_equal(count_known(), 0);
}

static void sees_the_end_behind_bytes(void **state) {
  int ends[2];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  assert_true(plqt_socket_is_open(ends[0]));
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_true(plqt_socket_is_open(ends[0]));
  assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
  assert_false(plqt_socket_is_open(ends[0]));
  close(ends[0]);
  close(ends[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(closes_what_is_in_it), CASE(closes_and_forgets),
      CASE(has_no_limit),         CASE(spares_a_number_that_means_something_else),
      CASE(takes_a_number_anew),  CASE(child_closes_its_own_numbers),
      CASE(many_at_once),         CASE(sees_the_end_behind_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
