/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <ffi.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

const struct function functions[] = {
#include "calls.inc"
};
const int function_count = sizeof functions / sizeof *functions;

struct library library;
struct tally *tallies;
struct sight *sight;
FILE *report;

/* How libffi calls a function of the table. */
static struct callee {
  ffi_cif cif;
  ffi_type *types[ARGS_MOST];
  void (*address)(void);
} * callees;

struct call {
  const struct function *function;
  union value {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    size_t size;
    void *pointer;
  } value[ARGS_MOST];
  struct bytes memory[ARGS_MOST]; /* what a pointer points to that is no object */
  size_t reply_len;               /* of an owned reply */
  bool stale;                     /* a handle is none */
  bool empty;                     /* an object is NULL, or a handle none */
  union {
    ffi_sarg i;
    ffi_arg u;
    int64_t i64; /* wider than a register on some machines */
    uint64_t u64;
    void *pointer;
  } result;
};

static int depth;             /* 1: inside the library, 2: inside of an observer there */
static plq_client_id hanging; /* the service never answers it: its queues have calls in flight. Only queues are made of it */

static int index_of(const struct function *function) {
  return (int)(function - functions);
}

const struct function *function_named(const char *name) {
  for (int i = 0; i < function_count; i++)
    if (strcmp(functions[i].name, name) == 0) return &functions[i];
  fprintf(report, "the harness asks for %s, which is not in abi.toml\n", name);
  exit(1);
}

static bool is(const struct call *call, const char *name) {
  return strcmp(call->function->name, name) == 0;
}

void problem(const char *function, const char *format, ...) {
  enum { MOST = 20 };
  static const char *told[MOST][2];
  va_list arguments;
  uint64_t n = 0;
  while (n < MOST && told[n][0] != NULL && (strcmp(told[n][0], function) != 0 || told[n][1] != format)) n++;
  if (n < MOST && told[n][0] == NULL) { /* each once */
    told[n][0] = function, told[n][1] = format;
    fprintf(report, "[  FAILED  ] %s\n  ", function);
    va_start(arguments, format);
    vfprintf(report, format, arguments);
    va_end(arguments);
    fprintf(report, "\n  call %llu: %s\n", (unsigned long long)sight->calls, sight->text[depth]);
    if (depth > 0) fprintf(report, "  inside of an observer of: %s\n", sight->text[0]);
    fprintf(report, "  TEST_SEED=%llu makes the same calls\n", (unsigned long long)seed);
    fflush(report);
  }
  sight->problems++;
}

/* ---- observers ---- */

/* Any call that takes a handle, where only those that read are allowed. What the outer call uses is left alone. */
static void call_inside(void) {
  const struct function *function;
  if (depth != 1 || below(4) != 0) return;
  do {
    function = &functions[below((uint64_t)function_count)];
  } while (function->argc == 0 || function->args[0].role != ROLE_HANDLE);
  const struct plan plan = plan_all(ANY);
  run(function, &plan);
}

static void observe_nothing(void *context) {
  (void)context;
  call_inside();
}

static void observe_end(void *context, int32_t status, uint64_t elapsed_us, const char *trace_id) {
  (void)context, (void)elapsed_us;
  if (strcmp(library.plq_status_name(status), "PLQ_E_UNKNOWN") == 0) problem("observer", "the status %d does not exist", status);
  if (trace_id == NULL) problem("observer", "the trace id is NULL");
  call_inside();
}

/* The one whose signature fits the fields, which were chosen before. */
static plq_observer_fn observer_for(const struct call *call, int index) {
  static const char fields[] = "status:i32 elapsed_us:u64 trace_id:str";
  for (int i = 0; i < index; i++) {
    const struct bytes *text = &call->memory[i];
    if (strcmp(call->function->args[i].name, "fields") != 0 || text->at == NULL) continue;
    size_t len = text->len == PLQ_NUL ? strlen(text->at) : text->len;
    if (len == strlen(fields) && memcmp(text->at, fields, len) == 0) return (plq_observer_fn)observe_end;
  }
  return (plq_observer_fn)observe_nothing;
}

/* ---- what is passed ---- */

