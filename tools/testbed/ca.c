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

/* Whose a server's certificate is. The intermediate CA's comes with that CA's own certificate, or alone. */
typedef enum leaf_issuer {
  ISSUER_OURS,
  ISSUER_OTHER,
  ISSUER_ITSELF,
  ISSUER_MIDDLE,
  ISSUER_MIDDLE_ALONE,
  ISSUER_CONSTRAINED,
} leaf_issuer;

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
  const char *digest; /* NULL: SHA-256 */
  long serial;        /* 0: the next */
} leaf_kind;

#define REVOKED_SERIAL 666

#define LOOPBACK_NAMES "DNS:localhost,IP:127.0.0.1,IP:::1"

#define GOOD_FOR(names, by) .alt_names = names, .purpose = "serverAuth", .from_days = -1, .to_days = 30, .issuer = by
#define LOOPBACK(by) .common_name = "localhost", GOOD_FOR(LOOPBACK_NAMES, by)

static const leaf_kind kinds[] = {
    {"good", LOOPBACK(ISSUER_OURS)},
    {"wrong_host", "other.test", GOOD_FOR("DNS:other.test", ISSUER_OURS)},
    {"expired", "localhost", LOOPBACK_NAMES, "serverAuth", .from_days = -30, .to_days = -1},
    {"not_yet_valid", "localhost", LOOPBACK_NAMES, "serverAuth", .from_days = 10, .to_days = 30},
    {"self_signed", LOOPBACK(ISSUER_ITSELF)},
    {"untrusted", LOOPBACK(ISSUER_OTHER)},
    {"cn_only", "localhost", GOOD_FOR(NULL, ISSUER_OURS)},
    {"client_only", "localhost", LOOPBACK_NAMES, "clientAuth", .from_days = -1, .to_days = 30},
    {"weak_key", LOOPBACK(ISSUER_OURS), .rsa_bits = 1024},
    {"tls_old", LOOPBACK(ISSUER_OURS), .tls_max = TLS1_1_VERSION},
    {"tls_1_0", LOOPBACK(ISSUER_OURS), .tls_max = TLS1_VERSION},
    {"tls_1_2", LOOPBACK(ISSUER_OURS), .tls_max = TLS1_2_VERSION},
    {"no_cipher", LOOPBACK(ISSUER_OURS), .tls_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-NULL-SHA"},
    {"wildcard", "plastiq", GOOD_FOR("DNS:*.plastiq.test", ISSUER_OURS)},
    {"wildcard_top_level", "plastiq", GOOD_FOR("DNS:*.test", ISSUER_OURS)},
    {"wildcard_partial", "plastiq", GOOD_FOR("DNS:a*.plastiq.test", ISSUER_OURS)},
    {"ip_as_name", "plastiq", GOOD_FOR("DNS:127.0.0.1", ISSUER_OURS)},
    {"sha1", LOOPBACK(ISSUER_OURS), .digest = "SHA1"},
    {"intermediate", LOOPBACK(ISSUER_MIDDLE)},
    {"missing_intermediate", LOOPBACK(ISSUER_MIDDLE_ALONE)},
    {"constrained", LOOPBACK(ISSUER_CONSTRAINED)},
    {"revoked", LOOPBACK(ISSUER_OURS), .serial = REVOKED_SERIAL},
};

/* The files of a CA's folder. */
static const char *const file_names[] = {"ca.pem", "intermediate.pem", "crl.pem", "crl_outdated.pem", "crl_other.pem"};
enum { FILE_CA, FILE_INTERMEDIATE, FILE_CRL, FILE_CRL_OUTDATED, FILE_CRL_OTHER, FILE_COUNT };

/* A CA that signs servers' certificates. */
typedef struct signer {
  EVP_PKEY *key;
  X509 *certificate;
} signer;

struct test_ca {
  char folder[512];
  char files[FILE_COUNT][560];
  signer root, other, middle, constrained;
  EVP_PKEY *good_key; /* one for all good certificates, so that it can be pinned */
};

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1) test_die("certificate extension %s", value);
  X509_EXTENSION_free(extension);
}

