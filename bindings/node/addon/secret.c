/* SPDX-License-Identifier: MIT */
/* A secret of the library, owned by a JavaScript object: what JavaScript cannot wipe does not get the bytes unless it asks. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"

enum { MAGIC = 0x53454352 };

struct holder {
  uint32_t magic;
  plq_secret *secret; /* NULL: it was wiped */
};

static void on_collected(napi_env env, void *data, void *hint) {
  struct holder *holder = data;
  (void)env, (void)hint;
  plq_secret_free(holder->secret);
  free(holder);
}

static struct holder *to_holder(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  void *data = NULL;
  take_arguments(env, info, 1, &argument);
  napi_get_value_external(env, argument, &data);
  struct holder *holder = data;
  return holder != NULL && holder->magic == MAGIC ? holder : NULL;
}

static plq_secret *to_secret(napi_env env, napi_callback_info info) {
  struct holder *holder = to_holder(env, info);
  return holder != NULL ? holder->secret : NULL;
}

/* secretClaim(handle): what owns it, or a status */
static napi_value secret_claim(napi_env env, napi_callback_info info) {
  napi_value argument = NULL, external = NULL;
  take_arguments(env, info, 1, &argument);
  struct holder *holder = malloc(sizeof *holder);
  if (holder == NULL) return from_number(env, PLQ_E_MEMORY);
  *holder = (struct holder){.magic = MAGIC};
  int32_t status = plq_secret_claim((plq_secret_id)to_number(env, argument), &holder->secret);
  if (status == PLQ_OK && napi_create_external(env, holder, on_collected, NULL, &external) == napi_ok) return external;
  plq_secret_free(holder->secret);
  free(holder);
  return from_number(env, status == PLQ_OK ? PLQ_E_MEMORY : status);
}

/* The bytes of a Buffer of ours are wiped when it is collected, if its owner did not do it before. */
static void on_buffer_collected(napi_env env, void *data, void *hint) {
  (void)env;
  plq_memzero(data, (size_t)(uintptr_t)hint);
  free(data);
}

/* Where memory that is not V8's may not be shown, a copy does. */
static napi_value to_buffer(napi_env env, char *bytes, size_t len) {
  napi_value buffer = NULL;
  if (napi_create_external_buffer(env, len, bytes, on_buffer_collected, (void *)(uintptr_t)len, &buffer) == napi_ok)
    return buffer;
  if (napi_create_buffer_copy(env, len, bytes, NULL, &buffer) != napi_ok) buffer = from_number(env, PLQ_E_MEMORY);
  bytes_free(bytes, len);
  return buffer;
}

/* secretTake(owner): a Buffer, or a status */
static napi_value secret_take(napi_env env, napi_callback_info info) {
  plq_secret *secret = to_secret(env, info);
  size_t len = 0, room = 0;
  if (secret == NULL) return from_number(env, PLQ_E_SECRET_TAKEN);
  char none[1];
  int32_t status = plq_secret_take(secret, none, 0, &room);
  if (status != PLQ_E_BUFFER_TOO_SMALL) return from_number(env, status);
  char *bytes = malloc(room);
  if (bytes == NULL) return from_number(env, PLQ_E_MEMORY);
  status = plq_secret_take(secret, bytes, room, &len);
  if (status == PLQ_OK) return to_buffer(env, bytes, len);
  bytes_free(bytes, room);
  return from_number(env, status);
}

/* secretText(owner): a string, or a status */
static napi_value secret_text(napi_env env, napi_callback_info info) {
  plq_secret *secret = to_secret(env, info);
  const char *bytes = NULL;
  size_t len = 0;
  int32_t status = secret == NULL ? PLQ_E_SECRET_TAKEN : plq_secret_read(secret, &bytes, &len);
  return status == PLQ_OK ? from_text(env, bytes, len) : from_number(env, status);
}

/* secretBytes(owner): a Buffer with a copy, or a status */
static napi_value secret_bytes(napi_env env, napi_callback_info info) {
  plq_secret *secret = to_secret(env, info);
  const char *bytes = NULL;
  size_t len = 0;
  int32_t status = secret == NULL ? PLQ_E_SECRET_TAKEN : plq_secret_read(secret, &bytes, &len);
  if (status != PLQ_OK) return from_number(env, status);
  char *copy = malloc(len + 1);
  if (copy == NULL) return from_number(env, PLQ_E_MEMORY);
  memcpy(copy, bytes, len);
  return to_buffer(env, copy, len);
}

/* secretLife(owner): ms left */
static napi_value secret_life(napi_env env, napi_callback_info info) {
  return from_number(env, (double)plq_secret_life_ms(to_secret(env, info)));
}

/* secretFree(owner) */
static napi_value secret_free(napi_env env, napi_callback_info info) {
  struct holder *holder = to_holder(env, info);
  if (holder == NULL) return NULL;
  plq_secret_free(holder->secret);
  holder->secret = NULL;
  return NULL;
}

/* lifeNow(): ms on the clock of secrets */
static napi_value life_now(napi_env env, napi_callback_info info) {
  (void)info;
  return from_number(env, (double)plq_life_now_ms());
}

void secret_functions(napi_env env, napi_value exports) {
  add_function(env, exports, "secretClaim", secret_claim, NULL);
  add_function(env, exports, "secretTake", secret_take, NULL);
  add_function(env, exports, "secretText", secret_text, NULL);
  add_function(env, exports, "secretBytes", secret_bytes, NULL);
  add_function(env, exports, "secretLife", secret_life, NULL);
  add_function(env, exports, "secretFree", secret_free, NULL);
  add_function(env, exports, "lifeNow", life_now, NULL);
}
