/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Completion queues: many calls in flight on one thread, from any event loop.
 *
 * A call is submitted with a 64-bit tag and comes back, with that tag, as one completion. plq_queue_next() does the work: sending,
 * receiving, timers, repeats and observers run inside of it, on the thread that calls it. One thing plq_queue_submit() does itself: where
 * plq_queue_fd() was called, nothing else is in flight and nobody is inside, it begins the call, up to where it waits. Life of a queue:
 *
 *     plq_queue_new        on a client, whose options it uses
 *       plq_queue_fd       for an event loop: readable while plq_queue_next() has work
 *       plq_queue_submit   any number of times, from any thread
 *       plq_queue_next     from one thread at a time
 *       plq_queue_cancel, plq_queue_wake, plq_queue_close    from any thread
 *     plq_queue_free       from any thread, with calls pending too
 *
 * A queue has a transport instance, and so connections, of its own: for more cores make more queues. They share nothing that is written
 * while calls run, but for the client's budget of repeats. Blocking calls on the same client go on beside them.
 *
 * Exactly one completion comes for every call that was accepted, whatever becomes of it; of a queue that is freed first, none. A call's
 * deadline runs from when it was submitted.
 *
 * The descriptor: it stays readable while plq_queue_next() with timeout 0 has work or a completion to give. A level-triggered loop may
 * take some and return. An edge-triggered one (Go, tokio, EPOLLET) must take until #PLQ_E_QUEUE_EMPTY: what comes after that is a new edge.
 * It may be readable when there is nothing to take. The library owns it: only wait on it, and do so no more once the queue is freed.
 *
 * Threads: with a transport that carries requests without blocking, as curl and openssl do, none is started but for name look-ups. For
 * one that can only block, a queue starts at most as many as the option queue_threads says.
 *
 * After fork: in the child everything answers #PLQ_E_FORKED for a queue of the parent, and plq_queue_free() releases what the child holds of
 * it. The parent notices nothing. Inside of an observer only plq_queue_cancel(), plq_queue_wake() and plq_queue_stats() are allowed. Since 1.0.
 */
#ifndef PLASTIQ_QUEUE_H
#define PLASTIQ_QUEUE_H

#include <plastiq/base.h>
#include <plastiq/error.h>
#include <plastiq/request.h>
#include <plastiq/response.h>

PLQ_BEGIN_DECLS

/**
 * Makes a queue. The option queue_max_calls says how many calls it holds at most, max_connections how many connections they share.
 * @param client     the client; the queue works on until it is freed, but once the client was closed it accepts nothing
 * @param out_queue  receives the queue's handle
 * @param out_error  receives the details of a failure [owned], may be NULL
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_CLOSED; #PLQ_E_REENTRANT; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY; #PLQ_E_RESOURCE_HANDLES; what the
 *         transport says when it cannot be set up. Any thread; does not block, but reads CA certificates as plq_client_new() does.
 */
PLQ_API int32_t plq_queue_new(plq_client_id client, plq_queue_id *out_queue, plq_error **out_error);

/**
 * Gives the descriptor to wait on.
 * @param out_fd  receives it, -1 on failure. It is an epoll descriptor, close-on-exec and non-blocking, and the same for the queue's life
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_FORKED; #PLQ_E_REENTRANT; #PLQ_E_ARGUMENT; #PLQ_E_RESOURCE_DESCRIPTORS; #PLQ_E_RESOURCE_SYSTEM.
 *         Any thread; does not block.
 */
PLQ_API int32_t plq_queue_fd(plq_queue_id queue, int *out_fd);

/**
 * Submits a request. It is checked and copied, so it may be changed or freed afterwards.
 * @param request    [borrowed]
 * @param tag        comes back with the completion; any number, an address for instance
 * @param room_timeout_ms  how long to wait, if the queue is full, until another thread has taken completions: 0 not at all, -1 for ever
 * @param out_id     receives the call's id for plq_queue_cancel(), unique among the client's queues and below 2^53; may be NULL
 * @param out_error  receives the details of a failure [owned], may be NULL
 * @return #PLQ_OK: accepted, and one completion will come. Otherwise none will, and nothing was sent: #PLQ_E_QUEUE_FULL; #PLQ_E_CLOSED: the
 *         queue or its client was closed; #PLQ_E_HANDLE; #PLQ_E_FORKED; #PLQ_E_REENTRANT; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY; what else
 *         keeps a request from being built (#PLQ_E_EXTRA_CONFLICT, #PLQ_E_RESOURCE_SYSTEM). Any thread, inside of plq_queue_next()'s thread
 *         or beside it. Does not block but for room. Where it begins the call (see above), observers are told of that on this thread.
 */