static X509 *begin_certificate(EVP_PKEY *key, const char *common_name, int from_days, int to_days, long own_serial) {
  static long serial = 1000;
  X509 *certificate = X509_new();
  X509_NAME *name = X509_NAME_new();
  if (certificate == NULL || name == NULL) test_die("no certificate");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), own_serial != 0 ? own_serial : serial++);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
  X509_set_subject_name(certificate, name);
  X509_NAME_free(name);
  X509_time_adj_ex(X509_getm_notBefore(certificate), from_days, 0, NULL);
  X509_time_adj_ex(X509_getm_notAfter(certificate), to_days, 0, NULL);
  X509_set_pubkey(certificate, key);
  return certificate;
}

static void sign(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key, const char *digest) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  if (X509_sign(certificate, issuer_key, EVP_get_digestbyname(digest == NULL ? "SHA256" : digest)) == 0)
    test_die("certificate not signed");
}

static EVP_PKEY *make_key(int rsa_bits) {
  EVP_PKEY *key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen((unsigned)rsa_bits);
  if (key == NULL) test_die("no key");
  return key;
}

/* Makes a CA, of its own or under another; constraint: names that it may vouch for. */
static signer make_signer(const char *common_name, const signer *above, const char *constraint) {
  EVP_PKEY *key = make_key(0);
  X509 *certificate = begin_certificate(key, common_name, -60, 60, 0);
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
  if (constraint != NULL) add_extension(certificate, certificate, NID_name_constraints, constraint);
  sign(certificate, above == NULL ? certificate : above->certificate, above == NULL ? key : above->key, NULL);
  return (signer){key, certificate};
}

static void free_signer(signer *self) {
  X509_free(self->certificate);
  EVP_PKEY_free(self->key);
}

static X509 *make_leaf(const leaf_kind *kind, EVP_PKEY *key, const signer *by) {
  X509 *leaf = begin_certificate(key, kind->common_name, kind->from_days, kind->to_days, kind->serial);
  X509 *issuer = by == NULL ? NULL : by->certificate;
  if (issuer == NULL) issuer = leaf;
  add_extension(leaf, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf, issuer, NID_ext_key_usage, kind->purpose);
  if (kind->alt_names != NULL) add_extension(leaf, issuer, NID_subject_alt_name, kind->alt_names);
  sign(leaf, issuer, by == NULL ? key : by->key, kind->digest);
  return leaf;
}

/* Makes a list of what a CA revoked: one certificate. Both times are days from now. */
static X509_CRL *make_crl(const signer *by, int from_days, int to_days) {
  X509_CRL *list = X509_CRL_new();
  X509_REVOKED *revoked = X509_REVOKED_new();
  ASN1_INTEGER *serial = ASN1_INTEGER_new();
  ASN1_TIME *time = ASN1_TIME_new();
  if (list == NULL || revoked == NULL || serial == NULL || time == NULL) test_die("no revocation list");
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(by->certificate));
  X509_time_adj_ex(time, to_days, 0, NULL);
  X509_CRL_set1_nextUpdate(list, time);
  X509_time_adj_ex(time, from_days, 0, NULL);
  X509_CRL_set1_lastUpdate(list, time);
  ASN1_INTEGER_set(serial, REVOKED_SERIAL);
  X509_REVOKED_set_serialNumber(revoked, serial);
  X509_REVOKED_set_revocationDate(revoked, time);
  if (X509_CRL_add0_revoked(list, revoked) != 1 || X509_CRL_sign(list, by->key, EVP_sha256()) == 0)
    test_die("revocation list not signed");
  ASN1_INTEGER_free(serial);
  ASN1_TIME_free(time);
  return list;
}

static FILE *open_file(const test_ca *ca, int which) {
  FILE *file = fopen(ca->files[which], "w");
  if (file == NULL) test_die("cannot write %s", ca->files[which]);
  return file;
}

