/* SPDX-License-Identifier: MIT */
/* X.509 certificates, made with libcrypto: ECDSA on P-256. */
#ifndef PLASTIQ_EMULATOR_AUTHORITY_H
#define PLASTIQ_EMULATOR_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* A certificate and its key. */
typedef struct identity {
  EVP_PKEY *key;
  X509 *certificate;
} identity;

typedef struct extension {
  int nid;
  const char *value; /* in the notation of OpenSSL's configuration */
} extension;

/* Makes a key and a certificate for it; issuer NULL: signs itself. The extensions end with nid 0. */
bool identity_make(identity *out, const identity *issuer, const char *name, int valid_days, const extension *extensions);
void identity_clear(identity *self);

/* Each as PEM text, to be freed by file_free(); NULL: failed. */
char *identity_certificate_pem(const identity *self);
char *identity_key_pem(const identity *self);

#endif
