/* SPDX-License-Identifier: MIT */
/* What came of it: as a table or as JSON; and while it lasts, a line on the terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

static const struct {
  const char *name;
  double part;
} quantiles[] = {{"median", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
enum { QUANTILES = sizeof quantiles / sizeof *quantiles };

static double ms(int64_t ns) {
  return (double)ns / 1e6;
}

static double per_second(int64_t count, int64_t ns) {
  return ns > 0 ? (double)count * 1e9 / (double)ns : 0;
}

/* CPU time between two moments for each call, in us. */
static double cpu_us(const struct timeval *before, const struct timeval *after, int64_t calls) {
  double us = (double)(after->tv_sec - before->tv_sec) * 1e6 + (double)(after->tv_usec - before->tv_usec);
  return calls > 0 ? us / (double)calls : 0;
}
static double user_us(const struct bench_result *result) {
  return cpu_us(&result->before.ru_utime, &result->after.ru_utime, result->ended);
}
static double system_us(const struct bench_result *result) {
  return cpu_us(&result->before.ru_stime, &result->after.ru_stime, result->ended);
}

/* ---- JSON ---- */

static void add_decimal(json_object *object, const char *key, double number) {
  char text[64];
  snprintf(text, sizeof text, "%.3f", number);
  json_object_object_add(object, key, json_object_new_double_s(number, text));
}

static void add_us(json_object *object, const char *key, int64_t ns) {
  add_decimal(object, key, (double)ns / 1e3);
}

static json_object *failures_json(const struct bench_result *result) {
  json_object *object = json_object_new_object();
  for (size_t i = 0; i < BENCH_FAILURES && result->failures[i].count > 0; i++)
    cli_add_number(object, plq_status_name(result->failures[i].status), result->failures[i].count);
  return object;
}

static json_object *latencies_json(const struct histogram *latencies) {
  json_object *object = json_object_new_object();
  add_us(object, "min", latencies->min_ns);
  for (size_t i = 0; i < QUANTILES; i++) add_us(object, quantiles[i].name, histogram_quantile(latencies, quantiles[i].part));
  add_us(object, "max", latencies->max_ns);
  return object;
}

static void print_json(const struct bench_plan *plan, const struct bench_result *result, const int64_t *stats) {
  json_object *object = json_object_new_object(), *part;
  json_object_object_add(object, "transport", cli_transport_json(plan->client));
  if (plan->base_url != NULL) cli_add_text(object, "base_url", plan->base_url);
  cli_add_number(object, "threads", plan->threads);
  cli_add_number(object, "calls", result->ended);
  cli_add_number(object, "failed", result->failed);
  json_object_object_add(object, "failures", failures_json(result));
  json_object_object_add(object, "interrupted", json_object_new_boolean(result->interrupted));
  cli_add_number(object, "elapsed_us", result->elapsed_ns / 1000);
  add_decimal(object, "calls_per_second", per_second(result->ended, result->elapsed_ns));
  if (result->first_ns >= 0) add_us(object, "first_us", result->first_ns);
  if (result->latencies->count > 0) json_object_object_add(object, "latency_us", latencies_json(result->latencies));
  json_object_object_add(object, "connections", part = json_object_new_object());
  cli_add_number(part, "warmed", plan->warm);
  cli_add_number(part, "opened", stats[PLQ_STAT_CONNECTIONS_OPENED]);
  cli_add_number(part, "reused", stats[PLQ_STAT_CONNECTIONS_REUSED]);
  cli_add_number(object, "repeats", stats[PLQ_STAT_REPEATS]);
  json_object_object_add(object, "cpu_us_per_call", part = json_object_new_object());
  add_decimal(part, "user", user_us(result));
  add_decimal(part, "system", system_us(result));
  json_object_object_add(object, "bytes", part = json_object_new_object());
  cli_add_number(part, "sent", stats[PLQ_STAT_BYTES_SENT]);
  cli_add_number(part, "received", stats[PLQ_STAT_BYTES_RECEIVED]);
  cli_out_json(object);
}

/* ---- a table ---- */

