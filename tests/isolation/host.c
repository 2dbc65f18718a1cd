/* SPDX-License-Identifier: MIT */
/*
 * What a program with an OpenSSL of its own does with libplastiq. HOST_CLIENTS is a JSON list of objects, each the options of a
 * client; for each one line is printed: a JSON object with what became of it. As an addon of Node it runs when it is loaded.
 */
#include "host.h"

#include <dlfcn.h>
#include <json-c/json.h>
#include <plastiq/plastiq.h>
#include <stdio.h>
#include <stdlib.h>

static int32_t make_client(json_object *wanted, plq_client_id *out_client, plq_error **out_error) {
  plq_options *options = NULL;
  int32_t status = plq_options_new(PLQ_NO_AMBIENT, &options, out_error);
  json_object_object_foreach(wanted, key, value) {
    if (status == PLQ_OK) status = plq_options_set(options, key, PLQ_NUL, json_object_get_string(value), PLQ_NUL, out_error);
  }
  if (status == PLQ_OK) status = plq_client_new(options, out_client, out_error);
  plq_options_free(options);
  return status;
}

static void add(json_object *object, const char *key, const char *text) {
  json_object_object_add(object, key, json_object_new_string(text));
}

static void try_client(json_object *wanted) {
  plq_client_id client = 0;
  plq_error *error = NULL;
  plq_response *response = NULL;
  plq_transports *transports = NULL;
  json_object *said = json_object_new_object();
  int32_t status = make_client(wanted, &client, &error);
  if (client != 0 && plq_client_transport(client, &transports, NULL) == PLQ_OK)
    add(said, "stack", plq_transports_text(transports, 0, PLQ_TRANSPORT_STACK, NULL));
  if (status == PLQ_OK) status = plq_client_secrets_create(client, NULL, &response, &error);
  add(said, "status", plq_status_name(status));
  add(said, "message", plq_error_message(error, NULL));
  printf("%s\n", json_object_to_json_string_ext(said, JSON_C_TO_STRING_PLAIN));
  json_object_put(said);
  plq_transports_free(transports);
  plq_response_free(response);
  plq_error_free(error);
  plq_client_close(client, 1000);
}

void host_run(void) {
  const char *before = getenv("HOST_LOADS_BEFORE"), *text = getenv("HOST_CLIENTS");
  json_object *clients = json_tokener_parse(text != NULL ? text : "[]");
  if (before != NULL && dlopen(before, RTLD_NOW | RTLD_LOCAL) == NULL) printf("%s\n", dlerror());
  for (size_t i = 0; i < json_object_array_length(clients); i++) try_client(json_object_array_get_idx(clients, i));
  json_object_put(clients);
  fflush(stdout);
}

/* Node-API: called when the addon is loaded. */
__attribute__((visibility("default"))) void *napi_register_module_v1(void *environment, void *exports);
void *napi_register_module_v1(void *environment, void *exports) {
  (void)environment;
  host_run();
  return exports;
}
