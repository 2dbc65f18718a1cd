/* SPDX-License-Identifier: MIT */
#include "cassette.h"

#include <string.h>

bool cassette_bytes_add(cassette_bytes *self, const void *data, size_t len) {
  const plq_transport_host *host = self->host;
  if (len == 0) return true;
  if (len > self->capacity - self->len) {
    size_t capacity = (self->len + len) * 2;
    char *grown = host->alloc(host->context, capacity);
    if (grown == NULL) return false;
    if (self->len > 0) memcpy(grown, self->at, self->len);
    if (self->at != NULL) host->wipe(self->at, self->len);
    host->free(host->context, self->at);
    self->at = grown;
    self->capacity = capacity;
  }
  memcpy(self->at + self->len, data, len);
  self->len += len;
  return true;
}

void cassette_bytes_clear(cassette_bytes *self) {
  if (self->at != NULL) self->host->wipe(self->at, self->len);
  self->host->free(self->host->context, self->at);
  *self = (cassette_bytes){.host = self->host};
}

struct cassette_block {
  struct cassette_block *next;
  size_t size;
  max_align_t data[];
};

void *cassette_arena_take(cassette_arena *self, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  struct cassette_block *block = self->host->alloc(self->host->context, sizeof *block + size + 1);
  if (block == NULL) return NULL;
  *block = (struct cassette_block){self->blocks, size};
  memset(block->data, 0, size + 1);
  self->blocks = block;
  return block->data;
}

char *cassette_arena_copy(cassette_arena *self, cassette_text text) {
  char *copy = cassette_arena_take(self, text.len);
  if (copy != NULL && text.len > 0) memcpy(copy, text.at, text.len);
  return copy;
}

void cassette_arena_clear(cassette_arena *self) {
  while (self->blocks != NULL) {
    struct cassette_block *block = self->blocks;
    self->blocks = block->next;
    self->host->wipe(block->data, block->size);
    self->host->free(self->host->context, block);
  }
}
