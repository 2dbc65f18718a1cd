/* SPDX-License-Identifier: MIT */
/*
 * Takes secrets out of JSON where it lies, so that no copy comes about and every length stays: Content-Length and counters stay
 * true. As strict about texts and structure as the core's scanner: what that refuses must still be refused when it is replayed.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum { MOST_DEPTH = 66, LONGEST_NAME = 40, MOST_NAME_DIGITS = 3, LONGEST_NUMBER = 9, SHORTEST_SECRET = 8 };

typedef struct walk {
  cassette_secrets *secrets;
  cassette_body_kind kind;
  uint64_t *number;
  char *at;
  char *end;
  int depth;
  bool no_memory;
} walk;

/* A string, without its quotes. */
typedef struct raw {
  char *at;
  size_t len;
  bool escaped;
  bool needlessly; /* a letter, digit or sign that needs no escape has one */
} raw;

static bool value(walk *w, bool kept);

static void skip_blanks(walk *w) {
  while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' || *w->at == '\n' || *w->at == '\r')) w->at++;
}

static bool take(walk *w, char wanted) {
  if (w->at == w->end || *w->at != wanted) return false;
  w->at++;
  return true;
}

/* ---- strings ---- */

static int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The unit of \uXXXX at a place, or -1. */
static int32_t unit_at(const char *at, const char *end) {
  int32_t unit = 0;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  for (int i = 2; i < 6; i++) {
    int digit = hex_of(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/* Takes an escape; *out_code is what it stands for, or -1. */
static bool take_escape(walk *w, int32_t *out_code) {
  static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
  const char *found = w->end - w->at >= 2 && w->at[1] != '\0' ? strchr(names, w->at[1]) : NULL;
  if (found != NULL) {
    *out_code = codes[found - names];
    w->at += 2;
    return true;
  }
  int32_t high = unit_at(w->at, w->end);
  if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) return false;
  w->at += 6;
  *out_code = high;
  if (high < 0xd800 || high > 0xdfff) return true;
  int32_t low = unit_at(w->at, w->end);
  if (low < 0xdc00 || low > 0xdfff) return false;
  w->at += 6;
  *out_code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

/* Length of the well-formed UTF-8 sequence at a place, or 0 (RFC 3629 section 4). */
static size_t utf8_len(const char *text, const char *end) {
  const unsigned char *at = (const unsigned char *)text;
  size_t room = (size_t)(end - text), len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
  if (len == 0 || at[0] > 0xf4 || len > room) return 0;
  for (size_t i = 1; i < len; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0;
  return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : len;
}

static bool string(walk *w, raw *out) {
  if (!take(w, '"')) return false;
  *out = (raw){.at = w->at};
  while (w->at < w->end && *w->at != '"') {
    int32_t code = 0;
    if (*w->at == '\\') {
      bool by_number = w->end - w->at >= 2 && w->at[1] == 'u';
      if (!take_escape(w, &code)) return false;
      out->escaped = true;
      out->needlessly = out->needlessly || (by_number && code > 0x20 && code < 0x7f);
      continue;
    }
    size_t len = (unsigned char)*w->at < 0x20 ? 0 : utf8_len(w->at, w->end);
    if (len == 0) return false;
    w->at += len;
  }
  out->len = (size_t)(w->at - out->at);
  return take(w, '"');
}

static size_t put_utf8(char *out, int32_t code) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf00 >> len) | code);
  return len;
}

/* What a string says, into room for its length. */
static size_t decode(const raw *text, char *out) {
  walk w = {.at = text->at, .end = text->at + text->len};
  size_t len = 0;
  while (w.at < w.end) {
    int32_t code = 0;
    if (*w.at != '\\')
      out[len++] = *w.at++;
    else if (take_escape(&w, &code))
      len += put_utf8(out + len, code);
    else
      break; /* cannot be: it was checked */
  }
  return len;
}

/* What stands in place of a secret. Escapes of control characters stay: the core may refuse a text for them. */
static void put_placeholder(const raw *text, uint64_t number) {
  static const char begin[] = "test-secret-";
  char digits[9];
  snprintf(digits, sizeof digits, "%08u", (unsigned)(number % 100000000));
  for (size_t i = 0; i < text->len;) {
    int32_t code = 0x20;
    walk w = {.at = text->at + i, .end = text->at + text->len};
    size_t step = text->at[i] == '\\' && take_escape(&w, &code) ? (size_t)(w.at - text->at) - i : 1;
    for (size_t end = i + step; i < end; i++) {
      size_t left = text->len - i;
      if (code >= 0x20) text->at[i] = i < sizeof begin - 1 ? begin[i] : left <= 8 ? digits[8 - left] : 'x';
    }
  }
}

/* What a string says: where it lies, or in a copy if it has escapes. */
typedef struct plain {
  cassette_text text;
  char *copy;
  size_t size;
} plain;

static plain plain_of(walk *w, const raw *text) {
  const plq_transport_host *host = w->secrets->host;
  plain out = {.text = {text->at, text->len}, .size = text->len};
  if (!text->escaped) return out;
  out.copy = host->alloc(host->context, text->len);
  if (out.copy == NULL) w->no_memory = true;
  out.text = (cassette_text){out.copy, out.copy == NULL ? 0 : decode(text, out.copy)};
  return out;
}

static void plain_drop(walk *w, plain *text) {
  if (text->copy != NULL) w->secrets->host->wipe(text->copy, text->size);
  w->secrets->host->free(w->secrets->host->context, text->copy);
}

/* Whether a text has a known secret in it, however it is written. */
static bool has_secret(walk *w, const raw *text) {
  plain said = plain_of(w, text);
  bool found = cassette_secrets_in(w->secrets, said.text);
  plain_drop(w, &said);
  return found;
}

static void learn(walk *w, const raw *text) {
  plain said = plain_of(w, text);
  if (!cassette_secrets_add(w->secrets, said.text)) w->no_memory = true;
  plain_drop(w, &said);
}

/* An API's names are short, and have few digits. */
static bool is_usual_name(walk *w, const raw *name) {
  size_t digits = 0;
  plain said = plain_of(w, name);
  for (size_t i = 0; i < said.text.len; i++) digits += said.text.at[i] >= '0' && said.text.at[i] <= '9';
  bool usual = said.text.len <= LONGEST_NAME && digits <= MOST_NAME_DIGITS;
  plain_drop(w, &said);
  return usual;
}

static void take_out(walk *w, const raw *text) {
  bool counted = w->kind != CASSETTE_BODY_REQUEST;
  put_placeholder(text, counted ? ++*w->number : 0);
}

static void scrub_text(walk *w, const raw *text, bool kept) {
  if (w->kind == CASSETTE_BODY_ANSWER && text->len >= SHORTEST_SECRET) learn(w, text);
  bool suspicious = w->kind == CASSETTE_BODY_ERROR && text->needlessly;
  if (!kept || suspicious || (text->escaped && has_secret(w, text))) {
    take_out(w, text);
    return;
  }
  if (!text->escaped) cassette_hide_known(w->secrets, text->at, text->len);
  if (w->kind == CASSETTE_BODY_ERROR) cassette_hide_words(text->at, text->len, true);
}

static void scrub_name(walk *w, const raw *name) {
  bool usual = w->kind == CASSETTE_BODY_REQUEST || is_usual_name(w, name);
  if (!usual || has_secret(w, name)) take_out(w, name);
}

/* ---- the others ---- */

static bool digits(walk *w) {
  const char *begin = w->at;
  while (w->at < w->end && *w->at >= '0' && *w->at <= '9') w->at++;
  return w->at > begin;
}

static bool number_text(walk *w) {
  take(w, '-');
  if (!take(w, '0') && !digits(w)) return false;
  if (take(w, '.') && !digits(w)) return false;
  if (!take(w, 'e') && !take(w, 'E')) return true;
  if (!take(w, '+')) take(w, '-');
  return digits(w);
}

/* A number that is as long as an account's does not stay in an answer. */
static bool number(walk *w) {
  char *begin = w->at;
  size_t count = 0;
  if (!number_text(w)) return false;
  for (const char *at = begin; at < w->at; at++) count += *at >= '0' && *at <= '9';
  for (char *at = begin; count > LONGEST_NUMBER && w->kind != CASSETTE_BODY_REQUEST && at < w->at; at++) {
    if (*at >= '0' && *at <= '9') *at = '1';
  }
  return true;
}

static bool word(walk *w, const char *text) {
  size_t len = strlen(text);
  if ((size_t)(w->end - w->at) < len || memcmp(w->at, text, len) != 0) return false;
  w->at += len;
  return true;
}

/* Members of an error object whose texts tell what went wrong: those that the library itself reads. */
static bool tells(const raw *name) {
  static const char *const names[] = {"code", "message", "traceId", "errors", "details"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (name->len == strlen(names[i]) && memcmp(name->at, names[i], name->len) == 0) return true;
  }
  return false;
}

static bool member(walk *w) {
  raw name;
  skip_blanks(w);
  if (!string(w, &name)) return false;
  bool kept = w->kind == CASSETTE_BODY_REQUEST || (w->kind == CASSETTE_BODY_ERROR && tells(&name));
  scrub_name(w, &name);
  skip_blanks(w);
  return take(w, ':') && value(w, kept);
}

/* After the bracket. */
static bool items(walk *w, char end, bool kept) {
  if (++w->depth > MOST_DEPTH) return false;
  skip_blanks(w);
  bool more = !take(w, end);
  while (more) {
    if (!(end == '}' ? member(w) : value(w, kept))) return false;
    skip_blanks(w);
    more = take(w, ',');
    if (!more && !take(w, end)) return false;
  }
  w->depth--;
  return true;
}

static bool value(walk *w, bool kept) {
  raw text;
  skip_blanks(w);
  if (w->at == w->end) return false;
  switch (*w->at) {
    case '{':
      w->at++;
      return items(w, '}', false);
    case '[':
      w->at++;
      return items(w, ']', kept);
    case '"':
      if (!string(w, &text)) return false;
      scrub_text(w, &text, kept);
      return true;
    case 't':
      return word(w, "true");
    case 'f':
      return word(w, "false");
    case 'n':
      return word(w, "null");
    default:
      return number(w);
  }
}

bool cassette_scrub_body(cassette_secrets *secrets, cassette_body_kind kind, uint64_t *number_, char *body, size_t len) {
  walk w = {.secrets = secrets, .kind = kind, .number = number_, .at = body, .end = body + len};
  if (len == 0) return true;
  if (len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) w.at += 3;
  bool good = value(&w, kind == CASSETTE_BODY_REQUEST);
  skip_blanks(&w);
  if (!good || w.at != w.end || w.no_memory)
    memset(body, 'x', len);
  else
    cassette_scrub_cards(body, len);
  return !w.no_memory;
}
