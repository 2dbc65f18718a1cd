/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <plastiq/queue.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/error.h"
#include "../base/fork.h"
#include "../base/handle.h"
#include "../base/timers.h"
#include "../pipeline/warm.h"
#include "../plugin/carrier.h"

enum state {
  SUBMITTED, /* nobody inside has seen it yet */
  CARRIED,   /* by the transport */
  PAUSED,    /* until its timer */
  READY
};

struct plq__queued {
  struct plq__completed completed; /* first: it is what is shown */
  struct plq__queued *next;        /* in the list that its state says */
  struct plq__queued *bucket_next; /* with the same hash */
  struct plq__queued *cancel_next, **cancel_link; /* among those that somebody cancelled; link NULL: it is not there */
  struct plq__queue *queue;
  enum state state;
  bool over; /* it came without a request */
  struct plq__run run;
  struct plq__timer timer;
  struct plq__performing performing;
};

struct list {
  struct plq__queued *first, *last;
};

struct plq__queue {
  struct plq__queue_link link; /* first */
  struct plq__lane lane;
  struct plq__client *client; /* a reference */
  struct plq__carrier carrier;
  plq_queue_id id;
  uint32_t generation; /* of fork */
  uint32_t max_calls;
  void (*drop_more)(void *more);
  _Atomic uint32_t ready_count;
  struct plq__queue *next_left; /* among those that a fork left behind */

  /* For whoever is inside. */
  struct list ready, over; /* over: the transport is done with them */
  struct plq__timers timers;
  uint64_t last_op;
  bool ending; /* nothing goes on any more */

  pthread_mutex_t lock;
  pthread_cond_t room, begun;
  struct list submitted;
  struct plq__queued *cancelled;
  struct plq__queued **buckets; /* by id */
  size_t bucket_count;          /* a power of two */
  uint32_t held;                /* accepted and not taken */
  uint32_t waiters;             /* for room */
  uint64_t accepted;
  bool inside;
  bool beginning; /* it is a submit, which stays for a moment */
  bool driving; /* the carrier may be waiting: only a wake-up makes it return */
  bool woken;   /* it got one */
  bool wake_asked, cancel_all, closed, freed;
  struct plq__run *warming;
  /* The descriptor, once somebody asked for it. */
  bool signalled;
  int epoll_fd, signal_fd, timer_fd;
  int64_t armed_ns; /* when timer_fd fires */
};

static void append(struct list *list, struct plq__queued *queued) {
  queued->next = NULL;
  if (list->last != NULL)
    list->last->next = queued;
  else
    list->first = queued;
  list->last = queued;
}

static struct plq__queued *take_first(struct list *list) {
  struct plq__queued *queued = list->first;
  if (queued == NULL) return NULL;
  list->first = queued->next;
  if (list->first == NULL) list->last = NULL;
  return queued;
}

static struct plq__queued *of_attempt(struct plq__attempt_state *attempt) {
  return (struct plq__queued *)(void *)((char *)attempt - offsetof(struct plq__queued, performing.call.attempt));
}

static struct plq__queued *of_timer(struct plq__timer *timer) {
  return (struct plq__queued *)(void *)((char *)timer - offsetof(struct plq__queued, timer));
}

/* ---- ids: they come one after the other, so that a mask spreads them evenly ---- */

static struct plq__queued **bucket_of(const struct plq__queue *queue, uint64_t id) { return &queue->buckets[id & (queue->bucket_count - 1)]; }

static bool grow_buckets(struct plq__queue *queue) {
  struct plq__queued **old = queue->buckets;
  size_t old_count = queue->bucket_count;
  if (queue->held < old_count) return true;
  struct plq__queued **buckets = plq__alloc((old_count > 0 ? 2 * old_count : 64) * sizeof *buckets);
  if (buckets == NULL) return old_count > 0; /* a full table is slower, and not wrong */
  queue->buckets = buckets;
  queue->bucket_count = old_count > 0 ? 2 * old_count : 64;
  for (size_t i = 0; i < old_count; i++) {
    for (struct plq__queued *queued = old[i], *next; queued != NULL; queued = next) {
      struct plq__queued **bucket = bucket_of(queue, queued->completed.id);
      next = queued->bucket_next;
      queued->bucket_next = *bucket;
      *bucket = queued;
    }
  }
  plq__free(old);
  return true;
}

