/* SPDX-License-Identifier: MIT */
/* Error bodies: both published shapes, everything that is neither, and no secret in what is shown. */
#include "codec/error_body.h"

#include <locale.h>

#include "base/alloc.h"
#include "cases.h"

#define UUID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define TOKEN "plq_live_0123456789abcdef"

static plq_error *new_error(void) {
  plq_error *error = plq__error_new(PLQ_E_HTTP_CLIENT);
  assert_non_null(error);
  error->http_status = 400;
  return error;
}

/* plq_error_free() lies in a layer above. */
static void free_error(plq_error *error) {
  for (int i = 0; i < PLQ__ERROR_TEXTS; i++) plq__free(error->texts[i]);
  for (uint32_t i = 0; i < error->detail_count; i++) plq__free(error->details[i]);
  plq__free(error->details);
  plq__free(error);
}

static plq_error *read_with(const char *body, size_t len, const struct plq__text *secrets, size_t secret_count) {
  plq_error *error = new_error();
  char *copy = exact_copy(body, len);
  plq__error_body_read(copy, len, secrets, secret_count, error);
  free(copy);
  assert_int_equal(error->status, PLQ_E_HTTP_CLIENT);
  assert_int_equal(error->http_status, 400);
  return error;
}

static const char *text_of(const plq_error *error, enum plq__error_text which) { return error->texts[which] != NULL ? error->texts[which] : ""; }

struct body_case {
  const char *body;
  size_t len;
  const char *code, *message, *trace_id;
  const char *details; /* joined by | */
};

#define NOTHING "", "", "", ""

static const struct body_case cases[] = {
    /* The two published shapes. */
    {S("{\"code\":\"VALIDATION_ERROR\",\"message\":\"m\",\"traceId\":\"" UUID "\",\"errors\":[{\"details\":\"one\"},{\"details\":\"two\"}]}"),
     "VALIDATION_ERROR", "m", UUID, "one|two"},
    {S("{\"statusCode\":400,\"code\":\"C\",\"message\":\"m\",\"traceId\":\"" UUID "\",\"details\":[{\"details\":\"one\"}]}"), "C", "m", UUID, "one"},
    {S("{\"errors\":[{\"details\":\"one\"}],\"details\":[{\"details\":\"two\"}]}"), "", "", "", "one|two"},
    /* The list, in every form. */
    {S("{\"code\":\"C\",\"errors\":null}"), "C", "", "", ""},
    {S("{\"code\":\"C\",\"errors\":[]}"), "C", "", "", ""},
    {S("{\"code\":\"C\",\"errors\":\"one\"}"), "C", "", "", "one"},
    {S("{\"code\":\"C\",\"errors\":[\"one\",\"two\"]}"), "C", "", "", "one|two"},
    {S("{\"code\":\"C\",\"errors\":{\"details\":\"one\"}}"), "C", "", "", "one"},
    {S("{\"code\":\"C\",\"errors\":{\"details\":[\"one\",{\"details\":\"two\"}]}}"), "C", "", "", "one|two"},
    {S("{\"code\":\"C\",\"details\":\"one\"}"), "C", "", "", "one"},
    {S("{\"code\":\"C\",\"details\":{\"details\":\"one\"}}"), "C", "", "", "one"},
    {S("{\"code\":\"C\",\"errors\":{\"x\":\"y\"}}"), "C", "", "", ""},
    {S("{\"code\":\"C\",\"errors\":7}"), "C", "", "", ""},
    {S("{\"code\":\"C\",\"errors\":[null,1,true,1.5,{},[],{\"details\":null},{\"details\":7},\"\",{\"details\":\"one\"},[\"two\"]]}"), "C", "", "",
     "one|two"},
    /* Members of another type, missing, twice. */
    {S("{\"code\":7,\"message\":[\"m\"],\"traceId\":null,\"errors\":[{\"details\":\"one\"}]}"), "", "", "", "one"},
    {S("{\"code\":null,\"message\":\"m\"}"), "", "m", "", ""},
    {S("{\"code\":\"A\",\"code\":\"B\"}"), "B", "", "", ""},
    {S("{\"Code\":\"A\",\"MESSAGE\":\"m\"}"), NOTHING},
    {S("{\"code\":\"SOMETHING_NEW\"}"), "SOMETHING_NEW", "", "", ""},
    {S("{\"__class__\":\"os.system\",\"code\":\"!!python/object:x\"}"), "!!python/object:x", "", "", ""},
    {S("\xef\xbb\xbf{\"code\":\"C\"}"), "C", "", "", ""},
    {S("  {\"code\":\"C\"} trailing"), "C", "", "", ""},
    /* Trace ids. */
    {S("{\"traceId\":\"not a uuid\"}"), NOTHING},
    {S("{\"traceId\":\"" UUID "0\"}"), NOTHING},
    {S("{\"traceId\":{\"x\":1}}"), NOTHING},
    /* No object. */
    {S(""), NOTHING},
    {S(" "), NOTHING},
    {S("\xef\xbb\xbf"), NOTHING},
    {S("null"), NOTHING},
    {S("0"), NOTHING},
    {S("\"code\""), NOTHING},
    {S("[{\"code\":\"C\"}]"), NOTHING},
    {S("<html><body>502 Bad Gateway</body></html>"), NOTHING},
    {S("{"), NOTHING},
    {S("{\"code\":\"C\",\"message\":\"cut o"), NOTHING},
    {S("{\"code\":\"C\""), NOTHING},
    {S("\0\0\0"), NOTHING},
    {S("\xff\xfe{\0}\0"), NOTHING},
    /* What is shown is UTF-8 and one line. */
    {S("{\"code\":\"a\\r\\nb\",\"message\":\"x\\u0000y\\u001b[31mz\\u007f\\u0085\\u2028\\u2029.\"}"), "a  b", "x y [31mz    .", "", ""},
    {S("{\"message\":\"raw\ttab\nand \xc2\x85 too\"}"), "", "raw tab and   too", "", ""},
    {S("{\"message\":\"\xff" "a\xc3\"}"), "", "\xef\xbf\xbd" "a\xef\xbf\xbd", "", ""},
    {S("{\"message\":\"\\ud83d\\ude00 \\ud800.\"}"), "", "\xf0\x9f\x98\x80 \xef\xbf\xbd.", "", ""},
};

