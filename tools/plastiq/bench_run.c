/* SPDX-License-Identifier: MIT */
/* Threads that make calls, and the one that watches them: it shows progress and takes signals. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { TICK_MS = 20, PROGRESS_MS = 200, GRACE_MS = 1000 };
static const int64_t ms_in_ns = 1000000;

struct shared {
  const struct bench_plan *plan;
  struct bench_result *result;
  int64_t began_ns;
  atomic_bool stop;
  atomic_llong begun, ended, failed;
  atomic_int running;
  pthread_mutex_t lock; /* of the failures in the result */
};

struct worker {
  struct shared *shared;
  pthread_t thread;
  plq_request *request; /* each thread has its own, and a handle by which its call can be cancelled */
  plq_call_id call;
  struct histogram latencies;
  int64_t ended_ns;
};

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- a thread that makes calls ---- */

static void count_failure(struct bench_result *result, int32_t status) {
  for (size_t i = 0; i < BENCH_FAILURES; i++) {
    struct bench_failure *row = &result->failures[i];
    if (row->count > 0 && row->status != status) continue;
    row->status = status;
    row->count++;
    return;
  }
}

/* A command line, setup or request that is wrong fails every call in the same way: one is enough. */
static void note_failure(struct shared *shared, int32_t status, plq_error *error) {
  struct bench_result *result = shared->result;
  if (cli_failure_code(status, error) <= CLI_REQUEST) atomic_store(&shared->stop, true);
  pthread_mutex_lock(&shared->lock);
  count_failure(result, status);
  if (result->first_status == PLQ_OK) {
    result->first_status = status;
    result->first_error = error;
    error = NULL;
  }
  pthread_mutex_unlock(&shared->lock);
  plq_error_free(error);
  atomic_fetch_add(&shared->failed, 1);
}

static void call_once(struct worker *self, bool first) {
  struct shared *shared = self->shared;
  plq_response *response = NULL;
  plq_error *error = NULL;
  int64_t began_ns = now_ns();
  int32_t status = plq_call_run(self->call, self->request, &response, &error);
  int64_t took_ns = now_ns() - began_ns;
  plq_response_free(response);     /* and with it the secret, which is wiped */
  if (status == PLQ_E_CANCELLED) { /* it was in the way of the end, and tells nothing */
    plq_error_free(error);
    return;
  }
  if (first) shared->result->first_ns = took_ns;
  if (status != PLQ_OK)
    note_failure(shared, status, error);
  else if (!first)
    histogram_add(&self->latencies, took_ns);
  atomic_fetch_add(&shared->ended, 1);
}

static void *work(void *argument) {
  struct worker *self = argument;
  struct shared *shared = self->shared;
  const struct bench_plan *plan = shared->plan;
  int64_t end_ns = plan->seconds > 0 ? shared->began_ns + plan->seconds * 1000 * ms_in_ns : INT64_MAX;
  while (!atomic_load(&shared->stop) && now_ns() < end_ns) {
    long long number = atomic_fetch_add(&shared->begun, 1);
    if (plan->calls > 0 && number >= plan->calls) break;
    call_once(self, number == 0);
  }
  self->ended_ns = now_ns();
  atomic_fetch_sub(&shared->running, 1);
  return NULL;
}

/* ---- the thread that watches ---- */

/* SIGINT and SIGTERM are blocked in every thread and waited for in this one, so that nothing is interrupted in the middle. One
   that was ignored before, as in a shell's background job, stays so. */
static void choose_signals(sigset_t *out) {
  static const int numbers[] = {SIGINT, SIGTERM};
  struct sigaction now;
  sigemptyset(out);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(out, numbers[i]);
}

static void cancel(struct worker *workers, int64_t count) {
  for (int64_t i = 0; i < count; i++) (void)plq_call_cancel(workers[i].call);
}

