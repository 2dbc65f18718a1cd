/* SPDX-License-Identifier: MIT */
/* What unit tests share: cmocka's includes in the order it needs, and short ways to write tables. */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
/* A literal as pointer and length: NULs inside count. */
#define S(literal) (literal), sizeof(literal) - 1
#define T(literal) ((struct plq__text)R(literal))
/* The same as an initializer, for static tables. */
#define R(literal) {(literal), sizeof(literal) - 1}

/* A copy of exactly the text's bytes on the heap, so that a sanitizer sees a read past its end. To be freed by free(). */
static inline struct plq__text exact(struct plq__text text) {
  char *copy = malloc(text.len > 0 ? text.len : 1);
  assert_non_null(copy);
  if (text.len > 0) memcpy(copy, text.at, text.len);
  return (struct plq__text){copy, text.len};
}

/* Says which row of a table failed; the loop goes on, and expect_rows_end() fails the test. */
static int rows_failed;
#define EXPECT_ROW(condition, row_text)                                              \
  do {                                                                               \
    if (!(condition)) {                                                              \
      print_error("%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, (row_text));    \
      rows_failed++;                                                                 \
    }                                                                                \
  } while (0)
static inline void expect_rows_end(void) {
  int failed = rows_failed;
  rows_failed = 0;
  assert_int_equal(failed, 0);
}

/* Makes an empty folder where the system wants them (TMPDIR, else /tmp), for its maker to remove. */
static inline void temporary_folder(char *out_path, size_t room) {
  const char *base = getenv("TMPDIR");
  int len = snprintf(out_path, room, "%s/plastiq-unit-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
  assert_true(len > 0 && (size_t)len < room);
  assert_non_null(mkdtemp(out_path));
}

/* For cmocka: unsets every variable that the library might read, of the caller's environment or of another test. */
static inline int forget_variables(void **state) {
  extern char **environ;
  (void)state;
  for (char **at = environ; *at != NULL;) {
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
    bool ours = strncmp(name, "PLASTIQ_", 8) == 0;
    if (ours) unsetenv(name);
    at = ours ? environ : at + 1;
  }
  return 0;
}

#endif
