/* SPDX-License-Identifier: MIT */
/*
 * Events: what there is to tell, who wants to know, and telling it. Observers are plain C functions, which are called with just
 * the fields that they asked for.
 */
#ifndef PLQ_BASE_EVENTS_H
#define PLQ_BASE_EVENTS_H

#include <plastiq/observer.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../generated/events_index.inc"
#include "text.h"

enum plq__event_type { PLQ__TYPE_I32, PLQ__TYPE_I64, PLQ__TYPE_U64, PLQ__TYPE_STR, PLQ__TYPE_F64 };

struct plq__event_field {
  const char *name;
  enum plq__event_type type;
  const char *doc;
};

struct plq__event_row {
  const char *name;
  const char *doc;
  size_t field_count;
};

/* Of a field: n, or for a text s, which is borrowed and may be NULL for "". */
union plq__event_value {
  int64_t n;
  const char *s;
};

/* What an event of a kind has to say, by PLQ__<EVENT>_<FIELD>. */
struct plq__event_values {
  union plq__event_value rows[PLQ__EVENT_FIELDS_MOST];
};

struct plq__event_row plq__event_row(enum plq__event event);
struct plq__event_field plq__event_field(enum plq__event event, size_t index);
/* By name; -1: there is none. */
int plq__event_find(struct plq__text name);
const char *plq__event_type_name(enum plq__event_type type);

/* ---- observers ---- */

/* Who observes: never changes, and is replaced as a whole. NULL is nobody. */
struct plq__observers;

/* A set with one more; the old one stays as it is. The id is not 0. */
int32_t plq__observers_add(const struct plq__observers *old, uint64_t id, struct plq__text event, struct plq__text fields,
                           plq_observer_fn function, void *context, struct plq__observers **out_set, plq_error **out_error);
/* A set with one less, NULL if none is left; PLQ_E_NOT_FOUND. The one that goes is called no more, but may be running. */
int32_t plq__observers_remove(const struct plq__observers *old, uint64_t id, struct plq__observers **out_set);
/* Waits until a function that was removed from `old` runs nowhere any more. */
void plq__observers_await(const struct plq__observers *old, uint64_t id);
/* The same in a forked child, where nothing of the parent runs. */
int32_t plq__observers_after_fork(const struct plq__observers *old, struct plq__observers **out_set);
struct plq__observers *plq__observers_ref(struct plq__observers *set);
void plq__observers_unref(struct plq__observers *set);
/* Whether this thread is inside of an observer. */
bool plq__inside_observer(void);

/* ---- a call's own record ---- */

struct plq__event_entry {
  enum plq__event event;
  struct plq__event_values values; /* texts are its own */
};

/* At most PLQ__EVENTS_KEPT; what comes after is counted. */
enum { PLQ__EVENTS_KEPT = 1000 };

struct plq__event_log {
  struct plq__event_entry *rows;
  size_t count, room;
  uint64_t lost;
};

void plq__event_log_clear(struct plq__event_log *log);

/* ---- telling ---- */

/* To whom a call tells what happens. */
struct plq__emitter {
  struct plq__observers *observers; /* a reference, or NULL */
  struct plq__event_log *log;       /* or NULL */
  uint64_t client, call;
};

/* Whether anybody would listen: then the values are worth finding out. */
bool plq__emitter_wants(const struct plq__emitter *emitter, enum plq__event event);
/* Tells. The common fields are filled in here. */
void plq__emit(const struct plq__emitter *emitter, enum plq__event event, struct plq__event_values *values);
/* Tells a line for people; `text` is cleaned. */
void plq__emit_log(const struct plq__emitter *emitter, int32_t level, const char *source, struct plq__text text);
const char *plq__log_level_name(int32_t level);

#endif
