/* SPDX-License-Identifier: MIT */
/* Clients whose options come from the environment: a secret from code goes to no address that a variable chose. */
#include "probe.h"

#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static int setup(void **state) {
  return forget_variables(state) + probe_reset(state);
}

/* What a table's row sets: up to three variables, and up to three options in code. */
struct ambient_case {
  const char *variables[3][2];
  const char *code[3][2];
  int32_t want;
  const char *option, *secret; /* that PLQ_E_AMBIENT_ADDRESS names */
};

#define TOKEN \
  { "access_token", "test-key-of-code" }
#define REFUSED(option, secret) PLQ_E_AMBIENT_ADDRESS, option, secret
/* probe-plain knows no such option: it was asked, so the rule let it pass */
#define PASSES PLQ_E_CAPABILITY_MISSING, NULL, NULL

static const struct ambient_case cases[] = {
    {{{"BASE_URL", "https://a.example"}}, {TOKEN}, REFUSED("base_url", "access_token")},
    {{{"CA_FILE", "/a.pem"}}, {TOKEN}, REFUSED("ca_file", "access_token")},
    {{{"CA_DIR", "/a"}}, {TOKEN}, REFUSED("ca_dir", "access_token")},
    {{{"PINS", PIN}}, {TOKEN}, REFUSED("pins", "access_token")},
    {{{"PROXY", "http://a.example"}}, {TOKEN}, REFUSED("proxy", "access_token")},
    {{{"RESOLVE", "a.example:443:192.0.2.1"}}, {TOKEN}, REFUSED("resolve", "access_token")},
    {{{"BASE_URL", "https://a.example"}, {"ACCESS_TOKEN", "test-key-1"}},
     {{"second_access_token", "b"}},
     REFUSED("base_url", "second_access_token")},
    {{{"BASE_URL", "https://a.example"}, {"ACCESS_TOKEN", "test-key-1"}}, {TOKEN}, REFUSED("base_url", "access_token")},
    {{{"CA_FILE", "/a.pem"}}, {TOKEN, {"base_url", "https://a.example"}}, REFUSED("ca_file", "access_token")},
    /* a proxy's password goes to the proxy */
    {{{"PROXY", "http://a.example"}}, {{"proxy_password", "test-secret"}}, REFUSED("proxy", "proxy_password")},
    {{{"CA_FILE", "/a.pem"}},
     {{"proxy", "https://a.example"}, {"proxy_password", "test-secret"}},
     REFUSED("ca_file", "proxy_password")},
    {{{"CA_DIR", "/a"}},
     {{"proxy", "https://a.example"}, {"proxy_password", "test-secret"}},
     REFUSED("ca_dir", "proxy_password")},
    {{{"BASE_URL", "https://a.example"}}, {{"proxy", "https://a.example"}, {"proxy_password", "test-secret"}}, PASSES},
    {{{"PINS", PIN}}, {{"proxy", "https://a.example"}, {"proxy_password", "test-secret"}}, PASSES},
    /* both from the environment, both from code, or allowed */
    {{{"BASE_URL", "https://a.example"}, {"ACCESS_TOKEN", "test-key-1"}}, {{NULL, NULL}}, PLQ_OK, NULL, NULL},
    {{{"BASE_URL", "https://a.example"}}, {{NULL, NULL}}, PLQ_OK, NULL, NULL},
    {{{"BASE_URL", "https://a.example"}}, {TOKEN, {"base_url", "https://b.example"}}, PLQ_OK, NULL, NULL},
    {{{"ACCESS_TOKEN", "test-key-1"}}, {{"base_url", "https://b.example"}}, PLQ_OK, NULL, NULL},
    {{{"BASE_URL", "https://a.example"}}, {TOKEN, {"allow_ambient_address", "true"}}, PLQ_OK, NULL, NULL},
    {{{"PROXY", "http://a.example"}}, {TOKEN, {"proxy_password", "test-secret"}, {"allow_ambient_address", "true"}}, PASSES},
    {{{"BASE_URL", "https://a.example"}, {"ALLOW_AMBIENT_ADDRESS", "true"}}, {TOKEN}, REFUSED("base_url", "access_token")},
    {{{"BASE_URL", "https://a.example"}}, {TOKEN, {"allow_ambient_address", "false"}}, REFUSED("base_url", "access_token")},
    /* no address of somebody else's: the service's own two, and who the client is */
    {{{"ENVIRONMENT", "production"}}, {TOKEN}, PLQ_OK, NULL, NULL},
    {{{"CRL_FILE", "/a.pem"}}, {TOKEN}, PASSES},
    {{{"CLIENT_CERTIFICATE_FILE", "/a.pem"}, {"CLIENT_KEY_FILE", "/a.pem"}}, {TOKEN}, PASSES},
    {{{"TRANSPORT_DIR", "/a"}, {"TRANSPORT_ALLOW", "probe-plain"}}, {TOKEN}, PLQ_OK, NULL, NULL},
};

