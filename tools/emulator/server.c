/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls.h"

#define STOP_SECONDS 10
#define MAX_OPTIONS 8

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  struct server *self = context;
  (void)socket_context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    atomic_fetch_sub(&self->open_connections, 1);
    return;
  }
  atomic_fetch_add(&self->tcp_connections, 1);
  atomic_fetch_add(&self->open_connections, 1);
  tls_prepare(connection, self->require_certificate);
}

/* Paths go to the engine as they came: what libmicrohttpd would decode is not what the client sent. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

static void init(struct server *self, engine *service, const server_tls *tls, const struct arguments *arguments) {
  pthread_condattr_t attributes;
  *self = (struct server){.engine = service, .log = arguments->log, .require_certificate = tls->client_ca != NULL};
  pthread_mutex_init(&self->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&self->changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

bool server_start(struct server *self, engine *service, int listen_fd, const server_tls *tls, const struct arguments *arguments) {
  struct MHD_OptionItem options[MAX_OPTIONS];
  size_t count = 0;
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC;
  init(self, service, tls, arguments);
  if (tls->certificate != NULL) {
    flags |= MHD_USE_TLS;
    options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)tls->certificate};
    options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)tls->key};
  }
  if (tls->client_ca != NULL) options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)tls->client_ca};
  options[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
  self->daemon = MHD_start_daemon(
      flags, 0, NULL, NULL, request_handle, self, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_NOTIFY_COMPLETED,
      request_completed, self, MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
      NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)arguments->idle_timeout_s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
  if (self->daemon == NULL) close(listen_fd);
  return self->daemon != NULL;
}

void server_stop(struct server *self) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += STOP_SECONDS;
  MHD_socket listen_fd = MHD_quiesce_daemon(self->daemon);
  if (listen_fd != MHD_INVALID_SOCKET) close(listen_fd);
  pthread_mutex_lock(&self->lock);
  self->stopping = true;
  pthread_cond_broadcast(&self->changed);
  while (self->in_flight > 0 && pthread_cond_timedwait(&self->changed, &self->lock, &end) == 0) continue;
  pthread_mutex_unlock(&self->lock);
  MHD_stop_daemon(self->daemon);
  pthread_cond_destroy(&self->changed);
  pthread_mutex_destroy(&self->lock);
}
