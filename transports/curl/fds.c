/* SPDX-License-Identifier: MIT */
/*
 * A table of the descriptors that an instance has open. A forked child closes what the table says without taking a lock, so the
 * table is made of atomics and its blocks live as long as the instance.
 */
#include "plqc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void plqc_fds_init(plqc_fd_block *first) {
  atomic_init(&first->next, NULL);
  for (int i = 0; i < PLQC_FD_BLOCK; i++) atomic_init(&first->slots[i], -1);
}

void plqc_fds_clear(plqc_fd_block *first) {
  plqc_fd_block *block = atomic_load(&first->next);
  while (block) {
    plqc_fd_block *next = atomic_load(&block->next);
    free(block);
    block = next;
  }
}

static uint64_t inode_of(int fd) {
  struct stat info;
  return fstat(fd, &info) ? 0 : (uint64_t)info.st_ino;
}

static bool replace(plqc_fd_block *block, int from, int to) {
  for (int i = 0; i < PLQC_FD_BLOCK; i++) {
    int expected = from;
    if (!atomic_compare_exchange_strong(&block->slots[i], &expected, to == -1 ? -1 : -2)) continue;
    if (to != -1) {
      block->inodes[i] = inode_of(to);
      atomic_store(&block->slots[i], to);
    }
    return true;
  }
  return false;
}

bool plqc_fds_add(plqc_fd_block *first, int fd) {
  plqc_fd_block *block = first;
  plqc_fds_remove(first, fd); /* libcurl closes sockets that lost a race without a word: the number may still be there */
  while (!replace(block, -1, fd)) {
    plqc_fd_block *next = atomic_load(&block->next);
    if (!next) {
      plqc_fd_block *fresh = malloc(sizeof *fresh);
      if (!fresh) return false;
      plqc_fds_init(fresh);
      if (atomic_compare_exchange_strong(&block->next, &next, fresh)) {
        next = fresh;
      } else {
        free(fresh);
      }
    }
    block = next;
  }
  return true;
}

void plqc_fds_remove(plqc_fd_block *first, int fd) {
  for (plqc_fd_block *block = first; block; block = atomic_load(&block->next)) {
    if (replace(block, fd, -1)) return;
  }
}

/* For the forked child. The inode tells whether a number still means what it meant. */
void plqc_fds_close_all(plqc_fd_block *first) {
  for (plqc_fd_block *block = first; block; block = atomic_load(&block->next)) {
    for (int i = 0; i < PLQC_FD_BLOCK; i++) {
      int fd = atomic_exchange(&block->slots[i], -1);
      if (fd >= 0 && inode_of(fd) == block->inodes[i]) close(fd);
    }
  }
}

/* Out of the table first: a child that is forked in between must not close a number that is somebody else's by then. */
int plqc_fds_close(plqc_fd_block *first, int fd) {
  plqc_fds_remove(first, fd);
  return close(fd);
}

/* How many bytes wait in (SIOCINQ) or behind (SIOCOUTQ) an unnamed Unix stream socket that lacks close-on-exec; -1 if it is none.
 */
static int waiting(int fd, unsigned long direction) {
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
    if (waiting(reader, SIOCINQ) != 1 || waiting(writer, SIOCOUTQ) <= 0) return false;
    curl_multi_poll(multi, NULL, 0, 0, NULL);
    if (waiting(reader, SIOCINQ) != 0 || waiting(writer, SIOCOUTQ) != 0) return false;
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
    if (reader < 0 && waiting(fd, SIOCINQ) == 1) {
      reader = fd;
    } else if (writer < 0 && waiting(fd, SIOCOUTQ) > 0) {
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
