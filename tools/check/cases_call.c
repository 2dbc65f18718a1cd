/* SPDX-License-Identifier: MIT */
/* One call at a time: what comes back, what is refused, how it fails, how it is cancelled. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "internal.h"

#define BODY "{\\\"clientSecret\\\":\\\"test-secret-kit\\\"}"
#define GOOD "{\"status\":200,\"body\":\"" BODY "\"}"
#define LEN 34 /* of the body */

static void call_with(check *self, const char *script, record *made) {
  check_serve(self, script, NULL);
  record_init(made, self);
  if (check_create(self, NULL)) check_call(self, made);
}

/* The request that the server saw, and no byte beside it. */
static void expect_seen(check *self, size_t requests) {
  check_stop(self);
  EXPECT(self, check_requests(self) == requests, "the server saw %zu requests, not %zu", check_requests(self), requests);
  EXPECT(self, test_server_stray_bytes(self->server) == 0, "the server saw %zu bytes that belong to no request",
         test_server_stray_bytes(self->server));
}

static void check_good(check *self) {
  record made;
  call_with(self, "[" GOOD "]", &made);
  EXPECT(self, made.error.status == PLQ_OK, "it failed: %s: %s", plq_status_name(made.error.status), made.error.message);
  EXPECT(self, made.body.len == LEN, "the body has %zu bytes, not %d", made.body.len, LEN);
  record_clear(&made);
  expect_seen(self, 1);
}

static void check_passes(check *self, const char *script, int32_t http_status, size_t len) {
  record made;
  call_with(self, script, &made);
  EXPECT(self, made.error.status == PLQ_OK, "it failed: %s: %s", plq_status_name(made.error.status), made.error.message);
  EXPECT(self, made.head.http_status == http_status, "the status is %d, not %d", (int)made.head.http_status, (int)http_status);
  EXPECT(self, made.body.len == len, "the body has %zu bytes, not %zu", made.body.len, len);
  record_clear(&made);
  expect_seen(self, 1);
}

static void check_error_answer(check *self) {
  check_passes(self, "[{\"status\":401,\"body\":\"{}\"}]", 401, 2);
}
static void check_redirect(check *self) {
  check_passes(self, "[{\"status\":302,\"headers\":[[\"Location\",\"/elsewhere\"]],\"body\":\"\"}," GOOD "]", 302, 0);
}
static void check_interim(check *self) {
  check_passes(self, "[{\"interim\":[100,103],\"status\":200,\"body\":\"" BODY "\"}]", 200, LEN);
}
static void check_chunked(check *self) {
  check_passes(self,
               "[{\"raw\":\"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: "
               "chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n2;x=y\\r\\nde\\r\\n0\\r\\nX-Sum: 1\\r\\n\\r\\n\"}]",
               200, 5);
}
static void check_no_body(check *self) {
  check_passes(self, "[{\"raw\":\"HTTP/1.1 204 No Content\\r\\n\\r\\n\"}]", 204, 0);
}
static void check_pieces(check *self) {
  check_passes(self, "[{\"status\":200,\"body\":\"" BODY "\",\"pieces\":1}]", 200, LEN);
}
static void check_encoded(check *self) { /* untouched: refusing is the core's business, and the kit's head validator would */
  check_passes(self, "[{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\n\\u001f\\u008b\\u0008\\u0000\"}]", 200, 4);
}
static void check_large_answer(check *self) {
  check_passes(self, "[{\"status\":200,\"body\":{\"repeat\":\"0123456789\",\"times\":60000}}]", 200, 600000);
}
static void check_large_request(check *self) {
  self->body_len = 300000;
  check_passes(self, "[" GOOD "]", 200, LEN);
}

