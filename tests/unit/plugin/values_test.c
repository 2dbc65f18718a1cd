/* SPDX-License-Identifier: MIT */
/* From options to what a transport gets. */
#include "support.h"

#include <plastiq/transport.h>

static const plq_transport_option schema[] = {
    {.type = PLQ_OPTION_MS, .key = "connect_timeout_ms"},
    {.type = PLQ_OPTION_INT, .key = "max_connections", .min = 1, .max = 16, .default_text = "8"},
    {.type = PLQ_OPTION_LIST, .key = "pins"},
    {.type = PLQ_OPTION_SECRET, .key = "proxy_password"},
    {.type = PLQ_OPTION_CHOICE, .key = "http_version", .choices = "auto,1.1"},
    {.type = PLQ_OPTION_INT, .key = "speed", .min = 1, .max = 10, .default_text = "3"},
    {.type = PLQ_OPTION_CHOICE, .key = "mode", .choices = "fast,slow"},
    {.type = PLQ_OPTION_BOOL, .key = "shout", .default_text = "false"},
    {.type = PLQ_OPTION_SECRET, .key = "key"},
};

static const struct plq__plugin plugin = {.transport = {.name = "t",
                                                        .deployment_class = PLQ_CLASS_PRODUCTION,
                                                        .options = schema,
                                                        .option_count = COUNT(schema),
                                                        .option_stride = sizeof *schema}};
/* The same without any option. */
static const struct plq__plugin bare = {.transport = {.name = "t", .deployment_class = PLQ_CLASS_PRODUCTION}};

static const plq_transport_value *find(const struct plq__values *values, const char *key) {
  for (size_t i = 0; i < values->count; i++)
    if (strcmp(values->rows[i].key, key) == 0) return &values->rows[i];
  return NULL;
}

static void assert_value(const struct plq__values *values, const char *key, uint32_t type, const char *text, int64_t number) {
  const plq_transport_value *value = find(values, key);
  if (value == NULL) fail_msg("%s is not there", key);
  assert_int_equal(value->type, type);
  assert_string_equal(value->text, text);
  assert_int_equal(value->text_len, strlen(text));
  assert_int_equal(value->key_len, strlen(key));
  assert_int_equal(value->number, number);
}

static void gives_defaults(void **state) {
  (void)state;
  plq_options *options = new_options();
  struct plq__values values;
  assert_int_equal(plq__values_new(&plugin, options, &values, NULL), PLQ_OK);
  assert_value(&values, "connect_timeout_ms", PLQ_OPTION_MS, "5000", 5000);
  assert_value(&values, "max_connections", PLQ_OPTION_INT, "8", 8); /* the table's 64 does not fit this transport */
  assert_value(&values, "http_version", PLQ_OPTION_CHOICE, "auto", 0);
  assert_value(&values, "speed", PLQ_OPTION_INT, "3", 3);
  assert_value(&values, "shout", PLQ_OPTION_BOOL, "false", 0);
  assert_null(find(&values, "pins"));
  assert_null(find(&values, "mode"));
  assert_null(find(&values, "key"));
  assert_int_equal(values.count, 5);
  plq__values_clear(&values);
  plq__options_free(options);
}

static void gives_what_is_set(void **state) {
  (void)state;
  plq_options *options = new_options();
  struct plq__values values;
  put(options, "connect_timeout_ms", "77");
  put(options, "max_connections", "16");
  put(options, "proxy_password", "hush");
  put(options, "http_version", "1.1");
  put(options, "t.speed", "10");
  put(options, "t.mode", "slow");
  put(options, "t.shout", "1");
  put(options, "t.key", "quiet");
  put(options, "other.thing", "x"); /* another transport's */
  put(options, "tt.thing", "x");
  assert_int_equal(plq__values_new(&plugin, options, &values, NULL), PLQ_OK);
  assert_value(&values, "connect_timeout_ms", PLQ_OPTION_MS, "77", 77);
  assert_value(&values, "max_connections", PLQ_OPTION_INT, "16", 16);
  assert_value(&values, "http_version", PLQ_OPTION_CHOICE, "1.1", 0);
  assert_value(&values, "speed", PLQ_OPTION_INT, "10", 10);
  assert_value(&values, "mode", PLQ_OPTION_CHOICE, "slow", 0);
  assert_value(&values, "shout", PLQ_OPTION_BOOL, "1", 1);
  assert_value(&values, "key", PLQ_OPTION_SECRET, "quiet", 0);
  assert_value(&values, "proxy_password", PLQ_OPTION_SECRET, "hush", 0);
  /* a secret is not copied: it stays in the pages that the options keep it in */
  assert_ptr_equal(find(&values, "proxy_password")->text, options->values[PLQ__OPT_PROXY_PASSWORD].text);
  plq__values_clear(&values);
  plq__options_free(options);
}

struct bad_case {
  const struct plq__plugin *plugin;
  const char *key, *value;
  int32_t status;
  const char *field, *part;
};

