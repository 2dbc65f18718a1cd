/* SPDX-License-Identifier: MIT */
/* Attempts that are answered from a cassette: in order, on virtual time, as long as each is the one that was recorded. */
#include "stub.h"

#include <stdio.h>
#include <string.h>

int32_t replay_open(plq_transport_instance *self, const char *path, plq_transport_error *error) {
  cassette_problem problem = {""};
  self->seen.host = self->host;
  int32_t status = cassette_read_file(self->host, path, &self->cassette, &problem);
  self->replaying = status == PLQ_OK;
  if (status == PLQ_OK) return PLQ_OK;
  return error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, "%s", problem.text);
}

void replay_close(plq_transport_instance *self) {
  if (self->replaying) cassette_clear(&self->cassette);
  if (self->seen.host != NULL) cassette_secrets_clear(&self->seen);
  self->replaying = false;
}

/* ---- which entry ---- */

/* With the lock. */
static int32_t take_entry(operation *op, cassette_arena *arena, cassette_problem *problem) {
  plq_transport_instance *self = op->instance;
  const cassette *tape = &self->cassette;
  cassette_request now;
  cassette_problem difference;
  if (!cassette_secrets_add_request(&self->seen, op->request) || !cassette_request_keep(arena, &self->seen, op->request, &now)) {
    snprintf(problem->text, sizeof problem->text, "out of memory");
    return PLQ_E_MEMORY;
  }
  if (self->next_entry == tape->count) {
    snprintf(problem->text, sizeof problem->text, "the cassette is over: it has %zu entr%s, and this is attempt %zu%s",
             tape->count, tape->count == 1 ? "y" : "ies", tape->count + 1,
             tape->complete ? "" : "; its recording was not closed, so there may have been more");
    return PLQ_E_CASSETTE_MISMATCH;
  }
  const cassette_entry *entry = &tape->entries[self->next_entry];
  if (!cassette_match(&entry->request, &now, &difference)) {
    snprintf(problem->text, sizeof problem->text, "entry %zu of %zu: %.200s", self->next_entry + 1, tape->count, difference.text);
    return PLQ_E_CASSETTE_MISMATCH;
  }
  if (!cassette_secrets_add_answer(&self->seen, entry)) {
    snprintf(problem->text, sizeof problem->text, "out of memory");
    return PLQ_E_MEMORY;
  }
  self->next_entry++;
  op->recorded = entry;
  return PLQ_OK;
}

/* ---- what it does ---- */

/* A deadline that passed when it was recorded passes now too, also if now it is an earlier one. */
static int64_t delay_ns(const operation *op, int64_t ns) {
  const cassette_entry *e = op->recorded;
  int64_t left = op->request->deadline_ns - op->started_ns;
  bool ran_out = e->failed && e->error.status == PLQ_E_TIMEOUT_TOTAL;
  return ran_out && op->request->deadline_ns != FOREVER && ns > left ? left : ns;
}

static bool end_as_recorded(operation *op) {
  const cassette_entry *e = op->recorded;
  operation_finish(op, e->failed ? &e->error : NULL, e->has_transfer ? &e->transfer : NULL);
  return true;
}

static bool connect_as_recorded(operation *op) {
  const cassette_entry *e = op->recorded;
  connection_take(op);
  if (op->sink->on_connected(op->sink->context, &e->connection) != 0)
    return operation_stopped(op, "the host refused the connection");
  op->sent = true;
  op->phase = PLQ_PHASE_WAIT;
  op->delivery = PLQ_DELIVERY_MAYBE_SENT;
  return operation_wait(op, delay_ns(op, e->first_ns >= 0 ? e->first_ns : e->end_ns));
}

static bool deliver_lines(operation *op, const cassette_text *lines, size_t count) {
  for (size_t i = 0; i < count; i++) {
    op->received += lines[i].len;
    if (op->sink->on_line(op->sink->context, lines[i].at, lines[i].len) != 0) return false;
  }
  return true;
}

static bool deliver_body(operation *op, cassette_text body) {
  op->received += body.len;
  return body.len == 0 || op->sink->on_body(op->sink->context, (const uint8_t *)body.at, body.len) == 0;
}

static bool deliver_as_recorded(operation *op) {
  const cassette_entry *e = op->recorded;
  op->phase = PLQ_PHASE_RECEIVE;
  if (!deliver_lines(op, e->lines, e->line_count)) return operation_stopped(op, "the host stopped at the response's head");
  if (!operation_go_on(op)) return true;
  if (!deliver_body(op, e->body)) return operation_stopped(op, "the host stopped at the response's body");
  if (!operation_go_on(op)) return true;
  int64_t rest = op->started_ns + delay_ns(op, e->end_ns) - stub_now_ns(op->instance);
  if (rest > 0 && !operation_pause(op, rest)) return true;
  if (!deliver_lines(op, e->trailers, e->trailer_count))
    return operation_stopped(op, "the host stopped at the response's trailers");
  return end_as_recorded(op);
}

bool replay_start(operation *op) {
  cassette_arena arena = {.host = op->instance->host};
  cassette_problem problem = {""};
  pthread_mutex_lock(&op->instance->lock);
  int32_t status = take_entry(op, &arena, &problem);
  pthread_mutex_unlock(&op->instance->lock);
  cassette_arena_clear(&arena);
  if (status != PLQ_OK) {
    if (status == PLQ_E_CASSETTE_MISMATCH) op->phase = PLQ_PHASE_CONFIG;
    operation_fail(op, status, problem.text);
    return true;
  }
  return operation_wait(op, delay_ns(op, op->recorded->connected ? op->recorded->connected_ns : op->recorded->end_ns));
}

bool replay_resume(operation *op) {
  const cassette_entry *e = op->recorded;
  if (!e->connected) return end_as_recorded(op);
  if (!op->sent) return connect_as_recorded(op);
  return e->line_count > 0 ? deliver_as_recorded(op) : end_as_recorded(op);
}
