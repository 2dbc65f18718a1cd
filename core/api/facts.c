/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <assert.h>

static void add(struct plq__facts *facts, struct plq__fact fact) {
  assert(facts->count < PLQ__FACTS_MOST);
  facts->rows[facts->count++] = fact;
}

static void add_text(struct plq__facts *facts, const char *name, const char *text) {
  if (text != NULL && text[0] != '\0') add(facts, (struct plq__fact){name, PLQ__FACT_TEXT, 0, text});
}

static void add_number(struct plq__facts *facts, const char *name, int64_t number) {
  add(facts, (struct plq__fact){name, PLQ__FACT_NUMBER, number, NULL});
}

static void add_bool(struct plq__facts *facts, const char *name, bool value) {
  add(facts, (struct plq__fact){name, PLQ__FACT_BOOL, value, NULL});
}

/* 0 means not known. */
static void add_known(struct plq__facts *facts, const char *name, int64_t number) {
  if (number != 0) add_number(facts, name, number);
}

/* -1 means not known, 0 is a duration. */
static void add_duration(struct plq__facts *facts, const char *name, int64_t number) {
  if (number >= 0) add_number(facts, name, number);
}

static void add_status(struct plq__facts *facts, int32_t status) {
  add_number(facts, "status", status);
  add_text(facts, "name", plq_status_name(status));
}

static void add_place(struct plq__facts *facts, int32_t phase, int32_t delivery) {
  if (phase != PLQ_PHASE_NONE) add_text(facts, "phase", plq_phase_name(phase));
  add_text(facts, "delivery", plq_delivery_name(delivery));
}

void plq__facts_of_error(struct plq__facts *facts, const plq_error *error) {
  facts->count = 0;
  add_status(facts, error->status);
  add_text(facts, "kind", plq_kind_name(plq_status_kind(error->status)));
  add_place(facts, error->phase, error->delivery);
  add_bool(facts, "repeatable", error->repeatable);
  add_text(facts, "message", error->texts[PLQ__ERROR_MESSAGE]);
  add_text(facts, "field", error->texts[PLQ__ERROR_FIELD]);
  add_known(facts, "http_status", error->http_status);
  add_text(facts, "service_code", error->texts[PLQ__ERROR_SERVICE_CODE]);
  add_text(facts, "service_message", error->texts[PLQ__ERROR_SERVICE_MESSAGE]);
  add_text(facts, "trace_id", error->texts[PLQ__ERROR_TRACE_ID]);
  add_duration(facts, "retry_after_ms", error->retry_after_ms);
}

/* The names are those of PLQ_ATTEMPT_* in attempts.h. */
void plq__facts_of_attempt(struct plq__facts *facts, const struct plq__attempt *attempt) {
  facts->count = 0;
  add_status(facts, attempt->status);
  add_place(facts, attempt->phase, attempt->delivery);
  add_known(facts, "http_status", attempt->http_status);
  add_known(facts, "http_version", attempt->http_version);
  add_known(facts, "tls_version", attempt->tls_version);
  add_bool(facts, "reused", attempt->reused != 0);
  add_bool(facts, "resumed", attempt->resumed != 0);
  add_known(facts, "token", attempt->token);
  add_duration(facts, "start_us", attempt->start_us);
  add_duration(facts, "wait_us", attempt->wait_us);
  add_duration(facts, "queue_us", attempt->queue_us);
  add_duration(facts, "resolve_us", attempt->resolve_us);
  add_duration(facts, "connect_us", attempt->connect_us);
  add_duration(facts, "tls_us", attempt->tls_us);
  add_duration(facts, "send_us", attempt->send_us);
  add_duration(facts, "first_byte_us", attempt->first_byte_us);
  add_duration(facts, "total_us", attempt->total_us);
  add_known(facts, "bytes_sent", attempt->bytes_sent);
  add_known(facts, "bytes_received", attempt->bytes_received);
  add_text(facts, "peer", attempt->peer);
  add_text(facts, "trace_id", attempt->trace_id);
  add_text(facts, "message", attempt->message);
}

void plq__facts_of_load(struct plq__facts *facts, const struct plq__load_row *row) {
  static const char *const names[] = {"path", "stage", "reason"};
  facts->count = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) add_text(facts, names[i], row->texts[i]);
}
