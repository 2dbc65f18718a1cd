/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

plq_client_id client;
plq_queue_id queue;
plq_request *request;

int queue_setup(void **state) {
  client = queue = 0;
  (void)alarm(60); /* nothing here waits for ever, but if it did, this ends it */
  return loop_reset(state) != 0 || plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL) != PLQ_OK;
}

int queue_teardown(void **state) {
  (void)state;
  plq_queue_free(queue);
  plq_client_free(client);
  plq_request_free(request);
  return loop_instances;
}

void queue_make(void) {
  plq_error *error = NULL;
  if (plq_queue_new(client, &queue, &error) != PLQ_OK) fail_msg("plq_queue_new: %s", plq_error_message(error, NULL));
  assert_true(queue > 0 && queue < UINT64_C(1) << 53);
}

uint64_t queue_put(uint64_t tag) {
  uint64_t id = 0;
  plq_error *error = NULL;
  if (plq_queue_submit(queue, request, tag, 0, &id, &error) != PLQ_OK) fail_msg("plq_queue_submit: %s", plq_error_message(error, NULL));
  assert_true(id > 0 && id < UINT64_C(1) << 53);
  return id;
}

int32_t queue_get(uint64_t tag) {
  plq_completion *completion = NULL;
  assert_int_equal(plq_queue_next(queue, 10000, &completion), PLQ_OK);
  assert_int_equal(plq_completion_tag(completion), tag);
  int32_t status = plq_completion_status(completion);
  plq_response *response = plq_completion_take_response(completion);
  plq_error *error = plq_completion_take_error(completion);
  assert_int_equal(response != NULL, status == PLQ_OK);
  assert_int_equal(error != NULL, status != PLQ_OK);
  if (error != NULL) assert_int_equal(plq_error_status(error), status);
  plq_response_free(response);
  plq_error_free(error);
  plq_completion_free(completion);
  return status;
}

int32_t queue_none(int64_t timeout_ms) {
  plq_completion *completion = (plq_completion *)1;
  int32_t status = plq_queue_next(queue, timeout_ms, &completion);
  assert_int_not_equal(status, PLQ_OK);
  assert_null(completion);
  return status;
}

int64_t queue_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool queue_readable(int fd, int timeout_ms) {
  struct pollfd event = {.fd = fd, .events = POLLIN};
  return poll(&event, 1, timeout_ms) == 1;
}
