/* SPDX-License-Identifier: MIT */
/*
 * Options from the environment: which variables there are, what they may say, that code is stronger, and that a process with more
 * rights than its caller reads none. For the last one this program makes a copy of itself and runs that with another group's
 * rights.
 */
#include "base/ambient.h"

#include <errno.h>
#include <fcntl.h>
#include <plastiq/options.h>
#include <plastiq/transport.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/environment.h"
#include "unit.h"

static plq_options *options_new(uint32_t flags) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  if (plq_options_new(flags, &options, &error) != PLQ_OK) fail_msg("%s", plq_error_message(error, NULL));
  return options;
}

static const char *get(const plq_options *options, const char *key, int32_t *out_source) {
  const char *value = NULL;
  assert_int_equal(plq_options_get(options, key, PLQ_NUL, &value, NULL, out_source), PLQ_OK);
  return value;
}

/* A good value of each option that is not its default. */
static const char *good_value(const struct plq__option *row) {
  static const char *const special[][2] = {{"environment", "production"},
                                           {"base_url", "https://a.example/api"},
                                           {"proxy", "http://proxy.example:3128"},
                                           {"transport", "openssl"},
                                           {"transport_allow", "curl,openssl"},
                                           {"pins", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
                                           {"http_version", "1.1"},
                                           {"retry_statuses", "429"},
                                           {"retry_operations", "client_secrets.create"},
                                           {"proxy_user", "somebody"}};
  for (size_t i = 0; i < COUNT(special); i++)
    if (strcmp(row->name, special[i][0]) == 0) return special[i][1];
  switch (row->type) {
    case PLQ_OPTION_SECRET:
      return "test-key-0001";
    case PLQ_OPTION_PATH:
      return "/a/path";
    case PLQ_OPTION_BOOL:
      return row->default_text != 0 && strcmp(plq__option_default(row), "true") == 0 ? "false" : "true";
    case PLQ_OPTION_INT:
    case PLQ_OPTION_MS:
      return "1234";
    default:
      return "?";
  }
}

static const char *variable_of(const struct plq__option *row) {
  static char name[64];
  snprintf(name, sizeof name, "PLASTIQ_%s", row->name);
  for (char *at = name; *at != '\0'; at++)
    if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
  return name;
}

/* Every option but those that only code may set, each from the variable of its name. */
static void every_option(void **state) {
  (void)state;
  int from_code_only = 0;
  for (int i = 0; i < PLQ__OPT_COUNT; i++) {
    const struct plq__option *row = plq__option_row((enum plq__option_index)i);
    bool code_only = (row->flags & PLQ__OPTION_CODE_ONLY) != 0;
    const char *value = strcmp(row->name, "max_repeats") == 0 ? "7" : good_value(row);
    int32_t source = 77;
    setenv(variable_of(row), value, 1);
    char room[PLQ__VARIABLE_ROOM];
    const char *variable = plq__option_variable(row, room);
    EXPECT_ROW(code_only ? variable == NULL : variable != NULL && strcmp(variable, variable_of(row)) == 0,
               row->name);
    plq_options *options = options_new(0), *without = options_new(PLQ_NO_AMBIENT);
    const char *shown = get(options, row->name, &source);
    EXPECT_ROW(source == (code_only ? PLQ_SOURCE_DEFAULT : PLQ_SOURCE_ENVIRONMENT), row->name);
    if (!code_only) EXPECT_ROW(strcmp(shown, row->type == PLQ_OPTION_SECRET ? "[set]" : value) == 0, row->name);
    get(without, row->name, &source);
    EXPECT_ROW(source == PLQ_SOURCE_DEFAULT, row->name);
    plq_options_free(options);
    plq_options_free(without);
    unsetenv(variable_of(row));
    from_code_only += code_only;
  }
  expect_rows_end();
  assert_int_equal(from_code_only, 5);
}

static const struct bad_case {
  const char *variable, *value;
  int32_t want;
  const char *right; /* what would be */
} bad[] = {
    {"PLASTIQ_TIMEOUT_MS", "Hunter2", PLQ_E_OPTION_VALUE, "1 to 86400000, or -1 for ever"},
    {"PLASTIQ_TIMEOUT_MS", "0", PLQ_E_OPTION_VALUE, "1 to 86400000, or -1 for ever"},
    {"PLASTIQ_MAX_REPEATS", "-1", PLQ_E_OPTION_VALUE, "0 to 100"},
    {"PLASTIQ_REPEAT_ONLY_SAFE", "Hunter2", PLQ_E_OPTION_VALUE, "true or false"},
    {"PLASTIQ_HTTP_VERSION", "3", PLQ_E_OPTION_VALUE, "auto,1.1,2"},
    {"PLASTIQ_ENVIRONMENT", "Hunter2", PLQ_E_ENVIRONMENT_UNKNOWN, "sandbox or production"},
    {"PLASTIQ_ACCESS_TOKEN", "Bearer Hunter2", PLQ_E_TOKEN_INVALID, "RFC 6750"},
    {"PLASTIQ_SECOND_ACCESS_TOKEN", "Hunter2\n", PLQ_E_TOKEN_INVALID, "RFC 6750"},
    {"PLASTIQ_CLIENT_KEY_PASSWORD", "Hunter2\xff", PLQ_E_TEXT_ENCODING, "UTF-8"},
    {"PLASTIQ_BASE_URL", "https://u:Hunter2@a.example", PLQ_E_BASE_URL, "https://host"},
    {"PLASTIQ_PROXY", "http://u:Hunter2@a.example", PLQ_E_PROXY_URL, "proxy_user"},
    {"PLASTIQ_PINS", "Hunter2", PLQ_E_PIN, "sha256//BASE64"},
    {"PLASTIQ_TRANSPORT_DIR", "Hunter2", PLQ_E_OPTION_VALUE, "absolute path"},
    {"PLASTIQ_TRANSPORT_ALLOW", "/Hunter2", PLQ_E_OPTION_VALUE, "separated by commas"},
    /* by name only */
    {"PLASTIQ_TRANSPORT", "/opt/Hunter2.so", PLQ_E_TRANSPORT_NAME, "must be a name"},
    {"PLASTIQ_TRANSPORT", "./Hunter2.so", PLQ_E_TRANSPORT_NAME, "must be a name"},
    {"PLASTIQ_TRANSPORT", "Hunter2/curl", PLQ_E_TRANSPORT_NAME, "must be a name"},
    {"PLASTIQ_TRANSPORT", "file:///opt/Hunter2.so", PLQ_E_TRANSPORT_NAME, "must be a name"},
    {"PLASTIQ_TRANSPORT", "file:Hunter2", PLQ_E_TRANSPORT_NAME, "must be a name"},
    {"PLASTIQ_TRANSPORT", "curl ", PLQ_E_TRANSPORT_NAME, "must be a name"},
};

/* The failure names the variable and what would be right, and keeps the value to itself. */
static void bad_values(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bad); i++) {
    plq_options *options = (plq_options *)&bad;
    plq_error *error = NULL;
    char row[160];
    setenv(bad[i].variable, bad[i].value, 1);
    int32_t status = plq_options_new(0, &options, &error);
    const char *message = plq_error_message(error, NULL);
    snprintf(row, sizeof row, "%s=%s: %s", bad[i].variable, bad[i].value, message);
    EXPECT_ROW(status == bad[i].want && plq_error_status(error) == status, row);
    EXPECT_ROW(options == NULL, row);
    EXPECT_ROW(strstr(message, bad[i].variable) != NULL && strstr(message, bad[i].right) != NULL, row);
    EXPECT_ROW(strstr(message, "Hunter2") == NULL, row);
    plq_error_free(error);
    EXPECT_ROW(plq_options_new(0, &options, NULL) == bad[i].want, row);
    EXPECT_ROW(plq_options_new(PLQ_NO_AMBIENT, &options, NULL) == PLQ_OK, row);
    plq_options_free(options);
    unsetenv(bad[i].variable);
  }
  expect_rows_end();
}

