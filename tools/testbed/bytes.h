/* SPDX-License-Identifier: MIT */
/* Growing bytes for tests. Running out of memory ends the test program: nobody tests the tests for it. */
#ifndef TEST_BYTES_H
#define TEST_BYTES_H

#include <stddef.h>

typedef struct test_bytes {
  char *data; /* NUL-terminated; NULL while empty */
  size_t len;
  size_t capacity;
} test_bytes;

void test_bytes_add(test_bytes *bytes, const void *data, size_t len);
void test_bytes_text(test_bytes *bytes, const char *text);
void test_bytes_format(test_bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes bytes off the front. */
void test_bytes_drop(test_bytes *bytes, size_t count);
void test_bytes_clear(test_bytes *bytes);

/* Makes an empty folder where the system wants them (TMPDIR, else /tmp), for its maker to remove. */
void test_folder_new(char *out_path, size_t room);
/* Memory or the end of the program. */
void *test_alloc(size_t size);
/* Says what is wrong with the test itself, and ends the program. */
_Noreturn void test_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
