/* SPDX-License-Identifier: MIT */
/* One request: its body is collected, the engine decides, and the decision is carried out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "report.h"
#include "server.h"
#include "tls.h"

#define MAX_BODY (1 << 20)
#define MAX_HEADERS 200

struct request {
  char *body;
  size_t len;
  size_t capacity;
  bool too_large;
  bool decided; /* the answer is there, and is to be logged */
  struct timespec begin;
  engine_answer answer;
};

static void free_body(struct request *self) {
  if (self->body != NULL) explicit_bzero(self->body, self->len);
  free(self->body);
  self->body = NULL;
}

/* Collects a part of the body. It may have card data, so no copy is left behind where it grows. */
static bool add_body(struct request *self, const char *data, size_t len) {
  if (self->too_large || len > MAX_BODY - self->len) {
    self->too_large = true;
    return true;
  }
  if (self->len + len > self->capacity) {
    size_t capacity = (self->len + len) * 2;
    char *grown = malloc(capacity);
    if (grown == NULL) return false;
    if (self->len > 0) memcpy(grown, self->body, self->len);
    free_body(self);
    self->body = grown;
    self->capacity = capacity;
  }
  memcpy(self->body + self->len, data, len);
  self->len += len;
  return true;
}

static struct request *begin(struct server *server) {
  struct request *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  clock_gettime(CLOCK_MONOTONIC, &self->begin);
  pthread_mutex_lock(&server->lock);
  server->in_flight++;
  pthread_mutex_unlock(&server->lock);
  return self;
}

void request_completed(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
  struct server *server = context;
  struct request *self = *state;
  struct timespec now;
  (void)connection;
  (void)code;
  if (self == NULL) return;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t elapsed_us = (now.tv_sec - self->begin.tv_sec) * INT64_C(1000000) + (now.tv_nsec - self->begin.tv_nsec) / 1000;
  if (self->decided) report_request(server->log, &self->answer, elapsed_us);
  engine_answer_clear(&self->answer);
  free_body(self);
  free(self);
  *state = NULL;
  pthread_mutex_lock(&server->lock);
  server->in_flight--;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
}

/* ---- asking ---- */

typedef struct header_list {
  engine_header items[MAX_HEADERS];
  size_t count;
} header_list;

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
                                  size_t value_len) {
  header_list *list = context;
  (void)kind;
  if (list->count == MAX_HEADERS) return MHD_NO;
  list->items[list->count++] = (engine_header){{name, name_len}, {value == NULL ? "" : value, value == NULL ? 0 : value_len}};
  return MHD_YES;
}

/* A body that is too large goes to the engine as none: that is no JSON object either. */
static bool ask_engine(struct server *server, struct request *self, struct MHD_Connection *connection, const char *url,
                       const char *method) {
  header_list list;
  list.count = 0;
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_header, &list);
  engine_text body = {self->body, self->too_large ? 0 : self->len};
  engine_request question = {{method, strlen(method)}, {url, strlen(url)}, list.items, list.count, body};
  pthread_mutex_lock(&server->lock);
  self->decided = engine_handle(server->engine, &question, &self->answer);
  pthread_mutex_unlock(&server->lock);
  free_body(self);
  return self->decided;
}

/* ---- answering ---- */

/* Gives as much of the body as the decision says, then breaks off. */
static ssize_t read_body(void *context, uint64_t position, char *out, size_t max) {
  const engine_answer *answer = context;
  if (position >= answer->body_sent) return MHD_CONTENT_READER_END_WITH_ERROR;
  size_t len = answer->body_sent - (size_t)position;
  if (len > max) len = max;
  memcpy(out, answer->body + position, len);
  return (ssize_t)len;
}

/* Waits as long as the decision says, or until the server stops; the connection's thread is ours to hold up. */
static bool wait_for(struct server *server, int64_t delay_ms) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  int64_t ns = end.tv_nsec + delay_ms % 1000 * 1000000;
  end.tv_sec += delay_ms / 1000 + ns / 1000000000;
  end.tv_nsec = ns % 1000000000;
  pthread_mutex_lock(&server->lock);
  while (delay_ms > 0 && !server->stopping && pthread_cond_timedwait(&server->changed, &server->lock, &end) != ETIMEDOUT)
    continue;
  bool stopping = server->stopping;
  pthread_mutex_unlock(&server->lock);
  return stopping;
}

static enum MHD_Result send_answer(struct server *server, struct request *self, struct MHD_Connection *connection) {
  engine_answer *a = &self->answer;
  bool stopping = wait_for(server, a->delay_ms);
  if (a->drop == ENGINE_DROP_BEFORE_HANDLING || a->drop == ENGINE_DROP_AFTER_HANDLING) return MHD_NO;
  struct MHD_Response *response = MHD_create_response_from_callback(a->body_len, 4096, read_body, a, NULL);
  if (response == NULL) return MHD_NO;
  for (size_t i = 0; i < a->header_count; i++) MHD_add_response_header(response, a->headers[i].name, a->headers[i].value);
  if (stopping || a->drop == ENGINE_DROP_AFTER_RESPONSE) MHD_add_response_header(response, "Connection", "close");
  enum MHD_Result result = MHD_queue_response(connection, (unsigned)a->status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result handle_admin(struct server *server, struct request *self, struct MHD_Connection *connection,
                                    const char *url, const char *method) {
  admin_counters counters = {atomic_load(&server->tcp_connections), atomic_load(&server->open_connections), tls_handshakes()};
  admin_answer answer;
  engine_text body = {self->body == NULL ? "" : self->body, self->too_large ? 0 : self->len};
  pthread_mutex_lock(&server->lock);
  admin_handle(server->engine, &counters, method, url, body, &answer);
  pthread_mutex_unlock(&server->lock);
  if (answer.body == NULL) return MHD_NO;
  struct MHD_Response *response = MHD_create_response_from_buffer(strlen(answer.body), answer.body, MHD_RESPMEM_MUST_FREE);
  if (response == NULL) {
    free(answer.body);
    return MHD_NO;
  }
  MHD_add_response_header(response, "Content-Type", "application/json");
  if (answer.allow != NULL) MHD_add_response_header(response, "Allow", answer.allow);
  enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer.status, response);
  MHD_destroy_response(response);
  return result;
}

enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_len, void **state) {
  struct server *server = context;
  struct request *self = *state;
  (void)version;
  if (self == NULL) {
    *state = begin(server);
    return *state == NULL ? MHD_NO : MHD_YES;
  }
  if (*upload_len > 0) {
    bool good = add_body(self, upload, *upload_len);
    *upload_len = 0;
    return good ? MHD_YES : MHD_NO;
  }
  if (admin_owns(url)) return handle_admin(server, self, connection, url, method);
  return ask_engine(server, self, connection, url, method) ? send_answer(server, self, connection) : MHD_NO;
}
