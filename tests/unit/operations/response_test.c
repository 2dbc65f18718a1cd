/* SPDX-License-Identifier: MIT */
/* Responses: what a success's body must hold (rows 8 to 10), and what getters answer. */
#include "operations/response.h"

#include "base/clock.h"
#include "operations/secret.h"
#include "unit.h"

static const struct plq__operation *operation(void) { return plq__operation_at(0); }

static int32_t decode(struct plq__text body, plq_response **out_response, plq_error **out_error) {
  return plq__response_decode(operation(), body.at, body.len, plq__life_now_ms(), out_response, out_error);
}

struct body_case {
  struct plq__text body;
  int32_t want;
  const char *secret; /* or the words of the error */
};

static const struct body_case cases[] = {
    {R("{\"clientSecret\":\"cs_1\"}"), PLQ_OK, "cs_1"},
    {R("\xef\xbb\xbf{\"clientSecret\":\"cs_1\"}"), PLQ_OK, "cs_1"},
    {R("\r\n\t {\"x\":[{}],\"clientSecret\":\"a\",\"clientSecret\":\"b\"}  "), PLQ_OK, "b"},
    {R("{\"clientSecret\":\"\\u0061\\n\\/\\\"\"}"), PLQ_OK, "a\n/\""},
    {R("{\"clientSecret\":\"\\ud83d\\ude00\"}"), PLQ_OK, "\xf0\x9f\x98\x80"},
    {R(""), PLQ_E_PROTOCOL_JSON, "0 bytes"},
    {R("<html>busy</html>"), PLQ_E_PROTOCOL_JSON, "not one JSON object"},
    {R("{\"clientSecret\":\"cs_1\""), PLQ_E_PROTOCOL_JSON, "not one JSON object"},
    {R("[\"cs_1\"]"), PLQ_E_PROTOCOL_JSON, "not one JSON object"},
    {R("\"cs_1\""), PLQ_E_PROTOCOL_JSON, "not one JSON object"},
    {R("{\"clientSecret\":\"cs_1\"}x"), PLQ_E_PROTOCOL_JSON, "not one JSON object"},
    {R("{}"), PLQ_E_PROTOCOL_MEMBER, "is missing"},
    {R("{\"ClientSecret\":\"cs_1\"}"), PLQ_E_PROTOCOL_MEMBER, "is missing"},
    {R("{\"clientSecret\":null}"), PLQ_E_PROTOCOL_MEMBER, "is null"},
    {R("{\"clientSecret\":\"a\",\"clientSecret\":null}"), PLQ_E_PROTOCOL_MEMBER, "is null"},
    {R("{\"clientSecret\":\"\"}"), PLQ_E_PROTOCOL_MEMBER, "is empty"},
    {R("{\"clientSecret\":7}"), PLQ_E_PROTOCOL_MEMBER, "is not a string"},
    {R("{\"clientSecret\":{\"a\":\"b\"}}"), PLQ_E_PROTOCOL_MEMBER, "is not a string"},
    {R("{\"x\":{\"clientSecret\":\"cs_1\"}}"), PLQ_E_PROTOCOL_MEMBER, "is missing"},
};

static void bodies(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const struct body_case *one = &cases[i];
    struct plq__text body = exact(one->body);
    plq_response *response = NULL;
    plq_error *error = NULL;
    plq_secret *secret = NULL;
    const char *bytes = "";
    int32_t status = decode(body, &response, &error);
    EXPECT_ROW(status == one->want, one->body.at);
    EXPECT_ROW((response != NULL) == (status == PLQ_OK) && (error != NULL) == (status != PLQ_OK), one->body.at);
    if (status == PLQ_OK) {
      EXPECT_ROW(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret) == PLQ_OK, one->body.at);
      plq_secret_read(secret, &bytes, NULL);
      EXPECT_ROW(strcmp(bytes, one->secret) == 0, one->body.at);
    } else {
      EXPECT_ROW(strstr(plq_error_message(error, NULL), one->secret) != NULL, one->body.at);
      EXPECT_ROW(strstr(plq_error_message(error, NULL), "cs_1") == NULL, one->body.at);
    }
    plq_secret_free(secret);
    plq_response_free(response);
    plq_error_free(error);
    free((char *)body.at);
  }
  expect_rows_end();
}

