/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli.h"

enum { LONGEST = 48 };

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* How many letters are to be changed, added or left out (Levenshtein). */
static size_t distance(const char *from, const char *to) {
  size_t row[LONGEST + 1], from_len = strlen(from), to_len = strlen(to);
  if (from_len > LONGEST || to_len > LONGEST) return LONGEST;
  for (size_t i = 0; i <= to_len; i++) row[i] = i;
  for (size_t i = 0; i < from_len; i++) {
    size_t before = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < to_len; j++) {
      size_t above = row[j + 1];
      row[j + 1] = least(before + (from[i] != to[j]), least(row[j], above) + 1);
      before = above;
    }
  }
  return row[to_len];
}

/* Somebody who writes --token means --token-file. */
void cli_nearest_offer(struct cli_nearest *nearest, const char *word, const char *candidate) {
  size_t len = strlen(word);
  size_t found = len >= 4 && strncmp(word, candidate, len) == 0 ? 1 : distance(word, candidate);
  if (found > len / 3 + 1 || (nearest->name != NULL && found >= nearest->distance)) return;
  *nearest = (struct cli_nearest){candidate, found};
}
