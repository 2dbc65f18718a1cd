/* SPDX-License-Identifier: MIT */
/*
 * Many requests at once on one instance, without blocking. A transport that has that half carries them itself. For one that can
 * only block a crew of threads does: it grows with the requests up to a limit, blocks all signals, and ends with the carrier.
 * What is tagged [owner] is for one thread at a time, as in transport.h.
 */
#ifndef PLQ_PLUGIN_CARRIER_H
#define PLQ_PLUGIN_CARRIER_H

#include "plugin.h"

struct plq__crew;

struct plq__carrier {
  const struct plq__instance *instance;
  const plq_transport_functions *functions;
  struct plq__crew *crew; /* or NULL: the transport needs none. With one, sinks report on its threads, all but on_done */
};

/* PLQ_OK; PLQ_E_MEMORY, PLQ_E_RESOURCE_DESCRIPTORS, PLQ_E_RESOURCE_SYSTEM. */
int32_t plq__carrier_init(struct plq__carrier *carrier, const struct plq__instance *instance, uint32_t threads);
/* Accepts a request, as a transport's submit does. What a crew's transport logs is told to `emitter` before on_done. [owner] */
int32_t plq__carrier_submit(struct plq__carrier *carrier, const plq_transport_request *request, const plq_transport_sink *sink,
                            const struct plq__emitter *emitter, plq_transport_error *error);
/* As a transport's event_fd, but for what plq__carrier_next_ns() says. [any] */
int32_t plq__carrier_event_fd(const struct plq__carrier *carrier);
/* When drive has something to do that the descriptor does not show, on the instance's clock; or PLQ__NEVER. [owner] */
int64_t plq__carrier_next_ns(const struct plq__carrier *carrier);
/* As a transport's drive. [owner] */
int32_t plq__carrier_drive(struct plq__carrier *carrier, int64_t until_ns);
/* Whether the transport's prewarm may be called now and until the next submit: one that serves a thread at a time may have a crew
   inside of it. [owner] */
bool plq__carrier_may_warm(const struct plq__carrier *carrier);
/* As a transport's wake and cancel. [any] */
void plq__carrier_wake(struct plq__carrier *carrier);
void plq__carrier_cancel(struct plq__carrier *carrier, uint64_t op);
/* Before the instance ends: sends the crew home, and reports what it had not done as cancelled. Waits for transports to notice that
   they were cancelled. [owner] */
void plq__carrier_clear(struct plq__carrier *carrier);
/* In a forked child: closes descriptors and leaves all else alone. */
void plq__carrier_abandon(struct plq__carrier *carrier);

#endif
