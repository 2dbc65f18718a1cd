/* SPDX-License-Identifier: MIT */
/* A case's process: made, watched, judged. */
#include <dirent.h>
#include <errno.h>
#include <plastiq/options.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "plugin/internal.h"

int64_t check_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t count_entries(const char *path) {
  size_t count = 0;
  DIR *folder = opendir(path);
  while (folder != NULL && readdir(folder) != NULL) count++;
  if (folder != NULL) closedir(folder);
  return count;
}

size_t check_count_fds(void) {
  return count_entries("/proc/self/fd");
}

size_t check_count_threads(void) {
  return count_entries("/proc/self/task");
}

/* ---- words ---- */

void check_fail(check *self, const char *format, ...) {
  check_result *result = self->result;
  size_t len = strlen(result->text);
  va_list args;
  result->verdict = CHECK_FAILED;
  if (len > 0 && len + 3 < sizeof result->text) len += (size_t)snprintf(result->text + len, sizeof result->text - len, "; ");
  va_start(args, format);
  vsnprintf(result->text + len, sizeof result->text - len, format, args);
  va_end(args);
}

void check_not_declared(check *self, const char *why) {
  self->result->verdict = CHECK_NOT_DECLARED;
  snprintf(self->result->text, sizeof self->result->text, "%s", why);
}

void check_unable(check *self, const char *why) {
  self->result->verdict = CHECK_UNABLE;
  snprintf(self->result->text, sizeof self->result->text, "%s", why);
}

/* ---- the host ---- */

static void *host_alloc(void *context, size_t size) {
  check *self = context;
  if (atomic_fetch_add(&self->allocs, 1) + 1 == self->fail_at) return NULL;
  void *block = malloc(size);
  if (block != NULL) atomic_fetch_add(&self->blocks, 1);
  return block;
}

static void *host_realloc(void *context, void *block, size_t size) {
  check *self = context;
  if (block == NULL) return host_alloc(context, size);
  return atomic_fetch_add(&self->allocs, 1) + 1 == self->fail_at ? NULL : realloc(block, size);
}

static void host_free(void *context, void *block) {
  check *self = context;
  if (block != NULL) atomic_fetch_sub(&self->blocks, 1);
  free(block);
}

static void host_log(void *context, int32_t level, const char *text, size_t len) {
  check *self = context;
  (void)level;
  test_bytes_add(&self->log, text, len);
}

static int32_t host_log_level(void *context) {
  (void)context;
  return PLQ_LOG_DEBUG;
}

static void make_host(check *self) {
  self->host = *plq__host_process(); /* the clock, random, wipe and the extensions are the core's */
  self->host.context = self;
  self->host.alloc = host_alloc;
  self->host.realloc = host_realloc;
  self->host.free = host_free;
  self->host.log = host_log;
  self->host.log_level = host_log_level;
}

/* ---- loading ---- */

static plq_options *make_options(void) {
  plq_options *options = plq__options_new(PLQ_NO_AMBIENT);
  static const char *const pairs[][2] = {
      {"transport_path_check", "false"}, {"allow_test_transports", "true"}, {"allow_plain_http", "true"}};
  if (options == NULL) test_die("no memory");
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (plq__options_put(options, plq__text_in(pairs[i][0], PLQ_NUL), plq__text_in(pairs[i][1], PLQ_NUL), PLQ_SOURCE_CODE,
                         NULL) != PLQ_OK)
      test_die("%s cannot be set", pairs[i][0]);
  return options;
}

static const struct plq__plugin *load(const char *path, char *out_why, size_t size) {
  const struct plq__plugin *plugin = NULL;
  plq_options *options = make_options();
  plq_error *error = NULL;
  int32_t status = plq__load(options, path, &plugin, &error);
  if (status != PLQ_OK)
    snprintf(out_why, size, "%s: %s", plq_status_name(status),
             error != NULL ? plq_error_message(error, NULL) : plq_status_text(status));
  plq_error_free(error);
  plq__options_free(options);
  return plugin;
}

/* ---- instances ---- */

