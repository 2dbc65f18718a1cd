/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Observers: functions of the caller that are told what happens, for logs, metrics and traces. docs/events.md lists the events
 * and their fields, docs/observers.md shows how to feed OpenTelemetry and Prometheus.
 *
 * An observer names an event and the fields that it wants, in order, and is called with just these, after its context:
 *
 *     static void on_end(void *context, int32_t status, uint64_t elapsed_us, const char *trace_id);
 *     plq_client_observe(client, "call_end", PLQ_NUL, "status:i32 elapsed_us:u64 trace_id:str", PLQ_NUL, (plq_observer_fn)on_end,
 *                        context, &observer, &error);
 *
 * The types in C: i32 is int32_t, i64 is int64_t, u64 is uint64_t, f64 is double, str is const char *, never NULL,
 * NUL-terminated, UTF-8, borrowed until the function returns. No struct crosses the boundary, so new fields and events never
 * break an observer.
 *
 * An observer runs on the thread that is inside the call, while that call waits for it: be quick. It may be called on several
 * threads at once. Inside it only functions that read (and plq_call_cancel()) are legal; those that take a client and do more
 * answer #PLQ_E_REENTRANT. It must return: no longjmp, no exception. No token, no secret, no body and no header reaches an
 * observer. Since 1.0.
 */
#ifndef PLASTIQ_OBSERVER_H
#define PLASTIQ_OBSERVER_H

#include <plastiq/base.h>
#include <plastiq/error.h>

PLQ_BEGIN_DECLS

/** Any function of the form void (void *context, fields...); cast to this. */
typedef void (*plq_observer_fn)(void);

/**
 * Tells a function of an event, for calls that begin from now on; after fork in the child too.
 * @param client        the client
 * @param event         name of the event
 * @param fields        names of the fields in the order of the function's arguments, with spaces between them, each with or
 * without :type; "" or NULL: none. The type must be the field's own, or a wider one (docs/events.md); at most 32
 * @param function      is called with the context and these fields; its signature must fit
 * @param context       passed on; must live until plq_client_unobserve() has returned, or the client has ended
 *                      (plq_client_close() with #PLQ_OK) and its queues were freed
 * @param out_observer  receives the observer's number on this client, for plq_client_unobserve(); may be NULL
 * @return #PLQ_OK; #PLQ_E_NOT_FOUND: there is no such event or field, and the error names the nearest one; #PLQ_E_ARGUMENT: a
 * type does not fit, a field is asked for too often, or the list is not of this form; #PLQ_E_UNSUPPORTED: this library was built
 * without observers (see plq_features()); #PLQ_E_HANDLE; #PLQ_E_REENTRANT; #PLQ_E_MEMORY Any thread; does not block.
 */
PLQ_API int32_t plq_client_observe(plq_client_id client, const char *event, size_t event_len, const char *fields,
                                   size_t fields_len, plq_observer_fn function, void *context, uint64_t *out_observer,
                                   plq_error **out_error);

/**
 * Ends an observer. When this returns the function is not running and will not be called again.
 * @return #PLQ_OK; #PLQ_E_NOT_FOUND: there is no such observer; #PLQ_E_HANDLE; #PLQ_E_REENTRANT: this is inside of an observer;
 *         #PLQ_E_MEMORY: nothing was changed
 * Any thread. Blocks while the function runs.
 */
PLQ_API int32_t plq_client_unobserve(plq_client_id client, uint64_t observer);

PLQ_END_DECLS

#endif
