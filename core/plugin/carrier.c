/* SPDX-License-Identifier: MIT */
#include "carrier.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../base/alloc.h"
#include "../base/clock.h"

/* ---- the crew ---- */

struct job {
  struct job *next, *previous; /* in the list that it is in */
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  const struct plq__emitter *emitter;
  plq_transport_sink proxy; /* what the transport sees: the sink, with an on_done that keeps what it is told */
  plq_transport_error error;
  plq_transport_transfer transfer;
  bool failed, done;
  struct plq__event_log log;
};

struct jobs {
  struct job *first, *last;
};

struct plq__crew {
  const struct plq__instance *instance;
  int event_fd;
  pthread_mutex_t lock;
  pthread_cond_t wanted;
  struct jobs waiting, running, over;
  int64_t earliest_ns; /* no waiting job has an earlier deadline */
  uint32_t waiting_count;
  uint32_t count, idle, most; /* threads */
  bool stopping;
  pthread_t threads[];
};

static void append(struct jobs *jobs, struct job *job) {
  job->next = NULL;
  job->previous = jobs->last;
  if (jobs->last != NULL)
    jobs->last->next = job;
  else
    jobs->first = job;
  jobs->last = job;
}

static void take_out(struct jobs *jobs, struct job *job) {
  if (job->previous != NULL)
    job->previous->next = job->next;
  else
    jobs->first = job->next;
  if (job->next != NULL)
    job->next->previous = job->previous;
  else
    jobs->last = job->previous;
}

static void signal_owner(struct plq__crew *crew) {
  uint64_t one = 1;
  ssize_t written = write(crew->event_fd, &one, sizeof one); /* non-blocking: if it is full, it is readable */
  (void)written;
}

/* A job that never reached the transport. */
static void fail(struct plq__crew *crew, struct job *job, int32_t status) {
  job->failed = true;
  job->error = (plq_transport_error){.struct_size = sizeof job->error, .status = status, .phase = PLQ_PHASE_CONNECT};
  take_out(&crew->waiting, job);
  crew->waiting_count--;
  append(&crew->over, job);
}

static void keep_end(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  struct job *job = context;
  job->done = true;
  job->failed = error != NULL;
  if (error != NULL) memcpy(&job->error, error, error->struct_size < sizeof job->error ? error->struct_size : sizeof job->error);
  if (transfer != NULL)
    memcpy(&job->transfer, transfer, transfer->struct_size < sizeof job->transfer ? transfer->struct_size : sizeof job->transfer);
  job->error.struct_size = sizeof job->error;
  job->transfer.struct_size = sizeof job->transfer;
}

/* The job's context stands in for the sink's: passed on. */
static int32_t pass_connected(void *context, const plq_transport_connection *connection) {
  const struct job *job = context;
  return job->sink->on_connected(job->sink->context, connection);
}
static int32_t pass_line(void *context, const char *line, size_t len) {
  const struct job *job = context;
  return job->sink->on_line(job->sink->context, line, len);
}
static int32_t pass_body(void *context, const uint8_t *data, size_t len) {
  const struct job *job = context;
  return job->sink->on_body(job->sink->context, data, len);
}
static int32_t pass_cancelled(void *context) {
  const struct job *job = context;
  return job->sink->is_cancelled(job->sink->context);
}

static void carry_out(const struct plq__instance *instance, struct job *job) {
  const struct plq__emitter logging = {.log = &job->log};
  if (plq__emitter_wants(job->emitter, PLQ__EVENT_LOG)) plq__host_emit_to(&logging, instance->plugin->transport.name);
  int32_t status = instance->plugin->functions.perform(instance->transport, job->request, &job->proxy, &job->error);
  plq__host_emit_to(NULL, NULL);
  if (job->done) return;
  job->failed = true;
  if (status == PLQ_OK) job->error.delivery = PLQ_DELIVERY_MAYBE_SENT;
  job->error.status = status != PLQ_OK ? status : PLQ_E_TRANSPORT_MISBEHAVED;
}

static void *work(void *argument) {
  struct plq__crew *crew = argument;
  pthread_mutex_lock(&crew->lock);
  while (!crew->stopping) {
    struct job *job = crew->waiting.first;
    if (job == NULL) {
      crew->idle++;
      pthread_cond_wait(&crew->wanted, &crew->lock);
      crew->idle--;
      continue;
    }
    take_out(&crew->waiting, job);
    crew->waiting_count--;
    append(&crew->running, job);
    pthread_mutex_unlock(&crew->lock);
    carry_out(crew->instance, job);
    pthread_mutex_lock(&crew->lock);
    take_out(&crew->running, job);
    append(&crew->over, job);
    signal_owner(crew);
  }
  pthread_mutex_unlock(&crew->lock);
  return NULL;
}

