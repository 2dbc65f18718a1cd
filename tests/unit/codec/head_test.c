/* SPDX-License-Identifier: MIT */
/* The response head: rules P1 to P15 and the limits of the design notes, one row for each way to break or keep them. */
#include "codec/head.h"

#include <plastiq/status.h>

#include "cases.h"

#define OK11 "HTTP/1.1 200 OK\r\n"
#define UUID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define UUID1 "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

/* Feeds the text line by line, cut after each LF, as transports do. Stops at the first refusal. */
static int32_t feed(struct plq__head *head, const char *text, size_t len) {
  int32_t status = PLQ_OK;
  while (len > 0 && status == PLQ_OK) {
    const char *end = memchr(text, '\n', len);
    size_t step = end != NULL ? (size_t)(end - text) + 1 : len;
    char *line = exact_copy(text, step);
    status = plq__head_line(head, line, step);
    if (status != PLQ_OK) assert_int_equal(plq__head_line(head, "A: b\r\n", 6), status); /* a refusal is for good */
    free(line);
    text += step;
    len -= step;
  }
  return status;
}

struct head_case {
  const char *text;
  size_t len;
  int32_t status;
};

static const struct head_case status_lines[] = {
    {S("HTTP/1.1 200 OK\r\n\r\n"), PLQ_OK},
    {S("HTTP/1.0 200 OK\r\n\r\n"), PLQ_OK},
    {S("HTTP/1.1 200\r\n\r\n"), PLQ_OK},
    {S("HTTP/1.1 200 \r\n\r\n"), PLQ_OK},
    {S("HTTP/1.1 200 a\tb \xe4\xff\r\n\r\n"), PLQ_OK},
    {S("HTTP/1.1 599 x\r\n\r\n"), PLQ_OK},
    {S("HTTP/2 200 \r\n\r\n"), PLQ_OK},
    {S("HTTP/2 200\r\n\r\n"), PLQ_OK},
    {S("HTTP/2 200 OK\r\n\r\n"), PLQ_OK},
    {S("\r\nHTTP/1.1 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S(" HTTP/1.1 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200 OK\n\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200 OK\r\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200 O\rK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200 O\0K\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200 O\x7fK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1  200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1\t200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200\tOK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 20 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 2000 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 2x0 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 -20 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 099 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 600 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 \r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.2 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/0.9 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/2.0 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/3 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/11 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("http/1.1 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("ICY 200 OK\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("<html>\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 200 OK"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("\r"), PLQ_E_PROTOCOL_STATUS_LINE},
    {S("HTTP/1.1 101 Switching Protocols\r\n\r\n"), PLQ_E_PROTOCOL_UPGRADE},
    {S("HTTP/2 101\r\n\r\n"), PLQ_E_PROTOCOL_UPGRADE},
    {S("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 x\r\n\r\n"), PLQ_E_PROTOCOL_UPGRADE},
};

static const struct head_case fields[] = {
    {S(OK11 "A: b\r\n\r\n"), PLQ_OK},
    {S(OK11 "A:b\r\n\r\n"), PLQ_OK},
    {S(OK11 "A:\r\n\r\n"), PLQ_OK},
    {S(OK11 "A: \t \r\n\r\n"), PLQ_OK},
    {S(OK11 "A: b:c\td \xc3\xa9 \xff\r\n\r\n"), PLQ_OK},
    {S(OK11 "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"), PLQ_OK},
    {S(OK11 "A: b\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\r\n\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\rc\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\r\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\r\n\r\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\0c\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\x01\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\x7f\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A\0: b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A : b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A\t: b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A B: c\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A\xe4: c\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "(A): c\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 ": b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "no colon\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\r\n c\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b\r\n\tc: d\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 " A: b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "A: b"), PLQ_E_PROTOCOL_FIELD},
    {S("HTTP/2 200 \r\n:status: 200\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S("HTTP/1.1 100 x\r\nA b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 OK11), PLQ_E_PROTOCOL_FIELD},
};

static const struct head_case framing[] = {
    {S(OK11 "Content-Length: 0\r\n\r\n"), PLQ_OK},
    {S(OK11 "content-LENGTH:\t 18446744073709551615 \r\n\r\n"), PLQ_OK},
    {S(OK11 "Content-Length: 0042\r\n\r\n"), PLQ_OK},
    {S(OK11 "Content-Length: 18446744073709551616\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 99999999999999999999999999\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: -1\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: +1\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 0x10\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 1a\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 1 0\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 1.0\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length:\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 5, 5\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 5,\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S(OK11 "Content-Length: 5\r\ncontent-length: 6\r\n\r\n"), PLQ_E_PROTOCOL_CONTENT_LENGTH},
    {S("HTTP/2 200 \r\ncontent-length: 5\r\n\r\n"), PLQ_OK},
    {S(OK11 "Transfer-Encoding: chunked\r\n\r\n"), PLQ_OK},
    {S(OK11 "transfer-encoding:  ChUnKeD \r\n\r\n"), PLQ_OK},
    {S(OK11 "Transfer-Encoding: gzip, chunked\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: chunked, chunked\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: chunked,\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: chunked;q=1\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: identity\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: xchunked\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding:\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: \x0b" "chunked\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S("HTTP/2 200 \r\ntransfer-encoding: chunked\r\n\r\n"), PLQ_E_PROTOCOL_TRANSFER_ENCODING},
    {S(OK11 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), PLQ_E_PROTOCOL_TE_CL},
    {S(OK11 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), PLQ_E_PROTOCOL_TE_CL},
    {S(OK11 "Content-Encoding: identity\r\n\r\n"), PLQ_OK},
    {S(OK11 "content-encoding: IDENTITY, identity\r\n\r\n"), PLQ_OK},
    {S(OK11 "Content-Encoding:\r\n\r\n"), PLQ_OK},
    {S(OK11 "Content-Encoding: gzip\r\n\r\n"), PLQ_E_PROTOCOL_ENCODING},
    {S(OK11 "Content-Encoding: identity, br\r\n\r\n"), PLQ_E_PROTOCOL_ENCODING},
    {S(OK11 "Content-Encoding: identity\r\nContent-Encoding: deflate\r\n\r\n"), PLQ_E_PROTOCOL_ENCODING},
    {S("HTTP/2 200 \r\ncontent-encoding: zstd\r\n\r\n"), PLQ_E_PROTOCOL_ENCODING},
    /* A 1xx head says nothing about the final one. */
    {S("HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\n" OK11 "Content-Length: 6\r\n\r\n"), PLQ_OK},
    {S("HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n" OK11 "Content-Length: 6\r\n\r\n"), PLQ_OK},
    /* Trailers are checked as fields are, and then discarded. */
    {S(OK11 "Transfer-Encoding: chunked\r\n\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n"), PLQ_OK},
    {S(OK11 "Transfer-Encoding: chunked\r\n\r\nA b\r\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "Transfer-Encoding: chunked\r\n\r\nA: b\n\r\n"), PLQ_E_PROTOCOL_FIELD},
    {S(OK11 "Transfer-Encoding: chunked\r\n\r\nA: b\r\n\r\nA: b\r\n"), PLQ_E_PROTOCOL_VIOLATION},
    {S(OK11 "Content-Length: 1\r\n\r\nA: b\r\n"), PLQ_E_PROTOCOL_VIOLATION},
    {S(OK11 "Content-Length: 1\r\n\r\n" OK11), PLQ_E_PROTOCOL_VIOLATION},
    {S("HTTP/2 200 \r\n\r\ngrpc-status: 0\r\n\r\n"), PLQ_OK},
};

static void run(const struct head_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct plq__head head;
    plq__head_init(&head, 32768);
    int32_t status = feed(&head, cases[i].text, cases[i].len);
    if (status != cases[i].status) fail_msg("row %zu, \"%s\": %s", i, cases[i].text, plq_status_name(status));
    if (status == PLQ_OK) assert_true(head.complete);
  }
}

static void test_status_line(void **state) { (void)state, run(status_lines, COUNT(status_lines)); }
static void test_fields(void **state) { (void)state, run(fields, COUNT(fields)); }
static void test_framing(void **state) { (void)state, run(framing, COUNT(framing)); }

static struct plq__head head_of(const char *text) {
  struct plq__head head;
  plq__head_init(&head, 32768);
  assert_int_equal(feed(&head, text, strlen(text)), PLQ_OK);
  return head;
}

static void test_facts(void **state) {
  (void)state;
  struct plq__head head = head_of("HTTP/1.1 201 Created\r\nContent-Length: 17\r\nTrace-Id: " UUID "\r\nRetry-After:  7 \r\n\r\n");
  assert_int_equal(head.http_status, 201);
  assert_int_equal(head.http_version, 11);
  assert_true(head.complete && head.has_length && !head.chunked && !head.no_body);
  assert_int_equal(head.content_length, 17);
  assert_string_equal(head.trace_id, UUID);
  assert_string_equal(head.retry_after, "7");
  assert_int_equal(head.fields, 3);

  head = head_of("HTTP/1.0 204 x\r\n\r\n");
  assert_true(head.no_body && head.http_version == 10 && !head.has_length);
  assert_string_equal(head.trace_id, "");
  assert_string_equal(head.retry_after, "");
  assert_true(head_of("HTTP/1.1 304 x\r\n\r\n").no_body);
  assert_int_equal(head_of("HTTP/2 503 \r\n\r\n").http_version, 20);
  assert_true(head_of(OK11 "Transfer-Encoding: chunked\r\n\r\n").chunked);
}

static void test_before_the_end(void **state) {
  (void)state;
  struct plq__head head = head_of(OK11 "A: b\r\n");
  assert_false(head.complete);
  assert_int_equal(head.http_status, 200);
  head = head_of("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n");
  assert_false(head.complete);
  assert_int_equal(head.http_status, 0);
  assert_int_equal(head.interim, 1);
}

static void test_trace_id(void **state) {
  (void)state;
  assert_string_equal(head_of(OK11 "Trace-Id: x\r\ntrace-id: " UUID1 "\r\nTRACE-ID: " UUID "\r\n\r\n").trace_id, UUID1);
  assert_string_equal(head_of(OK11 "Trace-Id: " UUID "0\r\nTrace-Id:\r\n\r\n").trace_id, "");
  assert_string_equal(head_of(OK11 "X-Trace-Id: " UUID "\r\n\r\n").trace_id, "");
  assert_string_equal(head_of("HTTP/1.1 103 x\r\nTrace-Id: " UUID "\r\n\r\n" OK11 "\r\n").trace_id, "");
  assert_string_equal(head_of(OK11 "Transfer-Encoding: chunked\r\n\r\nTrace-Id: " UUID "\r\n\r\n").trace_id, "");
}

static void test_retry_after(void **state) {
  (void)state;
  assert_string_equal(head_of(OK11 "Retry-After: 5\r\nRetry-After: 6\r\n\r\n").retry_after, "5");
  assert_string_equal(head_of(OK11 "Retry-After: \r\nretry-after: 6\r\n\r\n").retry_after, "6");
  assert_int_equal(strlen(head_of(OK11 "Retry-After: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n").retry_after),
                   63);
}

/* A field line of exactly len bytes, line end included. */
static char *line_of(size_t len) {
  char *line = malloc(len + 1);
  assert_non_null(line);
  memset(line, 'x', len);
  memcpy(line, "A: ", 3);
  memcpy(line + len - 2, "\r\n", 3);
  return line;
}

static int32_t feed_line_of(struct plq__head *head, size_t len) {
  char *line = line_of(len);
  int32_t status = plq__head_line(head, line, len);
  free(line);
  return status;
}

static void test_line_limit(void **state) {
  (void)state;
  struct plq__head head = head_of(OK11);
  assert_int_equal(feed_line_of(&head, 8192), PLQ_OK);
  assert_int_equal(feed_line_of(&head, 8193), PLQ_E_LIMIT_LINE);
  plq__head_init(&head, 100); /* the longest line is refused as such, whatever the head may hold */
  assert_int_equal(feed_line_of(&head, 8193), PLQ_E_LIMIT_LINE);
}

static void test_byte_limit(void **state) {
  (void)state;
  struct plq__head head;
  plq__head_init(&head, 40); /* 17 + 21 + 2 */
  assert_int_equal(feed(&head, S(OK11 "A: 4567890123456789\r\n\r\n")), PLQ_OK);
  assert_int_equal(head.bytes, 40);
  plq__head_init(&head, 39);
  assert_int_equal(feed(&head, S(OK11 "A: 4567890123456789\r\n\r\n")), PLQ_E_LIMIT_HEAD);
  plq__head_init(&head, 36); /* 18 + 2 + 17: 1xx heads count */
  assert_int_equal(feed(&head, S("HTTP/1.1 100 abc\r\n\r\n" OK11)), PLQ_E_LIMIT_HEAD);
  plq__head_init(&head, 60);
  assert_int_equal(feed(&head, S(OK11 "Transfer-Encoding: chunked\r\n\r\n")), PLQ_OK);
  assert_int_equal(feed_line_of(&head, 20), PLQ_E_LIMIT_TRAILER);
  plq__head_init(&head, 0);
  assert_int_equal(feed(&head, S(OK11)), PLQ_E_LIMIT_HEAD);
}

static void test_field_limit(void **state) {
  (void)state;
  struct plq__head head = head_of("HTTP/1.1 103 x\r\nA: b\r\n\r\n" OK11 "Transfer-Encoding: chunked\r\n"); /* 1xx and trailers count too */
  for (int i = 2; i < 99; i++) assert_int_equal(feed(&head, S("A: b\r\n")), PLQ_OK);
  assert_int_equal(feed(&head, S("\r\nA: b\r\n")), PLQ_OK);
  assert_int_equal(head.fields, 100);
  assert_int_equal(feed(&head, S("A: b\r\n")), PLQ_E_LIMIT_FIELDS);
}

static void test_interim_limit(void **state) {
  (void)state;
  struct plq__head head;
  plq__head_init(&head, 32768);
  for (int i = 0; i < 8; i++) assert_int_equal(feed(&head, S("HTTP/1.1 102 x\r\n\r\n")), PLQ_OK);
  assert_int_equal(feed(&head, S(OK11 "\r\n")), PLQ_OK);
  plq__head_init(&head, 32768);
  for (int i = 0; i < 8; i++) assert_int_equal(feed(&head, S("HTTP/1.1 102 x\r\n\r\n")), PLQ_OK);
  assert_int_equal(feed(&head, S("HTTP/1.1 102 x\r\n")), PLQ_E_LIMIT_INTERIM);
}

static void test_empty_line_argument(void **state) {
  (void)state;
  struct plq__head head;
  plq__head_init(&head, 32768);
  assert_int_equal(plq__head_line(&head, NULL, 0), PLQ_E_PROTOCOL_STATUS_LINE);
  head = head_of(OK11);
  assert_int_equal(plq__head_line(&head, "", 0), PLQ_E_PROTOCOL_FIELD);
}

/* Any bytes at all: no crash, no bytes counted twice, and completeness only after an empty line. */
static void test_random_bytes(void **state) {
  (void)state;
  static const char pieces[][24] = {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 x\r\n", "A: b\r\n", "\r\n", "Content-Length: 5\r\n", "\n", "\r", ":", " x\r\n",
                                    "HTTP/2 200 \r\n"};
  uint32_t seed = 12345;
  for (int round = 0; round < 20000; round++) {
    struct plq__head head;
    plq__head_init(&head, 200);
    for (int i = 0; i < 12; i++) {
      seed = seed * 1664525 + 1013904223;
      char *line = exact_copy(pieces[(seed >> 16) % COUNT(pieces)], strlen(pieces[(seed >> 16) % COUNT(pieces)]));
      size_t len = strlen(pieces[(seed >> 16) % COUNT(pieces)]);
      if (seed % 7 == 0) line[(seed >> 8) % len] = (char)(seed >> 24);
      (void)plq__head_line(&head, line, len);
      free(line);
    }
    assert_true(head.bytes <= 200 && head.fields <= 101);
    assert_true(!head.complete || head.http_status >= 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_status_line),   cmocka_unit_test(test_fields),        cmocka_unit_test(test_framing),
      cmocka_unit_test(test_facts),         cmocka_unit_test(test_before_the_end), cmocka_unit_test(test_trace_id),
      cmocka_unit_test(test_retry_after),   cmocka_unit_test(test_line_limit),    cmocka_unit_test(test_byte_limit),
      cmocka_unit_test(test_field_limit),   cmocka_unit_test(test_interim_limit), cmocka_unit_test(test_empty_line_argument),
      cmocka_unit_test(test_random_bytes),
  };
  return cmocka_run_group_tests_name("codec/head", tests, NULL, NULL);
}