/* Exactly the headers of the request, and what framing needs. */
static void check_headers(check *self) {
  static const char *const wanted[] = {"Host", "Accept", "Content-Type", "User-Agent", "Authorization", "Content-Length"};
  record made;
  call_with(self, "[" GOOD "]", &made);
  record_clear(&made);
  expect_seen(self, 1);
  json_object *headers = json_object_object_get(json_object_array_get_idx(test_server_requests(self->server), 0), "headers");
  size_t count = headers != NULL ? json_object_array_length(headers) : 0;
  EXPECT(self, count == sizeof wanted / sizeof *wanted, "the request has %zu headers, not %zu", count,
         sizeof wanted / sizeof *wanted);
  for (size_t i = 0; i < count; i++) {
    const char *name = json_object_get_string(json_object_array_get_idx(json_object_array_get_idx(headers, i), 0));
    bool known = false;
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) known |= strcasecmp(name, wanted[w]) == 0;
    EXPECT(self, known, "the request has a header %s that nobody gave", name);
  }
}

/* ---- refused by the sink ---- */

static void check_refused(check *self, int at, int32_t delivery, size_t requests) {
  record made;
  check_serve(self, "[" GOOD "]", NULL);
  record_init(&made, self);
  made.refuse_at = at;
  if (check_create(self, NULL)) check_call(self, &made);
  check_ends_with(self, &made, PLQ_KIND_CANCELLED, delivery);
  record_clear(&made);
  expect_seen(self, requests);
}

static void check_refused_connection(check *self) {
  check_refused(self, REFUSE_CONNECTED, PLQ_DELIVERY_NOT_SENT, 0);
}
static void check_refused_line(check *self) {
  check_refused(self, REFUSE_LINE, PLQ_DELIVERY_MAYBE_SENT, 1);
}
static void check_refused_body(check *self) {
  check_refused(self, REFUSE_BODY, PLQ_DELIVERY_MAYBE_SENT, 1);
}

static void check_unknown_flag(check *self) {
  check_request request;
  record made;
  plq_transport_error error = {.struct_size = sizeof error};
  record_init(&made, self);
  if (!check_create(self, NULL)) return;
  check_request_init(self, &request);
  request.request.flags = UINT32_C(1) << 31;
  plq_transport_sink sink = record_sink(&made);
  int32_t status = self->half == PLQ_CAP_ASYNC ? self->functions->submit(self->instance, &request.request, &sink, &error)
                                               : self->functions->perform(self->instance, &request.request, &sink, &error);
  EXPECT(self, status == PLQ_E_UNSUPPORTED, "a request with an unknown flag is answered %s", plq_status_name(status));
  EXPECT(self, error.status == status, "the status is %d, and that in the error %d", (int)status, (int)error.status);
  EXPECT(self, !made.connected && !made.over, "the sink of a request that was not accepted was called");
  check_request_clear(&request);
}

/* ---- failures ---- */

static void check_fails(check *self, const char *script, int32_t kind, int32_t delivery, size_t requests) {
  record made;
  call_with(self, script, &made);
  check_ends_with(self, &made, kind, delivery);
  record_clear(&made);
  expect_seen(self, requests);
}

static void check_cut(check *self) {
  check_fails(self, "[{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\nabc\",\"end\":\"close\"}]",
              PLQ_KIND_TRUNCATED, PLQ_DELIVERY_MAYBE_SENT, 1);
}
static void check_nothing(check *self) {
  check_fails(self, "[{\"raw\":\"\",\"end\":\"close\"}]", PLQ_KIND_TRUNCATED, PLQ_DELIVERY_MAYBE_SENT, 1);
}
static void check_refused_by_nobody(check *self) {
  record made;
  check_serve(self, "[{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\"}}]", NULL);
  record_init(&made, self);
  if (check_create(self, NULL)) check_call(self, &made);
  check_ends_with(self, &made, PLQ_KIND_CONNECT, PLQ_DELIVERY_NOT_SENT);
}
static void check_unframed_cut(check *self) { /* a body that only the connection ends, and that without a close_notify */
  if (strncmp(self->origin, "http:", 5) == 0) return;
  check_fails(self, "[{\"raw\":\"HTTP/1.1 200 OK\\r\\n\\r\\nabc\",\"end\":\"fin\"}]", PLQ_KIND_TRUNCATED, PLQ_DELIVERY_MAYBE_SENT,
              1);
}

