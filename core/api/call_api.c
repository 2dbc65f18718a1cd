/* SPDX-License-Identifier: MIT */
#include <plastiq/call.h>
#include <pthread.h>
#include <stdbool.h>

#include "../base/alloc.h"
#include "../base/error.h"
#include "../base/fork.h"
#include "../base/handle.h"
#include "../operations/perform.h"
#include "../operations/request.h"
#include "../pipeline/client.h"
#include "call.h"

/* What a call handle stands for. It holds no reference to its client, so that an idle one keeps no connection open. */
struct call_object {
  pthread_mutex_t lock;
  uint32_t generation; /* of fork */
  plq_client_id client;
  bool running;
  bool cancelled;          /* before it began to run */
  struct plq__live *live;  /* while it runs */
  struct plq__run *run;
};

/* Runs a request under a run that others may cancel; `object` may be NULL. */
static int32_t run_request(plq_client_id id, struct call_object *object, const plq_request *request, plq_response **out_response,
                           plq_error **out_error) {
  struct plq__client *client = plq__client_acquire(id);
  if (client == NULL) return plq__fail_plain(out_error, PLQ_E_HANDLE);
  struct plq__run run = {.emitter = {.log = request->events}};
  int32_t status;
  struct plq__live *live = plq__client_live(client, &status, out_error);
  if (live == NULL) goto cleanup;
  if (!plq__run_begin(live, &run)) {
    status = plq__fail_plain(out_error, PLQ_E_CLOSED);
    goto cleanup;
  }
  if (object != NULL) {
    pthread_mutex_lock(&object->lock);
    object->live = live;
    object->run = &run;
    run.cancelled = run.cancelled || object->cancelled;
    object->cancelled = false;
    pthread_mutex_unlock(&object->lock);
  }
  status = plq__perform(&live->lane, &run, request, out_response, out_error);
  if (object != NULL) {
    pthread_mutex_lock(&object->lock);
    object->run = NULL;
    pthread_mutex_unlock(&object->lock);
  }
  plq__run_end(live, &run);
cleanup:
  plq__client_release(client);
  return status;
}

static int32_t check_arguments(const plq_request *request, plq_response **out_response, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_response != NULL) *out_response = NULL;
  if (plq__inside_observer()) return plq__fail_plain(out_error, PLQ_E_REENTRANT);
  if (request == NULL || out_response == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "request or out_response is NULL");
  return PLQ_OK;
}

int32_t plq_call(plq_client_id client, const plq_request *request, plq_response **out_response, plq_error **out_error) {
  int32_t status = check_arguments(request, out_response, out_error);
  return status == PLQ_OK ? run_request(client, NULL, request, out_response, out_error) : status;
}

static void call_destroy(void *object) {
  struct call_object *call = object;
  pthread_mutex_destroy(&call->lock);
  plq__free(call);
}

int32_t plq_call_new(plq_client_id client_id, plq_call_id *out_call, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_call == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, "out_call", "out_call is NULL");
  *out_call = 0;
  if (plq__inside_observer()) return plq__fail_plain(out_error, PLQ_E_REENTRANT);
  struct plq__client *client = plq__client_acquire(client_id);
  if (client == NULL) return plq__fail_plain(out_error, PLQ_E_HANDLE);
  plq__client_release(client);
  struct call_object *call = plq__alloc(sizeof *call);
  if (call == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  pthread_mutex_init(&call->lock, NULL);
  call->generation = plq__fork_generation();
  call->client = client_id;
  *out_call = plq__handle_new(PLQ__HANDLE_CALL, call, call_destroy);
  if (*out_call != 0) return PLQ_OK;
  call_destroy(call);
  return plq__fail_plain(out_error, PLQ_E_RESOURCE_HANDLES);
}

int32_t plq_call_run(plq_call_id id, const plq_request *request, plq_response **out_response, plq_error **out_error) {
  int32_t status = check_arguments(request, out_response, out_error);
  if (status != PLQ_OK) return status;
  struct call_object *call = plq__handle_acquire(id, PLQ__HANDLE_CALL);
  if (call == NULL) return plq__fail_plain(out_error, PLQ_E_HANDLE);
  if (call->generation != plq__fork_generation()) {
    plq__handle_release(id);
    return plq__fail_plain(out_error, PLQ_E_FORKED);
  }
  pthread_mutex_lock(&call->lock);
  bool busy = call->running;
  call->running = true;
  pthread_mutex_unlock(&call->lock);
  if (busy) {
    status = plq__fail_plain(out_error, PLQ_E_BUSY);
  } else {
    status = run_request(call->client, call, request, out_response, out_error);
    pthread_mutex_lock(&call->lock);
    call->running = false;
    pthread_mutex_unlock(&call->lock);
  }
  plq__handle_release(id);
  return status;
}

int32_t plq__call_client(plq_call_id id, plq_client_id *out_client) {
  struct call_object *call = plq__handle_acquire(id, PLQ__HANDLE_CALL);
  if (call == NULL) return PLQ_E_HANDLE;
  *out_client = call->client;
  plq__handle_release(id);
  return PLQ_OK;
}

/* The run is on its thread's stack until it is taken out of the object, under the object's lock. */
static void cancel(struct call_object *call) {
  if (call->generation != plq__fork_generation()) return;
  pthread_mutex_lock(&call->lock);
  if (call->run != NULL) {
    pthread_mutex_lock(&call->live->lock);
    plq__run_cancel(call->live, call->run);
    pthread_mutex_unlock(&call->live->lock);
  } else {
    call->cancelled = true;
  }
  pthread_mutex_unlock(&call->lock);
}

int32_t plq_call_cancel(plq_call_id id) {
  struct call_object *call = plq__handle_acquire(id, PLQ__HANDLE_CALL);
  if (call == NULL) return PLQ_E_HANDLE;
  cancel(call);
  plq__handle_release(id);
  return PLQ_OK;
}

void plq_call_free(plq_call_id id) {
  struct call_object *call = plq__handle_acquire(id, PLQ__HANDLE_CALL);
  if (call == NULL) return;
  if (plq__handle_close(id, PLQ__HANDLE_CALL)) {
    cancel(call);
    plq__handle_release(id);
  }
  plq__handle_release(id);
}