/* Others have variables of this prefix too, a transport's own options have none, and an empty variable says nothing. */
static void what_says_nothing(void **state) {
  (void)state;
  static const char *const names[][2] = {{"PLASTIQ_TIMEOUT", "x"},        {"PLASTIQ_PORT", "tcp://10.0.0.1:80"},
                                         {"PLASTIQ_CURL_CRL_FILE", "/x"}, {"PLASTIQ_STUB_SCRIPT", "x"},
                                         {"plastiq_timeout_ms", "1"},     {"PLASTIQ_TIMEOUT_MS", ""},
                                         {"PLASTIQ_ACCESS_TOKEN", ""},    {"PLASTIQ_TRANSPORT", ""}};
  for (size_t i = 0; i < COUNT(names); i++) setenv(names[i][0], names[i][1], 1);
  plq_options *options = options_new(0);
  for (int i = 0; i < PLQ__OPT_COUNT; i++)
    EXPECT_ROW(!plq__options_is_set(options, (enum plq__option_index)i), plq__option_row((enum plq__option_index)i)->name);
  expect_rows_end();
  assert_null(options->own);
  assert_null(plq__environment("PLASTIQ_TRANSPORT"));
  assert_null(plq__environment("PLASTIQ_NOT_THERE"));
  plq_options_free(options);
  for (size_t i = 0; i < COUNT(names); i++) unsetenv(names[i][0]);
}

