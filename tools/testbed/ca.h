/* SPDX-License-Identifier: MIT */
/* A CA that lives as long as one test program, and servers' certificates, good and bad, made when they are asked for. */
#ifndef TEST_CA_H
#define TEST_CA_H

#include <openssl/ssl.h>

typedef struct test_ca test_ca;

test_ca *test_ca_new(void);
void test_ca_free(test_ca *ca);

/*
 * The PEM file of the CA's certificate, and the temporary folder that it lies in; both go with test_ca_free(). In the folder are
 * also intermediate.pem (the CA between it and some servers), crl.pem (what the CA revoked), crl_outdated.pem, and crl_other.pem
 * (of another CA).
 */
const char *test_ca_file(const test_ca *ca);
const char *test_ca_folder(const test_ca *ca);

/*
 * Makes a server's context with a certificate of a kind: good (localhost, 127.0.0.1, ::1), wrong_host, expired, not_yet_valid,
 * self_signed, untrusted (of another CA), cn_only, client_only, weak_key, sha1, wildcard (*.plastiq.test), wildcard_top_level
 * (*.test), wildcard_partial (a*.plastiq.test), ip_as_name (127.0.0.1 as a DNS name), intermediate (with its issuer's
 * certificate), missing_intermediate (without), constrained (the issuer may not vouch for these names), revoked (as crl.pem
 * says); or with a good one and tls_old (at most TLS 1.1), tls_1_0, tls_1_2 or no_cipher (none that a client offers).
 */
SSL_CTX *test_ca_server(const test_ca *ca, const char *kind);

/* The pin of the good certificate's public key, as the option `pins` wants it: sha256//BASE64. Static until the next call. */
const char *test_ca_pin(const test_ca *ca);

#endif
