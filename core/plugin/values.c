/* SPDX-License-Identifier: MIT */
/* The options that a transport gets: checked against its schema, so that errors are the same for all transports and languages. */
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "internal.h"

static struct plq__text text_of(const char *text) { return plq__text_in(text, SIZE_MAX); }

/* Set to something else than its default: http_version "auto" asks for nothing. */
static bool asks_for_something(const plq_options *options, int index) {
  const char *usual = plq__option_default(plq__option_row(index));
  return plq__options_is_set(options, index) && (usual == NULL || strcmp(plq__options_text(options, index), usual) != 0);
}

/* A value that the transport would not see must never be lost silently. */
static int32_t check_needed(const plq_transport *transport, const plq_options *options, plq_error **out_error) {
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    const struct plq__option *row = plq__option_row(i);
    if ((row->flags & PLQ__OPTION_NEEDED) == 0 || !asks_for_something(options, i)) continue;
    if (plq__schema_find(transport, text_of(row->name)) >= 0) continue;
    return plq__fail(out_error, PLQ_E_CAPABILITY_MISSING, row->name,
                     "the transport %s cannot do what the option %s asks for; choose another transport or leave the option out",
                     transport->name, row->name);
  }
  return PLQ_OK;
}

/* ---- the transport's own keys ---- */

/* The key without "<transport>.", or NULL if it belongs to another transport. */
static const char *own_key(const plq_transport *transport, const struct plq__own_value *own) {
  size_t len = strlen(transport->name);
  return strncmp(own->key, transport->name, len) == 0 && own->key[len] == '.' ? own->key + len + 1 : NULL;
}

static int32_t unknown_key(const plq_transport *transport, const char *whole, const char *key, plq_error **out_error) {
  const char *nearest = NULL;
  size_t best = 5;
  if (plq__schema_standard(key) >= 0)
    return plq__fail(out_error, PLQ_E_OPTION_UNKNOWN, whole,
                     "there is no option \"%s\"; this one is set for every transport alike, as \"%s\"", whole, key);
  for (size_t i = 0; i < transport->option_count; i++) {
    const char *name = plq__schema_row(transport, i).key;
    if (plq__schema_standard(name) >= 0) continue;
    size_t distance = plq__distance(text_of(key), text_of(name), best);
    if (nearest == NULL || distance < best) best = distance, nearest = name;
  }
  if (nearest == NULL)
    return plq__fail(out_error, PLQ_E_OPTION_UNKNOWN, whole,
                     "there is no option \"%s\": the transport %s has no options of its own", whole, transport->name);
  return plq__fail(out_error, PLQ_E_OPTION_UNKNOWN, whole, "there is no option \"%s\"; the nearest is \"%s.%s\"", whole,
                   transport->name, nearest);
}

static int32_t check_known(const plq_transport *transport, const plq_options *options, plq_error **out_error) {
  for (const struct plq__own_value *own = options->own; own != NULL; own = own->next) {
    const char *key = own_key(transport, own);
    if (key == NULL) continue;
    if (plq__schema_find(transport, text_of(key)) < 0 || plq__schema_standard(key) >= 0)
      return unknown_key(transport, own->key, key, out_error);
  }
  return PLQ_OK;
}

/* ---- one value ---- */

static const char *check(const plq_transport_option *row, bool forever, const char *text, int64_t *out_number) {
  return plq__value_check(row->type, row->min, row->max, forever, row->choices, text_of(text), out_number);
}

static void take(struct plq__values *values, const plq_transport_option *row, const char *text, int64_t number) {
  bool counts = row->type == PLQ_OPTION_BOOL || row->type == PLQ_OPTION_INT || row->type == PLQ_OPTION_MS;
  values->rows[values->count++] = (plq_transport_value){
      .type = row->type,
      .number = counts ? number : 0,
      .key = row->key,
      .key_len = strlen(row->key),
      .text = text,
      .text_len = strlen(text),
  };
}

