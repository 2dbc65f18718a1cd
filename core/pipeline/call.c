/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/error.h"
#include "../codec/error_body.h"
#include "../codec/retry_after.h"
#include "telling.h"

/* ---- what an answer means ---- */

static int32_t status_of_http(int32_t http, bool has_retry_after) {
  switch (http) {
    case 401: return PLQ_E_HTTP_UNAUTHORIZED;
    case 403: return PLQ_E_HTTP_FORBIDDEN;
    case 404: return PLQ_E_HTTP_NOT_FOUND;
    case 409: return PLQ_E_HTTP_CONFLICT;
    case 429: return PLQ_E_HTTP_THROTTLED;
    default: break;
  }
  if (http == 503 && has_retry_after) return PLQ_E_HTTP_THROTTLED;
  if (http >= 500) return PLQ_E_HTTP_SERVER;
  if (http >= 400) return PLQ_E_HTTP_CLIENT;
  return http >= 300 ? PLQ_E_HTTP_REDIRECT : PLQ_E_HTTP_STATUS;
}

static bool is_success(const struct plq__exchange *exchange, int32_t http) {
  for (size_t i = 0; i < exchange->success_count; i++)
    if (exchange->success[i] == http) return true;
  return false;
}

static void set_text(plq_error *error, enum plq__error_text which, const char *text) { plq__error_set(error, which, text, strlen(text)); }

/* Texts from outside are cleaned of whatever the caller wants kept secret. Returns how many there are in call->secrets. */
static size_t list_secrets(struct plq__call *call) {
  size_t count = call->exchange->secret_count;
  for (int i = 0; i < 2; i++)
    if (call->tokens->header[i] != NULL) call->secrets[count++] = plq__tokens_bare(call->tokens, i);
  return count;
}

static void describe_http(struct plq__call *call, plq_error *error) {
  const struct plq__attempt_state *attempt = &call->attempt;
  plq__error_body_read(attempt->body.at, attempt->body.len, call->secrets, list_secrets(call), error);
  const char *code = error->texts[PLQ__ERROR_SERVICE_CODE], *message = error->texts[PLQ__ERROR_SERVICE_MESSAGE];
  struct plq__text said = plq__text_in(message != NULL ? message : "", PLQ_NUL);
  plq__error_setf(error, "%s (%d%s%s%s%.*s)", plq_status_text(error->status), attempt->head.http_status, code != NULL ? " " : "",
                  code != NULL ? code : "", said.len > 0 ? ": " : "", (int)plq__utf8_cut(said, 400), said.at);
}

static void describe_transport(struct plq__call *call, plq_error *error) {
  const struct plq__attempt_state *attempt = &call->attempt;
  const char *name = attempt->client->plugin->transport.name;
  const char *said = attempt->stopped == PLQ_OK ? attempt->reported.message : "";
  char shown[sizeof attempt->reported.message * 3]; /* a byte may become a U+FFFD */
  char *redacted = plq__redact(plq__text_in(said, PLQ_NUL), call->secrets, list_secrets(call));
  if (redacted != NULL && plq__clean(shown, sizeof shown, redacted, strlen(redacted)) > 0)
    plq__error_setf(error, "%s (%s: %s)", plq_status_text(attempt->status), name, shown);
  else
    plq__error_setf(error, "%s", plq_status_text(attempt->status));
  plq__free(redacted);
}

/* ---- one attempt ---- */

