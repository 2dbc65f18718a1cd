/* SPDX-License-Identifier: MIT */
/* Loading real files: the zoo of plugins, most of them wrong in one way, and files that are no plugins at all. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include "plugins/counters.h"
#include "support.h"

/* A folder of our own, for what is made here. */
static char root[FOLDER_ROOM];

static int setup_group(void **state) {
  (void)state;
  new_folder(root);
  return 0;
}

static int teardown_group(void **state) {
  (void)state;
  remove_folder(root);
  return 0;
}

static plq_options *zoo_options(void) {
  plq_options *options = new_options();
  put(options, "transport_dir", TEST_PLUGINS);
  put(options, "transport_path_check", "false"); /* the build may lie anywhere; path_test.c is about the check */
  return options;
}

static bool is_mapped(const char *path) {
  void *object = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (object != NULL) dlclose(object);
  return object != NULL;
}

static const struct test_counters *counters_of(const struct plq__plugin *plugin) {
  return plugin->transport.get_extension(TEST_EXTENSION);
}

static void loads_by_name_and_by_path(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *first = NULL, *second = NULL;
  char path[512], real[4096], folder[600];
  plq_error *error = NULL;
  put(options, "transport", "good");
  assert_int_equal(plq__plugin_load(options, &first, &error), PLQ_OK);
  assert_null(error);
  assert_string_equal(first->transport.name, "good");
  assert_non_null(realpath(plugin_path(path, sizeof path, "good"), real));
  assert_string_equal(first->path, real);
  /* the same again, by name, by path, with a slash too many, and through a link */
  assert_int_equal(plq__plugin_load(options, &second, NULL), PLQ_OK);
  assert_ptr_equal(first, second);
  put(options, "transport", path);
  assert_int_equal(plq__plugin_load(options, &second, NULL), PLQ_OK);
  assert_ptr_equal(first, second);
  put(options, "transport", "good");
  put(options, "transport_dir", TEST_PLUGINS "//");
  assert_int_equal(plq__plugin_load(options, &second, NULL), PLQ_OK);
  assert_ptr_equal(first, second);
  snprintf(folder, sizeof folder, "%s/link", root);
  assert_int_equal(symlink(TEST_PLUGINS, folder), 0);
  put(options, "transport_dir", folder);
  assert_int_equal(plq__plugin_load(options, &second, NULL), PLQ_OK);
  assert_ptr_equal(first, second);
  /* the same file under another name is not asked again either */
  snprintf(folder, sizeof folder, "%s/hard.so", root);
  if (link(real, folder) == 0) {
    put(options, "transport", folder);
    assert_int_equal(plq__plugin_load(options, &second, NULL), PLQ_OK);
    assert_ptr_equal(first, second);
    unlink(folder);
  } else {
    print_message("hard links do not work here: that part is left out\n");
  }
  assert_int_equal(counters_of(first)->entries, 1);
  plq__options_free(options);
}

static void reads_an_older_descriptor(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  put(options, "transport", "short");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  assert_null(plugin->transport.get_extension);
  plq__options_free(options);
}

static void makes_instances(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  struct plq__instance *instance = NULL;
  put(options, "transport", "plain");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  assert_int_equal(plq__instance_new(plugin, options, &instance, NULL), PLQ_OK);
  plq__instance_free(instance);
  assert_int_equal(counters_of(plugin)->creates, 1);
  assert_int_equal(counters_of(plugin)->destroys, 1);
  plq__options_free(options);
}

/* ---- the zoo ---- */

struct zoo_case {
  const char *name;
  int32_t status;
  const char *stage, *part;
  bool runs; /* whether its code has to run before it is found out */
};

static const struct zoo_case zoo[] = {
    {"foreign", PLQ_E_TRANSPORT_FOREIGN, "elf", "does not export plq_transport_entry_v1", false},
    {"borrows", PLQ_E_TRANSPORT_FOREIGN, "elf", "does not export plq_transport_entry_v1", false},
    {"major2", PLQ_E_TRANSPORT_ABI_MAJOR, "elf", "built for major version 2", false},
    {"minor9", PLQ_E_TRANSPORT_ABI_MINOR, "descriptor", "needs minor version 9", true},
    {"minor9note", PLQ_E_TRANSPORT_ABI_MINOR, "note", "needs minor version 9", false},
    {"test", PLQ_E_TRANSPORT_TEST_CLASS, "note", "allow_test_transports", false},
    {"testplain", PLQ_E_TRANSPORT_TEST_CLASS, "policy", "allow_test_transports", true},
    {"brokennote", PLQ_E_TRANSPORT_INVALID, "note", "broken note", false},
    {"othernote", PLQ_E_TRANSPORT_INVALID, "descriptor", "differs from its note", true},
    {"noperform", PLQ_E_TRANSPORT_INVALID, "descriptor", "perform", true},
    {"misnamed", PLQ_E_TRANSPORT_INVALID, "descriptor", "calls itself \"other\", not \"misnamed\"", true},
    {"undefined", PLQ_E_TRANSPORT_DLOPEN, "dlopen", "plq_test_function_that_nobody_has", false},
};

