/* SPDX-License-Identifier: MIT */
/* One socket, from connect to close, and what moves bytes over it. */
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plqo.h"

/* ---- opening ---- */

static int open_socket(const plqt_address *address) {
  int on = 1;
  int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static bool start(plqo_conn *conn, const plqt_address *address) {
  conn->fd = open_socket(address);
  if (conn->fd < 0) return false;
  if (!plqt_fds_add(&conn->instance->fds, conn->fd)) {
    errno = ENOMEM;
    return false;
  }
  if (connect(conn->fd, &address->at.any, address->len) == 0)
    conn->may_write = true;
  else if (errno != EINPROGRESS && errno != EINTR)
    return false;
  return plqo_engine_watch(conn->engine, conn);
}

plqo_conn *plqo_conn_open(plqo_engine *engine, plqo_operation *op, const plqt_address *address, int64_t now, int *out_errno) {
  plqo_instance *instance = engine->instance;
  plqo_conn *conn = plqo_alloc(instance, sizeof *conn);
  *out_errno = ENOMEM;
  if (!conn) return NULL;
  memset(conn, 0, sizeof *conn);
  conn->instance = instance;
  conn->engine = engine;
  conn->op = op;
  conn->target = op->target;
  conn->opened_ns = now;
  plqo_facts_peer(conn, address);
  atomic_fetch_add(&engine->conn_count, 1);
  if (start(conn, address)) return conn;
  *out_errno = errno;
  if (conn->fd >= 0) plqt_fds_close(&instance->fds, conn->fd);
  atomic_fetch_sub(&engine->conn_count, 1);
  plqo_conn_free(conn);
  return NULL;
}

plqo_result plqo_conn_connected(plqo_conn *conn) {
  int number = 0;
  socklen_t len = sizeof number;
  if (!conn->may_write) return PLQO_WAIT;
  if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &number, &len)) number = errno;
  conn->io_errno = number;
  return number ? PLQO_RESET : PLQO_DONE;
}

/* ---- TLS ---- */

/* SSL_get_error() looks at the thread's error queue, which the host may have left full (openssl/openssl#8470). */
static void clear_errors(void) {
  if (ERR_peek_error()) ERR_clear_error();
}

static bool set_name(const plqo_conn *conn) {
  const plqo_target *target = conn->target;
  X509_VERIFY_PARAM *param = SSL_get0_param(conn->ssl);
  /* RFC 9525: the subject's common name does not count, and * stands for a whole label. */
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (target->numeric) return X509_VERIFY_PARAM_set1_ip_asc(param, target->host) == 1;
  return SSL_set1_host(conn->ssl, target->host) == 1 && SSL_set_tlsext_host_name(conn->ssl, target->host) == 1;
}

static bool make_ssl(plqo_conn *conn, int64_t now) {
  conn->ssl = SSL_new(conn->instance->context);
  if (!conn->ssl || !SSL_set_app_data(conn->ssl, conn) || !plqo_wire_attach(conn) || !set_name(conn)) return false;
  SSL_set_connect_state(conn->ssl);
  SSL_SESSION *session = plqo_session_take(conn->instance, conn->target, now);
  if (session) SSL_set_session(conn->ssl, session);
  SSL_SESSION_free(session);
  return true;
}

bool plqo_conn_secure(plqo_conn *conn, int64_t now) {
  conn->parser = plqo_alloc(conn->instance, conn->instance->http1->parser_size);
  if (!conn->parser) return false;
  if (!conn->target->tls) return true;
  bool made = make_ssl(conn, now);
  clear_errors();
  return made;
}

