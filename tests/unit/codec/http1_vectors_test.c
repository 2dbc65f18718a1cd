/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 parser and the core's validator over every answer of tests/vectors that a socket can play: the same outcome however
 * it is cut, and the one that the vector expects, where the response decides it.
 */
#include <plastiq/status.h>

#include "http1_play.h"
#include "http1_rows.h"
#include "match.h"
#include "script.h"
#include "unit.h"
#include "vector.h"

static size_t played, judged;
static test_bytes *seen; /* answers, each once: many cases end with the same success */
static size_t seen_count;

static bool is_new(const struct play_input *input) {
  for (size_t i = 0; i < seen_count; i++)
    if (seen[i].len == input->len && memcmp(seen[i].data, input->data, input->len) == 0) return false;
  seen = realloc(seen, (seen_count + 1) * sizeof *seen);
  assert_non_null(seen);
  seen[seen_count] = (test_bytes){0};
  test_bytes_add(&seen[seen_count++], input->data, input->len);
  return true;
}

static uint64_t option(const test_case *self, const char *key) {
  json_object *value = json_object_object_get(json_object_object_get(self->json, "options"), key);
  return value == NULL ? 0 : strtoull(json_object_get_string(value), NULL, 10);
}

static bool server_is(const test_case *self, const char *what) {
  return json_object_get_boolean(json_object_object_get(json_object_object_get(self->json, "server"), what));
}

/* How the response ends, if the connection does: whoever reads plain TCP takes any FIN for an end. */
static uint32_t end_of(const test_case *self, const test_step *step) {
  if (step->end == TEST_END_CLOSE) return PLQ_HTTP1_END_CLOSED;
  return step->end != TEST_END_FIN ? 0 : server_is(self, "plain") ? PLQ_HTTP1_END_CLOSED : PLQ_HTTP1_END_CUT;
}

static bool decides(int32_t status) {
  int32_t kind = plq_status_kind(status);
  bool later = status == PLQ_E_PROTOCOL_JSON || status == PLQ_E_PROTOCOL_MEMBER;
  return kind == PLQ_KIND_TRUNCATED || kind == PLQ_KIND_LIMIT || (kind == PLQ_KIND_PROTOCOL && !later);
}

static int32_t status_of(const char *name) {
  for (int32_t status = 0; status < 20000; status++)
    if (strcmp(plq_status_name(status), name) == 0) return status;
  return -1;
}

/* The outcome of a case with one answer is that answer's, unless nothing ended it. */
static void judge(const test_case *self, const test_step *step, const struct play_input *input) {
  json_object *want = json_object_object_get(json_object_object_get(self->json, "outcome"), "status");
  uint32_t how = end_of(self, step);
  if (want == NULL || json_object_object_get(json_object_object_get(self->json, "server"), "http2") != NULL) return;
  struct play_result result = play(input, PLAY_WHOLE, how);
  bool complete = (result.flags | result.flags_at_end) & PLQ_HTTP1_COMPLETE;
  test_bytes problems = {0};
  if (decides(result.status)) {
    json_object *got = json_object_new_string(plq_status_name(result.status));
    test_match(&problems, "status", want, got);
    json_object_put(got);
  } else if (complete && json_object_is_type(want, json_type_string)) {
    /* The one thing that a transport may refuse and the parser takes. */
    bool unproven =
        result.flags & PLQ_HTTP1_UNTIL_CLOSE && strcmp(json_object_get_string(want), "PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY") == 0;
    if (!unproven && decides(status_of(json_object_get_string(want))))
      test_problem(&problems, "complete, but %s is expected", json_object_get_string(want));
  }
  judged += complete || decides(result.status);
  if (problems.len > 0) print_error("%02d/%s: %s\n", self->row, self->name, problems.data);
  EXPECT_ROW(problems.len == 0, self->name);
  test_bytes_clear(&problems);
  play_result_clear(&result);
}

static void play_case(const test_case *self) {
  json_object *responses = NULL;
  const char *reason = NULL;
  if (!json_object_object_get_ex(self->json, "wire_responses", &responses))
    responses = json_object_object_get(self->json, "responses");
  test_script *script = test_script_new(responses, &reason);
  if (script == NULL) return; /* a fault that only the stub transport has */
  for (size_t i = 0; i < script->count; i++) {
    const test_step *step = &script->steps[i];
    if (step->before != TEST_BEFORE_NOTHING || step->answer.len == 0) continue;
    if (play_is_slow() && step->answer.len > 10000) continue;
    struct play_input input = {.data = step->answer.data, .len = step->answer.len};
    input.max_head = option(self, "max_head_bytes");
    input.max_body = option(self, "max_body_bytes");
    if (script->count == 1 && !server_is(self, "proxy")) judge(self, step, &input);
    played++;
    if (input.max_head == 0 && input.max_body == 0 && !is_new(&input)) continue;
    expect_any_way(self->name, &input);
    input.lax = true;
    expect_any_way(self->name, &input);
  }
  test_script_free(script);
}

static void test_vectors(void **state) {
  (void)state;
  test_cases cases = test_cases_load(TEST_VECTOR_DIR, 0);
  for (size_t i = 0; i < cases.count; i++) play_case(&cases.cases[i]);
  test_cases_free(&cases);
  print_message("%zu answers, %zu different ones, %zu compared with an outcome\n", played, seen_count, judged);
  assert_true(played > 900 && seen_count > 200 && judged > 450);
  for (size_t i = 0; i < seen_count; i++) test_bytes_clear(&seen[i]);
  free(seen);
  expect_rows_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
  return cmocka_run_group_tests_name("codec/http1_vectors", tests, NULL, NULL);
}