static void check_details(const plq_error *error, const char *joined) {
  char got[1024] = "";
  for (uint32_t i = 0; i < error->detail_count; i++) {
    strcat(got, i > 0 ? "|" : "");
    strcat(got, error->details[i]);
  }
  assert_string_equal(got, joined);
}

static void check_all(void) {
  for (size_t i = 0; i < COUNT(cases); i++) {
    plq_error *error = read_with(cases[i].body, cases[i].len, NULL, 0);
    assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_CODE), cases[i].code);
    assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_MESSAGE), cases[i].message);
    assert_string_equal(text_of(error, PLQ__ERROR_TRACE_ID), cases[i].trace_id);
    check_details(error, cases[i].details);
    assert_null(error->texts[PLQ__ERROR_MESSAGE]);
    free_error(error);
  }
}

static void test_cases(void **state) { (void)state, check_all(); }

static void test_null_arguments(void **state) {
  (void)state;
  plq_error *error = new_error();
  plq__error_body_read(NULL, 0, NULL, 0, error);
  plq__error_body_read("{}", 2, NULL, 0, NULL);
  assert_int_equal(error->detail_count, 0);
  free_error(error);
}

static void test_locale_does_not_matter_and_stays(void **state) {
  (void)state;
  (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed */
  char *before = strdup(setlocale(LC_ALL, NULL));
  plq_error *error = read_with(S("{\"x\":1.5,\"code\":\"C\"}"), NULL, 0);
  assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_CODE), "C");
  assert_string_equal(setlocale(LC_ALL, NULL), before);
  free_error(error);
  free(before);
  check_all();
  (void)setlocale(LC_ALL, "C");
}

static void test_known_trace_id_stays(void **state) {
  (void)state;
  plq_error *error = new_error();
  plq__error_set(error, PLQ__ERROR_TRACE_ID, "from the header", 15);
  plq__error_body_read(S("{\"traceId\":\"" UUID "\"}"), NULL, 0, error);
  assert_string_equal(error->texts[PLQ__ERROR_TRACE_ID], "from the header");
  free_error(error);
}

static void test_second_body_replaces_details(void **state) {
  (void)state;
  plq_error *error = read_with(S("{\"errors\":[\"one\",\"two\"]}"), NULL, 0);
  plq__error_body_read(S("{\"errors\":[\"three\"]}"), NULL, 0, error);
  check_details(error, "three");
  free_error(error);
}

/* ---- size ---- */

