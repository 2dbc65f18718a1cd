/* SPDX-License-Identifier: MIT */
/*
 * A completion queue: calls that step on one thread at a time, each from a submit to a completion. include/plastiq/queue.h says
 * what users see. Locks: the live part's may be held when the queue's is taken, never the other way round; none is held while
 * a transport works or an observer is told.
 */
#ifndef PLQ_OPERATIONS_QUEUE_H
#define PLQ_OPERATIONS_QUEUE_H

#include "perform.h"

struct plq__queue;

/* A call in a queue. */
struct plq__queued;

/* What became of one; owns all of it. */
struct plq__completed {
  uint64_t tag, id;
  int32_t status;
  plq_response *response;
  plq_error *error;
  void *more; /* what was submitted with it */
};

/* What a call is submitted with. */
struct plq__submission {
  const plq_request *request; /* borrowed; NULL: the call is over already, and ends as said here: */
  int32_t status;
  plq_error *error; /* owned, once it was accepted */
  uint64_t tag;
  int64_t room_timeout_ms;
  bool accept_all; /* a request that cannot be built is accepted too, and that is how it ends */
  void *more;      /* owned, once it was accepted; passed to drop_more if nobody takes it */
  struct plq__event_log *log; /* in `more`, or NULL */
};

int32_t plq__queue_new(struct plq__client *client, struct plq__live *live, void (*drop_more)(void *more), plq_queue_id *out_queue,
                       plq_error **out_error);
/* The queue behind a handle, with a reference; NULL with PLQ_E_HANDLE or PLQ_E_FORKED. */
struct plq__queue *plq__queue_acquire(plq_queue_id id, int32_t *out_status);
void plq__queue_release(struct plq__queue *queue);
void plq__queue_free(plq_queue_id id);

plq_client_id plq__queue_client(const struct plq__queue *queue);
int32_t plq__queue_submit(struct plq__queue *queue, const struct plq__submission *submission, uint64_t *out_id, plq_error **out_error);
int32_t plq__queue_cancel(struct plq__queue *queue, uint64_t id);
void plq__queue_wake(struct plq__queue *queue);
void plq__queue_close(struct plq__queue *queue, bool cancel);
int32_t plq__queue_fd(struct plq__queue *queue, int *out_fd);
int32_t plq__queue_warm(struct plq__queue *queue, uint32_t count, int64_t timeout_ms, uint32_t *out_open, plq_error **out_error);
/* PLQ_QUEUE_STAT_* */
void plq__queue_stats(struct plq__queue *queue, int64_t values[]);

/* Comes in, as one thread at a time may; PLQ_E_BUSY. */
int32_t plq__queue_enter(struct plq__queue *queue);
void plq__queue_leave(struct plq__queue *queue);
/* Works until there is a completion, and shows the first one, which stays; as plq_queue_next(). Only inside. */
int32_t plq__queue_await(struct plq__queue *queue, int64_t timeout_ms, struct plq__completed **out_completed);
/* Takes the first one out: what it owned is the caller's now. Only inside. */
struct plq__completed plq__queue_take(struct plq__queue *queue);

#endif
