/* SPDX-License-Identifier: MIT */
/* The message call: what a message may hold, what is refused before anything is sent, and what a reply says. */
#include <math.h>
#include <plastiq/plastiq.h>
#include <stdatomic.h>

#include "api/message.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "json.h"
#include "probe.h"

#define PAYER "7a6b5c4d-3e2f-41a0-8b9c-0d1e2f3a4b5c"
#define CALL "{'v':1,'op':'client_secrets.create'"

static plq_client_id client;

static int set_up(void **state) {
  if (probe_reset(state) != 0) return 1;
  client = probe_client("probe", "max_repeats", "1", NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  plq_client_free(client);
  return 0;
}

/* Forgets what was sent; a success follows. */
static void can_success(void) { assert_int_equal(probe_reset(NULL), 0); }

/* ---- calling ---- */

static json_object *call_bytes(const void *bytes, size_t len) {
  uint8_t *reply = NULL;
  size_t reply_len = 0;
  uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees a read past the end */
  assert_non_null(exact);
  if (len > 0) memcpy(exact, bytes, len);
  assert_int_equal(plq_call_message(client, exact, len, &reply, &reply_len), PLQ_OK);
  free(exact);
  json_object *json = unpack_json(reply, reply_len);
  assert_null(strstr(json_object_to_json_string(json), PROBE_TOKEN));
  plq_message_free(reply, reply_len);
  return json;
}

static json_object *call(const char *message) {
  msgpack_sbuffer packed;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, message);
  json_object *reply = call_bytes(packed.data, packed.size);
  msgpack_sbuffer_destroy(&packed);
  return reply;
}

static json_object *member(json_object *object, const char *name) {
  json_object *value = NULL;
  return object != NULL && json_object_object_get_ex(object, name, &value) ? value : NULL;
}

static const char *text(json_object *object, const char *name) {
  json_object *value = member(object, name);
  return value != NULL ? json_object_get_string(value) : "";
}

static int64_t number(json_object *object, const char *name) { return json_object_get_int64(member(object, name)); }

/* ---- success ---- */

static void test_success(void **state) {
  (void)state;
  can_success();
  json_object *reply = call(CALL "}");
  json_object *secret = member(member(reply, "results"), "client_secret");
  assert_int_equal(json_object_object_length(reply), 5);
  assert_int_equal(number(reply, "v"), 1);
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_int_equal(number(reply, "http_status"), 200);
  assert_string_equal(text(reply, "trace_id"), PROBE_TRACE_ID);
  assert_string_equal(text(member(secret, "bin"), "bin"), "cs_probe_secret");
  assert_in_range(number(secret, "life_ms"), 50000, 60000);
  assert_in_range(number(secret, "expires_at_ms") - plq_life_now_ms(), 50000, 60000);
  assert_int_equal(json_object_object_length(secret), 3);
  assert_int_equal(probe_seen_count, 1);
  assert_string_equal(probe_seen[0].body, "{}");
  json_object_put(reply);
}

static void test_request(void **state) {
  (void)state;
  can_success();
  json_object *reply = call(CALL ",'params':{'payer.id':'" PAYER "','type':'CARD','trace_id':'" PROBE_TRACE_ID "','end_user_ip':null},"
                            "'headers':{'X-A':'1','X-B':null},'extra':{'payer':{'name':'n'},'list':[1,-2,true,false,null,'\\u00e9\\n',0.5,{}]},"
                            "'timeout_ms':5000,'max_repeats':0,'want':['attempts','attempts']}");
  json_object *attempts = member(reply, "attempts");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_int_equal(json_object_array_length(attempts), 1);
  json_object *attempt = json_object_array_get_idx(attempts, 0);
  assert_int_equal(number(attempt, "status"), 0);
  assert_string_equal(text(attempt, "name"), "PLQ_OK");
  assert_string_equal(text(attempt, "delivery"), "answered");
  assert_int_equal(number(attempt, "http_status"), 200);
  assert_int_equal(number(attempt, "total_us"), 15);
  assert_string_equal(text(attempt, "peer"), "192.0.2.7:443");
  json_object *body = json_tokener_parse(probe_seen[0].body);
  assert_string_equal(text(member(body, "payer"), "id"), PAYER);
  assert_string_equal(text(member(body, "payer"), "name"), "n");
  assert_string_equal(json_object_to_json_string_ext(member(body, "list"), JSON_C_TO_STRING_PLAIN), "[1,-2,true,false,null,\"\xc3\xa9\\n\",0.5,{}]");
  assert_non_null(strstr(probe_seen[0].headers, "X-A: 1\n"));
  assert_null(strstr(probe_seen[0].headers, "X-B"));
  assert_non_null(strstr(probe_seen[0].headers, "Trace-Id: " PROBE_TRACE_ID "\n"));
  json_object_put(body);
  json_object_put(reply);
}

