/* SPDX-License-Identifier: MIT */
/* plastiq: the command line of libplastiq. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct cli_command commands[] = {
    {"client-secrets", "create", "plastiq client-secrets create", "Create a single-use client secret", cli_client_secrets_create},
    {"describe", NULL, "plastiq describe", "Show options with their sources, operations, events and more", cli_describe},
    {"doctor", NULL, "plastiq doctor", "Look at what a call needs, and say what is wrong", cli_doctor},
    {"bench", NULL, "plastiq bench", "Make many calls, and tell how long they take", cli_bench},
    {"cassette", "show", "plastiq cassette show", "Show what is in a cassette of the stub transport", cli_cassette_show},
    {"transports", NULL, "plastiq transports", "List the transports that are installed", cli_transports},
    {"version", NULL, "plastiq version", "Tell the version", cli_version},
    {"complete", NULL, "plastiq complete", NULL, cli_complete},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

const struct cli_command *cli_commands(size_t *out_count) {
  *out_count = COMMANDS;
  return commands;
}

static bool is(const char *word, const char *name) {
  return word != NULL && strcmp(word, name) == 0;
}
static bool asks_help(const char *word) {
  return is(word, "--help") || is(word, "-h") || is(word, "help");
}

static void print_help(FILE *to, const char *group) {
  fprintf(to, "Usage: plastiq %s%sCOMMAND [OPTION...]\n\nCommands:\n", group != NULL ? group : "", group != NULL ? " " : "");
  for (size_t i = 0; i < COMMANDS; i++)
    if (commands[i].what != NULL && (group == NULL || is(group, commands[i].group)))
      fprintf(to, "  %-22s  %s\n", commands[i].full + strlen("plastiq "), commands[i].what);
  fprintf(to, "\nEach has its own --help.\n\n%s", cli_exit_codes);
}

static int unknown(const char *before, const char *group, const char *word) {
  struct cli_nearest nearest = {NULL, 0};
  for (size_t i = 0; i < COMMANDS; i++) {
    if (commands[i].what == NULL) continue;
    if (group == NULL) cli_nearest_offer(&nearest, word, commands[i].group);
    if (is(group, commands[i].group)) cli_nearest_offer(&nearest, word, commands[i].name);
  }
  if (nearest.name == NULL) return cli_usage(before, "there is no command of this name");
  return cli_usage(before, "there is no such command; the nearest is \"%s\"", nearest.name);
}

static int run_group(const struct cli_command *first, int argc, const char **argv) {
  const char *group = first->group, *word = argc > 2 ? argv[2] : NULL;
  char before[64];
  snprintf(before, sizeof before, "plastiq %s", group);
  for (size_t i = 0; i < COMMANDS && word != NULL; i++) {
    if (!is(group, commands[i].group) || !is(word, commands[i].name)) continue;
    argv[2] = commands[i].full; /* what help calls the program */
    return commands[i].run(argc - 2, argv + 2);
  }
  if (asks_help(word)) return print_help(stdout, group), CLI_DONE;
  if (word == NULL || word[0] == '-') return cli_usage(before, "after %s comes a command, such as \"%s\"", group, first->name);
  return unknown(before, group, word);
}

static int run(int argc, const char **argv) {
  const char *word = argc > 1 ? argv[1] : NULL;
  if (word == NULL) return print_help(stderr, NULL), CLI_USAGE;
  if (asks_help(word)) return print_help(stdout, NULL), CLI_DONE;
  for (size_t i = 0; i < COMMANDS; i++) {
    const struct cli_command *command = &commands[i];
    if (!is(word, command->group) && !(command->run == cli_version && is(word, "--version"))) continue;
    if (command->name != NULL) return run_group(command, argc, argv);
    argv[1] = command->full;
    return command->run(argc - 1, argv + 1);
  }
  if (word[0] == '-') return cli_usage("plastiq", "a command comes first, options after it");
  return unknown("plastiq", NULL, word);
}

int main(int argc, char **argv) {
  if (plq_abi_require(PLQ_ABI_MAJOR, PLQ_ABI_MINOR) != PLQ_OK) {
    cli_say("the libplastiq that was found (%s) does not fit this program; install %s", plq_version(), PLQ_VERSION_TEXT);
    return CLI_SETUP;
  }
  return cli_out_end(run(argc, (const char **)argv));
}