int variants(const struct argument *argument) {
  switch (argument->role) {
    case ROLE_NUMBER:
      return NUMBER_VARIANTS;
    case ROLE_TEXT:
      return TEXT_VARIANTS;
    case ROLE_BYTES:
      return MESSAGE_VARIANTS;
    case ROLE_MEMORY:
    case ROLE_ROOM:
      return MEMORY_VARIANTS;
    case ROLE_HANDLE:
      return 10;
    case ROLE_LENGTH:
      return 0;
    default:
      return 1; /* NULL */
  }
}

static uint64_t handle_hostile(enum kind kind, int variant) {
  uint64_t value = 0;
  size_t len;
  switch (variant) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return UINT64_MAX;
    case 3:
      return UINT64_C(1) << 53;
    case 4:
      return random_bits();
    case 5:
      return random_bits() >> 11;
    case 6: /* of another kind */
      live_pick(kind == KIND_CLIENT_ID ? KIND_QUEUE_ID : KIND_CLIENT_ID, &value, &len);
      return value;
    case 7: /* of one that lives, but for a bit */
    case 8:
      return live_pick(kind, &value, &len) ? value ^ UINT64_C(1) << below(64) : 0;
    default:
      return live_dead(kind);
  }
}

static void set(union value *value, enum passed passed, uint64_t number) {
  switch (passed) {
    case FFI_I32:
      value->i32 = (int32_t)(uint32_t)number;
      break;
    case FFI_U32:
      value->u32 = (uint32_t)number;
      break;
    case FFI_I64:
      value->i64 = (int64_t)number;
      break;
    case FFI_USIZE:
      value->size = (size_t)number;
      break;
    case FFI_POINTER:
      value->pointer = (void *)(uintptr_t)number;
      break;
    default:
      value->u64 = number;
  }
}

static void fill_handle(struct call *call, int index, bool good, int mode) {
  const struct argument *argument = &call->function->args[index];
  uint64_t value = 0;
  size_t len;
  if (!good)
    value = handle_hostile(argument->kind, mode);
  else if (!live_pick(argument->kind, &value, &len))
    value = 0;
  call->value[index].u64 = value;
  if (!live_has(argument->kind, value) && (value == 0 || value != hanging)) call->stale = call->empty = true;
}

static void fill_object(struct call *call, int index, bool good) {
  uint64_t value = 0;
  if (!good || !live_pick(call->function->args[index].kind, &value, &call->reply_len)) {
    call->empty = true;
    value = 0;
    call->reply_len = (size_t)number_hostile((int)below(NUMBER_VARIANTS)); /* of a reply that is NULL */
  }
  call->value[index].pointer = (void *)(uintptr_t)value;
}

static void fill(struct call *call, int index, int mode, int row, int column) {
  const struct argument *argument = &call->function->args[index];
  if (mode == ANY) mode = below(5) < 3 || variants(argument) == 0 ? GOOD : (int)below((uint64_t)variants(argument));
  bool good = mode == GOOD;
  union value *value = &call->value[index];
  struct bytes *memory = &call->memory[index];
  switch (argument->role) {
    case ROLE_NUMBER:
      set(value, argument->passed, good ? number_good(call->function->name, argument->name) : number_hostile(mode));
      return;
    case ROLE_LENGTH:
      set(value, argument->passed,
          call->function->args[index - 1].role == ROLE_OWNED ? call->reply_len : call->memory[index - 1].len);
      return;
    case ROLE_TEXT:
      *memory = good ? text_good(row, column) : text_hostile(mode, row, column);
      break;
    case ROLE_BYTES:
      *memory = good ? message_good() : message_hostile(mode);
      break;
    case ROLE_MEMORY:
    case ROLE_ROOM:
      *memory = memory_hostile(good ? MEMORY_VARIANTS - 1 : mode, argument->width);
      break;
    case ROLE_CONTEXT:
      value->pointer = good ? &depth : NULL;
      return;
    case ROLE_OBSERVER:
      set(value, FFI_POINTER, good ? (uintptr_t)observer_for(call, index) : 0);
      return;
    case ROLE_ENTRY:
      set(value, FFI_POINTER, good ? (uintptr_t)library.entry : 0);
      return;
    case ROLE_HANDLE:
      fill_handle(call, index, good, mode);
      return;
    case ROLE_OBJECT:
    case ROLE_OWNED:
      fill_object(call, index, good);
      return;
    default:
      if (good) *memory = slot_new(argument->width);
  }
  value->pointer = memory->at;
}

