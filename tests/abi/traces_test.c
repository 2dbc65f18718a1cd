/* SPDX-License-Identifier: MIT */
/*
 * What the library leaves behind in a process: no thread, no descriptor, no change of signals, locale, environment, folder or umask;
 * over each transport, after calls that worked and that failed, and after loading one that is not there. The server is in a process
 * of its own, so that what is counted here is the library's.
 */
#include <dirent.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <plastiq/plastiq.h>

#include "server.h"

extern char **environ;

enum { MOST_FDS = 1024, SIGNALS = 65 };

struct process {
  int threads;
  bool fds[MOST_FDS];
  struct sigaction actions[SIGNALS];
  sigset_t mask;
  stack_t stack;
  char locale[256], folder[4096];
  char **environment;
  char *variables[512];
  mode_t umask;
  struct rlimit limits[RLIM_NLIMITS];
  int children;
};

static int count(const char *path, bool *numbers) {
  int found = 0, own;
  DIR *folder = opendir(path);
  if (folder == NULL) fail_msg("cannot read %s", path);
  own = dirfd(folder);
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    int number = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || (numbers != NULL && number == own)) continue;
    found++;
    if (numbers != NULL && number < MOST_FDS) numbers[number] = true;
  }
  closedir(folder);
  return found;
}

static void look(struct process *out) {
  memset(out, 0, sizeof *out);
  out->threads = count("/proc/self/task", NULL);
  count("/proc/self/fd", out->fds);
  for (int i = 1; i < SIGNALS; i++) sigaction(i, NULL, &out->actions[i]);
  sigprocmask(SIG_SETMASK, NULL, &out->mask);
  sigaltstack(NULL, &out->stack);
  snprintf(out->locale, sizeof out->locale, "%s", setlocale(LC_ALL, NULL));
  if (getcwd(out->folder, sizeof out->folder) == NULL) fail_msg("no folder");
  out->environment = environ;
  for (size_t i = 0; environ[i] != NULL && i < sizeof out->variables / sizeof *out->variables; i++) out->variables[i] = environ[i];
  out->umask = umask(0);
  umask(out->umask);
  for (int i = 0; i < RLIM_NLIMITS; i++) getrlimit((__rlimit_resource_t)i, &out->limits[i]);
}

static void expect_same(const struct process *before, const char *when) {
  static struct process now;
  char target[4096], path[64];
  /* A thread that was joined may be seen for a moment longer. */
  for (int i = 0; i < 100 && count("/proc/self/task", NULL) > before->threads; i++) usleep(10000);
  look(&now);
  if (now.threads != before->threads) fail_msg("%s: %d threads, before %d", when, now.threads, before->threads);
  for (int i = 0; i < MOST_FDS; i++) {
    if (now.fds[i] == before->fds[i]) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%d", i);
    ssize_t len = readlink(path, target, sizeof target - 1);
    fail_msg("%s: descriptor %d %s: %.*s", when, i, now.fds[i] ? "is left" : "was closed", len > 0 ? (int)len : 0, target);
  }
  for (int i = 1; i < SIGNALS; i++)
    if (now.actions[i].sa_handler != before->actions[i].sa_handler || now.actions[i].sa_flags != before->actions[i].sa_flags)
      fail_msg("%s: what signal %d does was changed", when, i);
  assert_memory_equal(&now.mask, &before->mask, sizeof now.mask);
  assert_ptr_equal(now.stack.ss_sp, before->stack.ss_sp);
  assert_string_equal(now.locale, before->locale);
  assert_string_equal(now.folder, before->folder);
  assert_ptr_equal(now.environment, before->environment);
  assert_memory_equal(now.variables, before->variables, sizeof now.variables);
  assert_int_equal(now.umask, before->umask);
  assert_memory_equal(now.limits, before->limits, sizeof now.limits);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* no child but the server, which runs */
}

/* ---- the server, in its own process ---- */

static struct {
  pid_t pid;
  int stop; /* to be closed */
  uint16_t port;
  char ca[512];
} server;

static void serve(int ready, int stop) {
  const char *reason = NULL;
  json_object *entries = json_tokener_parse("[{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"cs_1\\\"}\"},"
                                            "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"cs_2\\\"}\"},"
                                            "{\"status\":400,\"body\":\"{\\\"code\\\":\\\"VALIDATION_ERROR\\\"}\"},"
                                            "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"cs_3\\\"}\"}]");
  test_ca *ca = test_ca_new();
  test_script *script = test_script_new(entries, &reason);
  test_server *running = script != NULL ? test_server_new(ca, script) : NULL;
  if (running == NULL) _exit(2);
  char line[600], byte;
  int len = snprintf(line, sizeof line, "%u %s", test_server_port(running), test_ca_file(ca));
  if (write(ready, line, (size_t)len) != len || close(ready) != 0) _exit(3);
  if (read(stop, &byte, 1) != 0) _exit(4);
  test_server_free(running);
  test_script_free(script);
  json_object_put(entries);
  test_ca_free(ca);
  _exit(0);
}

