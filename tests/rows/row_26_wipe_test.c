/* SPDX-License-Identifier: MIT */
/*
 * Row 26: what was secret is gone from memory when it was freed. All that is looked for is random, and this program itself only
 * ever holds it masked or escaped.
 *
 * With the stub transport nothing at all may be left. libcurl keeps copies of the request's headers on the heap, which nobody can
 * wipe (docs/transports say so): with curl they are counted and shown, and only the library's own pages are held to be clean.
 * The secret comes escaped from the server, so that the plain one exists in the library alone: it must be gone with curl too.
 */
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "memory_scan.h"

typedef struct wipe {
  fixture *fixture;
  needle token, second_token, header, payer, secret;
  plq_client_id client;
  plq_request *request;
  int server_pipe; /* closing it ends the server's process */
  pid_t server;
  bool plain; /* the answer has the secret as it is: only where the server is another process */
} wipe;

static int setup(void **state) {
  wipe *self = test_alloc(sizeof *self);
  void *inner = NULL;
  fixture_setup(&inner);
  self->fixture = inner;
  needle_make(&self->token, 40);
  needle_make(&self->second_token, 40);
  needle_make(&self->header, 40);
  needle_make(&self->secret, 40);
  needle_make_uuid(&self->payer);
  self->server_pipe = -1;
  *state = self;
  return 0;
}

static int teardown(void **state) {
  wipe *self = *state;
  void *inner = self->fixture;
  plq_request_free(self->request);
  plq_client_free(self->client);
  if (self->server_pipe >= 0) {
    (void)close(self->server_pipe);
    (void)waitpid(self->server, NULL, 0);
  }
  fixture_teardown(&inner);
  free(self);
  return 0;
}

static void set_needle(plq_options *options, const char *key, const needle *value) {
  char text[80];
  needle_show(value, text);
  assert_int_equal(plq_options_set(options, key, PLQ_NUL, text, PLQ_NUL, NULL), PLQ_OK);
  plq_memzero(text, sizeof text);
}

/* One answer, with the secret escaped unless it is to be plain; an error has none. */
static void write_script(const wipe *self, int status, char *out, size_t size) {
  char escaped[512];
  char doubled[1024];
  char *at = doubled;
  if (self->plain)
    needle_show(&self->secret, escaped);
  else
    needle_show_escaped(&self->secret, escaped);
  for (const char *c = escaped; *c != '\0'; c++) { /* the body is JSON inside JSON */
    if (*c == '\\') *at++ = '\\';
    *at++ = *c;
  }
  *at = '\0';
  if (status == 200)
    snprintf(out, size, "[{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"%s\\\"}\"}]", doubled);
  else
    snprintf(out, size, "[{\"status\":%d,\"body\":\"{}\"},{\"status\":%d,\"body\":\"{}\"}]", status, status);
}

static void make_client_with(wipe *self, const char *transport, const char *script, const char *cassette, uint16_t port) {
  plq_options *options = NULL;
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%u/api", port);
  const char *const settings[][2] = {{"transport", transport},
                                     {"transport_dir", TEST_TRANSPORT_DIR},
                                     {"transport_path_check", "false"},
                                     {"allow_test_transports", "true"},
                                     {"max_repeats", "0"},
                                     {"base_url", url},
                                     {"ca_file", test_ca_file(self->fixture->ca)}};
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    assert_int_equal(plq_options_set(options, settings[i][0], PLQ_NUL, settings[i][1], PLQ_NUL, NULL), PLQ_OK);
  if (script != NULL) assert_int_equal(plq_options_set(options, "stub.script", PLQ_NUL, script, PLQ_NUL, NULL), PLQ_OK);
  if (cassette != NULL) {
    assert_int_equal(plq_options_set(options, "stub.cassette", PLQ_NUL, cassette, PLQ_NUL, NULL), PLQ_OK);
    assert_int_equal(plq_options_set(options, "stub.cassette_mode", PLQ_NUL, "record", PLQ_NUL, NULL), PLQ_OK);
    assert_int_equal(plq_options_set(options, "stub.record_over", PLQ_NUL, "openssl", PLQ_NUL, NULL), PLQ_OK);
  }
  set_needle(options, "access_token", &self->token);
  set_needle(options, "second_access_token", &self->second_token);
  assert_int_equal(plq_client_new(options, &self->client, NULL), PLQ_OK);
  plq_options_free(options);
}