static void test_header_maps(void **state) {
  (void)state;
  can_success();
  json_object *reply = call(CALL ",'headers':[{'name':'X-A','value':'1'},{'name':'X-A','value':'2','sensitive':true},"
                            "{'value':'3','sensitive':false,'name':'X-C'},{'name':'X-D','value':null,'sensitive':null}]}");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_non_null(strstr(probe_seen[0].headers, "X-A: 1\n"));
  assert_non_null(strstr(probe_seen[0].headers, "X-A!: 2\n"));
  assert_non_null(strstr(probe_seen[0].headers, "X-C: 3\n"));
  assert_null(strstr(probe_seen[0].headers, "X-D"));
  json_object_put(reply);
}

static void test_nil_is_absent(void **state) {
  (void)state;
  can_success();
  json_object *reply = call(CALL ",'params':null,'headers':null,'extra':null,'timeout_ms':null,'max_repeats':null,'want':null}");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  json_object_put(reply);
}

static void test_secret_handle(void **state) {
  (void)state;
  can_success();
  json_object *reply = call(CALL ",'want':['secret_handle']}");
  json_object *secret = member(member(reply, "results"), "client_secret");
  plq_secret *claimed = NULL, *again = NULL;
  const char *bytes = NULL;
  size_t len = 0;
  assert_null(member(secret, "bin"));
  assert_in_range(number(secret, "life_ms"), 50000, 60000);
  plq_secret_id id = (plq_secret_id)number(secret, "handle");
  assert_true(id > 0 && id < UINT64_C(1) << 53);
  assert_int_equal(plq_secret_claim(id, &claimed), PLQ_OK);
  assert_int_equal(plq_secret_read(claimed, &bytes, &len), PLQ_OK);
  assert_string_equal(bytes, "cs_probe_secret");
  assert_int_equal(plq_secret_expires_at_ms(claimed), number(secret, "expires_at_ms"));
  assert_int_equal(plq_secret_claim(id, &again), PLQ_E_HANDLE);
  assert_null(again);
  plq_secret_free(claimed);
  json_object_put(reply);
}

static void suspend(void) { atomic_fetch_add(&plq__life_offset_ms, 61000); }

/* The suspend that lay between request and answer was longer than the secret's life. */
static void test_expired_secret(void **state) {
  (void)state;
  can_success();
  PROBE_PLAY({.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .inside = suspend});
  json_object *reply = call(CALL "}");
  json_object *secret = member(member(reply, "results"), "client_secret");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_null(member(secret, "bin"));
  assert_int_equal(number(secret, "life_ms"), 0);
  assert_true(number(secret, "expires_at_ms") > 0);
  json_object_put(reply);
  atomic_store(&plq__life_offset_ms, 0);
}

/* ---- failures of the call ---- */

static void test_service_error(void **state) {
  (void)state;
  can_success();
  PROBE_PLAY({.head = "HTTP/1.1 400 Bad\r\nTrace-Id: " PROBE_TRACE_ID "\r\n\r\n",
              .body = "{\"code\":\"VALIDATION_ERROR\",\"message\":\"your token is " PROBE_TOKEN "\","
                      "\"errors\":[{\"details\":\"one\"},{\"details\":\"two\"}]}"});
  json_object *reply = call(CALL "}");
  json_object *error = member(reply, "error");
  assert_int_equal(number(reply, "status"), PLQ_E_HTTP_CLIENT);
  assert_int_equal(number(reply, "http_status"), 400);
  assert_string_equal(text(reply, "trace_id"), PROBE_TRACE_ID);
  assert_null(member(reply, "results"));
  assert_int_equal(json_object_array_length(member(reply, "attempts")), 1);
  assert_int_equal(number(error, "status"), PLQ_E_HTTP_CLIENT);
  assert_string_equal(text(error, "name"), "PLQ_E_HTTP_CLIENT");
  assert_string_equal(text(error, "kind"), "http");
  assert_string_equal(text(error, "phase"), "decode");
  assert_string_equal(text(error, "delivery"), "answered");
  assert_true(json_object_is_type(member(error, "repeatable"), json_type_boolean));
  assert_int_equal(number(error, "http_status"), 400);
  assert_string_equal(text(error, "service_code"), "VALIDATION_ERROR");
  assert_string_equal(text(error, "service_message"), "your token is [redacted]");
  assert_string_equal(json_object_to_json_string_ext(member(error, "details"), JSON_C_TO_STRING_PLAIN), "[\"one\",\"two\"]");
  assert_null(member(error, "retry_after_ms"));
  assert_null(member(error, "load"));
  json_object_put(reply);
}

static void test_transport_error(void **state) {
  (void)state;
  can_success();
  PROBE_PLAY({.status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_WAIT, .delivery = PLQ_DELIVERY_MAYBE_SENT},
             {.status = PLQ_E_IO_RESET, .phase = PLQ_PHASE_WAIT, .delivery = PLQ_DELIVERY_MAYBE_SENT});
  json_object *reply = call(CALL "}");
  json_object *error = member(reply, "error");
  assert_int_equal(number(reply, "status"), PLQ_E_IO_RESET);
  assert_null(member(reply, "http_status"));
  assert_string_equal(text(error, "delivery"), "maybe_sent");
  assert_int_equal(json_object_array_length(member(reply, "attempts")), 2);
  assert_int_equal(probe_seen_count, 2);
  json_object_put(reply);
}

