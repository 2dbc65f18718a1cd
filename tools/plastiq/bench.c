/* SPDX-License-Identifier: MIT */
/* plastiq bench: makes many calls on one client, and tells how long they take. */
#include "bench.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct poptOption calls_table[] = {
    {"calls", 0, POPT_ARG_STRING, NULL, CLI_CALLS, "End after N calls (1000, unless --seconds is given)", "N"},
    {"seconds", 0, POPT_ARG_STRING, NULL, CLI_SECONDS, "Begin no call after S seconds", "S"},
    {"threads", 0, POPT_ARG_STRING, NULL, CLI_THREADS, "Make calls on N threads at once (1 unless said)", "N"},
    {"warm", 0, POPT_ARG_STRING, NULL, CLI_WARM, "Open N connections before the first call", "N"},
    {"allow-remote", 0, POPT_ARG_NONE, NULL, CLI_ALLOW_REMOTE,
     "Allow that a service takes these calls which is not on this machine", NULL},
    POPT_TABLEEND};
static const struct poptOption output_table[] = {
    {"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object", NULL},
    {"verbose", 'v', POPT_ARG_NONE, NULL, CLI_VERBOSE, "Print more about failures on standard error", NULL},
    {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
    POPT_TABLEEND};
static const struct poptOption table[] = {
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)calls_table, 0, "Calls:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_request_table, 0, "Request:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_secrets_table, 0, "Secrets, never taken from an argument:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_client_table, 0, "Client:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_loading_table, 0, "Transports and other options:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
    POPT_TABLEEND};

enum { DEFAULT_CALLS = 1000, MOST_THREADS = 1024 };

/* ---- where the calls go: not to the service by accident ---- */

static bool is_loopback(const char *url) {
  char host[256];
  struct in_addr four;
  struct in6_addr six;
  const char *at = strstr(url, "://");
  at = at != NULL ? at + 3 : url;
  bool bracket = *at == '[';
  at += bracket;
  size_t len = strcspn(at, bracket ? "]" : ":/");
  if (len >= sizeof host) return false;
  snprintf(host, sizeof host, "%.*s", (int)len, at);
  if (bracket) return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
  if (inet_pton(AF_INET, host, &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  return strcasecmp(host, "localhost") == 0;
}

/* By its name alone: another transport for tests may well lead to the service. */
static bool is_stub(plq_client_id client) {
  plq_transports *transport = NULL;
  bool found = plq_client_transport(client, &transport, NULL) == PLQ_OK &&
               strcmp(plq_transports_text(transport, 0, PLQ_TRANSPORT_NAME, NULL), "stub") == 0 &&
               strcmp(plq_transports_text(transport, 0, PLQ_TRANSPORT_CLASS, NULL), "test") == 0;
  plq_transports_free(transport);
  return found;
}

static const char *option(const plq_options *options, const char *key, int32_t *out_source) {
  const char *value = NULL;
  *out_source = PLQ_SOURCE_DEFAULT;
  if (plq_options_get(options, key, PLQ_NUL, &value, NULL, out_source) != PLQ_OK) return NULL;
  return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A proxy, and `resolve`, lead elsewhere whatever the address says; and an address from the environment was not chosen for this
 * run. */
static bool stays_here(const plq_options *options, const char *url) {
  int32_t source, other;
  if (option(options, "proxy", &other) != NULL || option(options, "resolve", &other) != NULL) return false;
  return option(options, "base_url", &source) != NULL && source == PLQ_SOURCE_CODE && is_loopback(url);
}

static int check_target(const struct bench_plan *plan, const plq_options *options) {
  int32_t source;
  const char *url = option(options, "base_url", &source);
  if (plan->base_url == NULL || cli_args_has(plan->args, CLI_ALLOW_REMOTE)) return CLI_GO_ON;
  if (url != NULL && stays_here(options, url)) return CLI_GO_ON;
  return cli_usage(
      plan->args->command,
      "this would make many calls to %s%s. Say where they shall go: --base-url with a loopback address, such as the "
      "emulator's, and neither proxy nor resolve; or --transport stub --allow-test-transports; or --allow-remote, if "
      "that service shall really take them",
      url != NULL ? url : "the service", source == PLQ_SOURCE_ENVIRONMENT ? ", which a variable names" : "");
}

/* ---- the command ---- */

static int read_plan(const struct cli_args *args, struct bench_plan *plan) {
  bool timed = cli_args_has(args, CLI_SECONDS);
  *plan = (struct bench_plan){.args = args};
  int end = cli_args_number(args, CLI_CALLS, 1, 1000000000, timed ? 0 : DEFAULT_CALLS, &plan->calls);
  if (end == CLI_GO_ON) end = cli_args_number(args, CLI_SECONDS, 1, 86400, 0, &plan->seconds);
  if (end == CLI_GO_ON) end = cli_args_number(args, CLI_THREADS, 1, MOST_THREADS, 1, &plan->threads);
  return end == CLI_GO_ON ? cli_args_number(args, CLI_WARM, 1, 1000000, 0, &plan->warm) : end;
}

static int run(struct bench_plan *plan) {
  struct bench_result result;
  int end = cli_calls_warm(plan->args, plan->client, plan->warm);
  if (end == CLI_GO_ON) end = bench_run(plan, &result);
  if (end != CLI_GO_ON) return end;
  bench_report(plan, &result);
  end = CLI_DONE;
  if (result.failed > 0) {
    end = cli_failure_code(result.first_status, result.first_error);
    cli_say_failure(plan->args, result.first_status, result.first_error);
  }
  bench_result_clear(&result);
  return end;
}

static int bench(const struct cli_args *args) {
  struct bench_plan plan;
  plq_options *options = NULL;
  plq_error *error = NULL;
  int32_t source;
  int end = read_plan(args, &plan);
  if (end == CLI_GO_ON) end = cli_client_new(args, &plan.client);
  if (end == CLI_GO_ON) {
    int32_t status = plq_client_options(plan.client, &options, &error);
    if (status != PLQ_OK) end = cli_fail(args, status, error);
  }
  if (end == CLI_GO_ON) {
    plan.base_url = is_stub(plan.client) ? NULL : option(options, "base_url", &source);
    end = check_target(&plan, options);
  }
  if (end == CLI_GO_ON) end = run(&plan);
  if (plan.client != 0) plq_client_close(plan.client, 1000);
  plq_options_free(options);
  return end;
}

int cli_bench(int argc, const char **argv) {
  struct cli_args args;
  int end = cli_args_read(&args, "plastiq bench", table, argc, argv);
  if (end == CLI_GO_ON) end = bench(&args);
  cli_args_free(&args);
  return end;
}
