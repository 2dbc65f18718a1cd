/* SPDX-License-Identifier: MIT */
#ifndef PLQ_OPERATIONS_RESPONSE_H
#define PLQ_OPERATIONS_RESPONSE_H

#include <plastiq/response.h>

#include "../base/error.h"
#include "operation.h"

struct plq_response {
  const struct plq__operation *operation;
  int32_t http_status;
  char trace_id[40];
  struct plq_attempts attempts;
  plq_secret *secrets[PLQ__RESULTS_MOST]; /* by result; NULL once taken */
  char *texts[PLQ__RESULTS_MOST];
};

/* Reads the body of a success into a new response. */
int32_t plq__response_decode(const struct plq__operation *operation, const char *body, size_t len, int64_t sent_life_ms,
                             plq_response **out_response, plq_error **out_error);

#endif