/* What a program may not do without waiting for ever, or is to do first. */
static void make_safe(struct call *call) {
  int64_t stats[PLQ_QUEUE_STATS];
  for (int i = 1; i < call->function->argc; i++) {
    if (call->function->args[0].kind != KIND_QUEUE_ID || call->value[i].i64 == 0) continue;
    plq_queue_id queue = call->value[0].u64;
    if (strcmp(call->function->args[i].name, "timeout_ms") == 0) library.plq_queue_wake(queue);
    if (strcmp(call->function->args[i].name, "room_timeout_ms") == 0 && call->value[i].i64 >= -1 &&
        library.plq_queue_stats(queue, stats, PLQ_QUEUE_STATS) == PLQ_OK &&
        stats[PLQ_QUEUE_STAT_IN_FLIGHT] + stats[PLQ_QUEUE_STAT_READY] >= stats[PLQ_QUEUE_STAT_MAX_CALLS])
      call->value[i].i64 = 0;
  }
}

/* Before a client is made of options: they are to name the stub, or no transport that there is. */
static void set_options(plq_options *options) {
  static const char *const transports[] = {
      "stub", "stub", "stub", "stub", "stub", "none-such", "/nonexistent/libplastiq-transport-x.so", "Stub"};
  static const char *const scripts[] = {
      NULL,
      NULL,
      NULL,
      "[{\"fault\": {\"status\": \"PLQ_E_CONNECT_REFUSED\"}}, {\"status\": 503, \"headers\": [[\"Retry-After\", \"1\"]]}]",
      "[{\"status\": 401, \"body\": \"{\\\"code\\\": \\\"AUTHORIZATION_ERROR\\\", \\\"errors\\\": [{\\\"details\\\": "
      "\\\"test\\\"}]}\"}]",
      "[{\"status\": 200, \"body\": \"<html>\"}, {\"status\": 200, \"body\": \"{}\", \"headers\": [[\"Content-Length\", "
      "\"99\"]]}]",
      "[{\"delay_ms\": 20000, \"status\": 200}]",
      "no script"};
  const char *script = scripts[below(sizeof scripts / sizeof *scripts)];
  library.plq_options_set(options, "transport", PLQ_NUL, transports[below(sizeof transports / sizeof *transports)], PLQ_NUL,
                          NULL);
  library.plq_options_set(options, "transport_dir", PLQ_NUL, library.transports, PLQ_NUL, NULL);
  library.plq_options_set(options, "allow_test_transports", PLQ_NUL, "true", PLQ_NUL, NULL);
  library.plq_options_set(options, "access_token", PLQ_NUL, below(8) ? "test-key-0000000000000000" : NULL, PLQ_NUL, NULL);
  library.plq_options_set(options, "stub.script", PLQ_NUL, script, PLQ_NUL, NULL);
}

/* ---- what must hold ---- */

static bool is_utf8(const uint8_t *at) {
  while (*at != 0) {
    int more = *at < 0x80                  ? 0
               : *at >= 0xc2 && *at < 0xe0 ? 1
               : *at >= 0xe0 && *at < 0xf0 ? 2
               : *at >= 0xf0 && *at < 0xf5 ? 3
                                           : -1;
    if (more < 0) return false;
    for (at++; more > 0; more--, at++)
      if ((*at & 0xc0) != 0x80) return false;
  }
  return true;
}

static void check_text(const struct call *call, const char *text) {
  if (!is_utf8((const uint8_t *)text)) problem(call->function->name, "its text is not UTF-8");
  for (int i = 0; i < call->function->argc; i++) {
    if (strcmp(call->function->args[i].name, "out_len") != 0 || call->memory[i].at == NULL) continue;
    uint64_t len = slot_number(&call->memory[i]);
    if (len != strlen(text))
      problem(call->function->name, "out_len says %llu of a text of %zu bytes", (unsigned long long)len, strlen(text));
  }
}