static void make_request(struct plq__call *call, uint64_t op) {
  const struct plq__exchange *exchange = call->exchange;
  const struct plq__settings *settings = &call->attempt.client->settings;
  const struct plq__tokens *tokens = call->tokens;
  call->headers[exchange->header_count] = (plq_transport_header){.name = "Authorization",
                                                                 .name_len = 13,
                                                                 .value = tokens->header[call->token],
                                                                 .value_len = tokens->header_len[call->token],
                                                                 .flags = PLQ_TRANSPORT_HEADER_SENSITIVE};
  call->request = (plq_transport_request){.struct_size = sizeof call->request,
                                     .header_stride = sizeof *call->headers,
                                     .op = op,
                                     .deadline_ns = call->deadline_ns,
                                     .max_head_bytes = settings->max_head_bytes,
                                     .max_body_bytes = settings->max_body_bytes,
                                     .target = &settings->target,
                                     .method = exchange->method,
                                     .method_len = strlen(exchange->method),
                                     .path = call->path,
                                     .path_len = strlen(call->path),
                                     .headers = call->headers,
                                     .header_count = exchange->header_count + 1,
                                     .body = exchange->body,
                                     .body_len = exchange->body_len};
}

/* Replaces the error of the attempt before; one from the service is kept aside, because its facts outlive later failures. */
static void keep_error(struct plq__call *call, plq_error *error) {
  if (call->error != NULL && call->error != call->last_http) plq_error_free(call->error);
  if (error != NULL && call->failure.delivery == PLQ_DELIVERY_ANSWERED) {
    plq_error_free(call->last_http);
    call->last_http = error;
  }
  call->error = error;
}

/* -1: the service said nothing that can be understood. */
static int64_t retry_after_ms(const struct plq__attempt_state *attempt) {
  return attempt->head.retry_after[0] != '\0' ? plq__retry_after_ms(attempt->head.retry_after, time(NULL)) : -1;
}

static void fail_attempt(struct plq__call *call, plq_error *decoded) {
  const struct plq__attempt_state *attempt = &call->attempt;
  plq_error *error = decoded != NULL ? decoded : plq__error_new(attempt->status);
  bool answered = attempt->delivery == PLQ_DELIVERY_ANSWERED;
  call->failure = (struct plq__failure){.status = attempt->status,
                                        .delivery = attempt->delivery,
                                        .http_status = answered ? attempt->head.http_status : 0,
                                        .retry_after_ms = answered ? retry_after_ms(attempt) : -1};
  if (error != NULL) {
    error->status = attempt->status;
    error->phase = attempt->phase;
    error->http_status = attempt->head.http_status;
    error->retry_after_ms = call->failure.retry_after_ms;
    if (attempt->head.trace_id[0] != '\0') set_text(error, PLQ__ERROR_TRACE_ID, attempt->head.trace_id);
    if (decoded == NULL && answered) describe_http(call, error);
    if (decoded == NULL && !answered) describe_transport(call, error);
    if (error->texts[PLQ__ERROR_TRACE_ID] == NULL) set_text(error, PLQ__ERROR_TRACE_ID, call->exchange->trace_id);
  }
  keep_error(call, error);
}

static void judge(struct plq__call *call) {
  struct plq__attempt_state *attempt = &call->attempt;
  plq_error *decoded = NULL;
  if (attempt->status == PLQ_OK) {
    int32_t http = attempt->head.http_status;
    attempt->phase = PLQ_PHASE_DECODE;
    if (is_success(call->exchange, http))
      attempt->status =
          call->exchange->decode(call->exchange->context, attempt->body.at, attempt->body.len, attempt->sent_life_ms, &decoded);
    else
      attempt->status = status_of_http(http, retry_after_ms(attempt) >= 0);
  }
  if (attempt->status != PLQ_OK) {
    fail_attempt(call, decoded);
    return;
  }
  attempt->phase = PLQ_PHASE_NONE;
  call->http_status = attempt->head.http_status;
  const char *trace_id = attempt->head.trace_id[0] != '\0' ? attempt->head.trace_id : call->exchange->trace_id;
  snprintf(call->trace_id, sizeof call->trace_id, "%s", trace_id);
}

