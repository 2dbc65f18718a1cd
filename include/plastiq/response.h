/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Responses: what a successful call brought. A response owns all that it shows and outlives its client.
 * One thread at a time per response; nothing here blocks. Getters accept NULL and answer 0 or "". Since 1.0.
 */
#ifndef PLASTIQ_RESPONSE_H
#define PLASTIQ_RESPONSE_H

#include <plastiq/attempts.h>
#include <plastiq/base.h>
#include <plastiq/secret.h>

PLQ_BEGIN_DECLS

/** @return the HTTP status, 200 or 201 */
PLQ_API int32_t plq_response_http_status(const plq_response *response);

/** @return the trace id: the first valid one that the service sent, else the one that the request carried */
PLQ_API const char *plq_response_trace_id(const plq_response *response, size_t *out_len);

/** @return what happened in each attempt [borrowed from the response]; NULL only for a NULL response */
PLQ_API const plq_attempts *plq_response_attempts(const plq_response *response);

/**
 * Reads a result that is text.
 * @param name       [borrowed] the result's name in docs/operations.md
 * @param out_value  receives the text [borrowed from the response]
 * @return #PLQ_OK; #PLQ_E_NOT_FOUND: the operation has no such text result, or it was absent; #PLQ_E_ARGUMENT
 */
PLQ_API int32_t plq_response_text(const plq_response *response, const char *name, size_t name_len, const char **out_value,
                                  size_t *out_len);

/**
 * Takes a result that is a secret out of the response.
 * @param name        [borrowed] the result's name, such as "client_secret"
 * @param out_secret  receives the secret [owned]; it outlives the response
 * @return #PLQ_OK; #PLQ_E_SECRET_TAKEN: it was taken before; #PLQ_E_NOT_FOUND: no such result; #PLQ_E_ARGUMENT
 */
PLQ_API int32_t plq_response_take_secret(plq_response *response, const char *name, size_t name_len, plq_secret **out_secret);

/** Frees a response; secrets that were not taken are wiped. @param response [owned] NULL does nothing */
PLQ_API void plq_response_free(plq_response *response);

PLQ_END_DECLS

#endif
