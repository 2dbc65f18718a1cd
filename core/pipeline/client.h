/* SPDX-License-Identifier: MIT */
/*
 * A client: settings that never change, and its live part, which does. After fork the child's first use makes a new live part and
 * leaks the old one without touching its locks.
 */
#ifndef PLQ_PIPELINE_CLIENT_H
#define PLQ_PIPELINE_CLIENT_H

#include <pthread.h>
#include <plastiq/client.h>
#include <stdatomic.h>

#include "../base/events.h"
#include "../base/random.h"
#include "../plugin/plugin.h"
#include "settings.h"
#include "token_files.h"
#include "tokens.h"

/* What can be cancelled: one run of a call, or one warming. Lives on the stack of the thread that runs it. */
struct plq__run {
  struct plq__emitter emitter; /* who is told of it; the log is its maker's */
  struct plq__run *next, **link; /* in the live part's list */
  uint64_t op;                   /* what the transport is busy with, 0: nothing */
  _Atomic bool cancelled;        /* set under the live part's lock, read anywhere: a transport may ask with a lock of its own held */
};

struct plq__published;

/* Counted since the client was made, or since the fork. */
enum plq__count {
  PLQ__COUNT_SUCCEEDED,
  PLQ__COUNT_FAILED,
  PLQ__COUNT_CALLS, /* after those two: who sums up never finds fewer calls than ends */
  PLQ__COUNT_ATTEMPTS,
  PLQ__COUNT_REPEATS,
  PLQ__COUNT_REPEATS_DENIED,
  PLQ__COUNT_CONNECTIONS_OPENED,
  PLQ__COUNT_CONNECTIONS_REUSED,
  PLQ__COUNT_BYTES_SENT,
  PLQ__COUNT_BYTES_RECEIVED,
  PLQ__COUNT_TOKENS_READ,
  PLQ__COUNTS
};

/*
 * A way to the service: a transport instance, and what is written while its calls run. The blocking calls of a client share one,
 * and each queue has one of its own, so that queues on several cores get into nobody's way.
 */
struct plq__lane {
  struct plq__live *live;
  struct plq__instance *instance;
  struct plq__random random;
  _Atomic uint64_t counts[PLQ__COUNTS];
  uint64_t first_call;               /* its calls are numbered from the next one on */
  bool is_queue;                     /* then what follows is for whoever is inside of the queue */
  uint32_t version;                  /* of the live part's tokens and observers when they were copied */
  struct plq__tokens *tokens;        /* a copy of its own, or NULL: none was made yet */
  struct plq__observers *observers;
};

/* What the live part knows of a queue. */
struct plq__queue_link {
  struct plq__queue_link *next, **link; /* in the live part's list */
  struct plq__lane *lane;
  void (*cancel_all)(struct plq__queue_link *queue); /* the client is being closed; called with the live part's lock held */
};

struct plq__live {
  const struct plq__client *client;
  uint32_t generation;          /* of fork */
  struct plq__live *next_left; /* in the list of those that a fork left behind */
  pthread_mutex_t lock;
  pthread_cond_t changed; /* a run ended, was cancelled, or the transport became free */
  struct plq__lane lane; /* of blocking calls */
  struct plq__queue_link *queues;
  uint64_t queue_count;          /* that were ever made */
  uint64_t past_counts[PLQ__COUNTS]; /* of queues that are gone */
  struct plq__tokens *tokens;
  struct plq__following following;
  struct plq__run *runs;
  struct plq__observers *observers;
  _Atomic uint32_t version; /* goes up when tokens or observers change */
  uint64_t last_op, last_observer;
  _Atomic int64_t repeats_left; /* fifths of a repeat: a success gives one back */
  struct plq__published *published; /* secrets that wait to be claimed; see operations/secret.h */
  void (*drop_published)(struct plq__published *published); /* for those left when the client ends; set by who publishes */
  bool closing;
  bool busy; /* a transport without PLQ_CAP_CONCURRENT is in use */
};

struct plq__client {
  plq_options *options;
  int ambient_address; /* the option by which the surroundings decide who gets the tokens, or -1 */
  struct plq__settings settings;
  const struct plq__plugin *plugin;
  _Atomic(struct plq__live *) live;
  plq_client_id id;
};

enum { PLQ__REPEAT_COST = 5 };

/* Makes a client and its handle. */
int32_t plq__client_new(const plq_options *options, plq_client_id *out_client, plq_error **out_error);
/* The client behind a handle, with a reference, or NULL. */
struct plq__client *plq__client_acquire(plq_client_id id);
void plq__client_release(struct plq__client *client);
/* The live part of this process. NULL with a status: no memory, or the transport could not be set up again after fork. */
struct plq__live *plq__client_live(struct plq__client *client, int32_t *out_status, plq_error **out_error);

/* Cancels every run, lets none begin, and waits until none is left; false: the time is over. */
bool plq__client_shut(struct plq__client *client, int64_t timeout_ms);
/* The tokens of this moment, with a reference. */
struct plq__tokens *plq__live_tokens(struct plq__live *live);
/* The same for a call on this lane; NULL without memory. */
struct plq__tokens *plq__lane_tokens(struct plq__lane *lane);
/* Replaces them, and follows no file any more; takes over the reference. */
void plq__live_set_tokens(struct plq__live *live, struct plq__tokens *tokens);

/* Enters a run in the list, and those who observe in the run; false: the client is closing. */
bool plq__run_begin(struct plq__live *live, struct plq__run *run);
void plq__run_end(struct plq__live *live, struct plq__run *run);
/* Cancels a run. With the live part's lock held. */
void plq__run_cancel(struct plq__live *live, struct plq__run *run);
/* Gives the run a new op before the transport is called; 0: it is cancelled. */
uint64_t plq__run_op(struct plq__live *live, struct plq__run *run);

/* Tells those who observe now of something that belongs to no run. */
void plq__live_log(struct plq__live *live, int32_t level, struct plq__text text);

/* A lane with an instance of its own. On failure there is nothing to clear but what was zeroed. */
int32_t plq__lane_init(struct plq__lane *lane, struct plq__live *live, plq_error **out_error);
void plq__lane_clear(struct plq__lane *lane);
/* Enters a queue in the list, and gives its lane a number; false: the client is closing. */
bool plq__live_add_queue(struct plq__queue_link *queue);
/* Takes it out again; what it counted is kept. */
void plq__live_drop_queue(struct plq__queue_link *queue);
/* Keeps what it counted after that. */
void plq__live_keep_counts(struct plq__lane *lane);
/* Who observes at this moment, for a run on a queue's lane, with a reference. */
struct plq__observers *plq__lane_observers(struct plq__lane *lane);

/* Counts. */
void plq__count(struct plq__lane *lane, enum plq__count which, uint64_t more);

/* Now on the lane's clock, which a test transport may provide. */
int64_t plq__lane_now_ns(const struct plq__lane *lane);
/* Waits until then; false: cancelled. */
bool plq__live_wait(struct plq__live *live, struct plq__run *run, int64_t until_ns);

#endif
