/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <pthread.h>
#include <stdatomic.h>

struct probe_seen probe_seen[PROBE_SEEN_MOST];
_Atomic int probe_seen_count, probe_instances, probe_cancels, probe_abandoned, probe_prewarmed;
_Atomic int64_t probe_now_ns;
int64_t probe_waits_ms[PROBE_SEEN_MOST];
int probe_waits;

static const struct probe_attempt *script;
static size_t script_count;
static _Atomic size_t script_next;

struct plq_transport_instance {
  const plq_transport_host *host;
  const plq_transport_request *request; /* submitted, not driven yet */
  const plq_transport_sink *sink;
};

/* ---- one attempt ---- */

static void keep(char *to, size_t room, const char *from, size_t len) {
  if (len >= room) len = room - 1;
  if (len > 0) memcpy(to, from, len);
  to[len] = '\0';
}

static void see(const plq_transport_request *request) {
  int index = atomic_fetch_add(&probe_seen_count, 1);
  if (index >= PROBE_SEEN_MOST) return;
  struct probe_seen *seen = &probe_seen[index];
  *seen = (struct probe_seen){.deadline_ns = request->deadline_ns,
                              .op = request->op,
                              .max_head_bytes = request->max_head_bytes,
                              .max_body_bytes = request->max_body_bytes,
                              .target_flags = request->target->flags,
                              .port = request->target->port};
  keep(seen->method, sizeof seen->method, request->method, request->method_len);
  keep(seen->path, sizeof seen->path, request->path, request->path_len);
  keep(seen->origin, sizeof seen->origin, request->target->origin, request->target->origin_len);
  keep(seen->host, sizeof seen->host, request->target->host, request->target->host_len);
  keep(seen->body, sizeof seen->body, (const char *)request->body, request->body_len);
  size_t at = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *header =
        (const plq_transport_header *)(const void *)((const char *)request->headers + i * request->header_stride);
    int len = snprintf(seen->headers + at, sizeof seen->headers - at, "%.*s%s: %.*s\n", (int)header->name_len, header->name,
                       header->flags & PLQ_TRANSPORT_HEADER_SENSITIVE ? "!" : "", (int)header->value_len, header->value);
    if (len > 0 && at + (size_t)len < sizeof seen->headers) at += (size_t)len;
  }
}

static int32_t lines(const plq_transport_sink *sink, const char *head) {
  while (*head != '\0') {
    const char *end = strchr(head, '\n');
    size_t len = end != NULL ? (size_t)(end - head) + 1 : strlen(head);
    int32_t stop = sink->on_line(sink->context, head, len);
    if (stop != 0) return stop;
    head += len;
  }
  return 0;
}

static int32_t body(const plq_transport_sink *sink, const char *text) {
  return text != NULL && *text != '\0' ? sink->on_body(sink->context, (const uint8_t *)text, strlen(text)) : 0;
}

static void done(const plq_transport_sink *sink, int32_t status, int32_t phase, int32_t delivery, const char *message) {
  const plq_transport_transfer transfer = {.struct_size = sizeof transfer, .queue_ns = 0, .resolve_ns = 1000, .connect_ns = 2000,
                                           .tls_ns = 3000, .send_ns = 4000, .first_byte_ns = 5000, .total_ns = 15000,
                                           .bytes_sent = 100, .bytes_received = 200};
  plq_transport_error error = {.struct_size = sizeof error, .status = status, .phase = phase, .delivery = delivery};
  if (message != NULL) keep(error.message, sizeof error.message, message, strlen(message));
  sink->on_done(sink->context, status != PLQ_OK ? &error : NULL, &transfer);
}

static const struct probe_attempt success = {.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY};

static int32_t connect_to(const plq_transport_sink *sink, const struct probe_attempt *attempt) {
  bool given = attempt->known != 0 || attempt->flags != 0;
  plq_transport_connection connection = {.struct_size = sizeof connection,
                                         .known = given ? attempt->known : PROBE_VERIFIED | PLQ_FACT_TLS_VERSION | PLQ_FACT_PEER,
                                         .flags = given ? attempt->flags : PROBE_VERIFIED,
                                         .tls_version = attempt->tls_version != 0 ? attempt->tls_version : 0x0304,
                                         .peer_port = 443,
                                         .peer_address = "192.0.2.7"};
  memset(connection.spki_sha256, attempt->spki, sizeof connection.spki_sha256);
  return sink->on_connected(sink->context, &connection);
}

_Atomic int32_t probe_log_level;

static void log_line(const plq_transport_host *host, const char *line) {
  probe_log_level = host->log_level(host->context);
  host->log(host->context, PLQ_LOG_WARNING, line, strlen(line));
}

