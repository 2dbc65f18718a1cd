/* SPDX-License-Identifier: MIT */
/*
 * The queue in Node's own loop: no thread, and nothing to do while nothing is in flight. libuv's functions are looked up when
 * they are first needed: a host without libuv can load the addon, and is never asked for it. Bun has functions of these names
 * that end the process.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "addon.h"

#if UV_VERSION_MAJOR != 1
#error "the addon is written for libuv 1"
#endif

/* The same for every environment of the process, and never changed once it is there. */
static struct {
  unsigned (*version)(void);
  size_t (*handle_size)(uv_handle_type);
  int (*poll_init)(uv_loop_t *, uv_poll_t *, int);
  int (*poll_start)(uv_poll_t *, int, uv_poll_cb);
  int (*poll_stop)(uv_poll_t *);
  int (*async_init)(uv_loop_t *, uv_async_t *, uv_async_cb);
  int (*async_send)(uv_async_t *);
  void (*close)(uv_handle_t *, uv_close_cb);
  void (*ref)(uv_handle_t *);
  void (*unref)(uv_handle_t *);
} uv;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char missing[128];

static void *find(const char *name) {
  void *found = dlsym(RTLD_DEFAULT, name);
  if (found == NULL && missing[0] == '\0') snprintf(missing, sizeof missing, "this program does not have libuv's %s", name);
  return found;
}

static void find_all(void) {
  *(void **)&uv.version = find("uv_version");
  *(void **)&uv.handle_size = find("uv_handle_size");
  *(void **)&uv.poll_init = find("uv_poll_init");
  *(void **)&uv.poll_start = find("uv_poll_start");
  *(void **)&uv.poll_stop = find("uv_poll_stop");
  *(void **)&uv.async_init = find("uv_async_init");
  *(void **)&uv.async_send = find("uv_async_send");
  *(void **)&uv.close = find("uv_close");
  *(void **)&uv.ref = find("uv_ref");
  *(void **)&uv.unref = find("uv_unref");
  if (missing[0] == '\0' && uv.version() >> 16 != UV_VERSION_MAJOR)
    snprintf(missing, sizeof missing, "this program has libuv %u, and the addon is written for libuv %d", uv.version() >> 16,
             UV_VERSION_MAJOR);
}

const char *uv_missing(void) {
  pthread_once(&once, find_all);
  return missing[0] != '\0' ? missing : NULL;
}

struct waiter {
  uv_poll_t *poll;
  int handles; /* that libuv has not let go of yet */
  /* plq_queue_warm() blocks, so it has a thread for its time; nobody is inside of plq_queue_next_message() meanwhile. */
  uv_async_t *warmed; /* NULL: there is no such thread */
  pthread_t thread;
  uint32_t count, open;
  int64_t timeout_ms;
  int32_t status;
  double tag;
};

/* ---- results ---- */

/* Takes what is there, up to the turn's limit; what is left keeps the descriptor readable. */
static int32_t take(struct link *link) {
  struct state *state = link->state;
  for (;;) {
    size_t len = 0;
    uint64_t tag = 0;
    bool failed = false;
    if (state->count == RESULTS_A_TURN) return PLQ_OK;
    int32_t status =
        plq_queue_next_message(link->queue, 0, state->bytes + state->used, state->room - state->used, &len, &tag, NULL);
    if (status == PLQ_E_BUFFER_TOO_SMALL && state_room(state, len, &failed)) continue;
    if (status != PLQ_OK) return status == PLQ_E_BUFFER_TOO_SMALL ? PLQ_OK : status;
    state_add(state, KIND_RESULT, (double)tag, len, 0);
    link_settled(link);
  }
}

static void on_readable(uv_poll_t *poll, int uv_status, int events) {
  struct link *link = poll->data;
  struct state *state = link->state;
  napi_handle_scope scope = NULL;
  (void)uv_status, (void)events;
  if (napi_open_handle_scope(state->env, &scope) != napi_ok) return;
  link->refs++;
  int32_t status = take(link);
  state_deliver(state);
  if ((status == PLQ_E_CLOSED || status == PLQ_E_HANDLE) && !link->ending) uv_end(link);
  link_unref(link);
  napi_close_handle_scope(state->env, scope);
}

/* ---- life ---- */

void uv_keep_alive(struct link *link, bool alive) {
  if (alive)
    uv.ref((uv_handle_t *)link->waiter->poll);
  else
    uv.unref((uv_handle_t *)link->waiter->poll);
}

