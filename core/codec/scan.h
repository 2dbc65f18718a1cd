/* SPDX-License-Identifier: MIT */
/*
 * Reads members of a JSON object where it lies, without copying: a response with a secret in it never enters a JSON library's
 * buffers, which could not be wiped. Strict (RFC 8259), depth at most 64; a UTF-8 byte order mark is skipped; the last of several
 * equal keys wins.
 */
#ifndef PLQ_CODEC_SCAN_H
#define PLQ_CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum plq__scan_kind {
  PLQ__SCAN_ABSENT,
  PLQ__SCAN_NULL,
  PLQ__SCAN_STRING,
  PLQ__SCAN_NUMBER,
  PLQ__SCAN_BOOL,
  PLQ__SCAN_ARRAY,
  PLQ__SCAN_OBJECT
};

/* A value: of a string what is between the quotes, escapes and all, of anything else its text. */
struct plq__scan_value {
  enum plq__scan_kind kind;
  const char *raw;
  size_t raw_len;
};

struct plq__scan_member {
  const char *name; /* in */
  enum plq__scan_kind kind;
  const char *raw; /* of a string: what is between the quotes, escapes and all */
  size_t raw_len;
};

/* Who is shown the members of an object, or the elements of an array (key.raw is NULL), in order. false ends the walk. */
struct plq__scan_visitor {
  bool (*visit)(void *context, const struct plq__scan_value *key, const struct plq__scan_value *value);
  void *context;
};

/* Whether the text is one JSON object and nothing else; fills in the members. */
bool plq__scan_object(const char *json, size_t len, struct plq__scan_member *members, size_t count);
/* Walks through one JSON object, or array, and nothing else. NULL: it is one, and nobody ended the walk; otherwise where it ended. */
const char *plq__scan_walk(const char *json, size_t len, enum plq__scan_kind kind, const struct plq__scan_visitor *visitor);
/* Resolves the escapes of a string that plq__scan_object accepted. out has room for raw_len bytes; returns how many were written. */
size_t plq__scan_unescape(const char *raw, size_t raw_len, char *out);

#endif
