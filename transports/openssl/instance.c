/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "plqo.h"

void *plqo_alloc(plqo_instance *instance, size_t size) {
  return instance->host->alloc(instance->host->context, size);
}

void plqo_free(plqo_instance *instance, void *block) {
  instance->host->free(instance->host->context, block);
}

int64_t plqo_now(const plqo_instance *instance) {
  return instance->host->now_ns(instance->host->context);
}

/* ---- life ---- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static bool global_ready;

static void set_up_globally(void) {
  global_ready = plqt_tls_setup() && plqo_context_setup() && plqo_wire_setup();
}

static int32_t set_up(plqo_instance *instance, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error) {
  int32_t status = plqo_config_read(instance, values, count, stride, error);
  if (status) return status;
  plqo_lanes_setup(instance);
  plqo_engine_init(&instance->async, instance, -1, (uint32_t)instance->config.max_connections);
  instance->resolver = plqt_resolver_new(&instance->fds);
  if (!instance->resolver) return PLQ_E_MEMORY;
  if (instance->config.resolve) status = plqt_resolver_preset(instance->resolver, instance->config.resolve, error);
  return status ? status : plqo_context_create(instance, error);
}

static void tear_down(plqo_instance *instance) {
  plqo_context_clear(instance);
  if (instance->pool.owner) plqt_pool_free(&instance->pool);
  plqt_inbox_free(&instance->inbox);
  plqt_resolver_release(instance->resolver);
  plqo_targets_clear(instance);
  plqo_config_clear(instance);
  pthread_mutex_destroy(&instance->lock);
  plqt_fds_clear(&instance->fds);
  plqo_free(instance, instance);
}

static const plq_http1 *find_parser(const plq_transport_host *host) {
  const plq_http1 *http1 =
      PLQT_HAS(host, get_extension) && host->get_extension ? host->get_extension(host->context, PLQ_EXTENSION_HTTP1) : NULL;
  return http1 && PLQT_HAS(http1, end) ? http1 : NULL;
}

static int32_t refuse(plq_transport_error *error, int32_t status, const char *why) {
  plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "%s", why);
  return status;
}

int32_t plqo_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance) {
  const plq_http1 *http1 = find_parser(host);
  *out_instance = NULL;
  if (!http1)
    return refuse(error, PLQ_E_UNSUPPORTED, "the host has no " PLQ_EXTENSION_HTTP1 ", which this transport reads responses with");
  pthread_once(&global_once, set_up_globally);
  plqo_instance *instance = global_ready ? host->alloc(host->context, sizeof *instance) : NULL;
  if (!instance) return refuse(error, PLQ_E_MEMORY, "out of memory");
  memset(instance, 0, sizeof *instance);
  instance->host = host;
  instance->http1 = http1;
  instance->owner = getpid();
  plqt_fds_init(&instance->fds);
  plqt_inbox_init(&instance->inbox, &instance->fds);
  pthread_mutex_init(&instance->lock, NULL);
  error->status = PLQ_OK;
  int32_t status = set_up(instance, values, count, stride, error);
  if (status == PLQ_OK) {
    *out_instance = (plq_transport_instance *)instance;
    return PLQ_OK;
  }
  if (error->status != status) refuse(error, status, "out of memory");
  tear_down(instance);
  return status;
}

static void cancel(plq_transport_instance *handle, uint64_t id) {
  plqo_instance *instance = (plqo_instance *)handle;
  plqt_pool_cancel(&instance->pool, id);
  plqt_inbox_cancel(&instance->inbox, id);
}

/* Closing sends a close_notify to each server and waits for none. */
static void quiesce(plq_transport_instance *handle, int64_t deadline_ns) {
  plqo_instance *instance = (plqo_instance *)handle;
  (void)deadline_ns;
  plqt_pool_clear(&instance->pool);
  plqo_engine_clear(&instance->async);
}

static void destroy(plq_transport_instance *handle) {
  plqo_instance *instance = (plqo_instance *)handle;
  plqo_async_clear(instance);
  plqt_pool_clear(&instance->pool);
  tear_down(instance);
}

/* In a forked child: SSL_shutdown would end the parent's sessions, so only the numbers are closed. */
static void abandon_after_fork(plq_transport_instance *handle) {
  plqt_fds_close_all(&((plqo_instance *)handle)->fds);
}

const plq_transport_functions plqo_functions = {
    .struct_size = sizeof plqo_functions,
    .create = plqo_create,
    .perform = plqo_perform,
    .submit = plqo_submit,
    .event_fd = plqo_event_fd,
    .drive = plqo_drive,
    .wake = plqo_wake,
    .cancel = cancel,
    .prewarm = plqo_prewarm,
    .quiesce = quiesce,
    .destroy = destroy,
    .abandon_after_fork = abandon_after_fork,
};
