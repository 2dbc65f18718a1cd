/* SPDX-License-Identifier: MIT */
/* A growing run of bytes: its cap, its failures, and that secrets leave no copy behind. */
#include "base/buffer.h"

#include "base/alloc.h"
#include "unit.h"

static void grows(void **state) {
  (void)state;
  for (int secret = 0; secret < 2; secret++) {
    struct plq__buffer buffer;
    plq__buffer_init(&buffer, 100000, secret);
    for (int i = 0; i < 20000; i++) assert_true(plq__buffer_add(&buffer, "abcde", 5));
    assert_int_equal(buffer.len, 100000);
    assert_int_equal(strlen(buffer.at), 100000);
    for (size_t i = 0; i < buffer.len; i++) assert_int_equal(buffer.at[i], "abcde"[i % 5]);
    plq__buffer_clear(&buffer);
    assert_null(buffer.at);
    assert_int_equal(buffer.cap, 100000);
    assert_true(buffer.secret == secret);
  }
}

static void cap_holds(void **state) {
  (void)state;
  struct plq__buffer buffer;
  plq__buffer_init(&buffer, 3, false);
  assert_true(plq__buffer_add(&buffer, "abc", 3));
  assert_true(plq__buffer_add(&buffer, "", 0));
  assert_false(plq__buffer_add(&buffer, "d", 1));
  assert_true(buffer.failed);
  assert_string_equal(buffer.at, "abc");
  plq__buffer_clear(&buffer);
  assert_true(plq__buffer_add_text(&buffer, "xy"));
  assert_string_equal(buffer.at, "xy");
  assert_false(plq__buffer_add(&buffer, "zz", SIZE_MAX));
  assert_false(plq__buffer_add(&buffer, "z", 1)); /* once failed, it stays so */
  assert_string_equal(buffer.at, "xy");
  plq__buffer_clear(&buffer);
  assert_true(plq__buffer_add(&buffer, "a", 1));
  plq__buffer_clear(&buffer);
  plq__buffer_clear(&buffer);
}

static void empty_cap(void **state) {
  (void)state;
  struct plq__buffer buffer;
  plq__buffer_init(&buffer, 0, false);
  assert_true(plq__buffer_add(&buffer, NULL, 0));
  assert_false(plq__buffer_add(&buffer, "a", 1));
  plq__buffer_clear(&buffer);
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

static void no_memory(void **state) {
  (void)state;
  for (int secret = 0; secret < 2; secret++) {
    struct plq__buffer buffer;
    char block[500] = {0};
    plq__buffer_init(&buffer, 10000, secret);
    assert_true(plq__buffer_add(&buffer, "abc", 3));
    plq__alloc_gate = grant;
    grants = 0;
    bool added = plq__buffer_add(&buffer, block, sizeof block);
    plq__alloc_gate = NULL;
    assert_false(added);
    assert_true(buffer.failed);
    assert_string_equal(buffer.at, "abc");
    plq__buffer_clear(&buffer);
  }
}

static void formatted(void **state) {
  (void)state;
  struct plq__buffer buffer;
  plq__buffer_init(&buffer, 300, false);
  assert_true(plq__buffer_addf(&buffer, "%s %d", "a", 7));
  assert_true(plq__buffer_addf(&buffer, "%*s", 290, ""));
  assert_int_equal(buffer.len, 293);
  assert_false(plq__buffer_addf(&buffer, "%s", "12345678"));
  assert_int_equal(buffer.len, 293);
  plq__buffer_clear(&buffer);
}

static void json(void **state) {
  (void)state;
  static const struct {
    struct plq__text in;
    const char *want;
  } rows[] = {
      {R(""), "\"\""},
      {R("a/b"), "\"a/b\""},
      {R("\"\\"), "\"\\\"\\\\\""},
      {R("\n\t\x01\x1f"), "\"\\u000a\\u0009\\u0001\\u001f\""},
      {R("a\0b"), "\"a\\u0000b\""},
      {R("\x7f"), "\"\x7f\""},
      {R("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\""},
      {R("a\xff" "b"), "\"a\xef\xbf\xbd" "b\""},
      {R("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
      {R("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct plq__text text = exact(rows[i].in);
    struct plq__buffer buffer;
    plq__buffer_init(&buffer, 1000, false);
    EXPECT_ROW(plq__buffer_add_json(&buffer, text.at, text.len) && strcmp(buffer.at, rows[i].want) == 0, rows[i].want);
    plq__buffer_clear(&buffer);
    free((char *)text.at);
  }
  expect_rows_end();
}

static void reserve_keeps_place(void **state) {
  (void)state;
  struct plq__buffer buffer;
  plq__buffer_init(&buffer, 5000, true);
  assert_true(plq__buffer_reserve(&buffer, 4000));
  const char *at = buffer.at;
  for (int i = 0; i < 4000; i++) assert_true(plq__buffer_add(&buffer, "x", 1));
  assert_ptr_equal(buffer.at, at);
  assert_false(plq__buffer_reserve(&buffer, 1001));
  plq__buffer_clear(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(grows),     cmocka_unit_test(cap_holds), cmocka_unit_test(empty_cap),
                                     cmocka_unit_test(no_memory), cmocka_unit_test(formatted), cmocka_unit_test(json),
                                     cmocka_unit_test(reserve_keeps_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
