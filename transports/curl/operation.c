/* SPDX-License-Identifier: MIT */
/*
 * One request from begin to report. The easy handle stays with the operation, so its static options, buffers and TLS sessions are
 * used again.
 */
#include "plqc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static void attempt(plqc_operation *op, int64_t now);

static bool asynchronous(const plqc_operation *op) {
  return op->engine->epoll_fd >= 0;
}

bool plqc_operation_init(plqc_operation *op, plqc_instance *instance, const atomic_bool *cancelled) {
  memset(op, 0, sizeof *op);
  op->instance = instance;
  op->cancelled = cancelled;
  plqt_timer_init(&op->timer);
  return plqc_easy_new(op, plqc_now(instance));
}

void plqc_operation_clear(plqc_operation *op) {
  curl_easy_cleanup(op->easy);
  curl_url_cleanup(op->url_parsed);
  plqc_request_forget(op);
  plqc_free(op->instance, op->url);
  plqc_free(op->instance, op->host_text);
  plqc_free(op->instance, op->scratch);
  plqc_free(op->instance, op->lines);
  free(op->resolve_text);
}

/* TLS sessions live in the easy handle. Resumption skips the certificate, so a session must not outlive a connection's lifetime.
 */
static bool renew_easy(plqc_operation *op, int64_t now) {
  bool young = now - op->easy_born_ns <= op->instance->config.connection_lifetime_ms * PLQT_MS;
  if (op->easy && (young || plqc_never_reuse(op))) return true;
  curl_easy_cleanup(op->easy);
  return plqc_easy_new(op, now);
}

void plqc_operation_resent(plqc_operation *op) {
  op->resent = true;
  op->alone = op->accepted_number == op->engine->accepted_count;
}

/* ---- the way through ---- */

static void over(plqc_operation *op) {
  if (op->state == PLQC_OVER) return;
  plqc_forget_unsent(op);
  plqc_connection_leave(op);
  if (op->engine) {
    op->engine->ended_count++;
    plqt_timer_stop(&op->engine->timers, &op->timer);
    plqc_list_remove(&op->engine->active, op);
    plqc_list_add(&op->engine->over, op);
  }
  op->state = PLQC_OVER;
}

static void fail(plqc_operation *op, int32_t status, int32_t phase, const char *why) {
  op->verdict = status;
  op->verdict_phase = phase;
  if (why) snprintf(op->detail, sizeof op->detail, "%s", why);
  over(op);
}

static void leave_lookup(plqc_operation *op) {
  if (!op->lookup) return;
  if (op->engine->epoll_fd < 0) plqc_engine_poll_remove(op->engine, plqt_lookup_fd(op->lookup));
  plqt_lookup_leave(op->instance->resolver, op->lookup);
  op->lookup = NULL;
  op->resolve_took_ns = plqc_now(op->instance) - op->lookup_ns;
}

static void forget_attempt(plqc_operation *op) {
  plqc_forget_unsent(op);
  op->accepted = op->refused = op->resent = op->alone = op->want_lookup = op->stale = op->sent = op->certificate_seen = false;
  op->code = CURLE_OK;
  op->connect_ns = op->proxy_ns = op->tls_ns = op->connected_ns = op->sent_ns = op->first_ns = 0;
  op->open_errno = op->verify_error = op->connected_version = 0;
  op->verdict = op->verdict_phase = 0;
  op->uploaded = 0;
  op->text[0] = op->detail[0] = '\0';
  memset(op->opened, -1, sizeof op->opened);
  memset(&op->response, 0, sizeof op->response);
}

static bool set_fresh(plqc_operation *op, bool fresh) {
  if (op->fresh != fresh && curl_easy_setopt(op->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L)) return false;
  op->fresh = fresh;
  return true;
}

static bool prepare(plqc_operation *op, int64_t now) {
  if (!renew_easy(op, now) || !plqc_request_set(op)) return false;
  if (curl_easy_setopt(op->easy, CURLOPT_CLOSESOCKETDATA, op->engine)) return false;
  if (op->forbid_reuse && !plqc_never_reuse(op)) {
    if (curl_easy_setopt(op->easy, CURLOPT_FORBID_REUSE, 0L)) return false;
    op->forbid_reuse = false;
  }
  return set_fresh(op, op->want_fresh);
}

