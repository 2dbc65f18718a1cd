/* SPDX-License-Identifier: MIT */
/*
 * The stub that records and replays, through the plugin ABI. What it records here is another instance of itself, behind a host of
 * our own; what the replay tells its sink must be what the recording told its one.
 */
#include <plastiq/chain.h>
#include <plastiq/transport.h>

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support.h"

#include "cassette.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static char path[400];

/* ---- a transport behind ---- */

static struct {
  const char *script;
  uint64_t capabilities; /* what it does not say that it has */
  int32_t refuses;       /* what open answers */
  char name[64];         /* that was asked for */
  plq_transport_instance *instance;
  int opened, closed;
  plq_transport_functions functions;
  int inside, most_inside; /* threads in perform */
} behind;

static int32_t chain_open(void *context, const char *name, size_t len, plq_transport_error *error, plq_chained *out) {
  (void)context;
  snprintf(behind.name, sizeof behind.name, "%.*s", (int)len, name);
  if (behind.refuses != PLQ_OK) {
    *error = (plq_transport_error){.struct_size = sizeof *error, .status = behind.refuses, .message = "not today"};
    return behind.refuses;
  }
  plq_transport_value v = value("script", behind.script);
  int32_t status = f->create(&host, &v, 1, sizeof v, error, &behind.instance);
  if (status != PLQ_OK) return status;
  behind.opened++;
  *out = (plq_chained){.struct_size = sizeof *out,
                       .deployment_class = PLQ_CLASS_TEST,
                       .capabilities = stub->capabilities & ~behind.capabilities,
                       .functions = &behind.functions,
                       .instance = behind.instance,
                       .name = "inner",
                       .version = "3",
                       .stack = "nothing/1"};
  return PLQ_OK;
}

static void chain_close(void *context) {
  (void)context;
  if (behind.instance == NULL) return;
  plq_transport_instance *instance = behind.instance;
  behind.instance = NULL;
  behind.closed++;
  f->destroy(instance);
}

static const void *offers(const char *id) {
  static const plq_chain chain = {.struct_size = sizeof chain, .open = chain_open, .close = chain_close};
  return strcmp(id, PLQ_EXTENSION_CHAIN) == 0 ? &chain : NULL;
}

