/* SPDX-License-Identifier: MIT */
/* Calls where the system gives no random bytes: a status, nothing sent, and nothing that needs none is hindered. */
#include <errno.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#define TRACE_ID "0a1b2c3d-4e5f-4789-8bcd-ef0123456789"

/* Stands in for the C library's: a sandbox that refuses. */
static _Atomic bool refused;

ssize_t getrandom(void *buffer, size_t len, unsigned flags) {
  if (!refused) return syscall(SYS_getrandom, buffer, len, flags);
  errno = EPERM;
  return -1;
}

static int setup(void **state) {
  refused = true;
  return probe_reset(state);
}

static int teardown(void **state) {
  (void)state;
  refused = false;
  return probe_instances;
}

static int32_t call(plq_client_id client, const char *trace_id, plq_error **out_error) {
  plq_request *request = NULL;
  plq_response *response = NULL;
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
  assert_int_equal(plq_request_set(request, "trace_id", PLQ_NUL, trace_id, PLQ_NUL, NULL), PLQ_OK);
  int32_t status = plq_call(client, request, &response, out_error);
  plq_response_free(response);
  plq_request_free(request);
  return status;
}

static void a_status(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  plq_error *error = NULL;
  assert_int_equal(call(client, NULL, &error), PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(plq_error_delivery(error), PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(plq_error_phase(error), PLQ_PHASE_CONFIG);
  assert_string_equal(plq_error_field(error, NULL), "trace_id");
  assert_non_null(strstr(plq_error_message(error, NULL), "getrandom"));
  plq_error_free(error);
  assert_int_equal(call(client, NULL, NULL), PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(probe_seen_count, 0);
  refused = false; /* it is not remembered */
  assert_int_equal(call(client, NULL, NULL), PLQ_OK);
  plq_client_free(client);
}

/* With a trace id of the caller's there is nothing to make; a repeat waits its longest, for want of jitter. */
static void with_a_trace_id(void **state) {
  (void)state;
  PROBE_PLAY({.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT},
             {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT});
  plq_client_id client = probe_client("probe", "backoff_base_ms", "100", "backoff_cap_ms", "150", NULL);
  assert_int_equal(call(client, TRACE_ID, NULL), PLQ_OK);
  assert_int_equal(probe_waits, 2);
  assert_int_equal(probe_waits_ms[0], 100);
  assert_int_equal(probe_waits_ms[1], 150);
  assert_non_null(strstr(probe_seen[0].headers, "Trace-Id: " TRACE_ID "\n"));
  plq_client_free(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(a_status, setup, teardown),
                                     cmocka_unit_test_setup_teardown(with_a_trace_id, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
