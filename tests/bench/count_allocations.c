/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded (LD_PRELOAD): counts what asks for memory, in the program and in all libraries, and writes the number to the
 * file that BENCH_ALLOCATIONS names when the program ends. Needs glibc, which has its own functions under second names.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_long asked;

static void count(void) {
  atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
}

SHOWN void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

SHOWN void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

SHOWN void *realloc(void *old, size_t size) {
  count();
  return __libc_realloc(old, size);
}

SHOWN void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

SHOWN void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

SHOWN int posix_memalign(void **out, size_t alignment, size_t size) {
  count();
  *out = __libc_memalign(alignment, size);
  return *out != NULL ? 0 : ENOMEM;
}

static void __attribute__((destructor)) tell(void) {
  const char *path = getenv("BENCH_ALLOCATIONS");
  int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
  if (fd < 0) return;
  dprintf(fd, "%ld\n", atomic_load(&asked));
  close(fd);
}