static void record(struct plq__call *call) {
  const struct plq__attempt_state *attempt = &call->attempt;
  struct plq__attempt row = {.status = attempt->status};
  plq__attempt_record(attempt, &row);
  row.start_us = (call->began_ns - call->start_ns) / 1000;
  row.wait_us = call->waited_ns / 1000;
  row.token = call->token + 1;
  if (row.total_us < 0) row.total_us = (plq__lane_now_ns(call->lane) - call->began_ns) / 1000;
  if (row.trace_id[0] == '\0') snprintf(row.trace_id, sizeof row.trace_id, "%s", call->exchange->trace_id);
  if (attempt->status != PLQ_OK && call->error != NULL && call->error->texts[PLQ__ERROR_MESSAGE] != NULL) {
    struct plq__text message = plq__text_in(call->error->texts[PLQ__ERROR_MESSAGE], PLQ_NUL);
    memcpy(row.message, message.at, plq__utf8_cut(message, sizeof row.message - 1));
  }
  struct plq__attempt *kept = plq__attempts_add(&call->rows);
  if (kept != NULL) *kept = row;
  plq__count(call->lane, PLQ__COUNT_ATTEMPTS, 1);
  plq__count(call->lane, PLQ__COUNT_BYTES_SENT, (uint64_t)row.bytes_sent);
  plq__count(call->lane, PLQ__COUNT_BYTES_RECEIVED, (uint64_t)row.bytes_received);
  plq__tell_attempt_end(call->run, call->attempt_count, &row);
}

static enum plq__step local_failure(struct plq__call *call, int32_t status) {
  plq_error *error = NULL;
  if (status == PLQ_E_TOKEN_MISSING)
    plq__fail(&error, status, "access_token",
              "no access token is configured; set the option access_token or access_token_file, or the variable PLASTIQ_ACCESS_TOKEN, or call "
              "plq_client_set_tokens()");
  else
    plq__fail_plain(&error, status);
  if (error != NULL) set_text(error, PLQ__ERROR_TRACE_ID, call->exchange->trace_id);
  call->failure = (struct plq__failure){.status = status, .delivery = PLQ_DELIVERY_NOT_SENT, .retry_after_ms = -1};
  keep_error(call, error);
  call->status = status;
  return PLQ__STEP_OVER;
}

/* Each attempt uses the tokens of its moment, so that a rotation takes effect inside a call. */
enum plq__step plq__call_attempt(struct plq__call *call, uint64_t op) {
  if (op == 0) return local_failure(call, PLQ_E_CANCELLED);
  plq__token_files_follow(call->lane->live);
  call->tokens = plq__lane_tokens(call->lane);
  if (call->tokens == NULL) return local_failure(call, PLQ_E_MEMORY);
  if (call->token == 1 && call->tokens->header[1] == NULL) call->token = 0;
  if (call->tokens->header[call->token] == NULL) return local_failure(call, PLQ_E_TOKEN_MISSING);
  call->began_ns = plq__lane_now_ns(call->lane);
  plq__attempt_init(&call->attempt, call->lane, call->run);
  call->attempt.number = ++call->attempt_count;
  make_request(call, op);
  plq__tell_attempt_start(call->run, call->attempt.number, call->exchange->trace_id, call->token + 1, call->waited_ns);
  return PLQ__STEP_SEND;
}

/* ---- from attempt to attempt ---- */

static void tell_repeat(struct plq__call *call, const char *reason) {
  plq__count(call->lane, PLQ__COUNT_REPEATS, 1);
  plq__tell_repeat(call->run, call->attempt_count, call->status, reason, call->waited_ns, plq__policy_left(call->lane->live));
}

static bool take_repeat(struct plq__lane *lane) {
  bool taken = plq__policy_take(lane->live);
  if (!taken) plq__count(lane, PLQ__COUNT_REPEATS_DENIED, 1);
  return taken;
}