static void check_error(const struct call *call, int32_t status, const plq_error *error) {
  const char *name = call->function->name;
  if (status == PLQ_OK) {
    if (error != NULL) problem(name, "it succeeded, and there is an error");
    return;
  }
  if (error == NULL) {
    problem(name, "it answered %s, and out_error is NULL", library.plq_status_name(status));
    return;
  }
  if (library.plq_error_status(error) != status)
    problem(name, "it answered %d, and its error says %d", status, library.plq_error_status(error));
  if (library.plq_error_kind(error) != library.plq_status_kind(status))
    problem(name, "the error is of another kind than its status");
  if (*library.plq_error_message(error, NULL) == '\0')
    problem(name, "the error of %s has no message", library.plq_status_name(status));
}

/* What a failure leaves in a result, where that is not NULL or 0: what the headers say of it. */
static bool may_hold(const struct call *call, const char *argument, int32_t status, uint64_t number) {
  if (strcmp(argument, "out_connections") == 0) return true;
  if (is(call, "plq_queue_fd")) return number == UINT32_MAX;
  return status == PLQ_E_BUFFER_TOO_SMALL && (is(call, "plq_secret_take") || is(call, "plq_queue_next_message"));
}

static void check_slot(const struct call *call, int index, bool success, int32_t status) {
  const struct argument *argument = &call->function->args[index];
  const struct bytes *slot = &call->memory[index];
  const char *name = call->function->name;
  uint64_t number = slot_number(slot);
  if (slot_unwritten(slot)) {
    problem(name, "%s was not written", argument->name);
  } else if (strcmp(argument->name, "out_error") == 0) {
    check_error(call, status, (const plq_error *)(uintptr_t)number);
  } else if (!success && number != 0 && !may_hold(call, argument->name, status, number)) {
    problem(name, "it answered %s, and %s is 0x%llx", library.plq_status_name(status), argument->name,
            (unsigned long long)number);
  } else if (success && number == 0 && (argument->role == ROLE_OUT_OBJECT || argument->role == ROLE_OUT_HANDLE)) {
    problem(name, "it succeeded, and %s is 0", argument->name);
  } else if (argument->role == ROLE_OUT_HANDLE && number >> 53 != 0) {
    problem(name, "the handle 0x%llx is no number for JavaScript", (unsigned long long)number);
  } else if (success && argument->role == ROLE_OUT_TEXT && number != 0) {
    check_text(call, (const char *)(uintptr_t)number);
  }
}

/* The reply of a message call may be about the message alone: what is wrong with it, or the answer to the op describe. */
static bool needs_no_client(const struct call *call) {
  return is(call, "plq_call_message");
}

/* Of several things that are wrong, any may be told. */
static bool refuses_handle(int32_t status) {
  return status == PLQ_E_HANDLE || status == PLQ_E_ARGUMENT || status == PLQ_E_REENTRANT;
}

/* Returns whether the call did what its function is for. */
static bool check(const struct call *call) {
  const struct function *function = call->function;
  int32_t status = function->result == RESULT_STATUS ? (int32_t)call->result.i : PLQ_OK;
  bool success = status == PLQ_OK;
  if (strcmp(library.plq_status_name(status), "PLQ_E_UNKNOWN") == 0)
    problem(function->name, "the status %d does not exist", status);
  if (status == PLQ_E_INTERNAL || status == PLQ_E_TRANSPORT_MISBEHAVED || status == PLQ_E_MEMORY)
    problem(function->name, "it answered %s", library.plq_status_name(status));
  if (function->result == RESULT_STATUS && call->stale && !needs_no_client(call) && !refuses_handle(status))
    problem(function->name, "it answered %s for a handle that is none", library.plq_status_name(status));
  for (int i = 0; i < function->argc; i++) {
    enum role role = function->args[i].role;
    const struct bytes *memory = &call->memory[i];
    if (role == ROLE_MEMORY || role == ROLE_ROOM) {
      if (!memory_unharmed(memory, function->args[i].width))
        problem(function->name, "it wrote past the end of %s", function->args[i].name);
    } else if (role >= ROLE_OUT_NUMBER && memory->at != NULL) {
      if (!slot_unharmed(memory)) problem(function->name, "it wrote beside %s", function->args[i].name);
      check_slot(call, i, success, status);
    }
  }
  if (function->result == RESULT_TEXT) {
    if (call->result.pointer == NULL)
      problem(function->name, "its text is NULL");
    else if (call->empty && *(const char *)call->result.pointer != '\0')
      problem(function->name, "it tells something of an object that is NULL");
    else
      check_text(call, call->result.pointer);
  }
  if (function->result == RESULT_BORROWED && !call->empty && call->result.pointer == NULL)
    problem(function->name, "it answered NULL");
  return function->result == RESULT_STATUS ? success : !call->empty;
}

