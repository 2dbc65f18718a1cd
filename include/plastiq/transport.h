/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The transport plugin ABI, version 1: what carries a request to the server and the response back.
 *
 * A transport is a shared object libplastiq-transport-<name>.so that exports one function, plq_transport_entry_v1(). It links
 * against nothing of libplastiq: this header and the host table are all that it needs. Life:
 *
 *     entry           once per process; again if it refused
 *       create        once per client (and per queue)
 *         prewarm     any number of times
 *         perform     any number of times: a blocking call
 *         submit .. drive .. drive   any number of times: the same without blocking
 *         quiesce     at most once, before destroy: idle connections are closed politely
 *       destroy       once; or abandon_after_fork, in a forked child
 *
 * A transport is a dumb pipe. It never follows redirects, repeats a request, adds headers beyond what framing needs, keeps cookies,
 * reads netrc, proxy variables or the environment, decompresses, lowers TLS, or logs bodies and header values. The core decides
 * about repeats, and checks every head and limit for all transports alike.
 *
 * Rules for every struct here: fixed-width integers, sizes and pointers; struct_size is set by whoever allocates it from its own
 * sizeof; a field exists only if it lies inside struct_size (then check for NULL); fields are only ever appended; no struct has padding,
 * at its end neither; arrays come with a stride. Reserved fields are 0. Text is UTF-8 with a length; where a field has none, it is NUL-terminated. What is passed to a function is borrowed for
 * that call unless said otherwise. Nothing is ever freed across the boundary. No function may let an exception or a jump out.
 *
 * Thread tags: [any] from any thread, at the same time as anything else on the instance. [owner] never at the same time as another
 * [owner] function of the instance; the thread may change. [loader] once, under the loader's lock.
 * The core uses an instance either through perform or through submit and drive for its whole life, never both.
 * Threads: one that a transport starts blocks all signals first, calls nothing of the host, and is joined in destroy. Name look-ups that
 * cannot be ended may be abandoned, at most 4 at a time for an instance (then PLQ_E_RESOURCE_SYSTEM); after destroy such a thread touches
 * only a block of its own from malloc. Descriptors are close-on-exec. SIGPIPE is never raised.
 * A transport is full-trust code in the host's process. Since ABI 1.0.
 */
#ifndef PLASTIQ_TRANSPORT_H
#define PLASTIQ_TRANSPORT_H

#include <plastiq/base.h>
#include <plastiq/status.h>

PLQ_BEGIN_DECLS

#define PLQ_TRANSPORT_ABI_MAJOR 1
#define PLQ_TRANSPORT_ABI_MINOR 0

/* ---- what the core gives ---- */

/** Levels for plq_transport_host.log. */
#define PLQ_LOG_DEBUG 1
#define PLQ_LOG_INFO 2
#define PLQ_LOG_WARNING 3
#define PLQ_LOG_ERROR 4
#define PLQ_LOG_HOST_MISBEHAVING 5

/**
 * Services of the core. The table given to the entry function lives as long as the process, the one given to create as long as
 * the instance. A slot may be NULL only where said.
 */
typedef struct plq_transport_host {
  uint32_t struct_size;
  uint32_t abi_minor;  /**< of the core; its major is in the name of the entry function */
  const char *version; /**< of the core, such as "1.2.3" */
  void *context;       /**< to be passed back in the first argument below */

  /** Memory for the plugin's own use; NULL when there is none. free accepts NULL. [any] */
  void *(*alloc)(void *context, size_t size);
  void *(*realloc)(void *context, void *block, size_t size);
  void (*free)(void *context, void *block);
  /** Overwrites memory in a way that no compiler leaves out. [any] */
  void (*wipe)(void *data, size_t len);

  /** Takes a log line: no header values, no bodies, no query. [only inside a call to the plugin] */
  void (*log)(void *context, int32_t level, const char *text, size_t len);
  /** The least level that anybody listens to; INT32_MAX if nobody does. [any] */
  int32_t (*log_level)(void *context);

  /** Now on the clock of every deadline here: CLOCK_MONOTONIC in ns, so that the system's timers may be armed with them. [any] */
  int64_t (*now_ns)(void *context);
  /** Fills a buffer with unpredictable bytes. @return #PLQ_OK; #PLQ_E_RESOURCE_SYSTEM: the system gives none, as in a sandbox without
   *  getrandom; the buffer is not to be used. [any] */
  int32_t (*random)(void *context, void *buffer, size_t len);
  /** Gives a table by its id "plastiq.<name>/<revision>", or NULL. [any] */
  const void *(*get_extension)(void *context, const char *id);
} plq_transport_host;

