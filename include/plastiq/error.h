/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Errors: the details of a failure.
 *
 * A function that fails returns its status and, where the caller passed an out_error, an error object. The object owns all that it
 * shows, outlives the client, and is freed by plq_error_free(). It never holds a token, a secret, or the value of a header.
 * Getters accept NULL and then answer as for an error that knows nothing: 0, -1 where said, or "".
 * All getters: one thread at a time per error; none blocks. Since 1.0.
 */
#ifndef PLASTIQ_ERROR_H
#define PLASTIQ_ERROR_H

#include <plastiq/attempts.h>
#include <plastiq/base.h>
#include <plastiq/status.h>

PLQ_BEGIN_DECLS

/** Which text of a row of the load log; see plq_error_load_text(). */
#define PLQ_LOAD_PATH 1   /**< the file or name that was tried */
#define PLQ_LOAD_STAGE 2  /**< how far it came: name, path, file, elf, note, dlopen, entry, descriptor, policy, create */
#define PLQ_LOAD_REASON 3 /**< what happened there, in words */

/** @return the status, the same number that the failed function returned */
PLQ_API int32_t plq_error_status(const plq_error *error);

/** @return PLQ_KIND_*: the status's kind, which is what to branch on when the status is not known */
PLQ_API int32_t plq_error_kind(const plq_error *error);

/** @return PLQ_PHASE_*: where in the call it happened; for the total deadline, where the time ran out */
PLQ_API int32_t plq_error_phase(const plq_error *error);

/** @return PLQ_DELIVERY_*: whether the server may have seen the request; of all attempts, the strongest that is true */
PLQ_API int32_t plq_error_delivery(const plq_error *error);

/** @return 1 if the same call may succeed later without any change, 0 if not */
PLQ_API int32_t plq_error_repeatable(const plq_error *error);

/** @return the HTTP status of the last error that the service answered in this call, also when a later attempt failed otherwise; without
    one, of the last response head that came; 0: none came */
PLQ_API int32_t plq_error_http_status(const plq_error *error);

/** @return the wait that the service asked for (Retry-After, RFC 9110 section 10.2.3) in ms, or -1 */
PLQ_API int64_t plq_error_retry_after_ms(const plq_error *error);

/** @return one sentence for people: what was wrong, and what would be right where that is known */
PLQ_API const char *plq_error_message(const plq_error *error, size_t *out_len);

/** @return the name of the option, field or header that was wrong, or ""; of a name that does not exist, the one nearest to it */
PLQ_API const char *plq_error_field(const plq_error *error, size_t *out_len);

/** @return the service's `code`, such as VALIDATION_ERROR, or "" */
PLQ_API const char *plq_error_service_code(const plq_error *error, size_t *out_len);

/** @return the service's `message`, or "" */
PLQ_API const char *plq_error_service_message(const plq_error *error, size_t *out_len);

/** @return how many details the service gave (its `errors` or `details` list) */
PLQ_API uint32_t plq_error_detail_count(const plq_error *error);

/** @return detail number `index`, from 0, or "" past the end */
PLQ_API const char *plq_error_detail(const plq_error *error, uint32_t index, size_t *out_len);

/** @return the trace id: the one the service sent, else the one that the request carried, else "" */
PLQ_API const char *plq_error_trace_id(const plq_error *error, size_t *out_len);

/** @return what happened in each attempt [borrowed from the error]; never NULL for an error, and empty if nothing was attempted */
PLQ_API const plq_attempts *plq_error_attempts(const plq_error *error);

/** @return how many rows the load log has: every place a transport was looked for, in order */
PLQ_API uint32_t plq_error_load_count(const plq_error *error);

/** @return one text (PLQ_LOAD_*) of row `index`, from 0, or "" */
PLQ_API const char *plq_error_load_text(const plq_error *error, uint32_t index, int32_t which, size_t *out_len);

/** @return the whole error as one JSON object, for logs and bindings; [borrowed], made on the first call; "" without memory */
PLQ_API const char *plq_error_json(plq_error *error, size_t *out_len);

/** Frees an error. @param error [owned] NULL does nothing */
PLQ_API void plq_error_free(plq_error *error);

PLQ_END_DECLS

#endif
