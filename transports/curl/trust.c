/* SPDX-License-Identifier: MIT */
/*
 * Whom to trust. The CA certificates are parsed once per instance into a store that every connection shares: libcurl's own cache
 * is per multi handle, so each lane would parse the bundle again (20 ms and more), and Debian's build adds /etc/ssl/certs to any
 * file. libcurl gets no CA at all; the store goes into each SSL_CTX as its verify store, which is looked at in place of libcurl's
 * empty one.
 *
 * Not to be turned off from here: in a process whose environment has SSLKEYLOGFILE when libcurl starts, libcurl writes the
 * session keys of every connection to that file. Hosts that do not control their environment must remove the variable themselves.
 */
#include "plqc.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static int operation_index = -1; /* of SSL_CTX: the operation that opens the connection */

bool plqc_trust_setup(void) {
  operation_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  return operation_index >= 0;
}

int32_t plqc_trust_create(plqc_instance *instance, plq_transport_error *error) {
  const plqc_config *config = &instance->config;
  int32_t status = PLQ_E_MEMORY;
  ERR_set_mark(); /* the host shares the thread's error queue */
  instance->trust = X509_STORE_new();
  if (instance->trust) status = plqt_trust_load(instance->trust, config->ca_file, config->ca_dir, config->crl_file, error);
  if (!status && config->client_certificate_file) {
    status = PLQ_E_MEMORY;
    instance->identity = SSL_CTX_new(TLS_client_method());
    if (instance->identity) {
      status = plqt_identity_load(instance->identity, config->client_certificate_file, config->client_key_file,
                                  config->client_key_password, error);
    }
  }
  ERR_pop_to_mark();
  return status;
}

void plqc_trust_clear(plqc_instance *instance) {
  X509_STORE_free(instance->trust);
  SSL_CTX_free(instance->identity);
}

/* ---- for each connection ---- */

static bool at_proxy(const plqc_operation *op) {
  long code = 0;
  if (!op->instance->config.proxy_tls) return false;
  curl_easy_getinfo(op->easy, CURLINFO_HTTP_CONNECTCODE, &code);
  return code / 100 != 2;
}

/* Adds to OpenSSL's verification that the leaf has names of the kind that RFC 9525 knows: libcurl would fall back to the subject.
 */
static int on_verify(int ok, X509_STORE_CTX *store) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  plqc_operation *op = ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), operation_index) : NULL;
  X509 *certificate = X509_STORE_CTX_get_current_cert(store);
  int code = X509_STORE_CTX_get_error(store);
  if (op) op->certificate_seen = true;
  if (!ok) {
    if (op) op->verify_error = code;
    if (op && certificate && (code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID)) {
      plqt_describe_time(certificate, code, op->detail, sizeof op->detail);
    }
    return 0;
  }
  if (X509_STORE_CTX_get_error_depth(store) == 0 && certificate &&
      X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    if (op) op->verify_error = X509_V_ERR_HOSTNAME_MISMATCH;
    return 0;
  }
  return 1;
}

static bool set_identity(SSL_CTX *ctx, SSL_CTX *identity) {
  STACK_OF(X509) *chain = NULL;
  SSL_CTX_get0_chain_certs(identity, &chain);
  return SSL_CTX_use_certificate(ctx, SSL_CTX_get0_certificate(identity)) == 1 &&
         (!chain || SSL_CTX_set1_chain(ctx, chain) == 1) && SSL_CTX_use_PrivateKey(ctx, SSL_CTX_get0_privatekey(identity)) == 1;
}

CURLcode plqc_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *context) {
  plqc_operation *op = context;
  SSL_CTX *ctx = ssl_ctx;
  (void)easy;
  op->tls_ns = plqc_now(op->instance);
  plqc_engine_limit(op, op->tls_ns + op->instance->config.tls_ns);
  op->certificate_seen = false;
  if (SSL_CTX_set_ex_data(ctx, operation_index, op) != 1 || SSL_CTX_set1_verify_cert_store(ctx, op->instance->trust) != 1) {
    return CURLE_OUT_OF_MEMORY;
  }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_get_security_level(ctx) < 2) SSL_CTX_set_security_level(ctx, 2); /* builds and systems may ask for less */
  /* The client's certificate is for the server, not for a proxy that asks. */
  if (op->instance->identity && !at_proxy(op) && !set_identity(ctx, op->instance->identity)) return CURLE_SSL_CERTPROBLEM;
  return CURLE_OK;
}
