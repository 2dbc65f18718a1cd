/* SPDX-License-Identifier: MIT */
/*
 * Whom to trust, and who we are: files are read here, once for each instance, and never again for a connection (a bundle of the
 * system's size takes 20 ms and more to parse).
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plqt.h"

static pthread_once_t tls_once = PTHREAD_ONCE_INIT;
static bool tls_ready;

/*
 * OpenSSL's atexit handler frees what threads that are still inside of it use, and they crash while the process ends. Whoever is
 * first to initialize it says whether there is one, so this comes before anything else of OpenSSL and of libcurl.
 */
static void set_up_tls(void) {
  tls_ready = OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

bool plqt_tls_setup(void) {
  pthread_once(&tls_once, set_up_tls);
  return tls_ready;
}

static int32_t refuse(plq_transport_error *error, int32_t status, const char *option, const char *path, const char *want) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = errno == ENOENT || errno == EACCES || errno == ENOTDIR ? strerror(errno)
                       : code                                                 ? ERR_reason_error_string(code)
                                                                              : NULL;
  plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, errno, (int64_t)code, "%s %s: %s; give %s", option, path,
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

static int32_t load_crl(X509_STORE *store, const char *path, plq_transport_error *error) {
  X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  errno = 0;
  if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) <= 0) {
    return refuse(error, PLQ_E_REVOCATION_LIST, "crl_file", path, "a readable PEM file of revocation lists");
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
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

int32_t plqt_trust_load(X509_STORE *store, const char *ca_file, const char *ca_dir, const char *crl_file,
                        plq_transport_error *error) {
  /* OpenSSL cannot check revocation along a chain that ends below a root (openssl/openssl#5081). */
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | (crl_file ? 0 : X509_V_FLAG_PARTIAL_CHAIN));
  errno = 0;
  if (ca_file && X509_STORE_load_file(store, ca_file) != 1) {
    return refuse(error, PLQ_E_TRUST, "ca_file", ca_file, "a readable PEM file of CA certificates");
  }
  read_extensions(store);
  errno = 0;
  if (ca_dir && (!has_hash_links(ca_dir) || X509_STORE_load_path(store, ca_dir) != 1)) {
    return refuse(error, PLQ_E_TRUST, "ca_dir", ca_dir, "a folder of PEM files that openssl rehash was run on");
  }
  return crl_file ? load_crl(store, crl_file, error) : PLQ_OK;
}

static int on_password(char *buffer, int size, int writing, void *context) {
  const char *password = context;
  (void)writing;
  size_t len = password ? strlen(password) : 0;
  if (len > (size_t)size) return -1;
  if (len) memcpy(buffer, password, len);
  return (int)len;
}

int32_t plqt_identity_load(SSL_CTX *ctx, const char *certificate_file, const char *key_file, char *password,
                           plq_transport_error *error) {
  const char *key = key_file ? key_file : certificate_file;
  int32_t status = PLQ_OK;
  SSL_CTX_set_default_passwd_cb(ctx, on_password);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, password);
  errno = 0;
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file) != 1) {
    status = refuse(error, PLQ_E_CLIENT_CERTIFICATE, "client_certificate_file", certificate_file,
                    "a readable PEM file of the certificate and its chain");
  } else {
    errno = 0;
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
      status = refuse(error, PLQ_E_CLIENT_CERTIFICATE, "client_key_file", key, "the certificate's key in PEM, and its password");
    }
  }
  SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
  return status;
}

void plqt_describe_time(X509 *certificate, int code, char *out, size_t size) {
  struct tm limit, now;
  char limit_text[32] = "?", now_text[32] = "?";
  time_t seconds = time(NULL);
  const ASN1_TIME *time =
      code == X509_V_ERR_CERT_HAS_EXPIRED ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate);
  if (ASN1_TIME_to_tm(time, &limit) == 1) strftime(limit_text, sizeof limit_text, "%Y-%m-%dT%H:%M:%SZ", &limit);
  if (gmtime_r(&seconds, &now)) strftime(now_text, sizeof now_text, "%Y-%m-%dT%H:%M:%SZ", &now);
  snprintf(out, size, "%s %s; local_time %s", code == X509_V_ERR_CERT_HAS_EXPIRED ? "not valid after" : "not valid before",
           limit_text, now_text);
}

bool plqt_names_host(X509 *leaf, const plq_transport_target *target, const char *host) {
  if (target->flags & PLQ_TARGET_ADDRESS) return X509_check_ip_asc(leaf, host, 0) == 1;
  return X509_check_host(leaf, host, target->host_len, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                         NULL) == 1;
}

bool plqt_spki_sha256(X509 *leaf, uint8_t out[32]) {
  unsigned char *der = NULL;
  unsigned int len = 0;
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
  bool hashed = size > 0 && EVP_Digest(der, (size_t)size, out, &len, EVP_sha256(), NULL) == 1 && len == 32;
  OPENSSL_free(der);
  return hashed;
}
