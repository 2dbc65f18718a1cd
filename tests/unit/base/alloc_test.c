/* SPDX-License-Identifier: MIT */
/* The one door to the heap. */
#include "base/alloc.h"

#include <plastiq/version.h>

#include "unit.h"

static int refuse(size_t size) {
  (void)size;
  return 0;
}

static void memory_is_zeroed(void **state) {
  (void)state;
  for (int round = 0; round < 2; round++) {
    unsigned char *block = plq__alloc(300);
    assert_non_null(block);
    for (int i = 0; i < 300; i++) assert_int_equal(block[i], 0);
    memset(block, 0xff, 300);
    plq__free(block);
  }
}

static void nothing_is_a_size(void **state) {
  (void)state;
  void *block = plq__alloc(0);
  assert_non_null(block);
  block = plq__realloc(block, 0);
  assert_non_null(block);
  plq__free(block);
  plq__free(NULL);
  plq__wipe_free(NULL, 10);
  plq__wipe(NULL, 10);
}

static void copies(void **state) {
  (void)state;
  char *copy = plq__copy(S("a\0b"));
  assert_memory_equal(copy, "a\0b", 4);
  plq__free(copy);
  copy = plq__copy(NULL, 0);
  assert_string_equal(copy, "");
  plq__free(copy);
  assert_null(plq__copy("", SIZE_MAX));
}

static void gate(void **state) {
  (void)state;
  void *block = plq__alloc(1);
  plq__alloc_gate = refuse;
  void *none = plq__alloc(1), *more = plq__realloc(block, 2);
  char *copy = plq__copy(S("x"));
  plq__alloc_gate = NULL;
  assert_null(none);
  assert_null(more);
  assert_null(copy);
  plq__free(block); /* as it was */
}

static void wiping(void **state) {
  (void)state;
  char bytes[8] = "secrets";
  plq__wipe(bytes + 1, 3);
  assert_memory_equal(bytes, "s\0\0\0ets", 8);
  plq_memzero(bytes, sizeof bytes);
  assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
  plq_memzero(NULL, 5);
  plq_memzero(bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(memory_is_zeroed), cmocka_unit_test(nothing_is_a_size), cmocka_unit_test(copies),
                                     cmocka_unit_test(gate), cmocka_unit_test(wiping)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
