/* SPDX-License-Identifier: MIT */
/* Tables of text, from inside: a list of columns, and cells that are added one after the other. */
#ifndef PLQ_API_TABLE_H
#define PLQ_API_TABLE_H

#include <plastiq/table.h>
#include <stdbool.h>

struct plq_table {
  const char *name;
  const char *columns; /* of its kind */
  uint32_t column_count;
  size_t cell_count, room;
  char **cells; /* NULL: "" */
  bool failed;  /* there was no memory for one */
};

/* The next cell; NULL is "". */
void plq__table_add(plq_table *table, const char *text);
void plq__table_add_number(plq_table *table, int64_t number);
void plq__table_add_bool(plq_table *table, bool value);

/* A kind of table. */
struct plq__table_kind {
  const char *name;
  const char *doc;
  const char *columns; /* each with its NUL, up to an empty one */
  /* Adds all cells. */
  int32_t (*fill)(plq_table *table, const plq_options *options, plq_error **out_error);
};

/* NULL: there are no more. */
const struct plq__table_kind *plq__table_kind(size_t index);

/* The name of a capability, by its bit; NULL: there are no more. */
const char *plq__capability_name(unsigned bit);

#endif
