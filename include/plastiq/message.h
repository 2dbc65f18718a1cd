/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The message call: the same engine through one msgpack buffer in and one out, for languages that marshal by themselves.
 *
 * A request is a map with text keys:
 *
 *     v            1
 *     op           text: the operation's name
 *     params       map of text: fields by path ("payer.id"); nil counts as not set
 *     headers      map of text to text, or array of maps {name, value, sensitive: bool}: further headers
 *     extra        map: members of the body that the library does not know, at most 31 levels deep
 *     timeout_ms   int: as plq_request_set_timeout_ms()
 *     max_repeats  int: as plq_request_set_max_repeats()
 *     want         array of text: "attempts", "secret_handle", "events"
 *
 * The op "describe" sends nothing: with params {table: name} its results are {table, columns: array of text, rows: array of arrays of
 * text}, as table.h has them. The client may be 0 for it; otherwise `options` shows those of the client.
 *
 * Only v and op are required. The reply is a map too; readers ignore keys that they do not know:
 *
 *     v            1
 *     status       int: PLQ_OK or PLQ_E_*
 *     http_status  int, when a response came
 *     trace_id     text, when there is one
 *     results      map by name, on success: text as str; a secret as {bin: bytes, expires_at_ms: int, life_ms: int}, or with
 *                  want secret_handle as {handle: int, expires_at_ms: int, life_ms: int}, to be claimed by plq_secret_claim()
 *     error        map, on failure: status, name, kind, phase, delivery (text), repeatable (bool), message, field, service_code,
 *                  service_message, details (array of text), http_status, trace_id, retry_after_ms, load (array of maps: path,
 *                  stage, reason); only what is known
 *     attempts     array of maps, with want attempts; always on failure
 *     events       array of maps, with want events: what observers would have been told of this call, in order. event is the event's
 *                  name, the other keys are its fields (docs/events.md). At most 1000; events_lost says how many more there were
 *
 * An unknown op, key, want or version is a local error that names the nearest one and the highest version known. Since 1.0.
 */
#ifndef PLASTIQ_MESSAGE_H
#define PLASTIQ_MESSAGE_H

#include <plastiq/base.h>
#include <plastiq/status.h>

PLQ_BEGIN_DECLS

/** The highest message version that this header knows. */
#define PLQ_MESSAGE_VERSION 1

/**
 * Sends the request in a message and waits for its outcome.
 * @param client       the client
 * @param message      [borrowed] msgpack
 * @param out_reply    receives the reply, msgpack [owned]: free it by plq_message_free()
 * @param out_reply_len receives its length in bytes
 * @return #PLQ_OK: there is a reply, which says how the call went; #PLQ_E_HANDLE, #PLQ_E_ARGUMENT, #PLQ_E_MEMORY: there is none.
 *         Any thread, any number at once. Blocks until the outcome or the deadline.
 */
PLQ_API int32_t plq_call_message(plq_client_id client, const uint8_t *message, size_t message_len, uint8_t **out_reply,
                                 size_t *out_reply_len);

/** As plq_call_message(), on a call handle, so that it can be cancelled. #PLQ_E_BUSY: the handle is running a call already. */
PLQ_API int32_t plq_call_run_message(plq_call_id call, const uint8_t *message, size_t message_len, uint8_t **out_reply,
                                     size_t *out_reply_len);

/** Wipes and frees a reply. @param reply [owned] NULL does nothing @param reply_len the length that came with it */
PLQ_API void plq_message_free(uint8_t *reply, size_t reply_len);

PLQ_END_DECLS

#endif
