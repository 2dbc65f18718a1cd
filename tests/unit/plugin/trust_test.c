/* SPDX-License-Identifier: MIT */
/* Which CA certificates a transport is told to trust. */
#include <sys/stat.h>

#include "support.h"

struct place {
  char root[FOLDER_ROOM], hashed[FILE_ROOM], plain[FILE_ROOM], file[FILE_ROOM], empty[FILE_ROOM];
};

static const plq_transport_option both[] = {{.type = PLQ_OPTION_PATH, .key = "ca_file"},
                                            {.type = PLQ_OPTION_PATH, .key = "ca_dir"}};

static struct plq__plugin plugin_of(size_t first, size_t count) {
  return (struct plq__plugin){.transport = {.name = "t",
                                            .deployment_class = PLQ_CLASS_PRODUCTION,
                                            .options = both + first,
                                            .option_count = count,
                                            .option_stride = sizeof *both}};
}

static int setup(void **state) {
  struct place *place = calloc(1, sizeof *place);
  char path[FILE_ROOM + 32];
  new_folder(place->root);
  join(place->hashed, sizeof place->hashed, place->root, "hashed");
  join(place->plain, sizeof place->plain, place->root, "plain");
  join(place->file, sizeof place->file, place->root, "bundle.pem");
  join(place->empty, sizeof place->empty, place->root, "empty.pem");
  assert_int_equal(mkdir(place->hashed, 0755), 0);
  assert_int_equal(mkdir(place->plain, 0755), 0);
  write_file(join(path, sizeof path, place->hashed, "0a1b2c3d.0"), "x", 1, 0644);
  write_file(join(path, sizeof path, place->plain, "0a1b2c3d.1"), "x", 1, 0644);
  write_file(join(path, sizeof path, place->plain, "0a1b2c3d.pem"), "x", 1, 0644);
  write_file(join(path, sizeof path, place->plain, "0a1b2c3dd.0"), "x", 1, 0644);
  write_file(place->file, "x", 1, 0644);
  write_file(place->empty, "", 0, 0644);
  *state = place;
  return 0;
}

static int teardown(void **state) {
  struct place *place = *state;
  remove_folder(place->root);
  free(place);
  return 0;
}

/* Looks in `folder` and `file`; either may be NULL. */
static int32_t find(const struct plq__plugin *plugin, const plq_options *options, const char *folder, const char *file,
                    struct plq__trust *trust, plq_error **error) {
  const char *const folders[] = {folder, NULL}, *const files[] = {"/nowhere/at/all.pem", file, NULL};
  const struct plq__trust_places places = {folders, files};
  *error = NULL;
  return plq__trust_find(plugin, options, &places, trust, error);
}

static void prefers_a_hashed_folder(void **state) {
  struct place *place = *state;
  plq_options *options = new_options();
  struct plq__plugin plugin = plugin_of(0, 2);
  struct plq__trust trust;
  plq_error *error;
  assert_int_equal(find(&plugin, options, place->hashed, place->file, &trust, &error), PLQ_OK);
  assert_string_equal(trust.folder, place->hashed);
  assert_null(trust.file);
  assert_int_equal(find(&plugin, options, place->plain, place->file, &trust, &error), PLQ_OK);
  assert_null(trust.folder);
  assert_string_equal(trust.file, place->file);
  assert_int_equal(find(&plugin, options, "/nowhere/at/all", place->file, &trust, &error), PLQ_OK);
  assert_string_equal(trust.file, place->file);
  plq__options_free(options);
}

static void gives_what_the_transport_takes(void **state) {
  struct place *place = *state;
  plq_options *options = new_options();
  struct plq__plugin takes_file = plugin_of(0, 1), takes_folder = plugin_of(1, 1), takes_none = plugin_of(0, 0);
  struct plq__trust trust;
  plq_error *error;
  assert_int_equal(find(&takes_file, options, place->hashed, place->file, &trust, &error), PLQ_OK);
  assert_null(trust.folder);
  assert_string_equal(trust.file, place->file);
  assert_int_equal(find(&takes_folder, options, place->hashed, place->file, &trust, &error), PLQ_OK);
  assert_string_equal(trust.folder, place->hashed);
  int32_t got = find(&takes_folder, options, place->plain, place->file, &trust, &error);
  assert_error(error, got, PLQ_E_TRUST, "set the option ca_dir");
  assert_int_equal(find(&takes_none, options, NULL, NULL, &trust, &error), PLQ_OK);
  assert_null(trust.folder);
  assert_null(trust.file);
  plq__options_free(options);
}

