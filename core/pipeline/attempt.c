/* SPDX-License-Identifier: MIT */
#include "attempt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/clock.h"

/* ---- the sink ---- */

static int32_t stop(struct plq__attempt_state *attempt, int32_t status) {
  if (attempt->stopped == PLQ_OK) attempt->stopped = status;
  return status;
}

/* Fails closed: what the transport does not vouch for is not sent to. */
static int32_t check_connection(const struct plq__attempt_state *attempt) {
  const struct plq__settings *settings = &attempt->client->settings;
  const plq_transport_connection *connection = &attempt->connection;
  uint32_t vouched = connection->known & connection->flags;
  if (!settings->url.tls) return PLQ_OK;
  if (!(vouched & PLQ_FACT_CHAIN_VERIFIED) || !(vouched & PLQ_FACT_HOST_VERIFIED)) return PLQ_E_VERIFY_FACTS;
  if (connection->known & PLQ_FACT_TLS_VERSION && connection->tls_version < 0x0303) return PLQ_E_TLS_VERSION;
  if (settings->pin_count == 0) return PLQ_OK;
  if (connection->known & PLQ_FACT_SPKI)
    return plq__settings_pinned(settings, connection->spki_sha256) ? PLQ_OK : PLQ_E_VERIFY_PIN;
  return attempt->client->plugin->transport.capabilities & PLQ_CAP_PINS ? PLQ_OK : PLQ_E_VERIFY_FACTS;
}

/* Structs of a transport may be shorter or longer than ours. */
static void take(void *to, size_t to_size, const void *from, uint32_t from_size) {
  memset(to, 0, to_size);
  memcpy(to, from, from_size < to_size ? from_size : to_size);
}

static const char *peer_text(const plq_transport_connection *connection, char *room, size_t size) {
  room[0] = '\0';
  if (connection->known & PLQ_FACT_PEER)
    snprintf(room, size, strchr(connection->peer_address, ':') != NULL ? "[%s]:%u" : "%s:%u", connection->peer_address,
             connection->peer_port);
  return room;
}

/* As the option pins has it; "" if the key is not known. */
static const char *pin_text(const plq_transport_connection *connection, char room[64]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  room[0] = '\0';
  if (!(connection->known & PLQ_FACT_SPKI)) return room;
  char *at = room + snprintf(room, 64, "sha256//");
  for (int i = 0; i < 33; i += 3) { /* 32 bytes: the last group is short of one */
    uint32_t bits = (uint32_t)connection->spki_sha256[i] << 16 | (uint32_t)connection->spki_sha256[i + 1] << 8 |
                    (i < 30 ? connection->spki_sha256[i + 2] : 0);
    for (int j = 0; j < 4; j++) *at++ = i == 30 && j == 3 ? '=' : digits[bits >> (18 - 6 * j) & 63];
  }
  *at = '\0';
  return room;
}

static void tell_connection(struct plq__attempt_state *attempt) {
  const plq_transport_connection *connection = &attempt->connection;
  uint32_t known = connection->known, yes = known & connection->flags;
  bool reused = (yes & PLQ_FACT_REUSED) != 0;
  enum plq__event event = reused ? PLQ__EVENT_CONNECTION_REUSED : PLQ__EVENT_CONNECTION_OPENED;
  plq__count(attempt->lane, reused ? PLQ__COUNT_CONNECTIONS_REUSED : PLQ__COUNT_CONNECTIONS_OPENED, 1);
  if (!plq__emitter_wants(&attempt->run->emitter, event)) return;
  char peer[80], pin[64];
  struct plq__event_values values = {.rows = {{.n = 0}}};
  /* the fields of both are the same */
  values.rows[PLQ__CONNECTION_OPENED_ATTEMPT].n = attempt->number;
  values.rows[PLQ__CONNECTION_OPENED_PEER].s = peer_text(connection, peer, sizeof peer);
  values.rows[PLQ__CONNECTION_OPENED_HTTP_VERSION].n = known & PLQ_FACT_HTTP_VERSION ? connection->http_version : 0;
  values.rows[PLQ__CONNECTION_OPENED_TLS_VERSION].n = known & PLQ_FACT_TLS_VERSION ? connection->tls_version : 0;
  values.rows[PLQ__CONNECTION_OPENED_RESUMED].n = (yes & PLQ_FACT_RESUMED) != 0;
  values.rows[PLQ__CONNECTION_OPENED_TLS_CIPHER].s = known & PLQ_FACT_TLS_CIPHER ? connection->tls_cipher : "";
  values.rows[PLQ__CONNECTION_OPENED_PIN].s = pin_text(connection, pin);
  values.rows[PLQ__CONNECTION_OPENED_VERIFIED].n = (yes & PLQ_FACT_CHAIN_VERIFIED) != 0 && (yes & PLQ_FACT_HOST_VERIFIED) != 0;
  values.rows[PLQ__CONNECTION_OPENED_PROXIED].n = (yes & PLQ_FACT_PROXIED) != 0;
  plq__emit(&attempt->run->emitter, event, &values);
}

