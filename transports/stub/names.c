/* SPDX-License-Identifier: MIT */
/* Names of statuses, phases and deliveries for the script, from the same table as status.h. */
#include "stub.h"

#include <stddef.h>
#include <string.h>

/* A name is where it begins in status_texts. */
struct status_row {
  uint16_t status;
  uint16_t phase;
  uint16_t name;
};

struct name_row {
  uint16_t number;
  uint16_t name;
};

#include "../../core/generated/status_names.inc"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool is_name(engine_text text, uint16_t at) {
  const char *name = (const char *)&status_texts + at;
  return text.len == strlen(name) && memcmp(text.data, name, text.len) == 0;
}

/* The kinds that plq_transport_error allows. */
static bool kind_fits(int32_t kind) {
  return kind == PLQ_KIND_CONFIG || (kind >= PLQ_KIND_RESOLVE && kind <= PLQ_KIND_LIMIT) || kind == PLQ_KIND_CANCELLED ||
         kind == PLQ_KIND_RESOURCE || kind == PLQ_KIND_MEMORY || kind == PLQ_KIND_UNSUPPORTED;
}

bool status_find(engine_text name, status_name *out) {
  for (size_t i = 0; i < COUNT(status_rows); i++) {
    const struct status_row *row = &status_rows[i];
    if (!is_name(name, row->name) || !kind_fits(row->status / 1000)) continue;
    *out = (status_name){row->status, row->phase};
    return true;
  }
  return false;
}

static int32_t find(const struct name_row *rows, size_t count, engine_text name) {
  for (size_t i = 0; i < count; i++) {
    if (is_name(name, rows[i].name)) return rows[i].number;
  }
  return -1;
}

int32_t phase_find(engine_text name) {
  return find(phases_rows, COUNT(phases_rows), name);
}

int32_t delivery_find(engine_text name) {
  return find(deliveries_rows, COUNT(deliveries_rows), name);
}
