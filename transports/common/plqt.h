/* SPDX-License-Identifier: MIT */
/*
 * What transports that open TLS connections have in common, whatever carries HTTP: options, trust, name look-ups, descriptors for
 * the forked child, a pool of slots for blocking calls, the inbox of the asynchronous half. Linked into each of them.
 */
#ifndef PLQT_H
#define PLQT_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <plastiq/transport.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PLQT_NEVER INT64_MAX
#define PLQT_MS INT64_C(1000000)

/* A field of a struct that came over the boundary exists only if it lies inside struct_size. */
#define PLQT_HAS(object, field) ((object)->struct_size >= offsetof(__typeof__(*(object)), field) + sizeof((object)->field))

/* ---- error.c ---- */

void plqt_error_set(plq_transport_error *error, int32_t status, int32_t phase, int32_t delivery, int os_errno,
                    int64_t plugin_code, const char *format, ...) __attribute__((format(printf, 7, 8)));
/* What can be said of a request before there is a connection; false: *error says why it cannot be accepted. */
bool plqt_request_valid(const plq_transport_request *request, const plq_transport_sink *sink, plq_transport_error *error);
/* The statuses of a descriptor that could not be had, of a failed connect() or socket(), of a verification or a handshake that
 * failed. */
int32_t plqt_status_of_lack(int os_errno);
int32_t plqt_status_of_connect(int os_errno);
int32_t plqt_status_of_verify(int x509_error);
/* reason: ERR_GET_REASON of an error of ERR_LIB_SSL. certificate_seen: the server had chosen its parameters before. */
int32_t plqt_status_of_tls(int reason, bool certificate_seen);
/* What a status means where no library has words for it, or NULL. */
const char *plqt_explain(int32_t status);

/* ---- fds.c: every descriptor that an instance has open, for abandon_after_fork ---- */

#define PLQT_FD_BLOCK 64
typedef struct plqt_fds {
  _Atomic(struct plqt_fds *) next;
  atomic_int slots[PLQT_FD_BLOCK]; /* -1: free, -2: being filled */
  uint64_t inodes[PLQT_FD_BLOCK];
} plqt_fds;

void plqt_fds_init(plqt_fds *fds);
void plqt_fds_clear(plqt_fds *fds);
bool plqt_fds_add(plqt_fds *fds, int fd);
void plqt_fds_remove(plqt_fds *fds, int fd);
/* Removes and closes. */
int plqt_fds_close(plqt_fds *fds, int fd);
void plqt_fds_close_all(plqt_fds *fds);
/* The peer has not ended the connection, whatever bytes it sent before. [any thread, while nobody closes it] */
bool plqt_socket_is_open(int fd);

/* ---- options.c ---- */

/* Where the value of an option goes: a char * (owned, NULL if the text is empty, wiped by clear), or an int64_t of number * unit.
 */
typedef struct plqt_binding {
  const char *key;
  size_t offset;
  int64_t unit; /* 0: text */
  int64_t fallback;
} plqt_binding;

int32_t plqt_options_read(const plq_transport_host *host, void *config, const plqt_binding *bindings, size_t binding_count,
                          const plq_transport_value *values, size_t count, size_t stride, plq_transport_error *error);
void plqt_options_clear(const plq_transport_host *host, void *config, const plqt_binding *bindings, size_t binding_count);
/* Checks "sha256//BASE64,.." and takes out its spaces. */
int32_t plqt_pins_check(char *pins, plq_transport_error *error);

/* ---- resolve.c: name look-ups on threads of our own ---- */

#define PLQT_ABANDONED_MAX 4
#define PLQT_CACHE_NS (INT64_C(60000) * PLQT_MS)
#define PLQT_ADDRESSES_MAX 16

typedef struct plqt_address {
  socklen_t len;
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } at; /* with the port filled in */
} plqt_address;

