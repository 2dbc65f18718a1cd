/* SPDX-License-Identifier: MIT */
/* The HTTP/1 parser: its limits to the byte, a sink that refuses, and what its table promises to callers of any age. */
#include "codec/http1.h"
#include "http1_play.h"
#include "http1_rows.h"
#include "plugin/internal.h"
#include "unit.h"

#define OK11 "HTTP/1.1 200 OK\r\n"                        /* 17 bytes */
#define CHUNKED OK11 "Transfer-Encoding: chunked\r\n\r\n" /* 47 bytes */
#define INTERIM "HTTP/1.1 102 x\r\n\r\n"                  /* 18 bytes */
#define ONE "1\r\nx\r\n"                                  /* 6 bytes */
#define X4(text) text text text text
#define X8(text) X4(text) X4(text)
#define X64(text) X8(X8(text))
#define X248 X64("x") X64("x") X64("x") X8("xxxxxxx")

/* ---- limits ---- */

static const struct row heads[] = {
    ROW(OK11 "Content-Length: 0\r\n\r\n", .reuse = true, .max_head = 38),
    ROW(OK11 "Content-Length: 0\r\n\r\n", .status = PLQ_E_LIMIT_HEAD, .max_head = 37),
    ROW(OK11 "Content-Length: 0\r\n\r\n", .status = PLQ_E_LIMIT_HEAD, .max_head = 35),
    ROW(OK11 "Content-Length: 0\r\n\r\n", .status = PLQ_E_LIMIT_HEAD, .max_head = 16),
    ROW(INTERIM OK11 "Content-Length: 0\r\n\r\n", .reuse = true, .max_head = 56),
    ROW(INTERIM OK11 "Content-Length: 0\r\n\r\n", .status = PLQ_E_LIMIT_HEAD, .max_head = 55),
    ROW(OK11 "Content-Length: 0\r\n\r\n", .reuse = true, .max_head = UINT64_MAX, .max_body = UINT64_MAX),
    ROW(OK11 "Content-Length: 0\r\n\r\n", .reuse = true, .max_head = UINT64_C(1) << 63, .max_body = UINT64_C(1) << 62),
    ROW(CHUNKED "0\r\n\r\n", .reuse = true, .max_head = 49),
    ROW(CHUNKED "0\r\n\r\n", .status = PLQ_E_LIMIT_TRAILER, .max_head = 48),
    ROW(CHUNKED "0\r\nA: b\r\n\r\n", .reuse = true, .max_head = 55),
    ROW(CHUNKED "0\r\nA: b\r\n\r\n", .status = PLQ_E_LIMIT_TRAILER, .max_head = 54),
    ROW(CHUNKED "0\r\nA: b\r\n\r\n", .status = PLQ_E_LIMIT_TRAILER, .max_head = 52),
};

static const struct row bodies[] = {
    ROW(OK11 "Content-Length: 5\r\n\r\nhello", .body = "hello", .reuse = true, .max_body = 5),
    ROW(OK11 "Content-Length: 6\r\n\r\nhello!", .status = PLQ_E_LIMIT_BODY, .body = "", .max_body = 5),
    ROW(OK11 "Content-Length: 6\r\n\r\n", .status = PLQ_E_LIMIT_BODY, .body = "", .max_body = 5),
    ROW(OK11 "Content-Length: 18446744073709551615\r\n\r\nx", .status = PLQ_E_LIMIT_BODY, .body = ""),
    ROW("HTTP/1.1 304 x\r\nContent-Length: 6\r\n\r\n", .body = "", .reuse = true, .max_body = 5),
    ROW(CHUNKED "5\r\nhello\r\n0\r\n\r\n", .body = "hello", .reuse = true, .max_body = 5),
    ROW(CHUNKED "6\r\nhello!\r\n0\r\n\r\n", .status = PLQ_E_LIMIT_BODY, .body = "", .max_body = 5),
    ROW(CHUNKED "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", .status = PLQ_E_LIMIT_BODY, .body = "hello", .max_body = 5),
    ROW(CHUNKED "ffffffff\r\nx", .status = PLQ_E_LIMIT_BODY, .body = ""),
    ROW(CHUNKED "ffffffff\r\nx", .status = PLQ_E_TRUNCATED_CHUNK, .body = "x", .max_body = 0xffffffff),
    ROW(OK11 "\r\nhello", .body = "hello", .max_body = 5),
    ROW(OK11 "\r\nhello!", .status = PLQ_E_LIMIT_BODY, .body = "hello", .max_body = 5),
};

