/* SPDX-License-Identifier: MIT */
#include "authority.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* So much before now, for clocks of containers that are a little off. */
#define EARLY_SECONDS 300

static bool set_serial(X509 *certificate) {
  BIGNUM *number = BN_new();
  bool good = number != NULL && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
  BN_free(number);
  return good;
}

static bool set_name(X509 *certificate, const char *name) {
  X509_NAME *subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"plastiq-emulator, for tests only", -1, -1,
                                    0) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, const extension *e) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, e->nid, e->value);
  bool good = made != NULL && X509_add_ext(certificate, made, -1) == 1;
  X509_EXTENSION_free(made);
  return good;
}

bool identity_make(identity *out, const identity *issuer, const char *name, int valid_days, const extension *extensions) {
  out->key = EVP_EC_gen("P-256");
  out->certificate = X509_new();
  if (issuer == NULL) issuer = out;
  X509 *c = out->certificate;
  bool good = out->key != NULL && c != NULL && X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c) && set_name(c, name) &&
              X509_set_issuer_name(c, X509_get_subject_name(issuer->certificate)) == 1 && X509_set_pubkey(c, out->key) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(c), -EARLY_SECONDS) != NULL &&
              X509_time_adj_ex(X509_getm_notAfter(c), valid_days, 0, NULL) != NULL;
  for (; good && extensions->nid != 0; extensions++) good = add_extension(c, issuer->certificate, extensions);
  if (good && X509_sign(c, issuer->key, EVP_sha256()) > 0) return true;
  identity_clear(out);
  return false;
}

void identity_clear(identity *self) {
  EVP_PKEY_free(self->key);
  X509_free(self->certificate);
  *self = (identity){NULL, NULL};
}

/* Takes the text out of a memory BIO, which is wiped and freed. */
static char *take_text(BIO *bio, bool good) {
  char *data = NULL;
  long len = bio == NULL ? 0 : BIO_get_mem_data(bio, &data);
  char *text = good && len > 0 ? calloc(1, (size_t)len + 1) : NULL; /* no strndup: the data has no NUL */
  if (text != NULL) memcpy(text, data, (size_t)len);
  if (len > 0) explicit_bzero(data, (size_t)len);
  BIO_free(bio);
  return text;
}

char *identity_certificate_pem(const identity *self) {
  BIO *bio = BIO_new(BIO_s_mem());
  return take_text(bio, bio != NULL && PEM_write_bio_X509(bio, self->certificate) == 1);
}

char *identity_key_pem(const identity *self) {
  BIO *bio = BIO_new(BIO_s_secmem());
  return take_text(bio, bio != NULL && PEM_write_bio_PrivateKey(bio, self->key, NULL, NULL, 0, NULL, NULL) == 1);
}
