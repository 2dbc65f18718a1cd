/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <plastiq/options.h>
#include <plastiq/transport.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "error.h"
#include "secure.h"
#include "url.h"

#include "../generated/options.inc"

const struct plq__option *plq__option_row(enum plq__option_index index) { return &option_rows[index]; }

static const char *text_at(uint16_t at) { return at != 0 ? (const char *)&option_texts + at : NULL; }

const char *plq__option_default(const struct plq__option *row) { return text_at(row->default_text); }
const char *plq__option_choices(const struct plq__option *row) { return text_at(row->choices); }
const char *plq__option_doc(const struct plq__option *row) { return text_at(row->doc); }

const char *plq__option_variable(const struct plq__option *row, char room[PLQ__VARIABLE_ROOM]) {
  if (row->flags & PLQ__OPTION_CODE_ONLY) return NULL;
  int len = snprintf(room, PLQ__VARIABLE_ROOM, "PLASTIQ_%s", row->name);
  for (int i = 0; i < len; i++)
    if (room[i] >= 'a' && room[i] <= 'z') room[i] = (char)(room[i] - 'a' + 'A');
  return room;
}

int plq__option_find(struct plq__text name) {
  for (int i = 0; i < PLQ__OPT_COUNT; i++)
    if (plq__text_is(name, option_rows[i].name)) return i;
  return -1;
}

/* ---- one value ---- */

const char *plq__value_check(uint32_t type, int64_t min, int64_t max, bool forever, const char *choices, struct plq__text text,
                             int64_t *out_number) {
  int64_t number = 0;
  switch (type) {
    case PLQ_OPTION_BOOL:
      number = plq__text_is(text, "true") || plq__text_is(text, "1");
      if (!number && !plq__text_is(text, "false") && !plq__text_is(text, "0")) return "it must be true or false";
      break;
    case PLQ_OPTION_INT:
    case PLQ_OPTION_MS:
      if (!plq__to_number(text, &number)) return "it must be a whole number in decimal";
      if ((min != 0 || max != 0) && (number < min || number > max) && !(forever && number == -1)) return "it is out of range";
      break;
    case PLQ_OPTION_CHOICE:
      if (!plq__list_has(choices, text)) return "it is none of the choices";
      break;
    case PLQ_OPTION_PATH:
      if (text.len == 0) return "it must be a path";
      break;
    default: break;
  }
  if (out_number != NULL) *out_number = number;
  return NULL;
}

bool plq__is_transport_name(struct plq__text name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.at[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && (i == 0 || (c != '_' && c != '-'))) return false;
  }
  return name.len > 0 && name.len <= 32;
}

static bool is_pin(struct plq__text pin) {
  if (pin.len != 8 + 44 || memcmp(pin.at, "sha256//", 8) != 0 || pin.at[pin.len - 1] != '=') return false;
  for (size_t i = 8; i < pin.len - 1; i++) {
    char c = pin.at[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '+' && c != '/') return false;
  }
  return true;
}

static bool is_http_status(struct plq__text part) {
  int64_t number;
  return plq__to_number(part, &number) && number >= 100 && number <= 599;
}

static bool every_part(struct plq__text list, bool (*is_good)(struct plq__text)) {
  struct plq__text part;
  while (plq__next_part(&list, ',', &part))
    if (!is_good(part)) return false;
  return true;
}

