/* SPDX-License-Identifier: MIT */
/* The table of operations. */
#include "operations/operation.h"

#include "unit.h"

static void rows(void **state) {
  (void)state;
  assert_int_equal(plq__operation_count(), 2);
  const struct plq__operation *create = plq__operation_find(T("client_secrets.create"));
  const struct plq__operation *later = plq__operation_find(T("client_secrets.create_v2"));
  assert_ptr_equal(plq__operation_at(0), create);
  assert_ptr_equal(plq__operation_at(1), later);
  assert_null(plq__operation_at(2));
  assert_string_equal(create->method, "POST");
  assert_string_equal(create->path, "/client-secrets");
  assert_string_equal(later->path, "/v2/client-secrets");
  assert_true(create->repeatable);
  assert_int_equal(create->results[0].life_ms, 60000);
  assert_int_equal(later->results[0].life_ms, 1800000);
  assert_int_equal(create->success_count, 2);
  assert_int_equal(create->success[0], 200);
  assert_int_equal(create->success[1], 201);
}

static void fields(void **state) {
  (void)state;
  static const struct {
    const char *name, *header, *json[2];
    enum plq__rule rule;
  } want[] = {
      {"payer.id", NULL, {"payer", "id"}, PLQ__RULE_UUID},
      {"type", NULL, {"type", NULL}, PLQ__RULE_CHOICE},
      {"trace_id", "Trace-Id", {NULL, NULL}, PLQ__RULE_UUID4},
      {"user_agent", "User-Agent", {NULL, NULL}, PLQ__RULE_HEADER},
      {"end_user_device_id", "End-User-Device-Id", {NULL, NULL}, PLQ__RULE_HEADER},
      {"end_user_ip", "End-User-Ip", {NULL, NULL}, PLQ__RULE_IP},
  };
  for (size_t i = 0; i < plq__operation_count(); i++) {
    const struct plq__operation *operation = plq__operation_at(i);
    assert_int_equal(operation->field_count, COUNT(want));
    for (size_t j = 0; j < COUNT(want); j++) {
      const struct plq__field *field = &operation->fields[j];
      assert_string_equal(field->name, want[j].name);
      assert_int_equal(field->rule, want[j].rule);
      assert_true((field->header == NULL) == (want[j].header == NULL));
      if (field->header != NULL) assert_string_equal(field->header, want[j].header);
      if (want[j].json[0] != NULL) assert_string_equal(field->json[0], want[j].json[0]);
      if (want[j].json[1] != NULL) assert_string_equal(field->json[1], want[j].json[1]);
    }
  }
}

static void names(void **state) {
  (void)state;
  assert_null(plq__operation_find(T("client_secrets.Create")));
  assert_null(plq__operation_find(T("")));
  assert_null(plq__operation_find((struct plq__text){NULL, 0}));
  assert_null(plq__operation_find(T("client_secrets.create\0")));
  assert_string_equal(plq__operation_nearest(T("client_secret.create")), "client_secrets.create");
  assert_string_equal(plq__operation_nearest(T("client_secrets.create_v3")), "client_secrets.create_v2");
  assert_null(plq__operation_nearest(T("something quite different, really")));
}

static void results(void **state) {
  (void)state;
  const struct plq__operation *create = plq__operation_at(0);
  assert_int_equal(plq__result_find(create, T("client_secret")), 0);
  assert_int_equal(plq__result_find(create, T("clientSecret")), -1);
  assert_int_equal(plq__result_find(create, (struct plq__text){NULL, 0}), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(fields), cmocka_unit_test(names), cmocka_unit_test(results)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
