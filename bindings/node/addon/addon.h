/* SPDX-License-Identifier: MIT */
/*
 * What the files of the addon share. It is thin: messages, options and handles pass through it, and JavaScript makes sense of
 * them.
 *
 * A link is a client with its queue. In Node, libuv watches the queue's descriptor (link_uv.c). Where there is no libuv, as in
 * Bun and Deno, a thread waits in the queue and hands results over by a threadsafe function (link_thread.c).
 *
 * Nothing is global: a process may have many environments (worker threads), each with a state of its own.
 */
#ifndef PLASTIQ_NODE_ADDON_H
#define PLASTIQ_NODE_ADDON_H

#include <node_api.h>
#include <plastiq/plastiq.h>
#include <pthread.h>
#include <stdbool.h>

/* Results that are handed to JavaScript in one turn of the loop: more would keep others waiting. */
enum { RESULTS_A_TURN = 256 };

/* What one entry of `entries` says, as numbers: JavaScript reads them from the same memory. */
enum { ENTRY_KIND, ENTRY_TAG, ENTRY_OFFSET, ENTRY_LENGTH, ENTRY_NUMBER, ENTRY_SIZE };
/* result: a reply. closed: a link has ended. warmed: a status in NUMBER, how many connections are open in LENGTH, and no bytes.
 */
enum { KIND_RESULT, KIND_CLOSED, KIND_WARMED };

struct link;

/* One environment. Freed when it has ended and the last link too. */
struct state {
  napi_env env;
  int refs;
  bool threads;  /* threads instead of libuv */
  bool stopping; /* the environment ends: JavaScript is not called any more */
  napi_async_cleanup_hook_handle hook;
  napi_async_context context;
  napi_ref resource, dispatch, bytes_ref, entries_ref;
  unsigned char *bytes; /* replies of a turn, one after the other */
  size_t room, used;
  double *entries;
  int count;
  struct link *links;
};

/* A client and its queue. One reference is JavaScript's, one that of whatever waits for the queue. */
struct link {
  uint32_t magic;
  int refs;
  struct state *state;
  struct link *next, **before;
  plq_client_id client;
  plq_queue_id queue;
  uint32_t pending; /* calls without a result yet, and a warming: while there are some, the loop is kept alive */
  bool ending, close_asked;
  double close_tag;
  struct waiter *waiter;
};

/* ---- addon.c ---- */
void state_unref(struct state *state);
/* Room for one more result of `len` bytes. false: hand over first; *out_failed: there is no memory. */
bool state_room(struct state *state, size_t len, bool *out_failed);
void state_add(struct state *state, int kind, double tag, size_t len, double number);
/* Gives JavaScript what was added. In a callback scope, so that promises and async_hooks do what they should. */
void state_deliver(struct state *state);
bool check(napi_env env, napi_status status);

/* ---- link.c ---- */
void link_functions(napi_env env, napi_value exports);
void link_unref(struct link *link);
/* One of `pending` has its result. */
void link_settled(struct link *link);
/* After the waiter has gone: frees the queue and the client, and tells JavaScript if it asked. */
void link_ended(struct link *link);

/* ---- link_uv.c, link_thread.c: who waits for the queue ---- */
int32_t uv_start(struct link *link);
void uv_keep_alive(struct link *link, bool alive);
/* Stops waiting; link_ended() follows, later. */
void uv_end(struct link *link);
int32_t uv_warm(struct link *link, uint32_t count, int64_t timeout_ms, double tag);
const char *uv_missing(void);

int32_t thread_start(struct link *link);
void thread_keep_alive(struct link *link, bool alive);
void thread_end(struct link *link);
int32_t thread_warm(struct link *link, uint32_t count, int64_t timeout_ms, double tag);
/* At the end of the environment: as thread_end(), and waits for the thread. */
void thread_stop(struct link *link);

/* ---- secret.c ---- */
void secret_functions(napi_env env, napi_value exports);

/* ---- values.c: between JavaScript and C ---- */
void add_function(napi_env env, napi_value exports, const char *name, napi_callback function, void *data);
/* Reads the arguments; those that are missing are undefined. Returns what add_function() was given as data. */
void *take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out);
napi_value from_number(napi_env env, double number);
napi_value from_text(napi_env env, const char *text, size_t len);
double to_number(napi_env env, napi_value value);
bool to_bool(napi_env env, napi_value value);
/* The bytes of a text or a Uint8Array, NUL-terminated; NULL for anything else. Wiped and freed by bytes_free(). */
char *to_bytes(napi_env env, napi_value value, size_t *out_len);
void bytes_free(char *bytes, size_t len);
/* The memory of a Uint8Array; false: it is none. */
bool to_view(napi_env env, napi_value value, void **out_data, size_t *out_len);
/* A failure for JavaScript: the error's JSON, or the status as a number if there is none. Frees the error. */
napi_value from_error(napi_env env, int32_t status, plq_error *error);

#endif