static struct plq__queued *find(const struct plq__queue *queue, uint64_t id) {
  struct plq__queued *queued = queue->bucket_count > 0 ? *bucket_of(queue, id) : NULL;
  while (queued != NULL && queued->completed.id != id) queued = queued->bucket_next;
  return queued;
}

static void forget(struct plq__queue *queue, struct plq__queued *queued) {
  struct plq__queued **at = bucket_of(queue, queued->completed.id);
  while (*at != queued) at = &(*at)->bucket_next;
  *at = queued->bucket_next;
  if (queued->cancel_link == NULL) return;
  *queued->cancel_link = queued->cancel_next;
  if (queued->cancel_next != NULL) queued->cancel_next->cancel_link = queued->cancel_link;
}

/* ---- telling whoever is inside, or waits for the descriptor ---- */

static void set_signal(struct plq__queue *queue) {
  uint64_t one = 1;
  if (queue->epoll_fd < 0 || queue->signalled) return;
  queue->signalled = true;
  ssize_t written = write(queue->signal_fd, &one, sizeof one);
  (void)written;
}

static void clear_signal(struct plq__queue *queue) {
  uint64_t count;
  if (!queue->signalled) return;
  queue->signalled = false;
  ssize_t got = read(queue->signal_fd, &count, sizeof count);
  (void)got;
}

/* There is work. Whoever is inside, and not in the carrier, looks before it waits. */
static void announce(struct plq__queue *queue) {
  if (!queue->driving) {
    set_signal(queue);
    return;
  }
  if (queue->woken) return;
  queue->woken = true;
  plq__carrier_wake(&queue->carrier);
}

static bool is_virtual(const struct plq__queue *queue) { return queue->lane.instance->clock != NULL; }

/* When the carrier or a pause has something to do that no descriptor of theirs shows. */
static int64_t next_ns(const struct plq__queue *queue) {
  int64_t pause_ns = plq__timers_next_ns(&queue->timers), carrier_ns = plq__carrier_next_ns(&queue->carrier);
  return pause_ns < carrier_ns ? pause_ns : carrier_ns;
}

