/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

int (*plq__alloc_gate)(size_t size);

static int gate(size_t size) { return plq__alloc_gate == NULL || plq__alloc_gate(size); }

/* Not calloc(): glibc's of before 2.41 goes past the thread's cache of freed blocks, which costs more than the rest of it. */
void *plq__alloc(size_t size) {
  void *block = gate(size) ? malloc(size > 0 ? size : 1) : NULL;
  return block != NULL ? memset(block, 0, size) : NULL;
}

void *plq__realloc(void *block, size_t size) { return gate(size) ? realloc(block, size > 0 ? size : 1) : NULL; }

void plq__free(void *block) { free(block); }

char *plq__copy(const char *text, size_t len) {
  char *copy = len < SIZE_MAX ? plq__alloc(len + 1) : NULL;
  if (copy != NULL && len > 0) memcpy(copy, text, len);
  return copy;
}

void plq__wipe(void *data, size_t len) {
  if (data != NULL && len > 0) explicit_bzero(data, len);
}

void plq__wipe_free(void *block, size_t len) {
  plq__wipe(block, len);
  plq__free(block);
}
