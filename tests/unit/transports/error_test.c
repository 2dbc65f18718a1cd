/* SPDX-License-Identifier: MIT */
/* From errno, X509_V_ERR_* and SSL_R_* to statuses. */
#include <errno.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include "support.h"

static void sets_all_of_it(void **state) {
  plq_transport_error error;
  (void)state;
  memset(&error, 0xff, sizeof error);
  error.struct_size = sizeof error;
  plqt_error_set(&error, PLQ_E_CONNECT_REFUSED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, ECONNREFUSED, 42, "port %d", 443);
  assert_int_equal(error.status, PLQ_E_CONNECT_REFUSED);
  assert_int_equal(error.phase, PLQ_PHASE_CONNECT);
  assert_int_equal(error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(error.os_errno, ECONNREFUSED);
  assert_int_equal(error.reserved, 0);
  assert_int_equal(error.plugin_code, 42);
  assert_string_equal(error.message, "port 443");
}

static void stays_inside_of_it(void **state) {
  char text[400];
  plq_transport_error error = {.struct_size = sizeof error - 1};
  (void)state;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  plqt_error_set(&error, PLQ_E_PIN, 0, 0, 0, 0, "%s", text);
  assert_int_equal(error.status, 0); /* an older caller's: smaller than what would be written */
  error.struct_size = sizeof error;
  plqt_error_set(&error, PLQ_E_PIN, 0, 0, 0, 0, "%s", text);
  assert_int_equal(strlen(error.message), sizeof error.message - 1);
  plqt_error_set(NULL, PLQ_E_PIN, 0, 0, 0, 0, "nobody listens");
}

static void of_the_system(void **state) {
  static const struct {
    int os_errno;
    int32_t connect, lack;
  } rows[] = {
      {ECONNREFUSED, PLQ_E_CONNECT_REFUSED, PLQ_E_RESOURCE_SYSTEM},
      {ENETUNREACH, PLQ_E_CONNECT_UNREACHABLE, PLQ_E_RESOURCE_SYSTEM},
      {EHOSTUNREACH, PLQ_E_CONNECT_UNREACHABLE, PLQ_E_RESOURCE_SYSTEM},
      {ENETDOWN, PLQ_E_CONNECT_UNREACHABLE, PLQ_E_RESOURCE_SYSTEM},
      {EHOSTDOWN, PLQ_E_CONNECT_UNREACHABLE, PLQ_E_RESOURCE_SYSTEM},
      {EMFILE, PLQ_E_RESOURCE_DESCRIPTORS, PLQ_E_RESOURCE_DESCRIPTORS},
      {ENFILE, PLQ_E_RESOURCE_DESCRIPTORS, PLQ_E_RESOURCE_DESCRIPTORS},
      {ENOBUFS, PLQ_E_RESOURCE_SYSTEM, PLQ_E_RESOURCE_SYSTEM},
      {ENOMEM, PLQ_E_RESOURCE_SYSTEM, PLQ_E_RESOURCE_SYSTEM},
      {EADDRNOTAVAIL, PLQ_E_RESOURCE_SYSTEM, PLQ_E_RESOURCE_SYSTEM},
      {ECONNRESET, PLQ_E_CONNECT_FAILED, PLQ_E_RESOURCE_SYSTEM},
      {0, PLQ_E_CONNECT_FAILED, PLQ_E_RESOURCE_SYSTEM},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    EXPECT_ROW(plqt_status_of_connect(rows[i].os_errno) == rows[i].connect, strerror(rows[i].os_errno));
    EXPECT_ROW(plqt_status_of_lack(rows[i].os_errno) == rows[i].lack, strerror(rows[i].os_errno));
  }
  expect_rows_end();
}

static void of_verification(void **state) {
  static const struct {
    int code;
    int32_t status;
  } rows[] = {
      {X509_V_ERR_CERT_HAS_EXPIRED, PLQ_E_VERIFY_EXPIRED},
      {X509_V_ERR_CERT_NOT_YET_VALID, PLQ_E_VERIFY_NOT_YET_VALID},
      {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, PLQ_E_VERIFY_UNTRUSTED},
      {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, PLQ_E_VERIFY_UNTRUSTED},
      {X509_V_ERR_HOSTNAME_MISMATCH, PLQ_E_VERIFY_HOST},
      {X509_V_ERR_IP_ADDRESS_MISMATCH, PLQ_E_VERIFY_HOST},
      {X509_V_ERR_CERT_REVOKED, PLQ_E_VERIFY_REVOKED},
      {X509_V_ERR_UNABLE_TO_GET_CRL, PLQ_E_VERIFY_REVOCATION_UNKNOWN},
      {X509_V_ERR_CRL_HAS_EXPIRED, PLQ_E_VERIFY_REVOCATION_UNKNOWN},
      {X509_V_ERR_INVALID_PURPOSE, PLQ_E_VERIFY_PURPOSE},
      {X509_V_ERR_EE_KEY_TOO_SMALL, PLQ_E_VERIFY_WEAK},
      {X509_V_ERR_CA_MD_TOO_WEAK, PLQ_E_VERIFY_WEAK},
      {X509_V_ERR_PERMITTED_VIOLATION, PLQ_E_VERIFY_NAME_CONSTRAINT},
      {X509_V_ERR_CERT_CHAIN_TOO_LONG, PLQ_E_VERIFY_CHAIN},
      {X509_V_OK, PLQ_E_VERIFY_CHAIN}, /* whoever asks has failed */
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++)
    EXPECT_ROW(plqt_status_of_verify(rows[i].code) == rows[i].status, X509_verify_cert_error_string(rows[i].code));
  expect_rows_end();
}

#define ALERT(number) (SSL_AD_REASON_OFFSET + (number))

static void of_handshakes(void **state) {
  static const struct {
    int reason;
    bool certificate_seen;
    int32_t status;
    const char *text;
  } rows[] = {
      {SSL_R_UNSUPPORTED_PROTOCOL, false, PLQ_E_TLS_VERSION, "unsupported protocol"},
      {SSL_R_WRONG_VERSION_NUMBER, false, PLQ_E_TLS_NOT_TLS, "wrong version number"},
      {SSL_R_HTTP_REQUEST, false, PLQ_E_TLS_NOT_TLS, "http request"},
      {SSL_R_WRONG_CIPHER_RETURNED, false, PLQ_E_TLS_CIPHER, "wrong cipher"},
      {SSL_R_BAD_RECORD_TYPE, true, PLQ_E_TLS_RECORD, "bad record"},
      {SSL_R_UNEXPECTED_EOF_WHILE_READING, false, PLQ_E_TLS_HANDSHAKE_EOF, "end"},
      {SSL_R_BAD_SIGNATURE, true, PLQ_E_TLS_HANDSHAKE, "any other"},
      {ALERT(40), false, PLQ_E_TLS_CIPHER, "handshake_failure before the server chose"},
      {ALERT(40), true, PLQ_E_TLS_ALERT, "handshake_failure after it"},
      {ALERT(70), true, PLQ_E_TLS_VERSION, "protocol_version"},
      {ALERT(71), true, PLQ_E_TLS_CIPHER, "insufficient_security"},
      {ALERT(80), false, PLQ_E_TLS_ALERT, "internal_error"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++)
    EXPECT_ROW(plqt_status_of_tls(rows[i].reason, rows[i].certificate_seen) == rows[i].status, rows[i].text);
  expect_rows_end();
}

static void explains(void **state) {
  static const int32_t silent[] = {PLQ_OK, PLQ_E_CONNECT_REFUSED, PLQ_E_VERIFY_HOST, -1};
  (void)state;
  assert_non_null(strstr(plqt_explain(PLQ_E_TIMEOUT_TLS), "tls_timeout_ms"));
  assert_non_null(strstr(plqt_explain(PLQ_E_TIMEOUT_CONNECT), "connect_timeout_ms"));
  assert_string_equal(plqt_explain(PLQ_E_CANCELLED), "cancelled");
  for (size_t i = 0; i < COUNT(silent); i++) assert_null(plqt_explain(silent[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sets_all_of_it),  cmocka_unit_test(stays_inside_of_it), cmocka_unit_test(of_the_system),
      cmocka_unit_test(of_verification), cmocka_unit_test(of_handshakes),      cmocka_unit_test(explains),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
