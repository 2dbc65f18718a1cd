/* SPDX-License-Identifier: MIT */
/* What the tests of core/plugin share. */
#ifndef PLQ_TEST_PLUGIN_SUPPORT_H
#define PLQ_TEST_PLUGIN_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <plastiq/error.h>
#include <plastiq/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "plugin/internal.h"
#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* ---- options ---- */

static inline void put(plq_options *options, const char *key, const char *value) {
  plq_error *error = NULL;
  int32_t status = plq__options_put(options, plq__text_in(key, PLQ_NUL), plq__text_in(value, PLQ_NUL), PLQ_SOURCE_CODE, &error);
  if (status != PLQ_OK) print_error("%s: %s\n", key, plq_error_message(error, NULL));
  assert_int_equal(status, PLQ_OK);
}

static inline plq_options *new_options(void) {
  plq_options *options = plq__options_new(0);
  assert_non_null(options);
  return options;
}

/* ---- errors ---- */

static inline void assert_says(plq_error *error, const char *part) {
  const char *message = plq_error_message(error, NULL), *wanted = part != NULL ? part : "";
  if (wanted[0] != '\0' && strstr(message, wanted) == NULL) fail_msg("\"%s\" does not say \"%s\"", message, wanted);
}

/* Checks status and a part of the message, and frees the error. */
static inline void assert_error(plq_error *error, int32_t got, int32_t status, const char *part) {
  if (got != status)
    fail_msg("%s instead of %s: %s", plq_status_name(got), plq_status_name(status), plq_error_message(error, NULL));
  if (status == PLQ_OK) {
    assert_null(error);
    return;
  }
  assert_non_null(error);
  assert_int_equal(plq_error_status(error), status);
  assert_says(error, part);
  plq_error_free(error);
}

static inline bool log_has(plq_error *error, const char *stage, const char *part) {
  for (uint32_t i = 0; i < plq_error_load_count(error); i++) {
    if (strcmp(plq_error_load_text(error, i, PLQ_LOAD_STAGE, NULL), stage) != 0) continue;
    if (strstr(plq_error_load_text(error, i, PLQ_LOAD_REASON, NULL), part) != NULL) return true;
  }
  return false;
}

/* ---- folders ---- */

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

static inline void remove_folder(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

enum { FOLDER_ROOM = 400, FILE_ROOM = 512 };

static inline void new_folder(char path[FOLDER_ROOM]) { temporary_folder(path, FOLDER_ROOM); }

static inline char *join(char *out, size_t room, const char *folder, const char *name) {
  int len = snprintf(out, room, "%s/%s", folder, name);
  assert_true(len > 0 && (size_t)len < room);
  return out;
}

static inline void write_file(const char *path, const void *data, size_t len, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, data, len), len);
  assert_int_equal(fchmod(fd, mode), 0);
  close(fd);
}

/* A file's content; to be freed with free(). */
static inline char *read_file(const char *path, size_t *out_len) {
  FILE *file = fopen(path, "rbe");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *out_len = (size_t)ftell(file);
  rewind(file);
  char *data = malloc(*out_len + 1);
  assert_int_equal(fread(data, 1, *out_len, file), *out_len);
  fclose(file);
  return data;
}

/* The path of a plugin of this folder's zoo. */
static inline char *plugin_path(char *out, size_t room, const char *name) {
  snprintf(out, room, TEST_PLUGINS "/" PLQ__FILE_PREFIX "%s" PLQ__FILE_SUFFIX, name);
  return out;
}

/* ---- allocations that fail ---- */

/* How many succeed before one fails; negative: all do. */
static int torture_left = -1;

static inline int torture_gate(size_t size) {
  (void)size;
  return torture_left-- != 0;
}

#endif
