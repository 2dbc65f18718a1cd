/* SPDX-License-Identifier: MIT */
/* What is known of a connection: gathered once, told to the core before each request. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "plqo.h"

static void copy_text(char *to, size_t size, const char *from) {
  size_t len = strnlen(from, size - 1);
  memcpy(to, from, len);
  to[len] = '\0';
}

void plqo_facts_peer(plqo_conn *conn, const plqt_address *address) {
  plq_transport_connection *facts = &conn->facts;
  *facts = (plq_transport_connection){.struct_size = sizeof *facts, .http_version = 11};
  facts->known = PLQ_FACT_PEER | PLQ_FACT_REUSED | PLQ_FACT_PROXIED | PLQ_FACT_HTTP_VERSION;
  plqt_address_write(address, facts->peer_address, sizeof facts->peer_address);
  facts->peer_port = conn->target->said.port;
}

/* pins: "sha256//BASE64,..", each of the same length. */
static bool is_pinned(const char *pins, const uint8_t key[32]) {
  char text[64] = "sha256//";
  EVP_EncodeBlock((unsigned char *)text + 8, key, 32);
  return strstr(pins, text) != NULL;
}

/* OpenSSL has checked chain and name in the handshake; this holds it to that, also for a session that was resumed. */
static int32_t check(plqo_conn *conn, X509 *leaf) {
  plq_transport_connection *facts = &conn->facts;
  const char *pins = conn->instance->config.pins;
  if (!leaf) return PLQ_E_VERIFY_CHAIN;
  if (SSL_get_verify_result(conn->ssl) == X509_V_OK) facts->flags |= PLQ_FACT_CHAIN_VERIFIED;
  if (plqt_names_host(leaf, &conn->target->said, conn->target->host)) facts->flags |= PLQ_FACT_HOST_VERIFIED;
  if (plqt_spki_sha256(leaf, facts->spki_sha256)) facts->known |= PLQ_FACT_SPKI;
  if (!(facts->flags & PLQ_FACT_CHAIN_VERIFIED)) return PLQ_E_VERIFY_CHAIN;
  if (!(facts->flags & PLQ_FACT_HOST_VERIFIED)) return PLQ_E_VERIFY_HOST;
  if (pins && !(facts->known & PLQ_FACT_SPKI && is_pinned(pins, facts->spki_sha256))) return PLQ_E_VERIFY_PIN;
  return PLQ_OK;
}

int32_t plqo_facts_gather(plqo_conn *conn) {
  plq_transport_connection *facts = &conn->facts;
  if (!conn->ssl) return PLQ_OK;
  facts->known |=
      PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED | PLQ_FACT_RESUMED | PLQ_FACT_TLS_VERSION | PLQ_FACT_TLS_CIPHER;
  facts->tls_version = (uint32_t)SSL_version(conn->ssl);
  copy_text(facts->tls_cipher, sizeof facts->tls_cipher, SSL_get_cipher_name(conn->ssl));
  if (SSL_session_reused(conn->ssl)) facts->flags |= PLQ_FACT_RESUMED;
  ERR_set_mark();
  int32_t status = check(conn, SSL_get0_peer_certificate(conn->ssl));
  ERR_pop_to_mark();
  return status;
}