/** A failure: caller-owned, of fixed size, and without a pointer, so that it outlives everything. */
typedef struct plq_transport_error {
  uint32_t struct_size;
  int32_t status;      /**< PLQ_E_*, of the kinds config, resolve to limit, cancelled, resource, memory, unsupported */
  int32_t phase;       /**< PLQ_PHASE_* where it happened */
  int32_t delivery;    /**< PLQ_DELIVERY_NOT_SENT only if no byte of this request was handed to the connection, or the server said that it
                            did not act on it (HTTP/2 REFUSED_STREAM, GOAWAY below the stream); else PLQ_DELIVERY_MAYBE_SENT */
  int32_t os_errno;    /**< errno of the failed system call, or 0 */
  uint32_t reserved;
  int64_t plugin_code; /**< number of the library under the plugin (CURLcode, X509_V_ERR_..), or 0 */
  char message[256];   /**< NUL-terminated; no header values, no bodies */
} plq_transport_error;

/** A server to talk to. */
typedef struct plq_transport_target {
  uint32_t struct_size;
  uint32_t flags;      /**< PLQ_TARGET_* */
  uint32_t port;
  uint32_t reserved;
  const char *origin;  /**< scheme://host[:port]; what follows :// is the value of Host */
  size_t origin_len;
  const char *host;    /**< a name in ASCII or an address, without brackets, zone and trailing dot; for look-up, SNI and verification */
  size_t host_len;
} plq_transport_target;

/** The target is https: the connection must be TLS with chain and host verified. Not set: plain http, to loopback addresses only. */
#define PLQ_TARGET_TLS UINT32_C(1)
/** host is an IPv4 or IPv6 address: no name look-up, no SNI, and the certificate must name the address. */
#define PLQ_TARGET_ADDRESS UINT32_C(2)

/** One request header. */
typedef struct plq_transport_header {
  const char *name;
  size_t name_len;
  const char *value;
  size_t value_len;
  uint32_t flags;      /**< PLQ_TRANSPORT_HEADER_* */
  uint32_t reserved;
} plq_transport_header;

/** The value is a secret: wipe every copy as soon as it was written. */
#define PLQ_TRANSPORT_HEADER_SENSITIVE UINT32_C(1)

/**
 * A request, borrowed with all that it points to until on_done has returned. The headers are complete except for Host and Content-Length, which the transport
 * writes from target and body_len (RFC 9112 sections 3.2 and 6.2): nothing else is added, and no Expect. All was validated: no CR,
 * LF or NUL anywhere.
 */
typedef struct plq_transport_request {
  uint32_t struct_size;
  uint32_t header_stride;  /**< bytes from one header to the next */
  uint64_t op;             /**< names the operation for cancel; chosen by the core, not 0, never used again in the instance */
  uint32_t flags;          /**< 0; a transport refuses one that it does not know with PLQ_E_UNSUPPORTED */
  uint32_t reserved;
  int64_t deadline_ns;     /**< the operation is over by then; INT64_MAX: none; may have passed already */
  uint64_t max_head_bytes; /**< for a transport with a parser of its own; the core checks too */
  uint64_t max_body_bytes;
  const plq_transport_target *target;
  const char *method;
  size_t method_len;
  const char *path;        /**< origin-form (RFC 9112 section 3.2.1) */
  size_t path_len;
  const plq_transport_header *headers;
  size_t header_count;
  const uint8_t *body;     /**< NULL: no body and no Content-Length */
  size_t body_len;
  const void *reserved_pointer;
} plq_transport_request;

