/* SPDX-License-Identifier: MIT */
#include "plqc.h"

#include <stdlib.h>
#include <string.h>

/* Whole seconds is as fine as libcurl looks at the age of a connection. */
const plq_transport_option plqc_options[] = {
    {PLQ_OPTION_MS, 0, 1, 86400000, "resolve_timeout_ms", "5000", NULL, "Limit for one name look-up."},
    {PLQ_OPTION_MS, 0, 1, 86400000, "connect_timeout_ms", "5000", NULL,
     "Limit for opening one connection, and again for a proxy's tunnel."},
    {PLQ_OPTION_MS, 0, 1, 86400000, "tls_timeout_ms", "5000", NULL, "Limit for one TLS handshake."},
    {PLQ_OPTION_MS, 0, 1, 86400000, "idle_timeout_ms", "10000", NULL,
     "Longest pause while a request is written, until the first byte of the response, and between two of its bytes."},
    {PLQ_OPTION_INT, 0, 1, 65536, "max_connections", "64", NULL, "Most connections open at once."},
    {PLQ_OPTION_MS, 0, 0, 86400000, "connection_idle_ms", "20000", NULL,
     "An idle connection older than this is not used again (rounded up to seconds)."},
    {PLQ_OPTION_MS, 0, 0, 86400000, "connection_lifetime_ms", "3600000", NULL,
     "A connection older than this is not used again (rounded up to seconds)."},
    {PLQ_OPTION_PATH, 0, 0, 0, "ca_file", NULL, NULL, "PEM file of the trusted CA certificates."},
    {PLQ_OPTION_PATH, 0, 0, 0, "ca_dir", NULL, NULL, "Folder of trusted CA certificates, hashed as by openssl rehash."},
    {PLQ_OPTION_PATH, 0, 0, 0, "crl_file", NULL, NULL,
     "PEM file of revocation lists; every certificate of a chain is checked against one."},
    {PLQ_OPTION_LIST, 0, 0, 0, "pins", NULL, NULL, "Public keys of the server as sha256//BASE64, one of which must match."},
    {PLQ_OPTION_PATH, 0, 0, 0, "client_certificate_file", NULL, NULL, "PEM file of the client certificate and its chain."},
    {PLQ_OPTION_PATH, 0, 0, 0, "client_key_file", NULL, NULL, "PEM file of the client certificate's key."},
    {PLQ_OPTION_SECRET, 0, 0, 0, "client_key_password", NULL, NULL, "Password of client_key_file."},
    {PLQ_OPTION_TEXT, 0, 0, 0, "proxy", NULL, NULL, "Proxy to tunnel through: http://host[:port] or https://host[:port]."},
    {PLQ_OPTION_TEXT, 0, 0, 0, "proxy_user", NULL, NULL, "User name for the proxy."},
    {PLQ_OPTION_SECRET, 0, 0, 0, "proxy_password", NULL, NULL, "Password for the proxy."},
    {PLQ_OPTION_CHOICE, 0, 0, 0, "http_version", "auto", "auto,1.1,2",
     "auto: HTTP/1.1 for blocking calls, HTTP/2 where the server has it for queues."},
    {PLQ_OPTION_LIST, 0, 0, 0, "resolve", NULL, NULL, "Addresses to use in place of name look-ups: host:port:address."},
};
const size_t plqc_option_count = sizeof plqc_options / sizeof *plqc_options;

#define TEXT(field) \
  { #field, offsetof(plqc_config, field), 0, 0 }

static const plqt_binding bindings[] = {
    {"resolve_timeout_ms", offsetof(plqc_config, resolve_ns), PLQT_MS, 5000},
    {"connect_timeout_ms", offsetof(plqc_config, connect_ns), PLQT_MS, 5000},
    {"tls_timeout_ms", offsetof(plqc_config, tls_ns), PLQT_MS, 5000},
    {"idle_timeout_ms", offsetof(plqc_config, idle_ns), PLQT_MS, 10000},
    {"max_connections", offsetof(plqc_config, max_connections), 1, 64},
    {"connection_idle_ms", offsetof(plqc_config, connection_idle_ms), 1, 20000},
    {"connection_lifetime_ms", offsetof(plqc_config, connection_lifetime_ms), 1, 3600000},
    TEXT(ca_file),
    TEXT(ca_dir),
    TEXT(crl_file),
    TEXT(pins),
    TEXT(client_certificate_file),
    TEXT(client_key_file),
    TEXT(client_key_password),
    TEXT(proxy),
    TEXT(proxy_user),
    TEXT(proxy_password),
    TEXT(http_version),
    TEXT(resolve),
};
#define BINDING_COUNT (sizeof bindings / sizeof *bindings)

void plqc_config_clear(plqc_instance *instance) {
  plqt_options_clear(instance->host, &instance->config, bindings, BINDING_COUNT);
  plqc_free(instance, instance->config.proxy_host);
  instance->config.proxy_host = NULL;
}

/* CURLOPT_PINNEDPUBLICKEY wants "sha256//A=;sha256//B=". */
static int32_t read_pins(char *pins, plq_transport_error *error) {
  int32_t status = plqt_pins_check(pins, error);
  for (char *at = pins; *at; at++) {
    if (*at == ',') *at = ';';
  }
  return status;
}

static int32_t proxy_fault(plq_transport_error *error, const char *why) {
  plqt_error_set(error, PLQ_E_PROXY_URL, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0,
                 "proxy: %s; use http://host[:port] or https://host[:port]", why);
  return PLQ_E_PROXY_URL;
}

/* Takes the proxy URL apart: its host is what we look up. */
static int32_t read_proxy(plqc_instance *instance, plq_transport_error *error) {
  plqc_config *config = &instance->config;
  char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
  int32_t status = PLQ_OK;
  CURLU *url = curl_url();
  if (!url) return PLQ_E_MEMORY;
  if (curl_url_set(url, CURLUPART_URL, config->proxy, 0) || curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
      curl_url_get(url, CURLUPART_HOST, &host, 0)) {
    status = proxy_fault(error, "not a URL");
  } else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
    status = proxy_fault(error, "the scheme is not supported");
  } else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
    status = proxy_fault(error, "user and password have options of their own");
  } else {
    size_t len = strlen(host);
    bool bracketed = host[0] == '[' && len > 2;
    config->proxy_tls = strcmp(scheme, "https") == 0;
    /* libcurl's default ports for proxies are 1080 and 443. */
    config->proxy_port = curl_url_get(url, CURLUPART_PORT, &port, 0) ? (config->proxy_tls ? 443U : 1080U) : (uint32_t)atoi(port);
    config->proxy_host = plqc_copy(instance, host + bracketed, len - 2 * bracketed);
    if (!config->proxy_host) status = PLQ_E_MEMORY;
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  curl_free(user);
  curl_url_cleanup(url);
  return status;
}

int32_t plqc_config_read(plqc_instance *instance, const plq_transport_value *values, size_t count, size_t stride,
                         plq_transport_error *error) {
  plqc_config *config = &instance->config;
  int32_t status = plqt_options_read(instance->host, config, bindings, BINDING_COUNT, values, count, stride, error);
  if (status) return status;
  if (config->http_version) config->http = strcmp(config->http_version, "2") == 0 ? 20 : strcmp(config->http_version, "1.1") == 0 ? 11 : 0;
  if (config->pins) status = read_pins(config->pins, error);
  if (!status && config->proxy) status = read_proxy(instance, error);
  if (status == PLQ_E_MEMORY) plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
  return status;
}
