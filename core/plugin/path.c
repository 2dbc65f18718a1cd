/* SPDX-License-Identifier: MIT */
/* Who could replace a file: its owner, whoever may write it, and whoever may rename it or a folder above it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define UNSAFE                                                                                                                \
  "; somebody else could replace the transport. Give it to root or the current user and take the right to write from others " \
  "(chmod go-w), or set the option transport_path_check to false in code"

static bool is_ours(uid_t owner) { return owner == 0 || owner == geteuid(); }

static const char *folder_trouble(const struct stat *folder, const struct stat *next) {
  if (!is_ours(folder->st_uid)) return "belongs to another user";
  if ((folder->st_mode & (S_IWGRP | S_IWOTH)) == 0) return NULL;
  /* in a sticky folder only the owners can rename: of the entry, and of the folder */
  if ((folder->st_mode & S_ISVTX) != 0 && is_ours(next->st_uid)) return NULL;
  return "can be written by others";
}

static int32_t unsafe(struct plq__loading *loading, const char *what, int len, const char *path, const char *trouble,
                      const struct stat *info) {
  return plq__loading_fail(loading, PLQ_E_TRANSPORT_PATH_UNSAFE, "path", "the %s %.*s %s (owner %lu, mode %04o)" UNSAFE, what,
                           len, path, trouble, (unsigned long)info->st_uid, (unsigned)info->st_mode & 07777u);
}

static int32_t gone(struct plq__loading *loading, const char *path, int number) {
  char buffer[128];
  int32_t status = number == ENOMEM                       ? PLQ_E_MEMORY
                   : number == EMFILE || number == ENFILE ? PLQ_E_RESOURCE_DESCRIPTORS
                                                          : PLQ_E_TRANSPORT_NOT_FOUND;
  return plq__loading_fail(loading, status, "path", "%s cannot be opened: %s", path,
                           plq__errno_text(number, buffer, sizeof buffer));
}

/* Checks every folder above the last part of a real path; the path is changed for a moment only. */
static int32_t check_folders(struct plq__loading *loading, char *path) {
  struct stat folder, next;
  if (lstat("/", &folder) != 0) return gone(loading, "/", errno);
  for (char *begin = path; begin != NULL; folder = next) {
    char *end = strchr(begin + 1, '/');
    if (end != NULL) *end = '\0';
    bool failed = lstat(path, &next) != 0;
    if (end != NULL) *end = '/';
    if (failed) return gone(loading, path, errno);
    const char *trouble = folder_trouble(&folder, &next);
    if (trouble != NULL) return unsafe(loading, "folder", begin == path ? 1 : (int)(begin - path), path, trouble, &folder);
    begin = end;
  }
  return PLQ_OK;
}

static int32_t check_file(struct plq__loading *loading, struct plq__file *file) {
  const struct stat *info = &file->info;
  const char *trouble = !is_ours(info->st_uid)                       ? "belongs to another user"
                        : (info->st_mode & (S_IWGRP | S_IWOTH)) != 0 ? "can be written by others"
                                                                     : NULL;
  if (trouble != NULL) return unsafe(loading, "file", (int)strlen(file->path), file->path, trouble, info);
  return check_folders(loading, file->path);
}

int32_t plq__file_open(struct plq__loading *loading, const char *path, bool check, struct plq__file *out_file) {
  _Static_assert(sizeof out_file->path >= PATH_MAX, "realpath() needs this much");
  out_file->fd = -1;
  if (realpath(path, out_file->path) == NULL) return gone(loading, path, errno);
  /* not blocking, in case somebody put a FIFO there */
  int fd = open(out_file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &out_file->info) != 0) {
    int number = errno;
    if (fd >= 0) close(fd);
    return gone(loading, out_file->path, number);
  }
  out_file->fd = fd;
  int32_t status = PLQ_OK;
  if (!S_ISREG(out_file->info.st_mode))
    status = plq__loading_fail(loading, PLQ_E_TRANSPORT_FORMAT, "file", "%s is not a regular file, so it is no transport",
                               out_file->path);
  else if (check)
    status = check_file(loading, out_file);
  if (status != PLQ_OK) plq__file_close(out_file);
  return status;
}

void plq__file_close(struct plq__file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

int32_t plq__folder_check(struct plq__loading *loading, const char *path, bool check) {
  char real[PATH_MAX];
  struct stat info;
  if (realpath(path, real) == NULL || lstat(real, &info) != 0) return gone(loading, path, errno);
  if (!S_ISDIR(info.st_mode)) return gone(loading, path, ENOTDIR);
  if (!check) return PLQ_OK;
  /* what lies in a sticky folder is checked file by file */
  const char *trouble = folder_trouble(&info, &info);
  if (trouble != NULL) return unsafe(loading, "folder", (int)strlen(real), real, trouble, &info);
  return check_folders(loading, real);
}
