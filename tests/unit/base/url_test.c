/* SPDX-License-Identifier: MIT */
/* URLs: what is taken apart how, and what is refused with which words. */
#include "base/url.h"

#include "unit.h"

struct good_case {
  const char *url;
  bool tls, address, loopback;
  uint32_t port;
  const char *origin, *host, *path;
};

static const struct good_case good[] = {
    {"https://connect.plastiq.com/api", true, false, false, 443, "https://connect.plastiq.com", "connect.plastiq.com", "/api"},
    {"https://connect.plastiq.com/api///", true, false, false, 443, "https://connect.plastiq.com", "connect.plastiq.com", "/api"},
    {"https://a", true, false, false, 443, "https://a", "a", ""},
    {"https://a/", true, false, false, 443, "https://a", "a", ""},
    {"https://a.example./x", true, false, false, 443, "https://a.example.", "a.example", "/x"},
    {"HTTPS://A:8443/x/y", true, false, false, 8443, "HTTPS://A:8443", "A", "/x/y"},
    {"https://a:1", true, false, false, 1, "https://a:1", "a", ""},
    {"https://a:65535", true, false, false, 65535, "https://a:65535", "a", ""},
    {"http://localhost:8080", false, false, true, 8080, "http://localhost:8080", "localhost", ""},
    {"http://LocalHost.", false, false, true, 80, "http://LocalHost.", "LocalHost", ""},
    {"http://127.0.0.1", false, true, true, 80, "http://127.0.0.1", "127.0.0.1", ""},
    {"http://127.255.255.254:9", false, true, true, 9, "http://127.255.255.254:9", "127.255.255.254", ""},
    {"http://[::1]:8080/p", false, true, true, 8080, "http://[::1]:8080", "::1", "/p"},
    {"https://[2001:db8::1]", true, true, false, 443, "https://[2001:db8::1]", "2001:db8::1", ""},
    {"https://128.0.0.1", true, true, false, 443, "https://128.0.0.1", "128.0.0.1", ""},
    {"https://a_b-c.d", true, false, false, 443, "https://a_b-c.d", "a_b-c.d", ""},
    {"https://a/-._~%41!$&'()*+,;=:@", true, false, false, 443, "https://a", "a", "/-._~%41!$&'()*+,;=:@"},
    /* Names that begin like a loopback address, or look like one to inet_aton(), are names. */
    {"http://127.example", false, false, false, 80, "http://127.example", "127.example", ""},
    {"http://127.1", false, false, false, 80, "http://127.1", "127.1", ""},
    {"http://localhost.example", false, false, false, 80, "http://localhost.example", "localhost.example", ""},
    {"http://[::ffff:127.0.0.1]", false, true, false, 80, "http://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", ""},
};

static void taken(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(good); i++) {
    const struct good_case *want = &good[i];
    struct plq__text text = exact(plq__text_in(want->url, SIZE_MAX));
    struct plq__url url;
    EXPECT_ROW(plq__url_parse(text, &url) == NULL, want->url);
    EXPECT_ROW(url.tls == want->tls, want->url);
    EXPECT_ROW(url.address == want->address, want->url);
    EXPECT_ROW(url.loopback == want->loopback, want->url);
    EXPECT_ROW(url.port == want->port, want->url);
    EXPECT_ROW(plq__text_is(url.origin, want->origin), want->url);
    EXPECT_ROW(plq__text_is(url.host, want->host), want->url);
    EXPECT_ROW(plq__text_is(url.path, want->path), want->url);
    free((char *)text.at);
  }
  expect_rows_end();
}

struct bad_case {
  struct plq__text url;
  const char *words; /* a part of the answer */
};

static const struct bad_case bad[] = {
    {R(""), "begin with https://"},
    {R("https:/a"), "begin with https://"},
    {R("ftp://a"), "begin with https://"},
    {R("a.example"), "begin with https://"},
    {R(" https://a"), "begin with https://"},
    {R("https://"), "no host"},
    {R("https:///x"), "no host"},
    {R("https://:443"), "no host"},
    {R("https://user@a"), "user name"},
    {R("https://user:password@a"), "user name"},
    {R("https://a:b@c:1/"), "user name"},
    {R("https://[::1"), "not closed"},
    {R("https://[127.0.0.1]"), "IPv6"},
    {R("https://[]"), "IPv6"},
    {R("https://[fe80::1%25eth0]"), "IPv6"},
    {R("https://[::1]x"), "port"},
    {R("https://a:"), "port"},
    {R("https://a:0"), "port"},
    {R("https://a:65536"), "port"},
    {R("https://a:-1"), "port"},
    {R("https://a:1x"), "port"},
    {R("https://a:000443"), "port"},
    {R("https://a:1:2"), "port"},
    {R("https://a b"), "neither a name"},
    {R("https://a\tb"), "neither a name"},
    {R("https://a\r\nb"), "neither a name"},
    {R("https://a..b"), "neither a name"},
    {R("https://-a"), "neither a name"},
    {R("https://.a"), "neither a name"},
    {R("https://\xc3\xa4.example"), "neither a name"},
    {R("https://a\\b"), "neither a name"},
    {R("https://a?x"), "query"},
    {R("https://a/?x"), "query"},
    {R("https://a/p#f"), "fragment"},
    {R("https://a#f"), "fragment"},
    {R("https://a/b c"), "percent-encoded"},
    {R("https://a/\r\nX: y"), "percent-encoded"},
    {R("https://a/\xc3\xa4"), "percent-encoded"},
    {R("https://a/<x>"), "percent-encoded"},
    {R("https://a/x\0y"), "percent-encoded"},
    {R("https://a\0/y"), "percent-encoded"},
};

static void refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct plq__text text = exact(bad[i].url);
    struct plq__url url = {.port = 77};
    const char *trouble = plq__url_parse(text, &url);
    EXPECT_ROW(trouble != NULL && strstr(trouble, bad[i].words) != NULL, bad[i].url.at);
    EXPECT_ROW(url.port == 77, bad[i].url.at); /* nothing is written */
    free((char *)text.at);
  }
  expect_rows_end();
}

static void long_host(void **state) {
  (void)state;
  char text[8 + 254];
  struct plq__url url;
  memcpy(text, "https://", 8);
  memset(text + 8, 'a', 254);
  assert_null(plq__url_parse((struct plq__text){text, 8 + 253}, &url));
  assert_non_null(plq__url_parse((struct plq__text){text, 8 + 254}, &url));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(taken), cmocka_unit_test(refused), cmocka_unit_test(long_host)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
