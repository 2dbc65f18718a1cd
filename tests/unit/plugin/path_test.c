/* SPDX-License-Identifier: MIT */
/* Who could replace a transport's file. Cases with files of other users need root; without it they are skipped. */
#include <errno.h>
#include <sys/stat.h>

#include "support.h"

enum { SOMEBODY = 12345, OTHER = 54321 };

struct place {
  char root[FOLDER_ROOM];
  char folder[FILE_ROOM], file[FILE_ROOM];
};

static int setup(void **state) {
  struct place *place = calloc(1, sizeof *place);
  new_folder(place->root);
  assert_int_equal(chmod(place->root, 0755), 0);
  join(place->folder, sizeof place->folder, place->root, "folder");
  assert_int_equal(mkdir(place->folder, 0755), 0);
  assert_int_equal(chmod(place->folder, 0755), 0);
  join(place->file, sizeof place->file, place->folder, "file.so");
  write_file(place->file, "x", 1, 0644);
  *state = place;
  return 0;
}

static int teardown(void **state) {
  struct place *place = *state;
  remove_folder(place->root);
  free(place);
  return 0;
}

/* Opens, checks the status, and a part of the message or, if it went well, of the real path. */
static void expect(const char *path, bool check, int32_t status, const char *part) {
  struct plq__loading loading = {.path = path};
  struct plq__file file;
  int32_t got = plq__file_open(&loading, path, check, &file);
  plq_error *error = NULL;
  if (got == PLQ_OK) {
    assert_true(file.fd >= 0);
    assert_int_equal(fcntl(file.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_non_null(strstr(file.path, part));
    plq__file_close(&file);
  } else {
    assert_string_equal(loading.log.rows[loading.log.count - 1].texts[2], loading.message);
  }
  assert_int_equal(file.fd, -1);
  plq__loading_end(&loading, got, &error);
  assert_error(error, got, status, part);
}

static bool needs_root(void) {
  if (geteuid() == 0) return false;
  print_message("[  SKIPPED ] needs root, to make files of other users\n");
  return true;
}

static void takes_what_is_ours(void **state) {
  struct place *place = *state;
  expect(place->file, true, PLQ_OK, place->file);
  chmod(place->file, 0600);
  expect(place->file, true, PLQ_OK, place->file);
}

struct mode_case {
  mode_t folder, file;
  const char *what; /* NULL: good */
};

static const struct mode_case mode_cases[] = {
    {0755, 0664, "file.so can be written by others"},
    {0755, 0646, "file.so can be written by others"},
    {0775, 0644, "folder can be written by others"},
    {0757, 0644, "folder can be written by others"},
    {0777, 0644, "folder can be written by others"},
    {01777, 0644, NULL},
    {01775, 0644, NULL},
    {01777, 0666, "file.so can be written by others"},
    {0700, 0600, NULL},
    {02755, 04755, NULL},
};

static void looks_at_modes(void **state) {
  struct place *place = *state;
  for (size_t i = 0; i < COUNT(mode_cases); i++) {
    const struct mode_case *one = &mode_cases[i];
    chmod(place->folder, one->folder);
    chmod(place->file, one->file);
    expect(place->file, true, one->what != NULL ? PLQ_E_TRANSPORT_PATH_UNSAFE : PLQ_OK,
           one->what != NULL ? one->what : place->file);
    expect(place->file, false, PLQ_OK, place->file);
  }
}

static void looks_at_every_folder_above(void **state) {
  struct place *place = *state;
  chmod(place->root, 0777);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, place->root);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "mode 0777");
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "transport_path_check");
  chmod(place->root, 01777);
  expect(place->file, true, PLQ_OK, place->file);
}

static void looks_at_owners(void **state) {
  struct place *place = *state;
  if (needs_root()) skip();
  assert_int_equal(chown(place->file, SOMEBODY, 0), 0);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "file.so belongs to another user (owner 12345");
  expect(place->file, false, PLQ_OK, place->file);
  assert_int_equal(chown(place->file, 0, 0), 0);
  assert_int_equal(chown(place->folder, SOMEBODY, 0), 0);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "folder belongs to another user");
  /* sticky does not hinder the folder's owner */
  chmod(place->folder, 01777);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "folder belongs to another user");
  /* nor does it hinder the next component's */
  assert_int_equal(chown(place->folder, SOMEBODY, 0), 0);
  chmod(place->folder, 0755);
  chmod(place->root, 01777);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "can be written by others");
}

static void looks_at_the_effective_user(void **state) {
  struct place *place = *state;
  if (needs_root()) skip();
  assert_int_equal(chown(place->folder, SOMEBODY, 0), 0);
  assert_int_equal(chown(place->file, SOMEBODY, 0), 0);
  assert_int_equal(seteuid(SOMEBODY), 0);
  expect(place->file, true, PLQ_OK, place->file);
  assert_int_equal(seteuid(0), 0);
  assert_int_equal(chown(place->file, 0, 0), 0);
  assert_int_equal(seteuid(SOMEBODY), 0);
  expect(place->file, true, PLQ_OK, place->file); /* root may do what it likes */
  assert_int_equal(seteuid(0), 0);
  assert_int_equal(seteuid(OTHER), 0);
  expect(place->file, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "folder belongs to another user");
  assert_int_equal(seteuid(0), 0);
  chmod(place->file, 0600);
  assert_int_equal(seteuid(OTHER), 0);
  expect(place->file, true, PLQ_E_TRANSPORT_NOT_FOUND, "cannot be opened: Permission denied");
  assert_int_equal(seteuid(0), 0);
}

