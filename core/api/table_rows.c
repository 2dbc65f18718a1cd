/* SPDX-License-Identifier: MIT */
/* What each table holds. The tables of the tree (core/tables) are its source, so nothing is said here that is not said there. */
#include <plastiq/client.h>
#include <plastiq/transport.h>
#include <plastiq/transports.h>
#include <stdio.h>
#include <string.h>

#include "../base/ambient.h"
#include "../base/error.h"
#include "../base/events.h"
#include "../operations/operation.h"
#include "../plugin/internal.h"
#include "table.h"

#define FILL(name) static int32_t name(plq_table *table, const plq_options *options, plq_error **out_error)
#define UNUSED (void)options, (void)out_error

FILL(fill_tables) {
  UNUSED;
  const struct plq__table_kind *kind;
  for (size_t i = 0; (kind = plq__table_kind(i)) != NULL; i++) {
    plq__table_add(table, kind->name);
    plq__table_add(table, kind->doc);
  }
  return PLQ_OK;
}

/* ---- operations ---- */

FILL(fill_operations) {
  UNUSED;
  const struct plq__operation *operation;
  for (size_t i = 0; (operation = plq__operation_at(i)) != NULL; i++) {
    char success[64] = "";
    for (size_t j = 0; j < operation->success_count; j++)
      snprintf(success + strlen(success), sizeof success - strlen(success), "%s%d", j > 0 ? "," : "", operation->success[j]);
    plq__table_add(table, operation->name);
    plq__table_add(table, operation->method);
    plq__table_add(table, operation->path);
    plq__table_add_bool(table, operation->repeatable);
    plq__table_add(table, success);
    plq__table_add(table, operation->doc);
  }
  return PLQ_OK;
}

static void add_field(plq_table *table, const struct plq__operation *operation, const struct plq__field *field) {
  static const char *const rules[] = {
      [PLQ__RULE_UUID] = "uuid",     [PLQ__RULE_UUID4] = "uuid4", [PLQ__RULE_CHOICE] = "choice",
      [PLQ__RULE_IP] = "ip_address", [PLQ__RULE_TEXT] = "text",   [PLQ__RULE_HEADER] = "field_value"};
  char target[128];
  bool inside = field->json[0] != NULL && field->json[1] != NULL;
  snprintf(target, sizeof target, "%s%s%s", field->header != NULL ? field->header : field->json[0], inside ? "." : "",
           inside ? field->json[1] : "");
  plq__table_add(table, operation->name);
  plq__table_add(table, field->name);
  plq__table_add(table, field->header != NULL ? "header" : "body");
  plq__table_add(table, target);
  plq__table_add(table, rules[field->rule]);
  plq__table_add(table, field->choices);
  plq__table_add(table, field->doc);
}

FILL(fill_fields) {
  UNUSED;
  const struct plq__operation *operation;
  for (size_t i = 0; (operation = plq__operation_at(i)) != NULL; i++)
    for (size_t j = 0; j < operation->field_count; j++) add_field(table, operation, &operation->fields[j]);
  return PLQ_OK;
}

FILL(fill_results) {
  UNUSED;
  const struct plq__operation *operation;
  for (size_t i = 0; (operation = plq__operation_at(i)) != NULL; i++)
    for (size_t j = 0; j < operation->result_count; j++) {
      const struct plq__result *result = &operation->results[j];
      plq__table_add(table, operation->name);
      plq__table_add(table, result->name);
      plq__table_add(table, result->secret ? "secret" : "text");
      plq__table_add_number(table, result->life_ms);
      plq__table_add(table, result->doc);
    }
  return PLQ_OK;
}

/* ---- options ---- */

static const char *type_name(uint32_t type) {
  static const char *const names[] = {"", "text", "path", "bool", "int", "ms", "choice", "list", "secret"};
  return type < sizeof names / sizeof *names ? names[type] : "";
}

static void add_limits(plq_table *table, int64_t min, int64_t max) {
  if (min == 0 && max == 0) {
    plq__table_add(table, NULL);
    plq__table_add(table, NULL);
  } else {
    plq__table_add_number(table, min);
    plq__table_add_number(table, max);
  }
}

