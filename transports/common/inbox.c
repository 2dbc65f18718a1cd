/* SPDX-License-Identifier: MIT */
/*
 * What the asynchronous half accepted and has not finished, and the epoll descriptor that it is driven by, which also holds a
 * timer and a wake-up. Nothing of a transport runs inside of submit, cancel and wake: they may come from inside a callback, and
 * from any thread.
 */
#include <errno.h>
#include <stdlib.h>
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
  inbox->known = inbox->buckets;
  inbox->known_bits = 6; /* PLQT_BUCKETS */
  pthread_mutex_init(&inbox->lock, NULL);
}

/* Edges, so that neither has to be read empty: an event that was taken is gone, and the next write or expiry is a new one. */
static bool watch(const plqt_inbox *inbox, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)fd};
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
  if (atomic_load_explicit(&inbox->open, memory_order_acquire)) return PLQ_OK;
  pthread_mutex_lock(&inbox->lock);
  if (!atomic_load(&inbox->open) && !make(inbox)) {
    *out_errno = errno;
    status = plqt_status_of_lack(errno);
    close_fds(inbox);
  } else {
    atomic_store(&inbox->open, true);
  }
  pthread_mutex_unlock(&inbox->lock);
  if (!status && atomic_exchange(&inbox->wake_pending, false)) plqt_inbox_signal(inbox);
  return status;
}

void plqt_inbox_free(plqt_inbox *inbox) {
  close_fds(inbox);
  if (inbox->known != inbox->buckets) free(inbox->known);
  pthread_mutex_destroy(&inbox->lock);
}

/* ---- who is known ---- */

static plqt_entry **bucket_of(const plqt_inbox *inbox, uint64_t id) {
  return &inbox->known[id * UINT64_C(0x9E3779B97F4A7C15) >> (64 - inbox->known_bits)];
}

/* Twice as many buckets. Without memory the chains grow longer, and that is all. */
static void grow(plqt_inbox *inbox) {
  plqt_entry **old = inbox->known;
  size_t count = (size_t)1 << inbox->known_bits;
  plqt_entry **more = calloc(2 * count, sizeof *more);
  if (!more) return;
  inbox->known = more;
  inbox->known_bits++;
  for (size_t i = 0; i < count; i++) {
    for (plqt_entry *entry = old[i], *next; entry; entry = next) {
      plqt_entry **bucket = bucket_of(inbox, entry->id);
      next = entry->known_next;
      entry->known_next = *bucket;
      *bucket = entry;
    }
  }
  if (old != inbox->buckets) free(old);
}

/* Under the lock. */
static void know(plqt_inbox *inbox, plqt_entry *entry, uint64_t id) {
  if (inbox->known_count++ >> inbox->known_bits) grow(inbox);
  plqt_entry **bucket = bucket_of(inbox, id);
  entry->id = id;
  entry->known_next = *bucket;
  *bucket = entry;
}

static void unlist(plqt_inbox *inbox, plqt_entry *entry) {
  if (entry->cancelled_previous) entry->cancelled_previous->cancelled_next = entry->cancelled_next;
  if (entry->cancelled_next) entry->cancelled_next->cancelled_previous = entry->cancelled_previous;
  if (inbox->cancelled == entry) inbox->cancelled = entry->cancelled_next;
  entry->listed = false;
  atomic_fetch_sub(&inbox->cancelled_count, 1);
}

static void list(plqt_inbox *inbox, plqt_entry *entry) {
  entry->cancelled_previous = NULL;
  entry->cancelled_next = inbox->cancelled;
  if (entry->cancelled_next) entry->cancelled_next->cancelled_previous = entry;
  inbox->cancelled = entry;
  entry->listed = true;
  atomic_fetch_add(&inbox->cancelled_count, 1);
}

/* ---- entries ---- */

