/* SPDX-License-Identifier: MIT */
/* Options from a JSON file: what it may say, and that a failure names file, line and column, and never a value. */
#include "codec/config_file.h"

#include <plastiq/client.h>
#include <plastiq/options.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char folder[256], path[300];

static int setup(void **state) {
  forget_variables(state);
  temporary_folder(folder, sizeof folder);
  snprintf(path, sizeof path, "%s/options.json", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static void write_file(const char *text, size_t len) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static int32_t read_options(plq_options **out_options, plq_error **out_error) {
  setenv("PLASTIQ_CONFIG", path, 1);
  int32_t status = plq_options_new(0, out_options, out_error);
  unsetenv("PLASTIQ_CONFIG");
  return status;
}

static const char *get(const plq_options *options, const char *key, int32_t *out_source) {
  const char *value = NULL;
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, out_source), PLQ_OK);
  return value;
}

static void what_a_file_may_say(void **state) {
  (void)state;
  static const char text[] =
      "\xef\xbb\xbf{\n  \"timeout_ms\": 1234, \"max_repeats\": 0,\n  \"repeat_only_safe\": true,\n"
      "  \"retry_statuses\": [429, \"503\"], \"retry_operations\": [],\n"
      "  \"access_token\": \"test-key-\\u0030\", \"environment\": \"production\",\n  \"ca_file\": null,\n"
      "  \"connection_idle_ms\": 77, \"transport_allow\": \"curl,openssl\"\n}\n";
  plq_options *options = NULL;
  int32_t source;
  write_file(S(text));
  setenv("PLASTIQ_CONNECTION_IDLE_MS", "78", 1);
  assert_int_equal(read_options(&options, NULL), PLQ_OK);
  unsetenv("PLASTIQ_CONNECTION_IDLE_MS");
  assert_string_equal(get(options, "timeout_ms", &source), "1234");
  assert_int_equal(source, PLQ_SOURCE_FILE);
  assert_string_equal(get(options, "max_repeats", NULL), "0");
  assert_string_equal(get(options, "repeat_only_safe", NULL), "true");
  assert_string_equal(get(options, "retry_statuses", NULL), "429,503");
  assert_string_equal(get(options, "retry_operations", NULL), "");
  assert_string_equal(get(options, "transport_allow", NULL), "curl,openssl");
  assert_string_equal(get(options, "environment", NULL), "production");
  assert_string_equal(get(options, "access_token", &source), "[set]");
  assert_int_equal(source, PLQ_SOURCE_FILE);
  assert_string_equal(plq__options_text(options, PLQ__OPT_ACCESS_TOKEN), "test-key-0");
  assert_null(get(options, "ca_file", &source));
  assert_int_equal(source, PLQ_SOURCE_DEFAULT);
  /* the variable is stronger than the file, and code than both; what code takes back, the stronger of them says again */
  assert_string_equal(get(options, "connection_idle_ms", &source), "78");
  assert_int_equal(source, PLQ_SOURCE_ENVIRONMENT);
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "5", PLQ_NUL, NULL), PLQ_OK);
  assert_string_equal(get(options, "timeout_ms", &source), "5");
  assert_int_equal(source, PLQ_SOURCE_CODE);
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_string_equal(get(options, "timeout_ms", NULL), "1234");
  plq_options_free(options);
  setenv("PLASTIQ_CONFIG", path, 1);
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  unsetenv("PLASTIQ_CONFIG");
  assert_null(get(options, "access_token", NULL));
  plq_options_free(options);
}

