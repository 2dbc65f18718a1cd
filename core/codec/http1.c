/* SPDX-License-Identifier: MIT */
#include "http1.h"

#include <stdbool.h>
#include <string.h>

#include "../base/text.h"

/* As in head.c, which says the same of whole lines: what one refuses, the other does too. */
enum { MAX_LINE = 8192, MAX_INTERIM = 8, MAX_CHUNK_LINE = 256, MAX_CHUNK_DIGITS = 8 };

/* What the next byte belongs to. */
enum state { STATUS_LINE, INTERIM_FIELD, FINAL_FIELD, TRAILER, CHUNK_LINE, CHUNK_DATA, CHUNK_END, BODY, COMPLETE, FAILED };

/* No pointer into itself: it may be moved between calls. */
struct parser {
  const plq_transport_sink *sink;
  uint64_t head_left, body_left; /* of the limits */
  uint64_t max_wire;
  uint64_t bytes;
  uint64_t left; /* of the body, the chunk, or the line end after it; before a body what Content-Length says */
  int64_t keep_alive_ms;
  int32_t status; /* of the failure */
  int32_t http_status, http_version;
  uint32_t interim;
  uint32_t held; /* bytes of a line that is not whole yet */
  enum state state;
  bool to_head, has_length, chunked, head_done, until_close;
  bool closes; /* the connection is not to be used again */
};

struct memory {
  struct parser parser;
  char line[MAX_LINE];
};

static uint64_t add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void begin(void *parser, const plq_transport_request *request, const plq_transport_sink *sink) {
  /* Not the line: 8 KiB need not be cleared for each response. */
  *(struct parser *)parser =
      (struct parser){.sink = sink,
                      .head_left = request->max_head_bytes,
                      .body_left = request->max_body_bytes,
                      .max_wire = add(request->max_head_bytes, add(request->max_body_bytes, request->max_body_bytes)),
                      .keep_alive_ms = -1,
                      .to_head = request->method_len == 4 && memcmp(request->method, "HEAD", 4) == 0};
}

/* ---- heads and trailers: only what framing and reuse depend on; the sink was asked first and has seen all of it ---- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* HTTP/1.0 or HTTP/1.1, SP, 3DIGIT from 100 to 599, [ SP reason ] CRLF. What is in the reason nobody relies on. */
static bool is_status_line(const char *line, size_t len) {
  if (len < 14 || line[len - 2] != '\r' || memcmp(line, "HTTP/1.", 7) != 0) return false;
  if ((line[7] != '0' && line[7] != '1') || line[8] != ' ' || (len > 14 && line[12] != ' ')) return false;
  return line[9] >= '1' && line[9] <= '5' && is_digit(line[10]) && is_digit(line[11]);
}

static int32_t read_status_line(struct parser *parser, const char *line, size_t len) {
  if (!is_status_line(line, len)) return PLQ_E_PROTOCOL_STATUS_LINE;
  parser->http_version = line[7] == '1' ? 11 : 10;
  parser->http_status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  parser->state = parser->http_status < 200 ? INTERIM_FIELD : FINAL_FIELD;
  if (parser->http_status == 101) return PLQ_E_PROTOCOL_UPGRADE;
  return parser->state == INTERIM_FIELD && ++parser->interim > MAX_INTERIM ? PLQ_E_LIMIT_INTERIM : PLQ_OK;
}

static int32_t read_length(struct parser *parser, struct plq__text value) {
  uint64_t length = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (!is_digit(value.at[i]) || __builtin_mul_overflow(length, 10, &length) ||
        __builtin_add_overflow(length, (uint64_t)(value.at[i] - '0'), &length))
      return PLQ_E_PROTOCOL_CONTENT_LENGTH;
  }
  if (value.len == 0 || parser->has_length) return PLQ_E_PROTOCOL_CONTENT_LENGTH;
  parser->has_length = true;
  parser->left = length;
  return parser->chunked ? PLQ_E_PROTOCOL_TE_CL : PLQ_OK;
}

static int32_t read_transfer_encoding(struct parser *parser, struct plq__text value) {
  if (parser->http_version != 11 || parser->chunked || !plq__text_is_nocase(value, "chunked"))
    return PLQ_E_PROTOCOL_TRANSFER_ENCODING;
  parser->chunked = true;
  return parser->has_length ? PLQ_E_PROTOCOL_TE_CL : PLQ_OK;
}

