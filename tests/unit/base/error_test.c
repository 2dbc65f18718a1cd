/* SPDX-License-Identifier: MIT */
/* Errors and attempts: made, filled, shown, freed; also without memory. */
#include "base/error.h"

#include "base/alloc.h"
#include "unit.h"

static void getters_accept_null(void **state) {
  (void)state;
  size_t len = 77;
  assert_int_equal(plq_error_status(NULL), PLQ_OK);
  assert_int_equal(plq_error_kind(NULL), PLQ_KIND_OK);
  assert_int_equal(plq_error_phase(NULL), PLQ_PHASE_NONE);
  assert_int_equal(plq_error_delivery(NULL), PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(plq_error_repeatable(NULL), 0);
  assert_int_equal(plq_error_http_status(NULL), 0);
  assert_int_equal(plq_error_retry_after_ms(NULL), -1);
  assert_string_equal(plq_error_message(NULL, &len), "");
  assert_int_equal(len, 0);
  assert_string_equal(plq_error_field(NULL, NULL), "");
  assert_string_equal(plq_error_service_code(NULL, NULL), "");
  assert_string_equal(plq_error_service_message(NULL, NULL), "");
  assert_string_equal(plq_error_trace_id(NULL, NULL), "");
  assert_int_equal(plq_error_detail_count(NULL), 0);
  assert_string_equal(plq_error_detail(NULL, 0, NULL), "");
  assert_int_equal(plq_error_load_count(NULL), 0);
  assert_string_equal(plq_error_load_text(NULL, 0, PLQ_LOAD_PATH, NULL), "");
  assert_string_equal(plq_error_json(NULL, &len), "");
  assert_null(plq_error_attempts(NULL));
  assert_int_equal(plq_attempts_count(NULL), 0);
  plq_error_free(NULL);
}

static void a_new_error(void **state) {
  (void)state;
  size_t len = 0;
  plq_error *error = NULL;
  assert_int_equal(plq__fail(&error, PLQ_E_OPTION_VALUE, "timeout_ms", "%s is %d", "it", 7), PLQ_E_OPTION_VALUE);
  assert_int_equal(plq_error_status(error), PLQ_E_OPTION_VALUE);
  assert_int_equal(plq_error_kind(error), PLQ_KIND_CONFIG);
  assert_int_equal(plq_error_phase(error), PLQ_PHASE_CONFIG);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(plq_error_retry_after_ms(error), -1);
  assert_string_equal(plq_error_message(error, &len), "it is 7");
  assert_int_equal(len, 7);
  assert_string_equal(plq_error_field(error, NULL), "timeout_ms");
  assert_non_null(plq_error_attempts(error));
  assert_int_equal(plq_attempts_count(plq_error_attempts(error)), 0);
  plq_error_free(error);
}

static void nobody_wants_it(void **state) {
  (void)state;
  assert_int_equal(plq__fail(NULL, PLQ_E_ARGUMENT, NULL, "x"), PLQ_E_ARGUMENT);
  assert_int_equal(plq__fail_plain(NULL, PLQ_E_MEMORY), PLQ_E_MEMORY);
  plq__out_error(NULL);
}

/* A long message is cut between characters. */
static void long_message(void **state) {
  (void)state;
  for (size_t lead = 1018; lead <= 1024; lead++) {
    char text[1100];
    plq_error *error = NULL;
    memset(text, 'a', lead);
    strcpy(text + lead, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    plq__fail(&error, PLQ_E_ARGUMENT, NULL, "%s", text);
    const char *message = plq_error_message(error, NULL);
    assert_true(strlen(message) <= PLQ__MESSAGE_LONGEST);
    assert_true(strlen(message) > PLQ__MESSAGE_LONGEST - 4);
    assert_true(plq__is_utf8(plq__text_in(message, SIZE_MAX)));
    plq_error_free(error);
  }
}

static void texts_are_replaced(void **state) {
  (void)state;
  plq_error *error = plq__error_new(PLQ_E_HTTP_CLIENT);
  plq__error_set(error, PLQ__ERROR_SERVICE_CODE, S("ONE"));
  plq__error_set(error, PLQ__ERROR_SERVICE_CODE, S("TWO_AND_MORE") - 9);
  plq__error_setf(error, "%s", "first");
  plq__error_setf(error, "%s", "second");
  assert_string_equal(plq_error_service_code(error, NULL), "TWO");
  assert_string_equal(plq_error_message(error, NULL), "second");
  plq_error_free(error);
}

static void load_log(void **state) {
  (void)state;
  plq_error *error = plq__error_new(PLQ_E_TRANSPORT_NOT_FOUND);
  for (int i = 0; i < 9; i++) {
    char path[16];
    snprintf(path, sizeof path, "/p/%d", i);
    plq__load_log_add(&error->load, path, "file", "no such file");
  }
  assert_int_equal(plq_error_load_count(error), 9);
  assert_string_equal(plq_error_load_text(error, 8, PLQ_LOAD_PATH, NULL), "/p/8");
  assert_string_equal(plq_error_load_text(error, 0, PLQ_LOAD_STAGE, NULL), "file");
  assert_string_equal(plq_error_load_text(error, 4, PLQ_LOAD_REASON, NULL), "no such file");
  assert_string_equal(plq_error_load_text(error, 9, PLQ_LOAD_PATH, NULL), "");
  assert_string_equal(plq_error_load_text(error, 0, 0, NULL), "");
  assert_string_equal(plq_error_load_text(error, 0, 4, NULL), "");
  plq_error_free(error);
}

static void attempts(void **state) {
  (void)state;
  struct plq_attempts list = {0};
  for (int i = 0; i < 5; i++) {
    struct plq__attempt *row = plq__attempts_add(&list);
    row->status = PLQ_E_HTTP_SERVER;
    row->http_status = 500 + i;
    row->wait_us = 10 * i;
    snprintf(row->peer, sizeof row->peer, "192.0.2.%d:443", i);
  }
  int64_t number = 77;
  assert_int_equal(plq_attempts_count(&list), 5);
  assert_int_equal(plq_attempts_number(&list, 4, PLQ_ATTEMPT_HTTP_STATUS, &number), PLQ_OK);
  assert_int_equal(number, 504);
  assert_int_equal(plq_attempts_number(&list, 3, PLQ_ATTEMPT_WAIT_US, &number), PLQ_OK);
  assert_int_equal(number, 30);
  assert_int_equal(plq_attempts_number(&list, 5, PLQ_ATTEMPT_STATUS, &number), PLQ_E_NOT_FOUND);
  assert_int_equal(number, 0);
  assert_int_equal(plq_attempts_number(&list, 0, 999, &number), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_attempts_number(&list, 0, 0, &number), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_attempts_number(&list, 0, PLQ_ATTEMPT_STATUS, NULL), PLQ_E_ARGUMENT);
  assert_string_equal(plq_attempts_text(&list, 2, PLQ_ATTEMPT_PEER, NULL), "192.0.2.2:443");
  assert_string_equal(plq_attempts_text(&list, 2, 999, NULL), "");
  assert_string_equal(plq_attempts_text(&list, 5, PLQ_ATTEMPT_PEER, NULL), "");
  plq__attempts_clear(&list);
  assert_int_equal(plq_attempts_count(&list), 0);
}

/* Every number that the header names is answered. */
static void every_number_is_known(void **state) {
  (void)state;
  struct plq_attempts list = {0};
  int64_t number;
  plq__attempts_add(&list);
  for (int32_t which = PLQ_ATTEMPT_STATUS; which <= PLQ_ATTEMPT_WAIT_US; which++)
    assert_int_equal(plq_attempts_number(&list, 0, which, &number), PLQ_OK);
  plq__attempts_clear(&list);
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

static void without_memory(void **state) {
  (void)state;
  for (int granted = 0; granted < 4; granted++) {
    plq_error *error = NULL;
    struct plq_attempts list = {0};
    struct plq__load_log log = {0};
    plq__alloc_gate = grant;
    grants = granted;
    int32_t status = plq__fail(&error, PLQ_E_ARGUMENT, "field", "message");
    grants = granted;
    struct plq__attempt *row = plq__attempts_add(&list);
    grants = granted;
    plq__load_log_add(&log, "path", "stage", "reason");
    plq__alloc_gate = NULL;
    assert_int_equal(status, PLQ_E_ARGUMENT);
    assert_true((error == NULL) == (granted == 0));
    assert_true((row == NULL) == (granted == 0));
    plq_error_free(error);
    plq__attempts_clear(&list);
    plq__load_log_clear(&log);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(getters_accept_null), cmocka_unit_test(a_new_error),        cmocka_unit_test(nobody_wants_it),
      cmocka_unit_test(long_message),        cmocka_unit_test(texts_are_replaced), cmocka_unit_test(load_log),
      cmocka_unit_test(attempts),            cmocka_unit_test(every_number_is_known), cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