typedef struct plqt_addresses {
  size_t count;
  plqt_address rows[PLQT_ADDRESSES_MAX];
} plqt_addresses;

typedef struct plqt_resolver plqt_resolver;
typedef struct plqt_lookup plqt_lookup;

plqt_resolver *plqt_resolver_new(plqt_fds *fds);
void plqt_resolver_release(plqt_resolver *resolver);
/* The option resolve: "host:port:address,..". Before the first look-up. */
int32_t plqt_resolver_preset(plqt_resolver *resolver, const char *list, plq_transport_error *error);
/* A preset, or a look-up that is less than a minute old. */
bool plqt_resolver_cached(plqt_resolver *resolver, const char *host, uint32_t port, int64_t now, plqt_addresses *out);
/* Reads a numeric address; false: it is none. */
bool plqt_address_read(const char *text, uint32_t port, plqt_address *out);
/* Writes one without its port. */
void plqt_address_write(const plqt_address *address, char *out, size_t size);
/* Joins a look-up under way or starts one. NULL: *out_status says why. */
plqt_lookup *plqt_lookup_start(plqt_resolver *resolver, const char *host, uint32_t port, int32_t *out_status, int *out_errno);
/* Readable once it is over. */
int plqt_lookup_fd(const plqt_lookup *lookup);
/* False while it runs; then *out_status, and with PLQ_OK the addresses. */
bool plqt_lookup_result(plqt_resolver *resolver, plqt_lookup *lookup, plqt_addresses *out, int32_t *out_status, int *out_errno,
                        int *out_code);
void plqt_lookup_leave(plqt_resolver *resolver, plqt_lookup *lookup);

/* ---- trust.c: whom to trust, and who we are ---- */

/* For the entry function: that OpenSSL is the one that the plugin was built with, in version and place. */
int32_t plqt_tls_check(plq_transport_error *error);
/* Before anything else of OpenSSL. */
bool plqt_tls_setup(void);

/* Loads what verification goes by into a store. Any of the paths may be NULL. */
int32_t plqt_trust_load(X509_STORE *store, const char *ca_file, const char *ca_dir, const char *crl_file,
                        plq_transport_error *error);
/* key_file NULL: the key is in certificate_file. */
int32_t plqt_identity_load(SSL_CTX *ctx, const char *certificate_file, const char *key_file, char *password,
                           plq_transport_error *error);
/* By RFC 9525: names of the subject do not count. host is the target's, NUL-terminated. */
bool plqt_names_host(X509 *leaf, const plq_transport_target *target, const char *host);
bool plqt_spki_sha256(X509 *leaf, uint8_t out[32]);
/* For X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID: "not valid after <time>; local_time <time>". */
void plqt_describe_time(X509 *certificate, int x509_error, char *out, size_t size);

/* ---- pool.c: slots for blocking calls, each with at most one connection ---- */

typedef struct plqt_slot {
  struct plqt_slot *next, *previous; /* in the list of idle or busy ones */
  uint64_t id;                       /* of the operation that has it, or 0 */
  atomic_bool cancelled;
  int64_t used_ns;
} plqt_slot;

typedef struct plqt_waiter plqt_waiter;

typedef struct plqt_pool {
  void *owner;
  /* Makes a slot, without a connection; NULL and *out_status. */
  plqt_slot *(*make)(void *owner, int32_t *out_status, int *out_errno);
  /* Closes its connection and frees it. */
  void (*drop)(plqt_slot *slot);
  /* The thread that works on it is to look at `cancelled`. */
  void (*wake)(plqt_slot *slot);
  /* Whether a connection to the target (NULL: to any) is open, and young enough to be used; of a busy slot: whether one is open
   * at all. */
  bool (*is_open)(const plqt_slot *slot, const plq_transport_target *target, bool busy);
  uint32_t max;
  int64_t idle_ns; /* slots that were idle for longer are dropped, but for the one used last */

  pthread_mutex_t lock;
  pthread_cond_t freed;
  plqt_slot *idle_first, *idle_last; /* the one used last comes first */
  plqt_slot *busy;
  uint32_t count;
  plqt_waiter *waiting;
} plqt_pool;

