/* SPDX-License-Identifier: MIT */
/*
 * A call: attempts within one deadline until there is an outcome. Knows nothing of operations: what to send and how to read a success
 * come in an exchange.
 */
#ifndef PLQ_PIPELINE_CALL_H
#define PLQ_PIPELINE_CALL_H

#include "attempt.h"
#include "policy.h"

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

/*
 * A call on its way. Whoever drives it asks for an attempt, has the transport carry it out, and asks for the judgement:
 *
 *     begin, attempt -> (transport) -> judge -> over, or another attempt, at once or after a wait
 *
 * so that a thread that blocks and a queue go the same way.
 */
struct plq__call {
  struct plq__lane *lane;
  struct plq__run *run;
  const struct plq__exchange *exchange;
  char *path;                    /* the base URL's and the operation's; in one block with what follows */
  plq_transport_header *headers; /* the exchange's and Authorization */
  struct plq__text *secrets;     /* the exchange's, with room for the tokens of an attempt */
  int64_t start_ns, deadline_ns, waited_ns;
  uint32_t repeats;       /* made so far */
  uint32_t attempt_count; /* likewise */
  int token;        /* 0, or 1 once the second one is in use */
  int32_t delivery; /* the strongest of all attempts */
  int32_t status;   /* of the last attempt */
  struct plq_attempts rows;
  plq_error *last_http; /* of the last attempt that the service answered with an error */
  plq_error *error;     /* of the last attempt */
  struct plq__failure failure;
  int32_t http_status; /* of a success */
  char trace_id[40];

  /* The attempt under way. */
  struct plq__attempt_state attempt;
  plq_transport_request request; /* for the transport */
  struct plq__tokens *tokens;    /* in use by it */
  int64_t began_ns;
  int64_t again_ns; /* when the next one is due */
};

enum plq__step {
  PLQ__STEP_SEND,  /* the transport is to carry out call->request with call->attempt.sink */
  PLQ__STEP_AGAIN, /* another attempt is due, at call->again_ns if that is later than now */
  PLQ__STEP_OVER
};

/* The call's deadline runs from start_ns. The exchange and the run are borrowed until the end. */
void plq__call_init(struct plq__call *call, struct plq__lane *lane, struct plq__run *run, const struct plq__exchange *exchange,
                    int64_t start_ns);
/* Tells that the call begins. Once, before all that follows, on a thread where observers may run. */
enum plq__step plq__call_begin(struct plq__call *call);
/* Readies the next attempt, under the name that the transport will know it by; 0: it is cancelled. PLQ__STEP_SEND or _OVER. */
enum plq__step plq__call_attempt(struct plq__call *call, uint64_t op);
/* Judges the attempt, whose verdict is set. PLQ__STEP_AGAIN or _OVER. */
enum plq__step plq__call_judge(struct plq__call *call);
/* A cancel came between two attempts: the call is over. */
void plq__call_interrupt(struct plq__call *call);
/* The end: on success fills out_outcome; on failure makes an error that has the attempts. Frees what the call has. */
int32_t plq__call_finish(struct plq__call *call, struct plq__outcome *out_outcome, plq_error **out_error);

/* From begin to the end on this thread, which waits. plq__call_finish() remains to be called. */
void plq__call_run(struct plq__call *call);

#endif