/* The server resets while the request is being written: no SIGPIPE may come, which would end this process. */
static void check_sigpipe(check *self) {
  record made;
  self->body_len = 4000000;
  call_with(self, "[{\"before\":\"stall_rst\",\"delay_ms\":200}]", &made);
  EXPECT(self, made.error.status != PLQ_OK, "it went well, and the server had reset the connection");
  EXPECT(self, made.error.delivery == PLQ_DELIVERY_MAYBE_SENT, "the delivery is NOT_SENT, and bytes had left");
}

static void on_alarm(int number) {
  (void)number;
}

static void check_interrupted(check *self) {
  const struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
  struct sigaction action = {.sa_handler = on_alarm}, before; /* no SA_RESTART */
  record made;
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarms, NULL); /* the server's threads are not what is interrupted */
  check_serve(self, "[{\"status\":200,\"delay_ms\":100,\"body\":\"" BODY "\",\"pieces\":5,\"piece_delay_ms\":2}]", NULL);
  pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
  sigaction(SIGALRM, &action, &before);
  record_init(&made, self);
  bool ready = check_create(self, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  if (ready) check_call(self, &made);
  setitimer(ITIMER_REAL, &never, NULL);
  EXPECT(self, made.error.status == PLQ_OK, "signals made it fail: %s: %s", plq_status_name(made.error.status),
         made.error.message);
  record_clear(&made);
}

/* ---- trust ---- */

static void check_unverified(check *self, const char *certificate) {
  record made;
  check_serve(self, "[" GOOD "]", certificate);
  record_init(&made, self);
  if (check_create(self, NULL)) check_call(self, &made);
  EXPECT(self, made.error.status != PLQ_OK, "a server whose certificate is %s was sent to", certificate);
  EXPECT(self, made.error.delivery == PLQ_DELIVERY_NOT_SENT, "the delivery is not NOT_SENT");
  EXPECT(self, plq_status_kind(made.error.status) == PLQ_KIND_VERIFY, "the status is %s, not of the kind verify",
         plq_status_name(made.error.status));
  check_stop(self);
  EXPECT(self, check_requests(self) == 0, "the server saw the request");
}

static void check_untrusted(check *self) {
  check_unverified(self, "untrusted");
}
static void check_expired(check *self) {
  check_unverified(self, "expired");
}
static void check_wrong_host(check *self) {
  check_unverified(self, "wrong_host");
}
static void check_self_signed(check *self) {
  check_unverified(self, "self_signed");
}

static void check_facts(check *self) {
  const uint32_t all = PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED | PLQ_FACT_REUSED | PLQ_FACT_RESUMED | PLQ_FACT_PROXIED |
                       PLQ_FACT_TLS_VERSION | PLQ_FACT_HTTP_VERSION | PLQ_FACT_PEER | PLQ_FACT_SPKI | PLQ_FACT_TLS_CIPHER;
  record made;
  call_with(self, "[" GOOD "]", &made);
  const plq_transport_connection *facts = &made.connection;
  EXPECT(self, (facts->known & all) == all, "it does not know the facts %x", (unsigned)(all & ~facts->known));
  EXPECT(self, facts->flags & PLQ_FACT_CHAIN_VERIFIED && facts->flags & PLQ_FACT_HOST_VERIFIED, "chain or host is not verified");
  EXPECT(self, facts->tls_version >= 0x0303 && facts->tls_version <= 0x0304, "the TLS version is %x",
         (unsigned)facts->tls_version);
  EXPECT(self, strcmp(facts->peer_address, "127.0.0.1") == 0, "the peer is %s", facts->peer_address);
  EXPECT(self, facts->tls_cipher[0] != '\0', "the cipher has no name");
  record_clear(&made);
}

