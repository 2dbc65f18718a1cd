/* SPDX-License-Identifier: MIT */
/* The reader of ELF files: patched, cut and scrambled copies of a plugin. Nothing here is ever loaded. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

struct object {
  char *data;
  size_t len;
};

static struct object load(const char *name) {
  char path[512];
  struct object object;
  object.data = read_file(plugin_path(path, sizeof path, name), &object.len);
  return object;
}

/* Reads the object from a file in memory; `size` is what the loader believes its size to be. */
static int32_t read_elf(const struct object *object, struct plq__elf *elf, char message[1024]) {
  static int fd = -1;
  if (fd < 0) fd = memfd_create("elf", MFD_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(ftruncate(fd, 0), 0);
  assert_int_equal(pwrite(fd, object->data, object->len, 0), object->len);
  struct plq__loading loading = {.path = "/the/file"};
  int32_t status = plq__elf_read(&loading, fd, object->len, elf);
  if (message != NULL) memcpy(message, loading.message, sizeof loading.message);
  plq__load_log_clear(&loading.log);
  return status;
}

static void expect(const struct object *object, int32_t status, const char *part) {
  struct plq__elf elf;
  char message[1024];
  assert_int_equal(read_elf(object, &elf, message), status);
  if (strstr(message, part) == NULL) fail_msg("\"%s\" does not say \"%s\"", message, part);
}

static ElfW(Ehdr) * head_of(struct object *object) { return (void *)object->data; }

static ElfW(Phdr) * segment_of(struct object *object, uint32_t type) {
  ElfW(Phdr) *segments = (void *)(object->data + head_of(object)->e_phoff);
  for (unsigned i = 0; i < head_of(object)->e_phnum; i++)
    if (segments[i].p_type == type) return &segments[i];
  fail();
  return NULL;
}

static void reads_facts(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum plq__entry entry;
    uint32_t other_major, noted_class, noted_minor; /* class 0: no note */
  } rows[] = {
      {"good", PLQ__ENTRY_PRESENT, 0, PLQ_CLASS_PRODUCTION, 0},
      {"plain", PLQ__ENTRY_PRESENT, 0, 0, 0},
      {"foreign", PLQ__ENTRY_ABSENT, 0, 0, 0},
      {"major2", PLQ__ENTRY_ABSENT, 2, 0, 0},
      {"minor9note", PLQ__ENTRY_PRESENT, 0, PLQ_CLASS_PRODUCTION, 9},
      {"test", PLQ__ENTRY_PRESENT, 0, PLQ_CLASS_TEST, 0},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct object object = load(rows[i].name);
    struct plq__elf elf;
    assert_int_equal(read_elf(&object, &elf, NULL), PLQ_OK);
    assert_int_equal(elf.entry, rows[i].entry);
    assert_int_equal(elf.other_major, rows[i].other_major);
    assert_int_equal(elf.has_note, rows[i].noted_class != 0);
    assert_int_equal(elf.note.deployment_class, rows[i].noted_class);
    assert_int_equal(elf.note.abi_minor_required, rows[i].noted_minor);
    if (elf.has_note) assert_int_equal(elf.note.capabilities_low, PLQ_CAP_BLOCKING);
    free(object.data);
  }
}

static void refuses_what_is_no_elf(void **state) {
  (void)state;
  struct object text = {(char[]){"/* GNU ld script */ INPUT(curl)"}, 31}, nothing = {(char[]){""}, 0};
  struct object letters = {(char[]){"\177ELF"}, 4};
  expect(&text, PLQ_E_TRANSPORT_FORMAT, "is not an ELF shared object");
  expect(&nothing, PLQ_E_TRANSPORT_FORMAT, "is not an ELF shared object");
  expect(&letters, PLQ_E_TRANSPORT_FORMAT, "is not an ELF shared object");
}

static void refuses_other_machines(void **state) {
  (void)state;
  struct object object = load("good");
  ElfW(Ehdr) *head = head_of(&object), before = *head;
  head->e_machine = before.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, before.e_machine == EM_AARCH64 ? "built for x86-64" : "built for aarch64");
  head->e_machine = 4242;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "another machine (ELF machine 4242)");
  *head = before;
  head->e_ident[EI_CLASS] = before.e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "-bit object");
  *head = before;
  head->e_ident[EI_DATA] ^= 3;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "byte order");
  *head = before;
  head->e_type = ET_REL;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "not a shared object");
  *head = before;
  head->e_phnum = 0;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "table of segments");
  head->e_phnum = before.e_phnum;
  head->e_phoff = UINT64_MAX - 8;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "table of segments");
  *head = before;
  segment_of(&object, PT_DYNAMIC)->p_type = PT_NULL;
  expect(&object, PLQ_E_TRANSPORT_FORMAT, "nothing for the dynamic loader");
  free(object.data);
}