/* ---- what came of it ---- */

static void destroy(enum kind kind, uint64_t value, size_t len) {
  struct plan plan = plan_all(FORCED);
  plan.forced[0] = value;
  plan.forced_len = len;
  for (int i = 0; i < function_count; i++) {
    const struct argument *first = &functions[i].args[0];
    bool frees = functions[i].result == RESULT_VOID && functions[i].argc > 0 && first->kind == kind &&
                 (first->role == ROLE_OWNED || first->role == ROLE_HANDLE);
    if (!frees) continue;
    run(&functions[i], &plan);
    return;
  }
  if (kind == KIND_SECRET_ID) { /* the secret goes on, as an object */
    plan.mode[1] = GOOD;
    run(function_named("plq_secret_claim"), &plan);
  }
  live_remove(kind, value); /* borrowed, or ended with its client */
}

static void keep(enum kind kind, uint64_t value, size_t len, uint64_t parent) {
  if (kind == KIND_NONE || value == 0) return;
  live_add(kind, value, len, parent);
  if (!live_is_full(kind)) return;
  if (depth == 0) live_oldest(kind, &value, &len); /* inside of an observer it may be in use */
  destroy(kind, value, len);
}

/* Secrets that a message names by their handles. */
static void keep_secrets(const struct call *call, const uint8_t *at, size_t len) {
  static const uint8_t key[] = {0xa6, 'h', 'a', 'n', 'd', 'l', 'e', 0xcf};
  for (size_t i = 0; i + sizeof key + 8 <= len; i++) {
    if (memcmp(at + i, key, sizeof key) != 0) continue;
    uint64_t id = 0;
    for (size_t k = 0; k < 8; k++) id = id << 8 | at[i + sizeof key + k];
    keep(KIND_SECRET_ID, id, 0, call->function->args[0].kind == KIND_CLIENT_ID ? call->value[0].u64 : 0);
  }
}

static void check_client(plq_client_id client) {
  plq_transports *transports = NULL;
  library.plq_client_transport(client, &transports, NULL);
  if (strcmp(library.plq_transports_text(transports, 0, PLQ_TRANSPORT_NAME, NULL), "stub") != 0) {
    problem("plq_client_new", "the client is not on the stub; no call is made over a network");
    fflush(report);
    exit(1);
  }
  library.plq_transports_free(transports);
}

static void harvest(const struct call *call, bool success) {
  const struct function *function = call->function;
  for (int i = 0; i < function->argc; i++) {
    const struct argument *argument = &function->args[i];
    const struct bytes *memory = &call->memory[i];
    if (memory->at == NULL || (argument->role >= ROLE_OUT_NUMBER && slot_unwritten(memory))) continue;
    if (argument->role == ROLE_OUT_OBJECT) {
      uint64_t value = slot_number(memory);
      size_t len = argument->kind == KIND_REPLY && call->memory[i + 1].at != NULL ? (size_t)slot_number(&call->memory[i + 1]) : 0;
      if (value != 0 && argument->kind == KIND_REPLY) keep_secrets(call, (const uint8_t *)(uintptr_t)value, len);
      keep(argument->kind, value, len, 0);
    } else if (argument->role == ROLE_OUT_HANDLE && success) {
      if (argument->kind == KIND_CLIENT_ID) check_client(slot_number(memory));
      keep(argument->kind, slot_number(memory), 0, 0);
    } else if (argument->role == ROLE_OUT_NUMBER && success && memory->len == 8 && strstr(argument->name, "len") == NULL) {
      remember(argument->name + strlen("out_"), slot_number(memory));
    } else if (argument->role == ROLE_ROOM && success && is(call, "plq_queue_next_message")) {
      keep_secrets(call, memory->at, (size_t)slot_number(&call->memory[i + 2]));
    }
  }
  if (function->result == RESULT_OWNED) keep(function->result_kind, (uintptr_t)call->result.pointer, 0, 0);
  if (function->result == RESULT_BORROWED) keep(function->result_kind, (uintptr_t)call->result.pointer, 0, call->value[0].u64);
  /* Handles end otherwise than by being passed on. Inside of an observer no client and no queue is freed. */
  const struct argument *first = &function->args[0];
  if (function->argc == 0 || first->role != ROLE_HANDLE) return;
  bool freed = function->result == RESULT_VOID && (depth == 0 || first->kind == KIND_CALL_ID);
  bool closed = is(call, "plq_client_close") && (success || (int32_t)call->result.i == PLQ_E_BUSY);
  if (freed || closed || (success && is(call, "plq_secret_claim"))) live_remove(first->kind, call->value[0].u64);
}