/* Arms the timer for what is next. On a virtual clock that is now, because waiting takes no time there. */
static void arm(struct plq__queue *queue) {
  if (queue->epoll_fd < 0) return;
  int64_t at_ns = next_ns(queue);
  if (is_virtual(queue)) {
    if (at_ns != PLQ__NEVER) set_signal(queue);
    return;
  }
  if (at_ns == queue->armed_ns) return;
  queue->armed_ns = at_ns;
  struct itimerspec spec = {.it_value = {0, 0}}; /* all 0 disarms */
  if (at_ns != PLQ__NEVER) spec.it_value = (struct timespec){(time_t)(at_ns / 1000000000), (long)(at_ns % 1000000000)};
  timerfd_settime(queue->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* With the lock held: whether next has something to do that only the queue knows of. */
static bool has_work(const struct plq__queue *queue) {
  return queue->ready.first != NULL || queue->over.first != NULL || queue->submitted.first != NULL || queue->cancelled != NULL || queue->cancel_all ||
         queue->wake_asked || (queue->closed && queue->held == 0);
}

/* ---- a call's way ---- */

static void make_ready(struct plq__queued *queued) {
  queued->state = READY;
  append(&queued->queue->ready, queued);
  atomic_fetch_add_explicit(&queued->queue->ready_count, 1, memory_order_relaxed);
}

static void finish(struct plq__queued *queued) {
  struct plq__completed *completed = &queued->completed;
  completed->status = plq__performing_finish(&queued->performing, &completed->response, &completed->error);
  plq__observers_unref(queued->run.emitter.observers);
  queued->run.emitter.observers = NULL;
  make_ready(queued);
}

static void note_over(struct plq__attempt_state *attempt) {
  struct plq__queued *queued = of_attempt(attempt);
  append(&queued->queue->over, queued);
}

static enum plq__step send(struct plq__queued *queued) {
  struct plq__queue *queue = queued->queue;
  struct plq__call *call = &queued->performing.call;
  call->attempt.elsewhere = queue->carrier.crew != NULL;
  call->attempt.on_over = note_over;
  queued->state = CARRIED;
  plq__host_emit_to(&queued->run.emitter, queue->client->plugin->transport.name);
  int32_t status =
      plq__carrier_submit(&queue->carrier, &call->request, &call->attempt.sink, &queued->run.emitter, &call->attempt.reported);
  plq__host_emit_to(NULL, NULL);
  if (status == PLQ_OK) return PLQ__STEP_SEND;
  plq__attempt_conclude(&call->attempt, status);
  return plq__call_judge(call);
}

/* Goes on until the transport has it, a pause begins, or it is over. */
static void advance(struct plq__queued *queued, enum plq__step step) {
  struct plq__queue *queue = queued->queue;
  struct plq__call *call = &queued->performing.call;
  while (step == PLQ__STEP_AGAIN) {
    if (queued->run.cancelled || queue->ending) {
      plq__call_interrupt(call);
      step = PLQ__STEP_OVER;
    } else if (call->again_ns > plq__lane_now_ns(&queue->lane)) {
      queued->state = PAUSED;
      plq__timer_set(&queue->timers, &queued->timer, call->again_ns);
      return;
    } else {
      step = plq__call_attempt(call, ++queue->last_op);
      if (step == PLQ__STEP_SEND) step = send(queued);
    }
  }
  if (step == PLQ__STEP_OVER) finish(queued);
}

static void begin(struct plq__queued *queued) {
  if (queued->over) {
    make_ready(queued);
    return;
  }
  queued->run.emitter.observers = plq__lane_observers(&queued->queue->lane);
  advance(queued, plq__call_begin(&queued->performing.call));
}

/* Somebody cancelled it. */
static void stop(struct plq__queued *queued) {
  struct plq__queue *queue = queued->queue;
  if (queued->state == CARRIED) plq__carrier_cancel(&queue->carrier, queued->performing.call.request.op);
  if (queued->state != PAUSED) return; /* one that was just submitted is noticed when it begins */
  plq__timer_clear(&queue->timers, &queued->timer);
  advance(queued, PLQ__STEP_AGAIN);
}

static void take_over(struct plq__queue *queue) {
  struct plq__queued *queued;
  while ((queued = take_first(&queue->over)) != NULL) {
    plq__attempt_conclude(&queued->performing.call.attempt, PLQ_OK);
    advance(queued, plq__call_judge(&queued->performing.call));
  }
}

static void run_timers(struct plq__queue *queue) {
  while (queue->timers.first != NULL && queue->timers.first->at_ns <= plq__lane_now_ns(&queue->lane)) {
    struct plq__queued *queued = of_timer(queue->timers.first);
    plq__timer_clear(&queue->timers, &queued->timer);
    advance(queued, PLQ__STEP_AGAIN);
  }
}

/* ---- next ---- */

int32_t plq__queue_enter(struct plq__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (queue->beginning) pthread_cond_wait(&queue->begun, &queue->lock);
  bool free = !queue->inside;
  queue->inside = true;
  pthread_mutex_unlock(&queue->lock);
  return free ? PLQ_OK : PLQ_E_BUSY;
}

void plq__queue_leave(struct plq__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  if (has_work(queue)) set_signal(queue);
  arm(queue);
  if (queue->beginning) pthread_cond_broadcast(&queue->begun);
  queue->inside = queue->beginning = false;
  pthread_mutex_unlock(&queue->lock);
}

/* With the lock held; what is to be stopped is marked, and a list of it made by cancel_next. */
static struct plq__queued *take_cancelled(struct plq__queue *queue) {
  struct plq__queued *list = queue->cancelled;
  for (struct plq__queued *queued = list; queued != NULL; queued = queued->cancel_next) queued->cancel_link = NULL;
  queue->cancelled = NULL;
  if (!queue->cancel_all) return list;
  queue->cancel_all = false;
  list = NULL;
  for (size_t i = 0; i < queue->bucket_count; i++) {
    for (struct plq__queued *queued = queue->buckets[i]; queued != NULL; queued = queued->bucket_next) {
      queued->run.cancelled = true;
      queued->cancel_next = list;
      list = queued;
    }
  }
  return list;
}

enum turn { WORK, WOKEN, OVER, GONE };

/* Takes in what came from outside, and does what is due. */
static enum turn take_in(struct plq__queue *queue) {
  enum turn turn = WORK;
  pthread_mutex_lock(&queue->lock);
  clear_signal(queue);
  struct list submitted = queue->submitted;
  queue->submitted = (struct list){NULL, NULL};
  struct plq__queued *cancelled = take_cancelled(queue), *queued;
  if (queue->freed)
    turn = GONE;
  else if (queue->closed && queue->held == 0)
    turn = OVER;
  else if (queue->wake_asked)
    turn = WOKEN;
  pthread_mutex_unlock(&queue->lock);
  /* What was cancelled before it began is in both lists: it ends when it begins. */
  while (cancelled != NULL) {
    struct plq__queued *next = cancelled->cancel_next;
    stop(cancelled);
    cancelled = next;
  }
  while ((queued = take_first(&submitted)) != NULL) begin(queued);
  run_timers(queue);
  return turn;
}

/* By something that the carrier may have seen, and its descriptor no longer tells. */
static bool was_woken(struct plq__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  bool woken = queue->woken;
  pthread_mutex_unlock(&queue->lock);
  return woken;
}

/* On a virtual clock only what happens there is worth waiting for; otherwise the clock on the wall counts, until submit, cancel or
 * wake comes from another thread. */
static int32_t drive_virtually(struct plq__queue *queue, int64_t deadline_ns) {
  const struct plq__instance *instance = queue->lane.instance;
  int64_t at_ns = next_ns(queue);
  int32_t status = plq__carrier_drive(&queue->carrier, at_ns != PLQ__NEVER ? at_ns : 0);
  if (status != PLQ_OK || queue->over.first != NULL) return status;
  if (at_ns != PLQ__NEVER) {
    if (plq__lane_now_ns(&queue->lane) < at_ns) instance->clock->sleep_until_ns(instance->timed, at_ns);
    return status;
  }
  int64_t left_ns = deadline_ns == PLQ__NEVER ? PLQ__NEVER : deadline_ns - plq__now_ns();
  if (left_ns <= 0 || was_woken(queue)) return status;
  struct pollfd event = {.fd = plq__carrier_event_fd(&queue->carrier), .events = POLLIN};
  const struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000)};
  ppoll(&event, 1, left_ns == PLQ__NEVER ? NULL : &left, NULL);
  return status;
}

