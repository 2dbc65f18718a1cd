/* SPDX-License-Identifier: MIT */
/* What the options decide together: rows 1 and 2, pins, statuses that are repeated. */
#include "pipeline/settings.h"

#include <plastiq/options.h>

#include "unit.h"

struct address_case {
  const char *environment, *base_url, *plain; /* NULL: not set */
  int32_t want;
  const char *origin, *path;
};

static const struct address_case addresses[] = {
    {NULL, NULL, NULL, PLQ_OK, "https://connect.sandbox.plastiq.com", "/api"},
    {"sandbox", NULL, NULL, PLQ_OK, "https://connect.sandbox.plastiq.com", "/api"},
    {"production", NULL, NULL, PLQ_OK, "https://connect.plastiq.com", "/api"},
    {NULL, "https://a.example", NULL, PLQ_OK, "https://a.example", ""},
    {"production", "https://a.example/x/", NULL, PLQ_OK, "https://a.example", "/x"}, /* base_url replaces the environment */
    {NULL, "https://a.example:8443/api", "true", PLQ_OK, "https://a.example:8443", "/api"},
    {NULL, "http://localhost:8080/api", "true", PLQ_OK, "http://localhost:8080", "/api"},
    {NULL, "http://127.0.0.1", "true", PLQ_OK, "http://127.0.0.1", ""},
    {NULL, "http://[::1]:1", "true", PLQ_OK, "http://[::1]:1", ""},
    {NULL, "http://localhost:8080/api", NULL, PLQ_E_PLAIN_HTTP, NULL, NULL},
    {NULL, "http://localhost:8080/api", "false", PLQ_E_PLAIN_HTTP, NULL, NULL},
    {NULL, "http://a.example", "true", PLQ_E_PLAIN_HTTP, NULL, NULL},
    {NULL, "http://192.0.2.1", "true", PLQ_E_PLAIN_HTTP, NULL, NULL},
    {NULL, "http://127.0.0.1.example", "true", PLQ_E_PLAIN_HTTP, NULL, NULL},
    {NULL, "http://127.1", "true", PLQ_E_PLAIN_HTTP, NULL, NULL}, /* a name, whatever a resolver makes of it */
    {NULL, "http://localhost.example", "true", PLQ_E_PLAIN_HTTP, NULL, NULL},
    {NULL, "http://0.0.0.0", "true", PLQ_E_PLAIN_HTTP, NULL, NULL},
};

static plq_options *options_of(const char *first, ...) {
  plq_options *options = NULL;
  va_list pairs;
  assert_int_equal(plq_options_new(PLQ_NO_AMBIENT, &options, NULL), PLQ_OK);
  va_start(pairs, first);
  for (const char *key = first; key != NULL; key = va_arg(pairs, const char *)) {
    const char *value = va_arg(pairs, const char *);
    if (value != NULL) assert_int_equal(plq_options_set(options, key, PLQ_NUL, value, PLQ_NUL, NULL), PLQ_OK);
  }
  va_end(pairs);
  return options;
}

static void address(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(addresses); i++) {
    const struct address_case *one = &addresses[i];
    const char *name = one->base_url != NULL ? one->base_url : one->environment != NULL ? one->environment : "nothing";
    plq_options *options =
        options_of("environment", one->environment, "base_url", one->base_url, "allow_plain_http", one->plain, (const char *)NULL);
    struct plq__settings settings;
    plq_error *error = NULL;
    int32_t status = plq__settings_init(&settings, options, &error);
    EXPECT_ROW(status == one->want, name);
    EXPECT_ROW((error == NULL) == (status == PLQ_OK), name);
    if (status == PLQ_OK && one->want == PLQ_OK) {
      const char *effective = NULL;
      char want[100];
      snprintf(want, sizeof want, "%s%s", one->origin, one->path);
      EXPECT_ROW(plq__text_is((struct plq__text){settings.target.origin, settings.target.origin_len}, one->origin), name);
      EXPECT_ROW(plq__text_is(settings.url.path, one->path), name);
      EXPECT_ROW(((settings.target.flags & PLQ_TARGET_TLS) != 0) == (one->origin[4] == 's'), name);
      plq_options_get(options, "base_url", PLQ_NUL, &effective, NULL, NULL); /* can be read back */
      EXPECT_ROW(effective != NULL && strncmp(effective, want, strlen(want)) == 0, name);
    } else {
      EXPECT_ROW(strcmp(plq_error_field(error, NULL), "base_url") == 0, name);
      EXPECT_ROW(strstr(plq_error_message(error, NULL), "plain http") != NULL, name);
    }
    plq__settings_clear(&settings);
    plq_error_free(error);
    plq_options_free(options);
  }
  expect_rows_end();
}

