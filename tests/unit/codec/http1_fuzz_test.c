/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 parser over mutations of valid responses, from a fixed seed: whatever comes, the outcome does not depend on how it
 * is cut, and what play() asserts holds. http1_differential compares the same parser with a grammar.
 */
#include "codec/http1.h"
#include "http1_play.h"
#include "unit.h"

enum { INPUTS = 120000, ROOM = 600 };

static uint32_t seed = 20250701;

static uint32_t random_below(uint32_t bound) {
  seed = seed * 1664525 + 1013904223;
  return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

struct text {
  char at[ROOM];
  size_t len;
};

static const char *const seeds[] = {
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\nConnection: "
    "keep-alive\r\n\r\n{\"clientSecret\":\"t\"}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5, "
    "max=9\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrace-Id: x\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <a>\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: "
    "4\r\n\r\nbusy",
    "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the connection ends",
    "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n0\r\n\r\nHTTP/1.1 200 "
    "OK\r\nContent-Length: 0\r\n\r\n",
};

static const char *const words[] = {
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "0",
    "5",
    "f",
    "00000000",
    "ffffffff",
    "-1",
    "+",
    "\x7f",
    "\xff",
    "Content-Length: 5\r\n",
    "Content-Length:",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding:",
    "chunked",
    "gzip",
    "Connection: close\r\n",
    "close",
    "Keep-Alive: timeout=1\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 ",
    "HTTP/1.1 101 x\r\n",
    "HTTP/1.1 102 x\r\n\r\n",
    "A: b\r\n",
    " folded\r\n",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "1;x=y\r\nz\r\n",
};

static void replace(struct text *text, size_t at, size_t gone, const char *with, size_t len) {
  if (text->len - gone + len > ROOM) return;
  memmove(text->at + at + len, text->at + at + gone, text->len - at - gone);
  memcpy(text->at + at, with, len);
  text->len = text->len - gone + len;
}

static void mutate(struct text *text) {
  size_t at = random_below((uint32_t)text->len + 1);
  size_t rest = text->len - at;
  size_t some = rest > 0 ? random_below(rest < 20 ? (uint32_t)rest + 1 : 20) : 0;
  const char *word = words[random_below(COUNT(words))];
  char copy[ROOM];
  switch (random_below(6)) {
    case 0: /* a bit */
      if (rest > 0) text->at[at] = (char)(text->at[at] ^ 1 << random_below(8));
      break;
    case 1: /* a byte */
      if (rest > 0) text->at[at] = (char)random_below(256);
      break;
    case 2:
      replace(text, at, some, "", 0);
      break;
    case 3: /* twice */
      memcpy(copy, text->at + at, some);
      replace(text, at, 0, copy, some);
      break;
    case 4:
      replace(text, at, 0, word, strlen(word));
      break;
    default:
      replace(text, at, some, word, strlen(word));
      break;
  }
}

static void make(struct text *text) {
  const char *one = seeds[random_below(COUNT(seeds))];
  text->len = strlen(one);
  memcpy(text->at, one, text->len);
  for (uint32_t i = random_below(4); i > 0; i--) mutate(text);
  if (random_below(10) == 0) text->len = random_below((uint32_t)text->len + 1);
}

static void expect(const char *what, const struct text *text, uint32_t round) {
  if (what == NULL) return;
  print_error("input %u: %s:\n%.*s\n", round, what, (int)text->len, text->at);
  fail();
}

static const char *fault_of(const struct play_result *whole, const struct play_input *input) {
  struct play_result other = play(input, PLAY_BYTES, PLQ_HTTP1_END_CLOSED);
  const char *fault = play_difference(whole, &other);
  play_result_clear(&other);
  if (fault != NULL) return fault;
  other = play(input, PLAY_RANDOM(seed), PLQ_HTTP1_END_CLOSED);
  fault = play_difference(whole, &other);
  play_result_clear(&other);
  return fault;
}

/* What one sink accepts the other may refuse, but not the other way round; and where both accept, they heard the same. */
static const char *fault_between(const struct play_result *strict, const struct play_result *lax) {
  if (strict->refused) return lax->lines.len >= strict->lines.len ? NULL : "the validator heard more";
  return play_difference(strict, lax);
}

static void test_mutations(void **state) {
  (void)state;
  static const char *const methods[] = {NULL, NULL, NULL, "HEAD"};
  struct text text;
  size_t complete = 0;
  for (uint32_t round = 0; round < (play_is_slow() ? INPUTS / 100 : INPUTS); round++) {
    make(&text);
    struct play_input input = {.data = text.at, .len = text.len, .method = methods[random_below(COUNT(methods))]};
    if (random_below(4) == 0) input.max_head = random_below(200) + 1, input.max_body = random_below(30) + 1;
    struct play_result strict = play(&input, PLAY_WHOLE, PLQ_HTTP1_END_CLOSED);
    expect(fault_of(&strict, &input), &text, round);
    input.lax = true;
    struct play_result lax = play(&input, PLAY_WHOLE, PLQ_HTTP1_END_CLOSED);
    expect(fault_of(&lax, &input), &text, round);
    expect(fault_between(&strict, &lax), &text, round);
    complete += strict.flags & PLQ_HTTP1_COMPLETE ? 1 : 0;
    play_result_clear(&strict);
    play_result_clear(&lax);
  }
  assert_true(complete > (play_is_slow() ? INPUTS / 1000 : INPUTS / 10)); /* they do not all fail in the first line */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
  return cmocka_run_group_tests_name("codec/http1_fuzz", tests, NULL, NULL);
}
