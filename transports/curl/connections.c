/* SPDX-License-Identifier: MIT */
/*
 * The connections of the asynchronous half. libcurl keeps them and tells nobody how many there are: one is noted when a request
 * is about to use it for the first time, and forgotten when its socket is closed.
 */
#include "plqc.h"

uint64_t plqc_origin_hash(const plq_transport_target *target) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
  for (size_t i = 0; i < target->origin_len; i++) hash = (hash ^ (unsigned char)target->origin[i]) * UINT64_C(0x100000001b3);
  return hash;
}

plqc_connection *plqc_connection_add(plqc_operation *op, int fd, int local_port, bool two) {
  plqc_instance *instance = op->instance;
  plqc_connection *made = op->engine->epoll_fd >= 0 && fd >= 0 ? plqc_alloc(instance, sizeof *made) : NULL;
  if (!made) return NULL;
  *made = (plqc_connection){.fd = fd,
                            .local_port = local_port,
                            .two = two,
                            .origin = plqc_origin_hash(op->request->target),
                            .idle_ns = plqc_now(instance)};
  pthread_mutex_lock(&instance->connections_lock);
  made->next = instance->connections;
  if (made->next) made->next->previous = made;
  instance->connections = made;
  pthread_mutex_unlock(&instance->connections_lock);
  instance->open_count++;
  instance->two_count += two;
  return made;
}

/* The last one to be opened comes first: a number that is used again is its. */
plqc_connection *plqc_connection_find(const plqc_instance *instance, int local_port) {
  plqc_connection *connection = instance->connections;
  while (connection && connection->local_port != local_port) connection = connection->next;
  return connection;
}

static void free_unused(plqc_instance *instance, plqc_connection *connection) {
  if (connection->fd < 0 && atomic_load(&connection->streams) == 0) plqc_free(instance, connection);
}

/* Out of the list before the socket is closed: whoever counts looks at it. */
void plqc_connection_closed(plqc_instance *instance, int fd) {
  plqc_connection *connection = instance->connections;
  while (connection && connection->fd != fd) connection = connection->next;
  if (!connection) return;
  pthread_mutex_lock(&instance->connections_lock);
  if (connection->next) connection->next->previous = connection->previous;
  *(connection->previous ? &connection->previous->next : &instance->connections) = connection->next;
  pthread_mutex_unlock(&instance->connections_lock);
  instance->open_count--;
  instance->two_count -= connection->two;
  connection->fd = -1;
  free_unused(instance, connection);
}

void plqc_connections_count(plqc_instance *instance, uint32_t *out_open, uint32_t *out_busy) {
  pthread_mutex_lock(&instance->connections_lock);
  for (const plqc_connection *connection = instance->connections; connection; connection = connection->next) {
    bool busy = atomic_load(&connection->streams) > 0;
    *out_busy += busy;
    *out_open += busy || plqt_socket_is_open(connection->fd);
  }
  pthread_mutex_unlock(&instance->connections_lock);
}

void plqc_connection_take(plqc_operation *op) {
  if (op->connection) atomic_fetch_add(&op->connection->streams, 1);
}

void plqc_connection_leave(plqc_operation *op) {
  plqc_connection *connection = op->accepted ? op->connection : NULL;
  op->connection = NULL;
  if (!connection) return;
  connection->idle_ns = plqc_now(op->instance);
  if (atomic_fetch_sub(&connection->streams, 1) == 1) free_unused(op->instance, connection);
}

bool plqc_connection_is_warm(const plqc_instance *instance, const plqc_connection *connection, uint64_t origin, int64_t now) {
  if (connection->origin != origin) return false;
  if (atomic_load(&connection->streams)) return true;
  return connection->idle_ns >= now - instance->config.connection_idle_ms * PLQT_MS && plqt_socket_is_open(connection->fd);
}
