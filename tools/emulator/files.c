/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES (1 << 20)

char *file_read(const char *path, size_t *out_len) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  char *text = fd < 0 ? NULL : calloc(1, MAX_BYTES + 1);
  size_t len = 0;
  ssize_t got = -1;
  while (text != NULL && len < MAX_BYTES && ((got = read(fd, text + len, MAX_BYTES - len)) > 0 || (got < 0 && errno == EINTR))) {
    if (got > 0) len += (size_t)got;
  }
  int code = got > 0 ? EFBIG : errno;
  if (fd >= 0) close(fd);
  if (text != NULL && got != 0) {
    file_free(text);
    text = NULL;
  }
  errno = code;
  if (out_len != NULL) *out_len = len;
  return text;
}

void file_free(char *text) {
  if (text != NULL) explicit_bzero(text, strlen(text));
  free(text);
}

bool file_write_all(int fd, const char *text, size_t len) {
  while (len > 0) {
    ssize_t wrote = write(fd, text, len);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text += wrote;
    len -= (size_t)wrote;
  }
  return true;
}

bool file_write(const char *path, const char *text, size_t len, mode_t mode) {
  char *temporary = NULL;
  if (asprintf(&temporary, "%s.XXXXXX", path) < 0) return false;
  int fd = mkostemp(temporary, O_CLOEXEC);
  bool good = fd >= 0 && fchmod(fd, mode) == 0 && file_write_all(fd, text, len);
  if (fd >= 0 && close(fd) != 0) good = false;
  good = good && rename(temporary, path) == 0;
  int code = errno;
  if (!good && fd >= 0) unlink(temporary);
  free(temporary);
  errno = code;
  return good;
}

char *file_path(const char *folder, const char *name) {
  char *path = NULL;
  return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}
