/* SPDX-License-Identifier: MIT */
/* Clients: what makes one fail, what it shows of itself, its end, and fork. */
#include "pipeline/client.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe.h"

static int leftover(void **state) {
  (void)state;
  return probe_instances;
}

struct refused_case {
  const char *options[6]; /* pairs */
  int32_t want;
  const char *field;
};

static const struct refused_case refused[] = {
    {{"transport", "probe"}, PLQ_E_TRANSPORT_TEST_CLASS, NULL},
    {{"transport", "no-such-transport", "transport_dir", "/"}, PLQ_E_TRANSPORT_NOT_FOUND, NULL},
    {{"transport", "probe-plain", "transport_allow", "curl"}, PLQ_E_TRANSPORT_NOT_ALLOWED, NULL},
    {{"transport", "probe-plain", "pins", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, PLQ_E_CAPABILITY_MISSING, "pins"},
    {{"transport", "probe-plain", "ca_file", "/x.pem"}, PLQ_E_CAPABILITY_MISSING, "ca_file"},
    {{"transport", "probe-plain", "proxy", "http://proxy.example"}, PLQ_E_CAPABILITY_MISSING, "proxy"},
    {{"transport", "probe-plain", "base_url", "http://localhost"}, PLQ_E_PLAIN_HTTP, "base_url"},
    {{"transport", "probe-plain", "retry_operations", "client_secrets.creat"}, PLQ_E_OPTION_VALUE, "retry_operations"},
    {{"transport", "probe-plain", "probe-plain.note", "x"}, PLQ_E_OPTION_UNKNOWN, "probe-plain.note"},
};

static void what_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(refused); i++) {
    plq_options *options = NULL;
    plq_client_id client = 77;
    plq_error *error = NULL;
    char row[100];
    plq_options_new(PLQ_NO_AMBIENT, &options, NULL);
    for (int j = 0; j < 6 && refused[i].options[j] != NULL; j += 2)
      assert_int_equal(plq_options_set(options, refused[i].options[j], PLQ_NUL, refused[i].options[j + 1], PLQ_NUL, NULL), PLQ_OK);
    int32_t status = plq_client_new(options, &client, &error);
    snprintf(row, sizeof row, "row %zu: %s, %s", i, plq_status_name(status), plq_error_field(error, NULL));
    EXPECT_ROW(status == refused[i].want, row);
    EXPECT_ROW(client == 0, row);
    EXPECT_ROW(refused[i].field == NULL || strcmp(plq_error_field(error, NULL), refused[i].field) == 0, row);
    EXPECT_ROW(strlen(plq_error_message(error, NULL)) > 10, row);
    plq_error_free(error);
    plq_options_free(options);
  }
  expect_rows_end();
  assert_int_equal(plq_client_new(NULL, NULL, NULL), PLQ_E_ARGUMENT);
}

/* An option of another transport is no error, so that transports are swapped by one option. */
static void options_of_other_transports(void **state) {
  (void)state;
  plq_client_free(probe_client("probe-plain", "probe.note", "x", "curl.anything", "y", NULL));
}

static const char *shown(const plq_options *options, const char *key, int32_t *out_source) {
  const char *value = NULL;
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, out_source), PLQ_OK);
  return value;
}

