/* SPDX-License-Identifier: MIT */
/* The request for a client secret, from options. */
#include <string.h>

#include "cli.h"

const struct poptOption cli_request_table[] = {
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

int cli_request_operation(const struct cli_args *args, const char **out_operation) {
  const char *version = cli_args_value(args, CLI_OPERATION_VERSION);
  bool second = cli_args_has(args, CLI_V2) || (version != NULL && strcmp(version, "2") == 0);
  *out_operation = second ? "client_secrets.create_v2" : "client_secrets.create";
  if (version != NULL && strcmp(version, "1") != 0 && strcmp(version, "2") != 0)
    return cli_usage(args->command, "--operation-version is 1 or 2");
  if (version != NULL && strcmp(version, "1") == 0 && second)
    return cli_usage(args->command, "--v2 and --operation-version 1 contradict");
  return CLI_GO_ON;
}

int cli_request_new(const struct cli_args *args, plq_request **out_request) {
  plq_error *error = NULL;
  const char *operation = NULL;
  int end = cli_request_operation(args, &operation);
  if (end != CLI_GO_ON) return end;
  int32_t status = plq_request_new(operation, PLQ_NUL, out_request, &error);
  if (status != PLQ_OK) end = cli_fail(args, status, error);
  for (size_t i = 0; i < args->count && end == CLI_GO_ON; i++)
    if (args->rows[i].code <= CLI_REQUEST_LAST) end = add_part(args, *out_request, &args->rows[i]);
  return end;
}
