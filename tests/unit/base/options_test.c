/* SPDX-License-Identifier: MIT */
/* Options: every row of the table, what each takes and refuses, where values come from, and that secrets stay so. */
#include "base/options.h"

#include <plastiq/options.h>
#include <plastiq/transport.h>

#include "base/alloc.h"
#include "unit.h"

static plq_options *options;

static int setup(void **state) {
  (void)state;
  return plq_options_new(PLQ_NO_AMBIENT, &options, NULL);
}

static int teardown(void **state) {
  (void)state;
  plq_options_free(options);
  return 0;
}

static const char *get(const char *key) {
  const char *value = NULL;
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, NULL), PLQ_OK);
  return value;
}

struct value_case {
  const char *key;
  struct plq__text value;
  int32_t want;
};

static const struct value_case values[] = {
    {"access_token", R("abc-._~+/="), PLQ_OK},
    {"access_token", R(""), PLQ_E_TOKEN_INVALID},
    {"access_token", R("abc\n"), PLQ_E_TOKEN_INVALID},
    {"access_token", R("abc\r\nX: y"), PLQ_E_TOKEN_INVALID},
    {"access_token", R("a b"), PLQ_E_TOKEN_INVALID},
    {"access_token", R("\xc3\xa4"), PLQ_E_TOKEN_INVALID},
    {"access_token", R("a\0b"), PLQ_E_TEXT_ENCODING},
    {"access_token", R("\xff"), PLQ_E_TEXT_ENCODING},
    {"second_access_token", R("a b"), PLQ_E_TOKEN_INVALID},
    {"environment", R("sandbox"), PLQ_OK},
    {"environment", R("production"), PLQ_OK},
    {"environment", R("PRODUCTION"), PLQ_E_ENVIRONMENT_UNKNOWN},
    {"environment", R("prod"), PLQ_E_ENVIRONMENT_UNKNOWN},
    {"environment", R(""), PLQ_E_ENVIRONMENT_UNKNOWN},
    {"base_url", R("https://a.example/api"), PLQ_OK},
    {"base_url", R("http://localhost"), PLQ_OK}, /* whether it may be used depends on another option */
    {"base_url", R(""), PLQ_E_BASE_URL},
    {"base_url", R("https://u:p@a.example"), PLQ_E_BASE_URL},
    {"base_url", R("https://a.example/?x=1"), PLQ_E_BASE_URL},
    {"base_url", R("https://a.example\r\n"), PLQ_E_BASE_URL},
    {"allow_plain_http", R("true"), PLQ_OK},
    {"allow_plain_http", R("0"), PLQ_OK},
    {"allow_plain_http", R("yes"), PLQ_E_OPTION_VALUE},
    {"allow_plain_http", R("True"), PLQ_E_OPTION_VALUE},
    {"allow_plain_http", R(""), PLQ_E_OPTION_VALUE},
    {"transport", R("curl"), PLQ_OK},
    {"transport", R("a-b_c9"), PLQ_OK},
    {"transport", R("/opt/x.so"), PLQ_OK},
    {"transport", R(""), PLQ_E_TRANSPORT_NAME},
    {"transport", R("./x.so"), PLQ_E_TRANSPORT_NAME},
    {"transport", R("../x"), PLQ_E_TRANSPORT_NAME},
    {"transport", R("Curl"), PLQ_E_TRANSPORT_NAME},
    {"transport", R("-a"), PLQ_E_TRANSPORT_NAME},
    {"transport", R("a.b"), PLQ_E_TRANSPORT_NAME},
    {"transport", R("a23456789012345678901234567890123"), PLQ_E_TRANSPORT_NAME},
    {"transport", R("a2345678901234567890123456789012"), PLQ_OK},
    {"transport_dir", R("/opt"), PLQ_OK},
    {"transport_dir", R("opt"), PLQ_E_OPTION_VALUE},
    {"transport_dir", R(""), PLQ_E_OPTION_VALUE},
    {"transport_allow", R("curl, openssl"), PLQ_OK},
    {"transport_allow", R("curl,/x"), PLQ_E_OPTION_VALUE},
    {"timeout_ms", R("1"), PLQ_OK},
    {"timeout_ms", R("-1"), PLQ_OK},
    {"timeout_ms", R("86400000"), PLQ_OK},
    {"timeout_ms", R("86400001"), PLQ_E_OPTION_VALUE},
    {"timeout_ms", R("0"), PLQ_E_OPTION_VALUE},
    {"timeout_ms", R("-2"), PLQ_E_OPTION_VALUE},
    {"timeout_ms", R("15s"), PLQ_E_OPTION_VALUE},
    {"timeout_ms", R(" 15"), PLQ_E_OPTION_VALUE},
    {"timeout_ms", R("99999999999999999999"), PLQ_E_OPTION_VALUE},
    {"connect_timeout_ms", R("-1"), PLQ_E_OPTION_VALUE},
    {"max_repeats", R("0"), PLQ_OK},
    {"max_repeats", R("100"), PLQ_OK},
    {"max_repeats", R("101"), PLQ_E_OPTION_VALUE},
    {"max_repeats", R("-1"), PLQ_E_OPTION_VALUE},
    {"retry_statuses", R(""), PLQ_OK},
    {"retry_statuses", R("429, 503"), PLQ_OK},
    {"retry_statuses", R("99"), PLQ_E_OPTION_VALUE},
    {"retry_statuses", R("600"), PLQ_E_OPTION_VALUE},
    {"retry_statuses", R("5xx"), PLQ_E_OPTION_VALUE},
    {"max_head_bytes", R("1023"), PLQ_E_OPTION_VALUE},
    {"max_head_bytes", R("1048576"), PLQ_OK},
    {"max_body_bytes", R("67108865"), PLQ_E_OPTION_VALUE},
    {"ca_file", R(""), PLQ_E_OPTION_VALUE},
    {"ca_file", R("/etc/a.pem"), PLQ_OK},
    {"pins", R("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), PLQ_OK},
    {"pins", R("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), PLQ_OK},
    {"pins", R(""), PLQ_E_PIN},
    {"pins", R("sha256//AAAA"), PLQ_E_PIN},
    {"pins", R("sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), PLQ_E_PIN},
    {"pins", R("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), PLQ_E_PIN},
    {"pins", R("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*A="), PLQ_E_PIN},
    {"proxy", R("http://proxy.example:3128"), PLQ_OK},
    {"proxy", R("http://u:p@proxy.example"), PLQ_E_PROXY_URL},
    {"proxy", R("http://proxy.example/x"), PLQ_E_PROXY_URL},
    {"proxy", R("socks5://proxy.example"), PLQ_E_PROXY_URL},
    {"http_version", R("1.1"), PLQ_OK},
    {"http_version", R("3"), PLQ_E_OPTION_VALUE},
    {"http_version", R("1.1,2"), PLQ_E_OPTION_VALUE},
    {"curl.anything", R("any value, even \xc3\xa4"), PLQ_OK}, /* is checked when a client is made */
    {"curl.anything", R("a\0b"), PLQ_E_TEXT_ENCODING},
    {"curl.Any", R("x"), PLQ_E_OPTION_UNKNOWN},
    {"Curl.any", R("x"), PLQ_E_OPTION_UNKNOWN},
    {".any", R("x"), PLQ_E_OPTION_UNKNOWN},
    {"curl.", R("x"), PLQ_E_OPTION_UNKNOWN},
    {"", R("x"), PLQ_E_OPTION_UNKNOWN},
};

static void checks(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(values); i++) {
    char row[160];
    plq_error *error = NULL;
    struct plq__text value = exact(values[i].value);
    int32_t status = plq_options_set(options, values[i].key, PLQ_NUL, value.at, value.len, &error);
    snprintf(row, sizeof row, "%s=%.60s: %s", values[i].key, values[i].value.at, plq_status_name(status));
    EXPECT_ROW(status == values[i].want, row);
    EXPECT_ROW((error == NULL) == (status == PLQ_OK), row);
    EXPECT_ROW(status == PLQ_OK || plq_error_status(error) == status, row);
    EXPECT_ROW(status == PLQ_OK || strlen(plq_error_message(error, NULL)) > 10, row);
    bool named = status == PLQ_E_OPTION_UNKNOWN || values[i].key[4] == '.' || strcmp(plq_error_field(error, NULL), values[i].key) == 0;
    EXPECT_ROW(status == PLQ_OK || named, row);
    plq_error_free(error);
    free((char *)value.at);
  }
  expect_rows_end();
}

/* On failure the options are as they were. */
static void failure_changes_nothing(void **state) {
  (void)state;
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "77", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "x", PLQ_NUL, NULL), PLQ_E_OPTION_VALUE);
  assert_string_equal(get("timeout_ms"), "77");
  assert_int_equal(plq__options_number(options, PLQ__OPT_TIMEOUT_MS), 77);
}

/* A value is never quoted: it may be a secret in the wrong place. */
static void messages_keep_values_to_themselves(void **state) {
  (void)state;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    plq_error *error = NULL;
    const char *name = plq__option_row((enum plq__option_index)i)->name;
    plq_options_set(options, name, PLQ_NUL, "Hunter2 Hunter2", PLQ_NUL, &error);
    EXPECT_ROW(strstr(plq_error_message(error, NULL), "Hunter2") == NULL, name);
    plq_error_free(error);
  }
  expect_rows_end();
}

static void nearest_name(void **state) {
  (void)state;
  static const struct {
    const char *key, *nearest;
  } rows[] = {{"timeout", "timeout_ms"}, {"tiemout_ms", "timeout_ms"}, {"acces_token", "access_token"}, {"baseurl", "base_url"},
              {"BASE_URL", "base_url"},  {"max_retries", "max_repeats"}, {"xyzzyplughfrotz", ""}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_error *error = NULL;
    EXPECT_ROW(plq_options_set(options, rows[i].key, PLQ_NUL, "1", PLQ_NUL, &error) == PLQ_E_OPTION_UNKNOWN, rows[i].key);
    EXPECT_ROW(strcmp(plq_error_field(error, NULL), rows[i].nearest) == 0, rows[i].key);
    EXPECT_ROW(strstr(plq_error_message(error, NULL), rows[i].nearest) != NULL, rows[i].key);
    plq_error_free(error);
  }
  expect_rows_end();
}

/* Whatever the key is, the error can be shown as UTF-8. */
static void messages_are_utf8(void **state) {
  (void)state;
  char key[200];
  for (size_t lead = 50; lead < 70; lead++) {
    plq_error *error = NULL;
    memset(key, 'x', lead);
    strcpy(key + lead, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80 and more of it");
    assert_int_equal(plq_options_set(options, key, PLQ_NUL, "1", PLQ_NUL, &error), PLQ_E_OPTION_UNKNOWN);
    assert_true(plq__is_utf8(plq__text_in(plq_error_message(error, NULL), SIZE_MAX)));
    plq_error_free(error);
  }
  plq_error *error = NULL;
  assert_int_equal(plq_options_set(options, "\xff\xfe", PLQ_NUL, "1", PLQ_NUL, &error), PLQ_E_TEXT_ENCODING);
  assert_true(plq__is_utf8(plq__text_in(plq_error_message(error, NULL), SIZE_MAX)));
  plq_error_free(error);
  assert_int_equal(plq_options_set(options, S("timeout_ms\0x"), "1", PLQ_NUL, NULL), PLQ_E_TEXT_ENCODING);
}

static void sources(void **state) {
  (void)state;
  int32_t source = 77;
  const char *value;
  size_t len = 77;
  assert_int_equal(plq_options_get(options, "timeout_ms", PLQ_NUL, &value, &len, &source), PLQ_OK);
  assert_string_equal(value, "15000");
  assert_int_equal(len, 5);
  assert_int_equal(source, PLQ_SOURCE_DEFAULT);
  assert_int_equal(plq__options_put(options, T("timeout_ms"), T("1"), PLQ_SOURCE_FILE, NULL), PLQ_OK);
  assert_int_equal(plq__options_put(options, T("timeout_ms"), T("2"), PLQ_SOURCE_ENVIRONMENT, NULL), PLQ_OK);
  assert_int_equal(plq__options_put(options, T("timeout_ms"), T("3"), PLQ_SOURCE_FILE, NULL), PLQ_OK); /* weaker: no effect */
  assert_string_equal(get("timeout_ms"), "2");
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "4", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_get(options, "timeout_ms", PLQ_NUL, &value, NULL, &source), PLQ_OK);
  assert_string_equal(value, "4");
  assert_int_equal(source, PLQ_SOURCE_CODE);
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, NULL, 0, NULL), PLQ_OK); /* taken back: the environment's again */
  assert_string_equal(get("timeout_ms"), "2");
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, NULL, 0, NULL), PLQ_OK); /* code has nothing to take back */
  assert_string_equal(get("timeout_ms"), "2");
  assert_int_equal(plq_options_set(options, "max_repeats", PLQ_NUL, "5", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "max_repeats", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_string_equal(get("max_repeats"), "2");
  assert_int_equal(plq__options_number(options, PLQ__OPT_MAX_REPEATS), 2);
  assert_false(plq__options_is_set(options, PLQ__OPT_MAX_REPEATS));
}

static void secrets_read_as_set(void **state) {
  (void)state;
  static const char *const keys[] = {"access_token", "second_access_token", "client_key_password", "proxy_password"};
  for (size_t i = 0; i < COUNT(keys); i++) {
    assert_null(get(keys[i]));
    assert_int_equal(plq_options_set(options, keys[i], PLQ_NUL, "hunter2", PLQ_NUL, NULL), PLQ_OK);
    assert_string_equal(get(keys[i]), "[set]");
  }
  plq_options *shown = plq__options_show(options);
  for (size_t i = 0; i < COUNT(keys); i++)
    assert_string_equal(plq__options_text(shown, (enum plq__option_index)plq__option_find(plq__text_in(keys[i], SIZE_MAX))), "[set]");
  assert_true(shown->flags & PLQ__OPTIONS_SHOWN);
  plq_options_free(shown);
}

static void numbers(void **state) {
  (void)state;
  assert_int_equal(plq_options_set_number(options, "timeout_ms", PLQ_NUL, -1, NULL), PLQ_OK);
  assert_string_equal(get("timeout_ms"), "-1");
  assert_int_equal(plq_options_set_number(options, "max_repeats", PLQ_NUL, 5, NULL), PLQ_OK);
  assert_int_equal(plq_options_set_number(options, "allow_plain_http", PLQ_NUL, 1, NULL), PLQ_OK);
  assert_int_equal(plq__options_number(options, PLQ__OPT_ALLOW_PLAIN_HTTP), 1);
  assert_int_equal(plq_options_set_number(options, "allow_plain_http", PLQ_NUL, 2, NULL), PLQ_E_OPTION_VALUE);
  assert_int_equal(plq_options_set_number(options, "max_repeats", PLQ_NUL, INT64_MIN, NULL), PLQ_E_OPTION_VALUE);
}

/* Every default satisfies its own row. */
static void defaults(void **state) {
  (void)state;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    const struct plq__option *row = plq__option_row((enum plq__option_index)i);
    assert_int_equal(plq__option_find(plq__text_in(row->name, SIZE_MAX)), i);
    if (row->default_text == 0) continue;
    plq_error *error = NULL;
    EXPECT_ROW(plq_options_set(options, row->name, PLQ_NUL, plq__option_default(row), PLQ_NUL, &error) == PLQ_OK, row->name);
    plq_error_free(error);
  }
  expect_rows_end();
}

static void own_options(void **state) {
  (void)state;
  assert_int_equal(plq_options_set(options, "stub.a", PLQ_NUL, "1", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "stub.b", PLQ_NUL, "2", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "stub.c", PLQ_NUL, "3", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "stub.b", PLQ_NUL, "two", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "stub.a", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "stub.nothing", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  plq_options *copy = plq__options_copy(options);
  int found = 0;
  for (struct plq__own_value *own = copy->own; own != NULL; own = own->next) {
    assert_true((strcmp(own->key, "stub.b") == 0 && strcmp(own->text, "two") == 0) ||
                (strcmp(own->key, "stub.c") == 0 && strcmp(own->text, "3") == 0));
    found++;
  }
  assert_int_equal(found, 2);
  plq_options_free(copy);
}

static void arguments(void **state) {
  (void)state;
  const char *value = "old";
  plq_options *none = options;
  assert_int_equal(plq_options_new(0, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_options_new(2, &none, NULL), PLQ_E_ARGUMENT);
  assert_null(none);
  assert_int_equal(plq_options_set(NULL, "timeout_ms", PLQ_NUL, "1", PLQ_NUL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_options_set(options, NULL, PLQ_NUL, "1", PLQ_NUL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_options_get(options, "no_such", PLQ_NUL, &value, NULL, NULL), PLQ_E_OPTION_UNKNOWN);
  assert_null(value);
  assert_int_equal(plq_options_get(NULL, "timeout_ms", PLQ_NUL, &value, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_options_get(options, "timeout_ms", PLQ_NUL, NULL, NULL, NULL), PLQ_E_ARGUMENT);
  plq_options_free(NULL);
  none = plq__options_copy(NULL);
  assert_string_equal(plq__options_text(none, PLQ__OPT_TRANSPORT), "curl");
  plq_options_free(none);
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

/* Every allocation of a copy fails once. */
static void copying_without_memory(void **state) {
  (void)state;
  plq_options_set(options, "access_token", PLQ_NUL, "abc", PLQ_NUL, NULL);
  plq_options_set(options, "stub.script", PLQ_NUL, "[]", PLQ_NUL, NULL);
  plq_options_set(options, "base_url", PLQ_NUL, "https://a.example", PLQ_NUL, NULL);
  plq_options *copy = NULL;
  int granted = -1;
  while (copy == NULL && granted < 100) {
    plq__alloc_gate = grant;
    grants = ++granted;
    copy = plq__options_show(options);
    plq__alloc_gate = NULL;
  }
  assert_non_null(copy);
  assert_in_range(granted, 5, 99);
  plq_options_free(copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(checks, setup, teardown),
      cmocka_unit_test_setup_teardown(failure_changes_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(messages_keep_values_to_themselves, setup, teardown),
      cmocka_unit_test_setup_teardown(nearest_name, setup, teardown),
      cmocka_unit_test_setup_teardown(messages_are_utf8, setup, teardown),
      cmocka_unit_test_setup_teardown(sources, setup, teardown),
      cmocka_unit_test_setup_teardown(secrets_read_as_set, setup, teardown),
      cmocka_unit_test_setup_teardown(numbers, setup, teardown),
      cmocka_unit_test_setup_teardown(defaults, setup, teardown),
      cmocka_unit_test_setup_teardown(own_options, setup, teardown),
      cmocka_unit_test_setup_teardown(arguments, setup, teardown),
      cmocka_unit_test_setup_teardown(copying_without_memory, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
