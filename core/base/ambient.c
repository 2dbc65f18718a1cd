/* SPDX-License-Identifier: MIT */
#include "ambient.h"

#include <plastiq/options.h>
#include <stdio.h>

#include "environment.h"
#include "error.h"

static bool is_ambient(const plq_options *options, int index) {
  const struct plq__value *value = &options->values[index];
  return value->text != NULL && plq__is_ambient(value->source);
}

/* ---- reading ---- */

static void name_place(plq_error *error, const char *place) {
  if (error == NULL || error->texts[PLQ__ERROR_MESSAGE] == NULL) return;
  plq__error_setf(error, "%s: %s", place, error->texts[PLQ__ERROR_MESSAGE]);
}

const char *plq__ambient_place(const plq_options *options, int index, char *room, size_t size) {
  int32_t source = options->values[index].text != NULL ? options->values[index].source : PLQ_SOURCE_DEFAULT;
  room[0] = '\0';
  char variable[PLQ__VARIABLE_ROOM];
  if (source == PLQ_SOURCE_ENVIRONMENT)
    snprintf(room, size, "the variable %s", plq__option_variable(plq__option_row((enum plq__option_index)index), variable));
  if (source == PLQ_SOURCE_FILE) snprintf(room, size, "the file %s", options->config_path != NULL ? options->config_path : "");
  return room;
}

/* Known names are asked for, one by one. The environment is never listed: others keep variables of this prefix too (a program its
   own, Kubernetes PLASTIQ_PORT for a service called plastiq), so what is not known is not wrong. */
int32_t plq__ambient_read(plq_options *options, plq_error **out_error) {
  char place[PLQ__PLACE_ROOM], room[PLQ__VARIABLE_ROOM];
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    const struct plq__option *row = plq__option_row((enum plq__option_index)i);
    const char *variable = plq__option_variable(row, room);
    const char *value = variable != NULL ? plq__environment(variable) : NULL;
    if (value == NULL) continue;
    int32_t status = plq__options_put(options, plq__text_in(row->name, SIZE_MAX), plq__text_in(value, SIZE_MAX),
                                      PLQ_SOURCE_ENVIRONMENT, out_error);
    if (status == PLQ_OK) continue;
    snprintf(place, sizeof place, "the variable %s", variable);
    name_place(out_error != NULL ? *out_error : NULL, place);
    return status;
  }
  return PLQ_OK;
}

/* ---- failures ---- */

/* By the field that the error names; a transport that could not be loaded is also the fault of who chose it. */
static int to_blame(const plq_options *options, const plq_error *error) {
  const char *field = error->texts[PLQ__ERROR_FIELD];
  int index = field != NULL ? plq__option_find(plq__text_in(field, SIZE_MAX)) : -1;
  if (index >= 0 && is_ambient(options, index)) return index;
  bool chosen = plq_status_kind(error->status) == PLQ_KIND_LOAD && is_ambient(options, PLQ__OPT_TRANSPORT);
  return chosen ? PLQ__OPT_TRANSPORT : -1;
}

void plq__ambient_blame(const plq_options *options, plq_error *error) {
  if (options == NULL || error == NULL || error->status == PLQ_E_AMBIENT_ADDRESS) return; /* that one names it already */
  char place[PLQ__PLACE_ROOM];
  int index = to_blame(options, error);
  if (index >= 0) name_place(error, plq__ambient_place(options, index, place, sizeof place));
}

/* ---- addresses from the surroundings, secrets from code ---- */

int plq__ambient_address(const plq_options *options) {
  if (plq__options_number(options, PLQ__OPT_ALLOW_AMBIENT_ADDRESS)) return -1;
  for (int i = 0; i < PLQ__OPT_COUNT; i++)
    if ((plq__option_row((enum plq__option_index)i)->flags & PLQ__OPTION_ADDRESS) != 0 && is_ambient(options, i)) return i;
  return -1;
}

/* The proxy's password goes to the proxy, so only what decides who that is matters. */
static int ambient_proxy(const plq_options *options) {
  static const int rows[] = {PLQ__OPT_PROXY, PLQ__OPT_CA_FILE, PLQ__OPT_CA_DIR};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (is_ambient(options, rows[i])) return rows[i];
  return -1;
}

static bool is_from_code(const plq_options *options, int index) {
  return options->values[index].text != NULL && options->values[index].source == PLQ_SOURCE_CODE;
}

int32_t plq__ambient_check(const plq_options *options, plq_error **out_error) {
  static const int tokens[] = {PLQ__OPT_ACCESS_TOKEN, PLQ__OPT_SECOND_ACCESS_TOKEN, PLQ__OPT_ACCESS_TOKEN_FILE,
                               PLQ__OPT_SECOND_ACCESS_TOKEN_FILE};
  int address = plq__ambient_address(options);
  if (address < 0) return PLQ_OK;
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
    if (is_from_code(options, tokens[i]))
      return plq__ambient_refuse(options, address, plq__option_row((enum plq__option_index)tokens[i])->name, out_error);
  address = ambient_proxy(options);
  if (address >= 0 && is_from_code(options, PLQ__OPT_PROXY_PASSWORD))
    return plq__ambient_refuse(options, address, "proxy_password", out_error);
  return PLQ_OK;
}

int32_t plq__ambient_refuse(const plq_options *options, int address, const char *secret, plq_error **out_error) {
  const struct plq__option *row = plq__option_row((enum plq__option_index)address);
  bool file = options->values[address].source == PLQ_SOURCE_FILE;
  char place[PLQ__PLACE_ROOM];
  return plq__fail(
      out_error, PLQ_E_AMBIENT_ADDRESS, row->name,
      "%s comes from %s, and %s from code: whoever can %s could have it sent to a server of their own. Set %s in code as well, or %s, "
      "or take the secret from there too; if the environment is to be trusted with this, set the option allow_ambient_address to true "
      "in code",
      row->name, plq__ambient_place(options, address, place, sizeof place), secret, file ? "write that file" : "set a variable",
      row->name, file ? "leave it out of the file" : "unset the variable");
}