/* Has the carrier work, or wait for work until then. */
static int32_t drive(struct plq__queue *queue, int64_t deadline_ns, bool wait) {
  struct plq__emitter emitter = {.observers = plq__lane_observers(&queue->lane), .client = queue->client->id};
  int64_t until_ns = wait ? next_ns(queue) : 0;
  if (deadline_ns < until_ns) until_ns = deadline_ns;
  pthread_mutex_lock(&queue->lock);
  bool work = has_work(queue) || queue->freed;
  queue->driving = true;
  queue->woken = false;
  pthread_mutex_unlock(&queue->lock);
  plq__host_emit_to(&emitter, queue->client->plugin->transport.name);
  int32_t status = is_virtual(queue) ? drive_virtually(queue, wait && !work ? deadline_ns : 0)
                                     : plq__carrier_drive(&queue->carrier, work ? 0 : until_ns);
  plq__host_emit_to(NULL, NULL);
  pthread_mutex_lock(&queue->lock);
  queue->driving = false;
  pthread_mutex_unlock(&queue->lock);
  plq__observers_unref(emitter.observers);
  return status;
}

static int32_t answer_wake(struct plq__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->wake_asked = false;
  pthread_mutex_unlock(&queue->lock);
  return PLQ_E_QUEUE_EMPTY;
}

int32_t plq__queue_await(struct plq__queue *queue, int64_t timeout_ms, struct plq__completed **out_completed) {
  int64_t deadline_ns = 0;
  bool wait = timeout_ms != 0, last = !wait;
  while (queue->ready.first == NULL) {
    enum turn turn = take_in(queue);
    if (turn == GONE) return PLQ_E_HANDLE;
    if (queue->ready.first != NULL) break; /* a wake-up is for the next one that finds none */
    if (turn == OVER) return PLQ_E_CLOSED;
    if (turn == WOKEN) last = true; /* after what else there is to do, which no edge may tell once more */
    if (wait && deadline_ns == 0) deadline_ns = plq__deadline_ns(plq__now_ns(), timeout_ms);
    int32_t status = drive(queue, deadline_ns, !last);
    take_over(queue);
    run_timers(queue);
    if (queue->ready.first != NULL) break;
    if (status != PLQ_OK) return status;
    if (last) return turn == WOKEN ? answer_wake(queue) : PLQ_E_QUEUE_EMPTY;
    last = deadline_ns != PLQ__NEVER && plq__now_ns() >= deadline_ns;
  }
  *out_completed = &queue->ready.first->completed;
  return PLQ_OK;
}

