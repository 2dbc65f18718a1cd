/* SPDX-License-Identifier: MIT */
/* How a call ends before its answer is there: by its deadline and by cancel, wherever it is. */
#include <string.h>
#include <time.h>

#include "internal.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-kit\\\"}\"}"
#define HANG "{\"hang\":true}"
#define DRIP "{\"status\":200,\"body\":{\"repeat\":\"x\",\"times\":1000},\"pieces\":1,\"piece_delay_ms\":20}"
#define NOBODY "{\"fault\":{\"status\":\"PLQ_E_TIMEOUT_CONNECT\"}}"
#define SILENT "{\"before\":\"silent\"}" /* accepts, and never says a word of TLS */
#define STALL "{\"before\":\"stall\"}"   /* reads nothing after the handshake */

enum {
  TRIES = 3,       /* a machine that does something else may take longer once, and not each time */
  LARGE = 8 << 20, /* more than the buffers of both sides hold */
};

static int64_t soon_ms(const check *self) {
  return self->settings->soon_ms != 0 ? self->settings->soon_ms : 2000;
}

/* Whichever of the tries was soon enough. */
#define SEVERAL(entry) "[{\"copies\":3,\"of\":" entry "}]"

/* ---- deadlines ---- */

static void check_deadline_passed(check *self) {
  record made;
  self->deadline_ms = -1000;
  check_serve(self, "[" GOOD "]", NULL);
  record_init(&made, self);
  if (check_create(self, NULL)) check_call(self, &made);
  check_ends_with(self, &made, PLQ_KIND_TIMEOUT, PLQ_DELIVERY_NOT_SENT);
  check_stop(self);
  EXPECT(self, check_requests(self) == 0, "the server saw the request");
}

static void ends_in_time(check *self, const char *script, int32_t delivery) {
  int64_t late = INT64_MAX;
  self->deadline_ms = 500;
  check_serve(self, script, NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < TRIES && late > soon_ms(self); i++) {
    record made;
    record_init(&made, self);
    int64_t began = check_now_ms();
    check_call(self, &made);
    late = made.over_ms - began - self->deadline_ms;
    check_ends_with(self, &made, PLQ_KIND_TIMEOUT, delivery);
    EXPECT(self, late >= -10, "it ended %lld ms before its deadline", (long long)-late);
    record_clear(&made);
  }
  EXPECT(self, late <= soon_ms(self), "it ended %lld ms after its deadline", (long long)late);
}

static void check_deadline_connect(check *self) {
  ends_in_time(self, "[" NOBODY "]", PLQ_DELIVERY_NOT_SENT);
}
static void check_deadline_securing(check *self) {
  ends_in_time(self, SEVERAL(SILENT), PLQ_DELIVERY_NOT_SENT);
}
static void check_deadline_sending(check *self) {
  self->body_len = LARGE;
  ends_in_time(self, SEVERAL(STALL), PLQ_DELIVERY_MAYBE_SENT);
}
static void check_deadline_waiting(check *self) {
  ends_in_time(self, SEVERAL(HANG), PLQ_DELIVERY_MAYBE_SENT);
}
static void check_deadline_drip(check *self) {
  ends_in_time(self, SEVERAL(DRIP), PLQ_DELIVERY_MAYBE_SENT);
}

/* ---- cancel ---- */

static void ends_when_cancelled(check *self, const char *script, int32_t delivery) {
  struct timespec moment = {.tv_nsec = 200000000};
  int64_t took = INT64_MAX;
  check_serve(self, script, NULL);
  if (!check_create(self, NULL)) return;
  for (int i = 0; i < TRIES && took > soon_ms(self); i++) {
    check_caller caller;
    record made;
    record_init(&made, self);
    check_call_begin(self, &made, &caller);
    nanosleep(&moment, NULL);
    int64_t began = check_now_ms();
    atomic_store(&made.cancelled, true); /* first, as the core does */
    self->functions->cancel(self->instance, caller.op);
    check_call_end(&caller);
    took = made.over_ms - began;
    check_ends_with(self, &made, PLQ_KIND_CANCELLED, delivery);
    self->functions->cancel(self->instance, caller.op); /* unknown by now, which is no error */
    record_clear(&made);
  }
  EXPECT(self, took <= soon_ms(self), "it ended %lld ms after it was cancelled", (long long)took);
}

static void check_cancel_connecting(check *self) {
  ends_when_cancelled(self, "[" NOBODY "]", PLQ_DELIVERY_NOT_SENT);
}
static void check_cancel_securing(check *self) {
  ends_when_cancelled(self, SEVERAL(SILENT), PLQ_DELIVERY_NOT_SENT);
}
static void check_cancel_sending(check *self) {
  self->body_len = LARGE;
  ends_when_cancelled(self, SEVERAL(STALL), PLQ_DELIVERY_MAYBE_SENT);
}
static void check_cancel_waiting(check *self) {
  ends_when_cancelled(self, SEVERAL(HANG), PLQ_DELIVERY_MAYBE_SENT);
}
static void check_cancel_receiving(check *self) {
  ends_when_cancelled(self, SEVERAL(DRIP), PLQ_DELIVERY_MAYBE_SENT);
}

static void check_cancel_before(check *self) {
  record made;
  check_serve(self, "[" HANG "]", NULL);
  record_init(&made, self);
  atomic_store(&made.cancelled, true);
  if (check_create(self, NULL)) check_call(self, &made);
  check_ends_with(self, &made, PLQ_KIND_CANCELLED, made.error.delivery);
}

static void check_cancel_inside(check *self) {
  record made;
  check_serve(self, "[" HANG "]", NULL);
  record_init(&made, self);
  made.cancel_op = 1;
  if (check_create(self, NULL)) check_call(self, &made);
  check_ends_with(self, &made, PLQ_KIND_CANCELLED, made.error.delivery);
}

#define BOTH (CHECK_SERVER | CHECK_HALVES)
const check_case check_end_cases[] = {
    {"deadline/passed", 0, BOTH, "a deadline that has passed ends it before a byte leaves", check_deadline_passed},
    {"deadline/connect", 0, BOTH, "the deadline ends an attempt to connect", check_deadline_connect},
    {"deadline/securing", PLQ_CAP_CA, BOTH, "the deadline ends a handshake that hangs, NOT_SENT", check_deadline_securing},
    {"deadline/sending", 0, BOTH, "the deadline ends a request that nobody reads, MAYBE_SENT", check_deadline_sending},
    {"deadline/waiting", 0, BOTH, "the deadline ends a wait for the answer", check_deadline_waiting},
    {"deadline/drip", 0, BOTH, "the deadline ends a response that drips", check_deadline_drip},
    {"cancel/before", 0, BOTH, "a cancel that came first is not lost", check_cancel_before},
    {"cancel/inside", 0, BOTH, "cancel may be called from inside of a sink: no lock is held there", check_cancel_inside},
    {"cancel/connecting", 0, BOTH, "cancel ends an attempt to connect, NOT_SENT", check_cancel_connecting},
    {"cancel/securing", PLQ_CAP_CA, BOTH, "cancel ends a handshake that hangs, NOT_SENT", check_cancel_securing},
    {"cancel/sending", 0, BOTH, "cancel ends a request that nobody reads, MAYBE_SENT", check_cancel_sending},
    {"cancel/waiting", 0, BOTH, "cancel ends a wait for the answer, MAYBE_SENT", check_cancel_waiting},
    {"cancel/receiving", 0, BOTH, "cancel ends a response under way, MAYBE_SENT", check_cancel_receiving},
    {NULL, 0, 0, NULL, NULL}};
