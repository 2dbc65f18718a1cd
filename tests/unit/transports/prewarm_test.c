/* SPDX-License-Identifier: MIT */
/* Opening connections ahead of time, over slots that do as they are told. */
#include <errno.h>

#include "support.h"

typedef enum outcome { OPENS, FAILS, CLOSES_AT_ONCE } outcome;

typedef struct test_slot {
  plqt_slot slot; /* first */
  bool open, over;
  const plq_transport_sink *sink;
} test_slot;

static plqt_pool pool;
static struct {
  outcome outcome;
  int begun, stepped, begun_cancelled;
  uint64_t op;
  int64_t deadline_ns;
} seen;

static test_slot *of(plqt_slot *slot) {
  return (test_slot *)(void *)slot;
}

static plqt_slot *make(void *owner, int32_t *out_status, int *out_errno) {
  (void)owner;
  test_slot *slot = host_alloc(NULL, sizeof *slot);
  *out_status = slot != NULL ? PLQ_OK : PLQ_E_MEMORY;
  *out_errno = 0;
  if (slot == NULL) return NULL;
  *slot = (test_slot){0};
  return &slot->slot;
}

static void drop(plqt_slot *slot) {
  host_free(NULL, slot);
}
static void wake(plqt_slot *slot) {
  (void)slot;
}

static bool slot_is_open(const plqt_slot *slot, const plq_transport_target *target, bool busy) {
  (void)target, (void)busy;
  return ((const test_slot *)(const void *)slot)->open;
}

static void begin(plqt_slot *slot, const plq_transport_request *request, const plq_transport_sink *sink, int64_t now) {
  assert_true(now > 0);
  assert_int_equal(slot->id, request->op);
  seen.op = request->op;
  seen.deadline_ns = request->deadline_ns;
  seen.begun++;
  seen.begun_cancelled += atomic_load(&slot->cancelled);
  of(slot)->sink = sink;
  of(slot)->over = false;
}

/* One at a time, so that the others are waited for. */
static void step(plqt_slot *const *slots, size_t count) {
  assert_true(count > 0);
  assert_false(of(slots[0])->over);
  of(slots[0])->over = true;
  of(slots[0])->open = seen.outcome == OPENS;
  seen.stepped++;
}

static bool finish(plqt_slot *slot, int64_t now) {
  plq_transport_error error = {.struct_size = sizeof error};
  assert_true(now > 0);
  if (!of(slot)->over) return false;
  plqt_error_set(&error, PLQ_E_CONNECT_REFUSED, PLQ_PHASE_CONNECT, PLQ_DELIVERY_MAYBE_SENT, ECONNREFUSED, 5, "refused, %d",
                 seen.stepped);
  of(slot)->sink->on_done(of(slot)->sink->context, seen.outcome == FAILS ? &error : NULL, NULL);
  return true;
}

static const plqt_warming warming = {&pool, &host, begin, step, finish};
static const plq_transport_target target = {.struct_size = sizeof target, .port = 443};

static int32_t says_cancelled(void *context) {
  return context != NULL;
}
static const plq_transport_sink calm = {.struct_size = sizeof calm, .is_cancelled = says_cancelled};
static const plq_transport_sink stopped = {.struct_size = sizeof stopped, .context = &seen, .is_cancelled = says_cancelled};

static int set_up(void **state) {
  memset(&seen, 0, sizeof seen);
  pool = (plqt_pool){.make = make, .drop = drop, .wake = wake, .is_open = slot_is_open, .max = 4, .idle_ns = PLQT_NEVER};
  plqt_pool_init(&pool);
  return host_reset(state);
}

static int tear_down(void **state) {
  plqt_pool_clear(&pool);
  plqt_pool_free(&pool);
  return host_leftover(state);
}

static int32_t warm(uint32_t count, const plq_transport_sink *sink, plq_transport_error *error, uint32_t *out_open) {
  *error = (plq_transport_error){.struct_size = sizeof *error};
  int32_t status = plqt_prewarm(&warming, &target, count, 12345, 99, sink, error, out_open);
  assert_null(pool.busy); /* all are back */
  return status;
}

static void opens_what_is_missing(void **state) {
  plq_transport_error error;
  uint32_t open = 77;
  (void)state;
  assert_int_equal(warm(0, &calm, &error, &open), PLQ_OK);
  assert_int_equal(open, 0);
  assert_int_equal(warm(2, &calm, &error, &open), PLQ_OK);
  assert_int_equal(open, 2);
  assert_int_equal(seen.begun, 2);
  assert_int_equal(seen.op, 99);
  assert_int_equal(seen.deadline_ns, 12345);
  assert_int_equal(warm(1, &calm, &error, &open), PLQ_OK);
  assert_int_equal(open, 2);
  assert_int_equal(seen.begun, 2);
  /* No more than there may be. */
  assert_int_equal(warm(400, &calm, &error, &open), PLQ_OK);
  assert_int_equal(open, 4);
  assert_int_equal(seen.begun, 4);
}

static void counts_busy_ones(void **state) {
  plq_transport_error error = {.struct_size = sizeof error};
  uint32_t open = 77;
  int32_t status;
  int os_errno;
  (void)state;
  plqt_slot *busy = plqt_pool_take(&pool, 1, &calm, PLQT_NEVER, 0, &status, &os_errno);
  of(busy)->open = true;
  assert_int_equal(plqt_prewarm(&warming, &target, 3, PLQT_NEVER, 99, &calm, &error, &open), PLQ_OK);
  assert_int_equal(open, 3);
  assert_int_equal(seen.begun, 2);
  plqt_pool_give_back(&pool, busy);
}

