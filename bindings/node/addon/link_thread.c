/* SPDX-License-Identifier: MIT */
/* The queue in a thread of its own, for hosts without libuv. It hands results over by a threadsafe function. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addon.h"

enum { FIRST_ROOM = 16 * 1024 };

/* What the thread found, on its way to JavaScript. */
struct found {
  struct found *next;
  int kind;
  double tag, number;
  size_t len;
  unsigned char bytes[];
};

struct waiter {
  struct link *link;
  pthread_t thread;
  napi_threadsafe_function function;
  bool joined;
  /* Between the two threads: */
  pthread_mutex_t lock;
  struct found *first, **last;
  bool told;    /* a call of the function is on its way */
  bool warming; /* until JavaScript has been told the outcome */
  bool warm_asked, ended;
  uint32_t count;
  int64_t timeout_ms;
  double tag;
};

/* ---- the thread ---- */

/* Has JavaScript's thread take what is there. */
static void tell(struct waiter *waiter) {
  pthread_mutex_lock(&waiter->lock);
  bool told = waiter->told;
  waiter->told = true;
  pthread_mutex_unlock(&waiter->lock);
  if (!told) napi_call_threadsafe_function(waiter->function, NULL, napi_tsfn_nonblocking);
}

static bool hand_over(struct waiter *waiter, int kind, double tag, const unsigned char *bytes, size_t len, double number) {
  bool copies = kind == KIND_RESULT;
  struct found *found = malloc(sizeof *found + (copies ? len : 0));
  if (found == NULL) return false;
  *found = (struct found){.kind = kind, .tag = tag, .number = number, .len = len};
  if (copies) memcpy(found->bytes, bytes, len);
  pthread_mutex_lock(&waiter->lock);
  *waiter->last = found;
  waiter->last = &found->next;
  pthread_mutex_unlock(&waiter->lock);
  tell(waiter);
  return true;
}