/* What is no list of tokens may mean "close" to whoever wrote it. */
static void read_connection(struct parser *parser, struct plq__text value) {
  struct plq__text option;
  while (plq__next_part(&value, ',', &option))
    if (plq__text_is_nocase(option, "close") || !plq__is_token(option)) parser->closes = true;
}

/* timeout=5, max=100: seconds. What cannot be read is as if it were not there. */
static void read_keep_alive(struct parser *parser, struct plq__text value) {
  static const int64_t most = INT64_MAX / 1000;
  struct plq__text part;
  while (plq__next_part(&value, ',', &part)) {
    int64_t seconds = -1;
    bool timeout = part.len > 8 && is_digit(part.at[8]) && plq__text_is_nocase((struct plq__text){part.at, 8}, "timeout=");
    if (!timeout || !plq__to_number((struct plq__text){part.at + 8, part.len - 8}, &seconds)) continue;
    int64_t ms = seconds < most ? seconds * 1000 : INT64_MAX;
    if (parser->keep_alive_ms < 0 || ms < parser->keep_alive_ms) parser->keep_alive_ms = ms;
  }
}

enum field { OTHER, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, KEEP_ALIVE };

static const struct plq__text names[] = {
    [CONTENT_LENGTH] = {"Content-Length", 14},
    [TRANSFER_ENCODING] = {"Transfer-Encoding", 17},
    [CONNECTION] = {"Connection", 10},
    [KEEP_ALIVE] = {"Keep-Alive", 10},
};

/* Whether a field has this name. One that begins so, and goes on with what is no part of a name, counts: it is refused later. */
static bool has_name(const char *line, size_t len, enum field field) {
  struct plq__text name = names[field];
  if (len <= name.len || (line[name.len] != ':' && (unsigned char)line[name.len] > ' ')) return false; /* most end here */
  return plq__text_same_nocase((struct plq__text){line, name.len}, name);
}

static enum field find_field(const char *line, size_t len) {
  switch (line[0] | 0x20) {
    case 'c':
      return has_name(line, len, CONTENT_LENGTH) ? CONTENT_LENGTH : has_name(line, len, CONNECTION) ? CONNECTION : OTHER;
    case 't':
      return has_name(line, len, TRANSFER_ENCODING) ? TRANSFER_ENCODING : OTHER;
    case 'k':
      return has_name(line, len, KEEP_ALIVE) ? KEEP_ALIVE : OTHER;
    default:
      return OTHER;
  }
}

/* A line that is not empty and ends in CRLF. Of 1xx heads only Connection counts, to be careful; of trailers nothing. */
static int32_t read_field(struct parser *parser, const char *line, size_t len) {
  if ((unsigned char)line[0] <= ' ') return PLQ_E_PROTOCOL_FIELD; /* folded, it would belong to the line before */
  enum field field = parser->state == TRAILER ? OTHER : find_field(line, len);
  if (field == OTHER) return PLQ_OK;
  size_t at = names[field].len + 1;
  if (line[at - 1] != ':') return PLQ_E_PROTOCOL_FIELD;
  struct plq__text value = plq__text_trim((struct plq__text){line + at, len - 2 - at});
  if (field == CONNECTION) read_connection(parser, value);
  if (parser->state == INTERIM_FIELD) return PLQ_OK;
  if (field == KEEP_ALIVE) read_keep_alive(parser, value);
  if (field == CONTENT_LENGTH) return read_length(parser, value);
  return field == TRANSFER_ENCODING ? read_transfer_encoding(parser, value) : PLQ_OK;
}

/* RFC 9112 section 6.3 */
static int32_t begin_body(struct parser *parser) {
  parser->head_done = true;
  if (parser->to_head || parser->http_status == 204 || parser->http_status == 304) {
    parser->state = COMPLETE;
    /* A server that frames a body for a 204 may send one, too. */
    if (parser->http_status == 204 && (parser->chunked || parser->left > 0)) parser->closes = true;
  } else if (parser->chunked) {
    parser->state = CHUNK_LINE;
  } else if (parser->has_length) {
    if (parser->left > parser->body_left) return PLQ_E_LIMIT_BODY;
    parser->state = parser->left > 0 ? BODY : COMPLETE;
  } else {
    parser->state = BODY;
    parser->until_close = parser->closes = true;
    parser->left = parser->body_left;
  }
  return PLQ_OK;
}

