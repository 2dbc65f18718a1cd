/* SPDX-License-Identifier: MIT */
#include "plqc.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define CAPABILITIES                                                                                                             \
  (PLQ_CAP_BLOCKING | PLQ_CAP_ASYNC | PLQ_CAP_CONCURRENT | PLQ_CAP_PREWARM | PLQ_CAP_KEEPALIVE | PLQ_CAP_HTTP2 | PLQ_CAP_PROXY | \
   PLQ_CAP_CLIENT_CERTIFICATE | PLQ_CAP_CA | PLQ_CAP_PINS | PLQ_CAP_SEND_STATE | PLQ_CAP_TLS_FACTS | PLQ_CAP_FORK_ABANDON)

PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_PRODUCTION, CAPABILITIES);

#define OLDEST_LIBCURL 0x075700 /* 7.87.0: CURLOPT_QUICK_EXIT, CURLOPT_CA_CACHE_TIMEOUT */

static const plq_transport_functions functions = {
    .struct_size = sizeof functions,
    .create = plqc_create,
    .perform = plqc_perform,
    .submit = plqc_submit,
    .event_fd = plqc_event_fd,
    .drive = plqc_drive,
    .wake = plqc_wake,
    .cancel = plqc_cancel,
    .prewarm = plqc_prewarm,
    .quiesce = plqc_quiesce,
    .destroy = plqc_destroy,
    .abandon_after_fork = plqc_abandon_after_fork,
};

static int32_t count_connections(plq_transport_instance *handle, uint32_t *out_open, uint32_t *out_busy) {
  plqc_instance *instance = (plqc_instance *)handle;
  plqt_pool_count(&instance->pool, out_open, out_busy);
  plqc_connections_count(instance, out_open, out_busy); /* of the two halves one is used */
  return PLQ_OK;
}

static const void *get_extension(const char *id) {
  static const plq_transport_connections connections = {.struct_size = sizeof connections, .count = count_connections};
  return strcmp(id, PLQ_EXTENSION_CONNECTIONS) == 0 ? &connections : NULL;
}

static char stack[96];

static plq_transport transport = {
    .struct_size = sizeof transport,
    .abi_minor_built = PLQ_TRANSPORT_ABI_MINOR,
    .abi_minor_required = 0,
    .deployment_class = PLQ_CLASS_PRODUCTION,
    .capabilities = CAPABILITIES,
    .id = "dev.libplastiq.curl",
    .name = "curl",
    .version = PLQC_VERSION,
    .vendor = "libplastiq",
    .license = "MIT",
    .stack = stack,
    .options = plqc_options,
    .option_stride = sizeof(plq_transport_option),
    .functions = &functions,
    .get_extension = get_extension,
};

static int32_t refuse(plq_transport_error *error, const char *why, const char *what) {
  plqt_error_set(error, PLQ_E_TRANSPORT_REFUSED, PLQ_PHASE_LOAD, PLQ_DELIVERY_NOT_SENT, 0, 0, "%s: %s", why, what);
  return PLQ_E_TRANSPORT_REFUSED;
}

/*
 * The SSL objects that libcurl hands out are looked at with the OpenSSL that this plugin is bound to. A host that brings its own
 * may have bound the two to different ones: then nothing here can be trusted.
 */
static int32_t check_libraries(const curl_version_info_data *curl, plq_transport_error *error) {
  const char *ssl = curl->ssl_version ? curl->ssl_version : "none";
  const char *ours = OpenSSL_version(OPENSSL_VERSION_STRING);
  if (curl->version_num < OLDEST_LIBCURL) return refuse(error, "libcurl is older than 7.87.0", curl->version);
  if (strncmp(ssl, "OpenSSL/", 8) != 0) return refuse(error, "libcurl was built with another TLS library than OpenSSL", ssl);
  if (strncmp(ssl + 8, ours, strlen(ours)) != 0)
    return refuse(error, "libcurl and this plugin are bound to different OpenSSL", ssl);
  return plqt_tls_check(error);
}

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(curl)(const plq_transport_host *host, plq_transport_error *error,
                                                       const plq_transport **out_transport);

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(curl)(const plq_transport_host *host, plq_transport_error *error,
                                                       const plq_transport **out_transport) {
  const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
  (void)host;
  *out_transport = NULL;
  int32_t status = check_libraries(curl, error);
  if (status) return status;
  snprintf(stack, sizeof stack, "libcurl/%s OpenSSL/%s", curl->version, OpenSSL_version(OPENSSL_VERSION_STRING));
  transport.option_count = plqc_option_count;
  *out_transport = &transport;
  return PLQ_OK;
}
