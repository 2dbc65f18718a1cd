/* SPDX-License-Identifier: MIT */
/*
 * The scanner against json-c in strict mode, over generated documents and mutations of them, from a fixed seed: both accept and both
 * refuse the same texts and read the same member, or the difference is one of those listed below, with the reason for it.
 */
#include <json-c/json.h>

#include "base/text.h"
#include "cases.h"
#include "codec/scan.h"

enum { DOCUMENTS = 400, MUTATIONS = 60, ROOM = 4096, DEPTH = 64 };

static uint32_t seed;

static uint32_t random_below(uint32_t bound) {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % bound;
}

/* ---- documents ---- */

struct text {
  char at[ROOM];
  size_t len;
};

static void add(struct text *text, const char *more) {
  size_t len = strlen(more);
  if (text->len + len > ROOM) return;
  memcpy(text->at + text->len, more, len);
  text->len += len;
}

static void add_one_of(struct text *text, const char *const *choices, size_t count) { add(text, choices[random_below((uint32_t)count)]); }

static void add_blanks(struct text *text) {
  static const char *const blanks[] = {"", "", "", " ", "\n", "\t", "\r\n", "  "};
  add_one_of(text, blanks, COUNT(blanks));
}

static void add_string(struct text *text) {
  static const char *const pieces[] = {"a",   "b c", "\\n",     "\\\"",    "\\\\", "\\/",          "\\u0041",     "\\u00E9",      "\\ud83d\\ude00",
                                       "\\t", "7",   "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "client", "Secret", "{", "]", ",", ":"};
  add(text, "\"");
  for (uint32_t i = random_below(6); i > 0; i--) add_one_of(text, pieces, COUNT(pieces));
  add(text, "\"");
}

static void add_name(struct text *text) {
  static const char *const names[] = {"\"clientSecret\"", "\"client\\u0053ecret\"", "\"x\"", "\"\"", "\"clientSecret \""};
  if (random_below(4) == 0)
    add_string(text);
  else
    add_one_of(text, names, COUNT(names));
}

static void add_value(struct text *text, int depth);

static void add_container(struct text *text, int depth, bool object) {
  add(text, object ? "{" : "[");
  add_blanks(text);
  for (uint32_t left = random_below(4), first = 1; left > 0; left--, first = 0) {
    if (!first) add(text, ",");
    add_blanks(text);
    if (object) {
      add_name(text);
      add_blanks(text);
      add(text, ":");
    }
    add_value(text, depth + 1);
  }
  add(text, object ? "}" : "]");
}

static void add_value(struct text *text, int depth) {
  static const char *const plain[] = {"null", "true", "false", "0", "-1", "12", "0.5", "-0.25", "1e5", "1.5E+3", "2e-2", "1234567890"};
  add_blanks(text);
  uint32_t which = random_below(depth < 5 ? 6 : 3);
  if (which == 0)
    add_one_of(text, plain, COUNT(plain));
  else if (which <= 2)
    add_string(text);
  else
    add_container(text, depth, which <= 4);
  add_blanks(text);
}

static void mutate(struct text *text) {
  static const char *const pieces[] = {"\"", "\\", "{", "}", "[", "]", ",", ":", "0", "1", "-", "+", ".", "e", "E", "u", "\\u", "\\ud800", "\\udc00",
                                       "null", "true", "nul", "NaN", "Infinity", "-Infinity", "'", "/", "//", "/*", "\x01", "\n", "\x7f", "\x80", "\xc3",
                                       "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xff", " ", "01", "1.", ".5", "1e", "\xef\xbb\xbf", "x"};
  const char *piece = pieces[random_below(COUNT(pieces))];
  size_t len = strlen(piece), at = text->len > 0 ? random_below((uint32_t)text->len) : 0;
  switch (random_below(4)) {
    case 0: /* insert */
      if (text->len + len > ROOM) return;
      memmove(text->at + at + len, text->at + at, text->len - at);
      memcpy(text->at + at, piece, len);
      text->len += len;
      return;
    case 1: /* overwrite */
      if (at + len > text->len) return;
      memcpy(text->at + at, piece, len);
      return;
    case 2: /* delete one */
      if (text->len == 0) return;
      memmove(text->at + at, text->at + at + 1, text->len - at - 1);
      text->len--;
      return;
    default: /* cut off */
      text->len = at;
  }
}

/* ---- the two readers ---- */

static struct json_object *json_c_read(const char *text, size_t len) {
  struct json_tokener *tokener = json_tokener_new_ex(DEPTH + 1);
  assert_non_null(tokener);
  json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
  struct json_object *object = json_tokener_parse_ex(tokener, text, (int)len);
  if (object != NULL && (json_tokener_get_parse_end(tokener) != len || !json_object_is_type(object, json_type_object))) {
    json_object_put(object);
    object = NULL;
  }
  json_tokener_free(tokener);
  return object;
}

/* Calls each for every string of the text, escapes and all; good enough for texts that one of the readers accepted. */
static bool any_string(const struct text *text, bool (*each)(struct plq__text string)) {
  for (size_t i = 0; i < text->len; i++) {
    if (text->at[i] != '"') continue;
    size_t begin = ++i;
    while (i < text->len && text->at[i] != '"') i += text->at[i] == '\\' ? 2 : 1;
    if (i <= text->len && each((struct plq__text){text->at + begin, i - begin})) return true;
  }
  return false;
}

static bool has_control(struct plq__text string) {
  for (size_t i = 0; i < string.len; i++)
    if ((unsigned char)string.at[i] < 0x20) return true;
  return false;
}

static bool is_ill_formed(struct plq__text string) { return !plq__is_utf8(string); }

static bool is_surrogate(struct plq__text string, size_t at, char low, char high) {
  if (at + 6 > string.len || string.at[at] != '\\' || string.at[at + 1] != 'u' || (string.at[at + 2] | 0x20) != 'd') return false;
  char digit = (char)(string.at[at + 3] | 0x20);
  return digit >= low && digit <= high;
}

static bool has_lone_surrogate(struct plq__text string) {
  for (size_t i = 0; i < string.len; i += string.at[i] == '\\' ? 2 : 1) {
    if (is_surrogate(string, i, 'c', 'f')) return true;
    if (!is_surrogate(string, i, '8', '9') && !is_surrogate(string, i, 'a', 'b')) continue;
    if (!is_surrogate(string, i + 6, 'c', 'f')) return true;
    i += 10; /* past the pair, but for the step of the loop */
  }
  return false;
}

/* A quote that does not belong to a string in double quotes. */
static bool has_single_quote(const struct text *text) {
  bool string = false;
  for (size_t i = 0; i < text->len; i++) {
    if (!string && text->at[i] == '\'') return true;
    if (string && text->at[i] == '\\')
      i++;
    else if (text->at[i] == '"')
      string = !string;
  }
  return false;
}

/* A number that RFC 8259 section 6 does not know: 01, 1., .5, 1.e5. */
static bool has_odd_number(const struct text *text) {
  bool string = false;
  for (size_t i = 0; i < text->len; i++) {
    char c = text->at[i], before = i > 0 ? text->at[i - 1] : ' ', after = i + 1 < text->len ? text->at[i + 1] : ' ';
    if (c == '"') string = !string;
    if (string && c == '\\') i++;
    if (string) continue;
    bool digit_before = before >= '0' && before <= '9', digit_after = after >= '0' && after <= '9';
    if (c == '.' && (!digit_before || !digit_after)) return true;
    if (c == '0' && digit_after && !digit_before && before != '.' && (before | 0x20) != 'e' && before != '+') return true;
    if ((c | 0x20) == 'e' && digit_before && !digit_after && after != '+' && after != '-') return true;
    if ((c == '+' || c == '-') && !digit_after) return true;
  }
  return false;
}

static bool has_not_finite(const struct text *text) {
  char copy[ROOM + 1];
  memcpy(copy, text->at, text->len);
  copy[text->len] = '\0';
  return strstr(copy, "NaN") != NULL || strstr(copy, "Infinity") != NULL;
}

/* Whether the scanner is right to refuse what json-c 0.16 accepts. There is nothing that it accepts and json-c refuses. */
static const char *reason(const struct text *text) {
  if (any_string(text, has_control)) return "a control character in a string (RFC 8259 section 7)";
  if (any_string(text, is_ill_formed)) return "bytes that are no UTF-8: json-c looks at lead bytes only";
  if (any_string(text, has_lone_surrogate)) return "a surrogate alone: json-c makes U+FFFD of it";
  if (has_single_quote(text)) return "a name in single quotes, which json-c takes even in strict mode";
  if (has_not_finite(text)) return "NaN and Infinity, which json-c takes even in strict mode";
  if (has_odd_number(text)) return "a number that is none (RFC 8259 section 6)";
  return NULL;
}

/* ---- comparing ---- */

static uint32_t both, neither, differences;

static void check_member(const struct text *text, struct plq__scan_member member, struct json_object *object) {
  struct json_object *value = NULL;
  bool some = json_object_object_get_ex(object, "clientSecret", &value);
  enum plq__scan_kind kind = PLQ__SCAN_ABSENT;
  if (some) switch (json_object_get_type(value)) {
      case json_type_null: kind = PLQ__SCAN_NULL; break;
      case json_type_string: kind = PLQ__SCAN_STRING; break;
      case json_type_boolean: kind = PLQ__SCAN_BOOL; break;
      case json_type_array: kind = PLQ__SCAN_ARRAY; break;
      case json_type_object: kind = PLQ__SCAN_OBJECT; break;
      default: kind = PLQ__SCAN_NUMBER; break;
    }
  if (kind != member.kind) fail_msg("kinds %d and %d: %.*s", (int)member.kind, (int)kind, (int)text->len, text->at);
  if (kind != PLQ__SCAN_STRING) return;
  char out[ROOM];
  size_t len = plq__scan_unescape(member.raw, member.raw_len, out);
  assert_int_equal(len, json_object_get_string_len(value));
  assert_memory_equal(out, json_object_get_string(value), len);
}

static void compare(const struct text *text) {
  char *exact = exact_copy(text->at, text->len);
  struct plq__scan_member member = {.name = "clientSecret"};
  bool ours = plq__scan_object(exact, text->len, &member, 1);
  size_t mark = text->len >= 3 && memcmp(exact, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* the scanner skips it, json-c does not */
  struct json_object *theirs = json_c_read(exact + mark, text->len - mark);
  if (ours && theirs != NULL) {
    both++;
    check_member(text, member, theirs);
  } else if (!ours && theirs == NULL) {
    neither++;
  } else {
    differences++;
    if (ours || reason(text) == NULL) fail_msg("%s accepts: %.*s", ours ? "only the scanner" : "only json-c", (int)text->len, text->at);
  }
  json_object_put(theirs);
  free(exact);
}

static struct text document(void) {
  struct text text = {.len = 0};
  add_blanks(&text);
  add_container(&text, 0, true);
  add_blanks(&text);
  return text;
}

static void test_documents(void **state) {
  (void)state;
  seed = 20240501;
  both = neither = differences = 0;
  for (int i = 0; i < DOCUMENTS; i++) {
    struct text text = document();
    compare(&text);
  }
  assert_int_equal(both, DOCUMENTS);
}

static void test_mutations(void **state) {
  (void)state;
  seed = 20240502;
  both = neither = differences = 0;
  for (int i = 0; i < DOCUMENTS; i++) {
    struct text whole = document();
    for (int j = 0; j < MUTATIONS; j++) {
      struct text text = whole;
      for (uint32_t times = 1 + random_below(2); times > 0; times--) mutate(&text);
      compare(&text);
    }
  }
  print_message("%u accepted by both, %u by neither, %u by json-c alone\n", both, neither, differences);
  assert_true(both > 500 && neither > 5000);
}

static void test_prefixes(void **state) {
  (void)state;
  seed = 20240503;
  for (int i = 0; i < DOCUMENTS; i++) {
    struct text text = document();
    while (text.len > 0 && text.at[text.len - 1] != '}') text.len--; /* blanks at the end may go */
    while (text.len > 0) {
      text.len--;
      struct plq__scan_member member = {.name = "clientSecret"};
      char *exact = exact_copy(text.at, text.len);
      if (plq__scan_object(exact, text.len, &member, 1)) fail_msg("%.*s", (int)text.len, text.at);
      free(exact);
    }
  }
}

static void test_depth_is_the_same(void **state) {
  (void)state;
  for (int levels = DEPTH - 1; levels <= DEPTH + 1; levels++) {
    struct text text = {.len = 0};
    for (int i = 0; i < levels; i++) add(&text, "{\"a\":");
    add(&text, "1");
    for (int i = 0; i < levels; i++) add(&text, "}");
    compare(&text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_documents), cmocka_unit_test(test_mutations), cmocka_unit_test(test_prefixes),
                                     cmocka_unit_test(test_depth_is_the_same)};
  return cmocka_run_group_tests_name("codec/scan_differential", tests, NULL, NULL);
}
