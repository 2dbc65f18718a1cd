/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <time.h>

#include "cli.h"

struct timing {
  int64_t connect_us; /* of the first call; -1: not known */
  int64_t cold_us;    /* the first call */
  int64_t *warm_us;   /* the others */
  size_t warm_count;
};

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t timeout_ms(plq_client_id client) {
  plq_options *options = NULL;
  const char *text = NULL;
  if (plq_client_options(client, &options, NULL) == PLQ_OK) plq_options_get(options, "timeout_ms", PLQ_NUL, &text, NULL, NULL);
  int64_t timeout = text != NULL ? strtoll(text, NULL, 10) : 15000;
  plq_options_free(options);
  return timeout;
}

int cli_calls_warm(const struct cli_args *args, plq_client_id client, int64_t count) {
  plq_error *error = NULL;
  uint32_t open = 0;
  if (count == 0) return CLI_GO_ON;
  int64_t began_us = now_us();
  int32_t status = plq_client_warm(client, (uint32_t)count, timeout_ms(client), &open, &error);
  if (status != PLQ_OK) return cli_fail(args, status, error);
  if (cli_args_has(args, CLI_VERBOSE))
    cli_say("%u connection%s open after %.1f ms", open, open == 1 ? "" : "s", (double)(now_us() - began_us) / 1000);
  return CLI_GO_ON;
}

static void note(struct timing *timing, const plq_response *response, int64_t elapsed_us) {
  if (timing->cold_us >= 0) {
    timing->warm_us[timing->warm_count++] = elapsed_us;
    return;
  }
  timing->cold_us = elapsed_us;
  timing->connect_us = cli_attempt_connect_us(plq_response_attempts(response), 0);
}

static int call_once(const struct cli_plan *plan, plq_client_id client, const plq_request *request, struct timing *timing) {
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  plq_error *error = NULL;
  int64_t began_us = now_us();
  int32_t status = plq_call(client, request, &response, &error);
  int64_t elapsed_us = now_us() - began_us;
  if (status == PLQ_OK) status = plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret);
  int end = status == PLQ_OK ? cli_report(plan, client, response, secret, elapsed_us) : cli_fail(plan->args, status, error);
  if (end == CLI_GO_ON) note(timing, response, elapsed_us);
  plq_secret_free(secret);
  plq_response_free(response);
  return end;
}

static int compare(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

static int64_t median(int64_t *values, size_t count) {
  qsort(values, count, sizeof *values, compare);
  return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void summarize(const struct cli_plan *plan, struct timing *timing) {
  int64_t warm_us = median(timing->warm_us, timing->warm_count);
  if (cli_args_has(plan->args, CLI_VERBOSE))
    cli_say("first call %.2f ms, median of the others %.2f ms", (double)timing->cold_us / 1000, (double)warm_us / 1000);
  if (!cli_args_has(plan->args, CLI_JSON)) return;
  json_object *object = json_object_new_object(), *summary = json_object_new_object();
  cli_add_number(summary, "calls", plan->calls);
  if (timing->connect_us >= 0) cli_add_number(summary, "connect_us", timing->connect_us);
  cli_add_number(summary, "cold_us", timing->cold_us);
  cli_add_number(summary, "warm_us", warm_us);
  json_object_object_add(object, "summary", summary);
  cli_out_json(object);
}

int cli_calls_run(const struct cli_plan *plan, plq_client_id client, const plq_request *request) {
  struct timing timing = {-1, -1, NULL, 0};
  timing.warm_us = calloc((size_t)plan->calls, sizeof *timing.warm_us);
  int end = timing.warm_us != NULL ? cli_calls_warm(plan->args, client, plan->warm) : cli_fail(plan->args, PLQ_E_MEMORY, NULL);
  for (int64_t i = 0; i < plan->calls && end == CLI_GO_ON; i++) end = call_once(plan, client, request, &timing);
  if (end == CLI_GO_ON && plan->calls > 1) summarize(plan, &timing);
  free(timing.warm_us);
  return end == CLI_GO_ON ? CLI_DONE : end;
}
