/* SPDX-License-Identifier: MIT */
#include "test_link.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"

#define LIMIT_MS 60000 /* of any one wait: far above every deadline in the tests */

/* Waits for events on the socket. 0: they are there; -1: stopped, or it took too long. */
static int await(const test_link *link, short events) {
  struct pollfd fds[2] = {{link->fd, events, 0}, {link->stop_fd, POLLIN, 0}};
  int ready;
  do ready = poll(fds, 2, LIMIT_MS);
  while (ready < 0 && errno == EINTR);
  return ready > 0 && fds[1].revents == 0 ? 0 : -1;
}

long test_link_read_raw(test_link *link, char *buffer, size_t size) {
  for (;;) {
    ssize_t got = recv(link->fd, buffer, size, 0);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || await(link, POLLIN) != 0) return -1;
  }
}

static long write_raw(test_link *link, const char *data, size_t len) {
  for (;;) {
    ssize_t sent = send(link->fd, data, len, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || await(link, POLLOUT) != 0) return -1;
  }
}

/* A BIO over the link, because OpenSSL's own uses write() and so raises SIGPIPE (openssl/openssl#16399). */
static int bio_write(BIO *bio, const char *data, int len) {
  return (int)write_raw(BIO_get_data(bio), data, (size_t)len);
}

static int bio_read(BIO *bio, char *buffer, int size) {
  return (int)test_link_read_raw(BIO_get_data(bio), buffer, (size_t)size);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void) {
  bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test link");
  if (bio_method == NULL) test_die("no BIO");
  BIO_meth_set_write(bio_method, bio_write);
  BIO_meth_set_read(bio_method, bio_read);
  BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

static void free_bio_method(void) __attribute__((destructor));
static void free_bio_method(void) {
  BIO_meth_free(bio_method);
}

void test_link_init(test_link *link, int fd, int stop_fd) {
  *link = (test_link){.fd = fd, .stop_fd = stop_fd};
}

int test_link_accept_tls(test_link *link, SSL_CTX *context) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_bio_method);
  BIO *bio = BIO_new(bio_method);
  link->ssl = SSL_new(context);
  if (bio == NULL || link->ssl == NULL) test_die("no TLS session");
  BIO_set_data(bio, link);
  BIO_set_init(bio, 1);
  SSL_set_bio(link->ssl, bio, bio);
  ERR_clear_error();
  link->secured = SSL_accept(link->ssl) == 1;
  return link->secured ? 0 : -1;
}

long test_link_read(test_link *link, char *buffer, size_t size) {
  if (link->ssl == NULL) return test_link_read_raw(link, buffer, size);
  ERR_clear_error();
  return SSL_read(link->ssl, buffer, (int)size);
}

int test_link_write(test_link *link, const char *data, size_t len) {
  while (len > 0) {
    ERR_clear_error();
    size_t part = len < 65536 ? len : 65536;
    long sent = link->ssl == NULL ? write_raw(link, data, part) : SSL_write(link->ssl, data, (int)part);
    if (sent <= 0) return -1;
    data += sent;
    len -= (size_t)sent;
  }
  return 0;
}

/*
 * Asks for a new handshake, and looks at what comes: an alert (RFC 5246, 7.2.2: no_renegotiation), or the first record of the
 * handshake that was asked for. The type of a record is never encrypted, and reading it here would end the session.
 */
static int renegotiate(test_link *link) {
  enum { ALERT = 21, HANDSHAKE = 22 };
  unsigned char type = 0;
  if (SSL_renegotiate(link->ssl) != 1 || SSL_do_handshake(link->ssl) != 1) test_die("no session to renegotiate");
  if (await(link, POLLIN) != 0 || recv(link->fd, &type, 1, MSG_PEEK) != 1) return -1;
  if (type != ALERT && type != HANDSHAKE) test_die("neither an alert nor a handshake");
  return type == ALERT ? 0 : -1;
}

int test_link_midway(test_link *link, test_midway what) {
  int done = 1;
  if (what == TEST_MIDWAY_NOTHING || link->ssl == NULL) return 0;
  ERR_clear_error();
  if (what == TEST_MIDWAY_RENEGOTIATE) return renegotiate(link);
  if (what == TEST_MIDWAY_KEY_UPDATE)
    done = SSL_key_update(link->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(link->ssl) == 1;
  for (int i = 0; what == TEST_MIDWAY_TICKETS && done && i < 3; i++)
    done = SSL_new_session_ticket(link->ssl) == 1 && SSL_do_handshake(link->ssl) == 1;
  if (!done) test_die("the session is not one for this");
  return 0;
}

int test_link_wait(test_link *link, int64_t ms) {
  struct pollfd fds[2] = {{link->fd, POLLRDHUP, 0}, {link->stop_fd, POLLIN, 0}};
  return ms > 0 && poll(fds, 2, (int)ms) > 0 ? -1 : 0;
}

static bool is_tls(const test_link *link) {
  return link->ssl != NULL && SSL_is_init_finished(link->ssl);
}

void test_link_end(test_link *link, test_end how) {
  if (how == TEST_END_CLOSE && is_tls(link)) {
    ERR_clear_error();
    (void)SSL_shutdown(link->ssl);
  }
  if (how == TEST_END_RST) {
    struct linger now = {1, 0};
    (void)setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(link->fd);
    link->fd = -1;
  } else if (how != TEST_END_HANG) {
    (void)shutdown(link->fd, SHUT_WR);
  }
}

/* Reading on until the peer is gone also keeps close() from sending an RST over bytes that were not read. */
size_t test_link_clear(test_link *link) {
  char scrap[4096];
  size_t count = 0;
  bool tls = link->secured; /* also inside of a renegotiation: an alert is no data */
  for (long got; link->fd >= 0 && tls && (got = test_link_read(link, scrap, sizeof scrap)) > 0;) count += (size_t)got;
  for (long got; link->fd >= 0 && (got = test_link_read_raw(link, scrap, sizeof scrap)) > 0;) count += tls ? 0 : (size_t)got;
  SSL_free(link->ssl);
  if (link->fd >= 0) (void)close(link->fd);
  return count;
}