static void refuses_the_zoo(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(zoo); i++) {
    plq_options *options = zoo_options();
    const struct plq__plugin *plugin = NULL;
    plq_error *error = NULL;
    char path[512];
    plugin_path(path, sizeof path, zoo[i].name);
    put(options, "transport", zoo[i].name);
    int32_t got = plq__plugin_load(options, &plugin, &error);
    assert_null(plugin);
    uint32_t rows = plq_error_load_count(error);
    assert_true(rows >= 1);
    assert_string_equal(plq_error_load_text(error, rows - 1, PLQ_LOAD_STAGE, NULL), zoo[i].stage);
    assert_string_equal(plq_error_load_text(error, rows - 1, PLQ_LOAD_PATH, NULL), path);
    assert_string_equal(plq_error_load_text(error, rows - 1, PLQ_LOAD_REASON, NULL), plq_error_message(error, NULL));
    assert_int_equal(plq_error_phase(error), PLQ_PHASE_LOAD);
    assert_says(error, path);
    assert_error(error, got, zoo[i].status, zoo[i].part);
    assert_int_equal(is_mapped(path), zoo[i].runs);
    assert_int_equal(plq__plugin_load(options, &plugin, NULL), zoo[i].status); /* the same without an error, and again */
    plq__options_free(options);
  }
}

static void allows_test_transports_in_code(void **state) {
  (void)state;
  static const char *const names[] = {"test", "testplain"};
  for (size_t i = 0; i < COUNT(names); i++) {
    plq_options *options = zoo_options();
    const struct plq__plugin *plugin = NULL;
    plq_error *error = NULL;
    put(options, "transport", names[i]);
    put(options, "allow_test_transports", "true");
    assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
    assert_int_equal(plugin->transport.deployment_class, PLQ_CLASS_TEST);
    assert_int_equal(counters_of(plugin)->entries, 1); /* also if it was found out only after its entry */
    /* loaded as it is, the next client still needs the option */
    put(options, "allow_test_transports", "false");
    int32_t got = plq__plugin_load(options, &plugin, &error);
    assert_string_equal(plq_error_field(error, NULL), "allow_test_transports");
    assert_error(error, got, PLQ_E_TRANSPORT_TEST_CLASS, "allow_test_transports");
    plq__options_free(options);
  }
}

static void a_path_may_have_any_name(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  char path[512];
  put(options, "transport", plugin_path(path, sizeof path, "misnamed"));
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  assert_string_equal(plugin->transport.name, "other");
  put(options, "transport", "misnamed"); /* by name it stays wrong */
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_INVALID, "calls itself");
  plq__options_free(options);
}

static void asks_again_after_a_refusal(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  put(options, "transport", "refuses");
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_true(log_has(error, "entry", "warning: looked at the moon"));
  assert_true(log_has(error, "dlopen", "loaded"));
  assert_true(log_has(error, "entry", "the moon is"));
  assert_error(error, got, PLQ_E_TRANSPORT_REFUSED,
               "refused to load: the moon is \xef\xbf\xbd"
               "full ");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  assert_int_equal(counters_of(plugin)->entries, 2);
  plq__options_free(options);
}

/* ---- policy ---- */

static void keeps_to_the_allowed(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  char path[512], copy[FILE_ROOM];
  put(options, "transport_allow", "one,two");
  put(options, "transport", "noperform"); /* not even looked at */
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_int_equal(plq_error_load_count(error), 1);
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_ALLOWED, "transport_allow names \"one,two\"");
  put(options, "transport", plugin_path(path, sizeof path, "noperform"));
  got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_ALLOWED, "\"noperform\"");
  /* a file name that does not tell: the descriptor does */
  size_t len;
  char *data = read_file(plugin_path(path, sizeof path, "plain"), &len);
  write_file(join(copy, sizeof copy, root, "untold.so"), data, len, 0644);
  free(data);
  put(options, "transport", copy);
  got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_ALLOWED, "\"plain\"");
  put(options, "transport_allow", "plain");
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  plq__options_free(options);
}

/* By a path it cannot: unit/base/ambient. */
static void environment_gives_names(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  assert_int_equal(plq__options_put(options, PLQ__TEXT("transport"), PLQ__TEXT("good"), PLQ_SOURCE_ENVIRONMENT, NULL), PLQ_OK);
  assert_int_equal(plq__plugin_load(options, &plugin, NULL), PLQ_OK);
  plq__options_free(options);
}

