/* SPDX-License-Identifier: MIT */
/* Retry-After: seconds, the three date formats, and all that is neither. */
#include "codec/retry_after.h"

#include <locale.h>
#include <time.h>

#include "cases.h"

#define NOW INT64_C(784111737) /* Sun, 06 Nov 1994 08:48:57 GMT */
#define LONGEST (INT64_MAX / 1000000)

struct retry_case {
  const char *value;
  int64_t now_s;
  int64_t want_ms;
};

static const struct retry_case cases[] = {
    {"0", NOW, 0},
    {"1", NOW, 1000},
    {"007", NOW, 7000},
    {"120", NOW, 120000},
    {"9223372036", NOW, INT64_C(9223372036000)},
    {"9223372037", NOW, LONGEST},
    {"99999999999999999999999999999999999999", NOW, LONGEST},
    {"Sun, 06 Nov 1994 08:49:37 GMT", NOW, 40000},
    {"Sunday, 06-Nov-94 08:49:37 GMT", NOW, 40000},
    {"Sun Nov  6 08:49:37 1994", NOW, 40000},
    {"Wed Nov 16 08:48:57 1994", NOW, 864000000},
    {"Sun, 06 Nov 1994 08:48:57 GMT", NOW, 0},
    {"Sun, 06 Nov 1994 08:48:56 GMT", NOW, 0},
    {"Thu, 01 Jan 1970 00:00:00 GMT", NOW, 0},
    {"Thu, 01 Jan 1970 00:00:00 GMT", -5, 5000},
    {"Sat, 01 Jan 0000 00:00:00 GMT", NOW, 0},
    {"Sun, 31 Dec 2000 23:59:60 GMT", 978307199, 1000},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 0, LONGEST},
    {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_MIN, LONGEST},
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164799, 1000},
    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782399, 1000},
    {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542399, 1000},
    /* Two digits: at most 50 years ahead. */
    {"Friday, 02-Jan-44 00:00:00 GMT", 757382400, 0},                   /* begin of 1994: 1944, not 2044 */
    {"Friday, 01-Jan-27 00:00:00 GMT", 1798761599, 1000},               /* end of 2026 */
    {"Friday, 01-Jan-77 00:00:00 GMT", 1798761599, 0},                  /* 2026: 1977 */
    {"Friday, 01-Jan-76 00:00:00 GMT", 1798761599, INT64_C(1546300801000)}, /* 2026: 2076 */
    {"Friday, 01-Jan-00 00:00:00 GMT", 4102444799, 1000},               /* end of 2099: 2100 */
    {"Friday, 31-Dec-99 23:59:59 GMT", 946684800, 0},                   /* 2000: 1999 */
    {"", NOW, -1},
    {"-1", NOW, -1},
    {"+1", NOW, -1},
    {"1.5", NOW, -1},
    {"1s", NOW, -1},
    {" 1", NOW, -1},
    {"1 ", NOW, -1},
    {"soon", NOW, -1},
    {"0x10", NOW, -1},
    {"Sun, 06 Nov 1994 08:49:37", NOW, -1},
    {"Sun, 06 Nov 1994 08:49:37 UTC", NOW, -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", NOW, -1},
    {"Sun, 6 Nov 1994 08:49:37 GMT", NOW, -1},
    {"sun, 06 nov 1994 08:49:37 gmt", NOW, -1},
    {"Sux, 06 Nov 1994 08:49:37 GMT", NOW, -1},
    {"Sun, 06 Nox 1994 08:49:37 GMT", NOW, -1},
    {"Sun, 00 Nov 1994 08:49:37 GMT", NOW, -1},
    {"Sun, 31 Nov 1994 08:49:37 GMT", NOW, -1},
    {"Tue, 29 Feb 2100 00:00:00 GMT", NOW, -1},
    {"Sun, 06 Nov 1994 24:00:00 GMT", NOW, -1},
    {"Sun, 06 Nov 1994 08:60:00 GMT", NOW, -1},
    {"Sun, 06 Nov 1994 08:49:61 GMT", NOW, -1},
    {"Sun, 06 Nov 1994 8:49:37 GMT", NOW, -1},
    {"Sunday, 06-Nov-1994 08:49:37 GMT", NOW, -1},
    {"Sun, 06-Nov-94 08:49:37 GMT", NOW, -1},
    {"Sun Nov 06 08:49:37 94", NOW, -1},
    {"Sun Nov   6 08:49:37 1994", NOW, -1},
    {"1994-11-06T08:49:37Z", NOW, -1},
};

static void check_all(void) {
  for (size_t i = 0; i < COUNT(cases); i++) {
    int64_t got = plq__retry_after_ms(cases[i].value, cases[i].now_s);
    if (got != cases[i].want_ms) fail_msg("\"%s\": %lld, want %lld", cases[i].value, (long long)got, (long long)cases[i].want_ms);
  }
}

static void test_cases(void **state) {
  (void)state;
  check_all();
  assert_int_equal(plq__retry_after_ms(NULL, NOW), -1);
}

/* Every prefix of a date is garbage, and none is read past its end. */
static void test_prefixes(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    if (cases[i].want_ms < 0 || strchr(cases[i].value, ':') == NULL) continue;
    for (size_t len = 0; len < strlen(cases[i].value); len++) {
      char *cut = exact_copy(cases[i].value, len + 1);
      cut[len] = '\0';
      assert_int_equal(plq__retry_after_ms(cut, NOW), -1);
      free(cut);
    }
  }
}

/* Every day of 400 years, against the system's own calendar. */
static void test_calendar(void **state) {
  (void)state;
  for (time_t day = 0; day < 400 * 366; day++) {
    time_t then = day * 86400;
    struct tm tm;
    char text[64];
    assert_non_null(gmtime_r(&then, &tm));
    assert_true(strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
    assert_int_equal(plq__retry_after_ms(text, then - 1), 1000);
  }
}

static void test_locale_and_zone_do_not_matter(void **state) {
  (void)state;
  setenv("TZ", "America/New_York", 1);
  tzset();
  (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed */
  check_all();
  (void)setlocale(LC_ALL, "C");
  unsetenv("TZ");
  tzset();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_prefixes), cmocka_unit_test(test_calendar),
                                     cmocka_unit_test(test_locale_and_zone_do_not_matter)};
  return cmocka_run_group_tests_name("codec/retry_after", tests, NULL, NULL);
}
