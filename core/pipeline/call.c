/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/error.h"
#include "../codec/error_body.h"
#include "../codec/retry_after.h"
#include "attempt.h"
#include "policy.h"
#include "telling.h"

struct call {
  struct plq__client *client;
  struct plq__live *live;
  struct plq__run *run;
  const struct plq__exchange *exchange;
  char *path;                    /* the base URL's and the operation's */
  plq_transport_header *headers; /* the exchange's and Authorization */
  struct plq__text *secrets;     /* the exchange's, with room for the tokens of an attempt */
  int64_t start_ns, deadline_ns, waited_ns;
  uint32_t repeats;      /* made so far */
  uint32_t attempt_count; /* likewise */
  int token;        /* 0, or 1 once the second one is in use */
  int32_t delivery; /* the strongest of all attempts */
  struct plq_attempts attempts;
  plq_error *last_http; /* of the last attempt that the service answered with an error */
  plq_error *error;     /* of the last attempt */
  struct plq__failure failure;
  int32_t http_status; /* of a success */
  char trace_id[40];
};

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
static size_t list_secrets(struct call *call, const struct plq__tokens *tokens) {
  size_t count = call->exchange->secret_count;
  for (int i = 0; i < 2; i++)
    if (tokens->header[i] != NULL) call->secrets[count++] = plq__tokens_bare(tokens, i);
  return count;
}

static void describe_http(struct call *call, const struct plq__attempt_state *attempt, const struct plq__tokens *tokens, plq_error *error) {
  plq__error_body_read(attempt->body.at, attempt->body.len, call->secrets, list_secrets(call, tokens), error);
  const char *code = error->texts[PLQ__ERROR_SERVICE_CODE], *message = error->texts[PLQ__ERROR_SERVICE_MESSAGE];
  struct plq__text said = plq__text_in(message != NULL ? message : "", PLQ_NUL);
  plq__error_setf(error, "%s (%d%s%s%s%.*s)", plq_status_text(error->status), attempt->head.http_status, code != NULL ? " " : "",
                  code != NULL ? code : "", said.len > 0 ? ": " : "", (int)plq__utf8_cut(said, 400), said.at);
}

static void describe_transport(struct call *call, const struct plq__attempt_state *attempt, const struct plq__tokens *tokens,
                               plq_error *error) {
  const char *name = call->client->plugin->transport.name;
  const char *said = attempt->stopped == PLQ_OK ? attempt->reported.message : "";
  char shown[sizeof attempt->reported.message * 3]; /* a byte may become a U+FFFD */
  char *redacted = plq__redact(plq__text_in(said, PLQ_NUL), call->secrets, list_secrets(call, tokens));
  if (redacted != NULL && plq__clean(shown, sizeof shown, redacted, strlen(redacted)) > 0)
    plq__error_setf(error, "%s (%s: %s)", plq_status_text(attempt->status), name, shown);
  else
    plq__error_setf(error, "%s", plq_status_text(attempt->status));
  plq__free(redacted);
}

/* ---- one attempt ---- */