PLQ_API int32_t plq_queue_submit(plq_queue_id queue, const plq_request *request, uint64_t tag, int64_t room_timeout_ms, uint64_t *out_id,
                                 plq_error **out_error);

/**
 * Submits a message, as plq_call_message() takes it. One that breaks a rule is accepted too: its completion says what is wrong, as
 * the reply of plq_call_message() would.
 * @param message  [borrowed] msgpack
 * @return as plq_queue_submit(), for what concerns the queue
 */
PLQ_API int32_t plq_queue_submit_message(plq_queue_id queue, const uint8_t *message, size_t message_len, uint64_t tag,
                                         int64_t room_timeout_ms, uint64_t *out_id, plq_error **out_error);

/**
 * Takes the completion that arrived first, and until there is one does the work of all calls in flight.
 * @param timeout_ms      how long to wait: 0 not at all, -1 for ever
 * @param out_completion  receives the completion [owned]: free it by plq_completion_free()
 * @return #PLQ_OK; #PLQ_E_QUEUE_EMPTY: none came in time, or plq_queue_wake() was called; #PLQ_E_CLOSED: the queue was closed and nothing
 *         is left in it; #PLQ_E_BUSY: another thread is inside; #PLQ_E_HANDLE: also if the queue was freed meanwhile; #PLQ_E_FORKED;
 *         #PLQ_E_REENTRANT; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY: the completion stays; #PLQ_E_RESOURCE_DESCRIPTORS and what else keeps the transport from
 *         working at all: calls stay in flight, and it may be tried again. One thread at a time. Blocks until timeout_ms.
 */
PLQ_API int32_t plq_queue_next(plq_queue_id queue, int64_t timeout_ms, plq_completion **out_completion);

/**
 * As plq_queue_next(), but writes the completion as a message (message.h) into the caller's memory; nothing is to be freed, and the
 * library's copy is wiped at once. What was submitted by plq_queue_submit() comes as the reply to a message without `want`.
 * @param buffer   [out] where the message goes, may be NULL if room is 0
 * @param room     bytes in it
 * @param out_len  receives the length of the message
 * @param out_tag  receives the call's tag
 * @param out_id   receives the call's id, may be NULL
 * @return as plq_queue_next(), and #PLQ_E_BUFFER_TOO_SMALL: *out_len is the room that is needed, and the completion stays
 */
PLQ_API int32_t plq_queue_next_message(plq_queue_id queue, int64_t timeout_ms, uint8_t *buffer, size_t room, size_t *out_len,
                                       uint64_t *out_tag, uint64_t *out_id);

/**
 * Cancels one call. Its completion comes soon, with #PLQ_E_CANCELLED and a truthful delivery, unless its outcome was there first.
 * @param id  from plq_queue_submit()
 * @return #PLQ_OK, also if it was cancelled before; #PLQ_E_NOT_FOUND: there is no such call, or its completion was taken; #PLQ_E_HANDLE;
 *         #PLQ_E_FORKED. Any thread, inside of observers too; does not block.
 */
PLQ_API int32_t plq_queue_cancel(plq_queue_id queue, uint64_t id);

/**
 * Makes the plq_queue_next() that waits, or else the next one that finds no completion, answer #PLQ_E_QUEUE_EMPTY at once, and the
 * descriptor readable. Several count as one.
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_FORKED. Any thread, inside of observers too; does not block.
 */
PLQ_API int32_t plq_queue_wake(plq_queue_id queue);

/**
 * Ends a queue in order: from now on it accepts nothing, what is in flight goes on, and once all completions were taken plq_queue_next()
 * answers #PLQ_E_CLOSED.
 * @param cancel  not 0: what is in flight is cancelled
 * @return #PLQ_OK, also if it was closed before; #PLQ_E_HANDLE; #PLQ_E_FORKED; #PLQ_E_REENTRANT. Any thread; does not block.
 */
PLQ_API int32_t plq_queue_close(plq_queue_id queue, int32_t cancel);