static int32_t on_connected(void *context, const plq_transport_connection *connection) {
  struct plq__attempt_state *attempt = context;
  take(&attempt->connection, sizeof attempt->connection, connection, connection->struct_size);
  attempt->connection.peer_address[sizeof attempt->connection.peer_address - 1] = '\0';
  attempt->connection.tls_cipher[sizeof attempt->connection.tls_cipher - 1] = '\0';
  if (attempt->run->cancelled) return stop(attempt, PLQ_E_CANCELLED);
  int32_t status = check_connection(attempt);
  if (status != PLQ_OK) return stop(attempt, status);
  if (!attempt->elsewhere) tell_connection(attempt);
  if (attempt->run->cancelled) return stop(attempt, PLQ_E_CANCELLED); /* by an observer: nothing has left yet */
  attempt->connected = true;
  attempt->sent_life_ms = plq__life_now_ms();
  return PLQ_OK;
}

static int32_t on_line(void *context, const char *line, size_t len) {
  struct plq__attempt_state *attempt = context;
  if (!attempt->connected) return stop(attempt, PLQ_E_TRANSPORT_MISBEHAVED);
  bool before = attempt->head.complete;
  int32_t status = plq__head_line(&attempt->head, line, len);
  if (status != PLQ_OK) return stop(attempt, status);
  bool announced = attempt->head.complete && !before && attempt->head.has_length && !attempt->head.no_body;
  if (announced && attempt->head.content_length > attempt->body.cap) return stop(attempt, PLQ_E_LIMIT_BODY);
  return PLQ_OK;
}

static int32_t on_body(void *context, const uint8_t *data, size_t len) {
  struct plq__attempt_state *attempt = context;
  if (!attempt->head.complete) return stop(attempt, PLQ_E_TRANSPORT_MISBEHAVED);
  if (len > attempt->body.cap - attempt->body.len) return stop(attempt, PLQ_E_LIMIT_BODY);
  return plq__buffer_add(&attempt->body, data, len) ? PLQ_OK : stop(attempt, PLQ_E_MEMORY);
}

static void on_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  struct plq__attempt_state *attempt = context;
  attempt->done = true;
  if (error != NULL) take(&attempt->reported, sizeof attempt->reported, error, error->struct_size);
  attempt->reported.message[sizeof attempt->reported.message - 1] = '\0';
  if (transfer != NULL) take(&attempt->transfer, sizeof attempt->transfer, transfer, transfer->struct_size);
  if (attempt->on_over != NULL) attempt->on_over(attempt);
}

static int32_t is_cancelled(void *context) {
  const struct plq__attempt_state *attempt = context;
  return attempt->run->cancelled;
}

/* ---- a transport that serves one thread at a time ---- */

bool plq__transport_enter(struct plq__live *live, struct plq__run *run, int64_t deadline_ns) {
  /* The deadline is on the client's clock, which a test transport may provide; other threads are waited for in real time. */
  if (deadline_ns != PLQ__NEVER) deadline_ns += plq__now_ns() - plq__lane_now_ns(&live->lane);
  struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = (long)(deadline_ns % 1000000000)};
  pthread_mutex_lock(&live->lock);
  while (live->busy && !run->cancelled && (deadline_ns == PLQ__NEVER || plq__now_ns() < deadline_ns)) {
    if (deadline_ns == PLQ__NEVER)
      pthread_cond_wait(&live->changed, &live->lock);
    else
      pthread_cond_timedwait(&live->changed, &live->lock, &until);
  }
  bool free = !live->busy && !run->cancelled;
  if (free) live->busy = true;
  pthread_mutex_unlock(&live->lock);
  return free;
}