static void free_waiter(struct waiter *waiter) {
  if (waiter != NULL) free(waiter->poll);
  free(waiter);
}

int32_t uv_start(struct link *link) {
  uv_loop_t *loop = NULL;
  int fd = -1;
  int32_t status = plq_queue_fd(link->queue, &fd);
  if (status != PLQ_OK) return status;
  if (napi_get_uv_event_loop(link->state->env, &loop) != napi_ok) return PLQ_E_RESOURCE_SYSTEM;
  struct waiter *waiter = calloc(1, sizeof *waiter);
  if (waiter != NULL) waiter->poll = calloc(1, uv.handle_size(UV_POLL));
  if (waiter == NULL || waiter->poll == NULL || uv.poll_init(loop, waiter->poll, fd) != 0) {
    free_waiter(waiter);
    return PLQ_E_RESOURCE_SYSTEM;
  }
  waiter->poll->data = link;
  waiter->handles = 1;
  link->waiter = waiter;
  uv.unref((uv_handle_t *)waiter->poll);
  uv.poll_start(waiter->poll, UV_READABLE, on_readable); /* fails only for a handle that is closing */
  return PLQ_OK;
}

static void on_handle_closed(struct link *link) {
  if (--link->waiter->handles > 0) return;
  free_waiter(link->waiter);
  link->waiter = NULL;
  link_ended(link);
}

static void on_poll_closed(uv_handle_t *handle) {
  on_handle_closed(handle->data);
}

/* ---- warming ---- */

static void *warm(void *data) {
  struct link *link = data;
  struct waiter *waiter = link->waiter;
  waiter->status = plq_queue_warm(link->queue, waiter->count, waiter->timeout_ms, &waiter->open, NULL);
  uv.async_send(waiter->warmed);
  return NULL;
}

static void on_async_closed(uv_handle_t *handle) {
  struct link *link = handle->data;
  free(handle);
  on_handle_closed(link);
}

static void end_warming(struct link *link) {
  struct waiter *waiter = link->waiter;
  pthread_join(waiter->thread, NULL);
  uv.close((uv_handle_t *)waiter->warmed, on_async_closed);
  waiter->warmed = NULL;
}

static void on_warmed(uv_async_t *async) {
  struct link *link = async->data;
  struct state *state = link->state;
  struct waiter *waiter = link->waiter;
  napi_handle_scope scope = NULL;
  if (link->ending || napi_open_handle_scope(state->env, &scope) != napi_ok) return;
  end_warming(link);
  uv.poll_start(waiter->poll, UV_READABLE, on_readable);
  link_settled(link);
  state_add(state, KIND_WARMED, waiter->tag, waiter->open, waiter->status);
  state_deliver(state);
  napi_close_handle_scope(state->env, scope);
}

int32_t uv_warm(struct link *link, uint32_t count, int64_t timeout_ms, double tag) {
  struct waiter *waiter = link->waiter;
  uv_loop_t *loop = NULL;
  if (waiter->warmed != NULL) return PLQ_E_BUSY;
  if (napi_get_uv_event_loop(link->state->env, &loop) != napi_ok) return PLQ_E_RESOURCE_SYSTEM;
  uv_async_t *warmed = calloc(1, uv.handle_size(UV_ASYNC));
  if (warmed == NULL) return PLQ_E_MEMORY;
  if (uv.async_init(loop, warmed, on_warmed) != 0) {
    free(warmed);
    return PLQ_E_RESOURCE_SYSTEM;
  }
  warmed->data = link;
  waiter->handles++;
  waiter->warmed = warmed;
  waiter->count = count;
  waiter->timeout_ms = timeout_ms;
  waiter->tag = tag;
  waiter->open = 0;
  if (pthread_create(&waiter->thread, NULL, warm, link) != 0) {
    uv.close((uv_handle_t *)warmed, on_async_closed);
    waiter->warmed = NULL;
    return PLQ_E_RESOURCE_SYSTEM;
  }
  uv.poll_stop(waiter->poll); /* the other handle keeps the loop alive meanwhile */
  return PLQ_OK;
}

void uv_end(struct link *link) {
  struct waiter *waiter = link->waiter;
  if (link->ending) return;
  link->ending = true;
  if (waiter->warmed != NULL) {
    plq_queue_close(link->queue, 1); /* so that it ends at once */
    end_warming(link);
  }
  uv.ref((uv_handle_t *)waiter->poll);
  uv.close((uv_handle_t *)waiter->poll, on_poll_closed);
}
