/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http2.h"
#include "test_link.h"
#include "recording.h"

#define MAX_THREADS 128
#define EARLY_WAIT_MS 5000 /* how long an early answer is not read after */
#define GRACE_S 5

typedef struct connection {
  test_server *server;
  pthread_t thread;
  int fd;
  int number;
  bool done; /* under the lock: about to return */
} connection;

struct test_server {
  const test_script *script;
  SSL_CTX *context;
  SSL_CTX **contexts; /* one a step; NULL: as the others */
  int listen_fd;
  int stop_fd;   /* readable: threads give up */
  int finish_fd; /* readable: nobody else will connect */
  uint16_t port;
  int queue_fds[8]; /* connections that fill the queue of a deaf server */
  pthread_t thread;
  bool stopped;

  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed;
  size_t next_step;
  size_t answered;
  size_t running; /* connections */
  size_t stray_bytes;
  json_object *requests;
  connection *connections[MAX_THREADS]; /* not joined yet */
  size_t thread_count;
  size_t connection_count;
};

static const test_step overrun = {.answer = {.data = "HTTP/1.1 599 Script Ended\r\nContent-Length: 0\r\n\r\n", .len = 48}};

static void signal_fd(int fd) {
  uint64_t one = 1;
  if (write(fd, &one, sizeof one) != sizeof one) test_die("eventfd");
}

/* Takes the next entry if it is one that is played before a request comes. */
static const test_step *claim_before(test_server *server) {
  const test_step *step = NULL;
  pthread_mutex_lock(&server->lock);
  if (server->next_step < server->script->count && server->script->steps[server->next_step].before != TEST_BEFORE_NOTHING)
    step = &server->script->steps[server->next_step++];
  pthread_mutex_unlock(&server->lock);
  return step;
}

/* Whose certificate a connection shows that begins now. */
static SSL_CTX *next_context(test_server *server) {
  pthread_mutex_lock(&server->lock);
  SSL_CTX *own = server->next_step < server->script->count ? server->contexts[server->next_step] : NULL;
  pthread_mutex_unlock(&server->lock);
  return own == NULL ? server->context : own;
}

static bool answers_early(test_server *server) {
  pthread_mutex_lock(&server->lock);
  bool early = server->next_step < server->script->count && server->script->steps[server->next_step].early;
  pthread_mutex_unlock(&server->lock);
  return early;
}

static void record(test_server *server, json_object *request) {
  pthread_mutex_lock(&server->lock);
  json_object_array_add(server->requests, request);
  pthread_mutex_unlock(&server->lock);
}

/* Takes the entry that answers a request. */
static const test_step *claim(test_server *server) {
  pthread_mutex_lock(&server->lock);
  const test_step *step = server->next_step < server->script->count ? &server->script->steps[server->next_step++] : &overrun;
  pthread_mutex_unlock(&server->lock);
  return step;
}

static void count_answer(test_server *server) {
  pthread_mutex_lock(&server->lock);
  server->answered++;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
}

static void count_stray(test_server *server, size_t bytes) {
  pthread_mutex_lock(&server->lock);
  server->stray_bytes += bytes;
  pthread_mutex_unlock(&server->lock);
}

static int send_answer(test_link *link, const test_step *step) {
  size_t piece = step->piece != 0                      ? step->piece
                 : step->midway != TEST_MIDWAY_NOTHING ? step->answer.len / 2 + 1
                                                       : step->answer.len;
  if (test_link_wait(link, step->delay_ms) != 0) return -1;
  for (size_t at = 0; at < step->answer.len; at += piece) {
    size_t part = step->answer.len - at < piece ? step->answer.len - at : piece;
    if (at > 0 && test_link_wait(link, step->piece_delay_ms) != 0) return -1;
    if (at > 0 && at <= piece && test_link_midway(link, step->midway) != 0) return -1;
    if (test_link_write(link, step->answer.data + at, part) != 0) return -1;
  }
  return test_link_wait(link, step->end_delay_ms);
}

