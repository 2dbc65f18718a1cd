/* SPDX-License-Identifier: MIT */
#include "operation.h"

#include "../generated/operations.inc"

enum { COUNT = sizeof operation_rows / sizeof *operation_rows };

size_t plq__operation_count(void) { return COUNT; }

const struct plq__operation *plq__operation_at(size_t index) { return index < COUNT ? &operation_rows[index] : NULL; }

const struct plq__operation *plq__operation_find(struct plq__text name) {
  for (size_t i = 0; i < COUNT; i++)
    if (plq__text_is(name, operation_rows[i].name)) return &operation_rows[i];
  return NULL;
}

const char *plq__operation_nearest(struct plq__text name) {
  const char *nearest = NULL;
  size_t best = 12;
  for (size_t i = 0; i < COUNT; i++) {
    size_t distance = plq__distance(name, plq__text_in(operation_rows[i].name, SIZE_MAX), best);
    if (distance < best) best = distance, nearest = operation_rows[i].name;
  }
  return nearest;
}

int plq__result_find(const struct plq__operation *operation, struct plq__text name) {
  for (size_t i = 0; i < operation->result_count; i++)
    if (plq__text_is(name, operation->results[i].name)) return (int)i;
  return -1;
}
