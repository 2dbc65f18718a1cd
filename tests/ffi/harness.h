/* SPDX-License-Identifier: MIT */
/*
 * The harness that calls libplastiq as a foreign runtime does: by name, through libffi, with whatever values a program in another
 * language may pass. The table of functions is made from core/tables/abi.toml (calls.py), so that none is left out.
 *
 * What the interface leaves undefined is not tried, since no library could answer it:
 * - a pointer to an object that was freed, or that is of another kind, and two threads at once on one object;
 * - a length, or a room, that is more than the memory behind it has; PLQ_NUL where a length is of bytes, or for text without a
 * NUL;
 * - an observer whose signature does not fit its fields; a transport's entry function that is none;
 * - waiting for ever where that was asked for: a queue is woken, and room in a full one is not waited for.
 * Handles are numbers, so there nothing is undefined: any value at all is passed.
 */
#ifndef TESTS_FFI_H
#define TESTS_FFI_H

#include <plastiq/plastiq.h>
#include <plastiq/transport.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ARGS_MOST = 12, TRANSPORTS_LONGEST = 4096 };

enum kind {
  KIND_NONE,
  KIND_OPTIONS,
  KIND_CLIENT_ID,
  KIND_REQUEST,
  KIND_CALL_ID,
  KIND_QUEUE_ID,
  KIND_RESPONSE,
  KIND_SECRET,
  KIND_ERROR,
  KIND_ATTEMPTS,
  KIND_COMPLETION,
  KIND_TABLE,
  KIND_TRANSPORTS,
  KIND_REPLY,
  KIND_SECRET_ID,
  KINDS
};

enum role {
  ROLE_NUMBER,
  ROLE_LENGTH, /* of the pointer in front of it */
  ROLE_TEXT,
  ROLE_BYTES,  /* a message */
  ROLE_MEMORY, /* any memory, to be written */
  ROLE_ROOM,   /* an array that is written */
  ROLE_CONTEXT,
  ROLE_OBSERVER,
  ROLE_ENTRY,
  ROLE_HANDLE,
  ROLE_OBJECT,
  ROLE_OWNED, /* an object that the call frees */
  ROLE_OUT_NUMBER,
  ROLE_OUT_TEXT,
  ROLE_OUT_HANDLE,
  ROLE_OUT_OBJECT
};

enum result { RESULT_VOID, RESULT_STATUS, RESULT_NUMBER, RESULT_TEXT, RESULT_BORROWED, RESULT_OWNED };
enum passed { FFI_VOID, FFI_I32, FFI_U32, FFI_I64, FFI_U64, FFI_USIZE, FFI_POINTER };

struct argument {
  const char *name;
  enum role role;
  enum kind kind;
  size_t width; /* of what a pointer points to */
  enum passed passed;
};

struct function {
  const char *name;
  enum result result;
  enum kind result_kind;
  enum passed passed;
  int argc;
  struct argument args[ARGS_MOST];
};

extern const struct function functions[];
extern const int function_count;
const struct function *function_named(const char *name);

/* What the harness itself asks of the library, in the ordinary way. */
#define LIBRARY_FUNCTIONS(F) \
  F(plq_features)            \
  F(plq_status_name)         \
  F(plq_status_kind)         \
  F(plq_error_status)        \
  F(plq_error_kind)          \
  F(plq_error_message)       \
  F(plq_options_new)         \
  F(plq_options_set)         \
  F(plq_options_free)        \
  F(plq_client_new)          \
  F(plq_client_free)         \
  F(plq_client_transport)    \
  F(plq_transports_text)     \
  F(plq_transports_free)     \
  F(plq_table_new)           \
  F(plq_table_rows)          \
  F(plq_table_columns)       \
  F(plq_table_column)        \
  F(plq_table_text)          \
  F(plq_table_free)          \
  F(plq_queue_stats)         \
  F(plq_queue_wake)
struct library {
#define MEMBER(name) __typeof__(name) *name;
  LIBRARY_FUNCTIONS(MEMBER)
#undef MEMBER
  plq_transport_entry_fn entry; /* of the stub */
  const char *transports;       /* the folder that has the stub, and nothing else */
};
extern struct library library;

/* ---- values.c: what is passed ---- */

extern uint64_t seed;
uint64_t random_bits(void);
uint64_t below(uint64_t limit);

/* A value that is no object: `at` is what is passed, `block` what is to be freed afterwards. */
struct bytes {
  void *at;
  size_t len;
  void *block;
};
enum { NUMBER_VARIANTS = 20, TEXT_VARIANTS = 32, MESSAGE_VARIANTS = 24, MEMORY_VARIANTS = 7 };
void values_open(void);
void values_close(void);
uint64_t number_hostile(int variant);
uint64_t number_good(const char *function, const char *argument);
int text_row(const char *function); /* of the good texts of a function, one row */
struct bytes text_good(int row, int column);
struct bytes text_hostile(int variant, int row, int column);
struct bytes message_good(void);
struct bytes message_hostile(int variant);
struct bytes memory_hostile(int variant, size_t width); /* of which nothing but `len` times `width` bytes may be written */
bool memory_unharmed(const struct bytes *memory, size_t width);
/* For results: a number, between bytes that must stay as they are. */
enum { SLOT_FILLER = 0xa5 };
struct bytes slot_new(size_t width);
bool slot_unharmed(const struct bytes *slot);
uint64_t slot_number(const struct bytes *slot);
bool slot_unwritten(const struct bytes *slot);

/* ---- live.c: what is there to be used ---- */

/* What the functions gave and nobody freed yet. Objects that are `busy` are in use by the call that an observer runs in. */
bool live_any(enum kind kind);
bool live_pick(enum kind kind, uint64_t *out_value, size_t *out_len);
bool live_has(enum kind kind, uint64_t value);
bool live_is_full(enum kind kind);
uint64_t live_dead(enum kind kind); /* a handle that was freed, or 0 */
void live_add(enum kind kind, uint64_t value, size_t len, uint64_t parent);
void live_remove(enum kind kind, uint64_t value); /* it has ended, and with it what belongs to it */
bool live_oldest(enum kind kind, uint64_t *out_value, size_t *out_len);
void live_busy(uint64_t value, bool busy);
void remember(const char *name, uint64_t number); /* the result out_NAME, to be passed as NAME */
bool recall(const char *name, uint64_t *out_number);

/* ---- calls.c: one call and what must hold of it ---- */

enum { GOOD = -1, ANY = -2, FORCED = -3 }; /* otherwise the number of a hostile value */
struct plan {
  int mode[ARGS_MOST];
  uint64_t forced[ARGS_MOST];
  size_t forced_len;
};
struct tally {
  uint64_t calls, successes, failures;
};
extern struct tally *tallies; /* of each function */

/* What the supervising process sees when this one has died or hangs. */
struct sight {
  uint64_t calls;
  uint64_t problems;
  bool finished;      /* all calls were made */
  char text[3][1500]; /* the call, the one inside of an observer of it */
};
extern struct sight *sight;
extern FILE *report;

void calls_open(void);
void calls_close(void); /* frees all that is live */
int variants(const struct argument *argument);
struct plan plan_all(int mode);
bool run(const struct function *function, const struct plan *plan); /* whether it succeeded */
void refill(void);                                                  /* so that of each kind something is live */
void renew(void);                                                   /* so that something of it is unspoilt */
void prepare(const struct function *function);                      /* so that a good call can succeed */
void problem(const char *function, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