static int32_t end_fields(struct parser *parser) {
  if (parser->state == FINAL_FIELD) return begin_body(parser);
  parser->state = parser->state == TRAILER ? COMPLETE : STATUS_LINE;
  return PLQ_OK;
}

static int32_t read_head_line(struct parser *parser, const char *line, size_t len) {
  if (len > parser->head_left) return parser->head_done ? PLQ_E_LIMIT_TRAILER : PLQ_E_LIMIT_HEAD;
  parser->head_left -= len;
  if (parser->bytes > parser->max_wire) return PLQ_E_LIMIT_WIRE;
  if (parser->sink->on_line(parser->sink->context, line, len) != 0) return PLQ_E_CANCELLED;
  if (parser->state == STATUS_LINE) return read_status_line(parser, line, len);
  if (len < 2 || line[len - 2] != '\r') return PLQ_E_PROTOCOL_FIELD;
  return len == 2 ? end_fields(parser) : read_field(parser, line, len);
}

/* ---- chunks ---- */

static int hex(char c) {
  if (is_digit(c)) return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* *( BWS ";" .. ): what is in extensions nobody here knows, but a control character is in none. */
static bool is_extension(struct plq__text text) {
  if (text.len == 0) return true;
  struct plq__text rest = plq__text_trim(text);
  return rest.len > 0 && rest.at[0] == ';' && plq__is_field_value(text);
}

static int32_t read_chunk_line(struct parser *parser, const char *line, size_t len) {
  uint64_t size = 0;
  size_t digits = 0;
  if (len < 3 || line[len - 2] != '\r') return PLQ_E_PROTOCOL_CHUNK;
  for (; digits < MAX_CHUNK_DIGITS && hex(line[digits]) >= 0; digits++) size = size << 4 | (uint64_t)hex(line[digits]);
  if (digits == 0 || !is_extension((struct plq__text){line + digits, len - 2 - digits})) return PLQ_E_PROTOCOL_CHUNK;
  if (size > parser->body_left) return PLQ_E_LIMIT_BODY;
  if (add(parser->bytes, size > 0 ? size + 2 : 0) > parser->max_wire) return PLQ_E_LIMIT_WIRE;
  parser->body_left -= size;
  parser->left = size;
  parser->state = size > 0 ? CHUNK_DATA : TRAILER;
  return PLQ_OK;
}

/* ---- bytes: each takes some of those at hand, at least one unless it fails ---- */

static void fail(struct parser *parser, int32_t status) {
  parser->status = status;
  parser->state = FAILED;
}

/* The line itself, where it is whole in the bytes at hand; otherwise it is gathered. */
static size_t take_line(struct memory *memory, const char *at, size_t len) {
  struct parser *parser = &memory->parser;
  size_t room = (parser->state == CHUNK_LINE ? MAX_CHUNK_LINE : MAX_LINE) - parser->held;
  const char *end = memchr(at, '\n', len < room ? len : room);
  size_t taken = end != NULL ? (size_t)(end - at) + 1 : len < room ? len : room;
  size_t whole = parser->held + taken;
  parser->bytes += taken;
  if (end == NULL || parser->held > 0) {
    memcpy(memory->line + parser->held, at, taken);
    parser->held = (uint32_t)whole;
    at = memory->line;
  }
  if (end == NULL) {
    if (taken == room) fail(parser, parser->state == CHUNK_LINE ? PLQ_E_LIMIT_CHUNK_EXTENSION : PLQ_E_LIMIT_LINE);
    return taken;
  }
  parser->held = 0;
  int32_t status = parser->state == CHUNK_LINE ? read_chunk_line(parser, at, whole) : read_head_line(parser, at, whole);
  if (status != PLQ_OK) fail(parser, status);
  return taken;
}

static size_t take_body(struct parser *parser, const uint8_t *at, size_t len) {
  size_t taken = len < parser->left ? len : (size_t)parser->left;
  if (taken == 0) { /* only a body that ends with the connection comes here when nothing is left */
    fail(parser, PLQ_E_LIMIT_BODY);
    return 0;
  }
  parser->bytes += taken;
  parser->left -= taken;
  if (parser->sink->on_body(parser->sink->context, at, taken) != 0) {
    fail(parser, PLQ_E_CANCELLED);
  } else if (parser->left == 0 && !parser->until_close) {
    parser->left = parser->chunked ? 2 : 0;
    parser->state = parser->chunked ? CHUNK_END : COMPLETE;
  }
  return taken;
}

/* The CRLF after a chunk. */
static size_t take_chunk_end(struct parser *parser, const char *at) {
  if (*at != (parser->left == 2 ? '\r' : '\n')) {
    fail(parser, PLQ_E_PROTOCOL_CHUNK);
    return 0;
  }
  parser->bytes++;
  if (--parser->left == 0) parser->state = CHUNK_LINE;
  return 1;
}

static size_t take(struct memory *memory, const uint8_t *at, size_t len) {
  struct parser *parser = &memory->parser;
  if (parser->state == BODY || parser->state == CHUNK_DATA) return take_body(parser, at, len);
  if (parser->state == CHUNK_END) return take_chunk_end(parser, (const char *)at);
  return take_line(memory, (const char *)at, len);
}

/* ---- what the caller learns ---- */

static uint32_t flags_of(const struct parser *parser) {
  bool complete = parser->state == COMPLETE;
  return (parser->bytes > 0 ? PLQ_HTTP1_HEAD_BEGUN : 0) | (parser->head_done ? PLQ_HTTP1_HEAD_DONE : 0) |
         (complete ? PLQ_HTTP1_COMPLETE : 0) | (parser->until_close ? PLQ_HTTP1_UNTIL_CLOSE : 0) |
         (complete && !parser->closes && parser->http_version == 11 ? PLQ_HTTP1_REUSABLE : 0);
}

static int32_t report(const struct parser *parser, size_t used, plq_http1_progress *progress) {
  const plq_http1_progress now = {.struct_size = progress->struct_size,
                                  .flags = flags_of(parser),
                                  .http_status = parser->http_status,
                                  .http_version = parser->http_version,
                                  .keep_alive_ms = parser->keep_alive_ms,
                                  .bytes = parser->bytes,
                                  .used = used};
  if (progress->struct_size >= sizeof now)
    *progress = now;
  else
    memcpy(progress, &now, progress->struct_size);
  return parser->status;
}

static int32_t push(void *parser, const uint8_t *data, size_t len, plq_http1_progress *progress) {
  struct memory *memory = parser;
  size_t used = 0;
  while (used < len && memory->parser.state < COMPLETE) used += take(memory, data + used, len - used);
  if (used < len) memory->parser.closes = true; /* what came unasked would be taken for the next response */
  return report(&memory->parser, used, progress);
}

/* What came of a first line cannot become a status line: an answer in HTTP/0.9, or none at all. */
static bool is_foreign(const struct memory *memory) {
  uint32_t len = memory->parser.held < 7 ? memory->parser.held : 7;
  return memory->parser.state == STATUS_LINE && memcmp(memory->line, "HTTP/1.", len) != 0;
}

static int32_t truncation(const struct memory *memory) {
  const struct parser *parser = &memory->parser;
  if (is_foreign(memory)) return PLQ_E_PROTOCOL_STATUS_LINE;
  if (!parser->head_done) return parser->bytes > 0 ? PLQ_E_TRUNCATED_HEAD : PLQ_E_TRUNCATED_NO_RESPONSE;
  if (parser->chunked) return PLQ_E_TRUNCATED_CHUNK;
  return parser->until_close ? PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY : PLQ_E_TRUNCATED_BODY;
}

static int32_t end(void *memory, uint32_t how, plq_http1_progress *progress) {
  struct parser *parser = memory;
  parser->closes = true;
  if (parser->until_close && parser->state == BODY && how == PLQ_HTTP1_END_CLOSED)
    parser->state = COMPLETE;
  else if (parser->state < COMPLETE)
    fail(parser, truncation(memory));
  return report(parser, 0, progress);
}

const plq_http1 plq__http1 = {
    .struct_size = sizeof(plq_http1), .parser_size = sizeof(struct memory), .begin = begin, .push = push, .end = end};
