/* SPDX-License-Identifier: MIT */
/*
 * The openssl transport's own header: HTTP/1.1 over sockets of its own and OpenSSL. One machine serves both halves of the ABI. An
 * operation is a state that is stepped as far as its sockets allow; an engine waits for sockets and steps. A lane is an engine
 * with one operation, for a thread that blocks in perform; the asynchronous half is one engine with many operations and an epoll
 * descriptor.
 *
 *     lane or async  >  operation  >  dial, send, receive  >  conn (one socket, its TLS)  >  wire (the BIO)
 */
#ifndef PLQO_H
#define PLQO_H

#include <openssl/ssl.h>
#include <plastiq/http1.h>
#include <plastiq/transport.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/plqt.h"

typedef struct plqo_instance plqo_instance;
typedef struct plqo_engine plqo_engine;
typedef struct plqo_operation plqo_operation;
typedef struct plqo_conn plqo_conn;

/* ---- options.c ---- */

typedef struct plqo_config {
  int64_t resolve_ns, connect_ns, tls_ns, idle_ns;
  int64_t connection_idle_ns, connection_lifetime_ns;
  int64_t max_connections;
  char *ca_file, *ca_dir, *crl_file, *pins, *resolve;
  char *client_certificate_file, *client_key_file, *client_key_password;
} plqo_config;

extern const plq_transport_option plqo_options[];
extern const size_t plqo_option_count;

int32_t plqo_config_read(plqo_instance *instance, const plq_transport_value *values, size_t count, size_t stride,
                         plq_transport_error *error);
void plqo_config_clear(plqo_instance *instance);

/* ---- target.c: the servers that an instance has talked to. They live as long as it does. ---- */

typedef struct plqo_target {
  struct plqo_target *next;
  plq_transport_target said; /* its texts are the two below */
  bool tls, numeric;
  char *origin, *host;
} plqo_target;

const plqo_target *plqo_target_get(plqo_instance *instance, const plq_transport_target *target);
bool plqo_target_is(const plqo_target *known, const plq_transport_target *target);
void plqo_targets_clear(plqo_instance *instance);

/* ---- context.c: the SSL_CTX, whom it trusts, and the sessions to resume ---- */

#define PLQO_TICKETS 32
typedef struct plqo_ticket {
  SSL_SESSION *session; /* NULL: free */
  const plqo_target *target;
  int64_t until_ns;
} plqo_ticket;

bool plqo_context_setup(void);
int32_t plqo_context_create(plqo_instance *instance, plq_transport_error *error);
void plqo_context_clear(plqo_instance *instance);
/* A session for the target, or NULL [owned]. A TLS 1.3 ticket is given once. */
SSL_SESSION *plqo_session_take(plqo_instance *instance, const plqo_target *target, int64_t now);

/* ---- conn.c, wire.c, facts.c ---- */

/* What became of an attempt to move bytes. */
typedef enum plqo_result {
  PLQO_DONE,
  PLQO_WAIT,
  PLQO_CLOSED, /* close_notify, or FIN on a plain connection */
  PLQO_CUT,    /* FIN without close_notify */
  PLQO_RESET,  /* by the system: io_errno says how */
  PLQO_BROKEN, /* by TLS: tls_error says how */
} plqo_result;

struct plqo_conn {
  plqo_conn *next, *previous; /* in the engine's list of idle ones, or of those to be freed */
  plqo_instance *instance;
  plqo_engine *engine;
  plqo_operation *op; /* that uses it, or NULL */
  const plqo_target *target;
  int fd;
  SSL *ssl;                         /* NULL: plain, or not connected yet */
  bool may_read, may_write, ending; /* what the last look at the socket said; ending: its end was seen */
  bool eof, fatal;
  int io_errno;
  unsigned long tls_error;
  int verify_error;
  bool certificate_seen;
  bool used; /* it was kept before, after a request or a prewarm */
  int64_t opened_ns, idle_until_ns;
  plq_transport_connection facts;
  char detail[128];
  void *parser;
};

