/* SPDX-License-Identifier: MIT */
/* A transport that carries nothing. A plugin includes this, changes what it wants to be wrong, and defines its entry function. */
#ifndef PLQ_TEST_PLUGIN_COMMON_H
#define PLQ_TEST_PLUGIN_COMMON_H

#include <plastiq/transport.h>
#include <string.h>

#include "counters.h"

static struct test_counters counters;

static const void *get_extension(const char *id) { return strcmp(id, TEST_EXTENSION) == 0 ? &counters : NULL; }

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance) {
  (void)values;
  (void)stride;
  counters.creates++;
  counters.values = count;
  if (counters.create_status != PLQ_OK) {
    host->log(host->context, PLQ_LOG_ERROR, "about to fail", 13);
    error->status = counters.create_status;
    error->phase = PLQ_PHASE_CONFIG;
    memcpy(error->message, "the test said so", 17);
    return counters.create_status;
  }
  *out_instance = host->alloc(host->context, 16);
  if (*out_instance != NULL) return PLQ_OK;
  error->status = PLQ_E_MEMORY;
  return PLQ_E_MEMORY;
}

static int32_t perform(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  (void)instance;
  (void)request;
  (void)sink;
  counters.performs++;
  error->status = PLQ_E_UNSUPPORTED;
  return PLQ_E_UNSUPPORTED;
}

static void cancel(plq_transport_instance *instance, uint64_t op) {
  (void)instance;
  (void)op;
}

static const plq_transport_host *kept_host;

static void destroy(plq_transport_instance *instance) {
  counters.destroys++;
  kept_host->free(kept_host->context, instance);
}

static void abandon_after_fork(plq_transport_instance *instance) {
  counters.abandons++;
  kept_host->free(kept_host->context, instance);
}

static plq_transport_functions functions = {
    .struct_size = sizeof functions,
    .create = create,
    .perform = perform,
    .cancel = cancel,
    .destroy = destroy,
    .abandon_after_fork = abandon_after_fork,
};

static plq_transport transport = {
    .struct_size = sizeof transport,
    .abi_minor_built = PLQ_TRANSPORT_ABI_MINOR,
    .deployment_class = PLQ_CLASS_PRODUCTION,
    .capabilities = PLQ_CAP_BLOCKING,
    .id = "com.example.test",
    .version = "1.0",
    .vendor = "nobody",
    .license = "MIT",
    .stack = "",
    .functions = &functions,
    .get_extension = get_extension,
};

static int32_t answer(const plq_transport_host *host, const char *name, const plq_transport **out_transport) {
  counters.entries++;
  kept_host = host;
  transport.name = name;
  *out_transport = &transport;
  return PLQ_OK;
}

PLQ_TRANSPORT_EXPORT int32_t plq_transport_entry_v1(const plq_transport_host *host, plq_transport_error *error,
                                                    const plq_transport **out_transport);

/* A plugin's entry function; `change` is a statement. */
#define ENTRY(name, change)                                                                                               \
  int32_t plq_transport_entry_v1(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out) { \
    (void)error;                                                                                                          \
    change;                                                                                                               \
    return answer(host, name, out);                                                                                       \
  }

#endif
