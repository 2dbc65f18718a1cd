/* SPDX-License-Identifier: MIT */
/*
 * The stub transport: no network and no waiting. An operation is answered by the next entry of a script, or by the emulator's
 * engine, which runs inside it, or by the next entry of a cassette. Time is virtual: it begins at the host's clock and moves only
 * by what the script or cassette and the caller ask for. The script's format is described in script.c. When it records a
 * cassette, another transport does all of it, and time is real.
 */
#ifndef PLASTIQ_STUB_H
#define PLASTIQ_STUB_H

#include <plastiq/chain.h>
#include <plastiq/transport.h>

#include "cassette.h"
#include "engine.h"
#include "json_input.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define FOREVER INT64_MAX

/* Bytes that grow. After a failure it stays empty-handed: `failed` says so, once, at the end. */
typedef struct buffer {
  const plq_transport_host *host;
  char *data;
  size_t len;
  size_t capacity;
  bool failed;
} buffer;

void buffer_add(buffer *self, const char *data, size_t len);
void buffer_print(buffer *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_clear(buffer *self);

/* How far an attempt gets before its fault. */
typedef enum fault_point {
  FAULT_NONE = -1,
  FAULT_AT_START,
  FAULT_AFTER_CONNECTED,
  FAULT_AFTER_HEAD,
  FAULT_AFTER_BODY
} fault_point;

typedef struct script_fault {
  fault_point after;
  int32_t status;
  int32_t phase;
  int32_t delivery;
  int32_t os_errno;
  uint64_t body_bytes; /* of the body that come before it */
  char message[160];
} script_fault;

/* What an entry says about the connection: masks over the default. */
typedef struct script_connection {
  uint32_t unknown; /* PLQ_FACT_* that are not to be known */
  uint32_t yes;     /* PLQ_FACT_* */
  uint32_t no;      /* PLQ_FACT_* */
  uint32_t tls_version;
} script_connection;

/* One entry of the script: one attempt. */
typedef struct script_entry {
  bool engine; /* the engine answers */
  bool hang;   /* nothing comes: the clock runs to its deadline, or without one it waits for a cancel */
  bool truncated;
  int64_t delay_ns;
  uint32_t http_version;
  bool close;             /* the connection is not used again */
  uint64_t pieces;        /* bytes of the body in each call of on_body; 0: all */
  int64_t piece_delay_ns; /* before each piece but the first */
  buffer head;            /* 1xx heads and the final one, as lines */
  buffer body;
  buffer trailers;
  script_fault fault;
  script_connection connection;
} script_entry;

typedef struct script {
  script_entry *entries;
  size_t count;
  size_t next;
} script;

/* Reads a script. PLQ_OK, PLQ_E_OPTION_VALUE or PLQ_E_MEMORY, with the reason in *error. */
int32_t script_read(const plq_transport_host *host, engine_text text, script *out, plq_transport_error *error);
void script_clear(const plq_transport_host *host, script *self);

/* Writes a head as lines: what HTTP/1 sends, or what a transport makes of HTTP/2. */
void render_status(buffer *out, uint32_t http_version, int status, engine_text reason);
void render_field(buffer *out, engine_text name, engine_text value);
void render_answer(buffer *out, const engine_answer *answer);
/* How many bytes HTTP/1.1 takes for a request. */
uint64_t request_bytes(const plq_transport_request *request);

typedef struct status_name {
  int32_t status;
  int32_t phase; /* where it usually happens */
} status_name;

/* Finds a status that a transport may report, by its name in status.h. */
bool status_find(engine_text name, status_name *out);
/* Finds a phase or delivery by its name; -1: there is none. */
int32_t phase_find(engine_text name);
int32_t delivery_find(engine_text name);

/* What an attempt delivers: from a script's entry, or from the engine. */
typedef struct response {
  engine_text head;
  engine_text body;
  engine_text trailers;
  buffer own_head;      /* for the engine's answer */
  engine_answer answer; /* for the engine's answer */
} response;

typedef enum op_state { OP_QUEUED, OP_RUNNING, OP_WAITING } op_state;

/* An operation that was accepted. */
typedef struct operation {
  struct operation *next;
  plq_transport_instance *instance;
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  op_state state; /* under the lock */
  bool async;
  bool cancelled; /* under the lock */
  bool ended;     /* on_done was called */
  bool connected;
  bool reused;
  bool sent;
  uint64_t number; /* in the order of submission */
  int32_t phase;   /* where it is */
  int32_t delivery;
  int64_t started_ns;
  int64_t wake_ns; /* while waiting: when the response comes; FOREVER: never */
  uint64_t received;
  const script_entry *entry; /* NULL: the engine answers */
  const cassette_entry *recorded;
  response response;
} operation;

typedef struct recorder recorder;

struct plq_transport_instance {
  const plq_transport_host *host;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* an operation was cancelled, or the clock moved */
  int64_t now_ns;
  engine *engine;
  script script;
  uint32_t idle; /* open connections that no operation uses */
  uint32_t busy; /* those that one uses */
  uint32_t max_connections;
  operation *operations;
  uint64_t submitted;
  int event_fd;
  bool woken;
  recorder *recorder; /* another transport carries the requests, and nothing above but host counts */
  bool replaying;
  cassette cassette;
  size_t next_entry;
  cassette_secrets seen; /* of the requests so far */
};

/* connection.c */
void connection_take(operation *op);
/* Gives it back, or closes it. With the lock. */
void connection_end(operation *op, bool keep);
void connection_describe(const operation *op, plq_transport_connection *out);

/* Whether the sink says that its operation was cancelled. */
bool sink_is_cancelled(const plq_transport_sink *sink);

/* operation.c: without the lock, unless said. */
void operation_begin(operation *op, plq_transport_instance *self, const plq_transport_request *request,
                     const plq_transport_sink *sink);
/* Carries it out until it has to wait. True: it has ended. False: call operation_resume when it is due. */
bool operation_start(operation *op);
/* Goes on after the wait. True: it has ended. False: it waits again. */
bool operation_resume(operation *op);
/* Ends it as cancelled, wherever it is. */
void operation_drop(operation *op);
/* When a waiting operation is due: at once if it was cancelled, FOREVER if only a cancel can end it. With the lock. */
int64_t operation_due_ns(const operation *op);

/* For replay.c. Each that ends the operation calls on_done. */
void operation_finish(operation *op, const plq_transport_error *error, const plq_transport_transfer *recorded);
void operation_fail(operation *op, int32_t status, const char *message);
/* The sink asked to stop: the core knows why. Always true. */
bool operation_stopped(operation *op, const char *what);
/* Whether it may go on: not if it was cancelled, or its deadline has passed. Ends it if not. */
bool operation_go_on(operation *op);
/* Makes it wait from when it was submitted, so that operations at the same time wait at the same time. Always false. */
bool operation_wait(operation *op, int64_t delay_ns);
/* Lets time pass inside a response. Ends the operation, and is false, if that is past its deadline. */
bool operation_pause(operation *op, int64_t delay_ns);

/* replay.c */
int32_t replay_open(plq_transport_instance *self, const char *path, plq_transport_error *error);
void replay_close(plq_transport_instance *self);
bool replay_start(operation *op);
bool replay_resume(operation *op);

/* record.c: what the functions of the instance do in its place */
int32_t record_open(plq_transport_instance *instance, const char *path, engine_text over, plq_transport_error *error);
void record_close(recorder *self);
void record_abandon(recorder *self);
int32_t record_perform(recorder *self, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error);
/* False: submit is refused, and the other three are not to be called. */
bool record_is_async(const recorder *self);
int32_t record_submit(recorder *self, const plq_transport_request *request, const plq_transport_sink *sink,
                      plq_transport_error *error);
int32_t record_event_fd(recorder *self);
int32_t record_drive(recorder *self, int64_t until_ns);
void record_wake(recorder *self);
void record_cancel(recorder *self, uint64_t op);
int32_t record_prewarm(recorder *self, const plq_transport_target *target, uint32_t count, int64_t deadline_ns, uint64_t op,
                       const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);
void record_quiesce(recorder *self, int64_t deadline_ns);

int32_t error_set(plq_transport_error *error, int32_t status, int32_t phase, int32_t delivery, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* async.c */
int32_t stub_submit(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error);
int32_t stub_event_fd(plq_transport_instance *self);
int32_t stub_drive(plq_transport_instance *self, int64_t until_ns);
void stub_wake(plq_transport_instance *self);
/* Makes the descriptor readable if drive has something to do. With the lock. */
void async_update(plq_transport_instance *self);

/* instance.c */
int32_t stub_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance);
int32_t stub_perform(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error);
void stub_cancel(plq_transport_instance *self, uint64_t op);
int32_t stub_prewarm(plq_transport_instance *self, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);
void stub_quiesce(plq_transport_instance *self, int64_t deadline_ns);
void stub_destroy(plq_transport_instance *self);
void stub_abandon_after_fork(plq_transport_instance *self);
int64_t stub_now_ns(plq_transport_instance *self);
void stub_sleep_until_ns(plq_transport_instance *self, int64_t until_ns);

#endif
