/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli.h"

static const struct poptOption table[] = {{"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object", NULL},
                                          {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
                                          POPT_TABLEEND};

static void print_json(uint32_t abi) {
  char text[16];
  snprintf(text, sizeof text, "%u.%u", abi >> 16, abi & 0xFFFF);
  json_object *object = json_object_new_object();
  cli_add_text(object, "version", PLQ_VERSION_TEXT);
  cli_add_text(object, "library", plq_version());
  cli_add_text(object, "abi", text);
  cli_out_json(object);
}

int cli_version(int argc, const char **argv) {
  struct cli_args args;
  uint32_t abi = plq_abi_version();
  int end = cli_args_read(&args, "plastiq version", table, argc, argv);
  if (end == CLI_GO_ON) {
    end = CLI_DONE;
    if (cli_args_has(&args, CLI_JSON))
      print_json(abi);
    else
      printf("plastiq %s (libplastiq %s, ABI %u.%u)\n", PLQ_VERSION_TEXT, plq_version(), abi >> 16, abi & 0xFFFF);
  }
  cli_args_free(&args);
  return end;
}
