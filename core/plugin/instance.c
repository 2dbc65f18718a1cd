/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "../base/alloc.h"
#include "../base/fork.h"
#include "internal.h"

struct box {
  struct plq__instance instance; /* first, so that a pointer to it is one to the box */
  uint32_t generation;
};

/* Only for test transports: no production transport may bend the deadlines. */
static const plq_transport_clock *find_clock(const struct plq__plugin *plugin) {
  const plq_transport *transport = &plugin->transport;
  if (transport->deployment_class != PLQ_CLASS_TEST || transport->get_extension == NULL) return NULL;
  const plq_transport_clock *clock = transport->get_extension(PLQ_EXTENSION_CLOCK);
  if (clock == NULL || clock->struct_size < sizeof *clock || clock->now_ns == NULL || clock->sleep_until_ns == NULL) return NULL;
  return clock;
}

static const plq_transport_connections *find_connections(const struct plq__plugin *plugin) {
  const plq_transport_connections *table =
      plugin->transport.get_extension != NULL ? plugin->transport.get_extension(PLQ_EXTENSION_CONNECTIONS) : NULL;
  return table != NULL && table->struct_size >= sizeof *table && table->count != NULL ? table : NULL;
}

/* The rows that the transport logged belong to the error too. */
static int32_t create_failed(struct plq__loading *loading, const struct plq__plugin *plugin, int32_t status,
                             plq_transport_error *reported, plq_error **out_error) {
  reported->delivery = PLQ_DELIVERY_NOT_SENT; /* nothing to send was there yet */
  int32_t shown = plq__plugin_fail(out_error, plugin, status, reported);
  if (out_error == NULL || *out_error == NULL) return shown;
  const char *message = (*out_error)->texts[PLQ__ERROR_MESSAGE];
  plq__loading_fail(loading, shown, "create", "%s", message != NULL ? message : plq_status_text(shown));
  (*out_error)->load = loading->log;
  memset(&loading->log, 0, sizeof loading->log);
  return shown;
}

static int32_t create(struct plq__instance *instance, const plq_options *options, const struct plq__values *values,
                      plq_error **out_error) {
  const struct plq__plugin *plugin = instance->plugin;
  struct plq__loading loading = {
      .options = options, .path = plugin->path[0] != '\0' ? plugin->path : plugin->transport.name, .stage = "create"};
  plq_transport_error reported = {.struct_size = sizeof reported};
  plq__host_listen(&loading);
  int32_t status = plugin->functions.create(&instance->host, values->rows, values->count, sizeof *values->rows, &reported,
                                            &instance->transport);
  plq__host_listen(NULL);
  if (status != PLQ_OK) {
    instance->transport = NULL;
    status = create_failed(&loading, plugin, status, &reported, out_error);
  } else if (instance->transport == NULL) {
    status = plq__fail(out_error, PLQ_E_TRANSPORT_MISBEHAVED, NULL, "%s: create succeeded and gave no instance",
                       plugin->transport.name);
  }
  plq__load_log_clear(&loading.log);
  return status;
}

int32_t plq__instance_new(const struct plq__plugin *plugin, const plq_options *options, struct plq__instance **out_instance,
                          plq_error **out_error) {
  struct plq__values values = {0};
  struct box *box = NULL;
  *out_instance = NULL;
  if (plq__host_is_listening()) return plq__fail_plain(out_error, PLQ_E_REENTRANT);
  int32_t status = plq__values_new(plugin, options, &values, out_error);
  if (status != PLQ_OK) return status;
  box = plq__alloc(sizeof *box);
  if (box == NULL) {
    status = plq__fail_plain(out_error, PLQ_E_MEMORY);
    goto cleanup;
  }
  box->generation = plq__fork_generation();
  box->instance.plugin = plugin;
  plq__host_init(&box->instance.host, &box->instance);
  status = create(&box->instance, options, &values, out_error);
  if (status != PLQ_OK) goto cleanup;
  box->instance.clock = find_clock(plugin);
  box->instance.connections = find_connections(plugin);
  *out_instance = &box->instance;
  box = NULL;

cleanup:
  plq__free(box);
  plq__values_clear(&values);
  return status;
}

void plq__instance_free(struct plq__instance *instance) {
  if (instance == NULL) return;
  struct box *box = (struct box *)(void *)instance;
  const plq_transport_functions *functions = &instance->plugin->functions;
  /* destroy would end the TLS sessions of the parent */
  if (box->generation == plq__fork_generation())
    functions->destroy(instance->transport);
  else
    functions->abandon_after_fork(instance->transport);
  plq__free(box);
}