static void print_transport(const struct bench_plan *plan) {
  plq_transports *transport = NULL;
  if (plq_client_transport(plan->client, &transport, NULL) == PLQ_OK)
    printf("transport    %s (%s)%s%s, %" PRId64 " thread%s\n", plq_transports_text(transport, 0, PLQ_TRANSPORT_NAME, NULL),
           plq_transports_text(transport, 0, PLQ_TRANSPORT_STACK, NULL), plan->base_url != NULL ? ", to " : "",
           plan->base_url != NULL ? plan->base_url : "", plan->threads, plan->threads == 1 ? "" : "s");
  plq_transports_free(transport);
}

static void print_failures(const struct bench_result *result) {
  printf("failures     %" PRId64 "\n", result->failed);
  for (size_t i = 0; i < BENCH_FAILURES && result->failures[i].count > 0; i++)
    printf("             %s %" PRId64 "\n", plq_status_name(result->failures[i].status), result->failures[i].count);
}

static void print_latencies(const struct histogram *latencies) {
  if (latencies->count == 0) return;
  printf("other calls  min %.3f", ms(latencies->min_ns));
  for (size_t i = 0; i < QUANTILES; i++)
    printf(", %s %.3f", quantiles[i].name, ms(histogram_quantile(latencies, quantiles[i].part)));
  printf(", max %.3f ms\n", ms(latencies->max_ns));
}

static void print_table(const struct bench_plan *plan, const struct bench_result *result, const int64_t *stats) {
  print_transport(plan);
  printf("calls        %" PRId64 " in %.2f s, %.1f per second%s\n", result->ended, ms(result->elapsed_ns) / 1e3,
         per_second(result->ended, result->elapsed_ns), result->interrupted ? "; interrupted" : "");
  print_failures(result);
  if (result->first_ns >= 0) printf("first call   %.3f ms\n", ms(result->first_ns));
  print_latencies(result->latencies);
  printf("connections  %" PRId64 " opened, %" PRId64 " reused", stats[PLQ_STAT_CONNECTIONS_OPENED],
         stats[PLQ_STAT_CONNECTIONS_REUSED]);
  if (plan->warm > 0) printf("; %" PRId64 " were open before", plan->warm);
  printf("\nrepeats      %" PRId64 "\n", stats[PLQ_STAT_REPEATS]);
  printf("CPU time     %.3f ms user, %.3f ms system for each call\n", user_us(result) / 1e3, system_us(result) / 1e3);
  printf("bytes        %" PRId64 " sent, %" PRId64 " received\n", stats[PLQ_STAT_BYTES_SENT], stats[PLQ_STAT_BYTES_RECEIVED]);
}

void bench_report(const struct bench_plan *plan, const struct bench_result *result) {
  int64_t stats[PLQ_STATS] = {0};
  (void)plq_client_stats(plan->client, stats, PLQ_STATS);
  if (cli_args_has(plan->args, CLI_JSON))
    print_json(plan, result, stats);
  else
    print_table(plan, result, stats);
}

/* ---- progress ---- */

static size_t shown; /* how many columns the line has now */

/* Blanks cover the rest of a longer line: not every terminal knows how to erase one. */
static void show(const char *text) {
  char line[256];
  struct winsize size;
  size_t room = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
  size_t len = strlen(text) < room ? strlen(text) : room;
  size_t rest = shown > len ? shown - len : 0;
  int used = snprintf(line, sizeof line, "\r%.*s%*s", (int)len, text, (int)rest, "");
  shown = len;
  if (used > 0 && write(STDERR_FILENO, line, (size_t)used < sizeof line ? (size_t)used : sizeof line - 1) < 0) return;
}

void bench_progress_show(const struct bench_plan *plan, int64_t elapsed_ns, int64_t ended, int64_t failed) {
  char text[120], of_calls[32] = "", of_seconds[32] = "";
  if (plan->calls > 0) snprintf(of_calls, sizeof of_calls, " of %" PRId64, plan->calls);
  if (plan->seconds > 0) snprintf(of_seconds, sizeof of_seconds, " of %" PRId64, plan->seconds);
  snprintf(text, sizeof text, "%" PRId64 "%s calls, %" PRId64 " failed, %.1f%s s, %.0f per second", ended, of_calls, failed,
           ms(elapsed_ns) / 1e3, of_seconds, per_second(ended, elapsed_ns));
  show(text);
}

void bench_progress_end(void) {
  show("");
  show("");
}
