/* SPDX-License-Identifier: MIT */
/* One accepted connection of a scripted server, TLS or plain. Every wait ends: at the peer's end, at a stop, or after a limit. */
#ifndef TEST_LINK_H
#define TEST_LINK_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

typedef enum test_end { TEST_END_KEEP, TEST_END_CLOSE, TEST_END_FIN, TEST_END_RST, TEST_END_HANG } test_end;

/* What the server does to the TLS session in the middle of its answer. */
typedef enum test_midway {
  TEST_MIDWAY_NOTHING,
  TEST_MIDWAY_RENEGOTIATE,
  TEST_MIDWAY_KEY_UPDATE,
  TEST_MIDWAY_TICKETS
} test_midway;

typedef struct test_link {
  int fd;      /* non-blocking; -1: reset */
  int stop_fd; /* readable: give up at once */
  SSL *ssl;    /* NULL: plain */
  int secured; /* the first handshake is done */
} test_link;

void test_link_init(test_link *link, int fd, int stop_fd);
/* Does the server's side of the handshake. 0: done. */
int test_link_accept_tls(test_link *link, SSL_CTX *context);
/* Reads what there is, waiting for the first byte. 0 or less: the peer is gone or the wait was stopped. */
long test_link_read(test_link *link, char *buffer, size_t size);
/* The same below TLS. */
long test_link_read_raw(test_link *link, char *buffer, size_t size);
/* Writes everything. 0: done. */
int test_link_write(test_link *link, const char *data, size_t len);
/* Does what a server may do to a session between two records. 0: done; -1: the peer left, or agreed to a new handshake. */
int test_link_midway(test_link *link, test_midway what);
/* Lets time pass. 0: it did; -1: the peer left or the wait was stopped. */
int test_link_wait(test_link *link, int64_t ms);
/* Ends the connection as told: its side of it, from now on. */
void test_link_end(test_link *link, test_end how);
/*
 * Waits for the peer to leave, and frees what belongs to the link. Returns how many bytes of application data still came: what a
 * client wrote to a connection that was over.
 */
size_t test_link_clear(test_link *link);

#endif
