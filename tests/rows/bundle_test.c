/* SPDX-License-Identifier: MIT */
/* No CA bundle is read for a connection: it is opened when a client is made, and never again, however many connections follow. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "standin.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-bundle\\\"}\"}"

static const char *bundle;
static atomic_size_t opened;

static void note(const char *path) {
  if (bundle != NULL && strcmp(path, bundle) == 0) atomic_fetch_add(&opened, 1);
}

/* OpenSSL reads certificates by fopen(), and the core looks by open(). */
TEST_STANDIN FILE *fopen(const char *path, const char *mode) {
  static FILE *(*real)(const char *, const char *);
  TEST_REAL(real, "fopen");
  note(path);
  return real(path, mode);
}

TEST_STANDIN FILE *fopen64(const char *path, const char *mode) {
  static FILE *(*real)(const char *, const char *);
  TEST_REAL(real, "fopen64");
  note(path);
  return real(path, mode);
}

static size_t count_for(fixture *self, int connections) {
  fixture_serve(self, "[{\"copies\":20,\"of\":" GOOD "}]");
  bundle = test_ca_file(self->ca);
  atomic_store(&opened, 0);
  fixture_connect(self, fixture_tls(), (fixture_options){{"connection_lifetime_ms", "0"}, FIXTURE_END});
  for (int i = 0; i < connections; i++) assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_stop(self);
  assert_int_equal(test_server_connections(self->server), connections);
  bundle = NULL;
  return atomic_load(&opened);
}

static void test_bundle_is_read_once(void **state) {
  fixture *self = *state;
  size_t one = count_for(self, 1), many = count_for(self, 20);
  print_message("%s: the bundle was opened %zu times for 1 connection, %zu times for 20\n", fixture_tls(), one, many);
  assert_in_range(one, 1, 2);
  assert_int_equal(many, one);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_bundle_is_read_once, fixture_setup, fixture_teardown)};
  return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
