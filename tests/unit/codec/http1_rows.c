/* SPDX-License-Identifier: MIT */
#include "http1_rows.h"

#include "http1_play.h"
#include "unit.h"

static char row_of[100]; /* what of a row there is room for in messages */

static void expect_same(const struct play_input *input, struct play_split split, uint32_t how, const struct play_result *whole) {
  struct play_result other = play(input, split, how);
  const char *difference = play_difference(whole, &other);
  if (difference != NULL) print_error("cut as %zu, %zu, %u: %s\n", split.first, split.rest, split.seed, difference);
  EXPECT_ROW(difference == NULL, row_of);
  play_result_clear(&other);
}

/* Every place of a short text; the beginning, the end and some others of a long one. */
static size_t next_place(size_t at, size_t len) {
  if (len < 1500 || (at < 60 && len < 10000) || at + 10 > len) return at + 1;
  size_t step = at + (len < 5000 ? 61 : len < 100000 ? len / 40 : len / 6);
  return step < len ? step : len - 9;
}

static void expect_any_split(const struct play_input *input, uint32_t how, const struct play_result *whole) {
  expect_same(input, PLAY_BYTES, how, whole);
  expect_same(input, ((struct play_split){20, 20, 0}), how, whole);
  for (uint32_t seed = 1; seed < 4 && input->len < 100000; seed++) expect_same(input, PLAY_RANDOM(seed), how, whole);
  for (size_t at = 1; at < input->len; at = next_place(at, input->len)) expect_same(input, PLAY_TWO(at), how, whole);
}

static int32_t missing(uint32_t flags, bool chunked) {
  if (!(flags & PLQ_HTTP1_HEAD_BEGUN)) return PLQ_E_TRUNCATED_NO_RESPONSE;
  if (!(flags & PLQ_HTTP1_HEAD_DONE)) return PLQ_E_TRUNCATED_HEAD;
  if (chunked) return PLQ_E_TRUNCATED_CHUNK;
  return flags & PLQ_HTTP1_UNTIL_CLOSE ? PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY : PLQ_E_TRUNCATED_BODY;
}

/* The status line is cut, and what came of it is no beginning of one. */
static bool is_foreign(const struct play_input *part) {
  const char *line = part->data, *end = part->data + part->len;
  for (const char *at = line; at + 4 <= end; at++)
    if (memcmp(at, "\r\n\r\n", 4) == 0) line = at + 4;
  size_t len = (size_t)(end - line);
  return memchr(line, '\n', len) == NULL && memcmp(line, "HTTP/1.", len < 7 ? len : 7) != 0;
}

static bool begins(const struct play_bytes *all, const struct play_bytes *part) {
  return part->len <= all->len && (part->len == 0 || memcmp(all->at, part->at, part->len) == 0);
}

/* A response that is cut says what is missing, or what was wrong before the cut; it is never complete. */
static void expect_cut(const struct play_input *input, uint32_t how, const struct play_result *whole) {
  bool chunked = strcasestr(input->data, "chunked") != NULL;
  for (size_t at = 0; at < input->len; at = next_place(at, input->len)) {
    struct play_input part = *input;
    part.len = at;
    struct play_result result = play(&part, PLAY_WHOLE, how);
    bool complete = whole->flags & PLQ_HTTP1_COMPLETE && at >= whole->taken;
    bool closed = result.flags & PLQ_HTTP1_UNTIL_CLOSE && how == PLQ_HTTP1_END_CLOSED;
    int32_t want = complete || closed ? PLQ_OK : missing(result.flags, chunked);
    if (want == PLQ_E_TRUNCATED_HEAD && is_foreign(&part)) want = PLQ_E_PROTOCOL_STATUS_LINE;
    EXPECT_ROW(result.status == want || (result.status == whole->status && result.status != PLQ_OK), row_of);
    EXPECT_ROW(begins(&whole->lines, &result.lines) && begins(&whole->body, &result.body), row_of);
    EXPECT_ROW(complete || !(result.flags & PLQ_HTTP1_COMPLETE), row_of);
    play_result_clear(&result);
  }
}

void expect_any_way(const char *name, const struct play_input *input) {
  snprintf(row_of, sizeof row_of, "%s", name);
  for (uint32_t how = PLQ_HTTP1_END_CLOSED; how <= PLQ_HTTP1_END_CUT; how++) {
    struct play_result whole = play(input, PLAY_WHOLE, how);
    /* How it ends is nothing to what was complete before, and a megabyte takes its time. */
    if (how == PLQ_HTTP1_END_CLOSED || input->len < 100000) expect_any_split(input, how, &whole);
    expect_cut(input, how, &whole);
    play_result_clear(&whole);
  }
  expect_rows_end();
}

static void expect_outcome(const struct row *row, const struct play_input *input, uint32_t how) {
  struct play_result whole = play(input, PLAY_WHOLE, how);
  int32_t want = !input->lax || row->lax == 0 ? row->status : row->lax > 0 ? row->lax : PLQ_OK;
  bool open = want == PLQ_OK && how == PLQ_HTTP1_END_CUT && whole.flags & PLQ_HTTP1_UNTIL_CLOSE;
  int32_t wanted = open ? PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY : want;
  if (whole.status != wanted) print_error("%s, not %s\n", plq_status_name(whole.status), plq_status_name(wanted));
  EXPECT_ROW(whole.status == wanted, row->text);
  EXPECT_ROW(whole.refused == (!input->lax && row->lax != 0), row->text);
  EXPECT_ROW(want != PLQ_OK || whole.taken == row->len - row->surplus, row->text);
  EXPECT_ROW(want != PLQ_OK || ((whole.flags & PLQ_HTTP1_REUSABLE) != 0) == row->reuse, row->text);
  if (row->body != NULL) {
    const struct play_bytes body = {.at = (char *)(uintptr_t)row->body, .len = strlen(row->body)};
    EXPECT_ROW(begins(&body, &whole.body) && begins(&whole.body, &body), row->text);
  }
  play_result_clear(&whole);
}

void expect_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count * 2; i++) {
    const struct row *row = &rows[i / 2];
    const struct play_input input = {row->text, row->len, row->method, row->max_head, row->max_body, i % 2 == 1, 0};
    expect_outcome(row, &input, PLQ_HTTP1_END_CLOSED);
    expect_outcome(row, &input, PLQ_HTTP1_END_CUT);
    expect_rows_end();
    expect_any_way(row->text, &input);
  }
}
