/* SPDX-License-Identifier: MIT */
/* Options: the table, the values with their sources, and the checks that one value alone allows. */
#ifndef PLQ_BASE_OPTIONS_H
#define PLQ_BASE_OPTIONS_H

#include <plastiq/error.h>
#include <stdbool.h>
#include <stdint.h>

#include "../generated/options_index.inc"
#include "text.h"

#define PLQ__OPTION_CODE_ONLY 1u
#define PLQ__OPTION_FOREVER 2u   /* -1 is a value */
#define PLQ__OPTION_TRANSPORT 4u /* handed to a transport that has this key */
#define PLQ__OPTION_NEEDED 8u    /* set, and the transport lacks the key: an error */
#define PLQ__OPTION_ADDRESS 16u  /* decides who gets the tokens, or is believed to be the service */

/* Of fixed size and without a pointer: the table is the same in each process that uses the library. */
struct plq__option {
  char name[26];
  uint8_t type; /* PLQ_OPTION_* of transport.h */
  uint8_t flags;
  uint16_t default_text, choices, doc; /* what the functions below show */
  int32_t min, max;
};

struct plq__value {
  char *text;     /* NULL: not set here, the default counts; a secret lies in the secure pages */
  size_t len;
  int64_t number; /* of bool, int and ms, the default's too */
  int32_t source; /* PLQ_SOURCE_* */
};

/* An option of a transport: key is "<transport>.<key>". */
struct plq__own_value {
  char *key;
  char *text;
  struct plq__own_value *next;
};

/* A flag of plq_options that only the library sets. */
#define PLQ__OPTIONS_SHOWN (UINT32_C(1) << 31)

struct plq_options {
  uint32_t flags;
  struct plq__value values[PLQ__OPT_COUNT];
  struct plq__value covered[PLQ__OPT_COUNT]; /* ambient values under those from code, for when these are taken back */
  struct plq__own_value *own;
  char *config_path; /* of the file that values come from, or NULL */
};

const struct plq__option *plq__option_row(enum plq__option_index index);
const char *plq__option_default(const struct plq__option *row); /* or NULL */
const char *plq__option_choices(const struct plq__option *row); /* or NULL */
const char *plq__option_doc(const struct plq__option *row);
/* The name of its variable of the environment; NULL: there is none. */
enum { PLQ__VARIABLE_ROOM = 40 };
const char *plq__option_variable(const struct plq__option *row, char room[PLQ__VARIABLE_ROOM]);
/* The row of a name, or -1. */
int plq__option_find(struct plq__text name);

plq_options *plq__options_new(uint32_t flags);
plq_options *plq__options_copy(const plq_options *options); /* NULL options: defaults */
void plq__options_free(plq_options *options);
/* Whether a source is neither code nor the default: such values are held to stricter rules. */
bool plq__is_ambient(int32_t source);
/* The door for every source. A weaker source does not replace a stronger one. A NULL value, from code only, takes back what code set. */
int32_t plq__options_put(plq_options *options, struct plq__text key, struct plq__text value, int32_t source, plq_error **out_error);

void plq__options_unset(plq_options *options, enum plq__option_index index);
/* A copy for show: it has no secrets, and no client can be made from it. */
plq_options *plq__options_show(const plq_options *options);

/* Effective values. */
const char *plq__options_text(const plq_options *options, enum plq__option_index index); /* or NULL */
int64_t plq__options_number(const plq_options *options, enum plq__option_index index);
bool plq__options_is_set(const plq_options *options, enum plq__option_index index);

/* Checks `text` against type and limits; NULL, or what would be right. Used for the plugins' own options too. */
const char *plq__value_check(uint32_t type, int64_t min, int64_t max, bool forever, const char *choices, struct plq__text text,
                             int64_t *out_number);
bool plq__is_transport_name(struct plq__text name); /* [a-z0-9][a-z0-9_-]{0,31} */

#endif
