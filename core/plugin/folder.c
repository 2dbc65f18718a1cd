/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "internal.h"

enum { MOST_NAMES = 1024 };

struct plq__text plq__name_of_path(const char *path) {
  const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
  size_t prefix = sizeof PLQ__FILE_PREFIX - 1, suffix = sizeof PLQ__FILE_SUFFIX - 1, len = strlen(file);
  struct plq__text none = {path, 0};
  if (len <= prefix + suffix || memcmp(file, PLQ__FILE_PREFIX, prefix) != 0) return none;
  if (memcmp(file + len - suffix, PLQ__FILE_SUFFIX, suffix) != 0) return none;
  struct plq__text name = {file + prefix, len - prefix - suffix};
  return plq__is_transport_name(name) ? name : none;
}

static bool add(struct plq__names *names, struct plq__text name) {
  if (names->count == names->room) {
    size_t room = names->room > 0 ? names->room * 2 : 8;
    void *rows = plq__realloc(names->rows, room * sizeof *names->rows);
    if (rows == NULL) return false;
    names->rows = rows;
    names->room = room;
  }
  char *row = names->rows[names->count++];
  memcpy(row, name.at, name.len); /* at most 32: it is a transport's name */
  row[name.len] = '\0';
  return true;
}

static int compare(const void *a, const void *b) { return strcmp(a, b); }

int32_t plq__names_new(const char *folder, struct plq__names *out_names) {
  memset(out_names, 0, sizeof *out_names);
  DIR *dir = opendir(folder);
  if (dir == NULL) return PLQ_OK;
  bool good = true;
  for (struct dirent *entry; good && out_names->count < MOST_NAMES && (entry = readdir(dir)) != NULL;) {
    struct plq__text name = plq__name_of_path(entry->d_name);
    if (name.len > 0) good = add(out_names, name);
  }
  closedir(dir);
  if (!good) {
    plq__names_clear(out_names);
    return PLQ_E_MEMORY;
  }
  if (out_names->count > 0) qsort(out_names->rows, out_names->count, sizeof *out_names->rows, compare);
  return PLQ_OK;
}

void plq__names_clear(struct plq__names *names) {
  plq__free(names->rows);
  memset(names, 0, sizeof *names);
}
