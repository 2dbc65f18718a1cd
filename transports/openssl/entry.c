/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "plqo.h"

#ifdef PLQT_TLS_INSIDE
#define INSIDE PLQ_CAP_SELF_CONTAINED_TLS
#else
#define INSIDE 0
#endif
#define CAPABILITIES                                                                                                          \
  (PLQ_CAP_BLOCKING | PLQ_CAP_ASYNC | PLQ_CAP_CONCURRENT | PLQ_CAP_PREWARM | PLQ_CAP_KEEPALIVE | PLQ_CAP_CLIENT_CERTIFICATE | \
   PLQ_CAP_CA | PLQ_CAP_PINS | PLQ_CAP_SEND_STATE | PLQ_CAP_TLS_FACTS | PLQ_CAP_FORK_ABANDON | PLQ_CAP_WIPES | INSIDE)

PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_PRODUCTION, CAPABILITIES);

static int32_t count_connections(plq_transport_instance *handle, uint32_t *out_open, uint32_t *out_busy) {
  plqo_instance *instance = (plqo_instance *)handle;
  plqt_pool_count(&instance->pool, out_open, out_busy);
  /* Of the two halves one is used. In this order no idle connection is one that the count has not seen. */
  uint32_t idle = atomic_load(&instance->async.idle_count), open = atomic_load(&instance->async.conn_count);
  *out_open += open;
  *out_busy += open > idle ? open - idle : 0;
  return PLQ_OK;
}

static const void *get_extension(const char *id) {
  static const plq_transport_connections connections = {.struct_size = sizeof connections, .count = count_connections};
  return strcmp(id, PLQ_EXTENSION_CONNECTIONS) == 0 ? &connections : NULL;
}

static char stack[64];

static plq_transport transport = {
    .struct_size = sizeof transport,
    .abi_minor_built = PLQ_TRANSPORT_ABI_MINOR,
    .abi_minor_required = 0,
    .deployment_class = PLQ_CLASS_PRODUCTION,
    .capabilities = CAPABILITIES,
    .id = "dev.libplastiq.openssl",
    .name = "openssl",
    .version = PLQO_VERSION,
    .vendor = "libplastiq",
    .license = "MIT",
    .stack = stack,
    .options = plqo_options,
    .option_stride = sizeof(plq_transport_option),
    .functions = &plqo_functions,
    .get_extension = get_extension,
};

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(openssl)(const plq_transport_host *host, plq_transport_error *error,
                                                          const plq_transport **out_transport);

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(openssl)(const plq_transport_host *host, plq_transport_error *error,
                                                          const plq_transport **out_transport) {
  (void)host;
  *out_transport = NULL;
  int32_t status = plqt_tls_check(error);
  if (status) return status;
  snprintf(stack, sizeof stack, "OpenSSL/%s", OpenSSL_version(OPENSSL_VERSION_STRING));
  transport.option_count = plqo_option_count;
  *out_transport = &transport;
  return PLQ_OK;
}
