/* SPDX-License-Identifier: MIT */
/*
 * The BIO between OpenSSL and a socket. OpenSSL's own writes with write(), which raises SIGPIPE (openssl/openssl#16399), and a
 * BIO that does not answer BIO_CTRL_EOF makes a cut look like an error without a reason. This one also notes what it learns of
 * the socket, so that nothing is read that is known not to be there.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <sys/socket.h>

#include "plqo.h"

static BIO_METHOD *method;

static bool would_block(int number) {
  return number == EAGAIN || number == EWOULDBLOCK;
}

static int on_read(BIO *bio, char *buffer, int len) {
  plqo_conn *conn = BIO_get_data(bio);
  ssize_t got;
  BIO_clear_retry_flags(bio);
  do got = recv(conn->fd, buffer, (size_t)len, 0);
  while (got < 0 && errno == EINTR);
  if (got == 0) conn->eof = true;
  /* A short read has emptied the socket; the next byte is a new event. */
  if (got < len && !conn->ending) conn->may_read = false;
  if (got >= 0) return (int)got;
  if (would_block(errno)) {
    conn->may_read = false;
    BIO_set_retry_read(bio);
  } else {
    conn->io_errno = errno;
  }
  return -1;
}

static int on_write(BIO *bio, const char *data, int len) {
  plqo_conn *conn = BIO_get_data(bio);
  ssize_t put;
  BIO_clear_retry_flags(bio);
  do put = send(conn->fd, data, (size_t)len, MSG_NOSIGNAL);
  while (put < 0 && errno == EINTR);
  if (put >= 0) return (int)put;
  if (would_block(errno)) {
    conn->may_write = false;
    BIO_set_retry_write(bio);
  } else {
    conn->io_errno = errno;
  }
  return -1;
}

static long on_ctrl(BIO *bio, int command, long number, void *pointer) {
  const plqo_conn *conn = BIO_get_data(bio);
  (void)number, (void)pointer;
  if (command == BIO_CTRL_EOF) return conn->eof;
  return command == BIO_CTRL_FLUSH;
}

bool plqo_wire_setup(void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "libplastiq socket");
  return method && BIO_meth_set_read(method, on_read) && BIO_meth_set_write(method, on_write) &&
         BIO_meth_set_ctrl(method, on_ctrl);
}

bool plqo_wire_attach(plqo_conn *conn) {
  BIO *bio = BIO_new(method);
  if (!bio) return false;
  BIO_set_data(bio, conn);
  BIO_set_init(bio, 1);
  SSL_set_bio(conn->ssl, bio, bio);
  return true;
}
