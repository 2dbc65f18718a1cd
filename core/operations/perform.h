/* SPDX-License-Identifier: MIT */
/* From a request to a response: builds what is sent, runs the call, reads the answer. */
#ifndef PLQ_OPERATIONS_PERFORM_H
#define PLQ_OPERATIONS_PERFORM_H

#include "../pipeline/client.h"
#include "request.h"
#include "response.h"

int32_t plq__perform(struct plq__client *client, struct plq__live *live, struct plq__run *run, const plq_request *request,
                     plq_response **out_response, plq_error **out_error);

#endif