/* Whether another attempt is to be made, and when. */
static bool go_on(struct plq__call *call, bool has_second_token) {
  const struct plq__settings *settings = &call->attempt.client->settings;
  call->waited_ns = 0;
  call->again_ns = 0;
  if (call->status == PLQ_E_HTTP_UNAUTHORIZED && call->token == 0 && has_second_token) {
    call->token = 1;
    tell_repeat(call, "second_token");
    return true;
  }
  if (call->repeats >= call->exchange->max_repeats) return false;
  if (!plq__policy_repeatable(settings, call->exchange->may_repeat, &call->failure)) return false;
  int64_t now_ns = plq__lane_now_ns(call->lane);
  int64_t wait_ns = plq__policy_wait_ns(settings, &call->lane->random, call->repeats, &call->failure);
  /* A wait that does not fit would only delay the bad news. */
  if (wait_ns >= call->deadline_ns - now_ns || !take_repeat(call->lane)) return false;
  call->repeats++;
  call->waited_ns = wait_ns;
  if (wait_ns > 0) call->again_ns = now_ns + wait_ns;
  tell_repeat(call, call->failure.retry_after_ms >= 0 ? "retry_after" : "backoff");
  return true;
}

enum plq__step plq__call_judge(struct plq__call *call) {
  judge(call);
  call->status = call->attempt.status;
  if (call->attempt.delivery > call->delivery) call->delivery = call->attempt.delivery;
  record(call);
  plq__attempt_clear(&call->attempt);
  bool has_second_token = call->tokens->header[1] != NULL;
  plq__tokens_unref(call->tokens);
  call->tokens = NULL;
  return call->status != PLQ_OK && go_on(call, has_second_token) ? PLQ__STEP_AGAIN : PLQ__STEP_OVER;
}

void plq__call_interrupt(struct plq__call *call) {
  local_failure(call, PLQ_E_CANCELLED);
  if (call->error != NULL && call->attempt_count > 0) call->error->phase = PLQ_PHASE_BACKOFF;
}

/* What the caller gets to see: the last failure, with what the service said last, and all attempts. */
static plq_error *finish_error(struct plq__call *call) {
  plq_error *error = call->error, *http = call->last_http;
  call->error = NULL;
  if (error == http) call->last_http = NULL;
  if (error == NULL) return NULL;
  if (http != NULL && http != error) {
    error->http_status = http->http_status;
    for (int i = PLQ__ERROR_SERVICE_CODE; i <= PLQ__ERROR_SERVICE_MESSAGE; i++)
      if (http->texts[i] != NULL) set_text(error, (enum plq__error_text)i, http->texts[i]);
    error->details = http->details;
    error->detail_count = http->detail_count;
    http->details = NULL;
    http->detail_count = 0;
  }
  error->delivery = call->delivery;
  error->repeatable = plq__policy_repeatable(&call->lane->live->client->settings, call->exchange->may_repeat, &call->failure);
  if (call->rows.count > 1 && error->texts[PLQ__ERROR_MESSAGE] != NULL) {
    char *message = error->texts[PLQ__ERROR_MESSAGE];
    error->texts[PLQ__ERROR_MESSAGE] = NULL;
    int len = (int)plq__utf8_cut(plq__text_in(message, PLQ_NUL), PLQ__MESSAGE_LONGEST - 32);
    plq__error_setf(error, "%.*s (after %u attempts)", len, message, call->rows.count);
    plq__free(message);
  }
  error->attempts = call->rows;
  memset(&call->rows, 0, sizeof call->rows);
  error->status = call->status;
  return error;
}

/* What the attempts need, in one block. */
static bool prepare(struct plq__call *call) {
  const struct plq__exchange *exchange = call->exchange;
  struct plq__text base = call->lane->live->client->settings.url.path;
  size_t path_len = strlen(exchange->path);
  size_t headers_size = (exchange->header_count + 1) * sizeof *call->headers;
  size_t secrets_size = (exchange->secret_count + 2) * sizeof *call->secrets;
  char *block = plq__alloc(headers_size + secrets_size + base.len + path_len + 1);
  if (block == NULL) return false;
  call->headers = (plq_transport_header *)(void *)block;
  call->secrets = (struct plq__text *)(void *)(block + headers_size);
  call->path = block + headers_size + secrets_size;
  if (exchange->secret_count > 0) memcpy(call->secrets, exchange->secrets, exchange->secret_count * sizeof *call->secrets);
  memcpy(call->path, base.at, base.len);
  memcpy(call->path + base.len, exchange->path, path_len);
  memcpy(call->headers, exchange->headers, exchange->header_count * sizeof *call->headers);
  return true;
}

