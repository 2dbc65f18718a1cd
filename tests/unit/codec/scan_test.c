/* SPDX-License-Identifier: MIT */
/* The scanner of success bodies: what RFC 8259 allows, what it does not, and which members are found. */
#include "codec/scan.h"

#include "cases.h"

struct text_case {
  const char *text;
  size_t len;
};

/* Values that stand alone, inside a list, and inside an object. */
static const struct text_case good_values[] = {
    {S("null")}, {S("true")}, {S("false")}, {S("0")}, {S("-0")}, {S("1")}, {S("-1")}, {S("10")}, {S("0.5")}, {S("-0.0")}, {S("1e5")},
    {S("1E5")}, {S("1e+5")}, {S("1e-5")}, {S("1.25e007")}, {S("123456789012345678901234567890123456789012345678901234567890")}, {S("1e999")},
    {S("\"\"")}, {S("\"a\"")}, {S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")}, {S("\"\\u0000\"")}, {S("\"\\u00e9\\uFFFF\"")}, {S("\"\\ud83d\\uDE00\"")},
    {S("\"\\uD800\\uDC00\\uDBFF\\uDFFF\"")}, {S("\"\x7f\"")}, {S("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"")}, {S("\"/\"")},
    {S("[]")}, {S("[ ]")}, {S("[1,2]")}, {S("[[],{},[{}]]")}, {S("{}")}, {S("{ }")}, {S("{\"\":0}")}, {S("{\"a\":1,\"a\":2}")},
    {S(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n")},
};

static const struct text_case bad_values[] = {
    {S("")}, {S(" ")}, {S("nul")}, {S("nulll")}, {S("Null")}, {S("TRUE")}, {S("True")}, {S("truefalse")}, {S("undefined")}, {S("NaN")},
    {S("Infinity")}, {S("-Infinity")}, {S("-")}, {S("+1")}, {S("01")}, {S("-01")}, {S("00")}, {S(".5")}, {S("1.")}, {S("1.e5")}, {S("1e")},
    {S("1e+")}, {S("1e5.5")}, {S("1 2")}, {S("0x1")}, {S("1_000")}, {S("--1")}, {S("- 1")}, {S("1,")}, {S("\xef\xbc\x91")},
    {S("\"")}, {S("\"a")}, {S("a\"")}, {S("'a'")}, {S("a")}, {S("\"a\" \"b\"")}, {S("\"a\"b")},
    {S("\"\\\"")}, {S("\"\\x41\"")}, {S("\"\\a\"")}, {S("\"\\0\"")}, {S("\"\\\0\"")}, {S("\"\\'\"")}, {S("\"\\U0041\"")}, {S("\"\\u\"")},
    {S("\"\\u004\"")}, {S("\"\\u00g1\"")}, {S("\"\\u+041\"")}, {S("\"\\u 041\"")}, {S("\"\\u00")},
    {S("\"\\ud800\"")}, {S("\"\\udc00\"")}, {S("\"\\ud800x\"")}, {S("\"\\ud800\\n\"")}, {S("\"\\ud800\\u0041\"")}, {S("\"\\ud800\\ud800\"")},
    {S("\"\\udc00\\ud800\"")}, {S("\"\\ud800\\\"")}, {S("\"\\ud800\\u\"")}, {S("\"\\ud800\\udc0\"")},
    {S("\"\0\"")}, {S("\"\x01\"")}, {S("\"\n\"")}, {S("\"\t\"")}, {S("\"\x1f\"")}, {S("\"\x80\"")}, {S("\"\xc3\"")}, {S("\"\xc3\"\xa9")},
    {S("\"\xc0\x80\"")}, {S("\"\xc1\xbf\"")}, {S("\"\xe0\x80\x80\"")}, {S("\"\xed\xa0\x80\"")}, {S("\"\xf0\x80\x80\x80\"")},
    {S("\"\xf4\x90\x80\x80\"")}, {S("\"\xf8\x88\x80\x80\x80\"")}, {S("\"\xfe\"")}, {S("\"\xff\"")}, {S("\"\xe2\x82\"")}, {S("\xc2\xa0" "1")},
    {S("[")}, {S("]")}, {S("[1")}, {S("[1,")}, {S("[1,]")}, {S("[,1]")}, {S("[,]")}, {S("[1,,2]")}, {S("[1 2]")}, {S("[1;2]")}, {S("[1}")},
    {S("[]]")}, {S("[[]")}, {S("(1)")},
    {S("{")}, {S("{\"a\"")}, {S("{\"a\":")}, {S("{\"a\":1")}, {S("{\"a\":1,")}, {S("{\"a\":1,}")}, {S("{,\"a\":1}")}, {S("{\"a\"}")},
    {S("{\"a\",1}")}, {S("{\"a\":}")}, {S("{\"a\":1 \"b\":2}")}, {S("{\"a\"::1}")}, {S("{a:1}")}, {S("{1:1}")}, {S("{null:1}")},
    {S("{'a':1}")}, {S("{[]:1}")}, {S("{\"a\":1]")}, {S("{\"\\ud800\":1}")}, {S("{\"\x01\":1}")}, {S("{\"\xff\":1}")},
    {S("1 // x")}, {S("/* x */ 1")}, {S("1 #")}, {S("\f1")}, {S("\v1")}, {S("1\0")}, {S("\0" "1")}, {S("\xef\xbb\xbf" "1")}, {S("<html>")},
};

static bool scan(const char *prefix, struct text_case value, const char *suffix) {
  size_t before = strlen(prefix), after = strlen(suffix), len = before + value.len + after;
  char *text = malloc(len + 1);
  assert_non_null(text);
  memcpy(text, prefix, before);
  memcpy(text + before, value.text, value.len);
  memcpy(text + before + value.len, suffix, after);
  char *exact = exact_copy(text, len);
  struct plq__scan_member member = {.name = "a"};
  bool ok = plq__scan_object(exact, len, &member, 1);
  free(exact);
  free(text);
  return ok;
}

static void test_values(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(good_values); i++)
    if (!scan("{\"a\":", good_values[i], "}") || !scan("{\"b\":[", good_values[i], "]}") || !scan("{\"b\":[0,{\"a\":", good_values[i], "}]}"))
      fail_msg("refused: %s", good_values[i].text);
  for (size_t i = 0; i < COUNT(bad_values); i++)
    if (scan("{\"a\":", bad_values[i], "}") || scan("{\"b\":[0,", bad_values[i], "]}") || scan("{\"b\":{\"a\":", bad_values[i], "}}"))
      fail_msg("accepted: %s", bad_values[i].text);
}

