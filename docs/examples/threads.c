/* SPDX-License-Identifier: MIT */
/*
 * A queue for each core, each with a thread that sleeps in plq_queue_next(), all on one client. The main thread submits in turn,
 * waits where a queue is full, thinks better of one call, and ends the threads by closing their queues.
 *
 *     cc -pthread threads.c $(pkg-config --cflags --libs plastiq) -o threads
 *     PLASTIQ_ACCESS_TOKEN=... ./threads 200
 *     PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 ./threads 200 transport stub allow_test_transports true
 */
#include <inttypes.h>
#include <plastiq/plastiq.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS_MOST = 64 };

struct worker {
  plq_queue_id queue;
  pthread_t thread;
  bool runs;
  int32_t status;                          /* why it ended */
  uint64_t made, bytes, cancelled, failed; /* read once the thread has ended */
};

static void complain(int32_t status, const plq_error *error) {
  fprintf(stderr, "%s: %s\n", plq_status_name(status), error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
}

/* Options come from PLASTIQ_ variables, and from the command line as keys and values. */
static int32_t make_client(char **pairs, plq_client_id *out_client) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  int32_t status = plq_options_new(0, &options, &error);
  for (; status == PLQ_OK && pairs[0] != NULL && pairs[1] != NULL; pairs += 2)
    status = plq_options_set(options, pairs[0], PLQ_NUL, pairs[1], PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, out_client, &error);
  if (status != PLQ_OK) complain(status, error);
  plq_error_free(error);
  plq_options_free(options);
  return status;
}

static void note(struct worker *worker, plq_completion *completion) {
  plq_response *response = plq_completion_take_response(completion);
  plq_error *error = plq_completion_take_error(completion);
  plq_secret *secret = NULL;
  const char *bytes;
  size_t len = 0;
  int32_t status = plq_completion_status(completion);
  if (status == PLQ_OK) status = plq_client_secrets_create_take_client_secret(response, &secret);
  if (status == PLQ_OK) status = plq_secret_read(secret, &bytes, &len); /* bytes: for a buyer's browser, never for a log */
  if (status != PLQ_OK && status != PLQ_E_CANCELLED) complain(status, error);
  worker->made += status == PLQ_OK;
  worker->cancelled += status == PLQ_E_CANCELLED; /* plq_error_delivery(error) says whether the service may have acted */
  worker->failed += status != PLQ_OK && status != PLQ_E_CANCELLED;
  worker->bytes += len;
  plq_secret_free(secret);
  plq_error_free(error);
  plq_response_free(response);
}

static void *work(void *argument) {
  struct worker *worker = argument;
  plq_completion *completion;
  for (;;) {
    worker->status = plq_queue_next(worker->queue, -1, &completion);
    if (worker->status == PLQ_E_QUEUE_EMPTY) continue; /* somebody called plq_queue_wake() */
    if (worker->status != PLQ_OK) return NULL;         /* PLQ_E_CLOSED: all is done */
    note(worker, completion);
    plq_completion_free(completion);
  }
}

static int32_t start(struct worker *worker, plq_client_id client) {
  plq_error *error = NULL;
  int32_t status = plq_queue_new(client, &worker->queue, &error);
  if (status == PLQ_OK) worker->runs = pthread_create(&worker->thread, NULL, work, worker) == 0;
  if (status == PLQ_OK && !worker->runs) status = PLQ_E_RESOURCE_SYSTEM;
  if (status != PLQ_OK) complain(status, error);
  plq_error_free(error);
  return status;
}

/* In turn; the last call is taken back at once. */
static int32_t submit_all(const struct worker *workers, size_t count, uint64_t calls) {
  const plq_client_secrets_create_params params = {.end_user_ip = "192.0.2.1"};
  plq_error *error = NULL;
  int32_t status = PLQ_OK;
  uint64_t id = 0;
  for (uint64_t i = 0; i < calls && status == PLQ_OK; i++)
    status = plq_client_secrets_create_submit(workers[i % count].queue, &params, i, -1, &id, &error);
  if (status == PLQ_OK) {
    status = plq_queue_cancel(workers[(calls - 1) % count].queue, id);
    if (status == PLQ_E_NOT_FOUND) status = PLQ_OK; /* it was over already, and its completion taken */
  }
  if (status != PLQ_OK) complain(status, error);
  plq_error_free(error);
  return status;
}

/* What is in flight goes on if all is well; otherwise it is cancelled. */
static bool end(struct worker *worker, bool well) {
  if (worker->runs) {
    plq_queue_close(worker->queue, !well);
    pthread_join(worker->thread, NULL);
    if (worker->status != PLQ_E_CLOSED) complain(worker->status, NULL);
    well = well && worker->status == PLQ_E_CLOSED;
  }
  plq_queue_free(worker->queue);
  return well;
}

int main(int argc, char **argv) { /* threads CALLS [OPTION VALUE].. */
  uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  struct worker workers[WORKERS_MOST] = {{.queue = 0}}, sum = {.queue = 0};
  plq_client_id client = 0;
  if (calls == 0) return fputs("usage: threads CALLS [OPTION VALUE]..\n", stderr), 2;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  size_t count = cores < 1 ? 1 : cores < WORKERS_MOST ? (size_t)cores : WORKERS_MOST;
  int32_t status = make_client(argv + 2, &client);
  for (size_t i = 0; i < count && status == PLQ_OK; i++) status = start(&workers[i], client);
  if (status == PLQ_OK) status = submit_all(workers, count, calls);
  bool well = status == PLQ_OK;
  for (size_t i = 0; i < count; i++) well = end(&workers[i], well);
  plq_client_free(client);
  for (size_t i = 0; i < count; i++) {
    sum.made += workers[i].made;
    sum.bytes += workers[i].bytes;
    sum.cancelled += workers[i].cancelled;
    sum.failed += workers[i].failed;
  }
  printf("%" PRIu64 " calls on %zu queues: %" PRIu64 " secrets of %" PRIu64 " bytes together, %" PRIu64 " cancelled, %" PRIu64
         " failures\n",
         calls, count, sum.made, sum.bytes, sum.cancelled, sum.failed);
  return well && sum.made + sum.cancelled == calls ? 0 : 1;
}
