/* SPDX-License-Identifier: MIT */
/* What was submitted, in order, once; what was cancelled; and the descriptor that tells. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support.h"

static plqt_fds fds;
static plqt_inbox inbox;

static int set_up(void **state) {
  (void)state;
  plqt_fds_init(&fds);
  plqt_inbox_init(&inbox, &fds);
  return 0;
}

static int count_known(void) {
  int known = 0;
  for (int i = 0; i < PLQT_FD_BLOCK; i++) known += atomic_load(&fds.slots[i]) != -1;
  return known;
}

static int tear_down(void **state) {
  (void)state;
  plqt_inbox_free(&inbox);
  int left = count_known();
  plqt_fds_clear(&fds);
  return left;
}

static void open_it(void) {
  int os_errno = -1;
  assert_int_equal(plqt_inbox_open(&inbox, &os_errno), PLQ_OK);
  assert_int_equal(os_errno, 0);
}

/* As the host looks at it. */
static bool readable(void) {
  struct pollfd ready = {.fd = inbox.epoll_fd, .events = POLLIN};
  return poll(&ready, 1, 0) == 1;
}

/* Takes in what is there, without waiting, as a transport's drive does. */
static int drain(void) {
  struct epoll_event events[8];
  int count = plqt_inbox_wait(&inbox, events, COUNT(events), 0, 0);
  for (int i = 0; i < count; i++) assert_true(plqt_inbox_saw(&inbox, events[i].data.u64));
  return count;
}

/* ---- descriptors ---- */

static void opens_once(void **state) {
  (void)state;
  assert_int_equal(inbox.epoll_fd, -1);
  open_it();
  int first = inbox.epoll_fd;
  assert_int_equal(count_known(), 3);
  open_it();
  assert_int_equal(inbox.epoll_fd, first);
  assert_int_equal(count_known(), 3);
  const int all[] = {inbox.epoll_fd, inbox.wake_fd, inbox.timer_fd};
  for (size_t i = 0; i < COUNT(all); i++) assert_true(fcntl(all[i], F_GETFD) & FD_CLOEXEC);
  for (size_t i = 1; i < COUNT(all); i++) assert_true(fcntl(all[i], F_GETFL) & O_NONBLOCK);
  assert_false(readable());
}

static void opens_without_descriptors(void **state) {
  struct rlimit before, none;
  int os_errno = 0;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(STDERR_FILENO); /* the lowest that is free */
  assert_true(next >= 0);
  close(next);
  /* Room for none, one, two: what was opened is closed again. */
  for (int room = 0; room < 3; room++) {
    none = before;
    none.rlim_cur = (rlim_t)(next + room);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int32_t status = plqt_inbox_open(&inbox, &os_errno);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, PLQ_E_RESOURCE_DESCRIPTORS);
    assert_int_equal(os_errno, EMFILE);
    assert_int_equal(inbox.epoll_fd, -1);
    assert_int_equal(count_known(), 0);
  }
  open_it();
}

static void wakes(void **state) {
  (void)state;
  plqt_inbox_wake(&inbox); /* there is nothing to write to yet; it is not lost */
  open_it();
  assert_true(readable());
  assert_int_equal(drain(), 1);
  open_it();
  assert_false(readable()); /* once */
  assert_false(plqt_inbox_saw(&inbox, (uint64_t)inbox.epoll_fd));
  assert_false(readable());
  plqt_inbox_wake(&inbox);
  plqt_inbox_wake(&inbox);
  assert_true(readable());
  assert_int_equal(drain(), 1);
  assert_false(readable());
}

static void times(void **state) {
  struct epoll_event event;
  (void)state;
  open_it();
  int64_t now = host_now(NULL);
  plqt_inbox_arm(&inbox, PLQT_NEVER);
  assert_false(readable());
  plqt_inbox_arm(&inbox, now + 3600 * 1000 * PLQT_MS);
  assert_false(readable());
  plqt_inbox_arm(&inbox, now + 2 * PLQT_MS);           /* earlier */
  plqt_inbox_arm(&inbox, now + 3600 * 1000 * PLQT_MS); /* later does not count */
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, PLQT_NEVER), 1);
  assert_true(host_now(NULL) >= now + 2 * PLQT_MS);
  assert_int_equal(event.data.u64, inbox.timer_fd);
  plqt_inbox_saw(&inbox, (uint64_t)inbox.timer_fd);
  assert_false(readable());
  plqt_inbox_arm(&inbox, 0); /* long ago, and not "never" as the system's timer has it */
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, PLQT_NEVER), 1);
  plqt_inbox_saw(&inbox, (uint64_t)inbox.timer_fd);
  plqt_inbox_arm(&inbox, -5);
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, PLQT_NEVER), 1);
  plqt_inbox_saw(&inbox, (uint64_t)inbox.timer_fd);
  assert_false(readable());
}