static void test_root(void **state) {
  (void)state;
  static const struct text_case good[] = {{S("{}")}, {S(" {} ")}, {S("\n{\t}\r")}, {S("\xef\xbb\xbf{}")}, {S("\xef\xbb\xbf {}")}};
  static const struct text_case bad[] = {{S("")},       {S(" ")},        {S("\xef\xbb\xbf")}, {S("[]")},        {S("[{}]")},     {S("null")},
                                         {S("\"{}\"")}, {S("0")},        {S("{}{}")},        {S("{} {}")},      {S("{}x")},      {S("{}\0")},
                                         {S("x{}")},    {S("{},")},      {S("{}]")},         {S(" \xef\xbb\xbf{}")}, {S("\xef\xbb{}")}, {S("\xff\xfe{\0}\0")},
                                         {S("\xef\xbb\xbf\xef\xbb\xbf{}")}, {S("<html></html>")}};
  for (size_t i = 0; i < COUNT(good); i++) assert_true(scan("", good[i], ""));
  for (size_t i = 0; i < COUNT(bad); i++)
    if (scan("", bad[i], "")) fail_msg("accepted: %s", bad[i].text);
  struct plq__scan_member member = {"a", PLQ__SCAN_STRING, "x", 1};
  assert_false(plq__scan_object(NULL, 0, &member, 1));
  assert_int_equal(member.kind, PLQ__SCAN_ABSENT);
  assert_true(plq__scan_object("{}", 2, NULL, 0));
}

/* levels containers, the outermost one an object. */
static bool scan_levels(int levels, char open) {
  char text[1024];
  int len = 0;
  len += sprintf(text, "{\"a\":");
  for (int i = 1; i < levels; i++) len += sprintf(text + len, open == '[' ? "[" : "{\"b\":");
  text[len++] = '1';
  for (int i = 1; i < levels; i++) text[len++] = open == '[' ? ']' : '}';
  text[len++] = '}';
  struct plq__scan_member member = {.name = "a"};
  return plq__scan_object(text, (size_t)len, &member, 1);
}

static void test_depth(void **state) {
  (void)state;
  assert_true(scan_levels(64, '[') && scan_levels(64, '{'));
  assert_false(scan_levels(65, '[') || scan_levels(65, '{'));
  size_t many = 5000000; /* no stack would hold a level each */
  char *text = malloc(many);
  assert_non_null(text);
  memset(text, '[', many);
  memcpy(text, "{\"a\":", 5);
  assert_false(plq__scan_object(text, many, NULL, 0));
  free(text);
}

struct member_case {
  const char *json;
  enum plq__scan_kind kind;
  const char *value; /* unescaped, of a string */
};

