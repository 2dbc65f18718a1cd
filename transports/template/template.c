/* SPDX-License-Identifier: MIT
 *
 * A transport to copy: see docs/template-transport.md. What looks superfluous keeps a promise of plastiq/transport.h.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <plastiq/transport.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* No PLQ_CAP_CONCURRENT: the core lets one thread in at a time. Promise only what the conformance kit has seen. */
#define CAPABILITIES (PLQ_CAP_BLOCKING | PLQ_CAP_CA | PLQ_CAP_SEND_STATE | PLQ_CAP_FORK_ABANDON)
PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_PRODUCTION, CAPABILITIES);

typedef struct plq_transport_instance { /* the ABI gives the name, the struct is yours */
  const plq_transport_host *host;       /* lives as long as the instance */
  CURL *easy;
  CURLM *multi;  /* only because curl_multi_wakeup() can end a wait from another thread, and nothing of an easy handle can */
  atomic_int fd; /* of the connection, or -1 */
  _Atomic uint64_t op; /* under way, or 0 */
  atomic_bool cancelled;
  const plq_transport_request *request;
  const plq_transport_sink *sink;
  bool accepted, received, stopped, framed, headed; /* headed: the final head is over */
  int http_status;
  char text[CURL_ERROR_SIZE];
} instance;

