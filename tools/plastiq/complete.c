/* SPDX-License-Identifier: MIT */
/* plastiq complete: what could stand at the end of a command line, for the completions of shells, which ask it. It is a part of
   them, and no command for people: help does not list it.

   Standard input has the words after the program's name, one a line; the last one is being typed. Each line of the answer is a
   word, a tab, and what it means. ":files" or ":dirs" alone: the shell knows these better.

   bash breaks words at "=": `--http-version=2` comes as three. Other shells leave it whole, and want the whole word back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { WORDS = 1024, LINE = 65536 };

struct line {
  char *words[WORDS];
  size_t count;        /* without the last one */
  const char *current; /* the last one, or its part after "--name=" or a comma */
  char before[256];    /* that part of it which stands before that, and stays */
};

static void offer(const struct line *line, const char *word, const char *what) {
  if (strncmp(word, line->current, strlen(line->current)) == 0)
    printf("%s%s\t%s\n", line->before, word, what != NULL ? what : "");
}

/* ---- commands ---- */

static void offer_commands(const struct line *line, const char *group) {
  size_t count;
  const struct cli_command *commands = cli_commands(&count);
  for (size_t i = 0; i < count; i++) {
    const struct cli_command *row = &commands[i];
    if (row->what == NULL) continue;
    bool again = i > 0 && strcmp(row->group, commands[i - 1].group) == 0;
    if (group == NULL && !again) offer(line, row->group, row->what);
    if (group != NULL && strcmp(group, row->group) == 0 && row->name != NULL) offer(line, row->name, row->what);
  }
  if (line->current[0] == '-') offer(line, "--help", "Show help");
  if (line->current[0] == '-' && group == NULL) offer(line, "--version", "Tell the version");
}

/* The command that the first words are, and how many these are; NULL if there is none yet. */
static const struct cli_command *find_command(const struct line *line, size_t *out_words) {
  size_t count;
  const struct cli_command *commands = cli_commands(&count);
  for (size_t i = 0; i < count && line->count > 0; i++) {
    const struct cli_command *row = &commands[i];
    *out_words = row->name != NULL ? 2 : 1;
    if (row->what == NULL || line->count < *out_words || strcmp(row->group, line->words[0]) != 0) continue;
    if (row->name == NULL || strcmp(row->name, line->words[1]) == 0) return row;
  }
  return NULL;
}

/* ---- options ---- */