plqo_conn *plqo_conn_open(plqo_engine *engine, plqo_operation *op, const plqt_address *address, int64_t now, int *out_errno);
/* For a socket that became writable: PLQO_DONE, PLQO_WAIT, or PLQO_RESET with io_errno. */
plqo_result plqo_conn_connected(plqo_conn *conn);
/* Puts TLS and a parser on it. */
bool plqo_conn_secure(plqo_conn *conn, int64_t now);
plqo_result plqo_conn_handshake(plqo_conn *conn);
plqo_result plqo_conn_write(plqo_conn *conn, const char *data, size_t len, size_t *out_written);
plqo_result plqo_conn_read(plqo_conn *conn, uint8_t *buffer, size_t size, size_t *out_got);
/* Open, and nothing came that was not asked for. */
bool plqo_conn_is_quiet(plqo_conn *conn);
/* Says goodbye if that makes sense, closes, and frees at the end of the engine's round. */
void plqo_conn_close(plqo_conn *conn);
void plqo_conn_free(plqo_conn *conn);

bool plqo_wire_setup(void);
bool plqo_wire_attach(plqo_conn *conn);

/* After the handshake: PLQ_OK, or why the server is not the right one. */
int32_t plqo_facts_gather(plqo_conn *conn);
void plqo_facts_peer(plqo_conn *conn, const plqt_address *address);

/* ---- engine.c ---- */

struct plqo_engine {
  plqo_instance *instance;
  int epoll_fd; /* -1 for a lane */
  plqo_operation *active;
  plqo_operation *over;
  plqo_operation *waiting_first, *waiting_last; /* for a connection: no more may be opened */
  plqo_conn *idle;                              /* the one used last comes first */
  plqo_conn *closed;                            /* to be freed */
  atomic_uint conn_count;                       /* open or being opened, for operations of this engine */
  atomic_uint idle_count;
  uint32_t conn_max;
  plqt_timers timers; /* of the asynchronous half: when operations are to be stepped, whatever their sockets say */
  int64_t looked_ns;  /* when all that epoll_fd has to tell was taken in, or 0 */
};

void plqo_engine_init(plqo_engine *engine, plqo_instance *instance, int epoll_fd, uint32_t conn_max);
/* Closes idle connections. */
void plqo_engine_clear(plqo_engine *engine);
bool plqo_engine_watch(plqo_engine *engine, plqo_conn *conn);
void plqo_engine_watch_lookup(plqo_engine *engine, int fd);
/* An idle connection that can take a request, or NULL. */
plqo_conn *plqo_engine_take(plqo_engine *engine, const plqo_target *target, int64_t now);
/* Keeps a connection for the next request, if it may have one. */
void plqo_engine_keep(plqo_engine *engine, plqo_conn *conn, int64_t now);
void plqo_engine_drop_idle(plqo_engine *engine, plqo_conn *conn);
/* Frees what was closed: not while an event may still name it. */
void plqo_engine_bury(plqo_engine *engine);
void plqo_list_add(plqo_operation **list, plqo_operation *op);
void plqo_list_remove(plqo_operation **list, plqo_operation *op);

/* ---- operation.c, dial.c, send.c, receive.c ---- */

#define PLQO_RACERS 8
#define PLQO_RACE_NS (INT64_C(250) * PLQT_MS) /* RFC 8305 section 5 */

typedef enum plqo_state {
  PLQO_IDLE,
  PLQO_QUEUED, /* waiting for a connection to become free */
  PLQO_RESOLVING,
  PLQO_CONNECTING,
  PLQO_SECURING,
  PLQO_SENDING,
  PLQO_RECEIVING,
  PLQO_OVER
} plqo_state;

/* Opening a connection: which addresses are left, and who races. */
typedef struct plqo_dial {
  plqt_lookup *lookup;
  plqt_addresses addresses;
  size_t next_address;
  plqo_conn *racers[PLQO_RACERS];
  size_t racer_count;
  int64_t next_ns; /* when the next one starts */
  int last_errno;
} plqo_dial;

struct plqo_operation {
  plqt_entry entry; /* first; of the asynchronous half */
  plqt_timer timer;
  plqo_operation *next, *previous;
  plqo_operation *waiting_next, *waiting_previous;
  plqo_instance *instance;
  plqo_engine *engine;
  const atomic_bool *cancelled; /* the entry's, the lane's, or the prewarm's */
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  const plqo_target *target;
  plqo_state state;
  bool prewarm;
  bool reused; /* the connection had served before */
  bool handed; /* a byte of the request went to the connection: from here on it is MAYBE_SENT */
  bool sent;   /* all of it */
  bool write_failed;
  plqo_conn *conn;
  plqo_dial dial;
  plq_http1_progress progress;
  char *out; /* the request's bytes; wiped as soon as they are written */
  size_t out_len, out_at, out_capacity;

