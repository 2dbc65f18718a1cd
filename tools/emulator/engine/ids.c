/* SPDX-License-Identifier: MIT */
/* The forms that texts may have: UUIDs, tokens, header values, base64url. */
#include "internal.h"

#include <stdlib.h>
#include <strings.h>

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool engine_is_uuid(engine_text text, int version) {
  if (text.len != 36) return false;
  for (size_t i = 0; i < 36; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text.data[i] != '-' : !is_hex(text.data[i])) return false;
  }
  if (version == 0) return true;
  return text.data[14] == '0' + version && strchr("89abAB", text.data[19]) != NULL;
}

bool engine_is_token(engine_text text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (!is_alphanumeric(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) return false;
  }
  return text.len > 0;
}

bool engine_is_field_value(engine_text text) {
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.data[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool engine_key_valid(engine_text key) {
  size_t i = 0;
  while (i < key.len && (is_alphanumeric(key.data[i]) || (key.data[i] != '\0' && strchr("-._~+/", key.data[i]) != NULL))) i++;
  bool any = i > 0;
  while (i < key.len && key.data[i] == '=') i++;
  return any && i == key.len;
}

char *text_copy(engine_text text) {
  char *copy = malloc(text.len + 1);
  if (copy == NULL) return NULL;
  if (text.len > 0) memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  return copy;
}

bool text_is_nocase(engine_text text, const char *other) {
  return text.len == strlen(other) && strncasecmp(text.data, other, text.len) == 0;
}

engine_text text_trim(engine_text text) {
  while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) text.data++, text.len--;
  while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) text.len--;
  return text;
}

void base64url(const uint8_t *data, size_t len, char *out) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint32_t bits = 0;
  unsigned count = 0;
  for (size_t i = 0; i < len; i++) {
    bits = bits << 8 | data[i];
    for (count += 8; count >= 6; count -= 6) *out++ = alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) *out++ = alphabet[bits << (6 - count) & 63];
  *out = '\0';
}
