/* SPDX-License-Identifier: MIT */
/*
 * Is a kept-alive connection silent, as it must be before a request? libcurl looks for its end, but takes bytes that the server
 * sent unasked (a late 408, the rest of an earlier response) for the answer to the next request. TLS 1.3 session tickets are the
 * one thing that may wait there, so OpenSSL has to look, on BIOs of ours: libcurl's work only inside libcurl's own calls.
 */
#include "plqc.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

static BIO_METHOD *method;

static int fd_of(BIO *bio) {
  return (int)(intptr_t)BIO_get_data(bio);
}

static int again(BIO *bio, ssize_t result, bool writing) {
  BIO_clear_retry_flags(bio);
  if (result < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (writing) {
      BIO_set_retry_write(bio);
    } else {
      BIO_set_retry_read(bio);
    }
  }
  return (int)result;
}

static int on_read(BIO *bio, char *buffer, int len) {
  return again(bio, recv(fd_of(bio), buffer, (size_t)len, MSG_DONTWAIT), false);
}

/* Answers a KeyUpdate; never raises SIGPIPE. */
static int on_write(BIO *bio, const char *data, int len) {
  return again(bio, send(fd_of(bio), data, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL), true);
}

static long on_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

bool plqc_quiet_setup(void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "libplastiq");
  return method && BIO_meth_set_read(method, on_read) && BIO_meth_set_write(method, on_write) &&
         BIO_meth_set_ctrl(method, on_ctrl);
}

static bool peek(SSL *ssl, BIO *bio) {
  char byte;
  SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
  BIO *reader = SSL_get_rbio(ssl), *writer = SSL_get_wbio(ssl);
  int (*on_session)(SSL *, SSL_SESSION *) = SSL_CTX_sess_get_new_cb(ctx);
  BIO_up_ref(reader);
  BIO_up_ref(writer);
  BIO_up_ref(bio); /* each direction owns a reference, and the caller keeps his */
  BIO_up_ref(bio);
  SSL_set0_rbio(ssl, bio);
  SSL_set0_wbio(ssl, bio);
  SSL_CTX_sess_set_new_cb(ctx, NULL); /* libcurl's, too, must not be called from outside of it */
  int got = SSL_peek(ssl, &byte, 1);
  bool quiet = got <= 0 && SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ;
  SSL_CTX_sess_set_new_cb(ctx, on_session);
  SSL_set0_rbio(ssl, reader);
  SSL_set0_wbio(ssl, writer);
  return quiet;
}

bool plqc_connection_is_quiet(SSL *ssl, int fd) {
  char byte;
  if (ssl && SSL_has_pending(ssl)) return false;
  ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0 || !ssl) return false;
  BIO *bio = BIO_new(method);
  if (!bio) return false;
  BIO_set_data(bio, (void *)(intptr_t)fd);
  BIO_set_init(bio, 1);
  ERR_set_mark();
  bool quiet = peek(ssl, bio);
  ERR_pop_to_mark();
  BIO_free(bio);
  return quiet;
}
