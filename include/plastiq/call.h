/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Calls: sending a request and waiting for its outcome, repeats and waits included, inside one deadline.
 *
 * plq_call() is all that most programs need. A call handle is for those that cancel from another thread:
 * plq_call_new(), plq_call_run() on one thread, plq_call_cancel() on any other, plq_call_free(). Since 1.0.
 */
#ifndef PLASTIQ_CALL_H
#define PLASTIQ_CALL_H

#include <plastiq/base.h>
#include <plastiq/error.h>
#include <plastiq/request.h>
#include <plastiq/response.h>

PLQ_BEGIN_DECLS

/**
 * Sends a request and waits for its outcome.
 *
 * End states:
 * - #PLQ_OK: the service did it; *out_response is set.
 * - kind input, config, usage, state: a local error; nothing was sent.
 * - kind http: the service answered with an error; the error has its status, code, message, details and trace id.
 * - any other kind: no complete answer came. plq_error_delivery() says whether the service may have acted.
 *
 * @param client        the client
 * @param request       [borrowed] is not changed and may be used again
 * @param out_response  receives the response [owned]
 * @param out_error     receives the details of a failure [owned], may be NULL
 * @return the status. Any thread, any number at once. Blocks until the outcome or the deadline.
 */
PLQ_API int32_t plq_call(plq_client_id client, const plq_request *request, plq_response **out_response, plq_error **out_error);

/**
 * Makes a call handle.
 * @param out_call  receives the handle, for one plq_call_run() or plq_call_run_message() after the other
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_RESOURCE_HANDLES; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY. Any thread; does not block.
 */
PLQ_API int32_t plq_call_new(plq_client_id client, plq_call_id *out_call, plq_error **out_error);

/**
 * As plq_call(), but can be cancelled. #PLQ_E_BUSY: the handle is running a call already. #PLQ_E_CANCELLED: it was cancelled,
 * perhaps before it began: a cancel is never lost.
 */
PLQ_API int32_t plq_call_run(plq_call_id call, const plq_request *request, plq_response **out_response, plq_error **out_error);

/**
 * Cancels what runs on the handle, or what will run on it next. The call returns at once with #PLQ_E_CANCELLED, unless its outcome
 * was there first; its error tells the delivery truthfully.
 * @return #PLQ_OK, also if it was cancelled before; #PLQ_E_HANDLE. Any thread; does not block.
 */
PLQ_API int32_t plq_call_cancel(plq_call_id call);

/** Frees a call handle; what runs on it is cancelled. @param call 0 or a stale handle does nothing. Any thread; does not block. */
PLQ_API void plq_call_free(plq_call_id call);

PLQ_END_DECLS

#endif