#define FILE_E PLQ_E_CONFIG_FILE
static const struct bad_case {
  const char *text;
  int32_t want;
  const char *place, *right;
} bad[] = {
    {"", FILE_E, "line 1, column 1:", "one JSON object"},
    {"[]", FILE_E, "line 1, column 1:", "one JSON object"},
    {"{", FILE_E, "line 1, column 2:", "ends before"},
    {"{\"timeout_ms\": 1", FILE_E, "line 1, column 17:", "ends before"},
    {"{\n  \"timeout_ms\": 1,\n}", FILE_E, "line 3, column 1:", "a comma too many"},
    {"{\n  \"timeout_ms\": 1\n  \"max_repeats\": 1\n}", FILE_E, "line 3, column 3:", "missing before this"},
    {"{\"\xc3\xa9\xc3\xa9\": \"Hunter2\" x}", FILE_E, "line 1, column 18:", "not JSON"},
    {"{\"timeout_ms\": 01}", FILE_E, "line 1, column 17:", "not JSON"},
    {"{\"timeout_ms\": 1} Hunter2", FILE_E, "line 1, column 19:", "not JSON"},
    {"{'timeout_ms': 1}", FILE_E, "line 1, column 2:", "not JSON"},
    {"{\"timeout_ms\": 1, \"timeout_ms\": 1}", FILE_E, "line 1, column 20:", "twice"},
    {"{\"ca_file\": null, \"ca_file\": \"/a\"}", FILE_E, "line 1, column 20:", "twice"},
    {"{\n\t\"timeout\": 1}", PLQ_E_OPTION_UNKNOWN, "line 2, column 3:", "\"timeout_ms\""},
    {"{\"timeout_ms\": \"1\"}", PLQ_E_OPTION_VALUE, "line 1, column 17:", "a number, without quotes"},
    {"{\"timeout_ms\": true}", PLQ_E_OPTION_VALUE, "line 1, column 16:", "a number"},
    {"{\"timeout_ms\": 0}", PLQ_E_OPTION_VALUE, "line 1, column 16:", "1 to 86400000"},
    {"{\"timeout_ms\": 1.5}", PLQ_E_OPTION_VALUE, "line 1, column 16:", "whole number"},
    {"{\"timeout_ms\": 1e3}", PLQ_E_OPTION_VALUE, "line 1, column 16:", "whole number"},
    {"{\"repeat_only_safe\": \"true\"}", PLQ_E_OPTION_VALUE, "column 23:", "without quotes"},
    {"{\"repeat_only_safe\": 1}", PLQ_E_OPTION_VALUE, "column 22:", "true or false"},
    {"{\"base_url\": [\"https://Hunter2.example\"]}", PLQ_E_OPTION_VALUE, "column 14:", "a text in quotes"},
    {"{\"base_url\": {\"x\": \"Hunter2\"}}", PLQ_E_OPTION_VALUE, "column 14:", "a text in quotes"},
    {"{\"retry_statuses\": [[429]]}", PLQ_E_OPTION_VALUE, "column 20:", "a list of texts"},
    {"{\"transport_allow\": [\"curl,openssl\"]}", PLQ_E_OPTION_VALUE, "column 21:", "without commas"},
    {"{\"retry_statuses\": 429}", PLQ_E_OPTION_VALUE, "column 20:", "a list of texts"},
    {"{\"environment\": \"Hunter2\"}", PLQ_E_ENVIRONMENT_UNKNOWN, "column 18:", "sandbox or production"},
    {"{\"access_token\": \"Bearer Hunter2\"}", PLQ_E_TOKEN_INVALID, "column 19:", "RFC 6750"},
    {"{\"access_token\": \"Hunter2\\u0000\"}", PLQ_E_TEXT_ENCODING, "column 19:", "NUL"},
    {"{\"allow_test_transports\": true}", PLQ_E_OPTION_VALUE, "column 27:", "in code only"},
    {"{\"transport\": \"/opt/Hunter2.so\"}", PLQ_E_TRANSPORT_NAME, "column 16:", "must be a name"},
    {"{\"stub.script\": \"Hunter2\"}", PLQ_E_OPTION_UNKNOWN, "column 3:", "from code only"},
};

