/* SPDX-License-Identifier: MIT */
/* The secrets that were issued, as hashes. A ring: under load the oldest is forgotten, so that memory has a bound. */
#include "internal.h"

#include <stdlib.h>

static bool grow(secret_table *self) {
  size_t capacity = self->capacity == 0 ? 64 : self->capacity * 2;
  struct secret *items = realloc(self->items, capacity * sizeof *items);
  if (items == NULL) return false;
  self->items = items;
  self->capacity = capacity;
  return true;
}

bool secrets_add(secret_table *self, const char *secret, int64_t expires_ms) {
  if (self->count == self->capacity && self->capacity < SECRET_TABLE_MAX && !grow(self)) return false;
  struct secret *place = &self->items[self->next];
  *place = (struct secret){.expires_ms = expires_ms};
  sha256(secret, strlen(secret), place->hash);
  if (self->count < self->capacity) self->count++;
  self->next = self->count < SECRET_TABLE_MAX ? self->count : (self->next + 1) % SECRET_TABLE_MAX;
  return true;
}

secret_state secrets_look_up(const secret_table *self, engine_text token, int64_t now_ms, size_t *out_index) {
  uint8_t hash[HASH_SIZE];
  sha256(token.data, token.len, hash);
  for (size_t i = 0; i < self->count; i++) {
    const struct secret *s = &self->items[i];
    if (!hash_equal(s->hash, hash)) continue;
    *out_index = i;
    if (s->used) return SECRET_USED;
    return now_ms >= s->expires_ms ? SECRET_EXPIRED : SECRET_GOOD;
  }
  return SECRET_UNKNOWN;
}

void secrets_use(secret_table *self, size_t index) {
  self->items[index].used = true;
}

void secrets_clear(secret_table *self) {
  free(self->items);
  *self = (secret_table){0};
}