static void add_effective(plq_table *table, const plq_options *options, int index) {
  static const char *const sources[] = {"default", "file", "environment", "code"};
  const struct plq__value *value = &options->values[index];
  const char *text = plq__options_text(options, (enum plq__option_index)index);
  char place[PLQ__PLACE_ROOM];
  bool secret = plq__option_row((enum plq__option_index)index)->type == PLQ_OPTION_SECRET;
  plq__table_add(table, secret && text != NULL ? "[set]" : text);
  plq__table_add(table, sources[value->text != NULL ? value->source : PLQ_SOURCE_DEFAULT]);
  plq__table_add(table, plq__ambient_place(options, index, place, sizeof place));
}

FILL(fill_options) {
  (void)out_error;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    const struct plq__option *row = plq__option_row((enum plq__option_index)i);
    plq__table_add(table, row->name);
    plq__table_add(table, type_name(row->type));
    char variable[PLQ__VARIABLE_ROOM];
    plq__table_add(table, plq__option_default(row));
    add_limits(table, row->min, row->max);
    plq__table_add(table, plq__option_choices(row));
    plq__table_add(table, plq__option_variable(row, variable));
    plq__table_add_bool(table, (row->flags & PLQ__OPTION_CODE_ONLY) != 0);
    plq__table_add_bool(table, (row->flags & PLQ__OPTION_ADDRESS) != 0);
    plq__table_add_bool(table, (row->flags & PLQ__OPTION_TRANSPORT) != 0);
    plq__table_add(table, plq__option_doc(row));
    add_effective(table, options, i);
  }
  return PLQ_OK;
}

/* ---- transports ---- */

FILL(fill_transports) {
  static const int32_t texts[] = {PLQ_TRANSPORT_NAME,         PLQ_TRANSPORT_PATH,   PLQ_TRANSPORT_VERSION, PLQ_TRANSPORT_STACK,
                                  PLQ_TRANSPORT_CLASS,        PLQ_TRANSPORT_ID,     PLQ_TRANSPORT_VENDOR,  PLQ_TRANSPORT_LICENSE,
                                  PLQ_TRANSPORT_CAPABILITIES, PLQ_TRANSPORT_FAILURE};
  plq_transports *transports = NULL;
  int32_t status = plq_transports_new(options, &transports, out_error);
  for (uint32_t i = 0; i < plq_transports_count(transports); i++)
    for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
      plq__table_add(table, plq_transports_text(transports, i, texts[j], NULL));
  plq_transports_free(transports);
  return status;
}

static void add_options_of(plq_table *table, const plq_transport *transport) {
  for (size_t i = 0; i < transport->option_count; i++) {
    plq_transport_option row = plq__schema_row(transport, i);
    bool own = plq__schema_standard(row.key) < 0;
    char name[96];
    snprintf(name, sizeof name, "%s%s%s", own ? transport->name : "", own ? "." : "", row.key);
    plq__table_add(table, transport->name);
    plq__table_add(table, name);
    plq__table_add(table, type_name(row.type));
    plq__table_add(table, row.default_text);
    add_limits(table, row.min, row.max);
    plq__table_add(table, row.choices);
    plq__table_add_bool(table, own);
    plq__table_add(table, row.doc);
  }
}

/* plq_transports_new() has loaded each that can be. */
FILL(fill_transport_options) {
  plq_transports *transports = NULL;
  int32_t status = plq_transports_new(options, &transports, out_error);
  for (uint32_t i = 0; i < plq_transports_count(transports) && status == PLQ_OK; i++) {
    const struct plq__plugin *plugin = NULL;
    if (plq_transports_text(transports, i, PLQ_TRANSPORT_FAILURE, NULL)[0] != '\0') continue;
    status = plq__load(options, plq_transports_text(transports, i, PLQ_TRANSPORT_NAME, NULL), &plugin, out_error);
    if (status == PLQ_OK) add_options_of(table, &plugin->transport);
  }
  plq_transports_free(transports);
  return status;
}

FILL(fill_capabilities) {
  UNUSED;
  const char *name;
  for (unsigned bit = 0; (name = plq__capability_name(bit)) != NULL; bit++) {
    plq__table_add(table, name);
    plq__table_add_number(table, bit);
  }
  return PLQ_OK;
}

/* ---- events, statuses, statistics ---- */

FILL(fill_events) {
  UNUSED;
  for (int i = 0; i < PLQ__EVENT_COUNT; i++) {
    const struct plq__event_row row = plq__event_row((enum plq__event)i);
    plq__table_add(table, row.name);
    plq__table_add(table, row.doc);
  }
  return PLQ_OK;
}

