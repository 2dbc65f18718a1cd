/* SPDX-License-Identifier: MIT */
/* API keys, kept as hashes: a key that a user put in by mistake is not in a memory dump or log of ours. */
#include "internal.h"

#include <stdlib.h>

bool keys_replace(key_set *self, const engine_text *keys, size_t key_count, const engine_text *forbidden,
                  size_t forbidden_count) {
  size_t count = key_count + forbidden_count;
  struct key *items = calloc(count > 0 ? count : 1, sizeof *items);
  if (items == NULL) return false;
  for (size_t i = 0; i < key_count; i++) sha256(keys[i].data, keys[i].len, items[i].hash);
  for (size_t i = 0; i < forbidden_count; i++) {
    sha256(forbidden[i].data, forbidden[i].len, items[key_count + i].hash);
    items[key_count + i].forbidden = true;
  }
  free(self->items);
  *self = (key_set){items, count};
  return true;
}

key_state keys_look_up(const key_set *self, engine_text token) {
  uint8_t hash[HASH_SIZE];
  key_state state = KEY_UNKNOWN;
  sha256(token.data, token.len, hash);
  for (size_t i = 0; i < self->count; i++) {
    if (hash_equal(self->items[i].hash, hash)) state = self->items[i].forbidden ? KEY_FORBIDDEN : KEY_VALID;
  }
  return state;
}

void keys_clear(key_set *self) {
  free(self->items);
  *self = (key_set){0};
}
