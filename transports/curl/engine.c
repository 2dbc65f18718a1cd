/* SPDX-License-Identifier: MIT */
#include "plqc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

bool plqc_engine_poll_add(plqc_engine *engine, int fd, short events) {
  for (size_t i = 0; i < engine->poll_count; i++) {
    if (engine->polls[i].fd == fd) {
      engine->polls[i].events = events;
      return true;
    }
  }
  if (engine->poll_count == engine->poll_capacity) {
    const plq_transport_host *host = engine->instance->host;
    size_t capacity = engine->poll_capacity ? 2 * engine->poll_capacity : 8;
    struct pollfd *polls = host->realloc(host->context, engine->polls, capacity * sizeof *polls);
    if (!polls) return false;
    engine->polls = polls;
    engine->poll_capacity = capacity;
  }
  engine->polls[engine->poll_count++] = (struct pollfd){.fd = fd, .events = events};
  return true;
}

void plqc_engine_poll_remove(plqc_engine *engine, int fd) {
  for (size_t i = 0; i < engine->poll_count; i++) {
    if (engine->polls[i].fd == fd) {
      engine->polls[i] = engine->polls[--engine->poll_count];
      return;
    }
  }
}

static int watch(plqc_engine *engine, curl_socket_t fd, int what, void *known) {
  struct epoll_event event = {.data.u64 = (uint64_t)fd};
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    curl_multi_assign(engine->multi, fd, NULL);
    return 0;
  }
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  int failed = epoll_ctl(engine->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  /* A descriptor may have been closed, and its number used again, without libcurl saying so. */
  if (failed && errno == EEXIST) failed = epoll_ctl(engine->epoll_fd, EPOLL_CTL_MOD, fd, &event);
  if (failed && errno == ENOENT) failed = epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event);
  if (!known) curl_multi_assign(engine->multi, fd, engine);
  return failed ? -1 : 0;
}

/* Waiting to read before anything is known of the connection: it is open, and a proxy has been asked. libcurl tells nobody. */
static void note_proxy(plqc_engine *engine, CURL *easy) {
  char *context = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
  plqc_operation *op = (plqc_operation *)(void *)context;
  if (!op || op->proxy_ns || !op->connect_ns || op->connected_ns) return;
  op->proxy_ns = plqc_now(engine->instance);
  plqc_engine_limit(op, op->proxy_ns + engine->instance->config.connect_ns);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
  plqc_engine *engine = context;
  if (engine->instance->config.proxy && (what == CURL_POLL_IN || what == CURL_POLL_INOUT)) note_proxy(engine, easy);
  if (engine->epoll_fd >= 0) return watch(engine, fd, what, known);
  if (what == CURL_POLL_REMOVE) {
    plqc_engine_poll_remove(engine, fd);
    return 0;
  }
  short events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
  return plqc_engine_poll_add(engine, fd, events) ? 0 : -1;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context) {
  plqc_engine *engine = context;
  (void)multi;
  if (timeout_ms < 0) {
    engine->timer_at = PLQT_NEVER;
  } else {
    engine->timer_at = timeout_ms ? plqc_now(engine->instance) + timeout_ms * PLQT_MS : 0;
  }
  return 0;
}

static void set_up_multi(plqc_engine *engine, bool async) {
  const plqc_config *config = &engine->instance->config;
  CURLM *multi = engine->multi;
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, async ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, async ? (long)config->max_connections : 1L);
  if (async) curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)config->max_connections);
}

static void open_multi(plqc_engine *engine) {
  plqc_search_begin();
  int lowest = fcntl(engine->wake_fd, F_DUPFD_CLOEXEC, 0);
  if (lowest >= 0) close(lowest);
  engine->multi = curl_multi_init();
  if (engine->multi && lowest >= 0) plqc_find_wakeup_pair(engine->multi, lowest, engine->pair);
  plqc_search_end();
}

