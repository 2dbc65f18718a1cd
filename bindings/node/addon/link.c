/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "addon.h"

enum { MAGIC = 0x4c494e4b, TRANSPORT_TEXTS = 10 };

/* ---- life ---- */

void link_unref(struct link *link) {
  if (--link->refs > 0) return;
  state_unref(link->state);
  free(link);
}

static void end_waiting(struct link *link) {
  if (link->state->threads)
    thread_end(link);
  else
    uv_end(link);
}

static void keep_alive(struct link *link) {
  bool alive = link->pending > 0 || link->close_asked;
  if (link->waiter == NULL || link->ending) return;
  if (link->state->threads)
    thread_keep_alive(link, alive);
  else
    uv_keep_alive(link, alive);
}

void link_settled(struct link *link) {
  if (--link->pending == 0) keep_alive(link);
}

void link_ended(struct link *link) {
  struct state *state = link->state;
  napi_handle_scope scope = NULL;
  plq_queue_free(link->queue);
  plq_client_free(link->client);
  *link->before = link->next;
  if (link->next != NULL) link->next->before = link->before;
  if (link->close_asked && !state->stopping && napi_open_handle_scope(state->env, &scope) == napi_ok) {
    state_add(state, KIND_CLOSED, link->close_tag, 0, 0);
    state_deliver(state);
    napi_close_handle_scope(state->env, scope);
  }
  if (state->links == NULL && state->hook != NULL) {
    napi_remove_async_cleanup_hook(state->hook);
    state->hook = NULL;
  }
  link_unref(link);
}

/* The JavaScript client was collected without close(): its calls were all over, or else it would not have been. */
static void on_collected(napi_env env, void *data, void *hint) {
  struct link *link = data;
  (void)env, (void)hint;
  if (!link->ending && !link->state->stopping) end_waiting(link);
  link_unref(link);
}

static struct link *to_link(napi_env env, napi_value value) {
  void *data = NULL;
  napi_get_value_external(env, value, &data);
  struct link *link = data;
  return link != NULL && link->magic == MAGIC ? link : NULL;
}

/* ---- open ---- */

static int32_t set_option(napi_env env, plq_options *options, napi_value key, napi_value value, plq_error **error) {
  size_t key_len = 0, value_len = 0;
  char *name = to_bytes(env, key, &key_len), *text = to_bytes(env, value, &value_len);
  int32_t status = name != NULL && text != NULL ? plq_options_set(options, name, key_len, text, value_len, error) : PLQ_E_MEMORY;
  bytes_free(text, value_len);
  bytes_free(name, key_len);
  return status;
}

/* keys and values: arrays of the same length */
static int32_t set_options(napi_env env, plq_options *options, napi_value keys, napi_value values, plq_error **error) {
  uint32_t count = 0;
  int32_t status = PLQ_OK;
  napi_get_array_length(env, keys, &count);
  for (uint32_t i = 0; i < count && status == PLQ_OK; i++) {
    napi_value key = NULL, value = NULL;
    napi_get_element(env, keys, i, &key);
    napi_get_element(env, values, i, &value);
    status = set_option(env, options, key, value, error);
  }
  return status;
}

static int32_t make_client(napi_env env, struct link *link, const napi_value *arguments, plq_error **error) {
  plq_options *options = NULL;
  int32_t status = plq_options_new(to_bool(env, arguments[2]) ? 0 : PLQ_NO_AMBIENT, &options, error);
  if (status == PLQ_OK) status = set_options(env, options, arguments[0], arguments[1], error);
  if (status == PLQ_OK) status = plq_client_new(options, &link->client, error);
  if (status == PLQ_OK) status = plq_queue_new(link->client, &link->queue, error);
  plq_options_free(options);
  return status;
}

