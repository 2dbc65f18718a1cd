/* SPDX-License-Identifier: MIT */
#include "ca.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

typedef enum leaf_issuer { ISSUER_OURS, ISSUER_OTHER, ISSUER_ITSELF } leaf_issuer;

typedef struct leaf_kind {
  const char *name;
  const char *common_name;
  const char *alt_names; /* NULL: none */
  const char *purpose;
  int from_days;
  int to_days;
  leaf_issuer issuer;
  int rsa_bits; /* 0: an elliptic curve */
  int tls_max;  /* 0: no limit */
  const char *ciphers;
} leaf_kind;

#define LOOPBACK_NAMES "DNS:localhost,IP:127.0.0.1,IP:::1"

static const leaf_kind kinds[] = {
    {"good", "localhost", LOOPBACK_NAMES, "serverAuth", -1, 30, ISSUER_OURS, 0, 0, NULL},
    {"wrong_host", "other.test", "DNS:other.test", "serverAuth", -1, 30, ISSUER_OURS, 0, 0, NULL},
    {"expired", "localhost", LOOPBACK_NAMES, "serverAuth", -30, -1, ISSUER_OURS, 0, 0, NULL},
    {"not_yet_valid", "localhost", LOOPBACK_NAMES, "serverAuth", 10, 30, ISSUER_OURS, 0, 0, NULL},
    {"self_signed", "localhost", LOOPBACK_NAMES, "serverAuth", -1, 30, ISSUER_ITSELF, 0, 0, NULL},
    {"untrusted", "localhost", LOOPBACK_NAMES, "serverAuth", -1, 30, ISSUER_OTHER, 0, 0, NULL},
    {"cn_only", "localhost", NULL, "serverAuth", -1, 30, ISSUER_OURS, 0, 0, NULL},
    {"client_only", "localhost", LOOPBACK_NAMES, "clientAuth", -1, 30, ISSUER_OURS, 0, 0, NULL},
    {"weak_key", "localhost", LOOPBACK_NAMES, "serverAuth", -1, 30, ISSUER_OURS, 1024, 0, NULL},
    {"tls_old", "localhost", LOOPBACK_NAMES, "serverAuth", -1, 30, ISSUER_OURS, 0, TLS1_1_VERSION, NULL},
    {"no_cipher", "localhost", LOOPBACK_NAMES, "serverAuth", -1, 30, ISSUER_OURS, 0, TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA"},
};

struct test_ca {
  char folder[512];
  char file[520];
  EVP_PKEY *key;
  X509 *certificate;
  EVP_PKEY *good_key; /* one for all good certificates, so that it can be pinned */
};

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1) test_die("certificate extension %s", value);
  X509_EXTENSION_free(extension);
}

static X509 *begin_certificate(EVP_PKEY *key, const char *common_name, int from_days, int to_days) {
  static long serial = 1000;
  X509 *certificate = X509_new();
  X509_NAME *name = X509_NAME_new();
  if (certificate == NULL || name == NULL) test_die("no certificate");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
  X509_set_subject_name(certificate, name);
  X509_NAME_free(name);
  X509_time_adj_ex(X509_getm_notBefore(certificate), from_days, 0, NULL);
  X509_time_adj_ex(X509_getm_notAfter(certificate), to_days, 0, NULL);
  X509_set_pubkey(certificate, key);
  return certificate;
}

static void sign(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  if (X509_sign(certificate, issuer_key, EVP_sha256()) == 0) test_die("certificate not signed");
}

static X509 *make_ca(EVP_PKEY *key, const char *common_name) {
  X509 *certificate = begin_certificate(key, common_name, -60, 60);
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
  sign(certificate, certificate, key);
  return certificate;
}

static X509 *make_leaf(const leaf_kind *kind, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key) {
  X509 *leaf = begin_certificate(key, kind->common_name, kind->from_days, kind->to_days);
  if (issuer == NULL) issuer = leaf;
  add_extension(leaf, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf, issuer, NID_ext_key_usage, kind->purpose);
  if (kind->alt_names != NULL) add_extension(leaf, issuer, NID_subject_alt_name, kind->alt_names);
  sign(leaf, issuer, issuer_key);
  return leaf;
}

static EVP_PKEY *make_key(int rsa_bits) {
  EVP_PKEY *key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen((unsigned)rsa_bits);
  if (key == NULL) test_die("no key");
  return key;
}

test_ca *test_ca_new(void) {
  test_ca *ca = test_alloc(sizeof *ca);
  test_folder_new(ca->folder, sizeof ca->folder);
  snprintf(ca->file, sizeof ca->file, "%s/ca.pem", ca->folder);
  ca->key = make_key(0);
  ca->good_key = make_key(0);
  ca->certificate = make_ca(ca->key, "libplastiq test CA");
  FILE *file = fopen(ca->file, "w");
  if (file == NULL || PEM_write_X509(file, ca->certificate) != 1 || fclose(file) != 0) test_die("cannot write %s", ca->file);
  return ca;
}

void test_ca_free(test_ca *ca) {
  if (ca == NULL) return;
  X509_free(ca->certificate);
  EVP_PKEY_free(ca->key);
  EVP_PKEY_free(ca->good_key);
  (void)unlink(ca->file);
  (void)rmdir(ca->folder);
  free(ca);
}

const char *test_ca_file(const test_ca *ca) {
  return ca->file;
}

const char *test_ca_folder(const test_ca *ca) {
  return ca->folder;
}

static const leaf_kind *find_kind(const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  test_die("no certificate of the kind %s", name);
}

SSL_CTX *test_ca_server(const test_ca *ca, const char *name) {
  const leaf_kind *kind = find_kind(name);
  EVP_PKEY *key = kind->rsa_bits != 0 ? make_key(kind->rsa_bits) : ca->good_key;
  EVP_PKEY *other_key = kind->issuer == ISSUER_OTHER ? make_key(0) : NULL;
  X509 *other = other_key == NULL ? NULL : make_ca(other_key, "libplastiq test CA that nobody trusts");
  X509 *leaf = NULL;
  if (kind->issuer == ISSUER_OURS) leaf = make_leaf(kind, key, ca->certificate, ca->key);
  if (kind->issuer == ISSUER_OTHER) leaf = make_leaf(kind, key, other, other_key);
  if (kind->issuer == ISSUER_ITSELF) leaf = make_leaf(kind, key, NULL, key);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) test_die("no TLS context");
  if (kind->rsa_bits != 0 || kind->tls_max != 0) SSL_CTX_set_security_level(context, 0);
  if (kind->tls_max != 0) SSL_CTX_set_max_proto_version(context, kind->tls_max);
  if (kind->ciphers != NULL && SSL_CTX_set_cipher_list(context, kind->ciphers) != 1) test_die("no cipher %s", kind->ciphers);
  if (SSL_CTX_use_certificate(context, leaf) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1) test_die("certificate unusable");
  SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4);
  X509_free(leaf);
  X509_free(other);
  EVP_PKEY_free(other_key);
  if (kind->rsa_bits != 0) EVP_PKEY_free(key);
  return context;
}

const char *test_ca_pin(const test_ca *ca) {
  static char pin[16 + 4 * ((SHA256_DIGEST_LENGTH + 2) / 3)];
  unsigned char *spki = NULL;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  int len = i2d_PUBKEY(ca->good_key, &spki);
  if (len <= 0) test_die("no public key");
  SHA256(spki, (size_t)len, digest);
  OPENSSL_free(spki);
  memcpy(pin, "sha256//", 8);
  EVP_EncodeBlock((unsigned char *)pin + 8, digest, sizeof digest);
  return pin;
}