int32_t plqc_engine_init(plqc_engine *engine, plqc_instance *instance, bool async, int *out_errno) {
  *engine = (plqc_engine){.instance = instance, .wake_fd = -1, .epoll_fd = -1, .pair = {-1, -1}};
  engine->timer_at = PLQT_NEVER;
  atomic_init(&engine->connection_fd, -1);
  if (async) engine->epoll_fd = instance->inbox.epoll_fd;
  engine->wake_fd = async ? instance->inbox.wake_fd : plqt_wake_fd_new(&instance->fds);
  if (engine->wake_fd < 0) {
    *out_errno = errno;
    return plqt_status_of_lack(errno);
  }
  open_multi(engine);
  if (!engine->multi || (!async && !plqc_engine_poll_add(engine, engine->wake_fd, POLLIN))) {
    plqc_engine_clear(engine);
    return PLQ_E_MEMORY;
  }
  for (int i = 0; i < 2; i++) {
    if (engine->pair[i] >= 0) plqt_fds_add(&instance->fds, engine->pair[i]);
  }
  set_up_multi(engine, async);
  return PLQ_OK;
}

/* Ends idle connections with a close_notify; closing does not wait for the peer. */
void plqc_engine_clear(plqc_engine *engine) {
  plqt_fds *fds = &engine->instance->fds;
  for (int i = 0; i < 2; i++) {
    if (engine->pair[i] >= 0) plqt_fds_remove(fds, engine->pair[i]);
  }
  if (engine->multi) curl_multi_cleanup(engine->multi);
  if (engine->epoll_fd < 0 && engine->wake_fd >= 0) plqt_fds_close(fds, engine->wake_fd);
  plqc_free(engine->instance, engine->polls);
  engine->multi = NULL;
  engine->polls = NULL;
  engine->wake_fd = engine->epoll_fd = -1;
}

static void take_messages(plqc_engine *engine) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(engine->multi, &left))) {
    char *context = NULL;
    CURLcode code = message->data.result;
    CURL *easy = message->easy_handle;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
    plqc_operation_ended((plqc_operation *)(void *)context, code);
  }
}

int plqc_poll_mask(int events) {
  return (events & POLLIN ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0) |
         (events & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR : 0);
}

void plqc_engine_socket(plqc_engine *engine, curl_socket_t fd, int mask) {
  int running;
  engine->runs++;
  curl_multi_socket_action(engine->multi, fd, mask, &running);
  if (engine->unsent) plqc_look_at_unsent(engine);
  take_messages(engine);
}

void plqc_engine_limit(plqc_operation *op, int64_t at) {
  plqt_timer_limit(&op->engine->timers, &op->timer, at);
}

int64_t plqc_engine_next(const plqc_engine *engine) {
  if (engine->look) return 0;
  int64_t next = plqt_timers_next(&engine->timers);
  return engine->timer_at < next ? engine->timer_at : next;
}

/* What begins a phase says when it is to be over; a timer is not put off when the operation makes progress. */
static void look_at(plqc_operation *op, int64_t now) {
  int32_t status;
  plqc_operation_tick(op, now);
  if (op->state == PLQC_OVER) return;
  int64_t at = plqc_limit(op, now, &status);
  plqc_engine_limit(op, at > now ? at : now + 1);
}

static void look_at_all(plqc_engine *engine, int64_t now) {
  engine->look = false;
  for (plqc_operation *op = engine->active, *next; op; op = next) {
    next = op->next;
    look_at(op, now);
  }
}

void plqc_engine_turn(plqc_engine *engine, int64_t now) {
  plqt_timer *timer;
  /* libcurl rounds its timers down to ms; being called too early, it sets them again. */
  for (int i = 0; i < 8 && engine->timer_at <= now; i++) {
    engine->timer_at = PLQT_NEVER;
    plqc_engine_socket(engine, CURL_SOCKET_TIMEOUT, 0);
  }
  if (engine->look) look_at_all(engine, now);
  while ((timer = plqt_timers_take(&engine->timers, now)))
    look_at((plqc_operation *)(void *)((char *)timer - offsetof(plqc_operation, timer)), now);
}