struct plq__completed plq__queue_take(struct plq__queue *queue) {
  struct plq__queued *queued = take_first(&queue->ready);
  struct plq__completed completed = queued->completed;
  atomic_fetch_sub_explicit(&queue->ready_count, 1, memory_order_relaxed);
  pthread_mutex_lock(&queue->lock);
  forget(queue, queued);
  queue->held--;
  if (queue->waiters > 0) pthread_cond_signal(&queue->room);
  pthread_mutex_unlock(&queue->lock);
  plq__free(queued);
  return completed;
}

/* ---- from any thread ---- */

/* With the lock held. */
static int32_t await_room(struct plq__queue *queue, int64_t timeout_ms) {
  if (queue->held < queue->max_calls || timeout_ms == 0) return queue->held < queue->max_calls ? PLQ_OK : PLQ_E_QUEUE_FULL;
  int64_t deadline_ns = plq__deadline_ns(plq__now_ns(), timeout_ms);
  struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = (long)(deadline_ns % 1000000000)};
  queue->waiters++;
  while (queue->held >= queue->max_calls && !queue->closed && !queue->freed && plq__now_ns() < deadline_ns) {
    if (deadline_ns == PLQ__NEVER)
      pthread_cond_wait(&queue->room, &queue->lock);
    else
      pthread_cond_timedwait(&queue->room, &queue->lock, &until);
  }
  queue->waiters--;
  return queue->held < queue->max_calls ? PLQ_OK : PLQ_E_QUEUE_FULL;
}

/* With the lock held: whether the thread that submitted a call begins it. Where somebody waits for the descriptor and nothing else is in flight,
 * waking them for this alone costs more than doing it. Otherwise next is quicker with all that there is at once. */
static bool may_begin(const struct plq__queue *queue) {
  return queue->epoll_fd >= 0 && queue->held == 1 && !queue->inside && queue->carrier.crew == NULL && !is_virtual(queue);
}

/* With the lock held: gives it an id and a place; nothing is left of it on failure. *out_begin: the caller goes on with begin_here(). */
static int32_t accept_call(struct plq__queue *queue, struct plq__queued *queued, int64_t room_timeout_ms, bool *out_begin) {
  int32_t status = queue->closed ? PLQ_OK : await_room(queue, room_timeout_ms);
  if (queue->freed) return PLQ_E_HANDLE;
  if (queue->closed) return PLQ_E_CLOSED;
  if (status == PLQ_OK && !grow_buckets(queue)) status = PLQ_E_MEMORY;
  if (status != PLQ_OK) return status;
  uint64_t id = queue->lane.first_call + ++queue->accepted;
  struct plq__queued **bucket = bucket_of(queue, id);
  queued->completed.id = queued->run.emitter.call = id;
  queued->bucket_next = *bucket;
  *bucket = queued;
  queue->held++;
  append(&queue->submitted, queued);
  *out_begin = may_begin(queue);
  if (*out_begin)
    queue->inside = queue->beginning = true;
  else
    announce(queue);
  return PLQ_OK;
}

/* Does what next does, for a call that submit begins. A transport that lacks something has work left, and its descriptor shows that: next
 * will tell. */
static void begin_here(struct plq__queue *queue) {
  take_in(queue);
  drive(queue, 0, false);
  take_over(queue);
  run_timers(queue);
  plq__queue_leave(queue);
}

static int32_t fail_submit(const struct plq__queue *queue, int32_t status, plq_error **out_error) {
  if (status == PLQ_E_QUEUE_FULL)
    return plq__fail(out_error, status, "queue_max_calls",
                     "the queue holds %u calls, as many as the option queue_max_calls allows; take completions by plq_queue_next(), or raise it",
                     queue->max_calls);
  return plq__fail_plain(out_error, status);
}

static int32_t pass_on(int32_t status, plq_error *error, plq_error **out_error) {
  if (out_error != NULL)
    *out_error = error;
  else
    plq_error_free(error);
  return status;
}

