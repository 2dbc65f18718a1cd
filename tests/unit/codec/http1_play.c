/* SPDX-License-Identifier: MIT */
#include "http1_play.h"

#include "codec/head.h"
#include "codec/http1.h"
#include "unit.h"

enum { MAX_LINE = 8192, HEAD_BYTES = 32768, BODY_BYTES = 1048576 };

/* ---- the sink ---- */

struct listener {
  struct play_result *result;
  const struct play_input *input;
  struct plq__head head;
  int32_t refusal;
  bool between; /* body bytes came after the last line */
};

static void add(struct play_bytes *bytes, const void *data, size_t len) {
  if (bytes->len + len > bytes->room) {
    bytes->room = (bytes->len + len) * 2;
    bytes->at = realloc(bytes->at, bytes->room);
    assert_non_null(bytes->at);
  }
  memcpy(bytes->at + bytes->len, data, len);
  bytes->len += len;
}

/* Whether this call is the one to be refused. */
static bool refuses(struct listener *listener) {
  assert_int_equal(listener->refusal, 0); /* nobody speaks to a sink that refused */
  if (++listener->result->calls == listener->input->refuse) listener->refusal = PLQ_E_CANCELLED;
  return listener->refusal != 0;
}

static int32_t on_line(void *context, const char *line, size_t len) {
  struct listener *listener = context;
  if (refuses(listener)) return 1;
  assert_true(len > 0 && len <= MAX_LINE && memchr(line, '\n', len) == line + len - 1);
  if (listener->between) add(&listener->result->lines, "", 1);
  listener->between = false;
  add(&listener->result->lines, line, len);
  if (!listener->input->lax) listener->refusal = plq__head_line(&listener->head, line, len);
  return listener->refusal;
}

static int32_t on_body(void *context, const uint8_t *data, size_t len) {
  struct listener *listener = context;
  if (refuses(listener)) return 1;
  assert_true(len > 0 && (listener->input->lax || listener->head.complete));
  listener->between = true;
  add(&listener->result->body, data, len);
  return 0;
}

/* ---- the pieces ---- */

static size_t next_piece(struct play_split *split, bool first, size_t left) {
  size_t size = first ? split->first : split->rest;
  if (split->rest == 0) {
    split->seed = split->seed * 1664525 + 1013904223;
    size = (split->seed >> 16) % (split->seed >> 30 == 0 ? 60 : 5) + 1;
  }
  return size < left ? size : left;
}

/* A parser may be moved between two calls: the old place is overwritten. */
static void *move(void *parser) {
  void *moved = malloc(plq__http1.parser_size);
  assert_non_null(moved);
  memcpy(moved, parser, plq__http1.parser_size);
  memset(parser, 0x5a, plq__http1.parser_size);
  free(parser);
  return moved;
}

static void note(struct play_result *result, const struct listener *listener, const plq_http1_progress *progress,
                 int32_t status) {
  result->refused = status == PLQ_E_CANCELLED;
  assert_int_equal(result->refused, listener->refusal != 0);
  result->status = result->refused ? listener->refusal : status;
  result->http_status = progress->http_status;
  result->http_version = progress->http_version;
  result->keep_alive_ms = progress->keep_alive_ms;
  result->bytes = progress->bytes;
  assert_true((progress->flags & PLQ_HTTP1_HEAD_BEGUN) != 0 || progress->bytes == 0);
  assert_true(!(progress->flags & PLQ_HTTP1_COMPLETE) || (progress->flags & PLQ_HTTP1_HEAD_DONE && status == PLQ_OK));
  assert_true(!(progress->flags & PLQ_HTTP1_REUSABLE) || progress->flags & PLQ_HTTP1_COMPLETE);
}