/* The rules that belong to one option. Never quotes a value: it may be a secret in the wrong place. */
static int32_t check_special(int index, struct plq__text value, plq_error **out_error) {
  const char *name = option_rows[index].name;
  struct plq__url url;
  const char *trouble;
  switch (index) {
    case PLQ__OPT_ACCESS_TOKEN:
    case PLQ__OPT_SECOND_ACCESS_TOKEN:
      if (!plq__is_bearer(value))
        return plq__fail(out_error, PLQ_E_TOKEN_INVALID, name,
                         "%s must be 1 or more of A-Z a-z 0-9 - . _ ~ + / and = at the end (RFC 6750 section 2.1); it has another character "
                         "or is empty. A line end at its end is a common reason",
                         name);
      return PLQ_OK;
    case PLQ__OPT_BASE_URL:
      trouble = plq__url_parse(value, &url);
      if (trouble != NULL)
        return plq__fail(out_error, PLQ_E_BASE_URL, name, "base_url %s; it must look like https://host[:port][/path]", trouble);
      return PLQ_OK;
    case PLQ__OPT_PROXY:
      trouble = plq__url_parse(value, &url);
      if (trouble == NULL && url.path.len > 0) trouble = "has a path, which does not belong there";
      if (trouble != NULL)
        return plq__fail(out_error, PLQ_E_PROXY_URL, name,
                         "proxy %s; it must look like http://host[:port] or https://host[:port], with the user in proxy_user", trouble);
      return PLQ_OK;
    case PLQ__OPT_TRANSPORT:
      if (value.len == 0 || (value.at[0] != '/' && !plq__is_transport_name(value)))
        return plq__fail(out_error, PLQ_E_TRANSPORT_NAME, name,
                         "transport must be a name of 1 to 32 of a-z 0-9 _ - that begins with a letter or digit, or an absolute path; "
                         "relative paths are not searched");
      return PLQ_OK;
    case PLQ__OPT_TRANSPORT_DIR:
      if (value.at[0] != '/') return plq__fail(out_error, PLQ_E_OPTION_VALUE, name, "transport_dir must be an absolute path");
      return PLQ_OK;
    case PLQ__OPT_TRANSPORT_ALLOW:
      if (!every_part(value, plq__is_transport_name))
        return plq__fail(out_error, PLQ_E_OPTION_VALUE, name, "transport_allow must be names of transports, separated by commas");
      return PLQ_OK;
    case PLQ__OPT_PINS:
      if (value.len == 0 || !every_part(value, is_pin))
        return plq__fail(out_error, PLQ_E_PIN, name,
                         "pins must be sha256//BASE64, separated by commas: BASE64 is the SHA-256 of the server's public key, 44 characters");
      return PLQ_OK;
    case PLQ__OPT_RETRY_STATUSES:
      if (!every_part(value, is_http_status))
        return plq__fail(out_error, PLQ_E_OPTION_VALUE, name, "retry_statuses must be HTTP statuses from 100 to 599, separated by commas");
      return PLQ_OK;
    default: return PLQ_OK;
  }
}

static int32_t check(int index, struct plq__text value, int64_t *out_number, plq_error **out_error) {
  const struct plq__option *row = &option_rows[index];
  const char *trouble =
      plq__value_check(row->type, row->min, row->max, (row->flags & PLQ__OPTION_FOREVER) != 0, plq__option_choices(row), value, out_number);
  if (trouble == NULL) return check_special(index, value, out_error);
  if (index == PLQ__OPT_ENVIRONMENT)
    return plq__fail(out_error, PLQ_E_ENVIRONMENT_UNKNOWN, row->name, "environment must be sandbox or production");
  if (row->choices != 0)
    return plq__fail(out_error, PLQ_E_OPTION_VALUE, row->name, "%s must be one of %s", row->name, plq__option_choices(row));
  if (row->min != 0 || row->max != 0)
    return plq__fail(out_error, PLQ_E_OPTION_VALUE, row->name, "%s: %s; right is %d to %d%s", row->name, trouble, row->min, row->max,
                     row->flags & PLQ__OPTION_FOREVER ? ", or -1 for ever" : "");
  return plq__fail(out_error, PLQ_E_OPTION_VALUE, row->name, "%s: %s", row->name, trouble);
}

/* What is not from code may choose less: nothing that weakens, and no code by its path. */
static int32_t check_ambient(int index, struct plq__text value, plq_error **out_error) {
  const struct plq__option *row = &option_rows[index];
  if ((row->flags & PLQ__OPTION_CODE_ONLY) != 0)
    return plq__fail(out_error, PLQ_E_OPTION_VALUE, row->name, "%s can be set in code only", row->name);
  if (index != PLQ__OPT_TRANSPORT || plq__is_transport_name(value)) return PLQ_OK;
  return plq__fail(out_error, PLQ_E_TRANSPORT_NAME, row->name,
                   "transport must be a name here, such as curl: 1 to 32 of a-z 0-9 _ - that begins with a letter or digit. A path or "
                   "URL of a transport is taken from code only");
}