static void play_before(test_server *server, test_link *link, const test_step *step) {
  char hello[4096];
  test_end end = TEST_END_FIN;
  switch (step->before) {
    case TEST_BEFORE_RESET:
      end = TEST_END_RST;
      break;
    case TEST_BEFORE_SILENT:
      end = TEST_END_HANG;
      break;
    case TEST_BEFORE_STALL:
    case TEST_BEFORE_STALL_RST:
      if (server->context != NULL) (void)test_link_accept_tls(link, server->context);
      (void)test_link_wait(link, step->delay_ms);
      end = step->before == TEST_BEFORE_STALL ? TEST_END_HANG : TEST_END_RST;
      while (end == TEST_END_HANG && test_link_wait(link, 1000) == 0) continue;
      break;
    case TEST_BEFORE_HELLO_FIN:
    case TEST_BEFORE_HELLO_RST:
    case TEST_BEFORE_REPLY:
      if (test_link_read_raw(link, hello, sizeof hello) > 0 && step->answer.len > 0)
        (void)test_link_write(link, step->answer.data, step->answer.len);
      if (step->before == TEST_BEFORE_HELLO_RST) end = TEST_END_RST;
      break;
    default:
      break;
  }
  test_link_end(link, end);
  (void)test_link_clear(link);
}

static json_object *parse(const connection *self, const test_link *link, const test_bytes *received, size_t len, int position) {
  json_object *request = test_request_parse(received->data, len, self->number, position);
  json_object_object_add(request, "resumed", json_object_new_int(link->ssl != NULL && SSL_session_reused(link->ssl)));
  return request;
}

/* Plays the next entry on a connection. Returns how that leaves it. */
static test_end play_step(connection *self, test_link *link) {
  const test_step *step = claim(self->server);
  int sent = send_answer(link, step);
  test_end end = sent != 0 && step->end == TEST_END_KEEP ? TEST_END_CLOSE : step->end;
  if (end != TEST_END_KEEP) test_link_end(link, end);
  count_answer(self->server);
  return end;
}

/* Answers requests until an entry ends the connection or the client does. */
static void serve(connection *self, test_link *link) {
  test_bytes received = {0};
  test_end end = TEST_END_KEEP;
  bool early = false;
  for (int position = 0; end == TEST_END_KEEP;) {
    char buffer[8192];
    size_t len = test_request_length(&received);
    if (len == 0 && !early) {
      early = received.len > 0 && strstr(received.data, "\r\n\r\n") != NULL && answers_early(self->server);
      if (early) continue;
      long got = test_link_read(link, buffer, sizeof buffer);
      if (got <= 0) break;
      test_bytes_add(&received, buffer, (size_t)got);
      continue;
    }
    json_object *request = parse(self, link, &received, early ? received.len : len, position++);
    if (early) json_object_object_add(request, "early", json_object_new_boolean(true));
    record(self->server, request);
    test_bytes_drop(&received, early ? received.len : len);
    end = play_step(self, link);
    if (early) break;
  }
  if (end == TEST_END_KEEP) test_link_end(link, TEST_END_CLOSE);
  if (early) (void)test_link_wait(link, EARLY_WAIT_MS);
  size_t stray = test_link_clear(link);
  count_stray(self->server, early ? 0 : received.len + stray); /* of a request that was answered early the rest is no wonder */
  test_bytes_clear(&received);
}

/* Answers streams of HTTP/2, each when it has come whole. What frames hold is not looked at: a stream's first frame is recorded.
 */
