/* SPDX-License-Identifier: MIT */
/*
 * libplastiq's completion queue, by its public headers: --in-flight calls at once, all on one thread. For each completion another
 * call is submitted, and at the end of a run all of them are taken.
 *
 * create   typed calls
 * message  the same by messages, with one that was packed before, and a reply in which the secret is looked for
 * held     submits more calls than it takes, so that they stay: for what one needs in memory
 */
#include <string.h>

#include "ours.h"

static struct bench_settings with;
static plq_client_id client;
static plq_queue_id queue;
static msgpack_sbuffer message;
static uint64_t submitted, taken;

static bool submit(void) {
  static const plq_client_secrets_create_params params = {
      .payer_id = BENCH_PAYER, .user_agent = BENCH_AGENT, .end_user_ip = BENCH_IP};
  plq_error *error = NULL;
  int32_t status = bench_is(&with, "message")
                       ? plq_queue_submit_message(queue, (const uint8_t *)message.data, message.size, submitted, 0, NULL, &error)
                       : plq_client_secrets_create_submit(queue, &params, submitted, 0, NULL, &error);
  if (status != PLQ_OK) return ours_fail("submit", status, error);
  submitted++;
  return true;
}

static bool take(void) {
  plq_completion *completion = NULL;
  plq_secret *secret = NULL;
  const char *bytes = NULL;
  size_t len = 0;
  int32_t status = plq_queue_next(queue, -1, &completion);
  if (status != PLQ_OK) return ours_fail("next", status, NULL);
  status = plq_completion_status(completion);
  bool ok = status == PLQ_OK || ours_fail("call", status, plq_completion_take_error(completion));
  plq_response *response = plq_completion_take_response(completion);
  plq_completion_free(completion);
  if (!ok) return false;
  status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len);
  ok = (status == PLQ_OK && len > 0) || ours_fail("secret", status, NULL);
  plq_secret_free(secret);
  plq_response_free(response);
  taken++;
  return ok;
}

static bool take_message(void) {
  static uint8_t reply[16384];
  size_t len = 0;
  uint64_t tag = 0;
  int32_t status = plq_queue_next_message(queue, -1, reply, sizeof reply, &len, &tag, NULL);
  if (status != PLQ_OK) return ours_fail("next", status, NULL);
  taken++;
  return ours_glance(reply, len);
}

static bool take_one(void) {
  return bench_is(&with, "message") ? take_message() : take();
}

/* ---- the program ---- */

bool bench_open(const struct bench_settings *settings) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  with = *settings;
  msgpack_sbuffer_init(&message);
  ours_pack(&message);
  bool ok = ours_options(settings, &options) && ours_client(options, &client);
  plq_options_free(options);
  int32_t status = ok ? plq_queue_new(client, &queue, &error) : PLQ_OK;
  return ok && (status == PLQ_OK || ours_fail("queue", status, error));
}

static bool hold(uint64_t calls) {
  /* Four times as many as there are connections, so that what is submitted last came as far as it can come. */
  uint64_t taking = 4 * (with.max_connections > 0 ? (uint64_t)with.max_connections : 64);
  bool ok = true;
  for (uint64_t i = 0; i < calls + taking && ok; i++) ok = submit();
  for (uint64_t i = 0; i < taking && ok; i++) ok = take();
  return ok;
}

bool bench_run(long calls) {
  uint64_t end = submitted + (uint64_t)calls;
  bool ok = true;
  if (bench_is(&with, "held")) return hold((uint64_t)calls);
  while (taken < end && ok) {
    if (submitted < end && submitted - taken < (uint64_t)with.in_flight)
      ok = submit();
    else
      ok = take_one();
  }
  return ok;
}

bool bench_close(void) {
  int64_t stats[PLQ_STATS] = {0};
  int64_t most = with.max_connections > 0 && with.max_connections < with.in_flight ? with.max_connections : with.in_flight;
  bool ok = true, held = bench_is(&with, "held");
  while (held && ok && taken < submitted) ok = take();
  plq_client_stats(client, stats, PLQ_STATS);
  plq_queue_free(queue);
  plq_client_free(client);
  msgpack_sbuffer_destroy(&message);
  if (with.http == 2) most = 1;
  if (!held && taken > 0 && stats[PLQ_STAT_CONNECTIONS_OPENED] > most)
    return bench_fail("%d connections for %d calls", (int)stats[PLQ_STAT_CONNECTIONS_OPENED], (int)taken);
  return ok;
}