bool plq__is_ambient(int32_t source) { return source == PLQ_SOURCE_FILE || source == PLQ_SOURCE_ENVIRONMENT; }

/* ---- the set ---- */

static bool is_secret(int index) { return option_rows[index].type == PLQ_OPTION_SECRET; }

static void text_free(int index, char *text) {
  if (is_secret(index))
    plq__secure_free(text);
  else
    plq__free(text);
}

static void value_clear(plq_options *options, int index) {
  struct plq__value *value = &options->values[index];
  text_free(index, value->text);
  *value = (struct plq__value){0};
  const struct plq__option *row = &option_rows[index];
  if (row->default_text != 0)
    plq__value_check(row->type, 0, 0, true, plq__option_choices(row), plq__text_in(plq__option_default(row), SIZE_MAX), &value->number);
}

plq_options *plq__options_new(uint32_t flags) {
  plq_options *options = plq__alloc(sizeof *options);
  if (options == NULL) return NULL;
  options->flags = flags;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) value_clear(options, i);
  return options;
}

void plq__options_free(plq_options *options) {
  if (options == NULL) return;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    value_clear(options, i);
    text_free(i, options->covered[i].text);
  }
  plq__free(options->config_path);
  while (options->own != NULL) {
    struct plq__own_value *own = options->own;
    options->own = own->next;
    plq__wipe_free(own->text, strlen(own->text));
    plq__free(own->key);
    plq__free(own);
  }
  plq__free(options);
}

static int32_t value_set(plq_options *options, int index, struct plq__text text, int64_t number, int32_t source) {
  char *copy = is_secret(index) ? plq__secure_copy(text.at, text.len) : plq__copy(text.at, text.len);
  if (copy == NULL) return PLQ_E_MEMORY;
  struct plq__value *value = &options->values[index];
  if (value->text != NULL && plq__is_ambient(value->source) && !plq__is_ambient(source)) {
    options->covered[index] = *value;
    value->text = NULL;
  }
  value_clear(options, index);
  *value = (struct plq__value){copy, text.len, number, source};
  return PLQ_OK;
}

/* What code set is gone, and what the surroundings say counts again. */
static void value_take_back(plq_options *options, int index) {
  if (plq__is_ambient(options->values[index].source)) return;
  value_clear(options, index);
  if (options->covered[index].text == NULL) return;
  options->values[index] = options->covered[index];
  options->covered[index] = (struct plq__value){0};
}

static struct plq__own_value **own_find(plq_options *options, struct plq__text key) {
  struct plq__own_value **at = &options->own;
  while (*at != NULL && !plq__text_is(key, (*at)->key)) at = &(*at)->next;
  return at;
}

static int32_t own_put(plq_options *options, struct plq__text key, struct plq__text value) {
  struct plq__own_value **at = own_find(options, key), *old = *at;
  if (value.at != NULL) {
    struct plq__own_value *fresh = plq__alloc(sizeof *fresh);
    char *key_copy = plq__copy(key.at, key.len), *text = plq__copy(value.at, value.len);
    if (fresh == NULL || key_copy == NULL || text == NULL) {
      plq__free(fresh), plq__free(key_copy), plq__free(text);
      return PLQ_E_MEMORY;
    }
    *fresh = (struct plq__own_value){key_copy, text, old != NULL ? old->next : NULL};
    *at = fresh;
  } else if (old != NULL) {
    *at = old->next;
  }
  if (old != NULL) {
    plq__wipe_free(old->text, strlen(old->text));
    plq__free(old->key);
    plq__free(old);
  }
  return PLQ_OK;
}

plq_options *plq__options_copy(const plq_options *options) {
  plq_options *copy = plq__options_new(options != NULL ? options->flags : 0);
  if (copy == NULL || options == NULL) return copy;
  int32_t status = PLQ_OK;
  if (options->config_path != NULL) {
    copy->config_path = plq__copy(options->config_path, strlen(options->config_path));
    if (copy->config_path == NULL) status = PLQ_E_MEMORY;
  }
  for (int i = 0; i < PLQ__OPT_COUNT && status == PLQ_OK; i++) {
    const struct plq__value *from = &options->values[i];
    if (from->text != NULL) status = value_set(copy, i, (struct plq__text){from->text, from->len}, from->number, from->source);
  }
  for (struct plq__own_value *own = options->own; own != NULL && status == PLQ_OK; own = own->next)
    status = own_put(copy, plq__text_in(own->key, SIZE_MAX), plq__text_in(own->text, SIZE_MAX));
  if (status == PLQ_OK) return copy;
  plq__options_free(copy);
  return NULL;
}

