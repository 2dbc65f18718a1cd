/* SPDX-License-Identifier: MIT */
#include "telling.h"

#include "../base/error.h"

#define NOTHING          \
  {                      \
    .rows = { {.n = 0} } \
  }

void plq__tell_call_start(const struct plq__run *run, const struct plq__exchange *exchange) {
  if (!plq__emitter_wants(&run->emitter, PLQ__EVENT_CALL_START)) return;
  struct plq__event_values values = NOTHING;
  values.rows[PLQ__CALL_START_OPERATION].s = exchange->operation;
  values.rows[PLQ__CALL_START_TRACE_ID].s = exchange->trace_id;
  values.rows[PLQ__CALL_START_TIMEOUT_MS].n = exchange->timeout_ms;
  values.rows[PLQ__CALL_START_MAX_REPEATS].n = exchange->max_repeats;
  plq__emit(&run->emitter, PLQ__EVENT_CALL_START, &values);
}

void plq__tell_attempt_start(const struct plq__run *run, uint32_t attempt, const char *trace_id, int token, int64_t wait_ns) {
  if (!plq__emitter_wants(&run->emitter, PLQ__EVENT_ATTEMPT_START)) return;
  struct plq__event_values values = NOTHING;
  values.rows[PLQ__ATTEMPT_START_ATTEMPT].n = attempt;
  values.rows[PLQ__ATTEMPT_START_TRACE_ID].s = trace_id;
  values.rows[PLQ__ATTEMPT_START_TOKEN].n = token;
  values.rows[PLQ__ATTEMPT_START_WAIT_US].n = wait_ns / 1000;
  plq__emit(&run->emitter, PLQ__EVENT_ATTEMPT_START, &values);
}

void plq__tell_attempt_end(const struct plq__run *run, uint32_t attempt, const struct plq__attempt *row) {
  if (!plq__emitter_wants(&run->emitter, PLQ__EVENT_ATTEMPT_END)) return;
  struct plq__event_values values = NOTHING;
  values.rows[PLQ__ATTEMPT_END_ATTEMPT].n = attempt;
  values.rows[PLQ__ATTEMPT_END_STATUS].n = row->status;
  values.rows[PLQ__ATTEMPT_END_STATUS_NAME].s = plq_status_name(row->status);
  values.rows[PLQ__ATTEMPT_END_KIND].s = plq_kind_name(plq_status_kind(row->status));
  values.rows[PLQ__ATTEMPT_END_PHASE].s = plq_phase_name(row->phase);
  values.rows[PLQ__ATTEMPT_END_DELIVERY].s = plq_delivery_name(row->delivery);
  values.rows[PLQ__ATTEMPT_END_HTTP_STATUS].n = row->http_status;
  values.rows[PLQ__ATTEMPT_END_HTTP_VERSION].n = row->http_version;
  values.rows[PLQ__ATTEMPT_END_TLS_VERSION].n = row->tls_version;
  values.rows[PLQ__ATTEMPT_END_REUSED].n = row->reused;
  values.rows[PLQ__ATTEMPT_END_RESUMED].n = row->resumed;
  values.rows[PLQ__ATTEMPT_END_TOKEN].n = row->token;
  values.rows[PLQ__ATTEMPT_END_START_US].n = row->start_us;
  values.rows[PLQ__ATTEMPT_END_WAIT_US].n = row->wait_us;
  values.rows[PLQ__ATTEMPT_END_QUEUE_US].n = row->queue_us;
  values.rows[PLQ__ATTEMPT_END_RESOLVE_US].n = row->resolve_us;
  values.rows[PLQ__ATTEMPT_END_CONNECT_US].n = row->connect_us;
  values.rows[PLQ__ATTEMPT_END_TLS_US].n = row->tls_us;
  values.rows[PLQ__ATTEMPT_END_SEND_US].n = row->send_us;
  values.rows[PLQ__ATTEMPT_END_FIRST_BYTE_US].n = row->first_byte_us;
  values.rows[PLQ__ATTEMPT_END_TOTAL_US].n = row->total_us;
  values.rows[PLQ__ATTEMPT_END_BYTES_SENT].n = row->bytes_sent;
  values.rows[PLQ__ATTEMPT_END_BYTES_RECEIVED].n = row->bytes_received;
  values.rows[PLQ__ATTEMPT_END_PEER].s = row->peer;
  values.rows[PLQ__ATTEMPT_END_TRACE_ID].s = row->trace_id;
  values.rows[PLQ__ATTEMPT_END_MESSAGE].s = row->message;
  plq__emit(&run->emitter, PLQ__EVENT_ATTEMPT_END, &values);
}