int32_t plq__queue_submit(struct plq__queue *queue, const struct plq__submission *submission, uint64_t *out_id, plq_error **out_error) {
  int64_t start_ns = plq__lane_now_ns(&queue->lane);
  struct plq__queued *queued = plq__alloc(sizeof *queued);
  if (queued == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  queued->queue = queue;
  queued->over = submission->request == NULL;
  queued->run.emitter.client = queue->client->id;
  queued->run.emitter.log = submission->log;
  queued->completed = (struct plq__completed){
      .tag = submission->tag, .status = submission->status, .error = submission->error, .more = submission->more};
  int32_t status = PLQ_OK;
  plq_error *wrong = NULL;
  bool begin = false;
  if (!queued->over)
    status = plq__performing_init(&queued->performing, &queue->lane, &queued->run, submission->request, start_ns, &wrong);
  if (status != PLQ_OK && !submission->accept_all) {
    plq__free(queued);
    return pass_on(status, wrong, out_error);
  }
  if (status != PLQ_OK) {
    queued->over = true;
    queued->completed.status = status;
    queued->completed.error = wrong;
  }
  pthread_mutex_lock(&queue->lock);
  status = accept_call(queue, queued, submission->room_timeout_ms, &begin);
  if (status == PLQ_OK && out_id != NULL) *out_id = queued->completed.id;
  pthread_mutex_unlock(&queue->lock);
  if (begin) begin_here(queue);
  if (status == PLQ_OK) return PLQ_OK;
  if (!queued->over) plq__performing_drop(&queued->performing);
  plq_error_free(wrong);
  plq__free(queued);
  return fail_submit(queue, status, out_error);
}

int32_t plq__queue_cancel(struct plq__queue *queue, uint64_t id) {
  pthread_mutex_lock(&queue->lock);
  struct plq__queued *queued = find(queue, id);
  if (queued != NULL && !queued->run.cancelled) {
    queued->run.cancelled = true;
    queued->cancel_next = queue->cancelled;
    queued->cancel_link = &queue->cancelled;
    if (queued->cancel_next != NULL) queued->cancel_next->cancel_link = &queued->cancel_next;
    queue->cancelled = queued;
    announce(queue);
  }
  pthread_mutex_unlock(&queue->lock);
  return queued != NULL ? PLQ_OK : PLQ_E_NOT_FOUND;
}

void plq__queue_wake(struct plq__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->wake_asked = true;
  announce(queue);
  pthread_mutex_unlock(&queue->lock);
}

/* With the lock held. */
static void close_queue(struct plq__queue *queue, bool cancel) {
  queue->closed = true;
  if (cancel) queue->cancel_all = true;
  if (cancel && queue->warming != NULL) {
    queue->warming->cancelled = true;
    plq__carrier_cancel(&queue->carrier, queue->warming->op);
  }
  pthread_cond_broadcast(&queue->room);
  announce(queue);
}

void plq__queue_close(struct plq__queue *queue, bool cancel) {
  pthread_mutex_lock(&queue->lock);
  close_queue(queue, cancel);
  pthread_mutex_unlock(&queue->lock);
}

static void cancel_all(struct plq__queue_link *link) { plq__queue_close((struct plq__queue *)(void *)link, true); }

static int32_t open_fds(struct plq__queue *queue) {
  struct epoll_event event = {.events = EPOLLIN};
  int carrier_fd = plq__carrier_event_fd(&queue->carrier);
  int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  /* Go's poller takes only descriptors that say that they do not block. */
  if (carrier_fd >= 0 && epoll_fd >= 0 && signal_fd >= 0 && timer_fd >= 0 && fcntl(epoll_fd, F_SETFL, O_NONBLOCK) == 0 &&
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, carrier_fd, &event) == 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signal_fd, &event) == 0 &&
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event) == 0) {
    queue->epoll_fd = epoll_fd;
    queue->signal_fd = signal_fd;
    queue->timer_fd = timer_fd;
    return PLQ_OK;
  }
  int32_t status = errno == EMFILE || errno == ENFILE ? PLQ_E_RESOURCE_DESCRIPTORS : PLQ_E_RESOURCE_SYSTEM;
  if (epoll_fd >= 0) close(epoll_fd);
  if (signal_fd >= 0) close(signal_fd);
  if (timer_fd >= 0) close(timer_fd);
  return status;
}

