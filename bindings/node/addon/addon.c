/* SPDX-License-Identifier: MIT */
#include "addon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 * 1024 };

/* A call of Node-API that fails leaves an exception behind or throws one here; what the environment refuses because it ends is
 * neither. */
bool check(napi_env env, napi_status status) {
  const napi_extended_error_info *info = NULL;
  bool pending = false;
  if (status == napi_ok) return true;
  napi_get_last_error_info(env, &info);
  napi_is_exception_pending(env, &pending);
  if (!pending)
    napi_throw_error(env, NULL, info != NULL && info->error_message != NULL ? info->error_message : "Node-API failed");
  return false;
}

/* ---- what is handed to JavaScript ---- */

void state_unref(struct state *state) {
  if (--state->refs == 0) free(state);
}

/* The memory is JavaScript's, so that it reads replies where they were written. */
static bool make_room(struct state *state, size_t room) {
  napi_env env = state->env;
  napi_value buffer = NULL, view = NULL;
  napi_ref ref = NULL;
  void *data = NULL;
  if (napi_create_arraybuffer(env, room, &data, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, room, buffer, 0, &view) != napi_ok ||
      napi_create_reference(env, view, 1, &ref) != napi_ok)
    return false;
  if (state->bytes_ref != NULL) napi_delete_reference(env, state->bytes_ref);
  state->bytes_ref = ref;
  state->bytes = data;
  state->room = room;
  return true;
}

bool state_room(struct state *state, size_t len, bool *out_failed) {
  *out_failed = false;
  if (state->count < RESULTS_A_TURN && state->room - state->used >= len) return true;
  if (state->count > 0) return false;
  *out_failed = len > state->room && !make_room(state, len + len / 2);
  return !*out_failed;
}

void state_add(struct state *state, int kind, double tag, size_t len, double number) {
  double *entry = state->entries + (size_t)ENTRY_SIZE * (size_t)state->count++;
  entry[ENTRY_KIND] = kind;
  entry[ENTRY_TAG] = tag;
  entry[ENTRY_OFFSET] = (double)state->used;
  entry[ENTRY_LENGTH] = (double)len;
  entry[ENTRY_NUMBER] = number;
  if (kind == KIND_RESULT) state->used += len;
}

void state_deliver(struct state *state) {
  napi_env env = state->env;
  napi_value resource = NULL, dispatch = NULL, arguments[2] = {NULL, NULL}, thrown = NULL,
             unused = NULL; /* Deno does not take NULL for what is returned */
  int count = state->count;
  bool pending = false;
  state->count = 0;
  state->used = 0;
  if (count == 0 || state->stopping) return;
  if (napi_get_reference_value(env, state->dispatch, &dispatch) != napi_ok ||
      napi_get_reference_value(env, state->resource, &resource) != napi_ok ||
      napi_get_reference_value(env, state->bytes_ref, &arguments[1]) != napi_ok ||
      napi_create_int32(env, count, &arguments[0]) != napi_ok)
    return;
  if (napi_make_callback(env, state->context, resource, dispatch, 2, arguments, &unused) == napi_ok) return;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending ||
      napi_get_and_clear_last_exception(env, &thrown) != napi_ok)
    return;
  napi_fatal_exception(env, thrown);
}

/* ---- the end of an environment ---- */

static void on_environment_freed(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  state_unref(data);
}

static void end_all(struct state *state) {
  state->stopping = true;
  for (struct link *link = state->links, *next; link != NULL; link = next) {
    next = link->next;
    if (state->threads)
      thread_stop(link);
    else
      uv_end(link);
  }
}

/* Without this the end of a worker would abort the process: libuv wants its handles closed, and that takes a turn of the loop. */
static void on_environment_ends(napi_async_cleanup_hook_handle handle, void *data) {
  struct state *state = data;
  state->hook = handle;
  end_all(state);
  if (state->links != NULL) return; /* link_ended() does it */
  state->hook = NULL;
  napi_remove_async_cleanup_hook(handle);
}

static void on_environment_ends_with_threads(void *data) {
  end_all(data);
}

/* ---- start ---- */

