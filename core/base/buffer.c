/* SPDX-License-Identifier: MIT */
#include "buffer.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "secure.h"
#include "text.h"

void plq__buffer_init(struct plq__buffer *buffer, size_t cap, bool secret) {
  *buffer = (struct plq__buffer){.cap = cap, .secret = secret};
}

static void *room_new(const struct plq__buffer *buffer, size_t size) {
  return buffer->secret ? plq__secure_alloc(size) : plq__alloc(size);
}

static void room_free(const struct plq__buffer *buffer) {
  if (buffer->secret)
    plq__secure_free(buffer->at);
  else
    plq__wipe_free(buffer->at, buffer->room);
}

void plq__buffer_clear(struct plq__buffer *buffer) {
  if (buffer->at != NULL) room_free(buffer);
  plq__buffer_init(buffer, buffer->cap, buffer->secret);
}

/* Never realloc: it would leave an unwiped copy behind. */
static bool grow(struct plq__buffer *buffer, size_t need) {
  size_t room = buffer->room > 0 ? buffer->room * 2 : 256;
  while (room < need) room *= 2;
  char *at = room_new(buffer, room);
  if (at == NULL) return false;
  if (buffer->len > 0) memcpy(at, buffer->at, buffer->len);
  if (buffer->at != NULL) room_free(buffer);
  buffer->at = at;
  buffer->room = room;
  return true;
}

bool plq__buffer_reserve(struct plq__buffer *buffer, size_t len) {
  if (buffer->failed || len > buffer->cap - buffer->len || (buffer->len + len + 1 > buffer->room && !grow(buffer, buffer->len + len + 1)))
    buffer->failed = true;
  return !buffer->failed;
}

bool plq__buffer_add(struct plq__buffer *buffer, const void *data, size_t len) {
  bool fits = !buffer->failed && len <= buffer->cap - buffer->len && len < buffer->room - buffer->len; /* as most do */
  if (!fits && !plq__buffer_reserve(buffer, len)) return false;
  if (len > 0) memcpy(buffer->at + buffer->len, data, len);
  buffer->len += len;
  buffer->at[buffer->len] = '\0';
  return true;
}

bool plq__buffer_add_text(struct plq__buffer *buffer, const char *text) { return plq__buffer_add(buffer, text, strlen(text)); }

bool plq__buffer_addf(struct plq__buffer *buffer, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, format, args);
  bool ok = len >= 0 && plq__buffer_reserve(buffer, (size_t)len);
  if (ok) {
    vsnprintf(buffer->at + buffer->len, (size_t)len + 1, format, again);
    buffer->len += (size_t)len;
  }
  va_end(again);
  va_end(args);
  return ok;
}

bool plq__buffer_add_json(struct plq__buffer *buffer, const char *text, size_t len) {
  plq__buffer_add(buffer, "\"", 1);
  for (size_t i = 0; i < len;) {
    unsigned char c = (unsigned char)text[i];
    size_t step = plq__utf8_step((struct plq__text){text + i, len - i});
    if (step == 0)
      plq__buffer_add_text(buffer, "\xef\xbf\xbd"), step = 1;
    else if (c == '"' || c == '\\')
      plq__buffer_addf(buffer, "\\%c", c);
    else if (c < 0x20)
      plq__buffer_addf(buffer, "\\u%04x", c);
    else
      plq__buffer_add(buffer, text + i, step);
    i += step;
  }
  return plq__buffer_add(buffer, "\"", 1);
}
