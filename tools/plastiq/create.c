/* SPDX-License-Identifier: MIT */
/* plastiq client-secrets create */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct poptOption request_table[] = {
    {"payer-id", 0, POPT_ARG_STRING, NULL, CLI_PAYER_ID, "Id of the payer that the secret is for", "UUID"},
    {"type", 0, POPT_ARG_STRING, NULL, CLI_TYPE, "What the secret tokenizes", "CARD"},
    {"trace-id", 0, POPT_ARG_STRING, NULL, CLI_TRACE_ID, "Id that follows the call through the service's logs", "UUID"},
    {"user-agent", 0, POPT_ARG_STRING, NULL, CLI_USER_AGENT, "The end user's User-Agent", "TEXT"},
    {"end-user-device-id", 0, POPT_ARG_STRING, NULL, CLI_END_USER_DEVICE_ID, "Id of the end user's browser or device", "TEXT"},
    {"end-user-ip", 0, POPT_ARG_STRING, NULL, CLI_END_USER_IP, "The end user's IP address", "ADDRESS"},
    {"extra", 0, POPT_ARG_STRING, NULL, CLI_EXTRA, "Members of the body that have no option here", "JSON"},
    {"header", 0, POPT_ARG_STRING, NULL, CLI_HEADER, "A further header; may be given more than once", "'NAME: VALUE'"},
    {"sensitive-header", 0, POPT_ARG_STRING, NULL, CLI_SENSITIVE_HEADER,
     "The same, and its value never reaches a log or an error", "'NAME: VALUE'"},
    {"operation-version", 0, POPT_ARG_STRING, NULL, CLI_OPERATION_VERSION,
     "1: lives 60 seconds (unless said); 2: lives 30 minutes", "1|2"},
    {"v2", 0, POPT_ARG_NONE, NULL, CLI_V2, "The same as --operation-version 2", NULL},
    POPT_TABLEEND};
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
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)request_table, 0, "Request:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_secrets_table, 0, "Secrets, never taken from an argument:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_client_table, 0, "Client:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_loading_table, 0, "Transports and other options:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)calls_table, 0, "Calls:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
    POPT_TABLEEND};

/* ---- the request ---- */

static const char *const fields[CLI_EXTRA] = {
    [CLI_PAYER_ID] = "payer.id",       [CLI_TYPE] = "type",
    [CLI_TRACE_ID] = "trace_id",       [CLI_USER_AGENT] = "user_agent",
    [CLI_END_USER_IP] = "end_user_ip", [CLI_END_USER_DEVICE_ID] = "end_user_device_id",
};

static int32_t add_header(plq_request *request, const struct cli_arg *arg, plq_error **out_error) {
  const char *colon = strchr(arg->value, ':'), *value = colon + 1;
  uint32_t flags = arg->code == CLI_SENSITIVE_HEADER ? PLQ_HEADER_SENSITIVE : 0;
  return plq_request_add_header(request, arg->value, (size_t)(colon - arg->value), value, PLQ_NUL, flags, out_error);
}

static int add_part(const struct cli_args *args, plq_request *request, const struct cli_arg *arg) {
  plq_error *error = NULL;
  int32_t status;
  bool header = arg->code == CLI_HEADER || arg->code == CLI_SENSITIVE_HEADER;
  if (header && strchr(arg->value, ':') == NULL)
    return cli_usage(args->command, "--%s needs 'NAME: VALUE'", cli_args_name(args->table, arg->code));
  if (header)
    status = add_header(request, arg, &error);
  else if (arg->code == CLI_EXTRA)
    status = plq_request_set_extra(request, arg->value, PLQ_NUL, &error);
  else
    status = plq_request_set(request, fields[arg->code], PLQ_NUL, arg->value, PLQ_NUL, &error);
  return status == PLQ_OK ? CLI_GO_ON : cli_fail(args, status, error);
}

static int make_request(const struct cli_plan *plan, plq_request **out_request) {
  plq_error *error = NULL;
  const struct cli_args *args = plan->args;
  int32_t status = plq_request_new(plan->operation, PLQ_NUL, out_request, &error);
  int end = status == PLQ_OK ? CLI_GO_ON : cli_fail(args, status, error);
  for (size_t i = 0; i < args->count && end == CLI_GO_ON; i++)
    if (args->rows[i].code <= CLI_REQUEST_LAST) end = add_part(args, *out_request, &args->rows[i]);
  return end;
}

/* ---- the plan ---- */

static int read_count(const struct cli_args *args, int code, int64_t least, int64_t fallback, int64_t *out) {
  enum { MOST = 1000000 };
  const char *text = cli_args_value(args, code);
  char *rest = NULL;
  *out = text != NULL ? strtoll(text, &rest, 10) : fallback;
  if (text == NULL || (rest != text && *rest == '\0' && *out >= least && *out <= MOST)) return CLI_GO_ON;
  return cli_usage(args->command, "--%s needs a number from %d to %d", cli_args_name(args->table, code), (int)least, MOST);
}

static int read_plan(const struct cli_args *args, struct cli_plan *plan) {
  const char *version = cli_args_value(args, CLI_OPERATION_VERSION);
  bool second = cli_args_has(args, CLI_V2) || (version != NULL && strcmp(version, "2") == 0);
  *plan = (struct cli_plan){.args = args, .operation = second ? "client_secrets.create_v2" : "client_secrets.create"};
  if (version != NULL && strcmp(version, "1") != 0 && strcmp(version, "2") != 0)
    return cli_usage(args->command, "--operation-version is 1 or 2");
  if (version != NULL && strcmp(version, "1") == 0 && second)
    return cli_usage(args->command, "--v2 and --operation-version 1 contradict");
  int end = read_count(args, CLI_CALLS, 1, 1, &plan->calls);
  return end == CLI_GO_ON ? read_count(args, CLI_WARM, 1, 0, &plan->warm) : end;
}

static int create(const struct cli_args *args) {
  struct cli_plan plan;
  plq_request *request = NULL;
  plq_client_id client = 0;
  int end = read_plan(args, &plan);
  if (end == CLI_GO_ON) end = make_request(&plan, &request);
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