/* The failure names the file, the place and what would be right, and keeps values to itself. */
static void bad_files(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bad); i++) {
    plq_options *options = (plq_options *)&bad;
    plq_error *error = NULL;
    write_file(bad[i].text, strlen(bad[i].text));
    int32_t status = read_options(&options, &error);
    const char *message = plq_error_message(error, NULL);
    char row[1500];
    snprintf(row, sizeof row, "%s: %s", bad[i].text, message);
    EXPECT_ROW(status == bad[i].want && plq_error_status(error) == status && options == NULL, row);
    EXPECT_ROW(strstr(message, path) != NULL && strstr(message, bad[i].place) != NULL, row);
    EXPECT_ROW(strstr(message, bad[i].right) != NULL && strstr(message, "Hunter2") == NULL, row);
    plq_error_free(error);
    EXPECT_ROW(read_options(&options, NULL) == bad[i].want, row);
  }
  expect_rows_end();
}

/* A file that was cut short is never taken for a whole one. */
static void files_cut_short(void **state) {
  static const char text[] = "{\"timeout_ms\": 1234, \"retry_statuses\": [\"429\", 503], \"environment\": \"production\"}";
  (void)state;
  for (size_t len = 0; len < sizeof text - 1; len++) {
    plq_options *options = NULL;
    plq_error *error = NULL;
    write_file(text, len);
    assert_int_equal(read_options(&options, &error), PLQ_E_CONFIG_FILE);
    assert_null(options);
    plq_error_free(error);
  }
}

static void files_that_cannot_be_read(void **state) {
  (void)state;
  plq_options *options = NULL;
  plq_error *error = NULL;
  unlink(path);
  assert_int_equal(read_options(&options, &error), PLQ_E_CONFIG_FILE);
  assert_non_null(strstr(plq_error_message(error, NULL), "PLASTIQ_CONFIG names, cannot be read: No such file"));
  plq_error_free(error);
  setenv("PLASTIQ_CONFIG", folder, 1);
  assert_int_equal(plq_options_new(0, &options, &error), PLQ_E_CONFIG_FILE);
  assert_non_null(strstr(plq_error_message(error, NULL), "no regular file"));
  plq_error_free(error);
  setenv("PLASTIQ_CONFIG", "options.json", 1);
  assert_int_equal(plq_options_new(0, &options, &error), PLQ_E_CONFIG_FILE);
  assert_non_null(strstr(plq_error_message(error, NULL), "absolute path"));
  plq_error_free(error);
  unsetenv("PLASTIQ_CONFIG");
  char *large = malloc(2 << 20);
  assert_non_null(large);
  memset(large, ' ', 2 << 20);
  write_file(large, 2 << 20);
  free(large);
  assert_int_equal(read_options(&options, &error), PLQ_E_CONFIG_FILE);
  assert_non_null(strstr(plq_error_message(error, NULL), "larger than"));
  plq_error_free(error);
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: nothing may wait for that */
  assert_int_equal(read_options(&options, &error), PLQ_E_CONFIG_FILE);
  plq_error_free(error);
  unlink(path);
}

/* What is found wrong later names the file too, and an address from it does not get a token from code. */
static void failures_later(void **state) {
  (void)state;
  plq_options *options = NULL;
  plq_client_id client = 0;
  plq_error *error = NULL;
  write_file(S("{\"transport\": \"not-there\", \"transport_dir\": \"/\", \"ca_file\": \"/a.pem\"}"));
  assert_int_equal(read_options(&options, NULL), PLQ_OK);
  assert_int_equal(plq_client_new(options, &client, &error), PLQ_E_TRANSPORT_NOT_FOUND);
  assert_int_equal(strncmp(plq_error_message(error, NULL), "the file ", 9), 0);
  assert_non_null(strstr(plq_error_message(error, NULL), path));
  plq_error_free(error);
  assert_int_equal(plq_options_set(options, "access_token", PLQ_NUL, "test-key-of-code", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_client_new(options, &client, &error), PLQ_E_AMBIENT_ADDRESS);
  assert_string_equal(plq_error_field(error, NULL), "ca_file");
  assert_non_null(strstr(plq_error_message(error, NULL), path));
  assert_non_null(strstr(plq_error_message(error, NULL), "leave it out of the file"));
  plq_error_free(error);
  plq_options_free(options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_file_may_say),       cmocka_unit_test(bad_files),      cmocka_unit_test(files_cut_short),
      cmocka_unit_test(files_that_cannot_be_read), cmocka_unit_test(failures_later),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