static void make_client(wipe *self, const char *transport, const char *script, uint16_t port) {
  make_client_with(self, transport, script, NULL, port);
}

static void make_recording_client(wipe *self, const char *cassette, uint16_t port) {
  make_client_with(self, "stub", NULL, cassette, port);
}

static void make_stub_client(wipe *self, int status) {
  char script[2048];
  write_script(self, status, script, sizeof script);
  make_client(self, "stub", script, 443);
}

static void make_request(wipe *self) {
  char text[80];
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &self->request, NULL), PLQ_OK);
  needle_show(&self->payer, text);
  assert_int_equal(plq_request_set(self->request, "payer.id", PLQ_NUL, text, PLQ_NUL, NULL), PLQ_OK);
  needle_show(&self->header, text);
  assert_int_equal(plq_request_add_header(self->request, "End-User-Model", PLQ_NUL, text, PLQ_NUL, PLQ_HEADER_SENSITIVE, NULL),
                   PLQ_OK);
  plq_memzero(text, sizeof text);
}

static plq_response *call(wipe *self) {
  plq_response *response = NULL;
  plq_error *error = NULL;
  int32_t status = plq_call(self->client, self->request, &response, &error);
  if (status != PLQ_OK) print_error("%s: %s\n", plq_status_name(status), plq_error_message(error, NULL));
  plq_error_free(error);
  assert_int_equal(status, PLQ_OK);
  return response;
}

static void let_go(wipe *self) {
  plq_request_free(self->request);
  plq_client_free(self->client);
  self->request = NULL;
  self->client = 0;
}

static void expect_nothing(const char *what, const needle *wanted) {
  scan_result found = scan_memory(wanted);
  if (found.hits > 0) fail_msg("%zu copies of the %s are left", found.hits, what);
}

static void expect_nothing_at_all(const wipe *self) {
  expect_nothing("access token", &self->token);
  expect_nothing("second access token", &self->second_token);
  expect_nothing("sensitive header", &self->header);
  expect_nothing("secret", &self->secret);
}

/* The control: what is alive is found, and lies where no core dump will have it. */
static void test_what_is_alive_is_found(void **state) {
  wipe *self = *state;
  make_stub_client(self, 200);
  make_request(self);
  plq_response *response = call(self);
  scan_result secret = scan_memory(&self->secret), token = scan_memory(&self->token);
  plq_response_free(response);
  assert_in_range(secret.hits, 1, 8);
  assert_in_range(token.hits, 1, 8);
  if (plq_features() & PLQ_FEATURE_DONTDUMP) {
    assert_int_equal(secret.dumped, 0);
    assert_int_equal(token.dumped, 0);
  }
}

static void test_read_and_freed(void **state) {
  wipe *self = *state;
  plq_secret *secret = NULL;
  const char *bytes = NULL;
  size_t len = 0;
  make_stub_client(self, 200);
  make_request(self);
  plq_response *response = call(self);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_OK);
  assert_int_equal(len, self->secret.len);
  plq_response_free(response);
  plq_secret_free(secret);
  expect_nothing("secret", &self->secret);
  let_go(self);
  expect_nothing_at_all(self);
}

/* Fields are no secrets, and a call leaves them in json-c's buffers; but a request wipes its own copies. */
static void test_request_without_a_call(void **state) {
  wipe *self = *state;
  make_request(self);
  assert_in_range(scan_memory(&self->payer).hits, 1, 4);
  let_go(self);
  expect_nothing("payer id", &self->payer);
  expect_nothing("sensitive header", &self->header);
}

