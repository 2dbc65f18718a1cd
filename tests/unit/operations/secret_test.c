/* SPDX-License-Identifier: MIT */
/* Secrets: row 24, and the handle under which a message reply hands one over. */
#include "operations/secret.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "probe.h"

static plq_secret *make(const char *text, int64_t life_ms) {
  plq_secret *secret = plq__secret_new(strlen(text), plq__life_now_ms() + life_ms);
  assert_non_null(secret);
  memcpy(secret->bytes, text, strlen(text));
  return secret;
}

static int reset(void **state) {
  plq__life_offset_ms = 0;
  return probe_reset(state);
}

static void reading(void **state) {
  (void)state;
  plq_secret *secret = make("cs_1", 60000);
  const char *bytes = NULL, *again = NULL;
  size_t len = 0;
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_OK);
  assert_string_equal(bytes, "cs_1");
  assert_int_equal(len, 4);
  assert_int_equal(plq_secret_read(secret, &again, NULL), PLQ_OK); /* any number of times */
  assert_ptr_equal(bytes, again);
  plq_secret_free(secret);
  plq_secret_free(NULL);
}

static void taking(void **state) {
  (void)state;
  plq_secret *secret = make("cs_1", 60000);
  char buffer[8] = "#######";
  const char *bytes = "old";
  size_t len = 77;
  assert_int_equal(plq_secret_take(secret, buffer, 3, &len), PLQ_E_BUFFER_TOO_SMALL);
  assert_int_equal(len, 4);
  assert_memory_equal(buffer, "#######", 8);
  assert_int_equal(plq_secret_take(secret, NULL, 0, &len), PLQ_E_BUFFER_TOO_SMALL);
  assert_int_equal(len, 4);
  char *inside = secret->bytes;
  assert_int_equal(plq_secret_take(secret, buffer, 4, &len), PLQ_OK);
  assert_int_equal(len, 4);
  assert_memory_equal(buffer, "cs_1###", 8); /* and no NUL */
  for (int i = 0; i < 4; i++) assert_int_equal(((volatile char *)inside)[i], 0); /* wiped at once */
  assert_int_equal(plq_secret_take(secret, buffer, sizeof buffer, &len), PLQ_E_SECRET_TAKEN);
  assert_int_equal(len, 0);
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_E_SECRET_TAKEN);
  assert_null(bytes);
  plq_secret_free(secret);
}