void plq__tell_repeat(const struct plq__run *run, uint32_t attempt, int32_t status, const char *reason, int64_t wait_ns,
                      int64_t repeats_left) {
  if (!plq__emitter_wants(&run->emitter, PLQ__EVENT_REPEAT)) return;
  struct plq__event_values values = NOTHING;
  values.rows[PLQ__REPEAT_ATTEMPT].n = attempt;
  values.rows[PLQ__REPEAT_STATUS].n = status;
  values.rows[PLQ__REPEAT_STATUS_NAME].s = plq_status_name(status);
  values.rows[PLQ__REPEAT_REASON].s = reason;
  values.rows[PLQ__REPEAT_WAIT_US].n = wait_ns / 1000;
  values.rows[PLQ__REPEAT_REPEATS_LEFT].n = repeats_left;
  plq__emit(&run->emitter, PLQ__EVENT_REPEAT, &values);
}

void plq__tell_call_end(const struct plq__run *run, const struct plq__ending *ending) {
  if (!plq__emitter_wants(&run->emitter, PLQ__EVENT_CALL_END)) return;
  const plq_error *error = ending->error;
  struct plq__event_values values = NOTHING;
  values.rows[PLQ__CALL_END_OPERATION].s = ending->operation;
  values.rows[PLQ__CALL_END_STATUS].n = ending->status;
  values.rows[PLQ__CALL_END_STATUS_NAME].s = plq_status_name(ending->status);
  values.rows[PLQ__CALL_END_KIND].s = plq_kind_name(plq_status_kind(ending->status));
  values.rows[PLQ__CALL_END_PHASE].s = plq_phase_name(plq_error_phase(error));
  values.rows[PLQ__CALL_END_DELIVERY].s = plq_delivery_name(ending->delivery);
  values.rows[PLQ__CALL_END_HTTP_STATUS].n = ending->http_status;
  values.rows[PLQ__CALL_END_ATTEMPTS].n = ending->attempts;
  values.rows[PLQ__CALL_END_ELAPSED_US].n = ending->elapsed_ns / 1000;
  values.rows[PLQ__CALL_END_TRACE_ID].s = ending->trace_id;
  values.rows[PLQ__CALL_END_SERVICE_CODE].s = plq_error_service_code(error, NULL);
  values.rows[PLQ__CALL_END_RETRY_AFTER_MS].n = error != NULL ? error->retry_after_ms : -1;
  values.rows[PLQ__CALL_END_MESSAGE].s = plq_error_message(error, NULL);
  plq__emit(&run->emitter, PLQ__EVENT_CALL_END, &values);
}

void plq__tell_warm(const struct plq__run *run, uint32_t count, uint32_t open, int32_t status, int64_t elapsed_ns) {
  if (!plq__emitter_wants(&run->emitter, PLQ__EVENT_WARM)) return;
  struct plq__event_values values = NOTHING;
  values.rows[PLQ__WARM_COUNT].n = count;
  values.rows[PLQ__WARM_OPEN].n = open;
  values.rows[PLQ__WARM_STATUS].n = status;
  values.rows[PLQ__WARM_STATUS_NAME].s = plq_status_name(status);
  values.rows[PLQ__WARM_ELAPSED_US].n = elapsed_ns / 1000;
  plq__emit(&run->emitter, PLQ__EVENT_WARM, &values);
}