static void fails_where_there_is_none(void **state) {
  struct place *place = *state;
  plq_options *options = new_options();
  struct plq__plugin plugin = plugin_of(0, 2);
  struct plq__trust trust;
  plq_error *error;
  int32_t got = find(&plugin, options, place->plain, place->empty, &trust, &error);
  assert_string_equal(plq_error_field(error, NULL), "ca_file");
  assert_error(error, got, PLQ_E_TRUST, "set the option ca_file or ca_dir");
  /* nothing is verified over plain http; with a proxy there may be */
  put(options, "base_url", "http://127.0.0.1:8080");
  assert_int_equal(find(&plugin, options, NULL, NULL, &trust, &error), PLQ_OK);
  assert_null(trust.folder);
  assert_null(trust.file);
  put(options, "proxy", "https://proxy.example");
  got = find(&plugin, options, NULL, NULL, &trust, &error);
  assert_error(error, got, PLQ_E_TRUST, "set the option");
  plugin.transport.deployment_class = PLQ_CLASS_TEST;
  assert_int_equal(find(&plugin, options, NULL, NULL, &trust, &error), PLQ_OK);
  plq__options_free(options);
}

struct given_case {
  const char *option;
  size_t member;    /* of struct place; 0: a path that is not there */
  const char *part; /* NULL: good */
};

static const struct given_case given_cases[] = {
    {"ca_file", offsetof(struct place, file), NULL},
    {"ca_file", offsetof(struct place, empty), "is empty"},
    {"ca_file", offsetof(struct place, plain), "cannot be read: Is a directory"},
    {"ca_file", 0, "ca_file: /nowhere/at/all cannot be read: No such file or directory"},
    {"ca_dir", offsetof(struct place, hashed), NULL},
    {"ca_dir", offsetof(struct place, plain), NULL},
    {"ca_dir", offsetof(struct place, file), "cannot be read: Not a directory"},
    {"ca_dir", 0, "ca_dir: /nowhere/at/all cannot be read: No such file or directory"},
};

static void takes_what_is_given(void **state) {
  struct place *place = *state;
  for (size_t i = 0; i < COUNT(given_cases); i++) {
    const struct given_case *one = &given_cases[i];
    const char *path = one->member != 0 ? (const char *)place + one->member : "/nowhere/at/all";
    plq_options *options = new_options();
    struct plq__plugin plugin = plugin_of(0, 2);
    struct plq__trust trust;
    plq_error *error;
    put(options, one->option, path);
    int32_t got = find(&plugin, options, place->hashed, place->file, &trust, &error);
    if (error != NULL) assert_string_equal(plq_error_field(error, NULL), one->option);
    assert_error(error, got, one->part != NULL ? PLQ_E_TRUST : PLQ_OK, one->part != NULL ? one->part : "");
    if (got == PLQ_OK) { /* in place of the system's, not beside it */
      bool file = strcmp(one->option, "ca_file") == 0;
      assert_string_equal(file ? trust.file : trust.folder, path);
      assert_null(file ? trust.folder : trust.file);
    }
    plq__options_free(options);
  }
}

static void takes_both_if_both_are_given(void **state) {
  struct place *place = *state;
  plq_options *options = new_options();
  struct plq__plugin plugin = plugin_of(0, 2);
  struct plq__trust trust;
  plq_error *error;
  put(options, "ca_file", place->file);
  put(options, "ca_dir", place->plain);
  assert_int_equal(find(&plugin, options, NULL, NULL, &trust, &error), PLQ_OK);
  assert_string_equal(trust.file, place->file);
  assert_string_equal(trust.folder, place->plain);
  plq__options_free(options);
}

static void needs_to_be_allowed_to_read(void **state) {
  struct place *place = *state;
  if (geteuid() != 0) {
    print_message("[  SKIPPED ] needs root, to become somebody else\n");
    skip();
  }
  plq_options *options = new_options();
  struct plq__plugin plugin = plugin_of(0, 2);
  struct plq__trust trust;
  plq_error *error;
  chmod(place->root, 0755);
  chmod(place->file, 0600);
  put(options, "ca_file", place->file);
  assert_int_equal(seteuid(12345), 0);
  int32_t got = find(&plugin, options, NULL, NULL, &trust, &error);
  assert_int_equal(seteuid(0), 0);
  assert_error(error, got, PLQ_E_TRUST, "cannot be read: Permission denied");
  plq__options_free(options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(prefers_a_hashed_folder, setup, teardown),
      cmocka_unit_test_setup_teardown(gives_what_the_transport_takes, setup, teardown),
      cmocka_unit_test_setup_teardown(fails_where_there_is_none, setup, teardown),
      cmocka_unit_test_setup_teardown(takes_what_is_given, setup, teardown),
      cmocka_unit_test_setup_teardown(takes_both_if_both_are_given, setup, teardown),
      cmocka_unit_test_setup_teardown(needs_to_be_allowed_to_read, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