/* Somebody woke the thread, or the queue has ended: there is a warming to be done, or more to be taken. */
static void look_around(struct waiter *waiter) {
  uint32_t open = 0;
  pthread_mutex_lock(&waiter->lock);
  bool asked = waiter->warm_asked, more = waiter->first != NULL;
  waiter->warm_asked = false;
  pthread_mutex_unlock(&waiter->lock);
  if (more) tell(waiter);
  if (!asked) return;
  int32_t status = plq_queue_warm(waiter->link->queue, waiter->count, waiter->timeout_ms, &open, NULL);
  if (status == PLQ_E_HANDLE) status = PLQ_E_CLOSED; /* freed meanwhile */
  while (!hand_over(waiter, KIND_WARMED, waiter->tag, NULL, open, status))
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void *run(void *data) {
  struct waiter *waiter = data;
  unsigned char *buffer = malloc(FIRST_ROOM);
  size_t room = buffer != NULL ? FIRST_ROOM : 0, len = 0;
  for (;;) {
    uint64_t tag = 0;
    int32_t status = plq_queue_next_message(waiter->link->queue, -1, buffer, room, &len, &tag, NULL);
    if (status == PLQ_E_CLOSED || status == PLQ_E_HANDLE) break;
    if (status == PLQ_E_QUEUE_EMPTY) {
      look_around(waiter);
    } else if (status == PLQ_E_BUFFER_TOO_SMALL) {
      unsigned char *larger = realloc(buffer, 2 * len);
      if (larger != NULL) buffer = larger, room = 2 * len;
    } else if (status == PLQ_OK) {
      while (!hand_over(waiter, KIND_RESULT, (double)tag, buffer, len, 0))
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    } else { /* something is short; what is in flight ends at its deadline */
      nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
  }
  free(buffer);
  look_around(waiter);
  pthread_mutex_lock(&waiter->lock);
  waiter->ended = true;
  pthread_mutex_unlock(&waiter->lock);
  tell(waiter);
  return NULL;
}

/* ---- JavaScript's thread ---- */

static void join(struct waiter *waiter) {
  if (!waiter->joined) pthread_join(waiter->thread, NULL);
  waiter->joined = true;
}

static void free_all(struct waiter *waiter) {
  for (struct found *found = waiter->first, *next; found != NULL; found = next) {
    next = found->next;
    free(found);
  }
  pthread_mutex_destroy(&waiter->lock);
  free(waiter);
}

/* Takes from the list what fits into a turn. true: there is more. */
static bool take(struct waiter *waiter, bool *out_ended) {
  struct link *link = waiter->link;
  struct state *state = link->state;
  bool failed = false, fits = true;
  pthread_mutex_lock(&waiter->lock);
  while (fits && waiter->first != NULL) {
    struct found *found = waiter->first;
    size_t len = found->kind == KIND_RESULT ? found->len : 0;
    fits = state_room(state, len, &failed);
    if (!fits) break;
    if (len > 0) memcpy(state->bytes + state->used, found->bytes, len);
    state_add(state, found->kind, found->tag, found->len, found->number);
    if (found->kind == KIND_WARMED) waiter->warming = false;
    waiter->first = found->next;
    if (waiter->first == NULL) waiter->last = &waiter->first;
    free(found);
    link_settled(link);
  }
  waiter->told = false;
  *out_ended = waiter->ended && waiter->first == NULL;
  pthread_mutex_unlock(&waiter->lock);
  return !fits;
}

static void finish(struct link *link) {
  struct waiter *waiter = link->waiter;
  link->ending = true;
  join(waiter);
  link->waiter = NULL;
  napi_release_threadsafe_function(waiter->function, napi_tsfn_abort);
  free_all(waiter);
  link_ended(link);
}

static void on_told(napi_env env, napi_value function, void *context, void *data) {
  struct link *link = context;
  bool ended = false;
  (void)function, (void)data;
  if (env == NULL || link->waiter == NULL || link->state->stopping) return;
  link->refs++;
  bool more = take(link->waiter, &ended);
  state_deliver(link->state);
  /* By way of the thread: called from here, the host would come back at once, and not let its loop turn. */
  if (link->waiter != NULL && more && plq_queue_wake(link->queue) != PLQ_OK) tell(link->waiter);
  if (link->waiter != NULL && ended) finish(link);
  link_unref(link);
}

static void on_finalized(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  link_unref(data);
}

int32_t thread_start(struct link *link) {
  napi_env env = link->state->env;
  napi_value name = NULL;
  struct waiter *waiter = calloc(1, sizeof *waiter);
  if (waiter == NULL) return PLQ_E_MEMORY;
  waiter->link = link;
  waiter->last = &waiter->first;
  pthread_mutex_init(&waiter->lock, NULL);
  napi_create_string_utf8(env, "plastiq", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, link, on_finalized, link, on_told, &waiter->function) !=
      napi_ok) {
    free_all(waiter);
    return PLQ_E_RESOURCE_SYSTEM;
  }
  link->refs++; /* the function's */
  napi_unref_threadsafe_function(env, waiter->function);
  link->waiter = waiter;
  if (pthread_create(&waiter->thread, NULL, run, waiter) == 0) return PLQ_OK;
  link->waiter = NULL;
  napi_release_threadsafe_function(waiter->function, napi_tsfn_abort);
  free_all(waiter);
  return PLQ_E_RESOURCE_SYSTEM;
}

void thread_keep_alive(struct link *link, bool alive) {
  if (alive)
    napi_ref_threadsafe_function(link->state->env, link->waiter->function);
  else
    napi_unref_threadsafe_function(link->state->env, link->waiter->function);
}

int32_t thread_warm(struct link *link, uint32_t count, int64_t timeout_ms, double tag) {
  struct waiter *waiter = link->waiter;
  pthread_mutex_lock(&waiter->lock);
  bool busy = waiter->warming;
  if (!busy) {
    waiter->warming = waiter->warm_asked = true;
    waiter->count = count;
    waiter->timeout_ms = timeout_ms;
    waiter->tag = tag;
  }
  pthread_mutex_unlock(&waiter->lock);
  return busy ? PLQ_E_BUSY : plq_queue_wake(link->queue);
}

/* The thread finds the queue gone, and says that it has ended. */
void thread_end(struct link *link) {
  if (link->ending) return;
  link->ending = true;
  napi_ref_threadsafe_function(link->state->env, link->waiter->function);
  plq_queue_close(link->queue, 1);
  plq_queue_free(link->queue);
}

void thread_stop(struct link *link) {
  if (link->waiter == NULL) return;
  plq_queue_close(link->queue, 1);
  plq_queue_free(link->queue);
  finish(link);
}
