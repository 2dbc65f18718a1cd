/* SPDX-License-Identifier: MIT */
/* Checks of text: every predicate with what it takes, what it does not, and the edges in between. */
#include "base/text.h"

#include <locale.h>

#include "unit.h"

typedef bool predicate(struct plq__text text);

struct text_case {
  predicate *check;
  const char *name;
  struct plq__text text;
  bool want;
};

#define YES(check, literal) {plq__is_##check, #check " " literal, R(literal), true}
#define NO(check, literal) {plq__is_##check, #check " " literal, R(literal), false}

static const struct text_case cases[] = {
    /* Unicode 15, table 3-7 */
    YES(utf8, ""), YES(utf8, "a"), YES(utf8, "\xc2\x80"), YES(utf8, "\xdf\xbf"), YES(utf8, "\xe0\xa0\x80"), YES(utf8, "\xed\x9f\xbf"),
    YES(utf8, "\xee\x80\x80"), YES(utf8, "\xf0\x90\x80\x80"), YES(utf8, "\xf4\x8f\xbf\xbf"), YES(utf8, "a\0b"), YES(utf8, "z\xc3\xa4z"),
    NO(utf8, "\x80"), NO(utf8, "\xc0\x80"), NO(utf8, "\xc1\xbf"), NO(utf8, "\xc2"), NO(utf8, "\xc2" "a"), NO(utf8, "\xe0\x9f\xbf"),
    NO(utf8, "\xed\xa0\x80"), NO(utf8, "\xe2\x82"), NO(utf8, "\xf0\x8f\xbf\xbf"), NO(utf8, "\xf4\x90\x80\x80"), NO(utf8, "\xf5\x80\x80\x80"),
    NO(utf8, "\xff"), NO(utf8, "\xfe"), NO(utf8, "\xf0\x9f\x98"), NO(utf8, "ok\xe2\x28\xa1"),

    YES(uuid, "0a1b2c3d-4e5f-6789-abcd-ef0123456789"), YES(uuid, "0A1B2C3D-4E5F-6789-ABCD-EF0123456789"),
    YES(uuid, "00000000-0000-0000-0000-000000000000"),
    NO(uuid, ""), NO(uuid, "0a1b2c3d-4e5f-6789-abcd-ef012345678"), NO(uuid, "0a1b2c3d-4e5f-6789-abcd-ef01234567890"),
    NO(uuid, "0a1b2c3d04e5f-6789-abcd-ef0123456789"), NO(uuid, "0a1b2c3g-4e5f-6789-abcd-ef0123456789"),
    NO(uuid, "{a1b2c3d-4e5f-6789-abcd-ef012345678}"), NO(uuid, "0a1b2c3d-4e5f-6789-abcd-ef012345678\0"),
    NO(uuid, " a1b2c3d-4e5f-6789-abcd-ef0123456789"), NO(uuid, "0a1b2c3d4e5f6789abcdef0123456789----"),

    YES(uuid4, "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"), YES(uuid4, "0a1b2c3d-4e5f-4789-Bbcd-ef0123456789"),
    NO(uuid4, "0a1b2c3d-4e5f-1789-8bcd-ef0123456789"), NO(uuid4, "0a1b2c3d-4e5f-7789-8bcd-ef0123456789"),
    NO(uuid4, "0a1b2c3d-4e5f-4789-7bcd-ef0123456789"), NO(uuid4, "0a1b2c3d-4e5f-4789-cbcd-ef0123456789"), NO(uuid4, ""),

    YES(token, "X-A"), YES(token, "!#$%&'*+-.^_`|~09azAZ"),
    NO(token, ""), NO(token, "a b"), NO(token, "a:"), NO(token, "a\0"), NO(token, "\x7f"), NO(token, "\xc3\xa4"), NO(token, "(a)"),
    NO(token, "a/b"), NO(token, "a\"b"), NO(token, "a\r"), NO(token, "[x]"), NO(token, "{x}"), NO(token, "a,b"), NO(token, "a=b"),

    YES(field_value, ""), YES(field_value, "a\tb c"), YES(field_value, "\xc3\xa4"), YES(field_value, "\xff"),
    NO(field_value, "a\r\nb"), NO(field_value, "\n"), NO(field_value, "\r"), NO(field_value, "a\0b"), NO(field_value, "\x1f"),
    NO(field_value, "\x7f"), NO(field_value, "\x0b"), NO(field_value, "\x1b[0m"),

    YES(bearer, "a"), YES(bearer, "abcXYZ019-._~+/"), YES(bearer, "a="), YES(bearer, "a=="),
    NO(bearer, ""), NO(bearer, "="), NO(bearer, "a=b"), NO(bearer, "a b"), NO(bearer, "a\n"), NO(bearer, "a\r\n"), NO(bearer, "a\0"),
    NO(bearer, "\0"), NO(bearer, "a:b"), NO(bearer, "\xc3\xa4"), NO(bearer, "Bearer a"), NO(bearer, "a,b"), NO(bearer, "a\"b"),

    YES(address, "192.0.2.1"), YES(address, "0.0.0.0"), YES(address, "255.255.255.255"), YES(address, "::"), YES(address, "2001:db8::1"),
    YES(address, "::ffff:192.0.2.1"), YES(address, "FE80::1"), YES(address, "1:2:3:4:5:6:7:8"),
    YES(address, "0000:0000:0000:0000:0000:ffff:192.168.100.228"),
    NO(address, ""), NO(address, "192.0.2"), NO(address, "192.0.2.256"), NO(address, "192.0.2.1.1"), NO(address, "192.0.2.01"),
    NO(address, "1"), NO(address, "0x7f.0.0.1"), NO(address, " 192.0.2.1"), NO(address, "192.0.2.1 "), NO(address, "192.0.2.1\n"),
    NO(address, "192.0.2.1\0"), NO(address, "[::1]"), NO(address, "fe80::1%eth0"), NO(address, ":::"), NO(address, "1:2:3:4:5:6:7:8:9"),
    NO(address, "localhost"), NO(address, "::ffff:1.2.3"), NO(address, "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"),
};