  int32_t status, phase; /* the verdict, once it is over */
  int os_errno;
  int64_t plugin_code;
  char detail[192];
  int64_t submitted_ns, resolve_at, connect_at, tls_at, ready_at, sent_at, first_at, active_at;
  int64_t resolve_took_ns;
};

void plqo_operation_init(plqo_operation *op, plqo_instance *instance, const atomic_bool *cancelled);
void plqo_operation_clear(plqo_operation *op);
/* Sets an operation going. It may be over at once. */
void plqo_operation_begin(plqo_operation *op, plqo_engine *engine, const plq_transport_request *request,
                          const plq_transport_sink *sink, bool prewarm, int64_t submitted_ns, int64_t now);
void plqo_operation_step(plqo_operation *op, int64_t now);
/* Takes a free connection, or opens one, or queues. */
void plqo_operation_find_conn(plqo_operation *op, int64_t now);
/* Ends it: the connection is closed unless the verdict is PLQ_OK. */
void plqo_operation_end(plqo_operation *op, int32_t status, int32_t phase, const char *why);
/* The request may leave, or for prewarm the connection be kept. */
void plqo_operation_ready(plqo_operation *op, int64_t now);
int32_t plqo_operation_phase(const plqo_operation *op);
/* When it is next to be stepped, whatever its sockets say; *out_status: what has happened if it is a limit. */
int64_t plqo_operation_next(const plqo_operation *op, int32_t *out_status);
/* Calls on_done; the operation may be used again before that call. */
void plqo_operation_report(plqo_operation *op, int64_t now);

void plqo_dial_begin(plqo_operation *op, int64_t now);
void plqo_dial_step(plqo_operation *op, int64_t now);
void plqo_dial_stop(plqo_operation *op, int64_t now);

bool plqo_request_write(plqo_operation *op);
void plqo_request_forget(plqo_operation *op);
/* True: something was done, and there may be more. */
bool plqo_send_step(plqo_operation *op, int64_t now);
bool plqo_receive_step(plqo_operation *op, int64_t now);

/* ---- errors.c: verdicts ---- */

void plqo_fail_connect(plqo_operation *op, int os_errno);
void plqo_fail_handshake(plqo_operation *op, plqo_result result);
/* The connection ended or broke while the request was on its way. */
void plqo_fail_io(plqo_operation *op, plqo_result result, int32_t truncated);
void plqo_transfer_fill(const plqo_operation *op, int64_t now, plq_transport_transfer *out);

/* ---- lane.c ---- */

typedef struct plqo_lane {
  plqt_slot slot; /* first */
  int wake_fd;
  plqo_engine engine;
  plqo_operation operation;
} plqo_lane;

void plqo_lanes_setup(plqo_instance *instance);
int32_t plqo_perform(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error);
int32_t plqo_prewarm(plq_transport_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);

/* ---- async.c ---- */

int32_t plqo_submit(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error);
int32_t plqo_event_fd(plq_transport_instance *instance);
int32_t plqo_drive(plq_transport_instance *instance, int64_t until_ns);
void plqo_wake(plq_transport_instance *instance);
void plqo_async_clear(plqo_instance *instance);
/* The instance was driven, or is about to be: connections are opened for that half. */
bool plqo_async_is_used(const plqo_instance *instance);
int32_t plqo_async_prewarm(plqo_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                           uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);

/* ---- instance.c ---- */

struct plqo_instance {
  const plq_transport_host *host;
  const plq_http1 *http1;
  plqo_config config;
  plqt_fds fds;
  pid_t owner; /* the process that may say goodbye on its connections */
  plqt_resolver *resolver;
  SSL_CTX *context;

  pthread_mutex_t lock; /* of targets and tickets */
  plqo_target *targets;
  plqo_ticket tickets[PLQO_TICKETS];

  plqt_pool pool;
  plqt_inbox inbox;
  plqo_engine async;         /* without epoll_fd until it is used */
  const plqt_entry *warming; /* of a prewarm that the asynchronous half carries out */
  plqo_operation *spare;
  uint32_t spare_count;
};

void *plqo_alloc(plqo_instance *instance, size_t size);
void plqo_free(plqo_instance *instance, void *block);
int64_t plqo_now(const plqo_instance *instance);
int32_t plqo_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance);
extern const plq_transport_functions plqo_functions;

#endif