static void tells_what_is_there(void **state) {
  (void)state;
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  put(options, "transport", "gooood");
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_says(error, "libplastiq-transport-gooood.so cannot be opened: No such file or directory");
  assert_says(error, "borrows, brokennote, foreign, good, major2");
  assert_string_equal(plq_error_field(error, NULL), "transport");
  assert_true(log_has(error, "path", "No such file"));
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_FOUND, "The option transport_dir chose that folder");
  put(options, "transport_dir", "/nowhere/at/all");
  got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_FOUND, "there are: none");
  plq__options_free(options);
  options = new_options();
  put(options, "transport", "gooood");
  got = plq__plugin_load(options, &plugin, &error);
  assert_says(error, "pkg-config --variable=plugindir plastiq");
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_FOUND, "the option transport_dir chooses another");
  put(options, "transport", "/nowhere/at/all.so");
  got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NOT_FOUND, "/nowhere/at/all.so cannot be opened: No such file");
  plq__options_free(options);
}

/* ---- files that are no plugins ---- */

static void expect_file(const char *name, int32_t status, const char *part) {
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  char path[FILE_ROOM];
  put(options, "transport", join(path, sizeof path, root, name));
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, status, part);
  assert_false(is_mapped(path));
  plq__options_free(options);
}

static void refuses_other_files(void **state) {
  (void)state;
  char path[512];
  size_t len;
  char *data = read_file(plugin_path(path, sizeof path, "good"), &len);
  write_file(join(path, sizeof path, root, "text.so"), "/* GNU ld script */\n", 20, 0644);
  expect_file("text.so", PLQ_E_TRANSPORT_FORMAT, "is not an ELF shared object");
  write_file(join(path, sizeof path, root, "empty.so"), "", 0, 0644);
  expect_file("empty.so", PLQ_E_TRANSPORT_FORMAT, "is not an ELF shared object");
  write_file(join(path, sizeof path, root, "cut.so"), data, len / 3, 0644);
  expect_file("cut.so", PLQ_E_TRANSPORT_FORMAT, "is cut off");
  ElfW(Ehdr) *head = (void *)data;
  head->e_machine = head->e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
  write_file(join(path, sizeof path, root, "machine.so"), data, len, 0644);
  expect_file("machine.so", PLQ_E_TRANSPORT_FORMAT, "install the build for this machine");
  free(data);
  assert_int_equal(mkdir(join(path, sizeof path, root, "folder.so"), 0755), 0);
  expect_file("folder.so", PLQ_E_TRANSPORT_FORMAT, "is not a regular file");
}

/* Without sections its exports cannot be listed, so it is found out only once it is loaded. */
static void finds_out_after_loading(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int32_t status;
    const char *part;
  } rows[] = {{"foreign", PLQ_E_TRANSPORT_FOREIGN, "does not export plq_transport_entry_v1"},
              {"borrows", PLQ_E_TRANSPORT_FOREIGN, "does not export plq_transport_entry_v1"},
              {"plain", PLQ_OK, ""}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    char path[512];
    size_t len;
    char *data = read_file(plugin_path(path, sizeof path, rows[i].name), &len);
    ElfW(Ehdr) *head = (void *)data;
    head->e_shnum = 0;
    head->e_shoff = 0;
    head->e_shstrndx = 0;
    snprintf(path, sizeof path, "%s/stripped-%s.so", root, rows[i].name);
    write_file(path, data, len, 0644);
    free(data);
    plq_options *options = zoo_options();
    const struct plq__plugin *plugin = NULL;
    plq_error *error = NULL;
    put(options, "transport", path);
    int32_t got = plq__plugin_load(options, &plugin, &error);
    assert_error(error, got, rows[i].status, rows[i].part);
    plq__options_free(options);
  }
}

static void checks_paths(void **state) {
  (void)state;
  plq_options *options = new_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  char path[512], copy[FILE_ROOM];
  size_t len;
  char *data = read_file(plugin_path(path, sizeof path, "plain"), &len);
  snprintf(copy, sizeof copy, "%s/libplastiq-transport-plain.so", root);
  write_file(copy, data, len, 0666);
  free(data);
  put(options, "transport", "plain");
  put(options, "transport_dir", root);
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_true(log_has(error, "path", "can be written by others (owner"));
  assert_error(error, got, PLQ_E_TRANSPORT_PATH_UNSAFE, "transport_path_check");
  assert_false(is_mapped(copy));
  chmod(copy, 0644);
  error = NULL;
  got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_OK, NULL);
  plq__options_free(options);
}

