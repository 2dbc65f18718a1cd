/* SPDX-License-Identifier: MIT */
/* OpenSSL without its exit handler, and files that hold nothing of use. With certificates: tests/rows. */
#include <errno.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* ---- the exit handler ---- */

static const char *program; /* under valgrind /proc/self/exe is valgrind */

static void note_cleanup(void) {
  _exit(9);
}

/* A program of its own: cmocka takes an exit() inside of a test for its own business. What OPENSSL_atexit() was given runs when
 * OpenSSL cleans up, and only if it does. */
static int exit_with_openssl(bool set_up) {
  if (set_up && !plqt_tls_setup()) return 2;
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == NULL || OPENSSL_atexit(note_cleanup) != 1) return 3;
  SSL_CTX_free(ctx);
  return 7;
}

static int status_of_exit(const char *how) {
  int status;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    execl(program, program, how, (char *)NULL);
    _exit(127);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void openssl_stays_at_exit(void **state) {
  (void)state;
  assert_int_equal(status_of_exit("plain"), 9); /* that is what would happen */
  assert_int_equal(status_of_exit("set up"), 7);
}

static void *set_up_once(void *argument) {
  _Atomic int *ready = argument;
  *ready += plqt_tls_setup();
  return NULL;
}

static void is_set_up_by_many(void **state) {
  static _Atomic int ready;
  pthread_t threads[8];
  (void)state;
  for (size_t i = 0; i < COUNT(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, set_up_once, &ready), 0);
  for (size_t i = 0; i < COUNT(threads); i++) pthread_join(threads[i], NULL);
  assert_int_equal(ready, COUNT(threads));
}

/* ---- files ---- */

static char folder[200], empty[220], links[220];

static int make_files(void **state) {
  char path[240];
  (void)state;
  temporary_folder(folder, sizeof folder);
  snprintf(empty, sizeof empty, "%s/empty.pem", folder);
  snprintf(links, sizeof links, "%s/links", folder);
  snprintf(path, sizeof path, "%s/0123abcd.0", links);
  FILE *file = fopen(empty, "w");
  if (file == NULL || fclose(file) != 0 || mkdir(links, 0700) != 0) return 1;
  return symlink(empty, path);
}

static int remove_files(void **state) {
  char path[240];
  (void)state;
  snprintf(path, sizeof path, "%s/0123abcd.0", links);
  return unlink(path) + rmdir(links) + unlink(empty) + rmdir(folder);
}

static void trust_that_is_none(void **state) {
  static const char nowhere[] = "/nowhere/at-all.pem";
  const struct {
    const char *ca_file, *ca_dir, *crl_file;
    int32_t status;
    int os_errno;
    const char *message; /* a part of it */
  } rows[] = {
      {NULL, NULL, NULL, PLQ_OK, 0, ""},
      {NULL, links, NULL, PLQ_OK, 0, ""},
      {nowhere, NULL, NULL, PLQ_E_TRUST, ENOENT, "ca_file /nowhere/at-all.pem: No such file"},
      {empty, NULL, NULL, PLQ_E_TRUST, 0, "ca_file "},
      {NULL, nowhere, NULL, PLQ_E_TRUST, ENOENT, "ca_dir /nowhere/at-all.pem: No such file"},
      {NULL, empty, NULL, PLQ_E_TRUST, ENOTDIR, "ca_dir "},
      {NULL, folder, NULL, PLQ_E_TRUST, 0, "openssl rehash"},
      {NULL, NULL, nowhere, PLQ_E_REVOCATION_LIST, ENOENT, "crl_file /nowhere/at-all.pem: No such file"},
      {NULL, NULL, empty, PLQ_E_REVOCATION_LIST, 0, "crl_file "},
  };
  (void)state;
  assert_true(plqt_tls_setup());
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_transport_error error = {.struct_size = sizeof error};
    X509_STORE *store = X509_STORE_new();
    ERR_clear_error();
    int32_t status = plqt_trust_load(store, rows[i].ca_file, rows[i].ca_dir, rows[i].crl_file, &error);
    EXPECT_ROW(status == rows[i].status && error.status == rows[i].status, rows[i].message);
    EXPECT_ROW(strstr(error.message, rows[i].message) != NULL, error.message);
    if (rows[i].os_errno != 0) EXPECT_ROW(error.os_errno == rows[i].os_errno, error.message);
    X509_STORE_free(store);
  }
  ERR_clear_error();
  expect_rows_end();
}

/* A chain may end below a root, but not where revocation is checked along it. */
static void flags_of_a_store(void **state) {
  plq_transport_error error = {.struct_size = sizeof error};
  X509_STORE *store = X509_STORE_new();
  (void)state;
  assert_int_equal(plqt_trust_load(store, NULL, NULL, NULL, &error), PLQ_OK);
  unsigned long flags = X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store));
  assert_true((flags & X509_V_FLAG_TRUSTED_FIRST) != 0 && (flags & X509_V_FLAG_PARTIAL_CHAIN) != 0);
  X509_STORE_free(store);
  store = X509_STORE_new();
  assert_int_equal(plqt_trust_load(store, NULL, NULL, empty, &error), PLQ_E_REVOCATION_LIST);
  assert_true((X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store)) & X509_V_FLAG_PARTIAL_CHAIN) == 0);
  X509_STORE_free(store);
  ERR_clear_error();
}

static void identity_that_is_none(void **state) {
  char password[] = "test-secret-1";
  plq_transport_error error = {.struct_size = sizeof error};
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  (void)state;
  assert_int_equal(plqt_identity_load(ctx, empty, NULL, password, &error), PLQ_E_CLIENT_CERTIFICATE);
  assert_non_null(strstr(error.message, "client_certificate_file"));
  assert_null(strstr(error.message, password));
  assert_null(SSL_CTX_get_default_passwd_cb_userdata(ctx)); /* it is wiped with the options */
  SSL_CTX_free(ctx);
  ERR_clear_error();
}

/* ---- certificates ---- */

static void describes_time(void **state) {
  X509 *certificate = X509_new();
  char text[160];
  (void)state;
  assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), 0));
  assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), 86400));
  plqt_describe_time(certificate, X509_V_ERR_CERT_HAS_EXPIRED, text, sizeof text);
  assert_non_null(strstr(text, "not valid after 1970-01-02T00:00:00Z; local_time 2"));
  plqt_describe_time(certificate, X509_V_ERR_CERT_NOT_YET_VALID, text, sizeof text);
  assert_non_null(strstr(text, "not valid before 1970-01-01T00:00:00Z; local_time 2"));
  X509_free(certificate);
}

int main(int argc, char **argv) {
  if (argc > 1) return exit_with_openssl(strcmp(argv[1], "set up") == 0);
  program = argv[0];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(openssl_stays_at_exit), cmocka_unit_test(is_set_up_by_many),     cmocka_unit_test(trust_that_is_none),
      cmocka_unit_test(flags_of_a_store),      cmocka_unit_test(identity_that_is_none), cmocka_unit_test(describes_time),
  };
  return cmocka_run_group_tests(tests, make_files, remove_files);
}
