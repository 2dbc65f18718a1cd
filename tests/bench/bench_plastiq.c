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
#include <msgpack.h>
#include <plastiq/plastiq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static struct bench_settings with;
static plq_options *options;
static plq_client_id client;
static msgpack_sbuffer message;
static long called;

static bool fail(const char *what, int32_t status, plq_error *error) {
  bench_fail("%s: %s: %s", what, plq_status_name(status),
             error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
  plq_error_free(error);
  return false;
}

/* ---- a client ---- */

static bool set(const char *key, const char *value) {
  plq_error *error = NULL;
  int32_t status = plq_options_set(options, key, PLQ_NUL, value, PLQ_NUL, &error);
  return status == PLQ_OK || fail(key, status, error);
}

static bool make_options(void) {
  char url[128], connections[16];
  snprintf(url, sizeof url, "https://" BENCH_HOST ":%d" BENCH_PREFIX, with.port);
  snprintf(connections, sizeof connections, "%d", with.max_connections);
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, &options, NULL);
  if (status != PLQ_OK) return fail("options", status, NULL);
  bool ok = set("access_token", BENCH_TOKEN) && set("base_url", url) && set("transport", with.transport) &&
            set("transport_dir", BENCH_TRANSPORTS);
  if (ok && with.ca_file != NULL) ok = set("ca_file", with.ca_file);
  if (ok && with.max_connections > 0) ok = set("max_connections", connections);
  /* A connection of no age is never used again. Whether its session is, the server decides. */
  if (ok && (bench_is(&with, "resumed") || bench_is(&with, "full"))) ok = set("connection_idle_ms", "0");
  /* What fails here shall be seen, not mended. */
  return ok && set("max_repeats", "0");
}

static bool make_client(void) {
  plq_error *error = NULL;
  int32_t status = plq_client_new(options, &client, &error);
  return status == PLQ_OK || fail("client", status, error);
}

static bool client_once(void) {
  plq_error *error = NULL;
  plq_client_id made = 0;
  int64_t began = bench_now_ns();
  int32_t status = plq_client_new(options, &made, &error);
  bench_sample(bench_now_ns() - began);
  plq_client_free(made);
  return status == PLQ_OK || fail("client", status, error);
}

static bool warm(uint32_t count) {
  plq_error *error = NULL;
  uint32_t open = 0;
  int32_t status = plq_client_warm(client, count, 60000, &open, &error);
  return status == PLQ_OK || fail("warm", status, error);
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
  if (status != PLQ_OK) return fail("create", status, error);
  status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len);
  bool ok = (status == PLQ_OK && len > 0) || fail("secret", status, NULL);
  if (ok && (bench_is(&with, "full") || bench_is(&with, "resumed"))) ok = as_meant(response);
  plq_secret_free(secret);
  plq_response_free(response);
  called++;
  return ok;
}

/* ---- a message call ---- */

static void pack_text(msgpack_packer *packer, const char *text) {
  size_t len = strlen(text);
  msgpack_pack_str(packer, len);
  msgpack_pack_str_body(packer, text, len);
}

static void pack(msgpack_sbuffer *out) {
  msgpack_packer packer;
  msgpack_sbuffer_clear(out);
  msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
  msgpack_pack_map(&packer, 3);
  pack_text(&packer, "v"), msgpack_pack_int(&packer, 1);
  pack_text(&packer, "op"), pack_text(&packer, "client_secrets.create");
  pack_text(&packer, "params"), msgpack_pack_map(&packer, 3);
  pack_text(&packer, "payer.id"), pack_text(&packer, BENCH_PAYER);
  pack_text(&packer, "user_agent"), pack_text(&packer, BENCH_AGENT);
  pack_text(&packer, "end_user_ip"), pack_text(&packer, BENCH_IP);
}

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

/* A success begins with status 0, and has the secret: what a reader costs belongs to the reader. */
static bool glance(const uint8_t *reply, size_t len) {
  static const char good[] = "\xa6status\x00";
  static const char secret[] = "client_secret";
  bool ok = memmem(reply, len, good, sizeof good - 1) != NULL && memmem(reply, len, secret, sizeof secret - 1) != NULL;
  return ok || bench_fail("a reply without a secret");
}

static bool message_once(bool each) {
  uint8_t *reply = NULL;
  size_t len = 0;
  if (each) pack(&message);
  int32_t status = plq_call_message(client, (const uint8_t *)message.data, message.size, &reply, &len);
  if (status != PLQ_OK) return fail("message", status, NULL);
  bool ok = each ? unpack(reply, len) : glance(reply, len);
  plq_message_free(reply, len);
  called++;
  return ok;
}

/* ---- the program ---- */

bool bench_open(const struct bench_settings *settings) {
  with = *settings;
  msgpack_sbuffer_init(&message);
  pack(&message);
  return make_options() && (bench_is(&with, "client") || make_client());
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