/* ---- messages that are refused; nothing is sent ---- */

struct refused_case {
  const char *message;
  int32_t status;
  const char *field;
  const char *says; /* a part of the error's message */
};

static const struct refused_case refused[] = {
    {"{}", PLQ_E_MESSAGE, "v", "highest message version known is 1"},
    {"{'op':'client_secrets.create'}", PLQ_E_MESSAGE, "v", "no v"},
    {"{'v':null,'op':'client_secrets.create'}", PLQ_E_MESSAGE, "v", "no v"},
    {"{'v':'1','op':'client_secrets.create'}", PLQ_E_MESSAGE, "v", "whole number"},
    {"{'v':1.0,'op':'client_secrets.create'}", PLQ_E_MESSAGE, "v", "whole number"},
    {"{'v':0,'op':'client_secrets.create'}", PLQ_E_MESSAGE_VERSION, "v", "highest message version known is 1"},
    {"{'v':-1,'op':'client_secrets.create'}", PLQ_E_MESSAGE_VERSION, "v", "highest message version known is 1"},
    {"{'v':2,'op':'client_secrets.create'}", PLQ_E_MESSAGE_VERSION, "v", "highest message version known is 1"},
    {"{'v':2,'later':true}", PLQ_E_MESSAGE_VERSION, "v", "highest message version known is 1"},
    {"{'v':1}", PLQ_E_MESSAGE, "op", "no op"},
    {"{'v':1,'op':null}", PLQ_E_MESSAGE, "op", "no op"},
    {"{'v':1,'op':7}", PLQ_E_MESSAGE, "op", "text"},
    {"{'v':1,'op':''}", PLQ_E_UNKNOWN_OPERATION, NULL, "highest message version known is 1"},
    {"{'v':1,'op':'client_secrets.creat'}", PLQ_E_UNKNOWN_OPERATION, NULL, "client_secrets.create\""},
    {"{'v':1,'op':'client_secrets.creat'}", PLQ_E_UNKNOWN_OPERATION, NULL, "highest message version known is 1"},
    {CALL ",'timeoutms':5}", PLQ_E_MESSAGE_KEY, "timeoutms", "\"timeoutms\"; the nearest is \"timeout_ms\"; the highest message version known is 1"},
    {CALL ",'V':1}", PLQ_E_MESSAGE_KEY, "V", "the nearest is \"v\""},
    {CALL ",'something entirely different, and long':5}", PLQ_E_MESSAGE_KEY, "", "no such key; the highest"},
    {CALL ",'':5}", PLQ_E_MESSAGE_KEY, "", "no such key"},
    {CALL ",'params':[]}", PLQ_E_MESSAGE, "params", "a map"},
    {CALL ",'params':'x'}", PLQ_E_MESSAGE, "params", "a map"},
    {CALL ",'params':{'payer.id':7}}", PLQ_E_FIELD_VALUE, "payer.id", "text"},
    {CALL ",'params':{'payer.id':true}}", PLQ_E_FIELD_VALUE, "payer.id", "text"},
    {CALL ",'params':{'payer.id':{}}}", PLQ_E_FIELD_VALUE, "payer.id", "text"},
    {CALL ",'params':{'payer.id':''}}", PLQ_E_FIELD_VALUE, "payer.id", "UUID"},
    {CALL ",'params':{'payer.id':'x'}}", PLQ_E_FIELD_VALUE, "payer.id", "UUID"},
    {CALL ",'params':{'payerid':'x'}}", PLQ_E_FIELD_UNKNOWN, NULL, "payer.id"},
    {CALL ",'params':{'payerid':null}}", PLQ_E_FIELD_UNKNOWN, NULL, "payer.id"},
    {CALL ",'params':{'end_user_ip':'1.2.3'}}", PLQ_E_FIELD_VALUE, "end_user_ip", "IPv4"},
    {CALL ",'params':{'user_agent':'a\\r\\nb'}}", PLQ_E_HEADER_VALUE, "user_agent", "control"},
    {CALL ",'headers':'x'}", PLQ_E_MESSAGE, "headers", "a map"},
    {CALL ",'headers':{'X-A':7}}", PLQ_E_HEADER_VALUE, "X-A", "text"},
    {CALL ",'headers':{'Host':'x'}}", PLQ_E_HEADER_OWNED, NULL, ""},
    {CALL ",'headers':{'X A':'x'}}", PLQ_E_HEADER_NAME, NULL, ""},
    {CALL ",'headers':{'X-A':''}}", PLQ_E_HEADER_VALUE, NULL, ""},
    {CALL ",'headers':{'X-A':'a\\nb'}}", PLQ_E_HEADER_VALUE, NULL, ""},
    {CALL ",'headers':['X-A']}", PLQ_E_MESSAGE, "headers", "array of maps"},
    {CALL ",'headers':[{'value':'x'}]}", PLQ_E_MESSAGE, "headers", "name"},
    {CALL ",'headers':[{'name':7,'value':'x'}]}", PLQ_E_MESSAGE, "headers", "name"},
    {CALL ",'headers':[{'name':'X-A','value':7}]}", PLQ_E_HEADER_VALUE, "X-A", "text"},
    {CALL ",'headers':[{'name':'X-A','value':'x','sensitive':1}]}", PLQ_E_MESSAGE, "headers", "bool"},
    {CALL ",'headers':[{'name':'X-A','value':'x','secret':true}]}", PLQ_E_MESSAGE_KEY, "secret", "key of a header"},
    {CALL ",'extra':'{}'}", PLQ_E_MESSAGE, "extra", "a map"},
    {CALL ",'extra':[]}", PLQ_E_MESSAGE, "extra", "a map"},
    {CALL ",'params':{'type':'CARD'},'extra':{'type':'X'}}", PLQ_E_EXTRA_CONFLICT, NULL, "type"},
    {CALL ",'timeout_ms':'5'}", PLQ_E_MESSAGE, "timeout_ms", "whole number"},
    {CALL ",'timeout_ms':1.5}", PLQ_E_MESSAGE, "timeout_ms", "whole number"},
    {CALL ",'timeout_ms':0}", PLQ_E_ARGUMENT, "timeout_ms", "1 or more"},
    {CALL ",'timeout_ms':-2}", PLQ_E_ARGUMENT, "timeout_ms", "1 or more"},
    {CALL ",'max_repeats':true}", PLQ_E_MESSAGE, "max_repeats", "whole number"},
    {CALL ",'max_repeats':-1}", PLQ_E_ARGUMENT, "max_repeats", "0 to 100"},
    {CALL ",'max_repeats':101}", PLQ_E_ARGUMENT, "max_repeats", "0 to 100"},
    {CALL ",'max_repeats':4294967296}", PLQ_E_ARGUMENT, "max_repeats", "0 to 100"},
    {CALL ",'want':'attempts'}", PLQ_E_MESSAGE, "want", "array of text"},
    {CALL ",'want':[7]}", PLQ_E_MESSAGE, "want", "array of text"},
    {CALL ",'want':['attempt']}", PLQ_E_MESSAGE_KEY, "attempt", "no want \"attempt\"; the nearest is \"attempts\"; the highest"},
    {"[1]", PLQ_E_MESSAGE, NULL, "must be a map"},
    {"7", PLQ_E_MESSAGE, NULL, "must be a map"},
    {"'x'", PLQ_E_MESSAGE, NULL, "must be a map"},
};