static void options_as_used(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", "environment", "production", "probe.note", "x", NULL);
  plq_options *options = NULL;
  plq_client_id copy = 77;
  int32_t source;
  assert_int_equal(plq_client_options(client, &options, NULL), PLQ_OK);
  assert_string_equal(shown(options, "base_url", &source), "https://connect.plastiq.com/api");
  assert_string_equal(shown(options, "environment", &source), "production");
  assert_int_equal(source, PLQ_SOURCE_CODE);
  assert_string_equal(shown(options, "timeout_ms", &source), "15000");
  assert_int_equal(source, PLQ_SOURCE_DEFAULT);
  assert_string_equal(shown(options, "access_token", &source), "[set]");
  assert_null(shown(options, "second_access_token", &source));
  assert_int_equal(plq_client_new(options, &copy, NULL), PLQ_E_ARGUMENT); /* it lacks the secrets */
  assert_int_equal(copy, 0);
  plq_options_free(options);
  assert_int_equal(plq_client_set_tokens(client, NULL, 0, "b", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_client_options(client, &options, NULL), PLQ_OK);
  assert_null(shown(options, "access_token", &source));
  assert_string_equal(shown(options, "second_access_token", &source), "[set]");
  plq_options_free(options);
  plq_client_free(client);
}

static void options_may_go(void **state) {
  (void)state;
  plq_options *options = NULL;
  plq_client_id client = 0;
  plq_options_new(PLQ_NO_AMBIENT, &options, NULL);
  plq_options_set(options, "transport", PLQ_NUL, "probe-plain", PLQ_NUL, NULL);
  assert_int_equal(plq_client_new(options, &client, NULL), PLQ_OK);
  plq_options_set(options, "transport", PLQ_NUL, "curl", PLQ_NUL, NULL);
  plq_options_free(options);
  plq_transports *transports = NULL;
  assert_int_equal(plq_client_transport(client, &transports, NULL), PLQ_OK);
  assert_int_equal(plq_transports_count(transports), 1);
  assert_string_equal(plq_transports_text(transports, 0, PLQ_TRANSPORT_NAME, NULL), "probe-plain");
  assert_string_equal(plq_transports_text(transports, 0, PLQ_TRANSPORT_CLASS, NULL), "production");
  assert_string_equal(plq_transports_text(transports, 0, PLQ_TRANSPORT_PATH, NULL), "");
  plq_transports_free(transports);
  plq_client_free(client);
}

static void tokens_are_checked(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "a b", "a\n", "\xc3\xa4"};
  plq_client_id client = probe_client("probe", NULL);
  plq_request *request = NULL;
  plq_response *response = NULL;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    plq_error *error = NULL;
    EXPECT_ROW(plq_client_set_tokens(client, wrong[i], PLQ_NUL, NULL, 0, &error) == PLQ_E_TOKEN_INVALID, wrong[i]);
    EXPECT_ROW(strlen(wrong[i]) < 2 || strstr(plq_error_message(error, NULL), wrong[i]) == NULL, wrong[i]);
    plq_error_free(error);
    EXPECT_ROW(plq_client_set_tokens(client, "good", PLQ_NUL, wrong[i], PLQ_NUL, NULL) == PLQ_E_TOKEN_INVALID, wrong[i]);
  }
  expect_rows_end();
  plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  assert_non_null(strstr(probe_seen[0].headers, "Bearer " PROBE_TOKEN "\n")); /* nothing was replaced */
  plq_response_free(response);
  plq_request_free(request);
  plq_client_free(client);
}

static void stale_and_foreign_handles(void **state) {
  (void)state;
  static const plq_client_id foreign[] = {0, 1, 42, UINT64_MAX, UINT64_C(1) << 52};
  plq_client_id clients[COUNT(foreign) + 1];
  memcpy(clients, foreign, sizeof foreign);
  clients[COUNT(foreign)] = probe_client("probe", NULL);
  assert_int_equal(plq_client_close(clients[COUNT(foreign)], 0), PLQ_OK);
  plq_request *request = NULL;
  plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
  for (size_t i = 0; i < COUNT(clients); i++) {
    plq_response *response = (plq_response *)(void *)1;
    plq_options *options = (plq_options *)(void *)1;
    plq_transports *transports = (plq_transports *)(void *)1;
    plq_error *error = NULL;
    plq_call_id call = 77;
    assert_int_equal(plq_call(clients[i], request, &response, &error), PLQ_E_HANDLE);
    assert_null(response);
    assert_int_equal(plq_error_status(error), PLQ_E_HANDLE);
    plq_error_free(error);
    assert_int_equal(plq_client_set_tokens(clients[i], "a", PLQ_NUL, NULL, 0, NULL), PLQ_E_HANDLE);
    assert_int_equal(plq_client_options(clients[i], &options, NULL), PLQ_E_HANDLE);
    assert_null(options);
    assert_int_equal(plq_client_transport(clients[i], &transports, NULL), PLQ_E_HANDLE);
    assert_null(transports);
    assert_int_equal(plq_client_warm(clients[i], 1, 0, NULL, NULL), PLQ_E_HANDLE);
    assert_int_equal(plq_client_close(clients[i], 0), PLQ_E_HANDLE);
    assert_int_equal(plq_call_new(clients[i], &call, NULL), PLQ_E_HANDLE);
    assert_int_equal(call, 0);
    plq_client_free(clients[i]);
  }
  plq_request_free(request);
}

static void closing(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  assert_int_equal(probe_instances, 1);
  assert_int_equal(plq_client_close(client, -1), PLQ_OK);
  assert_int_equal(probe_instances, 0); /* gone on return */
  assert_int_equal(plq_client_close(client, -1), PLQ_E_HANDLE);
}

