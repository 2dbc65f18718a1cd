/* SPDX-License-Identifier: MIT */
/* Opening connections ahead of use. */
#include "probe.h"

static int leftover(void **state) {
  (void)state;
  return probe_instances;
}

static void warms(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", "max_connections", "8", NULL);
  uint32_t open = 77;
  assert_int_equal(plq_client_warm(client, 3, -1, &open, NULL), PLQ_OK);
  assert_int_equal(open, 3);
  assert_int_equal(plq_client_warm(client, 8, 100, NULL, NULL), PLQ_OK);
  assert_int_equal(probe_prewarmed, 2);
  plq_client_free(client);
}

static void refuses(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", "max_connections", "8", NULL), plain = probe_client("probe-plain", NULL);
  plq_error *error = NULL;
  uint32_t open = 77;
  assert_int_equal(plq_client_warm(client, 9, -1, &open, &error), PLQ_E_ARGUMENT);
  assert_int_equal(open, 0);
  assert_non_null(strstr(plq_error_message(error, NULL), "max_connections"));
  plq_error_free(error);
  assert_int_equal(plq_client_warm(plain, 1, -1, &open, &error), PLQ_E_UNSUPPORTED);
  assert_non_null(strstr(plq_error_message(error, NULL), "probe-plain"));
  plq_error_free(error);
  assert_int_equal(plq_client_warm(42, 1, -1, &open, &error), PLQ_E_HANDLE);
  plq_error_free(error);
  assert_int_equal(probe_prewarmed, 0);
  plq_client_free(client);
  plq_client_free(plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(warms, probe_reset, leftover),
                                     cmocka_unit_test_setup_teardown(refuses, probe_reset, leftover)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
