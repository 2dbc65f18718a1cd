/* SPDX-License-Identifier: MIT */
#include <plastiq/options.h>
#include <plastiq/transport.h>
#include <stdio.h>
#include <string.h>

#include "../base/ambient.h"
#include "../base/environment.h"
#include "../base/error.h"
#include "../base/options.h"
#include "../codec/config_file.h"

/* The weaker source may come last: it replaces nothing. */
static int32_t read_surroundings(plq_options *options, plq_error **out_error) {
  const char *config = plq__environment("PLASTIQ_CONFIG");
  int32_t status = plq__ambient_read(options, out_error);
  return status == PLQ_OK && config != NULL ? plq__config_file_read(options, config, out_error) : status;
}

int32_t plq_options_new(uint32_t flags, plq_options **out_options, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_options == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, "out_options", "out_options is NULL");
  *out_options = NULL;
  if (flags & ~PLQ_NO_AMBIENT) return plq__fail(out_error, PLQ_E_ARGUMENT, "flags", "flags must be 0 or PLQ_NO_AMBIENT");
  plq_options *options = plq__options_new(flags);
  if (options == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  int32_t status = (flags & PLQ_NO_AMBIENT) == 0 ? read_surroundings(options, out_error) : PLQ_OK;
  if (status == PLQ_OK)
    *out_options = options;
  else
    plq__options_free(options);
  return status;
}

int32_t plq_options_set(plq_options *options, const char *key, size_t key_len, const char *value, size_t value_len,
                        plq_error **out_error) {
  plq__out_error(out_error);
  if (options == NULL || key == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "options or key is NULL");
  return plq__options_put(options, plq__text_in(key, key_len), plq__text_in(value, value_len), PLQ_SOURCE_CODE, out_error);
}

int32_t plq_options_set_number(plq_options *options, const char *key, size_t key_len, int64_t value, plq_error **out_error) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)value);
  return plq_options_set(options, key, key_len, text, PLQ_NUL, out_error);
}

int32_t plq_options_get(const plq_options *options, const char *key, size_t key_len, const char **out_value, size_t *out_len,
                        int32_t *out_source) {
  if (out_value != NULL) *out_value = NULL;
  if (out_len != NULL) *out_len = 0;
  if (out_source != NULL) *out_source = PLQ_SOURCE_DEFAULT;
  if (options == NULL || key == NULL || out_value == NULL) return PLQ_E_ARGUMENT;
  int index = plq__option_find(plq__text_in(key, key_len));
  if (index < 0) return PLQ_E_OPTION_UNKNOWN;
  const char *text = plq__options_text(options, (enum plq__option_index)index);
  if (text != NULL && plq__option_row((enum plq__option_index)index)->type == PLQ_OPTION_SECRET) text = "[set]";
  *out_value = text;
  if (out_len != NULL && text != NULL) *out_len = strlen(text);
  if (out_source != NULL) *out_source = options->values[index].source;
  return PLQ_OK;
}

void plq_options_free(plq_options *options) { plq__options_free(options); }
