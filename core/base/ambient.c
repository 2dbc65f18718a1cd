/* SPDX-License-Identifier: MIT */
#include "ambient.h"

#include <plastiq/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* PLASTIQ_TIMEOUT_MS for timeout_ms. */
static void variable_of(const char *key, char *out, size_t size) {
  snprintf(out, size, "PLASTIQ_%s", key);
  for (char *at = out; *at != '\0'; at++)
    if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
}

/* A path is code to be run: whoever sets a variable may choose among what is installed, and no more. */
static int32_t check_transport(const char *value, plq_error **out_error) {
  if (plq__is_transport_name(plq__text_in(value, PLQ_NUL))) return PLQ_OK;
  return plq__fail(out_error, PLQ_E_TRANSPORT_NAME, "transport",
                   "must be the name of an installed transport, 1 to 32 of a-z 0-9 _ -, such as curl; a path can only come from code");
}

static int32_t put(plq_options *options, enum plq__option_index index, const char *value, plq_error **out_error) {
  int32_t status = index == PLQ__OPT_TRANSPORT ? check_transport(value, out_error) : PLQ_OK;
  if (status != PLQ_OK) return status;
  struct plq__text key = plq__text_in(plq__option_row(index)->name, PLQ_NUL);
  return plq__options_put(options, key, plq__text_in(value, PLQ_NUL), PLQ_SOURCE_ENVIRONMENT, out_error);
}

/* The error names the variable: the program that shows it may never have heard of the option. */
static int32_t fail(const char *variable, int32_t status, plq_error *cause, plq_error **out_error) {
  const char *message = cause != NULL ? cause->texts[PLQ__ERROR_MESSAGE] : NULL;
  const char *field = cause != NULL ? cause->texts[PLQ__ERROR_FIELD] : NULL;
  plq__fail(out_error, status, field, "environment variable %s: %s", variable, message != NULL ? message : plq_status_text(status));
  plq_error_free(cause);
  return status;
}

int32_t plq__ambient_read(plq_options *options, plq_error **out_error) {
  if (options->flags & PLQ_NO_AMBIENT) return PLQ_OK;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    const struct plq__option *row = plq__option_row((enum plq__option_index)i);
    char variable[64];
    if (row->flags & PLQ__OPTION_CODE_ONLY) continue;
    variable_of(row->name, variable, sizeof variable);
    const char *value = secure_getenv(variable);
    plq_error *cause = NULL;
    if (value == NULL || value[0] == '\0') continue;
    int32_t status = put(options, (enum plq__option_index)i, value, &cause);
    if (status != PLQ_OK) return fail(variable, status, cause, out_error);
  }
  return PLQ_OK;
}

/* What decides who receives the token. The option environment is not among them: both services are the real one. */
static const enum plq__option_index addresses[] = {PLQ__OPT_BASE_URL, PLQ__OPT_CA_FILE, PLQ__OPT_CA_DIR, PLQ__OPT_PINS, PLQ__OPT_PROXY};

int32_t plq__ambient_check(const plq_options *options, int32_t token_source, plq_error **out_error) {
  if (token_source != PLQ_SOURCE_CODE || plq__options_number(options, PLQ__OPT_ALLOW_AMBIENT_ADDRESS)) return PLQ_OK;
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    int32_t source = options->values[addresses[i]].source;
    if (source != PLQ_SOURCE_ENVIRONMENT && source != PLQ_SOURCE_FILE) continue;
    const char *name = plq__option_row(addresses[i])->name;
    char variable[64];
    variable_of(name, variable, sizeof variable);
    return plq__fail(out_error, PLQ_E_AMBIENT_ADDRESS, name,
                     "%s comes from the environment (%s), but the access token from code: the token would go where somebody else says. Set "
                     "both in the same place, or set allow_ambient_address to true in code",
                     name, variable);
  }
  return PLQ_OK;
}
