/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef PLASTIQ_CASSETTE_INTERNAL_H
#define PLASTIQ_CASSETTE_INTERNAL_H

#include "cassette.h"

#include <msgpack.h>

/* Writes a problem; the format is printf's. Always false. */
bool cassette_fail(cassette_problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "no space is left" and the like, where a C library's own words are not the same everywhere. */
const char *cassette_errno_text(int number);

static inline const plq_transport_header *cassette_header_at(const plq_transport_request *request, size_t index) {
  return (const plq_transport_header *)(const void *)((const char *)request->headers + index * request->header_stride);
}

/* ---- secrets.c ---- */

/* Whether a header's value is never kept. */
bool cassette_is_secret(const plq_transport_header *header);
/* "Bearer" of such a value, if it begins with a scheme that is known: any other first word could be a part of the secret. */
cassette_text cassette_scheme(const plq_transport_header *header);
/* Puts x in place of every secret. */
void cassette_hide_known(const cassette_secrets *self, char *text, size_t len);

/* ---- scrub.c ---- */

/* Puts x in place of every word that looks like a credential. `escapes`: of JSON, which are left alone. */
void cassette_hide_words(char *text, size_t len, bool escapes);

/* ---- members.c: maps that are structs ---- */

typedef enum member_kind {
  MEMBER_I32,
  MEMBER_U32,
  MEMBER_I64,
  MEMBER_U64,
  MEMBER_CHARS, /* NUL-terminated, in an array */
  MEMBER_OCTETS /* an array of bytes, all of it */
} member_kind;

typedef struct cassette_member {
  const char *name;
  member_kind kind;
  size_t offset;
  size_t size;
  int64_t min; /* of the signed numbers */
} cassette_member;

typedef struct cassette_members {
  const cassette_member *rows;
  size_t count;
} cassette_members;

extern const cassette_members cassette_about_members;      /* of a cassette_about */
extern const cassette_members cassette_times_members;      /* of a cassette_entry */
extern const cassette_members cassette_connection_members; /* of a plq_transport_connection, and so on */
extern const cassette_members cassette_error_members;
extern const cassette_members cassette_transfer_members;

/* Packs the pairs, without the head of the map. */
void cassette_pack_members(msgpack_packer *packer, const cassette_members *members, const void *object);
/* Reads those of a map. The name of the first one that is missing or wrong, or NULL. */
const char *cassette_read_members(const msgpack_object_map *map, const cassette_members *members, void *object);
/* The value of a key, or NULL. */
const msgpack_object *cassette_find(const msgpack_object_map *map, const char *key);

#define CASSETTE_FORMAT_KEY "plastiq_cassette"
#define CASSETTE_END_KEY "end"
enum { CASSETTE_ENTRY_MEMBERS = 8, CASSETTE_REQUEST_MEMBERS = 5 }; /* beside those of the times */

#endif