/* open(keys, values, ambient): what stands for the client, or a failure */
static napi_value link_open(napi_env env, napi_callback_info info) {
  napi_value arguments[3], external = NULL;
  plq_error *error = NULL;
  struct state *state = NULL;
  struct link *link = calloc(1, sizeof *link);
  take_arguments(env, info, 3, arguments);
  napi_get_instance_data(env, (void **)&state);
  if (link == NULL) return from_number(env, PLQ_E_MEMORY);
  int32_t status = state->stopping ? PLQ_E_CLOSED : make_client(env, link, arguments, &error);
  if (status == PLQ_OK) {
    link->magic = MAGIC;
    link->state = state;
    link->refs = 1;
    state->refs++;
    status = state->threads ? thread_start(link) : uv_start(link);
  }
  if (status == PLQ_OK) {
    link->before = &state->links;
    link->next = state->links;
    if (link->next != NULL) link->next->before = &link->next;
    state->links = link;
    link->refs++; /* the one is the waiter's, the other JavaScript's */
    if (napi_create_external(env, link, on_collected, NULL, &external) == napi_ok) return external;
    link_unref(link);
    end_waiting(link);
    return from_number(env, PLQ_E_MEMORY);
  }
  plq_queue_free(link->queue);
  plq_client_free(link->client);
  if (link->state != NULL)
    link_unref(link); /* a threadsafe function that ends may have a reference of its own still */
  else
    free(link);
  return from_error(env, status, error);
}

/* ---- calls ---- */

/* submit(link, message, tag): the call's id, or a status below 0 */
static napi_value link_submit(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  uint64_t id = 0;
  void *message = NULL;
  size_t len = 0;
  take_arguments(env, info, 3, arguments);
  struct link *link = to_link(env, arguments[0]);
  if (link == NULL || !to_view(env, arguments[1], &message, &len)) return from_number(env, -PLQ_E_ARGUMENT);
  if (link->ending) return from_number(env, -PLQ_E_CLOSED);
  int32_t status = plq_queue_submit_message(link->queue, message, len, (uint64_t)to_number(env, arguments[2]), 0, &id, NULL);
  if (status != PLQ_OK) return from_number(env, -status);
  if (link->pending++ == 0) keep_alive(link);
  return from_number(env, (double)id);
}

/* cancel(link, id) */
static napi_value link_cancel(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  take_arguments(env, info, 2, arguments);
  struct link *link = to_link(env, arguments[0]);
  int32_t status = link == NULL ? PLQ_E_ARGUMENT : plq_queue_cancel(link->queue, (uint64_t)to_number(env, arguments[1]));
  return from_number(env, status);
}

/* call(link or null, message): a reply, or a status. Blocks. */
static napi_value link_call(napi_env env, napi_callback_info info) {
  napi_value arguments[2], reply = NULL;
  uint8_t *bytes = NULL;
  void *message = NULL;
  size_t len = 0, reply_len = 0;
  take_arguments(env, info, 2, arguments);
  struct link *link = to_link(env, arguments[0]);
  if (!to_view(env, arguments[1], &message, &len)) return from_number(env, PLQ_E_ARGUMENT);
  int32_t status = plq_call_message(link != NULL ? link->client : 0, message, len, &bytes, &reply_len);
  if (status == PLQ_OK && napi_create_buffer_copy(env, reply_len, bytes, NULL, &reply) != napi_ok) status = PLQ_E_MEMORY;
  plq_message_free(bytes, reply_len);
  return status == PLQ_OK ? reply : from_number(env, status);
}

/* warm(link, count, timeoutMs, tag): a status; the outcome comes to dispatch */
static napi_value link_warm(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  take_arguments(env, info, 4, arguments);
  struct link *link = to_link(env, arguments[0]);
  if (link == NULL) return from_number(env, PLQ_E_ARGUMENT);
  if (link->ending) return from_number(env, PLQ_E_CLOSED);
  uint32_t count = (uint32_t)to_number(env, arguments[1]);
  int64_t timeout_ms = (int64_t)to_number(env, arguments[2]);
  double tag = to_number(env, arguments[3]);
  int32_t status = link->state->threads ? thread_warm(link, count, timeout_ms, tag) : uv_warm(link, count, timeout_ms, tag);
  if (status == PLQ_OK && link->pending++ == 0) keep_alive(link);
  return from_number(env, status);
}

/* setTokens(link, token or null, second or null): undefined, or a failure */
static napi_value link_set_tokens(napi_env env, napi_callback_info info) {
  napi_value arguments[3], nothing = NULL;
  plq_error *error = NULL;
  size_t token_len = 0, second_len = 0;
  take_arguments(env, info, 3, arguments);
  struct link *link = to_link(env, arguments[0]);
  if (link == NULL) return from_number(env, PLQ_E_ARGUMENT);
  char *token = to_bytes(env, arguments[1], &token_len), *second = to_bytes(env, arguments[2], &second_len);
  int32_t status = plq_client_set_tokens(link->client, token, token_len, second, second_len, &error);
  bytes_free(token, token_len);
  bytes_free(second, second_len);
  napi_get_undefined(env, &nothing);
  return status == PLQ_OK ? nothing : from_error(env, status, error);
}

