/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <plastiq/status.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secure.h"
#include "text.h"

static int64_t ns(struct timespec time) {
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct plq__file_mark mark_of(const struct stat *info) {
  return (struct plq__file_mark){.device = (uint64_t)info->st_dev,
                                 .inode = (uint64_t)info->st_ino,
                                 .size = (uint64_t)info->st_size,
                                 .modified_ns = ns(info->st_mtim),
                                 .changed_ns = ns(info->st_ctim)};
}

bool plq__file_look(const char *path, struct plq__file_mark *out_mark) {
  struct stat info;
  bool good = stat(path, &info) == 0 && S_ISREG(info.st_mode);
  *out_mark = good ? mark_of(&info) : (struct plq__file_mark){0};
  return good;
}

bool plq__file_same(const struct plq__file_mark *a, const struct plq__file_mark *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size && a->modified_ns == b->modified_ns &&
         a->changed_ns == b->changed_ns;
}

/* The whole file, into room for one byte more than its size; -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t room) {
  size_t used = 0;
  while (used < room) {
    ssize_t got = read(fd, out + used, room - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    used += (size_t)got;
  }
  return (ssize_t)used;
}

enum outcome { READ, CHANGED, FAILED, NO_MEMORY };

static void say_errno(char *trouble, size_t trouble_room) {
  char text[64];
  snprintf(trouble, trouble_room, "cannot be read: %s", plq__errno_text(errno, text, sizeof text));
}

static enum outcome read_once(const char *path, size_t largest, struct plq__file_text *out, char *trouble, size_t trouble_room) {
  struct stat before, after;
  enum outcome outcome = FAILED;
  ssize_t len = -1;
  char *text = NULL;
  /* O_NONBLOCK: a FIFO would make open() wait for a writer. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &before) != 0) {
    say_errno(trouble, trouble_room);
    goto cleanup;
  }
  if (!S_ISREG(before.st_mode)) {
    snprintf(trouble, trouble_room, "is no regular file");
    goto cleanup;
  }
  if ((uint64_t)before.st_size > largest) {
    snprintf(trouble, trouble_room, "is larger than %zu bytes", largest);
    goto cleanup;
  }
  outcome = NO_MEMORY;
  text = plq__secure_alloc((size_t)before.st_size + 2);
  if (text == NULL) goto cleanup;
  len = read_all(fd, text, (size_t)before.st_size + 1);
  outcome = CHANGED;
  if (len == before.st_size && fstat(fd, &after) == 0) {
    struct plq__file_mark mark = mark_of(&before), then = mark_of(&after);
    if (plq__file_same(&mark, &then)) {
      *out = (struct plq__file_text){text, (size_t)len, mark};
      text = NULL;
      outcome = READ;
    }
  } else if (len < 0) {
    outcome = FAILED;
    say_errno(trouble, trouble_room);
  }

cleanup:
  plq__secure_free(text);
  if (fd >= 0) close(fd);
  return outcome;
}

int32_t plq__file_text_read(const char *path, size_t largest, struct plq__file_text *out, char *trouble, size_t trouble_room) {
  enum { TRIES = 3 };
  enum outcome outcome = CHANGED;
  memset(out, 0, sizeof *out);
  for (int i = 0; i < TRIES && outcome == CHANGED; i++) outcome = read_once(path, largest, out, trouble, trouble_room);
  if (outcome == CHANGED) snprintf(trouble, trouble_room, "is being written; replace it as a whole, by renaming");
  if (outcome == READ) return PLQ_OK;
  return outcome == NO_MEMORY ? PLQ_E_MEMORY : outcome == CHANGED ? PLQ_E_BUSY : PLQ_E_ARGUMENT;
}