static void the_others_are_busy_elsewhere(void **state) {
  plq_transport_error error = {.struct_size = sizeof error};
  plqt_slot *busy[3];
  uint32_t open = 77;
  int32_t status;
  int os_errno;
  (void)state;
  for (uint64_t i = 0; i < 3; i++) busy[i] = plqt_pool_take(&pool, 1 + i, &calm, PLQT_NEVER, 0, &status, &os_errno);
  assert_int_equal(plqt_prewarm(&warming, &target, 3, PLQT_NEVER, 99, &calm, &error, &open), PLQ_E_TIMEOUT_POOL);
  assert_int_equal(open, 1); /* what can be had is opened */
  assert_int_equal(error.status, PLQ_E_TIMEOUT_POOL);
  assert_int_equal(error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_non_null(strstr(error.message, "busy elsewhere"));
  for (int i = 0; i < 3; i++) plqt_pool_give_back(&pool, busy[i]);
}

static void tells_the_last_failure(void **state) {
  plq_transport_error error;
  uint32_t open = 77;
  (void)state;
  seen.outcome = FAILS;
  assert_int_equal(warm(3, &calm, &error, &open), PLQ_E_CONNECT_REFUSED);
  assert_int_equal(open, 0);
  assert_int_equal(error.status, PLQ_E_CONNECT_REFUSED);
  assert_int_equal(error.delivery, PLQ_DELIVERY_NOT_SENT); /* nothing is ever sent here, whatever the transport says */
  assert_int_equal(error.os_errno, ECONNREFUSED);
  assert_int_equal(error.plugin_code, 5);
  assert_string_equal(error.message, "refused, 3");
}

static void closed_at_once(void **state) {
  plq_transport_error error;
  uint32_t open = 77;
  (void)state;
  seen.outcome = CLOSES_AT_ONCE;
  assert_int_equal(warm(1, &calm, &error, &open), PLQ_E_CONNECT_FAILED);
  assert_int_equal(open, 0);
  assert_int_equal(error.status, PLQ_E_CONNECT_FAILED);
}

static void cancelled_before(void **state) {
  plq_transport_error error;
  uint32_t open;
  (void)state;
  (void)warm(2, &stopped, &error, &open);
  assert_int_equal(seen.begun, 2);
  assert_int_equal(seen.begun_cancelled, 2);
  seen.begun_cancelled = 0;
  (void)warm(4, &calm, &error, &open);
  assert_int_equal(seen.begun_cancelled, 0);
}

static void runs_out_of_memory(void **state) {
  plq_transport_error error;
  uint32_t open = 77;
  (void)state;
  host_blocks_left = 0; /* not even for the list */
  assert_int_equal(warm(2, &calm, &error, &open), PLQ_E_MEMORY);
  assert_int_equal(error.status, PLQ_E_MEMORY);
  assert_int_equal(open, 0);
  host_blocks_left = 2; /* for one slot */
  assert_int_equal(warm(2, &calm, &error, &open), PLQ_E_MEMORY);
  assert_int_equal(open, 1);
}

/* ---- a request that got none ---- */

static struct {
  int calls;
  plq_transport_error error;
  plq_transport_transfer transfer;
} done;

static void on_done(void *context, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  assert_ptr_equal(context, &done);
  done.calls++;
  done.error = *error;
  done.transfer = *transfer;
}

static void reports_that_there_was_none(void **state) {
  static const struct {
    int32_t status;
    const char *message;
  } rows[] = {{PLQ_E_TIMEOUT_POOL, "all connections are busy"},
              {PLQ_E_CANCELLED, "cancelled"},
              {PLQ_E_RESOURCE_DESCRIPTORS, "no connection can be had"}};
  const plq_transport_sink sink = {.struct_size = sizeof sink, .context = &done, .on_done = on_done};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    memset(&done, 0, sizeof done);
    plqt_report_no_slot(&host, &sink, host_now(NULL) - 5, rows[i].status, EMFILE);
    EXPECT_ROW(done.calls == 1 && done.error.status == rows[i].status, rows[i].message);
    EXPECT_ROW(strcmp(done.error.message, rows[i].message) == 0, done.error.message);
    EXPECT_ROW(done.error.phase == PLQ_PHASE_CONNECT && done.error.delivery == PLQ_DELIVERY_NOT_SENT, rows[i].message);
    EXPECT_ROW(done.error.os_errno == EMFILE, rows[i].message);
    EXPECT_ROW(done.transfer.queue_ns >= 5 && done.transfer.total_ns == done.transfer.queue_ns, rows[i].message);
    EXPECT_ROW(done.transfer.resolve_ns == -1 && done.transfer.tls_ns == -1 && done.transfer.first_byte_ns == -1,
               rows[i].message);
  }
  expect_rows_end();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(opens_what_is_missing),
      CASE(counts_busy_ones),
      CASE(the_others_are_busy_elsewhere),
      CASE(tells_the_last_failure),
      CASE(closed_at_once),
      CASE(cancelled_before),
      CASE(runs_out_of_memory),
      CASE(reports_that_there_was_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