static void check_refused(json_object *reply, int32_t status, const char *field, const char *says) {
  json_object *error = member(reply, "error");
  if (number(reply, "status") != status) fail_msg("%s", json_object_to_json_string(reply));
  assert_int_equal(number(error, "status"), status);
  assert_string_equal(text(error, "name"), plq_status_name(status));
  assert_string_equal(text(error, "delivery"), "not_sent");
  if (field != NULL) assert_string_equal(text(error, "field"), field);
  if (strstr(text(error, "message"), says) == NULL) fail_msg("\"%s\" in \"%s\"", says, text(error, "message"));
  assert_int_equal(json_object_array_length(member(reply, "attempts")), 0);
  assert_int_equal(probe_seen_count, 0);
  json_object_put(reply);
}

static void test_refused(void **state) {
  (void)state;
  can_success();
  for (size_t i = 0; i < COUNT(refused); i++) check_refused(call(refused[i].message), refused[i].status, refused[i].field, refused[i].says);
}

struct bytes_case {
  const char *bytes;
  size_t len;
  int32_t status;
  const char *says;
};
#define B(literal) (literal), sizeof(literal) - 1
#define HEAD(count) count "\xa1v\x01\xa2op\xb5" "client_secrets.create"

static const struct bytes_case raw[] = {
    {B(""), PLQ_E_MESSAGE, "cut off"},
    {B("\xc1"), PLQ_E_MESSAGE, "no msgpack"},
    {B("\x82\xa1v\x01"), PLQ_E_MESSAGE, "cut off"},
    {B(HEAD("\x82") "\xc0"), PLQ_E_MESSAGE, "after its end"},
    {B(HEAD("\x82") "\0"), PLQ_E_MESSAGE, "after its end"},
    {B(HEAD("\x83") "\x07\x07"), PLQ_E_MESSAGE, "not text"},
    {B(HEAD("\x83") "\xc4\x01x\x07"), PLQ_E_MESSAGE, "not text"},
    {B(HEAD("\x83") "\xc0\x07"), PLQ_E_MESSAGE, "not text"},
    {B(HEAD("\x83") "\xa1v\x01"), PLQ_E_MESSAGE, "twice"},
    {B(HEAD("\x83") "\xd9\x01v\x01"), PLQ_E_MESSAGE, "twice"},
    {B(HEAD("\x84") "\xa1z\x01\xa1z\x01"), PLQ_E_MESSAGE, "twice"},
    {B(HEAD("\x83") "\xa6params\x81\x01\xa1x"), PLQ_E_MESSAGE, "params has a key that is not text"},
    {B(HEAD("\x83") "\xa6params\x82\xa4type\xa4" "CARD\xa4type\xa4" "CARD"), PLQ_E_MESSAGE, "params has a key twice"},
    {B(HEAD("\x83") "\xa6params\x81\xa4type\xc4\x04" "CARD"), PLQ_E_FIELD_VALUE, "type must be text"},
    {B(HEAD("\x83") "\xa6params\x81\xaauser_agent\xa1\xff"), PLQ_E_TEXT_ENCODING, "user_agent"},
    {B(HEAD("\x83") "\xa6params\x81\xaauser_agent\xa3" "a\0b"), PLQ_E_HEADER_VALUE, "user_agent"},
    {B(HEAD("\x83") "\xa7headers\x82\xa3X-A\xa1x\xa3X-A\xa1y"), PLQ_E_MESSAGE, "headers has a key twice"},
    {B(HEAD("\x83") "\xa7headers\x91\x82\xa4name\xa3X-A\xa4name\xa3X-B"), PLQ_E_MESSAGE, "headers has a key twice"},
    {B(HEAD("\x83") "\xa5" "extra\x81\x01\x01"), PLQ_E_MESSAGE, "extra has a key that is not text"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\x81\x01\x01"), PLQ_E_MESSAGE, "extra has a key that is not text"},
    {B(HEAD("\x83") "\xa5" "extra\x82\xa1" "a\x01\xa1" "a\x01"), PLQ_E_MESSAGE, "extra has a key twice"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\x91\x82\xa1" "b\x01\xa1" "b\x01"), PLQ_E_MESSAGE, "extra has a key twice"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\xc4\x01x"), PLQ_E_EXTRA, "binary data"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\xd4\x01x"), PLQ_E_EXTRA, "extension"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\xca\x7f\xc0\0\0"), PLQ_E_EXTRA, "not finite"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\xcb\x7f\xf0\0\0\0\0\0\0"), PLQ_E_EXTRA, "not finite"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1" "a\xa1\xff"), PLQ_E_TEXT_ENCODING, "not UTF-8"},
    {B(HEAD("\x83") "\xa5" "extra\x81\xa1\xff\x01"), PLQ_E_TEXT_ENCODING, "not UTF-8"},
    {B(HEAD("\x83") "\xaatimeout_ms\xcf\x80\0\0\0\0\0\0\0"), PLQ_E_MESSAGE, "63 bits"},
    {B(HEAD("\x83") "\xa1\xff\x01"), PLQ_E_MESSAGE_KEY, "no such key"},
    /* Claims that the bytes do not keep. */
    {B("\xdd\xff\xff\xff\xff"), PLQ_E_MESSAGE, "cut off"},
    {B("\xdf\xff\xff\xff\xff"), PLQ_E_MESSAGE, "cut off"},
    {B("\xdb\xff\xff\xff\xff"), PLQ_E_MESSAGE, "cut off"},
    {B("\xc6\xff\xff\xff\xff"), PLQ_E_MESSAGE, "cut off"},
    {B("\xc9\xff\xff\xff\xff\x01"), PLQ_E_MESSAGE, "cut off"},
    {B("\x91\xdd\x7f\xff\xff\xff\x91\xdf\x7f\xff\xff\xff"), PLQ_E_MESSAGE, "cut off"},
    {B("\x82\xa1v\x01\xa2op\xdc\xff\xff\x01"), PLQ_E_MESSAGE, "cut off"},
};

