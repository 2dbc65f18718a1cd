/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "addon.h"

void add_function(napi_env env, napi_value exports, const char *name, napi_callback function, void *data) {
  napi_value made = NULL;
  if (check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, function, data, &made)))
    check(env, napi_set_named_property(env, exports, name, made));
}

void *take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out) {
  void *data = NULL;
  napi_get_cb_info(env, info, &count, out, NULL, &data);
  return data;
}

napi_value from_number(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value from_text(napi_env env, const char *text, size_t len) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, len, &value);
  return value;
}

double to_number(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number;
}

bool to_bool(napi_env env, napi_value value) {
  bool truth = false;
  napi_get_value_bool(env, value, &truth);
  return truth;
}

bool to_view(napi_env env, napi_value value, void **out_data, size_t *out_len) {
  napi_typedarray_type type = napi_int8_array;
  bool is_view = false;
  *out_data = NULL;
  *out_len = 0;
  if (napi_is_typedarray(env, value, &is_view) != napi_ok || !is_view) return false;
  return napi_get_typedarray_info(env, value, &type, out_len, out_data, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

char *to_bytes(napi_env env, napi_value value, size_t *out_len) {
  void *data = NULL;
  char *bytes = NULL;
  if (to_view(env, value, &data, out_len)) {
    bytes = malloc(*out_len + 1);
    if (bytes != NULL && *out_len > 0) memcpy(bytes, data, *out_len);
  } else if (napi_get_value_string_utf8(env, value, NULL, 0, out_len) == napi_ok) {
    bytes = malloc(*out_len + 1);
    if (bytes != NULL) napi_get_value_string_utf8(env, value, bytes, *out_len + 1, out_len);
  }
  if (bytes != NULL) bytes[*out_len] = '\0';
  return bytes;
}

void bytes_free(char *bytes, size_t len) {
  plq_memzero(bytes, bytes != NULL ? len : 0);
  free(bytes);
}

napi_value from_error(napi_env env, int32_t status, plq_error *error) {
  size_t len = 0;
  const char *json = plq_error_json(error, &len);
  napi_value value = len > 0 ? from_text(env, json, len) : from_number(env, status);
  plq_error_free(error);
  return value;
}
