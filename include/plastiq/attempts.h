/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Attempts: what happened each time that a call went to the transport, in order; the last one decided the outcome.
 *
 * Borrowed from a response or an error and living as long as that. Numbers and texts are asked for by a constant, so that new
 * ones need no new function; one that this library does not know answers #PLQ_E_NOT_FOUND.
 * All functions: any thread while the owner is not freed; none blocks. Since 1.0.
 */
#ifndef PLASTIQ_ATTEMPTS_H
#define PLASTIQ_ATTEMPTS_H

#include <plastiq/base.h>
#include <plastiq/status.h>

PLQ_BEGIN_DECLS

/* Numbers. Durations do not overlap; -1 means not known or did not happen. */
#define PLQ_ATTEMPT_STATUS 1         /**< PLQ_OK or PLQ_E_* of this attempt */
#define PLQ_ATTEMPT_PHASE 2          /**< PLQ_PHASE_* where it ended; PLQ_PHASE_NONE on success */
#define PLQ_ATTEMPT_DELIVERY 3       /**< PLQ_DELIVERY_* */
#define PLQ_ATTEMPT_HTTP_STATUS 4    /**< 0: no response head came */
#define PLQ_ATTEMPT_HTTP_VERSION 5   /**< 10, 11 or 20; 0: not known */
#define PLQ_ATTEMPT_TLS_VERSION 6    /**< 0x0303 is TLS 1.2, 0x0304 TLS 1.3; 0: none or not known */
#define PLQ_ATTEMPT_REUSED 7         /**< 1: on a connection that was open before */
#define PLQ_ATTEMPT_RESUMED 8        /**< 1: the TLS session was resumed */
#define PLQ_ATTEMPT_START_US 9       /**< from the start of the call to the start of this attempt */
#define PLQ_ATTEMPT_RESOLVE_US 10    /**< looking up the name */
#define PLQ_ATTEMPT_CONNECT_US 11    /**< opening the connection, proxy included */
#define PLQ_ATTEMPT_TLS_US 12        /**< TLS handshake */
#define PLQ_ATTEMPT_SEND_US 13       /**< writing the request */
#define PLQ_ATTEMPT_FIRST_BYTE_US 14 /**< from the request written to the first byte of the response */
#define PLQ_ATTEMPT_TOTAL_US 15      /**< the whole attempt */
#define PLQ_ATTEMPT_BYTES_SENT 16     /**< request bytes as HTTP sees them */
#define PLQ_ATTEMPT_BYTES_RECEIVED 17 /**< response bytes as HTTP sees them */
#define PLQ_ATTEMPT_TOKEN 18         /**< 1: the access token, 2: the second access token */
#define PLQ_ATTEMPT_WAIT_US 19       /**< the wait between the previous attempt and this one */
#define PLQ_ATTEMPT_QUEUE_US 20      /**< waiting for a connection to become free */

/* Texts. */
#define PLQ_ATTEMPT_PEER 1     /**< the address and port that the connection went to, or "" */
#define PLQ_ATTEMPT_TRACE_ID 2 /**< the trace id of the response, else that of the request */
#define PLQ_ATTEMPT_MESSAGE 3  /**< what went wrong, in words, or "" */

/** @return how many attempts were made; 0 for NULL */
PLQ_API uint32_t plq_attempts_count(const plq_attempts *attempts);

/**
 * Reads one number of one attempt.
 * @param attempts    [borrowed]
 * @param index       from 0
 * @param which       PLQ_ATTEMPT_*
 * @param out_number  receives the number; 0 on failure
 * @return #PLQ_OK; #PLQ_E_NOT_FOUND: no such attempt, or no such number; #PLQ_E_ARGUMENT: out_number is NULL
 */
PLQ_API int32_t plq_attempts_number(const plq_attempts *attempts, uint32_t index, int32_t which, int64_t *out_number);

/** @return one text (PLQ_ATTEMPT_PEER and the like) of attempt `index`, from 0; "" if there is none */
PLQ_API const char *plq_attempts_text(const plq_attempts *attempts, uint32_t index, int32_t which, size_t *out_len);

PLQ_END_DECLS

#endif
