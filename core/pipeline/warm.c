/* SPDX-License-Identifier: MIT */
#include "warm.h"

#include <string.h>

#include "../base/clock.h"
#include "../base/error.h"
#include "attempt.h"
#include "telling.h"

static int32_t is_cancelled(void *context) { return ((const struct plq__run *)context)->cancelled; }

/* With prewarm only is_cancelled is called; a transport that calls another slot is refused. */
static int32_t no_connection(void *context, const plq_transport_connection *connection) {
  (void)context, (void)connection;
  return 1;
}
static int32_t no_line(void *context, const char *line, size_t len) {
  (void)context, (void)line, (void)len;
  return 1;
}
static int32_t no_body(void *context, const uint8_t *data, size_t len) {
  (void)context, (void)data, (void)len;
  return 1;
}
static void no_end(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  (void)context, (void)error, (void)transfer;
}

static int32_t prewarm(struct plq__lane *lane, struct plq__run *run, uint32_t count, int64_t deadline_ns, uint32_t *out_open,
                       plq_transport_error *reported) {
  const struct plq__client *client = lane->live->client;
  const plq_transport_sink sink = {.struct_size = sizeof sink,
                                   .context = run,
                                   .on_connected = no_connection,
                                   .on_line = no_line,
                                   .on_body = no_body,
                                   .on_done = no_end,
                                   .is_cancelled = is_cancelled};
  plq__host_emit_to(&run->emitter, client->plugin->transport.name);
  int32_t status = client->plugin->functions.prewarm(lane->instance->transport, &client->settings.target, count, deadline_ns, run->op,
                                                     &sink, reported, out_open);
  plq__host_emit_to(NULL, NULL);
  return status;
}

/* On a client's own lane others may be in the way of a transport that serves one thread at a time. */
static int32_t prewarm_client(struct plq__live *live, struct plq__run *run, uint32_t count, int64_t deadline_ns, uint32_t *out_open,
                              plq_transport_error *reported) {
  bool alone = !(live->client->plugin->transport.capabilities & PLQ_CAP_CONCURRENT);
  if (plq__run_op(live, run) == 0) return PLQ_E_CANCELLED;
  if (alone && !plq__transport_enter(live, run, deadline_ns)) return run->cancelled ? PLQ_E_CANCELLED : PLQ_E_TIMEOUT_POOL;
  int32_t status = prewarm(&live->lane, run, count, deadline_ns, out_open, reported);
  if (alone) plq__transport_leave(live);
  return status;
}

int32_t plq__warm_lane(struct plq__lane *lane, struct plq__run *run, uint32_t count, int64_t timeout_ms, uint32_t *out_open,
                       plq_error **out_error) {
  const struct plq__client *client = lane->live->client;
  plq_transport_error reported = {.struct_size = sizeof reported};
  uint32_t open = 0;
  uint32_t most = (uint32_t)plq__options_number(client->options, PLQ__OPT_MAX_CONNECTIONS);
  if (count > most)
    return plq__fail(out_error, PLQ_E_ARGUMENT, "count", "count is %u, but the option max_connections allows %u", count, most);
  if (!(client->plugin->transport.capabilities & PLQ_CAP_PREWARM))
    return plq__fail(out_error, PLQ_E_UNSUPPORTED, NULL, "the transport %s cannot open connections ahead of use",
                     client->plugin->transport.name);
  if (!lane->is_queue && !plq__run_begin(lane->live, run)) return plq__fail_plain(out_error, PLQ_E_CLOSED);
  int64_t began_ns = plq__lane_now_ns(lane), deadline_ns = plq__deadline_ns(began_ns, timeout_ms);
  int32_t status = lane->is_queue ? prewarm(lane, run, count, deadline_ns, &open, &reported)
                                  : prewarm_client(lane->live, run, count, deadline_ns, &open, &reported);
  plq__tell_warm(run, count, open, status, plq__lane_now_ns(lane) - began_ns);
  if (!lane->is_queue) plq__run_end(lane->live, run);
  if (out_open != NULL) *out_open = open;
  return status == PLQ_OK ? PLQ_OK : plq__plugin_fail(out_error, client->plugin, status, &reported);
}

int32_t plq__warm(struct plq__live *live, uint32_t count, int64_t timeout_ms, uint32_t *out_open, plq_error **out_error) {
  struct plq__run run = {.op = 0};
  return plq__warm_lane(&live->lane, &run, count, timeout_ms, out_open, out_error);
}
