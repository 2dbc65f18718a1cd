/* SPDX-License-Identifier: MIT */
/*
 * What is known of a connection, told to the core before the first byte of a request. The facts are gathered once for each TLS
 * connection and hang on its SSL object, so a request on a kept-alive connection costs next to nothing here.
 */
#include "plqc.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

typedef struct facts {
  plq_transport_connection connection;
  int fd;
  plqc_connection *counted; /* of the asynchronous half; as long as its SSL object lives */
} facts;

static int facts_index = -1;

static void free_facts(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *context) {
  (void)parent, (void)all, (void)index, (void)number, (void)context;
  OPENSSL_free(data);
}

bool plqc_facts_setup(void) {
  facts_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_facts);
  return facts_index >= 0;
}

static SSL *ssl_of(const plqc_operation *op) {
  struct curl_tlssessioninfo *info = NULL;
  if (curl_easy_getinfo(op->easy, CURLINFO_TLS_SSL_PTR, &info) || !info || info->backend != CURLSSLBACKEND_OPENSSL) return NULL;
  return info->internals;
}

static void copy_text(char *to, size_t size, const char *from) {
  size_t len = strnlen(from, size - 1);
  memcpy(to, from, len);
  to[len] = '\0';
}

static void set_peer(plq_transport_connection *connection, const char *peer, int port) {
  copy_text(connection->peer_address, sizeof connection->peer_address, peer);
  connection->peer_port = (uint32_t)port;
  connection->known |= PLQ_FACT_PEER | PLQ_FACT_REUSED | PLQ_FACT_PROXIED | PLQ_FACT_HTTP_VERSION;
}

static void gather_tls(const plqc_operation *op, SSL *ssl, plq_transport_connection *connection) {
  const unsigned char *alpn = NULL;
  unsigned int alpn_len = 0;
  X509 *leaf = SSL_get0_peer_certificate(ssl);
  connection->known |=
      PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED | PLQ_FACT_RESUMED | PLQ_FACT_TLS_VERSION | PLQ_FACT_TLS_CIPHER;
  connection->tls_version = (uint32_t)SSL_version(ssl);
  copy_text(connection->tls_cipher, sizeof connection->tls_cipher, SSL_get_cipher_name(ssl));
  if (SSL_session_reused(ssl)) connection->flags |= PLQ_FACT_RESUMED;
  if (leaf && SSL_get_verify_result(ssl) == X509_V_OK) connection->flags |= PLQ_FACT_CHAIN_VERIFIED;
  if (leaf && plqt_names_host(leaf, op->request->target, op->host_text)) connection->flags |= PLQ_FACT_HOST_VERIFIED;
  if (leaf && plqt_spki_sha256(leaf, connection->spki_sha256)) connection->known |= PLQ_FACT_SPKI;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
  connection->http_version = alpn_len == 2 && memcmp(alpn, "h2", 2) == 0 ? 20 : 11;
}

static int local_port(int fd) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &len)) return -1;
  if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
  return -1;
}

/* Which of the sockets that the operation opened became the connection; the others lost the race of addresses. */
static int find_socket(const plqc_operation *op, int port) {
  for (int i = 0; i < PLQC_OPENED_MAX; i++) {
    if (op->opened[i] >= 0 && local_port(op->opened[i]) == port) return op->opened[i];
  }
  return -1;
}

static facts *tls_facts(plqc_operation *op, SSL *ssl, const char *peer, int peer_port, int port, bool *out_fresh) {
  facts *known = SSL_get_ex_data(ssl, facts_index);
  *out_fresh = !known;
  if (known) return known;
  known = OPENSSL_zalloc(sizeof *known);
  if (!known) return NULL;
  known->connection.struct_size = sizeof known->connection;
  known->fd = find_socket(op, port);
  ERR_set_mark();
  gather_tls(op, ssl, &known->connection);
  ERR_pop_to_mark();
  set_peer(&known->connection, peer, peer_port);
  if (op->instance->config.proxy) known->connection.flags |= PLQ_FACT_PROXIED;
  if (SSL_set_ex_data(ssl, facts_index, known) == 1) return known;
  OPENSSL_free(known);
  return NULL;
}

static int stop(plqc_operation *op, int32_t status, const char *why) {
  op->verdict = status;
  op->verdict_phase = op->tls ? PLQ_PHASE_TLS : PLQ_PHASE_CONNECT;
  copy_text(op->detail, sizeof op->detail, why);
  return CURL_PREREQFUNC_ABORT;
}