/* Code is stronger; what it takes back, the environment says again. */
static void code_is_stronger(void **state) {
  (void)state;
  int32_t source;
  setenv("PLASTIQ_TIMEOUT_MS", "111", 1);
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-of-the-environment", 1);
  plq_options *options = options_new(0);
  setenv("PLASTIQ_TIMEOUT_MS", "999", 1); /* too late: it was read once */
  assert_int_equal(plq__options_number(options, PLQ__OPT_TIMEOUT_MS), 111);
  assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, NULL, 0, NULL), PLQ_OK); /* code said nothing yet */
  assert_int_equal(plq__options_number(options, PLQ__OPT_TIMEOUT_MS), 111);
  for (int round = 0; round < 2; round++) {
    assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "222", PLQ_NUL, NULL), PLQ_OK);
    assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "333", PLQ_NUL, NULL), PLQ_OK);
    assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, "x", PLQ_NUL, NULL), PLQ_E_OPTION_VALUE);
    assert_string_equal(get(options, "timeout_ms", &source), "333");
    assert_int_equal(source, PLQ_SOURCE_CODE);
    plq_options *copy = plq__options_copy(options);
    assert_int_equal(plq__options_number(copy, PLQ__OPT_TIMEOUT_MS), 333);
    plq_options_free(copy);
    assert_int_equal(plq_options_set(options, "timeout_ms", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
    assert_string_equal(get(options, "timeout_ms", &source), "111");
    assert_int_equal(plq__options_number(options, PLQ__OPT_TIMEOUT_MS), 111);
    assert_int_equal(source, PLQ_SOURCE_ENVIRONMENT);
  }
  assert_int_equal(plq_options_set(options, "access_token", PLQ_NUL, "test-key-of-code", PLQ_NUL, NULL), PLQ_OK);
  assert_string_equal(plq__options_text(options, PLQ__OPT_ACCESS_TOKEN), "test-key-of-code");
  plq_options_free(options); /* both, the one underneath too */
  options = options_new(PLQ_NO_AMBIENT);
  assert_string_equal(get(options, "timeout_ms", &source), "15000");
  plq_options_free(options);
}

