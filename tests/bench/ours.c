/* SPDX-License-Identifier: MIT */
#include "ours.h"

#include <stdio.h>
#include <string.h>

bool ours_fail(const char *what, int32_t status, plq_error *error) {
  bench_fail("%s: %s: %s", what, plq_status_name(status),
             error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
  plq_error_free(error);
  return false;
}

/* ---- a client ---- */

static bool set(plq_options *options, const char *key, const char *value) {
  plq_error *error = NULL;
  int32_t status = plq_options_set(options, key, PLQ_NUL, value, PLQ_NUL, &error);
  return status == PLQ_OK || ours_fail(key, status, error);
}

bool ours_options(const struct bench_settings *settings, plq_options **out_options) {
  char url[128], connections[16];
  snprintf(url, sizeof url, "https://" BENCH_HOST ":%d" BENCH_PREFIX, settings->port);
  snprintf(connections, sizeof connections, "%d", settings->max_connections);
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, out_options, NULL);
  plq_options *options = *out_options;
  if (status != PLQ_OK) return ours_fail("options", status, NULL);
  bool ok = set(options, "access_token", BENCH_TOKEN) && set(options, "base_url", url) &&
            set(options, "transport", settings->transport) && set(options, "transport_dir", BENCH_TRANSPORTS);
  if (ok && settings->ca_file != NULL) ok = set(options, "ca_file", settings->ca_file);
  if (ok) ok = set(options, "http_version", settings->http == 2 ? "2" : "1.1");
  if (ok && settings->max_connections > 0) ok = set(options, "max_connections", connections);
  /* A connection of no age is never used again. Whether its session is, the server decides. Otherwise it is there at the next turn. */
  bool never = bench_is(settings, "resumed") || bench_is(settings, "full");
  if (ok) ok = set(options, "connection_idle_ms", never ? "0" : "3600000");
  /* What fails here shall be seen, not mended. */
  return ok && set(options, "max_repeats", "0");
}

bool ours_client(const plq_options *options, plq_client_id *out_client) {
  plq_error *error = NULL;
  int32_t status = plq_client_new(options, out_client, &error);
  return status == PLQ_OK || ours_fail("client", status, error);
}

/* ---- a message ---- */

static void pack_text(msgpack_packer *packer, const char *text) {
  size_t len = strlen(text);
  msgpack_pack_str(packer, len);
  msgpack_pack_str_body(packer, text, len);
}

void ours_pack(msgpack_sbuffer *out) {
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

bool ours_glance(const uint8_t *reply, size_t len) {
  static const char good[] = "\xa6status\x00";
  static const char secret[] = "client_secret";
  bool ok = memmem(reply, len, good, sizeof good - 1) != NULL && memmem(reply, len, secret, sizeof secret - 1) != NULL;
  if (ok) return true;
  char shown[512];
  size_t shown_len = len < sizeof shown ? len : sizeof shown;
  for (size_t i = 0; i < shown_len; i++) shown[i] = (char)(reply[i] >= ' ' && reply[i] < 127 ? reply[i] : '.');
  return bench_fail("a reply without a secret: %.*s", (int)shown_len, shown);
}
