/* SPDX-License-Identifier: MIT */
/*
 * What an error and an attempt say of themselves, by name and in order: one list for the JSON text and for message replies, so that
 * the two cannot drift. What is not known is left out.
 */
#ifndef PLQ_API_FACTS_H
#define PLQ_API_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

enum plq__fact_kind { PLQ__FACT_TEXT, PLQ__FACT_NUMBER, PLQ__FACT_BOOL };

struct plq__fact {
  const char *name;
  enum plq__fact_kind kind;
  int64_t number;   /* of a bool too */
  const char *text; /* borrowed */
};

enum { PLQ__FACTS_MOST = 32 };

struct plq__facts {
  size_t count;
  struct plq__fact rows[PLQ__FACTS_MOST];
};

/* All of an error but its lists: details, attempts, load log. */
void plq__facts_of_error(struct plq__facts *facts, const plq_error *error);
void plq__facts_of_attempt(struct plq__facts *facts, const struct plq__attempt *attempt);
/* path, stage, reason */
void plq__facts_of_load(struct plq__facts *facts, const struct plq__load_row *row);

#endif
