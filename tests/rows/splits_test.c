/* SPDX-License-Identifier: MIT */
/*
 * Every response that a vector has, over sockets: whole, byte by byte and in pieces of 20 bytes (each a TLS record of its own) it
 * must come to the same; cut at each position it is never taken for complete, and it fails alike on each TLS transport. Bounds:
 * pieces of one byte up to 4 KiB; of a text above 400 bytes every position of the first 300 and the last 10, and some between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "script.h"
#include "vector.h"

#define TRANSPORTS 2
static const char *const transports[TRANSPORTS] = {"openssl", "curl"};

enum { BATCH = 100, EVERY = 400 };

typedef struct answers {
  test_bytes *rows;
  size_t count;
} answers;

typedef struct result {
  int32_t status, delivery, http_status;
} result;

static answers all;
static test_ca *ca;

/* ---- what is played ---- */

static void add(const test_bytes *answer) {
  for (size_t i = 0; i < all.count; i++)
    if (all.rows[i].len == answer->len && memcmp(all.rows[i].data, answer->data, answer->len) == 0) return;
  all.rows = realloc(all.rows, (all.count + 1) * sizeof *all.rows);
  if (all.rows == NULL) test_die("no memory");
  all.rows[all.count] = (test_bytes){0};
  test_bytes_add(&all.rows[all.count++], answer->data, answer->len);
}

static void collect(const test_case *self) {
  const char *reason;
  json_object *responses = json_object_object_get(self->json, "wire_responses");
  if (responses == NULL) responses = json_object_object_get(self->json, "responses");
  if (responses == NULL || !test_case_runs_on(self, "openssl")) return;
  test_script *script = test_script_new(responses, &reason);
  if (script == NULL) return;
  for (size_t i = 0; i < script->count; i++) {
    const test_step *step = &script->steps[i];
    if (step->before == TEST_BEFORE_NOTHING && step->answer.len > 0 && step->end != TEST_END_HANG) add(&step->answer);
  }
  test_script_free(script);
}

/* ---- playing ---- */