/* With the lock held. The host's signals are none of the crew's business. */
static bool hire(struct plq__crew *crew) {
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
  bool hired = pthread_create(&crew->threads[crew->count], NULL, work, crew) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (hired) crew->count++;
  return hired;
}

static int32_t crew_submit(struct plq__crew *crew, const plq_transport_request *request, const plq_transport_sink *sink,
                           const struct plq__emitter *emitter, plq_transport_error *error) {
  struct job *job = plq__alloc(sizeof *job);
  int32_t status = PLQ_OK;
  if (job == NULL) return error->status = PLQ_E_MEMORY;
  job->request = request;
  job->sink = sink;
  job->emitter = emitter;
  job->error.struct_size = sizeof job->error;
  job->proxy = (plq_transport_sink){.struct_size = sizeof job->proxy,
                                    .context = job,
                                    .on_connected = pass_connected,
                                    .on_line = pass_line,
                                    .on_body = pass_body,
                                    .on_done = keep_end,
                                    .is_cancelled = pass_cancelled};
  pthread_mutex_lock(&crew->lock);
  append(&crew->waiting, job);
  crew->waiting_count++;
  /* One that is idle may have been called for the job before this one, and not be there yet. */
  if (crew->waiting_count > crew->idle && crew->count < crew->most && !hire(crew) && crew->count == 0) {
    take_out(&crew->waiting, job);
    crew->waiting_count--;
    status = error->status = PLQ_E_RESOURCE_SYSTEM;
    error->phase = PLQ_PHASE_CONNECT;
  } else {
    if (request->deadline_ns < crew->earliest_ns) crew->earliest_ns = request->deadline_ns;
    pthread_cond_signal(&crew->wanted);
  }
  pthread_mutex_unlock(&crew->lock);
  if (status != PLQ_OK) plq__free(job);
  return status;
}

/* With the lock held: those whose time is over before a thread was free. */
static void expire(struct plq__crew *crew, int64_t now_ns) {
  if (now_ns < crew->earliest_ns) return;
  crew->earliest_ns = PLQ__NEVER;
  for (struct job *job = crew->waiting.first, *next; job != NULL; job = next) {
    next = job->next;
    int64_t deadline_ns = job->request->deadline_ns;
    if (deadline_ns <= now_ns)
      fail(crew, job, PLQ_E_TIMEOUT_POOL);
    else if (deadline_ns < crew->earliest_ns)
      crew->earliest_ns = deadline_ns;
  }
}

/* Reports what is over; true: something was. */
static bool report(struct plq__crew *crew) {
  pthread_mutex_lock(&crew->lock);
  expire(crew, plq__instance_now_ns(crew->instance));
  struct job *job = crew->over.first;
  crew->over = (struct jobs){NULL, NULL};
  pthread_mutex_unlock(&crew->lock);
  bool any = job != NULL;
  while (job != NULL) {
    struct job *next = job->next;
    for (size_t i = 0; i < job->log.count; i++) plq__emit(job->emitter, job->log.rows[i].event, &job->log.rows[i].values);
    plq__event_log_clear(&job->log);
    job->sink->on_done(job->sink->context, job->failed ? &job->error : NULL, job->transfer.struct_size > 0 ? &job->transfer : NULL);
    plq__free(job);
    job = next;
  }
  return any;
}

static void wait_for_crew(struct plq__crew *crew, int64_t until_ns) {
  struct pollfd ready = {.fd = crew->event_fd, .events = POLLIN};
  int64_t left_ns = until_ns == PLQ__NEVER ? 0 : until_ns - plq__instance_now_ns(crew->instance);
  if (left_ns < 0) left_ns = 0;
  const struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000)};
  ppoll(&ready, 1, until_ns == PLQ__NEVER ? NULL : &left, NULL);
}

static int32_t crew_drive(struct plq__crew *crew, int64_t until_ns) {
  uint64_t count;
  wait_for_crew(crew, until_ns);
  ssize_t got = read(crew->event_fd, &count, sizeof count);
  (void)got;
  report(crew);
  return PLQ_OK;
}

static void crew_cancel(struct plq__crew *crew, uint64_t op) {
  pthread_mutex_lock(&crew->lock);
  struct job *job = crew->waiting.first;
  while (job != NULL && job->request->op != op) job = job->next;
  if (job != NULL) {
    fail(crew, job, PLQ_E_CANCELLED);
    signal_owner(crew);
  }
  pthread_mutex_unlock(&crew->lock);
  if (job == NULL) crew->instance->plugin->functions.cancel(crew->instance->transport, op);
}