static int setup(void **state) {
  const char *folder = getenv("TMPDIR");
  (void)state;
  memset(&behind, 0, sizeof behind);
  behind.functions = *f;
  behind.script = "[]";
  host_offers = offers;
  snprintf(path, sizeof path, "%s/plastiq-tape-%d", folder != NULL ? folder : "/tmp", (int)getpid());
  unlink(path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  host_offers = NULL;
  assert_int_equal(blocks, 0);
  assert_int_equal(behind.opened, behind.closed);
  return 0;
}

/* ---- instances ---- */

static int32_t try_open(bool record, const char *over, plq_transport_error *error, plq_transport_instance **out) {
  plq_transport_value values[] = {value("cassette", path), value("cassette_mode", record ? "record" : "replay"),
                                  value("record_over", over)};
  *error = (plq_transport_error){.struct_size = sizeof *error};
  return f->create(&host, values, COUNT(values), sizeof values[0], error, out);
}

static plq_transport_instance *open_tape(bool record) {
  plq_transport_error error;
  plq_transport_instance *instance = NULL;
  if (try_open(record, "inner", &error, &instance) != PLQ_OK) fail_msg("%s", error.message);
  return instance;
}

static void close_tape(plq_transport_instance *instance) {
  f->destroy(instance);
  assert_int_equal(blocks, 0);
}

static void load_tape(cassette *out) {
  cassette_problem problem;
  if (cassette_read_file(&host, path, out, &problem) != PLQ_OK) fail_msg("%s", problem.text);
}

/* ---- the same again ---- */

static void assert_same(const told *first, const told *second) {
  assert_string_equal(second->text, first->text);
  assert_int_equal(second->connected, first->connected);
  assert_memory_equal(&second->connection, &first->connection, sizeof first->connection);
  assert_memory_equal(&second->error, &first->error, sizeof first->error);
  assert_memory_equal(&second->transfer, &first->transfer, sizeof first->transfer);
}

static void what_was_recorded_comes_back(void **state) {
  static const char script[] =
      "[{\"status\":200,\"headers\":[[\"Server\",\"x\"]],\"body\":\"{\\\"a\\\":1}\",\"interim\":[103]},"
      "{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\",\"os_errno\":111}},"
      "{\"fault\":{\"status\":\"PLQ_E_IO_RESET\"}},"
      "{\"status\":503,\"headers\":[[\"Retry-After\",\"2\"]],\"http\":\"2\",\"connection\":{\"reused\":true,\"tls_version\":\"1."
      "2\"}},"
      "{\"status\":200,\"body\":\"[1,2,3]\",\"fault\":{\"status\":\"PLQ_E_IO_RESET\",\"after\":\"body\",\"body_bytes\":0}},"
      "{\"status\":200,\"headers\":[[\"Transfer-Encoding\",\"chunked\"]],\"body\":\"[]\",\"trailers\":[[\"Server\",\"1\"]]},"
      "{\"status\":204},{\"head\":\"HTTP/1.1 2x0 ?\\n\\n\"}]";
  enum { ATTEMPTS = 8 };
  static told first[ATTEMPTS], second[ATTEMPTS];
  cassette tape;
  (void)state;
  behind.script = script;
  memset(first, 0, sizeof first);
  memset(second, 0, sizeof second);
  plq_transport_instance *instance = open_tape(true);
  for (size_t i = 0; i < ATTEMPTS; i++) perform(instance, &first[i], INT64_MAX);
  close_tape(instance);
  load_tape(&tape);
  assert_int_equal(tape.count, ATTEMPTS);
  assert_true(tape.complete);
  assert_string_equal(tape.about.transport, "inner");
  assert_string_equal(tape.about.transport_version, "3");
  assert_string_equal(tape.about.stack, "nothing/1");
  assert_true(tape.about.recorded_s > 1600000000);
  cassette_clear(&tape);
  instance = open_tape(false);
  for (size_t i = 0; i < ATTEMPTS; i++) {
    perform(instance, &second[i], INT64_MAX);
    assert_same(&first[i], &second[i]);
  }
  close_tape(instance);
  assert_int_equal(behind.opened, 1); /* the replay needs nobody */
}

static void records_by_submit(void **state) {
  told first[2] = {{.text = ""}}, second = {.text = ""};
  plq_transport_sink sinks[2];
  plq_transport_request requests[2];
  plq_transport_error error = {.struct_size = sizeof error};
  (void)state;
  behind.script = "[{\"status\":200,\"body\":\"[7]\"},{\"hang\":true}]";
  plq_transport_instance *instance = open_tape(true);
  assert_int_equal(f->event_fd(instance), f->event_fd(behind.instance));
  for (size_t i = 0; i < 2; i++) {
    requests[i] = request_of(i + 1, INT64_MAX);
    sinks[i] = sink_of(&first[i]);
    assert_int_equal(f->submit(instance, &requests[i], &sinks[i], &error), PLQ_OK);
  }
  f->wake(instance);
  assert_int_equal(f->drive(instance, 0), PLQ_OK);
  assert_int_equal(first[0].done, 1);
  assert_int_equal(first[1].done, 0);
  close_tape(instance); /* ends the one that hangs, which is recorded too */
  assert_int_equal(first[1].done, 1);
  assert_int_equal(first[1].error.status, PLQ_E_CANCELLED);
  instance = open_tape(false);
  perform(instance, &second, INT64_MAX);
  assert_same(&first[0], &second);
  memset(&second, 0, sizeof second);
  requests[0] = request_of(3, INT64_MAX);
  sinks[0] = sink_of(&second);
  assert_int_equal(f->submit(instance, &requests[0], &sinks[0], &error), PLQ_OK);
  while (second.done == 0) f->drive(instance, 0);
  assert_same(&first[1], &second);
  close_tape(instance);
}

/* ---- time ---- */

/* Makes a cassette of one attempt, as long as it says. */
static void write_tape(int64_t connected_ms, int64_t first_ms, int64_t end_ms, int32_t status) {
  cassette_about about = {.transport = "x"};
  cassette_problem problem;
  cassette_writer writer;
  cassette_take take;
  plq_transport_request request = request_of(1, INT64_MAX);
  plq_transport_connection connection = {.struct_size = sizeof connection, .known = PLQ_FACT_REUSED};
  plq_transport_error error = {.struct_size = sizeof error,
                               .status = status,
                               .phase = PLQ_PHASE_RECEIVE,
                               .delivery = PLQ_DELIVERY_MAYBE_SENT,
                               .message = "recorded"};
  unlink(path);
  assert_int_equal(cassette_writer_open(&writer, &host, path, &about, &problem), PLQ_OK);
  cassette_take_begin(&take, &host, &request);
  if (connected_ms >= 0) {
    host_time_ns = START + connected_ms * MS;
    cassette_take_connected(&take, &connection);
  }
  if (first_ms >= 0) {
    host_time_ns = START + first_ms * MS;
    cassette_take_line(&take, "HTTP/1.1 200 OK\r\n", 17);
    cassette_take_line(&take, "\r\n", 2);
    cassette_take_body(&take, (const uint8_t *)"[]", 2);
  }
  host_time_ns = START + end_ms * MS;
  cassette_take_end(&take, status != PLQ_OK ? &error : NULL, NULL);
  assert_int_equal(cassette_writer_add(&writer, &take, &problem), PLQ_OK);
  cassette_take_clear(&take);
  assert_true(cassette_writer_close(&writer));
  host_time_ns = START;
}

static void time_passes_as_recorded(void **state) {
  static const struct {
    int64_t connected_ms, first_ms, end_ms;
    int32_t recorded;
    int64_t deadline_ms;
    int32_t status, phase, delivery;
    int connected;
    int64_t elapsed_ms;
  } rows[] = {
      {10, 30, 45, PLQ_OK, 100, PLQ_OK, 0, 0, 1, 45},
      {10, 30, 45, PLQ_OK, 45, PLQ_OK, 0, 0, 1, 45},
      /* an earlier deadline than when it was recorded */
      {10, 30, 45, PLQ_OK, 9, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_CONNECT, PLQ_DELIVERY_NOT_SENT, 0, 9},
      {10, 30, 45, PLQ_OK, 20, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_WAIT, PLQ_DELIVERY_MAYBE_SENT, 1, 20},
      {10, 30, 45, PLQ_OK, 40, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 1, 40},
      /* failures */
      {-1, -1, 7, PLQ_E_CONNECT_REFUSED, 100, PLQ_E_CONNECT_REFUSED, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 0, 7},
      {5, -1, 70, PLQ_E_IO_RESET, 100, PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 1, 70},
      {5, 6, 70, PLQ_E_IO_RESET, 100, PLQ_E_IO_RESET, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 1, 70},
      {5, 6, 70, PLQ_E_IO_RESET, 60, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 1, 60},
      /* a deadline that passed when it was recorded passes again, with what was said of it then */
      {-1, -1, 15001, PLQ_E_TIMEOUT_TOTAL, 15000, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 0, 15000},
      {5, -1, 15001, PLQ_E_TIMEOUT_TOTAL, 100, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 1, 100},
      {5, 6, 50, PLQ_E_TIMEOUT_TOTAL, 15000, PLQ_E_TIMEOUT_TOTAL, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT, 1, 50},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    told t = {.text = ""};
    write_tape(rows[i].connected_ms, rows[i].first_ms, rows[i].end_ms, rows[i].recorded);
    plq_transport_instance *instance = open_tape(false);
    perform(instance, &t, START + rows[i].deadline_ms * MS);
    if (t.error.status != rows[i].status) fail_msg("%zu: %d %s", i, t.error.status, t.error.message);
    if (t.error.status != PLQ_OK && t.error.phase != rows[i].phase) fail_msg("%zu: phase %d", i, t.error.phase);
    assert_int_equal(t.error.delivery, rows[i].delivery);
    assert_int_equal(t.connected, rows[i].connected);
    if (rows[i].recorded != PLQ_OK && rows[i].recorded == rows[i].status) assert_string_equal(t.error.message, "recorded");
    assert_int_equal((virtual_clock->now_ns(instance) - START) / MS, rows[i].elapsed_ms);
    close_tape(instance);
  }
}

static void the_host_stops_and_cancels(void **state) {
  (void)state;
  write_tape(1, 2, 3, PLQ_OK);
  for (int at = 1; at <= 3; at++) {
    told t = {.stop_at = at};
    plq_transport_instance *instance = open_tape(false);
    perform(instance, &t, INT64_MAX);
    assert_int_equal(t.error.status, PLQ_E_CANCELLED);
    assert_int_equal(t.error.delivery, at == 1 ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT);
    close_tape(instance);
  }
  told early = {.cancelled = true}, inside = {.cancel_at_line = 1}, again = {.text = ""};
  plq_transport_instance *instance = open_tape(false);
  perform(instance, &early, INT64_MAX);
  assert_int_equal(early.error.status, PLQ_E_CANCELLED);
  assert_int_equal(early.connected, 0); /* and it took no entry */
  perform(instance, &inside, INT64_MAX);
  assert_int_equal(inside.error.status, PLQ_E_CANCELLED);
  assert_int_equal(inside.error.delivery, PLQ_DELIVERY_MAYBE_SENT);
  perform(instance, &again, INT64_MAX);
  assert_int_equal(again.error.status, PLQ_E_CASSETTE_MISMATCH);
  close_tape(instance);
}

/* ---- what does not match ---- */

static void perform_other(plq_transport_instance *instance, told *t, const char *path_, const char *body) {
  plq_transport_request request = request_of(1, INT64_MAX);
  plq_transport_sink sink = sink_of(t);
  plq_transport_error error = {.struct_size = sizeof error};
  request.path = path_;
  request.path_len = strlen(path_);
  request.body = (const uint8_t *)body;
  request.body_len = strlen(body);
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_OK);
  assert_int_equal(t->done, 1);
}

