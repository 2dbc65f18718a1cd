/* SPDX-License-Identifier: MIT */
/* Messages through a queue: what a reply says is what plq_call_message() would have said, and it fits into the caller's memory. */
#include "base/alloc.h"
#include "json.h"
#include "queue.h"

static int32_t submit(const char *json, uint64_t tag, uint64_t *out_id) {
  msgpack_sbuffer packed;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, json);
  int32_t status = plq_queue_submit_message(queue, (const uint8_t *)packed.data, packed.size, tag, 0, out_id, NULL);
  memset(packed.data, 'x', packed.size); /* it was copied */
  msgpack_sbuffer_destroy(&packed);
  return status;
}

/* The next completion as JSON, in a buffer of exactly its size. */
static json_object *get(uint64_t tag) {
  size_t len = 0, again = 0;
  uint64_t told = 0, id = 0, id_again = 0;
  assert_int_equal(plq_queue_next_message(queue, 10000, NULL, 0, &len, &told, &id), PLQ_E_BUFFER_TOO_SMALL);
  assert_true(len > 0 && told == tag && id != 0);
  uint8_t *buffer = malloc(len);
  assert_int_equal(plq_queue_next_message(queue, 0, buffer, len - 1, &again, &told, &id_again), PLQ_E_BUFFER_TOO_SMALL);
  assert_true(again == len && id_again == id);
  assert_int_equal(plq_queue_next_message(queue, 0, buffer, len, &again, &told, &id_again), PLQ_OK);
  assert_true(again == len && told == tag && id_again == id);
  json_object *json = unpack_json(buffer, len);
  free(buffer);
  return json;
}

static const char *text(json_object *object, const char *a, const char *b) {
  json_object *inner = json_object_object_get(object, a);
  json_object *value = b != NULL ? json_object_object_get(inner, b) : inner;
  return value != NULL ? json_object_get_string(value) : "";
}

static int64_t number(json_object *object, const char *key) { return json_object_get_int64(json_object_object_get(object, key)); }

static void success(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_at_once = true;
  assert_int_equal(submit("{'v':1,'op':'client_secrets.create','want':['attempts']}", 1, NULL), PLQ_OK);
  json_object *reply = get(1);
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_int_equal(number(reply, "http_status"), 200);
  assert_non_null(strstr(text(reply, "results", "client_secret"), "test-secret-"));
  assert_int_equal(json_object_array_length(json_object_object_get(reply, "attempts")), 1);
  json_object_put(reply);
  assert_int_equal(queue_none(0), PLQ_E_QUEUE_EMPTY);
}

struct wrong {
  const char *message;
  int32_t status;
  const char *field;
};

/* A message that breaks a rule is accepted, and that is how it ends. */
static void broken(void **state) {
  (void)state;
  static const struct wrong rows[] = {
      {"{'v':1}", PLQ_E_MESSAGE, "op"},
      {"{'v':2,'op':'client_secrets.create'}", PLQ_E_MESSAGE_VERSION, "v"},
      {"{'v':1,'op':'client_secrets.creat'}", PLQ_E_UNKNOWN_OPERATION, "client_secrets.create"},
      {"{'v':1,'op':'client_secrets.create','params':{'payer.id':'x'}}", PLQ_E_FIELD_VALUE, "payer.id"},
      {"{'v':1,'op':'client_secrets.create','params':{'type':'CARD'},'extra':{'type':'CARD'}}", PLQ_E_EXTRA_CONFLICT, "type"},
      {"{'v':1,'op':'describe','params':{'table':'no'}}", PLQ_E_NOT_FOUND, "name"},
      {"7", PLQ_E_MESSAGE, ""},
  };
  queue_open("loop", NULL);
  for (size_t i = 0; i < COUNT(rows); i++) {
    assert_int_equal(submit(rows[i].message, i, NULL), PLQ_OK);
    json_object *reply = get(i);
    EXPECT_ROW(number(reply, "status") == rows[i].status, rows[i].message);
    EXPECT_ROW(strcmp(text(reply, "error", "field"), rows[i].field) == 0, rows[i].message);
    EXPECT_ROW(strcmp(text(reply, "error", "delivery"), "not_sent") == 0, rows[i].message);
    json_object_put(reply);
  }
  expect_rows_end();
  assert_int_equal(loop_submits, 0);
}

