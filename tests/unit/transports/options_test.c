/* SPDX-License-Identifier: MIT */
/* Values of options on their way into a transport's own struct, and pins. */
#include "support.h"

typedef struct config {
  char *name, *secret;
  int64_t wait_ns, count;
} config;

static const plqt_binding bindings[] = {
    {"name", offsetof(config, name), 0, 0},
    {"wait_ms", offsetof(config, wait_ns), PLQT_MS, 250},
    {"count", offsetof(config, count), 1, 7},
    {"secret", offsetof(config, secret), 0, 0},
};

/* A host that is newer has more in each value. */
typedef struct wide_value {
  plq_transport_value value;
  char more[24];
} wide_value;

#define TEXT(key_text, content)                                                                                                \
  {                                                                                                                            \
    {.type = PLQ_OPTION_TEXT, .key = (key_text), .key_len = strlen(key_text), .text = (content), .text_len = strlen(content)}, \
        ""                                                                                                                     \
  }
#define NUMBER(key_text, content) \
  { {.type = PLQ_OPTION_INT, .key = (key_text), .key_len = strlen(key_text), .number = (content), .text = "", .text_len = 0}, "" }

static int32_t read_all(config *out, const wide_value *values, size_t count, plq_transport_error *error) {
  *error = (plq_transport_error){.struct_size = sizeof *error};
  return plqt_options_read(&host, out, bindings, COUNT(bindings), &values->value, count, sizeof *values, error);
}

static void clear(config *out) {
  plqt_options_clear(&host, out, bindings, COUNT(bindings));
}

static void falls_back(void **state) {
  config read = {0};
  plq_transport_error error;
  const wide_value values[] = {TEXT("names", "a longer key"), TEXT("nam", "a shorter one"), NUMBER("counts", 3)};
  (void)state;
  assert_int_equal(read_all(&read, values, 0, &error), PLQ_OK);
  assert_int_equal(read.wait_ns, 250 * PLQT_MS);
  assert_int_equal(read.count, 7);
  assert_null(read.name);
  assert_int_equal(read_all(&read, values, COUNT(values), &error), PLQ_OK);
  assert_int_equal(read.count, 7);
  assert_null(read.name);
  clear(&read);
}

static void takes_each(void **state) {
  config read = {0};
  plq_transport_error error;
  const wide_value values[] = {NUMBER("count", -1), TEXT("secret", "test-secret-1"), NUMBER("wait_ms", 86400000),
                               TEXT("name", "n")};
  (void)state;
  assert_int_equal(read_all(&read, values, COUNT(values), &error), PLQ_OK);
  assert_int_equal(read.count, -1);
  assert_true(read.wait_ns == INT64_C(86400000) * PLQT_MS);
  assert_string_equal(read.name, "n");
  assert_string_equal(read.secret, "test-secret-1");
  clear(&read);
}

/* The key need not end where its text does, and neither need the value. */
static void goes_by_lengths(void **state) {
  config read = {0};
  plq_transport_error error;
  wide_value values[] = {TEXT("name and more", "value and more")};
  (void)state;
  values[0].value.key_len = 4;
  values[0].value.text_len = 5;
  assert_int_equal(read_all(&read, values, 1, &error), PLQ_OK);
  assert_string_equal(read.name, "value");
  clear(&read);
}

static void the_last_one_counts(void **state) {
  config read = {0};
  plq_transport_error error;
  const wide_value twice[] = {TEXT("secret", "test-secret-1"), TEXT("secret", "test-secret-22")};
  const wide_value emptied[] = {TEXT("secret", "test-secret-1"), TEXT("secret", "")};
  (void)state;
  assert_int_equal(read_all(&read, twice, 2, &error), PLQ_OK);
  assert_string_equal(read.secret, "test-secret-22");
  assert_int_equal(host_wiped, strlen("test-secret-1"));
  clear(&read);
  assert_int_equal(read_all(&read, emptied, 2, &error), PLQ_OK);
  assert_null(read.secret);
  clear(&read);
}

static void wipes(void **state) {
  config read = {0};
  plq_transport_error error;
  const wide_value values[] = {TEXT("secret", "test-secret-1"), TEXT("name", "four")};
  (void)state;
  assert_int_equal(read_all(&read, values, COUNT(values), &error), PLQ_OK);
  assert_int_equal(host_wiped, 0);
  clear(&read);
  assert_int_equal(host_wiped, strlen("test-secret-1") + 4);
  assert_int_equal(host_blocks, 0);
  assert_null(read.secret);
  clear(&read); /* once more does nothing */
  assert_int_equal(host_wiped, strlen("test-secret-1") + 4);
}

static void runs_out_of_memory(void **state) {
  config read = {0};
  plq_transport_error error;
  const wide_value values[] = {TEXT("name", "first"), TEXT("secret", "test-secret-1"), NUMBER("count", 1)};
  (void)state;
  host_blocks_left = 1;
  assert_int_equal(read_all(&read, values, COUNT(values), &error), PLQ_E_MEMORY);
  assert_int_equal(error.status, PLQ_E_MEMORY);
  assert_int_equal(error.phase, PLQ_PHASE_CONFIG);
  assert_int_equal(error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_string_equal(read.name, "first");
  assert_null(read.secret);
  clear(&read);
}

/* ---- pins ---- */

#define PIN_A "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PIN_B "sha256//BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB="

static void pins(void **state) {
  static const struct {
    const char *in, *out; /* out NULL: refused */
  } rows[] = {
      {PIN_A, PIN_A},
      {PIN_A "," PIN_B, PIN_A "," PIN_B},
      {" " PIN_A " , " PIN_B " ", PIN_A "," PIN_B},
      {PIN_A ",", PIN_A ","},
      {"", ""},
      {"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL},
      {"sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL},
      {"SHA256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL},
      {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL},
      {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL},
      {PIN_A ";" PIN_B, NULL},
      {PIN_A ",,", NULL},
      {PIN_A ","
             "nonsense",
       NULL},
      {",", NULL},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    char text[200];
    plq_transport_error error = {.struct_size = sizeof error};
    snprintf(text, sizeof text, "%s", rows[i].in);
    int32_t status = plqt_pins_check(text, &error);
    EXPECT_ROW(status == (rows[i].out != NULL ? PLQ_OK : PLQ_E_PIN), rows[i].in);
    if (rows[i].out != NULL) EXPECT_ROW(strcmp(text, rows[i].out) == 0, text);
    if (rows[i].out == NULL) EXPECT_ROW(error.status == PLQ_E_PIN && strncmp(error.message, "pins: ", 6) == 0, rows[i].in);
  }
  expect_rows_end();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, host_reset, host_leftover)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(falls_back),         CASE(takes_each), CASE(goes_by_lengths), CASE(the_last_one_counts), CASE(wipes),
      CASE(runs_out_of_memory), CASE(pins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
