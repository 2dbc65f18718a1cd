/* SPDX-License-Identifier: MIT */
/*
 * The curl transport's own header. One machine serves both halves of the ABI: an operation is an easy handle with callbacks, and
 * an engine drives a multi handle by curl_multi_socket_action. A lane is an engine with one operation for a thread that blocks in
 * perform; the asynchronous half is one engine with many operations and an epoll descriptor, and calls that wait for one of them.
 */
#ifndef PLQC_H
#define PLQC_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <plastiq/transport.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/plqt.h"

typedef struct plqc_instance plqc_instance;
typedef struct plqc_engine plqc_engine;
typedef struct plqc_operation plqc_operation;
typedef struct plqc_call plqc_call;

/* ---- wakeup.c ---- */

void plqc_search_begin(void);
void plqc_search_end(void);
void plqc_find_wakeup_pair(CURLM *multi, int near, int out_pair[2]);

/* ---- options.c ---- */

typedef struct plqc_config {
  int64_t resolve_ns, connect_ns, tls_ns, idle_ns;
  int64_t connection_idle_ms, connection_lifetime_ms;
  int64_t max_connections;
  int http; /* 0: auto, 11, 20 */
  char *ca_file, *ca_dir, *crl_file, *pins, *resolve, *http_version;
  char *client_certificate_file, *client_key_file, *client_key_password;
  char *proxy, *proxy_user, *proxy_password, *proxy_host;
  uint32_t proxy_port;
  bool proxy_tls;
} plqc_config;

extern const plq_transport_option plqc_options[];
extern const size_t plqc_option_count;

int32_t plqc_config_read(plqc_instance *instance, const plq_transport_value *values, size_t count, size_t stride,
                         plq_transport_error *error);
void plqc_config_clear(plqc_instance *instance);

/* ---- engine.c ---- */

#define PLQC_LOOKUP_EVENT (UINT64_C(1) << 40) /* in an epoll event, in place of a descriptor */

/* One that was used at least once, or opened ahead of use; of the asynchronous half. */
typedef struct plqc_connection {
  struct plqc_connection *next, *previous;
  int fd; /* -1: closed, and the last stream frees it */
  int local_port;
  bool two; /* HTTP/2 */
  atomic_uint streams;
  uint64_t origin; /* a hash: for counting only */
  int64_t idle_ns; /* since when there are no streams */
} plqc_connection;

struct plqc_engine {
  plqc_instance *instance;
  CURLM *multi;
  int wake_fd;  /* a lane's own, or the inbox's */
  int epoll_fd; /* -1 for a lane, else the inbox's */
  int pair[2];  /* libcurl's own wake-up sockets */
  struct pollfd *polls;
  size_t poll_count, poll_capacity;
  int64_t timer_at;       /* when libcurl wants to be called */
  plqt_timers timers;     /* when operations are to be looked at: no limit is earlier */
  bool look;              /* at every operation: one was cancelled, or a look-up is over */
  plqc_operation *active; /* in libcurl or waiting for a look-up */
  plqc_operation *over;   /* waiting for their report */
  plqc_operation *unsent; /* accepted, and not yet known to be written */
  uint64_t accepted_count, ended_count;
  uint64_t runs; /* of libcurl */
  atomic_int connection_fd; /* a lane's connection, or -1 */
};

int32_t plqc_engine_init(plqc_engine *engine, plqc_instance *instance, bool async, int *out_errno);
void plqc_engine_clear(plqc_engine *engine);
/* Lets libcurl see a descriptor that is ready, or with CURL_SOCKET_TIMEOUT that time went by; then takes in what ended. */
void plqc_engine_socket(plqc_engine *engine, curl_socket_t fd, int mask);
/* Does everything that is due: libcurl's timer, cancellations, look-ups, limits. */
void plqc_engine_turn(plqc_engine *engine, int64_t now);
int64_t plqc_engine_next(const plqc_engine *engine);
/* The operation is to be looked at by then. */
void plqc_engine_limit(plqc_operation *op, int64_t at);
bool plqc_engine_poll_add(plqc_engine *engine, int fd, short events);
void plqc_engine_poll_remove(plqc_engine *engine, int fd);
int plqc_poll_mask(int events);

/* ---- connections.c ---- */

void plqc_connections_count(plqc_instance *instance, uint32_t *out_open, uint32_t *out_busy);

/* NULL without memory: then it is not counted. */
plqc_connection *plqc_connection_add(plqc_operation *op, int fd, int local_port, bool two);
plqc_connection *plqc_connection_find(const plqc_instance *instance, int local_port);
void plqc_connection_closed(plqc_instance *instance, int fd);
/* The operation uses it, until it is over. */
void plqc_connection_take(plqc_operation *op);
void plqc_connection_leave(plqc_operation *op);
/* Idle, young enough, and open. */
bool plqc_connection_is_warm(const plqc_instance *instance, const plqc_connection *connection, uint64_t origin, int64_t now);
uint64_t plqc_origin_hash(const plq_transport_target *target);

