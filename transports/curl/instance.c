/* SPDX-License-Identifier: MIT */
#include "plqc.h"

#include <string.h>
#include <time.h>

void *plqc_alloc(plqc_instance *instance, size_t size) {
  return instance->host->alloc(instance->host->context, size);
}

void plqc_free(plqc_instance *instance, void *block) {
  instance->host->free(instance->host->context, block);
}

char *plqc_copy(plqc_instance *instance, const char *text, size_t len) {
  char *copy = plqc_alloc(instance, len + 1);
  if (!copy) return NULL;
  memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}

int64_t plqc_now(const plqc_instance *instance) {
  return instance->host->now_ns(instance->host->context);
}

void plqc_list_add(plqc_operation **list, plqc_operation *op) {
  op->previous = NULL;
  op->next = *list;
  if (*list) (*list)->previous = op;
  *list = op;
}

void plqc_list_remove(plqc_operation **list, plqc_operation *op) {
  if (op->previous) op->previous->next = op->next;
  if (op->next) op->next->previous = op->previous;
  if (*list == op) *list = op->next;
  op->next = op->previous = NULL;
}

bool plqc_request_valid(const plq_transport_request *request, const plq_transport_sink *sink, plq_transport_error *error) {
  if (!plqt_request_valid(request, sink, error)) return false;
  bool head = request->method_len == 4 && memcmp(request->method, "HEAD", 4) == 0;
  if (request->method_len <= 15 && !(request->body && head)) return true;
  plqt_error_set(error, head ? PLQ_E_UNSUPPORTED : PLQ_E_ARGUMENT, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "%s",
                 head ? "libcurl sends no body with HEAD" : "the method is too long");
  return false;
}

/* ---- life ---- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static bool global_ready;

/*
 * curl_global_init is safe beside other threads' libcurl calls only from 7.84 on and if CURL_VERSION_THREADSAFE is set (Debian's
 * is). It is not undone: the host may use libcurl, too, and nobody else counts for us.
 */
static void set_up_globally(void) {
  global_ready = plqt_tls_setup() && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && plqc_trust_setup() &&
                 plqc_facts_setup() && plqc_quiet_setup();
}

static int32_t set_up(plqc_instance *instance, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error) {
  int32_t status = plqc_config_read(instance, values, count, stride, error);
  if (status) return status;
  plqc_lanes_setup(instance);
  instance->resolver = plqt_resolver_new(&instance->fds);
  if (!instance->resolver) return PLQ_E_MEMORY;
  if (instance->config.resolve) status = plqt_resolver_preset(instance->resolver, instance->config.resolve, error);
  return status ? status : plqc_trust_create(instance, error);
}

static void tear_down(plqc_instance *instance) {
  plqc_trust_clear(instance);
  plqt_resolver_release(instance->resolver);
  plqc_config_clear(instance);
  if (instance->pool.owner) plqt_pool_free(&instance->pool);
  plqt_inbox_free(&instance->inbox);
  pthread_mutex_destroy(&instance->connections_lock);
  plqt_fds_clear(&instance->fds);
  plqc_free(instance, instance);
}

int32_t plqc_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance) {
  *out_instance = NULL;
  pthread_once(&global_once, set_up_globally);
  plqc_instance *instance = global_ready ? host->alloc(host->context, sizeof *instance) : NULL;
  if (!instance) {
    plqt_error_set(error, PLQ_E_MEMORY, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
    return PLQ_E_MEMORY;
  }
  memset(instance, 0, sizeof *instance);
  instance->host = host;
  plqt_fds_init(&instance->fds);
  plqt_inbox_init(&instance->inbox, &instance->fds);
  pthread_mutex_init(&instance->connections_lock, NULL);
  error->status = PLQ_OK;
  int32_t status = set_up(instance, values, count, stride, error);
  if (status == PLQ_OK) {
    *out_instance = (plq_transport_instance *)instance;
    return PLQ_OK;
  }
  if (error->status != status) plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
  tear_down(instance);
  return status;
}

void plqc_cancel(plq_transport_instance *handle, uint64_t id) {
  plqc_instance *instance = (plqc_instance *)handle;
  plqt_pool_cancel(&instance->pool, id);
  plqt_inbox_cancel(&instance->inbox, id);
}

/* Closing sends a close_notify to each server and waits for none. */
void plqc_quiesce(plq_transport_instance *handle, int64_t deadline_ns) {
  plqc_instance *instance = (plqc_instance *)handle;
  (void)deadline_ns;
  plqt_pool_clear(&instance->pool);
}

void plqc_destroy(plq_transport_instance *handle) {
  plqc_instance *instance = (plqc_instance *)handle;
  plqc_async_clear(instance);
  plqt_pool_clear(&instance->pool);
  tear_down(instance);
}

/* In a forked child: what libcurl and OpenSSL would do to end a connection reaches the parent's peer, so only the numbers are
 * closed. */
void plqc_abandon_after_fork(plq_transport_instance *handle) {
  plqc_instance *instance = (plqc_instance *)handle;
  plqt_fds_close_all(&instance->fds);
}
