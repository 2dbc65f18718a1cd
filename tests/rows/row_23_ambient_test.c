/* SPDX-License-Identifier: MIT */
/*
 * Row 23: .netrc, .curlrc, cookies, proxy and CA variables of the environment are ignored. main() makes a hostile home and
 * environment before anything of libcurl or OpenSSL has run.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "standin.h"

#define SECRET "\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0023\\\"}\""

static char home[512];
static const char *const files[][2] = {
    {".netrc",
     "machine 127.0.0.1 login intruder password test-key-intruder\nmachine localhost login intruder password test-key-intruder\n"
     "default login intruder password test-key-intruder\n"},
    {".curlrc", "header = \"X-Intruder: curlrc\"\nproxy = http://127.0.0.1:1\nuser-agent = intruder\ninsecure\nnetrc\n"},
    {".config/curlrc", "header = \"X-Intruder: curlrc\"\nproxy = http://127.0.0.1:1\n"},
};

static void make_hostile_surroundings(void) {
  static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
  char path[600];
  test_folder_new(home, sizeof home);
  snprintf(path, sizeof path, "%s/.config", home);
  (void)mkdir(path, 0700);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", home, files[i][0]);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(files[i][1], file) < 0 || fclose(file) != 0) test_die("cannot write %s", path);
    (void)chmod(path, 0600);
  }
  for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) setenv(proxies[i], "http://127.0.0.1:1", 1);
  setenv("HOME", home, 1);
  setenv("CURL_HOME", home, 1);
  snprintf(path, sizeof path, "%s/.netrc", home);
  setenv("NETRC", path, 1);
  snprintf(path, sizeof path, "%s/.config", home);
  setenv("XDG_CONFIG_HOME", path, 1);
  unsetenv("no_proxy");
  unsetenv("NO_PROXY");
}

static void remove_hostile_surroundings(void) {
  char path[600];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", home, files[i][0]);
    (void)unlink(path);
  }
  snprintf(path, sizeof path, "%s/.config", home);
  (void)rmdir(path);
  (void)rmdir(home);
}

/* Files of that home that this process, libraries included, opens to read: libcurl reads .netrc even where it changes nothing. */
static size_t surroundings_read;

TEST_STANDIN FILE *fopen(const char *path, const char *mode) {
  static FILE *(*real)(const char *, const char *);
  TEST_REAL(real, "fopen");
  surroundings_read += mode[0] == 'r' && strncmp(path, home, strlen(home)) == 0;
  return real(path, mode);
}

static void check_good(fixture *self) {
  json_object *outcome = fixture_call(self);
  if (strcmp(fixture_text(outcome, "status"), "PLQ_OK") != 0) print_error("%s\n", json_object_to_json_string(outcome));
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_OK");
}

/* What a request must look like, whatever lies around. */
static void check_request(const fixture *self, size_t index) {
  assert_string_equal(fixture_header(self, index, "Authorization"), "Bearer test-key-0001");
  assert_null(fixture_header(self, index, "X-Intruder"));
  assert_null(fixture_header(self, index, "Cookie"));
  assert_null(fixture_header(self, index, "Proxy-Authorization"));
  assert_true(strncmp(fixture_header(self, index, "User-Agent"), "libplastiq/", 11) == 0);
}

static void test_surroundings_are_ignored(void **state) {
  static const char *const urls[] = {"https://127.0.0.1:{port}/api", "https://localhost:{port}/api"};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    fixture_serve(self, "[{\"status\":200," SECRET "}]");
    fixture_connect(self, fixture_tls(), (fixture_options){{"base_url", urls[i]}, FIXTURE_END});
    check_good(self);
    fixture_stop(self);
    check_request(self, 0);
  }
  assert_int_equal(surroundings_read, 0);
}

/* .netrc has an answer to a 401; the library has none. */
static void test_netrc_is_no_second_token(void **state) {
  fixture *self = *state;
  fixture_serve(self,
                "[{\"status\":401,\"headers\":[[\"WWW-Authenticate\",\"Basic realm=x\"]],\"body\":\"{}\"},{\"status\":200," SECRET
                "}]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_HTTP_UNAUTHORIZED");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
  check_request(self, 0);
}

static void test_cookies_are_not_kept(void **state) {
  fixture *self = *state;
  fixture_serve(self,
                "[{\"status\":200,\"headers\":[[\"Set-Cookie\",\"intruder=1; Path=/\"],[\"Set-Cookie\",\"b=2; Secure\"]]," SECRET
                "},{\"status\":503,\"headers\":[[\"Set-Cookie\",\"c=3\"]]},{\"status\":200," SECRET "}]");
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  check_good(self);
  check_good(self);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 3);
  for (size_t i = 0; i < 3; i++) check_request(self, i);
}

/* An option asks for a proxy: that one is used, and not the environment's. */
static void test_option_asks_for_a_proxy(void **state) {
  fixture *self = *state;
  if (strcmp(fixture_tls(), "openssl") == 0) return; /* it refuses to have one: vector row-19/proxy-is-refused-not-bypassed */
  fixture_serve(self, "[{\"raw\":\"HTTP/1.1 403 Forbidden\\r\\nContent-Length: 0\\r\\n\\r\\n\",\"end\":\"close\"}]");
  self->script->certificate = NULL;
  test_server_free(self->server);
  self->server = test_server_new(self->ca, self->script);
  fixture_connect(self, fixture_tls(),
                  (fixture_options){{"base_url", "https://plastiq.test/api"}, {"proxy", "http://127.0.0.1:{port}"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_E_PROXY_STATUS");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
  assert_string_equal(fixture_text(fixture_request(self, 0), "method"), "CONNECT");
  assert_null(fixture_header(self, 0, "Authorization"));
}

/* The environment cannot make anybody trust a CA. */
static void test_ca_of_the_environment(void **state) {
  static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) setenv(names[i], test_ca_file(self->ca), 1);
  setenv("SSL_CERT_DIR", test_ca_folder(self->ca), 1);
  fixture_serve(self, "[{\"status\":200," SECRET "}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"ca_file", NULL}, FIXTURE_END});
  json_object *outcome = fixture_call(self);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
  unsetenv("SSL_CERT_DIR");
  assert_string_equal(fixture_text(outcome, "status"), "PLQ_E_VERIFY_UNTRUSTED");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_surroundings_are_ignored, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_netrc_is_no_second_token, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_cookies_are_not_kept, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_option_asks_for_a_proxy, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_ca_of_the_environment, fixture_setup, fixture_teardown),
  };
  make_hostile_surroundings();
  int failed = cmocka_run_group_tests_name("row 23: surroundings", tests, NULL, NULL);
  remove_hostile_surroundings();
  return failed;
}
