/* SPDX-License-Identifier: MIT */
/* What the library says of itself: each table is there, is whole, and agrees with what the functions answer. */
#include "api/table.h"

#include <plastiq/plastiq.h>

#include "base/events.h"
#include "base/options.h"
#include "probe.h"

static plq_table *make(const char *name, const plq_options *options) {
  plq_table *table = NULL;
  plq_error *error = NULL;
  if (plq_table_new(name, PLQ_NUL, options, &table, &error) != PLQ_OK) fail_msg("%s: %s", name, plq_error_message(error, NULL));
  assert_non_null(table);
  return table;
}

static uint32_t column(const plq_table *table, const char *name) {
  for (uint32_t i = 0; i < plq_table_columns(table); i++)
    if (strcmp(plq_table_column(table, i, NULL), name) == 0) return i;
  fail_msg("no column %s", name);
  return 0;
}

static const char *cell(const plq_table *table, const char *key, const char *name) {
  for (uint32_t i = 0; i < plq_table_rows(table); i++)
    if (strcmp(plq_table_text(table, i, 0, NULL), key) == 0) return plq_table_text(table, i, column(table, name), NULL);
  fail_msg("no row %s", key);
  return NULL;
}

static plq_options *no_folder(void) {
  plq_options *options = NULL;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "transport_dir", PLQ_NUL, "/usr/lib", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "allow_test_transports", PLQ_NUL, "true", PLQ_NUL, NULL), PLQ_OK);
  return options;
}

static void every_table(void **state) {
  (void)state;
  plq_options *options = no_folder();
  plq_table *tables = make("tables", NULL);
  assert_true(plq_table_rows(tables) >= 12);
  for (uint32_t i = 0; i < plq_table_rows(tables); i++) {
    const char *name = plq_table_text(tables, i, 0, NULL);
    plq_table *table = make(name, options);
    EXPECT_ROW(plq_table_rows(table) > 0, name);
    EXPECT_ROW(table->cell_count % table->column_count == 0, name); /* a row that lacks a cell would shift all others */
    for (uint32_t j = 0; j < plq_table_columns(table); j++) EXPECT_ROW(plq_table_column(table, j, NULL)[0] != '\0', name);
    for (uint32_t j = 0; j < plq_table_rows(table); j++) EXPECT_ROW(plq_table_text(table, j, 0, NULL)[0] != '\0', name);
    plq_table_free(table);
  }
  expect_rows_end();
  plq_table_free(tables);
  plq_options_free(options);
}

static void what_they_say(void **state) {
  (void)state;
  plq_options *options = no_folder();
  plq_table *table = make("operations", options);
  assert_string_equal(cell(table, "client_secrets.create", "path"), "/client-secrets");
  assert_string_equal(cell(table, "client_secrets.create", "repeatable"), "true");
  plq_table_free(table);
  table = make("operation_results", options);
  assert_string_equal(cell(table, "client_secrets.create_v2", "life_ms"), "1800000");
  plq_table_free(table);
  table = make("operation_fields", options);
  assert_string_equal(plq_table_text(table, 0, column(table, "target"), NULL), "payer.id");
  plq_table_free(table);
  table = make("transports", options);
  assert_string_equal(cell(table, "probe", "class"), "test");
  assert_non_null(strstr(cell(table, "probe", "capabilities"), "blocking"));
  plq_table_free(table);
  table = make("transport_options", options);
  bool own = false;
  for (uint32_t i = 0; i < plq_table_rows(table); i++)
    own = own || (strcmp(plq_table_text(table, i, 1, NULL), "probe.note") == 0 &&
                  strcmp(plq_table_text(table, i, column(table, "own"), NULL), "true") == 0);
  assert_true(own);
  plq_table_free(table);
  table = make("statuses", options);
  assert_string_equal(cell(table, "6001", "name"), "PLQ_E_CONNECT_REFUSED");
  plq_table_free(table);
  table = make("stats", options);
  assert_int_equal(plq_table_rows(table), PLQ_STATS);
  for (uint32_t i = 0; i < PLQ_STATS; i++) assert_true(plq_table_text(table, i, 1, NULL)[0] != '\0');
  plq_table_free(table);
  table = make("event_fields", options);
  for (int i = 0, row = 0; i < PLQ__EVENT_COUNT; i++)
    for (size_t j = 0; j < plq__event_row((enum plq__event)i).field_count; j++, row++)
      assert_string_equal(plq_table_text(table, (uint32_t)row, 1, NULL), plq__event_field((enum plq__event)i, j).name);
  plq_table_free(table);
  plq_options_free(options);
}

static void options_and_where_they_come_from(void **state) {
  (void)state;
  plq_options *options = NULL;
  setenv("PLASTIQ_TIMEOUT_MS", "77", 1);
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-1", 1);
  assert_int_equal(plq_options_new(0, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "max_repeats", PLQ_NUL, "0", PLQ_NUL, NULL), PLQ_OK);
  plq_table *table = make("options", options);
  assert_int_equal(plq_table_rows(table), PLQ__OPT_COUNT);
  assert_string_equal(cell(table, "timeout_ms", "value"), "77");
  assert_string_equal(cell(table, "timeout_ms", "source"), "environment");
  assert_string_equal(cell(table, "timeout_ms", "place"), "the variable PLASTIQ_TIMEOUT_MS");
  assert_string_equal(cell(table, "timeout_ms", "default"), "15000");
  assert_string_equal(cell(table, "max_repeats", "source"), "code");
  assert_string_equal(cell(table, "access_token", "value"), "[set]");
  assert_string_equal(cell(table, "ca_file", "value"), "");
  assert_string_equal(cell(table, "ca_file", "source"), "default");
  assert_string_equal(cell(table, "allow_test_transports", "code_only"), "true");
  for (size_t i = 0; i < table->cell_count; i++)
    assert_true(table->cells[i] == NULL || strcmp(table->cells[i], "test-key-1") != 0);
  plq_table_free(table);
  plq_options_free(options);
  table = make("options", NULL); /* as a client would be made without options */
  assert_string_equal(cell(table, "timeout_ms", "value"), "77");
  plq_table_free(table);
  forget_variables(state);
}

static void what_is_refused(void **state) {
  (void)state;
  plq_table *table = (plq_table *)&table;
  plq_error *error = NULL;
  size_t len = 77;
  assert_int_equal(plq_table_new("option", PLQ_NUL, NULL, &table, &error), PLQ_E_NOT_FOUND);
  assert_null(table);
  assert_non_null(strstr(plq_error_message(error, NULL), "\"options\""));
  plq_error_free(error);
  assert_int_equal(plq_table_new("options", 3, NULL, &table, NULL), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_table_new(NULL, 0, NULL, &table, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_table_new("options", PLQ_NUL, NULL, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_table_rows(NULL) + plq_table_columns(NULL), 0);
  assert_string_equal(plq_table_text(NULL, 0, 0, &len), "");
  assert_int_equal(len, 0);
  table = make("tables", NULL);
  assert_string_equal(plq_table_text(table, 1000, 0, NULL), "");
  assert_string_equal(plq_table_text(table, 0, 1000, NULL), "");
  assert_string_equal(plq_table_column(table, 1000, NULL), "");
  assert_string_equal(plq_table_text(table, 0, 0, &len), "tables");
  assert_int_equal(len, 6);
  plq_table_free(table);
  plq_table_free(NULL);
}

static int setup(void **state) {
  forget_variables(state);
  return probe_reset(state);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {CASE(every_table), CASE(what_they_say), CASE(options_and_where_they_come_from),
                                     CASE(what_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