void plq__transport_leave(struct plq__live *live) {
  pthread_mutex_lock(&live->lock);
  live->busy = false;
  pthread_cond_broadcast(&live->changed);
  pthread_mutex_unlock(&live->lock);
}

/* The blocking half of a transport that has only the other one. */
static int32_t pump(struct plq__attempt_state *attempt, const plq_transport_request *request) {
  const plq_transport_functions *functions = &attempt->client->plugin->functions;
  plq_transport_instance *transport = attempt->lane->instance->transport;
  int32_t status = functions->submit(transport, request, &attempt->sink, &attempt->reported);
  if (status != PLQ_OK) return status;
  /* A cancel that came before the transport knew the op found nothing: it is said again. */
  if (attempt->run->cancelled) functions->cancel(transport, request->op);
  while (!attempt->done && status == PLQ_OK) status = functions->drive(transport, INT64_MAX);
  return status;
}

static int32_t call_transport(struct plq__attempt_state *attempt, const plq_transport_request *request) {
  const struct plq__plugin *plugin = attempt->client->plugin;
  struct plq__live *live = attempt->lane->live;
  bool blocking = plugin->transport.capabilities & PLQ_CAP_BLOCKING;
  bool alone = !blocking || !(plugin->transport.capabilities & PLQ_CAP_CONCURRENT);
  if (alone && !plq__transport_enter(live, attempt->run, request->deadline_ns))
    return attempt->run->cancelled ? PLQ_E_CANCELLED : PLQ_E_TIMEOUT_POOL;
  plq__host_emit_to(&attempt->run->emitter, plugin->transport.name);
  int32_t status =
      blocking ? plugin->functions.perform(live->lane.instance->transport, request, &attempt->sink, &attempt->reported)
               : pump(attempt, request);
  plq__host_emit_to(NULL, NULL);
  if (alone) plq__transport_leave(live);
  return status;
}

/* ---- the verdict ---- */

static void conclude(struct plq__attempt_state *attempt, int32_t status, int32_t phase, int32_t delivery) {
  attempt->status = status;
  attempt->phase = phase;
  attempt->delivery = delivery;
}

static bool is_phase(int32_t phase) { return phase >= PLQ_PHASE_CONFIG && phase <= PLQ_PHASE_RECEIVE; }

/* The kinds that a transport may report; the other ones are the core's own. */
static bool is_transport_status(int32_t status) {
  int32_t kind = plq_status_kind(status);
  return kind == PLQ_KIND_CONFIG || (kind >= PLQ_KIND_RESOLVE && kind <= PLQ_KIND_LIMIT) || kind == PLQ_KIND_CANCELLED ||
         kind == PLQ_KIND_RESOURCE || kind == PLQ_KIND_MEMORY || kind == PLQ_KIND_UNSUPPORTED;
}

static void conclude_failure(struct plq__attempt_state *attempt) {
  const plq_transport_error *reported = &attempt->reported;
  int32_t status = is_transport_status(reported->status) ? reported->status : PLQ_E_TRANSPORT_MISBEHAVED;
  int32_t phase = is_phase(reported->phase) ? reported->phase : plq_status_phase(status);
  bool exact = attempt->client->plugin->transport.capabilities & PLQ_CAP_SEND_STATE;
  bool unsent = reported->delivery == PLQ_DELIVERY_NOT_SENT && attempt->head.bytes == 0 && (exact || !attempt->connected);
  conclude(attempt, status, phase, unsent ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT);
}

/* The transport says that the response is complete: what its head announced must agree. */
static void conclude_response(struct plq__attempt_state *attempt) {
  const struct plq__head *head = &attempt->head;
  if (!head->complete)
    conclude(attempt, PLQ_E_TRUNCATED_HEAD, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT);
  else if (head->has_length && !head->no_body && attempt->body.len != head->content_length)
    conclude(attempt, PLQ_E_TRUNCATED_BODY, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT);
  else
    conclude(attempt, PLQ_OK, PLQ_PHASE_NONE, PLQ_DELIVERY_ANSWERED);
}