/**
 * Opens connections of the queue ahead of use, as plq_client_warm() does for blocking calls.
 * @param count            how many are to be open, at most the option max_connections
 * @param timeout_ms       for all of them together; -1 for ever
 * @param out_connections  receives how many are open, also on failure; may be NULL
 * @return as plq_client_warm(), and #PLQ_E_BUSY: a thread is inside of plq_queue_next(), or the transport does one
 *         thing at a time and carries a request; #PLQ_E_CLOSED: also of the queue; #PLQ_E_FORKED;
 *         #PLQ_E_CANCELLED: the queue or the client was closed meanwhile. One thread at a time. Blocks until timeout_ms.
 */
PLQ_API int32_t plq_queue_warm(plq_queue_id queue, uint32_t count, int64_t timeout_ms, uint32_t *out_connections, plq_error **out_error);

/* Numbers of plq_queue_stats(). Further ones are only added. */
#define PLQ_QUEUE_STAT_CALLS 0            /**< calls that were accepted */
#define PLQ_QUEUE_STAT_IN_FLIGHT 1        /**< of these: that have no completion yet */
#define PLQ_QUEUE_STAT_READY 2            /**< of these: whose completion waits to be taken */
#define PLQ_QUEUE_STAT_MAX_CALLS 3        /**< how many may be in flight and ready together */
#define PLQ_QUEUE_STAT_CONNECTIONS_OPEN 4 /**< connections that are open now; -1: the transport does not tell */
#define PLQ_QUEUE_STAT_CONNECTIONS_BUSY 5 /**< of these: that carry a request now; -1: the transport does not tell */
#define PLQ_QUEUE_STATS 6                 /**< how many there are in this header */

/**
 * Tells what a queue is doing.
 * @param out_values  receives the numbers, each at its PLQ_QUEUE_STAT_*
 * @param count       room in out_values; numbers past it are left out, and room past those that the library has is set to -1
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_FORKED; #PLQ_E_ARGUMENT. Any thread, inside of observers too; does not block.
 */
PLQ_API int32_t plq_queue_stats(plq_queue_id queue, int64_t *out_values, uint32_t count);

/**
 * Frees a queue. Calls in flight are cancelled, completions that nobody took are wiped, and none is delivered any more; observers are
 * told the end of every call, on this thread or on the one that is inside of plq_queue_next(), which answers #PLQ_E_HANDLE.
 * @param queue  0 or a stale handle does nothing; inside of an observer nothing is done either
 * Any thread; does not block, but for a transport that can only block: then until it has noticed that its requests were cancelled.
 */
PLQ_API void plq_queue_free(plq_queue_id queue);

/* ---- completions ---- */

/** @return the tag that the call was submitted with; 0 for NULL. One thread at a time, as for all of a completion's functions. */
PLQ_API uint64_t plq_completion_tag(const plq_completion *completion);

/** @return the call's id; 0 for NULL */
PLQ_API uint64_t plq_completion_id(const plq_completion *completion);

/** @return how the call ended: #PLQ_OK, or what plq_call() would have answered; #PLQ_E_ARGUMENT for NULL */
PLQ_API int32_t plq_completion_status(const plq_completion *completion);

/**
 * Hands over the response of a call that ended with #PLQ_OK.
 * @return the response [owned], which outlives completion, queue and client; NULL if there is none (the call failed, or was the message
 *         op describe), or it was taken before
 */
PLQ_API plq_response *plq_completion_take_response(plq_completion *completion);

/** Hands over the details of a failure. @return the error [owned], or NULL as for plq_completion_take_response() */
PLQ_API plq_error *plq_completion_take_error(plq_completion *completion);

/**
 * Writes the completion as a message (message.h). It takes the response and its secrets.
 * @param out_reply      receives the message [owned]: free it by plq_message_free()
 * @param out_reply_len  receives its length in bytes
 * @return #PLQ_OK; #PLQ_E_NOT_FOUND: the response, the error or a message was taken before; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY
 */
PLQ_API int32_t plq_completion_message(plq_completion *completion, uint8_t **out_reply, size_t *out_reply_len);

/** Frees a completion, and wipes what was not taken from it. @param completion [owned] NULL does nothing */
PLQ_API void plq_completion_free(plq_completion *completion);

PLQ_END_DECLS

#endif
