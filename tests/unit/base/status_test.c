/* SPDX-License-Identifier: MIT */
/* The vocabulary: names, kinds, and what an unknown number answers. */
#include <plastiq/status.h>

#include "base/error.h"
#include "unit.h"

static void known(void **state) {
  (void)state;
  static const struct {
    int32_t status, kind, phase;
    enum plq__repeat repeat;
    const char *name;
  } rows[] = {
      {PLQ_OK, PLQ_KIND_OK, PLQ_PHASE_NONE, REPEAT_NEVER, "PLQ_OK"},
      {PLQ_E_ARGUMENT, PLQ_KIND_USAGE, PLQ_PHASE_CONFIG, REPEAT_NEVER, "PLQ_E_ARGUMENT"},
      {PLQ_E_CONNECT_REFUSED, PLQ_KIND_CONNECT, PLQ_PHASE_CONNECT, REPEAT_NOT_SENT, "PLQ_E_CONNECT_REFUSED"},
      {PLQ_E_IO_RESET, PLQ_KIND_IO, PLQ_PHASE_RECEIVE, REPEAT_AMBIGUOUS, "PLQ_E_IO_RESET"},
      {PLQ_E_TIMEOUT_TOTAL, PLQ_KIND_TIMEOUT, PLQ_PHASE_WAIT, REPEAT_NEVER, "PLQ_E_TIMEOUT_TOTAL"},
      {PLQ_E_HTTP_SERVER, PLQ_KIND_HTTP, PLQ_PHASE_DECODE, REPEAT_STATUS, "PLQ_E_HTTP_SERVER"},
      {PLQ_E_MEMORY, PLQ_KIND_MEMORY, PLQ_PHASE_NONE, REPEAT_NEVER, "PLQ_E_MEMORY"},
      {PLQ_E_TRANSPORT_MISBEHAVED, PLQ_KIND_INTERNAL, PLQ_PHASE_NONE, REPEAT_NEVER, "PLQ_E_TRANSPORT_MISBEHAVED"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    EXPECT_ROW(strcmp(plq_status_name(rows[i].status), rows[i].name) == 0, rows[i].name);
    EXPECT_ROW(plq_status_kind(rows[i].status) == rows[i].kind, rows[i].name);
    EXPECT_ROW(plq_status_phase(rows[i].status) == rows[i].phase, rows[i].name);
    EXPECT_ROW(plq__status_repeat(rows[i].status) == rows[i].repeat, rows[i].name);
    EXPECT_ROW(strlen(plq_status_text(rows[i].status)) > 3, rows[i].name);
  }
  expect_rows_end();
}

/* Row 21: what is never repeated, whatever the options say. */
static void never_repeated(void **state) {
  (void)state;
  static const int32_t kinds[] = {PLQ_KIND_USAGE,    PLQ_KIND_CONFIG, PLQ_KIND_INPUT,  PLQ_KIND_LOAD,  PLQ_KIND_VERIFY, PLQ_KIND_PROTOCOL,
                                  PLQ_KIND_LIMIT,    PLQ_KIND_MEMORY, PLQ_KIND_STATE,  PLQ_KIND_SECRET, PLQ_KIND_CANCELLED,
                                  PLQ_KIND_INTERNAL, PLQ_KIND_UNSUPPORTED};
  for (size_t i = 0; i < COUNT(kinds); i++)
    for (int32_t detail = 0; detail < 1000; detail++) {
      int32_t status = kinds[i] * 1000 + detail;
      EXPECT_ROW(plq__status_repeat(status) == REPEAT_NEVER, plq_status_name(status));
    }
  expect_rows_end();
}

static void a_newer_status_is_known_by_its_kind(void **state) {
  (void)state;
  int32_t status = PLQ_KIND_TLS * 1000 + 999;
  assert_string_equal(plq_status_name(status), "PLQ_E_UNKNOWN");
  assert_int_equal(plq_status_kind(status), PLQ_KIND_TLS);
  assert_int_equal(plq_status_phase(status), PLQ_PHASE_NONE);
  assert_string_equal(plq_status_text(status), plq_status_text(PLQ_KIND_TLS * 1000 + 998));
  assert_non_null(strstr(plq_status_text(status), "TLS"));
}

/* No number but 0 reads as success. */
static void nonsense_is_no_success(void **state) {
  (void)state;
  static const int32_t rows[] = {1, 200, 999, -1, -999, -1001, INT32_MIN, INT32_MAX, 999999};
  for (size_t i = 0; i < COUNT(rows); i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", rows[i]);
    EXPECT_ROW(strcmp(plq_status_name(rows[i]), "PLQ_E_UNKNOWN") == 0, number);
    EXPECT_ROW(strcmp(plq_status_text(rows[i]), plq_status_text(PLQ_OK)) != 0, number);
    EXPECT_ROW(plq_status_kind(rows[i]) != PLQ_KIND_OK, number);
  }
  expect_rows_end();
}

static void names(void **state) {
  (void)state;
  assert_string_equal(plq_kind_name(PLQ_KIND_TIMEOUT), "timeout");
  assert_string_equal(plq_kind_name(-1), "unknown");
  assert_string_equal(plq_kind_name(1000), "unknown");
  assert_string_equal(plq_phase_name(PLQ_PHASE_BACKOFF), "backoff");
  assert_string_equal(plq_phase_name(99), "unknown");
  assert_string_equal(plq_delivery_name(PLQ_DELIVERY_NOT_SENT), "not_sent");
  assert_string_equal(plq_delivery_name(PLQ_DELIVERY_MAYBE_SENT), "maybe_sent");
  assert_string_equal(plq_delivery_name(PLQ_DELIVERY_ANSWERED), "answered");
  assert_string_equal(plq_delivery_name(3), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(known), cmocka_unit_test(never_repeated),
                                     cmocka_unit_test(a_newer_status_is_known_by_its_kind), cmocka_unit_test(nonsense_is_no_success),
                                     cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