/* ---- the end ---- */

/* close(link, cancel, tag): a status. Results of what is in flight come to dispatch, and then that it has closed. */
static napi_value link_close(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  take_arguments(env, info, 3, arguments);
  struct link *link = to_link(env, arguments[0]);
  if (link == NULL) return from_number(env, PLQ_E_ARGUMENT);
  if (link->ending) return from_number(env, PLQ_E_CLOSED);
  int32_t status = plq_queue_close(link->queue, to_bool(env, arguments[1]));
  link->close_tag = to_number(env, arguments[2]);
  link->close_asked = true;
  keep_alive(link);
  return from_number(env, status);
}

/* end(link): now, without the results of what is in flight */
static napi_value link_end(napi_env env, napi_callback_info info) {
  napi_value argument;
  take_arguments(env, info, 1, &argument);
  struct link *link = to_link(env, argument);
  if (link != NULL && !link->ending) end_waiting(link);
  return NULL;
}

/* ---- what it says of itself ---- */

static napi_value from_numbers(napi_env env, const int64_t *numbers, uint32_t count) {
  napi_value list = NULL;
  napi_create_array(env, &list);
  for (uint32_t i = 0; i < count; i++) napi_set_element(env, list, i, from_number(env, (double)numbers[i]));
  return list;
}

/* stats(link): [numbers of the client, numbers of the queue], or a status */
static napi_value link_stats(napi_env env, napi_callback_info info) {
  int64_t client[PLQ_STATS], queue[PLQ_QUEUE_STATS];
  napi_value argument, list = NULL;
  take_arguments(env, info, 1, &argument);
  struct link *link = to_link(env, argument);
  int32_t status = link == NULL ? PLQ_E_ARGUMENT : plq_client_stats(link->client, client, PLQ_STATS);
  if (status == PLQ_OK) status = plq_queue_stats(link->queue, queue, PLQ_QUEUE_STATS);
  if (status != PLQ_OK) return from_number(env, status);
  napi_create_array(env, &list);
  napi_set_element(env, list, 0, from_numbers(env, client, PLQ_STATS));
  napi_set_element(env, list, 1, from_numbers(env, queue, PLQ_QUEUE_STATS));
  return list;
}

/* transport(link): its texts, PLQ_TRANSPORT_NAME first, or a failure */
static napi_value link_transport(napi_env env, napi_callback_info info) {
  plq_transports *transports = NULL;
  plq_error *error = NULL;
  napi_value argument, list = NULL;
  take_arguments(env, info, 1, &argument);
  struct link *link = to_link(env, argument);
  int32_t status = link == NULL ? PLQ_E_ARGUMENT : plq_client_transport(link->client, &transports, &error);
  if (status != PLQ_OK) return from_error(env, status, error);
  napi_create_array(env, &list);
  for (int32_t which = PLQ_TRANSPORT_NAME; which <= TRANSPORT_TEXTS; which++) {
    size_t len = 0;
    const char *text = plq_transports_text(transports, 0, which, &len);
    napi_set_element(env, list, (uint32_t)(which - PLQ_TRANSPORT_NAME), from_text(env, text, len));
  }
  plq_transports_free(transports);
  return list;
}

void link_functions(napi_env env, napi_value exports) {
  add_function(env, exports, "open", link_open, NULL);
  add_function(env, exports, "submit", link_submit, NULL);
  add_function(env, exports, "cancel", link_cancel, NULL);
  add_function(env, exports, "call", link_call, NULL);
  add_function(env, exports, "warm", link_warm, NULL);
  add_function(env, exports, "setTokens", link_set_tokens, NULL);
  add_function(env, exports, "close", link_close, NULL);
  add_function(env, exports, "end", link_end, NULL);
  add_function(env, exports, "stats", link_stats, NULL);
  add_function(env, exports, "transport", link_transport, NULL);
}
