/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <arpa/inet.h>
#include <string.h>

/* What a character may be part of: heads and keys are looked at one by one. What is no ASCII is part of nothing. */
enum { IN_TOKEN = 1, IN_BEARER = 2, IN_HEX = 4 };
static const uint8_t classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* controls */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* controls */
    0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 3, 0, 3, 3, 2, /* space to / */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, /* 0 to ? */
    0, 7, 7, 7, 7, 7, 7, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* @ to O */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 1, 3, /* P to _ */
    1, 7, 7, 7, 7, 7, 7, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* ` to o */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 1, 0, 3, 0, /* p to DEL */
};

static bool is_in(char c, unsigned what) { return (classes[(unsigned char)c] & what) != 0; }

/* Eight bytes at a time, where most have nothing to be looked at. */
#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static uint64_t word_at(const char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* Whether a byte is below `limit`, which is at most 0x80. */
static bool has_less(uint64_t word, uint64_t limit) { return ((word - EVERY_BYTE(limit)) & ~word & EVERY_BYTE(0x80)) != 0; }
static bool has_byte(uint64_t word, uint64_t byte) { return has_less(word ^ EVERY_BYTE(byte), 1); }

struct plq__text plq__text_in(const char *text, size_t len) {
  if (text == NULL) return (struct plq__text){NULL, 0};
  return (struct plq__text){text, len == SIZE_MAX ? strlen(text) : len};
}

bool plq__text_is(struct plq__text text, const char *literal) {
  if (text.at == NULL || text.len == 0) return text.at != NULL && literal[0] == '\0';
  return text.at[0] == literal[0] && strlen(literal) == text.len && memcmp(text.at, literal, text.len) == 0; /* most end at once */
}

static unsigned char lower(char c) { return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); }

bool plq__text_same_nocase(struct plq__text a, struct plq__text b) {
  if (a.len != b.len || a.at == NULL || b.at == NULL) return false;
  for (size_t i = 0; i < a.len; i++)
    if (a.at[i] != b.at[i] && lower(a.at[i]) != lower(b.at[i])) return false;
  return true;
}

struct plq__text plq__text_trim(struct plq__text text) {
  while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) text.at++, text.len--;
  while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t')) text.len--;
  return text;
}

/* Unicode table 3-7. */
size_t plq__utf8_step(struct plq__text text) {
  const unsigned char *at = (const unsigned char *)text.at;
  size_t len = text.len;
  unsigned char first = at[0];
  if (first < 0x80) return 1;
  size_t need = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (need == 0 || need > len) return 0;
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < need; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  return need;
}

bool plq__is_utf8(struct plq__text text) {
  for (size_t i = 0; i < text.len;) {
    if (text.len - i >= 8 && (word_at(text.at + i) & EVERY_BYTE(0x80)) == 0) {
      i += 8;
      continue;
    }
    bool ascii = (unsigned char)text.at[i] < 0x80;
    size_t step = ascii ? 1 : plq__utf8_step((struct plq__text){text.at + i, text.len - i});
    if (step == 0) return false;
    i += step;
  }
  return true;
}

size_t plq__utf8_cut(struct plq__text text, size_t max) {
  if (text.len <= max) return text.len;
  while (max > 0 && ((unsigned char)text.at[max] & 0xc0) == 0x80) max--;
  return max;
}

size_t plq__plain_run(struct plq__text text) {
  size_t i = 0;
  for (; text.len - i >= 8; i += 8) {
    uint64_t word = word_at(text.at + i);
    if (has_less(word, 0x20) || has_byte(word, '"') || has_byte(word, '\\') || (word & EVERY_BYTE(0x80)) != 0) break;
  }
  for (; i < text.len; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
  }
  return i;
}

static bool is_control(struct plq__text text, size_t step) {
  unsigned char first = (unsigned char)text.at[0];
  if (step == 1) return first < 0x20 || first == 0x7f;
  if (step == 2) return first == 0xc2 && (unsigned char)text.at[1] < 0xa0;
  return step == 3 && (memcmp(text.at, "\xe2\x80\xa8", 3) == 0 || memcmp(text.at, "\xe2\x80\xa9", 3) == 0);
}

struct plq__text plq__next_clean(struct plq__text *rest) {
  size_t step = plq__utf8_step(*rest);
  struct plq__text shown = {rest->at, step};
  if (step == 0)
    shown = PLQ__TEXT("\xef\xbf\xbd"), step = 1;
  else if (is_control(*rest, step))
    shown = PLQ__TEXT(" ");
  rest->at += step;
  rest->len -= step;
  return shown;
}

size_t plq__clean(char *out, size_t room, const char *text, size_t len) {
  struct plq__text rest = {text, len};
  size_t at = 0;
  while (rest.len > 0) {
    struct plq__text shown = plq__next_clean(&rest);
    if (at + shown.len >= room) break;
    memcpy(out + at, shown.at, shown.len);
    at += shown.len;
  }
  out[at] = '\0';
  return at;
}

bool plq__has_nul(struct plq__text text) { return text.len > 0 && memchr(text.at, 0, text.len) != NULL; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool plq__is_uuid(struct plq__text text) {
  if (text.len != 36) return false;
  if (text.at[8] != '-' || text.at[13] != '-' || text.at[18] != '-' || text.at[23] != '-') return false;
  unsigned digits = 0;
  for (size_t i = 0; i < 36; i++) digits += is_in(text.at[i], IN_HEX);
  return digits == 32; /* all but the dashes */
}

bool plq__is_uuid4(struct plq__text text) {
  return plq__is_uuid(text) && text.at[14] == '4' && strchr("89abAB", text.at[19]) != NULL;
}

bool plq__is_token(struct plq__text text) {
  for (size_t i = 0; i < text.len; i++)
    if (!is_in(text.at[i], IN_TOKEN)) return false;
  return text.len > 0;
}

bool plq__is_field_value(struct plq__text text) {
  size_t i = 0;
  for (; text.len - i >= 8; i += 8) {
    uint64_t word = word_at(text.at + i);
    if (has_less(word, 0x20) || has_byte(word, 0x7f)) break; /* a tab is good: the loop below tells */
  }
  for (; i < text.len; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool plq__is_bearer(struct plq__text text) {
  size_t i = 0;
  while (i < text.len && is_in(text.at[i], IN_BEARER)) i++;
  bool some = i > 0;
  while (i < text.len && text.at[i] == '=') i++;
  return some && i == text.len;
}

bool plq__is_address(struct plq__text text) {
  char copy[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (text.len == 0 || text.len >= sizeof copy || plq__has_nul(text)) return false;
  memcpy(copy, text.at, text.len);
  copy[text.len] = '\0';
  return inet_pton(AF_INET, copy, &address) == 1 || inet_pton(AF_INET6, copy, &address) == 1;
}

bool plq__to_number(struct plq__text text, int64_t *out_number) {
  bool minus = text.len > 1 && text.at[0] == '-';
  int64_t number = 0;
  for (size_t i = minus; i < text.len; i++) {
    if (!is_digit(text.at[i]) || __builtin_mul_overflow(number, 10, &number) ||
        __builtin_sub_overflow(number, text.at[i] - '0', &number))
      return false; /* counted downwards, so that INT64_MIN fits */
  }
  if (text.len == 0 || (!minus && number == INT64_MIN)) return false;
  *out_number = minus ? number : -number;
  return true;
}

bool plq__next_part(struct plq__text *rest, char separator, struct plq__text *out_part) {
  while (rest->len > 0) {
    const char *end = memchr(rest->at, separator, rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->at) : rest->len;
    size_t step = len + (end != NULL);
    *out_part = plq__text_trim((struct plq__text){rest->at, len});
    rest->at += step;
    rest->len -= step;
    if (out_part->len > 0) return true;
  }
  return false;
}

bool plq__list_has(const char *list, struct plq__text part) {
  struct plq__text rest = plq__text_in(list, SIZE_MAX), one;
  while (plq__next_part(&rest, ',', &one))
    if (one.len == part.len && memcmp(one.at, part.at, one.len) == 0) return true;
  return false;
}

size_t plq__distance(struct plq__text a, struct plq__text b, size_t limit) {
  enum { LONGEST = 64 };
  size_t row[LONGEST + 1];
  if (a.len > LONGEST || b.len > LONGEST) return limit + 1;
  for (size_t j = 0; j <= b.len; j++) row[j] = j;
  for (size_t i = 1; i <= a.len; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.len; j++) {
      size_t replace = diagonal + (lower(a.at[i - 1]) != lower(b.at[j - 1]));
      size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = replace < shorter ? replace : shorter;
    }
  }
  return row[b.len] <= limit ? row[b.len] : limit + 1;
}

__attribute__((unused)) static const char *text_of_xsi(int result, const char *buffer) {
  return result == 0 ? buffer : "unknown error";
}

__attribute__((unused)) static const char *text_of_gnu(const char *result, const char *buffer) {
  (void)buffer;
  return result;
}

/* glibc's answers the text, musl's a number. */
const char *plq__errno_text(int number, char *buffer, size_t room) {
  return _Generic(strerror_r(number, buffer, room), int
                  : text_of_xsi, default
                  : text_of_gnu)(strerror_r(number, buffer, room), buffer);
}
