/* SPDX-License-Identifier: MIT */
/* libcurl's own wake-up sockets: found, so that they can be closed on exec and in a forked child. */
#include "plqc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How many bytes wait in (FIONREAD) or behind (TIOCOUTQ) an unnamed Unix stream socket without close-on-exec; -1 if it is none. */
static int waiting(int fd, int direction) {
  struct sockaddr_un peer = {0};
  socklen_t len = sizeof peer;
  int bytes = -1;
  int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || (flags & FD_CLOEXEC)) return -1;
  if (getpeername(fd, (struct sockaddr *)&peer, &len) || peer.sun_family != AF_UNIX || len > sizeof(sa_family_t)) return -1;
  return ioctl(fd, direction, &bytes) ? -1 : bytes;
}

/*
 * One search at a time: two would see each other's sockets. A thread of the parent may have been here when it forked, so the lock
 * carries the process.
 */
static atomic_int searching;

void plqc_search_begin(void) {
  int self = (int)getpid(), owner = 0;
  while (!atomic_compare_exchange_weak(&searching, &owner, self)) {
    if (owner == self) {
      owner = 0;
      sched_yield();
    }
  }
}

void plqc_search_end(void) {
  atomic_store(&searching, 0);
}

/*
 * Up to libcurl 8.11 curl_multi_init makes a socket pair for curl_multi_wakeup without close-on-exec, and tells nobody its
 * numbers. A wake-up shows the pair: one end has a byte to read, the other a byte that its peer has not read, and once libcurl
 * took it, neither.
 */
static bool is_pair(CURLM *multi, int reader, int writer) {
  for (int i = 0; i < 3; i++) {
    if (waiting(reader, FIONREAD) != 1 || waiting(writer, TIOCOUTQ) <= 0) return false;
    curl_multi_poll(multi, NULL, 0, 0, NULL);
    if (waiting(reader, FIONREAD) != 0 || waiting(writer, TIOCOUTQ) != 0) return false;
    curl_multi_wakeup(multi);
  }
  return true;
}

void plqc_find_wakeup_pair(CURLM *multi, int near, int out_pair[2]) {
  int reader = -1, writer = -1;
  int from = near - 32 > STDERR_FILENO ? near - 32 : STDERR_FILENO + 1;
  out_pair[0] = out_pair[1] = -1;
  if (curl_multi_wakeup(multi) != CURLM_OK) return;
  for (int fd = from; fd < near + 32 && (reader < 0 || writer < 0); fd++) {
    if (reader < 0 && waiting(fd, FIONREAD) == 1) {
      reader = fd;
    } else if (writer < 0 && waiting(fd, TIOCOUTQ) > 0) {
      writer = fd;
    }
  }
  if (reader >= 0 && writer >= 0 && is_pair(multi, reader, writer)) {
    out_pair[0] = reader;
    out_pair[1] = writer;
    fcntl(reader, F_SETFD, FD_CLOEXEC);
    fcntl(writer, F_SETFD, FD_CLOEXEC);
  }
  curl_multi_poll(multi, NULL, 0, 0, NULL);
}