/** What is known of a connection. A value counts only if its fact is in `known`. */
typedef struct plq_transport_connection {
  uint32_t struct_size;
  uint32_t known;        /**< PLQ_FACT_*: which of the facts the transport knows */
  uint32_t flags;        /**< PLQ_FACT_* with a value of yes or no: set means yes */
  uint32_t tls_version;  /**< 0x0303: TLS 1.2, 0x0304: TLS 1.3 */
  uint32_t http_version; /**< 10, 11, 20 */
  uint32_t peer_port;
  uint8_t spki_sha256[32]; /**< SHA-256 of the leaf certificate's SubjectPublicKeyInfo */
  char peer_address[64];   /**< numeric, NUL-terminated; a proxy's if there is one */
  char tls_cipher[64];     /**< NUL-terminated */
} plq_transport_connection;

#define PLQ_FACT_CHAIN_VERIFIED UINT32_C(1) /**< a trusted CA vouches for the certificate: required for PLQ_TARGET_TLS */
#define PLQ_FACT_HOST_VERIFIED UINT32_C(2)  /**< the certificate names the host: required for PLQ_TARGET_TLS */
#define PLQ_FACT_REUSED UINT32_C(4)         /**< the connection was open before */
#define PLQ_FACT_RESUMED UINT32_C(8)        /**< the TLS session was resumed; the facts above are those of when the session was made */
#define PLQ_FACT_PROXIED UINT32_C(16)       /**< through a proxy */
#define PLQ_FACT_TLS_VERSION UINT32_C(256)
#define PLQ_FACT_HTTP_VERSION UINT32_C(512)
#define PLQ_FACT_PEER UINT32_C(1024)
#define PLQ_FACT_SPKI UINT32_C(2048)
#define PLQ_FACT_TLS_CIPHER UINT32_C(4096)

/** What an operation took. Durations in ns that do not overlap; -1: not known or did not happen. */
typedef struct plq_transport_transfer {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t queue_ns;      /**< waiting for a connection to become free */
  int64_t resolve_ns;
  int64_t connect_ns;
  int64_t tls_ns;
  int64_t send_ns;
  int64_t first_byte_ns; /**< from the request written to the first byte of the response */
  int64_t total_ns;      /**< from perform or submit to on_done */
  uint64_t bytes_sent;   /**< of HTTP, about: head and body */
  uint64_t bytes_received;
} plq_transport_transfer;

/**
 * Where an operation reports. Owned by the core, valid until on_done has returned. Calls come one after the other, on the thread that
 * is inside perform or drive (on_done also inside destroy), never inside submit, and never with a lock of the transport held: from inside
 * a sink the core may call cancel and wake, and nothing else of the instance. The order is: on_connected, on_line for each line of the
 * head, on_body.., on_line for trailers, on_done; an operation that ends early skips to on_done.
 * A nonzero return of on_connected, on_line or on_body means: stop now, close the connection, and report on_done with
 * PLQ_E_CANCELLED; the core knows why it stopped. Delivery is then NOT_SENT after on_connected and MAYBE_SENT after the others.
 */