static bool set_version(plqc_operation *op) {
  int http = op->instance->config.http;
  bool two = http == 20 || (http == 0 && asynchronous(op));
  return curl_easy_setopt(op->easy, CURLOPT_HTTP_VERSION, two ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1) == CURLE_OK;
}

static int on_seek(void *context, curl_off_t offset, int origin) {
  (void)context, (void)offset, (void)origin;
  return CURL_SEEKFUNC_OK;
}

/* A resumed upload that has nothing left to send fails before its first byte, and leaves its connection for the next request. */
static bool set_prewarm(plqc_operation *op, bool on) {
  return !curl_easy_setopt(op->easy, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)(on ? 1 : 0)) &&
         !curl_easy_setopt(op->easy, CURLOPT_SEEKFUNCTION, on ? on_seek : NULL);
}

void plqc_operation_reset(plqc_operation *op, const plq_transport_request *request, const plq_transport_sink *sink, int64_t now) {
  op->engine = NULL;
  op->connection = NULL;
  op->request = request;
  op->sink = sink;
  op->submitted_ns = now;
  op->attempts = 0;
  op->lookup_ns = op->resolve_took_ns = op->started_ns = 0;
  op->plugin_code = 0;
  op->state = PLQC_IDLE;
  op->want_fresh = false;
  forget_attempt(op);
}

void plqc_operation_begin(plqc_operation *op, plqc_engine *engine, int64_t now) {
  op->engine = engine;
  op->state = PLQC_RUNNING;
  plqc_list_add(&engine->active, op);
  plqc_engine_limit(op, op->request->deadline_ns);
  if (atomic_load(op->cancelled)) {
    fail(op, PLQ_E_CANCELLED, PLQ_PHASE_CONNECT, NULL);
  } else if (op->request->deadline_ns <= now) {
    fail(op, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_CONNECT, NULL);
  } else if (!prepare(op, now) || !set_version(op) || (op->prewarm && !set_prewarm(op, true))) {
    fail(op, PLQ_E_MEMORY, PLQ_PHASE_CONFIG, "the request cannot be set up");
  } else {
    attempt(op, now);
  }
}

static void attempt(plqc_operation *op, int64_t now) {
  forget_attempt(op);
  op->state = PLQC_RUNNING;
  op->started_ns = now;
  if (curl_multi_add_handle(op->engine->multi, op->easy) != CURLM_OK) fail(op, PLQ_E_MEMORY, PLQ_PHASE_CONFIG, "out of memory");
}

/* libcurl reads "+host:port:a.b.c.d,[e::f]". Addresses with a zone it cannot read. */
static char *resolve_text(const plqc_operation *op, const plqt_addresses *addresses) {
  size_t size = strlen(op->host) + 16 + addresses->count * 64;
  char *text = malloc(size);
  if (!text) return NULL;
  size_t len = (size_t)snprintf(text, size, "+%s:%u:", op->host, (unsigned)op->port);
  bool first = true;
  for (size_t i = 0; i < addresses->count; i++) {
    char address[64];
    plqt_address_write(&addresses->rows[i], address, sizeof address);
    if (strlen(address) > 46 || strchr(address, '%')) continue;
    bool six = addresses->rows[i].at.any.sa_family == AF_INET6;
    len += (size_t)snprintf(text + len, size - len, six ? "%s[%s]" : "%s%s", first ? "" : ",", address);
    first = false;
  }
  return text;
}

/* Hands libcurl the addresses, and tries again. */
static void attempt_with(plqc_operation *op, const plqt_addresses *addresses, int64_t now) {
  free(op->resolve_text);
  op->resolve_text = resolve_text(op, addresses);
  if (!op->resolve_text) {
    fail(op, PLQ_E_MEMORY, PLQ_PHASE_RESOLVE, "out of memory");
    return;
  }
  op->resolve = (struct curl_slist){op->resolve_text, NULL};
  curl_easy_setopt(op->easy, CURLOPT_RESOLVE, &op->resolve);
  attempt(op, now);
}