static void waits_as_long_as_it_says(void **state) {
  struct epoll_event event;
  (void)state;
  open_it();
  int64_t now = host_now(NULL);
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, now), 0);
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, 0), 0);
  /* Up to the next ms: never too short. */
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, now + 1), 0);
  assert_true(host_now(NULL) >= now + 1);
  now = host_now(NULL);
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, now + 2 * PLQT_MS - 1000), 0);
  assert_true(host_now(NULL) >= now + 2 * PLQT_MS - 1000);
  plqt_inbox_wake(&inbox);
  assert_int_equal(plqt_inbox_wait(&inbox, &event, 1, now, PLQT_NEVER - 1), 1); /* too far for milliseconds in an int */
  assert_int_equal(event.data.u64, inbox.wake_fd);
}

/* ---- entries ---- */

static void gives_in_order(void **state) {
  plqt_entry entries[3];
  (void)state;
  open_it();
  assert_null(plqt_inbox_take(&inbox));
  for (size_t round = 0; round < 3; round++) {
    for (size_t i = 0; i < COUNT(entries); i++) plqt_inbox_submit(&inbox, &entries[i], 10 * round + i + 1);
    assert_true(readable());
    drain();
    for (size_t i = 0; i < COUNT(entries); i++) {
      assert_ptr_equal(plqt_inbox_take(&inbox), &entries[i]);
      assert_int_equal(entries[i].id, 10 * round + i + 1);
      if (i == 1) plqt_inbox_leave(&inbox, &entries[1]); /* from the middle, then an end, then the rest */
    }
    assert_null(plqt_inbox_take(&inbox));
    plqt_inbox_leave(&inbox, &entries[round % 2 ? 0 : 2]);
    plqt_inbox_leave(&inbox, &entries[round % 2 ? 2 : 0]);
    assert_int_equal(inbox.known_count, 0);
  }
}

static void cancels(void **state) {
  plqt_entry entries[3];
  (void)state;
  open_it();
  for (size_t i = 0; i < COUNT(entries); i++) plqt_inbox_submit(&inbox, &entries[i], i + 1);
  drain();
  plqt_inbox_cancel(&inbox, 77);
  assert_false(readable());
  assert_null(plqt_inbox_take_cancelled(&inbox));
  /* Before it is taken and after; twice is once. */
  plqt_inbox_cancel(&inbox, 2);
  assert_true(readable());
  assert_true(entries[1].cancelled);
  drain();
  plqt_inbox_cancel(&inbox, 2);
  assert_false(readable());
  assert_ptr_equal(plqt_inbox_take(&inbox), &entries[0]);
  plqt_inbox_cancel(&inbox, 1);
  plqt_inbox_cancel(&inbox, 3);
  assert_true(entries[0].cancelled);
  drain();
  plqt_inbox_leave(&inbox, &entries[0]); /* by itself, before anybody saw that it is cancelled */
  assert_ptr_equal(plqt_inbox_take_cancelled(&inbox), &entries[2]);
  assert_ptr_equal(plqt_inbox_take_cancelled(&inbox), &entries[1]);
  assert_null(plqt_inbox_take_cancelled(&inbox));
  plqt_inbox_cancel(&inbox, 1); /* too late */
  assert_false(readable());
  assert_null(plqt_inbox_take_cancelled(&inbox));
  plqt_inbox_leave(&inbox, &entries[1]);
  plqt_inbox_leave(&inbox, &entries[2]);
  /* One that is used again begins anew. */
  plqt_inbox_submit(&inbox, &entries[1], 9);
  assert_false(entries[1].cancelled);
  plqt_inbox_leave(&inbox, &entries[1]);
}

/* One write does for all that was put in before anybody looked, and the next one is a new edge. */
static void signals_once(void **state) {
  plqt_entry entries[2];
  uint64_t written = 0;
  (void)state;
  open_it();
  plqt_inbox_submit(&inbox, &entries[0], 1);
  plqt_inbox_submit(&inbox, &entries[1], 2);
  plqt_inbox_cancel(&inbox, 1);
  plqt_inbox_wake(&inbox);
  assert_int_equal(read(inbox.wake_fd, &written, sizeof written), sizeof written);
  assert_int_equal(written, 1);
  plqt_wake_fd_set(inbox.wake_fd); /* as it was */
  drain();
  assert_false(readable());
  plqt_inbox_cancel(&inbox, 2);
  assert_true(readable());
  plqt_inbox_leave(&inbox, &entries[0]);
  plqt_inbox_leave(&inbox, &entries[1]);
}

enum { CROWD = 10000 };