/* Never quotes the value: it may be a secret. */
static int32_t wrong(const plq_transport *transport, const plq_transport_option *row, const char *name, const char *trouble,
                     plq_error **out_error) {
  char right[200] = "";
  if (row->choices != NULL) snprintf(right, sizeof right, "; right is one of %s", row->choices);
  if (row->min != 0 || row->max != 0)
    snprintf(right, sizeof right, "; right is %lld to %lld", (long long)row->min, (long long)row->max);
  return plq__fail(out_error, PLQ_E_OPTION_VALUE, name, "%s: %s for the transport %s%s", name, trouble, transport->name, right);
}

/* A key that every transport may have. The table's default counts, unless only the transport's own fits it. */
static int32_t add_standard(struct plq__values *values, const plq_transport *transport, const plq_transport_option *row,
                            int index, const plq_options *options, plq_error **out_error) {
  const struct plq__option *standard = plq__option_row(index);
  bool forever = (standard->flags & PLQ__OPTION_FOREVER) != 0;
  const char *text = plq__options_text(options, index), *trouble = NULL;
  int64_t number = 0;
  if (text != NULL) trouble = check(row, forever, text, &number);
  if (trouble != NULL && plq__options_is_set(options, index)) {
    if ((standard->flags & PLQ__OPTION_NEEDED) == 0) return wrong(transport, row, standard->name, trouble, out_error);
    return plq__fail(out_error, PLQ_E_CAPABILITY_MISSING, standard->name,
                     "the transport %s cannot do what the option %s asks for: %s", transport->name, standard->name, trouble);
  }
  if (text == NULL || trouble != NULL) {
    text = row->default_text;
    if (text != NULL) check(row, forever, text, &number);
  }
  if (text != NULL) take(values, row, text, number);
  return PLQ_OK;
}

static int32_t add_own(struct plq__values *values, const plq_transport *transport, const plq_transport_option *row,
                       const plq_options *options, plq_error **out_error) {
  const struct plq__own_value *own = options->own;
  const char *key = NULL;
  while (own != NULL && ((key = own_key(transport, own)) == NULL || strcmp(key, row->key) != 0)) own = own->next;
  const char *text = own != NULL ? own->text : row->default_text;
  int64_t number = 0;
  if (text == NULL) return PLQ_OK;
  const char *trouble = check(row, false, text, &number);
  if (trouble != NULL) return wrong(transport, row, own != NULL ? own->key : row->key, trouble, out_error);
  take(values, row, text, number);
  return PLQ_OK;
}

/* ---- all ---- */

static int32_t add_row(struct plq__values *values, const struct plq__plugin *plugin, const plq_options *options, size_t index,
                       const struct plq__trust *trust, plq_error **out_error) {
  plq_transport_option row = plq__schema_row(&plugin->transport, index);
  int standard = plq__schema_standard(row.key);
  const char *trusted = standard == PLQ__OPT_CA_FILE ? trust->file : trust->folder;
  if (standard == PLQ__OPT_CA_FILE || standard == PLQ__OPT_CA_DIR) {
    if (trusted != NULL) take(values, &row, trusted, 0);
    return PLQ_OK;
  }
  if (standard >= 0) return add_standard(values, &plugin->transport, &row, standard, options, out_error);
  return add_own(values, &plugin->transport, &row, options, out_error);
}

int32_t plq__values_new(const struct plq__plugin *plugin, const plq_options *options, struct plq__values *out_values,
                        plq_error **out_error) {
  const plq_transport *transport = &plugin->transport;
  struct plq__trust trust;
  memset(out_values, 0, sizeof *out_values);
  int32_t status = check_needed(transport, options, out_error);
  if (status == PLQ_OK) status = check_known(transport, options, out_error);
  if (status == PLQ_OK) status = plq__trust_find(plugin, options, &plq__trust_system, &trust, out_error);
  if (status != PLQ_OK) return status;
  out_values->rows = plq__alloc(transport->option_count * sizeof *out_values->rows);
  if (out_values->rows == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  for (size_t i = 0; i < transport->option_count && status == PLQ_OK; i++)
    status = add_row(out_values, plugin, options, i, &trust, out_error);
  if (status != PLQ_OK) plq__values_clear(out_values);
  return status;
}

void plq__values_clear(struct plq__values *values) {
  plq__free(values->rows);
  memset(values, 0, sizeof *values);
}
