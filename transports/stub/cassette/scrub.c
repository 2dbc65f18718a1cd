/* SPDX-License-Identifier: MIT */
/* What may be kept of lines, headers and messages. A rule here names what is kept; all else loses its letters. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool cassette_fail(cassette_problem *problem, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(problem->text, sizeof problem->text, format, list);
  va_end(list);
  return false;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c) {
  return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

/* ---- words ---- */

static bool is_uuid(cassette_text text) {
  for (size_t i = 0; i < text.len; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    char c = text.at[i];
    if (dash ? c != '-' : !is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) return false;
  }
  return text.len == 36;
}

/* VALIDATION_ERROR_3DS is no secret, nor is a trace id; what is as long and has a digit may be one. */
static bool is_credential(cassette_text word) {
  size_t digits = 0, capitals = 0, lines = 0;
  for (size_t i = 0; i < word.len; i++) {
    digits += is_digit(word.at[i]);
    capitals += is_upper(word.at[i]);
    lines += word.at[i] == '_';
  }
  bool constant = capitals + lines + digits == word.len && lines > 0 && digits <= 3;
  bool mixed = word.len >= 40 && capitals > 0 && capitals + lines + digits < word.len;
  return word.len >= 16 && !constant && (digits > 0 || mixed) && !is_uuid(word);
}

static bool in_word(char c) {
  return is_alnum(c) || c == '_' || c == '-';
}

/* Length of the escape of JSON at the start of a text, or 0. */
static size_t escape_len(const char *text, size_t len) {
  if (len < 2 || text[0] != '\\') return 0;
  return text[1] == 'u' && len >= 6 ? 6 : 2;
}

/* The next word that looks like a credential, from *at on; an empty one: there is none. */
static cassette_text next_credential(const char *text, size_t len, bool escapes, size_t *at) {
  while (*at < len) {
    size_t skip = escapes ? escape_len(text + *at, len - *at) : 0;
    size_t begin = *at;
    while (skip == 0 && *at < len && in_word(text[*at])) ++*at;
    cassette_text word = {text + begin, *at - begin};
    if (is_credential(word)) return word;
    if (word.len == 0) *at += skip > 0 ? skip : 1;
  }
  return (cassette_text){NULL, 0};
}

bool cassette_looks_secret(cassette_text text) {
  size_t at = 0;
  return next_credential(text.at, text.len, false, &at).len > 0;
}

void cassette_hide_words(char *text, size_t len, bool escapes) {
  size_t at = 0;
  for (;;) {
    cassette_text word = next_credential(text, len, escapes, &at);
    if (word.len == 0) return;
    memset(text + (word.at - text), 'x', word.len);
  }
}

/* ---- cards ---- */

/* Of digits, and what stands between groups of them. */
static bool passes_luhn(const char *text, size_t len) {
  unsigned sum = 0;
  bool twice = false;
  for (size_t i = len; i > 0; i--) {
    if (!is_digit(text[i - 1])) continue;
    unsigned digit = (unsigned)(text[i - 1] - '0') * (twice ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
    twice = !twice;
  }
  return sum % 10 == 0;
}

static size_t digits_at(const char *text, size_t len) {
  size_t count = 0;
  while (count < len && is_digit(text[count])) count++;
  return count;
}

static bool ends_word(const char *text, size_t len, size_t at) {
  return at == len || !is_alnum(text[at]);
}

/* Length of a card number at the start of a text: in one piece, or in groups, as 4111 1111 1111 1111. 0: there is none. */
static size_t card_at(const char *text, size_t len) {
  size_t at = 0, digits = 0, found = 0;
  for (;;) {
    size_t group = digits_at(text + at, len - at);
    if (group < 3) return found;
    at += group;
    digits += group;
    bool whole = at == group || ends_word(text, len, at);
    if (digits >= 13 && digits <= 19 && whole && passes_luhn(text, at)) found = at;
    if (at + 1 >= len || (text[at] != ' ' && text[at] != '-')) return found;
    at++;
  }
}

/* Whether a group of digits is one of a trace id's, say. */
static bool is_in_uuid(const char *text, size_t len, size_t at) {
  static const size_t groups[] = {0, 9, 14, 19, 24};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    if (at < groups[i] || len - (at - groups[i]) < 36) continue;
    if (is_uuid((cassette_text){text + at - groups[i], 36})) return true;
  }
  return false;
}

/* Ones do not pass the test at any of these lengths, and are digits where JSON wants some. */
void cassette_scrub_cards(char *text, size_t len) {
  for (size_t at = 0; at < len;) {
    size_t run = digits_at(text + at, len - at);
    if (run == 0 || is_in_uuid(text, len, at)) {
      at += run > 0 ? run : 1;
      continue;
    }
    bool apart = at == 0 || !is_alnum(text[at - 1]);
    size_t card = card_at(text + at, apart ? len - at : run);
    for (size_t i = at; i < at + card; i++) {
      if (is_digit(text[i])) text[i] = '1';
    }
    at += card > 0 ? card : run;
  }
}

/* ---- lines ---- */

/* Nothing that is seen stays; what makes a line malformed does. */
static void hide_all(char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c > 0x20 && c < 0x7f) text[i] = 'x';
    if (c >= 0x80) text[i] = (char)0xe9;
  }
}

