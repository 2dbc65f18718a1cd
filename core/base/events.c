/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <plastiq/transport.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#ifndef PLQ_NO_OBSERVERS
#include <ffi.h>
#endif

#include "alloc.h"
#include "clock.h"
#include "error.h"

/* Texts are where they begin in event_texts. */
struct field_row {
  uint16_t type; /* enum plq__event_type */
  uint16_t name, doc;
};

struct event_row {
  uint16_t name, doc;
  uint16_t first, field_count; /* the first of its own, after those of every event */
};

#include "../generated/events.inc"

enum { ARGUMENTS_MOST = 32 };

static const char *text_at(uint16_t at) { return (const char *)&event_texts + at; }
static const char *name_of(enum plq__event event) { return text_at(event_rows[event].name); }

struct plq__event_row plq__event_row(enum plq__event event) {
  const struct event_row *row = &event_rows[event];
  return (struct plq__event_row){text_at(row->name), text_at(row->doc), row->field_count};
}

static const struct field_row *field_at(enum plq__event event, size_t index) {
  return &field_rows[index < PLQ__COMMON_COUNT ? index : event_rows[event].first + index];
}

static enum plq__event_type type_at(enum plq__event event, size_t index) { return (enum plq__event_type)field_at(event, index)->type; }

struct plq__event_field plq__event_field(enum plq__event event, size_t index) {
  const struct field_row *row = field_at(event, index);
  return (struct plq__event_field){text_at(row->name), (enum plq__event_type)row->type, text_at(row->doc)};
}

int plq__event_find(struct plq__text name) {
  for (int i = 0; i < PLQ__EVENT_COUNT; i++)
    if (plq__text_is(name, name_of((enum plq__event)i))) return i;
  return -1;
}

static const char *const type_names[] = {"i32", "i64", "u64", "str", "f64"};

const char *plq__event_type_name(enum plq__event_type type) {
  return type_names[type];
}

/* ---- an observer ---- */

struct argument {
  uint8_t field; /* of the event */
  uint8_t type;  /* enum plq__event_type */
};

struct observer {
  _Atomic int references; /* of sets */
  _Atomic int running;    /* threads that are inside, or about to be */
  _Atomic bool gone;
  uint64_t id;
  enum plq__event event;
  plq_observer_fn function;
  void *context;
  uint32_t count;
  struct argument arguments[ARGUMENTS_MOST];
#ifndef PLQ_NO_OBSERVERS
  ffi_cif cif;
  ffi_type *types[1 + ARGUMENTS_MOST];
#endif
};

struct plq__observers {
  _Atomic int references;
  size_t count;
  struct observer *rows[];
};

static void observer_unref(struct observer *observer) {
  if (atomic_fetch_sub(&observer->references, 1) == 1) plq__free(observer);
}

struct plq__observers *plq__observers_ref(struct plq__observers *set) {
  if (set != NULL) atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
  return set;
}

void plq__observers_unref(struct plq__observers *set) {
  if (set == NULL || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < set->count; i++) observer_unref(set->rows[i]);
  plq__free(set);
}

static struct plq__observers *set_new(size_t count) {
  struct plq__observers *set = plq__alloc(sizeof *set + count * sizeof *set->rows);
  if (set != NULL) atomic_init(&set->references, 1);
  return set;
}

static void set_add(struct plq__observers *set, struct observer *observer) {
  atomic_fetch_add(&observer->references, 1);
  set->rows[set->count++] = observer;
}

/* ---- what it asks for ---- */

#ifndef PLQ_NO_OBSERVERS

static bool may_be(enum plq__event_type natural, enum plq__event_type asked) {
  if (natural == asked) return true;
  if (asked == PLQ__TYPE_F64) return natural != PLQ__TYPE_STR;
  return natural == PLQ__TYPE_I32 && asked == PLQ__TYPE_I64;
}

static int find_type(struct plq__text name) {
  for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
    if (plq__text_is(name, type_names[i])) return (int)i;
  return -1;
}

/* A name that may be quoted in an error. */
static struct plq__text shown(struct plq__text name) {
  bool good = name.len > 0 && name.len <= 40 && plq__is_token(name);
  return good ? name : PLQ__TEXT("?");
}