/* The transport's own conditions; the core has its say after that. */
static int check(plqc_operation *op, const plq_transport_connection *connection) {
  if (op->tls && !(connection->flags & PLQ_FACT_CHAIN_VERIFIED))
    return stop(op, PLQ_E_VERIFY_CHAIN, "the chain was not verified");
  if (op->tls && !(connection->flags & PLQ_FACT_HOST_VERIFIED))
    return stop(op, PLQ_E_VERIFY_HOST, "the certificate is for another name");
  if (op->tls && op->instance->config.http == 20 && connection->http_version != 20) {
    return stop(op, PLQ_E_UNSUPPORTED, "http_version is 2, and the server does not speak HTTP/2");
  }
  return CURL_PREREQFUNC_OK;
}

static int offer(plqc_operation *op, const plq_transport_connection *connection) {
  op->connected_ns = op->active_ns = plqc_now(op->instance);
  op->connected_version = (int)connection->http_version;
  op->first_reused = (connection->flags & PLQ_FACT_REUSED) != 0;
  int answer = check(op, connection);
  if (answer == CURL_PREREQFUNC_OK && op->prewarm) return answer;
  if (answer == CURL_PREREQFUNC_OK && op->sink->on_connected(op->sink->context, connection)) {
    op->refused = true;
    answer = CURL_PREREQFUNC_ABORT;
  }
  if (answer == CURL_PREREQFUNC_OK) {
    op->accepted = true;
    op->accepted_number = ++op->engine->accepted_count;
    plqc_note_unsent(op);
    plqc_connection_take(op);
    plqc_engine_limit(op, op->active_ns + op->instance->config.idle_ns);
  } else {
    /* HTTP/2 connections would live on. */
    curl_easy_setopt(op->easy, CURLOPT_FORBID_REUSE, 1L);
    op->forbid_reuse = true;
  }
  return answer;
}

static bool fresh_plain(const plqc_operation *op) {
  long count = 0;
  curl_easy_getinfo(op->easy, CURLINFO_NUM_CONNECTS, &count);
  return count > 0;
}

/* A plain connection has nothing to hang its descriptor on; a lane has only one. */
static int socket_of_plain(const plqc_operation *op) {
  if (op->engine->epoll_fd < 0) return atomic_load(&op->engine->connection_fd);
  return op->connection ? op->connection->fd : -1;
}

/*
 * libcurl calls this when a connection is chosen and nothing was written. A second time within an operation means that libcurl
 * has sent the request, has lost the connection, and is about to send it again (no option forbids it): that is for the core to
 * decide.
 */
int plqc_on_prereq(void *context, char *peer, char *local, int peer_port, int local_port_) {
  plqc_operation *op = context;
  plq_transport_connection connection = {.struct_size = sizeof connection, .http_version = 11};
  SSL *ssl = op->tls ? ssl_of(op) : NULL;
  bool fresh = true;
  int fd = -1;
  (void)local;
  if (op->accepted) {
    plqc_operation_resent(op);
    return CURL_PREREQFUNC_ABORT;
  }
  if (atomic_load(op->cancelled)) return CURL_PREREQFUNC_ABORT;
  if (op->tls && !ssl) return stop(op, PLQ_E_VERIFY_FACTS, "libcurl does not show its TLS connection");
  if (ssl) {
    facts *known = tls_facts(op, ssl, peer, peer_port, local_port_, &fresh);
    if (!known) return stop(op, PLQ_E_MEMORY, "out of memory");
    fd = known->fd;
    memcpy(&connection, &known->connection, sizeof connection);
    if (fresh) known->counted = plqc_connection_add(op, fd, local_port_, connection.http_version == 20);
    op->connection = known->counted;
  } else {
    fresh = fresh_plain(op);
    op->connection = plqc_connection_find(op->instance, local_port_);
    fd = fresh ? find_socket(op, local_port_) : socket_of_plain(op);
    if (fresh) op->connection = plqc_connection_add(op, fd, local_port_, false);
    set_peer(&connection, peer, peer_port);
  }
  if (!fresh && connection.http_version != 20 && fd >= 0 && !plqc_connection_is_quiet(ssl, fd)) {
    op->stale = true;
    return CURL_PREREQFUNC_ABORT; /* which closes it */
  }
  if (!fresh) connection.flags |= PLQ_FACT_REUSED;
  if (fresh) atomic_store(&op->engine->connection_fd, fd);
  return offer(op, &connection);
}
