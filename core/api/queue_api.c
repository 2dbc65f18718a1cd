/* SPDX-License-Identifier: MIT */
#include <plastiq/message.h>
#include <plastiq/queue.h>
#include <string.h>

#include "../base/alloc.h"
#include "../operations/queue.h"
#include "enter.h"
#include "message.h"

/* What a message leaves in the queue beside its request. */
struct pending {
  struct plq__message message;
  plq_table *table; /* of the op describe */
};

struct plq_completion {
  struct plq__completed completed;
  plq_client_id client;
  bool taken; /* the response, the error or the message */
};

static void pending_free(void *more) {
  struct pending *pending = more;
  plq__message_clear(&pending->message);
  plq_table_free(pending->table);
  plq__free(pending);
}

/* ---- coming in ---- */

static struct plq__queue *enter(plq_queue_id id, int32_t *out_status) {
  if (!plq__inside_observer()) return plq__queue_acquire(id, out_status);
  *out_status = PLQ_E_REENTRANT;
  return NULL;
}

int32_t plq_queue_new(plq_client_id client_id, plq_queue_id *out_queue, plq_error **out_error) {
  struct plq__live *live;
  int32_t status;
  plq__out_error(out_error);
  if (out_queue == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, "out_queue", "out_queue is NULL");
  *out_queue = 0;
  struct plq__client *client = plq__enter(client_id, &live, &status, out_error);
  if (client == NULL) return status;
  status = plq__queue_new(client, live, pending_free, out_queue, out_error);
  plq__client_release(client);
  return status;
}

void plq_queue_free(plq_queue_id queue) {
  if (!plq__inside_observer()) plq__queue_free(queue);
}

int32_t plq_queue_fd(plq_queue_id id, int *out_fd) {
  int32_t status;
  if (out_fd == NULL) return PLQ_E_ARGUMENT;
  *out_fd = -1;
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return status;
  status = plq__queue_fd(queue, out_fd);
  plq__queue_release(queue);
  return status;
}

int32_t plq_queue_cancel(plq_queue_id id, uint64_t call) {
  int32_t status;
  struct plq__queue *queue = plq__queue_acquire(id, &status);
  if (queue == NULL) return status;
  status = plq__queue_cancel(queue, call);
  plq__queue_release(queue);
  return status;
}

int32_t plq_queue_wake(plq_queue_id id) {
  int32_t status;
  struct plq__queue *queue = plq__queue_acquire(id, &status);
  if (queue == NULL) return status;
  plq__queue_wake(queue);
  plq__queue_release(queue);
  return PLQ_OK;
}

int32_t plq_queue_close(plq_queue_id id, int32_t cancel) {
  int32_t status;
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return status;
  plq__queue_close(queue, cancel != 0);
  plq__queue_release(queue);
  return PLQ_OK;
}

int32_t plq_queue_warm(plq_queue_id id, uint32_t count, int64_t timeout_ms, uint32_t *out_connections, plq_error **out_error) {
  int32_t status;
  if (out_connections != NULL) *out_connections = 0;
  plq__out_error(out_error);
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return plq__fail_plain(out_error, status);
  status = plq__queue_warm(queue, count, timeout_ms, out_connections, out_error);
  plq__queue_release(queue);
  return status;
}

int32_t plq_queue_stats(plq_queue_id id, int64_t *out_values, uint32_t count) {
  int64_t values[PLQ_QUEUE_STATS];
  int32_t status;
  if (out_values == NULL) return PLQ_E_ARGUMENT;
  for (uint32_t i = 0; i < count; i++) out_values[i] = -1;
  struct plq__queue *queue = plq__queue_acquire(id, &status);
  if (queue == NULL) return status;
  plq__queue_stats(queue, values);
  for (uint32_t i = 0; i < count && i < PLQ_QUEUE_STATS; i++) out_values[i] = values[i];
  plq__queue_release(queue);
  return PLQ_OK;
}

/* ---- submit ---- */

static int32_t check_submit(const void *what, int64_t room_timeout_ms, uint64_t *out_id, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_id != NULL) *out_id = 0;
  if (what == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "request or message is NULL");
  if (room_timeout_ms < -1)
    return plq__fail(out_error, PLQ_E_ARGUMENT, "room_timeout_ms", "room_timeout_ms must be 0 or more, or -1 for ever");
  return PLQ_OK;
}

