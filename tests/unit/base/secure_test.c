/* SPDX-License-Identifier: MIT */
/* Pages for tokens and secrets: locked, not dumped, wiped when freed, and safe across threads and fork. */
#include "base/secure.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "unit.h"

static const size_t sizes[] = {0, 1, 127, 128, 129, 512, 513, 2048, 2049, 8192, 8193, 70000, 1000000};

/* The flags of the mapping that holds an address, from /proc/self/smaps; false where the kernel does not tell. */
static bool mapping_flags(const void *address, char line[512]) {
  FILE *file = fopen("/proc/self/smaps", "re");
  bool inside = false, found = false;
  uintptr_t at = (uintptr_t)address, from, to;
  if (file == NULL) return false;
  while (!found && fgets(line, 512, file) != NULL) {
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
      inside = at >= from && at < to;
    else
      found = inside && strncmp(line, "VmFlags:", 8) == 0;
  }
  fclose(file);
  return found;
}

static void blocks(void **state) {
  (void)state;
  for (int round = 0; round < 2; round++) {
    char *held[COUNT(sizes)];
    for (size_t i = 0; i < COUNT(sizes); i++) {
      held[i] = plq__secure_alloc(sizes[i]);
      assert_non_null(held[i]);
      assert_int_equal((uintptr_t)held[i] % 16, 0);
      for (size_t j = 0; j < sizes[i]; j++) assert_int_equal(held[i][j], 0); /* also when used again */
      memset(held[i], 'a' + (int)i, sizes[i]);
    }
    for (size_t i = 0; i < COUNT(sizes); i++)
      for (size_t j = 0; j < sizes[i]; j++) assert_int_equal(held[i][j], 'a' + (int)i); /* none lies in another */
    for (size_t i = 0; i < COUNT(sizes); i++) plq__secure_free(held[i]);
  }
  plq__secure_free(NULL);
  assert_null(plq__secure_alloc(SIZE_MAX));
  assert_null(plq__secure_alloc(SIZE_MAX - 100));
}

static void copies(void **state) {
  (void)state;
  char *copy = plq__secure_copy(S("to\0ken"));
  assert_memory_equal(copy, "to\0ken", 7);
  plq__secure_free(copy);
  copy = plq__secure_copy(NULL, 0);
  assert_string_equal(copy, "");
  plq__secure_free(copy);
  assert_null(plq__secure_copy("", SIZE_MAX));
}

static void wiped_when_freed(void **state) {
  (void)state;
  char *block = plq__secure_copy(S("the-secret-that-must-go"));
  plq__secure_free(block);
  /* The page stays mapped, in the free list: what was there is gone. */
  for (int i = 0; i < 24; i++) assert_int_equal(((volatile char *)block)[i], 0);
}

static void leave_out(const char *why) {
  print_message("[  SKIPPED ] %s\n", why);
  skip();
}

static void not_in_core_dumps(void **state) {
  (void)state;
  char flags[512];
  for (size_t i = 0; i < COUNT(sizes); i++) {
    char *block = plq__secure_alloc(sizes[i]);
    if (!mapping_flags(block, flags)) leave_out("the kernel shows no flags of mappings");
    assert_non_null(strstr(flags, " dd")); /* MADV_DONTDUMP */
    plq__secure_free(block);
  }
  assert_true(plq__secure_has_dontdump());
}

static void locked_where_allowed(void **state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  leave_out("sanitizers make mlock() do nothing");
#endif
  struct rlimit limit;
  char flags[512];
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur < 1024 * 1024) leave_out("less than 1 MiB may be locked here");
  char *block = plq__secure_alloc(100);
  if (!mapping_flags(block, flags)) leave_out("the kernel shows no flags of mappings");
  assert_non_null(strstr(flags, " lo"));
  plq__secure_free(block);
}

/* A limit of 0 is no failure: the pages are then not locked. */
static void not_allowed_to_lock(void **state) {
  (void)state;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_MEMLOCK, &none);
    char *block = plq__secure_alloc(100), *large = plq__secure_alloc(100000);
    _exit(block != NULL && large != NULL ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* The child may free what the parent made, and make its own; the parent sees nothing of it. */
static void fork_keeps_apart(void **state) {
  (void)state;
  char *before = plq__secure_copy(S("before"));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    bool good = strcmp(before, "before") == 0;
    char *own = plq__secure_copy(S("own"));
    good = good && own != NULL && own != before && strcmp(own, "own") == 0;
    plq__secure_free(before);
    char *again = plq__secure_copy(S("again"));
    good = good && again != NULL && again != before; /* the parent's block is never handed out here */
    plq__secure_free(own);
    plq__secure_free(again);
    _exit(good ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_string_equal(before, "before");
  plq__secure_free(before);
}

static int refuse(size_t size) {
  (void)size;
  return 0;
}

static void gate(void **state) {
  (void)state;
  plq__alloc_gate = refuse;
  void *block = plq__secure_alloc(10);
  plq__alloc_gate = NULL;
  assert_null(block);
}

enum { THREADS = 4, ROUNDS = 2000, HELD = 16 };

static void *churn(void *argument) {
  _Atomic int *wrong = argument;
  unsigned char *held[HELD] = {NULL};
  unsigned char mark = (unsigned char)(uintptr_t)held | 1;
  for (int i = 0; i < ROUNDS; i++) {
    int slot = i % HELD;
    size_t size = sizes[i % 8];
    if (held[slot] != NULL) {
      size_t old = sizes[(i - HELD) % 8];
      for (size_t j = 0; j < old; j++)
        if (held[slot][j] != mark) (*wrong)++;
      plq__secure_free(held[slot]);
    }
    held[slot] = plq__secure_alloc(size);
    if (held[slot] == NULL) {
      (*wrong)++;
      break;
    }
    memset(held[slot], mark, size);
  }
  for (int i = 0; i < HELD; i++) plq__secure_free(held[i]);
  return NULL;
}

static void threads_share_the_pages(void **state) {
  (void)state;
  static _Atomic int wrong;
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, &wrong), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks),        cmocka_unit_test(copies),
      cmocka_unit_test(wiped_when_freed), cmocka_unit_test(not_in_core_dumps),
      cmocka_unit_test(locked_where_allowed), cmocka_unit_test(not_allowed_to_lock),
      cmocka_unit_test(fork_keeps_apart), cmocka_unit_test(gate),
      cmocka_unit_test(threads_share_the_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