int32_t plq__queue_fd(struct plq__queue *queue, int *out_fd) {
  pthread_mutex_lock(&queue->lock);
  int32_t status = queue->epoll_fd < 0 ? open_fds(queue) : PLQ_OK;
  if (status == PLQ_OK && !queue->inside) {
    /* whoever is inside sees to it on leaving */
    if (has_work(queue)) set_signal(queue);
    arm(queue);
  }
  *out_fd = queue->epoll_fd;
  pthread_mutex_unlock(&queue->lock);
  return status;
}

int32_t plq__queue_warm(struct plq__queue *queue, uint32_t count, int64_t timeout_ms, uint32_t *out_open, plq_error **out_error) {
  struct plq__run run = {.op = 0};
  int32_t status = plq__queue_enter(queue);
  if (status != PLQ_OK) return plq__fail_plain(out_error, status);
  run.emitter = (struct plq__emitter){.observers = plq__lane_observers(&queue->lane), .client = queue->client->id};
  run.op = ++queue->last_op;
  pthread_mutex_lock(&queue->lock);
  bool open = !queue->closed && !queue->freed;
  if (open) queue->warming = &run;
  pthread_mutex_unlock(&queue->lock);
  (void)plq__carrier_event_fd(&queue->carrier); /* by which the transport knows that connections are for what is driven */
  if (!open)
    status = plq__fail_plain(out_error, PLQ_E_CLOSED);
  else if (!plq__carrier_may_warm(&queue->carrier))
    status = plq__fail(out_error, PLQ_E_BUSY, NULL, "the transport %s does one thing at a time, and carries a request now",
                       queue->client->plugin->transport.name);
  else
    status = plq__warm_lane(&queue->lane, &run, count, timeout_ms, out_open, out_error);
  pthread_mutex_lock(&queue->lock);
  queue->warming = NULL;
  pthread_mutex_unlock(&queue->lock);
  plq__observers_unref(run.emitter.observers);
  plq__queue_leave(queue);
  return status;
}

void plq__queue_stats(struct plq__queue *queue, int64_t values[]) {
  uint32_t open, busy;
  pthread_mutex_lock(&queue->lock);
  int64_t held = queue->held, ready = atomic_load_explicit(&queue->ready_count, memory_order_relaxed);
  values[PLQ_QUEUE_STAT_CALLS] = (int64_t)queue->accepted;
  pthread_mutex_unlock(&queue->lock);
  values[PLQ_QUEUE_STAT_IN_FLIGHT] = held > ready ? held - ready : 0;
  values[PLQ_QUEUE_STAT_READY] = ready;
  values[PLQ_QUEUE_STAT_MAX_CALLS] = queue->max_calls;
  bool known = plq__instance_connections(queue->lane.instance, &open, &busy);
  values[PLQ_QUEUE_STAT_CONNECTIONS_OPEN] = known ? (int64_t)open : -1;
  values[PLQ_QUEUE_STAT_CONNECTIONS_BUSY] = known ? (int64_t)busy : -1;
}

plq_client_id plq__queue_client(const struct plq__queue *queue) { return queue->client->id; }

/* ---- life ---- */

static void close_fds(struct plq__queue *queue) {
  if (queue->epoll_fd < 0) return;
  close(queue->epoll_fd);
  close(queue->signal_fd);
  close(queue->timer_fd);
  queue->epoll_fd = -1;
}

static void drop_completed(struct plq__queue *queue, struct plq__completed *completed) {
  plq_response_free(completed->response);
  plq_error_free(completed->error);
  if (completed->more != NULL) queue->drop_more(completed->more);
}

/* Ends every call as cancelled, wherever it is; those who observe are told. */
static void end_calls(struct plq__queue *queue) {
  struct plq__queued *queued;
  queue->ending = true;
  for (size_t i = 0; i < queue->bucket_count; i++)
    for (queued = queue->buckets[i]; queued != NULL; queued = queued->bucket_next) queued->run.cancelled = true;
  while ((queued = take_first(&queue->submitted)) != NULL) begin(queued);
  while (queue->timers.first != NULL) stop(of_timer(queue->timers.first));
  plq__carrier_clear(&queue->carrier);
  plq__instance_end(queue->lane.instance);
  take_over(queue);
}

/* Queues of processes before a fork. They are never freed, but stay in sight, so that a leak checker finds only real leaks. */
static _Atomic(struct plq__queue *) left_behind;