int32_t plq_queue_submit(plq_queue_id id, const plq_request *request, uint64_t tag, int64_t room_timeout_ms, uint64_t *out_id,
                         plq_error **out_error) {
  int32_t status = check_submit(request, room_timeout_ms, out_id, out_error);
  if (status != PLQ_OK) return status;
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return plq__fail_plain(out_error, status);
  const struct plq__submission submission = {.request = request, .tag = tag, .room_timeout_ms = room_timeout_ms};
  status = plq__queue_submit(queue, &submission, out_id, out_error);
  plq__queue_release(queue);
  return status;
}

/* Reads a message into what is submitted; what is wrong with it is the call's outcome. */
static int32_t read_message(struct plq__queue *queue, struct plq__text bytes, struct pending *pending,
                            struct plq__submission *submission) {
  plq_options *options = NULL;
  int32_t status = plq__message_read(bytes, &pending->message, &submission->error);
  if (status == PLQ_OK && pending->message.describe) {
    const struct plq__text table = pending->message.table;
    status = plq_client_options(plq__queue_client(queue), &options, NULL); /* of a client that was closed, the defaults */
    if (status != PLQ_E_MEMORY) status = plq_table_new(table.at, table.len, options, &pending->table, &submission->error);
    plq_options_free(options);
  }
  submission->status = status;
  if (pending->message.want_events) submission->log = &pending->message.events;
  return status != PLQ_OK && submission->error == NULL ? PLQ_E_MEMORY : PLQ_OK;
}

int32_t plq_queue_submit_message(plq_queue_id id, const uint8_t *message, size_t message_len, uint64_t tag, int64_t room_timeout_ms,
                                 uint64_t *out_id, plq_error **out_error) {
  int32_t status = check_submit(message, room_timeout_ms, out_id, out_error);
  if (status != PLQ_OK) return status;
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return plq__fail_plain(out_error, status);
  struct pending *pending = plq__alloc(sizeof *pending);
  struct plq__submission submission = {.tag = tag, .room_timeout_ms = room_timeout_ms, .accept_all = true, .more = pending};
  plq_request *request = NULL; /* from here on somebody else may free the rest */
  status = pending != NULL ? read_message(queue, (struct plq__text){(const char *)message, message_len}, pending, &submission) : PLQ_E_MEMORY;
  if (pending != NULL) {
    submission.request = request = pending->message.request;
    pending->message.request = NULL;
  }
  if (status == PLQ_OK)
    status = plq__queue_submit(queue, &submission, out_id, out_error);
  else
    plq__fail_plain(out_error, status);
  if (status != PLQ_OK) {
    plq_error_free(submission.error);
    if (pending != NULL) pending_free(pending);
  }
  plq_request_free(request);
  plq__queue_release(queue);
  return status;
}

/* ---- next ---- */

int32_t plq_queue_next(plq_queue_id id, int64_t timeout_ms, plq_completion **out_completion) {
  struct plq__completed *completed;
  int32_t status;
  if (out_completion != NULL) *out_completion = NULL;
  if (out_completion == NULL || timeout_ms < -1) return PLQ_E_ARGUMENT;
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return status;
  status = plq__queue_enter(queue);
  if (status == PLQ_OK) {
    status = plq__queue_await(queue, timeout_ms, &completed);
    plq_completion *completion = status == PLQ_OK ? plq__alloc(sizeof *completion) : NULL;
    if (completion != NULL) {
      completion->completed = plq__queue_take(queue);
      completion->client = plq__queue_client(queue);
      *out_completion = completion;
    } else if (status == PLQ_OK) {
      status = PLQ_E_MEMORY;
    }
    plq__queue_leave(queue);
  }
  plq__queue_release(queue);
  return status;
}

/* Makes the message of a completion, which stays as it is but for secrets that are given by handle. */
static int32_t write_message(struct plq__completed *completed, struct plq__message *message, plq_client_id client,
                             struct plq__buffer *out_reply) {
  const struct pending *pending = completed->more;
  plq__buffer_init(out_reply, SIZE_MAX / 4, true);
  int32_t status = plq__message_write(out_reply, message, client, completed->status, completed->response,
                                      pending != NULL ? pending->table : NULL, completed->error);
  if (status != PLQ_OK) plq__buffer_clear(out_reply);
  return status;
}

