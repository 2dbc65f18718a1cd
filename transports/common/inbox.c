/* SPDX-License-Identifier: MIT */
/*
 * What the asynchronous half accepted and has not finished, and the epoll descriptor that it is driven by, which also holds a
 * timer and a wake-up. Nothing of a transport runs inside of submit, cancel and wake: they may come from inside a callback, and
 * from any thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "plqt.h"

int plqt_wake_fd_new(plqt_fds *fds) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd >= 0) plqt_fds_add(fds, fd);
  return fd;
}

void plqt_wake_fd_set(int fd) {
  uint64_t one = 1;
  ssize_t written = write(fd, &one, sizeof one);
  (void)written;
}

void plqt_wake_fd_clear(int fd) {
  uint64_t count;
  ssize_t got = read(fd, &count, sizeof count);
  (void)got;
}

/* ---- life ---- */

void plqt_inbox_init(plqt_inbox *inbox, plqt_fds *fds) {
  memset(inbox, 0, sizeof *inbox);
  inbox->fds = fds;
  inbox->epoll_fd = inbox->wake_fd = inbox->timer_fd = -1;
  inbox->armed_at = PLQT_NEVER;
  pthread_mutex_init(&inbox->lock, NULL);
}

static bool watch(const plqt_inbox *inbox, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)fd};
  return epoll_ctl(inbox->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool keep(plqt_inbox *inbox, int fd, int *out) {
  *out = fd;
  if (fd >= 0) plqt_fds_add(inbox->fds, fd);
  return fd >= 0;
}

static bool make(plqt_inbox *inbox) {
  return (inbox->wake_fd = plqt_wake_fd_new(inbox->fds)) >= 0 && keep(inbox, epoll_create1(EPOLL_CLOEXEC), &inbox->epoll_fd) &&
         keep(inbox, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), &inbox->timer_fd) &&
         watch(inbox, inbox->wake_fd) && watch(inbox, inbox->timer_fd);
}

static void close_fds(plqt_inbox *inbox) {
  int *const fds[] = {&inbox->epoll_fd, &inbox->timer_fd, &inbox->wake_fd};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
    if (*fds[i] >= 0) plqt_fds_close(inbox->fds, *fds[i]);
    *fds[i] = -1;
  }
}

int32_t plqt_inbox_open(plqt_inbox *inbox, int *out_errno) {
  int32_t status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&inbox->lock);
  if (!inbox->ready && !make(inbox)) {
    *out_errno = errno;
    status = plqt_status_of_lack(errno);
    close_fds(inbox);
  } else {
    inbox->ready = true;
    atomic_store(&inbox->open, true);
  }
  pthread_mutex_unlock(&inbox->lock);
  if (!status && atomic_load(&inbox->wake_pending)) plqt_wake_fd_set(inbox->wake_fd);
  return status;
}

void plqt_inbox_free(plqt_inbox *inbox) {
  close_fds(inbox);
  pthread_mutex_destroy(&inbox->lock);
}

/* ---- entries ---- */

void plqt_inbox_submit(plqt_inbox *inbox, plqt_entry *entry, uint64_t id) {
  atomic_store(&entry->cancelled, false);
  pthread_mutex_lock(&inbox->lock);
  entry->id = id;
  entry->next = entry->known_previous = NULL;
  if (inbox->last) {
    inbox->last->next = entry;
  } else {
    inbox->first = entry;
  }
  inbox->last = entry;
  entry->known_next = inbox->known;
  if (entry->known_next) entry->known_next->known_previous = entry;
  inbox->known = entry;
  pthread_mutex_unlock(&inbox->lock);
  plqt_wake_fd_set(inbox->wake_fd);
}

plqt_entry *plqt_inbox_take(plqt_inbox *inbox) {
  pthread_mutex_lock(&inbox->lock);
  plqt_entry *entry = inbox->first;
  if (entry) inbox->first = entry->next;
  if (!inbox->first) inbox->last = NULL;
  pthread_mutex_unlock(&inbox->lock);
  return entry;
}

void plqt_inbox_leave(plqt_inbox *inbox, plqt_entry *entry) {
  pthread_mutex_lock(&inbox->lock);
  if (entry->known_previous) entry->known_previous->known_next = entry->known_next;
  if (entry->known_next) entry->known_next->known_previous = entry->known_previous;
  if (inbox->known == entry) inbox->known = entry->known_next;
  pthread_mutex_unlock(&inbox->lock);
}

void plqt_inbox_cancel(plqt_inbox *inbox, uint64_t id) {
  pthread_mutex_lock(&inbox->lock);
  plqt_entry *entry = inbox->known;
  while (entry && entry->id != id) entry = entry->known_next;
  if (entry) {
    atomic_store(&entry->cancelled, true);
    atomic_store(&inbox->cancel_pending, true);
    plqt_wake_fd_set(inbox->wake_fd);
  }
  pthread_mutex_unlock(&inbox->lock);
}

/* ---- waiting ---- */

void plqt_inbox_wake(plqt_inbox *inbox) {
  atomic_store(&inbox->wake_pending, true);
  if (atomic_load(&inbox->open)) plqt_wake_fd_set(inbox->wake_fd);
}

void plqt_inbox_drain(plqt_inbox *inbox, int fd) {
  plqt_wake_fd_clear(fd);
  if (fd == inbox->timer_fd) inbox->armed_at = PLQT_NEVER;
}

void plqt_inbox_arm(plqt_inbox *inbox, int64_t at) {
  struct itimerspec spec = {0};
  if (at >= inbox->armed_at) return;
  inbox->armed_at = at;
  if (at <= 0) at = 1;
  spec.it_value.tv_sec = at / 1000000000;
  spec.it_value.tv_nsec = at % 1000000000;
  timerfd_settime(inbox->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static int wait_ms(int64_t now, int64_t until) {
  if (until <= now) return 0;
  if (until == PLQT_NEVER || (until - now) / PLQT_MS >= INT32_MAX - 1) return -1;
  return (int)((until - now + PLQT_MS - 1) / PLQT_MS);
}

int plqt_inbox_wait(plqt_inbox *inbox, struct epoll_event *events, int max, int64_t now, int64_t until) {
  return epoll_wait(inbox->epoll_fd, events, max, wait_ms(now, until));
}
