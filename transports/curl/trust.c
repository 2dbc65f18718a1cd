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

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static int operation_index = -1; /* of SSL_CTX: the operation that opens the connection */

bool plqc_trust_setup(void) {
  operation_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  return operation_index >= 0;
}

/* ---- at create ---- */

static int32_t refuse(plq_transport_error *error, int32_t status, const char *option, const char *path, const char *want) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = errno == ENOENT || errno == EACCES || errno == ENOTDIR ? strerror(errno)
                       : code                                                 ? ERR_reason_error_string(code)
                                                                              : NULL;
  plqc_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, errno, (int64_t)code, "%s %s: %s; give %s", option, path,
                 reason ? reason : "holds nothing of use", want);
  return status;
}

static bool is_hash_link(const char *name) {
  return strlen(name) >= 10 && strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && strspn(name + 9, "0123456789") > 0;
}

static bool has_hash_links(const char *path) {
  DIR *folder = opendir(path);
  bool found = false;
  if (!folder) return false;
  for (struct dirent *entry; !found && (entry = readdir(folder));) found = is_hash_link(entry->d_name);
  closedir(folder);
  if (!found) errno = 0;
  return found;
}

static int32_t load_crl(plqc_instance *instance, plq_transport_error *error) {
  const char *path = instance->config.crl_file;
  X509_LOOKUP *lookup = X509_STORE_add_lookup(instance->trust, X509_LOOKUP_file());
  errno = 0;
  if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) <= 0) {
    return refuse(error, PLQ_E_REVOCATION_LIST, "crl_file", path, "a readable PEM file of revocation lists");
  }
  X509_STORE_set_flags(instance->trust, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return PLQ_OK;
}

/* OpenSSL reads the extensions of a certificate when it first needs them. Now is better than in several threads at once. */
static void read_extensions(X509_STORE *store) {
  const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
    X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (certificate) X509_check_purpose(certificate, -1, 0);
  }
}

static int32_t load_trust(plqc_instance *instance, plq_transport_error *error) {
  const plqc_config *config = &instance->config;
  /* OpenSSL cannot check revocation along a chain that ends below a root (openssl/openssl#5081). */
  X509_STORE_set_flags(instance->trust, X509_V_FLAG_TRUSTED_FIRST | (config->crl_file ? 0 : X509_V_FLAG_PARTIAL_CHAIN));
  errno = 0;
  if (config->ca_file && X509_STORE_load_file(instance->trust, config->ca_file) != 1) {
    return refuse(error, PLQ_E_TRUST, "ca_file", config->ca_file, "a readable PEM file of CA certificates");
  }
  read_extensions(instance->trust);
  errno = 0;
  if (config->ca_dir && (!has_hash_links(config->ca_dir) || X509_STORE_load_path(instance->trust, config->ca_dir) != 1)) {
    return refuse(error, PLQ_E_TRUST, "ca_dir", config->ca_dir, "a folder of PEM files that openssl rehash was run on");
  }
  return config->crl_file ? load_crl(instance, error) : PLQ_OK;
}

static int on_password(char *buffer, int size, int writing, void *context) {
  const char *password = context;
  (void)writing;
  size_t len = password ? strlen(password) : 0;
  if (len > (size_t)size) return -1;
  if (len) memcpy(buffer, password, len);
  return (int)len;
}

static int32_t load_identity(plqc_instance *instance, plq_transport_error *error) {
  const plqc_config *config = &instance->config;
  const char *key = config->client_key_file ? config->client_key_file : config->client_certificate_file;
  SSL_CTX *identity = instance->identity = SSL_CTX_new(TLS_client_method());
  if (!identity) return PLQ_E_MEMORY;
  SSL_CTX_set_default_passwd_cb(identity, on_password);
  SSL_CTX_set_default_passwd_cb_userdata(identity, config->client_key_password);
  errno = 0;
  if (SSL_CTX_use_certificate_chain_file(identity, config->client_certificate_file) != 1) {
    return refuse(error, PLQ_E_CLIENT_CERTIFICATE, "client_certificate_file", config->client_certificate_file,
                  "a readable PEM file of the certificate and its chain");
  }
  errno = 0;
  if (SSL_CTX_use_PrivateKey_file(identity, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(identity) != 1) {
    return refuse(error, PLQ_E_CLIENT_CERTIFICATE, "client_key_file", key, "the certificate's key in PEM, and its password");
  }
  return PLQ_OK;
}

int32_t plqc_trust_create(plqc_instance *instance, plq_transport_error *error) {
  int32_t status = PLQ_OK;
  ERR_set_mark(); /* the host shares the thread's error queue */
  instance->trust = X509_STORE_new();
  if (!instance->trust) status = PLQ_E_MEMORY;
  if (!status) status = load_trust(instance, error);
  if (!status && instance->config.client_certificate_file) status = load_identity(instance, error);
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

static void note_time(plqc_operation *op, X509 *certificate, int code) {
  struct tm limit, now;
  char limit_text[32] = "?", now_text[32] = "?";
  time_t seconds = time(NULL);
  const ASN1_TIME *time =
      code == X509_V_ERR_CERT_HAS_EXPIRED ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate);
  if (ASN1_TIME_to_tm(time, &limit) == 1) strftime(limit_text, sizeof limit_text, "%Y-%m-%dT%H:%M:%SZ", &limit);
  if (gmtime_r(&seconds, &now)) strftime(now_text, sizeof now_text, "%Y-%m-%dT%H:%M:%SZ", &now);
  snprintf(op->detail, sizeof op->detail, "%s %s; local_time %s",
           code == X509_V_ERR_CERT_HAS_EXPIRED ? "not valid after" : "not valid before", limit_text, now_text);
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
      note_time(op, certificate, code);
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
  plqc_engine_limit(op->engine, op->tls_ns + op->instance->config.tls_ns);
  op->certificate_seen = false;
  if (SSL_CTX_set_ex_data(ctx, operation_index, op) != 1 || SSL_CTX_set1_verify_cert_store(ctx, op->instance->trust) != 1) {
    return CURLE_OUT_OF_MEMORY;
  }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
  /* The client's certificate is for the server, not for a proxy that asks. */
  if (op->instance->identity && !at_proxy(op) && !set_identity(ctx, op->instance->identity)) return CURLE_SSL_CERTPROBLEM;
  return CURLE_OK;
}