/* After the first signal calls that run have a moment to end; after a second one the system ends the program. */
static void watch(struct shared *shared, struct worker *workers, int64_t count, const sigset_t *signals, const sigset_t *before) {
  const struct timespec tick = {0, TICK_MS * ms_in_ns};
  bool terminal = isatty(STDERR_FILENO) == 1, cancelled = false;
  int64_t shown_ns = shared->began_ns, signal_ns = 0;
  while (atomic_load(&shared->running) > 0) {
    int64_t at_ns;
    if (signal_ns > 0) {
      nanosleep(&tick, NULL);
    } else if (sigtimedwait(signals, NULL, &tick) > 0) {
      signal_ns = now_ns();
      atomic_store(&shared->stop, true);
      shared->result->interrupted = true;
      pthread_sigmask(SIG_SETMASK, before, NULL);
    }
    at_ns = now_ns();
    if (signal_ns > 0 && !cancelled && at_ns - signal_ns > GRACE_MS * ms_in_ns) {
      cancel(workers, count);
      cancelled = true;
    }
    if (!terminal || at_ns - shown_ns < PROGRESS_MS * ms_in_ns) continue;
    shown_ns = at_ns;
    bench_progress_show(shared->plan, at_ns - shared->began_ns, atomic_load(&shared->ended), atomic_load(&shared->failed));
  }
  if (terminal) bench_progress_end();
}

/* Requests are made here, so that one that breaks a rule is told of once. */
static int prepare(const struct bench_plan *plan, struct shared *shared, struct worker *workers) {
  int end = CLI_GO_ON;
  for (int64_t i = 0; i < plan->threads && end == CLI_GO_ON; i++) {
    plq_error *error = NULL;
    workers[i].shared = shared;
    end = cli_request_new(plan->args, &workers[i].request);
    if (end != CLI_GO_ON) break;
    int32_t status = plq_call_new(plan->client, &workers[i].call, &error);
    if (status != PLQ_OK) end = cli_fail(plan->args, status, error);
  }
  return end;
}

static int run_all(struct shared *shared, struct worker *workers) {
  const struct bench_plan *plan = shared->plan;
  struct bench_result *result = shared->result;
  sigset_t signals, before;
  int64_t started = 0, last_ns;
  int trouble = 0;
  choose_signals(&signals);
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  getrusage(RUSAGE_SELF, &result->before);
  last_ns = shared->began_ns = now_ns();
  for (; started < plan->threads && trouble == 0; started += trouble == 0) {
    atomic_fetch_add(&shared->running, 1);
    trouble = pthread_create(&workers[started].thread, NULL, work, &workers[started]);
  }
  if (trouble != 0) {
    atomic_fetch_sub(&shared->running, 1);
    atomic_store(&shared->stop, true);
  }
  watch(shared, workers, started, &signals, &before);
  for (int64_t i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    histogram_merge(result->latencies, &workers[i].latencies);
    if (workers[i].ended_ns > last_ns) last_ns = workers[i].ended_ns;
  }
  getrusage(RUSAGE_SELF, &result->after);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  result->elapsed_ns = last_ns - shared->began_ns;
  result->ended = atomic_load(&shared->ended);
  result->failed = atomic_load(&shared->failed);
  if (trouble == 0) return CLI_GO_ON;
  return cli_fail_with(plan->args, PLQ_E_RESOURCE_SYSTEM, "", "%lld threads cannot be had here, only %lld",
                       (long long)plan->threads, (long long)started);
}

int bench_run(const struct bench_plan *plan, struct bench_result *out) {
  *out = (struct bench_result){.first_ns = -1};
  struct shared shared = {.plan = plan, .result = out, .lock = PTHREAD_MUTEX_INITIALIZER};
  struct worker *workers = calloc((size_t)plan->threads, sizeof *workers);
  out->latencies = calloc(1, sizeof *out->latencies);
  int end = workers != NULL && out->latencies != NULL ? CLI_GO_ON : cli_fail(plan->args, PLQ_E_MEMORY, NULL);
  if (end == CLI_GO_ON) end = prepare(plan, &shared, workers);
  if (end == CLI_GO_ON) end = run_all(&shared, workers);
  for (int64_t i = 0; workers != NULL && i < plan->threads; i++) {
    plq_call_free(workers[i].call);
    plq_request_free(workers[i].request);
  }
  free(workers);
  if (end != CLI_GO_ON) bench_result_clear(out);
  return end;
}

void bench_result_clear(struct bench_result *self) {
  plq_error_free(self->first_error);
  free(self->latencies);
  self->first_error = NULL;
  self->latencies = NULL;
}
