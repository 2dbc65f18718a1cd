/* SPDX-License-Identifier: MIT */
/* plastiq-transport-check: puts a transport through the conformance kit. */
#include <fnmatch.h>
#include <json-c/json.h>
#include <plastiq/transport.h>
#include <plastiq/version.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MOST = 64, DONE = 0, FAILED = 1, USAGE = 2, NOT_LOADED = 3 };
enum { LIST = 1, CASE, OPTION, GAP, TIMEOUT, JSON, VERSION };

typedef struct gap {
  char name[64];
  const char *why;
  bool used;
} gap;

typedef struct run {
  check_settings settings;
  check_option options[MOST];
  gap gaps[MOST];
  size_t gap_count;
  const char *pattern, *path;
  bool json, list;
  json_object *rows;
  int number, passed, failed, gaps_met, left_out;
} run;

static const struct poptOption table[] = {
    {"list", 'l', POPT_ARG_NONE, NULL, LIST, "List the cases, with what each needs and promises", NULL},
    {"case", 'c', POPT_ARG_STRING, NULL, CASE, "Run only cases whose names fit", "GLOB"},
    {"option", 'o', POPT_ARG_STRING, NULL, OPTION, "An option for the transport; may be given more than once", "KEY=VALUE"},
    {"known-gap", 'g', POPT_ARG_STRING, NULL, GAP, "A case that is known to fail, and why; it must fail, and is counted",
     "CASE=REASON"},
    {"timeout", 't', POPT_ARG_STRING, NULL, TIMEOUT, "Seconds for one case (30 unless said)", "N"},
    {"json", 'j', POPT_ARG_NONE, NULL, JSON, "Print JSON in place of TAP", NULL},
    {"version", 0, POPT_ARG_NONE, NULL, VERSION, "Tell the version", NULL},
    POPT_AUTOHELP POPT_TABLEEND};

static const struct {
  uint64_t bit;
  const char *name;
} capabilities[] = {{PLQ_CAP_BLOCKING, "blocking"},
                    {PLQ_CAP_ASYNC, "async"},
                    {PLQ_CAP_CONCURRENT, "concurrent"},
                    {PLQ_CAP_PREWARM, "prewarm"},
                    {PLQ_CAP_CA, "ca"},
                    {PLQ_CAP_KEEPALIVE, "keepalive"},
                    {PLQ_CAP_HTTP2, "http2"},
                    {PLQ_CAP_PINS, "pins"},
                    {PLQ_CAP_WIPES, "wipes"},
                    {PLQ_CAP_TLS_FACTS, "tls_facts"},
                    {PLQ_CAP_FORK_ABANDON, "fork_abandon"}};

static void needs_text(uint64_t needs, char *out, size_t size) {
  size_t len = 0;
  out[0] = '\0';
  for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
    if (needs & capabilities[i].bit)
      len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? " " : "", capabilities[i].name);
}

static int usage(const char *format, const char *what) {
  fputs("plastiq-transport-check: ", stderr);
  fprintf(stderr, format, what); /* NOLINT: the formats are below */
  fputs("; see --help\n", stderr);
  return USAGE;
}

/* ---- running ---- */

static gap *find_gap(run *self, const char *name) {
  for (size_t i = 0; i < self->gap_count; i++)
    if (fnmatch(self->gaps[i].name, name, 0) == 0) return &self->gaps[i];
  return NULL;
}

static void print_row(run *self, const char *name, const check_case *what, const char *verdict, const char *text) {
  if (self->json) {
    json_object *row = json_object_new_object();
    json_object_object_add(row, "case", json_object_new_string(name));
    json_object_object_add(row, "verdict", json_object_new_string(verdict));
    json_object_object_add(row, "rule", json_object_new_string(what->rule));
    json_object_object_add(row, "text", json_object_new_string(text));
    json_object_array_add(self->rows, row);
    return;
  }
  bool failed = strcmp(verdict, "failed") == 0;
  printf("%sok %d - %s", failed ? "not " : "", ++self->number, name);
  if (strcmp(verdict, "not_declared") == 0 || strcmp(verdict, "unable") == 0) printf(" # SKIP %s", text);
  if (strcmp(verdict, "known_gap") == 0) printf(" # known gap: %s", text);
  printf("\n");
  if (failed) printf("# rule: %s\n# seen: %s\n", what->rule, text);
  fflush(stdout);
}

static void run_one(run *self, const check_plugin *plugin, const check_case *what, uint64_t half, const char *name) {
  check_result result;
  gap *known = find_gap(self, name);
  check_run(plugin, what, half, &self->settings, &result);
  const char *verdict = result.verdict == CHECK_PASSED   ? "passed"
                        : result.verdict == CHECK_FAILED ? "failed"
                        : result.verdict == CHECK_UNABLE ? "unable"
                                                         : "not_declared";
  const char *text = result.text;
  if (known != NULL && result.verdict == CHECK_FAILED) {
    verdict = "known_gap";
    text = known->why;
    known->used = true;
    self->gaps_met++;
  }
  self->passed += result.verdict == CHECK_PASSED;
  self->failed += strcmp(verdict, "failed") == 0;
  self->left_out += result.verdict == CHECK_NOT_DECLARED || result.verdict == CHECK_UNABLE;
  print_row(self, name, what, verdict, text);
}

