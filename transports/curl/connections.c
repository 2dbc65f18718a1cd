/* SPDX-License-Identifier: MIT */
/*
 * The connections of the asynchronous half. libcurl keeps them and tells nobody how many there are: one is noted when a request
 * is about to use it for the first time, and forgotten when its socket is closed.
 */
#include "plqc.h"

#include <errno.h>
#include <sys/socket.h>

uint64_t plqc_origin_hash(const plq_transport_target *target) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
  for (size_t i = 0; i < target->origin_len; i++) hash = (hash ^ (unsigned char)target->origin[i]) * UINT64_C(0x100000001b3);
  return hash;
}

plqc_connection *plqc_connection_add(plqc_operation *op, int fd, int local_port, bool two) {
  plqc_engine *engine = op->engine;
  plqc_connection *made = engine->epoll_fd >= 0 && fd >= 0 ? plqc_alloc(op->instance, sizeof *made) : NULL;
  if (!made) return NULL;
  *made = (plqc_connection){.fd = fd,
                            .local_port = local_port,
                            .two = two,
                            .origin = plqc_origin_hash(op->request->target),
                            .idle_ns = plqc_now(op->instance)};
  made->next = engine->connections;
  if (made->next) made->next->previous = made;
  engine->connections = made;
  engine->two_count += two;
  atomic_fetch_add(&engine->open_count, 1);
  return made;
}

/* The last one to be opened comes first: a number that is used again is its. */
plqc_connection *plqc_connection_find(const plqc_engine *engine, int local_port) {
  plqc_connection *connection = engine->connections;
  while (connection && connection->local_port != local_port) connection = connection->next;
  return connection;
}

static void free_unused(plqc_engine *engine, plqc_connection *connection) {
  if (connection->fd < 0 && connection->streams == 0) plqc_free(engine->instance, connection);
}

void plqc_connection_closed(plqc_engine *engine, int fd) {
  plqc_connection *connection = engine->connections;
  while (connection && connection->fd != fd) connection = connection->next;
  if (!connection) return;
  if (connection->next) connection->next->previous = connection->previous;
  *(connection->previous ? &connection->previous->next : &engine->connections) = connection->next;
  engine->two_count -= connection->two;
  connection->fd = -1;
  atomic_fetch_sub(&engine->open_count, 1);
  if (connection->streams) atomic_fetch_sub(&engine->busy_count, 1);
  free_unused(engine, connection);
}

void plqc_connection_take(plqc_operation *op) {
  plqc_connection *connection = op->connection;
  if (connection && connection->streams++ == 0) atomic_fetch_add(&op->engine->busy_count, 1);
}

void plqc_connection_leave(plqc_operation *op) {
  plqc_connection *connection = op->accepted ? op->connection : NULL;
  op->connection = NULL;
  if (!connection || --connection->streams) return;
  connection->idle_ns = plqc_now(op->instance);
  if (connection->fd >= 0) atomic_fetch_sub(&op->engine->busy_count, 1);
  free_unused(op->engine, connection);
}

bool plqc_connection_is_warm(const plqc_engine *engine, const plqc_connection *connection, uint64_t origin, int64_t now) {
  char byte;
  if (connection->origin != origin) return false;
  if (connection->streams) return true;
  if (connection->idle_ns < now - engine->instance->config.connection_idle_ms * PLQT_MS) return false;
  ssize_t got = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}
