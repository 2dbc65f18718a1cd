/* SPDX-License-Identifier: MIT */
/*
 * The HTTPS server. libmicrohttpd has a thread for each connection, so that a delay that a test asked for holds up nobody else;
 * the engine is behind one lock.
 */
#ifndef PLASTIQ_EMULATOR_SERVER_H
#define PLASTIQ_EMULATOR_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "arguments.h"
#include "engine.h"

struct server {
  struct MHD_Daemon *daemon;
  engine *engine;
  pthread_mutex_t lock; /* for the engine and what follows */
  pthread_cond_t changed;
  bool stopping;
  size_t in_flight; /* requests */
  atomic_uint_fast64_t tcp_connections;
  atomic_uint_fast64_t open_connections;
  bool require_certificate;
  log_format log;
};

/* PEM texts; certificate NULL: no TLS. */
typedef struct server_tls {
  const char *certificate;
  const char *key;
  const char *client_ca; /* or NULL */
} server_tls;

/* Starts serving on a listening socket, which the server then owns. False: it could not. */
bool server_start(struct server *self, engine *service, int listen_fd, const server_tls *tls, const struct arguments *arguments);
/* Takes no more connections, lets requests in flight finish (delays are cut short), for 10 seconds at most, and ends. */
void server_stop(struct server *self);

/* request.c: libmicrohttpd's callbacks for one request. */
enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_len, void **state);
void request_completed(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code);

#endif