static void predicates(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct plq__text text = exact(cases[i].text);
    EXPECT_ROW(cases[i].check(text) == cases[i].want, cases[i].name);
    free((char *)text.at);
  }
  expect_rows_end();
}

/* A service may run in a locale in which isalpha() is true for bytes above 127 or the decimal point is a comma. */
static void locale_does_not_matter(void **state) {
  (void)state;
  static const char *const locales[] = {"de_DE.ISO-8859-1", "tr_TR.UTF-8", "C.UTF-8"};
  for (size_t i = 0; i < COUNT(locales); i++) {
    if (setlocale(LC_ALL, locales[i]) == NULL) continue;
    assert_false(plq__is_token(T("\xe4")));
    assert_true(plq__text_is_nocase(T("TITLE"), "title"));
    assert_false(plq__text_is_nocase(T("T\xc4\xb0TLE"), "title"));
  }
  setlocale(LC_ALL, "C");
}

static void text_in(void **state) {
  (void)state;
  struct plq__text none = plq__text_in(NULL, SIZE_MAX), nul = plq__text_in("abc\0def", SIZE_MAX), part = plq__text_in("abcdef", 2);
  assert_null(none.at);
  assert_int_equal(none.len, 0);
  assert_null(plq__text_in(NULL, 5).at);
  assert_int_equal(plq__text_in(NULL, 5).len, 0);
  assert_int_equal(nul.len, 3);
  assert_int_equal(part.len, 2);
}

static void comparisons(void **state) {
  (void)state;
  assert_true(plq__text_is(T("abc"), "abc"));
  assert_false(plq__text_is(T("abc"), "abd"));
  assert_false(plq__text_is(T("ab"), "abc"));
  assert_false(plq__text_is(T("abc\0"), "abc"));
  assert_true(plq__text_is(T(""), ""));
  assert_false(plq__text_is((struct plq__text){NULL, 0}, ""));
  assert_true(plq__text_is_nocase(T("hOsT"), "Host"));
  assert_false(plq__text_is_nocase(T("Host "), "Host"));
  assert_false(plq__text_is_nocase(T("@"), "`")); /* differ by the bit that case differs by */
  assert_false(plq__text_is_nocase(T("["), "{"));
  assert_false(plq__text_same_nocase((struct plq__text){NULL, 0}, T("")));
}

static void trimming(void **state) {
  (void)state;
  static const struct {
    struct plq__text in, want;
  } rows[] = {{R(""), R("")},         {R(" "), R("")},           {R("\t \t"), R("")},  {R("a"), R("a")},
              {R(" a b\t"), R("a b")}, {R("\na\n"), R("\na\n")}, {R(" \0 "), R("\0")}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct plq__text got = plq__text_trim(rows[i].in);
    EXPECT_ROW(got.len == rows[i].want.len && memcmp(got.at, rows[i].want.at, got.len) == 0, rows[i].in.at);
  }
  expect_rows_end();
}

