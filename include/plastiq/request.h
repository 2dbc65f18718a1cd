/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Requests: one operation with its fields, further headers and settings. docs/operations.md lists operations and fields.
 *
 * Life: plq_request_new(), setters, plq_call() any number of times, plq_request_free(). A request belongs to no client.
 * Every value is checked when it is set; what only shows together is checked by the call. Nothing is sent if a check fails.
 * One thread at a time per request; nothing here blocks. Since 1.0.
 */
#ifndef PLASTIQ_REQUEST_H
#define PLASTIQ_REQUEST_H

#include <plastiq/base.h>
#include <plastiq/error.h>

PLQ_BEGIN_DECLS

/** Flag for plq_request_add_header(): the value is a secret, and never reaches a log, an observer or an error. */
#define PLQ_HEADER_SENSITIVE UINT32_C(1)

/**
 * Makes a request for an operation.
 * @param operation    [borrowed] its name, such as "client_secrets.create"
 * @param out_request  receives the request [owned]
 * @return #PLQ_OK; #PLQ_E_UNKNOWN_OPERATION: the error names the nearest one; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY
 */
PLQ_API int32_t plq_request_new(const char *operation, size_t operation_len, plq_request **out_request, plq_error **out_error);

/**
 * Sets a field.
 * @param request  [borrowed]
 * @param field    [borrowed] its path, such as "payer.id" or "trace_id"
 * @param value    [copied] NULL takes the field back: it is left out of the request, never sent as null
 * @return #PLQ_OK; #PLQ_E_FIELD_UNKNOWN: the error names the nearest field; #PLQ_E_FIELD_VALUE or #PLQ_E_HEADER_VALUE: the error
 *         names the field and shows its rule; #PLQ_E_TEXT_ENCODING; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY. On failure nothing changed.
 */
PLQ_API int32_t plq_request_set(plq_request *request, const char *field, size_t field_len, const char *value, size_t value_len,
                                plq_error **out_error);

/**
 * Adds a header that the operation has no field for. One that it has a field for (compared without case) sets that field.
 * @param name   [copied] a token (RFC 9110 section 5.6.2); Host, Content-Length, Transfer-Encoding, Connection, Authorization and
 *               the others that the library sets are refused
 * @param value  [copied] 1 to 8192 bytes of visible characters, spaces and tabs; no control character (RFC 9110 section 5.5);
 *               spaces around it are removed; all such headers of a request have at most 64 KiB together
 * @param flags  0 or #PLQ_HEADER_SENSITIVE
 * @return #PLQ_OK; #PLQ_E_HEADER_NAME; #PLQ_E_HEADER_VALUE; #PLQ_E_HEADER_OWNED; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY
 */
PLQ_API int32_t plq_request_add_header(plq_request *request, const char *name, size_t name_len, const char *value, size_t value_len,
                                       uint32_t flags, plq_error **out_error);

/**
 * Adds members to the body that the library does not know, or replaces those of an earlier call. They pass unchecked.
 * @param json  [copied] one JSON object, at most 64 levels deep and 256 KiB; objects in it merge with fields ("payer"); NULL takes them back
 * @return #PLQ_OK; #PLQ_E_EXTRA: it is no JSON object; #PLQ_E_MEMORY. The call answers #PLQ_E_EXTRA_CONFLICT if a member is
 *         also set as a field.
 */
PLQ_API int32_t plq_request_set_extra(plq_request *request, const char *json, size_t json_len, plq_error **out_error);

/** Sets this request's deadline in place of the option timeout_ms. @param timeout_ms 1 or more; -1 for none */
PLQ_API int32_t plq_request_set_timeout_ms(plq_request *request, int64_t timeout_ms, plq_error **out_error);

/** Sets this request's limit of repeats in place of the option max_repeats. @param max_repeats 0 to 100 */
PLQ_API int32_t plq_request_set_max_repeats(plq_request *request, uint32_t max_repeats, plq_error **out_error);

/** Frees a request; its copies of the values of fields and headers are wiped. @param request [owned] NULL does nothing */
PLQ_API void plq_request_free(plq_request *request);

PLQ_END_DECLS

#endif
