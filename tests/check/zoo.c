/* SPDX-License-Identifier: MIT */
/*
 * The template transport, spoilt in one way: ZOO_WAY says which. The kit must notice each, or it is no kit. Everything else is
 * the template's, so what fails besides is a consequence.
 */
#include <plastiq/transport.h>

#undef PLQ_TRANSPORT_ENTRY
#define PLQ_TRANSPORT_ENTRY(name) template_entry
#include "../../transports/template/template.c"

#include <signal.h>
#include <stdlib.h>

enum {
  ZOO_GOOD,
  ZOO_DONE_TWICE,
  ZOO_NO_DONE,
  ZOO_REFUSAL_IGNORED,
  ZOO_DESCRIPTOR_LEFT,
  ZOO_MEMORY_LEFT,
  ZOO_SENT_TWICE,
  ZOO_SIGPIPE,
  ZOO_CANCEL_IGNORED,
  ZOO_UNVERIFIED,
  ZOO_TOKEN_LOGGED,
  ZOO_LINES_TRIMMED,
  ZOO_REDIRECTS,
  ZOO_PROXY,
  ZOO_NOT_SENT_ALWAYS,
  ZOO_CRASH,
};

/* A sink in front of the real one. */
typedef struct front {
  plq_transport_sink sink;
  const plq_transport_sink *real;
} front;

static int32_t front_connected(void *context, const plq_transport_connection *connection) {
  const plq_transport_sink *real = ((front *)context)->real;
  int32_t answer = real->on_connected(real->context, connection);
  return ZOO_WAY == ZOO_REFUSAL_IGNORED ? 0 : answer;
}

static int32_t front_line(void *context, const char *line, size_t len) {
  const plq_transport_sink *real = ((front *)context)->real;
  return real->on_line(real->context, line, ZOO_WAY == ZOO_LINES_TRIMMED ? len - 2 : len);
}

static int32_t front_body(void *context, const uint8_t *data, size_t len) {
  const plq_transport_sink *real = ((front *)context)->real;
  return real->on_body(real->context, data, len);
}

static void front_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  const plq_transport_sink *real = ((front *)context)->real;
  plq_transport_error lie;
  if (ZOO_WAY == ZOO_NO_DONE) return;
  if (error) memcpy(&lie, error, sizeof lie);
  if (error && ZOO_WAY == ZOO_NOT_SENT_ALWAYS) lie.delivery = PLQ_DELIVERY_NOT_SENT;
  real->on_done(real->context, error ? &lie : NULL, transfer);
  if (ZOO_WAY == ZOO_DONE_TWICE) real->on_done(real->context, error ? &lie : NULL, transfer);
}

static int32_t front_cancelled(void *context) {
  const plq_transport_sink *real = ((front *)context)->real;
  return ZOO_WAY == ZOO_CANCEL_IGNORED ? 0 : real->is_cancelled(real->context);
}

static int32_t nothing_connected(void *context, const plq_transport_connection *connection) {
  return (void)context, (void)connection, 0;
}
static int32_t nothing_line(void *context, const char *line, size_t len) {
  return (void)context, (void)line, (void)len, 0;
}
static int32_t nothing_body(void *context, const uint8_t *data, size_t len) {
  return (void)context, (void)data, (void)len, 0;
}
static void nothing_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  (void)context, (void)error, (void)transfer;
}
static int32_t nothing_cancelled(void *context) {
  return (void)context, 0;
}

static int32_t zoo_perform(instance *self, const plq_transport_request *request, const plq_transport_sink *sink,
                           plq_transport_error *error) {
  front made = {{sizeof made.sink, 0, &made, front_connected, front_line, front_body, front_done, front_cancelled}, sink};
  if (ZOO_WAY == ZOO_CRASH) abort();
  if (ZOO_WAY == ZOO_TOKEN_LOGGED) {
    const plq_transport_header *header = request->headers + 3;
    self->host->log(self->host->context, PLQ_LOG_INFO, header->value, header->value_len);
  }
  if (ZOO_WAY == ZOO_SENT_TWICE) {
    plq_transport_sink nobody = {sizeof nobody,    0, NULL, nothing_connected, nothing_line, nothing_body, nothing_done,
                                 nothing_cancelled};
    perform(self, request, &nobody, error);
  }
  return perform(self, request, &made.sink, error);
}

static void zoo_cancel(instance *self, uint64_t op) {
  if (ZOO_WAY != ZOO_CANCEL_IGNORED) cancel(self, op);
}

static int32_t zoo_create(const plq_transport_host *host, const plq_transport_value *values, size_t count, size_t stride,
                          plq_transport_error *error, instance **out_instance) {
  int32_t status = create(host, values, count, stride, error, out_instance);
  instance *self = *out_instance;
  if (status) return status;
  if (ZOO_WAY == ZOO_DESCRIPTOR_LEFT) (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (ZOO_WAY == ZOO_MEMORY_LEFT) (void)host->alloc(host->context, 100);
  if (ZOO_WAY == ZOO_SIGPIPE) signal(SIGPIPE, SIG_IGN);
  if (ZOO_WAY == ZOO_UNVERIFIED) (void)(SET(SSL_VERIFYPEER, 0L) && SET(SSL_VERIFYHOST, 0L));
  if (ZOO_WAY == ZOO_REDIRECTS) (void)SET(FOLLOWLOCATION, 1L);
  if (ZOO_WAY == ZOO_PROXY) (void)SET(PROXY, NULL);
  return status;
}

PLQ_TRANSPORT_EXPORT int32_t plq_transport_entry_v1(const plq_transport_host *host, plq_transport_error *error,
                                                    const plq_transport **out);

PLQ_TRANSPORT_EXPORT int32_t plq_transport_entry_v1(const plq_transport_host *host, plq_transport_error *error,
                                                    const plq_transport **out) {
  static plq_transport spoilt;
  static plq_transport_functions spoilt_functions;
  const plq_transport *good = NULL;
  int32_t status = template_entry(host, error, &good);
  if (status) return status;
  spoilt_functions = *good->functions;
  spoilt_functions.create = zoo_create;
  spoilt_functions.perform = zoo_perform;
  spoilt_functions.cancel = zoo_cancel;
  spoilt = *good;
  spoilt.name = ZOO_NAME;
  spoilt.functions = &spoilt_functions;
  *out = &spoilt;
  return PLQ_OK;
}
