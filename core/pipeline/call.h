/* SPDX-License-Identifier: MIT */
/*
 * A call: attempts within one deadline until there is an outcome. Knows nothing of operations: what to send and how to read a success
 * come in an exchange.
 */
#ifndef PLQ_PIPELINE_CALL_H
#define PLQ_PIPELINE_CALL_H

#include "client.h"

/* What an operation wants sent, and how its answer is read. Borrowed for the call. */
struct plq__exchange {
  const char *operation; /* its name, for who observes */
  const char *method;
  const char *path;                    /* below the base URL's path */
  const plq_transport_header *headers; /* all but Authorization */
  size_t header_count;
  const uint8_t *body; /* NULL: none */
  size_t body_len;
  const char *trace_id;
  bool may_repeat; /* also where the service may have acted */
  int64_t timeout_ms;
  uint32_t max_repeats;
  const int32_t *success; /* HTTP statuses that are one */
  size_t success_count;
  const struct plq__text *secrets; /* to be kept out of errors, beside the tokens */
  size_t secret_count;
  /* Reads a success; sent_life_ms is when the request began to leave. A failure is the outcome, and is not repeated. */
  int32_t (*decode)(void *context, const char *body, size_t len, int64_t sent_life_ms, plq_error **out_error);
  void *context;
};

struct plq__outcome {
  int32_t http_status;
  char trace_id[40];
  struct plq_attempts attempts;
};

/* Runs to the outcome. On success fills out_outcome; on failure makes an error that has the attempts. */
int32_t plq__call(struct plq__client *client, struct plq__live *live, struct plq__run *run, const struct plq__exchange *exchange,
                  struct plq__outcome *out_outcome, plq_error **out_error);

#endif