static const struct row chunk_lines[] = {
    ROW(CHUNKED "1;" X248 "xxxx\r\nx\r\n0;" X248 "xxxx\r\n\r\n", .body = "x", .reuse = true),
    ROW(CHUNKED "1;" X248 "xxxxx\r\nx\r\n0\r\n\r\n", .status = PLQ_E_LIMIT_CHUNK_EXTENSION, .body = ""),
    ROW(CHUNKED "1\r\nx\r\n0;" X248 "xxxxx\r\n\r\n", .status = PLQ_E_LIMIT_CHUNK_EXTENSION, .body = "x"),
    ROW(CHUNKED "1;" X248 "xxxxxxxxxx", .status = PLQ_E_LIMIT_CHUNK_EXTENSION, .body = ""),
};

/* 49 + 2 * 20 bytes are 89, 60 + 2 * 20 are 100. */
static const struct row wires[] = {
    ROW(CHUNKED ONE ONE ONE ONE ONE ONE "0\r\n\r\n", .body = "xxxxxx", .reuse = true, .max_head = 49, .max_body = 20),
    ROW(CHUNKED ONE ONE ONE ONE ONE ONE ONE "0\r\n\r\n", .status = PLQ_E_LIMIT_WIRE, .body = "xxxxxxx", .max_head = 49,
        .max_body = 20),
    ROW(CHUNKED "1;" X4("123456789") "\r\nx\r\n0\r\n\r\n", .status = PLQ_E_LIMIT_WIRE, .body = "", .max_head = 49,
        .max_body = 20),
    ROW(CHUNKED "1;" X4("12345678") "123\r\nx\r\n", .status = PLQ_E_TRUNCATED_CHUNK, .body = "x", .max_head = 49, .max_body = 20),
    ROW(CHUNKED X8(ONE) "0\r\n\r\n", .body = "xxxxxxxx", .reuse = true, .max_head = 60, .max_body = 20),
    ROW(CHUNKED X8(ONE) "0\r\nA:\r\n\r\n", .status = PLQ_E_LIMIT_WIRE, .body = "xxxxxxxx", .max_head = 60, .max_body = 20),
};

static void test_heads(void **state) {
  (void)state, expect_rows(heads, COUNT(heads));
}
static void test_bodies(void **state) {
  (void)state, expect_rows(bodies, COUNT(bodies));
}
static void test_chunk_lines(void **state) {
  (void)state, expect_rows(chunk_lines, COUNT(chunk_lines));
}
static void test_wire(void **state) {
  (void)state, expect_rows(wires, COUNT(wires));
}

/* A field, or a trailer, of so many bytes, its end included. */
static void expect_line(const char *before, size_t len, const char *after, uint64_t max_head, int32_t status) {
  size_t room = strlen(before) + len + strlen(after);
  char *text = malloc(room + 1);
  assert_non_null(text);
  memset(text, 'x', room);
  memcpy(text, before, strlen(before));
  memcpy(text + strlen(before), "A: ", 3);
  memcpy(text + strlen(before) + len - 2, "\r\n", 2);
  memcpy(text + strlen(before) + len, after, strlen(after) + 1);
  const struct row row = {.text = text, .len = room, .status = status, .reuse = true, .max_head = max_head};
  expect_rows(&row, 1);
  free(text);
}

static void test_lines(void **state) {
  (void)state;
  expect_line(OK11, 8192, "Content-Length: 0\r\n\r\n", 0, PLQ_OK);
  expect_line(OK11, 8193, "Content-Length: 0\r\n\r\n", 0, PLQ_E_LIMIT_LINE);
  expect_line(OK11, 8193, "", 100, PLQ_E_LIMIT_LINE); /* as the validator says it, whatever is left of the head */
  expect_line(OK11, 8192, "", 8000, PLQ_E_LIMIT_HEAD);
  expect_line(CHUNKED "0\r\n", 8192, "\r\n", 0, PLQ_OK);
  expect_line(CHUNKED "0\r\n", 8193, "\r\n", 0, PLQ_E_LIMIT_LINE);
  expect_line(CHUNKED "0\r\n", 8192, "\r\n", 8000, PLQ_E_LIMIT_TRAILER);
  expect_line("", 8193, "", 0, PLQ_E_LIMIT_LINE);
}