static void target_of_an_address(void **state) {
  (void)state;
  plq_options *options = options_of("base_url", "https://[2001:db8::1]:444/", (const char *)NULL);
  struct plq__settings settings;
  assert_int_equal(plq__settings_init(&settings, options, NULL), PLQ_OK);
  assert_int_equal(settings.target.flags, PLQ_TARGET_TLS | PLQ_TARGET_ADDRESS);
  assert_int_equal(settings.target.port, 444);
  assert_true(plq__text_is((struct plq__text){settings.target.host, settings.target.host_len}, "2001:db8::1"));
  assert_int_equal(settings.target.struct_size, sizeof(plq_transport_target));
  plq__settings_clear(&settings);
  plq_options_free(options);
}

static void pins(void **state) {
  (void)state;
  /* Bytes 0 to 31, and all 0xff. */
  plq_options *options = options_of("pins",
                                    "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=, "
                                    "sha256////////////////////////////////////////////8=",
                                    (const char *)NULL);
  struct plq__settings settings;
  uint8_t key[32];
  assert_int_equal(plq__settings_init(&settings, options, NULL), PLQ_OK);
  assert_int_equal(settings.pin_count, 2);
  for (int i = 0; i < 32; i++) key[i] = (uint8_t)i;
  assert_true(plq__settings_pinned(&settings, key));
  key[31] ^= 1;
  assert_false(plq__settings_pinned(&settings, key));
  memset(key, 0xff, sizeof key);
  assert_true(plq__settings_pinned(&settings, key));
  memset(key, 0, sizeof key);
  assert_false(plq__settings_pinned(&settings, key));
  plq__settings_clear(&settings);
  plq_options_free(options);
}

static void statuses(void **state) {
  (void)state;
  static const struct {
    const char *list;
    int32_t yes[10], no[10];
  } rows[] = {
      {NULL, {408, 429, 500, 502, 503, 504, 521, 522, 524}, {200, 400, 401, 403, 404, 409, 413, 422, 501, 523}},
      {"", {0}, {408, 429, 500, 503}},
      {"418, 599,100", {418, 599, 100}, {500, 503, 417, 419, 101}},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    plq_options *options = options_of("retry_statuses", rows[i].list, (const char *)NULL);
    struct plq__settings settings;
    assert_int_equal(plq__settings_init(&settings, options, NULL), PLQ_OK);
    for (int j = 0; j < 10 && rows[i].yes[j] != 0; j++) assert_true(plq__settings_retries(&settings, rows[i].yes[j]));
    for (int j = 0; j < 10 && rows[i].no[j] != 0; j++) assert_false(plq__settings_retries(&settings, rows[i].no[j]));
    static const int32_t outside[] = {-1, INT32_MIN, 600, 999, INT32_MAX, 0};
    for (size_t j = 0; j < COUNT(outside); j++) assert_false(plq__settings_retries(&settings, outside[j]));
    plq__settings_clear(&settings);
    plq_options_free(options);
  }
}

static void numbers(void **state) {
  (void)state;
  plq_options *options = options_of("timeout_ms", "-1", "max_repeats", "7", "repeat_only_safe", "true", "backoff_base_ms", "3",
                                    "backoff_cap_ms", "4", "repeat_budget", "5", "max_head_bytes", "2048", "max_body_bytes", "4096",
                                    (const char *)NULL);
  struct plq__settings settings;
  assert_int_equal(plq__settings_init(&settings, options, NULL), PLQ_OK);
  assert_int_equal(settings.timeout_ms, -1);
  assert_int_equal(settings.max_repeats, 7);
  assert_true(settings.only_safe);
  assert_int_equal(settings.backoff_base_ms, 3);
  assert_int_equal(settings.backoff_cap_ms, 4);
  assert_int_equal(settings.repeat_budget, 5);
  assert_int_equal(settings.max_head_bytes, 2048);
  assert_int_equal(settings.max_body_bytes, 4096);
  assert_null(settings.retry_operations);
  plq__settings_clear(&settings);
  plq_options_free(options);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(address), cmocka_unit_test(target_of_an_address), cmocka_unit_test(pins),
                                     cmocka_unit_test(statuses), cmocka_unit_test(numbers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