/* None is far to find, however many there are. */
static void finds_each_of_many(void **state) {
  static plqt_entry crowd[CROWD];
  (void)state;
  open_it();
  for (uint64_t i = 0; i < CROWD; i++) plqt_inbox_submit(&inbox, &crowd[i], 7 + (i << 20 | i));
  assert_true((size_t)1 << inbox.known_bits >= CROWD / 2);
  for (uint64_t i = 0; i < CROWD; i += 2) plqt_inbox_cancel(&inbox, 7 + (i << 20 | i));
  for (int i = 0; i < CROWD; i++) assert_int_equal(crowd[i].cancelled, i % 2 == 0);
  for (int i = CROWD - 2; i >= 0; i -= 2) assert_ptr_equal(plqt_inbox_take_cancelled(&inbox), &crowd[i]);
  assert_null(plqt_inbox_take_cancelled(&inbox));
  for (int i = 0; i < CROWD; i++) {
    assert_ptr_equal(plqt_inbox_take(&inbox), &crowd[i]);
    plqt_inbox_leave(&inbox, &crowd[i]);
  }
  assert_int_equal(inbox.known_count, 0);
}

/* What only cancel has to find: nobody takes it. */
static void knows_without_giving(void **state) {
  plqt_entry entry;
  (void)state;
  open_it();
  plqt_inbox_know(&inbox, &entry, 5);
  assert_null(plqt_inbox_take(&inbox));
  assert_false(readable());
  plqt_inbox_cancel(&inbox, 5);
  assert_ptr_equal(plqt_inbox_take_cancelled(&inbox), &entry);
  plqt_inbox_leave(&inbox, &entry);
  plqt_inbox_cancel(&inbox, 5);
  assert_null(plqt_inbox_take_cancelled(&inbox));
}

static void cancels_before_there_is_anything(void **state) {
  (void)state;
  plqt_inbox_cancel(&inbox, 1);
  assert_int_equal(inbox.wake_fd, -1);
  assert_null(plqt_inbox_take_cancelled(&inbox));
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 1500 };

typedef struct numbered {
  plqt_entry entry; /* first */
  int thread, number;
} numbered;

static numbered all[THREADS][EACH];

static void *submit_all(void *argument) {
  numbered *own = argument;
  for (int i = 0; i < EACH; i++) {
    plqt_inbox_submit(&inbox, &own[i].entry, (uint64_t)own[i].thread * EACH + (uint64_t)i + 1);
    if (i % 7 == 0) plqt_inbox_wake(&inbox);
  }
  return NULL;
}

static void *cancel_some(void *argument) {
  (void)argument;
  for (uint64_t id = 1; id <= THREADS * EACH; id += 3) plqt_inbox_cancel(&inbox, id);
  return NULL;
}

/* One thread takes what four submit and a fifth cancels: all of it, each thread's in its order, and it is woken for it. */
static void many_at_once(void **state) {
  pthread_t threads[THREADS + 1];
  struct epoll_event events[4];
  int next[THREADS] = {0}, taken = 0;
  (void)state;
  open_it();
  for (int i = 0; i < THREADS; i++) {
    for (int j = 0; j < EACH; j++) all[i][j] = (numbered){.thread = i, .number = j};
    assert_int_equal(pthread_create(&threads[i], NULL, submit_all, all[i]), 0);
  }
  assert_int_equal(pthread_create(&threads[THREADS], NULL, cancel_some, NULL), 0);
  while (taken < THREADS * EACH) {
    plqt_entry *entry = plqt_inbox_take(&inbox);
    if (entry == NULL) {
      int count = plqt_inbox_wait(&inbox, events, COUNT(events), 0, PLQT_NEVER);
      for (int i = 0; i < count; i++) plqt_inbox_saw(&inbox, events[i].data.u64);
      continue;
    }
    const numbered *one = (const numbered *)(const void *)entry;
    assert_int_equal(one->number, next[one->thread]++);
    plqt_inbox_leave(&inbox, entry);
    taken++;
  }
  for (int i = 0; i <= THREADS; i++) pthread_join(threads[i], NULL);
  assert_null(plqt_inbox_take(&inbox));
  assert_int_equal(inbox.known_count, 0);
}

static void *open_too(void *argument) {
  _Atomic int *failed = argument;
  int os_errno;
  plqt_inbox_wake(&inbox);
  *failed += plqt_inbox_open(&inbox, &os_errno) != PLQ_OK;
  return NULL;
}

/* Whoever comes first opens it, and no wake-up is lost meanwhile. */
static void opens_from_many(void **state) {
  static _Atomic int failed;
  pthread_t threads[THREADS];
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, open_too, &failed), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
    assert_true(readable());
    assert_int_equal(count_known(), 3);
    assert_int_equal(tear_down(state), 0);
    assert_int_equal(set_up(state), 0);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(opens_once),      CASE(opens_without_descriptors), CASE(wakes),        CASE(times),
      CASE(gives_in_order),  CASE(waits_as_long_as_it_says),  CASE(cancels),      CASE(cancels_before_there_is_anything),
      CASE(signals_once),    CASE(finds_each_of_many),        CASE(many_at_once), CASE(knows_without_giving),
      CASE(opens_from_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
