/* SPDX-License-Identifier: MIT */
/* plastiq describe: what the library says of itself, table by table. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct poptOption what_table[] = {
    {"options", 0, POPT_ARG_NONE, NULL, CLI_DESCRIBE_OPTIONS, "Each option with its effective value, and where that comes from",
     NULL},
    {"operations", 0, POPT_ARG_NONE, NULL, CLI_DESCRIBE_OPERATIONS, "Operations of the service", NULL},
    {"transports", 0, POPT_ARG_NONE, NULL, CLI_DESCRIBE_TRANSPORTS, "Transports that are installed", NULL},
    {"capabilities", 0, POPT_ARG_NONE, NULL, CLI_DESCRIBE_CAPABILITIES, "What transports may be able to do", NULL},
    {"events", 0, POPT_ARG_NONE, NULL, CLI_DESCRIBE_EVENTS, "Events and their fields, for observers", NULL},
    {"statuses", 0, POPT_ARG_NONE, NULL, CLI_DESCRIBE_STATUSES, "Statuses that functions return", NULL},
    {"table", 0, POPT_ARG_STRING, NULL, CLI_DESCRIBE_TABLE, "Any table of plastiq/table.h", "NAME"},
    POPT_TABLEEND};
static const struct poptOption output_table[] = {{"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object", NULL},
                                                 {"verbose", 'v', POPT_ARG_NONE, NULL, CLI_VERBOSE, "Print all columns", NULL},
                                                 {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
                                                 POPT_TABLEEND};
static const struct poptOption table_of_options[] = {
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)what_table, 0, "What to describe (unless said: which tables there are):", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_secrets_table, 0, "Secrets, never taken from an argument:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_client_table, 0, "Client, as they would be for a call:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_loading_table, 0, "Transports and other options:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
    POPT_TABLEEND};

/* Which table a flag stands for, and the columns that people want to see of it. */
static const struct view {
  int code;
  const char *table;
  const char *columns; /* separated by spaces; NULL: all */
} views[] = {{CLI_DESCRIBE_OPTIONS, "options", "name value source place"},
             {CLI_DESCRIBE_OPERATIONS, "operations", "name method path doc"},
             {CLI_DESCRIBE_TRANSPORTS, "transports", "name class version stack capabilities failure"},
             {CLI_DESCRIBE_CAPABILITIES, "capabilities", NULL},
             {CLI_DESCRIBE_EVENTS, "event_fields", "event name type doc"},
             {CLI_DESCRIBE_STATUSES, "statuses", "number name phase text"}};
enum { VIEWS = sizeof views / sizeof *views, MOST = 16 };

static const char *cell(const plq_table *table, uint32_t row, uint32_t column) {
  return plq_table_text(table, row, column, NULL);
}

/* ---- for programs ---- */

static json_object *row_json(const plq_table *table, uint32_t row) {
  json_object *object = json_object_new_object();
  for (uint32_t i = 0; i < plq_table_columns(table); i++)
    json_object_object_add(object, plq_table_column(table, i, NULL), json_object_new_string(cell(table, row, i)));
  return object;
}

static void print_json(const char *name, const plq_table *table) {
  json_object *object = json_object_new_object(), *rows = json_object_new_array();
  for (uint32_t i = 0; i < plq_table_rows(table); i++) json_object_array_add(rows, row_json(table, i));
  cli_add_text(object, "table", name);
  json_object_object_add(object, "rows", rows);
  cli_out_json(object);
}

/* ---- for people ---- */

static bool wanted(const char *columns, const char *name) {
  size_t len = strlen(name);
  for (const char *at = columns; at != NULL && *at != '\0';) {
    size_t part = strcspn(at, " ");
    if (part == len && strncmp(at, name, len) == 0) return true;
    at += part + strspn(at + part, " ");
  }
  return columns == NULL;
}

static void print_text(const plq_table *table, const char *columns) {
  uint32_t shown[MOST], count = 0;
  int width[MOST] = {0};
  for (uint32_t i = 0; i < plq_table_columns(table) && count < MOST; i++) {
    if (!wanted(columns, plq_table_column(table, i, NULL))) continue;
    for (uint32_t j = 0; j < plq_table_rows(table); j++) {
      int len = (int)strlen(cell(table, j, i));
      if (len > width[count]) width[count] = len;
    }
    shown[count++] = i;
  }
  for (uint32_t row = 0; row < plq_table_rows(table); row++) {
    uint32_t last = count;
    while (last > 1 && cell(table, row, shown[last - 1])[0] == '\0') last--;
    for (uint32_t i = 0; i < last; i++)
      printf("%-*s%s", i + 1 < last ? width[i] : 0, cell(table, row, shown[i]), i + 1 < last ? "  " : "\n");
  }
}

static int describe(const struct cli_args *args) {
  const struct view *view = NULL;
  const char *name = cli_args_value(args, CLI_DESCRIBE_TABLE);
  plq_options *options = NULL;
  plq_table *table = NULL;
  plq_error *error = NULL;
  for (size_t i = 0; i < VIEWS; i++) {
    if (!cli_args_has(args, views[i].code)) continue;
    if (view != NULL || name != NULL) return cli_usage(args->command, "one table at a time");
    view = &views[i];
  }
  if (name == NULL) name = view != NULL ? view->table : "tables";
  int end = cli_options_new(args, &options);
  if (end == CLI_GO_ON) end = cli_secrets_set(args, options);
  if (end == CLI_GO_ON) {
    int32_t status = plq_table_new(name, PLQ_NUL, options, &table, &error);
    end = status == PLQ_OK ? CLI_DONE : cli_fail(args, status, error);
  }
  if (table != NULL && cli_args_has(args, CLI_JSON))
    print_json(name, table);
  else if (table != NULL)
    print_text(table, view != NULL && !cli_args_has(args, CLI_VERBOSE) ? view->columns : NULL);
  plq_table_free(table);
  plq_options_free(options);
  return end;
}

int cli_describe(int argc, const char **argv) {
  struct cli_args args;
  int end = cli_args_read(&args, "plastiq describe", table_of_options, argc, argv);
  if (end == CLI_GO_ON) end = describe(&args);
  cli_args_free(&args);
  return end;
}