/* Sections may be stripped: the facts in segments are there all the same. */
static void lives_without_sections(void **state) {
  (void)state;
  struct object object = load("good");
  struct plq__elf elf;
  head_of(&object)->e_shnum = 0;
  head_of(&object)->e_shoff = 0;
  assert_int_equal(read_elf(&object, &elf, NULL), PLQ_OK);
  assert_int_equal(elf.entry, PLQ__ENTRY_UNKNOWN);
  assert_true(elf.has_note);
  free(object.data);
}

static char *note_of(struct object *object) {
  static const char name[8] = PLQ_TRANSPORT_NOTE_NAME;
  char *at = memmem(object->data, object->len, name, sizeof name);
  assert_non_null(at);
  return at - 12;
}

static void checks_the_note(void **state) {
  (void)state;
  struct object broken = load("brokennote");
  expect(&broken, PLQ_E_TRANSPORT_INVALID, "broken note");
  free(broken.data);
  struct object object = load("good");
  char *note = note_of(&object);
  const uint32_t sizes[] = {0, 23, 1000000, UINT32_MAX, UINT32_MAX - 3};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    memcpy(note + 4, &sizes[i], 4);
    expect(&object, PLQ_E_TRANSPORT_INVALID, "broken note");
  }
  uint32_t size = 24, type = 7;
  struct plq__elf elf;
  memcpy(note + 4, &size, 4);
  memcpy(note + 8, &type, 4); /* some other note of ours, from later */
  assert_int_equal(read_elf(&object, &elf, NULL), PLQ_OK);
  assert_false(elf.has_note);
  type = PLQ_TRANSPORT_NOTE_TYPE;
  memcpy(note + 8, &type, 4);
  size = UINT32_MAX; /* a name that leaves the segment is nobody's note */
  memcpy(note, &size, 4);
  assert_int_equal(read_elf(&object, &elf, NULL), PLQ_OK);
  assert_false(elf.has_note);
  free(object.data);
}

static void survives_every_cut(void **state) {
  (void)state;
  struct object object = load("good");
  struct plq__elf elf;
  size_t whole = object.len, good = 0;
  for (size_t len = 0; len < whole; len += len < 2048 || len + 256 > whole ? 1 : 61) {
    struct object cut = {object.data, len};
    int32_t status = read_elf(&cut, &elf, NULL);
    assert_true(status == PLQ_OK || status == PLQ_E_TRANSPORT_FORMAT);
    good += status == PLQ_OK; /* only sections were cut off: the entry may be there, and is never said to be missing */
    if (status == PLQ_OK) assert_int_not_equal(elf.entry, PLQ__ENTRY_ABSENT);
  }
  print_message("%zu bytes, %zu cuts were no loss to the loader\n", whole, good);
  free(object.data);
}

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  return seed ^= seed << 17;
}

/* Values that break bounds more often than random ones do. */
static void scramble(char *at, size_t room) {
  static const uint64_t values[] = {0, 1, 7, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX, UINT64_MAX - 7, 4096};
  uint64_t value = next_random() % 3 == 0 ? next_random() : values[next_random() % COUNT(values)];
  size_t size = (size_t)1 << next_random() % 4;
  if (size > room) size = room;
  memcpy(at, &value, size);
}

/* Where the reader looks: the head, the segments, the notes, the sections, the symbols and their names. */
static size_t pick(struct object *object) {
  ElfW(Ehdr) *head = head_of(object);
  size_t at;
  switch (next_random() % 6) {
    case 0: at = next_random() % sizeof *head; break;
    case 1: at = sizeof *head + next_random() % (head->e_phnum * sizeof(ElfW(Phdr))); break;
    case 2: at = (size_t)head->e_shoff + next_random() % (head->e_shnum * sizeof(ElfW(Shdr)) + 1); break;
    case 3: at = next_random() % 4096; break;
    case 4: at = (size_t)(note_of(object) - object->data) + next_random() % 48; break;
    default: at = next_random(); break;
  }
  return at % object->len;
}

static void survives_scrambling(void **state) {
  (void)state;
  struct object object = load("good");
  int counts[3] = {0};
  for (int i = 0; i < 20000; i++) {
    struct object copy = {malloc(object.len), object.len};
    memcpy(copy.data, object.data, object.len);
    for (uint64_t changes = 1 + next_random() % 4; changes > 0; changes--) {
      size_t at = pick(&object);
      scramble(copy.data + at, copy.len - at);
    }
    struct plq__elf elf;
    int32_t status = read_elf(&copy, &elf, NULL);
    assert_true(status == PLQ_OK || status == PLQ_E_TRANSPORT_FORMAT || status == PLQ_E_TRANSPORT_INVALID);
    counts[status == PLQ_OK ? 0 : status == PLQ_E_TRANSPORT_FORMAT ? 1 : 2]++;
    free(copy.data);
  }
  print_message("passed %d, format %d, note %d\n", counts[0], counts[1], counts[2]);
  free(object.data);
}