/* ---- one call ---- */

/* For whoever reads how it died. */
static void describe(const struct call *call) {
  char *text = sight->text[depth];
  size_t room = sizeof sight->text[0];
  size_t at = (size_t)snprintf(text, room, "%s(", call->function->name);
  for (int i = 0; i < call->function->argc && at < room; i++) {
    const struct argument *argument = &call->function->args[i];
    const struct bytes *memory = &call->memory[i];
    const char *comma = i > 0 ? ", " : "";
    size_t len = memory->len == PLQ_NUL ? memory->at != NULL ? strlen(memory->at) : 0 : memory->len;
    if (argument->passed == FFI_POINTER && call->value[i].pointer == NULL) {
      at += (size_t)snprintf(text + at, room - at, "%s%s NULL", comma, argument->name);
    } else if (argument->role == ROLE_TEXT || argument->role == ROLE_BYTES) {
      at += (size_t)snprintf(text + at, room - at, "%s%s \"", comma, argument->name);
      for (size_t k = 0; k < len && k < 48 && at < room; k++) {
        uint8_t byte = ((const uint8_t *)memory->at)[k];
        at += (size_t)snprintf(text + at, room - at, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
      }
      if (at < room)
        at += (size_t)snprintf(text + at, room - at, "\"%s of %zu bytes", memory->len == PLQ_NUL ? " and a NUL" : "", len);
    } else if (argument->passed == FFI_POINTER) {
      at += (size_t)snprintf(text + at, room - at, "%s%s", comma, argument->name);
    } else if (argument->passed == FFI_I32 || argument->passed == FFI_U32) {
      at += (size_t)snprintf(text + at, room - at, "%s%s 0x%x", comma, argument->name, call->value[i].u32);
    } else {
      at += (size_t)snprintf(text + at, room - at, "%s%s 0x%llx", comma, argument->name, (unsigned long long)call->value[i].u64);
    }
  }
  if (at < room) snprintf(text + at, room - at, ")");
  sight->calls++;
}

static void mark_busy(const struct call *call, bool busy) {
  for (int i = 0; i < call->function->argc; i++)
    if (call->function->args[i].role == ROLE_OBJECT && call->value[i].pointer != NULL) live_busy(call->value[i].u64, busy);
}

static void invoke(struct call *call) {
  struct callee *callee = &callees[index_of(call->function)];
  void *arguments[ARGS_MOST];
  for (int i = 0; i < call->function->argc; i++) arguments[i] = &call->value[i];
  mark_busy(call, true);
  depth++;
  ffi_call(&callee->cif, callee->address, &call->result, arguments);
  depth--;
  mark_busy(call, false);
}

bool run(const struct function *function, const struct plan *plan) {
  struct call call = {.function = function};
  int row = text_row(function->name), column = 0;
  for (int i = 0; i < function->argc; i++) {
    if (plan->mode[i] == FORCED) {
      set(&call.value[i], function->args[i].passed, function->args[i].role == ROLE_LENGTH ? plan->forced_len : plan->forced[i]);
      continue;
    }
    fill(&call, i, plan->mode[i], row, column);
    column += function->args[i].role == ROLE_TEXT;
  }
  make_safe(&call);
  for (int i = 0; i < function->argc; i++) {
    const struct argument *argument = &function->args[i];
    if (argument->role == ROLE_OWNED) live_remove(argument->kind, call.value[i].u64);
    if (argument->role == ROLE_OBJECT && argument->kind == KIND_OPTIONS && strncmp(function->name, "plq_options_", 12) != 0)
      set_options(call.value[i].pointer);
  }
  describe(&call);
  invoke(&call);
  bool success = check(&call);
  struct tally *tally = &tallies[index_of(function)];
  tally->calls++;
  tally->successes += success;
  tally->failures += !success;
  harvest(&call, success);
  for (int i = 0; i < function->argc; i++) free(call.memory[i].block);
  return success;
}

struct plan plan_all(int mode) {
  struct plan plan = {.forced_len = 0};
  for (int i = 0; i < ARGS_MOST; i++) plan.mode[i] = mode;
  return plan;
}

/* ---- so that there is something to be used ---- */

static bool run_good(const char *name) {
  const struct plan plan = plan_all(GOOD);
  return run(function_named(name), &plan);
}

static void make_hanging_queue(void) {
  struct plan plan = plan_all(GOOD);
  plan.mode[0] = FORCED;
  plan.forced[0] = hanging;
  run(function_named("plq_queue_new"), &plan);
}

void prepare(const struct function *function) {
  static const char *const before[][2] = {{"plq_client_new", "plq_options_new"},
                                          {"plq_client_unobserve", "plq_client_observe"},
                                          {"plq_queue_next", "plq_queue_submit"},
                                          {"plq_queue_next_message", "plq_queue_submit_message"},
                                          {"plq_queue_cancel", "plq_queue_submit"},
                                          {"plq_secret_claim", "plq_call_message"},
                                          {"plq_response_take_secret", "plq_call"},
                                          {"plq_secret_read", "plq_call"},
                                          {"plq_secret_read", "plq_response_take_secret"},
                                          {"plq_secret_take", "plq_call"},
                                          {"plq_secret_take", "plq_response_take_secret"},
                                          {"plq_completion_message", "plq_queue_submit"},
                                          {"plq_completion_message", "plq_queue_next"},
                                          {"plq_completion_take_response", "plq_queue_submit"},
                                          {"plq_completion_take_response", "plq_queue_next"}};
  for (size_t i = 0; i < sizeof before / sizeof *before; i++)
    if (strcmp(before[i][0], function->name) == 0) run_good(before[i][1]);
}

/* Each needs those above it. */
static const struct {
  enum kind kind;
  const char *functions[2];
} makers[] = {{KIND_OPTIONS, {"plq_options_new"}},
              {KIND_CLIENT_ID, {"plq_client_new"}},
              {KIND_REQUEST, {"plq_request_new"}},
              {KIND_CALL_ID, {"plq_call_new"}},
              {KIND_QUEUE_ID, {"plq_queue_new"}},
              {KIND_RESPONSE, {"plq_call"}},
              {KIND_SECRET, {"plq_call", "plq_response_take_secret"}},
              {KIND_ATTEMPTS, {"plq_response_attempts"}},
              {KIND_COMPLETION, {"plq_queue_submit", "plq_queue_next"}},
              {KIND_TABLE, {"plq_table_new"}},
              {KIND_TRANSPORTS, {"plq_transports_new"}},
              {KIND_REPLY, {"plq_call_message"}},
              {KIND_SECRET_ID, {"plq_call_message"}}};

static void make_error(void) {
  struct plan plan = plan_all(GOOD);
  plan.mode[0] = TEXT_VARIANTS - 5; /* any words are no operation */
  run(function_named("plq_request_new"), &plan);
}

void renew(void) {
  run_good("plq_options_new"), run_good("plq_client_new"), run_good("plq_request_new"), run_good("plq_call_new"),
      run_good("plq_queue_new");
}

void refill(void) {
  enum { TRIES = 400 };
  for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
    int tries = 0;
    for (; !live_any(makers[i].kind) && tries < TRIES; tries++) {
      if (tries % 4 == 3) renew(); /* what there is may have been spoilt on purpose */
      if (makers[i].kind == KIND_QUEUE_ID && below(2)) make_hanging_queue();
      for (int k = 0; k < 2 && makers[i].functions[k] != NULL; k++) run_good(makers[i].functions[k]);
    }
    if (tries < TRIES) continue;
    problem(makers[i].functions[0], "no call of %d succeeded", TRIES);
    exit(1);
  }
  for (int tries = 0; !live_any(KIND_ERROR) && tries < TRIES; tries++) make_error();
}

