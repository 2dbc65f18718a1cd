/* SPDX-License-Identifier: MIT */
/* Row 21: what is repeated, how often, and after which wait. */
#include "pipeline/policy.h"

#include "base/clock.h"
#include "unit.h"

static struct plq__settings settings;

/* The default list. */
static int setup(void **state) {
  (void)state;
  static const int statuses[] = {408, 429, 500, 502, 503, 504, 521, 522, 524};
  memset(&settings, 0, sizeof settings);
  for (size_t i = 0; i < COUNT(statuses); i++) settings.retry_status[statuses[i] / 8] |= (uint8_t)(1 << (statuses[i] % 8));
  settings.backoff_base_ms = 100;
  settings.backoff_cap_ms = 2000;
  return 0;
}

enum { NOT_SENT = PLQ_DELIVERY_NOT_SENT, MAYBE = PLQ_DELIVERY_MAYBE_SENT, ANSWERED = PLQ_DELIVERY_ANSWERED };
/* When: never, always, only if the operation may be repeated although the service may have acted (and not with repeat_only_safe). */
enum when { NEVER, ALWAYS, ALLOWED };

struct policy_case {
  int32_t status, delivery, http;
  int64_t retry_after_ms;
  enum when want;
};

static const struct policy_case cases[] = {
    /* not sent */
    {PLQ_E_RESOLVE_TEMPORARY, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_RESOLVE_FAILED, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_RESOLVE_NOT_FOUND, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_CONNECT_REFUSED, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_CONNECT_UNREACHABLE, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_CONNECT_FAILED, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_PROXY_UNAVAILABLE, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_PROXY_STATUS, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_PROXY_AUTHENTICATION, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_PROXY_PROTOCOL, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_TLS_HANDSHAKE, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_TLS_HANDSHAKE_EOF, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_TLS_ALERT, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_TIMEOUT_CONNECT, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_TIMEOUT_TLS, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_TIMEOUT_RESOLVE, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_RESOURCE_DESCRIPTORS, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_RESOURCE_SYSTEM, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_IO_REFUSED_STREAM, NOT_SENT, 0, -1, ALWAYS},
    /* the same, if the transport cannot say that nothing was sent */
    {PLQ_E_CONNECT_REFUSED, MAYBE, 0, -1, NEVER},
    {PLQ_E_TLS_HANDSHAKE, MAYBE, 0, -1, NEVER},
    /* verification, also when nothing was sent */
    {PLQ_E_VERIFY_UNTRUSTED, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_VERIFY_HOST, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_VERIFY_EXPIRED, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_VERIFY_PIN, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_VERIFY_FACTS, NOT_SENT, 0, -1, NEVER},
    /* lost or cut */
    {PLQ_E_IO_RESET, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_IO_SEND, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_IO_STALE_REUSE, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_IO_RESET, NOT_SENT, 0, -1, ALWAYS},
    {PLQ_E_TRUNCATED_NO_RESPONSE, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_TRUNCATED_HEAD, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_TRUNCATED_BODY, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_TRUNCATED_CHUNK, MAYBE, 0, -1, ALLOWED},
    {PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY, MAYBE, 0, -1, ALLOWED},
    /* statuses */
    {PLQ_E_HTTP_CLIENT, ANSWERED, 408, -1, ALLOWED},
    {PLQ_E_HTTP_THROTTLED, ANSWERED, 429, -1, ALWAYS}, /* the service says that it did not act */
    {PLQ_E_HTTP_THROTTLED, ANSWERED, 429, 1000, ALWAYS},
    {PLQ_E_HTTP_SERVER, ANSWERED, 500, -1, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 500, 1000, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 502, -1, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 503, -1, ALLOWED},
    {PLQ_E_HTTP_THROTTLED, ANSWERED, 503, 0, ALWAYS},
    {PLQ_E_HTTP_SERVER, ANSWERED, 504, -1, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 521, -1, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 522, -1, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 524, -1, ALLOWED},
    {PLQ_E_HTTP_SERVER, ANSWERED, 501, -1, NEVER},
    {PLQ_E_HTTP_SERVER, ANSWERED, 505, -1, NEVER},
    {PLQ_E_HTTP_SERVER, ANSWERED, 599, -1, NEVER},
    {PLQ_E_HTTP_CLIENT, ANSWERED, 400, -1, NEVER},
    {PLQ_E_HTTP_CLIENT, ANSWERED, 400, 1000, NEVER},
    {PLQ_E_HTTP_UNAUTHORIZED, ANSWERED, 401, -1, NEVER},
    {PLQ_E_HTTP_FORBIDDEN, ANSWERED, 403, -1, NEVER},
    {PLQ_E_HTTP_NOT_FOUND, ANSWERED, 404, -1, NEVER},
    {PLQ_E_HTTP_CONFLICT, ANSWERED, 409, -1, NEVER},
    {PLQ_E_HTTP_CLIENT, ANSWERED, 413, -1, NEVER},
    {PLQ_E_HTTP_CLIENT, ANSWERED, 422, -1, NEVER},
    {PLQ_E_HTTP_REDIRECT, ANSWERED, 302, -1, NEVER},
    {PLQ_E_HTTP_STATUS, ANSWERED, 204, -1, NEVER},
    /* and never */
    {PLQ_E_TIMEOUT_TOTAL, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_TIMEOUT_FIRST_BYTE, MAYBE, 0, -1, NEVER},
    {PLQ_E_TIMEOUT_IDLE, MAYBE, 0, -1, NEVER},
    {PLQ_E_PROTOCOL_VIOLATION, MAYBE, 0, -1, NEVER},
    {PLQ_E_PROTOCOL_JSON, ANSWERED, 200, -1, NEVER},
    {PLQ_E_PROTOCOL_MEMBER, ANSWERED, 200, -1, NEVER},
    {PLQ_E_LIMIT_BODY, MAYBE, 0, -1, NEVER},
    {PLQ_E_CANCELLED, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_MEMORY, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_TOKEN_MISSING, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_CLOSED, NOT_SENT, 0, -1, NEVER},
    {PLQ_E_TRANSPORT_MISBEHAVED, NOT_SENT, 0, -1, NEVER},
    {PLQ_KIND_IO * 1000 + 999, NOT_SENT, 0, -1, NEVER}, /* one that this library does not know */
};