static void follows_links_first(void **state) {
  struct place *place = *state;
  char link[FILE_ROOM], open_folder[FILE_ROOM], there[FILE_ROOM];
  join(link, sizeof link, place->root, "link.so");
  assert_int_equal(symlink(place->file, link), 0);
  expect(link, true, PLQ_OK, "/folder/file.so");
  /* a safe link to an unsafe place */
  unlink(link);
  join(open_folder, sizeof open_folder, place->root, "open");
  assert_int_equal(mkdir(open_folder, 0755), 0);
  write_file(join(there, sizeof there, open_folder, "there.so"), "x", 1, 0644);
  chmod(open_folder, 0777);
  assert_int_equal(symlink(there, link), 0);
  expect(link, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "/open can be written by others");
  unlink(link);
  assert_int_equal(symlink("link.so", link), 0);
  expect(link, true, PLQ_E_TRANSPORT_NOT_FOUND, "cannot be opened: Too many levels");
  unlink(link);
  assert_int_equal(symlink("/nowhere/at/all", link), 0);
  expect(link, true, PLQ_E_TRANSPORT_NOT_FOUND, "cannot be opened: No such file");
}

static void takes_regular_files_only(void **state) {
  struct place *place = *state;
  char fifo[FILE_ROOM], missing[FILE_ROOM];
  expect(place->folder, true, PLQ_E_TRANSPORT_FORMAT, "not a regular file");
  assert_int_equal(mkfifo(join(fifo, sizeof fifo, place->root, "fifo"), 0600), 0);
  expect(fifo, true, PLQ_E_TRANSPORT_FORMAT, "not a regular file");
  expect("/dev/null", false, PLQ_E_TRANSPORT_FORMAT, "not a regular file");
  expect(join(missing, sizeof missing, place->root, "missing"), true, PLQ_E_TRANSPORT_NOT_FOUND, "No such file");
  join(missing, sizeof missing, place->file, "more");
  expect(missing, true, PLQ_E_TRANSPORT_NOT_FOUND, "Not a directory");
}

static void expect_folder(const char *path, bool check, int32_t status, const char *part) {
  struct plq__loading loading = {.path = path};
  plq_error *error = NULL;
  int32_t got = plq__folder_check(&loading, path, check);
  plq__loading_end(&loading, got, &error);
  assert_error(error, got, status, part);
}

static void checks_folders(void **state) {
  struct place *place = *state;
  expect_folder(place->folder, true, PLQ_OK, "");
  expect_folder("/", true, PLQ_OK, "");
  expect_folder(place->file, true, PLQ_E_TRANSPORT_NOT_FOUND, "Not a directory");
  expect_folder("/nowhere/at/all", true, PLQ_E_TRANSPORT_NOT_FOUND, "No such file");
  chmod(place->folder, 0777);
  expect_folder(place->folder, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "folder can be written by others");
  expect_folder(place->folder, false, PLQ_OK, "");
  chmod(place->folder, 01777);
  expect_folder(place->folder, true, PLQ_OK, "");
  chmod(place->root, 0777);
  expect_folder(place->folder, true, PLQ_E_TRANSPORT_PATH_UNSAFE, "can be written by others");
}

struct name_case {
  const char *path, *name;
};

static const struct name_case name_cases[] = {
    {"/a/libplastiq-transport-curl.so", "curl"},
    {"libplastiq-transport-a_b-9.so", "a_b-9"},
    {"/a/libplastiq-transport-.so", ""},
    {"/a/libplastiq-transport-Curl.so", ""},
    {"/a/libplastiq-transport--x.so", ""},
    {"/a/libplastiq-transport-curl.so.1", ""},
    {"/a/curl.so", ""},
    {"/libplastiq-transport-curl.so/x", ""},
    {"/a/libplastiq-transport-abcdefghijabcdefghijabcdefghijabc.so", ""},
};

static void finds_names(void **state) {
  struct place *place = *state;
  for (size_t i = 0; i < COUNT(name_cases); i++) {
    struct plq__text name = plq__name_of_path(name_cases[i].path);
    assert_int_equal(name.len, strlen(name_cases[i].name));
    assert_memory_equal(name.at, name_cases[i].name, name.len);
  }
  static const char *const files[] = {"libplastiq-transport-b.so", "libplastiq-transport-a.so", "other.so",
                                      "libplastiq-transport-B.so"};
  char path[FILE_ROOM];
  for (size_t i = 0; i < COUNT(files); i++) write_file(join(path, sizeof path, place->folder, files[i]), "", 0, 0644);
  struct plq__names names;
  assert_int_equal(plq__names_new(place->folder, &names), PLQ_OK);
  assert_int_equal(names.count, 2);
  assert_string_equal(names.rows[0], "a");
  assert_string_equal(names.rows[1], "b");
  plq__names_clear(&names);
  assert_int_equal(plq__names_new("/nowhere/at/all", &names), PLQ_OK);
  assert_int_equal(names.count, 0);
  plq__names_clear(&names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(takes_what_is_ours, setup, teardown),
      cmocka_unit_test_setup_teardown(looks_at_modes, setup, teardown),
      cmocka_unit_test_setup_teardown(looks_at_every_folder_above, setup, teardown),
      cmocka_unit_test_setup_teardown(looks_at_owners, setup, teardown),
      cmocka_unit_test_setup_teardown(looks_at_the_effective_user, setup, teardown),
      cmocka_unit_test_setup_teardown(follows_links_first, setup, teardown),
      cmocka_unit_test_setup_teardown(takes_regular_files_only, setup, teardown),
      cmocka_unit_test_setup_teardown(checks_folders, setup, teardown),
      cmocka_unit_test_setup_teardown(finds_names, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
