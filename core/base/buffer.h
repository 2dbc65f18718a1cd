/* SPDX-License-Identifier: MIT */
/* A growing run of bytes with a cap given at birth; always NUL-terminated once it has content. Wiped when cleared or moved. */
#ifndef PLQ_BASE_BUFFER_H
#define PLQ_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct plq__buffer {
  char *at;
  size_t len;
  size_t room; /* allocated, the NUL included */
  size_t cap;  /* most bytes of content */
  bool secret; /* content lies in the secure pages */
  bool failed; /* an append did not fit or there was no memory: later ones are refused too */
};

void plq__buffer_init(struct plq__buffer *buffer, size_t cap, bool secret);
void plq__buffer_clear(struct plq__buffer *buffer);
/* false: over the cap, or no memory; the content is as it was. */
bool plq__buffer_add(struct plq__buffer *buffer, const void *data, size_t len);
bool plq__buffer_add_text(struct plq__buffer *buffer, const char *text);
__attribute__((format(printf, 2, 3))) bool plq__buffer_addf(struct plq__buffer *buffer, const char *format, ...);
/* As a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
bool plq__buffer_add_json(struct plq__buffer *buffer, const char *text, size_t len);
/* Makes room for len more bytes, so that they arrive without a move. */
bool plq__buffer_reserve(struct plq__buffer *buffer, size_t len);

#endif
