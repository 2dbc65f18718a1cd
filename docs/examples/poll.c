/* SPDX-License-Identifier: MIT */
/*
 * Many client secrets on one thread, in a loop around poll(). A timer stands for what else such a loop has to do: with it buyers
 * come.
 *
 *     cc poll.c $(pkg-config --cflags --libs plastiq) -o poll
 *     PLASTIQ_ACCESS_TOKEN=... ./poll 200
 *     PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 ./poll 200 transport stub allow_test_transports true
 */
#include <errno.h>
#include <plastiq/plastiq.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TICK_MS = 2, BUYERS_A_TICK = 10, TAKEN_A_TURN = 16 };

struct buyer { /* who waits for a secret; in a server, a connection */
  bool served;
};

struct server {
  plq_queue_id queue;
  struct buyer *buyers;
  size_t come, expected; /* buyers */
  size_t made, failed, bytes;
};

static void complain(int32_t status, const plq_error *error) {
  fprintf(stderr, "%s: %s\n", plq_status_name(status), error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
}

/* Options come from PLASTIQ_ variables, and from the command line as keys and values. */
static int32_t set_up(char **pairs, plq_client_id *out_client, plq_queue_id *out_queue) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  int32_t status = plq_options_new(0, &options, &error);
  for (; status == PLQ_OK && pairs[0] != NULL && pairs[1] != NULL; pairs += 2)
    status = plq_options_set(options, pairs[0], PLQ_NUL, pairs[1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, out_client, &error);
  if (status == PLQ_OK) status = plq_queue_new(*out_client, out_queue, &error);
  if (status != PLQ_OK) complain(status, error);
  plq_error_free(error);
  plq_options_free(options);
  return status;
}

/* The timer: some more buyers come, and each is a call in flight. Nothing here waits. */
static int32_t let_buyers_in(struct server *server) {
  const plq_client_secrets_create_params params = {.end_user_ip = "192.0.2.1"};
  for (int i = 0; i < BUYERS_A_TICK && server->come < server->expected; i++) {
    plq_error *error = NULL;
    struct buyer *buyer = &server->buyers[server->come];
    int32_t status = plq_client_secrets_create_submit(server->queue, &params, (uintptr_t)buyer, 0, NULL, &error);
    if (status != PLQ_OK && status != PLQ_E_QUEUE_FULL) complain(status, error);
    plq_error_free(error);
    if (status == PLQ_E_QUEUE_FULL) break; /* this one has to wait for the next tick; a server may rather answer 503 */
    if (status != PLQ_OK) return status;
    server->come++;
  }
  return server->come == server->expected ? plq_queue_close(server->queue, 0) : PLQ_OK; /* nobody else will come */
}

static void serve(struct server *server, plq_completion *completion) {
  struct buyer *buyer = (struct buyer *)(uintptr_t)plq_completion_tag(completion);
  plq_response *response = plq_completion_take_response(completion);
  plq_error *error = plq_completion_take_error(completion);
  plq_secret *secret = NULL;
  const char *bytes;
  size_t len = 0;
  int32_t status = plq_completion_status(completion);
  if (status == PLQ_OK) status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len); /* bytes: for this buyer's browser, never for a log */
  if (status != PLQ_OK) complain(status, error);
  buyer->served = true;
  server->made += status == PLQ_OK;
  server->failed += status != PLQ_OK;
  server->bytes += len;
  plq_secret_free(secret);
  plq_error_free(error);
  plq_response_free(response);
}

/* poll() is level-triggered: some may be left for the next turn, so that a crowd of completions does not keep the loop from the
 * rest. */
static int32_t take_some(struct server *server) {
  int32_t status = PLQ_OK;
  for (int i = 0; i < TAKEN_A_TURN && status == PLQ_OK; i++) {
    plq_completion *completion = NULL;
    status = plq_queue_next(server->queue, 0, &completion);
    if (status == PLQ_OK) serve(server, completion);
    plq_completion_free(completion);
  }
  return status == PLQ_E_QUEUE_EMPTY ? PLQ_OK : status;
}

/* Until the queue was closed and the last completion taken. */
static int32_t run(struct server *server, int timer) {
  struct pollfd ready[] = {{.fd = -1, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
  int32_t status = plq_queue_fd(server->queue, &ready[0].fd);
  while (status == PLQ_OK) {
    uint64_t ticks;
    if (poll(ready, 2, -1) < 0 && errno != EINTR) return PLQ_E_RESOURCE_SYSTEM;
    if (ready[1].revents != 0 && read(timer, &ticks, sizeof ticks) == sizeof ticks) status = let_buyers_in(server);
    if (server->come == server->expected) ready[1].fd = -1; /* poll() passes over it */
    if (status == PLQ_OK && ready[0].revents != 0) status = take_some(server);
  }
  return status == PLQ_E_CLOSED ? PLQ_OK : status;
}

int main(int argc, char **argv) { /* poll BUYERS [OPTION VALUE].. */
  struct server server = {.expected = argc > 1 ? strtoul(argv[1], NULL, 10) : 0};
  const struct itimerspec ticks = {.it_interval = {.tv_nsec = TICK_MS * 1000000}, .it_value = {.tv_nsec = TICK_MS * 1000000}};
  plq_client_id client = 0;
  if (server.expected == 0) return fputs("usage: poll BUYERS [OPTION VALUE]..\n", stderr), 2;
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  server.buyers = calloc(server.expected, sizeof *server.buyers);
  if (timer < 0 || server.buyers == NULL || timerfd_settime(timer, 0, &ticks, NULL) != 0) return perror("poll"), 1;
  int32_t status = set_up(argv + 2, &client, &server.queue);
  if (status == PLQ_OK && (status = run(&server, timer)) != PLQ_OK) complain(status, NULL);
  plq_queue_free(server.queue); /* 0 and what was freed are no mistake; calls in flight would be cancelled */
  plq_client_free(client);
  size_t served = 0;
  for (size_t i = 0; i < server.come; i++) served += server.buyers[i].served;
  printf("%zu buyers, %zu served: %zu secrets of %zu bytes together, %zu failures\n", server.come, served, server.made,
         server.bytes, server.failed);
  free(server.buyers);
  close(timer);
  return status == PLQ_OK && server.made == server.expected ? 0 : 1;
}