static void differences_are_told(void **state) {
  told other = {.text = ""}, body = {.text = ""}, good = {.text = ""}, over = {.text = ""};
  (void)state;
  write_tape(1, 2, 3, PLQ_OK);
  plq_transport_instance *instance = open_tape(false);
  perform_other(instance, &other, "/api/payment-methods", "{}");
  assert_int_equal(other.error.status, PLQ_E_CASSETTE_MISMATCH);
  assert_int_equal(other.error.phase, PLQ_PHASE_CONFIG);
  assert_int_equal(other.error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(other.connected, 0);
  assert_string_equal(other.error.message, "entry 1 of 1: the path was \"/api/client-secrets\" and is \"/api/payment-methods\"");
  perform_other(instance, &body, "/api/client-secrets", "{\"a\":\"test-key-0000000000000000\"}");
  assert_int_equal(body.error.status, PLQ_E_CASSETTE_MISMATCH);
  assert_string_equal(body.error.message, "entry 1 of 1: the body was \"{}\" and is \"{\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxx\"}\"");
  perform(instance, &good, INT64_MAX); /* neither of them used the entry up */
  assert_int_equal(good.error.status, PLQ_OK);
  perform(instance, &over, INT64_MAX);
  assert_int_equal(over.error.status, PLQ_E_CASSETTE_MISMATCH);
  assert_string_equal(over.error.message, "the cassette is over: it has 1 entry, and this is attempt 2");
  close_tape(instance);
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(truncate(path, info.st_size - 6), 0); /* takes the last map away */
  instance = open_tape(false);
  memset(&good, 0, sizeof good);
  memset(&over, 0, sizeof over);
  perform(instance, &good, INT64_MAX);
  perform(instance, &over, INT64_MAX);
  assert_non_null(strstr(over.error.message, "attempt 2; its recording was not closed, so there may have been more"));
  close_tape(instance);
}

/* ---- wrong options ---- */

static void wrong_options(void **state) {
  plq_transport_error error;
  plq_transport_instance *instance = NULL;
  (void)state;
  plq_transport_value only_mode = value("cassette_mode", "record");
  error = (plq_transport_error){.struct_size = sizeof error};
  assert_int_equal(f->create(&host, &only_mode, 1, sizeof only_mode, &error, &instance), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(error.message, "name a file that is not there yet by the option cassette"));
  plq_transport_value both[] = {value("cassette", path), value("script", "[]")};
  assert_int_equal(f->create(&host, both, 2, sizeof both[0], &error, &instance), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(error.message, "exclude each other"));
  assert_int_equal(try_open(false, "inner", &error, &instance), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(error.message, "cassette: the file cannot be read: there is no such file"));
  behind.refuses = PLQ_E_TRANSPORT_NOT_FOUND;
  assert_int_equal(try_open(true, "other", &error, &instance), PLQ_E_TRANSPORT_NOT_FOUND);
  assert_string_equal(error.message, "not today"); /* as it came: the core has the rest */
  assert_string_equal(behind.name, "other");
  assert_int_equal(access(path, F_OK), -1); /* a file is made only if all else is well */
  behind.refuses = PLQ_OK;
  behind.capabilities = PLQ_CAP_BLOCKING;
  assert_int_equal(try_open(true, "inner", &error, &instance), PLQ_E_UNSUPPORTED);
  assert_int_equal(access(path, F_OK), -1);
  behind.capabilities = 0;
  close_tape(open_tape(true));
  assert_int_equal(try_open(true, "inner", &error, &instance), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(error.message, "is there already"));
  host_offers = NULL;
  unlink(path);
  assert_int_equal(try_open(true, "inner", &error, &instance), PLQ_E_UNSUPPORTED);
  assert_null(instance);
  assert_int_equal(blocks, 0);
}

/* ---- what the transport behind is ---- */

static void prewarm_goes_through(void **state) {
  told t = {.text = ""};
  plq_transport_sink sink = sink_of(&t);
  plq_transport_error error = {.struct_size = sizeof error};
  uint32_t open = 9;
  (void)state;
  plq_transport_instance *instance = open_tape(true);
  assert_int_equal(f->prewarm(instance, &tls_target, 3, INT64_MAX, 1, &sink, &error, &open), PLQ_OK);
  assert_int_equal(open, 3);
  f->quiesce(instance, INT64_MAX);
  close_tape(instance);
  unlink(path);
  behind.capabilities = PLQ_CAP_PREWARM | PLQ_CAP_ASYNC;
  behind.functions.quiesce = NULL;
  instance = open_tape(true);
  assert_int_equal(f->prewarm(instance, &tls_target, 3, INT64_MAX, 1, &sink, &error, &open), PLQ_E_UNSUPPORTED);
  assert_int_equal(open, 0);
  plq_transport_request request = request_of(1, INT64_MAX);
  assert_int_equal(f->submit(instance, &request, &sink, &error), PLQ_E_UNSUPPORTED);
  assert_true(f->event_fd(instance) >= 0);
  f->wake(instance);
  assert_int_equal(f->drive(instance, 0), PLQ_OK);
  f->quiesce(instance, INT64_MAX);
  close_tape(instance);
}

static void a_refusal_is_recorded(void **state) {
  told t = {.text = ""}, again = {.text = ""};
  plq_transport_sink sink = sink_of(&t);
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_request request = request_of(1, INT64_MAX);
  (void)state;
  request.flags = 1;
  plq_transport_instance *instance = open_tape(true);
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_E_UNSUPPORTED);
  assert_int_equal(f->submit(instance, &request, &sink, &error), PLQ_E_UNSUPPORTED);
  assert_int_equal(t.done, 0);
  close_tape(instance);
  instance = open_tape(false);
  perform(instance, &again, INT64_MAX);
  assert_int_equal(again.error.status, PLQ_E_UNSUPPORTED);
  assert_string_equal(again.error.message, "unknown request flags");
  close_tape(instance);
}

