/* SPDX-License-Identifier: MIT */
#include <plastiq/status.h>
#include <stddef.h>

#include "error.h"

/* Texts are where they begin in status_texts. */
struct status_row {
  uint16_t status;
  uint8_t phase;
  uint8_t repeat; /* enum plq__repeat */
  uint16_t name, text;
};

struct name_row {
  uint16_t number;
  uint16_t name, text;
};

#include "../generated/status.inc"

static const char *text_at(uint16_t at) { return (const char *)&status_texts + at; }

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct status_row *find_status(int32_t status) {
  for (size_t i = 0; i < COUNT(status_rows); i++)
    if (status_rows[i].status == status) return &status_rows[i];
  return NULL;
}

static const struct name_row *find_name(const struct name_row *rows, size_t count, int32_t number) {
  for (size_t i = 0; i < count; i++)
    if (rows[i].number == number) return &rows[i];
  return NULL;
}

const char *plq_status_name(int32_t status) {
  const struct status_row *row = find_status(status);
  return row != NULL ? text_at(row->name) : "PLQ_E_UNKNOWN";
}

const char *plq_status_text(int32_t status) {
  const struct status_row *row = find_status(status);
  if (row != NULL) return text_at(row->text);
  const struct name_row *kind = find_name(kinds_rows, COUNT(kinds_rows), plq_status_kind(status));
  return kind != NULL ? text_at(kind->text) : "a status that this library does not know";
}

/* 0 alone is success: what is no status at all, such as an HTTP status or a negative number, must not read as one. */
int32_t plq_status_kind(int32_t status) { return status == PLQ_OK ? PLQ_KIND_OK : status < 1000 ? PLQ_KIND_INTERNAL : status / 1000; }

int32_t plq_status_phase(int32_t status) {
  const struct status_row *row = find_status(status);
  return row != NULL ? row->phase : PLQ_PHASE_NONE;
}

bool plq__status_at(size_t index, int32_t *out_status) {
  if (index < COUNT(status_rows)) *out_status = status_rows[index].status;
  return index < COUNT(status_rows);
}

enum plq__repeat plq__status_repeat(int32_t status) {
  const struct status_row *row = find_status(status);
  return row != NULL ? (enum plq__repeat)row->repeat : REPEAT_NEVER;
}

static const char *name_of(const struct name_row *row) { return row != NULL ? text_at(row->name) : "unknown"; }

const char *plq_kind_name(int32_t kind) { return name_of(find_name(kinds_rows, COUNT(kinds_rows), kind)); }

const char *plq_phase_name(int32_t phase) { return name_of(find_name(phases_rows, COUNT(phases_rows), phase)); }

const char *plq_delivery_name(int32_t delivery) { return name_of(find_name(deliveries_rows, COUNT(deliveries_rows), delivery)); }