void plq__attempt_perform(struct plq__attempt_state *attempt, const plq_transport_request *request) {
  plq__attempt_conclude(attempt, call_transport(attempt, request));
}

void plq__attempt_conclude(struct plq__attempt_state *attempt, int32_t status) {
  if (attempt->elsewhere && attempt->connected) tell_connection(attempt);
  if (attempt->stopped != PLQ_OK)
    conclude(attempt, attempt->stopped, attempt->stopped == PLQ_E_CANCELLED ? PLQ_PHASE_SEND : plq_status_phase(attempt->stopped),
             attempt->connected ? PLQ_DELIVERY_MAYBE_SENT : PLQ_DELIVERY_NOT_SENT);
  else if (status == PLQ_E_TIMEOUT_POOL || status == PLQ_E_CANCELLED)
    conclude(attempt, status, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT);
  else if (status != PLQ_OK || attempt->reported.status != PLQ_OK)
    conclude_failure(attempt);
  else if (!attempt->done)
    conclude(attempt, PLQ_E_TRANSPORT_MISBEHAVED, PLQ_PHASE_NONE, PLQ_DELIVERY_MAYBE_SENT);
  else
    conclude_response(attempt);
}

/* ---- life ---- */

void plq__attempt_init(struct plq__attempt_state *attempt, struct plq__lane *lane, struct plq__run *run) {
  const struct plq__client *client = lane->live->client;
  memset(attempt, 0, sizeof *attempt);
  attempt->client = client;
  attempt->lane = lane;
  attempt->run = run;
  attempt->sink = (plq_transport_sink){.struct_size = sizeof attempt->sink,
                                       .context = attempt,
                                       .on_connected = on_connected,
                                       .on_line = on_line,
                                       .on_body = on_body,
                                       .on_done = on_done,
                                       .is_cancelled = is_cancelled};
  attempt->reported.struct_size = sizeof attempt->reported;
  plq__head_init(&attempt->head, client->settings.max_head_bytes);
  plq__buffer_init(&attempt->body, client->settings.max_body_bytes, true);
  attempt->transfer = (plq_transport_transfer){.queue_ns = -1, .resolve_ns = -1, .connect_ns = -1, .tls_ns = -1, .send_ns = -1, .first_byte_ns = -1, .total_ns = -1};
}

void plq__attempt_clear(struct plq__attempt_state *attempt) { plq__buffer_clear(&attempt->body); }

static int64_t us(int64_t ns) { return ns < 0 ? -1 : ns / 1000; }

void plq__attempt_record(const struct plq__attempt_state *attempt, struct plq__attempt *row) {
  const plq_transport_connection *connection = &attempt->connection;
  const plq_transport_transfer *transfer = &attempt->transfer;
  uint32_t known = connection->known;
  row->status = attempt->status;
  row->phase = attempt->phase;
  row->delivery = attempt->delivery;
  row->http_status = attempt->head.http_status;
  row->http_version = known & PLQ_FACT_HTTP_VERSION ? (int32_t)connection->http_version : attempt->head.http_version;
  row->tls_version = known & PLQ_FACT_TLS_VERSION ? (int32_t)connection->tls_version : 0;
  row->reused = (known & connection->flags & PLQ_FACT_REUSED) != 0;
  row->resumed = (known & connection->flags & PLQ_FACT_RESUMED) != 0;
  row->queue_us = us(transfer->queue_ns);
  row->resolve_us = us(transfer->resolve_ns);
  row->connect_us = us(transfer->connect_ns);
  row->tls_us = us(transfer->tls_ns);
  row->send_us = us(transfer->send_ns);
  row->first_byte_us = us(transfer->first_byte_ns);
  row->total_us = us(transfer->total_ns);
  row->bytes_sent = (int64_t)transfer->bytes_sent;
  row->bytes_received = (int64_t)transfer->bytes_received;
  memcpy(row->trace_id, attempt->head.trace_id, sizeof attempt->head.trace_id);
  peer_text(connection, row->peer, sizeof row->peer);
}
