/* SPDX-License-Identifier: MIT */
/* The stub through the plugin ABI: loading it, a request, a sink that keeps what it was told. STUB_PATH is the shared object. */
#ifndef TEST_STUB_SUPPORT_H
#define TEST_STUB_SUPPORT_H

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

#define KEY "Bearer test-key-0000000000000000"

static const plq_transport *stub;
static const plq_transport_functions *f;
static const plq_transport_clock *virtual_clock;

static inline int load(void **state) {
  plq_transport_entry_fn entry = NULL;
  plq_transport_error error = {.struct_size = sizeof error};
  (void)state;
  void *library = dlopen(STUB_PATH, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == NULL) fail_msg("%s", dlerror());
  *(void **)&entry = dlsym(library, "plq_transport_entry_v1");
  assert_non_null(entry);
  assert_int_equal(entry(&host, &error, &stub), PLQ_OK);
  f = stub->functions;
  virtual_clock = stub->get_extension(PLQ_EXTENSION_CLOCK);
  assert_non_null(virtual_clock);
  return 0;
}

/* ---- an operation and what its sink was told ---- */

typedef struct told {
  char text[4096]; /* lines, body, trailers, as they came */
  size_t len;
  int pieces;
  int connected;
  int done;
  int stop_at; /* 1: on_connected, 2: on_line, 3: on_body */
  bool cancelled;
  uint64_t cancel_at_line; /* cancels this op from inside the sink */
  plq_transport_instance *instance;
  plq_transport_connection connection;
  plq_transport_error error; /* status 0: none */
  plq_transport_transfer transfer;
} told;

static inline int32_t on_connected(void *context, const plq_transport_connection *connection) {
  told *t = context;
  __atomic_add_fetch(&t->connected, 1, __ATOMIC_SEQ_CST);
  t->connection = *connection;
  return t->stop_at == 1;
}

static inline int32_t add(told *t, const void *data, size_t len) {
  assert_int_equal(t->done, 0);
  assert_true(t->len + len < sizeof t->text);
  memcpy(t->text + t->len, data, len);
  t->len += len;
  return 0;
}

static inline int32_t on_line(void *context, const char *line, size_t len) {
  told *t = context;
  assert_int_equal(t->connected, 1);
  assert_true(len > 0 && memchr(line, '\n', len) == line + len - 1);
  if (t->cancel_at_line != 0) f->cancel(t->instance, t->cancel_at_line);
  return add(t, line, len) + (t->stop_at == 2);
}

static inline int32_t on_body(void *context, const uint8_t *data, size_t len) {
  told *t = context;
  t->pieces++;
  return add(t, data, len) + (t->stop_at == 3);
}

static inline void on_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  told *t = context;
  __atomic_add_fetch(&t->done, 1, __ATOMIC_SEQ_CST);
  if (error != NULL) t->error = *error;
  t->transfer = *transfer;
}

static inline int32_t is_cancelled(void *context) {
  return ((told *)context)->cancelled;
}

static inline plq_transport_sink sink_of(told *t) {
  return (plq_transport_sink){.struct_size = sizeof(plq_transport_sink),
                              .context = t,
                              .on_connected = on_connected,
                              .on_line = on_line,
                              .on_body = on_body,
                              .on_done = on_done,
                              .is_cancelled = is_cancelled};
}

#define HEADER(n, v) \
  { .name = n, .name_len = sizeof(n) - 1, .value = v, .value_len = sizeof(v) - 1 }
static const plq_transport_header headers[] = {HEADER("Accept", "application/json"), HEADER("Content-Type", "application/json"),
                                               HEADER("User-Agent", "test"), HEADER("Authorization", KEY)};
#define ORIGIN "https://plastiq.test"
static const plq_transport_target tls_target = {.struct_size = sizeof tls_target,
                                                .flags = PLQ_TARGET_TLS,
                                                .port = 443,
                                                .origin = ORIGIN,
                                                .origin_len = sizeof ORIGIN - 1,
                                                .host = "plastiq.test",
                                                .host_len = 12};

static inline plq_transport_request request_of(uint64_t op, int64_t deadline_ns) {
  return (plq_transport_request){.struct_size = sizeof(plq_transport_request),
                                 .header_stride = sizeof headers[0],
                                 .op = op,
                                 .deadline_ns = deadline_ns,
                                 .target = &tls_target,
                                 .method = "POST",
                                 .method_len = 4,
                                 .path = "/api/client-secrets",
                                 .path_len = 19,
                                 .headers = headers,
                                 .header_count = 4,
                                 .body = (const uint8_t *)"{}",
                                 .body_len = 2};
}

static inline plq_transport_value value(const char *key, const char *text) {
  return (plq_transport_value){
      .type = PLQ_OPTION_TEXT, .key = key, .key_len = strlen(key), .text = text, .text_len = strlen(text)};
}

static inline plq_transport_instance *create_with(plq_transport_value v) {
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_instance *instance = NULL;
  if (f->create(&host, &v, 1, sizeof v, &error, &instance) != PLQ_OK) fail_msg("%s: %s", v.text, error.message);
  return instance;
}

static inline plq_transport_instance *create(const char *script) {
  return create_with(value("script", script));
}

static inline void destroy(plq_transport_instance *instance) {
  f->destroy(instance);
  assert_int_equal(blocks, 0);
}

static inline void perform(plq_transport_instance *instance, told *t, int64_t deadline_ns) {
  plq_transport_request request = request_of(1, deadline_ns);
  plq_transport_sink sink = sink_of(t);
  plq_transport_error error = {.struct_size = sizeof error};
  t->instance = instance;
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_OK);
  assert_int_equal(t->done, 1);
}

#endif