static int32_t try_client(const struct ambient_case *one, plq_client_id *out_client, plq_error **out_error) {
  plq_options *options = NULL;
  char name[64];
  for (size_t i = 0; i < COUNT(one->variables) && one->variables[i][0] != NULL; i++) {
    snprintf(name, sizeof name, "PLASTIQ_%s", one->variables[i][0]);
    setenv(name, one->variables[i][1], 1);
  }
  setenv("PLASTIQ_TRANSPORT", "probe-plain", 1);
  int32_t status = plq_options_new(0, &options, out_error);
  for (size_t i = 0; i < COUNT(one->code) && one->code[i][0] != NULL && status == PLQ_OK; i++)
    status = plq_options_set(options, one->code[i][0], PLQ_NUL, one->code[i][1], PLQ_NUL, out_error);
  if (status == PLQ_OK) status = plq_client_new(options, out_client, out_error);
  plq_options_free(options);
  forget_variables(NULL);
  return status;
}

static void addresses(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const struct ambient_case *one = &cases[i];
    plq_client_id client = 0;
    plq_error *error = NULL;
    char row[1200], variable[64] = "";
    int32_t status = try_client(one, &client, &error);
    const char *message = plq_error_message(error, NULL);
    snprintf(row, sizeof row, "%zu, %s: %s %s", i, one->variables[0][0], plq_status_name(status), message);
    EXPECT_ROW(status == one->want, row);
    if (one->option != NULL) {
      snprintf(variable, sizeof variable, "the variable PLASTIQ_%s", one->variables[0][0]);
      EXPECT_ROW(strcmp(plq_error_field(error, NULL), one->option) == 0, row);
      EXPECT_ROW(strstr(message, variable) != NULL && strstr(message, one->secret) != NULL, row);
      EXPECT_ROW(strstr(message, "allow_ambient_address") != NULL, row);
      EXPECT_ROW(strstr(message, "test-") == NULL, row);
    }
    plq_error_free(error);
    plq_client_free(client);
  }
  expect_rows_end();
}

static const char *shown(const plq_options *options, const char *key, int32_t *out_source) {
  const char *value = NULL;
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, out_source), PLQ_OK);
  return value;
}

