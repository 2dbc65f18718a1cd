/* SPDX-License-Identifier: MIT */
#include "memory_scan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "bytes.h"

#define MASK 0x5a
#define LOST ((size_t)16)
#define WINDOW ((size_t)1 << 20)
#define LARGEST ((uint64_t)1 << 32) /* of a mapping: larger ones are reserved address space */

static void make(needle *self, size_t len, const char *alphabet, size_t count) {
  if (len <= LOST || len + 1 >= sizeof self->masked || getrandom(self->masked, len, 0) != (ssize_t)len) test_die("no needle");
  for (size_t i = 0; i < len; i++) self->masked[i] = (char)(alphabet[(unsigned char)self->masked[i] % count] ^ MASK);
  self->len = len;
}

void needle_make(needle *self, size_t len) {
  make(self, len, "abcdefghijklmnopqrstuvwxyz0123456789", 36);
}

void needle_make_uuid(needle *self) {
  static const char form[] = "00000000-0000-4000-8000-000000000000";
  make(self, 36, "0123456789abcdef", 16);
  for (size_t i = 0; i < 36; i++)
    if (form[i] != '0') self->masked[i] = (char)(form[i] ^ MASK);
}

void needle_show(const needle *self, char *out) {
  for (size_t i = 0; i < self->len; i++) out[i] = (char)(self->masked[i] ^ MASK);
  out[self->len] = '\0';
}

void needle_show_escaped(const needle *self, char *out) {
  for (size_t i = 0; i < self->len; i++) out += sprintf(out, "\\u%04x", (unsigned)(self->masked[i] ^ MASK));
}

const char *scan_unable(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "a sanitizer keeps copies of memory";
#else
  const char *preload = getenv("LD_PRELOAD");
  return preload != NULL && strstr(preload, "valgrind") != NULL ? "valgrind keeps copies of memory" : NULL;
#endif
}

/* Freeing a block overwrites its first bytes (glibc: 16), so that only what follows them is looked for. */
static size_t count_in(const char *window, size_t len, const needle *wanted) {
  size_t hits = 0;
  char first = (char)(wanted->masked[LOST] ^ MASK);
  for (const char *at = window; (at = memchr(at, first, len - (size_t)(at - window))) != NULL; at++) {
    size_t i = LOST;
    if (len - (size_t)(at - window) < wanted->len - LOST) break;
    while (i < wanted->len && (at[i - LOST] ^ MASK) == wanted->masked[i]) i++;
    hits += i == wanted->len;
  }
  return hits;
}

/* Counts in one mapping. Windows overlap by the needle's length less one, so that nothing is missed or counted twice. */
static size_t count_mapping(int mem, uint64_t from, uint64_t to, char *window, const needle *wanted) {
  size_t hits = 0;
  for (uint64_t at = from; at < to;) {
    size_t want = to - at < WINDOW ? (size_t)(to - at) : WINDOW;
    ssize_t got = pread(mem, window, want, (off_t)at);
    if (got < (ssize_t)(wanted->len - LOST)) break;
    hits += count_in(window, (size_t)got, wanted);
    if (at + (uint64_t)got >= to) break;
    at += (uint64_t)got - (wanted->len - LOST - 1);
  }
  return hits;
}

scan_result scan_memory(const needle *wanted) {
  scan_result result = {0};
  char line[512];
  char *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  FILE *maps = fopen("/proc/self/smaps", "re");
  uint64_t from = 0, to = 0;
  char mode[5] = "";
  size_t hits = 0;
  if (window == MAP_FAILED || mem < 0 || maps == NULL) test_die("memory cannot be read");
  while (fgets(line, sizeof line, maps) != NULL) {
    uint64_t next_from, next_to;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &next_from, &next_to, mode) == 3) {
      from = next_from;
      to = next_to;
      bool own = (uintptr_t)window >= from && (uintptr_t)window < to;
      bool read = mode[0] == 'r' && mode[1] == 'w' && to - from < LARGEST;
      /* the kernel may have merged the window with its neighbours: what lies around it counts */
      hits = !read ? 0
             : own ? count_mapping(mem, from, (uintptr_t)window, window, wanted) +
                         count_mapping(mem, (uintptr_t)window + WINDOW, to, window, wanted)
                   : count_mapping(mem, from, to, window, wanted);
      result.hits += hits;
    } else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dd") == NULL) {
      result.dumped += hits;
    }
  }
  (void)fclose(maps);
  (void)close(mem);
  memset(window, 0, WINDOW);
  (void)munmap(window, WINDOW);
  return result;
}
