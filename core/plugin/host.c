/* SPDX-License-Identifier: MIT */
#include <plastiq/chain.h>
#include <plastiq/version.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/random.h"
#include "../codec/http1.h"
#include "internal.h"

/* A thread's own, because plugins log only inside a call: a line from any other thread finds nobody and is dropped. */
static _Thread_local struct plq__loading *listener;

/* Likewise, of the call that this thread is inside of. */
static _Thread_local const struct plq__emitter *emitter;
static _Thread_local const char *source;

void plq__host_emit_to(const struct plq__emitter *to, const char *from) {
  emitter = to;
  source = from;
}

void plq__host_listen(struct plq__loading *loading) { listener = loading; }

struct plq__loading *plq__host_listener(void) { return listener; }

static void *host_alloc(void *context, size_t size) {
  (void)context;
  return plq__alloc(size);
}

static void *host_realloc(void *context, void *block, size_t size) {
  (void)context;
  return plq__realloc(block, size);
}

static void host_free(void *context, void *block) {
  (void)context;
  plq__free(block);
}

static void host_log(void *context, int32_t level, const char *text, size_t len) {
  (void)context;
  char line[512];
  if (text == NULL) return;
  if (listener == NULL) {
    if (emitter != NULL) plq__emit_log(emitter, level, source, (struct plq__text){text, len});
    return;
  }
  plq__clean(line, sizeof line, text, len);
  plq__loading_pass(listener, listener->stage, "%s: %s", plq__log_level_name(level), line);
}

static int32_t host_log_level(void *context) {
  (void)context;
  if (listener != NULL) return PLQ_LOG_INFO;
  return emitter != NULL && plq__emitter_wants(emitter, PLQ__EVENT_LOG) ? PLQ_LOG_DEBUG : INT32_MAX;
}

static int64_t host_now_ns(void *context) {
  (void)context;
  return plq__now_ns();
}

static int32_t host_random(void *context, void *buffer, size_t len) {
  (void)context;
  return plq__random_system(buffer, len) ? PLQ_OK : PLQ_E_RESOURCE_SYSTEM;
}

static const void *host_get_extension(void *context, const char *id) {
  if (id == NULL) return NULL;
  if (strcmp(id, PLQ_EXTENSION_HTTP1) == 0) return &plq__http1;
  return strcmp(id, PLQ_EXTENSION_CHAIN) == 0 ? plq__chain_for(context) : NULL;
}

static const plq_transport_host process_host = {
    .struct_size = sizeof(plq_transport_host),
    .abi_minor = PLQ_TRANSPORT_ABI_MINOR,
    .version = PLQ_VERSION_TEXT,
    .alloc = host_alloc,
    .realloc = host_realloc,
    .free = host_free,
    .wipe = plq__wipe,
    .log = host_log,
    .log_level = host_log_level,
    .now_ns = host_now_ns,
    .random = host_random,
    .get_extension = host_get_extension,
};

const plq_transport_host *plq__host_process(void) { return &process_host; }

void plq__host_init(plq_transport_host *host, void *context) {
  *host = process_host;
  host->context = context;
}