static void serve_http2(connection *self, test_link *link) {
  const test_bytes *settings = &self->server->script->settings;
  test_bytes received = {0};
  test_end end = TEST_END_KEEP;
  test_http2 state = {0};
  (void)test_link_write(link, settings->len > 0 ? settings->data : "\0\0\0\4\0\0\0\0\0", settings->len > 0 ? settings->len : 9);
  while (end == TEST_END_KEEP) {
    char buffer[8192];
    test_http2_event event = test_http2_next(&state, &received);
    if (event == TEST_HTTP2_INCOMPLETE) {
      long got = test_link_read(link, buffer, sizeof buffer);
      if (got <= 0) break;
      test_bytes_add(&received, buffer, (size_t)got);
      continue;
    }
    if (state.begun) record(self->server, test_http2_record(&state, self->number));
    if (event == TEST_HTTP2_WHOLE) end = play_step(self, link);
  }
  if (end == TEST_END_KEEP) test_link_end(link, TEST_END_CLOSE);
  (void)test_link_clear(link);
  test_bytes_clear(&received);
}

static void *run_connection(void *argument) {
  connection *self = argument;
  test_server *server = self->server;
  const test_step *before = claim_before(server);
  test_link link;
  test_link_init(&link, self->fd, server->stop_fd);
  if (before != NULL)
    play_before(server, &link, before);
  else if (server->context != NULL && test_link_accept_tls(&link, next_context(server)) != 0)
    (void)test_link_clear(&link);
  else if (server->script->http2)
    serve_http2(self, &link);
  else
    serve(self, &link);
  pthread_mutex_lock(&server->lock);
  server->running--;
  self->done = true;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
  return NULL;
}

/* Joins the threads of connections that are over, or of all. */
static void join(test_server *server, bool all) {
  for (size_t i = 0; i < server->thread_count;) {
    connection *made = server->connections[i];
    pthread_mutex_lock(&server->lock);
    bool over = all || made->done;
    pthread_mutex_unlock(&server->lock);
    if (!over) {
      i++;
      continue;
    }
    pthread_join(made->thread, NULL);
    free(made);
    server->connections[i] = server->connections[--server->thread_count];
  }
}

static void start_connection(test_server *server, int fd) {
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  join(server, false);
  if (server->thread_count == MAX_THREADS) test_die("more than %d connections at once", MAX_THREADS);
  connection *made = test_alloc(sizeof *made);
  *made = (connection){.server = server, .fd = fd, .number = (int)server->connection_count++};
  server->connections[server->thread_count++] = made;
  pthread_mutex_lock(&server->lock);
  server->running++;
  if (pthread_create(&made->thread, NULL, run_connection, made) != 0) test_die("no thread");
  pthread_mutex_unlock(&server->lock);
}

/* Accepts until told that nobody else will come, and then what is in the queue. */
static void *run_server(void *argument) {
  test_server *server = argument;
  struct pollfd fds[2] = {{server->listen_fd, POLLIN, 0}, {server->finish_fd, POLLIN, 0}};
  for (bool finishing = false;;) {
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      start_connection(server, fd);
    else if (finishing)
      return NULL;
    else if (poll(fds, 2, -1) > 0)
      finishing = fds[1].revents != 0;
  }
}

static socklen_t make_address(const char *host, uint16_t port, struct sockaddr_storage *out) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return sizeof *v4;
  }
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) test_die("no address: %s", host);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  return sizeof *v6;
}

/* Connects without end, until the kernel takes no more: who comes next hears nothing. */
static void fill_queue(test_server *server, const struct sockaddr_storage *address, socklen_t len) {
  for (size_t i = 0; i < sizeof server->queue_fds / sizeof *server->queue_fds; i++) {
    server->queue_fds[i] = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(server->queue_fds[i], (const struct sockaddr *)address, len);
  }
}