/* The stub vouches for what is said of delivery, so it says no more than the one behind can know. */
static void delivery_is_believed_if_it_is_exact(void **state) {
  (void)state;
  behind.script =
      "[{\"fault\":{\"status\":\"PLQ_E_IO_REFUSED_STREAM\",\"delivery\":\"not_sent\",\"after\":\"connected\"}},"
      "{\"fault\":{\"status\":\"PLQ_E_CONNECT_REFUSED\"}}]";
  for (int exact = 0; exact < 2; exact++) {
    told after = {.text = ""}, before = {.text = ""};
    behind.capabilities = exact ? 0 : PLQ_CAP_SEND_STATE;
    unlink(path);
    plq_transport_instance *instance = open_tape(true);
    perform(instance, &after, INT64_MAX);
    perform(instance, &before, INT64_MAX);
    assert_int_equal(after.error.delivery, exact ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT);
    assert_int_equal(before.error.delivery, PLQ_DELIVERY_NOT_SENT);
    close_tape(instance);
  }
}

static int32_t slow_perform(plq_transport_instance *instance, const plq_transport_request *request,
                            const plq_transport_sink *sink, plq_transport_error *error) {
  int inside = __atomic_add_fetch(&behind.inside, 1, __ATOMIC_SEQ_CST);
  if (inside > behind.most_inside) behind.most_inside = inside;
  struct timespec moment = {.tv_nsec = 2000000};
  nanosleep(&moment, NULL);
  int32_t status = f->perform(instance, request, sink, error);
  __atomic_sub_fetch(&behind.inside, 1, __ATOMIC_SEQ_CST);
  return status;
}