void plq__options_unset(plq_options *options, enum plq__option_index index) { value_clear(options, (int)index); }

plq_options *plq__options_show(const plq_options *options) {
  static const struct plq__text placeholder = {"[set]", 5};
  plq_options *copy = plq__options_copy(options);
  for (int i = 0; i < PLQ__OPT_COUNT && copy != NULL; i++) {
    if (!is_secret(i) || copy->values[i].text == NULL) continue;
    if (value_set(copy, i, placeholder, 0, copy->values[i].source) == PLQ_OK) continue;
    plq__options_free(copy);
    copy = NULL;
  }
  if (copy != NULL) copy->flags |= PLQ__OPTIONS_SHOWN;
  return copy;
}

static int32_t unknown(struct plq__text key, plq_error **out_error) {
  const char *nearest = NULL;
  size_t best = key.len / 3 + 2;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    size_t distance = plq__distance(key, plq__text_in(option_rows[i].name, SIZE_MAX), best);
    if (distance < best) best = distance, nearest = option_rows[i].name;
  }
  int len = (int)plq__utf8_cut(key, 64);
  if (nearest != NULL)
    return plq__fail(out_error, PLQ_E_OPTION_UNKNOWN, nearest, "there is no option \"%.*s\"; the nearest is \"%s\"", len, key.at, nearest);
  return plq__fail(out_error, PLQ_E_OPTION_UNKNOWN, NULL, "there is no option \"%.*s\"; docs/options.md lists them", len, key.at);
}

/* "<transport>.<key>" */
static bool is_own_key(struct plq__text key) {
  const char *dot = key.len > 0 ? memchr(key.at, '.', key.len) : NULL;
  if (dot == NULL) return false;
  size_t name = (size_t)(dot - key.at);
  return plq__is_transport_name((struct plq__text){key.at, name}) &&
         plq__is_transport_name((struct plq__text){dot + 1, key.len - name - 1});
}

int32_t plq__options_put(plq_options *options, struct plq__text key, struct plq__text value, int32_t source, plq_error **out_error) {
  int index = plq__option_find(key);
  int64_t number = 0;
  if (!plq__is_utf8(key) || plq__has_nul(key))
    return plq__fail(out_error, PLQ_E_TEXT_ENCODING, NULL, "the option's name is not UTF-8, or has a NUL inside");
  if (index < 0 && !is_own_key(key)) return unknown(key, out_error);
  const char *name = index >= 0 ? option_rows[index].name : NULL;
  if (!plq__is_utf8(value) || plq__has_nul(value))
    return plq__fail(out_error, PLQ_E_TEXT_ENCODING, name, "the value of %.*s is not UTF-8, or has a NUL inside", (int)key.len, key.at);
  if (index < 0) {
    int32_t status = own_put(options, key, value);
    return status == PLQ_OK ? PLQ_OK : plq__fail_plain(out_error, status);
  }
  if (options->values[index].text != NULL && options->values[index].source > source) return PLQ_OK;
  if (value.at == NULL) {
    value_take_back(options, index);
    return PLQ_OK;
  }
  int32_t status = plq__is_ambient(source) ? check_ambient(index, value, out_error) : PLQ_OK;
  if (status == PLQ_OK) status = check(index, value, &number, out_error);
  if (status != PLQ_OK) return status;
  status = value_set(options, index, value, number, source);
  return status == PLQ_OK ? PLQ_OK : plq__fail_plain(out_error, status);
}

const char *plq__options_text(const plq_options *options, enum plq__option_index index) {
  const char *text = options->values[index].text;
  return text != NULL ? text : plq__option_default(&option_rows[index]);
}

int64_t plq__options_number(const plq_options *options, enum plq__option_index index) { return options->values[index].number; }

bool plq__options_is_set(const plq_options *options, enum plq__option_index index) { return options->values[index].text != NULL; }
