/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What every header of libplastiq shares: visibility, the length of NUL-terminated text, and the handle types.
 *
 * Conventions that hold for the whole interface:
 * - Text in is a pointer and a length in bytes; #PLQ_NUL as length means "up to the NUL". It is UTF-8, is checked, and is copied:
 *   nothing the caller passes needs to live longer than the call.
 * - Text out is a pointer and (where the function has one) a length. It is also NUL-terminated, never NULL unless said, and
 *   borrowed: it lives as long as the object it came from.
 * - A function that can fail returns a status (see status.h); #PLQ_OK is 0. Its out pointers are written on success and are NULL
 *   or 0 otherwise. `out_error` may be NULL; if not, it receives NULL on success and an error to free otherwise (NULL also when
 *   there was no memory for one: the status says all the same what happened).
 * - Numbers have fixed widths. Times are int64_t with the unit in the name; a timeout of -1 is for ever.
 * - Objects behind a pointer have one owner and may be used by one thread at a time. Handles (client, call, queue) are numbers that any
 *   number of threads may use at once; a stale one answers #PLQ_E_HANDLE, also when closing races with use.
 * - The library never prints, exits, or changes signals, locale or environment. It starts no thread but for name look-ups and, in a
 *   queue, for a transport that can only block; these block all signals.
 */
#ifndef PLASTIQ_BASE_H
#define PLASTIQ_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(PLQ_BUILDING) && defined(__GNUC__)
#define PLQ_API __attribute__((visibility("default")))
#else
#define PLQ_API
#endif

#ifdef __cplusplus
#define PLQ_BEGIN_DECLS extern "C" {
#define PLQ_END_DECLS }
#else
#define PLQ_BEGIN_DECLS
#define PLQ_END_DECLS
#endif

/** As a length: the text ends at its NUL. */
#define PLQ_NUL SIZE_MAX

/**
 * Handle of a client: a number below 2^53, so that a JavaScript number holds it. 0 is never a handle.
 * The number carries its kind and a generation: one that was freed is not mistaken for a later one.
 */
typedef uint64_t plq_client_id;

/** Handle of a call that can be cancelled while it runs; like #plq_client_id. */
typedef uint64_t plq_call_id;

/** Handle under which a message reply hands over a secret; like #plq_client_id. See plq_secret_claim(). */
typedef uint64_t plq_secret_id;

/** Handle of a completion queue; like #plq_client_id. See queue.h. */
typedef uint64_t plq_queue_id;

/** Details of a failure. See error.h. */
typedef struct plq_error plq_error;
/** How a call in a queue ended. See queue.h. */
typedef struct plq_completion plq_completion;
/** What happened in each attempt of a call. See attempts.h. */
typedef struct plq_attempts plq_attempts;
/** Options for a client. See options.h. */
typedef struct plq_options plq_options;
/** One request, ready to be called. See request.h. */
typedef struct plq_request plq_request;
/** What a successful call brought. See response.h. */
typedef struct plq_response plq_response;
/** A secret in pages of its own. See secret.h. */
typedef struct plq_secret plq_secret;
/** What the library says of itself, as rows of text. See table.h. */
typedef struct plq_table plq_table;
/** The transports that are installed. See transports.h. */
typedef struct plq_transports plq_transports;

#endif