static void run_case(run *self, const check_plugin *plugin, const check_case *what) {
  static const struct {
    uint64_t bit;
    const char *name;
  } halves[] = {{PLQ_CAP_BLOCKING, "blocking"}, {PLQ_CAP_ASYNC, "async"}};
  char name[96];
  for (size_t i = 0; i < 2; i++) {
    bool both = (what->flags & CHECK_HALVES) != 0;
    snprintf(name, sizeof name, both ? "%s/%s" : "%s", what->name, halves[i].name);
    if (self->pattern == NULL || fnmatch(self->pattern, name, 0) == 0)
      run_one(self, plugin, what, both ? halves[i].bit : 0, name);
    if (!both) return;
  }
}

static int run_all(run *self) {
  check_plugin plugin;
  char why[1024] = "";
  size_t count;
  const check_case *cases = check_cases(&count);
  if (!check_describe(self->path, &plugin, why, sizeof why)) {
    fprintf(stderr, "plastiq-transport-check: %s cannot be loaded: %s\n", self->path, why);
    return NOT_LOADED;
  }
  if (self->json)
    self->rows = json_object_new_array();
  else
    printf("TAP version 13\n# %s\n", plugin.path);
  for (size_t i = 0; i < count; i++) run_case(self, &plugin, &cases[i]);
  for (size_t i = 0; i < self->gap_count; i++)
    if (!self->gaps[i].used && self->pattern == NULL) {
      fprintf(stderr, "plastiq-transport-check: the known gap %s did not fail: it is none any more\n", self->gaps[i].name);
      self->failed++;
    }
  if (self->json) {
    puts(json_object_to_json_string_ext(self->rows, JSON_C_TO_STRING_PRETTY));
    json_object_put(self->rows);
  } else {
    printf("1..%d\n# %d passed, %d failed, %d known gaps, %d not for this transport\n", self->number, self->passed, self->failed,
           self->gaps_met, self->left_out);
  }
  if (self->passed + self->failed + self->gaps_met == 0)
    return usage("no case fits %s", self->pattern != NULL ? self->pattern : "this transport");
  return self->failed == 0 ? DONE : FAILED;
}

static int list_all(void) {
  size_t count;
  const check_case *cases = check_cases(&count);
  for (size_t i = 0; i < count; i++) {
    char needs[128];
    needs_text(cases[i].needs, needs, sizeof needs);
    printf("%s|%s|%s\n", cases[i].name, needs, cases[i].rule);
  }
  return DONE;
}

/* ---- arguments ---- */

static int take(run *self, int code, char *value) {
  char *equals = value != NULL ? strchr(value, '=') : NULL;
  switch (code) {
    case LIST:
      self->list = true;
      return DONE;
    case JSON:
      self->json = true;
      return DONE;
    case CASE:
      self->pattern = value;
      return DONE;
    case TIMEOUT:
      self->settings.timeout_s = atoi(value);
      return self->settings.timeout_s > 0 ? DONE : usage("--timeout needs a number of seconds, not %s", value);
    case OPTION:
      if (equals == NULL) return usage("--option needs KEY=VALUE, not %s", value);
      if (self->settings.option_count == MOST) return usage("%s is one --option too many", value);
      *equals = '\0';
      self->options[self->settings.option_count++] = (check_option){value, equals + 1};
      return DONE;
    case GAP:
      if (equals == NULL || equals[1] == '\0') return usage("--known-gap needs CASE=REASON, not %s", value);
      if (self->gap_count == MOST) return usage("%s is one --known-gap too many", value);
      *equals = '\0';
      snprintf(self->gaps[self->gap_count].name, sizeof self->gaps->name, "%s", value);
      self->gaps[self->gap_count++].why = equals + 1;
      return DONE;
    default:
      printf("plastiq-transport-check %s\n", PLQ_VERSION_TEXT);
      exit(DONE);
  }
}

int main(int argc, const char **argv) {
  static run self = {.settings = {.timeout_s = 30}};
  int code, end = DONE;
  poptContext context = poptGetContext("plastiq-transport-check", argc, argv, table, 0);
  poptSetOtherOptionHelp(
      context,
      "[OPTION...] FILE\n\nPuts the transport plugin FILE (an absolute path) through the cases of docs/conformance.md.\n"
      "Exit status: 0 nothing failed, 1 a case failed, 2 a wrong command line, 3 the plugin cannot be loaded.\n");
  self.settings.options = self.options;
  while (end == DONE && (code = poptGetNextOpt(context)) > 0) end = take(&self, code, poptGetOptArg(context));
  if (end == DONE && code < -1) end = usage("%s", poptStrerror(code));
  self.path = poptGetArg(context);
  if (end == DONE && self.list)
    end = list_all();
  else if (end == DONE && (self.path == NULL || self.path[0] != '/'))
    end = usage("it needs the absolute path of a transport%s", "");
  else if (end == DONE)
    end = run_all(&self);
  poptFreeContext(context);
  return end;
}
