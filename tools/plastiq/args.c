/* SPDX-License-Identifier: MIT */
/* popt reads the command line; every option is kept as a code and a text, and whoever owns the code makes sense of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int offer_names(const struct poptOption *table, const char *word, struct cli_nearest *nearest) {
  for (const struct poptOption *row = table; row->longName != NULL || row->arg != NULL; row++) {
    if ((row->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
      offer_names(row->arg, word, nearest);
    else if (row->longName != NULL)
      cli_nearest_offer(nearest, word, row->longName);
  }
  return 0;
}

const char *cli_args_name(const struct poptOption *table, int code) {
  const char *name = NULL;
  for (const struct poptOption *row = table; name == NULL && (row->longName != NULL || row->arg != NULL); row++) {
    if ((row->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
      name = cli_args_name(row->arg, code);
    else if (row->val == code)
      name = row->longName;
  }
  return name;
}

int cli_usage(const char *command, const char *format, ...) {
  char text[512];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  cli_say("%s. See %s --help", text, command);
  return CLI_USAGE;
}

/* Shows no more of an option than its name: what follows may be a token that was meant for somewhere else. */
static int bad_option(const struct cli_args *args, poptContext context, int trouble) {
  const char *bad = poptBadOption(context, POPT_BADOPTION_NOALIAS);
  char name[64];
  snprintf(name, sizeof name, "%s", bad != NULL ? bad : "");
  name[strncmp(name, "--", 2) == 0 ? strcspn(name, "=") : name[0] == '-' ? 2 : 0] = '\0';
  if (trouble == POPT_ERROR_NOARG) return cli_usage(args->command, "%s needs a value", name);
  if (trouble == POPT_ERROR_UNWANTEDARG) return cli_usage(args->command, "%s takes no value", name);
  if (trouble != POPT_ERROR_BADOPT) return cli_usage(args->command, "%s: %s", name, poptStrerror(trouble));
  struct cli_nearest nearest = {NULL, 0};
  if (strncmp(name, "--", 2) == 0) offer_names(args->table, name + 2, &nearest);
  if (nearest.name == NULL) return cli_usage(args->command, "there is no option %s", name);
  return cli_usage(args->command, "there is no option %s; the nearest is --%s", name, nearest.name);
}

static bool add(struct cli_args *args, int code, char *value) {
  struct cli_arg *rows = realloc(args->rows, (args->count + 1) * sizeof *rows);
  if (rows == NULL) {
    free(value);
    return false;
  }
  args->rows = rows;
  args->rows[args->count++] = (struct cli_arg){code, value};
  return true;
}

static int print_help(poptContext context) {
  poptPrintHelp(context, stdout, 0);
  printf("\n%s", cli_exit_codes);
  return CLI_DONE;
}

/* Takes the one argument that the command wants; NULL: it wants none. */
static int read_argument(struct cli_args *args, poptContext context, const char *wanted) {
  const char *argument = wanted != NULL ? poptGetArg(context) : NULL;
  if (wanted != NULL && argument == NULL) return cli_usage(args->command, "%s is missing", wanted);
  if (argument != NULL && (args->argument = strdup(argument)) == NULL) return cli_fail(args, PLQ_E_MEMORY, NULL);
  /* Not shown: it may be a token. */
  if (poptPeekArg(context) == NULL) return CLI_GO_ON;
  return cli_usage(args->command, "an argument is too many: %s takes only %s%soptions", args->command,
                   wanted != NULL ? wanted : "", wanted != NULL ? " and " : "");
}

static int read_all(struct cli_args *args, poptContext context, const char *wanted) {
  int code;
  while ((code = poptGetNextOpt(context)) > 0) {
    if (code == CLI_HELP) return print_help(context);
    if (!add(args, code, poptGetOptArg(context))) return cli_fail(args, PLQ_E_MEMORY, NULL);
  }
  if (code < -1) return bad_option(args, context, code);
  return read_argument(args, context, wanted);
}

/* Where the table goes of a command that is asked for it and not run; NULL: none is. */
static const struct poptOption **asked;

const struct poptOption *cli_args_table_of(const struct cli_command *command) {
  const struct poptOption *table = NULL;
  const char *argv[] = {command->full, NULL};
  asked = &table;
  (void)command->run(1, argv);
  asked = NULL;
  return table;
}

int cli_args_read_with(struct cli_args *args, const char *command, const struct poptOption *table, const char *argument, int argc,
                       const char **argv) {
  char usage[64];
  *args = (struct cli_args){.command = command, .table = table};
  if (asked != NULL) {
    *asked = table;
    return CLI_DONE;
  }
  poptContext context = poptGetContext(NULL, argc, argv, table, 0);
  if (context == NULL) return cli_fail(args, PLQ_E_MEMORY, NULL);
  snprintf(usage, sizeof usage, "[OPTION...]%s%s", argument != NULL ? " " : "", argument != NULL ? argument : "");
  poptSetOtherOptionHelp(context, usage);
  int end = read_all(args, context, argument);
  poptFreeContext(context);
  return end;
}

int cli_args_read(struct cli_args *args, const char *command, const struct poptOption *table, int argc, const char **argv) {
  return cli_args_read_with(args, command, table, NULL, argc, argv);
}

void cli_args_free(struct cli_args *args) {
  for (size_t i = 0; i < args->count; i++) {
    if (args->rows[i].value != NULL) plq_memzero(args->rows[i].value, strlen(args->rows[i].value));
    free(args->rows[i].value);
  }
  free(args->rows);
  free(args->argument);
  args->argument = NULL;
  args->rows = NULL;
  args->count = 0;
}

bool cli_args_has(const struct cli_args *args, int code) {
  for (size_t i = 0; i < args->count; i++)
    if (args->rows[i].code == code) return true;
  return false;
}

const char *cli_args_value(const struct cli_args *args, int code) {
  const char *value = NULL;
  for (size_t i = 0; i < args->count; i++)
    if (args->rows[i].code == code) value = args->rows[i].value;
  return value;
}

int cli_args_number(const struct cli_args *args, int code, int64_t least, int64_t most, int64_t fallback, int64_t *out) {
  const char *text = cli_args_value(args, code);
  char *rest = NULL;
  *out = text != NULL ? strtoll(text, &rest, 10) : fallback;
  if (text == NULL || (rest != text && *rest == '\0' && *out >= least && *out <= most)) return CLI_GO_ON;
  return cli_usage(args->command, "--%s needs a number from %lld to %lld", cli_args_name(args->table, code), (long long)least,
                   (long long)most);
}