static void check_pins(check *self) {
  check_serve(self, "[" GOOD "," GOOD "]", NULL);
  if (!check_create(self, "pins", test_ca_pin(self->ca), NULL)) return;
  check_good_call(self);
  check_destroy(self);
  record made;
  record_init(&made, self);
  if (!check_create(self, "pins", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL)) return;
  check_call(self, &made);
  check_ends_with(self, &made, PLQ_KIND_VERIFY, PLQ_DELIVERY_NOT_SENT);
  expect_seen(self, 1);
}

static void check_no_proxy(check *self) {
  static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) setenv(names[i], "http://127.0.0.1:1", 1);
  check_serve(self, "[" GOOD "]", NULL);
  if (check_create(self, NULL)) check_good_call(self);
}

#define BOTH (CHECK_SERVER | CHECK_HALVES)
const check_case check_call_cases[] = {
    {"call/good", 0, BOTH, "callbacks come in order and on_done once", check_good},
    {"call/error-answer", 0, BOTH, "an answer of any status is a complete response", check_error_answer},
    {"call/redirect", 0, BOTH, "a redirect is passed on and never followed", check_redirect},
    {"call/interim", 0, BOTH, "1xx heads are passed like any other", check_interim},
    {"call/chunked", 0, BOTH, "transfer coding is removed, trailers are lines", check_chunked},
    {"call/no-body", 0, BOTH, "204 has no body, whatever its head lacks", check_no_body},
    {"call/pieces", 0, BOTH, "a response may come byte by byte", check_pieces},
    {"call/untouched", 0, BOTH, "content coding is left untouched", check_encoded},
    {"call/large-answer", 0, BOTH, "600 KB of body come whole", check_large_answer},
    {"call/large-request", 0, BOTH, "300 KB of body leave whole", check_large_request},
    {"call/headers", 0, BOTH, "the request has the headers that were given, Host and Content-Length", check_headers},
    {"call/no-proxy", 0, BOTH, "proxy variables of the environment are not read", check_no_proxy},
    {"call/unknown-flag", 0, CHECK_HALVES, "a flag that it does not know is PLQ_E_UNSUPPORTED, and no sink is called",
     check_unknown_flag},
    {"refuse/connection", 0, BOTH, "after a refusing on_connected nothing is written", check_refused_connection},
    {"refuse/line", 0, BOTH, "a refusing on_line ends it", check_refused_line},
    {"refuse/body", 0, BOTH, "a refusing on_body ends it", check_refused_body},
    {"fail/cut", 0, BOTH, "a body shorter than Content-Length is truncated", check_cut},
    {"fail/nothing", 0, BOTH, "a connection that ends without an answer is truncated", check_nothing},
    {"fail/nobody", 0, BOTH, "a refused connection is NOT_SENT", check_refused_by_nobody},
    {"fail/unproven-end", PLQ_CAP_CA, BOTH, "a body that only a FIN ends is truncated", check_unframed_cut},
    {"fail/sigpipe", 0, BOTH, "SIGPIPE is never raised", check_sigpipe},
    {"fail/interrupted", 0, BOTH, "signals that interrupt system calls change nothing", check_interrupted},
    {"tls/untrusted", PLQ_CAP_CA, BOTH, "a certificate of an unknown CA gets no request: what is given replaces the system's CAs",
     check_untrusted},
    {"tls/expired", PLQ_CAP_CA, BOTH, "an expired certificate gets no request", check_expired},
    {"tls/wrong-host", PLQ_CAP_CA, BOTH, "a certificate for another name gets no request", check_wrong_host},
    {"tls/self-signed", PLQ_CAP_CA, BOTH, "a self-signed certificate gets no request", check_self_signed},
    {"tls/facts", PLQ_CAP_TLS_FACTS | PLQ_CAP_CA, BOTH, "every fact of a TLS connection is known", check_facts},
    {"tls/pins", PLQ_CAP_PINS | PLQ_CAP_CA, BOTH, "a public key that is not pinned gets no request", check_pins},
    {NULL, 0, 0, NULL, NULL}};