static void *perform_often(void *instance) {
  for (int i = 0; i < 10; i++) {
    told t = {.text = ""};
    perform(instance, &t, INT64_MAX);
    if (t.error.status != PLQ_OK) return instance;
  }
  return NULL;
}

static void one_thread_at_a_time(void **state) {
  pthread_t threads[4];
  cassette tape;
  void *failed = NULL;
  (void)state;
  behind.capabilities = PLQ_CAP_CONCURRENT;
  behind.functions.perform = slow_perform;
  plq_transport_instance *instance = open_tape(true);
  for (size_t i = 0; i < COUNT(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, perform_often, instance), 0);
  for (size_t i = 0; i < COUNT(threads); i++) {
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  close_tape(instance);
  assert_int_equal(behind.most_inside, 1);
  load_tape(&tape);
  assert_int_equal(tape.count, 40);
  cassette_clear(&tape);
  instance = open_tape(false); /* threads share what was recorded */
  for (size_t i = 0; i < COUNT(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, perform_often, instance), 0);
  for (size_t i = 0; i < COUNT(threads); i++) {
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  close_tape(instance);
}

static void *perform_once(void *context) {
  told *t = context;
  perform(t->instance, t, INT64_MAX);
  return NULL;
}

/* One that waits for its turn can be cancelled, and has a deadline. */
static void waiting_ends(void **state) {
  (void)state;
  behind.capabilities = PLQ_CAP_CONCURRENT;
  behind.script = "[{\"hang\":true}]";
  plq_transport_instance *instance = open_tape(true);
  told first = {.instance = instance}, late = {.text = ""}, cancelled = {.cancelled = true};
  pthread_t thread;
  plq_transport_sink sink = sink_of(&late);
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_request request = request_of(2, START - 1);
  assert_int_equal(pthread_create(&thread, NULL, perform_once, &first), 0);
  while (__atomic_load_n(&first.connected, __ATOMIC_SEQ_CST) == 0) sched_yield();
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_E_TIMEOUT_POOL);
  sink = sink_of(&cancelled);
  request = request_of(3, INT64_MAX);
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_E_CANCELLED);
  assert_int_equal(error.delivery, PLQ_DELIVERY_NOT_SENT);
  uint32_t open = 0;
  assert_int_equal(f->prewarm(instance, &tls_target, 1, INT64_MAX, 4, &sink, &error, &open), PLQ_E_CANCELLED);
  f->cancel(instance, 1);
  pthread_join(thread, NULL);
  assert_int_equal(first.error.status, PLQ_E_CANCELLED);
  close_tape(instance);
}