static void crew_free(struct plq__crew *crew) {
  const struct plq__instance *instance = crew->instance;
  pthread_mutex_lock(&crew->lock);
  crew->stopping = true;
  while (crew->waiting.first != NULL) fail(crew, crew->waiting.first, PLQ_E_CANCELLED);
  for (const struct job *job = crew->running.first; job != NULL; job = job->next)
    instance->plugin->functions.cancel(instance->transport, job->request->op);
  pthread_cond_broadcast(&crew->wanted);
  pthread_mutex_unlock(&crew->lock);
  for (uint32_t i = 0; i < crew->count; i++) pthread_join(crew->threads[i], NULL);
  report(crew);
  close(crew->event_fd);
  pthread_cond_destroy(&crew->wanted);
  pthread_mutex_destroy(&crew->lock);
  plq__free(crew);
}

static int32_t crew_new(const struct plq__instance *instance, uint32_t most, struct plq__crew **out_crew) {
  if (!(instance->plugin->transport.capabilities & PLQ_CAP_CONCURRENT)) most = 1;
  struct plq__crew *crew = plq__alloc(sizeof *crew + most * sizeof *crew->threads);
  if (crew == NULL) return PLQ_E_MEMORY;
  crew->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (crew->event_fd < 0) {
    plq__free(crew);
    return errno == EMFILE || errno == ENFILE ? PLQ_E_RESOURCE_DESCRIPTORS : PLQ_E_RESOURCE_SYSTEM;
  }
  crew->instance = instance;
  crew->most = most;
  crew->earliest_ns = PLQ__NEVER;
  pthread_mutex_init(&crew->lock, NULL);
  pthread_cond_init(&crew->wanted, NULL);
  *out_crew = crew;
  return PLQ_OK;
}

/* ---- the carrier ---- */

int32_t plq__carrier_init(struct plq__carrier *carrier, const struct plq__instance *instance, uint32_t threads) {
  *carrier = (struct plq__carrier){.instance = instance, .functions = &instance->plugin->functions};
  return instance->plugin->transport.capabilities & PLQ_CAP_ASYNC ? PLQ_OK : crew_new(instance, threads, &carrier->crew);
}

int32_t plq__carrier_submit(struct plq__carrier *carrier, const plq_transport_request *request, const plq_transport_sink *sink,
                            const struct plq__emitter *emitter, plq_transport_error *error) {
  return carrier->crew != NULL ? crew_submit(carrier->crew, request, sink, emitter, error)
                               : carrier->functions->submit(carrier->instance->transport, request, sink, error);
}

int32_t plq__carrier_event_fd(const struct plq__carrier *carrier) {
  return carrier->crew != NULL ? carrier->crew->event_fd : carrier->functions->event_fd(carrier->instance->transport);
}

int64_t plq__carrier_next_ns(const struct plq__carrier *carrier) {
  struct plq__crew *crew = carrier->crew;
  if (crew == NULL) return PLQ__NEVER;
  pthread_mutex_lock(&crew->lock);
  int64_t next_ns = crew->waiting.first != NULL ? crew->earliest_ns : PLQ__NEVER;
  pthread_mutex_unlock(&crew->lock);
  return next_ns;
}

int32_t plq__carrier_drive(struct plq__carrier *carrier, int64_t until_ns) {
  return carrier->crew != NULL ? crew_drive(carrier->crew, until_ns) : carrier->functions->drive(carrier->instance->transport, until_ns);
}

bool plq__carrier_may_warm(const struct plq__carrier *carrier) {
  struct plq__crew *crew = carrier->crew;
  if (crew == NULL || carrier->instance->plugin->transport.capabilities & PLQ_CAP_CONCURRENT) return true;
  pthread_mutex_lock(&crew->lock);
  bool may = crew->waiting.first == NULL && crew->running.first == NULL;
  pthread_mutex_unlock(&crew->lock);
  return may;
}

void plq__carrier_wake(struct plq__carrier *carrier) {
  if (carrier->crew != NULL)
    signal_owner(carrier->crew);
  else
    carrier->functions->wake(carrier->instance->transport);
}

void plq__carrier_cancel(struct plq__carrier *carrier, uint64_t op) {
  if (carrier->crew != NULL)
    crew_cancel(carrier->crew, op);
  else
    carrier->functions->cancel(carrier->instance->transport, op);
}

void plq__carrier_clear(struct plq__carrier *carrier) {
  if (carrier->crew != NULL) crew_free(carrier->crew);
  carrier->crew = NULL;
}

void plq__carrier_abandon(struct plq__carrier *carrier) {
  if (carrier->crew != NULL) close(carrier->crew->event_fd);
}
