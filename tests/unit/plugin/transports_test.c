/* SPDX-License-Identifier: MIT */
/* The list of transports: what is linked in, what lies in the folder, and why some of it cannot be loaded. */
#include <plastiq/transport.h>
#include <plastiq/transports.h>
#include <sys/stat.h>

#include "plugins/common.h"
#include "support.h"

/* Linked in, and of the same name as a file of the zoo. */
static int32_t entry_linked(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  (void)error;
  transport.capabilities = PLQ_CAP_BLOCKING | PLQ_CAP_KEEPALIVE | PLQ_CAP_WIPES | UINT64_C(1) << 60;
  transport.vendor = NULL;
  return answer(host, "plain", out_transport);
}

static int32_t entry_late(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {
  (void)error;
  return answer(host, "good", out_transport);
}

static const char *text(const plq_transports *transports, uint32_t index, int32_t which) {
  size_t len;
  const char *text = plq_transports_text(transports, index, which, &len);
  assert_int_equal(len, strlen(text));
  return text;
}

static uint32_t find(const plq_transports *transports, const char *name) {
  uint32_t found = UINT32_MAX;
  for (uint32_t i = 0; i < plq_transports_count(transports); i++) {
    if (strcmp(text(transports, i, PLQ_TRANSPORT_NAME), name) != 0) continue;
    assert_int_equal(found, UINT32_MAX); /* once */
    found = i;
  }
  return found;
}

static plq_options *zoo_options(void) {
  plq_options *options = new_options();
  put(options, "transport_dir", TEST_PLUGINS);
  put(options, "transport_path_check", "false");
  return options;
}

/* First, because it hides a file of the same name from then on. */
static void lists_what_is_linked_in(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  plq_transports *list = NULL;
  assert_int_equal(plq_transport_register_static(entry_linked, NULL), PLQ_OK);
  assert_int_equal(plq_transports_new(options, &list, NULL), PLQ_OK);
  uint32_t plain = find(list, "plain");
  assert_string_equal(text(list, plain, PLQ_TRANSPORT_PATH), "");
  assert_string_equal(text(list, plain, PLQ_TRANSPORT_VENDOR), "");
  assert_string_equal(text(list, plain, PLQ_TRANSPORT_CAPABILITIES), "blocking keepalive wipes");
  plq_transports_free(list);
  /* the folder of the build need not be there then */
  assert_int_equal(plq_transports_new(NULL, &list, NULL), PLQ_OK);
  assert_true(find(list, "plain") < plq_transports_count(list));
  plq_transports_free(list);
  plq__options_free(options);
}

static void cannot_be_hidden_later(void **state) {
  (void)state;
  plq_error *error = NULL;
  /* the file was loaded by the tests before */
  int32_t got = plq_transport_register_static(entry_late, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NAME, "another transport called \"good\" is loaded from /");
}

static void lists_the_folder(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  plq_transports *list = NULL;
  plq_error *error = NULL;
  char path[512];
  assert_int_equal(plq_transports_new(options, &list, &error), PLQ_OK);
  assert_null(error);
  assert_int_equal(plq_transports_count(list), 16);
  for (uint32_t i = 1; i < plq_transports_count(list); i++)
    assert_true(strcmp(text(list, i - 1, PLQ_TRANSPORT_NAME), text(list, i, PLQ_TRANSPORT_NAME)) < 0);
  uint32_t good = find(list, "good");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_VERSION), "1.0");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_STACK), "");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_CLASS), "production");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_ID), "com.example.test");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_VENDOR), "nobody");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_LICENSE), "MIT");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_CAPABILITIES), "blocking");
  assert_string_equal(text(list, good, PLQ_TRANSPORT_FAILURE), "");
  assert_non_null(strstr(text(list, good, PLQ_TRANSPORT_PATH), "/libplastiq-transport-good.so"));
  uint32_t bad = find(list, "major2");
  assert_non_null(strstr(text(list, bad, PLQ_TRANSPORT_FAILURE), "built for major version 2"));
  assert_string_equal(text(list, bad, PLQ_TRANSPORT_PATH), plugin_path(path, sizeof path, "major2"));
  assert_string_equal(text(list, bad, PLQ_TRANSPORT_VERSION), "");
  assert_non_null(strstr(text(list, find(list, "test"), PLQ_TRANSPORT_FAILURE), "allow_test_transports"));
  assert_string_equal(text(list, good, 0), "");
  assert_string_equal(text(list, good, 11), "");
  assert_string_equal(text(list, good, -1), "");
  assert_string_equal(text(list, 99, PLQ_TRANSPORT_NAME), "");
  assert_string_equal(plq_transports_text(list, good, PLQ_TRANSPORT_CLASS, NULL), "production");
  plq_transports_free(list);

  put(options, "allow_test_transports", "true");
  put(options, "transport_allow", "test,good");
  assert_int_equal(plq_transports_new(options, &list, NULL), PLQ_OK);
  assert_string_equal(text(list, find(list, "test"), PLQ_TRANSPORT_CLASS), "test");
  assert_non_null(strstr(text(list, find(list, "short"), PLQ_TRANSPORT_FAILURE), "transport_allow"));
  plq_transports_free(list);
  plq__options_free(options);
}