static void carry_out(const plq_transport_host *host, const plq_transport_request *request, const plq_transport_sink *sink,
                      const struct probe_attempt *attempt) {
  see(request);
  bool early = attempt->status != PLQ_OK && attempt->phase < PLQ_PHASE_SEND && attempt->phase != PLQ_PHASE_NONE;
  if (attempt->misdeed != PROBE_NOT_CONNECTED && !early && connect_to(sink, attempt) != 0) {
    done(sink, PLQ_E_CANCELLED, PLQ_PHASE_TLS, PLQ_DELIVERY_NOT_SENT, "refused by the host");
    return;
  }
  probe_now_ns += attempt->takes_ms * 1000000;
  if (attempt->inside != NULL) attempt->inside();
  if (attempt->logs != NULL) log_line(host, attempt->logs);
  if (sink->is_cancelled(sink->context)) {
    done(sink, PLQ_E_CANCELLED, PLQ_PHASE_WAIT, PLQ_DELIVERY_MAYBE_SENT, "cancelled");
    return;
  }
  if (attempt->misdeed == PROBE_BODY_FIRST) body(sink, "x");
  if (attempt->head != NULL && lines(sink, attempt->head) != 0) {
    done(sink, PLQ_E_CANCELLED, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, "stopped by the host");
    return;
  }
  if (body(sink, attempt->body) != 0) {
    done(sink, PLQ_E_CANCELLED, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, "stopped by the host");
    return;
  }
  if (attempt->misdeed != PROBE_NO_DONE) done(sink, attempt->status, attempt->phase, attempt->delivery, attempt->message);
}

static const struct probe_attempt *next_attempt(void) {
  size_t index = atomic_fetch_add(&script_next, 1);
  return index < script_count ? &script[index] : &success;
}

/* ---- the functions ---- */

static int32_t create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                      plq_transport_error *error, plq_transport_instance **out_instance) {
  (void)values, (void)count, (void)stride;
  plq_transport_instance *self = host->alloc(host->context, sizeof *self);
  if (self == NULL) {
    error->status = PLQ_E_MEMORY;
    return PLQ_E_MEMORY;
  }
  *self = (plq_transport_instance){.host = host};
  probe_instances++;
  *out_instance = self;
  return PLQ_OK;
}

static int32_t perform(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                       plq_transport_error *error) {
  const struct probe_attempt *attempt = next_attempt();
  if (attempt->refused != PLQ_OK) {
    error->status = attempt->refused;
    return attempt->refused;
  }
  carry_out(self->host, request, sink, attempt);
  return PLQ_OK;
}

static int32_t submit(plq_transport_instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                      plq_transport_error *error) {
  (void)error;
  self->request = request;
  self->sink = sink;
  return PLQ_OK;
}

static int32_t event_fd(plq_transport_instance *self) {
  (void)self;
  return -1;
}

static int32_t drive(plq_transport_instance *self, int64_t until_ns) {
  (void)until_ns;
  const plq_transport_request *request = self->request;
  self->request = NULL;
  if (request != NULL) carry_out(self->host, request, self->sink, next_attempt());
  return PLQ_OK;
}

static void wake(plq_transport_instance *self) { (void)self; }

static void cancel(plq_transport_instance *self, uint64_t op) {
  (void)self, (void)op;
  probe_cancels++;
}

static int32_t prewarm(plq_transport_instance *self, const plq_transport_target *target, uint32_t count, int64_t deadline_ns, uint64_t op,
                       const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  (void)self, (void)target, (void)deadline_ns, (void)op, (void)sink, (void)error;
  probe_prewarmed++;
  *out_open = count;
  return PLQ_OK;
}

static void destroy(plq_transport_instance *self) {
  probe_instances--;
  self->host->free(self->host->context, self);
}

static void abandon(plq_transport_instance *self) {
  (void)self;
  probe_abandoned++;
}

/* ---- the clock ---- */

static int64_t now_ns(plq_transport_instance *self) {
  (void)self;
  return probe_now_ns;
}

static void sleep_until_ns(plq_transport_instance *self, int64_t until_ns) {
  (void)self;
  if (probe_waits < PROBE_SEEN_MOST) probe_waits_ms[probe_waits++] = (until_ns - probe_now_ns) / 1000000;
  if (until_ns > probe_now_ns) probe_now_ns = until_ns;
}

static const void *get_extension(const char *id) {
  static const plq_transport_clock clock = {.struct_size = sizeof clock, .now_ns = now_ns, .sleep_until_ns = sleep_until_ns};
  return strcmp(id, PLQ_EXTENSION_CLOCK) == 0 ? &clock : NULL;
}