typedef struct plq_transport_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *context;
  /**
   * A connection is chosen, new or reused, and no byte of the request was written yet. Required, once; from here on no other connection
   * is taken for this operation.
   */
  int32_t (*on_connected)(void *context, const plq_transport_connection *connection);
  /**
   * One line of a response head or of the trailers, exactly as it came, its line end included; the core parses and checks it. Also when
   * it is malformed, and never in parts; one that is too long for max_head_bytes is the transport's PLQ_E_LIMIT_LINE. 1xx heads are passed
   * like any other. The empty line that ends a head is passed, the one that ends trailers need not be. Framing (Content-Length, chunked)
   * is decided only after the empty line was passed and accepted. Where the protocol has no lines (HTTP/2), the transport writes
   * "HTTP/2 200\r\n" (a space may follow the status), "name: value\r\n" for each field, and "\r\n".
   */
  int32_t (*on_line)(void *context, const char *line, size_t len);
  /** Some bytes of the body, transfer coding removed, content coding untouched. */
  int32_t (*on_body)(void *context, const uint8_t *data, size_t len);
  /**
   * The operation is over: exactly once for each accepted one, also if it was cancelled.
   * @param error     NULL: a complete response was delivered
   * @param transfer  what it took, also with an error; may be NULL
   */
  void (*on_done)(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer);
  /**
   * Nonzero: the operation was cancelled. The core notes that before it calls cancel, so a perform or prewarm that asks once after cancel
   * can find its op loses none; it may ask as often as it likes. [any]
   */
  int32_t (*is_cancelled)(void *context);
} plq_transport_sink;

/* ---- what the plugin gives ---- */

/** Types of an option. */
#define PLQ_OPTION_TEXT 1
#define PLQ_OPTION_PATH 2
#define PLQ_OPTION_BOOL 3
#define PLQ_OPTION_INT 4
#define PLQ_OPTION_MS 5
#define PLQ_OPTION_CHOICE 6
#define PLQ_OPTION_LIST 7
#define PLQ_OPTION_SECRET 8

/**
 * A row of the option schema. A key that docs/options.md marks for transports (ca_file, pins, max_connections, ..) receives that option;
 * any other is the plugin's own and is set as <transport name>.<key>. The core checks values before create, so that every
 * language gets the same errors.
 */
typedef struct plq_transport_option {
  uint32_t type;            /**< PLQ_OPTION_* */
  uint32_t reserved;
  int64_t min;              /**< for INT and MS: both 0 means no limits */
  int64_t max;
  const char *key;
  const char *default_text; /**< or NULL: none */
  const char *choices;      /**< for CHOICE, separated by commas */
  const char *doc;          /**< one sentence */
} plq_transport_option;

/** The value of an option that is set or has a default. */
typedef struct plq_transport_value {
  uint32_t type;            /**< PLQ_OPTION_* */
  uint32_t reserved;
  int64_t number;           /**< for BOOL, INT and MS */
  const char *key;
  size_t key_len;
  const char *text;         /**< for every type, NUL-terminated too */
  size_t text_len;
} plq_transport_value;

/** The plugin's own state for one client or queue. */
typedef struct plq_transport_instance plq_transport_instance;

/**
 * Functions of a transport. Required: create, cancel, destroy, abandon_after_fork, and perform or the group submit, event_fd, drive,
 * wake; a group is declared by its capability. Functions that return int32_t answer PLQ_OK or a PLQ_E_* status; *error is never NULL, and
 * on failure has the same status.
 */