static void write_certificate(const test_ca *ca, int which, const signer *self) {
  FILE *file = open_file(ca, which);
  if (PEM_write_X509(file, self->certificate) != 1 || fclose(file) != 0) test_die("cannot write %s", ca->files[which]);
}

static void write_crl(const test_ca *ca, int which, const signer *by, int from_days, int to_days) {
  FILE *file = open_file(ca, which);
  X509_CRL *list = make_crl(by, from_days, to_days);
  if (PEM_write_X509_CRL(file, list) != 1 || fclose(file) != 0) test_die("cannot write %s", ca->files[which]);
  X509_CRL_free(list);
}

test_ca *test_ca_new(void) {
  test_ca *ca = test_alloc(sizeof *ca);
  test_folder_new(ca->folder, sizeof ca->folder);
  for (size_t i = 0; i < FILE_COUNT; i++) snprintf(ca->files[i], sizeof ca->files[i], "%s/%s", ca->folder, file_names[i]);
  ca->root = make_signer("libplastiq test CA", NULL, NULL);
  ca->other = make_signer("libplastiq test CA that nobody trusts", NULL, NULL);
  ca->middle = make_signer("libplastiq test intermediate CA", &ca->root, NULL);
  ca->constrained = make_signer("libplastiq test CA for other names", &ca->root, "critical,permitted;DNS:other.test");
  ca->good_key = make_key(0);
  write_certificate(ca, FILE_CA, &ca->root);
  write_certificate(ca, FILE_INTERMEDIATE, &ca->middle);
  write_crl(ca, FILE_CRL, &ca->root, -1, 30);
  write_crl(ca, FILE_CRL_OUTDATED, &ca->root, -30, -1);
  write_crl(ca, FILE_CRL_OTHER, &ca->other, -1, 30);
  return ca;
}

void test_ca_free(test_ca *ca) {
  if (ca == NULL) return;
  free_signer(&ca->root);
  free_signer(&ca->other);
  free_signer(&ca->middle);
  free_signer(&ca->constrained);
  EVP_PKEY_free(ca->good_key);
  for (size_t i = 0; i < FILE_COUNT; i++) (void)unlink(ca->files[i]);
  (void)rmdir(ca->folder);
  free(ca);
}

const char *test_ca_file(const test_ca *ca) {
  return ca->files[FILE_CA];
}

const char *test_ca_folder(const test_ca *ca) {
  return ca->folder;
}

static const leaf_kind *find_kind(const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  test_die("no certificate of the kind %s", name);
}

static const signer *find_signer(const test_ca *ca, const leaf_kind *kind) {
  switch (kind->issuer) {
    case ISSUER_OTHER:
      return &ca->other;
    case ISSUER_ITSELF:
      return NULL;
    case ISSUER_MIDDLE:
    case ISSUER_MIDDLE_ALONE:
      return &ca->middle;
    case ISSUER_CONSTRAINED:
      return &ca->constrained;
    default:
      return &ca->root;
  }
}

SSL_CTX *test_ca_server(const test_ca *ca, const char *name) {
  const leaf_kind *kind = find_kind(name);
  const signer *by = find_signer(ca, kind);
  EVP_PKEY *key = kind->rsa_bits != 0 ? make_key(kind->rsa_bits) : ca->good_key;
  X509 *leaf = make_leaf(kind, key, by);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) test_die("no TLS context");
  if (kind->rsa_bits != 0 || kind->tls_max != 0 || kind->digest != NULL) SSL_CTX_set_security_level(context, 0);
  if (kind->tls_max != 0) SSL_CTX_set_max_proto_version(context, kind->tls_max);
  if (kind->ciphers != NULL && SSL_CTX_set_cipher_list(context, kind->ciphers) != 1) test_die("no cipher %s", kind->ciphers);
  if (SSL_CTX_use_certificate(context, leaf) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1) test_die("certificate unusable");
  if ((kind->issuer == ISSUER_MIDDLE || kind->issuer == ISSUER_CONSTRAINED) &&
      SSL_CTX_add1_chain_cert(context, by->certificate) != 1)
    test_die("no chain");
  SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4);
  X509_free(leaf);
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
