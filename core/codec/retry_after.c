/* SPDX-License-Identifier: MIT */
/* Read by hand: strptime and mktime would follow the locale and TZ of the host program. */
#include "retry_after.h"

#include <stdbool.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/text.h"

/* What still fits when it is turned into ns. */
#define LONGEST_MS (INT64_MAX / PLQ__NS_PER_MS)

struct date {
  int year, month, day, hour, minute, second; /* month from 1 */
};

/* A pattern of literal characters and these: */
#define SHORT_DAY '\1'
#define LONG_DAY '\2'
#define MONTH '\3'
#define DAY '\4'
#define PADDED_DAY '\5'
#define YEAR '\6'
#define SHORT_YEAR '\7'
#define TIME '\x10'

/* IMF-fixdate, RFC 850, asctime: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". */
static const char *const patterns[] = {"\1, \4 \3 \6 \x10 GMT", "\2, \4-\3-\7 \x10 GMT", "\1 \3 \5 \x10 \6"};

static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", NULL};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", NULL};

static bool take_digits(const char **at, int count, int *out_number) {
  *out_number = 0;
  for (; count > 0; count--, (*at)++) {
    if (**at < '0' || **at > '9') return false;
    *out_number = *out_number * 10 + (**at - '0');
  }
  return true;
}

/* Which name it is, from 1, or 0. A length of 0: the whole name. */
static int take_name(const char **at, const char *const *names, size_t len) {
  for (int i = 0; names[i] != NULL; i++) {
    size_t step = len > 0 ? len : strlen(names[i]);
    if (strncmp(*at, names[i], step) != 0) continue;
    *at += step;
    return i + 1;
  }
  return 0;
}

static bool take_time(const char **at, struct date *date) {
  if (!take_digits(at, 2, &date->hour) || *(*at)++ != ':' || !take_digits(at, 2, &date->minute) || *(*at)++ != ':') return false;
  return take_digits(at, 2, &date->second);
}

static bool take_padded_day(const char **at, struct date *date) {
  bool padded = **at == ' ';
  if (padded) (*at)++;
  return take_digits(at, padded ? 1 : 2, &date->day);
}

static bool take_part(const char **at, char part, struct date *date) {
  switch (part) {
    case SHORT_DAY: return take_name(at, days, 3) > 0;
    case LONG_DAY: return take_name(at, days, 0) > 0;
    case MONTH: return (date->month = take_name(at, months, 3)) > 0;
    case DAY: return take_digits(at, 2, &date->day);
    case PADDED_DAY: return take_padded_day(at, date);
    case YEAR: return take_digits(at, 4, &date->year);
    case SHORT_YEAR: return take_digits(at, 2, &date->year);
    case TIME: return take_time(at, date);
    default: return *(*at)++ == part;
  }
}

static bool matches(const char *value, const char *pattern, struct date *date) {
  for (; *pattern != '\0'; pattern++)
    if (*value == '\0' || !take_part(&value, *pattern, date)) return false;
  return *value == '\0';
}

static bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static bool is_valid(const struct date *date) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int last = lengths[date->month - 1] + (date->month == 2 && is_leap(date->year));
  return date->day >= 1 && date->day <= last && date->hour <= 23 && date->minute <= 59 && date->second <= 60;
}

/* Seconds since 1970. Years begin in March here, so that the leap day comes last. */
static int64_t seconds_of(const struct date *date) {
  int64_t year = date->year - (date->month <= 2);
  int64_t month = (date->month + 9) % 12;
  int64_t leap_days = year >= 0 ? year / 4 - year / 100 + year / 400 : 0;
  int64_t day = year * 365 + leap_days + (month * 153 + 2) / 5 + date->day - 1 - 719468;
  return ((day * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

/* RFC 9110 section 5.6.7: two digits that seem more than 50 years ahead mean the past. So: the last such year that is not. */
static void complete_year(struct date *date, int64_t wall_now_s) {
  const int64_t year_9999 = INT64_C(253402300799), average_year = 31556952;
  int64_t now = wall_now_s >= 0 && wall_now_s <= year_9999 ? wall_now_s : 0;
  date->year += ((int)(now / average_year) + 1970) / 100 * 100 + 100;
  while (seconds_of(date) > now + 50 * average_year) date->year -= 100;
}

static int64_t until(const struct date *date, int64_t wall_now_s) {
  int64_t then = seconds_of(date);
  if (then <= wall_now_s) return 0;
  int64_t wait_s = 0;
  if (__builtin_sub_overflow(then, wall_now_s, &wait_s) || wait_s > LONGEST_MS / 1000) return LONGEST_MS;
  return wait_s * 1000;
}

/* Any number of digits is a number, however large; it is cut, not refused. */
static int64_t seconds(const char *value) {
  int64_t wait_s = 0;
  const char *at = value;
  for (; *at >= '0' && *at <= '9'; at++)
    if (wait_s <= LONGEST_MS / 1000) wait_s = wait_s * 10 + (*at - '0');
  if (at == value || *at != '\0') return -1;
  return wait_s > LONGEST_MS / 1000 ? LONGEST_MS : wait_s * 1000;
}

int64_t plq__retry_after_ms(const char *value, int64_t wall_now_s) {
  if (value == NULL) return -1;
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    struct date date = {0};
    if (!matches(value, patterns[i], &date)) continue;
    if (strchr(patterns[i], SHORT_YEAR) != NULL) complete_year(&date, wall_now_s);
    return is_valid(&date) ? until(&date, wall_now_s) : -1;
  }
  return seconds(value);
}