/* NULL options: as plq_options_new(0) at that moment. The client tells where each value came from. */
static void without_options(void **state) {
  (void)state;
  plq_client_id client = 0;
  plq_options *options = NULL;
  plq_transports *transports = NULL;
  int32_t source;
  setenv("PLASTIQ_TRANSPORT", "probe-plain", 1);
  setenv("PLASTIQ_ENVIRONMENT", "production", 1);
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-0001", 1);
  setenv("PLASTIQ_TIMEOUT_MS", "777", 1);
  assert_int_equal(plq_client_new(NULL, &client, NULL), PLQ_OK);
  assert_int_equal(plq_client_transport(client, &transports, NULL), PLQ_OK);
  assert_string_equal(plq_transports_text(transports, 0, PLQ_TRANSPORT_NAME, NULL), "probe-plain");
  plq_transports_free(transports);
  assert_int_equal(plq_client_options(client, &options, NULL), PLQ_OK);
  assert_string_equal(shown(options, "timeout_ms", &source), "777");
  assert_int_equal(source, PLQ_SOURCE_ENVIRONMENT);
  assert_string_equal(shown(options, "access_token", &source), "[set]");
  assert_int_equal(source, PLQ_SOURCE_ENVIRONMENT);
  assert_string_equal(shown(options, "base_url", &source), "https://connect.plastiq.com/api");
  assert_int_equal(source, PLQ_SOURCE_ENVIRONMENT);
  plq_options_free(options);
  /* the service's own address, though a variable chose between the two: tokens from code may go there */
  assert_int_equal(plq_client_set_tokens(client, "test-key-2", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  assert_int_equal(plq_client_options(client, &options, NULL), PLQ_OK);
  assert_string_equal(shown(options, "access_token", &source), "[set]");
  assert_int_equal(source, PLQ_SOURCE_CODE);
  plq_options_free(options);
  plq_client_free(client);
}

/* What is wrong comes out where the options are made, or where the client is, and names the variable in both. */
static void failures_name_the_variable(void **state) {
  (void)state;
  static const struct {
    const char *variable, *value;
    int32_t want;
    const char *said;
  } rows[] = {
      {"PLASTIQ_TIMEOUT_MS", "soon", PLQ_E_OPTION_VALUE, "timeout_ms"},
      {"PLASTIQ_TRANSPORT", "probe", PLQ_E_TRANSPORT_TEST_CLASS, "allow_test_transports"},
      {"PLASTIQ_TRANSPORT", "./probe-plain", PLQ_E_TRANSPORT_NAME, "must be a name"},
      {"PLASTIQ_TRANSPORT", "not-there", PLQ_E_TRANSPORT_NOT_FOUND, "there is no transport \"not-there\""},
      {"PLASTIQ_TRANSPORT_ALLOW", "openssl", PLQ_E_TRANSPORT_NOT_ALLOWED, "transport_allow"},
      {"PLASTIQ_BASE_URL", "http://localhost", PLQ_E_PLAIN_HTTP, "allow_plain_http"},
      {"PLASTIQ_CA_FILE", "/none", PLQ_E_CAPABILITY_MISSING, "ca_file"},
      {"PLASTIQ_RETRY_OPERATIONS", "client_secrets.creat", PLQ_E_OPTION_VALUE, "client_secrets.create"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_client_id client = 77;
    plq_error *error = NULL;
    char row[1200], variable[64];
    setenv("PLASTIQ_TRANSPORT", "probe-plain", 1);
    setenv(rows[i].variable, rows[i].value, 1);
    int32_t status = plq_client_new(NULL, &client, &error);
    const char *message = plq_error_message(error, NULL);
    snprintf(variable, sizeof variable, "the variable %s: ", rows[i].variable);
    snprintf(row, sizeof row, "%s=%s: %s %s", rows[i].variable, rows[i].value, plq_status_name(status), message);
    EXPECT_ROW(status == rows[i].want && client == 0, row);
    EXPECT_ROW(strncmp(message, variable, strlen(variable)) == 0 && strstr(message, rows[i].said) != NULL, row);
    EXPECT_ROW(strstr(message + 1, "the variable ") == NULL, row); /* once */
    plq_error_free(error);
    forget_variables(NULL);
  }
  expect_rows_end();
}

/* Nor is code blamed on the environment: a value that code set, and a transport that code chose. */
static void code_is_not_blamed(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"transport", "not-there"}, {"transport_allow", "openssl"}, {"base_url", "http://localhost"}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_options *options = NULL;
    plq_client_id client = 0;
    plq_error *error = NULL;
    setenv("PLASTIQ_TRANSPORT", "probe-plain", 1);
    setenv("PLASTIQ_TRANSPORT_ALLOW", "probe-plain", 1);
    setenv("PLASTIQ_BASE_URL", "https://a.example", 1);
    assert_int_equal(plq_options_new(0, &options, NULL), PLQ_OK);
    plq_options_set(options, "transport", PLQ_NUL, "probe-plain", PLQ_NUL, NULL);
    plq_options_set(options, "transport_allow", PLQ_NUL, "probe-plain,not-there", PLQ_NUL, NULL);
    assert_int_equal(plq_options_set(options, rows[i][0], PLQ_NUL, rows[i][1], PLQ_NUL, NULL), PLQ_OK);
    EXPECT_ROW(plq_client_new(options, &client, &error) != PLQ_OK, rows[i][0]);
    EXPECT_ROW(strstr(plq_error_message(error, NULL), "the variable") == NULL, plq_error_message(error, NULL));
    plq_error_free(error);
    plq_options_free(options);
    forget_variables(NULL);
  }
  expect_rows_end();
}

static void call_and_look(plq_client_id client, int32_t want, const char *header) {
  plq_request *request = NULL;
  plq_response *response = NULL;
  int seen = probe_seen_count;
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
  assert_int_equal(plq_call(client, request, &response, NULL), want);
  assert_int_equal(probe_seen_count, seen + (header != NULL));
  if (header != NULL) assert_non_null(strstr(probe_seen[seen].headers, header));
  plq_response_free(response);
  plq_request_free(request);
}

/* The rule holds for the client's whole life. */
static void tokens_set_later(void **state) {
  (void)state;
  for (int allowed = 0; allowed < 2; allowed++) {
    const struct ambient_case with = {{{"BASE_URL", "https://a.example"}, {"ACCESS_TOKEN", "test-key-1"}},
                                      {{"allow_ambient_address", allowed ? "true" : "false"}},
                                      PLQ_OK,
                                      NULL,
                                      NULL};
    int32_t want = allowed ? PLQ_OK : PLQ_E_AMBIENT_ADDRESS;
    plq_client_id client = 0;
    plq_error *error = NULL;
    assert_int_equal(try_client(&with, &client, NULL), PLQ_OK);
    assert_int_equal(plq_client_set_tokens(client, "test-key-2", PLQ_NUL, NULL, 0, &error), want);
    assert_string_equal(plq_error_field(error, NULL), allowed ? "" : "base_url");
    if (!allowed) assert_non_null(strstr(plq_error_message(error, NULL), "PLASTIQ_BASE_URL, and token from code"));
    plq_error_free(error);
    assert_int_equal(plq_client_set_tokens(client, NULL, 0, "test-key-3", PLQ_NUL, NULL), want);
    assert_int_equal(plq_client_set_tokens(client, "a b", PLQ_NUL, NULL, 0, NULL), PLQ_E_TOKEN_INVALID);
    if (!allowed) call_and_look(client, PLQ_OK, "Bearer test-key-1\n");              /* nothing was replaced */
    assert_int_equal(plq_client_set_tokens(client, NULL, 0, NULL, 0, NULL), PLQ_OK); /* to take them away is no danger */
    call_and_look(client, PLQ_E_TOKEN_MISSING, NULL);
    plq_client_free(client);
  }
}

/* It does not matter that there was no token yet. */
static void first_token_set_later(void **state) {
  (void)state;
  const struct ambient_case plain = {{{"BASE_URL", "https://a.example"}}, {{NULL, NULL}}, PLQ_OK, NULL, NULL};
  plq_client_id client = 0;
  assert_int_equal(try_client(&plain, &client, NULL), PLQ_OK);
  assert_int_equal(plq_client_set_tokens(client, "test-key-2", PLQ_NUL, NULL, 0, NULL), PLQ_E_AMBIENT_ADDRESS);
  call_and_look(client, PLQ_E_TOKEN_MISSING, NULL);
  plq_client_free(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(addresses, setup, forget_variables),
      cmocka_unit_test_setup_teardown(without_options, setup, forget_variables),
      cmocka_unit_test_setup_teardown(failures_name_the_variable, setup, forget_variables),
      cmocka_unit_test_setup_teardown(code_is_not_blamed, setup, forget_variables),
      cmocka_unit_test_setup_teardown(tokens_set_later, setup, forget_variables),
      cmocka_unit_test_setup_teardown(first_token_set_later, setup, forget_variables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
