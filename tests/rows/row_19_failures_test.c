/* SPDX-License-Identifier: MIT */
/* Row 19, what takes more than a scripted answer: name look-ups, running out of descriptors, and a server that does not read. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "standin.h"

#define GOOD "[{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-0019\\\"}\"}]"

/* The name service of this process, libraries included: names under .test are ours. */
TEST_STANDIN int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  TEST_REAL(real, "getaddrinfo");
  if (name != NULL && strcmp(name, "not-found.test") == 0) return EAI_NONAME;
  if (name != NULL && strcmp(name, "temporary.test") == 0) return EAI_AGAIN;
  if (name != NULL && strcmp(name, "failed.test") == 0) return EAI_FAIL;
  if (name != NULL && strcmp(name, "slow.test") == 0) usleep(1500 * 1000);
  if (name != NULL && strstr(name, ".test") != NULL) return real("127.0.0.1", service, hints, out);
  return real(name, service, hints, out);
}

/* Sockets of this process, libraries included, while it is set: with a send buffer that a request fills. */
static bool small_buffers;

TEST_STANDIN int socket(int domain, int type, int protocol) {
  int (*real)(int, int, int);
  TEST_REAL(real, "socket");
  int fd = real(domain, type, protocol), small = 4096;
  if (fd >= 0 && small_buffers) (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  return fd;
}

static void check(json_object *outcome, const char *status, const char *phase, const char *delivery, int attempts) {
  if (strcmp(fixture_text(outcome, "status"), status) != 0) print_error("%s\n", json_object_to_json_string(outcome));
  assert_string_equal(fixture_text(outcome, "status"), status);
  assert_string_equal(fixture_text(outcome, "phase"), phase);
  assert_string_equal(fixture_text(outcome, "delivery"), delivery);
  assert_int_equal(fixture_number(outcome, "attempts"), attempts);
  assert_string_not_equal(fixture_text(outcome, "message"), "");
}

static void test_resolve(void **state) {
  static const struct {
    const char *url, *status;
    int attempts;
  } rows[] = {{"https://not-found.test:{port}/api", "PLQ_E_RESOLVE_NOT_FOUND", 1},
              {"https://temporary.test:{port}/api", "PLQ_E_RESOLVE_TEMPORARY", 3},
              {"https://failed.test:{port}/api", "PLQ_E_RESOLVE_FAILED", 3}};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fixture_serve(self, GOOD);
    fixture_connect(self, fixture_tls(), (fixture_options){{"base_url", rows[i].url}, FIXTURE_END});
    check(fixture_call(self), rows[i].status, "resolve", "not_sent", rows[i].attempts);
    fixture_stop(self);
    assert_int_equal(test_server_connections(self->server), 0);
  }
}

/* The name is looked up, and the certificate is held to the name that was asked for. */
static void test_resolved_name_is_verified(void **state) {
  fixture *self = *state;
  fixture_serve(self, GOOD);
  fixture_connect(self, fixture_tls(), (fixture_options){{"base_url", "https://good.test:{port}/api"}, FIXTURE_END});
  check(fixture_call(self), "PLQ_E_VERIFY_HOST", "tls", "not_sent", 1);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 0);
}

static void test_slow_look_up(void **state) {
  fixture *self = *state;
  fixture_serve(self, GOOD);
  fixture_connect(
      self, fixture_tls(),
      (fixture_options){
          {"base_url", "https://slow.test:{port}/api"}, {"resolve_timeout_ms", "200"}, {"max_repeats", "0"}, FIXTURE_END});
  check(fixture_call(self), "PLQ_E_TIMEOUT_RESOLVE", "resolve", "not_sent", 1);
  fixture_connect(self, fixture_tls(),
                  (fixture_options){{"base_url", "https://slow.test:{port}/api"}, {"timeout_ms", "200"}, FIXTURE_END});
  check(fixture_call(self), "PLQ_E_TIMEOUT_TOTAL", "resolve", "not_sent", 1);
  usleep(2000 * 1000); /* a look-up that nobody waits for ends by itself */
}

static size_t count_descriptors(void) {
  size_t count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (folder != NULL && readdir(folder) != NULL) count++;
  if (folder != NULL) closedir(folder);
  return count;
}

/* The server is in this process: what it still closes would be a descriptor to be had. */
static void wait_for_quiet(void) {
  for (size_t before = 0, now = count_descriptors(); before != now; now = count_descriptors()) {
    before = now;
    usleep(100 * 1000);
  }
}

static json_object *call_without_descriptors(fixture *self) {
  struct rlimit before, low;
  int held[256];
  size_t count = 0;
  wait_for_quiet();
  getrlimit(RLIMIT_NOFILE, &before);
  low = before;
  low.rlim_cur = 128;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  while (count < 256 && (held[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) count++;
  assert_int_equal(errno, EMFILE);
  json_object *outcome = fixture_call(self);
  while (count > 0) close(held[--count]);
  setrlimit(RLIMIT_NOFILE, &before);
  return outcome;
}

static void test_no_descriptor_left(void **state) {
  fixture *self = *state;
  fixture_serve(self, GOOD);
  fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
  check(call_without_descriptors(self), "PLQ_E_RESOURCE_DESCRIPTORS", "connect", "not_sent", 3);
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
}

/* All is set up, and only the socket is lacking. */
static void test_no_descriptor_left_for_a_socket(void **state) {
  fixture *self = *state;
  fixture_serve(self, GOOD);
  fixture_connect(self, fixture_tls(), (fixture_options){{"connection_lifetime_ms", "0"}, FIXTURE_END});
  assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  check(call_without_descriptors(self), "PLQ_E_RESOURCE_DESCRIPTORS", "connect", "not_sent", 3);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
}

/* A request that is larger than the buffers on both sides. */
static void call_large(fixture *self) {
  test_bytes json = {0};
  test_bytes_text(&json, "{\"extra\":{\"a\":\"");
  for (int i = 0; i < 250 * 1024; i++) test_bytes_add(&json, "x", 1);
  test_bytes_text(&json, "\"}}");
  small_buffers = true;
  fixture_call_case(self, json.data);
  small_buffers = false;
  test_bytes_clear(&json);
}

static void test_server_does_not_read(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"before\":\"stall\"}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"timeout_ms", "700"}, FIXTURE_END});
  call_large(self);
  assert_string_equal(fixture_text(self->outcome.json, "kind"), "timeout");
  assert_string_equal(fixture_text(self->outcome.json, "phase"), "send");
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "maybe_sent");
}

static void test_reset_while_sending(void **state) {
  fixture *self = *state;
  fixture_serve(self, "[{\"before\":\"stall_rst\",\"delay_ms\":300}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"max_repeats", "0"}, FIXTURE_END});
  call_large(self);
  /* Whether it shows when writing (IO_SEND) or as a reset that was read is a race inside the kernel; the phase is not. */
  assert_string_equal(fixture_text(self->outcome.json, "kind"), "io");
  check(self->outcome.json, fixture_text(self->outcome.json, "status"), "send", "maybe_sent", 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_resolve, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_resolved_name_is_verified, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_slow_look_up, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_no_descriptor_left, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_no_descriptor_left_for_a_socket, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_server_does_not_read, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_reset_while_sending, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 19: failures", tests, NULL, NULL);
}
