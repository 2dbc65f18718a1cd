/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/fork.h"
#include "internal.h"

struct box {
  struct plq__instance instance; /* first, so that a pointer to it is one to the box */
  uint32_t generation;
  bool is_behind; /* another one opened it */
  bool abandoned;
};

static const struct box *box_of(const struct plq__instance *instance) { return (const struct box *)(const void *)instance; }

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

/* What the one behind said is the client's error, with the rows of both. */
static int32_t failed_behind(struct plq__loading *loading, const struct plq__plugin *plugin, plq_error **out_error) {
  plq_error *error = loading->behind;
  loading->behind = NULL;
  if (error == NULL || out_error == NULL) {
    plq_error_free(error);
    return plq__fail_plain(out_error, loading->behind_status);
  }
  const char *message = error->texts[PLQ__ERROR_MESSAGE], *field = error->texts[PLQ__ERROR_FIELD];
  plq__loading_fail(loading, error->status, "create", "%s: %s", plugin->transport.name,
                    message != NULL ? message : plq_status_text(error->status));
  plq__error_set(error, PLQ__ERROR_MESSAGE, loading->message, strlen(loading->message));
  /* The option transport is what names the one in front, and that one is well. */
  if (field != NULL && strcmp(field, "transport") == 0) plq__error_set(error, PLQ__ERROR_FIELD, "", 0);
  plq__load_log_clear(&error->load);
  error->load = loading->log;
  memset(&loading->log, 0, sizeof loading->log);
  *out_error = error;
  return error->status;
}

/* The rows that the transport logged belong to the error too. */
static int32_t create_failed(struct plq__loading *loading, const struct plq__plugin *plugin, int32_t status,
                             plq_transport_error *reported, plq_error **out_error) {
  if (loading->behind_status == status) return failed_behind(loading, plugin, out_error);
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
  struct plq__loading loading = {.options = options,
                                 .path = plugin->path[0] != '\0' ? plugin->path : plugin->transport.name,
                                 .stage = "create",
                                 .creating = instance};
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
  plq_error_free(loading.behind);
  plq__load_log_clear(&loading.log);
  return status;
}

/* Deadlines are told to the one at the end of a chain: whatever they are measured by there, they are measured by everywhere. */
static void set_clock(struct plq__instance *instance) {
  const struct plq__instance *last = instance->behind != NULL ? instance->behind : instance;
  instance->clock = find_clock(last->plugin);
  instance->timed = last->transport;
}

static int32_t instance_new(const struct plq__plugin *plugin, const plq_options *options, bool is_behind,
                            struct plq__instance **out_instance, plq_error **out_error) {
  struct plq__values values = {0};
  struct box *box = NULL;
  *out_instance = NULL;
  if (plq__host_listener() != NULL) return plq__fail_plain(out_error, PLQ_E_REENTRANT);
  int32_t status = plq__values_new(plugin, options, &values, out_error);
  if (status != PLQ_OK) return status;
  box = plq__alloc(sizeof *box);
  if (box == NULL) {
    status = plq__fail_plain(out_error, PLQ_E_MEMORY);
    goto cleanup;
  }
  box->generation = plq__fork_generation();
  box->is_behind = is_behind;
  box->instance.plugin = plugin;
  plq__host_init(&box->instance.host, &box->instance);
  status = create(&box->instance, options, &values, out_error);
  if (status != PLQ_OK) goto cleanup;
  set_clock(&box->instance);
  box->instance.connections = find_connections(plugin);
  *out_instance = &box->instance;
  box = NULL;

cleanup:
  if (box != NULL) plq__instance_close_behind(&box->instance);
  plq__free(box);
  plq__values_clear(&values);
  return status;
}

int32_t plq__instance_new(const struct plq__plugin *plugin, const plq_options *options, struct plq__instance **out_instance,
                          plq_error **out_error) {
  return instance_new(plugin, options, false, out_instance, out_error);
}

int32_t plq__instance_new_behind(const struct plq__plugin *plugin, const plq_options *options, struct plq__instance **out_instance,
                                 plq_error **out_error) {
  return instance_new(plugin, options, true, out_instance, out_error);
}

bool plq__instance_is_behind(const struct plq__instance *instance) { return box_of(instance)->is_behind; }

bool plq__instance_connections(const struct plq__instance *instance, uint32_t *out_open, uint32_t *out_busy) {
  return instance->connections != NULL && instance->connections->count(instance->transport, out_open, out_busy) == PLQ_OK;
}

/* destroy would end the TLS sessions of the parent. */
static bool is_ours(const struct plq__instance *instance) { return box_of(instance)->generation == plq__fork_generation(); }

int64_t plq__instance_now_ns(const struct plq__instance *instance) {
  if (instance->ended_ns != 0) return instance->ended_ns;
  return instance->clock != NULL ? instance->clock->now_ns(instance->timed) : plq__now_ns();
}

void plq__instance_end(struct plq__instance *instance) {
  if (instance->ended_ns != 0) return;
  if (is_ours(instance)) {
    int64_t now_ns = plq__instance_now_ns(instance);
    instance->plugin->functions.destroy(instance->transport);
    instance->ended_ns = now_ns;
    plq__instance_close_behind(instance);
  } else {
    plq__instance_abandon(instance);
    instance->ended_ns = plq__now_ns();
    plq__free(instance->behind);
  }
}

void plq__instance_free(struct plq__instance *instance) {
  if (instance == NULL) return;
  plq__instance_end(instance);
  plq__free(instance);
}

void plq__instance_abandon(struct plq__instance *instance) {
  struct box *box = (struct box *)(void *)instance;
  if (box->abandoned) return;
  box->abandoned = true;
  instance->plugin->functions.abandon_after_fork(instance->transport);
  plq__instance_close_behind(instance);
}

void plq__instance_close_behind(struct plq__instance *instance) {
  struct plq__instance *behind = instance->behind;
  if (behind == NULL) return;
  if (!is_ours(behind)) {
    plq__instance_abandon(behind);
    return;
  }
  instance->behind = NULL;
  plq__instance_free(behind);
}
