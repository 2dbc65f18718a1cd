/* SPDX-License-Identifier: MIT */
/* The response: what comes in goes to the core's parser, which calls the sink and says where the end is. */
#include <string.h>

#include "plqo.h"

#define BUFFER_SIZE 16384 /* as much as a TLS record holds: nothing decrypted stays behind in OpenSSL */

static void complete(plqo_operation *op, int64_t now) {
  int64_t keep_ms = op->progress.keep_alive_ms;
  /* A second less than the server says, for what is on the way. */
  if (keep_ms >= 0 && keep_ms < INT32_MAX) op->conn->idle_until_ns = now + (keep_ms - 1000) * PLQT_MS;
  op->active_at = now;
  plqo_operation_end(op, PLQ_OK, PLQ_PHASE_NONE, NULL);
}

static void take(plqo_operation *op, const uint8_t *data, size_t len, int64_t now) {
  if (!op->first_at) op->first_at = now;
  op->active_at = now;
  int32_t status = op->instance->http1->push(op->conn->parser, data, len, &op->progress);
  if (status) {
    plqo_operation_end(op, status, PLQ_PHASE_RECEIVE, NULL);
  } else if (op->progress.flags & PLQ_HTTP1_COMPLETE) {
    complete(op, now);
  }
}

/* The connection is over. Whether the response is too, its framing says. */
static void end(plqo_operation *op, plqo_result result, int64_t now) {
  uint32_t how = result == PLQO_CLOSED ? PLQ_HTTP1_END_CLOSED : PLQ_HTTP1_END_CUT;
  int32_t status = op->instance->http1->end(op->conn->parser, how, &op->progress);
  if (status == PLQ_OK && (result == PLQO_CLOSED || result == PLQO_CUT)) {
    complete(op, now);
  } else {
    plqo_fail_io(op, result, status);
  }
}

bool plqo_receive_step(plqo_operation *op, int64_t now) {
  uint8_t buffer[BUFFER_SIZE];
  size_t got = 0;
  plqo_result result = plqo_conn_read(op->conn, buffer, sizeof buffer, &got);
  if (result == PLQO_DONE) {
    take(op, buffer, got, now);
    op->instance->host->wipe(buffer, got);
  } else if (result != PLQO_WAIT) {
    end(op, result, now);
  }
  return result != PLQO_WAIT && op->state != PLQO_OVER;
}