static bool put_option(plq_options *options, const char *key, const char *value) {
  return plq__options_put(options, plq__text_in(key, PLQ_NUL), plq__text_in(value, PLQ_NUL), PLQ_SOURCE_CODE, NULL) == PLQ_OK;
}

int32_t check_try_create(check *self, const char *const (*pairs)[2], size_t count, plq_transport_error *error) {
  plq_options *options = make_options();
  struct plq__values values = {0};
  plq_error *trouble = NULL;
  bool takes_ca = (self->what->capabilities & PLQ_CAP_CA) != 0;
  if (takes_ca && self->ca != NULL) put_option(options, "ca_file", test_ca_file(self->ca));
  for (size_t i = 0; i < self->settings->option_count; i++)
    put_option(options, self->settings->options[i].key, self->settings->options[i].value);
  for (size_t i = 0; i < count; i++)
    if (!put_option(options, pairs[i][0], pairs[i][1])) test_die("%s: %s is refused by the core", pairs[i][0], pairs[i][1]);
  memset(error, 0, sizeof *error);
  error->struct_size = sizeof *error;
  self->instance = NULL;
  int32_t status = plq__values_new(self->plugin, options, &values, &trouble);
  if (status != PLQ_OK) test_die("the options do not fit the schema: %s", plq_error_message(trouble, NULL));
  status = self->functions->create(&self->host, values.rows, values.count, sizeof *values.rows, error, &self->instance);
  plq__values_clear(&values);
  plq__options_free(options);
  if ((status == PLQ_OK) != (self->instance != NULL))
    check_fail(self, "create answered %s and %s instance", plq_status_name(status), self->instance ? "an" : "no");
  return status;
}

bool check_create(check *self, ...) {
  const char *pairs[8][2];
  size_t count = 0;
  plq_transport_error error;
  va_list args;
  va_start(args, self);
  for (const char *key = va_arg(args, const char *); key != NULL && count < 8; key = va_arg(args, const char *)) {
    pairs[count][0] = key;
    pairs[count++][1] = va_arg(args, const char *);
  }
  va_end(args);
  int32_t status = check_try_create(self, (const char *const(*)[2])pairs, count, &error);
  if (status != PLQ_OK) check_fail(self, "create: %s: %s", plq_status_name(status), error.message);
  return status == PLQ_OK;
}

void check_destroy(check *self) {
  if (self->instance != NULL) self->functions->destroy(self->instance);
  self->instance = NULL;
}

/* ---- server ---- */

static void serve(check *self, const char *script, const char *certificate, bool http2) {
  const char *reason = NULL;
  json_object *parsed = json_tokener_parse(script);
  if (parsed == NULL) test_die("no JSON: %s", script);
  if (self->ca == NULL) self->ca = test_ca_new();
  self->responses = test_expand(parsed);
  json_object_put(parsed);
  self->script = test_script_new(self->responses, &reason);
  if (self->script == NULL) test_die("%s", reason);
  if (certificate != NULL) self->script->certificate = certificate;
  self->script->http2 = http2;
  if ((self->what->capabilities & PLQ_CAP_CA) == 0) self->script->certificate = NULL; /* whom it trusts cannot be told: plain */
  self->server = test_server_new(self->ca, self->script);
  snprintf(self->origin, sizeof self->origin, "%s://127.0.0.1:%d", self->script->certificate != NULL ? "https" : "http",
           test_server_port(self->server));
}

void check_serve(check *self, const char *script, const char *certificate) {
  serve(self, script, certificate, false);
}

void check_serve_http2(check *self, const char *script) {
  serve(self, script, NULL, true);
}

void check_stop(check *self) {
  check_destroy(self);
  if (self->server != NULL) test_server_stop(self->server);
}

size_t check_requests(const check *self) {
  return json_object_array_length(test_server_requests(self->server));
}

static void tidy(check *self) {
  check_stop(self);
  test_server_free(self->server);
  test_script_free(self->script);
  json_object_put(self->responses);
  test_ca_free(self->ca);
}

/* ---- processes ---- */

static void *share(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) test_die("no shared memory");
  return memory;
}

