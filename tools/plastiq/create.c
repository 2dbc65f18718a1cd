/* SPDX-License-Identifier: MIT */
/* plastiq client-secrets create */
#include <stddef.h>

#include "cli.h"

static const struct poptOption calls_table[] = {
    {"calls", 0, POPT_ARG_STRING, NULL, CLI_CALLS, "Make N calls on one client, to see how long they take", "N"},
    {"warm", 0, POPT_ARG_STRING, NULL, CLI_WARM, "Open N connections before the first call", "N"},
    POPT_TABLEEND};
static const struct poptOption output_table[] = {
    {"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object in place of the secret alone", NULL},
    {"redact", 0, POPT_ARG_NONE, NULL, CLI_REDACT, "Print [redacted] in place of the secret", NULL},
    {"verbose", 'v', POPT_ARG_NONE, NULL, CLI_VERBOSE, "Print facts about the call on standard error", NULL},
    {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
    POPT_TABLEEND};

static const struct poptOption table[] = {
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_request_table, 0, "Request:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_secrets_table, 0, "Secrets, never taken from an argument:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_client_table, 0, "Client:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_loading_table, 0, "Transports and other options:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)calls_table, 0, "Calls:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
    POPT_TABLEEND};

static int read_plan(const struct cli_args *args, struct cli_plan *plan) {
  enum { MOST = 1000000 };
  *plan = (struct cli_plan){.args = args};
  int end = cli_request_operation(args, &plan->operation);
  if (end == CLI_GO_ON) end = cli_args_number(args, CLI_CALLS, 1, MOST, 1, &plan->calls);
  return end == CLI_GO_ON ? cli_args_number(args, CLI_WARM, 1, MOST, 0, &plan->warm) : end;
}

static int create(const struct cli_args *args) {
  struct cli_plan plan;
  plq_request *request = NULL;
  plq_client_id client = 0;
  int end = read_plan(args, &plan);
  if (end == CLI_GO_ON) end = cli_request_new(args, &request);
  if (end == CLI_GO_ON) end = cli_client_new(args, &client);
  if (end == CLI_GO_ON) end = cli_calls_run(&plan, client, request);
  if (client != 0) plq_client_close(client, 1000);
  plq_request_free(request);
  return end;
}

int cli_client_secrets_create(int argc, const char **argv) {
  struct cli_args args;
  int end = cli_args_read(&args, "plastiq client-secrets create", table, argc, argv);
  if (end == CLI_GO_ON) end = create(&args);
  cli_args_free(&args);
  return end;
}
