/* SPDX-License-Identifier: MIT */
/* Access tokens: kept as the header's value, counted, wiped. */
#include "pipeline/tokens.h"

#include <plastiq/options.h>
#include <pthread.h>

#include "base/alloc.h"
#include "unit.h"

static void both(void **state) {
  (void)state;
  struct plq__tokens *tokens = plq__tokens_new(T("one"), T("second"), PLQ_SOURCE_CODE);
  assert_string_equal(tokens->header[0], "Bearer one");
  assert_int_equal(tokens->header_len[0], 10);
  assert_string_equal(tokens->header[1], "Bearer second");
  assert_true(plq__text_is(plq__tokens_bare(tokens, 0), "one"));
  assert_true(plq__text_is(plq__tokens_bare(tokens, 1), "second"));
  plq__tokens_unref(tokens);
}

static void none(void **state) {
  (void)state;
  struct plq__tokens *tokens = plq__tokens_new((struct plq__text){NULL, 0}, (struct plq__text){NULL, 0}, PLQ_SOURCE_CODE);
  assert_null(tokens->header[0]);
  assert_null(tokens->header[1]);
  assert_null(plq__tokens_bare(tokens, 0).at);
  plq__tokens_unref(tokens);
  plq__tokens_unref(NULL);
}

static void the_last_reference_wipes(void **state) {
  (void)state;
  struct plq__tokens *tokens = plq__tokens_new(T("hush-hush"), (struct plq__text){NULL, 0}, PLQ_SOURCE_CODE);
  volatile char *inside = tokens->header[0];
  assert_ptr_equal(plq__tokens_ref(tokens), tokens);
  plq__tokens_unref(tokens);
  assert_int_equal(inside[7], 'h');
  plq__tokens_unref(tokens);
  for (int i = 0; i < 16; i++) assert_int_equal(inside[i], 0);
}

static int grants;
static int grant(size_t size) {
  (void)size;
  return grants-- > 0;
}

static void without_memory(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    plq__alloc_gate = grant;
    grants = i;
    struct plq__tokens *tokens = plq__tokens_new(T("one"), T("second"), PLQ_SOURCE_CODE);
    plq__alloc_gate = NULL;
    assert_null(tokens);
  }
}

static void *ref_and_unref(void *argument) {
  for (int i = 0; i < 20000; i++) plq__tokens_unref(plq__tokens_ref(argument));
  plq__tokens_unref(argument);
  return NULL;
}

static void threads(void **state) {
  (void)state;
  struct plq__tokens *tokens = plq__tokens_new(T("one"), T("second"), PLQ_SOURCE_CODE);
  pthread_t running[4];
  for (int i = 0; i < 4; i++) {
    plq__tokens_ref(tokens);
    assert_int_equal(pthread_create(&running[i], NULL, ref_and_unref, tokens), 0);
  }
  for (int i = 0; i < 4; i++) pthread_join(running[i], NULL);
  assert_int_equal(tokens->references, 1);
  plq__tokens_unref(tokens);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(both), cmocka_unit_test(none), cmocka_unit_test(the_last_reference_wipes),
                                     cmocka_unit_test(without_memory), cmocka_unit_test(threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
