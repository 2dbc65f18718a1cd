/* SPDX-License-Identifier: MIT */
/* What a transport reports, turned into an error; and the texts of others, made fit to be shown. */
#include <errno.h>
#include <unistd.h>

#include "support.h"

static const struct plq__plugin plugin = {.transport = {.name = "t"}};

struct clean_case {
  const char *text;
  size_t len, room;
  const char *clean;
};

static const struct clean_case clean_cases[] = {
    {"abc", 3, 16, "abc"},
    {"", 0, 16, ""},
    {"a\nb\x7f\tc", 6, 16, "a b  c"},
    {"a\0b", 3, 16, "a b"},
    {"\xff", 1, 16, "\xef\xbf\xbd"},
    {"\xc3\xa9", 2, 16, "\xc3\xa9"},
    {"\xc3", 1, 16, "\xef\xbf\xbd"},
    {"\xed\xa0\x80", 3, 16, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"abcdef", 6, 4, "abc"},
    {"ab\xc3\xa9", 4, 4, "ab"}, /* no half characters */
    {"a\xff", 2, 4, "a"},
    {"a", 1, 1, ""},
};

static void cleans(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(clean_cases); i++) {
    char out[16];
    memset(out, 'x', sizeof out);
    size_t len = plq__clean(out, clean_cases[i].room, clean_cases[i].text, clean_cases[i].len);
    assert_string_equal(out, clean_cases[i].clean);
    assert_int_equal(len, strlen(clean_cases[i].clean));
  }
}

static void tells_errno(void **state) {
  (void)state;
  char buffer[128];
  assert_string_equal(plq__errno_text(ENOENT, buffer, sizeof buffer), "No such file or directory");
  assert_true(strlen(plq__errno_text(123456, buffer, sizeof buffer)) > 0);
}

struct status_case {
  int32_t given, shown;
};

static const struct status_case status_cases[] = {
    {PLQ_E_CLIENT_CERTIFICATE, PLQ_E_CLIENT_CERTIFICATE},
    {PLQ_E_RESOLVE_NOT_FOUND, PLQ_E_RESOLVE_NOT_FOUND},
    {PLQ_E_CONNECT_REFUSED, PLQ_E_CONNECT_REFUSED},
    {PLQ_E_LIMIT_BODY, PLQ_E_LIMIT_BODY},
    {PLQ_E_CANCELLED, PLQ_E_CANCELLED},
    {PLQ_E_RESOURCE_SYSTEM, PLQ_E_RESOURCE_SYSTEM},
    {PLQ_E_MEMORY, PLQ_E_MEMORY},
    {PLQ_E_UNSUPPORTED, PLQ_E_UNSUPPORTED},
    {PLQ_E_TRANSPORT_CREATE, PLQ_E_TRANSPORT_CREATE},
    {PLQ_OK, PLQ_E_TRANSPORT_MISBEHAVED},
    {-1, PLQ_E_TRANSPORT_MISBEHAVED},
    {INT32_MIN, PLQ_E_TRANSPORT_MISBEHAVED},
    {INT32_MAX, PLQ_E_TRANSPORT_MISBEHAVED},
    {1, PLQ_E_TRANSPORT_MISBEHAVED},
    {PLQ_E_ARGUMENT, PLQ_E_TRANSPORT_MISBEHAVED},
    {PLQ_E_FIELD_VALUE, PLQ_E_TRANSPORT_MISBEHAVED},
    {PLQ_E_TRANSPORT_REFUSED, PLQ_E_TRANSPORT_MISBEHAVED},
    {PLQ_E_HTTP_STATUS, PLQ_E_TRANSPORT_MISBEHAVED},
    {PLQ_E_CLOSED, PLQ_E_TRANSPORT_MISBEHAVED},
    {PLQ_E_INTERNAL, PLQ_E_TRANSPORT_MISBEHAVED},
    {6999, PLQ_E_TRANSPORT_MISBEHAVED}, /* of an allowed kind, and not in the table */
};

static void allows_some_statuses(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(status_cases); i++) {
    plq_transport_error reported = {.struct_size = sizeof reported, .status = status_cases[i].given, .message = "why"};
    plq_error *error = NULL;
    int32_t got = plq__plugin_fail(&error, &plugin, status_cases[i].given, &reported);
    bool same = status_cases[i].given == status_cases[i].shown;
    assert_error(error, got, status_cases[i].shown, same ? "t: why" : "it said: why");
    assert_int_equal(plq__plugin_fail(NULL, &plugin, status_cases[i].given, &reported), status_cases[i].shown);
  }
}

