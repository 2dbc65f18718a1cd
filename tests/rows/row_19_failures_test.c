/* SPDX-License-Identifier: MIT */
/* Row 19, what takes more than a scripted answer: name look-ups, running out of descriptors, and a server that does not read. */
#include <arpa/inet.h>
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

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static const char *dead_address; /* that localhost has too, and first; NULL: it has none */

static int look_up_both(look_up *real, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  struct addrinfo any = hints == NULL ? (struct addrinfo){0} : *hints, *live = NULL;
  any.ai_family = AF_UNSPEC;
  int result = real(dead_address, service, &any, out);
  if (result == 0) result = real("127.0.0.1", service, &any, &live);
  if (result != 0) return result;
  struct addrinfo *last = *out;
  while (last->ai_next != NULL) last = last->ai_next;
  last->ai_next = live;
  return 0;
}

/* The name service of this process, libraries included: names under .test are ours. */
TEST_STANDIN int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  look_up *real;
  TEST_REAL(real, "getaddrinfo");
  if (name != NULL && strcmp(name, "localhost") == 0 && dead_address != NULL) return look_up_both(real, service, hints, out);
  if (name != NULL && strcmp(name, "not-found.test") == 0) return EAI_NONAME;
  if (name != NULL && strcmp(name, "temporary.test") == 0) return EAI_AGAIN;
  if (name != NULL && strcmp(name, "failed.test") == 0) return EAI_FAIL;
  if (name != NULL && strcmp(name, "slow.test") == 0) usleep(1500 * 1000);
  if (name != NULL && strstr(name, ".test") != NULL) return real("127.0.0.1", service, hints, out);
  return real(name, service, hints, out);
}

/* Sockets of this process, libraries included, while it is set: with a send buffer that a request fills; or none at all. */
static bool small_buffers;
static int no_socket;

TEST_STANDIN int socket(int domain, int type, int protocol) {
  int (*real)(int, int, int);
  TEST_REAL(real, "socket");
  if (no_socket != 0 && (domain == AF_INET || domain == AF_INET6)) {
    errno = no_socket;
    return -1;
  }
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

/* The system has no memory for sockets, or no room for another open file. */
static void test_no_buffers_left(void **state) {
  static const struct {
    int number;
    const char *status;
  } rows[] = {{ENOBUFS, "PLQ_E_RESOURCE_SYSTEM"}, {ENOMEM, "PLQ_E_RESOURCE_SYSTEM"}, {ENFILE, "PLQ_E_RESOURCE_DESCRIPTORS"}};
  fixture *self = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fixture_serve(self, GOOD);
    fixture_connect(self, fixture_tls(), (fixture_options){FIXTURE_END});
    no_socket = rows[i].number;
    json_object *outcome = fixture_call(self);
    no_socket = 0;
    check(outcome, rows[i].status, "connect", "not_sent", 3);
    assert_string_equal(fixture_text(fixture_call(self), "status"), "PLQ_OK");
  }
}

/* Somebody listens on an address and never accepts, and the queue is full. False: this machine does not have the address. */
static bool make_deaf(int *fds, size_t count, const char *address, uint16_t port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
  const struct sockaddr *place = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  socklen_t len = is_v4 ? sizeof v4 : sizeof v6;
  if (!is_v4) assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
  for (size_t i = 0; i < count; i++) fds[i] = socket(place->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(fds[0], place, len) != 0 || listen(fds[0], 0) != 0) return false;
  for (size_t i = 1; i < count; i++) (void)connect(fds[i], place, len);
  return true;
}

/* A name that has a dead address first, and then the live one, which answers before the limit is over if it is asked. */
static void check_dead_and_live(fixture *self, const char *address, bool deaf, const char *status) {
  int fds[8];
  fixture_serve(self, GOOD);
  if (deaf && !make_deaf(fds, 8, address, test_server_port(self->server))) {
    print_message("[  SKIPPED ] this machine does not have the address %s\n", address);
    skip();
  }
  fixture_connect(
      self, fixture_tls(),
      (fixture_options){
          {"base_url", "https://localhost:{port}/api"}, {"max_repeats", "0"}, {"connect_timeout_ms", "2000"}, FIXTURE_END});
  dead_address = address;
  json_object *outcome = fixture_call(self);
  dead_address = NULL;
  for (size_t i = 0; deaf && i < 8; i++) close(fds[i]);
  if (strcmp(fixture_text(outcome, "status"), status) != 0) print_error("%s\n", json_object_to_json_string(outcome));
  assert_string_equal(fixture_text(outcome, "status"), status);
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), strcmp(status, "PLQ_OK") == 0);
  assert_int_equal(test_server_connections(self->server), strcmp(status, "PLQ_OK") == 0);
}

static void test_refused_and_live_address(void **state) {
  check_dead_and_live(*state, "127.0.0.3", false, "PLQ_OK");
  check_dead_and_live(*state, "::1", false, "PLQ_OK");
}

static void test_deaf_and_live_address(void **state) {
  check_dead_and_live(*state, "::1", true, "PLQ_OK");
}

/* libcurl tries a second address of the same kind only after half of its own limit, which is far above ours: a known gap. */
static void test_deaf_and_live_address_of_one_kind(void **state) {
  fixture *self = *state;
  bool races = strcmp(fixture_tls(), "curl") != 0;
  check_dead_and_live(self, "127.0.0.2", true, races ? "PLQ_OK" : "PLQ_E_TIMEOUT_CONNECT");
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

/* The server has heard enough: it says no to a request that is still being written, and reads no further. */
static void test_early_answer(void **state) {
  fixture *self = *state;
  fixture_serve(self,
                "[{\"status\":413,\"headers\":[[\"Connection\",\"close\"]],\"body\":\"{}\",\"end\":\"close\",\"early\":true}]");
  fixture_connect(self, fixture_tls(), (fixture_options){{"timeout_ms", "4000"}, {"max_repeats", "0"}, FIXTURE_END});
  call_large(self);
  if (fixture_number(self->outcome.json, "http_status") != 413)
    print_error("%s\n", json_object_to_json_string(self->outcome.json));
  assert_string_equal(fixture_text(self->outcome.json, "status"), "PLQ_E_HTTP_CLIENT");
  assert_int_equal(fixture_number(self->outcome.json, "http_status"), 413);
  assert_string_equal(fixture_text(self->outcome.json, "delivery"), "answered");
  fixture_stop(self);
  assert_int_equal(fixture_requests(self), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_resolve, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_resolved_name_is_verified, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_slow_look_up, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_no_descriptor_left, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_no_descriptor_left_for_a_socket, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_no_buffers_left, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_refused_and_live_address, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_deaf_and_live_address, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_deaf_and_live_address_of_one_kind, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_early_answer, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_server_does_not_read, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(test_reset_while_sending, fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests_name("row 19: failures", tests, NULL, NULL);
}