void plqt_inbox_submit(plqt_inbox *inbox, plqt_entry *entry, uint64_t id) {
  atomic_store(&entry->cancelled, false);
  entry->listed = false;
  pthread_mutex_lock(&inbox->lock);
  know(inbox, entry, id);
  entry->next = NULL;
  if (inbox->last) {
    inbox->last->next = entry;
  } else {
    inbox->first = entry;
  }
  inbox->last = entry;
  atomic_fetch_add(&inbox->submitted_count, 1);
  pthread_mutex_unlock(&inbox->lock);
  plqt_inbox_signal(inbox);
}

void plqt_inbox_know(plqt_inbox *inbox, plqt_entry *entry, uint64_t id) {
  atomic_store_explicit(&entry->cancelled, false, memory_order_relaxed);
  entry->listed = false;
  pthread_mutex_lock(&inbox->lock);
  know(inbox, entry, id);
  pthread_mutex_unlock(&inbox->lock);
}

plqt_entry *plqt_inbox_take(plqt_inbox *inbox) {
  if (atomic_load(&inbox->submitted_count) == 0) return NULL;
  pthread_mutex_lock(&inbox->lock);
  plqt_entry *entry = inbox->first;
  if (entry) {
    inbox->first = entry->next;
    atomic_fetch_sub(&inbox->submitted_count, 1);
  }
  if (!inbox->first) inbox->last = NULL;
  pthread_mutex_unlock(&inbox->lock);
  return entry;
}

plqt_entry *plqt_inbox_take_cancelled(plqt_inbox *inbox) {
  if (atomic_load(&inbox->cancelled_count) == 0) return NULL;
  pthread_mutex_lock(&inbox->lock);
  plqt_entry *entry = inbox->cancelled;
  if (entry) unlist(inbox, entry);
  pthread_mutex_unlock(&inbox->lock);
  return entry;
}

void plqt_inbox_leave(plqt_inbox *inbox, plqt_entry *entry) {
  pthread_mutex_lock(&inbox->lock);
  plqt_entry **at = bucket_of(inbox, entry->id);
  while (*at != entry) at = &(*at)->known_next;
  *at = entry->known_next;
  inbox->known_count--;
  if (entry->listed) unlist(inbox, entry);
  pthread_mutex_unlock(&inbox->lock);
}

void plqt_inbox_cancel(plqt_inbox *inbox, uint64_t id) {
  pthread_mutex_lock(&inbox->lock);
  plqt_entry *entry = *bucket_of(inbox, id);
  while (entry && entry->id != id) entry = entry->known_next;
  bool found = entry && !atomic_exchange(&entry->cancelled, true);
  if (found) list(inbox, entry);
  pthread_mutex_unlock(&inbox->lock);
  if (found) plqt_inbox_signal(inbox);
}

/* ---- waiting ---- */

/*
 * Whoever puts something in does that first and looks at the flag then; whoever was told by an event takes the flag away first
 * and looks at what there is then. So one that finds the flag set may leave: it will be seen.
 */
void plqt_inbox_signal(plqt_inbox *inbox) {
  if (!atomic_exchange(&inbox->signalled, true)) plqt_wake_fd_set(inbox->wake_fd);
}

void plqt_inbox_wake(plqt_inbox *inbox) {
  if (atomic_load(&inbox->open)) {
    plqt_inbox_signal(inbox);
    return;
  }
  atomic_store(&inbox->wake_pending, true);
  /* It may have been opened in between. */
  if (atomic_load(&inbox->open) && atomic_exchange(&inbox->wake_pending, false)) plqt_inbox_signal(inbox);
}

bool plqt_inbox_saw(plqt_inbox *inbox, uint64_t data) {
  if (data == (uint64_t)inbox->wake_fd) {
    atomic_exchange(&inbox->signalled, false);
  } else if (data == (uint64_t)inbox->timer_fd) {
    inbox->armed_at = PLQT_NEVER;
  } else {
    return false;
  }
  return true;
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
  int count = epoll_wait(inbox->epoll_fd, events, max, wait_ms(now, until));
  return count < 0 && errno == EINTR ? 0 : count;
}