void plqt_pool_init(plqt_pool *pool);
/* Every slot is idle, or will never be used again. */
void plqt_pool_clear(plqt_pool *pool);
void plqt_pool_free(plqt_pool *pool);
/* Gives a slot marked with the operation's id, or NULL and *out_status; waits for one if it must. */
plqt_slot *plqt_pool_take(plqt_pool *pool, uint64_t id, const plq_transport_sink *sink, int64_t deadline_ns, int64_t now,
                          int32_t *out_status, int *out_errno);
/* One without a connection to the target; does not wait. */
plqt_slot *plqt_pool_try(plqt_pool *pool, uint64_t id, const plq_transport_target *target, int32_t *out_status, int *out_errno);
void plqt_pool_give_back(plqt_pool *pool, plqt_slot *slot);
uint32_t plqt_pool_count_open(plqt_pool *pool, const plq_transport_target *target);
/* For the extension plastiq.connections/1. */
void plqt_pool_count(plqt_pool *pool, uint32_t *out_open, uint32_t *out_busy);
void plqt_pool_cancel(plqt_pool *pool, uint64_t id);
bool plqt_is_cancelled(const plq_transport_sink *sink);

/* What prewarm does with the slots of a pool. */
typedef struct plqt_warming {
  plqt_pool *pool;
  const plq_transport_host *host;
  /* Begins to open a connection and nothing else; `sink` has a working on_done. */
  void (*begin)(plqt_slot *slot, const plq_transport_request *request, const plq_transport_sink *sink, int64_t now);
  /* Waits until one of the slots has something to do, and does it. */
  void (*step)(plqt_slot *const *slots, size_t count);
  /* Reports to the sink if it is over. */
  bool (*finish)(plqt_slot *slot, int64_t now);
} plqt_warming;

/* The function prewarm of a transport. */
int32_t plqt_prewarm(const plqt_warming *warming, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);

/* on_done for a request that got no slot. */
void plqt_report_no_slot(const plq_transport_host *host, const plq_transport_sink *sink, int64_t began, int32_t status,
                         int os_errno);

/* ---- timers.c: when each operation of an engine is to be looked at ---- */

typedef struct plqt_timer {
  struct plqt_timer *child, *next, *previous;
  int64_t at; /* PLQT_NEVER: it does not run */
} plqt_timer;

typedef struct plqt_timers {
  plqt_timer *first; /* to ring */
} plqt_timers;

void plqt_timer_init(plqt_timer *timer);
/* Rings by then, or earlier if it would have. */
void plqt_timer_limit(plqt_timers *timers, plqt_timer *timer, int64_t at);
void plqt_timer_stop(plqt_timers *timers, plqt_timer *timer);
/* When the first one rings, or PLQT_NEVER. */
int64_t plqt_timers_next(const plqt_timers *timers);
/* One that is due, stopped, or NULL. */
plqt_timer *plqt_timers_take(plqt_timers *timers, int64_t now);

/* ---- inbox.c: what the asynchronous half accepted, and the descriptor that it is driven by ---- */

typedef struct plqt_entry {
  struct plqt_entry *next;                                /* submitted, not taken */
  struct plqt_entry *known_next;                          /* with the same hash: submitted, not over */
  struct plqt_entry *cancelled_next, *cancelled_previous; /* cancelled, not taken */
  uint64_t id;
  atomic_bool cancelled;
  bool listed; /* in the list of cancelled ones */
} plqt_entry;

#define PLQT_BUCKETS 64 /* to begin with */