/* start(dispatch, entries, threads): undefined, or why it cannot be. Once per environment. */
static napi_value start(napi_env env, napi_callback_info info) {
  napi_value arguments[3], name = NULL, resource = NULL, nothing = NULL;
  struct state *state = take_arguments(env, info, 3, arguments);
  napi_typedarray_type type;
  size_t count = 0;
  void *entries = NULL;
  napi_get_undefined(env, &nothing);
  state->threads = to_bool(env, arguments[2]);
  const char *missing = state->threads ? NULL : uv_missing();
  if (missing != NULL) return from_text(env, missing, NAPI_AUTO_LENGTH);
  if (!check(env, napi_get_typedarray_info(env, arguments[1], &type, &count, &entries, NULL, NULL))) return NULL;
  if (type != napi_float64_array || count < (size_t)RESULTS_A_TURN * ENTRY_SIZE)
    return from_text(env, "entries is too short", NAPI_AUTO_LENGTH);
  state->entries = entries;
  if (!check(env, napi_create_string_utf8(env, "plastiq", NAPI_AUTO_LENGTH, &name)) ||
      !check(env, napi_create_object(env, &resource)) || !check(env, napi_create_reference(env, resource, 1, &state->resource)) ||
      !check(env, napi_create_reference(env, arguments[0], 1, &state->dispatch)) ||
      !check(env, napi_create_reference(env, arguments[1], 1, &state->entries_ref)) ||
      !check(env, napi_async_init(env, resource, name, &state->context)) || !make_room(state, FIRST_ROOM))
    return NULL;
  if (state->threads)
    check(env, napi_add_env_cleanup_hook(env, on_environment_ends_with_threads, state));
  else
    check(env, napi_add_async_cleanup_hook(env, on_environment_ends, state, NULL));
  return nothing;
}

/* status(number): [name, kind, phase, text] */
static napi_value status_facts(napi_env env, napi_callback_info info) {
  napi_value argument, list = NULL;
  take_arguments(env, info, 1, &argument);
  int32_t status = (int32_t)to_number(env, argument);
  const char *texts[] = {plq_status_name(status), plq_kind_name(plq_status_kind(status)),
                         plq_phase_name(plq_status_phase(status)), plq_status_text(status)};
  napi_create_array(env, &list);
  for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++)
    napi_set_element(env, list, i, from_text(env, texts[i], NAPI_AUTO_LENGTH));
  return list;
}

static void set_text(napi_env env, napi_value object, const char *key, const char *text) {
  napi_set_named_property(env, object, key, from_text(env, text, NAPI_AUTO_LENGTH));
}

static void set_abi(napi_env env, napi_value object, const char *key, uint32_t major, uint32_t minor) {
  char text[32];
  snprintf(text, sizeof text, "%u.%u", major, minor);
  set_text(env, object, key, text);
}

/* What there is, and what this addon was built for. */
static void add_versions(napi_env env, napi_value exports) {
  napi_value versions = NULL, serves = NULL;
  uint32_t abi = plq_abi_version();
  napi_create_object(env, &versions);
  set_text(env, versions, "library", plq_version());
  set_text(env, versions, "builtFor", PLQ_VERSION_TEXT);
  set_abi(env, versions, "abi", abi >> 16, abi & 0xffff);
  set_abi(env, versions, "needsAbi", PLQ_ABI_MAJOR, PLQ_ABI_MINOR);
  napi_get_boolean(env, plq_abi_require(PLQ_ABI_MAJOR, PLQ_ABI_MINOR) == PLQ_OK, &serves);
  napi_set_named_property(env, versions, "serves", serves);
  napi_set_named_property(env, versions, "features", from_number(env, (double)plq_features()));
  napi_set_named_property(env, exports, "versions", versions);
}

NAPI_MODULE_INIT() {
  struct state *state = calloc(1, sizeof *state);
  add_versions(env, exports);
  if (state == NULL || !check(env, napi_set_instance_data(env, state, on_environment_freed, NULL))) return exports;
  state->env = env;
  state->refs = 1;
  add_function(env, exports, "start", start, state);
  add_function(env, exports, "status", status_facts, NULL);
  link_functions(env, exports);
  secret_functions(env, exports);
  return exports;
}