/* Of what is no field and no status line: a space or sign that is wrong stays wrong. */
static void hide_letters(char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (is_alnum(text[i])) text[i] = 'x';
    if ((unsigned char)text[i] >= 0x80) text[i] = (char)0xe9;
  }
}

static void scrub_words(const cassette_secrets *secrets, char *text, size_t len) {
  cassette_hide_known(secrets, text, len);
  cassette_hide_words(text, len, false);
  cassette_scrub_cards(text, len);
}

/* Fields whose values mean something to a client, and no secret to anybody. */
static bool is_plain(cassette_text name) {
  static const char *const names[] = {
      "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive",
      "Date",           "Retry-After",  "Trace-Id",         "Cache-Control",     "Vary",       "Server",
      "Allow"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (name.len == strlen(names[i]) && strncasecmp(name.at, names[i], name.len) == 0) return true;
  }
  return false;
}

static bool is_token(cassette_text text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_alnum(text.at[i]) && (text.at[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text.at[i]) == NULL)) return false;
  }
  return text.len > 0;
}

static void scrub_value(const cassette_secrets *secrets, cassette_text name, char *value, size_t len) {
  static const char challenge[] = "WWW-Authenticate"; /* says what is wrong with a token */
  if (is_plain(name)) {
    cassette_hide_known(secrets, value, len);
    cassette_scrub_cards(value, len);
  } else if (name.len == sizeof challenge - 1 && strncasecmp(name.at, challenge, name.len) == 0) {
    scrub_words(secrets, value, len);
  } else {
    hide_all(value, len);
  }
}

static void scrub_field(const cassette_secrets *secrets, char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  cassette_text name = {line, colon == NULL ? 0 : (size_t)(colon - line)};
  if (!is_token(name)) {
    hide_letters(line, len);
    return;
  }
  scrub_value(secrets, name, line + name.len + 1, len - name.len - 1);
  if (cassette_secrets_in(secrets, name) || cassette_looks_secret(name)) hide_letters(line, name.len);
}

/* HTTP/1.1 200 reason: version and number stay as they came, if they are as short as they should be. */
static void scrub_status_line(const cassette_secrets *secrets, char *line, size_t len) {
  size_t at = strlen("HTTP/");
  for (int word = 0; word < 2; word++) {
    size_t begin = at;
    while (at < len && line[at] != ' ') at++;
    if (at - begin > 4) {
      hide_letters(line + begin, len - begin);
      return;
    }
    if (at < len) at++;
  }
  scrub_words(secrets, line + at, len - at);
}

void cassette_scrub_line(const cassette_secrets *secrets, char *line, size_t len) {
  if (len > 0 && line[len - 1] == '\n') len--;
  if (len > 0 && line[len - 1] == '\r') len--;
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
    scrub_status_line(secrets, line, len);
  else
    scrub_field(secrets, line, len);
}

void cassette_scrub_message(const cassette_secrets *secrets, char *message, size_t len) {
  cassette_hide_known(secrets, message, len);
  cassette_scrub_cards(message, len);
}

/* ---- requests ---- */

/* A copy without known secrets and card numbers. */
static bool keep(cassette_arena *arena, const cassette_secrets *secrets, const char *text, size_t len, cassette_text *out) {
  char *copy = cassette_arena_copy(arena, (cassette_text){text, len});
  if (copy == NULL) return false;
  cassette_scrub_message(secrets, copy, len);
  *out = (cassette_text){copy, len};
  return true;
}

static bool keep_header(cassette_arena *arena, const cassette_secrets *secrets, const plq_transport_header *header,
                        cassette_header *out) {
  cassette_text value = {header->value, header->value_len};
  out->secret = cassette_is_secret(header);
  if (out->secret) value = cassette_scheme(header);
  return keep(arena, secrets, header->name, header->name_len, &out->name) &&
         keep(arena, secrets, value.at, value.len, &out->value);
}

static bool keep_body(cassette_arena *arena, cassette_secrets *secrets, const plq_transport_request *request,
                      cassette_request *out) {
  uint64_t number = 0; /* of what stands for a secret: always the same, so that a request matches itself */
  out->has_body = request->body != NULL;
  char *copy = cassette_arena_copy(arena, (cassette_text){(const char *)request->body, out->has_body ? request->body_len : 0});
  if (copy == NULL) return false;
  out->body = (cassette_text){copy, out->has_body ? request->body_len : 0};
  return cassette_scrub_body(secrets, CASSETTE_BODY_REQUEST, &number, copy, out->body.len);
}

bool cassette_request_keep(cassette_arena *arena, cassette_secrets *secrets, const plq_transport_request *request,
                           cassette_request *out) {
  *out = (cassette_request){.header_count = request->header_count};
  out->headers = cassette_arena_take(arena, request->header_count * sizeof *out->headers);
  if (out->headers == NULL) return false;
  for (size_t i = 0; i < request->header_count; i++) {
    if (!keep_header(arena, secrets, cassette_header_at(request, i), &out->headers[i])) return false;
  }
  const plq_transport_target *target = request->target;
  return keep(arena, secrets, request->method, request->method_len, &out->method) &&
         keep(arena, secrets, target->origin, target->origin_len, &out->origin) &&
         keep(arena, secrets, request->path, request->path_len, &out->path) && keep_body(arena, secrets, request, out);
}