/* Waits for the child. False: it did not end by itself in time. */
static bool await(pid_t child, int timeout_s, int *out_status) {
  int64_t until = check_now_ms() + (int64_t)timeout_s * 1000;
  struct timespec pause = {.tv_nsec = 2000000};
  while (waitpid(child, out_status, WNOHANG) == 0) {
    if (check_now_ms() > until) {
      kill(child, SIGKILL);
      waitpid(child, out_status, 0);
      return false;
    }
    nanosleep(&pause, NULL);
  }
  return true;
}

static void judge(check_result *result, bool ended, int status, int timeout_s) {
  size_t len = strlen(result->text);
  const char *before = len > 0 ? "; " : "";
  if (!ended)
    snprintf(result->text + len, sizeof result->text - len, "%sit did not end within %d s", before, timeout_s);
  else if (WIFSIGNALED(status))
    snprintf(result->text + len, sizeof result->text - len, "%sit was ended by signal %d", before, WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    snprintf(result->text + len, sizeof result->text - len, "%sits process ended with status %d", before, WEXITSTATUS(status));
  else
    return;
  result->verdict = CHECK_FAILED;
}

bool check_describe(const char *path, check_plugin *out_plugin, char *out_why, size_t size) {
  struct shared {
    check_plugin plugin;
    char why[1000];
  } *shared = share(sizeof *shared);
  int status = 0;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    const struct plq__plugin *plugin = load(path, shared->why, sizeof shared->why);
    if (plugin == NULL) _exit(1);
    snprintf(shared->plugin.path, sizeof shared->plugin.path, "%s", plugin->path);
    snprintf(shared->plugin.name, sizeof shared->plugin.name, "%s", plugin->transport.name);
    shared->plugin.deployment_class = plugin->transport.deployment_class;
    shared->plugin.capabilities = plugin->transport.capabilities;
    _exit(0);
  }
  bool good = await(child, 30, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (good)
    *out_plugin = shared->plugin;
  else
    snprintf(out_why, size, "%s", shared->why[0] != '\0' ? shared->why : "loading it crashed, or took more than 30 s");
  munmap(shared, sizeof *shared);
  return good;
}

static void run_in_child(const check_plugin *plugin, const check_case *what, uint64_t half, const check_settings *settings,
                         check_result *result) {
  static check self;
  self.what = plugin;
  self.settings = settings;
  self.half = half;
  self.result = result;
  make_host(&self);
  self.plugin = load(plugin->path, result->text, sizeof result->text);
  if (self.plugin == NULL) _exit(1);
  self.functions = &self.plugin->functions;
  what->run(&self);
  tidy(&self);
  _exit(0);
}

void check_run(const check_plugin *plugin, const check_case *what, uint64_t half, const check_settings *settings,
               check_result *out) {
  int status = 0;
  memset(out, 0, sizeof *out);
  bool server = (what->flags & CHECK_SERVER) != 0 && plugin->deployment_class == PLQ_CLASS_TEST;
  if ((plugin->capabilities & (what->needs | half)) != (what->needs | half) || server) {
    out->verdict = CHECK_NOT_DECLARED;
    snprintf(out->text, sizeof out->text, "%s",
             server ? "a transport of the class test answers by itself" : "it does not declare this");
    return;
  }
  check_result *result = share(sizeof *result);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) run_in_child(plugin, what, half, settings, result);
  bool ended = await(child, settings->timeout_s, &status);
  judge(result, ended, status, settings->timeout_s);
  *out = *result;
  munmap(result, sizeof *result);
}

static void add(const check_case *table, check_case *out, size_t *count) {
  for (; table->name != NULL; table++) out[(*count)++] = *table;
}

const check_case *check_cases(size_t *out_count) {
  static check_case all[128];
  static size_t count;
  if (count == 0) {
    add(check_file_cases, all, &count);
    add(check_call_cases, all, &count);
    add(check_end_cases, all, &count);
    add(check_keep_cases, all, &count);
    add(check_async_cases, all, &count);
    add(check_life_cases, all, &count);
  }
  *out_count = count;
  return all;
}