/* ---- all of it ---- */

static ffi_type *type_of(enum passed passed) {
  switch (passed) {
    case FFI_VOID:
      return &ffi_type_void;
    case FFI_I32:
      return &ffi_type_sint32;
    case FFI_U32:
      return &ffi_type_uint32;
    case FFI_I64:
      return &ffi_type_sint64;
    case FFI_U64:
      return &ffi_type_uint64;
    case FFI_USIZE:
      return sizeof(size_t) == 8 ? &ffi_type_uint64 : &ffi_type_uint32;
    default:
      return &ffi_type_pointer;
  }
}

static void open_library(const char *path, const char *stub) {
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), *transport = dlopen(stub, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL || transport == NULL) {
    fprintf(report, "%s\n", dlerror());
    exit(1);
  }
  for (int i = 0; i < function_count; i++) {
    struct callee *callee = &callees[i];
    for (int k = 0; k < functions[i].argc; k++) callee->types[k] = type_of(functions[i].args[k].passed);
    void *address = dlsym(handle, functions[i].name);
    if (address == NULL || ffi_prep_cif(&callee->cif, FFI_DEFAULT_ABI, (unsigned)functions[i].argc, type_of(functions[i].passed),
                                        callee->types) != FFI_OK) {
      fprintf(report, "%s cannot be called\n", functions[i].name);
      exit(1);
    }
    memcpy(&callee->address, &address, sizeof address);
  }