/* The loader keeps the name under which it saw a file first; if that name now belongs to another file, nothing is proven. */
static void notices_another_file(void **state) {
  (void)state;
  char path[512], first[FILE_ROOM], second[FILE_ROOM];
  size_t len;
  char *data = read_file(plugin_path(path, sizeof path, "plain"), &len);
  write_file(join(first, sizeof first, root, "first.so"), data, len, 0644);
  if (link(first, join(second, sizeof second, root, "second.so")) != 0) {
    print_message("[  SKIPPED ] hard links do not work in the folder for temporary files\n");
    free(data);
    skip();
  }
  assert_non_null(dlopen(first, RTLD_NOW | RTLD_NODELETE));
  unlink(first);
  write_file(first, data, len, 0644);
  free(data);
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  put(options, "transport", second);
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_PATH_UNSAFE, "first.so, which is another file");
  plq__options_free(options);
}

static void refuses_unknown_classes(void **state) {
  (void)state;
  static const char name[8] = PLQ_TRANSPORT_NOTE_NAME;
  const uint32_t unknown = 9;
  char path[512];
  size_t len;
  char *data = read_file(plugin_path(path, sizeof path, "good"), &len), *note = memmem(data, len, name, sizeof name);
  assert_non_null(note);
  memcpy(note + sizeof name + 8, &unknown, sizeof unknown);
  write_file(join(path, sizeof path, root, "class.so"), data, len, 0644);
  free(data);
  expect_file("class.so", PLQ_E_TRANSPORT_INVALID, "unknown class 9");
}

static void refuses_long_folders(void **state) {
  (void)state;
  char folder[4090];
  plq_options *options = zoo_options();
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  memset(folder, 'a', sizeof folder);
  folder[0] = '/';
  folder[sizeof folder - 1] = '\0';
  put(options, "transport_dir", folder);
  int32_t got = plq__plugin_load(options, &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NAME, "too long for a path");
  got = plq__load(options, "../good", &plugin, &error);
  assert_error(error, got, PLQ_E_TRANSPORT_NAME, "\"../good\" is no name");
  plq__options_free(options);
}

/* ---- memory ---- */

/* Loads with each allocation failing once, in turn; each time another copy of the plugin if there is one. */
static void torture(const char *source, int32_t expected) {
  static int copies; /* a file that is loaded may not be written again */
  char copy[FILE_ROOM];
  size_t len = 0;
  char *data = source != NULL ? read_file(source, &len) : NULL;
  int failures = 0;
  for (int i = 0; i == 0 || torture_left < 0; i++) {
    plq_options *options = zoo_options();
    const struct plq__plugin *plugin = NULL;
    plq_error *error = NULL;
    snprintf(copy, sizeof copy, "%s/torture-%d.so", root, copies++);
    if (data != NULL) write_file(copy, data, len, 0644);
    put(options, "transport", data != NULL ? copy : "gooood");
    plq__alloc_gate = torture_gate;
    torture_left = i;
    int32_t got = plq__plugin_load(options, &plugin, &error);
    plq__alloc_gate = NULL;
    assert_true(got == expected || got == PLQ_E_MEMORY);
    assert_int_equal(plugin != NULL, got == PLQ_OK);
    failures += got == PLQ_E_MEMORY;
    plq_error_free(error);
    /* without a failure it is the same as ever, and the entry is called once after all */
    if (data != NULL) assert_int_equal(plq__plugin_load(options, &plugin, NULL), expected);
    if (data != NULL && expected == PLQ_OK) assert_int_equal(counters_of(plugin)->entries, 1);
    plq__options_free(options);
  }
  assert_int_equal(failures > 0, data != NULL); /* for a name that is not there, memory changes only what the error shows */
  free(data);
}

static void survives_no_memory(void **state) {
  (void)state;
  char path[512];
  torture(plugin_path(path, sizeof path, "good"), PLQ_OK);
  torture(plugin_path(path, sizeof path, "noperform"), PLQ_E_TRANSPORT_INVALID);
  torture(NULL, PLQ_E_TRANSPORT_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loads_by_name_and_by_path),
      cmocka_unit_test(reads_an_older_descriptor),
      cmocka_unit_test(makes_instances),
      cmocka_unit_test(refuses_the_zoo),
      cmocka_unit_test(allows_test_transports_in_code),
      cmocka_unit_test(a_path_may_have_any_name),
      cmocka_unit_test(asks_again_after_a_refusal),
      cmocka_unit_test(keeps_to_the_allowed),
      cmocka_unit_test(environment_gives_names),
      cmocka_unit_test(tells_what_is_there),
      cmocka_unit_test(refuses_other_files),
      cmocka_unit_test(finds_out_after_loading),
      cmocka_unit_test(checks_paths),
      cmocka_unit_test(notices_another_file),
      cmocka_unit_test(refuses_unknown_classes),
      cmocka_unit_test(refuses_long_folders),
      cmocka_unit_test(survives_no_memory),
  };
  return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
