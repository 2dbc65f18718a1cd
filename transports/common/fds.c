/* SPDX-License-Identifier: MIT */
/*
 * A table of the descriptors that an instance has open. A forked child closes what the table says without taking a lock, so the
 * table is made of atomics and its blocks live as long as the instance.
 */
#include "plqt.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void plqt_fds_init(plqt_fds *first) {
  atomic_init(&first->next, NULL);
  for (int i = 0; i < PLQT_FD_BLOCK; i++) atomic_init(&first->slots[i], -1);
}

void plqt_fds_clear(plqt_fds *first) {
  plqt_fds *block = atomic_load(&first->next);
  while (block) {
    plqt_fds *next = atomic_load(&block->next);
    free(block);
    block = next;
  }
}

static uint64_t inode_of(int fd) {
  struct stat info;
  return fstat(fd, &info) ? 0 : (uint64_t)info.st_ino;
}

static bool replace(plqt_fds *block, int from, int to) {
  for (int i = 0; i < PLQT_FD_BLOCK; i++) {
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

bool plqt_fds_add(plqt_fds *first, int fd) {
  plqt_fds *block = first;
  /* A library may close a socket without a word (libcurl does, if it lost a race): the number may still be there. */
  plqt_fds_remove(first, fd);
  while (!replace(block, -1, fd)) {
    plqt_fds *next = atomic_load(&block->next);
    if (!next) {
      plqt_fds *fresh = malloc(sizeof *fresh);
      if (!fresh) return false;
      plqt_fds_init(fresh);
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

void plqt_fds_remove(plqt_fds *first, int fd) {
  for (plqt_fds *block = first; block; block = atomic_load(&block->next)) {
    if (replace(block, fd, -1)) return;
  }
}

/* For the forked child. The inode tells whether a number still means what it meant. */
void plqt_fds_close_all(plqt_fds *first) {
  for (plqt_fds *block = first; block; block = atomic_load(&block->next)) {
    for (int i = 0; i < PLQT_FD_BLOCK; i++) {
      int fd = atomic_exchange(&block->slots[i], -1);
      if (fd >= 0 && inode_of(fd) == block->inodes[i]) close(fd);
    }
  }
}

/* Out of the table first: a child that is forked in between must not close a number that is somebody else's by then. */
int plqt_fds_close(plqt_fds *first, int fd) {
  plqt_fds_remove(first, fd);
  return close(fd);
}

bool plqt_socket_is_open(int fd) {
  struct pollfd end = {.fd = fd, .events = POLLRDHUP};
  return poll(&end, 1, 0) <= 0;
}
