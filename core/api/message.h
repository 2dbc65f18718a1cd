/* SPDX-License-Identifier: MIT */
/* The message call, from inside: bytes to a request, and an outcome to bytes. include/plastiq/message.h says what a message is. */
#ifndef PLQ_API_MESSAGE_H
#define PLQ_API_MESSAGE_H

#include <msgpack.h>
#include <plastiq/request.h>
#include <plastiq/response.h>
#include <plastiq/table.h>
#include <stdbool.h>

#include "../base/buffer.h"
#include "../base/error.h"
#include "../base/events.h"
#include "../operations/operation.h"

struct plq__message {
  plq_request *request;
  const struct plq__operation *operation;
  bool want_attempts, want_secret_handle, want_events;
  bool describe;          /* in place of an operation: a table of what the library says of itself */
  struct plq__text table; /* its name, borrowed from the message */
  struct plq__event_log events; /* what happened, if that is wanted */
  plq_secret_id published[PLQ__RESULTS_MOST]; /* by result: under which handles the last reply gives secrets, or 0 */
};

/* Reads a message. On failure there is nothing to clear. */
int32_t plq__message_read(struct plq__text bytes, struct plq__message *out_message, plq_error **out_error);
void plq__message_clear(struct plq__message *message);

/* Whether the bytes are one msgpack object that msgpack-c can read in proportionate memory: NULL, or what is wrong with it. */
const char *plq__message_check(struct plq__text bytes);
/* Whether every key of a map is text, and none comes twice. `where` is the key that the map lies under, or NULL. */
int32_t plq__message_check_keys(const msgpack_object_map *map, const char *where, plq_error **out_error);
/* Appends a map as a JSON object. */
int32_t plq__message_extra(const msgpack_object *extra, struct plq__buffer *json, plq_error **out_error);

/* Appends a reply. The response keeps its secrets, but for those that are given by handle: these are published for `client`. */
int32_t plq__message_write_success(struct plq__buffer *reply, struct plq__message *message, plq_client_id client,
                                   plq_response *response, plq_error **out_error);
/* Nobody got the reply: what it published is the response's again. */
void plq__message_take_back(struct plq__message *message, plq_response *response);
int32_t plq__message_write_table(struct plq__buffer *reply, const plq_table *table);
/* The outcome of a call or, with a table, of describe, whatever it is. */
int32_t plq__message_write(struct plq__buffer *reply, struct plq__message *message, plq_client_id client, int32_t status,
                           plq_response *response, const plq_table *table, const plq_error *error);
int32_t plq__message_write_failure(struct plq__buffer *reply, const struct plq__message *message, int32_t status,
                                   const plq_error *error);

#endif
