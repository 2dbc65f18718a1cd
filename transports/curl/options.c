/* SPDX-License-Identifier: MIT */
#include "plqc.h"

#include <arpa/inet.h>
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

/* Where the value of a text option goes. */
static const struct text_option {
  const char *key;
  size_t offset;
} text_options[] = {
    {"ca_file", offsetof(plqc_config, ca_file)},
    {"ca_dir", offsetof(plqc_config, ca_dir)},
    {"crl_file", offsetof(plqc_config, crl_file)},
    {"pins", offsetof(plqc_config, pins)},
    {"client_certificate_file", offsetof(plqc_config, client_certificate_file)},
    {"client_key_file", offsetof(plqc_config, client_key_file)},
    {"client_key_password", offsetof(plqc_config, client_key_password)},
    {"proxy", offsetof(plqc_config, proxy)},
    {"proxy_user", offsetof(plqc_config, proxy_user)},
    {"proxy_password", offsetof(plqc_config, proxy_password)},
    {"resolve", offsetof(plqc_config, resolve)},
};
#define TEXT_OPTION_COUNT (sizeof text_options / sizeof *text_options)

static const struct number_option {
  const char *key;
  size_t offset;
  int64_t unit;
  int64_t fallback;
} number_options[] = {
    {"resolve_timeout_ms", offsetof(plqc_config, resolve_ns), PLQC_MS, 5000},
    {"connect_timeout_ms", offsetof(plqc_config, connect_ns), PLQC_MS, 5000},
    {"tls_timeout_ms", offsetof(plqc_config, tls_ns), PLQC_MS, 5000},
    {"idle_timeout_ms", offsetof(plqc_config, idle_ns), PLQC_MS, 10000},
    {"connection_idle_ms", offsetof(plqc_config, connection_idle_ms), 1, 20000},
    {"connection_lifetime_ms", offsetof(plqc_config, connection_lifetime_ms), 1, 3600000},
};
#define NUMBER_OPTION_COUNT (sizeof number_options / sizeof *number_options)

static void **text_slot(plqc_config *config, size_t index) {
  return (void **)(void *)((char *)config + text_options[index].offset);
}

static int64_t *number_slot(plqc_config *config, size_t index) {
  return (int64_t *)(void *)((char *)config + number_options[index].offset);
}

void plqc_config_clear(plqc_instance *instance) {
  plqc_config *config = &instance->config;
  for (size_t i = 0; i < TEXT_OPTION_COUNT; i++) {
    void **slot = text_slot(config, i);
    if (*slot) instance->host->wipe(*slot, strlen(*slot));
    plqc_free(instance, *slot);
    *slot = NULL;
  }
  plqc_free(instance, config->proxy_host);
  config->proxy_host = NULL;
}

static bool is_key(const plq_transport_value *value, const char *key) {
  return strlen(key) == value->key_len && memcmp(key, value->key, value->key_len) == 0;
}

static int32_t take(plqc_instance *instance, const plq_transport_value *value) {
  plqc_config *config = &instance->config;
  for (size_t i = 0; i < NUMBER_OPTION_COUNT; i++) {
    if (is_key(value, number_options[i].key)) *number_slot(config, i) = value->number * number_options[i].unit;
  }
  if (is_key(value, "max_connections")) config->max_connections = (uint32_t)value->number;
  if (is_key(value, "http_version")) {
    config->http = strcmp(value->text, "2") == 0 ? 20 : strcmp(value->text, "1.1") == 0 ? 11 : 0;
  }
  for (size_t i = 0; i < TEXT_OPTION_COUNT; i++) {
    void **slot = text_slot(config, i);
    if (!is_key(value, text_options[i].key) || value->text_len == 0) continue;
    plqc_free(instance, *slot);
    *slot = plqc_copy(instance, value->text, value->text_len);
    if (!*slot) return PLQ_E_MEMORY;
  }
  return PLQ_OK;
}

/* CURLOPT_PINNEDPUBLICKEY wants "sha256//A=;sha256//B=". */
static int32_t check_pins(char *pins, plq_transport_error *error) {
  char *out = pins;
  for (const char *in = pins; *in; in++) {
    if (*in != ' ') *out++ = *in == ',' ? ';' : *in;
  }
  *out = '\0';
  for (const char *pin = pins; *pin;) {
    size_t len = strcspn(pin, ";");
    if (len != 8 + 44 || memcmp(pin, "sha256//", 8) != 0 || pin[len - 1] != '=') {
      plqc_error_set(error, PLQ_E_PIN, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0,
                     "pins: \"%.*s\" is not sha256// and 44 characters of base64", (int)(len < 60 ? len : 60), pin);
      return PLQ_E_PIN;
    }
    pin += len + (pin[len] == ';');
  }
  return PLQ_OK;
}

static int32_t proxy_fault(plq_transport_error *error, const char *why) {
  plqc_error_set(error, PLQ_E_PROXY_URL, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0,
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
  int32_t status = PLQ_OK;
  for (size_t i = 0; i < NUMBER_OPTION_COUNT; i++) {
    *number_slot(config, i) = number_options[i].fallback * number_options[i].unit;
  }
  config->max_connections = 64;
  for (size_t i = 0; i < count && !status; i++) {
    status = take(instance, (const plq_transport_value *)(const void *)((const char *)values + i * stride));
  }
  if (!status && config->pins) status = check_pins(config->pins, error);
  if (!status && config->proxy) status = read_proxy(instance, error);
  if (status == PLQ_E_MEMORY) plqc_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "out of memory");
  return status;
}