typedef struct plq_transport_functions {
  uint32_t struct_size;
  uint32_t reserved;

  /**
   * Makes an instance. Reads local files (CA certificates, keys); no network.
   * @param host    lives as long as the instance
   * @param values  checked options; the array and its texts are borrowed for this call
   * @param stride  bytes from one value to the next
   * [any]
   */
  int32_t (*create)(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                    plq_transport_error *error, plq_transport_instance **out_instance);

  /**
   * Carries out a request and returns when on_done has. Capability PLQ_CAP_BLOCKING.
   * @return PLQ_OK: it was accepted and on_done was called, whatever became of it; otherwise, for a request that cannot be accepted at
   *         all, the sink was not called
   * [any] with PLQ_CAP_CONCURRENT, else [owner]. Blocks.
   */
  int32_t (*perform)(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                     plq_transport_error *error);

  /**
   * Accepts a request to be carried out by drive, and makes event_fd readable. Capability PLQ_CAP_ASYNC.
   * @return PLQ_OK: accepted, and on_done will be called once, from drive or destroy; otherwise not accepted
   * [owner] Does not block.
   */
  int32_t (*submit)(plq_transport_instance *instance, const plq_transport_request *request, const plq_transport_sink *sink,
                    plq_transport_error *error);
  /**
   * A descriptor that is readable while drive has work: sockets, timers, look-ups, submit, cancel, wake, and bytes that the TLS library has
   * read already. Not readable once drive(0) found nothing to do. Work that is left when drive returns makes it readable again, as a new
   * edge too. The host only polls it, level or edge triggered. The same for the instance's life; -1: no descriptor could be had, and it
   * may be asked for again. [any]
   */
  int32_t (*event_fd)(plq_transport_instance *instance);
  /**
   * Does what can be done now, in bounded time, and returns after any progress. If there was nothing, waits for more until until_ns, also
   * with nothing accepted; a time that has passed, such as 0, does not wait; INT64_MAX has no limit. Sinks are called from here.
   * @return PLQ_OK, or a status if the instance itself is broken
   * [owner] Blocks until until_ns.
   */
  int32_t (*drive)(plq_transport_instance *instance, int64_t until_ns);
  /** Makes a drive that waits return, or the next one not wait. Several count as one. [any] */
  void (*wake)(plq_transport_instance *instance);

  /**
   * Ends an operation soon: on_done comes with PLQ_E_CANCELLED and true delivery, unless it came already. An unknown op is no error.
   * [any] Does not block.
   */
  void (*cancel)(plq_transport_instance *instance, uint64_t op);

  /**
   * Opens connections so that count, at most the option max_connections, are open to the target, busy ones included. Capability
   * PLQ_CAP_PREWARM. cancel works on op as on a request's. Once event_fd, submit or drive was called, they are the ones that submit uses:
   * then it is [owner], and drives meanwhile, so that sinks of operations under way are called from inside of it.
   * @param sink      only its is_cancelled is called; the facts of a connection are checked when a request uses it
   * @param out_open  receives how many are open, also on failure
   * @return PLQ_OK: count are open; otherwise why the last one is not
   * [any] with PLQ_CAP_CONCURRENT, else [owner]. Blocks until the deadline.
   */
  int32_t (*prewarm)(plq_transport_instance *instance, const plq_transport_target *target, uint32_t count, int64_t deadline_ns,
                     uint64_t op, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open);

  /** Closes idle connections politely (close_notify), until the deadline at most. No operation is pending, and only destroy follows.
      May be NULL. [owner] */
  void (*quiesce)(plq_transport_instance *instance, int64_t deadline_ns);
  /**
   * Ends the instance. No other function of it is running or is called after: the core cancels and waits for every perform and prewarm
   * first. Operations that were submitted and are not over get on_done with PLQ_E_CANCELLED from here. [owner]
   */
  void (*destroy)(plq_transport_instance *instance);
  /**
   * In a forked child, in place of destroy: closes the instance's descriptors and leaves all else alone. Takes no lock, ends no TLS
   * session (close_notify would end the parent's), changes no epoll set and writes to no eventfd (they are shared with the parent), calls
   * no sink. Best effort: a descriptor that was being opened may stay open, one that was closed is never closed again. Memory may be
   * leaked. [no other function runs or follows]
   */
  void (*abandon_after_fork)(plq_transport_instance *instance);
} plq_transport_functions;

/* Deployment classes. */
#define PLQ_CLASS_PRODUCTION 1
#define PLQ_CLASS_TEST 2 /**< never reaches the service by itself (chain.h); used only where the option allow_test_transports is set in code */