static void open_socket(test_server *server) {
  struct sockaddr_storage address;
  socklen_t len = make_address(server->script->host, 0, &address);
  server->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int small = 2048;
  if (server->script->stalls) (void)setsockopt(server->listen_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (bind(server->listen_fd, (struct sockaddr *)&address, len) != 0) test_die("cannot bind to %s", server->script->host);
  if (!server->script->dead && listen(server->listen_fd, server->script->deaf ? 0 : 64) != 0) test_die("cannot listen");
  if (getsockname(server->listen_fd, (struct sockaddr *)&address, &len) != 0) test_die("no port");
  /* sin_port and sin6_port lie in the same place */
  server->port = ntohs(((struct sockaddr_in *)&address)->sin_port);
  if (server->script->deaf) fill_queue(server, &address, len);
}

static bool accepts(const test_server *server) {
  return !server->script->dead && !server->script->deaf;
}

static int select_http2(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len,
                        void *context) {
  static const unsigned char wanted[] = "\2h2";
  (void)ssl, (void)context;
  return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, wanted, 3, in, in_len) == OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void make_contexts(test_server *server, const test_ca *ca) {
  const test_script *script = server->script;
  server->contexts = test_alloc(script->count * sizeof(SSL_CTX *));
  if (script->certificate == NULL) return;
  server->context = test_ca_server(ca, script->certificate);
  if (script->http2) SSL_CTX_set_alpn_select_cb(server->context, select_http2, NULL);
  for (size_t i = 0; i < script->count; i++)
    if (script->steps[i].certificate != NULL) server->contexts[i] = test_ca_server(ca, script->steps[i].certificate);
}

test_server *test_server_new(const test_ca *ca, const test_script *script) {
  test_server *server = test_alloc(sizeof *server);
  sigset_t all, before;
  server->script = script;
  server->requests = json_object_new_array();
  server->stop_fd = eventfd(0, EFD_CLOEXEC);
  server->finish_fd = eventfd(0, EFD_CLOEXEC);
  for (size_t i = 0; i < sizeof server->queue_fds / sizeof *server->queue_fds; i++) server->queue_fds[i] = -1;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&server->lock, NULL);
  pthread_cond_init(&server->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  make_contexts(server, ca);
  open_socket(server);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  if (accepts(server) && pthread_create(&server->thread, NULL, run_server, server) != 0) test_die("no thread");
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return server;
}

uint16_t test_server_port(const test_server *server) {
  return server->port;
}

static struct timespec seconds_from_now(time_t seconds) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  now.tv_sec += seconds;
  return now;
}

bool test_server_wait(test_server *server, size_t requests) {
  struct timespec until = seconds_from_now(10);
  pthread_mutex_lock(&server->lock);
  while (server->answered < requests && pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0) continue;
  bool reached = server->answered >= requests;
  pthread_mutex_unlock(&server->lock);
  return reached;
}

void test_server_stop(test_server *server) {
  struct timespec until = seconds_from_now(GRACE_S);
  if (server->stopped) return;
  server->stopped = true;
  signal_fd(server->finish_fd);
  if (accepts(server)) pthread_join(server->thread, NULL);
  (void)close(server->listen_fd);
  pthread_mutex_lock(&server->lock);
  while (server->running > 0 && pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0) continue;
  pthread_mutex_unlock(&server->lock);
  signal_fd(server->stop_fd);
  join(server, true);
}

json_object *test_server_requests(const test_server *server) {
  return server->requests;
}

size_t test_server_connections(const test_server *server) {
  return server->connection_count;
}

size_t test_server_stray_bytes(const test_server *server) {
  return server->stray_bytes;
}

void test_server_free(test_server *server) {
  if (server == NULL) return;
  test_server_stop(server);
  for (size_t i = 0; i < sizeof server->queue_fds / sizeof *server->queue_fds; i++)
    if (server->queue_fds[i] >= 0) (void)close(server->queue_fds[i]);
  (void)close(server->stop_fd);
  (void)close(server->finish_fd);
  pthread_mutex_destroy(&server->lock);
  pthread_cond_destroy(&server->changed);
  json_object_put(server->requests);
  SSL_CTX_free(server->context);
  for (size_t i = 0; i < server->script->count; i++) SSL_CTX_free(server->contexts[i]);
  free(server->contexts);
  free(server);
}