static void test_refused_bytes(void **state) {
  (void)state;
  can_success();
  for (size_t i = 0; i < COUNT(raw); i++) check_refused(call_bytes(raw[i].bytes, raw[i].len), raw[i].status, NULL, raw[i].says);
}

static void test_depth(void **state) {
  (void)state;
  can_success();
  for (size_t levels = 1; levels <= 100000; levels = levels < 40 ? levels + 1 : levels * 10) {
    char *bytes = malloc(levels + 1);
    assert_non_null(bytes);
    memset(bytes, '\x91', levels);
    bytes[levels] = '\xc0';
    check_refused(call_bytes(bytes, levels + 1), PLQ_E_MESSAGE, NULL, levels <= 32 ? "must be a map" : "deeper than 32");
    if (levels > 1) check_refused(call_bytes(bytes, levels), PLQ_E_MESSAGE, NULL, levels <= 32 ? "cut off" : "deeper than 32");
    free(bytes);
  }
}

/* extra may use all levels that a message has left. */
static void test_extra_depth(void **state) {
  (void)state;
  for (size_t levels = 30; levels <= 32; levels++) {
    char bytes[256] = HEAD("\x83") "\xa5" "extra";
    size_t len = strlen(bytes);
    for (size_t i = 0; i < levels; i++) len += (size_t)sprintf(bytes + len, "\x81\xa1" "a");
    bytes[len++] = 1;
    can_success();
    json_object *reply = call_bytes(bytes, len);
    assert_int_equal(number(reply, "status"), levels <= 31 ? PLQ_OK : PLQ_E_MESSAGE);
    assert_int_equal(probe_seen_count, levels <= 31);
    json_object_put(reply);
  }
}

