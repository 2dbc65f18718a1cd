/* SPDX-License-Identifier: MIT */
/*
 * A queue in an edge-triggered loop: after an edge, everything is taken until PLQ_E_QUEUE_EMPTY, since what is left makes no new
 * one. The queue is kept full, as a batch would; a timer tells how far it is.
 *
 *     cc epoll_edge.c $(pkg-config --cflags --libs plastiq) -o epoll_edge
 *     PLASTIQ_ACCESS_TOKEN=... PLASTIQ_QUEUE_MAX_CALLS=100 ./epoll_edge 100000
 *     PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 ./epoll_edge 200 transport stub allow_test_transports true
 */
#include <errno.h>
#include <inttypes.h>
#include <plastiq/plastiq.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct batch {
  plq_queue_id queue;
  plq_request *request; /* the same for all: submit copies it */
  uint64_t submitted, wanted;
  uint64_t made, failed, bytes;
};

static void complain(int32_t status, const plq_error *error) {
  fprintf(stderr, "%s: %s\n", plq_status_name(status), error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
}

/* Options come from PLASTIQ_ variables, and from the command line as keys and values. */
static int32_t set_up(struct batch *batch, char **pairs, plq_client_id *out_client) {
  const plq_client_secrets_create_params params = {.end_user_ip = "192.0.2.1"};
  plq_options *options = NULL;
  plq_error *error = NULL;
  int32_t status = plq_options_new(0, &options, &error);
  for (; status == PLQ_OK && pairs[0] != NULL && pairs[1] != NULL; pairs += 2)
    status = plq_options_set(options, pairs[0], PLQ_NUL, pairs[1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, out_client, &error);
  if (status == PLQ_OK) status = plq_queue_new(*out_client, &batch->queue, &error);
  if (status == PLQ_OK) status = plq_client_secrets_create_request(&params, &batch->request, &error);
  if (status != PLQ_OK) complain(status, error);
  plq_error_free(error);
  plq_options_free(options);
  return status;
}

/* Submits until the queue is full or everything is in it. */
static int32_t fill(struct batch *batch) {
  while (batch->submitted < batch->wanted) {
    int32_t status = plq_queue_submit(batch->queue, batch->request, batch->submitted, 0, NULL, NULL);
    if (status == PLQ_E_QUEUE_FULL) return PLQ_OK; /* there will be room once completions are taken */
    if (status != PLQ_OK) return status;
    if (++batch->submitted == batch->wanted) return plq_queue_close(batch->queue, 0);
  }
  return PLQ_OK;
}

static void note(struct batch *batch, plq_completion *completion) {
  plq_response *response = plq_completion_take_response(completion);
  plq_error *error = plq_completion_take_error(completion);
  plq_secret *secret = NULL;
  const char *bytes;
  size_t len = 0;
  int32_t status = plq_completion_status(completion);
  if (status == PLQ_OK) status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len); /* bytes: for a buyer's browser, never for a log */
  if (status != PLQ_OK) complain(status, error);
  batch->made += status == PLQ_OK;
  batch->failed += status != PLQ_OK;
  batch->bytes += len;
  plq_secret_free(secret);
  plq_error_free(error);
  plq_response_free(response);
}

/* Until PLQ_E_QUEUE_EMPTY, and not one less. What is submitted in between is the queue's work too. */
static int32_t take_all(struct batch *batch) {
  int32_t status = PLQ_OK;
  while (status == PLQ_OK) {
    plq_completion *completion = NULL;
    status = plq_queue_next(batch->queue, 0, &completion);
    if (status == PLQ_OK) note(batch, completion);
    plq_completion_free(completion);
    if (status == PLQ_OK) status = fill(batch);
  }
  return status == PLQ_E_QUEUE_EMPTY ? PLQ_OK : status;
}

static void tell(const struct batch *batch) {
  int64_t stats[PLQ_QUEUE_STATS];
  if (plq_queue_stats(batch->queue, stats, PLQ_QUEUE_STATS) != PLQ_OK) return;
  fprintf(stderr, "%" PRId64 " of %" PRIu64 " submitted, %" PRId64 " in flight on %" PRId64 " connections, %" PRIu64 " made\n",
          stats[PLQ_QUEUE_STAT_CALLS], batch->wanted, stats[PLQ_QUEUE_STAT_IN_FLIGHT], stats[PLQ_QUEUE_STAT_CONNECTIONS_OPEN],
          batch->made);
}

/* Until the queue was closed and the last completion taken. */
static int32_t run(struct batch *batch, int epoll, int timer) {
  struct epoll_event edge = {.events = EPOLLIN | EPOLLET}, ready[2];
  int fd;
  int32_t status = plq_queue_fd(batch->queue, &fd);
  if (status != PLQ_OK) return status;
  edge.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &edge) != 0) return PLQ_E_RESOURCE_SYSTEM;
  edge.data.fd = timer;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &edge) != 0) return PLQ_E_RESOURCE_SYSTEM;
  status = fill(batch);
  while (status == PLQ_OK) {
    int count = epoll_wait(epoll, ready, 2, -1);
    if (count < 0 && errno != EINTR) return PLQ_E_RESOURCE_SYSTEM;
    for (int i = 0; i < count && status == PLQ_OK; i++) {
      uint64_t ticks;
      if (ready[i].data.fd == fd)
        status = take_all(batch);
      else if (read(timer, &ticks, sizeof ticks) == sizeof ticks)
        tell(batch);
    }
  }
  return status == PLQ_E_CLOSED ? PLQ_OK : status;
}

int main(int argc, char **argv) { /* epoll_edge SECRETS [OPTION VALUE].. */
  const struct itimerspec ticks = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
  struct batch batch = {.wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 0};
  plq_client_id client = 0;
  if (batch.wanted == 0) return fputs("usage: epoll_edge SECRETS [OPTION VALUE]..\n", stderr), 2;
  int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (epoll < 0 || timer < 0 || timerfd_settime(timer, 0, &ticks, NULL) != 0) return perror("epoll_edge"), 1;
  int32_t status = set_up(&batch, argv + 2, &client);
  if (status == PLQ_OK && (status = run(&batch, epoll, timer)) != PLQ_OK) complain(status, NULL);
  close(epoll); /* before the queue is freed: nobody may wait on its descriptor after that */
  close(timer);
  plq_queue_free(batch.queue);
  plq_request_free(batch.request);
  plq_client_free(client);
  printf("%" PRIu64 " submitted: %" PRIu64 " secrets of %" PRIu64 " bytes together, %" PRIu64 " failures\n", batch.submitted,
         batch.made, batch.bytes, batch.failed);
  return status == PLQ_OK && batch.made == batch.wanted ? 0 : 1;
}
