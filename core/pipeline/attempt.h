/* SPDX-License-Identifier: MIT */
/* One attempt: a request handed to the transport, and what came back through the sink. */
#ifndef PLQ_PIPELINE_ATTEMPT_H
#define PLQ_PIPELINE_ATTEMPT_H

#include "../base/buffer.h"
#include "../codec/head.h"
#include "client.h"

struct plq__attempt_state {
  const struct plq__client *client;
  struct plq__lane *lane;
  struct plq__run *run;
  uint32_t number; /* from 1 */
  plq_transport_sink sink; /* for the transport: reports here */
  bool elsewhere;  /* the transport reports on a thread that no observer may run on: what there is to tell waits for the verdict */
  void (*on_over)(struct plq__attempt_state *attempt); /* called when the transport is done, or NULL; only takes note */

  /* What came back. */
  struct plq__head head;
  struct plq__buffer body; /* may hold a secret: lies in the secure pages */
  plq_transport_connection connection;
  plq_transport_transfer transfer;
  plq_transport_error reported; /* status PLQ_OK: the transport delivered a complete response */
  bool connected, done;
  int32_t stopped;      /* why the core stopped the transport, or PLQ_OK */
  int64_t sent_life_ms; /* when the request began to leave, on the clock of secrets */

  /* The verdict. */
  int32_t status, phase, delivery;
};

void plq__attempt_init(struct plq__attempt_state *attempt, struct plq__lane *lane, struct plq__run *run);
void plq__attempt_clear(struct plq__attempt_state *attempt);
/* Hands the request to the transport and waits for the end. Sets the verdict: PLQ_OK means that a whole response came. */
void plq__attempt_perform(struct plq__attempt_state *attempt, const plq_transport_request *request);
/* Sets the verdict of a request that was handed over elsewhere: `status` is what the transport answered when it was to accept it. */
void plq__attempt_conclude(struct plq__attempt_state *attempt, int32_t status);
/* Fills a row of the attempts with what is known. */
void plq__attempt_record(const struct plq__attempt_state *attempt, struct plq__attempt *row);

/* Enters and leaves a transport that serves one thread at a time; false: cancelled, or the deadline came first. */
bool plq__transport_enter(struct plq__live *live, struct plq__run *run, int64_t deadline_ns);
void plq__transport_leave(struct plq__live *live);

#endif
