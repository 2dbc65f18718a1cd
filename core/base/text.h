/* SPDX-License-Identifier: MIT */
/* Text: checks and comparisons that never look at the locale. */
#ifndef PLQ_BASE_TEXT_H
#define PLQ_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A span of text; not NUL-terminated unless said. */
struct plq__text {
  const char *at;
  size_t len;
};

#define PLQ__TEXT(literal) ((struct plq__text){(literal), sizeof(literal) - 1})

/* What a caller passed: PLQ_NUL resolved. NULL stays NULL with length 0. */
struct plq__text plq__text_in(const char *text, size_t len);

bool plq__text_is(struct plq__text text, const char *literal);
/* The same for a search through many names, most of which begin otherwise. */
static inline bool plq__text_is_one(struct plq__text text, const char *literal) {
  return text.len > 0 && text.at[0] == literal[0] && plq__text_is(text, literal);
}
bool plq__text_same_nocase(struct plq__text a, struct plq__text b);
/* Inline, so that the length of a literal is known: it alone tells most names apart. */
static inline bool plq__text_is_nocase(struct plq__text text, const char *literal) {
  size_t len = strlen(literal);
  return text.len == len && plq__text_same_nocase(text, (struct plq__text){literal, len});
}
struct plq__text plq__text_trim(struct plq__text text); /* spaces and tabs */

bool plq__is_utf8(struct plq__text text);
/* Length of the well-formed UTF-8 sequence at the start of a text that is not empty, or 0. */
size_t plq__utf8_step(struct plq__text text);
/* How many bytes at the start stand in a JSON string as they are: ASCII, no control character, quote or backslash. */
size_t plq__plain_run(struct plq__text text);
/* At most max bytes of the text, cut where no character is split. */
size_t plq__utf8_cut(struct plq__text text, size_t max);
/* What may be shown of the character at the start of a text that is not empty: itself, U+FFFD for a byte that is no UTF-8, a space for
   what could end or rewrite a line of somebody's log (C0, DEL, C1, U+2028, U+2029). Takes it off the text. */
struct plq__text plq__next_clean(struct plq__text *rest);
/* Copies text so, as far as room goes, and ends it with a NUL; returns the length. out and text do not overlap. */
size_t plq__clean(char *out, size_t room, const char *text, size_t len);
/* Copies text with its NUL, cut to fit. */
void plq__text_copy(char *room, size_t size, const char *text);
bool plq__has_nul(struct plq__text text);
bool plq__is_uuid(struct plq__text text);         /* 8-4-4-4-12 hex digits, any version */
bool plq__is_uuid4(struct plq__text text);        /* version 4, variant 10 */
bool plq__is_token(struct plq__text text);        /* RFC 9110 section 5.6.2 */
bool plq__is_field_value(struct plq__text text);  /* RFC 9110 section 5.5: no control character but tab */
bool plq__is_bearer(struct plq__text text);       /* b64token, RFC 6750 section 2.1 */
bool plq__is_address(struct plq__text text);      /* IPv4 or IPv6, without brackets or zone */
bool plq__to_number(struct plq__text text, int64_t *out_number); /* decimal, optional minus, nothing else */

/* Takes the next part of a list off `rest`, trimmed; false at the end. Empty parts are skipped. */
bool plq__next_part(struct plq__text *rest, char separator, struct plq__text *out_part);
/* Whether a comma-separated list has this part. */
bool plq__list_has(const char *list, struct plq__text part);

/* strerror_r() of both kinds. */
const char *plq__errno_text(int number, char *buffer, size_t room);

/* Edit distance, at most `limit` + 1: for "did you mean". */
size_t plq__distance(struct plq__text a, struct plq__text b, size_t limit);

#endif