/* Capabilities: each is a promise. */
#define PLQ_CAP_BLOCKING (UINT64_C(1) << 0)      /**< has perform */
#define PLQ_CAP_ASYNC (UINT64_C(1) << 1)         /**< has submit, event_fd, drive and wake */
#define PLQ_CAP_CONCURRENT (UINT64_C(1) << 2)    /**< perform and prewarm may run on many threads at once */
#define PLQ_CAP_PREWARM (UINT64_C(1) << 3)       /**< has prewarm */
#define PLQ_CAP_KEEPALIVE (UINT64_C(1) << 4)     /**< uses connections again */
#define PLQ_CAP_HTTP2 (UINT64_C(1) << 5)
#define PLQ_CAP_PROXY (UINT64_C(1) << 6)         /**< takes proxy, proxy_user, proxy_password */
#define PLQ_CAP_CLIENT_CERTIFICATE (UINT64_C(1) << 7) /**< takes client_certificate_file, client_key_file, client_key_password */
#define PLQ_CAP_CA (UINT64_C(1) << 8)            /**< takes ca_file and ca_dir, and trusts nothing else */
#define PLQ_CAP_PINS (UINT64_C(1) << 9)          /**< takes pins, and checks them before the first request byte */
#define PLQ_CAP_SEND_STATE (UINT64_C(1) << 10)   /**< delivery is exact for HTTP/1, and never wrong for HTTP/2; without it the core reads NOT_SENT after on_connected as MAYBE_SENT */
#define PLQ_CAP_TLS_FACTS (UINT64_C(1) << 11)    /**< knows every PLQ_FACT_* of its TLS connections */
#define PLQ_CAP_FORK_ABANDON (UINT64_C(1) << 12) /**< abandon_after_fork leaves the parent's connections unharmed */
#define PLQ_CAP_SELF_CONTAINED_TLS (UINT64_C(1) << 13) /**< its TLS library is inside it and binds to nothing of the host */
#define PLQ_CAP_WIPES (UINT64_C(1) << 14)        /**< leaves no copy of a sensitive header or of the body behind */

/** A transport: immutable, and valid for the life of the process. */
typedef struct plq_transport {
  uint32_t struct_size;
  uint32_t abi_minor_built;    /**< #PLQ_TRANSPORT_ABI_MINOR when it was compiled */
  uint32_t abi_minor_required; /**< the least minor of a core that it works with */
  uint32_t deployment_class;   /**< PLQ_CLASS_* */
  uint64_t capabilities;       /**< PLQ_CAP_* */
  const char *id;              /**< reverse-DNS, such as "com.example.transport" */
  const char *name;            /**< [a-z0-9][a-z0-9_-]{0,31}: the <name> of its file */
  const char *version;
  const char *vendor;
  const char *license;         /**< SPDX expression */
  const char *stack;           /**< libraries under it, read at run time: "libcurl/7.88.1 OpenSSL/3.0.22" */
  const plq_transport_option *options;
  size_t option_count;
  size_t option_stride;        /**< bytes from one option to the next */
  const plq_transport_functions *functions;
  /** Gives a table by its id "plastiq.<name>/<revision>", or NULL. May be NULL. [any] */
  const void *(*get_extension)(const char *id);
  const void *reserved;
} plq_transport;

/**
 * Type of the entry function. It is fast, starts no thread, and changes nothing of the process (signals, environment, folder, locale).
 * It may refuse: with a status and, in *error, a message that says why.
 * @param host           lives as long as the process
 * @param error          receives why it refuses
 * @param out_transport  receives the descriptor
 * [loader]
 */
typedef int32_t (*plq_transport_entry_fn)(const plq_transport_host *host, plq_transport_error *error,
                                          const plq_transport **out_transport);

/**
 * Extension of a test-class transport, id "plastiq.clock/1": the client's deadlines and waits run on the instance's clock.
 * Ignored for production transports.
 */
typedef struct plq_transport_clock {
  uint32_t struct_size;
  uint32_t reserved;
  /** Now, in ns. [any] */
  int64_t (*now_ns)(plq_transport_instance *instance);
  /** Lets the clock run until until_ns without waiting. [any] */
  void (*sleep_until_ns)(plq_transport_instance *instance, int64_t until_ns);
} plq_transport_clock;

#define PLQ_EXTENSION_CLOCK "plastiq.clock/1"