/* A map of so many keys that comparing each with each would take minutes. */
static void test_many_keys(void **state) {
  (void)state;
  msgpack_sbuffer packed;
  msgpack_packer packer;
  msgpack_sbuffer_init(&packed);
  msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
  enum { KEYS = 500000 };
  msgpack_pack_map(&packer, KEYS);
  for (int i = 0; i < KEYS; i++) {
    char key[16];
    int len = snprintf(key, sizeof key, "%d", i == KEYS - 1 ? 7 : i);
    msgpack_pack_str_with_body(&packer, key, (size_t)len);
    msgpack_pack_nil(&packer);
  }
  can_success();
  check_refused(call_bytes(packed.data, packed.size), PLQ_E_MESSAGE, NULL, "twice");
  msgpack_sbuffer_destroy(&packed);
}

/* Any bytes at all: a reply, and nothing worse. */
static void test_mutations(void **state) {
  (void)state;
  msgpack_sbuffer packed;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, CALL ",'params':{'payer.id':'" PAYER "','end_user_ip':null},'headers':[{'name':'X-A','value':'1','sensitive':true}],"
                     "'extra':{'a':[1,-2,true,null,'x',0.5,{'b':[]}]},'timeout_ms':5000,'max_repeats':0,'want':['attempts']}");
  uint32_t seed = 4711;
  int sent = 0;
  for (int round = 0; round < 5000; round++) {
    char *bytes = malloc(packed.size);
    assert_non_null(bytes);
    memcpy(bytes, packed.data, packed.size);
    size_t len = packed.size;
    for (int i = 0; i < 1 + round % 3; i++) {
      seed = seed * 1664525 + 1013904223;
      bytes[(seed >> 8) % len] = (char)(seed >> 3);
    }
    if (round % 5 == 0) len = (seed >> 8) % len;
    can_success();
    json_object_put(call_bytes(bytes, len));
    sent += probe_seen_count;
    free(bytes);
  }
  assert_true(sent > 0 && sent < 2500);
  msgpack_sbuffer_destroy(&packed);
}

/* Every prefix is refused, and nothing is sent. */
static void test_prefixes(void **state) {
  (void)state;
  msgpack_sbuffer packed;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, CALL ",'params':{'payer.id':'" PAYER "'},'extra':{'a':[1,-2,true,null,'x',0.5,1e300,{'b':[]}]},'timeout_ms':70000}");
  can_success();
  for (size_t len = 0; len < packed.size; len++) check_refused(call_bytes(packed.data, len), PLQ_E_MESSAGE, NULL, "cut off");
  msgpack_sbuffer_destroy(&packed);
}

/* ---- extra: numbers ---- */

static void test_floats(void **state) {
  (void)state;
  static const struct {
    double number;
    const char *json;
  } rows[] = {{0.5, "0.5"},       {-0.25, "-0.25"},  {0.1, "0.1"},         {1e300, "1e+300"},   {5e-324, "4.94065645841247e-324"},
              {123456.789, "123456.789"}, {1.0, "1"}, {-0.0, "-0"}, {1.0 / 3, "0.3333333333333333"}, {1e15, "1e+15"},
              {1.7976931348623157e308, "1.7976931348623157e+308"}, {0.1 + 0.2, "0.30000000000000004"}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct plq__buffer json;
    msgpack_object_kv pair = {{MSGPACK_OBJECT_STR, {.str = {1, "a"}}}, {MSGPACK_OBJECT_FLOAT64, {.f64 = rows[i].number}}};
    msgpack_object map = {MSGPACK_OBJECT_MAP, {.map = {1, &pair}}};
    char want[64];
    plq__buffer_init(&json, 1000, false);
    assert_int_equal(plq__message_extra(&map, &json, NULL), PLQ_OK);
    snprintf(want, sizeof want, "{\"a\":%s}", rows[i].json);
    assert_string_equal(json.at, want);
    plq__buffer_clear(&json);
  }
}

/* ---- arguments and handles ---- */