/* Taking wipes at once, before anything is freed. */
static void test_taken(void **state) {
  wipe *self = *state;
  plq_secret *secret = NULL;
  char buffer[80];
  size_t len = 0;
  make_stub_client(self, 200);
  make_request(self);
  plq_response *response = call(self);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
  assert_int_equal(plq_secret_take(secret, buffer, sizeof buffer, &len), PLQ_OK);
  plq_memzero(buffer, sizeof buffer);
  expect_nothing("secret", &self->secret);
  plq_secret_free(secret);
  plq_response_free(response);
  let_go(self);
  expect_nothing_at_all(self);
}

static void test_not_even_looked_at(void **state) {
  wipe *self = *state;
  make_stub_client(self, 200);
  make_request(self);
  plq_response_free(call(self));
  let_go(self);
  expect_nothing_at_all(self);
}

/* A 401, so that both tokens have been used; the error outlives all else and holds nothing. */
static void test_failed_call(void **state) {
  wipe *self = *state;
  plq_response *response = NULL;
  plq_error *error = NULL;
  make_stub_client(self, 401);
  make_request(self);
  assert_int_not_equal(plq_call(self->client, self->request, &response, &error), PLQ_OK);
  (void)plq_error_json(error, NULL);
  let_go(self);
  expect_nothing_at_all(self);
  plq_error_free(error);
}

