/* SPDX-License-Identifier: MIT */
/* Small files that may hold secrets, read whole into the secure pages. */
#ifndef PLQ_BASE_FILE_H
#define PLQ_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By which a change is noticed: another file under the name, or other content. */
struct plq__file_mark {
  uint64_t device, inode, size;
  int64_t modified_ns, changed_ns;
};

struct plq__file_text {
  char *at; /* NUL-terminated, in the secure pages */
  size_t len;
  struct plq__file_mark mark;
};

/* Looks at a file, symbolic links followed. False: it is not there, or no regular file; the mark is all 0 then. */
bool plq__file_look(const char *path, struct plq__file_mark *out_mark);
bool plq__file_same(const struct plq__file_mark *a, const struct plq__file_mark *b);
/*
 * Reads a regular file. PLQ_OK, PLQ_E_MEMORY, or, with the rest of a sentence that begins with the file, such as "cannot be read:
 * No such file or directory", PLQ_E_ARGUMENT or (it changed while it was read, and again when that was repeated) PLQ_E_BUSY.
 */
int32_t plq__file_text_read(const char *path, size_t largest, struct plq__file_text *out, char *trouble, size_t trouble_room);

#endif
