/* SPDX-License-Identifier: MIT */
/*
 * The stub transport by itself, through the plugin ABI: scripts, faults, virtual time, both ways of calling, cancelling.
 * STUB_PATH is the shared object.
 */
#include <plastiq/transport.h>

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

/* ---- scripts ---- */

static void responses(void **state) {
  static const struct {
    const char *script;
    const char *text;
    int pieces;
  } cases[] = {
      {"[{\"status\":200,\"body\":\"abc\"}]", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 1},
      {"[{\"status\":299,\"reason\":\"Hm\"}]", "HTTP/1.1 299 Hm\r\nContent-Length: 0\r\n\r\n", 0},
      {"[{\"status\":204}]", "HTTP/1.1 204 No Content\r\n\r\n", 0},
      {"[{\"status\":200,\"http\":\"1.0\"}]", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
      {"[{\"status\":200,\"http\":\"2\",\"reason\":\"x\"}]", "HTTP/2 200\r\nContent-Length: 0\r\n\r\n", 0},
      {"[{\"status\":200,\"headers\":[[\"A\",\"1\"],[\"A\",\"2\"]]}]",
       "HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nContent-Length: 0\r\n\r\n", 0},
      {"[{\"status\":200,\"headers\":[[\"content-length\",\"2\"]],\"body\":\"abc\"}]",
       "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", 1},
      {"[{\"status\":200,\"headers\":[[\"Transfer-Encoding\",\"chunked\"]],\"body\":\"abc\",\"trailers\":[[\"T\",\"1\"]]}]",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabcT: 1\r\n\r\n", 1},
      {"[{\"status\":200,\"interim\":[100,103]}]",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
      {"[{\"status\":200,\"body\":\"abcdefg\",\"pieces\":3}]", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nabcdefg", 3},
      {"[{\"head\":\"HTTP/1.1 2x0 ?\\n\\n\",\"body\":\"b\"}]", "HTTP/1.1 2x0 ?\n\nb", 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    told t = {0};
    plq_transport_instance *instance = create(cases[i].script);
    perform(instance, &t, INT64_MAX);
    assert_int_equal(t.error.status, PLQ_OK);
    assert_string_equal(t.text, cases[i].text);
    assert_int_equal(t.pieces, cases[i].pieces);
    destroy(instance);
  }
}

static void faults(void **state) {
  static const struct {
    const char *script;
    int32_t status, phase, delivery;
    int connected;
    const char *text;
    int64_t elapsed_ms;
  } cases[] = {
      {"[{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\"}}]", PLQ_E_CONNECT_REFUSED, PLQ_PHASE_CONNECT, 0, 0, "", 0},
      {"[{\"delay_ms\":7,\"fault\":{\"status\":\"PLQ_E_TIMEOUT_TLS\"}}]", PLQ_E_TIMEOUT_TLS, PLQ_PHASE_TLS, 0, 0, "", 7},
      {"[{\"fault\":{\"status\":\"PLQ_E_MEMORY\",\"phase\":\"resolve\"}}]", PLQ_E_MEMORY, PLQ_PHASE_RESOLVE, 0, 0, "", 0},
      {"[{\"fault\":{\"status\":\"PLQ_E_TRUNCATED_NO_RESPONSE\"}}]", PLQ_E_TRUNCATED_NO_RESPONSE, PLQ_PHASE_WAIT, 1, 1, "", 0},
      {"[{\"fault\":{\"status\":\"PLQ_E_IO_REFUSED_STREAM\",\"delivery\":\"not_sent\",\"after\":\"connected\"}}]",
       PLQ_E_IO_REFUSED_STREAM, PLQ_PHASE_SEND, 0, 1, "", 0},
      {"[{\"status\":200,\"body\":\"abc\",\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"after\":\"head\"}}]", PLQ_E_IO_RESET,
       PLQ_PHASE_RECEIVE, 1, 1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 0},
      {"[{\"status\":200,\"body\":\"abc\",\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"after\":\"body\",\"body_bytes\":2}}]",
       PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, 1, 1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 0},
      {"[{\"status\":200,\"headers\":[[\"Content-Length\",\"5\"]],\"body\":\"abc\"}]", PLQ_E_TRUNCATED_BODY, PLQ_PHASE_RECEIVE, 1,
       1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", 0},
      {"[{\"status\":200,\"delay_ms\":101}]", PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_WAIT, 1, 1, "", 100},
      {"[{\"delay_ms\":101,\"fault\":{\"status\":\"PLQ_E_CONNECT_FAILED\"}}]", PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_CONNECT, 0, 0, "",
       100},
      {"[{\"status\":200,\"body\":\"abc\",\"pieces\":1,\"piece_delay_ms\":60}]", PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_RECEIVE, 1, 1,
       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 100},
      {"[{\"engine\":true,\"delay_ms\":5,\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"after\":\"connected\"}}]", PLQ_E_IO_RESET,
       PLQ_PHASE_WAIT, 1, 1, "", 5},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    told t = {0};
    plq_transport_instance *instance = create(cases[i].script);
    perform(instance, &t, START + 100 * MS);
    if (t.error.status != cases[i].status) fail_msg("%s: %d %s", cases[i].script, t.error.status, t.error.message);
    if (cases[i].status != PLQ_E_IO_RESET) assert_int_equal(t.error.phase, cases[i].phase);
    assert_int_equal(t.error.delivery, cases[i].delivery);
    assert_int_equal(t.connected, cases[i].connected);
    assert_string_equal(t.text, cases[i].text);
    assert_int_equal((virtual_clock->now_ns(instance) - START) / MS, cases[i].elapsed_ms);
    assert_int_equal(t.transfer.total_ns, cases[i].elapsed_ms * MS);
    destroy(instance);
  }
}

static void wrong_scripts(void **state) {
  static const char *const cases[][2] = {
      {"x", "script: not a JSON object or list"},
      {"{}", "script: must be a list"},
      {"[{}]", "script[0].status: is missing"},
      {"[{\"status\":200},{\"state\":1}]", "script[1]: unknown member 'state'; there are: status, reason"},
      {"[{\"status\":99}]", "script[0].status: must be a whole number from 100 to 999"},
      {"[{\"status\":200,\"body\":5}]", "script[0].body: must be a text"},
      {"[{\"status\":200,\"headers\":[[\"a\"]]}]", "script[0].headers"},
      {"[{\"status\":200,\"http\":\"3\"}]", "script[0].http: must be one of: 1.0, 1.1, 2"},
      {"[{\"status\":200,\"interim\":[200]}]", "script[0].interim"},
      {"[{\"status\":200,\"delay_ms\":-1}]", "script[0].delay_ms"},
      {"[{\"engine\":true,\"status\":200}]", "script[0].status: does not go together with engine"},
      {"[{\"engine\":true,\"hang\":true}]", "exclude each other"},
      {"[{\"head\":\"x\",\"status\":200}]", "script[0].head"},
      {"[{\"fault\":{}}]", "script[0].fault.status: must be a name of status.h"},
      {"[{\"fault\":{\"status\":\"PLQ_E_HANDLE\"}}]", "script[0].fault.status"},
      {"[{\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"phase\":\"load\"}}]", "script[0].fault.phase"},
      {"[{\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"delivery\":\"answered\"}}]", "script[0].fault.delivery"},
      {"[{\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"after\":\"start\",\"phase\":\"receive\"}}]", "come before a connection"},
      {"[{\"status\":200,\"connection\":{\"tls_version\":\"1.1\"}}]", "script[0].connection.tls_version"},
      {"[{\"status\":200,\"connection\":{\"reused\":1}}]", "script[0].connection.reused: must be true or false"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    plq_transport_value v = value("script", cases[i][0]);
    plq_transport_error error = {.struct_size = sizeof error};
    plq_transport_instance *instance = NULL;
    assert_int_equal(f->create(&host, &v, 1, sizeof v, &error, &instance), PLQ_E_OPTION_VALUE);
    assert_null(instance);
    assert_int_equal(error.status, PLQ_E_OPTION_VALUE);
    if (strstr(error.message, cases[i][1]) == NULL) fail_msg("%s: %s", cases[i][0], error.message);
    assert_int_equal(blocks, 0);
  }
}

static void other_wrong_options(void **state) {
  plq_transport_value both[] = {value("script", "[]"), value("script_file", "/nonexistent")};
  plq_transport_value cases[] = {value("script_file", "/nonexistent"), value("base_path", "api")};
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_instance *instance = NULL;
  (void)state;
  assert_int_equal(f->create(&host, both, 2, sizeof both[0], &error, &instance), PLQ_E_OPTION_VALUE);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(f->create(&host, &cases[i], 1, sizeof cases[i], &error, &instance), PLQ_E_OPTION_VALUE);
    assert_non_null(strstr(error.message, cases[i].key));
  }
  assert_int_equal(blocks, 0);
}

static void memory_runs_out(void **state) {
  static const char script[] = "[{\"status\":200,\"body\":\"abc\",\"trailers\":[[\"a\",\"b\"]]},{\"engine\":true}]";
  plq_transport_value v = value("script", script);
  plq_transport_instance *instance = NULL;
  int failures = 0;
  (void)state;
  for (;; failures++) {
    plq_transport_error error = {.struct_size = sizeof error};
    allocations_left = failures;
    int32_t status = f->create(&host, &v, 1, sizeof v, &error, &instance);
    allocations_left = -1;
    if (status == PLQ_OK) break;
    assert_int_equal(status, PLQ_E_MEMORY);
    assert_int_equal(blocks, 0);
  }
  assert_true(failures > 4);
  told first = {0};
  told second = {0};
  perform(instance, &first, INT64_MAX);
  allocations_left = 0;
  perform(instance, &second, INT64_MAX);
  allocations_left = -1;
  assert_int_equal(second.error.status, PLQ_E_MEMORY);
  destroy(instance);
}

/* ---- engine, connections ---- */

static void the_engine_answers(void **state) {
  told t = {0};
  plq_transport_instance *instance = create("[]");
  (void)state;
  perform(instance, &t, INT64_MAX);
  assert_int_equal(t.error.status, PLQ_OK);
  assert_memory_equal(t.text, "HTTP/1.1 200 OK\r\n", 17);
  assert_non_null(strstr(t.text, "\r\n\r\n{\"clientSecret\":\"cs_test_"));
  assert_true(t.transfer.bytes_sent > 100);
  assert_int_equal(t.transfer.bytes_received, t.len);
  destroy(instance);

  plq_transport_value options[] = {value("success_status", "201"), value("base_path", "/"),
                                   value("api_keys", " test-key-a, test-key-b ")};
  plq_transport_error error = {.struct_size = sizeof error};
  assert_int_equal(f->create(&host, options, 2, sizeof options[0], &error, &instance), PLQ_OK);
  t = (told){0};
  perform(instance, &t, INT64_MAX);
  assert_memory_equal(t.text, "HTTP/1.1 404 Not Found\r\n", 24);
  destroy(instance);
  assert_int_equal(f->create(&host, options + 2, 1, sizeof options[0], &error, &instance), PLQ_OK);
  t = (told){0};
  perform(instance, &t, INT64_MAX);
  assert_memory_equal(t.text, "HTTP/1.1 401 Unauthorized\r\n", 27);
  destroy(instance);
}

static void connections(void **state) {
  static const uint32_t verified = PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED;
  plq_transport_instance *instance = create(
      "[{\"status\":200},{\"status\":200,\"end\":\"close\"},{\"status\":200,\"http\":\"2\"},"
      "{\"status\":200,\"connection\":{\"reused\":false,\"tls_version\":\"1.2\",\"chain_verified\":false,\"host_verified\":null}}"
      "]");
  static const struct {
    uint32_t known, flags, tls_version, http_version;
  } expected[] = {
      {verified, verified, 0x0304, 11},
      {verified, verified | PLQ_FACT_REUSED, 0x0304, 11},
      {verified, verified, 0x0304, 20},
      {PLQ_FACT_CHAIN_VERIFIED, 0, 0x0303, 11},
  };
  (void)state;
  for (size_t i = 0; i < 4; i++) {
    told t = {0};
    perform(instance, &t, INT64_MAX);
    assert_int_equal(t.connection.known & verified, expected[i].known);
    assert_int_equal(t.connection.flags, expected[i].flags);
    assert_int_equal(t.connection.tls_version, expected[i].tls_version);
    assert_int_equal(t.connection.http_version, expected[i].http_version);
  }
  destroy(instance);
}

static void prewarm(void **state) {
  told t = {0};
  plq_transport_sink sink = sink_of(&t);
  plq_transport_error error = {.struct_size = sizeof error};
  uint32_t open = 0;
  plq_transport_instance *instance = create("[]");
  (void)state;
  assert_int_equal(f->prewarm(instance, &tls_target, 3, INT64_MAX, 9, &sink, &error, &open), PLQ_OK);
  assert_int_equal(open, 3);
  assert_int_equal(f->prewarm(instance, &tls_target, 1000, INT64_MAX, 9, &sink, &error, &open), PLQ_OK);
  assert_int_equal(open, 64);
  assert_int_equal(f->prewarm(instance, &tls_target, 3, START - 1, 9, &sink, &error, &open), PLQ_E_TIMEOUT_TOTAL);
  t.cancelled = true;
  assert_int_equal(f->prewarm(instance, &tls_target, 3, INT64_MAX, 9, &sink, &error, &open), PLQ_E_CANCELLED);
  t.cancelled = false;
  perform(instance, &t, INT64_MAX);
  assert_true(t.connection.flags & PLQ_FACT_REUSED);
  f->quiesce(instance, INT64_MAX);
  destroy(instance);
}

/* ---- stopping ---- */

static void the_host_stops(void **state) {
  (void)state;
  for (int at = 1; at <= 3; at++) {
    told t = {.stop_at = at};
    plq_transport_instance *instance = create("[{\"status\":200,\"body\":\"abc\"}]");
    perform(instance, &t, INT64_MAX);
    assert_int_equal(t.error.status, PLQ_E_CANCELLED);
    assert_int_equal(t.error.delivery, at == 1 ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT);
    destroy(instance);
  }
}

static void cancelled_before_and_inside(void **state) {
  told early = {.cancelled = true};
  told inside = {.cancel_at_line = 1};
  told late = {0};
  plq_transport_instance *instance = create("[{\"status\":200}]");
  (void)state;
  perform(instance, &early, INT64_MAX);
  assert_int_equal(early.error.status, PLQ_E_CANCELLED);
  assert_int_equal(early.error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(early.connected, 0);
  perform(instance, &inside, INT64_MAX);
  assert_int_equal(inside.error.status, PLQ_E_CANCELLED);
  assert_int_equal(inside.error.delivery, PLQ_DELIVERY_MAYBE_SENT);
  perform(instance, &late, START - 1);
  assert_int_equal(late.error.status, PLQ_E_TIMEOUT_TOTAL);
  assert_int_equal(late.error.delivery, PLQ_DELIVERY_NOT_SENT);
  f->cancel(instance, 99);
  destroy(instance);
}

static void *perform_in_thread(void *context) {
  told *t = context;
  perform(t->instance, t, INT64_MAX);
  return NULL;
}

/* A hanging operation is at its deadline at once. */
static void hanging_with_a_deadline(void **state) {
  plq_transport_instance *instance = create("[{\"hang\":true}]");
  told t = {0};
  (void)state;
  perform(instance, &t, START + 1000 * MS);
  assert_int_equal(t.error.status, PLQ_E_TIMEOUT_TOTAL);
  assert_int_equal(t.error.phase, PLQ_PHASE_WAIT);
  assert_int_equal(t.error.delivery, PLQ_DELIVERY_MAYBE_SENT);
  assert_int_equal(t.transfer.total_ns, 1000 * MS);
  assert_int_equal(virtual_clock->now_ns(instance), START + 1000 * MS);
  destroy(instance);
}

/* Without one it waits for a cancel from another thread, whatever the clock does. */
static void hanging_without_a_deadline(void **state) {
  plq_transport_instance *instance = create("[{\"hang\":true}]");
  told t = {.instance = instance};
  pthread_t thread;
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, perform_in_thread, &t), 0);
  virtual_clock->sleep_until_ns(instance, START + 1000000 * MS);
  /* The operation may not have begun: a cancel that finds nothing is asked again by the core. */
  while (__atomic_load_n(&t.done, __ATOMIC_SEQ_CST) == 0) f->cancel(instance, 1);
  pthread_join(thread, NULL);
  assert_int_equal(t.error.status, PLQ_E_CANCELLED);
  assert_int_equal(virtual_clock->now_ns(instance), START + 1000000 * MS);
  destroy(instance);
}

static void unknown_flags_are_refused(void **state) {
  told t = {0};
  plq_transport_request request = request_of(1, INT64_MAX);
  plq_transport_sink sink = sink_of(&t);
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_instance *instance = create("[]");
  (void)state;
  request.flags = 1;
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_E_UNSUPPORTED);
  assert_int_equal(f->submit(instance, &request, &sink, &error), PLQ_E_UNSUPPORTED);
  assert_int_equal(t.done, 0);
  destroy(instance);
}

/* ---- without blocking ---- */

static bool readable(plq_transport_instance *instance) {
  struct pollfd fd = {.fd = f->event_fd(instance), .events = POLLIN};
  return poll(&fd, 1, 0) == 1;
}

typedef struct async {
  told told;
  plq_transport_request request;
  plq_transport_sink sink;
} async;

static void submit(plq_transport_instance *instance, async *a, uint64_t op, int64_t deadline_ns) {
  plq_transport_error error = {.struct_size = sizeof error};
  *a = (async){.request = request_of(op, deadline_ns)};
  a->told.instance = instance;
  a->sink = sink_of(&a->told);
  assert_int_equal(f->submit(instance, &a->request, &a->sink, &error), PLQ_OK);
  assert_int_equal(a->told.connected, 0);
}

/* Operations at the same time wait at the same time, and come in the order of their responses. */
static void async_operations(void **state) {
  async a[3];
  plq_transport_instance *instance =
      create("[{\"status\":200,\"delay_ms\":300},{\"status\":201,\"delay_ms\":100},{\"status\":202,\"delay_ms\":200}]");
  (void)state;
  assert_false(readable(instance));
  for (uint64_t i = 0; i < 3; i++) submit(instance, &a[i], i + 1, START + 250 * MS);
  assert_true(readable(instance));
  assert_int_equal(f->drive(instance, 0), PLQ_OK);
  assert_false(readable(instance));
  assert_int_equal(a[0].told.error.status, PLQ_E_TIMEOUT_TOTAL);
  assert_int_equal(a[1].told.error.status, PLQ_OK);
  assert_int_equal(a[2].told.error.status, PLQ_OK);
  assert_int_equal(a[0].told.transfer.total_ns, 250 * MS);
  assert_int_equal(a[1].told.transfer.total_ns, 100 * MS);
  assert_int_equal(a[2].told.transfer.total_ns, 200 * MS);
  destroy(instance);
}

static void async_waiting(void **state) {
  async a;
  plq_transport_instance *instance = create("[{\"hang\":true},{\"hang\":true},{\"hang\":true}]");
  (void)state;
  f->drive(instance, START + 5 * MS); /* nothing to do: the clock moves */
  assert_int_equal(virtual_clock->now_ns(instance), START + 5 * MS);
  f->wake(instance);
  f->wake(instance);
  assert_true(readable(instance));
  f->drive(instance, INT64_MAX); /* woken: does not wait */
  assert_false(readable(instance));

  submit(instance, &a, 1, INT64_MAX);
  f->drive(instance, 0);
  assert_false(readable(instance));
  assert_int_equal(a.told.connected, 1);
  f->cancel(instance, 1);
  assert_true(readable(instance));
  f->drive(instance, INT64_MAX);
  assert_int_equal(a.told.error.status, PLQ_E_CANCELLED);
  assert_int_equal(a.told.error.delivery, PLQ_DELIVERY_MAYBE_SENT);

  submit(instance, &a, 2, START + 10 * MS); /* a hang that has a deadline is at it at once */
  assert_true(readable(instance));
  f->drive(instance, 0);
  assert_false(readable(instance));
  assert_int_equal(a.told.error.status, PLQ_E_TIMEOUT_TOTAL);
  assert_int_equal(a.told.error.delivery, PLQ_DELIVERY_MAYBE_SENT);
  assert_int_equal(a.told.transfer.total_ns, 5 * MS);
  assert_int_equal(virtual_clock->now_ns(instance), START + 10 * MS);

  submit(instance, &a, 3, INT64_MAX);
  f->cancel(instance, 3);
  f->drive(instance, 0);
  assert_int_equal(a.told.error.status, PLQ_E_CANCELLED);
  assert_int_equal(a.told.error.delivery, PLQ_DELIVERY_NOT_SENT);
  destroy(instance);
}

static void *wake_in_thread(void *instance) {
  f->wake(instance);
  return NULL;
}

static void wake_from_another_thread(void **state) {
  pthread_t thread;
  plq_transport_instance *instance = create("[]");
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, wake_in_thread, instance), 0);
  assert_int_equal(f->drive(instance, INT64_MAX), PLQ_OK);
  pthread_join(thread, NULL);
  destroy(instance);
}

static void destroy_ends_operations(void **state) {
  async a[2];
  plq_transport_instance *instance = create("[{\"hang\":true}]");
  (void)state;
  submit(instance, &a[0], 1, INT64_MAX);
  f->drive(instance, 0);
  submit(instance, &a[1], 2, INT64_MAX);
  destroy(instance);
  assert_int_equal(a[0].told.error.status, PLQ_E_CANCELLED);
  assert_int_equal(a[0].told.error.delivery, PLQ_DELIVERY_MAYBE_SENT);
  assert_int_equal(a[1].told.error.status, PLQ_E_CANCELLED);
  assert_int_equal(a[1].told.error.delivery, PLQ_DELIVERY_NOT_SENT);
}

static void *perform_often(void *instance) {
  for (int i = 0; i < 200; i++) {
    told t = {0};
    perform(instance, &t, INT64_MAX);
    if (t.error.status != PLQ_OK) return instance;
  }
  return NULL;
}

static void many_threads(void **state) {
  pthread_t threads[8];
  void *failed = NULL;
  plq_transport_instance *instance = create("[{\"status\":200,\"delay_ms\":5},{\"status\":200,\"body\":\"abc\"}]");
  (void)state;
  for (size_t i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, perform_often, instance), 0);
  for (size_t i = 0; i < 8; i++) {
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  destroy(instance);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(responses),
      cmocka_unit_test(faults),
      cmocka_unit_test(wrong_scripts),
      cmocka_unit_test(other_wrong_options),
      cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(the_engine_answers),
      cmocka_unit_test(connections),
      cmocka_unit_test(prewarm),
      cmocka_unit_test(the_host_stops),
      cmocka_unit_test(cancelled_before_and_inside),
      cmocka_unit_test(hanging_with_a_deadline),
      cmocka_unit_test(hanging_without_a_deadline),
      cmocka_unit_test(unknown_flags_are_refused),
      cmocka_unit_test(async_operations),
      cmocka_unit_test(async_waiting),
      cmocka_unit_test(wake_from_another_thread),
      cmocka_unit_test(destroy_ends_operations),
      cmocka_unit_test(many_threads),
  };
  return cmocka_run_group_tests_name("stub transport", tests, load, NULL);
}