/* A file that shrinks while it is read. */
static void survives_a_wrong_size(void **state) {
  (void)state;
  struct object object = load("good");
  int fd = memfd_create("elf", MFD_CLOEXEC);
  struct plq__elf elf;
  for (size_t len = 0; len < object.len; len += 97) {
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, object.data, len, 0), len);
    struct plq__loading loading = {.path = "/the/file"};
    plq__elf_read(&loading, fd, object.len, &elf);
    plq__load_log_clear(&loading.log);
  }
  struct plq__loading loading = {.path = "/the/file"};
  assert_int_equal(plq__elf_read(&loading, fd, UINT64_MAX, &elf), PLQ_E_TRANSPORT_FORMAT);
  plq__load_log_clear(&loading.log);
  close(fd);
  free(object.data);
}

static void survives_no_memory(void **state) {
  (void)state;
  struct object object = load("good");
  struct plq__elf elf;
  plq__alloc_gate = torture_gate;
  for (int i = 0; i == 0 || torture_left < 0; i++) {
    torture_left = i;
    int32_t status = read_elf(&object, &elf, NULL);
    assert_int_equal(status, torture_left < 0 ? PLQ_E_MEMORY : PLQ_OK);
  }
  plq__alloc_gate = NULL;
  free(object.data);
}

static bool has(const char *names, size_t len, const char *name) {
  for (size_t at = 0; at < len; at += strlen(names + at) + 1)
    if (strcmp(names + at, name) == 0) return true;
  return false;
}

/* What this program takes from others: its libraries, and functions of them, but nothing that it defines itself. */
static void lists_imports(void **state) {
  (void)state;
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat info;
  struct plq__elf_imports imports;
  assert_true(fd >= 0 && fstat(fd, &info) == 0);
  assert_int_equal(plq__elf_imports(fd, (uint64_t)info.st_size, &imports), PLQ_OK);
  assert_true(has(imports.needed, imports.needed_len, "libc.so.6"));
  assert_true(has(imports.symbols, imports.symbols_len, "memfd_create"));
  assert_true(has(imports.symbols, imports.symbols_len, "_cmocka_run_group_tests"));
  assert_false(has(imports.symbols, imports.symbols_len, "main"));
  assert_false(has(imports.symbols, imports.symbols_len, "__gmon_start__")); /* weak */
  plq__elf_imports_clear(&imports);
  close(fd);
}

/* Cut and scrambled files say less, or nonsense, and harm nobody. */
static void imports_survive_damage(void **state) {
  (void)state;
  struct object object = load("good");
  struct plq__elf_imports imports;
  int fd = memfd_create("elf", MFD_CLOEXEC);
  uint32_t random = 12345;
  for (size_t len = 0; len < object.len; len += 61) {
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, object.data, len, 0), len);
    assert_int_equal(plq__elf_imports(fd, len, &imports), PLQ_OK);
    plq__elf_imports_clear(&imports);
    assert_int_equal(plq__elf_imports(fd, object.len, &imports), PLQ_OK); /* it became shorter meanwhile */
    plq__elf_imports_clear(&imports);
  }
  for (int i = 0; i < 3000; i++) {
    char *copy = malloc(object.len);
    assert_non_null(copy);
    memcpy(copy, object.data, object.len);
    for (int j = 0; j < 24; j++) {
      random = random * 1664525 + 1013904223;
      /* the head, or the table of sections at the end */
      size_t at = j % 2 ? (random >> 8) % 64 : object.len - 1 - (random >> 8) % (object.len < 2400 ? object.len : 2400);
      copy[at] = (char)(random >> 24);
    }
    assert_int_equal(pwrite(fd, copy, object.len, 0), object.len);
    assert_int_equal(plq__elf_imports(fd, object.len, &imports), PLQ_OK);
    plq__elf_imports_clear(&imports);
    free(copy);
  }
  close(fd);
  free(object.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_facts),
      cmocka_unit_test(refuses_what_is_no_elf),
      cmocka_unit_test(refuses_other_machines),
      cmocka_unit_test(lives_without_sections),
      cmocka_unit_test(checks_the_note),
      cmocka_unit_test(survives_every_cut),
      cmocka_unit_test(survives_scrambling),
      cmocka_unit_test(survives_a_wrong_size),
      cmocka_unit_test(survives_no_memory),
      cmocka_unit_test(lists_imports),
      cmocka_unit_test(imports_survive_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