FILL(fill_event_fields) {
  UNUSED;
  for (int i = 0; i < PLQ__EVENT_COUNT; i++) {
    const struct plq__event_row row = plq__event_row((enum plq__event)i);
    for (size_t j = 0; j < row.field_count; j++) {
      const struct plq__event_field field = plq__event_field((enum plq__event)i, j);
      plq__table_add(table, row.name);
      plq__table_add(table, field.name);
      plq__table_add(table, plq__event_type_name(field.type));
      plq__table_add(table, field.doc);
    }
  }
  return PLQ_OK;
}

FILL(fill_statuses) {
  UNUSED;
  int32_t status;
  for (size_t i = 0; plq__status_at(i, &status); i++) {
    plq__table_add_number(table, status);
    plq__table_add(table, plq_status_name(status));
    plq__table_add(table, plq_kind_name(plq_status_kind(status)));
    plq__table_add(table, plq_phase_name(plq_status_phase(status)));
    plq__table_add(table, plq_status_text(status));
  }
  return PLQ_OK;
}

FILL(fill_stats) {
  UNUSED;
  static const char *const names[PLQ_STATS] = {[PLQ_STAT_CALLS] = "calls",
                                               [PLQ_STAT_CALLS_SUCCEEDED] = "calls_succeeded",
                                               [PLQ_STAT_CALLS_FAILED] = "calls_failed",
                                               [PLQ_STAT_CALLS_IN_FLIGHT] = "calls_in_flight",
                                               [PLQ_STAT_ATTEMPTS] = "attempts",
                                               [PLQ_STAT_REPEATS] = "repeats",
                                               [PLQ_STAT_REPEATS_DENIED] = "repeats_denied",
                                               [PLQ_STAT_REPEATS_LEFT] = "repeats_left",
                                               [PLQ_STAT_CONNECTIONS_OPENED] = "connections_opened",
                                               [PLQ_STAT_CONNECTIONS_REUSED] = "connections_reused",
                                               [PLQ_STAT_CONNECTIONS_OPEN] = "connections_open",
                                               [PLQ_STAT_CONNECTIONS_BUSY] = "connections_busy",
                                               [PLQ_STAT_BYTES_SENT] = "bytes_sent",
                                               [PLQ_STAT_BYTES_RECEIVED] = "bytes_received",
                                               [PLQ_STAT_TOKENS_READ] = "tokens_read"};
  for (int i = 0; i < PLQ_STATS; i++) {
    plq__table_add_number(table, i);
    plq__table_add(table, names[i]);
  }
  return PLQ_OK;
}

/* ---- all ---- */

/* Columns end in a NUL each, and there is one that is empty: a list of pointers would be longer, and relocated. */
static const struct plq__table_kind kinds[] = {
    {"tables", "These tables.", "name\0doc\0", fill_tables},
    {"operations", "Operations of the service.", "name\0method\0path\0repeatable\0success\0doc\0", fill_operations},
    {"operation_fields", "Their fields.", "operation\0name\0in\0target\0rule\0choices\0doc\0", fill_fields},
    {"operation_results", "What they return.", "operation\0name\0type\0life_ms\0doc\0", fill_results},
    {"options",
     "Options of a client, with their effective values.",
     "name\0type\0default\0min\0max\0choices\0variable\0code_only\0address\0transport\0doc\0value\0source\0place\0",
     fill_options},
    {"transports",
     "Transports that are installed.",
     "name\0path\0version\0stack\0class\0id\0vendor\0license\0capabilities\0failure\0",
     fill_transports},
    {"transport_options",
     "Options that these take.",
     "transport\0name\0type\0default\0min\0max\0choices\0own\0doc\0",
     fill_transport_options},
    {"capabilities", "What a transport may be able to do.", "name\0bit\0", fill_capabilities},
    {"events", "Events that observers are told of.", "name\0doc\0", fill_events},
    {"event_fields", "Their fields.", "event\0name\0type\0doc\0", fill_event_fields},
    {"statuses", "Statuses that functions return.", "number\0name\0kind\0phase\0text\0", fill_statuses},
    {"stats", "Numbers of plq_client_stats().", "index\0name\0", fill_stats},
};

const struct plq__table_kind *plq__table_kind(size_t index) {
  return index < sizeof kinds / sizeof *kinds ? &kinds[index] : NULL;
}