struct fact_case {
  int32_t phase, delivery, shown_phase, shown_delivery;
};

static const struct fact_case fact_cases[] = {
    {PLQ_PHASE_RESOLVE, PLQ_DELIVERY_NOT_SENT, PLQ_PHASE_RESOLVE, PLQ_DELIVERY_NOT_SENT},
    {PLQ_PHASE_SEND, PLQ_DELIVERY_MAYBE_SENT, PLQ_PHASE_SEND, PLQ_DELIVERY_MAYBE_SENT},
    {PLQ_PHASE_RECEIVE, PLQ_DELIVERY_ANSWERED, PLQ_PHASE_RECEIVE, PLQ_DELIVERY_MAYBE_SENT},
    {PLQ_PHASE_NONE, 3, PLQ_PHASE_CONNECT, PLQ_DELIVERY_MAYBE_SENT},
    {PLQ_PHASE_DECODE, -1, PLQ_PHASE_CONNECT, PLQ_DELIVERY_MAYBE_SENT},
    {-7, INT32_MAX, PLQ_PHASE_CONNECT, PLQ_DELIVERY_MAYBE_SENT},
    {99, INT32_MIN, PLQ_PHASE_CONNECT, PLQ_DELIVERY_MAYBE_SENT},
};

static void checks_phase_and_delivery(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(fact_cases); i++) {
    const struct fact_case *one = &fact_cases[i];
    plq_transport_error reported = {.struct_size = sizeof reported, .phase = one->phase, .delivery = one->delivery};
    plq_error *error = NULL;
    plq__plugin_fail(&error, &plugin, PLQ_E_CONNECT_FAILED, &reported);
    assert_int_equal(plq_error_phase(error), one->shown_phase);
    assert_int_equal(plq_error_delivery(error), one->shown_delivery);
    assert_string_equal(plq_error_message(error, NULL), "t: the connection could not be opened");
    plq_error_free(error);
  }
}

/* Sizes from an older header, in blocks of just that size: what lies behind is not read. */
static void reads_no_more_than_is_there(void **state) {
  (void)state;
  for (uint32_t size = 4; size <= sizeof(plq_transport_error); size += 4) {
    plq_transport_error whole = {
        .struct_size = size, .phase = PLQ_PHASE_SEND, .delivery = PLQ_DELIVERY_MAYBE_SENT, .message = "why"};
    plq_transport_error *cut = malloc(size);
    memcpy(cut, &whole, size);
    plq_error *error = NULL;
    int32_t got = plq__plugin_fail(&error, &plugin, PLQ_E_CONNECT_FAILED, cut);
    bool facts = size >= offsetof(plq_transport_error, delivery) + 4;
    assert_int_equal(plq_error_phase(error), facts ? PLQ_PHASE_SEND : PLQ_PHASE_CONNECT);
    assert_int_equal(plq_error_delivery(error), facts ? PLQ_DELIVERY_MAYBE_SENT : PLQ_DELIVERY_NOT_SENT);
    assert_error(error, got, PLQ_E_CONNECT_FAILED, size == sizeof whole ? "t: why" : "t: the connection could not be opened");
    free(cut);
  }
  plq_error *error = NULL;
  int32_t got = plq__plugin_fail(&error, &plugin, PLQ_E_IO_RESET, NULL);
  assert_error(error, got, PLQ_E_IO_RESET, "");
}

static void ends_messages(void **state) {
  (void)state;
  plq_transport_error reported = {.struct_size = sizeof reported};
  memset(reported.message, 0xff, sizeof reported.message); /* no NUL, and no UTF-8 */
  plq_error *error = NULL;
  plq__plugin_fail(&error, &plugin, PLQ_E_IO_RESET, &reported);
  size_t len;
  const char *message = plq_error_message(error, &len);
  assert_int_equal(len, strlen(message));
  assert_true(plq__is_utf8((struct plq__text){message, len}));
  assert_int_equal(len, 3 + 255 * 3);
  plq_error_free(error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cleans),
      cmocka_unit_test(tells_errno),
      cmocka_unit_test(allows_some_statuses),
      cmocka_unit_test(checks_phase_and_delivery),
      cmocka_unit_test(reads_no_more_than_is_there),
      cmocka_unit_test(ends_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