/* ---- a sink that refuses ---- */

static const char *const refusals[] = {
    INTERIM CHUNKED "5\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
    OK11 "Content-Length: 5\r\n\r\nhello",
    OK11 "\r\nhello",
};

/* Each call in turn: the response ends there, for good, and the connection is not used again. */
static void test_refusals(void **state) {
  (void)state;
  const struct play_split splits[] = {PLAY_WHOLE, PLAY_BYTES, {7, 7, 0}};
  for (size_t i = 0; i < COUNT(refusals) * COUNT(splits) * 2; i++) {
    struct play_input input = {.data = refusals[i / 2 / COUNT(splits)], .lax = i % 2 == 0};
    struct play_split split = splits[i / 2 % COUNT(splits)];
    input.len = strlen(input.data);
    struct play_result all = play(&input, split, PLQ_HTTP1_END_CLOSED);
    unsigned calls = all.calls;
    assert_int_equal(all.status, PLQ_OK);
    assert_true(calls >= 3);
    play_result_clear(&all);
    for (input.refuse = 1; input.refuse <= calls; input.refuse++) {
      struct play_result result = play(&input, split, PLQ_HTTP1_END_CLOSED);
      assert_true(result.refused && result.status == PLQ_E_CANCELLED);
      assert_int_equal(result.calls, input.refuse);
      assert_false((result.flags | result.flags_at_end) & (PLQ_HTTP1_COMPLETE | PLQ_HTTP1_REUSABLE));
      play_result_clear(&result);
    }
  }
}

/* ---- what is reported ---- */

struct said {
  const char *fields;
  int64_t ms;
};

static const struct said keep_alives[] = {
    {"", -1},
    {"Keep-Alive: timeout=5\r\n", 5000},
    {"keep-alive:timeout=5, max=100\r\n", 5000},
    {"KEEP-ALIVE: max=100 ,\tTimeout=5\r\n", 5000},
    {"Keep-Alive: timeout=0\r\n", 0},
    {"Keep-Alive: timeout=60\r\nKeep-Alive: timeout=15\r\nKeep-Alive: timeout=30\r\n", 15000},
    {"Keep-Alive: timeout=60, timeout=15\r\n", 15000},
    {"Keep-Alive: timeout=9223372036854775\r\n", INT64_MAX},
    {"Keep-Alive: timeout=9223372036854774\r\n", 9223372036854774000},
    {"Keep-Alive: timeout=99999999999999999999\r\n", -1},
    {"Keep-Alive: timeout=\r\n", -1},
    {"Keep-Alive: timeout\r\n", -1},
    {"Keep-Alive: timeout=-5\r\n", -1},
    {"Keep-Alive: timeout=5s\r\n", -1},
    {"Keep-Alive: timeout = 5\r\n", -1},
    {"Keep-Alive: timeouts=5\r\n", -1},
    {"Keep-Alive: max=5\r\n", -1},
    {"X-Keep-Alive: timeout=5\r\n", -1},
    {"Keep-Alives: timeout=5\r\n", -1},
};

static void expect_keep_alive(const char *before, const struct said *said, const char *after, int64_t ms) {
  char text[300];
  struct play_input input = {.data = text};
  input.len = (size_t)snprintf(text, sizeof text, "%s%s%s", before, said->fields, after);
  struct play_result result = play(&input, PLAY_WHOLE, 0);
  EXPECT_ROW(result.status == PLQ_OK && result.keep_alive_ms == ms, text);
  EXPECT_ROW(result.flags & PLQ_HTTP1_REUSABLE, text);
  play_result_clear(&result);
}

static void test_keep_alive(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(keep_alives); i++) {
    expect_keep_alive(OK11 "Content-Length: 0\r\n", &keep_alives[i], "\r\n", keep_alives[i].ms);
    expect_keep_alive("HTTP/1.1 102 x\r\n", &keep_alives[i], "\r\n" OK11 "Content-Length: 0\r\n\r\n", -1);
    expect_keep_alive(CHUNKED "0\r\n", &keep_alives[i], "\r\n", -1);
  }
  expect_rows_end();
}

struct stage {
  const char *text; /* what has come so far is this */
  uint32_t flags;
  int32_t http_status, http_version;
};