/** Extension of a transport, id "plastiq.connections/1": how many connections there are, for plq_client_stats(). */
typedef struct plq_transport_connections {
  uint32_t struct_size;
  uint32_t reserved;
  /**
   * Counts the connections that are open, of both halves. One that carries any stream of HTTP/2 is busy, once.
   * @param out_open  receives how many are
   * @param out_busy  receives how many of them carry a request
   * @return PLQ_OK, or why they cannot be counted
   * [any] Does not block.
   */
  int32_t (*count)(plq_transport_instance *instance, uint32_t *out_open, uint32_t *out_busy);
} plq_transport_connections;

#define PLQ_EXTENSION_CONNECTIONS "plastiq.connections/1"

/*
 * Defines the entry function. In a shared object it is plq_transport_entry_v1, the one symbol to export; compiled with
 * PLQ_TRANSPORT_STATIC it is plq_transport_entry_v1_<name>, for plq_transport_register_static(). In <name>, - becomes _.
 */
#if defined(__GNUC__)
#define PLQ_TRANSPORT_EXPORT __attribute__((visibility("default")))
#else
#define PLQ_TRANSPORT_EXPORT
#endif
#ifdef PLQ_TRANSPORT_STATIC
#define PLQ_TRANSPORT_ENTRY(name) plq_transport_entry_v1_##name
#else
#define PLQ_TRANSPORT_ENTRY(name) plq_transport_entry_v1
#endif

/*
 * Puts the facts that decide whether a plugin may be loaded into an ELF note, so that the core can refuse it with a clear reason
 * before any of its code runs. Optional; the descriptor must say the same. Use once, at file scope.
 */
#define PLQ_TRANSPORT_NOTE_NAME "plastiq"
#define PLQ_TRANSPORT_NOTE_TYPE UINT32_C(1)
typedef struct plq_transport_note {
  uint32_t name_len;           /**< 8, with the NUL */
  uint32_t content_len;        /**< 24 */
  uint32_t type;               /**< #PLQ_TRANSPORT_NOTE_TYPE */
  char name[8];                /**< #PLQ_TRANSPORT_NOTE_NAME */
  uint32_t abi_major;
  uint32_t abi_minor_required;
  uint32_t deployment_class;
  uint32_t reserved;
  uint32_t capabilities_low;
  uint32_t capabilities_high;
} plq_transport_note;
#if defined(__GNUC__) && defined(__ELF__) && !defined(PLQ_TRANSPORT_STATIC)
#define PLQ_TRANSPORT_DEFINE_NOTE(minor_required, class_, capabilities)                                                         \
  __attribute__((section(".note.plastiq"), used, aligned(4))) static const plq_transport_note plq_transport_note_ = {           \
      8, 24, PLQ_TRANSPORT_NOTE_TYPE, PLQ_TRANSPORT_NOTE_NAME, PLQ_TRANSPORT_ABI_MAJOR, (minor_required), (class_), 0,          \
      (uint32_t)((capabilities)&UINT32_MAX), (uint32_t)((capabilities) >> 32)}
#else
#define PLQ_TRANSPORT_DEFINE_NOTE(minor_required, class_, capabilities) \
  extern const plq_transport_note plq_transport_note_unused_
#endif

/**
 * Registers a transport that is linked into the program: where there is no dlopen, or in place of a file of the same name.
 * Part of libplastiq, not of the plugin.
 * @param entry      its entry function
 * @param out_error  receives details of a failure [owned by the caller: plq_error_free()], may be NULL
 * @return #PLQ_OK, also if the same one is registered again; #PLQ_E_TRANSPORT_INVALID, #PLQ_E_TRANSPORT_REFUSED,
 *         #PLQ_E_TRANSPORT_ABI_MINOR; #PLQ_E_TRANSPORT_NAME: another one has this name; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY
 * Any thread; does not block. Since 1.0.
 */
PLQ_API int32_t plq_transport_register_static(plq_transport_entry_fn entry, plq_error **out_error);

PLQ_END_DECLS

#endif
