/* SPDX-License-Identifier: MIT */
#include "redact.h"

#include <stdint.h>
#include <string.h>

#include "error_body.h"

/* How many bytes of the text, from its start, are a secret: the longest one counts. */
static size_t secret_at(struct plq__text text, const struct plq__text *secrets, size_t secret_count, size_t least) {
  size_t longest = 0;
  for (size_t i = 0; i < secret_count; i++) {
    size_t len = secrets[i].at != NULL ? secrets[i].len : 0;
    if (len > longest && len >= least && len <= text.len && memcmp(text.at, secrets[i].at, len) == 0) longest = len;
  }
  return longest;
}

/* Occurrences that overlap are taken out as one, so that no end of a secret is left over. */
bool plq__redact_into(struct plq__buffer *buffer, struct plq__text text, const struct plq__text *secrets, size_t secret_count,
                      size_t least) {
  size_t clean = 0;  /* what lies before is in the buffer */
  size_t hidden = 0; /* what lies before is part of a secret */
  for (size_t i = 0; i < text.len; i++) {
    size_t len = secret_at((struct plq__text){text.at + i, text.len - i}, secrets, secret_count, least);
    if (len == 0) continue;
    if (i >= hidden) {
      plq__buffer_add(buffer, text.at + clean, i - clean);
      plq__buffer_add_text(buffer, "[redacted]");
    }
    if (i + len > hidden) hidden = i + len;
    clean = hidden;
  }
  return plq__buffer_add(buffer, text.at + clean, text.len - clean);
}

char *plq__redact(struct plq__text text, const struct plq__text *secrets, size_t secret_count) {
  struct plq__buffer buffer;
  plq__buffer_init(&buffer, SIZE_MAX / 4, false);
  if (text.at == NULL) text = PLQ__TEXT("");
  if (!plq__redact_into(&buffer, text, secrets, secret_count, 1)) plq__buffer_clear(&buffer);
  return buffer.at; /* cleared: NULL */
}