static void cutting(void **state) {
  (void)state;
  struct plq__text text = T("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"); /* 1 + 2 + 3 + 4 + 1 bytes */
  static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (size_t max = 0; max < COUNT(want); max++) assert_int_equal(plq__utf8_cut(text, max), want[max]);
}

static void has_nul(void **state) {
  (void)state;
  assert_false(plq__has_nul(T("")));
  assert_false(plq__has_nul((struct plq__text){NULL, 0}));
  assert_false(plq__has_nul(T("abc")));
  assert_true(plq__has_nul(T("\0")));
  assert_true(plq__has_nul(T("ab\0")));
}

static void numbers(void **state) {
  (void)state;
  static const struct {
    struct plq__text text;
    bool good;
    int64_t want;
  } rows[] = {
      {R("0"), true, 0},
      {R("-0"), true, 0},
      {R("007"), true, 7},
      {R("-1"), true, -1},
      {R("9223372036854775807"), true, INT64_MAX},
      {R("-9223372036854775808"), true, INT64_MIN},
      {R("9223372036854775808"), false, 0},
      {R("-9223372036854775809"), false, 0},
      {R("99999999999999999999999999"), false, 0},
      {R(""), false, 0},
      {R("-"), false, 0},
      {R("--1"), false, 0},
      {R("+1"), false, 0},
      {R(" 1"), false, 0},
      {R("1 "), false, 0},
      {R("1\0"), false, 0},
      {R("1e3"), false, 0},
      {R("0x10"), false, 0},
      {R("1.0"), false, 0},
      {R("\xd9\xa1"), false, 0}, /* an Arabic digit */
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    int64_t number = 77;
    struct plq__text text = exact(rows[i].text);
    bool good = plq__to_number(text, &number);
    EXPECT_ROW(good == rows[i].good && (!good || number == rows[i].want), rows[i].text.at);
    EXPECT_ROW(good || number == 77, rows[i].text.at);
    free((char *)text.at);
  }
  expect_rows_end();
}

static void lists(void **state) {
  (void)state;
  static const struct {
    const char *list;
    const char *parts[4];
  } rows[] = {{"", {NULL}},       {",", {NULL}},      {" , ,", {NULL}},          {"a", {"a"}},
              {"a,b", {"a", "b"}}, {",a,,b,", {"a", "b"}}, {" a b ,\tc\t", {"a b", "c"}}, {"a;b", {"a;b"}}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct plq__text rest = plq__text_in(rows[i].list, SIZE_MAX), part;
    size_t count = 0;
    while (plq__next_part(&rest, ',', &part)) {
      EXPECT_ROW(count < 3 && rows[i].parts[count] != NULL && plq__text_is(part, rows[i].parts[count]), rows[i].list);
      count++;
    }
    EXPECT_ROW(rows[i].parts[count] == NULL, rows[i].list);
  }
  expect_rows_end();
  assert_true(plq__list_has("a, b ,c", T("b")));
  assert_false(plq__list_has("ab", T("a")));
  assert_false(plq__list_has("a", T("")));
  assert_false(plq__list_has(NULL, T("a")));
}

static void distances(void **state) {
  (void)state;
  assert_int_equal(plq__distance(T("timeout_ms"), T("timeout_ms"), 5), 0);
  assert_int_equal(plq__distance(T("Timeout_MS"), T("timeout_ms"), 5), 0);
  assert_int_equal(plq__distance(T("timeout"), T("timeout_ms"), 5), 3);
  assert_int_equal(plq__distance(T("tiemout_ms"), T("timeout_ms"), 5), 2);
  assert_int_equal(plq__distance(T(""), T("abc"), 5), 3);
  assert_int_equal(plq__distance(T("abc"), T(""), 5), 3);
  assert_int_equal(plq__distance(T("abcdef"), T("uvwxyz"), 3), 4);
  char longest[65];
  memset(longest, 'a', sizeof longest);
  assert_int_equal(plq__distance((struct plq__text){longest, 64}, (struct plq__text){longest, 64}, 5), 0);
  assert_int_equal(plq__distance((struct plq__text){longest, 65}, (struct plq__text){longest, 64}, 5), 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(predicates), cmocka_unit_test(locale_does_not_matter), cmocka_unit_test(text_in), cmocka_unit_test(comparisons),
      cmocka_unit_test(trimming),   cmocka_unit_test(cutting),                cmocka_unit_test(has_nul), cmocka_unit_test(numbers),
      cmocka_unit_test(lists),      cmocka_unit_test(distances),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
