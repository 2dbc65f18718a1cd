/* SPDX-License-Identifier: MIT */
/* Requests: rows 5, 6 and 7. What every setter takes, what it refuses and with which words, and that a failure changes nothing. */
#include "operations/request.h"

#include <json-c/json.h>

#include "base/alloc.h"
#include "base/error.h"
#include "unit.h"

static plq_request *request;

static int setup(void **state) {
  (void)state;
  return plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
}

static int teardown(void **state) {
  (void)state;
  plq_request_free(request);
  return 0;
}

static const char *value_of(const char *field) {
  for (size_t i = 0; i < request->operation->field_count; i++)
    if (strcmp(request->operation->fields[i].name, field) == 0) return request->values[i];
  fail_msg("no field %s", field);
  return NULL;
}

static void creation(void **state) {
  (void)state;
  plq_request *made = (plq_request *)(void *)1;
  plq_error *error = NULL;
  assert_int_equal(plq_request_new("client_secrets.creat", PLQ_NUL, &made, &error), PLQ_E_UNKNOWN_OPERATION);
  assert_null(made);
  assert_string_equal(plq_error_field(error, NULL), "client_secrets.create");
  assert_non_null(strstr(plq_error_message(error, NULL), "\"client_secrets.create\""));
  plq_error_free(error);
  assert_int_equal(plq_request_new("payments.create and many more words", PLQ_NUL, &made, &error), PLQ_E_UNKNOWN_OPERATION);
  assert_non_null(strstr(plq_error_message(error, NULL), "docs/operations.md"));
  plq_error_free(error);
  assert_int_equal(plq_request_new(NULL, 0, &made, NULL), PLQ_E_UNKNOWN_OPERATION);
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_new("client_secrets.create_v2 and more", 24, &made, NULL), PLQ_OK);
  plq_request_free(made);
  plq_request_free(NULL);
}

struct field_case {
  const char *field;
  struct plq__text value;
  int32_t want;
};

#define UUID1 "0a1b2c3d-4e5f-1789-8bcd-ef0123456789"
#define UUID4 "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"

