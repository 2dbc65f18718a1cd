/* SPDX-License-Identifier: MIT */
/*
 * The floor: a blocking socket, OpenSSL, bytes that were made before, and an answer of which only the beginning and the length
 * are looked at. No deadline, no cancel, no parser, no JSON. Less than this no client can do that talks TLS by OpenSSL.
 *
 * create   one connection for all calls
 * full     a connection for each, with a full handshake, by a server that gives no tickets
 * resumed  a connection for each, with the session of the one before
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static struct bench_settings with;
static SSL_CTX *context;
static SSL_SESSION *session; /* the newest */
static SSL *ssl;
static int fd = -1;
static char request[1024];
static int request_len;
static size_t answer_len; /* of the first one; all others are the same */
static long opened, resumed, called;

static bool fail_tls(const char *what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return bench_fail("%s: %s", what, text);
}

/* ---- connections ---- */

static int on_session(SSL *of, SSL_SESSION *fresh) {
  (void)of;
  SSL_SESSION_free(session);
  session = fresh;
  return 1;
}

static bool make_context(void) {
  static const unsigned char alpn[] = "\x08http/1.1";
  context = SSL_CTX_new(TLS_client_method());
  if (context == NULL || SSL_CTX_load_verify_locations(context, with.ca_file, NULL) != 1) return fail_tls("context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (bench_is(&with, "resumed")) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
  }
  return true;
}

static bool open_connection(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)with.port)};
  int one = 1;
  inet_pton(AF_INET, BENCH_HOST, &address.sin_addr);
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) return bench_fail("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ssl = SSL_new(context);
  if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) return fail_tls("connection");
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), BENCH_HOST) != 1) return fail_tls("name");
  if (session != NULL && SSL_set_session(ssl, session) != 1) return fail_tls("session");
  if (SSL_connect(ssl) != 1 || SSL_get_verify_result(ssl) != X509_V_OK) return fail_tls("handshake");
  opened++;
  resumed += SSL_session_reused(ssl);
  return true;
}

static void close_connection(void) {
  if (ssl != NULL) SSL_shutdown(ssl);
  SSL_free(ssl);
  if (fd >= 0) close(fd);
  ssl = NULL;
  fd = -1;
}

/* ---- a call ---- */

static void make_request(void) {
  static const char body[] = "{\"payer\":{\"id\":\"" BENCH_PAYER "\"}}";
  request_len = snprintf(request, sizeof request,
                         "POST " BENCH_PATH " HTTP/1.1\r\nHost: " BENCH_HOST
                         ":%d\r\n"
                         "Accept: application/json\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\n"
                         "Trace-Id: 7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e\r\nUser-Agent: " BENCH_AGENT "\r\nEnd-User-Ip: " BENCH_IP
                         "\r\n"
                         "Authorization: Bearer " BENCH_TOKEN "\r\nContent-Length: %zu\r\n\r\n%s",
                         with.port, sizeof body - 1, body);
}

/* The first answer says how long it is. */
static bool learn_length(const char *answer, size_t len, size_t *out) {
  char text[4096];
  if (len >= sizeof text) return false;
  memcpy(text, answer, len);
  text[len] = '\0';
  const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");
  if (body == NULL || length == NULL) return false;
  *out = (size_t)(body + 4 - text) + (size_t)strtol(length + 17, NULL, 10);
  return true;
}

static bool call_once(void) {
  static char answer[16384];
  static const char good[] = "HTTP/1.1 200 ";
  if (SSL_write(ssl, request, request_len) != request_len) return fail_tls("write");
  size_t len = 0;
  do {
    int got = SSL_read(ssl, answer + len, (int)(sizeof answer - len));
    if (got <= 0) return fail_tls("read");
    len += (size_t)got;
    if (answer_len == 0 && !learn_length(answer, len, &answer_len)) continue;
  } while (len < answer_len || answer_len == 0);
  if (len != answer_len || memcmp(answer, good, sizeof good - 1) != 0) return bench_fail("not the answer that was expected");
  called++;
  return true;
}

/* ---- the program ---- */

bool bench_open(const struct bench_settings *settings) {
  with = *settings;
  signal(SIGPIPE, SIG_IGN);
  make_request();
  return make_context();
}

bool bench_run(long calls) {
  bool keep = bench_is(&with, "create"), ok = true;
  for (long i = 0; i < calls && ok; i++) {
    ok = (ssl != NULL || open_connection()) && call_once();
    if (!keep) close_connection();
  }
  return ok;
}

bool bench_close(void) {
  close_connection();
  SSL_SESSION_free(session);
  SSL_CTX_free(context);
  if (bench_is(&with, "create") && called > 0 && opened != 1) return bench_fail("%ld connections for %ld calls", opened, called);
  if (bench_is(&with, "full") && resumed != 0) return bench_fail("%ld sessions were resumed", resumed);
  if (bench_is(&with, "resumed") && called > 0 && resumed != called - 1)
    return bench_fail("%ld of %ld sessions were resumed", resumed, called);
  return true;
}