/* ---- the descriptors ---- */

static const plq_transport_functions blocking_functions = {.struct_size = sizeof blocking_functions,
                                                           .create = create,
                                                           .perform = perform,
                                                           .cancel = cancel,
                                                           .prewarm = prewarm,
                                                           .destroy = destroy,
                                                           .abandon_after_fork = abandon};
static const plq_transport_functions async_functions = {.struct_size = sizeof async_functions,
                                                        .create = create,
                                                        .submit = submit,
                                                        .event_fd = event_fd,
                                                        .drive = drive,
                                                        .wake = wake,
                                                        .cancel = cancel,
                                                        .destroy = destroy,
                                                        .abandon_after_fork = abandon};
static const plq_transport_option options[] = {{.type = PLQ_OPTION_LIST, .key = "pins", .doc = "Taken."},
                                               {.type = PLQ_OPTION_TEXT, .key = "note", .doc = "Taken."}};

#define DESCRIPTOR(name_, class_, capabilities_, functions_, count_, extension_)                                                    \
  {                                                                                                                                 \
    .struct_size = sizeof(plq_transport), .deployment_class = class_, .capabilities = capabilities_, .id = "org.example." name_,    \
    .name = name_, .version = "1", .vendor = "tests", .license = "MIT", .stack = "none", .options = options, .option_count = count_, \
    .option_stride = sizeof options[0], .functions = &functions_, .get_extension = extension_                                       \
  }

static const plq_transport probe =
    DESCRIPTOR("probe", PLQ_CLASS_TEST, PLQ_CAP_BLOCKING | PLQ_CAP_CONCURRENT | PLQ_CAP_SEND_STATE | PLQ_CAP_PREWARM | PLQ_CAP_FORK_ABANDON,
               blocking_functions, COUNT(options), get_extension);
static const plq_transport probe_async = DESCRIPTOR("probe-async", PLQ_CLASS_TEST, PLQ_CAP_ASYNC | PLQ_CAP_SEND_STATE | PLQ_CAP_FORK_ABANDON,
                                                    async_functions, COUNT(options), get_extension);
static const plq_transport probe_plain = DESCRIPTOR("probe-plain", PLQ_CLASS_PRODUCTION, PLQ_CAP_BLOCKING, blocking_functions, 0, NULL);

#define ENTRY(function, descriptor)                                                                                                 \
  static int32_t function(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out_transport) {        \
    (void)host, (void)error;                                                                                                        \
    *out_transport = &descriptor;                                                                                                   \
    return PLQ_OK;                                                                                                                  \
  }
ENTRY(enter_probe, probe)
ENTRY(enter_probe_async, probe_async)
ENTRY(enter_probe_plain, probe_plain)

int probe_reset(void **state) {
  (void)state;
  static const plq_transport_entry_fn entries[] = {enter_probe, enter_probe_async, enter_probe_plain};
  for (size_t i = 0; i < COUNT(entries); i++)
    if (plq_transport_register_static(entries[i], NULL) != PLQ_OK) return 1;
  probe_play(NULL, 0);
  probe_seen_count = probe_cancels = probe_abandoned = probe_prewarmed = 0;
  probe_waits = 0;
  probe_now_ns = INT64_C(1000000000);
  return 0;
}

void probe_play(const struct probe_attempt *attempts, size_t count) {
  script = attempts;
  script_count = count;
  script_next = 0;
}

plq_client_id probe_client(const char *transport, ...) {
  plq_options *made = NULL;
  plq_client_id client = 0;
  plq_error *error = NULL;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &made, NULL), PLQ_OK);
  plq_options_set(made, "transport", PLQ_NUL, transport, PLQ_NUL, NULL);
  plq_options_set(made, "allow_test_transports", PLQ_NUL, "true", PLQ_NUL, NULL);
  plq_options_set(made, "access_token", PLQ_NUL, PROBE_TOKEN, PLQ_NUL, NULL);
  va_list pairs;
  va_start(pairs, transport);
  for (const char *key = va_arg(pairs, const char *); key != NULL; key = va_arg(pairs, const char *))
    if (plq_options_set(made, key, PLQ_NUL, va_arg(pairs, const char *), PLQ_NUL, &error) != PLQ_OK)
      fail_msg("%s: %s", key, plq_error_message(error, NULL));
  va_end(pairs);
  if (plq_client_new(made, &client, &error) != PLQ_OK) fail_msg("plq_client_new: %s", plq_error_message(error, NULL));
  plq_options_free(made);
  return client;
}