#define LOOK_UP(name) memcpy(&library.name, &(void *){dlsym(handle, #name)}, sizeof(void *));
  LIBRARY_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
  memcpy(&library.entry, &(void *){dlsym(transport, "plq_transport_entry_v1")}, sizeof(void *));
}

/* A client of which nothing ever comes back, for calls that stay in flight. */
static void open_hanging(void) {
  static const char unit[] = "{\"hang\": true},";
  enum { HANGS = 400 };
  char script[HANGS * (sizeof unit - 1) + 32] = "[";
  plq_options *options = NULL;
  for (int i = 0; i < HANGS; i++) strcat(script, unit);
  strcpy(script + strlen(script) - 1, "]");
  library.plq_options_new(PLQ_NO_AMBIENT, &options, NULL);
  const char *const values[][2] = {{"transport", "stub"},   {"transport_dir", library.transports},
                                   {"stub.script", script}, {"allow_test_transports", "true"},
                                   {"timeout_ms", "-1"},    {"access_token", "test-key-0000000000000000"},
                                   {"queue_max_calls", "8"}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    library.plq_options_set(options, values[i][0], PLQ_NUL, values[i][1], PLQ_NUL, NULL);
  if (library.plq_client_new(options, &hanging, NULL) != PLQ_OK) problem("plq_client_new", "it cannot be made over the stub");
  library.plq_options_free(options);
}

void calls_open(void) {
  static char stub[TRANSPORTS_LONGEST + 64];
  callees = calloc((size_t)function_count, sizeof *callees);
  tallies = calloc((size_t)function_count, sizeof *tallies);
  if (callees == NULL || tallies == NULL) abort();
  snprintf(stub, sizeof stub, "%s/libplastiq-transport-stub.so", library.transports);
  open_library(getenv("TEST_LIBRARY"), stub);
  open_hanging();
  values_open();
}

void calls_close(void) {
  for (int kind = KINDS - 1; kind > KIND_NONE; kind--) {
    uint64_t value;
    size_t len;
    while (live_oldest((enum kind)kind, &value, &len)) destroy((enum kind)kind, value, len);
  }
  library.plq_client_free(hanging);
  values_close();
  free(callees);
  free(tallies);
}