static void test_replaced_tokens(void **state) {
  wipe *self = *state;
  make_stub_client(self, 200);
  make_request(self);
  plq_response_free(call(self));
  assert_int_equal(plq_client_set_tokens(self->client, "test-key-0001", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  expect_nothing("access token", &self->token);
  expect_nothing("second access token", &self->second_token);
}

static void pack_needle(msgpack_packer *packer, const needle *value) {
  char text[80];
  needle_show(value, text);
  msgpack_pack_str(packer, value->len);
  msgpack_pack_str_body(packer, text, value->len);
  plq_memzero(text, sizeof text);
}

static void pack_word(msgpack_packer *packer, const char *word) {
  msgpack_pack_str(packer, strlen(word));
  msgpack_pack_str_body(packer, word, strlen(word));
}

static void test_message(void **state) {
  wipe *self = *state;
  static char room[1024];
  msgpack_sbuffer buffer;
  msgpack_packer packer;
  uint8_t *reply = NULL;
  size_t reply_len = 0;
  make_stub_client(self, 200);
  msgpack_sbuffer_init(&buffer);
  buffer.data = room; /* never grows, so never moves */
  buffer.alloc = sizeof room;
  msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
  msgpack_pack_map(&packer, 4);
  pack_word(&packer, "v");
  msgpack_pack_int(&packer, PLQ_MESSAGE_VERSION);
  pack_word(&packer, "op");
  pack_word(&packer, "client_secrets.create");
  pack_word(&packer, "params");
  msgpack_pack_map(&packer, 1);
  pack_word(&packer, "payer.id");
  pack_needle(&packer, &self->payer);
  pack_word(&packer, "headers");
  msgpack_pack_map(&packer, 1);
  pack_word(&packer, "End-User-Model");
  pack_needle(&packer, &self->header);
  assert_int_equal(plq_call_message(self->client, (const uint8_t *)room, buffer.size, &reply, &reply_len), PLQ_OK);
  plq_memzero(room, sizeof room);
  assert_in_range(scan_memory(&self->secret).hits, 1, 8);
  plq_message_free(reply, reply_len);
  let_go(self);
  expect_nothing_at_all(self);
}

/* Runs the server in a process of its own: it has the request in its memory. Returns the port. */
static uint16_t start_server(wipe *self) {
  int stop[2], told[2];
  uint16_t port = 0;
  assert_int_equal(pipe(stop), 0);
  assert_int_equal(pipe(told), 0);
  self->server = fork();
  if (self->server == 0) {
    char script[2048], end;
    (void)close(stop[1]);
    write_script(self, 200, script, sizeof script);
    fixture_serve(self->fixture, script);
    port = test_server_port(self->fixture->server);
    if (write(told[1], &port, sizeof port) == sizeof port) (void)!read(stop[0], &end, 1);
    _exit(0);
  }
  (void)close(stop[0]);
  (void)close(told[1]);
  self->server_pipe = stop[1];
  assert_int_equal(read(told[0], &port, sizeof port), sizeof port);
  (void)close(told[0]);
  return port;
}

static void test_curl(void **state) {
  wipe *self = *state;
  make_client(self, "curl", NULL, start_server(self));
  make_request(self);
  plq_response *response = call(self);
  assert_in_range(scan_memory(&self->secret).hits, 1, 8);
  plq_response_free(response);
  let_go(self);
  expect_nothing("secret", &self->secret);
  expect_nothing("second access token", &self->second_token); /* which was never handed to libcurl */
  needle line = self->token; /* as the plugin hands it over: libcurl's own copies go on with a line end */
  line.masked[line.len++] = '\0' ^ 0x5a;
  expect_nothing("line with the access token", &line);
  scan_result token = scan_memory(&self->token);
  print_message("libcurl and OpenSSL left %zu copies of the access token\n", token.hits);
  assert_int_equal(token.hits, token.dumped); /* that is, none in the library's own pages */
}

/* Sockets and TLS of our own: nothing may be left anywhere. */
static void test_openssl(void **state) {
  wipe *self = *state;
  self->plain = true;
  make_client(self, "openssl", NULL, start_server(self));
  make_request(self);
  plq_response *response = call(self);
  assert_in_range(scan_memory(&self->secret).hits, 1, 8);
  assert_int_equal(scan_memory(&self->secret).dumped, 0); /* all of them in the library's own pages */
  assert_int_equal(scan_memory(&self->token).dumped, 0);
  plq_response_free(response);
  let_go(self);
  expect_nothing("secret", &self->secret);
  expect_nothing("access token", &self->token);
  expect_nothing("second access token", &self->second_token);
}

/* What the stub keeps of an attempt while it records it, and of the tokens, to find them in what comes. */
static void test_recording(void **state) {
  wipe *self = *state;
  char path[400];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/plastiq-wipe-%d", folder != NULL ? folder : "/tmp", (int)getpid());
  unlink(path);
  self->plain = true;
  make_recording_client(self, path, start_server(self));
  make_request(self);
  plq_response *response = call(self);
  plq_response_free(response);
  let_go(self);
  unlink(path);
  expect_nothing("secret", &self->secret);
  expect_nothing("access token", &self->token);
  expect_nothing("second access token", &self->second_token);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_what_is_alive_is_found, setup, teardown),
      cmocka_unit_test_setup_teardown(test_read_and_freed, setup, teardown),
      cmocka_unit_test_setup_teardown(test_request_without_a_call, setup, teardown),
      cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
      cmocka_unit_test_setup_teardown(test_not_even_looked_at, setup, teardown),
      cmocka_unit_test_setup_teardown(test_failed_call, setup, teardown),
      cmocka_unit_test_setup_teardown(test_replaced_tokens, setup, teardown),
      cmocka_unit_test_setup_teardown(test_message, setup, teardown),
      cmocka_unit_test_setup_teardown(test_curl, setup, teardown),
      cmocka_unit_test_setup_teardown(test_openssl, setup, teardown),
      cmocka_unit_test_setup_teardown(test_recording, setup, teardown),
  };
  const char *unable = scan_unable();
  if (unable != NULL) {
    printf("NOT RUN row 26: %s\n", unable);
    return 77; /* ctest shows it as skipped */
  }
  return cmocka_run_group_tests_name("row 26: wipe", tests, NULL, NULL);
}