static void no_body(void **state) {
  (void)state;
  plq_response *response = NULL;
  assert_int_equal(plq__response_decode(operation(), NULL, 0, 0, &response, NULL), PLQ_E_PROTOCOL_JSON);
  assert_null(response);
}

static void taking(void **state) {
  (void)state;
  plq_response *response = NULL;
  plq_secret *secret = NULL, *again = NULL;
  assert_int_equal(decode(T("{\"clientSecret\":\"cs_1\"}"), &response, NULL), PLQ_OK);
  assert_int_equal(plq_response_take_secret(response, "clientSecret", PLQ_NUL, &secret), PLQ_E_NOT_FOUND);
  assert_null(secret);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &again), PLQ_E_SECRET_TAKEN);
  assert_null(again);
  plq_response_free(response);
  const char *bytes = NULL; /* outlives the response */
  assert_int_equal(plq_secret_read(secret, &bytes, NULL), PLQ_OK);
  assert_string_equal(bytes, "cs_1");
  plq_secret_free(secret);
}

static void getters(void **state) {
  (void)state;
  plq_response *response = NULL;
  const char *text = "old";
  size_t len = 77;
  plq_secret *secret = (plq_secret *)(void *)1;
  assert_int_equal(plq_response_http_status(NULL), 0);
  assert_string_equal(plq_response_trace_id(NULL, &len), "");
  assert_int_equal(len, 0);
  assert_null(plq_response_attempts(NULL));
  plq_response_free(NULL);
  assert_int_equal(decode(T("{\"clientSecret\":\"cs_1\"}"), &response, NULL), PLQ_OK);
  assert_int_equal(plq_response_text(response, "client_secret", PLQ_NUL, &text, &len), PLQ_E_NOT_FOUND); /* a secret is no text */
  assert_null(text);
  assert_int_equal(plq_response_text(response, "nothing", PLQ_NUL, &text, NULL), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_response_text(response, NULL, 0, &text, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_response_text(response, "x", PLQ_NUL, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_response_text(NULL, "x", PLQ_NUL, &text, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_response_take_secret(NULL, "client_secret", PLQ_NUL, &secret), PLQ_E_ARGUMENT);
  assert_null(secret);
  assert_int_equal(plq_response_take_secret(response, NULL, 0, &secret), PLQ_E_ARGUMENT);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, NULL), PLQ_E_ARGUMENT);
  plq_response_free(response); /* with the secret in it */
}

/* No operation has a text result yet: a table of our own shows that one works. */
static void text_results(void **state) {
  (void)state;
  static const struct plq__result results[] = {{"note", "note", false, 0, ""}, {"key", "key", true, 1000, ""}};
  static const struct plq__operation own = {.name = "own", .results = results, .result_count = 2};
  plq_response *response = NULL;
  const char *text = NULL;
  size_t len = 0;
  assert_int_equal(plq__response_decode(&own, S("{\"note\":\"\\u00e4!\",\"key\":\"k\"}"), 0, &response, NULL), PLQ_OK);
  assert_int_equal(plq_response_text(response, "note", PLQ_NUL, &text, &len), PLQ_OK);
  assert_string_equal(text, "\xc3\xa4!");
  assert_int_equal(len, 3);
  plq_response_free(response);
  assert_int_equal(plq__response_decode(&own, S("{\"key\":\"k\",\"note\":7}"), 0, &response, NULL), PLQ_OK); /* only secrets are required */
  assert_int_equal(plq_response_text(response, "note", PLQ_NUL, &text, &len), PLQ_E_NOT_FOUND);
  plq_response_free(response);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bodies), cmocka_unit_test(no_body), cmocka_unit_test(taking),
                                     cmocka_unit_test(getters), cmocka_unit_test(text_results)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