static void answers_for_nothing(void **state) {
  (void)state;
  plq_error *error = NULL;
  size_t len = 7;
  int32_t got = plq_transports_new(NULL, NULL, &error);
  assert_error(error, got, PLQ_E_ARGUMENT, "out_transports");
  assert_int_equal(plq_transports_count(NULL), 0);
  assert_string_equal(plq_transports_text(NULL, 0, PLQ_TRANSPORT_NAME, &len), "");
  assert_int_equal(len, 0);
  plq_transports_free(NULL);
}

static void checks_the_folder(void **state) {
  (void)state;
  char root[FOLDER_ROOM];
  plq_options *options = new_options();
  plq_transports *list = (void *)root;
  plq_error *error = NULL;
  put(options, "transport_dir", "/nowhere/at/all");
  int32_t got = plq_transports_new(options, &list, &error);
  assert_null(list);
  assert_string_equal(plq_error_field(error, NULL), "transport_dir");
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_FOUND, "/nowhere/at/all cannot be opened");
  new_folder(root);
  put(options, "transport_dir", root);
  assert_int_equal(plq_transports_new(options, &list, NULL), PLQ_OK);
  assert_int_equal(plq_transports_count(list), 1); /* what is linked in */
  plq_transports_free(list);
  chmod(root, 0777);
  got = plq_transports_new(options, &list, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_PATH_UNSAFE, "can be written by others");
  put(options, "transport_path_check", "false");
  assert_int_equal(plq_transports_new(options, &list, NULL), PLQ_OK);
  plq_transports_free(list);
  remove_folder(root);
  plq__options_free(options);
}

static void lists_one(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_transports *list = NULL;
  put(options, "transport", "good");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  assert_int_equal(plq__transports_of(plugin, &list, NULL), PLQ_OK);
  assert_int_equal(plq_transports_count(list), 1);
  assert_string_equal(text(list, 0, PLQ_TRANSPORT_NAME), "good");
  plq_transports_free(list);
  plq__options_free(options);
}

static void survives_no_memory(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  int32_t got = PLQ_OK;
  assert_int_equal(plq__load(options, "good", &plugin, NULL), PLQ_OK);
  for (int i = 0; i == 0 || torture_left < 0; i++) {
    plq_transports *list = NULL;
    plq_error *error = NULL;
    plq__alloc_gate = torture_gate;
    torture_left = i;
    got = plq_transports_new(options, &list, &error);
    plq__alloc_gate = NULL;
    assert_true(got == PLQ_OK || (got == PLQ_E_MEMORY && list == NULL));
    plq_transports_free(list);
    plq_error_free(error);
  }
  torture_left = -1;
  for (int i = 0; i == 0 || torture_left < 0; i++) {
    plq_transports *list = NULL;
    plq__alloc_gate = torture_gate;
    torture_left = i;
    got = plq__transports_of(plugin, &list, NULL);
    plq__alloc_gate = NULL;
    assert_int_equal(got, torture_left < 0 ? PLQ_E_MEMORY : PLQ_OK);
    plq_transports_free(list);
  }
  plq__options_free(options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_what_is_linked_in), cmocka_unit_test(lists_the_folder), cmocka_unit_test(answers_for_nothing),
      cmocka_unit_test(checks_the_folder),       cmocka_unit_test(lists_one),        cmocka_unit_test(survives_no_memory),
      cmocka_unit_test(cannot_be_hidden_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