/* What a completion was asked by; `bare` if that was no message. */
static struct plq__message *message_of(const struct plq__completed *completed, struct plq__message *bare) {
  if (completed->more != NULL) return &((struct pending *)completed->more)->message;
  *bare = (struct plq__message){.operation = completed->response != NULL ? completed->response->operation : NULL};
  return bare;
}

static void drop(struct plq__completed *completed) {
  plq_response_free(completed->response);
  plq_error_free(completed->error);
  if (completed->more != NULL) pending_free(completed->more);
}

static int32_t next_message(struct plq__queue *queue, int64_t timeout_ms, uint8_t *buffer, size_t room, size_t *out_len,
                            uint64_t *out_tag, uint64_t *out_id) {
  struct plq__completed *first;
  struct plq__buffer reply;
  struct plq__message bare;
  int32_t status = plq__queue_await(queue, timeout_ms, &first);
  if (status != PLQ_OK) return status;
  struct plq__message *message = message_of(first, &bare);
  status = write_message(first, message, plq__queue_client(queue), &reply);
  if (status != PLQ_OK) return status;
  *out_len = reply.len;
  *out_tag = first->tag;
  if (out_id != NULL) *out_id = first->id;
  if (room >= reply.len) {
    memcpy(buffer, reply.at, reply.len);
    struct plq__completed completed = plq__queue_take(queue);
    drop(&completed);
  } else {
    status = PLQ_E_BUFFER_TOO_SMALL;
    if (first->response != NULL) plq__message_take_back(message, first->response);
  }
  plq__buffer_clear(&reply);
  return status;
}

int32_t plq_queue_next_message(plq_queue_id id, int64_t timeout_ms, uint8_t *buffer, size_t room, size_t *out_len, uint64_t *out_tag,
                               uint64_t *out_id) {
  int32_t status;
  if (out_len != NULL) *out_len = 0;
  if (out_tag != NULL) *out_tag = 0;
  if (out_id != NULL) *out_id = 0;
  if (out_len == NULL || out_tag == NULL || (buffer == NULL && room > 0) || timeout_ms < -1) return PLQ_E_ARGUMENT;
  struct plq__queue *queue = enter(id, &status);
  if (queue == NULL) return status;
  status = plq__queue_enter(queue);
  if (status == PLQ_OK) {
    status = next_message(queue, timeout_ms, buffer, room, out_len, out_tag, out_id);
    plq__queue_leave(queue);
  }
  plq__queue_release(queue);
  return status;
}

/* ---- completions ---- */

uint64_t plq_completion_tag(const plq_completion *completion) { return completion != NULL ? completion->completed.tag : 0; }

uint64_t plq_completion_id(const plq_completion *completion) { return completion != NULL ? completion->completed.id : 0; }

int32_t plq_completion_status(const plq_completion *completion) {
  return completion != NULL ? completion->completed.status : PLQ_E_ARGUMENT;
}

plq_response *plq_completion_take_response(plq_completion *completion) {
  plq_response *response = completion != NULL ? completion->completed.response : NULL;
  if (response == NULL) return NULL;
  completion->completed.response = NULL;
  completion->taken = true;
  return response;
}

plq_error *plq_completion_take_error(plq_completion *completion) {
  plq_error *error = completion != NULL ? completion->completed.error : NULL;
  if (error == NULL) return NULL;
  completion->completed.error = NULL;
  completion->taken = true;
  return error;
}

int32_t plq_completion_message(plq_completion *completion, uint8_t **out_reply, size_t *out_reply_len) {
  struct plq__buffer reply;
  if (out_reply != NULL) *out_reply = NULL;
  if (out_reply_len != NULL) *out_reply_len = 0;
  if (completion == NULL || out_reply == NULL || out_reply_len == NULL) return PLQ_E_ARGUMENT;
  if (completion->taken) return PLQ_E_NOT_FOUND;
  struct plq__message bare;
  struct plq__completed *completed = &completion->completed;
  int32_t status = write_message(completed, message_of(completed, &bare), completion->client, &reply);
  if (status != PLQ_OK) return status;
  plq_response_free(completed->response); /* one copy of a secret is enough */
  completed->response = NULL;
  completion->taken = true;
  *out_reply = (uint8_t *)reply.at;
  *out_reply_len = reply.len;
  return PLQ_OK;
}

void plq_completion_free(plq_completion *completion) {
  if (completion == NULL) return;
  drop(&completion->completed);
  plq__free(completion);
}
