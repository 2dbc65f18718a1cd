/* SPDX-License-Identifier: MIT */
/* A call that succeeded: the secret on standard output, facts as JSON beside it or, with --verbose, on standard error. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char redacted[] = "[redacted]";

static json_object *facts_json(const struct cli_plan *plan, plq_client_id client, const plq_response *response,
                               const plq_secret *secret, int64_t elapsed_us) {
  json_object *object = json_object_new_object();
  cli_add_number(object, "status", PLQ_OK);
  cli_add_text(object, "name", plq_status_name(PLQ_OK));
  cli_add_text(object, "operation", plan->operation);
  cli_add_number(object, "expires_in_ms", plq_secret_life_ms(secret));
  cli_add_text(object, "trace_id", plq_response_trace_id(response, NULL));
  cli_add_number(object, "http_status", plq_response_http_status(response));
  cli_add_number(object, "elapsed_us", elapsed_us);
  json_object_object_add(object, "transport", cli_transport_json(client));
  json_object_object_add(object, "attempts", cli_attempts_json(plq_response_attempts(response)));
  return object;
}

/* The secret never enters a JSON object, whose memory could not be wiped: it is put in front of the other members. */
static void print_json(json_object *facts, const char *secret, size_t len) {
  static const char before[] = "{\"client_secret\":\"", after[] = "\",";
  const char *rest = json_object_to_json_string_ext(facts, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
  cli_out_write(before, sizeof before - 1);
  cli_out_write_escaped(secret, len);
  cli_out_write(after, sizeof after - 1);
  cli_out_write(rest + 1, strlen(rest + 1));
  cli_out_write("\n", 1);
}

static void say_facts(plq_client_id client, const plq_response *response, const plq_secret *secret, int64_t elapsed_us) {
  const plq_attempts *attempts = plq_response_attempts(response);
  uint32_t count = plq_attempts_count(attempts);
  int64_t http = count > 0 ? cli_attempt_number(attempts, count - 1, PLQ_ATTEMPT_HTTP_VERSION) : 0;
  int64_t tls = count > 0 ? cli_attempt_number(attempts, count - 1, PLQ_ATTEMPT_TLS_VERSION) : 0;
  char http_text[24] = "", tls_text[24] = "";
  plq_transports *transport = NULL;
  if (http > 0)
    snprintf(http_text, sizeof http_text, ", HTTP/%d%s", (int)(http / 10), http == 11 ? ".1" : http == 10 ? ".0" : "");
  if (tls >= 0x0301) snprintf(tls_text, sizeof tls_text, ", TLS 1.%d", (int)(tls - 0x0301));
  (void)plq_client_transport(client, &transport, NULL);
  cli_say("created over %s (%s)%s%s, %u attempt%s, %.2f ms; HTTP status %d, %.1f s of life left, trace %s",
          plq_transports_text(transport, 0, PLQ_TRANSPORT_NAME, NULL),
          plq_transports_text(transport, 0, PLQ_TRANSPORT_STACK, NULL), http_text, tls_text, count, count == 1 ? "" : "s",
          (double)elapsed_us / 1000, plq_response_http_status(response), (double)plq_secret_life_ms(secret) / 1000,
          plq_response_trace_id(response, NULL));
  plq_transports_free(transport);
}

int cli_report(const struct cli_plan *plan, plq_client_id client, const plq_response *response, const plq_secret *secret,
               int64_t elapsed_us) {
  const char *bytes = redacted;
  size_t len = sizeof redacted - 1;
  if (!cli_args_has(plan->args, CLI_REDACT)) {
    int32_t status = plq_secret_read(secret, &bytes, &len);
    if (status != PLQ_OK) return cli_fail(plan->args, status, NULL);
  }
  if (cli_args_has(plan->args, CLI_VERBOSE)) say_facts(client, response, secret, elapsed_us);
  if (!cli_args_has(plan->args, CLI_JSON)) {
    cli_out_write(bytes, len);
    cli_out_write("\n", 1);
    return CLI_GO_ON;
  }
  json_object *facts = facts_json(plan, client, response, secret, elapsed_us);
  print_json(facts, bytes, len);
  json_object_put(facts);
  return CLI_GO_ON;
}