/* ---- operation.c, easy.c, request.c, response.c, limits.c ---- */

#define PLQC_OPENED_MAX 8
typedef enum plqc_state { PLQC_IDLE, PLQC_RUNNING, PLQC_RESOLVING, PLQC_OVER } plqc_state;
typedef enum plqc_framing { PLQC_FRAMING_NONE, PLQC_FRAMING_LENGTH, PLQC_FRAMING_CHUNKED, PLQC_FRAMING_STREAM } plqc_framing;

/* Where a response is, as far as its framing needs. */
typedef struct plqc_response {
  bool head_begun, head_done, chunked, has_length;
  int status;
  int version; /* 10, 11, 20 */
  plqc_framing framing;
  uint64_t length, body, bytes;
} plqc_response;

struct plqc_operation {
  plqc_call *call; /* of the asynchronous half */
  plqt_timer timer;
  plqc_operation *next, *previous; /* in the engine's or instance's list that its state says */
  plqc_operation *unsent_next, *unsent_previous;
  plqc_connection *connection; /* that it uses; of the asynchronous half */
  plqc_engine *engine;
  plqc_instance *instance;
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  const atomic_bool *cancelled; /* the call's, the lane's, or the prewarm's */
  plqc_state state;
  bool prewarm;
  bool want_fresh; /* a new connection */
  bool unsent;     /* is in the engine's list */

  CURL *easy;
  int64_t easy_born_ns;
  CURLU *url_parsed;
  char *url; /* that the easy handle is set to */
  size_t url_len, origin_len;
  const char *host; /* NUL-terminated: what a look-up is for */
  uint32_t port;
  char *host_text;
  bool tls, numeric;
  char method[16];          /* that the easy handle is set to; "" if not */
  bool method_body;         /* .. with a body */
  bool forbid_reuse, fresh; /* are set on the easy handle */
  char *scratch;            /* the request's header lines */
  size_t scratch_len, scratch_capacity;
  struct curl_slist *lines;
  size_t line_capacity;
  struct curl_slist resolve;
  char *resolve_text;
  plqt_lookup *lookup;

  bool accepted; /* on_connected agreed: from here on it is MAYBE_SENT */
  bool refused;  /* a sink said no */
  bool resent;   /* libcurl set out to send again .. */
  bool alone;    /* .. and nobody else can have used the connection meanwhile */
  uint64_t accepted_number;
  bool want_lookup;  /* libcurl wants a name resolved */
  bool stale;        /* the kept-alive connection has bytes or its end waiting: another one is needed */
  bool first_reused; /* the accepted connection had been used before */
  bool sent;         /* the request was written */
  int attempts;      /* restarts for look-ups and stale connections */
  int connected_version;
  int32_t verdict; /* our own reason to stop, or 0 */
  int32_t verdict_phase;
  int opened[PLQC_OPENED_MAX]; /* sockets that this operation opened, newest first */
  int open_errno;
  int verify_error;
  bool certificate_seen;
  int64_t plugin_code;
  CURLcode code;
  curl_off_t uploaded;
  int64_t submitted_ns, started_ns, lookup_ns, connect_ns, proxy_ns, tls_ns, connected_ns, sent_ns, first_ns, active_ns;
  int64_t resolve_took_ns;
  plqc_response response;
  char detail[160];
  char text[CURL_ERROR_SIZE];
};

/* A new easy handle for the operation, with all that does not depend on the request. */
bool plqc_easy_new(plqc_operation *op, int64_t now);
bool plqc_never_reuse(const plqc_operation *op);

bool plqc_operation_init(plqc_operation *op, plqc_instance *instance, const atomic_bool *cancelled);
void plqc_operation_clear(plqc_operation *op);
void plqc_operation_reset(plqc_operation *op, const plq_transport_request *request, const plq_transport_sink *sink, int64_t now);
void plqc_operation_begin(plqc_operation *op, plqc_engine *engine, int64_t now);
/* What libcurl says has ended; may begin it anew for a look-up or on another connection. */
void plqc_operation_ended(plqc_operation *op, CURLcode code);
void plqc_operation_resent(plqc_operation *op);
void plqc_operation_tick(plqc_operation *op, int64_t now);
void plqc_operation_stop(plqc_operation *op, int32_t status, int32_t phase);
/* Calls on_done; the operation may be used again before that call. */
void plqc_operation_report(plqc_operation *op, int64_t now);

bool plqc_request_set_url(plqc_operation *op);
bool plqc_request_set(plqc_operation *op);
void plqc_request_forget(plqc_operation *op);

