/* SPDX-License-Identifier: MIT */
/* From a request to a response: builds what is sent, and reads the answer. */
#ifndef PLQ_OPERATIONS_PERFORM_H
#define PLQ_OPERATIONS_PERFORM_H

#include "../pipeline/call.h"
#include "request.h"
#include "response.h"

/*
 * A request made into a call. It has a copy of all that it needs, so that the request may go. Does not move in memory once it was
 * made.
 */
struct plq__performing {
  struct plq__call call;
  struct plq__exchange exchange;
  const struct plq__operation *operation;
  plq_response *response; /* of a success */
  char trace_id[37];
  char *block; /* headers and texts */
  size_t block_size;
};

/* Builds what is to be sent. On failure there is nothing to finish. */
int32_t plq__performing_init(struct plq__performing *performing, struct plq__lane *lane, struct plq__run *run, const plq_request *request,
                             int64_t start_ns, plq_error **out_error);
/* The end of what was begun, as plq__call_finish(): on success *out_response, on failure *out_error. */
int32_t plq__performing_finish(struct plq__performing *performing, plq_response **out_response, plq_error **out_error);

/* Of one that never began: nobody is told of it. */
void plq__performing_drop(struct plq__performing *performing);

/* All of it on this thread, which waits. */
int32_t plq__perform(struct plq__lane *lane, struct plq__run *run, const plq_request *request, plq_response **out_response,
                     plq_error **out_error);

#endif