static plq_client_id make_client(const char *transport, const test_server *server, bool tls) {
  plq_options *options = NULL;
  plq_client_id client = 0;
  char url[64];
  snprintf(url, sizeof url, "%s://127.0.0.1:%d/api", tls ? "https" : "http", test_server_port(server));
  const char *const settings[][2] = {{"transport", transport},
                                     {"transport_dir", TEST_TRANSPORT_DIR},
                                     {"transport_path_check", "false"},
                                     {"access_token", "test-key-0001"},
                                     {"allow_plain_http", "true"},
                                     {"max_repeats", "0"},
                                     {"base_url", url},
                                     {"connection_lifetime_ms", "0"}, /* whether the last one was closed in time is no matter */
                                     {"ca_file", test_ca_file(ca)}};
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    assert_int_equal(plq_options_set(options, settings[i][0], PLQ_NUL, settings[i][1], PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_client_new(options, &client, NULL), PLQ_OK);
  plq_options_free(options);
  return client;
}

static result call(plq_client_id client) {
  plq_response *response = NULL;
  plq_error *error = NULL;
  result made = {.delivery = PLQ_DELIVERY_ANSWERED};
  made.status = plq_client_secrets_create(client, NULL, &response, &error);
  if (made.status != PLQ_OK) {
    made.delivery = plq_error_delivery(error);
    made.http_status = plq_error_http_status(error);
  }
  plq_response_free(response);
  plq_error_free(error);
  return made;
}

/* One call for each step. */
static void play(const char *transport, test_step *steps, size_t count, bool tls, result *out) {
  test_script script = {.certificate = tls ? "good" : NULL, .host = "127.0.0.1", .count = count, .steps = steps};
  test_server *server = test_server_new(ca, &script);
  plq_client_id client = make_client(transport, server, tls);
  for (size_t i = 0; i < count; i++) out[i] = call(client);
  plq_client_free(client);
  test_server_free(server);
}

static test_step step_of(const test_bytes *answer, size_t len, size_t piece) {
  return (test_step){.answer = {.data = answer->data, .len = len}, .piece = piece, .end = TEST_END_CLOSE};
}

static void show(const test_bytes *answer, size_t len) {
  size_t from = len > 60 ? len - 60 : 0;
  for (size_t i = from; i < len; i++) {
    char c = answer->data[i];
    if (c >= ' ' && c <= '~')
      print_error("%c", c);
    else
      print_error("\\x%02x", (unsigned char)c);
  }
  print_error("\n");
}

/* ---- pieces ---- */

static size_t check_pieces(const char *transport, const test_bytes *answer) {
  test_step steps[3] = {step_of(answer, answer->len, 0), step_of(answer, answer->len, 20), step_of(answer, answer->len, 1)};
  result results[3];
  size_t count = answer->len > 65536 ? 1 : answer->len > 4096 ? 2 : 3, wrong = 0;
  play(transport, steps, count, true, results);
  for (size_t i = 1; i < count; i++) {
    if (memcmp(&results[i], &results[0], sizeof *results) == 0) continue;
    print_error("%s: %s whole, %s in pieces of %zu: ", transport, plq_status_name(results[0].status),
                plq_status_name(results[i].status), steps[i].piece);
    show(answer, answer->len);
    wrong++;
  }
  return wrong;
}

static void test_pieces(void **state) {
  size_t wrong = 0;
  (void)state;
  for (size_t t = 0; t < TRANSPORTS; t++)
    for (size_t i = 0; i < all.count; i++) wrong += check_pieces(transports[t], &all.rows[i]);
  assert_int_equal(wrong, 0);
}

/* ---- cuts ---- */

static size_t next_cut(size_t at, size_t len) {
  if (len <= EVERY || at < 300 || at + 10 >= len) return at + 1;
  size_t step = at + len / 23 + 1;
  return step + 10 < len ? step : len - 10;
}

/* The least length at which a response with Content-Length is complete; 0: that is for others to say. */
static size_t least_end(const test_bytes *answer) {
  const char *text = answer->data, *end = text + answer->len;
  const char *head = memmem(text, answer->len, "\r\n\r\n", 4), *field = memmem(text, answer->len, "Content-Length: ", 16);
  if (head == NULL || field == NULL || field > head || memcmp(text, "HTTP/1.1 2", 10) != 0) return 0;
  if (memmem(text, (size_t)(head - text), "204", 3) != NULL) return 0;
  size_t least = (size_t)(head + 4 - text) + strtoul(field + 16, NULL, 10);
  return text + least <= end ? least : 0;
}

/* Where libcurl is known not to do better (README, known gaps). */
static const struct known {
  int32_t openssl, curl;
} known[] = {
    /* It passes lines on when they are whole, and of a first one that is not it says that nothing came. */
    {PLQ_E_TRUNCATED_HEAD, PLQ_E_TRUNCATED_NO_RESPONSE},
    {PLQ_E_PROTOCOL_STATUS_LINE, PLQ_E_TRUNCATED_NO_RESPONSE},
    {PLQ_E_LIMIT_LINE, PLQ_E_TRUNCATED_HEAD},
    /* It reads the lines between chunks itself: a chunk's size is known by its bytes only, and a bad trailer is a bad chunk. */
    {PLQ_E_LIMIT_BODY, PLQ_E_TRUNCATED_CHUNK},
    {PLQ_E_TRUNCATED_CHUNK, PLQ_E_PROTOCOL_CHUNK},
    {PLQ_E_PROTOCOL_CHUNK, PLQ_E_TRUNCATED_CHUNK},
    {PLQ_E_PROTOCOL_CHUNK, PLQ_E_PROTOCOL_FIELD},
    {PLQ_E_PROTOCOL_CHUNK, PLQ_OK},
    {PLQ_E_LIMIT_CHUNK_EXTENSION, PLQ_E_TRUNCATED_CHUNK},
    {PLQ_E_LIMIT_CHUNK_EXTENSION, PLQ_OK},
    {PLQ_E_LIMIT_WIRE, PLQ_E_TRUNCATED_CHUNK},
    {PLQ_E_LIMIT_WIRE, PLQ_E_LIMIT_BODY},
    {PLQ_E_PROTOCOL_FIELD, PLQ_E_PROTOCOL_CHUNK},
    /* It cannot tell how a body without length ended: the transport refuses as soon as the head is there. */
    {PLQ_E_PROTOCOL_JSON, PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY},
};

static bool is_known(result openssl, result curl) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].openssl == openssl.status && known[i].curl == curl.status) return true;
  return false;
}

