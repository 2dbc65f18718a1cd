/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON where it lies. Bodies of requests may hold card data, and a JSON library would leave copies of it in freed memory;
 * this copies nothing but what the caller asks for.
 */
#include "internal.h"

#define MAX_DEPTH 64

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static bool scan_any(cursor *c, int depth, scan_value *out);

static void skip_blanks(cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool take_word(cursor *c, const char *word) {
  size_t len = strlen(word);
  if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0) return false;
  c->at += len;
  return true;
}

static bool take_digits(cursor *c) {
  const char *begin = c->at;
  while (c->at < c->end && *c->at >= '0' && *c->at <= '9') c->at++;
  return c->at > begin;
}

static bool scan_number(cursor *c) {
  take(c, '-');
  if (!take(c, '0') && !take_digits(c)) return false;
  if (take(c, '.') && !take_digits(c)) return false;
  if (take(c, 'e') || take(c, 'E')) {
    if (!take(c, '+')) take(c, '-');
    return take_digits(c);
  }
  return true;
}

/* The length of the UTF-8 character at the cursor, or 0: overlong forms, surrogates and what lies beyond U+10FFFF are none. */
static size_t utf8_length(const cursor *c) {
  const unsigned char *s = (const unsigned char *)c->at;
  size_t left = (size_t)(c->end - c->at);
  size_t len = s[0] < 0x80                   ? 1
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
               : (s[0] & 0xf0) == 0xe0       ? 3
               : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                             : 0;
  if (len == 0 || left < len) return 0;
  for (size_t i = 1; i < len; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
  }
  if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
  if (s[0] == 0xed && s[1] >= 0xa0) return 0;
  if (s[0] == 0xf0 && s[1] < 0x90) return 0;
  if (s[0] == 0xf4 && s[1] >= 0x90) return 0;
  return len;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool take_hex4(cursor *c, uint32_t *out) {
  if (c->end - c->at < 4) return false;
  *out = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(*c->at++);
    if (digit < 0) return false;
    *out = *out << 4 | (uint32_t)digit;
  }
  return true;
}

/* Reads the part of an escape after its backslash. A lone surrogate is no character. */
static bool take_escape(cursor *c, uint32_t *out) {
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  if (c->at == c->end) return false;
  char name = *c->at++;
  if (name != 'u') {
    const char *found = name == '\0' ? NULL : strchr(names, name);
    if (found == NULL) return false;
    *out = (uint32_t)values[found - names];
    return true;
  }
  if (!take_hex4(c, out) || (*out >= 0xdc00 && *out < 0xe000)) return false;
  if (*out >= 0xd800 && *out < 0xdc00) {
    uint32_t low = 0;
    if (!take_word(c, "\\u") || !take_hex4(c, &low) || low < 0xdc00 || low >= 0xe000) return false;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
  }
  return true;
}

static bool scan_string_token(cursor *c) {
  if (!take(c, '"')) return false;
  while (c->at < c->end && *c->at != '"') {
    if (*c->at == '\\') {
      uint32_t unused = 0;
      c->at++;
      if (!take_escape(c, &unused)) return false;
      continue;
    }
    size_t len = (unsigned char)*c->at < 0x20 ? 0 : utf8_length(c);
    if (len == 0) return false;
    c->at += len;
  }
  return take(c, '"');
}

static bool scan_list(cursor *c, int depth, bool object) {
  char last = object ? '}' : ']';
  scan_value unused;
  c->at++;
  skip_blanks(c);
  if (take(c, last)) return true;
  do {
    if (object) {
      skip_blanks(c);
      if (!scan_string_token(c)) return false;
      skip_blanks(c);
      if (!take(c, ':')) return false;
    }
    if (!scan_any(c, depth + 1, &unused)) return false;
    skip_blanks(c);
  } while (take(c, ','));
  return take(c, last);
}

static bool scan_any(cursor *c, int depth, scan_value *out) {
  skip_blanks(c);
  if (c->at == c->end || depth > MAX_DEPTH) return false;
  out->begin = c->at;
  bool good = false;
  switch (*c->at) {
    case '{':
      out->type = SCAN_OBJECT, good = scan_list(c, depth, true);
      break;
    case '[':
      out->type = SCAN_ARRAY, good = scan_list(c, depth, false);
      break;
    case '"':
      out->type = SCAN_STRING, good = scan_string_token(c);
      break;
    case 't':
      out->type = SCAN_BOOL, good = take_word(c, "true");
      break;
    case 'f':
      out->type = SCAN_BOOL, good = take_word(c, "false");
      break;
    case 'n':
      out->type = SCAN_NULL, good = take_word(c, "null");
      break;
    default:
      out->type = SCAN_NUMBER, good = scan_number(c);
      break;
  }
  out->end = c->at;
  return good;
}

bool scan_document(engine_text text, scan_value *out) {
  cursor c = {text.data, text.data + text.len};
  if (text.len == 0 || !scan_any(&c, 1, out)) return false;
  skip_blanks(&c);
  return c.at == c.end;
}

bool scan_member(const scan_value *object, const char *name, scan_value *out) {
  cursor c = {object->begin + 1, object->end};
  bool found = false;
  skip_blanks(&c);
  if (take(&c, '}')) return false;
  do {
    scan_value key = {SCAN_STRING, NULL, NULL};
    scan_value value;
    char decoded[64];
    size_t len = 0;
    if (!scan_any(&c, 1, &key)) return found;
    skip_blanks(&c);
    if (!take(&c, ':') || !scan_any(&c, 1, &value)) return found;
    if (scan_string(&key, decoded, sizeof decoded, &len) && text_is((engine_text){decoded, len}, name)) {
      *out = value;
      found = true;
    }
    skip_blanks(&c);
  } while (take(&c, ','));
  return found;
}

static size_t utf8_encode(uint32_t code, char out[4]) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf00u >> len & 0xf0) | code);
  return len;
}

bool scan_string(const scan_value *value, char *out, size_t size, size_t *out_len) {
  cursor c = {value->begin + 1, value->end - 1};
  *out_len = 0;
  while (c.at < c.end) {
    char bytes[4] = {*c.at};
    size_t len = 1;
    if (*c.at++ == '\\') {
      uint32_t code = 0;
      if (!take_escape(&c, &code)) return false;
      len = utf8_encode(code, bytes);
    }
    if (*out_len + len >= size) return false;
    memcpy(out + *out_len, bytes, len);
    *out_len += len;
  }
  out[*out_len] = '\0';
  return true;
}
