/* SPDX-License-Identifier: MIT */
/* What every easy handle is set to once, whatever the request. Each line that looks superfluous is a default that was found
 * wanting. */
#include "plqc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  plqc_operation *op = context;
  (void)purpose;
  if (op->accepted) { /* libcurl is about to send again, on a new connection */
    plqc_operation_resent(op);
    return CURL_SOCKET_BAD;
  }
  if (!op->connect_ns) {
    op->connect_ns = plqc_now(op->instance);
    plqc_engine_limit(op, op->connect_ns + op->instance->config.connect_ns);
  }
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) {
    op->open_errno = errno;
    return CURL_SOCKET_BAD;
  }
  memmove(op->opened + 1, op->opened, sizeof op->opened - sizeof *op->opened);
  op->opened[0] = fd;
  plqt_fds_add(&op->instance->fds, fd);
  return fd;
}

/* May come long after the operation that opened the socket: belongs to the engine. */
static int on_close(void *context, curl_socket_t fd) {
  plqc_engine *engine = context;
  int expected = fd;
  atomic_compare_exchange_strong(&engine->connection_fd, &expected, -1);
  plqc_connection_closed(engine->instance, fd);
  return plqt_fds_close(&engine->instance->fds, fd);
}

/* libcurl has no connection to use and does not know the address. */
static int on_resolver_start(void *state, void *reserved, void *context) {
  plqc_operation *op = context;
  (void)state, (void)reserved;
  if (op->numeric) return 0;
  if (op->accepted) {
    plqc_operation_resent(op);
  } else {
    op->want_lookup = true;
  }
  return 1;
}

static long seconds(int64_t ms) {
  return (long)((ms + 999) / 1000);
}

static bool set_proxy(plqc_operation *op) {
  const plqc_config *config = &op->instance->config;
  CURL *easy = op->easy;
  bool ok = true;
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy ? config->proxy : "");
  ok &= !curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  if (!config->proxy) return ok;
  ok &= !curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
  if (!config->proxy_user) return ok;
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, config->proxy_user);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, config->proxy_password ? config->proxy_password : "");
  return ok;
}

static bool set_tls(plqc_operation *op) {
  const plqc_config *config = &op->instance->config;
  CURL *easy = op->easy;
  bool ok = true;
  ok &= !curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  /* The trusted CAs come by plqc_on_ssl_ctx, and only by that. */
  ok &= !curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
  ok &= !curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  ok &= !curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, plqc_on_ssl_ctx);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, op);
  if (config->pins) ok &= !curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, config->pins);
  return ok;
}

static bool set_callbacks(plqc_operation *op) {
  CURL *easy = op->easy;
  bool ok = true;
  ok &= !curl_easy_setopt(easy, CURLOPT_PRIVATE, op);
  ok &= !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, op->text);
  ok &= !curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, plqc_on_prereq);
  ok &= !curl_easy_setopt(easy, CURLOPT_PREREQDATA, op);
  ok &= !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, plqc_on_header);
  ok &= !curl_easy_setopt(easy, CURLOPT_HEADERDATA, op);
  ok &= !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, plqc_on_body);
  ok &= !curl_easy_setopt(easy, CURLOPT_WRITEDATA, op);
  ok &= !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  ok &= !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, op);
  ok &= !curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  ok &= !curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolver_start);
  ok &= !curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, op);
  return ok;
}

static bool set_static(plqc_operation *op) {
  const plqc_config *config = &op->instance->config;
  CURL *easy = op->easy;
  bool ok = set_callbacks(op) && set_tls(op) && set_proxy(op);
  ok &= !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  /* The least that libcurl allows, in place of 64 KiB that every handle would keep: a request fits in. */
  ok &= !curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
  ok &= !curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
  ok &= !curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  ok &= !curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  ok &= !curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  ok &= !curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  ok &= !curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  ok &= !curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 60L);
  ok &= !curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, seconds(config->connection_idle_ms));
  ok &= !curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, seconds(config->connection_lifetime_ms));
  ok &= !curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  /* Ours are finer; this one must only not be shorter than they are together. */
  int64_t ms = (config->resolve_ns + 2 * config->connect_ns + 2 * config->tls_ns) / PLQT_MS + 1000;
  ok &= !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, seconds(ms < 300000 ? 300000 : ms));
  return ok;
}

bool plqc_never_reuse(const plqc_operation *op) {
  return op->instance->config.connection_idle_ms == 0 || op->instance->config.connection_lifetime_ms == 0;
}

bool plqc_easy_new(plqc_operation *op, int64_t now) {
  op->easy = curl_easy_init();
  op->easy_born_ns = now;
  op->method[0] = '\0';
  op->forbid_reuse = op->fresh = false;
  plqc_free(op->instance, op->url);
  op->url = NULL;
  if (!op->easy || !set_static(op)) return false;
  return !plqc_never_reuse(op) || curl_easy_setopt(op->easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}
