/* SPDX-License-Identifier: MIT */
/*
 * libplastiq, by its public headers.
 *
 * create   typed calls on one connection
 * message  the same by plq_call_message(), with a message that was packed before, and a reply in which the secret is looked for
 * packed   the same, packed and unpacked for each call by msgpack-c
 * full     a connection for each call, with a full handshake, by a server that gives no tickets
 * resumed  a connection for each call, with the session of the one before
 * client   makes clients and frees them again; a sample is one plq_client_new()
 * warm     opens connections until so many are there
 */
#include <string.h>

#include "ours.h"

static struct bench_settings with;
static plq_options *options;
static plq_client_id client;
static msgpack_sbuffer message;
static long called;

static bool client_once(void) {
  plq_error *error = NULL;
  plq_client_id made = 0;
  int64_t began = bench_now_ns();
  int32_t status = plq_client_new(options, &made, &error);
  bench_sample(bench_now_ns() - began);
  plq_client_free(made);
  return status == PLQ_OK || ours_fail("client", status, error);
}

static bool warm(uint32_t count) {
  plq_error *error = NULL;
  uint32_t open = 0;
  int32_t status = plq_client_warm(client, count, 60000, &open, &error);
  return status == PLQ_OK || ours_fail("warm", status, error);
}

/* ---- a typed call ---- */

static bool as_meant(const plq_response *response) {
  int64_t reused = -1, was_resumed = -1;
  const plq_attempts *attempts = plq_response_attempts(response);
  plq_attempts_number(attempts, 0, PLQ_ATTEMPT_REUSED, &reused);
  plq_attempts_number(attempts, 0, PLQ_ATTEMPT_RESUMED, &was_resumed);
  if (reused != 0) return bench_fail("a connection was used again");
  if (bench_is(&with, "full") ? was_resumed != 0 : called > 0 && was_resumed != 1)
    return bench_fail("resumed: %d", (int)was_resumed);
  return true;
}

static bool create_once(void) {
  static const plq_client_secrets_create_params params = {
      .payer_id = BENCH_PAYER, .user_agent = BENCH_AGENT, .end_user_ip = BENCH_IP};
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  plq_error *error = NULL;
  const char *bytes = NULL;
  size_t len = 0;
  int32_t status = plq_client_secrets_create(client, &params, &response, &error);
  if (status != PLQ_OK) return ours_fail("create", status, error);
  status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len);
  bool ok = (status == PLQ_OK && len > 0) || ours_fail("secret", status, NULL);
  if (ok && (bench_is(&with, "full") || bench_is(&with, "resumed"))) ok = as_meant(response);
  plq_secret_free(secret);
  plq_response_free(response);
  called++;
  return ok;
}

/* ---- a message call ---- */

static bool is_text(msgpack_object value, const char *text) {
  return value.type == MSGPACK_OBJECT_STR && value.via.str.size == strlen(text) &&
         memcmp(value.via.str.ptr, text, strlen(text)) == 0;
}

static const msgpack_object *member(const msgpack_object *map, const char *name) {
  for (uint32_t i = 0; map != NULL && map->type == MSGPACK_OBJECT_MAP && i < map->via.map.size; i++)
    if (is_text(map->via.map.ptr[i].key, name)) return &map->via.map.ptr[i].val;
  return NULL;
}

/* Reads the reply as a program in C would. */
static bool unpack(const uint8_t *reply, size_t len) {
  msgpack_unpacked result;
  msgpack_unpacked_init(&result);
  bool ok = msgpack_unpack_next(&result, (const char *)reply, len, NULL) == MSGPACK_UNPACK_SUCCESS;
  const msgpack_object *status = ok ? member(&result.data, "status") : NULL;
  const msgpack_object *secret = ok ? member(member(member(&result.data, "results"), "client_secret"), "bin") : NULL;
  ok = status != NULL && status->type == MSGPACK_OBJECT_POSITIVE_INTEGER && status->via.u64 == PLQ_OK && secret != NULL &&
       secret->type == MSGPACK_OBJECT_BIN && secret->via.bin.size > 0;
  msgpack_unpacked_destroy(&result);
  return ok || bench_fail("a reply without a secret");
}

static bool message_once(bool each) {
  uint8_t *reply = NULL;
  size_t len = 0;
  if (each) ours_pack(&message);
  int32_t status = plq_call_message(client, (const uint8_t *)message.data, message.size, &reply, &len);
  if (status != PLQ_OK) return ours_fail("message", status, NULL);
  bool ok = each ? unpack(reply, len) : ours_glance(reply, len);
  plq_message_free(reply, len);
  called++;
  return ok;
}

/* ---- the program ---- */

bool bench_open(const struct bench_settings *settings) {
  with = *settings;
  msgpack_sbuffer_init(&message);
  ours_pack(&message);
  return ours_options(&with, &options) && (bench_is(&with, "client") || ours_client(options, &client));
}

bool bench_run(long calls) {
  if (bench_is(&with, "warm")) return warm((uint32_t)calls);
  bool ok = true, typed = !bench_is(&with, "message") && !bench_is(&with, "packed");
  for (long i = 0; i < calls && ok; i++) {
    if (bench_is(&with, "client"))
      ok = client_once();
    else
      ok = typed ? create_once() : message_once(bench_is(&with, "packed"));
  }
  return ok;
}

bool bench_close(void) {
  int64_t stats[PLQ_STATS] = {0};
  bool kept = bench_is(&with, "create") || bench_is(&with, "message") || bench_is(&with, "packed");
  if (kept) plq_client_stats(client, stats, PLQ_STATS);
  plq_client_free(client);
  plq_options_free(options);
  msgpack_sbuffer_destroy(&message);
  if (kept && called > 0 && stats[PLQ_STAT_CONNECTIONS_OPENED] != 1)
    return bench_fail("%d connections for %ld calls", (int)stats[PLQ_STAT_CONNECTIONS_OPENED], called);
  return true;
}
