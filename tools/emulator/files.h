/* SPDX-License-Identifier: MIT */
/* Files, read and written whole. */
#ifndef PLASTIQ_EMULATOR_FILES_H
#define PLASTIQ_EMULATOR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a file of at most 1 MiB as text. NULL: errno says why. To be freed by file_free, which wipes it. */
char *file_read(const char *path, size_t *out_len);
void file_free(char *text);

/* Writes a file so that it appears whole or not at all, with this mode. False: errno says why. */
bool file_write(const char *path, const char *text, size_t len, mode_t mode);
/* Writes all of a text to a descriptor. */
bool file_write_all(int fd, const char *text, size_t len);

/* A folder and a name in it as a path, to be freed; NULL: no memory. */
char *file_path(const char *folder, const char *name);

#endif
