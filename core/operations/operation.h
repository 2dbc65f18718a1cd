/* SPDX-License-Identifier: MIT */
/* The operations table: what core/tables/operations.toml says, as data. */
#ifndef PLQ_OPERATIONS_OPERATION_H
#define PLQ_OPERATIONS_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/text.h"

enum plq__rule { PLQ__RULE_UUID, PLQ__RULE_UUID4, PLQ__RULE_CHOICE, PLQ__RULE_IP, PLQ__RULE_TEXT, PLQ__RULE_HEADER };

struct plq__field {
  const char *name;
  const char *header;  /* where it goes: a header, or */
  const char *json[2]; /* a member of the body, perhaps inside another one */
  enum plq__rule rule;
  const char *choices;
  const char *doc;
};

struct plq__result {
  const char *name;
  const char *json;
  bool secret;
  int64_t life_ms;
  const char *doc;
};

struct plq__operation {
  const char *name, *method, *path;
  bool repeatable;
  const int32_t *success;
  size_t success_count;
  const struct plq__field *fields;
  size_t field_count;
  int32_t trace_id, user_agent; /* the fields that become these headers, or -1: the library sends its own */
  const struct plq__result *results;
  size_t result_count;
  const char *doc;
};

enum { PLQ__RESULTS_MOST = 8 };

size_t plq__operation_count(void);
const struct plq__operation *plq__operation_at(size_t index);
/* NULL: there is none of this name. */
const struct plq__operation *plq__operation_find(struct plq__text name);
/* The name nearest to one that does not exist, or NULL. */
const char *plq__operation_nearest(struct plq__text name);

/* The index of a result, or -1. */
int plq__result_find(const struct plq__operation *operation, struct plq__text name);

#endif