static const struct member_case members[] = {
    {"{}", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecret\":\"s\"}", PLQ__SCAN_STRING, "s"},
    {"{\"clientSecret\":\"\"}", PLQ__SCAN_STRING, ""},
    {"{\"clientSecret\" : \"s\" , \"x\":[]}", PLQ__SCAN_STRING, "s"},
    {"{\"clientSecret\":null}", PLQ__SCAN_NULL, NULL},
    {"{\"clientSecret\":1}", PLQ__SCAN_NUMBER, NULL},
    {"{\"clientSecret\":true}", PLQ__SCAN_BOOL, NULL},
    {"{\"clientSecret\":[\"s\"]}", PLQ__SCAN_ARRAY, NULL},
    {"{\"clientSecret\":{\"clientSecret\":\"s\"}}", PLQ__SCAN_OBJECT, NULL},
    {"{\"x\":{\"clientSecret\":\"s\"}}", PLQ__SCAN_ABSENT, NULL},
    {"{\"x\":[{\"clientSecret\":\"s\"}]}", PLQ__SCAN_ABSENT, NULL},
    {"{\"x\":\"clientSecret\"}", PLQ__SCAN_ABSENT, NULL},
    /* The last of several wins, whatever it is. */
    {"{\"clientSecret\":\"s\",\"clientSecret\":\"t\"}", PLQ__SCAN_STRING, "t"},
    {"{\"clientSecret\":\"s\",\"clientSecret\":null}", PLQ__SCAN_NULL, NULL},
    {"{\"clientSecret\":7,\"x\":0,\"client\\u0053ecret\":\"t\"}", PLQ__SCAN_STRING, "t"},
    /* Names are compared as what they mean. */
    {"{\"client\\u0053ecret\":\"s\"}", PLQ__SCAN_STRING, "s"},
    {"{\"\\u0063\\u006C\\u0069\\u0065\\u006e\\u0074\\u0053\\u0065\\u0063\\u0072\\u0065\\u0074\":\"s\"}", PLQ__SCAN_STRING, "s"},
    {"{\"clientsecret\":\"s\"}", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecre\":\"s\"}", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecrets\":\"s\"}", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecret\\u0000\":\"s\"}", PLQ__SCAN_ABSENT, NULL},
    {"{\"\\u0000clientSecret\":\"s\"}", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecret \":\"s\"}", PLQ__SCAN_ABSENT, NULL},
    {"{\"client\\u00e9\":\"s\",\"\":\"t\"}", PLQ__SCAN_ABSENT, NULL},
    /* Values. */
    {"{\"clientSecret\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\tb\"}", PLQ__SCAN_STRING, "a\"\\/\b\f\n\r\tb"},
    {"{\"clientSecret\":\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\uffff\"}", PLQ__SCAN_STRING, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf"},
    {"{\"clientSecret\":\"\\u007f\\u0080\\u07ff\\u0800\\ud800\\udc00\\udbff\\udfff\"}", PLQ__SCAN_STRING,
     "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {"{\"clientSecret\":\"\xc3\xa9\"}", PLQ__SCAN_STRING, "\xc3\xa9"},
    {"{\"__proto__\":{\"$type\":\"os.system\"},\"clientSecret\":\"!!python/object\"}", PLQ__SCAN_STRING, "!!python/object"},
    /* A text that is wrong anywhere gives nothing. */
    {"{\"clientSecret\":\"s\"", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecret\":\"s\"} x", PLQ__SCAN_ABSENT, NULL},
    {"{\"clientSecret\":\"s\",\"x\":01}", PLQ__SCAN_ABSENT, NULL},
};

static void test_members(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(members); i++) {
    size_t len = strlen(members[i].json);
    char *json = exact_copy(members[i].json, len);
    struct plq__scan_member found[] = {{.name = "other", .kind = PLQ__SCAN_ARRAY}, {.name = "clientSecret"}};
    (void)plq__scan_object(json, len, found, 2);
    if (found[1].kind != members[i].kind) fail_msg("%s: kind %d", members[i].json, (int)found[1].kind);
    assert_int_equal(found[0].kind, PLQ__SCAN_ABSENT);
    if (members[i].value != NULL) {
      char *out = malloc(found[1].raw_len + 1);
      assert_non_null(out);
      size_t written = plq__scan_unescape(found[1].raw, found[1].raw_len, out);
      assert_true(written <= found[1].raw_len);
      assert_int_equal(written, strlen(members[i].value));
      assert_memory_equal(out, members[i].value, written);
      free(out);
    } else {
      assert_null(found[1].raw);
    }
    free(json);
  }
}

static void test_nul_in_value(void **state) {
  (void)state;
  struct plq__scan_member member = {.name = "a"};
  char out[16];
  assert_true(plq__scan_object(S("{\"a\":\"x\\u0000y\"}"), &member, 1));
  assert_int_equal(plq__scan_unescape(member.raw, member.raw_len, out), 3);
  assert_memory_equal(out, "x\0y", 3);
}

/* A body that was cut off is never mistaken for a whole one. */
static void test_prefixes(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(members); i++) {
    size_t len = strlen(members[i].json);
    for (size_t cut = 0; cut < len; cut++) {
      char *json = exact_copy(members[i].json, cut);
      struct plq__scan_member member = {.name = "clientSecret"};
      if (plq__scan_object(json, cut, &member, 1) && strstr(members[i].json, "} x") == NULL) fail_msg("%.*s", (int)cut, members[i].json);
      free(json);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),  cmocka_unit_test(test_root),         cmocka_unit_test(test_depth),
                                     cmocka_unit_test(test_members), cmocka_unit_test(test_nul_in_value), cmocka_unit_test(test_prefixes)};
  return cmocka_run_group_tests_name("codec/scan", tests, NULL, NULL);
}