static void repeatable(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const struct policy_case *one = &cases[i];
    const struct plq__failure failure = {one->status, one->delivery, one->http, one->retry_after_ms};
    char row[100];
    snprintf(row, sizeof row, "%s %s %d", plq_status_name(one->status), plq_delivery_name(one->delivery), one->http);
    settings.only_safe = false;
    EXPECT_ROW(plq__policy_repeatable(&settings, true, &failure) == (one->want != NEVER), row);
    EXPECT_ROW(plq__policy_repeatable(&settings, false, &failure) == (one->want == ALWAYS), row);
    settings.only_safe = true;
    EXPECT_ROW(plq__policy_repeatable(&settings, true, &failure) == (one->want == ALWAYS), row);
  }
  expect_rows_end();
}

static void an_own_list(void **state) {
  (void)state;
  memset(settings.retry_status, 0, sizeof settings.retry_status);
  settings.retry_status[418 / 8] |= 1 << (418 % 8);
  const struct plq__failure teapot = {PLQ_E_HTTP_CLIENT, ANSWERED, 418, -1}, server = {PLQ_E_HTTP_SERVER, ANSWERED, 503, 1000};
  assert_true(plq__policy_repeatable(&settings, true, &teapot));
  assert_false(plq__policy_repeatable(&settings, true, &server));
}

/* Full jitter: from 0 to a bound that doubles up to the cap. */
static void waits(void **state) {
  (void)state;
  static const struct {
    int64_t base_ms, cap_ms;
    uint32_t repeat;
    int64_t bound_ms;
  } rows[] = {{100, 2000, 0, 100},  {100, 2000, 1, 200}, {100, 2000, 3, 800}, {100, 2000, 4, 1600}, {100, 2000, 5, 2000},
              {100, 2000, 99, 2000}, {100, 50, 0, 50},   {0, 2000, 7, 0},     {1, 600000, 99, 600000}, {60000, 0, 3, 0}};
  struct plq__random random;
  const struct plq__failure failure = {.status = PLQ_E_CONNECT_REFUSED, .retry_after_ms = -1};
  plq__random_init(&random);
  for (size_t i = 0; i < COUNT(rows); i++) {
    int64_t least = INT64_MAX, most = -1, bound = rows[i].bound_ms * PLQ__NS_PER_MS;
    settings.backoff_base_ms = rows[i].base_ms;
    settings.backoff_cap_ms = rows[i].cap_ms;
    for (int j = 0; j < 400; j++) {
      int64_t wait = plq__policy_wait_ns(&settings, &random, rows[i].repeat, &failure);
      if (wait < least) least = wait;
      if (wait > most) most = wait;
    }
    char row[60];
    snprintf(row, sizeof row, "repeat %u: %lld to %lld of %lld", rows[i].repeat, (long long)least, (long long)most, (long long)bound);
    EXPECT_ROW(least >= 0 && most <= bound, row);
    EXPECT_ROW(least <= bound / 10 && most >= bound / 10 * 9, row); /* it uses the whole range */
  }
  plq__random_clear(&random);
  expect_rows_end();
}

static void the_service_says_how_long(void **state) {
  (void)state;
  struct plq__random random;
  plq__random_init(&random);
  struct plq__failure failure = {.status = PLQ_E_HTTP_THROTTLED, .retry_after_ms = 7000};
  assert_int_equal(plq__policy_wait_ns(&settings, &random, 0, &failure), 7000 * PLQ__NS_PER_MS);
  failure.retry_after_ms = 0;
  assert_int_equal(plq__policy_wait_ns(&settings, &random, 0, &failure), 0);
  failure.retry_after_ms = INT64_MAX;
  assert_int_equal(plq__policy_wait_ns(&settings, &random, 0, &failure), INT64_MAX);
  failure.retry_after_ms = INT64_MAX / PLQ__NS_PER_MS;
  assert_true(plq__policy_wait_ns(&settings, &random, 0, &failure) > 0);
  plq__random_clear(&random);
}

static void budget(void **state) {
  (void)state;
  struct plq__live live = {.repeats_left = 2 * PLQ__REPEAT_COST};
  pthread_mutex_init(&live.lock, NULL);
  settings.repeat_budget = 2;
  assert_true(plq__policy_take(&live));
  assert_true(plq__policy_take(&live));
  assert_false(plq__policy_take(&live));
  for (int i = 0; i < 4; i++) plq__policy_give(&live, &settings);
  assert_false(plq__policy_take(&live)); /* five successes give one back */
  plq__policy_give(&live, &settings);
  assert_true(plq__policy_take(&live));
  for (int i = 0; i < 100; i++) plq__policy_give(&live, &settings);
  assert_int_equal(live.repeats_left, 2 * PLQ__REPEAT_COST); /* never more than at the beginning */
  settings.repeat_budget = 0;
  live.repeats_left = 0;
  plq__policy_give(&live, &settings);
  assert_false(plq__policy_take(&live));
  pthread_mutex_destroy(&live.lock);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(repeatable, setup),          cmocka_unit_test_setup(an_own_list, setup),
      cmocka_unit_test_setup(waits, setup),               cmocka_unit_test_setup(the_service_says_how_long, setup),
      cmocka_unit_test_setup(budget, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
