/* SPDX-License-Identifier: MIT */
/*
 * A queue in a libuv loop. A timer stands for the server's own request handler: with each tick some requests come, each wants a
 * secret, and the loop goes on meanwhile. SIGINT and SIGTERM cancel what is in flight.
 *
 *     cc uv.c $(pkg-config --cflags --libs plastiq libuv) -o uv
 *     PLASTIQ_ACCESS_TOKEN=... ./uv 200
 *     PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 ./uv 200 transport stub allow_test_transports true
 */
#include <inttypes.h>
#include <plastiq/plastiq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { TICK_MS = 2, REQUESTS_A_TICK = 10, TAKEN_A_TURN = 16 };

struct server {
  plq_client_id client;
  plq_queue_id queue;
  uv_poll_t watcher;
  uv_timer_t arrivals;
  uv_signal_t signals[2];
  uint64_t come, expected; /* requests */
  uint64_t made, failed, refused, bytes;
  int32_t status;
};

struct request { /* a server has its client's connection here */
  struct server *server;
};

static void complain(int32_t status, const plq_error *error) {
  fprintf(stderr, "%s: %s\n", plq_status_name(status), error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
}

/* Options come from PLASTIQ_ variables, and from the command line as keys and values. */
static int32_t set_up(struct server *server, char **pairs) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  int32_t status = plq_options_new(0, &options, &error);
  for (; status == PLQ_OK && pairs[0] != NULL && pairs[1] != NULL; pairs += 2)
    status = plq_options_set(options, pairs[0], PLQ_NUL, pairs[1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, &server->client, &error);
  if (status == PLQ_OK) status = plq_queue_new(server->client, &server->queue, &error);
  if (status != PLQ_OK) complain(status, error);
  plq_error_free(error);
  plq_options_free(options);
  return status;
}

/* ---- the end: first libuv lets go of the descriptor, then it may vanish ---- */

static void on_watcher_closed(uv_handle_t *watcher) {
  struct server *server = watcher->data;
  plq_queue_free(server->queue);
  plq_client_free(server->client);
}

static void end(struct server *server, int32_t status) {
  if (uv_is_closing((uv_handle_t *)&server->watcher)) return;
  server->status = status;
  if (status != PLQ_OK) complain(status, NULL);
  uv_close((uv_handle_t *)&server->watcher, on_watcher_closed);
  uv_close((uv_handle_t *)&server->arrivals, NULL);
  for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&server->signals[i], NULL);
}

/* The completions of what is cancelled come all the same, so that every request gets its answer; then the queue says
 * PLQ_E_CLOSED. */
static void on_signal(uv_signal_t *signal, int number) {
  struct server *server = signal->data;
  (void)number;
  uv_timer_stop(&server->arrivals);
  plq_queue_close(server->queue, 1);
}

/* ---- requests and answers ---- */

static void on_request(struct server *server) {
  const plq_client_secrets_create_params params = {.end_user_ip = "192.0.2.1"};
  plq_error *error = NULL;
  struct request *request = malloc(sizeof *request);
  int32_t status = request != NULL ? PLQ_OK : PLQ_E_MEMORY;
  if (request != NULL) *request = (struct request){.server = server};
  if (status == PLQ_OK) status = plq_client_secrets_create_submit(server->queue, &params, (uintptr_t)request, 0, NULL, &error);
  if (status != PLQ_OK) { /* PLQ_E_QUEUE_FULL: it was more than this server can take, so answer 503 */
    complain(status, error);
    server->refused++;
    free(request);
  }
  plq_error_free(error);
}