static void arguments(void **state) {
  (void)state;
  size_t len = 1;
  uint64_t tag = 1, id = 1;
  uint8_t byte;
  plq_error *error = NULL;
  queue_open("loop", NULL);
  assert_int_equal(plq_queue_submit_message(queue, NULL, 0, 1, 0, &id, &error), PLQ_E_ARGUMENT);
  assert_int_equal(id, 0);
  plq_error_free(error);
  assert_int_equal(plq_queue_next_message(queue, 0, &byte, 1, NULL, &tag, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_queue_next_message(queue, 0, &byte, 1, &len, NULL, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_queue_next_message(queue, 0, NULL, 1, &len, &tag, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_queue_next_message(queue, -2, &byte, 1, &len, &tag, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_queue_next_message(queue, 0, &byte, 1, &len, &tag, &id), PLQ_E_QUEUE_EMPTY);
  assert_int_equal(len + tag + id, 0);
}

static void events(void **state) {
  (void)state;
  queue_open("loop", NULL);
  loop_answers[0] = (struct loop_answer){.failure = PLQ_E_CONNECT_REFUSED};
  loop_at_once = true;
  assert_int_equal(submit("{'v':1,'op':'client_secrets.create','want':['events']}", 1, NULL), PLQ_OK);
  json_object *reply = get(1), *list = json_object_object_get(reply, "events");
  static const char *const names[] = {"call_start", "attempt_start", "attempt_end", "repeat", "attempt_start", "connection_reused",
                                      "attempt_end", "call_end"};
  assert_int_equal(json_object_array_length(list), COUNT(names));
  for (size_t i = 0; i < COUNT(names); i++) assert_string_equal(text(json_object_array_get_idx(list, i), "event", NULL), names[i]);
  json_object_put(reply);
}

static void described(void **state) {
  (void)state;
  queue_open("loop", NULL);
  assert_int_equal(submit("{'v':1,'op':'describe','params':{'table':'options'}}", 1, NULL), PLQ_OK);
  json_object *reply = get(1);
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_string_equal(text(reply, "results", "table"), "options");
  assert_non_null(strstr(text(reply, "results", "rows"), "queue_max_calls"));
  json_object_put(reply);
  plq_completion *completion = NULL;
  assert_int_equal(submit("{'v':1,'op':'describe','params':{'table':'options'}}", 2, NULL), PLQ_OK);
  assert_int_equal(plq_queue_next(queue, 0, &completion), PLQ_OK);
  assert_int_equal(plq_completion_status(completion), PLQ_OK);
  assert_null(plq_completion_take_response(completion)); /* there is none; the message has it */
  uint8_t *bytes = NULL;
  size_t len = 0;
  assert_int_equal(plq_completion_message(completion, &bytes, &len), PLQ_OK);
  reply = unpack_json(bytes, len);
  assert_string_equal(text(reply, "results", "table"), "options");
  json_object_put(reply);
  plq_message_free(bytes, len);
  plq_completion_free(completion);
}

/* Requests come as messages, and messages as objects. */
static void crosswise(void **state) {
  (void)state;
  queue_open("loop", "max_repeats", "0", NULL);
  loop_answers[1] = (struct loop_answer){.http_status = 404};
  loop_at_once = true;
  queue_put(1);
  json_object *reply = get(1);
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_non_null(strstr(text(reply, "results", "client_secret"), "test-secret-"));
  assert_null(json_object_object_get(reply, "attempts"));
  json_object_put(reply);
  queue_put(2);
  reply = get(2);
  assert_int_equal(number(reply, "status"), PLQ_E_HTTP_NOT_FOUND);
  assert_string_equal(text(reply, "error", "name"), "PLQ_E_HTTP_NOT_FOUND");
  json_object_put(reply);
  assert_int_equal(submit("{'v':1,'op':'client_secrets.create'}", 3, NULL), PLQ_OK);
  assert_int_equal(queue_get(3), PLQ_OK);
}

static void of_a_completion(void **state) {
  (void)state;
  plq_completion *completion = NULL;
  uint8_t *bytes = NULL;
  size_t len = 0;
  queue_open("loop", NULL);
  loop_at_once = true;
  for (uint64_t i = 0; i < 2; i++) queue_put(i);
  assert_int_equal(plq_queue_next(queue, 5000, &completion), PLQ_OK);
  assert_int_equal(plq_completion_message(completion, &bytes, &len), PLQ_OK);
  json_object *reply = unpack_json(bytes, len);
  assert_non_null(strstr(text(reply, "results", "client_secret"), "test-secret-"));
  json_object_put(reply);
  plq_message_free(bytes, len);
  assert_int_equal(plq_completion_message(completion, &bytes, &len), PLQ_E_NOT_FOUND); /* once */
  assert_null(bytes);
  plq_completion_free(completion);
  assert_int_equal(plq_queue_next(queue, 5000, &completion), PLQ_OK);
  plq_response_free(plq_completion_take_response(completion));
  assert_int_equal(plq_completion_message(completion, &bytes, &len), PLQ_E_NOT_FOUND);
  assert_int_equal(plq_completion_message(completion, NULL, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_completion_message(NULL, &bytes, &len), PLQ_E_ARGUMENT);
  plq_completion_free(completion);
}

/* A message that did not fit leaves the completion as it was, for whoever takes it. */
static void too_small_and_then_taken(void **state) {
  (void)state;
  static const char *const messages[] = {"{'v':1,'op':'client_secrets.create'}",
                                         "{'v':1,'op':'client_secrets.create','want':['secret_handle']}"};
  queue_open("loop", NULL);
  loop_at_once = true;
  for (size_t i = 0; i < COUNT(messages); i++) {
    plq_completion *completion = NULL;
    plq_secret *secret = NULL;
    const char *bytes = NULL;
    size_t needed = 0;
    uint64_t tag = 0;
    assert_int_equal(submit(messages[i], 1, NULL), PLQ_OK);
    assert_int_equal(plq_queue_next_message(queue, 5000, NULL, 0, &needed, &tag, NULL), PLQ_E_BUFFER_TOO_SMALL);
    assert_int_equal(plq_queue_next(queue, 0, &completion), PLQ_OK);
    plq_response *response = plq_completion_take_response(completion);
    assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
    assert_int_equal(plq_secret_read(secret, &bytes, NULL), PLQ_OK);
    assert_int_equal(strncmp(bytes, "test-secret-", 12), 0);
    plq_secret_free(secret);
    plq_response_free(response);
    plq_completion_free(completion);
  }
}

static void secret_by_handle(void **state) {
  (void)state;
  plq_secret *secret = NULL;
  queue_open("loop", NULL);
  loop_at_once = true;
  assert_int_equal(submit("{'v':1,'op':'client_secrets.create','want':['secret_handle']}", 1, NULL), PLQ_OK);
  json_object *reply = get(1);
  json_object *given = json_object_object_get(json_object_object_get(reply, "results"), "client_secret");
  plq_secret_id id = (plq_secret_id)number(given, "handle");
  json_object_put(reply);
  assert_int_equal(plq_secret_claim(id, &secret), PLQ_OK);
  plq_secret_free(secret);
  assert_int_equal(plq_secret_claim(id, &secret), PLQ_E_HANDLE);
}

static void full(void **state) {
  (void)state;
  uint64_t id = 1;
  queue_open("loop", "queue_max_calls", "1", NULL);
  assert_int_equal(submit("{'v':1,'op':'client_secrets.create','want':['events']}", 1, NULL), PLQ_OK);
  assert_int_equal(submit("{'v':1}", 2, &id), PLQ_E_QUEUE_FULL); /* a broken one too */
  assert_int_equal(id, 0);
  assert_int_equal(submit("{'v':1,'op':'client_secrets.create'}", 2, &id), PLQ_E_QUEUE_FULL);
  assert_int_equal(plq_queue_close(queue, 0), PLQ_OK);
  assert_int_equal(submit("{'v':1}", 2, &id), PLQ_E_CLOSED);
}

static int allowed;

static int gate(size_t size) {
  (void)size;
  return allowed-- > 0;
}

/* However late memory runs out, the completion stays with its secret, and comes once there is some again. */
static void without_memory(void **state) {
  (void)state;
  static const char *const messages[] = {"{'v':1,'op':'client_secrets.create'}",
                                         "{'v':1,'op':'client_secrets.create','want':['secret_handle','attempts']}"};
  queue_open("loop", NULL);
  loop_at_once = true;
  for (size_t i = 0; i < COUNT(messages); i++) {
    bool short_of_memory = true;
    for (int n = 0; short_of_memory; n++) {
      uint8_t buffer[4096];
      size_t len = 0;
      uint64_t tag = 0;
      plq_completion *completion = NULL;
      assert_int_equal(submit("{'v':1,'op':'client_secrets.create'}", 1, NULL), PLQ_OK);
      assert_int_equal(submit(messages[i], 2, NULL), PLQ_OK);
      assert_int_equal(plq_queue_next(queue, 5000, &completion), PLQ_OK); /* both are ready now */
      plq_completion_free(completion);
      allowed = n;
      plq__alloc_gate = gate;
      int32_t status = plq_queue_next_message(queue, 0, buffer, sizeof buffer, &len, &tag, NULL);
      plq__alloc_gate = NULL;
      short_of_memory = allowed < 0;
      if (status != PLQ_OK && n % 2 == 1) { /* as an object it has the secret, too */
        assert_int_equal(status, PLQ_E_MEMORY);
        assert_int_equal(plq_queue_next(queue, 0, &completion), PLQ_OK);
        plq_response *response = plq_completion_take_response(completion);
        plq_secret *secret = NULL;
        assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
        plq_secret_free(secret);
        plq_response_free(response);
        plq_completion_free(completion);
        continue;
      }
      if (status != PLQ_OK) {
        assert_int_equal(status, PLQ_E_MEMORY);
        assert_int_equal(plq_queue_next_message(queue, 0, buffer, sizeof buffer, &len, &tag, NULL), PLQ_OK);
      }
      assert_int_equal(tag, 2);
      json_object *reply = unpack_json(buffer, len);
      assert_int_equal(number(reply, "status"), PLQ_OK);
      assert_non_null(strstr(text(reply, "results", "client_secret"), i == 0 ? "test-secret-" : "handle"));
      json_object_put(reply);
    }
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, queue_teardown)
  const struct CMUnitTest tests[] = {
      TEST(success), TEST(broken), TEST(arguments), TEST(events), TEST(described), TEST(crosswise), TEST(of_a_completion),
      TEST(too_small_and_then_taken), TEST(secret_by_handle), TEST(full), TEST(without_memory),
  };
  return cmocka_run_group_tests_name("queue: messages", tests, NULL, NULL);
}