static int start_server(void **state) {
  (void)state;
  int ready[2], stop[2];
  char line[600] = "";
  if (pipe(ready) != 0 || pipe(stop) != 0) return 1;
  server.pid = fork();
  if (server.pid == 0) {
    close(ready[0]), close(stop[1]);
    serve(ready[1], stop[0]);
  }
  close(ready[1]), close(stop[0]);
  size_t len = 0;
  for (ssize_t got = 1; got > 0 && len < sizeof line - 1; len += got > 0 ? (size_t)got : 0) got = read(ready[0], line + len, sizeof line - 1 - len);
  close(ready[0]);
  server.stop = stop[1];
  unsigned port = 0;
  if (sscanf(line, "%u %511s", &port, server.ca) != 2) return 1;
  server.port = (uint16_t)port;
  return 0;
}

static int stop_server(void **state) {
  (void)state;
  int status = -1;
  close(server.stop);
  return waitpid(server.pid, &status, 0) == server.pid && status == 0 ? 0 : 1;
}

/* ---- stories ---- */

static plq_client_id connect_to(const char *transport, const char *url) {
  plq_options *options = NULL;
  plq_client_id client = 0;
  plq_error *error = NULL;
  const char *const pairs[][2] = {{"transport", transport},         {"transport_dir", TEST_TRANSPORT_DIR}, {"transport_path_check", "false"},
                                  {"allow_test_transports", "true"}, {"access_token", "test-key-0000000000000000"},
                                  {"base_url", url},                 {"ca_file", server.ca},                {"max_repeats", "0"}};
  assert_int_equal(plq_options_new(0, &options, NULL), PLQ_OK);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (plq_options_set(options, pairs[i][0], PLQ_NUL, pairs[i][1], PLQ_NUL, &error) != PLQ_OK) fail_msg("%s", plq_error_message(error, NULL));
  if (plq_client_new(options, &client, &error) != PLQ_OK) fail_msg("%s", plq_error_message(error, NULL));
  plq_options_free(options);
  return client;
}

static int32_t call(plq_client_id client) {
  plq_response *response = NULL;
  plq_error *error = NULL;
  int32_t status = plq_client_secrets_create(client, NULL, &response, &error);
  if (status != PLQ_OK) print_message("%s\n", plq_error_message(error, NULL));
  plq_response_free(response);
  plq_error_free(error);
  return status;
}

static void stub(void **state) {
  (void)state;
  static struct process before;
  look(&before);
  plq_client_id client = connect_to("stub", "https://plastiq.test/api");
  assert_int_equal(call(client), PLQ_OK);
  assert_int_equal(call(client), PLQ_OK);
  plq_client_free(client);
  expect_same(&before, "after the stub");
}

static void curl(void **state) {
  (void)state;
  static struct process before;
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%u/api", server.port);
  look(&before);
  plq_client_id client = connect_to("curl", url);
  assert_int_equal(call(client), PLQ_OK);
  assert_int_equal(call(client), PLQ_OK);
  assert_int_equal(call(client), PLQ_E_HTTP_CLIENT);
  plq_client_free(client);
  expect_same(&before, "after curl");
  snprintf(url, sizeof url, "https://localhost:%u/api", server.port); /* a name, which has to be looked up */
  client = connect_to("curl", url);
  assert_int_equal(call(client), PLQ_OK);
  plq_client_free(client);
  expect_same(&before, "after curl with a name");
}

static void nobody_there(void **state) {
  (void)state;
  static struct process before;
  look(&before);
  plq_client_id client = connect_to("curl", "https://127.0.0.1:1/api");
  assert_int_equal(call(client), PLQ_E_CONNECT_REFUSED);
  plq_client_free(client);
  expect_same(&before, "after a refused connection");
}

static void closed_without_a_call(void **state) {
  (void)state;
  static struct process before;
  look(&before);
  for (int i = 0; i < 20; i++) {
    plq_client_id one = connect_to("curl", "https://127.0.0.1:1/api"), other = connect_to("stub", "https://plastiq.test/api");
    plq_client_close(one, -1);
    plq_client_free(other);
  }
  expect_same(&before, "after clients that never called");
}

static void no_such_transport(void **state) {
  (void)state;
  static struct process before;
  plq_options *options = NULL;
  plq_client_id client = 0;
  plq_transports *transports = NULL;
  look(&before);
  assert_int_equal(plq_options_new(0, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "transport_dir", PLQ_NUL, TEST_TRANSPORT_DIR, PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "transport_path_check", PLQ_NUL, "false", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "transport", PLQ_NUL, "nowhere", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_client_new(options, &client, NULL), PLQ_E_TRANSPORT_NOT_FOUND);
  assert_int_equal(plq_transports_new(options, &transports, NULL), PLQ_OK);
  assert_true(plq_transports_count(transports) >= 2);
  plq_transports_free(transports);
  plq_options_free(options);
  expect_same(&before, "after listing");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_such_transport), cmocka_unit_test(stub), cmocka_unit_test(curl),
                                     cmocka_unit_test(nobody_there), cmocka_unit_test(closed_without_a_call)};
  /* What a host may have set must stay: none of it is a default. */
  signal(SIGPIPE, SIG_DFL);
  signal(SIGUSR2, SIG_IGN);
  setlocale(LC_ALL, "C.UTF-8");
  umask(027);
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
