/* SPDX-License-Identifier: MIT */
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "outcome.h"
#include "pack_json.h"

static void pack_key(msgpack_packer *packer, const char *key) {
  msgpack_pack_str_with_body(packer, key, strlen(key));
}

static void pack_call(msgpack_packer *packer, const test_case *from) {
  static const char *const passed[] = {"params", "headers", "extra", "timeout_ms", "max_repeats"};
  json_object *value = NULL;
  size_t count = 3;
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) count += json_object_object_get_ex(from->json, passed[i], NULL);
  msgpack_pack_map(packer, count);
  pack_key(packer, "v");
  msgpack_pack_int(packer, PLQ_MESSAGE_VERSION);
  pack_key(packer, "op");
  pack_key(packer,
           json_object_object_get_ex(from->json, "operation", &value) ? json_object_get_string(value) : "client_secrets.create");
  pack_key(packer, "want");
  msgpack_pack_array(packer, 1);
  pack_key(packer, "attempts");
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
    if (!json_object_object_get_ex(from->json, passed[i], &value)) continue;
    pack_key(packer, passed[i]);
    test_pack_json(packer, value);
  }
}

static json_object *unpack(const msgpack_object *from) {
  json_object *made = NULL;
  switch (from->type) {
    case MSGPACK_OBJECT_BOOLEAN:
      return json_object_new_int(from->via.boolean); /* as the getters of the plain door say it */
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
      return json_object_new_int64((int64_t)from->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
      return json_object_new_int64(from->via.i64);
    case MSGPACK_OBJECT_STR:
      return json_object_new_string_len(from->via.str.ptr, (int)from->via.str.size);
    case MSGPACK_OBJECT_BIN:
      return json_object_new_string_len(from->via.bin.ptr, (int)from->via.bin.size);
    case MSGPACK_OBJECT_ARRAY:
      made = json_object_new_array();
      for (uint32_t i = 0; i < from->via.array.size; i++) json_object_array_add(made, unpack(&from->via.array.ptr[i]));
      return made;
    case MSGPACK_OBJECT_MAP:
      made = json_object_new_object();
      for (uint32_t i = 0; i < from->via.map.size; i++) {
        const msgpack_object_kv *pair = &from->via.map.ptr[i];
        char key[64];
        if (pair->key.type != MSGPACK_OBJECT_STR || pair->key.via.str.size >= sizeof key) test_die("reply: a key is no text");
        memcpy(key, pair->key.via.str.ptr, pair->key.via.str.size);
        key[pair->key.via.str.size] = '\0';
        json_object_object_add(made, key, unpack(&pair->val));
      }
      return made;
    default:
      return NULL;
  }
}

static void move(json_object *to, const char *to_key, json_object *from, const char *from_key) {
  json_object *value = NULL;
  if (json_object_object_get_ex(from, from_key, &value)) json_object_object_add(to, to_key, json_object_get(value));
}

/* The status as a name, as the plain door says it. */
static void name_status(json_object *object) {
  json_object *status = NULL;
  if (json_object_object_get_ex(object, "status", &status) && json_object_is_type(status, json_type_int))
    json_object_object_add(object, "status", json_object_new_string(plq_status_name(json_object_get_int(status))));
}

/* What a reply leaves out because there is nothing to tell, the plain door tells all the same. */
static void name_attempt(json_object *attempt) {
  name_status(attempt);
  if (!json_object_object_get_ex(attempt, "phase", NULL))
    json_object_object_add(attempt, "phase", json_object_new_string("none"));
}

static void read_reply(test_outcome *outcome, json_object *reply) {
  static const char *const from_error[] = {"kind",    "phase",          "delivery",     "repeatable",
                                           "message", "field",          "service_code", "service_message",
                                           "details", "retry_after_ms", "http_status",  "trace_id"};
  json_object *error = json_object_object_get(reply, "error");
  json_object *results = json_object_object_get(reply, "results");
  json_object *secret = json_object_object_get(results, "client_secret");
  json_object *attempts = NULL;
  outcome->json = json_object_new_object();
  move(outcome->json, "status", reply, "status");
  move(outcome->json, "http_status", reply, "http_status");
  move(outcome->json, "trace_id", reply, "trace_id");
  for (size_t i = 0; i < sizeof from_error / sizeof *from_error; i++) move(outcome->json, from_error[i], error, from_error[i]);
  name_status(outcome->json);
  move(outcome->json, "secret", secret, "bin");
  move(outcome->json, "life_ms", secret, "life_ms");
  if (!json_object_object_get_ex(reply, "attempts", &attempts)) json_object_object_get_ex(error, "attempts", &attempts);
  size_t count = attempts == NULL ? 0 : json_object_array_length(attempts);
  for (size_t i = 0; i < count; i++) name_attempt(json_object_array_get_idx(attempts, i));
  json_object_object_add(outcome->json, "attempts", json_object_new_int64((int64_t)count));
  json_object_object_add(outcome->json, "attempt_list", attempts == NULL ? json_object_new_array() : json_object_get(attempts));
  if (error != NULL) test_bytes_format(&outcome->texts, "reply: %s\n", json_object_to_json_string(reply));
}

static void read_bytes(test_outcome *outcome, const uint8_t *reply, size_t reply_len) {
  msgpack_unpacked unpacked;
  size_t offset = 0;
  msgpack_unpacked_init(&unpacked);
  if (msgpack_unpack_next(&unpacked, (const char *)reply, reply_len, &offset) != MSGPACK_UNPACK_SUCCESS || offset != reply_len)
    test_die("the reply is not one msgpack object");
  json_object *json = unpack(&unpacked.data);
  read_reply(outcome, json);
  json_object_put(json);
  msgpack_unpacked_destroy(&unpacked);
}

static msgpack_sbuffer make_message(const test_case *from) {
  msgpack_sbuffer message;
  msgpack_packer packer;
  msgpack_sbuffer_init(&message);
  msgpack_packer_init(&packer, &message, msgpack_sbuffer_write);
  pack_call(&packer, from);
  return message;
}

void test_call_message(test_outcome *outcome, const test_case *from, plq_client_id client) {
  uint8_t *reply = NULL;
  size_t reply_len = 0;
  msgpack_sbuffer message = make_message(from);
  int32_t status = plq_call_message(client, (const uint8_t *)message.data, message.size, &reply, &reply_len);
  if (status != PLQ_OK) test_die("plq_call_message: %s", plq_status_name(status));
  read_bytes(outcome, reply, reply_len);
  msgpack_sbuffer_destroy(&message);
  plq_message_free(reply, reply_len);
}

/* The first buffer is too small: the completion waits for one that is not. */
void test_call_queue_message(test_outcome *outcome, const test_case *from, plq_client_id client) {
  plq_queue_id queue = 0;
  uint8_t small[4], *reply;
  size_t len = 0, again = 0;
  uint64_t id = 0, given = 0, tag = 0;
  msgpack_sbuffer message = make_message(from);
  int32_t status = plq_queue_new(client, &queue, NULL);
  if (status == PLQ_OK) status = plq_queue_submit_message(queue, (const uint8_t *)message.data, message.size, 99, 0, &id, NULL);
  msgpack_sbuffer_destroy(&message);
  if (status != PLQ_OK) test_die("plq_queue_submit_message: %s", plq_status_name(status));
  status = plq_queue_next_message(queue, -1, small, sizeof small, &len, &tag, &given);
  if (status != PLQ_E_BUFFER_TOO_SMALL || tag != 99 || given != id) test_die("plq_queue_next_message: %s", plq_status_name(status));
  reply = test_alloc(len);
  status = plq_queue_next_message(queue, 0, reply, len, &again, &tag, NULL);
  if (status != PLQ_OK || again != len) test_die("plq_queue_next_message, again: %s", plq_status_name(status));
  read_bytes(outcome, reply, len);
  free(reply);
  plq_queue_free(queue);
}

const char *test_call_message_unable(const test_case *from) {
  json_object *extra = NULL;
  if (json_object_object_get_ex(from->json, "extra", &extra) && !json_object_is_type(extra, json_type_object))
    return "its extra is a text, and a message has a map there";
  return NULL;
}
