/* SPDX-License-Identifier: MIT */
/* Access tokens from files: which of two wins, what is refused, and how a file is followed while calls run. */
#include "pipeline/token_files.h"

#include <plastiq/observer.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/client.h"
#include "probe.h"

static char folder[256], path[300], other[300];

static int setup(void **state) {
  forget_variables(state);
  temporary_folder(folder, sizeof folder);
  snprintf(path, sizeof path, "%s/token", folder);
  snprintf(other, sizeof other, "%s/other", folder);
  return probe_reset(state);
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  unlink(other);
  return rmdir(folder) | probe_instances;
}

static void write_to(const char *where, const char *text) {
  FILE *file = fopen(where, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

/* As those do who rotate tokens: the name changes from one whole file to the other. */
static void replace(const char *text) {
  write_to(other, text);
  assert_int_equal(rename(other, path), 0);
}

static int32_t make(plq_client_id *out_client, plq_error **out_error, const char *const (*pairs)[2], size_t count) {
  plq_options *options = NULL;
  assert_int_equal(plq_options_new(0, &options, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "transport", PLQ_NUL, "probe", PLQ_NUL, NULL), PLQ_OK);
  assert_int_equal(plq_options_set(options, "allow_test_transports", PLQ_NUL, "true", PLQ_NUL, NULL), PLQ_OK);
  for (size_t i = 0; i < count; i++)
    assert_int_equal(plq_options_set(options, pairs[i][0], PLQ_NUL, pairs[i][1], PLQ_NUL, NULL), PLQ_OK);
  int32_t status = plq_client_new(options, out_client, out_error);
  plq_options_free(options);
  return status;
}

static plq_client_id client_of_file(void) {
  plq_client_id client = 0;
  const char *const pairs[][2] = {{"access_token_file", path}, {"max_repeats", "0"}};
  assert_int_equal(make(&client, NULL, pairs, COUNT(pairs)), PLQ_OK);
  return client;
}

/* As if a second had passed since the file was looked at. */
static void pass_a_second(plq_client_id id) {
  struct plq__client *client = plq__client_acquire(id);
  atomic_load(&client->live)->following.looked_ns -= 1000000000;
  plq__client_release(client);
}

static int32_t call(plq_client_id client, plq_error **out_error) {
  plq_response *response = NULL;
  int32_t status = plq_client_secrets_create(client, NULL, &response, out_error);
  plq_response_free(response);
  return status;
}

static void expect_token(plq_client_id client, const char *token) {
  char want[200];
  snprintf(want, sizeof want, "Authorization!: Bearer %s\n", token);
  assert_int_equal(call(client, NULL), PLQ_OK);
  const char *headers = probe_seen[probe_seen_count - 1].headers;
  if (strstr(headers, want) == NULL) fail_msg("wanted %s among\n%s", want, headers);
}

static void what_a_file_may_hold(void **state) {
  static const struct {
    const char *text, *token; /* NULL: refused */
  } rows[] = {{"test-key-1", "test-key-1"},
              {"test-key-1\n", "test-key-1"},
              {" \t\r\n test-key-1=\r\n\n ", "test-key-1="},
              {"", NULL},
              {"\n \n", NULL},
              {"Bearer test-key-1", NULL},
              {"test-key-1\ntest-key-2\n", NULL},
              {"{\"token\": \"test-key-1\"}", NULL},
              {"test-key-\xc3\xa9", NULL}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_client_id client = 77;
    plq_error *error = NULL;
    const char *const pairs[][2] = {{"access_token_file", path}};
    replace(rows[i].text);
    int32_t status = make(&client, &error, pairs, 1);
    EXPECT_ROW(status == (rows[i].token != NULL ? PLQ_OK : PLQ_E_TOKEN_FILE), rows[i].text);
    if (status == PLQ_OK) expect_token(client, rows[i].token);
    EXPECT_ROW(status == PLQ_OK || strcmp(plq_error_field(error, NULL), "access_token_file") == 0, rows[i].text);
    EXPECT_ROW(status == PLQ_OK || strstr(plq_error_message(error, NULL), path) != NULL, rows[i].text);
    EXPECT_ROW(strstr(plq_error_message(error, NULL), "test-key") == NULL, rows[i].text);
    plq_error_free(error);
    plq_client_free(client);
  }
  expect_rows_end();
}

static void files_that_are_none(void **state) {
  static const char *const paths[] = {"/nowhere/at/all", "/", "/dev/null"};
  (void)state;
  for (size_t i = 0; i < COUNT(paths); i++) {
    plq_client_id client = 77;
    plq_error *error = NULL;
    const char *const pairs[][2] = {{"access_token", "test-key-1"}, {"second_access_token_file", paths[i]}};
    EXPECT_ROW(make(&client, &error, pairs, 2) == PLQ_E_TOKEN_FILE, paths[i]);
    EXPECT_ROW(strcmp(plq_error_field(error, NULL), "second_access_token_file") == 0, paths[i]);
    EXPECT_ROW(client == 0, paths[i]);
    plq_error_free(error);
  }
  expect_rows_end();
}

/* The stronger source wins whole; two of one source contradict; a token that a file of code's choice holds is one from code. */
static void which_one_counts(void **state) {
  plq_client_id client = 0;
  plq_error *error = NULL;
  const char *const both[][2] = {{"access_token", "test-key-1"}, {"access_token_file", path}};
  const char *const token[][2] = {{"access_token", "test-key-1"}};
  const char *const file[][2] = {{"access_token_file", path}};
  (void)state;
  replace("test-key-2\n");
  assert_int_equal(make(&client, &error, both, 2), PLQ_E_OPTION_VALUE);
  assert_string_equal(plq_error_field(error, NULL), "access_token_file");
  plq_error_free(error);
  setenv("PLASTIQ_ACCESS_TOKEN_FILE", "/nowhere", 1);
  assert_int_equal(make(&client, NULL, token, 1), PLQ_OK);
  expect_token(client, "test-key-1");
  plq_client_free(client);
  unsetenv("PLASTIQ_ACCESS_TOKEN_FILE");
  setenv("PLASTIQ_ACCESS_TOKEN", "test-key-3", 1);
  assert_int_equal(make(&client, NULL, file, 1), PLQ_OK);
  expect_token(client, "test-key-2");
  plq_client_free(client);
  unsetenv("PLASTIQ_ACCESS_TOKEN");
  setenv("PLASTIQ_BASE_URL", "https://a.example", 1);
  assert_int_equal(make(&client, &error, file, 1), PLQ_E_AMBIENT_ADDRESS);
  assert_non_null(strstr(plq_error_message(error, NULL), "access_token_file"));
  plq_error_free(error);
  setenv("PLASTIQ_ACCESS_TOKEN_FILE", path, 1);
  assert_int_equal(make(&client, NULL, NULL, 0), PLQ_OK);
  expect_token(client, "test-key-2");
  plq_client_free(client);
  unsetenv("PLASTIQ_ACCESS_TOKEN_FILE");
  unsetenv("PLASTIQ_BASE_URL");
}

static void a_file_is_followed(void **state) {
  (void)state;
  replace("test-key-1\n");
  plq_client_id client = client_of_file();
  expect_token(client, "test-key-1");
  replace("test-key-2\n");
  expect_token(client, "test-key-1"); /* looked at once a second */
  pass_a_second(client);
  expect_token(client, "test-key-2");
  pass_a_second(client);
  write_to(path, "test-key-3, and what is not a token"); /* in place */
  expect_token(client, "test-key-2");
  pass_a_second(client);
  expect_token(client, "test-key-2");
  unlink(path);
  pass_a_second(client);
  expect_token(client, "test-key-2");
  replace("test-key-4");
  pass_a_second(client);
  expect_token(client, "test-key-4");
  pass_a_second(client);
  write_to(path, "test-key-55"); /* the same file, with other content */
  expect_token(client, "test-key-55");
  plq_client_free(client);
}

static char logged[2048];

static void on_log(void *context, int32_t level, const char *source, const char *text) {
  (void)context;
  snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%d %s %s\n", level, source, text);
}

/* Each change of a file is told once, in a call that noticed it, and nothing of what is in it. */
static void what_became_of_a_file_is_told(void **state) {
  char want[2048];
  int64_t stats[PLQ_STATS];
  (void)state;
  logged[0] = '\0';
  replace("test-key-1");
  plq_client_id client = client_of_file();
  assert_int_equal(
      plq_client_observe(client, "log", PLQ_NUL, "level source text", PLQ_NUL, (plq_observer_fn)on_log, NULL, NULL, NULL),
      PLQ_OK);
  expect_token(client, "test-key-1");
  unlink(path);
  for (int i = 0; i < 3; i++) {
    pass_a_second(client);
    expect_token(client, "test-key-1");
  }
  replace("test-key 2");
  pass_a_second(client);
  expect_token(client, "test-key-1");
  replace("test-key-3");
  pass_a_second(client);
  expect_token(client, "test-key-3");
  snprintf(
      want, sizeof want,
      "3 libplastiq access_token_file: %s cannot be read: No such file or directory; the last good token stays in use\n"
      "3 libplastiq access_token_file: %s holds no access token: that is 1 or more of A-Z a-z 0-9 - . _ ~ + / and = at the end "
      "(RFC 6750 section 2.1), and nothing else; the last good token stays in use\n"
      "2 libplastiq access_token_file: a new token was read from %s\n",
      path, path, path);
  assert_string_equal(logged, want);
  assert_int_equal(plq_client_stats(client, stats, PLQ_STATS), PLQ_OK);
  assert_int_equal(stats[PLQ_STAT_TOKENS_READ], 1);
  plq_client_free(client);
}

/* A folder that is a symbolic link changes as a whole, as Kubernetes does it. */
static void symbolic_links_are_followed(void **state) {
  char link[300], one[300], two[300], file[320];
  (void)state;
  snprintf(link, sizeof link, "%s/data", folder);
  snprintf(one, sizeof one, "%s/1", folder);
  snprintf(two, sizeof two, "%s/2", folder);
  assert_int_equal(mkdir(one, 0700) | mkdir(two, 0700), 0);
  snprintf(file, sizeof file, "%s/token", one);
  write_to(file, "test-key-1");
  snprintf(file, sizeof file, "%s/token", two);
  write_to(file, "test-key-2");
  assert_int_equal(symlink(one, link), 0);
  snprintf(file, sizeof file, "%s/token", link);
  const char *const pairs[][2] = {{"access_token_file", file}};
  plq_client_id client = 0;
  assert_int_equal(make(&client, NULL, pairs, 1), PLQ_OK);
  expect_token(client, "test-key-1");
  assert_int_equal(unlink(link) | symlink(two, link), 0);
  pass_a_second(client);
  expect_token(client, "test-key-2");
  plq_client_free(client);
  unlink(file);
  unlink(link);
  snprintf(file, sizeof file, "%s/token", one);
  unlink(file);
  assert_int_equal(rmdir(one) | rmdir(two), 0);
}

static void code_ends_the_following(void **state) {
  (void)state;
  replace("test-key-1");
  plq_client_id client = client_of_file();
  assert_int_equal(plq_client_set_tokens(client, "test-key-of-code", PLQ_NUL, NULL, 0, NULL), PLQ_OK);
  replace("test-key-2");
  pass_a_second(client);
  expect_token(client, "test-key-of-code");
  plq_client_free(client);
}

static void a_second_token_alone_changes(void **state) {
  plq_client_id client = 0;
  (void)state;
  replace("test-key-2");
  const char *const pairs[][2] = {{"access_token", "test-key-1"}, {"second_access_token_file", path}, {"max_repeats", "0"}};
  assert_int_equal(make(&client, NULL, pairs, COUNT(pairs)), PLQ_OK);
  replace("test-key-3");
  pass_a_second(client);
  PROBE_PLAY({.head = "HTTP/1.1 401 Unauthorized\r\n\r\n", .body = ""});
  expect_token(client, "test-key-3");
  assert_non_null(strstr(probe_seen[probe_seen_count - 2].headers, "Bearer test-key-1\n"));
  plq_client_free(client);
}

/* The child follows too, whatever the parent was doing. */
static void following_goes_on_in_a_child(void **state) {
  (void)state;
  replace("test-key-1");
  plq_client_id client = client_of_file();
  expect_token(client, "test-key-1");
  struct plq__client *inside = plq__client_acquire(client);
  atomic_load(&inside->live)->following.looking = true; /* as if a thread looked at the moment of the fork */
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    replace("test-key-2");
    pass_a_second(client);
    expect_token(client, "test-key-2");
    _exit(0);
  }
  atomic_load(&inside->live)->following.looking = false;
  plq__client_release(inside);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  plq_client_free(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(what_a_file_may_hold),    CASE(files_that_are_none),           CASE(which_one_counts),
      CASE(a_file_is_followed),      CASE(what_became_of_a_file_is_told), CASE(symbolic_links_are_followed),
      CASE(code_ends_the_following), CASE(a_second_token_alone_changes),  CASE(following_goes_on_in_a_child),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
