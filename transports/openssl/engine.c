/* SPDX-License-Identifier: MIT */
/* What a lane and the asynchronous half have in common: the operations under way, and the connections that wait for the next one.
 */
#include <string.h>
#include <sys/epoll.h>

#include "plqo.h"

void plqo_engine_init(plqo_engine *engine, plqo_instance *instance, int epoll_fd, uint32_t conn_max) {
  memset(engine, 0, sizeof *engine);
  engine->instance = instance;
  engine->epoll_fd = epoll_fd;
  engine->conn_max = conn_max;
  atomic_init(&engine->conn_count, 0);
  atomic_init(&engine->idle_count, 0);
}

void plqo_list_add(plqo_operation **list, plqo_operation *op) {
  op->previous = NULL;
  op->next = *list;
  if (*list) (*list)->previous = op;
  *list = op;
}

void plqo_list_remove(plqo_operation **list, plqo_operation *op) {
  if (op->previous) op->previous->next = op->next;
  if (op->next) op->next->previous = op->previous;
  if (*list == op) *list = op->next;
  op->next = op->previous = NULL;
}

/* ---- descriptors ---- */

/* Once for the life of the socket: edges tell what changed, so that a call costs no epoll_ctl. */
bool plqo_engine_watch(plqo_engine *engine, plqo_conn *conn) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = conn};
  return engine->epoll_fd < 0 || epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

/* Operations that ask for the same name share a look-up: it may be there already. It leaves when its descriptor is closed. */
void plqo_engine_watch_lookup(plqo_engine *engine, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
  if (engine->epoll_fd >= 0) epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* ---- connections ---- */

static void unlink_idle(plqo_engine *engine, plqo_conn *conn) {
  if (conn->previous) conn->previous->next = conn->next;
  if (conn->next) conn->next->previous = conn->previous;
  if (engine->idle == conn) engine->idle = conn->next;
  conn->next = conn->previous = NULL;
  atomic_fetch_sub(&engine->idle_count, 1);
}

static bool is_young(const plqo_conn *conn, int64_t now) {
  return now < conn->idle_until_ns && now - conn->opened_ns < conn->instance->config.connection_lifetime_ns;
}

/* Of a socket whose edges were all taken in a moment ago nobody has to ask the system: there was none since it was read empty. */
static bool is_quiet(const plqo_engine *engine, plqo_conn *conn, int64_t now) {
  bool looked = engine->looked_ns && now - engine->looked_ns < PLQT_MS;
  if (looked && !conn->may_read && !conn->ending) return !(conn->ssl && SSL_has_pending(conn->ssl));
  return plqo_conn_is_quiet(conn);
}

/* What is too old, or has its end or something unasked waiting, goes on the way. */
plqo_conn *plqo_engine_take(plqo_engine *engine, const plqo_target *target, int64_t now) {
  for (plqo_conn *conn = engine->idle, *next; conn; conn = next) {
    next = conn->next;
    bool fits = conn->target == target;
    if (fits || !is_young(conn, now)) {
      unlink_idle(engine, conn);
      if (fits && is_young(conn, now) && is_quiet(engine, conn, now)) return conn;
      plqo_conn_close(conn);
    }
  }
  return NULL;
}

void plqo_engine_keep(plqo_engine *engine, plqo_conn *conn, int64_t now) {
  int64_t idle_ns = engine->instance->config.connection_idle_ns;
  if (conn->idle_until_ns == 0 || conn->idle_until_ns > now + idle_ns) conn->idle_until_ns = now + idle_ns;
  conn->op = NULL;
  conn->used = true;
  if (!is_young(conn, now) || conn->ending) { /* of its end there will be no edge again */
    plqo_conn_close(conn);
    return;
  }
  conn->previous = NULL;
  conn->next = engine->idle;
  if (conn->next) conn->next->previous = conn;
  engine->idle = conn;
  atomic_fetch_add(&engine->idle_count, 1);
}

void plqo_engine_drop_idle(plqo_engine *engine, plqo_conn *conn) {
  unlink_idle(engine, conn);
  plqo_conn_close(conn);
}

void plqo_engine_bury(plqo_engine *engine) {
  while (engine->closed) {
    plqo_conn *next = engine->closed->next;
    plqo_conn_free(engine->closed);
    engine->closed = next;
  }
}

void plqo_engine_clear(plqo_engine *engine) {
  while (engine->idle) plqo_engine_drop_idle(engine, engine->idle);
  plqo_engine_bury(engine);
}