static void arguments(void **state) {
  (void)state;
  plq_secret *secret = make("cs_1", 60000), *claimed = secret;
  char buffer[8];
  const char *bytes;
  size_t len;
  assert_int_equal(plq_secret_read(NULL, &bytes, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_secret_read(secret, NULL, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_secret_take(NULL, buffer, sizeof buffer, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_secret_take(secret, NULL, 8, &len), PLQ_E_ARGUMENT);
  assert_int_equal(plq_secret_take(secret, buffer, sizeof buffer, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_secret_life_ms(NULL), 0);
  assert_int_equal(plq_secret_expires_at_ms(NULL), 0);
  assert_int_equal(plq_secret_claim(0, NULL), PLQ_E_ARGUMENT);
  assert_int_equal(plq_secret_claim(42, &claimed), PLQ_E_HANDLE);
  assert_null(claimed);
  plq_secret_free(secret);
}

/* The end of life, on the clock that runs through suspend. */
static void expiry(void **state) {
  (void)state;
  plq_secret *secret = make("cs_1", 60000);
  char buffer[8];
  const char *bytes = "old";
  size_t len = 77;
  assert_int_equal(plq_secret_expires_at_ms(secret), secret->expires_at_ms);
  int64_t left = plq_secret_life_ms(secret);
  assert_true(left > 50000 && left <= 60000);
  plq__life_offset_ms = secret->expires_at_ms - plq__life_now_ms() - 2000;
  assert_true(plq_secret_life_ms(secret) > 0 && plq_secret_life_ms(secret) <= 2000);
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_OK);
  plq__life_offset_ms += 2000;
  assert_int_equal(plq_secret_life_ms(secret), 0);
  assert_int_equal(plq_secret_read(secret, &bytes, &len), PLQ_E_SECRET_EXPIRED);
  assert_null(bytes);
  assert_int_equal(len, 0);
  assert_int_equal(plq_secret_take(secret, buffer, sizeof buffer, &len), PLQ_E_SECRET_EXPIRED);
  plq__life_offset_ms += INT64_C(86400000);
  assert_int_equal(plq_secret_life_ms(secret), 0); /* never negative */
  plq_secret_free(secret);
}

/* Life begins when the request was sent, not when the answer came. */
static void let_time_pass(void) { plq__life_offset_ms += 10000; }

static void life_begins_with_the_request(void **state) {
  (void)state;
  PROBE_PLAY({.head = PROBE_OK_HEAD, .body = PROBE_OK_BODY, .inside = let_time_pass});
  plq_client_id client = probe_client("probe", NULL);
  plq_request *request = NULL;
  plq_response *response = NULL;
  plq_secret *secret = NULL;
  assert_int_equal(plq_request_new("client_secrets.create", PLQ_NUL, &request, NULL), PLQ_OK);
  int64_t before = plq_life_now_ms();
  assert_int_equal(plq_call(client, request, &response, NULL), PLQ_OK);
  assert_int_equal(plq_response_take_secret(response, "client_secret", PLQ_NUL, &secret), PLQ_OK);
  int64_t end = plq_secret_expires_at_ms(secret);
  assert_true(end >= before + 60000 && end < before + 65000);
  assert_true(plq_secret_life_ms(secret) <= 50000);
  plq_secret_free(secret);
  plq_response_free(response);
  plq_request_free(request);
  plq_client_free(client);
}

/* ---- claiming ---- */

static void claiming(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  plq_secret *secret = make("cs_1", 60000), *claimed = NULL;
  plq_secret_id id = 0;
  assert_int_equal(plq__secret_publish(client, secret, &id), PLQ_OK);
  assert_true(id != 0 && id < UINT64_C(1) << 53);
  assert_int_equal(plq_secret_claim(client, &claimed), PLQ_E_HANDLE); /* of another kind */
  assert_int_equal(plq_secret_claim(id, &claimed), PLQ_OK);
  assert_ptr_equal(claimed, secret);
  plq_secret_free(claimed);
  assert_int_equal(plq_secret_claim(id, &claimed), PLQ_E_HANDLE);
  assert_null(claimed);
  plq_client_free(client);
}

static void in_any_order(void **state) {
  (void)state;
  static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (size_t i = 0; i < COUNT(orders); i++) {
    plq_client_id client = probe_client("probe", NULL);
    plq_secret_id ids[4];
    plq_secret *claimed = NULL;
    for (int j = 0; j < 4; j++) assert_int_equal(plq__secret_publish(client, make("cs", 60000), &ids[j]), PLQ_OK);
    for (int j = 0; j < 3; j++) {
      assert_int_equal(plq_secret_claim(ids[orders[i][j]], &claimed), PLQ_OK);
      plq_secret_free(claimed);
    }
    plq_client_free(client); /* drops the fourth */
    assert_int_equal(plq_secret_claim(ids[3], &claimed), PLQ_E_HANDLE);
  }
}

static void without_a_client(void **state) {
  (void)state;
  plq_secret_id id = 77;
  plq_secret *secret = make("cs", 60000);
  assert_int_equal(plq__secret_publish(42, secret, &id), PLQ_E_HANDLE);
  plq_secret_free(secret); /* it is the caller's still */
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

static void without_memory(void **state) {
  (void)state;
  plq_client_id client = probe_client("probe", NULL);
  plq_secret *secret = make("cs", 60000);
  plq_secret_id id = 0;
  plq__alloc_gate = grant;
  grants = 0;
  int32_t status = plq__secret_publish(client, secret, &id);
  grants = 0;
  plq_secret *none = plq__secret_new(4, 0);
  plq__alloc_gate = NULL;
  assert_int_equal(status, PLQ_E_MEMORY);
  plq_secret_free(secret);
  assert_null(none);
  plq_client_free(client);
}

enum { THREADS = 4, ROUNDS = 300 };

struct race {
  plq_client_id client;
  _Atomic uint64_t id;
  _Atomic int won;
  pthread_barrier_t gate;
};

/* All claim one secret, of which exactly one gets it, while others are published. */
static void *claim_all(void *argument) {
  struct race *race = argument;
  for (int i = 0; i < ROUNDS; i++) {
    plq_secret *secret = NULL;
    plq_secret_id own = 0;
    pthread_barrier_wait(&race->gate);
    if (plq__secret_publish(race->client, make("own", 60000), &own) != PLQ_OK) abort();
    if (plq_secret_claim(race->id, &secret) == PLQ_OK) race->won++;
    plq_secret_free(secret);
    if (plq_secret_claim(own, &secret) != PLQ_OK) abort();
    plq_secret_free(secret);
    pthread_barrier_wait(&race->gate);
  }
  return NULL;
}

static void threads_claim(void **state) {
  (void)state;
  struct race race = {.client = probe_client("probe", NULL)};
  pthread_t threads[THREADS];
  pthread_barrier_init(&race.gate, NULL, THREADS + 1);
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, claim_all, &race), 0);
  for (int i = 0; i < ROUNDS; i++) {
    plq_secret_id id = 0;
    if (plq__secret_publish(race.client, make("prize", 60000), &id) != PLQ_OK) abort();
    race.id = id;
    pthread_barrier_wait(&race.gate);
    pthread_barrier_wait(&race.gate);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&race.gate);
  assert_int_equal(race.won, ROUNDS);
  plq_client_free(race.client);
}

/* A secret is claimed while its client ends: it is handed over whole, or gone. */
struct ending {
  plq_secret_id id;
  pthread_barrier_t gate;
};

static void *claim_one(void *argument) {
  struct ending *ending = argument;
  plq_secret *secret = NULL;
  pthread_barrier_wait(&ending->gate);
  if (plq_secret_claim(ending->id, &secret) == PLQ_OK) {
    const char *bytes = NULL;
    if (plq_secret_read(secret, &bytes, NULL) != PLQ_OK || strcmp(bytes, "last") != 0) abort();
  }
  plq_secret_free(secret);
  return NULL;
}

static void claim_races_with_the_client_s_end(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    struct ending ending = {0};
    pthread_t thread;
    plq_client_id client = probe_client("probe", NULL);
    pthread_barrier_init(&ending.gate, NULL, 2);
    assert_int_equal(plq__secret_publish(client, make("last", 60000), &ending.id), PLQ_OK);
    assert_int_equal(pthread_create(&thread, NULL, claim_one, &ending), 0);
    pthread_barrier_wait(&ending.gate);
    plq_client_free(client);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&ending.gate);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(reading, reset),          cmocka_unit_test_setup(taking, reset),
      cmocka_unit_test_setup(arguments, reset),        cmocka_unit_test_setup(expiry, reset),
      cmocka_unit_test_setup(life_begins_with_the_request, reset), cmocka_unit_test_setup(claiming, reset),
      cmocka_unit_test_setup(in_any_order, reset),     cmocka_unit_test_setup(without_a_client, reset),
      cmocka_unit_test_setup(without_memory, reset),   cmocka_unit_test_setup(threads_claim, reset),
      cmocka_unit_test_setup(claim_races_with_the_client_s_end, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
