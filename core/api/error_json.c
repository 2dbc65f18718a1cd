/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <plastiq/error.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/buffer.h"
#include "facts.h"

static void add_name(struct plq__buffer *json, const char *name) {
  plq__buffer_add_json(json, name, strlen(name));
  plq__buffer_add_text(json, ":");
}

/* Without the braces around them. */
static void add_facts(struct plq__buffer *json, const struct plq__facts *facts) {
  for (size_t i = 0; i < facts->count; i++) {
    const struct plq__fact *fact = &facts->rows[i];
    if (i > 0) plq__buffer_add_text(json, ",");
    add_name(json, fact->name);
    switch (fact->kind) {
      case PLQ__FACT_TEXT: plq__buffer_add_json(json, fact->text, strlen(fact->text)); break;
      case PLQ__FACT_NUMBER: plq__buffer_addf(json, "%" PRId64, fact->number); break;
      case PLQ__FACT_BOOL: plq__buffer_add_text(json, fact->number != 0 ? "true" : "false"); break;
    }
  }
}

static void add_object(struct plq__buffer *json, bool first, const struct plq__facts *facts) {
  plq__buffer_add_text(json, first ? "{" : ",{");
  add_facts(json, facts);
  plq__buffer_add_text(json, "}");
}

static void start_list(struct plq__buffer *json, const char *name) {
  plq__buffer_add_text(json, ",");
  add_name(json, name);
  plq__buffer_add_text(json, "[");
}

static void add_lists(struct plq__buffer *json, const plq_error *error) {
  struct plq__facts facts;
  if (error->detail_count > 0) {
    start_list(json, "details");
    for (uint32_t i = 0; i < error->detail_count; i++) {
      if (i > 0) plq__buffer_add_text(json, ",");
      plq__buffer_add_json(json, error->details[i], strlen(error->details[i]));
    }
    plq__buffer_add_text(json, "]");
  }
  if (error->attempts.count > 0) {
    start_list(json, "attempts");
    for (uint32_t i = 0; i < error->attempts.count; i++) {
      plq__facts_of_attempt(&facts, &error->attempts.rows[i]);
      add_object(json, i == 0, &facts);
    }
    plq__buffer_add_text(json, "]");
  }
  if (error->load.count > 0) {
    start_list(json, "load");
    for (uint32_t i = 0; i < error->load.count; i++) {
      plq__facts_of_load(&facts, &error->load.rows[i]);
      add_object(json, i == 0, &facts);
    }
    plq__buffer_add_text(json, "]");
  }
}

static char *to_json(const plq_error *error) {
  struct plq__buffer json;
  struct plq__facts facts;
  plq__buffer_init(&json, SIZE_MAX / 4, false);
  plq__facts_of_error(&facts, error);
  plq__buffer_add_text(&json, "{");
  add_facts(&json, &facts);
  add_lists(&json, error);
  plq__buffer_add_text(&json, "}");
  if (json.failed) plq__buffer_clear(&json);
  return json.at; /* cleared: NULL */
}

const char *plq_error_json(plq_error *error, size_t *out_len) {
  if (error != NULL && error->texts[PLQ__ERROR_JSON] == NULL) error->texts[PLQ__ERROR_JSON] = to_json(error);
  const char *json = error != NULL && error->texts[PLQ__ERROR_JSON] != NULL ? error->texts[PLQ__ERROR_JSON] : "";
  if (out_len != NULL) *out_len = strlen(json);
  return json;
}