void plq__call_init(struct plq__call *call, struct plq__lane *lane, struct plq__run *run, const struct plq__exchange *exchange,
                    int64_t start_ns) {
  memset(call, 0, offsetof(struct plq__call, attempt));
  call->lane = lane;
  call->run = run;
  call->exchange = exchange;
  call->start_ns = start_ns;
  call->deadline_ns = plq__deadline_ns(start_ns, exchange->timeout_ms);
  call->attempt.client = lane->live->client;
  call->tokens = NULL;
}

enum plq__step plq__call_begin(struct plq__call *call) {
  uint64_t before = atomic_fetch_add_explicit(&call->lane->counts[PLQ__COUNT_CALLS], 1, memory_order_relaxed);
  if (call->run->emitter.call == 0) call->run->emitter.call = before + 1; /* one in a queue has a number already */
  plq__tell_call_start(call->run, call->exchange);
  call->again_ns = 0;
  return prepare(call) ? PLQ__STEP_AGAIN : local_failure(call, PLQ_E_MEMORY);
}

static void end(struct plq__call *call, const plq_error *error) {
  const struct plq__ending ending = {.operation = call->exchange->operation,
                                     .trace_id = error != NULL ? plq_error_trace_id(error, NULL) : call->trace_id,
                                     .status = call->status,
                                     .delivery = call->status == PLQ_OK ? PLQ_DELIVERY_ANSWERED : call->delivery,
                                     .http_status = error != NULL ? error->http_status : call->http_status,
                                     .attempts = call->attempt_count,
                                     .elapsed_ns = plq__lane_now_ns(call->lane) - call->start_ns,
                                     .error = error};
  plq__count(call->lane, call->status == PLQ_OK ? PLQ__COUNT_SUCCEEDED : PLQ__COUNT_FAILED, 1);
  plq__tell_call_end(call->run, &ending);
}

int32_t plq__call_finish(struct plq__call *call, struct plq__outcome *out_outcome, plq_error **out_error) {
  int32_t status = call->status;
  plq_error *error = NULL;
  if (status == PLQ_OK) {
    plq__policy_give(call->lane->live, &call->lane->live->client->settings);
    out_outcome->http_status = call->http_status;
    memcpy(out_outcome->trace_id, call->trace_id, sizeof call->trace_id);
    out_outcome->attempts = call->rows;
    memset(&call->rows, 0, sizeof call->rows);
  } else {
    error = finish_error(call);
  }
  end(call, error);
  if (out_error != NULL)
    *out_error = error;
  else
    plq_error_free(error);
  if (call->error != call->last_http) plq_error_free(call->error);
  plq_error_free(call->last_http);
  plq__attempts_clear(&call->rows);
  plq__tokens_unref(call->tokens);
  plq__free(call->headers);
  return status;
}

/* ---- on a thread that waits ---- */

void plq__call_run(struct plq__call *call) {
  struct plq__live *live = call->lane->live;
  enum plq__step step = plq__call_begin(call);
  while (step == PLQ__STEP_AGAIN) {
    if (call->again_ns != 0 && !plq__live_wait(live, call->run, call->again_ns)) {
      plq__call_interrupt(call);
      break;
    }
    step = plq__call_attempt(call, plq__run_op(live, call->run));
    if (step != PLQ__STEP_SEND) break;
    plq__attempt_perform(&call->attempt, &call->request);
    step = plq__call_judge(call);
  }
}