/* The instance goes with the last call that runs, not before. */
static plq_client_id inside_client;
static int32_t inside_status;
static int inside_instances;
static void close_inside(void) {
  inside_status = plq_client_close(inside_client, 0);
  inside_instances = probe_instances;
}

static void closing_while_a_call_runs(void **state) {
  (void)state;
  PROBE_PLAY({.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .inside = close_inside});
  plq_request *request = NULL;
  plq_response *response = NULL;
  inside_client = probe_client("probe", NULL);
  plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
  assert_int_equal(plq_call(inside_client, request, &response, NULL), PLQ_E_CANCELLED);
  assert_int_equal(inside_status, PLQ_E_BUSY);
  assert_int_equal(inside_instances, 1);
  assert_int_equal(probe_instances, 0);
  plq_request_free(request);
}

static void many_clients(void **state) {
  (void)state;
  plq_client_id clients[50];
  for (size_t i = 0; i < COUNT(clients); i++) clients[i] = probe_client(i % 2 ? "probe" : "probe-async", NULL);
  assert_int_equal(probe_instances, COUNT(clients));
  for (size_t i = 0; i < COUNT(clients); i++) plq_client_free(clients[(i * 7) % COUNT(clients)]);
  assert_int_equal(probe_instances, 0);
}

/* ---- fork ---- */

/* In the child: the client works over a fresh instance, the parent's is abandoned and not destroyed, the parent's calls answer FORKED. */
static int child(plq_client_id client, plq_call_id call) {
  plq_request *request = NULL;
  plq_response *response = NULL;
  if (plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL) != PLQ_OK) return 2;
  if (plq_call_run(call, request, &response, NULL) != PLQ_E_FORKED) return 3;
  if (plq_call(client, request, &response, NULL) != PLQ_OK) return 4;
  if (probe_instances != 2 || probe_abandoned != 1) return 5;
  plq_response_free(response);
  plq_request_free(request);
  plq_client_free(client);
  return probe_instances == 1 && probe_abandoned == 1 ? 0 : 6;
}

static void fork_and_call(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  plq_call_id call = 0;
  plq_request *request = NULL;
  plq_response *response = NULL;
  plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
  plq_call_new(client, &call, NULL);
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  plq_response_free(response);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) _exit(child(client, call));
  int status = -1;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(plq_call_run(call, request, &response, NULL), PLQ_OK); /* the parent never noticed */
  plq_response_free(response);
  assert_int_equal(probe_abandoned, 0);
  plq_call_free(call);
  plq_request_free(request);
  plq_client_free(client);
}

/* A child that never calls, and only frees: the parent's instance is abandoned, not destroyed. */
static void fork_and_free(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    plq_client_free(client);
    _exit(probe_abandoned == 1 ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  plq_client_free(client);
}

/* The trace ids and the jitter of a child are not those of its parent. */
static void fork_reseeds(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  plq_request *request = NULL;
  plq_response *response = NULL;
  int ends[2];
  char trace[64] = "", of_child[64] = "";
  assert_int_equal(pipe(ends), 0);
  plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL);
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK); /* fills the pool */
  plq_response_free(response);
  probe_seen_count = 0;
  pid_t pid = fork();
  assert_true(pid >= 0);
  int32_t status = plq_call(client, request, &response, NULL);
  const char *line = status == PLQ_OK ? strstr(probe_seen[0].headers, "Trace-Id: ") : NULL;
  if (line != NULL) snprintf(trace, sizeof trace, "%.36s", line + 10);
  plq_response_free(response);
  if (pid == 0) _exit(write(ends[1], trace, 36) == 36 ? 0 : 1);
  assert_int_equal(read(ends[0], of_child, 36), 36);
  assert_int_equal(waitpid(pid, NULL, 0), pid);
  close(ends[0]), close(ends[1]);
  assert_int_equal(strlen(trace), 36);
  assert_string_not_equal(trace, of_child);
  plq_request_free(request);
  plq_client_free(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, probe_reset, leftover)
      TEST(what_is_refused), TEST(options_of_other_transports), TEST(options_as_used), TEST(options_may_go), TEST(tokens_are_checked),
      TEST(stale_and_foreign_handles), TEST(closing), TEST(closing_while_a_call_runs), TEST(many_clients), TEST(fork_and_call),
      TEST(fork_and_free), TEST(fork_reseeds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