/* libcurl takes the CR of a chunked message's last line for its end. */
static bool is_known_chunk(const test_bytes *answer, size_t len, result openssl, result curl) {
  bool last = len >= 3 && memcmp(answer->data + len - 3, "\r\n\r", 3) == 0;
  return last && openssl.status == PLQ_E_TRUNCATED_CHUNK && curl.delivery == PLQ_DELIVERY_ANSWERED;
}

static size_t check_cut(const test_bytes *answer, size_t len, const result *results, size_t *differing) {
  const result *first = &results[0], *second = &results[1];
  size_t wrong = 0;
  for (size_t t = 0; t < TRANSPORTS; t++) {
    int32_t kind = plq_status_kind(results[t].status);
    bool fails = kind == PLQ_KIND_TRUNCATED || kind == PLQ_KIND_PROTOCOL || kind == PLQ_KIND_LIMIT || kind == PLQ_KIND_IO;
    bool early = least_end(answer) > len && results[t].delivery == PLQ_DELIVERY_ANSWERED;
    if (!early && (results[t].delivery == PLQ_DELIVERY_ANSWERED || (fails && results[t].delivery == PLQ_DELIVERY_MAYBE_SENT)))
      continue;
    print_error("%s: %s with delivery %d, cut after %zu of %zu: ", transports[t], plq_status_name(results[t].status),
                (int)results[t].delivery, len, answer->len);
    show(answer, len);
    wrong++;
  }
  if (first->status == second->status && first->delivery == second->delivery) return wrong;
  ++*differing;
  if (is_known(*first, *second) || is_known_chunk(answer, len, *first, *second)) return wrong;
  print_error("%s on openssl, %s on curl, cut after %zu of %zu: ", plq_status_name(first->status),
              plq_status_name(second->status), len, answer->len);
  show(answer, len);
  return wrong + 1;
}

static size_t check_batch(const test_bytes *answer, const size_t *cuts, size_t count, size_t *differing) {
  test_step steps[BATCH];
  result results[TRANSPORTS][BATCH];
  size_t wrong = 0;
  for (size_t t = 0; t < TRANSPORTS; t++) {
    for (size_t i = 0; i < count; i++) steps[i] = step_of(answer, cuts[i], 0);
    play(transports[t], steps, count, false, results[t]);
  }
  for (size_t i = 0; i < count; i++)
    wrong += check_cut(answer, cuts[i], (const result[]){results[0][i], results[1][i]}, differing);
  return wrong;
}

static void test_cuts(void **state) {
  size_t wrong = 0, played = 0, differing = 0;
  (void)state;
  for (size_t i = 0; i < all.count; i++) {
    const test_bytes *answer = &all.rows[i];
    size_t cuts[BATCH], count = 0;
    for (size_t at = 0; at < answer->len; at = next_cut(at, answer->len)) {
      cuts[count++] = at;
      if (count < BATCH && next_cut(at, answer->len) < answer->len) continue;
      wrong += check_batch(answer, cuts, count, &differing);
      played += count;
      count = 0;
    }
  }
  print_message("%zu responses, %zu cuts on each of %d transports; curl differs in what is a known gap %zu times\n", all.count,
                played, TRANSPORTS, differing);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces), cmocka_unit_test(test_cuts)};
  test_cases cases = test_cases_load(TEST_VECTOR_DIR, 0);
  for (size_t i = 0; i < cases.count; i++) collect(&cases.cases[i]);
  ca = test_ca_new();
  int failed = cmocka_run_group_tests_name("splits", tests, NULL, NULL);
  test_ca_free(ca);
  test_cases_free(&cases);
  for (size_t i = 0; i < all.count; i++) test_bytes_clear(&all.rows[i]);
  free(all.rows);
  return failed;
}