/* One piece on a block of its own, so that a sanitizer sees a read past its end. */
static void push(void *parser, const char *at, size_t len, const struct listener *listener, struct play_result *result) {
  plq_http1_progress progress = {.struct_size = sizeof progress};
  int32_t before = result->status;
  bool done = result->flags & PLQ_HTTP1_COMPLETE;
  struct plq__text piece = exact((struct plq__text){at, len});
  int32_t status = plq__http1.push(parser, (const uint8_t *)piece.at, len, &progress);
  free((void *)(uintptr_t)piece.at);
  assert_true(progress.used <= len && (progress.used == len || status != PLQ_OK || progress.flags & PLQ_HTTP1_COMPLETE));
  assert_true(progress.used == 0 || (before == PLQ_OK && !done));
  if (progress.used < len) assert_false(progress.flags & PLQ_HTTP1_REUSABLE);
  result->taken += progress.used;
  assert_int_equal(result->taken, progress.bytes);
  result->flags = progress.flags;
  note(result, listener, &progress, status);
  if (before != PLQ_OK) assert_int_equal(result->status, before); /* a failure is for good */
}

static void end(void *parser, uint32_t how, const struct listener *listener, struct play_result *result) {
  plq_http1_progress progress = {.struct_size = sizeof progress};
  int32_t before = result->status;
  int32_t status = plq__http1.end(parser, how, &progress);
  note(result, listener, &progress, status);
  result->flags_at_end = progress.flags;
  assert_int_equal(progress.used, 0);
  assert_false(progress.flags & PLQ_HTTP1_REUSABLE);
  assert_int_equal(status == PLQ_OK, (progress.flags & PLQ_HTTP1_COMPLETE) != 0);
  if (before != PLQ_OK) assert_int_equal(result->status, before);
  if (result->flags & PLQ_HTTP1_COMPLETE) assert_int_equal(status, PLQ_OK);
}

struct play_result play(const struct play_input *input, struct play_split split, uint32_t how) {
  struct play_result result = {0};
  struct listener listener = {.result = &result, .input = input};
  const plq_transport_sink sink = {.struct_size = sizeof sink, .context = &listener, .on_line = on_line, .on_body = on_body};
  const char *method = input->method != NULL ? input->method : "POST";
  const plq_transport_request request = {.struct_size = sizeof request,
                                         .max_head_bytes = input->max_head > 0 ? input->max_head : HEAD_BYTES,
                                         .max_body_bytes = input->max_body > 0 ? input->max_body : BODY_BYTES,
                                         .method = method,
                                         .method_len = strlen(method)};
  plq__head_init(&listener.head, request.max_head_bytes);
  void *parser = malloc(plq__http1.parser_size);
  assert_non_null(parser);
  memset(parser, 0xa5, plq__http1.parser_size); /* what is in there does not matter */
  plq__http1.begin(parser, &request, &sink);
  for (size_t at = 0; at < input->len;) {
    size_t step = next_piece(&split, at == 0, input->len - at);
    push(parser, input->data + at, step, &listener, &result);
    at += step;
    if (at % 7 == 0) parser = move(parser);
  }
  if (how != 0) end(parser, how, &listener, &result);
  free(parser);
  assert_true(result.body.len <= request.max_body_bytes);
  assert_true(request.max_head_bytes > UINT32_MAX ||
              result.taken <= request.max_head_bytes + 2 * request.max_body_bytes + MAX_LINE);
  return result;
}

void play_result_clear(struct play_result *result) {
  free(result->lines.at);
  free(result->body.at);
  *result = (struct play_result){0};
}

static bool same(const struct play_bytes *a, const struct play_bytes *b) {
  return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

const char *play_difference(const struct play_result *a, const struct play_result *b) {
  if (a->status != b->status || a->refused != b->refused) return "the status differs";
  if (a->flags != b->flags || a->flags_at_end != b->flags_at_end) return "the flags differ";
  if (a->http_status != b->http_status || a->http_version != b->http_version) return "the status line differs";
  if (a->keep_alive_ms != b->keep_alive_ms) return "keep_alive_ms differs";
  if (a->status == PLQ_OK && (a->taken != b->taken || a->bytes != b->bytes)) return "the number of bytes differs";
  if (!same(&a->lines, &b->lines)) return "the lines differ";
  return same(&a->body, &b->body) ? NULL : "the body differs";
}

bool play_is_slow(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}