/* In the child: the parent's locks may be held for ever, so they are not taken, and its memory is left as it is. */
static void leave_behind(struct plq__queue *queue) {
  plq__instance_abandon(queue->lane.instance);
  plq__carrier_abandon(&queue->carrier);
  close_fds(queue);
  queue->next_left = atomic_load(&left_behind);
  while (!atomic_compare_exchange_weak(&left_behind, &queue->next_left, queue)) continue;
  plq__client_release(queue->client);
}

static void queue_destroy(void *object) {
  struct plq__queue *queue = object;
  struct plq__client *client = queue->client;
  if (queue->generation != plq__fork_generation()) return; /* left behind when it was freed */
  if (queue->link.link != NULL) plq__live_drop_queue(&queue->link);
  if (queue->lane.instance != NULL) end_calls(queue);
  while (queue->ready.first != NULL) {
    struct plq__completed completed = plq__queue_take(queue);
    drop_completed(queue, &completed);
  }
  plq__live_keep_counts(&queue->lane);
  plq__lane_clear(&queue->lane);
  close_fds(queue);
  plq__free(queue->buckets);
  pthread_cond_destroy(&queue->room);
  pthread_cond_destroy(&queue->begun);
  pthread_mutex_destroy(&queue->lock);
  plq__free(queue);
  plq__client_release(client);
}

int32_t plq__queue_new(struct plq__client *client, struct plq__live *live, void (*drop_more)(void *more), plq_queue_id *out_queue,
                       plq_error **out_error) {
  pthread_condattr_t monotonic;
  struct plq__queue *queue = plq__alloc(sizeof *queue);
  if (queue == NULL || plq__client_acquire(client->id) == NULL) {
    plq__free(queue);
    return plq__fail_plain(out_error, queue == NULL ? PLQ_E_MEMORY : PLQ_E_HANDLE);
  }
  queue->client = client;
  queue->generation = plq__fork_generation();
  queue->drop_more = drop_more;
  queue->max_calls = (uint32_t)plq__options_number(client->options, PLQ__OPT_QUEUE_MAX_CALLS);
  queue->epoll_fd = queue->signal_fd = queue->timer_fd = -1;
  queue->armed_ns = PLQ__NEVER;
  queue->link.lane = &queue->lane;
  queue->link.cancel_all = cancel_all;
  pthread_mutex_init(&queue->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&queue->room, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_cond_init(&queue->begun, NULL);
  int32_t status = plq__lane_init(&queue->lane, live, out_error);
  if (status == PLQ_OK) {
    status = plq__carrier_init(&queue->carrier, queue->lane.instance,
                               (uint32_t)plq__options_number(client->options, PLQ__OPT_QUEUE_THREADS));
    if (status == PLQ_OK && !plq__live_add_queue(&queue->link)) status = PLQ_E_CLOSED;
    if (status == PLQ_OK && (queue->id = plq__handle_new(PLQ__HANDLE_QUEUE, queue, queue_destroy)) == 0) status = PLQ_E_RESOURCE_HANDLES;
    if (status != PLQ_OK) plq__fail_plain(out_error, status);
  }
  if (status == PLQ_OK)
    *out_queue = queue->id;
  else
    queue_destroy(queue);
  return status;
}

struct plq__queue *plq__queue_acquire(plq_queue_id id, int32_t *out_status) {
  struct plq__queue *queue = plq__handle_acquire(id, PLQ__HANDLE_QUEUE);
  *out_status = queue == NULL ? PLQ_E_HANDLE : queue->generation == plq__fork_generation() ? PLQ_OK : PLQ_E_FORKED;
  if (*out_status != PLQ_E_FORKED) return queue;
  plq__handle_release(id);
  return NULL;
}

void plq__queue_release(struct plq__queue *queue) { plq__handle_release(queue->id); }

void plq__queue_free(plq_queue_id id) {
  struct plq__queue *queue = plq__handle_acquire(id, PLQ__HANDLE_QUEUE);
  if (queue == NULL) return;
  if (plq__handle_close(id, PLQ__HANDLE_QUEUE)) {
    if (queue->generation != plq__fork_generation()) {
      leave_behind(queue);
    } else {
      pthread_mutex_lock(&queue->lock);
      queue->freed = true;
      close_queue(queue, true);
      pthread_mutex_unlock(&queue->lock);
    }
    plq__handle_release(id); /* the reference that making it left */
  }
  plq__handle_release(id);
}
