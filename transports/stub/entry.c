/* SPDX-License-Identifier: MIT */
/* What the transport says of itself. */
#include "stub.h"

#include <msgpack.h>
#include <plastiq/version.h>

#include <stdio.h>
#include <string.h>

#define CAPABILITIES                                                                                                  \
  (PLQ_CAP_BLOCKING | PLQ_CAP_ASYNC | PLQ_CAP_CONCURRENT | PLQ_CAP_PREWARM | PLQ_CAP_KEEPALIVE | PLQ_CAP_SEND_STATE | \
   PLQ_CAP_TLS_FACTS | PLQ_CAP_FORK_ABANDON | PLQ_CAP_WIPES)

PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_TEST, CAPABILITIES);

#define NO_EFFECT "Accepted, so that a test can swap transports by one option; has no effect here."
#define DAY_MS 86400000

static const plq_transport_option options[] = {
    {.type = PLQ_OPTION_TEXT,
     .key = "script",
     .doc = "JSON list of what to answer, one entry for each attempt; after it the engine answers."},
    {.type = PLQ_OPTION_PATH, .key = "script_file", .doc = "File with a script."},
    {.type = PLQ_OPTION_LIST, .key = "api_keys", .default_text = ENGINE_DEFAULT_KEY, .doc = "API keys that the engine accepts."},
    {.type = PLQ_OPTION_LIST, .key = "forbidden_keys", .doc = "API keys that the engine answers with 403."},
    {.type = PLQ_OPTION_CHOICE,
     .key = "error_shape",
     .default_text = "old",
     .choices = "old,new",
     .doc = "Shape of the engine's error objects: with a list errors, or with statusCode and a list details."},
    {.type = PLQ_OPTION_CHOICE,
     .key = "success_status",
     .default_text = "200",
     .choices = "200,201",
     .doc = "HTTP status with which the engine answers a created secret."},
    {.type = PLQ_OPTION_TEXT,
     .key = "base_path",
     .default_text = ENGINE_DEFAULT_BASE_PATH,
     .doc = "Path of the base URL, before /client-secrets; / for none."},
    {.type = PLQ_OPTION_PATH, .key = "cassette", .doc = "File of attempts to replay, or to record."},
    {.type = PLQ_OPTION_CHOICE,
     .key = "cassette_mode",
     .default_text = "replay",
     .choices = "replay,record",
     .doc = "What to do with the cassette: replay answers from it, record lets another transport answer and writes it."},
    {.type = PLQ_OPTION_TEXT,
     .key = "record_over",
     .default_text = "curl",
     .doc = "Transport that carries the requests while a cassette is recorded: a name or an absolute path."},
    {.type = PLQ_OPTION_PATH, .key = "ca_file", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_PATH, .key = "ca_dir", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_PATH, .key = "crl_file", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_LIST, .key = "pins", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_PATH, .key = "client_certificate_file", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_PATH, .key = "client_key_file", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_SECRET, .key = "client_key_password", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_TEXT, .key = "proxy", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_TEXT, .key = "proxy_user", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_SECRET, .key = "proxy_password", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_LIST, .key = "resolve", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_CHOICE, .key = "http_version", .default_text = "auto", .choices = "auto,1.1,2", .doc = NO_EFFECT},
    {.type = PLQ_OPTION_MS, .key = "resolve_timeout_ms", .min = 1, .max = DAY_MS, .doc = NO_EFFECT},
    {.type = PLQ_OPTION_MS, .key = "connect_timeout_ms", .min = 1, .max = DAY_MS, .doc = NO_EFFECT},
    {.type = PLQ_OPTION_MS, .key = "tls_timeout_ms", .min = 1, .max = DAY_MS, .doc = NO_EFFECT},
    {.type = PLQ_OPTION_MS, .key = "idle_timeout_ms", .min = 1, .max = DAY_MS, .doc = NO_EFFECT},
    {.type = PLQ_OPTION_INT, .key = "max_connections", .min = 1, .max = 65536, .doc = "Most connections that are warmed up."},
    {.type = PLQ_OPTION_MS, .key = "connection_idle_ms", .min = 0, .max = DAY_MS, .doc = NO_EFFECT},
    {.type = PLQ_OPTION_MS, .key = "connection_lifetime_ms", .min = 0, .max = DAY_MS, .doc = NO_EFFECT},
};

static const plq_transport_functions functions = {
    .struct_size = sizeof functions,
    .create = stub_create,
    .perform = stub_perform,
    .submit = stub_submit,
    .event_fd = stub_event_fd,
    .drive = stub_drive,
    .wake = stub_wake,
    .cancel = stub_cancel,
    .prewarm = stub_prewarm,
    .quiesce = stub_quiesce,
    .destroy = stub_destroy,
    .abandon_after_fork = stub_abandon_after_fork,
};

static int32_t count_connections(plq_transport_instance *self, uint32_t *out_open, uint32_t *out_busy) {
  if (self->recorder != NULL) return PLQ_E_UNSUPPORTED; /* they are another transport's */
  pthread_mutex_lock(&self->lock);
  *out_busy = self->busy;
  *out_open = self->idle + self->busy;
  pthread_mutex_unlock(&self->lock);
  return PLQ_OK;
}

static const void *get_extension(const char *id) {
  static const plq_transport_clock clock = {
      .struct_size = sizeof clock, .now_ns = stub_now_ns, .sleep_until_ns = stub_sleep_until_ns};
  static const plq_transport_connections connections = {.struct_size = sizeof connections, .count = count_connections};
  if (strcmp(id, PLQ_EXTENSION_CONNECTIONS) == 0) return &connections;
  return strcmp(id, PLQ_EXTENSION_CLOCK) == 0 ? &clock : NULL;
}

static char stack[80];

static const plq_transport transport = {
    .struct_size = sizeof transport,
    .abi_minor_built = PLQ_TRANSPORT_ABI_MINOR,
    .abi_minor_required = 0,
    .deployment_class = PLQ_CLASS_TEST,
    .capabilities = CAPABILITIES,
    .id = "org.libplastiq.transport.stub",
    .name = "stub",
    .version = PLQ_VERSION_TEXT,
    .vendor = "libplastiq",
    .license = "MIT",
    .stack = stack,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .option_stride = sizeof options[0],
    .functions = &functions,
    .get_extension = get_extension,
};

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(stub)(const plq_transport_host *host, plq_transport_error *error,
                                                       const plq_transport **out_transport);

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(stub)(const plq_transport_host *host, plq_transport_error *error,
                                                       const plq_transport **out_transport) {
  if (host->struct_size < sizeof *host) {
    return error_set(error, PLQ_E_TRANSPORT_REFUSED, PLQ_PHASE_LOAD, PLQ_DELIVERY_NOT_SENT, "the host table is too small");
  }
  snprintf(stack, sizeof stack, "json-c/%s msgpack-c/%s", json_c_version(), msgpack_version());
  *out_transport = &transport;
  return PLQ_OK;
}