size_t plqc_on_header(char *data, size_t size, size_t count, void *context);
size_t plqc_on_body(char *data, size_t size, size_t count, void *context);

int32_t plqc_phase(const plqc_operation *op);
/* The next point in time at which the operation is over for some reason, and that reason. */
int64_t plqc_limit(plqc_operation *op, int64_t now, int32_t *out_status);
/* Looks how much of the requests under way is written. */
void plqc_look_at_unsent(plqc_engine *engine);
void plqc_note_unsent(plqc_operation *op);
void plqc_forget_unsent(plqc_operation *op);
void plqc_transfer_fill(const plqc_operation *op, int64_t now, plq_transport_transfer *out);

/* ---- errors.c ---- */

/* False: the operation succeeded. */
bool plqc_error_of(plqc_operation *op, plq_transport_error *error);

/* ---- trust.c, facts.c, quiet.c ---- */

bool plqc_trust_setup(void);
int32_t plqc_trust_create(plqc_instance *instance, plq_transport_error *error);
void plqc_trust_clear(plqc_instance *instance);
CURLcode plqc_on_ssl_ctx(CURL *easy, void *ctx, void *context);
bool plqc_facts_setup(void);
int plqc_on_prereq(void *context, char *peer, char *local, int peer_port, int local_port);
bool plqc_quiet_setup(void);
bool plqc_connection_is_quiet(SSL *ssl, int fd);

/* ---- lane.c ---- */

typedef struct plqc_lane {
  plqt_slot slot; /* first */
  plqc_engine engine;
  plqc_operation operation;
} plqc_lane;

void plqc_lanes_setup(plqc_instance *instance);

/* ---- async.c ---- */

/*
 * What was submitted. libcurl looks at each of its handles again and again while they wait for a connection, and each takes tens
 * of KiB: so a call has none before libcurl can do something with it.
 */
struct plqc_call {
  plqt_entry entry; /* first */
  plqt_timer timer; /* while it waits */
  plqc_call *next, *previous;
  plqc_operation *op; /* NULL: it waits */
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  int64_t submitted_ns;
};

/* The instance was driven, or is about to be: connections are opened for that half. */
bool plqc_async_is_used(const plqc_instance *instance);
int32_t plqc_async_prewarm(plqc_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                           uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);

/* ---- instance.c ---- */

struct plqc_instance {
  const plq_transport_host *host;
  plqc_config config;
  plqt_fds fds;
  plqt_resolver *resolver;
  X509_STORE *trust;
  SSL_CTX *identity; /* holds the client certificate */
  char alpn_only[4];

  plqt_pool pool;

  pthread_mutex_t connections_lock; /* of the list: others may count */
  plqc_connection *connections;     /* of the asynchronous half */
  uint32_t open_count, two_count;   /* of them; of HTTP/2 */

  plqt_inbox inbox;
  plqc_engine async;
  bool async_ready;
  plqc_call *waiting, *waiting_last; /* for libcurl to take more */
  plqt_timers waiting_timers;
  uint32_t running;              /* operations that libcurl has, or that wait for a look-up or their report */
  int64_t again_at, again_ns; /* when streams of HTTP/2 are looked at that are quiet */
  const plqc_operation *growing; /* opens one more connection, because the streams of the others are taken; or NULL */
  const plqt_entry *warming;     /* of a prewarm that the asynchronous half carries out */
  plqc_operation *spare;
  plqc_call *spare_calls;
  uint32_t spare_count, spare_call_count;
};

void *plqc_alloc(plqc_instance *instance, size_t size);
void plqc_free(plqc_instance *instance, void *block);
char *plqc_copy(plqc_instance *instance, const char *text, size_t len);
int64_t plqc_now(const plqc_instance *instance);
void plqc_list_add(plqc_operation **list, plqc_operation *op);
void plqc_list_remove(plqc_operation **list, plqc_operation *op);
bool plqc_request_valid(const plq_transport_request *request, const plq_transport_sink *sink, plq_transport_error *error);

int32_t plqc_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance);
void plqc_cancel(plq_transport_instance *instance, uint64_t op);
void plqc_quiesce(plq_transport_instance *instance, int64_t deadline_ns);
void plqc_destroy(plq_transport_instance *instance);
void plqc_abandon_after_fork(plq_transport_instance *instance);
int32_t plqc_perform(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error);
int32_t plqc_prewarm(plq_transport_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);
int32_t plqc_submit(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error);
int32_t plqc_event_fd(plq_transport_instance *instance);
int32_t plqc_drive(plq_transport_instance *instance, int64_t until_ns);
void plqc_wake(plq_transport_instance *instance);
void plqc_async_clear(plqc_instance *instance);

#endif