static plqo_result result_of(plqo_conn *conn, int answer) {
  plqo_result result = PLQO_BROKEN;
  switch (SSL_get_error(conn->ssl, answer)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return PLQO_WAIT;
    case SSL_ERROR_ZERO_RETURN:
      return PLQO_CLOSED;
    case SSL_ERROR_SYSCALL:
      result = conn->io_errno ? PLQO_RESET : PLQO_CUT;
      break;
    default:
      conn->tls_error = ERR_peek_last_error();
      if (ERR_GET_REASON(conn->tls_error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) result = PLQO_CUT;
  }
  conn->fatal = true;
  clear_errors();
  return result;
}

plqo_result plqo_conn_handshake(plqo_conn *conn) {
  clear_errors();
  int answer = SSL_do_handshake(conn->ssl);
  return answer == 1 ? PLQO_DONE : result_of(conn, answer);
}

/* ---- moving bytes ---- */

static plqo_result plain_result(plqo_conn *conn) {
  if (errno == EAGAIN || errno == EINTR) return PLQO_WAIT;
  conn->io_errno = errno;
  conn->fatal = true;
  return PLQO_RESET;
}

static plqo_result write_plain(plqo_conn *conn, const char *data, size_t len, size_t *out_written) {
  ssize_t put = send(conn->fd, data, len, MSG_NOSIGNAL);
  if (put >= 0) {
    *out_written = (size_t)put;
    return PLQO_DONE;
  }
  if (errno == EAGAIN) conn->may_write = false;
  return plain_result(conn);
}

plqo_result plqo_conn_write(plqo_conn *conn, const char *data, size_t len, size_t *out_written) {
  *out_written = 0;
  if (!conn->ssl) return write_plain(conn, data, len, out_written);
  clear_errors();
  int answer = SSL_write_ex(conn->ssl, data, len, out_written);
  return answer == 1 ? PLQO_DONE : result_of(conn, answer);
}

static plqo_result read_plain(plqo_conn *conn, uint8_t *buffer, size_t size, size_t *out_got) {
  ssize_t got = recv(conn->fd, buffer, size, 0);
  if (got < (ssize_t)size && !conn->ending) conn->may_read = false;
  if (got < 0) return plain_result(conn);
  *out_got = (size_t)got;
  return got ? PLQO_DONE : PLQO_CLOSED;
}

plqo_result plqo_conn_read(plqo_conn *conn, uint8_t *buffer, size_t size, size_t *out_got) {
  *out_got = 0;
  if (!conn->ssl) return conn->may_read ? read_plain(conn, buffer, size, out_got) : PLQO_WAIT;
  if (!conn->may_read && !SSL_has_pending(conn->ssl)) return PLQO_WAIT;
  clear_errors();
  int answer = SSL_read_ex(conn->ssl, buffer, size, out_got);
  return answer == 1 ? PLQO_DONE : result_of(conn, answer);
}

/* ---- between requests ---- */

static ssize_t peek(const plqo_conn *conn) {
  char byte;
  ssize_t got = recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? -2 : got;
}

/* TLS 1.3 tickets and key updates are the only thing that may wait there; OpenSSL takes them in. */
bool plqo_conn_is_quiet(plqo_conn *conn) {
  char byte;
  ssize_t waits = peek(conn);
  if (waits == -2 && !(conn->ssl && SSL_has_pending(conn->ssl))) return true;
  if (!conn->ssl || waits == 0 || waits == -1) return false;
  clear_errors();
  int answer = SSL_peek(conn->ssl, &byte, 1);
  return answer <= 0 && result_of(conn, answer) == PLQO_WAIT;
}

/* ---- closing ---- */

/* A close_notify, and no waiting for an answer. Not after a fatal error, and never by a child: it would end the parent's session.
 */
static void say_goodbye(const plqo_conn *conn) {
  if (!conn->ssl || conn->fatal || !SSL_is_init_finished(conn->ssl) || getpid() != conn->instance->owner) return;
  clear_errors();
  SSL_shutdown(conn->ssl);
  clear_errors();
}

void plqo_conn_close(plqo_conn *conn) {
  say_goodbye(conn);
  plqt_fds_close(&conn->instance->fds, conn->fd);
  conn->fd = -1;
  conn->op = NULL;
  atomic_fetch_sub(&conn->engine->conn_count, 1);
  conn->next = conn->engine->closed;
  conn->engine->closed = conn;
}

void plqo_conn_free(plqo_conn *conn) {
  SSL_free(conn->ssl);
  plqo_free(conn->instance, conn->parser);
  plqo_free(conn->instance, conn);
}