/* Close-on-exec, and known to abandon_after_fork(). */
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose) {
  instance *self = context;
  (void)purpose;
  atomic_store(&self->fd, fd);
  return fcntl(fd, F_SETFD, FD_CLOEXEC) ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

/* A connection is there and nothing was written: the core has its say before the token leaves. */
static int on_connected(void *context, char *peer, char *local, int peer_port, int local_port) {
  instance *self = context;
  (void)local, (void)local_port;
  plq_transport_connection facts = {.struct_size = sizeof facts, .http_version = 11, .peer_port = (uint32_t)peer_port};
  facts.known = PLQ_FACT_PEER | PLQ_FACT_HTTP_VERSION | PLQ_FACT_REUSED | PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED;
  if (self->request->target->flags & PLQ_TARGET_TLS) /* otherwise libcurl had failed by now */
    facts.flags = PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED;
  snprintf(facts.peer_address, sizeof facts.peer_address, "%s", peer);
  self->stopped = self->sink->on_connected(self->sink->context, &facts) != 0;
  self->accepted = !self->stopped;
  return self->stopped ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Whether a body's end can be known: libcurl cannot tell a close_notify from a cut, so a body without framing is refused. */
static bool note_line(instance *self, const char *line, size_t len) {
  if (self->headed) return true; /* a trailer */
  if (len > 12 && strncmp(line, "HTTP/1.", 7) == 0) {
    self->http_status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    self->framed = self->http_status == 204 || self->http_status == 304;
  } else if (curl_strnequal(line, "Content-Length:", 15) || curl_strnequal(line, "Transfer-Encoding:", 18)) {
    self->framed = true;
  } else if (len == 2) {
    self->headed = self->http_status >= 200;
  }
  return !self->headed || self->framed;
}

/* Each line as it came: refusing is the core's business. */
static size_t on_line(char *data, size_t size, size_t count, void *context) {
  instance *self = context;
  self->received = true;
  self->stopped = self->sink->on_line(self->sink->context, data, size * count) != 0;
  return !self->stopped && note_line(self, data, count) ? count : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context) {
  instance *self = context;
  self->received = true;
  self->stopped = self->sink->on_body(self->sink->context, (const uint8_t *)data, size * count) != 0;
  return self->stopped ? 0 : count;
}

#define SET(option, value) (curl_easy_setopt(self->easy, CURLOPT_##option, value) == CURLE_OK)

/* Every default of libcurl that a dumb pipe cannot have, once. That peer and host are verified is a default that it has. */
static bool set_static(instance *self) {
  bool plain = SET(NOSIGNAL, 1L) && SET(PROTOCOLS_STR, "https,http") && SET(PROXY, "") && SET(NETRC, (long)CURL_NETRC_IGNORED) &&
               SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(HTTP09_ALLOWED, 0L) && SET(HTTP_CONTENT_DECODING, 0L) &&
               SET(PATH_AS_IS, 1L) && SET(ERRORBUFFER, self->text);
  bool trust = SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) && SET(CAINFO, NULL) &&
               SET(CAPATH, NULL); /* Debian's defaults would add to any file */
  /* A kept connection needs more: libcurl sends a request again, unasked, on a new one if it dies (curl/curl#18417). */
  return plain && trust && SET(FORBID_REUSE, 1L) && SET(SOCKOPTFUNCTION, on_socket) && SET(SOCKOPTDATA, self) &&
         SET(PREREQFUNCTION, on_connected) && SET(PREREQDATA, self) && SET(HEADERFUNCTION, on_line) && SET(HEADERDATA, self) &&
         SET(WRITEFUNCTION, on_body) && SET(WRITEDATA, self);
}

/* The headers are complete but for Host and Content-Length, which libcurl adds; its other defaults are taken back. */
static struct curl_slist *make_headers(const instance *self) {
  struct curl_slist *list = curl_slist_append(NULL, "Expect:");
  const plq_transport_request *request = self->request;
  for (size_t i = 0; list && i < request->header_count; i++) { /* by the stride: a row may be longer than this header knows */
    const plq_transport_header *header = (const void *)((const char *)request->headers + i * request->header_stride);
    char line[16384];
    snprintf(line, sizeof line, "%.*s: %.*s", (int)header->name_len, header->name, (int)header->value_len, header->value);
    struct curl_slist *longer = curl_slist_append(list, line);
    self->host->wipe(line, sizeof line); /* it may be the token; what libcurl copies cannot be wiped: no PLQ_CAP_WIPES */
    if (!longer) curl_slist_free_all(list);
    list = longer;
  }
  return list;
}

static bool set_request(instance *self, struct curl_slist *headers) {
  const plq_transport_request *request = self->request;
  const plq_transport_target *target = request->target;
  char url[4096], method[16];
  int len = snprintf(url, sizeof url, "%.*s%.*s", (int)target->origin_len, target->origin, (int)request->path_len, request->path);
  snprintf(method, sizeof method, "%.*s", (int)request->method_len, request->method);
  if (!headers || (size_t)len >= sizeof url || !SET(URL, url) || !SET(HTTPHEADER, headers)) return false;
  if (!request->body) return SET(HTTPGET, 1L) && SET(CUSTOMREQUEST, method);
  return SET(POST, 1L) && SET(CUSTOMREQUEST, method) && SET(POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len) &&
         SET(POSTFIELDS, request->body);
}

/* Runs it to its end, or until the deadline or a cancel. Returns PLQ_OK when libcurl has ended, and *out_code. */
static int32_t run(instance *self, CURLcode *out_code) {
  int running = 1, left;
  while (curl_multi_perform(self->multi, &running) == CURLM_OK && running) {
    int64_t now = self->host->now_ns(self->host->context), until = self->request->deadline_ns;
    if (atomic_load(&self->cancelled)) return PLQ_E_CANCELLED;
    if (until <= now) return PLQ_E_TIMEOUT_TOTAL;
    int64_t ms = until - now < INT64_C(60000000000) ? (until - now) / 1000000 + 1 : 60000;
    curl_multi_poll(self->multi, NULL, 0, (int)ms, NULL);
  }
  CURLMsg *message = curl_multi_info_read(self->multi, &left);
  if (message) *out_code = message->data.result;
  return PLQ_OK;
}

/* From libcurl's words to the core's. What is not listed is a lost connection. */
static int32_t status_of(const instance *self, CURLcode code) {
  if (self->stopped) return PLQ_E_CANCELLED; /* the core knows why */
  if (code == CURLE_OK) return self->headed ? PLQ_OK : PLQ_E_TRUNCATED_HEAD;
  if (self->headed && !self->framed) return PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY;
  if (code == CURLE_COULDNT_RESOLVE_HOST) return PLQ_E_RESOLVE_FAILED;
  if (code == CURLE_SSL_CONNECT_ERROR) return PLQ_E_TLS_HANDSHAKE;
  if (code == CURLE_PEER_FAILED_VERIFICATION) return PLQ_E_VERIFY_CHAIN;
  if (code == CURLE_GOT_NOTHING) return PLQ_E_TRUNCATED_NO_RESPONSE;
  if (code == CURLE_PARTIAL_FILE) return PLQ_E_TRUNCATED_BODY;
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) return PLQ_E_PROTOCOL_VIOLATION;
  if (code == CURLE_OUT_OF_MEMORY) return self->accepted ? PLQ_E_LIMIT_LINE : PLQ_E_MEMORY; /* said of a line of 100 KB, too */
  return self->accepted ? PLQ_E_IO_RESET : PLQ_E_CONNECT_FAILED;
}