/* By whatever door: neither the environment nor a file may weaken, or name code by its path. */
static void what_only_code_may(void **state) {
  (void)state;
  static const int32_t sources[] = {PLQ_SOURCE_ENVIRONMENT, PLQ_SOURCE_FILE};
  for (size_t s = 0; s < COUNT(sources); s++) {
    plq_options *options = options_new(PLQ_NO_AMBIENT);
    for (int i = 0; i < PLQ__OPT_COUNT; i++) {
      const struct plq__option *row = plq__option_row((enum plq__option_index)i);
      plq_error *error = NULL;
      if ((row->flags & PLQ__OPTION_CODE_ONLY) == 0) continue;
      EXPECT_ROW(
          plq__options_put(options, plq__text_in(row->name, SIZE_MAX), T("true"), sources[s], &error) == PLQ_E_OPTION_VALUE,
          row->name);
      EXPECT_ROW(strstr(plq_error_message(error, NULL), "in code only") != NULL, row->name);
      EXPECT_ROW(!plq__options_is_set(options, (enum plq__option_index)i), row->name);
      plq_error_free(error);
    }
    EXPECT_ROW(plq__options_put(options, T("transport"), T("/opt/x.so"), sources[s], NULL) == PLQ_E_TRANSPORT_NAME, "path");
    EXPECT_ROW(plq__options_put(options, T("transport"), T("curl"), sources[s], NULL) == PLQ_OK, "name");
    EXPECT_ROW(plq_options_set(options, "transport", PLQ_NUL, "/opt/x.so", PLQ_NUL, NULL) == PLQ_OK, "path from code");
    plq_options_free(options);
  }
  expect_rows_end();
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

/* Every allocation fails once: no options, and nothing leaks. */
static void without_memory(void **state) {
  (void)state;
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-0001", 1);
  setenv("PLASTIQ_BASE_URL", "https://a.example", 1);
  setenv("PLASTIQ_TIMEOUT_MS", "111", 1);
  plq_options *options = NULL;
  int granted = 0;
  for (; options == NULL && granted < 100; granted++) {
    plq_error *error = NULL;
    plq__alloc_gate = grant;
    grants = granted;
    int32_t status = plq_options_new(0, &options, &error);
    plq__alloc_gate = NULL;
    assert_int_equal(status, options != NULL ? PLQ_OK : PLQ_E_MEMORY);
    plq_error_free(error);
  }
  assert_in_range(granted, 4, 99);
  plq_options_free(options);
}

/* ---- more rights than the caller ---- */

enum { CHILD_READS = 3, CHILD_IS_PRIVILEGED = 4, CHILD_READS_PRIVILEGED = 5, CHILD_BROKEN = 6 };

/* What the copy does: says whether it is privileged, and whether it read the variables. */
static int be_the_child(void) {
  plq_options *options = NULL;
  bool privileged = getauxval(AT_SECURE) != 0;
  if (getenv("PLASTIQ_TIMEOUT_MS") == NULL || plq_options_new(0, &options, NULL) != PLQ_OK) return CHILD_BROKEN;
  bool reads = plq__options_number(options, PLQ__OPT_TIMEOUT_MS) == 4321 || plq__options_is_set(options, PLQ__OPT_TRANSPORT);
  plq_options_free(options);
  return privileged ? reads ? CHILD_READS_PRIVILEGED : CHILD_IS_PRIVILEGED : reads ? CHILD_READS : CHILD_BROKEN;
}

static void copy_self(const char *to) {
  char path[4096], block[65536];
  ssize_t got = readlink("/proc/self/exe", path, sizeof path - 1);
  assert_in_range(got, 1, sizeof path - 1);
  path[got] = '\0';
  int in = open(path, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  assert_true(in >= 0 && out >= 0);
  while ((got = read(in, block, sizeof block)) > 0) assert_int_equal(write(out, block, (size_t)got), got);
  assert_int_equal(got, 0);
  close(in);
  assert_int_equal(close(out), 0);
}

static int run_copy(const char *path) {
  int status = 0;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    execl(path, path, "--child", (char *)NULL);
    _exit(CHILD_BROKEN);
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_BROKEN;
}

/* A group whose rights a file of ours can give, and that is not ours already. */
static bool other_group(gid_t *out_group) {
  gid_t groups[256];
  int count = getgroups((int)COUNT(groups), groups);
  *out_group = 65534;
  if (geteuid() == 0) return true;
  for (int i = 0; i < count; i++) {
    *out_group = groups[i];
    if (groups[i] != getegid() && groups[i] != getgid()) return true;
  }
  return false;
}

static void privileged_process(void **state) {
  (void)state;
  char folder[4000], path[4096];
  gid_t group;
  temporary_folder(folder, sizeof folder);
  snprintf(path, sizeof path, "%s/copy", folder);
  setenv("PLASTIQ_TIMEOUT_MS", "4321", 1);
  setenv("PLASTIQ_TRANSPORT", "openssl", 1);
  copy_self(path);
  int plain = run_copy(path), set_group = 0;
  bool can = other_group(&group) && chown(path, (uid_t)-1, group) == 0 && chmod(path, 02755) == 0;
  if (can) set_group = run_copy(path);
  unlink(path);
  rmdir(folder);
  assert_int_equal(plain, CHILD_READS);
  if (!can || set_group == CHILD_READS) {
    print_message("[  SKIPPED ] %s\n",
                  can ? "this system gives no program the rights of its file's group (nosuid, or no_new_privs)"
                      : "needs root, or a second group, to make a file with another group's rights");
    skip();
  }
  assert_int_equal(set_group, CHILD_IS_PRIVILEGED);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_option, forget_variables, forget_variables),
      cmocka_unit_test_setup_teardown(bad_values, forget_variables, forget_variables),
      cmocka_unit_test_setup_teardown(what_says_nothing, forget_variables, forget_variables),
      cmocka_unit_test_setup_teardown(code_is_stronger, forget_variables, forget_variables),
      cmocka_unit_test_setup_teardown(what_only_code_may, forget_variables, forget_variables),
      cmocka_unit_test_setup_teardown(without_memory, forget_variables, forget_variables),
      cmocka_unit_test_setup_teardown(privileged_process, forget_variables, forget_variables),
  };
  if (argc == 2 && strcmp(argv[1], "--child") == 0) return be_the_child();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