static void on_secret(plq_completion *completion) {
  struct request *request = (struct request *)(uintptr_t)plq_completion_tag(completion);
  struct server *server = request->server;
  plq_response *response = plq_completion_take_response(completion);
  plq_error *error = plq_completion_take_error(completion);
  plq_secret *secret = NULL;
  const char *bytes;
  size_t len = 0;
  int32_t status = plq_completion_status(completion);
  if (status == PLQ_OK) status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len); /* bytes: the answer to this request, never for a log */
  if (status != PLQ_OK) complain(status, error);
  server->made += status == PLQ_OK;
  server->failed += status != PLQ_OK;
  server->bytes += len;
  plq_secret_free(secret);
  plq_error_free(error);
  plq_response_free(response);
  free(request);
}

/* ---- what libuv calls ---- */

static void on_arrivals(uv_timer_t *timer) {
  struct server *server = timer->data;
  for (int i = 0; i < REQUESTS_A_TICK && server->come < server->expected; i++, server->come++) on_request(server);
  if (server->come < server->expected) return;
  uv_timer_stop(timer);
  plq_queue_close(server->queue, 0); /* what is in flight goes on, and then the queue says PLQ_E_CLOSED */
}

/* libuv is level-triggered: what is left is for the next turn, so that others have theirs. */
static void on_readable(uv_poll_t *watcher, int uv_status, int events) {
  struct server *server = watcher->data;
  int32_t status = uv_status == 0 ? PLQ_OK : PLQ_E_RESOURCE_SYSTEM;
  (void)events;
  for (int i = 0; i < TAKEN_A_TURN && status == PLQ_OK; i++) {
    plq_completion *completion = NULL;
    status = plq_queue_next(server->queue, 0, &completion);
    if (status == PLQ_OK) on_secret(completion);
    plq_completion_free(completion);
  }
  if (status != PLQ_OK && status != PLQ_E_QUEUE_EMPTY) end(server, status == PLQ_E_CLOSED ? PLQ_OK : status);
}

static int start(struct server *server, uv_loop_t *loop, int fd) {
  static const int numbers[] = {SIGINT, SIGTERM};
  int failed = uv_poll_init(loop, &server->watcher, fd);
  if (failed != 0) return failed;
  server->watcher.data = server->arrivals.data = server;
  uv_timer_init(loop, &server->arrivals);
  for (int i = 0; i < 2; i++) {
    uv_signal_init(loop, &server->signals[i]);
    server->signals[i].data = server;
    if (failed == 0) failed = uv_signal_start(&server->signals[i], on_signal, numbers[i]);
  }
  if (failed == 0) failed = uv_timer_start(&server->arrivals, on_arrivals, TICK_MS, TICK_MS);
  if (failed == 0) failed = uv_poll_start(&server->watcher, UV_READABLE, on_readable);
  if (failed != 0) end(server, PLQ_E_RESOURCE_SYSTEM);
  return 0;
}

int main(int argc, char **argv) { /* uv REQUESTS [OPTION VALUE].. */
  struct server server = {.expected = argc > 1 ? strtoull(argv[1], NULL, 10) : 0};
  uv_loop_t *loop = uv_default_loop();
  int fd = -1, failed = 0;
  if (server.expected == 0) return fputs("usage: uv REQUESTS [OPTION VALUE]..\n", stderr), 2;
  server.status = set_up(&server, argv + 2);
  if (server.status == PLQ_OK && (server.status = plq_queue_fd(server.queue, &fd)) != PLQ_OK) complain(server.status, NULL);
  if (server.status == PLQ_OK) failed = start(&server, loop, fd);
  if (failed != 0) fprintf(stderr, "libuv: %s\n", uv_strerror(failed));
  uv_run(loop, UV_RUN_DEFAULT); /* until everything is closed */
  uv_loop_close(loop);
  plq_queue_free(server.queue); /* both are gone already, unless the start failed: a stale handle is no mistake */
  plq_client_free(server.client);
  printf("%" PRIu64 " requests: %" PRIu64 " secrets of %" PRIu64 " bytes together, %" PRIu64 " failures, %" PRIu64 " refused\n",
         server.come, server.made, server.bytes, server.failed, server.refused);
  return failed == 0 && server.status == PLQ_OK && server.made == server.expected ? 0 : 1;
}
