/* SPDX-License-Identifier: MIT */
/* Inside of a case's process: the plugin, a host table and a sink of the kit's own, a server. */
#ifndef CHECK_INTERNAL_H
#define CHECK_INTERNAL_H

#include <plastiq/transport.h>
#include <pthread.h>
#include <stdatomic.h>

#include "ca.h"
#include "check.h"
#include "codec/head.h"
#include "plugin/plugin.h"
#include "server.h"

#define CHECK_TOKEN "test-key-conformance-0001"
#define CHECK_MS INT64_C(1000000)

/* Where a sink is to say no. */
enum { REFUSE_NOTHING, REFUSE_CONNECTED, REFUSE_LINE, REFUSE_BODY };

/* One operation as the sink saw it. */
typedef struct record {
  check *self;
  int refuse_at;
  atomic_bool cancelled;
  uint64_t cancel_op; /* to be cancelled from inside of on_connected, or 0 */
  bool connected, complete, over;
  int64_t over_ms; /* when on_done came */
  int done_count;
  struct plq__head head;
  plq_transport_connection connection;
  plq_transport_error error; /* status PLQ_OK: it went well */
  test_bytes body;
} record;

struct check {
  const check_plugin *what;
  const check_settings *settings;
  uint64_t half;
  check_result *result; /* in memory that the kit shares */
  const struct plq__plugin *plugin;
  const plq_transport_functions *functions;
  plq_transport_host host;
  plq_transport_instance *instance;
  atomic_long blocks; /* of host->alloc that were not freed */
  atomic_long allocs; /* so far */
  long fail_at;       /* this one fails; 0: none */
  test_bytes log;
  test_ca *ca;
  test_script *script;
  test_server *server;
  json_object *responses;
  char origin[64];
  uint64_t last_op;
  int64_t deadline_ms; /* of calls from now on; 0: 10 s */
  const char *method;
  size_t body_len;
};

/* Says what is wrong; the first things said are kept. */
void check_fail(check *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define EXPECT(self, condition, ...) ((condition) ? (void)0 : check_fail((self), __VA_ARGS__))
/* The transport does not offer what the case is about. */
void check_not_declared(check *self, const char *why);
/* The case cannot be run here, and says why. */
void check_unable(check *self, const char *why);

/* Starts a server with a script (tests/vectors/README.md); certificate NULL: "good". */
void check_serve(check *self, const char *script, const char *certificate);
/* The same, over HTTP/2: entries are frames. */
void check_serve_http2(check *self, const char *script);
/* Makes the instance, with the CA of the kit and further options as pairs that end with NULL. False: it failed, and the case with
 * it. */
bool check_create(check *self, ...);
void check_destroy(check *self);
/* The same, but a failure is for the caller to judge. */
int32_t check_try_create(check *self, const char *const (*pairs)[2], size_t count, plq_transport_error *error);
/* Stops the server: the instance must be gone. */
void check_stop(check *self);
size_t check_requests(const check *self);

void record_init(record *made, check *self);
void record_clear(record *made);
plq_transport_sink record_sink(record *made);
/* Carries out one request by the half that is checked, waits for its end, and holds what came to the rules of every call. */
void check_call(check *self, record *made);
/* The same on another thread, for whoever cancels it. */
typedef struct check_caller {
  check *self;
  record *made;
  uint64_t op;
  pthread_t thread;
} check_caller;
void check_call_begin(check *self, record *made, check_caller *caller);
void check_call_end(check_caller *caller);
/* A request: valid until the next. The headers have the token of the kit. */
typedef struct check_request {
  plq_transport_request request;
  plq_transport_target target;
  plq_transport_header headers[4];
  uint8_t *body;
} check_request;
void check_request_init(check *self, check_request *made);
void check_request_clear(check_request *made);
/* One good call, and nothing else to see. */
void check_good_call(check *self);
void check_ends_with(check *self, const record *made, int32_t kind, int32_t delivery);

int64_t check_now_ms(void);
size_t check_count_fds(void);
size_t check_count_threads(void);

/* Tables of cases; each ends with a row without name. */
extern const check_case check_file_cases[], check_call_cases[], check_end_cases[], check_keep_cases[], check_async_cases[],
    check_life_cases[];

#endif