static const struct field_case field_cases[] = {
    {"payer.id", R(UUID1), PLQ_OK},
    {"payer.id", R(UUID4), PLQ_OK},
    {"payer.id", R("0A1B2C3D-4E5F-1789-8BCD-EF0123456789"), PLQ_OK},
    {"payer.id", R(""), PLQ_E_FIELD_VALUE},
    {"payer.id", R("42"), PLQ_E_FIELD_VALUE},
    {"payer.id", R(" " UUID1), PLQ_E_FIELD_VALUE},
    {"payer.id", R(UUID1 "\n"), PLQ_E_FIELD_VALUE},
    {"payer.id", R("{" UUID1 "}"), PLQ_E_FIELD_VALUE},
    {"payer.id", R(UUID1 "\0"), PLQ_E_TEXT_ENCODING},
    {"payer.id", R("\xff"), PLQ_E_TEXT_ENCODING},
    {"type", R("CARD"), PLQ_OK},
    {"type", R("card"), PLQ_E_FIELD_VALUE},
    {"type", R(""), PLQ_E_FIELD_VALUE},
    {"type", R("BANK"), PLQ_E_FIELD_VALUE},
    {"type", R("CARD,CARD"), PLQ_E_FIELD_VALUE},
    {"type", R("CARD "), PLQ_E_FIELD_VALUE},
    {"trace_id", R(UUID4), PLQ_OK},
    {"trace_id", R(" " UUID4 "\t"), PLQ_OK}, /* a header: spaces around it mean nothing */
    {"trace_id", R(UUID1), PLQ_E_FIELD_VALUE},
    {"trace_id", R(""), PLQ_E_FIELD_VALUE},
    {"trace_id", R(UUID4 "\r\nX: y"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("Mozilla/5.0 (X11; Linux x86_64)"), PLQ_OK},
    {"user_agent", R("caf\xc3\xa9"), PLQ_OK},
    {"user_agent", R("a\tb"), PLQ_OK},
    {"user_agent", R(""), PLQ_E_FIELD_VALUE},
    {"user_agent", R("  \t "), PLQ_E_FIELD_VALUE},
    {"user_agent", R("a\r\nEvil: yes"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("a\nb"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("a\rb"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("a\0b"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("a\x1b[0m"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("\x7f"), PLQ_E_HEADER_VALUE},
    {"user_agent", R("\r\n"), PLQ_E_HEADER_VALUE}, /* trimming does not hide it */
    {"user_agent", R("\xe9"), PLQ_E_TEXT_ENCODING},
    {"end_user_device_id", R("device-1"), PLQ_OK},
    {"end_user_device_id", R("a\nb"), PLQ_E_HEADER_VALUE},
    {"end_user_ip", R("192.0.2.1"), PLQ_OK},
    {"end_user_ip", R("2001:db8::1"), PLQ_OK},
    {"end_user_ip", R(" 192.0.2.1 "), PLQ_OK},
    {"end_user_ip", R(""), PLQ_E_FIELD_VALUE},
    {"end_user_ip", R("localhost"), PLQ_E_FIELD_VALUE},
    {"end_user_ip", R("192.0.2.256"), PLQ_E_FIELD_VALUE},
    {"end_user_ip", R("192.0.2.1, 192.0.2.2"), PLQ_E_FIELD_VALUE},
    {"end_user_ip", R("[::1]"), PLQ_E_FIELD_VALUE},
    {"end_user_ip", R("fe80::1%eth0"), PLQ_E_FIELD_VALUE},
    {"end_user_ip", R("192.0.2.1\r\n"), PLQ_E_HEADER_VALUE},
    {"payer_id", R(UUID1), PLQ_E_FIELD_UNKNOWN},
    {"payer", R(UUID1), PLQ_E_FIELD_UNKNOWN},
    {"Type", R("CARD"), PLQ_E_FIELD_UNKNOWN},
    {"", R("x"), PLQ_E_FIELD_UNKNOWN},
};

static void fields(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(field_cases); i++) {
    const struct field_case *one = &field_cases[i];
    char row[120];
    plq_error *error = NULL;
    struct plq__text value = exact(one->value);
    int32_t status = plq_request_set(request, one->field, PLQ_NUL, value.at, value.len, &error);
    snprintf(row, sizeof row, "%s=%.50s: %s", one->field, one->value.at, plq_status_name(status));
    EXPECT_ROW(status == one->want, row);
    EXPECT_ROW((error == NULL) == (status == PLQ_OK), row);
    if (status != PLQ_OK && status != PLQ_E_FIELD_UNKNOWN) {
      EXPECT_ROW(strcmp(plq_error_field(error, NULL), one->field) == 0, row);                                /* names the field */
      EXPECT_ROW(strstr(plq_error_message(error, NULL), one->field) != NULL, row);
      EXPECT_ROW(one->value.len < 4 || strstr(plq_error_message(error, NULL), one->value.at) == NULL, row); /* and not the value */
    }
    plq_error_free(error);
    free((char *)value.at);
  }
  expect_rows_end();
}

static void rules_are_shown(void **state) {
  (void)state;
  static const char *const want[][2] = {{"payer.id", "8-4-4-4-12"}, {"trace_id", "version 4"}, {"type", "CARD"},
                                        {"end_user_ip", "IPv4 or IPv6"}, {"user_agent", "8192 bytes"}};
  for (size_t i = 0; i < COUNT(want); i++) {
    plq_error *error = NULL;
    assert_int_equal(plq_request_set(request, want[i][0], PLQ_NUL, "", 0, &error), PLQ_E_FIELD_VALUE);
    EXPECT_ROW(strstr(plq_error_message(error, NULL), want[i][1]) != NULL, want[i][0]);
    plq_error_free(error);
  }
  plq_error *error = NULL;
  plq_request_set(request, "type", PLQ_NUL, "BANK", PLQ_NUL, &error);
  EXPECT_ROW(strstr(plq_error_message(error, NULL), "extra") != NULL, "type says where a newer value passes");
  plq_error_free(error);
  expect_rows_end();
}

static void unknown_fields(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"payer_id", "payer.id"}, {"traceid", "trace_id"}, {"Type", "type"}, {"enduserip", "end_user_ip"},
                                        {"something else altogether", ""}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_error *error = NULL;
    assert_int_equal(plq_request_set(request, rows[i][0], PLQ_NUL, "x", PLQ_NUL, &error), PLQ_E_FIELD_UNKNOWN);
    EXPECT_ROW(strcmp(plq_error_field(error, NULL), rows[i][1]) == 0, rows[i][0]);
    EXPECT_ROW(strstr(plq_error_message(error, NULL), rows[i][1]) != NULL, rows[i][0]);
    plq_error_free(error);
  }
  plq_error *error = NULL;
  assert_int_equal(plq_request_set(request, S("a\xff\0b"), "x", PLQ_NUL, &error), PLQ_E_FIELD_UNKNOWN);
  EXPECT_ROW(plq__is_utf8(plq__text_in(plq_error_message(error, NULL), SIZE_MAX)), "a name that is no UTF-8");
  plq_error_free(error);
  expect_rows_end();
}

static void values_are_kept(void **state) {
  (void)state;
  char value[] = UUID1;
  assert_int_equal(plq_request_set(request, "payer.id", PLQ_NUL, value, PLQ_NUL, NULL), PLQ_OK);
  memset(value, 'x', sizeof value - 1); /* copied */
  assert_string_equal(value_of("payer.id"), UUID1);
  assert_int_equal(plq_request_set(request, "payer.id", PLQ_NUL, "wrong", PLQ_NUL, NULL), PLQ_E_FIELD_VALUE);
  assert_string_equal(value_of("payer.id"), UUID1);
  assert_int_equal(plq_request_set(request, "payer.id", PLQ_NUL, UUID4, PLQ_NUL, NULL), PLQ_OK);
  assert_string_equal(value_of("payer.id"), UUID4);
  assert_int_equal(plq_request_set(request, "payer.id", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_null(value_of("payer.id"));
  assert_int_equal(plq_request_set(request, "user_agent", PLQ_NUL, " a b ", PLQ_NUL, NULL), PLQ_OK);
  assert_string_equal(value_of("user_agent"), "a b");
}

static void longest_value(void **state) {
  (void)state;
  static char text[8193];
  memset(text, 'a', sizeof text);
  assert_int_equal(plq_request_set(request, "user_agent", PLQ_NUL, text, 8192, NULL), PLQ_OK);
  assert_int_equal(plq_request_set(request, "user_agent", PLQ_NUL, text, 8193, NULL), PLQ_E_FIELD_VALUE);
  assert_int_equal(plq_request_add_header(request, "X", PLQ_NUL, text, 8192, 0, NULL), PLQ_OK);
  assert_int_equal(plq_request_add_header(request, "X", PLQ_NUL, text, 8193, 0, NULL), PLQ_E_HEADER_VALUE);
}

struct header_case {
  struct plq__text name, value;
  int32_t want;
};

static const struct header_case header_cases[] = {
    {R("End-User-Os"), R("Linux"), PLQ_OK},
    {R("x"), R(" y "), PLQ_OK},
    {R("X-!#$%&'*+-.^_`|~0"), R("y"), PLQ_OK},
    {R("X"), R("\xc3\xa4"), PLQ_OK},
    {R(""), R("y"), PLQ_E_HEADER_NAME},
    {R("X Y"), R("y"), PLQ_E_HEADER_NAME},
    {R("X:"), R("y"), PLQ_E_HEADER_NAME},
    {R("X\r\nHost"), R("y"), PLQ_E_HEADER_NAME},
    {R("X\0"), R("y"), PLQ_E_HEADER_NAME},
    {R("\xc3\xa4"), R("y"), PLQ_E_HEADER_NAME},
    {R(" Host"), R("y"), PLQ_E_HEADER_NAME},
    {R("X"), R(""), PLQ_E_HEADER_VALUE},
    {R("X"), R("   "), PLQ_E_HEADER_VALUE},
    {R("X"), R("a\r\nHost: evil"), PLQ_E_HEADER_VALUE},
    {R("X"), R("a\n b"), PLQ_E_HEADER_VALUE},
    {R("X"), R("\r"), PLQ_E_HEADER_VALUE},
    {R("X"), R("a\0b"), PLQ_E_HEADER_VALUE},
    {R("X"), R("\x01"), PLQ_E_HEADER_VALUE},
    {R("X"), R("\xff"), PLQ_E_TEXT_ENCODING},
    {R("Host"), R("evil"), PLQ_E_HEADER_OWNED},
    {R("hOST"), R("evil"), PLQ_E_HEADER_OWNED},
    {R("Content-Length"), R("0"), PLQ_E_HEADER_OWNED},
    {R("content-length"), R("0"), PLQ_E_HEADER_OWNED},
    {R("Transfer-Encoding"), R("chunked"), PLQ_E_HEADER_OWNED},
    {R("Connection"), R("close"), PLQ_E_HEADER_OWNED},
    {R("Authorization"), R("Basic x"), PLQ_E_HEADER_OWNED},
    {R("AUTHORIZATION"), R("Basic x"), PLQ_E_HEADER_OWNED},
    {R("Accept"), R("*/*"), PLQ_E_HEADER_OWNED},
    {R("Accept-Encoding"), R("gzip"), PLQ_E_HEADER_OWNED},
    {R("Content-Type"), R("text/plain"), PLQ_E_HEADER_OWNED},
    {R("Expect"), R("100-continue"), PLQ_E_HEADER_OWNED},
    {R("Upgrade"), R("h2c"), PLQ_E_HEADER_OWNED},
    {R("TE"), R("trailers"), PLQ_E_HEADER_OWNED},
    {R("Proxy-Authorization"), R("x"), PLQ_E_HEADER_OWNED},
    /* A header that a field is there for follows the field's rule. */
    {R("trace-id"), R("not-a-uuid"), PLQ_E_FIELD_VALUE},
    {R("Trace-Id"), R(UUID4), PLQ_OK},
    {R("END-USER-IP"), R("nowhere"), PLQ_E_FIELD_VALUE},
    {R("User-Agent"), R("a\r\nb"), PLQ_E_HEADER_VALUE},
};

static void headers(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(header_cases); i++) {
    const struct header_case *one = &header_cases[i];
    char row[120];
    plq_error *error = NULL;
    struct plq__text name = exact(one->name), value = exact(one->value);
    int32_t status = plq_request_add_header(request, name.at, name.len, value.at, value.len, 0, &error);
    snprintf(row, sizeof row, "%.40s: %.40s: %s", one->name.at, one->value.at, plq_status_name(status));
    EXPECT_ROW(status == one->want, row);
    EXPECT_ROW(status == PLQ_OK || one->value.len < 4 || strstr(plq_error_message(error, NULL), one->value.at) == NULL, row);
    EXPECT_ROW(plq__is_utf8(plq__text_in(plq_error_message(error, NULL), SIZE_MAX)), row);
    plq_error_free(error);
    free((char *)name.at), free((char *)value.at);
  }
  expect_rows_end();
}

static void header_becomes_field(void **state) {
  (void)state;
  assert_int_equal(plq_request_add_header(request, "user-agent", PLQ_NUL, "one", PLQ_NUL, PLQ_HEADER_SENSITIVE, NULL), PLQ_OK);
  assert_string_equal(value_of("user_agent"), "one");
  assert_null(request->headers);
}

static void headers_keep_their_order(void **state) {
  (void)state;
  assert_int_equal(plq_request_add_header(request, "A", PLQ_NUL, " 1 ", PLQ_NUL, 0, NULL), PLQ_OK);
  assert_int_equal(plq_request_add_header(request, "B", PLQ_NUL, "2", PLQ_NUL, PLQ_HEADER_SENSITIVE, NULL), PLQ_OK);
  assert_int_equal(plq_request_add_header(request, "A", PLQ_NUL, "3", PLQ_NUL, 0, NULL), PLQ_OK);
  const struct plq__header *header = request->headers;
  assert_string_equal(header->name, "A");
  assert_string_equal(header->value, "1");
  assert_false(header->sensitive);
  header = header->next;
  assert_string_equal(header->name, "B");
  assert_true(header->sensitive);
  header = header->next;
  assert_string_equal(header->value, "3");
  assert_null(header->next);
}

struct extra_case {
  struct plq__text json;
  bool good;
};

static const struct extra_case extra_cases[] = {
    {R("{}"), true},
    {R(" {\"a\": 1}\r\n\t "), true},
    {R("{\"payerId\": \"x\", \"n\": null, \"l\": [1, 2.5, -3e10, true]}"), true},
    {R("{\"a\":{\"b\":{\"c\":{}}}}"), true},
    {R("{\"a\": 123456789012345678}"), true},
    {R("{\"a\": \"12345678901234567890123\"}"), true},
    {R("{\"12345678901234567890123\": 1}"), true},
    {R("{\"a\": \"\\\"99999999999999999999999\"}"), true},
    {R("{\"a\": 0.1234567890123456789}"), true},
    {R("{\"a\": 1234567890123456789}"), false}, /* json-c would change it */
    {R("{\"a\": [-99999999999999999999]}"), false},
    {R(""), false},
    {R("   "), false},
    {R("[]"), false},
    {R("null"), false},
    {R("\"a\""), false},
    {R("1"), false},
    {R("{"), false},
    {R("{\"a\":}"), false},
    {R("{\"a\":1,}"), false},
    {R("{'a':1}"), false},
    {R("{a:1}"), false},
    {R("{} {}"), false},
    {R("{}x"), false},
    {R("{}\0"), false},
    {R("{\"a\": NaN}"), false},
    {R("{\"a\": Infinity}"), false},
    {R("{\"a\": 01}"), false},
    {R("{\"a\": \"\xff\"}"), false},
    {R("// x\n{}"), false},
    {R("{\"a\": 1 /* x */}"), false},
};

static void extra(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(extra_cases); i++) {
    struct plq__text json = exact(extra_cases[i].json);
    plq_error *error = NULL;
    int32_t status = plq_request_set_extra(request, json.at, json.len, &error);
    EXPECT_ROW(status == (extra_cases[i].good ? PLQ_OK : PLQ_E_EXTRA), extra_cases[i].json.at);
    EXPECT_ROW(status == PLQ_OK || strcmp(plq_error_field(error, NULL), "extra") == 0, extra_cases[i].json.at);
    plq_error_free(error);
    free((char *)json.at);
  }
  expect_rows_end();
}

static void extra_is_replaced(void **state) {
  (void)state;
  assert_int_equal(plq_request_set_extra(request, "{\"a\":1}", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_request_set_extra(request, "nonsense", PLQ_NUL, NULL), PLQ_E_EXTRA);
  assert_true(json_object_object_get_ex(request->extra, "a", NULL)); /* as it was */
  assert_int_equal(plq_request_set_extra(request, "{\"b\":1}", PLQ_NUL, NULL), PLQ_OK);
  assert_false(json_object_object_get_ex(request->extra, "a", NULL));
  assert_int_equal(plq_request_set_extra(request, NULL, 0, NULL), PLQ_OK);
  assert_null(request->extra);
}

static void extra_limits(void **state) {
  (void)state;
  enum { BIG = 256 * 1024 };
  static char json[BIG + 2];
  /* Depth: json-c counts the outermost as the first. */
  for (int deep = 60; deep <= 70; deep++) {
    size_t at = 0;
    for (int i = 0; i < deep; i++) at += (size_t)sprintf(json + at, "{\"a\":");
    at += (size_t)sprintf(json + at, "1");
    for (int i = 0; i < deep; i++) json[at++] = '}';
    int32_t status = plq_request_set_extra(request, json, at, NULL);
    if (deep <= 63) assert_int_equal(status, PLQ_OK);
    if (deep > 64) assert_int_equal(status, PLQ_E_EXTRA);
  }
  memset(json, ' ', sizeof json);
  memcpy(json, "{}", 2);
  assert_int_equal(plq_request_set_extra(request, json, BIG, NULL), PLQ_OK);
  assert_int_equal(plq_request_set_extra(request, json, BIG + 1, NULL), PLQ_E_EXTRA);
}

static void settings(void **state) {
  (void)state;
  static const struct {
    int64_t timeout_ms;
    int32_t want;
  } rows[] = {{1, PLQ_OK}, {-1, PLQ_OK}, {INT64_MAX, PLQ_OK}, {0, PLQ_E_ARGUMENT}, {-2, PLQ_E_ARGUMENT}, {INT64_MIN, PLQ_E_ARGUMENT}};
  for (size_t i = 0; i < COUNT(rows); i++) assert_int_equal(plq_request_set_timeout_ms(request, rows[i].timeout_ms, NULL), rows[i].want);
  assert_int_equal(request->timeout_ms, INT64_MAX);
  assert_int_equal(plq_request_set_max_repeats(request, 0, NULL), PLQ_OK);
  assert_int_equal(plq_request_set_max_repeats(request, 100, NULL), PLQ_OK);
  assert_int_equal(plq_request_set_max_repeats(request, 101, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_set_max_repeats(request, UINT32_MAX, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(request->max_repeats, 100);
}

static void arguments(void **state) {
  (void)state;
  assert_int_equal(plq_request_set(NULL, "type", PLQ_NUL, "CARD", PLQ_NUL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_set(request, NULL, 0, "CARD", PLQ_NUL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_add_header(NULL, "X", PLQ_NUL, "y", PLQ_NUL, 0, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_add_header(request, NULL, 0, "y", PLQ_NUL, 0, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_add_header(request, "X", PLQ_NUL, NULL, 0, 0, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_add_header(request, "X", PLQ_NUL, "y", PLQ_NUL, 2, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_set_extra(NULL, "{}", PLQ_NUL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_set_timeout_ms(NULL, 1, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_request_set_max_repeats(NULL, 1, NULL), PLQ_E_ARGUMENT);
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

static void without_memory(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    plq_request *made = NULL;
    plq__alloc_gate = grant;
    grants = i;
    int32_t status = plq_request_new("client_secrets.create", PLQ_NUL, &made, NULL);
    plq__alloc_gate = NULL;
    assert_int_equal(status, i < 1 ? PLQ_E_MEMORY : PLQ_OK);
    plq_request_free(made);
    plq__alloc_gate = grant;
    grants = i;
    status = plq_request_add_header(request, "X", PLQ_NUL, "y", PLQ_NUL, 0, NULL);
    grants = i;
    int32_t set = plq_request_set(request, "type", PLQ_NUL, "CARD", PLQ_NUL, NULL);
    plq__alloc_gate = NULL;
    assert_int_equal(status, i < 3 ? PLQ_E_MEMORY : PLQ_OK);
    assert_int_equal(set, i < 1 ? PLQ_E_MEMORY : PLQ_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(creation),
      cmocka_unit_test_setup_teardown(fields, setup, teardown),
      cmocka_unit_test_setup_teardown(rules_are_shown, setup, teardown),
      cmocka_unit_test_setup_teardown(unknown_fields, setup, teardown),
      cmocka_unit_test_setup_teardown(values_are_kept, setup, teardown),
      cmocka_unit_test_setup_teardown(longest_value, setup, teardown),
      cmocka_unit_test_setup_teardown(headers, setup, teardown),
      cmocka_unit_test_setup_teardown(header_becomes_field, setup, teardown),
      cmocka_unit_test_setup_teardown(headers_keep_their_order, setup, teardown),
      cmocka_unit_test_setup_teardown(extra, setup, teardown),
      cmocka_unit_test_setup_teardown(extra_is_replaced, setup, teardown),
      cmocka_unit_test_setup_teardown(extra_limits, setup, teardown),
      cmocka_unit_test_setup_teardown(settings, setup, teardown),
      cmocka_unit_test_setup_teardown(arguments, setup, teardown),
      cmocka_unit_test_setup_teardown(without_memory, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