#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct bad_case bad_cases[] = {
    {&plugin, "t.sped", "1", PLQ_E_OPTION_UNKNOWN, "t.sped", "the nearest is \"t.speed\""},
    {&plugin, "t.pins", PIN, PLQ_E_OPTION_UNKNOWN, "t.pins", "set for every transport alike, as \"pins\""},
    {&plugin, "t.ca_file", "/x", PLQ_E_OPTION_UNKNOWN, "t.ca_file", "as \"ca_file\""},
    {&plugin, "t.zzzzzzzzzzzz", "1", PLQ_E_OPTION_UNKNOWN, "t.zzzzzzzzzzzz", "the nearest is \"t."},
    {&bare, "t.speed", "1", PLQ_E_OPTION_UNKNOWN, "t.speed", "has no options of its own"},
    {&plugin, "t.speed", "11", PLQ_E_OPTION_VALUE, "t.speed", "right is 1 to 10"},
    {&plugin, "t.speed", "quick", PLQ_E_OPTION_VALUE, "t.speed", "whole number"},
    {&plugin, "t.mode", "medium", PLQ_E_OPTION_VALUE, "t.mode", "right is one of fast,slow"},
    {&plugin, "t.shout", "loud", PLQ_E_OPTION_VALUE, "t.shout", "true or false"},
    {&plugin, "max_connections", "17", PLQ_E_OPTION_VALUE, "max_connections", "right is 1 to 16"},
    {&plugin, "http_version", "2", PLQ_E_CAPABILITY_MISSING, "http_version", "the transport t cannot"},
    {&plugin, "ca_file", "/nowhere/at/all", PLQ_E_CAPABILITY_MISSING, "ca_file",
     "the transport t cannot do what the option ca_file"},
    {&plugin, "client_key_password", "secret-value", PLQ_E_CAPABILITY_MISSING, "client_key_password", "client_key_password"},
    {&bare, "pins", PIN, PLQ_E_CAPABILITY_MISSING, "pins", "option pins"},
    {&bare, "proxy", "http://p", PLQ_E_CAPABILITY_MISSING, "proxy", "option proxy"},
    {&bare, "http_version", "1.1", PLQ_E_CAPABILITY_MISSING, "http_version", "http_version"},
    {&bare, "http_version", "auto", PLQ_OK, NULL, NULL},
    {&bare, "max_connections", "3", PLQ_OK, NULL, NULL}, /* a hint */
};

static void refuses(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bad_cases); i++) {
    const struct bad_case *one = &bad_cases[i];
    plq_options *options = new_options();
    struct plq__values values;
    plq_error *error = NULL;
    put(options, one->key, one->value);
    int32_t got = plq__values_new(one->plugin, options, &values, &error);
    if (one->field != NULL) assert_string_equal(plq_error_field(error, NULL), one->field);
    assert_null(strstr(plq_error_message(error, NULL), "secret-value"));
    if (got != PLQ_OK) assert_null(values.rows);
    assert_error(error, got, one->status, one->part);
    plq__values_clear(&values);
    assert_int_equal(plq__values_new(one->plugin, options, &values, NULL), one->status);
    plq__values_clear(&values);
    plq__options_free(options);
  }
}

/* Rows of a later version are longer; the reader goes by the stride. */
static void walks_by_stride(void **state) {
  (void)state;
  struct {
    plq_transport_option row;
    uint64_t later;
  } rows[2] = {{{.type = PLQ_OPTION_INT, .key = "speed", .default_text = "1"}, UINT64_MAX},
               {{.type = PLQ_OPTION_INT, .key = "height", .default_text = "2"}, UINT64_MAX}};
  struct plq__plugin longer = {
      .transport = {.name = "t", .options = &rows[0].row, .option_count = 2, .option_stride = sizeof rows[0]}};
  plq_options *options = new_options();
  struct plq__values values;
  assert_int_equal(plq__values_new(&longer, options, &values, NULL), PLQ_OK);
  assert_value(&values, "speed", PLQ_OPTION_INT, "1", 1);
  assert_value(&values, "height", PLQ_OPTION_INT, "2", 2);
  plq__values_clear(&values);
  plq__options_free(options);
}

/* Trust is settled before: what the user names, or what the system has. */
static void gives_trust(void **state) {
  (void)state;
  static const plq_transport_option rows[] = {{.type = PLQ_OPTION_PATH, .key = "ca_file"},
                                              {.type = PLQ_OPTION_PATH, .key = "ca_dir"}};
  const struct plq__plugin takes = {.transport = {.name = "t",
                                                  .deployment_class = PLQ_CLASS_PRODUCTION,
                                                  .options = rows,
                                                  .option_count = 2,
                                                  .option_stride = sizeof *rows}};
  plq_options *options = new_options();
  struct plq__values values;
  plq_error *error = NULL;
  put(options, "ca_file", "/etc/passwd"); /* any file that can be read */
  assert_int_equal(plq__values_new(&takes, options, &values, NULL), PLQ_OK);
  assert_int_equal(values.count, 1);
  assert_value(&values, "ca_file", PLQ_OPTION_PATH, "/etc/passwd", 0);
  plq__values_clear(&values);
  put(options, "ca_file", "/nowhere/at/all");
  int32_t got = plq__values_new(&takes, options, &values, &error);
  assert_error(error, got, PLQ_E_TRUST, "/nowhere/at/all");
  plq__options_free(options);
}

static void survives_no_memory(void **state) {
  (void)state;
  plq_options *options = new_options();
  struct plq__values values;
  plq__alloc_gate = torture_gate;
  torture_left = 0;
  int32_t got = plq__values_new(&plugin, options, &values, NULL);
  plq__alloc_gate = NULL;
  assert_int_equal(got, PLQ_E_MEMORY);
  assert_null(values.rows);
  plq__options_free(options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_defaults),  cmocka_unit_test(gives_what_is_set), cmocka_unit_test(refuses),
      cmocka_unit_test(walks_by_stride), cmocka_unit_test(gives_trust),       cmocka_unit_test(survives_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
