/* SPDX-License-Identifier: MIT */
#include "head.h"

#include <plastiq/status.h>
#include <string.h>

#include "../base/text.h"

enum { MAX_LINE = 8192, MAX_FIELDS = 100, MAX_INTERIM = 8 };

/* What the next line is. Once a line was refused, the state is the status that refused it: what follows can only get worse. */
enum { STATUS_LINE, INTERIM_FIELD, FINAL_FIELD, TRAILER, NOTHING };

void plq__head_init(struct plq__head *head, size_t max_bytes) { *head = (struct plq__head){.max_bytes = max_bytes}; }

/* Whether the line ends in CRLF; takes it off. What is left may have no other CR or LF, but that is for the callers' rules. */
static bool take_line_end(struct plq__text *line) {
  if (line->len < 2 || line->at[line->len - 2] != '\r' || line->at[line->len - 1] != '\n') return false;
  line->len -= 2;
  return true;
}

static bool take_prefix(struct plq__text *line, const char *prefix, size_t len) {
  if (line->len < len || memcmp(line->at, prefix, len) != 0) return false;
  line->at += len;
  line->len -= len;
  return true;
}

static int32_t take_version(struct plq__text *line) {
  if (take_prefix(line, "HTTP/1.1 ", 9)) return 11;
  if (take_prefix(line, "HTTP/1.0 ", 9)) return 10;
  if (take_prefix(line, "HTTP/2 ", 7)) return 20;
  return 0;
}

/* 3DIGIT [ SP reason ], 100 to 599, or 0. */
static int32_t read_code(struct plq__text line) {
  if (line.len < 3 || (line.len > 3 && line.at[3] != ' ') || !plq__is_field_value(line)) return 0;
  int64_t code = 0;
  if (line.at[0] == '-' || !plq__to_number((struct plq__text){line.at, 3}, &code)) return 0;
  return code >= 100 && code <= 599 ? (int32_t)code : 0;
}

static int32_t take_status_line(struct plq__head *head, struct plq__text line) {
  int32_t version = take_line_end(&line) ? take_version(&line) : 0;
  int32_t code = version != 0 ? read_code(line) : 0;
  if (code == 0) return PLQ_E_PROTOCOL_STATUS_LINE;
  if (code == 101) return PLQ_E_PROTOCOL_UPGRADE;
  if (code < 200) {
    head->state = INTERIM_FIELD;
    return ++head->interim > MAX_INTERIM ? PLQ_E_LIMIT_INTERIM : PLQ_OK;
  }
  head->state = FINAL_FIELD;
  head->http_version = version;
  head->http_status = code;
  head->no_body = code == 204 || code == 304;
  return PLQ_OK;
}

/* RFC 9112 section 6.3 lets a recipient accept a list of equal values; refusing every second value is simpler and as legal. */
static int32_t take_length(struct plq__head *head, struct plq__text value) {
  uint64_t length = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (value.at[i] < '0' || value.at[i] > '9' || __builtin_mul_overflow(length, 10, &length) ||
        __builtin_add_overflow(length, (uint64_t)(value.at[i] - '0'), &length))
      return PLQ_E_PROTOCOL_CONTENT_LENGTH;
  }
  if (value.len == 0 || head->has_length) return PLQ_E_PROTOCOL_CONTENT_LENGTH;
  head->has_length = true;
  head->content_length = length;
  return PLQ_OK;
}

static int32_t take_transfer_encoding(struct plq__head *head, struct plq__text value) {
  if (head->http_version != 11 || head->chunked || !plq__text_is_nocase(value, "chunked"))
    return PLQ_E_PROTOCOL_TRANSFER_ENCODING;
  head->chunked = true;
  return PLQ_OK;
}

/* identity alone, or nothing: anything else could be a decompression bomb. */
static int32_t check_content_encoding(struct plq__text value) {
  struct plq__text coding;
  while (plq__next_part(&value, ',', &coding))
    if (!plq__text_is_nocase(coding, "identity")) return PLQ_E_PROTOCOL_ENCODING;
  return PLQ_OK;
}

static void keep(char *room, size_t size, struct plq__text value) {
  size_t len = value.len < size ? value.len : size - 1;
  if (len > 0) memcpy(room, value.at, len);
  room[len] = '\0';
}

/* What the library wants to know of the final head. */
static int32_t use_field(struct plq__head *head, struct plq__text name, struct plq__text value) {
  int32_t status = PLQ_OK;
  if (plq__text_is_nocase(name, "Content-Length"))
    status = take_length(head, value);
  else if (plq__text_is_nocase(name, "Transfer-Encoding"))
    status = take_transfer_encoding(head, value);
  else if (plq__text_is_nocase(name, "Content-Encoding"))
    status = check_content_encoding(value);
  else if (plq__text_is_nocase(name, "Trace-Id") && head->trace_id[0] == '\0' && plq__is_uuid(value))
    keep(head->trace_id, sizeof head->trace_id, value);
  else if (plq__text_is_nocase(name, "Retry-After") && head->retry_after[0] == '\0')
    keep(head->retry_after, sizeof head->retry_after, value);
  return status == PLQ_OK && head->chunked && head->has_length ? PLQ_E_PROTOCOL_TE_CL : status;
}

/* name ":" OWS value OWS CRLF. A name is a token, so a space before the colon and a folded line fail here too. */
static int32_t take_field(struct plq__head *head, struct plq__text line) {
  const char *colon = take_line_end(&line) ? memchr(line.at, ':', line.len) : NULL;
  if (colon == NULL) return PLQ_E_PROTOCOL_FIELD;
  struct plq__text name = {line.at, (size_t)(colon - line.at)};
  struct plq__text value = plq__text_trim((struct plq__text){colon + 1, line.len - name.len - 1});
  if (!plq__is_token(name) || !plq__is_field_value(value)) return PLQ_E_PROTOCOL_FIELD;
  if (++head->fields > MAX_FIELDS) return PLQ_E_LIMIT_FIELDS;
  /* 1xx heads and trailers are held to the same rules and then forgotten: they say nothing about the final response. */
  return head->state == FINAL_FIELD ? use_field(head, name, value) : PLQ_OK;
}

static int32_t take_empty_line(struct plq__head *head) {
  if (head->state == INTERIM_FIELD) {
    head->state = STATUS_LINE;
  } else if (head->state == FINAL_FIELD) {
    head->complete = true;
    head->state = head->http_version == 20 || head->chunked ? TRAILER : NOTHING; /* no trailers without chunks in HTTP/1 */
  } else {
    head->state = NOTHING;
  }
  return PLQ_OK;
}

static int32_t take_line(struct plq__head *head, struct plq__text line) {
  if (line.len > MAX_LINE) return PLQ_E_LIMIT_LINE;
  if (line.len > head->max_bytes - head->bytes) return head->complete ? PLQ_E_LIMIT_TRAILER : PLQ_E_LIMIT_HEAD;
  head->bytes += line.len;
  if (head->state == NOTHING) return PLQ_E_PROTOCOL_VIOLATION;
  if (head->state == STATUS_LINE) return take_status_line(head, line);
  return plq__text_is(line, "\r\n") ? take_empty_line(head) : take_field(head, line);
}

int32_t plq__head_line(struct plq__head *head, const char *line, size_t len) {
  if (head->state > NOTHING) return head->state;
  int32_t status = take_line(head, (struct plq__text){line != NULL ? line : "", line != NULL ? len : 0});
  if (status != PLQ_OK) head->state = status;
  return status;
}
