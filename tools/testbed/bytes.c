/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)fputs("test broken: ", stderr);
  (void)vfprintf(stderr, format, args);
  (void)fputc('\n', stderr);
  va_end(args);
  abort();
}

void *test_alloc(size_t size) {
  void *block = calloc(1, size == 0 ? 1 : size);
  if (block == NULL) test_die("no memory");
  return block;
}

void test_bytes_add(test_bytes *bytes, const void *data, size_t len) {
  if (bytes->len + len + 1 > bytes->capacity) {
    bytes->capacity = 2 * (bytes->len + len + 1);
    bytes->data = realloc(bytes->data, bytes->capacity);
    if (bytes->data == NULL) test_die("no memory");
  }
  if (len > 0) memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
  bytes->data[bytes->len] = '\0';
}

void test_bytes_text(test_bytes *bytes, const char *text) {
  test_bytes_add(bytes, text, strlen(text));
}

void test_bytes_format(test_bytes *bytes, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0) test_die("no memory");
  va_end(args);
  test_bytes_text(bytes, text);
  free(text);
}

void test_bytes_drop(test_bytes *bytes, size_t count) {
  memmove(bytes->data, bytes->data + count, bytes->len - count + 1);
  bytes->len -= count;
}

void test_bytes_clear(test_bytes *bytes) {
  free(bytes->data);
  *bytes = (test_bytes){0};
}

void test_folder_new(char *out_path, size_t room) {
  const char *base = getenv("TMPDIR");
  int len = snprintf(out_path, room, "%s/plastiq-test-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
  if (len < 0 || (size_t)len >= room || mkdtemp(out_path) == NULL) test_die("no temporary folder");
}