static const struct stage stages[] = {
    {"", 0, 0, 0},
    {"H", PLQ_HTTP1_HEAD_BEGUN, 0, 0},
    {"HTTP/1.0 102 x\r", PLQ_HTTP1_HEAD_BEGUN, 0, 0},
    {"HTTP/1.0 102 x\r\n", PLQ_HTTP1_HEAD_BEGUN, 102, 10},
    {INTERIM, PLQ_HTTP1_HEAD_BEGUN, 102, 11},
    {INTERIM OK11, PLQ_HTTP1_HEAD_BEGUN, 200, 11},
    {INTERIM OK11 "\r\n", PLQ_HTTP1_HEAD_BEGUN | PLQ_HTTP1_HEAD_DONE | PLQ_HTTP1_UNTIL_CLOSE, 200, 11},
    {INTERIM CHUNKED, PLQ_HTTP1_HEAD_BEGUN | PLQ_HTTP1_HEAD_DONE, 200, 11},
    {INTERIM CHUNKED "0\r\n", PLQ_HTTP1_HEAD_BEGUN | PLQ_HTTP1_HEAD_DONE, 200, 11},
    {CHUNKED "0\r\n\r\n", PLQ_HTTP1_HEAD_BEGUN | PLQ_HTTP1_HEAD_DONE | PLQ_HTTP1_COMPLETE | PLQ_HTTP1_REUSABLE, 200, 11},
    {"HTTP/1.0 204 x\r\n\r\n", PLQ_HTTP1_HEAD_BEGUN | PLQ_HTTP1_HEAD_DONE | PLQ_HTTP1_COMPLETE, 204, 10},
    {"HTTP/1.1 600 x\r\n", PLQ_HTTP1_HEAD_BEGUN, 0, 0},
};

static void test_stages(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(stages); i++) {
    const struct play_input input = {.data = stages[i].text, .len = strlen(stages[i].text)};
    struct play_result result = play(&input, PLAY_BYTES, 0);
    EXPECT_ROW(input.len == 0 || result.flags == stages[i].flags, stages[i].text);
    EXPECT_ROW(result.http_status == stages[i].http_status && result.http_version == stages[i].http_version, stages[i].text);
    play_result_clear(&result);
  }
  expect_rows_end();
}

/* ---- the table ---- */

static int32_t accept_line(void *context, const char *line, size_t len) {
  (void)context, (void)line, (void)len;
  return 0;
}

static int32_t accept_body(void *context, const uint8_t *data, size_t len) {
  (void)context, (void)data, (void)len;
  return 0;
}

static const plq_transport_sink sink = {.struct_size = sizeof sink, .on_line = accept_line, .on_body = accept_body};
static const plq_transport_request request = {
    .struct_size = sizeof request, .max_head_bytes = 1000, .max_body_bytes = 0, .method = "POST", .method_len = 4};

static void test_extension(void **state) {
  (void)state;
  plq_transport_host host;
  plq__host_init(&host, NULL);
  const plq_http1 *http1 = host.get_extension(host.context, "plastiq.http1/1");
  assert_ptr_equal(http1, plq__host_process()->get_extension(NULL, PLQ_EXTENSION_HTTP1));
  assert_non_null(http1);
  assert_true(http1->struct_size == sizeof *http1 && http1->reserved == 0 && http1->parser_size > 0 &&
              http1->parser_size < 10000);
  assert_null(host.get_extension(host.context, "plastiq.http1/2"));
  assert_null(host.get_extension(host.context, "plastiq.http1"));
  assert_null(host.get_extension(host.context, ""));
  assert_null(host.get_extension(host.context, NULL));
}

/* A caller's progress may be shorter than ours or longer: what lies outside is left alone. */
static void test_progress_sizes(void **state) {
  (void)state;
  static const char text[] = "HTTP/1.1 204 x\r\n\r\n";
  const uint32_t whole = sizeof(plq_http1_progress);
  char *parser = malloc(plq__http1.parser_size);
  assert_non_null(parser);
  for (uint32_t size = 4; size <= whole + 8; size += 4) {
    union {
      plq_http1_progress progress;
      unsigned char bytes[sizeof(plq_http1_progress) + 16];
    } room;
    memset(&room, 0xee, sizeof room);
    room.progress.struct_size = size;
    plq__http1.begin(parser, &request, &sink);
    assert_int_equal(plq__http1.push(parser, (const uint8_t *)text, sizeof text - 1, &room.progress), PLQ_OK);
    assert_int_equal(room.progress.struct_size, size);
    for (size_t i = size < whole ? size : whole; i < sizeof room; i++) assert_int_equal(room.bytes[i], 0xee);
    if (size >= 8) assert_true(room.progress.flags & PLQ_HTTP1_REUSABLE);
    if (size >= whole) assert_true(room.progress.used == sizeof text - 1 && room.progress.bytes == sizeof text - 1);
  }
  free(parser);
}