static int32_t unknown_event(struct plq__text name, plq_error **out_error) {
  const char *nearest = "";
  size_t best = SIZE_MAX;
  for (int i = 0; i < PLQ__EVENT_COUNT; i++) {
    size_t distance = plq__distance(name, plq__text_in(name_of((enum plq__event)i), SIZE_MAX), 40);
    if (distance < best) best = distance, nearest = name_of((enum plq__event)i);
  }
  struct plq__text quoted = shown(name);
  return plq__fail(out_error, PLQ_E_NOT_FOUND, "event",
                   "there is no event \"%.*s\"; the nearest is \"%s\", and docs/events.md lists them", (int)quoted.len, quoted.at,
                   nearest);
}

static int32_t unknown_field(enum plq__event event, struct plq__text name, plq_error **out_error) {
  const char *nearest = "";
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < event_rows[event].field_count; i++) {
    const char *other = plq__event_field(event, i).name;
    size_t distance = plq__distance(name, plq__text_in(other, SIZE_MAX), 40);
    if (distance < best) best = distance, nearest = other;
  }
  struct plq__text quoted = shown(name);
  return plq__fail(out_error, PLQ_E_NOT_FOUND, "fields", "the event %s has no field \"%.*s\"; the nearest is \"%s\"", name_of(event),
                   (int)quoted.len, quoted.at, nearest);
}

/* name or name:type */
static int32_t read_field(struct observer *observer, struct plq__text part, plq_error **out_error) {
  const enum plq__event event = observer->event;
  const size_t count = event_rows[event].field_count;
  const char *colon = memchr(part.at, ':', part.len);
  struct plq__text name = {part.at, colon != NULL ? (size_t)(colon - part.at) : part.len};
  size_t field = 0;
  while (field < count && !plq__text_is(name, plq__event_field(event, field).name)) field++;
  if (field == count) return unknown_field(event, name, out_error);
  enum plq__event_type natural = type_at(event, field);
  int asked = (int)natural;
  if (colon != NULL) asked = find_type((struct plq__text){colon + 1, part.len - name.len - 1});
  if (asked < 0 || !may_be(natural, (enum plq__event_type)asked)) {
    bool widens = natural == PLQ__TYPE_I32;
    return plq__fail(out_error, PLQ_E_ARGUMENT, "fields", "the field %s of %s is %s%s", plq__event_field(event, field).name, name_of(event),
                     type_names[natural],
                     natural == PLQ__TYPE_STR ? ""
                     : widens                 ? ", or as i64 or f64"
                                              : ", or as f64");
  }
  if (observer->count == ARGUMENTS_MOST)
    return plq__fail(out_error, PLQ_E_ARGUMENT, "fields", "an observer may ask for %d fields at most", ARGUMENTS_MOST);
  observer->arguments[observer->count++] = (struct argument){(uint8_t)field, (uint8_t)asked};
  return PLQ_OK;
}

static int32_t read_fields(struct observer *observer, struct plq__text fields, plq_error **out_error) {
  struct plq__text part;
  int32_t status = PLQ_OK;
  for (size_t i = 0; i < fields.len; i++) {
    char c = fields.at[i];
    bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ':' || c == ' ';
    if (!good)
      return plq__fail(out_error, PLQ_E_ARGUMENT, "fields",
                       "fields must be names with spaces between them, each with or without :type, such as "
                       "\"status:i32 trace_id\"; another character is at byte %zu",
                       i);
  }
  while (status == PLQ_OK && plq__next_part(&fields, ' ', &part)) status = read_field(observer, part, out_error);
  return status;
}

static bool make_cif(struct observer *observer) {
  static ffi_type *const types[] = {&ffi_type_sint32, &ffi_type_sint64, &ffi_type_uint64, &ffi_type_pointer, &ffi_type_double};
  observer->types[0] = &ffi_type_pointer;
  for (uint32_t i = 0; i < observer->count; i++) observer->types[1 + i] = types[observer->arguments[i].type];
  return ffi_prep_cif(&observer->cif, FFI_DEFAULT_ABI, 1 + observer->count, &ffi_type_void, observer->types) == FFI_OK;
}

