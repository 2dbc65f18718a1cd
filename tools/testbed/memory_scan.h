/* SPDX-License-Identifier: MIT */
/* Looks for bytes in all of this process's writable memory. What is looked for is only ever held masked, so as not to find
 * itself. */
#ifndef TEST_MEMORY_SCAN_H
#define TEST_MEMORY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct needle {
  char masked[80];
  size_t len;
} needle;

typedef struct scan_result {
  size_t hits;
  size_t dumped; /* hits in mappings that a core dump would have */
} scan_result;

/* Makes a random needle of lower-case letters and digits. */
void needle_make(needle *self, size_t len);
/* Makes one of hexadecimal digits in the form of a UUID of version 4. */
void needle_make_uuid(needle *self);
/* Writes the bytes, NUL-terminated: wipe them when they were used. */
void needle_show(const needle *self, char *out);
/* Writes them as \uXXXX escapes of JSON, in which they cannot be found. */
void needle_show_escaped(const needle *self, char *out);

/* Whether memory can be searched at all in this build: under a sanitizer it cannot, nor under valgrind. */
const char *scan_unable(void);
scan_result scan_memory(const needle *wanted);

#endif