static void make_request(struct call *call, const struct plq__tokens *tokens, uint64_t op, plq_transport_request *request) {
  const struct plq__exchange *exchange = call->exchange;
  const struct plq__settings *settings = &call->client->settings;
  call->headers[exchange->header_count] = (plq_transport_header){.name = "Authorization",
                                                                 .name_len = 13,
                                                                 .value = tokens->header[call->token],
                                                                 .value_len = tokens->header_len[call->token],
                                                                 .flags = PLQ_TRANSPORT_HEADER_SENSITIVE};
  *request = (plq_transport_request){.struct_size = sizeof *request,
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
static void keep_error(struct call *call, plq_error *error) {
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

static int32_t fail_attempt(struct call *call, struct plq__attempt_state *attempt, const struct plq__tokens *tokens, plq_error *decoded) {
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
    if (decoded == NULL && answered) describe_http(call, attempt, tokens, error);
    if (decoded == NULL && !answered) describe_transport(call, attempt, tokens, error);
    if (error->texts[PLQ__ERROR_TRACE_ID] == NULL) set_text(error, PLQ__ERROR_TRACE_ID, call->exchange->trace_id);
  }
  keep_error(call, error);
  return attempt->status;
}

static int32_t judge(struct call *call, struct plq__attempt_state *attempt, const struct plq__tokens *tokens) {
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
  if (attempt->status != PLQ_OK) return fail_attempt(call, attempt, tokens, decoded);
  attempt->phase = PLQ_PHASE_NONE;
  call->http_status = attempt->head.http_status;
  const char *trace_id = attempt->head.trace_id[0] != '\0' ? attempt->head.trace_id : call->exchange->trace_id;
  snprintf(call->trace_id, sizeof call->trace_id, "%s", trace_id);
  return PLQ_OK;
}

static void count(struct plq__counts *counts, const struct plq__attempt *row) {
  atomic_fetch_add_explicit(&counts->attempts, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&counts->bytes_sent, (uint64_t)row->bytes_sent, memory_order_relaxed);
  atomic_fetch_add_explicit(&counts->bytes_received, (uint64_t)row->bytes_received, memory_order_relaxed);
}

static void record(struct call *call, const struct plq__attempt_state *attempt, int64_t began_ns) {
  struct plq__attempt row = {.status = attempt->status};
  plq__attempt_record(attempt, &row);
  row.start_us = (began_ns - call->start_ns) / 1000;
  row.wait_us = call->waited_ns / 1000;
  row.token = call->token + 1;
  if (row.total_us < 0) row.total_us = (plq__live_now_ns(call->live) - began_ns) / 1000;
  if (row.trace_id[0] == '\0') snprintf(row.trace_id, sizeof row.trace_id, "%s", call->exchange->trace_id);
  if (attempt->status != PLQ_OK && call->error != NULL && call->error->texts[PLQ__ERROR_MESSAGE] != NULL) {
    struct plq__text message = plq__text_in(call->error->texts[PLQ__ERROR_MESSAGE], PLQ_NUL);
    memcpy(row.message, message.at, plq__utf8_cut(message, sizeof row.message - 1));
  }
  struct plq__attempt *kept = plq__attempts_add(&call->attempts);
  if (kept != NULL) *kept = row;
  count(&call->live->counts, &row);
  plq__tell_attempt_end(call->run, call->attempt_count, &row);
}

static int32_t local_failure(struct call *call, int32_t status) {
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
  return status;
}

static int32_t attempt_with(struct call *call, const struct plq__tokens *tokens, uint64_t op) {
  struct plq__attempt_state attempt;
  plq_transport_request request;
  int64_t began_ns = plq__live_now_ns(call->live);
  plq__attempt_init(&attempt, call->client, call->live, call->run);
  attempt.number = ++call->attempt_count;
  make_request(call, tokens, op, &request);
  plq__tell_attempt_start(call->run, attempt.number, call->exchange->trace_id, call->token + 1, call->waited_ns);
  plq__attempt_perform(&attempt, &request);
  int32_t status = judge(call, &attempt, tokens);
  if (attempt.delivery > call->delivery) call->delivery = attempt.delivery;
  record(call, &attempt, began_ns);
  plq__attempt_clear(&attempt);
  return status;
}

/* Each attempt uses the tokens of its moment, so that a rotation takes effect inside a call. */
static int32_t make_attempt(struct call *call) {
  plq__token_files_follow(call->live);
  struct plq__tokens *tokens = plq__live_tokens(call->live);
  uint64_t op = plq__run_op(call->live, call->run);
  if (call->token == 1 && tokens->header[1] == NULL) call->token = 0;
  int32_t status = op == 0 ? local_failure(call, PLQ_E_CANCELLED)
                   : tokens->header[call->token] == NULL
                       ? local_failure(call, PLQ_E_TOKEN_MISSING)
                       : attempt_with(call, tokens, op);
  plq__tokens_unref(tokens);
  return status;
}

/* ---- from attempt to attempt ---- */

static bool has_second_token(struct call *call) {
  struct plq__tokens *tokens = plq__live_tokens(call->live);
  bool has = tokens->header[1] != NULL;
  plq__tokens_unref(tokens);
  return has;
}

static void tell_repeat(struct call *call, int32_t status, const char *reason) {
  atomic_fetch_add_explicit(&call->live->counts.repeats, 1, memory_order_relaxed);
  plq__tell_repeat(call->run, call->attempt_count, status, reason, call->waited_ns, plq__policy_left(call->live));
}

/* Whether another attempt is to be made; waits before it. A cancel during the wait becomes the status. */
static bool go_on(struct call *call, int32_t *status) {
  const struct plq__settings *settings = &call->client->settings;
  call->waited_ns = 0;
  if (*status == PLQ_E_HTTP_UNAUTHORIZED && call->token == 0 && has_second_token(call)) {
    call->token = 1;
    tell_repeat(call, *status, "second_token");
    return true;
  }
  if (call->repeats >= call->exchange->max_repeats) return false;
  if (!plq__policy_repeatable(settings, call->exchange->may_repeat, &call->failure)) return false;
  int64_t now_ns = plq__live_now_ns(call->live);
  int64_t wait_ns = plq__policy_wait_ns(settings, &call->live->random, call->repeats, &call->failure);
  /* A wait that does not fit would only delay the bad news. */
  if (wait_ns >= call->deadline_ns - now_ns || !plq__policy_take(call->live)) return false;
  call->repeats++;
  call->waited_ns = wait_ns;
  tell_repeat(call, *status, call->failure.retry_after_ms >= 0 ? "retry_after" : "backoff");
  if (wait_ns == 0 || plq__live_wait(call->live, call->run, now_ns + wait_ns)) return true;
  *status = local_failure(call, PLQ_E_CANCELLED);
  if (call->error != NULL) call->error->phase = PLQ_PHASE_BACKOFF;
  return false;
}

/* What the caller gets to see: the last failure, with what the service said last, and all attempts. */
static plq_error *finish_error(struct call *call, int32_t status) {
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
  error->repeatable = plq__policy_repeatable(&call->client->settings, call->exchange->may_repeat, &call->failure);
  if (call->attempts.count > 1 && error->texts[PLQ__ERROR_MESSAGE] != NULL) {
    char *message = error->texts[PLQ__ERROR_MESSAGE];
    error->texts[PLQ__ERROR_MESSAGE] = NULL;
    int len = (int)plq__utf8_cut(plq__text_in(message, PLQ_NUL), PLQ__MESSAGE_LONGEST - 32);
    plq__error_setf(error, "%.*s (after %u attempts)", len, message, call->attempts.count);
    plq__free(message);
  }
  error->attempts = call->attempts;
  memset(&call->attempts, 0, sizeof call->attempts);
  error->status = status;
  return error;
}

static bool prepare(struct call *call) {
  const struct plq__exchange *exchange = call->exchange;
  struct plq__text base = call->client->settings.url.path;
  size_t path_len = strlen(exchange->path);
  call->path = plq__alloc(base.len + path_len + 1);
  call->headers = plq__alloc((exchange->header_count + 1) * sizeof *call->headers);
  call->secrets = plq__alloc((exchange->secret_count + 2) * sizeof *call->secrets);
  if (call->path == NULL || call->headers == NULL || call->secrets == NULL) return false;
  if (exchange->secret_count > 0) memcpy(call->secrets, exchange->secrets, exchange->secret_count * sizeof *call->secrets);
  memcpy(call->path, base.at, base.len);
  memcpy(call->path + base.len, exchange->path, path_len);
  memcpy(call->headers, exchange->headers, exchange->header_count * sizeof *call->headers);
  return true;
}

static void begin(struct call *call) {
  struct plq__counts *counts = &call->live->counts;
  call->start_ns = plq__live_now_ns(call->live);
  call->deadline_ns = plq__deadline_ns(call->start_ns, call->exchange->timeout_ms);
  call->run->emitter.call = atomic_fetch_add_explicit(&counts->calls, 1, memory_order_relaxed) + 1;
  plq__tell_call_start(call->run, call->exchange);
}

static void end(struct call *call, int32_t status, const plq_error *error) {
  struct plq__counts *counts = &call->live->counts;
  const struct plq__ending ending = {.operation = call->exchange->operation,
                                     .trace_id = error != NULL ? plq_error_trace_id(error, NULL) : call->trace_id,
                                     .status = status,
                                     .delivery = status == PLQ_OK ? PLQ_DELIVERY_ANSWERED : call->delivery,
                                     .http_status = error != NULL ? error->http_status : call->http_status,
                                     .attempts = call->attempt_count,
                                     .elapsed_ns = plq__live_now_ns(call->live) - call->start_ns,
                                     .error = error};
  atomic_fetch_add_explicit(status == PLQ_OK ? &counts->succeeded : &counts->failed, 1, memory_order_relaxed);
  plq__tell_call_end(call->run, &ending);
}

int32_t plq__call(struct plq__client *client, struct plq__live *live, struct plq__run *run, const struct plq__exchange *exchange,
                  struct plq__outcome *out_outcome, plq_error **out_error) {
  struct call call = {.client = client, .live = live, .run = run, .exchange = exchange};
  plq_error *error = NULL;
  begin(&call);
  int32_t status = prepare(&call) ? PLQ_OK : local_failure(&call, PLQ_E_MEMORY);
  bool again = status == PLQ_OK;
  while (again) {
    status = make_attempt(&call);
    again = status != PLQ_OK && go_on(&call, &status);
  }
  if (status == PLQ_OK) {
    plq__policy_give(live, &client->settings);
    out_outcome->http_status = call.http_status;
    memcpy(out_outcome->trace_id, call.trace_id, sizeof call.trace_id);
    out_outcome->attempts = call.attempts;
    memset(&call.attempts, 0, sizeof call.attempts);
  } else {
    error = finish_error(&call, status);
  }
  end(&call, status, error);
  if (out_error != NULL)
    *out_error = error;
  else
    plq_error_free(error);
  if (call.error != call.last_http) plq_error_free(call.error);
  plq_error_free(call.last_http);
  plq__attempts_clear(&call.attempts);
  plq__free(call.secrets);
  plq__free(call.headers);
  plq__free(call.path);
  return status;
}