static int32_t push_text(void *parser, const char *text, plq_http1_progress *progress) {
  return plq__http1.push(parser, (const uint8_t *)text, strlen(text), progress);
}

/* One block of memory serves one response after the other, however the last one ended. */
static void test_again(void **state) {
  (void)state;
  char *parser = malloc(plq__http1.parser_size);
  plq_http1_progress progress = {.struct_size = sizeof progress};
  assert_non_null(parser);
  static const char *const before[] = {"", "HTTP/1.1 2", "junk\r\n", "HTTP/1.1 204 x\r\n\r\n", OK11 "Connection: close\r\n\r\n"};
  for (size_t i = 0; i < COUNT(before); i++) {
    plq__http1.begin(parser, &request, &sink);
    (void)push_text(parser, before[i], &progress);
    plq__http1.begin(parser, &request, &sink);
    assert_int_equal(plq__http1.push(parser, NULL, 0, &progress), PLQ_OK);
    assert_true(progress.flags == 0 && progress.used == 0 && progress.bytes == 0 && progress.keep_alive_ms == -1);
    assert_int_equal(push_text(parser, OK11 "Content-Length: 0\r\n\r\n", &progress), PLQ_OK);
    assert_true(progress.flags & PLQ_HTTP1_REUSABLE);
    assert_int_equal(plq__http1.push(parser, NULL, 0, &progress), PLQ_OK);
    assert_true(progress.flags & PLQ_HTTP1_REUSABLE); /* nothing came, nothing changes */
    assert_int_equal(push_text(parser, "H", &progress), PLQ_OK);
    assert_true(progress.used == 0 && !(progress.flags & PLQ_HTTP1_REUSABLE));
    assert_int_equal(plq__http1.push(parser, NULL, 0, &progress), PLQ_OK);
    assert_false(progress.flags & PLQ_HTTP1_REUSABLE); /* and what came unasked is not forgotten */
  }
  free(parser);
}

/* Where no body is allowed, one that is empty is. An end of no known kind proves nothing. */
static void test_no_body_allowed(void **state) {
  (void)state;
  char *parser = malloc(plq__http1.parser_size);
  plq_http1_progress progress = {.struct_size = sizeof progress};
  assert_non_null(parser);
  plq__http1.begin(parser, &request, &sink);
  assert_int_equal(push_text(parser, OK11 "\r\n", &progress), PLQ_OK);
  assert_int_equal(plq__http1.end(parser, PLQ_HTTP1_END_CLOSED, &progress), PLQ_OK);
  plq__http1.begin(parser, &request, &sink);
  assert_int_equal(push_text(parser, OK11 "\r\n", &progress), PLQ_OK);
  assert_int_equal(plq__http1.end(parser, 7, &progress), PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY);
  assert_int_equal(plq__http1.end(parser, PLQ_HTTP1_END_CLOSED, &progress), PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY);
  plq__http1.begin(parser, &request, &sink);
  assert_int_equal(push_text(parser, OK11 "\r\nx", &progress), PLQ_E_LIMIT_BODY);
  plq__http1.begin(parser, &request, &sink);
  assert_int_equal(push_text(parser, OK11 "Content-Length: 1\r\n\r\n", &progress), PLQ_E_LIMIT_BODY);
  free(parser);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_heads),          cmocka_unit_test(test_bodies), cmocka_unit_test(test_chunk_lines),
      cmocka_unit_test(test_wire),           cmocka_unit_test(test_lines),  cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_keep_alive),     cmocka_unit_test(test_stages), cmocka_unit_test(test_extension),
      cmocka_unit_test(test_progress_sizes), cmocka_unit_test(test_again),  cmocka_unit_test(test_no_body_allowed),
  };
  return cmocka_run_group_tests_name("codec/http1_limits", tests, NULL, NULL);
}
