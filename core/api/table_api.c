/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/text.h"
#include "table.h"

void plq__table_add(plq_table *table, const char *text) {
  if (table->cell_count == table->room) {
    size_t room = table->room > 0 ? table->room * 2 : 64;
    char **cells = plq__realloc(table->cells, room * sizeof *cells);
    if (cells == NULL) {
      table->failed = true;
      return;
    }
    table->cells = cells;
    table->room = room;
  }
  bool empty = text == NULL || text[0] == '\0';
  char *copy = empty ? NULL : plq__copy(text, strlen(text));
  table->failed = table->failed || (!empty && copy == NULL);
  table->cells[table->cell_count++] = copy;
}

void plq__table_add_number(plq_table *table, int64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)number);
  plq__table_add(table, text);
}

void plq__table_add_bool(plq_table *table, bool value) {
  plq__table_add(table, value ? "true" : "false");
}

static const struct plq__table_kind *find(struct plq__text name, const char **out_nearest) {
  size_t best = SIZE_MAX;
  const struct plq__table_kind *kind;
  for (size_t i = 0; (kind = plq__table_kind(i)) != NULL; i++) {
    if (plq__text_is(name, kind->name)) return kind;
    size_t distance = plq__distance(name, plq__text_in(kind->name, SIZE_MAX), 40);
    if (distance < best) best = distance, *out_nearest = kind->name;
  }
  return NULL;
}

static int32_t make(const struct plq__table_kind *kind, const plq_options *options, plq_table **out_table,
                    plq_error **out_error) {
  plq_options *made = NULL;
  plq_table *table = NULL;
  int32_t status = options == NULL ? plq_options_new(0, &made, out_error) : PLQ_OK;
  if (status != PLQ_OK) return status;
  table = plq__alloc(sizeof *table);
  if (table == NULL) {
    status = plq__fail_plain(out_error, PLQ_E_MEMORY);
    goto cleanup;
  }
  table->name = kind->name;
  table->columns = kind->columns;
  for (const char *at = kind->columns; at[0] != '\0'; at += strlen(at) + 1) table->column_count++;
  status = kind->fill(table, options != NULL ? options : made, out_error);
  if (status == PLQ_OK && table->failed) status = plq__fail_plain(out_error, PLQ_E_MEMORY);
  if (status == PLQ_OK) *out_table = table, table = NULL;

cleanup:
  plq_table_free(table);
  plq_options_free(made);
  return status;
}

int32_t plq_table_new(const char *name, size_t name_len, const plq_options *options, plq_table **out_table,
                      plq_error **out_error) {
  const char *nearest = "";
  plq__out_error(out_error);
  if (out_table != NULL) *out_table = NULL;
  if (name == NULL || out_table == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "name or out_table is NULL");
  const struct plq__table_kind *kind = find(plq__text_in(name, name_len), &nearest);
  if (kind != NULL) return make(kind, options, out_table, out_error);
  return plq__fail(out_error, PLQ_E_NOT_FOUND, "name",
                   "there is no table of this name; the nearest is \"%s\", and \"tables\" lists them", nearest);
}

uint32_t plq_table_rows(const plq_table *table) {
  return table != NULL ? (uint32_t)(table->cell_count / table->column_count) : 0;
}

uint32_t plq_table_columns(const plq_table *table) {
  return table != NULL ? table->column_count : 0;
}

static const char *show(const char *text, size_t *out_len) {
  if (text == NULL) text = "";
  if (out_len != NULL) *out_len = strlen(text);
  return text;
}

const char *plq_table_column(const plq_table *table, uint32_t column, size_t *out_len) {
  if (table == NULL || column >= table->column_count) return show(NULL, out_len);
  const char *at = table->columns;
  while (column-- > 0) at += strlen(at) + 1;
  return show(at, out_len);
}

const char *plq_table_text(const plq_table *table, uint32_t row, uint32_t column, size_t *out_len) {
  bool there = table != NULL && row < plq_table_rows(table) && column < table->column_count;
  return show(there ? table->cells[(size_t)row * table->column_count + column] : NULL, out_len);
}

void plq_table_free(plq_table *table) {
  if (table == NULL) return;
  for (size_t i = 0; i < table->cell_count; i++) plq__free(table->cells[i]);
  plq__free(table->cells);
  plq__free(table);
}
