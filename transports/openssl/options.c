/* SPDX-License-Identifier: MIT */
#include "plqo.h"

const plq_transport_option plqo_options[] = {
    {PLQ_OPTION_MS, 0, 1, 86400000, "resolve_timeout_ms", "5000", NULL, "Limit for one name look-up."},
    {PLQ_OPTION_MS, 0, 1, 86400000, "connect_timeout_ms", "5000", NULL,
     "Limit for opening one connection, whatever the number of addresses."},
    {PLQ_OPTION_MS, 0, 1, 86400000, "tls_timeout_ms", "5000", NULL, "Limit for one TLS handshake."},
    {PLQ_OPTION_MS, 0, 1, 86400000, "idle_timeout_ms", "10000", NULL,
     "Longest pause while a request is written, until the first byte of the response, and between two of its bytes."},
    {PLQ_OPTION_INT, 0, 1, 65536, "max_connections", "64", NULL, "Most connections open at once."},
    {PLQ_OPTION_MS, 0, 0, 86400000, "connection_idle_ms", "20000", NULL, "An idle connection older than this is not used again."},
    {PLQ_OPTION_MS, 0, 0, 86400000, "connection_lifetime_ms", "3600000", NULL,
     "A connection older than this is not used again, and neither is a TLS session."},
    {PLQ_OPTION_PATH, 0, 0, 0, "ca_file", NULL, NULL, "PEM file of the trusted CA certificates."},
    {PLQ_OPTION_PATH, 0, 0, 0, "ca_dir", NULL, NULL, "Folder of trusted CA certificates, hashed as by openssl rehash."},
    {PLQ_OPTION_PATH, 0, 0, 0, "crl_file", NULL, NULL,
     "PEM file of revocation lists; every certificate of a chain is checked against one."},
    {PLQ_OPTION_LIST, 0, 0, 0, "pins", NULL, NULL, "Public keys of the server as sha256//BASE64, one of which must match."},
    {PLQ_OPTION_PATH, 0, 0, 0, "client_certificate_file", NULL, NULL, "PEM file of the client certificate and its chain."},
    {PLQ_OPTION_PATH, 0, 0, 0, "client_key_file", NULL, NULL, "PEM file of the client certificate's key."},
    {PLQ_OPTION_SECRET, 0, 0, 0, "client_key_password", NULL, NULL, "Password of client_key_file."},
    {PLQ_OPTION_CHOICE, 0, 0, 0, "http_version", "auto", "auto,1.1", "This transport speaks HTTP/1.1 only."},
    {PLQ_OPTION_LIST, 0, 0, 0, "resolve", NULL, NULL, "Addresses to use in place of name look-ups: host:port:address."},
};
const size_t plqo_option_count = sizeof plqo_options / sizeof *plqo_options;

#define TEXT(field) \
  { #field, offsetof(plqo_config, field), 0, 0 }

static const plqt_binding bindings[] = {
    {"resolve_timeout_ms", offsetof(plqo_config, resolve_ns), PLQT_MS, 5000},
    {"connect_timeout_ms", offsetof(plqo_config, connect_ns), PLQT_MS, 5000},
    {"tls_timeout_ms", offsetof(plqo_config, tls_ns), PLQT_MS, 5000},
    {"idle_timeout_ms", offsetof(plqo_config, idle_ns), PLQT_MS, 10000},
    {"max_connections", offsetof(plqo_config, max_connections), 1, 64},
    {"connection_idle_ms", offsetof(plqo_config, connection_idle_ns), PLQT_MS, 20000},
    {"connection_lifetime_ms", offsetof(plqo_config, connection_lifetime_ns), PLQT_MS, 3600000},
    TEXT(ca_file),
    TEXT(ca_dir),
    TEXT(crl_file),
    TEXT(pins),
    TEXT(resolve),
    TEXT(client_certificate_file),
    TEXT(client_key_file),
    TEXT(client_key_password),
};
#define BINDING_COUNT (sizeof bindings / sizeof *bindings)

int32_t plqo_config_read(plqo_instance *instance, const plq_transport_value *values, size_t count, size_t stride,
                         plq_transport_error *error) {
  plqo_config *config = &instance->config;
  int32_t status = plqt_options_read(instance->host, config, bindings, BINDING_COUNT, values, count, stride, error);
  return !status && config->pins ? plqt_pins_check(config->pins, error) : status;
}

void plqo_config_clear(plqo_instance *instance) {
  plqt_options_clear(instance->host, &instance->config, bindings, BINDING_COUNT);
}