static int32_t perform(instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  if (request->flags) { /* a later core may ask for what this one does not know */
    snprintf(error->message, sizeof error->message, "the request has a flag that this transport does not know");
    return error->status = PLQ_E_UNSUPPORTED;
  }
  CURLcode code = CURLE_OUT_OF_MEMORY;
  self->request = request, self->sink = sink;
  self->accepted = self->received = self->stopped = self->framed = self->headed = false;
  self->http_status = 0, self->text[0] = '\0';
  atomic_store(&self->cancelled, false);
  atomic_store(&self->op, request->op);                                        /* from here on cancel() finds it .. */
  if (sink->is_cancelled(sink->context)) atomic_store(&self->cancelled, true); /* .. and what came before is not lost */
  struct curl_slist *headers = make_headers(self);
  int32_t status =
      set_request(self, headers) && !curl_multi_add_handle(self->multi, self->easy) ? run(self, &code) : PLQ_E_MEMORY;
  curl_multi_remove_handle(self->multi, self->easy); /* and closes the connection */
  curl_slist_free_all(headers);
  atomic_store(&self->op, 0);
  atomic_store(&self->fd, -1);
  plq_transport_error failure = {.struct_size = sizeof failure, .status = status ? status : status_of(self, code)};
  failure.phase = !self->accepted ? PLQ_PHASE_CONNECT : self->received ? PLQ_PHASE_RECEIVE : PLQ_PHASE_WAIT;
  failure.delivery = self->accepted ? PLQ_DELIVERY_MAYBE_SENT : PLQ_DELIVERY_NOT_SENT; /* the careful side, and exact before */
  snprintf(failure.message, sizeof failure.message, "%.255s", self->text);
  sink->on_done(sink->context, failure.status ? &failure : NULL, NULL); /* once, and last */
  return PLQ_OK;                                                        /* it was accepted, whatever became of it */
}

static void cancel(instance *self, uint64_t op) {
  if (op == 0 || atomic_load(&self->op) != op) return;
  atomic_store(&self->cancelled, true);
  curl_multi_wakeup(self->multi);
}

static void destroy(instance *self) {
  curl_easy_cleanup(self->easy);
  curl_multi_cleanup(self->multi);
  self->host->free(self->host->context, self);
}

/* In a child: the number is closed, and nothing is said to the server, which is the parent's. libcurl's memory leaks. */
static void abandon_after_fork(instance *self) {
  (void)close(atomic_exchange(&self->fd, -1));
}

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, instance **out_instance) {
  instance *self = host->alloc(host->context, sizeof *self);
  if (!self) return error->status = PLQ_E_MEMORY;
  memset(self, 0, sizeof *self);
  self->host = host;
  atomic_init(&self->fd, -1);
  self->easy = curl_easy_init();
  self->multi = curl_multi_init();
  bool ready = self->easy && self->multi && set_static(self);
  for (size_t i = 0; ready && i < count; i++) {
    const plq_transport_value *value = (const void *)((const char *)values + i * stride);
    if (strcmp(value->key, "ca_file") == 0) ready = SET(CAINFO, value->text);
    if (strcmp(value->key, "ca_dir") == 0) ready = SET(CAPATH, value->text);
  }
  if (ready) return *out_instance = self, PLQ_OK;
  destroy(self);
  return error->status = PLQ_E_MEMORY;
}

static const plq_transport_option options[] = {
    {PLQ_OPTION_PATH, 0, 0, 0, "ca_file", NULL, NULL, "PEM file of the trusted CA certificates."},
    {PLQ_OPTION_PATH, 0, 0, 0, "ca_dir", NULL, NULL, "Folder of trusted CA certificates, hashed as by openssl rehash."}};
static const plq_transport_functions functions = {.struct_size = sizeof functions,
                                                  .create = create,
                                                  .perform = perform,
                                                  .cancel = cancel,
                                                  .destroy = destroy,
                                                  .abandon_after_fork = abandon_after_fork};
static const plq_transport transport = {.struct_size = sizeof transport,
                                        .abi_minor_built = PLQ_TRANSPORT_ABI_MINOR,
                                        .deployment_class = PLQ_CLASS_PRODUCTION,
                                        .capabilities = CAPABILITIES,
                                        .id = "com.example.template",
                                        .name = "template",
                                        .version = "1.0",
                                        .stack = "libcurl/" LIBCURL_VERSION,
                                        .options = options,
                                        .option_count = sizeof options / sizeof *options,
                                        .option_stride = sizeof *options,
                                        .functions = &functions};

PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(template)(const plq_transport_host *, plq_transport_error *,
                                                           const plq_transport **);
PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(template)(const plq_transport_host *host, plq_transport_error *error,
                                                           const plq_transport **out) {
  (void)host, (void)error;
  *out = &transport;
  return curl_global_init(CURL_GLOBAL_DEFAULT) ? PLQ_E_TRANSPORT_REFUSED : PLQ_OK;
}