typedef struct plqt_inbox {
  plqt_fds *fds;
  int epoll_fd, wake_fd, timer_fd; /* the last two are in epoll_fd, edge-triggered, with themselves as data.u64 */
  int64_t armed_at;                /* what timer_fd is set to */
  pthread_mutex_t lock;
  atomic_bool open;                             /* there are descriptors */
  atomic_bool signalled;                        /* wake_fd was written to, or is about to be, and nobody has seen it */
  atomic_bool wake_pending;                     /* from before there were descriptors */
  atomic_uint submitted_count, cancelled_count; /* in the lists below */
  plqt_entry *first, *last;
  plqt_entry *cancelled;
  plqt_entry **known; /* by hash of id; buckets, unless more were had */
  unsigned known_bits;
  size_t known_count;
  plqt_entry *buckets[PLQT_BUCKETS];
} plqt_inbox;

void plqt_inbox_init(plqt_inbox *inbox, plqt_fds *fds);
/* Makes the descriptors, once, by whoever comes first: they are not for those who only block. */
int32_t plqt_inbox_open(plqt_inbox *inbox, int *out_errno);
void plqt_inbox_free(plqt_inbox *inbox);
void plqt_inbox_submit(plqt_inbox *inbox, plqt_entry *entry, uint64_t id);
/* Cancel finds it from here on, and nobody takes it: for a prewarm. */
void plqt_inbox_know(plqt_inbox *inbox, plqt_entry *entry, uint64_t id);
/* The next one that was submitted, or NULL. */
plqt_entry *plqt_inbox_take(plqt_inbox *inbox);
/* The next one that was cancelled and has not left, or NULL. */
plqt_entry *plqt_inbox_take_cancelled(plqt_inbox *inbox);
/* Its on_done is about to be called. */
void plqt_inbox_leave(plqt_inbox *inbox, plqt_entry *entry);
void plqt_inbox_cancel(plqt_inbox *inbox, uint64_t id);
void plqt_inbox_wake(plqt_inbox *inbox);
/* Makes epoll_fd readable, as a new edge. One write does for all until plqt_inbox_saw(). */
void plqt_inbox_signal(plqt_inbox *inbox);
/* An event told of wake_fd or timer_fd: what was put in before is to be looked at now. False: the descriptor is none of them. */
bool plqt_inbox_saw(plqt_inbox *inbox, uint64_t data);
/* Puts the timer to when the next drive is due. One that is set too early only costs a round. */
void plqt_inbox_arm(plqt_inbox *inbox, int64_t at);
/* epoll_wait that is as long as until says, to the next ms; 0 if a signal came. */
struct epoll_event;
int plqt_inbox_wait(plqt_inbox *inbox, struct epoll_event *events, int max, int64_t now, int64_t until);

/* What prewarm does where the connections are those of the asynchronous half. */
typedef struct plqt_async_warming {
  const plq_transport_host *host;
  plqt_inbox *inbox;
  void *owner;
  uint32_t max;
  const plqt_entry **warming; /* receives what cancel marks, for the time being */
  uint32_t (*count_open)(void *owner, const plq_transport_target *target);
  /* Begins to open one more, and ends with on_done of `sink`; otherwise why there is none: PLQ_E_TIMEOUT_POOL, PLQ_E_MEMORY. */
  int32_t (*begin)(void *owner, const plq_transport_request *request, const plq_transport_sink *sink,
                   const atomic_bool *cancelled);
  /* Drives until there was any progress, but not for longer than that. */
  void (*drive)(void *owner, int64_t until_ns);
} plqt_async_warming;

int32_t plqt_async_prewarm(const plqt_async_warming *self, const plq_transport_target *target, uint32_t count,
                           int64_t deadline_ns, uint64_t op, const plq_transport_sink *sink, plq_transport_error *error,
                           uint32_t *out_open);

/* EFD_CLOEXEC and non-blocking; -1 and errno. */
int plqt_wake_fd_new(plqt_fds *fds);
void plqt_wake_fd_set(int fd);
void plqt_wake_fd_clear(int fd);

#endif