/* ---- trouble ---- */

/* An attempt that was made and could not be recorded fails, and no other one is made. */
static void no_space(void **state) {
  struct rlimit old, small;
  struct stat info;
  told lost = {.text = ""}, next = {.text = ""};
  plq_transport_error error = {.struct_size = sizeof error};
  plq_transport_request request = request_of(1, INT64_MAX);
  plq_transport_sink sink = sink_of(&next);
  (void)state;
  behind.script = "[{\"status\":200,\"body\":\"[]\"},{\"status\":200}]";
  plq_transport_instance *instance = open_tape(true);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = old;
  small.rlim_cur = (rlim_t)info.st_size + 10;
  void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  perform(instance, &lost, INT64_MAX);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, before);
  assert_int_equal(lost.error.status, PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(lost.error.delivery, PLQ_DELIVERY_MAYBE_SENT);
  assert_non_null(
      strstr(lost.error.message, "cassette: the attempt was made, but it could not be recorded: it would be too large"));
  assert_int_equal(f->perform(instance, &request, &sink, &error), PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(f->submit(instance, &request, &sink, &error), PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(next.done, 0);
  close_tape(instance);
}

static void memory_runs_out(void **state) {
  (void)state;
  for (int record = 1; record >= 0; record--) {
    for (int left = 0;; left++) {
      plq_transport_error error;
      plq_transport_instance *instance = NULL;
      if (record) unlink(path);
      told t = {.text = ""};
      allocations_left = left;
      int32_t status = try_open(record, "inner", &error, &instance);
      if (status == PLQ_OK) {
        perform(instance, &t, INT64_MAX);
        status = t.error.status;
      }
      allocations_left = -1;
      if (instance != NULL) f->destroy(instance);
      chain_close(NULL); /* as the core does if create fails */
      assert_int_equal(blocks, 0);
      if (status == PLQ_OK) break;
      assert_int_equal(status, PLQ_E_MEMORY);
    }
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_recorded_comes_back),
      TEST(records_by_submit),
      TEST(time_passes_as_recorded),
      TEST(the_host_stops_and_cancels),
      TEST(differences_are_told),
      TEST(wrong_options),
      TEST(prewarm_goes_through),
      TEST(a_refusal_is_recorded),
      TEST(delivery_is_believed_if_it_is_exact),
      TEST(one_thread_at_a_time),
      TEST(waiting_ends),
      TEST(no_space),
      TEST(memory_runs_out),
  };
  return cmocka_run_group_tests_name("cassettes on the stub", tests, load, NULL);
}