/* {"message":"<unit><unit>.."} */
static char *long_body(const char *prefix, const char *unit, size_t count, const char *suffix, size_t *out_len) {
  size_t before = strlen(prefix), each = strlen(unit), after = strlen(suffix);
  char *body = malloc(before + each * count + after);
  assert_non_null(body);
  memcpy(body, prefix, before);
  for (size_t i = 0; i < count; i++) memcpy(body + before + i * each, unit, each);
  memcpy(body + before + each * count, suffix, after);
  *out_len = before + each * count + after;
  return body;
}

static plq_error *read_long(const char *prefix, const char *unit, size_t count, const char *suffix) {
  size_t len = 0;
  char *body = long_body(prefix, unit, count, suffix, &len);
  plq_error *error = read_with(body, len, NULL, 0);
  free(body);
  return error;
}

static void test_long_text_is_cut_between_characters(void **state) {
  (void)state;
  plq_error *error = read_long("{\"message\":\"", "\xe2\x82\xac", 3000, "\",\"code\":\"C\"}");
  assert_int_equal(strlen(text_of(error, PLQ__ERROR_SERVICE_MESSAGE)), 4095); /* 1365 whole characters of 3 bytes */
  assert_true(plq__is_utf8((struct plq__text){text_of(error, PLQ__ERROR_SERVICE_MESSAGE), 4095}));
  assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_CODE), "C");
  free_error(error);
  error = read_long("{\"message\":\"", "x", 1000000, "\"}");
  assert_int_equal(strlen(text_of(error, PLQ__ERROR_SERVICE_MESSAGE)), 4096);
  free_error(error);
}

static void test_details_are_limited(void **state) {
  (void)state;
  plq_error *error = read_long("{\"code\":\"C\",\"errors\":[\"x\"", ",{\"details\":\"y\"}", 500, "]}");
  assert_int_equal(error->detail_count, 64);
  assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_CODE), "C");
  free_error(error);
}

static void test_depth_and_containers_are_limited(void **state) {
  (void)state;
  const struct {
    const char *prefix, *unit;
    size_t count;
    const char *suffix;
  } bombs[] = {{"", "[", 5000, ""},
               {"{\"code\":\"C\",\"errors\":", "[", 5000, ""},
               {"{\"code\":\"C\",\"errors\":", "[", 40, ""},
               {"", "{\"errors\":", 5000, ""},
               {"{\"code\":\"C\",\"errors\":[0", ",{}", 300000, "]}"},
               {"{\"code\":\"C\",\"errors\":[0", ",[]", 300000, "]}"}};
  for (size_t i = 0; i < COUNT(bombs); i++) {
    plq_error *error = read_long(bombs[i].prefix, bombs[i].unit, bombs[i].count, bombs[i].suffix);
    assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_CODE), "");
    assert_int_equal(error->detail_count, 0);
    free_error(error);
  }
}

/* ---- secrets ---- */

static void test_secrets_are_redacted(void **state) {
  (void)state;
  const struct plq__text secrets[] = {PLQ__TEXT(TOKEN), PLQ__TEXT("pw"), PLQ__TEXT(""), {NULL, 0}, PLQ__TEXT("a/b/c/d/e/f/g/h/i/j/k")};
  plq_error *error = read_with(S("{\"code\":\"pw\",\"message\":\"token " TOKEN " is bad, " TOKEN "!\",\"traceId\":\"" UUID "\","
                                 "\"errors\":[\"xpwx\",{\"details\":\"plq\\u005flive_0123456789abcdef\"},\"a\\/b\\/c\\/d\\/e\\/f\\/g\\/h\\/i\\/j\\/k\"]}"),
                               secrets, COUNT(secrets));
  assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_CODE), "[redacted]");
  assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_MESSAGE), "token [redacted] is bad, [redacted]!");
  check_details(error, "x[redacted]x|[redacted]|[redacted]");
  free_error(error);
}

static void test_secret_that_is_a_uuid_is_no_trace_id(void **state) {
  (void)state;
  const struct plq__text secret = PLQ__TEXT(UUID);
  plq_error *error = read_with(S("{\"traceId\":\"" UUID "\"}"), &secret, 1);
  assert_string_equal(text_of(error, PLQ__ERROR_TRACE_ID), "");
  free_error(error);
}

/* A short secret may be a name of a member: the body can be read all the same. */
static void test_secret_that_is_a_name(void **state) {
  (void)state;
  const struct plq__text secrets[] = {PLQ__TEXT("message"), PLQ__TEXT("e")};
  plq_error *error = read_with(S("{\"message\":\"a message\"}"), secrets, 2);
  assert_string_equal(text_of(error, PLQ__ERROR_SERVICE_MESSAGE), "a [redacted]");
  free_error(error);
}