static const struct poptOption *find_option(const struct poptOption *table, const char *name, size_t len) {
  const struct poptOption *found = NULL;
  for (const struct poptOption *row = table; found == NULL && (row->longName != NULL || row->arg != NULL); row++) {
    if ((row->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
      found = find_option(row->arg, name, len);
    else if (row->longName != NULL && strlen(row->longName) == len && strncmp(row->longName, name, len) == 0)
      found = row;
  }
  return found;
}

static void offer_options(const struct line *line, const struct poptOption *table) {
  char word[64];
  for (const struct poptOption *row = table; row->longName != NULL || row->arg != NULL; row++) {
    if ((row->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE) {
      offer_options(line, row->arg);
    } else if (row->longName != NULL) {
      snprintf(word, sizeof word, "--%s", row->longName);
      offer(line, word, row->descrip);
    }
  }
}

/* The option whose value is being typed; NULL: none. It may come from the last word itself, which then gets shorter. */
static const struct poptOption *option_at_end(struct line *line, const struct poptOption *table, size_t from) {
  const struct poptOption *waiting = NULL;
  for (size_t i = from; i < line->count; i++) {
    const char *word = line->words[i];
    if (waiting != NULL && strcmp(word, "=") == 0) continue;
    bool value = waiting != NULL;
    waiting = NULL;
    if (value || strncmp(word, "--", 2) != 0) continue;
    waiting = find_option(table, word + 2, strlen(word + 2));
    if (waiting != NULL && (waiting->argInfo & POPT_ARG_MASK) == POPT_ARG_NONE) waiting = NULL;
  }
  if (waiting != NULL && strcmp(line->current, "=") == 0) line->current = "";
  const char *equals = strchr(line->current, '=');
  if (waiting != NULL || strncmp(line->current, "--", 2) != 0 || equals == NULL) return waiting;
  waiting = find_option(table, line->current + 2, (size_t)(equals - line->current) - 2);
  snprintf(line->before, sizeof line->before, "%.*s", (int)(equals + 1 - line->current), line->current);
  line->current = equals + 1;
  return waiting;
}

/* ---- values ---- */

/* Those of the folder that the line names, or the usual one. What is wrong there is told when the line is run. */
static void offer_transports(const struct line *line, const struct poptOption *table, size_t from) {
  struct cli_args args = {.command = "plastiq complete", .table = table};
  struct cli_arg rows[] = {{CLI_ALLOW_TEST_TRANSPORTS, NULL}, {CLI_TRANSPORT_DIR, NULL}};
  plq_options *options = NULL;
  plq_transports *list = NULL;
  for (size_t i = from; i + 1 < line->count; i++) {
    if (strcmp(line->words[i], "--transport-dir") != 0) continue;
    bool broken = strcmp(line->words[i + 1], "=") == 0 && i + 2 < line->count;
    rows[1].value = line->words[i + 1 + broken];
  }
  args.rows = rows;
  args.count = rows[1].value != NULL ? 2 : 1;
  if (cli_options_new(&args, &options) == CLI_GO_ON) (void)plq_transports_new(options, &list, NULL);
  for (uint32_t i = 0; i < plq_transports_count(list); i++) {
    if (plq_transports_text(list, i, PLQ_TRANSPORT_FAILURE, NULL)[0] != '\0') continue;
    bool test = strcmp(plq_transports_text(list, i, PLQ_TRANSPORT_CLASS, NULL), "test") == 0;
    offer(line, plq_transports_text(list, i, PLQ_TRANSPORT_NAME, NULL),
          test ? "for tests: needs --allow-test-transports" : plq_transports_text(list, i, PLQ_TRANSPORT_STACK, NULL));
  }
  plq_transports_free(list);
  plq_options_free(options);
}

/* "sandbox|production": values. What is in capitals stands for something else. */
static void offer_choices(const struct line *line, const char *choices) {
  char word[64];
  if (strpbrk(choices, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL || strchr(choices, '|') == NULL) return;
  for (const char *at = choices; *at != '\0';) {
    size_t len = strcspn(at, "|");
    snprintf(word, sizeof word, "%.*s", (int)len, at);
    offer(line, word, NULL);
    at += len + (at[len] == '|');
  }
}

/* The last part of a list with commas. */
static void shorten_list(struct line *line) {
  const char *comma = strrchr(line->current, ',');
  size_t used = strlen(line->before);
  if (comma == NULL) return;
  snprintf(line->before + used, sizeof line->before - used, "%.*s", (int)(comma + 1 - line->current), line->current);
  line->current = comma + 1;
}

static void offer_values(struct line *line, const struct poptOption *option, const struct poptOption *table, size_t from) {
  const char *kind = option->argDescrip != NULL ? option->argDescrip : "";
  bool path = strchr(line->current, '/') != NULL || line->current[0] == '.';
  if (option->val == CLI_TRANSPORT_ALLOW) shorten_list(line);
  if (strcmp(kind, "DIR") == 0)
    puts(":dirs");
  else if (strcmp(kind, "FILE") == 0 || strcmp(kind, "PATH") == 0 || (option->val == CLI_TRANSPORT && path))
    puts(":files");
  else if (option->val == CLI_TRANSPORT || option->val == CLI_TRANSPORT_ALLOW)
    offer_transports(line, table, from);
  else
    offer_choices(line, kind);
}

/* ---- the command ---- */

static void read_words(struct line *line, char *text) {
  char *rest = text;
  line->current = "";
  for (char *word; (word = strsep(&rest, "\n")) != NULL && line->count + 1 < WORDS;) line->words[line->count++] = word;
  if (line->count > 0 && line->words[line->count - 1][0] == '\0') line->count--; /* what follows the last line's end */
  if (line->count > 0) line->current = line->words[--line->count];
}

static void answer(struct line *line) {
  size_t words = 0;
  const struct cli_command *command = find_command(line, &words);
  if (command == NULL) {
    if (line->count <= 1) offer_commands(line, line->count > 0 ? line->words[0] : NULL);
    return;
  }
  const struct poptOption *table = cli_args_table_of(command), *option = NULL;
  if (table == NULL) return;
  option = option_at_end(line, table, words);
  if (option != NULL)
    offer_values(line, option, table, words);
  else if (line->before[0] == '\0')
    offer_options(line, table);
}

int cli_complete(int argc, const char **argv) {
  static char text[LINE];
  static struct line line;
  (void)argc, (void)argv;
  size_t len = fread(text, 1, sizeof text - 1, stdin);
  text[len] = '\0';
  read_words(&line, text);
  answer(&line);
  plq_memzero(text, sizeof text);
  return CLI_DONE;
}