static void test_arguments(void **state) {
  (void)state;
  uint8_t byte = 0x80, *reply = &byte;
  size_t len = 7;
  can_success();
  assert_int_equal(plq_call_message(client, NULL, 0, &reply, &len), PLQ_E_ARGUMENT);
  assert_true(reply == NULL && len == 0);
  assert_int_equal(plq_call_message(client, &byte, 1, NULL, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_call_message(client, &byte, 1, &reply, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_call_run_message(0, NULL, 0, &reply, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_call_run_message(0, &byte, 1, &reply, &len), PLQ_E_HANDLE);
  plq_message_free(NULL, 0);
}

static void test_stale_client(void **state) {
  (void)state;
  msgpack_sbuffer packed;
  uint8_t *reply = NULL;
  size_t len = 0;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, CALL "}");
  assert_int_equal(plq_call_message(client + 1, (uint8_t *)packed.data, packed.size, &reply, &len), PLQ_E_HANDLE);
  assert_null(reply);
  assert_int_equal(plq_call_message(0, (uint8_t *)packed.data, packed.size, &reply, &len), PLQ_E_HANDLE);
  msgpack_sbuffer_destroy(&packed);
}

static json_object *run(plq_call_id id, const char *message) {
  msgpack_sbuffer packed;
  uint8_t *reply = NULL;
  size_t len = 0;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, message);
  assert_int_equal(plq_call_run_message(id, (uint8_t *)packed.data, packed.size, &reply, &len), PLQ_OK);
  msgpack_sbuffer_destroy(&packed);
  json_object *json = unpack_json(reply, len);
  plq_message_free(reply, len);
  return json;
}

static void test_call_handle(void **state) {
  (void)state;
  plq_call_id id = 0;
  plq_secret *secret = NULL;
  assert_int_equal(plq_call_new(client, &id, NULL), PLQ_OK);
  can_success();
  json_object *reply = run(id, CALL ",'want':['secret_handle']}");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_int_equal(plq_secret_claim((plq_secret_id)number(member(member(reply, "results"), "client_secret"), "handle"), &secret), PLQ_OK);
  plq_secret_free(secret);
  json_object_put(reply);
  assert_int_equal(plq_call_cancel(id), PLQ_OK);
  reply = run(id, CALL "}");
  assert_int_equal(number(reply, "status"), PLQ_E_CANCELLED);
  json_object_put(reply);
  plq_call_free(id);
  uint8_t byte = 0x80, *out = NULL;
  size_t len = 0;
  assert_int_equal(plq_call_run_message(id, &byte, 1, &out, &len), PLQ_E_HANDLE);
}

/* ---- memory ---- */

static int allocations_left;
static int refuse_one(size_t size) {
  (void)size;
  return allocations_left-- != 0;
}

/* Each allocation fails once, in turn: a status without a reply, a reply that says so, or success. Nothing leaks. */
static void torture(const char *message) {
  msgpack_sbuffer packed;
  msgpack_sbuffer_init(&packed);
  pack_json(&packed, message);
  bool failed = true;
  for (int i = 0; failed; i++) {
    uint8_t *reply = NULL;
    size_t len = 0;
    can_success();
    allocations_left = i;
    plq__alloc_gate = refuse_one;
    int32_t status = plq_call_message(client, (uint8_t *)packed.data, packed.size, &reply, &len);
    plq__alloc_gate = NULL;
    failed = allocations_left < 0;
    assert_true(status == PLQ_OK || status == PLQ_E_MEMORY);
    assert_true((reply != NULL) == (status == PLQ_OK));
    if (reply == NULL) continue;
    json_object *json = unpack_json(reply, len);
    int64_t said = number(json, "status");
    assert_true(said == PLQ_E_MEMORY || said == PLQ_OK);
    plq_secret *secret = NULL;
    json_object *handle = member(member(member(json, "results"), "client_secret"), "handle");
    if (handle != NULL) assert_int_equal(plq_secret_claim((plq_secret_id)json_object_get_int64(handle), &secret), PLQ_OK);
    plq_secret_free(secret);
    json_object_put(json);
    plq_message_free(reply, len);
  }
  msgpack_sbuffer_destroy(&packed);
}

static void test_without_memory(void **state) {
  (void)state;
  torture(CALL ",'params':{'payer.id':'" PAYER "'},'headers':{'X-A':'1'},'extra':{'a':[{'b':1}]},'want':['attempts']}");
  torture(CALL ",'want':['attempts','secret_handle']}");
  torture(CALL ",'want':['events']}");
}

/* What observers would have been told of this call, with a failure too, and only if it is wanted. */
static void test_events(void **state) {
  (void)state;
  static const char *const want[] = {"call_start", "attempt_start", "attempt_end", "repeat", "attempt_start", "connection_opened",
                                     "attempt_end", "call_end"};
  static const struct probe_attempt no_connection = {.status = PLQ_E_CONNECT_REFUSED, .phase = PLQ_PHASE_CONNECT};
  can_success();
  probe_play(&no_connection, 1);
  json_object *reply = call(CALL ",'want':['events']}"), *events = member(reply, "events");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_null(member(reply, "events_lost"));
  assert_null(member(reply, "attempts"));
  assert_int_equal(json_object_array_length(events), COUNT(want));
  for (size_t i = 0; i < COUNT(want); i++) {
    json_object *event = json_object_array_get_idx(events, i);
    assert_string_equal(text(event, "event"), want[i]);
    assert_true(number(event, "call") > 0 && number(event, "client") == (int64_t)client);
  }
  json_object *end = json_object_array_get_idx(events, 2);
  assert_string_equal(text(end, "status_name"), "PLQ_E_CONNECT_REFUSED");
  assert_string_equal(text(end, "delivery"), "not_sent");
  json_object_put(reply);
  static const struct probe_attempt bad = {.head = "HTTP/1.1 400 Bad Request\r\n\r\n", .body = "{\"code\":\"" PROBE_TOKEN "\"}"};
  probe_play(&bad, 1);
  reply = call(CALL ",'want':['events','attempts']}");
  assert_int_equal(number(reply, "status"), PLQ_E_HTTP_CLIENT);
  events = member(reply, "events");
  assert_int_equal(json_object_array_length(events), 5);
  assert_string_equal(text(json_object_array_get_idx(events, 4), "status_name"), "PLQ_E_HTTP_CLIENT");
  json_object_put(reply);
  can_success();
  reply = call(CALL "}");
  assert_null(member(reply, "events"));
  json_object_put(reply);
}

/* A table of what the library says of itself, with a client and without. */
static void test_describe(void **state) {
  (void)state;
  json_object *reply = call("{'v':1,'op':'describe','params':{'table':'options'}}"), *results = member(reply, "results");
  assert_int_equal(number(reply, "status"), PLQ_OK);
  assert_string_equal(text(results, "table"), "options");
  size_t columns = json_object_array_length(member(results, "columns"));
  json_object *rows = member(results, "rows");
  assert_true(columns > 10 && json_object_array_length(rows) > 30);
  bool seen = false;
  for (size_t i = 0; i < json_object_array_length(rows); i++) {
    json_object *row = json_object_array_get_idx(rows, i);
    assert_int_equal(json_object_array_length(row), columns);
    if (strcmp(json_object_get_string(json_object_array_get_idx(row, 0)), "max_repeats") != 0) continue;
    seen = true;
    assert_string_equal(json_object_get_string(json_object_array_get_idx(row, 11)), "1"); /* this client's */
    assert_string_equal(json_object_get_string(json_object_array_get_idx(row, 12)), "code");
  }
  assert_true(seen);
  json_object_put(reply);
  plq_client_id kept = client;
  client = 0;
  reply = call("{'v':1,'op':'describe','params':{'table':'event_fields'}}");
  client = kept;
  assert_int_equal(number(reply, "status"), PLQ_OK);
  json_object_put(reply);
  static const struct {
    const char *message, *says;
    int32_t want;
  } bad[] = {{"{'v':1,'op':'describe'}", "name of a table", PLQ_E_MESSAGE},
             {"{'v':1,'op':'describe','params':{}}", "name of a table", PLQ_E_MESSAGE},
             {"{'v':1,'op':'describe','params':{'table':7}}", "name of a table", PLQ_E_MESSAGE},
             {"{'v':1,'op':'describe','params':{'table':'options','x':'y'}}", "name of a table", PLQ_E_MESSAGE},
             {"{'v':1,'op':'describe','params':{'table':'options\\u0000'}}", "\"options\"", PLQ_E_NOT_FOUND},
             {"{'v':1,'op':'describe','params':{'table':'option'}}", "\"options\"", PLQ_E_NOT_FOUND},
             {"{'v':1,'op':'describe','params':{'table':'options'},'timeout_ms':5}", "params alone", PLQ_E_MESSAGE}};
  for (size_t i = 0; i < COUNT(bad); i++) {
    reply = call(bad[i].message);
    EXPECT_ROW(number(reply, "status") == bad[i].want, bad[i].message);
    EXPECT_ROW(strstr(text(member(reply, "error"), "message"), bad[i].says) != NULL, bad[i].message);
    json_object_put(reply);
  }
  expect_rows_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_success),       cmocka_unit_test(test_request),
      cmocka_unit_test(test_header_maps),   cmocka_unit_test(test_nil_is_absent),
      cmocka_unit_test(test_secret_handle), cmocka_unit_test(test_expired_secret),
      cmocka_unit_test(test_service_error), cmocka_unit_test(test_transport_error),
      cmocka_unit_test(test_refused),       cmocka_unit_test(test_events),
      cmocka_unit_test(test_describe),
      cmocka_unit_test(test_refused_bytes), cmocka_unit_test(test_depth),
      cmocka_unit_test(test_extra_depth),   cmocka_unit_test(test_many_keys),
      cmocka_unit_test(test_mutations),     cmocka_unit_test(test_prefixes),
      cmocka_unit_test(test_floats),        cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_stale_client),  cmocka_unit_test(test_call_handle),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests_name("api/message", tests, set_up, tear_down);
}