static int32_t observer_new(uint64_t id, struct plq__text event, struct plq__text fields, plq_observer_fn function, void *context,
                            struct observer **out_observer, plq_error **out_error) {
  int index = plq__event_find(event);
  if (index < 0) return unknown_event(event, out_error);
  struct observer *observer = plq__alloc(sizeof *observer);
  if (observer == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  observer->id = id;
  observer->event = (enum plq__event)index;
  observer->function = function;
  observer->context = context;
  int32_t status = read_fields(observer, fields, out_error);
  if (status == PLQ_OK && !make_cif(observer))
    status = plq__fail(out_error, PLQ_E_INTERNAL, NULL, "libffi cannot call a function of this signature");
  if (status == PLQ_OK)
    *out_observer = observer;
  else
    plq__free(observer);
  return status;
}

int32_t plq__observers_add(const struct plq__observers *old, uint64_t id, struct plq__text event, struct plq__text fields,
                           plq_observer_fn function, void *context, struct plq__observers **out_set, plq_error **out_error) {
  struct observer *observer = NULL;
  int32_t status = observer_new(id, event, fields, function, context, &observer, out_error);
  if (status != PLQ_OK) return status;
  size_t count = old != NULL ? old->count : 0;
  struct plq__observers *set = set_new(count + 1);
  if (set == NULL) {
    plq__free(observer);
    return plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  for (size_t i = 0; i < count; i++) set_add(set, old->rows[i]);
  set_add(set, observer);
  *out_set = set;
  return PLQ_OK;
}

#else

int32_t plq__observers_add(const struct plq__observers *old, uint64_t id, struct plq__text event, struct plq__text fields,
                           plq_observer_fn function, void *context, struct plq__observers **out_set, plq_error **out_error) {
  (void)old, (void)id, (void)event, (void)fields, (void)function, (void)context, (void)out_set;
  return plq__fail(out_error, PLQ_E_UNSUPPORTED, NULL,
                   "this library was built without observers; a message call's want events has the same facts");
}

#endif

int32_t plq__observers_remove(const struct plq__observers *old, uint64_t id, struct plq__observers **out_set) {
  size_t count = old != NULL ? old->count : 0, at = 0;
  while (at < count && old->rows[at]->id != id) at++;
  *out_set = NULL;
  if (at == count) return PLQ_E_NOT_FOUND;
  if (count > 1) {
    *out_set = set_new(count - 1);
    if (*out_set == NULL) return PLQ_E_MEMORY;
    for (size_t i = 0; i < count; i++)
      if (i != at) set_add(*out_set, old->rows[i]);
  }
  atomic_store(&old->rows[at]->gone, true);
  return PLQ_OK;
}

void plq__observers_await(const struct plq__observers *old, uint64_t id) {
  static const struct timespec pause = {.tv_nsec = 500000};
  for (size_t i = 0; i < old->count; i++)
    while (old->rows[i]->id == id && atomic_load(&old->rows[i]->running) > 0) nanosleep(&pause, NULL);
}

int32_t plq__observers_after_fork(const struct plq__observers *old, struct plq__observers **out_set) {
  *out_set = NULL;
  if (old == NULL) return PLQ_OK;
  struct plq__observers *set = set_new(old->count);
  if (set == NULL) return PLQ_E_MEMORY;
  for (size_t i = 0; i < old->count; i++) {
    struct observer *copy = plq__alloc(sizeof *copy);
    if (copy == NULL) {
      plq__observers_unref(set);
      return PLQ_E_MEMORY;
    }
    memcpy(copy, old->rows[i], sizeof *copy);
    atomic_init(&copy->references, 0);
    atomic_init(&copy->running, 0);
#ifndef PLQ_NO_OBSERVERS
    copy->cif.arg_types = copy->types;
#endif
    set_add(set, copy);
  }
  *out_set = set;
  return PLQ_OK;
}

/* ---- telling ---- */

static _Thread_local int depth; /* of observers that this thread is inside of */

bool plq__inside_observer(void) {
  return depth > 0;
}

#ifndef PLQ_NO_OBSERVERS

union slot {
  int32_t i32;
  int64_t i64;
  uint64_t u64;
  double f64;
  const char *str;
};

static union slot fill(enum plq__event_type natural, enum plq__event_type asked, union plq__event_value value) {
  switch (asked) {
    case PLQ__TYPE_I32:
      return (union slot){.i32 = (int32_t)value.n};
    case PLQ__TYPE_I64:
      return (union slot){.i64 = value.n};
    case PLQ__TYPE_U64:
      return (union slot){.u64 = (uint64_t)value.n};
    case PLQ__TYPE_STR:
      return (union slot){.str = value.s != NULL ? value.s : ""};
    default:
      return (union slot){.f64 = natural == PLQ__TYPE_U64 ? (double)(uint64_t)value.n : (double)value.n};
  }
}

static void tell(struct observer *observer, const struct plq__event_values *values) {
  union slot slots[ARGUMENTS_MOST];
  void *arguments[1 + ARGUMENTS_MOST] = {&observer->context};
  for (uint32_t i = 0; i < observer->count; i++) {
    const struct argument *argument = &observer->arguments[i];
    enum plq__event_type natural = type_at(observer->event, argument->field);
    slots[i] = fill(natural, (enum plq__event_type)argument->type, values->rows[argument->field]);
    arguments[1 + i] = &slots[i];
  }
  depth++;
  ffi_call(&observer->cif, FFI_FN(observer->function), NULL, arguments);
  depth--;
}

static void tell_all(const struct plq__observers *set, enum plq__event event, const struct plq__event_values *values) {
  for (size_t i = 0; i < set->count; i++) {
    struct observer *observer = set->rows[i];
    if (observer->event != event) continue;
    atomic_fetch_add(&observer->running, 1);
    if (!atomic_load(&observer->gone)) tell(observer, values);
    atomic_fetch_sub(&observer->running, 1);
  }
}

#else

static void tell_all(const struct plq__observers *set, enum plq__event event, const struct plq__event_values *values) {
  (void)set, (void)event, (void)values;
}

#endif

static void entry_clear(struct plq__event_entry *entry) {
  for (size_t i = 0; i < event_rows[entry->event].field_count; i++)
    if (type_at(entry->event, i) == PLQ__TYPE_STR) plq__free((void *)(uintptr_t)entry->values.rows[i].s);
}

void plq__event_log_clear(struct plq__event_log *log) {
  for (size_t i = 0; i < log->count; i++) entry_clear(&log->rows[i]);
  plq__free(log->rows);
  memset(log, 0, sizeof *log);
}

static bool log_reserve(struct plq__event_log *log) {
  if (log->count == PLQ__EVENTS_KEPT) return false;
  if (log->count < log->room) return true;
  size_t room = log->room > 0 ? log->room * 2 : 16;
  struct plq__event_entry *rows = plq__realloc(log->rows, room * sizeof *rows);
  if (rows == NULL) return false;
  log->rows = rows;
  log->room = room;
  return true;
}

static bool log_add(struct plq__event_log *log, enum plq__event event, const struct plq__event_values *values) {
  struct plq__event_entry entry = {.event = event, .values = *values};
  bool good = log_reserve(log);
  for (size_t i = 0; i < event_rows[event].field_count; i++) {
    if (type_at(event, i) != PLQ__TYPE_STR) continue;
    const char *text = values->rows[i].s != NULL ? values->rows[i].s : "";
    entry.values.rows[i].s = good ? plq__copy(text, strlen(text)) : NULL;
    good = good && entry.values.rows[i].s != NULL;
  }
  if (good)
    log->rows[log->count++] = entry;
  else
    entry_clear(&entry);
  return good;
}

bool plq__emitter_wants(const struct plq__emitter *emitter, enum plq__event event) {
  if (emitter->log != NULL) return true;
  const struct plq__observers *set = emitter->observers;
  for (size_t i = 0; set != NULL && i < set->count; i++)
    if (set->rows[i]->event == event) return true;
  return false;
}

void plq__emit(const struct plq__emitter *emitter, enum plq__event event, struct plq__event_values *values) {
  values->rows[PLQ__COMMON_CLIENT].n = (int64_t)emitter->client;
  values->rows[PLQ__COMMON_CALL].n = (int64_t)emitter->call;
  values->rows[PLQ__COMMON_TIME_US].n = plq__wall_now_us();
  if (emitter->log != NULL && !log_add(emitter->log, event, values)) emitter->log->lost++;
  if (emitter->observers != NULL) tell_all(emitter->observers, event, values);
}

const char *plq__log_level_name(int32_t level) {
  switch (level) {
    case PLQ_LOG_DEBUG:
      return "debug";
    case PLQ_LOG_INFO:
      return "info";
    case PLQ_LOG_WARNING:
      return "warning";
    case PLQ_LOG_ERROR:
      return "error";
    case PLQ_LOG_HOST_MISBEHAVING:
      return "host misbehaving";
    default:
      return "log";
  }
}

void plq__emit_log(const struct plq__emitter *emitter, int32_t level, const char *source, struct plq__text text) {
  char line[1024];
  if (!plq__emitter_wants(emitter, PLQ__EVENT_LOG)) return;
  plq__clean(line, sizeof line, text.at, text.len);
  struct plq__event_values values = {.rows = {{.n = 0}}};
  values.rows[PLQ__LOG_LEVEL].n = level;
  values.rows[PLQ__LOG_LEVEL_NAME].s = plq__log_level_name(level);
  values.rows[PLQ__LOG_SOURCE].s = source;
  values.rows[PLQ__LOG_TEXT].s = line;
  plq__emit(emitter, PLQ__EVENT_LOG, &values);
}