static void test_secret_across_the_cut(void **state) {
  (void)state;
  const struct plq__text secret = PLQ__TEXT(TOKEN);
  size_t len = 0;
  char *body = long_body("{\"message\":\"", "x", 4090, TOKEN "\"}", &len);
  plq_error *error = read_with(body, len, &secret, 1);
  free(body);
  const char *message = text_of(error, PLQ__ERROR_SERVICE_MESSAGE);
  assert_int_equal(strlen(message), 4096);
  assert_string_equal(message + 4090, "[redac");
  free_error(error);
}

struct redact_case {
  const char *text, *first, *second, *want;
};

static void test_redact(void **state) {
  (void)state;
  static const struct redact_case rows[] = {
      {"", "a", "b", ""},
      {"abc", "x", "y", "abc"},
      {"abc", "", "", "abc"},
      {"abc", "abcd", "", "abc"},
      {"abc", "abc", "", "[redacted]"},
      {"xabcx", "abc", "", "x[redacted]x"},
      {"abcabc", "abc", "", "[redacted][redacted]"},
      {"ab", "a", "b", "[redacted][redacted]"},
      {"xabcdx", "ab", "abcd", "x[redacted]x"},       /* the longest */
      {"xabcdx", "abc", "cd", "x[redacted]x"},        /* overlapping */
      {"aXaXa", "aXa", "", "[redacted]"},             /* overlapping itself */
      {"abcdefg", "bcdef", "cd", "a[redacted]g"},     /* one inside the other */
      {"ABC", "abc", "", "ABC"},
      {"redacted", "redacted", "", "[redacted]"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct plq__text secrets[] = {{rows[i].first, strlen(rows[i].first)}, {rows[i].second, strlen(rows[i].second)}};
    char *got = plq__redact((struct plq__text){rows[i].text, strlen(rows[i].text)}, secrets, 2);
    assert_string_equal(got, rows[i].want);
    plq__free(got);
  }
  char *got = plq__redact((struct plq__text){NULL, 0}, NULL, 0);
  assert_string_equal(got, "");
  plq__free(got);
}

/* ---- memory ---- */

static int allocations_left;
static int refuse_one(size_t size) {
  (void)size;
  return allocations_left-- != 0;
}

/* Each allocation fails once, in turn: what could be read is there, the rest is empty, nothing leaks, and no secret shows. */
static void test_without_memory(void **state) {
  (void)state;
  static const char body[] = "{\"code\":\"C\",\"message\":\"m " TOKEN "\",\"traceId\":\"" UUID "\",\"errors\":[\"one\",\"two " TOKEN "\",\"three\"]}";
  const struct plq__text secret = PLQ__TEXT(TOKEN);
  bool failed = true;
  for (int i = 0; failed; i++) {
    plq_error *error = new_error();
    allocations_left = i;
    plq__alloc_gate = refuse_one;
    plq__error_body_read(S(body), &secret, 1, error);
    char *copy = plq__redact(PLQ__TEXT("a " TOKEN), &secret, 1);
    plq__alloc_gate = NULL;
    failed = allocations_left < 0;
    if (copy != NULL) assert_string_equal(copy, "a [redacted]");
    assert_null(strstr(text_of(error, PLQ__ERROR_SERVICE_MESSAGE), "plq_"));
    for (uint32_t j = 0; j < error->detail_count; j++) assert_null(strstr(error->details[j], "plq_"));
    plq__free(copy);
    free_error(error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),
      cmocka_unit_test(test_null_arguments),
      cmocka_unit_test(test_locale_does_not_matter_and_stays),
      cmocka_unit_test(test_known_trace_id_stays),
      cmocka_unit_test(test_second_body_replaces_details),
      cmocka_unit_test(test_long_text_is_cut_between_characters),
      cmocka_unit_test(test_details_are_limited),
      cmocka_unit_test(test_depth_and_containers_are_limited),
      cmocka_unit_test(test_secrets_are_redacted),
      cmocka_unit_test(test_secret_that_is_a_uuid_is_no_trace_id),
      cmocka_unit_test(test_secret_that_is_a_name),
      cmocka_unit_test(test_secret_across_the_cut),
      cmocka_unit_test(test_redact),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests_name("codec/error_body", tests, NULL, NULL);
}