static void begin_lookup(plqc_operation *op, int64_t now) {
  int32_t status;
  int os_errno;
  forget_attempt(op);
  op->lookup_ns = now;
  plqt_addresses addresses;
  if (plqt_resolver_cached(op->instance->resolver, op->host, op->port, now, &addresses)) {
    attempt_with(op, &addresses, now);
    return;
  }
  op->state = PLQC_RESOLVING;
  op->lookup = plqt_lookup_start(op->instance->resolver, op->host, op->port, &status, &os_errno);
  op->open_errno = os_errno;
  if (!op->lookup) {
    fail(op, status, PLQ_PHASE_RESOLVE, status == PLQ_E_RESOURCE_SYSTEM ? "too many name look-ups hang" : NULL);
    return;
  }
  int fd = plqt_lookup_fd(op->lookup);
  bool watched = true;
  if (asynchronous(op)) {
    /* Several operations may wait for the same look-up. */
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = PLQC_LOOKUP_EVENT};
    watched = epoll_ctl(op->engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST;
  } else {
    watched = plqc_engine_poll_add(op->engine, fd, POLLIN);
  }
  plqc_engine_limit(op, now + op->instance->config.resolve_ns);
  if (!watched) plqc_operation_stop(op, PLQ_E_MEMORY, PLQ_PHASE_RESOLVE);
}

static void end_lookup(plqc_operation *op, int64_t now) {
  plqt_addresses addresses;
  int32_t status;
  int os_errno, code;
  if (!plqt_lookup_result(op->instance->resolver, op->lookup, &addresses, &status, &os_errno, &code)) return;
  leave_lookup(op);
  if (status == PLQ_OK) {
    attempt_with(op, &addresses, now);
    return;
  }
  op->open_errno = os_errno;
  op->plugin_code = code;
  fail(op, status, PLQ_PHASE_RESOLVE, NULL);
}

void plqc_operation_ended(plqc_operation *op, CURLcode code) {
  int64_t now = plqc_now(op->instance);
  curl_multi_remove_handle(op->engine->multi, op->easy);
  op->code = code;
  if (op->state != PLQC_RUNNING) return;
  if (op->stale && op->attempts++ < 3) {
    set_fresh(op, true);
    attempt(op, now);
    return;
  }
  if (op->want_lookup && !op->accepted && op->attempts++ < 3 && !atomic_load(op->cancelled)) {
    begin_lookup(op, now);
    return;
  }
  over(op);
}

void plqc_operation_stop(plqc_operation *op, int32_t status, int32_t phase) {
  if (op->state == PLQC_OVER) return;
  op->verdict = status;
  op->verdict_phase = phase;
  if (op->state == PLQC_RUNNING) curl_multi_remove_handle(op->engine->multi, op->easy); /* closes the connection */
  leave_lookup(op);
  over(op);
}

void plqc_operation_tick(plqc_operation *op, int64_t now) {
  int32_t status;
  if (atomic_load(op->cancelled)) {
    plqc_operation_stop(op, PLQ_E_CANCELLED, plqc_phase(op));
    return;
  }
  if (op->state == PLQC_RESOLVING) end_lookup(op, now);
  if (op->state == PLQC_OVER) return;
  if (plqc_limit(op, now, &status) <= now) plqc_operation_stop(op, status, plqc_phase(op));
}

void plqc_operation_report(plqc_operation *op, int64_t now) {
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_transfer transfer;
  const plq_transport_sink *sink = op->sink;
  if (op->engine) plqc_list_remove(&op->engine->over, op);
  bool failed = plqc_error_of(op, &error);
  plqc_transfer_fill(op, now, &transfer);
  plqc_request_forget(op);
  if (op->prewarm) set_prewarm(op, false);
  op->state = PLQC_IDLE;
  op->prewarm = false;
  op->sink = NULL;
  op->request = NULL;
  if (op->resolve_text) curl_easy_setopt(op->easy, CURLOPT_RESOLVE, NULL);
  sink->on_done(sink->context, failed ? &error : NULL, &transfer);
}
