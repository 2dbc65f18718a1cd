/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include <stdint.h>
#include <string.h>

#include "../base/text.h"

enum { MAX_DEPTH = 64 };

struct cursor {
  const char *at;
  const char *end;
};

static void skip_blanks(struct cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

static bool take(struct cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool take_word(struct cursor *c, const char *word) {
  size_t len = strlen(word);
  if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0) return false;
  c->at += len;
  return true;
}

static bool take_digits(struct cursor *c) {
  const char *begin = c->at;
  while (c->at < c->end && *c->at >= '0' && *c->at <= '9') c->at++;
  return c->at > begin;
}

static bool take_number(struct cursor *c) {
  take(c, '-');
  if (!take(c, '0') && !take_digits(c)) return false;
  if (take(c, '.') && !take_digits(c)) return false;
  if (take(c, 'e') || take(c, 'E')) {
    if (!take(c, '+')) take(c, '-');
    return take_digits(c);
  }
  return true;
}

static int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits after \u. */
static bool take_unit(struct cursor *c, uint32_t *out_unit) {
  *out_unit = 0;
  for (int i = 0; i < 4; i++, c->at++) {
    int digit = c->at < c->end ? hex_of(*c->at) : -1;
    if (digit < 0) return false;
    *out_unit = *out_unit << 4 | (uint32_t)digit;
  }
  return true;
}

/* What follows \u: one unit, or a surrogate pair. A surrogate alone is refused: no UTF-8 stands for it. */
static bool take_code_point(struct cursor *c, uint32_t *out_code) {
  uint32_t low = 0;
  if (!take_unit(c, out_code) || (*out_code >= 0xdc00 && *out_code <= 0xdfff)) return false;
  if (*out_code < 0xd800 || *out_code > 0xdfff) return true;
  if (!take_word(c, "\\u") || !take_unit(c, &low) || low < 0xdc00 || low > 0xdfff) return false;
  *out_code = 0x10000 + ((*out_code - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

static size_t write_utf8(uint32_t code, char out[4]) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf00 >> len & 0xf0) | code);
  return len;
}

/* Takes one character, escaped or not, and gives its UTF-8; 0 if there is none. */
static size_t take_character(struct cursor *c, char out[4]) {
  static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (take(c, '\\')) {
    uint32_t code = 0;
    if (take(c, 'u')) return take_code_point(c, &code) ? write_utf8(code, out) : 0;
    const char *escape = c->at < c->end && *c->at != '\0' ? strchr(escapes, *c->at) : NULL;
    if (escape == NULL) return 0;
    c->at++;
    out[0] = meanings[escape - escapes];
    return 1;
  }
  if (c->at == c->end || (unsigned char)*c->at < 0x20) return 0;
  size_t step = plq__utf8_step((struct plq__text){c->at, (size_t)(c->end - c->at)});
  memcpy(out, c->at, step);
  c->at += step;
  return step;
}

/* Takes what stands for itself: most strings are nothing else. */
static size_t take_plain(struct cursor *c) {
  size_t run = plq__plain_run((struct plq__text){c->at, (size_t)(c->end - c->at)});
  c->at += run;
  return run;
}

static bool take_string(struct cursor *c, struct plq__text *out_raw) {
  char character[4];
  if (!take(c, '"')) return false;
  const char *begin = c->at;
  while (take_plain(c), c->at < c->end && *c->at != '"')
    if (take_character(c, character) == 0) return false;
  *out_raw = (struct plq__text){begin, (size_t)(c->at - begin)};
  return take(c, '"');
}

/* Without unescaping into memory: keys may be long, and nothing here allocates. */
static bool key_is(struct plq__text raw, const char *name) {
  struct cursor c = {raw.at, raw.at + raw.len};
  char character[4];
  size_t run = take_plain(&c);
  if (strncmp(name, raw.at, run) != 0) return false;
  name += run;
  while (c.at < c.end) {
    size_t step = take_character(&c, character);
    if (step == 0 || strncmp(name, character, step) != 0 || memchr(character, '\0', step) != NULL) return false;
    name += step;
  }
  return *name == '\0';
}

static bool take_value(struct cursor *c, int depth, struct plq__scan_value *out_value);

static bool show(const struct plq__scan_visitor *visitor, const struct plq__scan_value *key, const struct plq__scan_value *value) {
  return visitor == NULL || visitor->visit(visitor->context, key, value);
}

/* After the opening bracket, up to and with the closing one. */
static bool take_array(struct cursor *c, int depth, const struct plq__scan_visitor *visitor) {
  const struct plq__scan_value no_key = {.kind = PLQ__SCAN_ABSENT};
  struct plq__scan_value value;
  skip_blanks(c);
  if (take(c, ']')) return true;
  do {
    if (!take_value(c, depth, &value) || !show(visitor, &no_key, &value)) return false;
  } while (take(c, ','));
  return take(c, ']');
}

static bool take_object(struct cursor *c, int depth, const struct plq__scan_visitor *visitor) {
  struct plq__scan_value key = {.kind = PLQ__SCAN_STRING}, value;
  struct plq__text raw;
  skip_blanks(c);
  if (take(c, '}')) return true;
  do {
    skip_blanks(c);
    if (!take_string(c, &raw)) return false;
    skip_blanks(c);
    if (!take(c, ':') || !take_value(c, depth, &value)) return false;
    key.raw = raw.at;
    key.raw_len = raw.len;
    if (!show(visitor, &key, &value)) return false;
  } while (take(c, ','));
  return take(c, '}');
}

static enum plq__scan_kind kind_of(char first) {
  switch (first) {
    case '"': return PLQ__SCAN_STRING;
    case '{': return PLQ__SCAN_OBJECT;
    case '[': return PLQ__SCAN_ARRAY;
    case 'n': return PLQ__SCAN_NULL;
    case 't':
    case 'f': return PLQ__SCAN_BOOL;
    default: return PLQ__SCAN_NUMBER;
  }
}

static bool take_kind(struct cursor *c, enum plq__scan_kind kind, int depth, struct plq__text *out_raw) {
  switch (kind) {
    case PLQ__SCAN_STRING: return take_string(c, out_raw);
    case PLQ__SCAN_OBJECT: return depth < MAX_DEPTH && take(c, '{') && take_object(c, depth + 1, NULL);
    case PLQ__SCAN_ARRAY: return depth < MAX_DEPTH && take(c, '[') && take_array(c, depth + 1, NULL);
    case PLQ__SCAN_NULL: return take_word(c, "null");
    case PLQ__SCAN_BOOL: return take_word(c, "true") || take_word(c, "false");
    default: return take_number(c);
  }
}

/* With the blanks around it. Recursion ends at MAX_DEPTH containers. */
static bool take_value(struct cursor *c, int depth, struct plq__scan_value *out_value) {
  struct plq__text raw = {NULL, 0};
  skip_blanks(c);
  const char *begin = c->at;
  enum plq__scan_kind kind = begin < c->end ? kind_of(*begin) : PLQ__SCAN_ABSENT;
  if (!take_kind(c, kind, depth, &raw)) return false;
  if (kind != PLQ__SCAN_STRING) raw = (struct plq__text){begin, (size_t)(c->at - begin)};
  *out_value = (struct plq__scan_value){kind, raw.at, raw.len};
  skip_blanks(c);
  return true;
}

const char *plq__scan_walk(const char *json, size_t len, enum plq__scan_kind kind, const struct plq__scan_visitor *visitor) {
  struct cursor c = {json, json + len};
  take_word(&c, "\xef\xbb\xbf");
  skip_blanks(&c);
  bool ok = kind == PLQ__SCAN_ARRAY ? take(&c, '[') && take_array(&c, 1, visitor) : take(&c, '{') && take_object(&c, 1, visitor);
  skip_blanks(&c);
  return ok && c.at == c.end ? NULL : c.at;
}

/* ---- the members that somebody asks for ---- */

struct wanted {
  struct plq__scan_member *members;
  size_t count;
};

static bool keep(void *context, const struct plq__scan_value *key, const struct plq__scan_value *value) {
  const struct wanted *wanted = context;
  bool text = value->kind == PLQ__SCAN_STRING;
  for (size_t i = 0; i < wanted->count; i++) {
    struct plq__scan_member *member = &wanted->members[i];
    if (!key_is((struct plq__text){key->raw, key->raw_len}, member->name)) continue;
    *member = (struct plq__scan_member){member->name, value->kind, text ? value->raw : NULL, text ? value->raw_len : 0};
  }
  return true;
}

static void forget(struct plq__scan_member *members, size_t count) {
  for (size_t i = 0; i < count; i++) members[i] = (struct plq__scan_member){.name = members[i].name};
}

bool plq__scan_object(const char *json, size_t len, struct plq__scan_member *members, size_t count) {
  struct wanted wanted = {members, count};
  const struct plq__scan_visitor visitor = {keep, &wanted};
  forget(members, count);
  if (json == NULL) return false;
  bool ok = plq__scan_walk(json, len, PLQ__SCAN_OBJECT, &visitor) == NULL;
  if (!ok) forget(members, count);
  return ok;
}

size_t plq__scan_unescape(const char *raw, size_t raw_len, char *out) {
  struct cursor c = {raw, raw + raw_len};
  char character[4];
  size_t written = 0;
  while (c.at < c.end) {
    size_t run = take_plain(&c);
    if (run > 0) memcpy(out + written, c.at - run, run);
    written += run;
    if (c.at == c.end) break;
    size_t step = take_character(&c, character);
    if (step == 0) break; /* not a string that plq__scan_object accepted */
    memcpy(out + written, character, step);
    written += step;
  }
  return written;
}
