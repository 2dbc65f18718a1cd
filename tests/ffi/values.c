/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "pack_json.h"

uint64_t seed;

/* xorshift64*: the same everywhere for the same seed. */
uint64_t random_bits(void) {
  static uint64_t state;
  if (state == 0) state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t below(uint64_t limit) {
  return (random_bits() >> 16) % limit;
}

static void *get(size_t size) {
  void *block = malloc(size);
  if (block == NULL) abort();
  return block;
}

/* ---- numbers ---- */

uint64_t number_hostile(int variant) {
  static const uint64_t numbers[NUMBER_VARIANTS - 2] = {0,
                                                        1,
                                                        2,
                                                        3,
                                                        15,
                                                        100,
                                                        15001,
                                                        INT32_MAX,
                                                        (uint64_t)INT32_MIN,
                                                        UINT32_MAX,
                                                        UINT64_C(1) << 32,
                                                        UINT64_C(1) << 53,
                                                        (UINT64_C(1) << 53) - 1,
                                                        INT64_MAX,
                                                        (uint64_t)INT64_MIN,
                                                        UINT64_MAX,
                                                        UINT64_MAX - 1,
                                                        INT64_MAX / 1000000 + 1};
  if (variant < NUMBER_VARIANTS - 2) return numbers[variant];
  return variant == NUMBER_VARIANTS - 1 ? random_bits() : below(32);
}

uint64_t number_good(const char *function, const char *argument) {
  static const struct {
    const char *argument;
    uint64_t number;
  } rows[] = {{"major", PLQ_ABI_MAJOR},
              {"minor", PLQ_ABI_MINOR},
              {"flags", 0},
              {"index", 0},
              {"row", 0},
              {"column", 0},
              {"which", 1},
              {"status", 15001},
              {"kind", 1},
              {"phase", 1},
              {"delivery", 1},
              {"max_repeats", 1},
              {"count", 1},
              {"timeout_ms", 100},
              {"room_timeout_ms", 0},
              {"cancel", 0},
              {"value", 1},
              {"tag", 7}};
  uint64_t number;
  if (recall(argument, &number)) return number;
  if (strcmp(function, "plq_queue_next") == 0 || strcmp(function, "plq_queue_next_message") == 0) return 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].argument, argument) == 0) return rows[i].number;
  return 0;
}

/* ---- texts ---- */

/* Rows of texts that a function takes, in the order of its arguments. */
static const struct {
  const char *function;
  const char *texts[2];
} rows[] = {
    {"plq_options_set", {"timeout_ms", "20000"}},
    {"plq_options_set", {"timeout_ms", "-1"}},
    {"plq_options_set", {"timeout_ms", NULL}},
    {"plq_options_set", {"max_repeats", "1"}},
    {"plq_options_set", {"access_token", "test-key-0000000000000000"}},
    {"plq_options_set", {"retry_statuses", "500,503"}},
    {"plq_options_set", {"retry_operations", "client_secrets.create"}},
    {"plq_options_set", {"queue_max_calls", "4"}},
    {"plq_options_set", {"max_connections", "2"}},
    {"plq_options_set", {"max_body_bytes", "65536"}},
    {"plq_options_set", {"base_url", "https://localhost:1/api"}},
    {"plq_options_set_number", {"max_repeats"}},
    {"plq_options_set_number", {"max_connections"}},
    {"plq_options_set_number", {"queue_threads"}},
    {"plq_options_get", {"timeout_ms"}},
    {"plq_options_get", {"access_token"}},
    {"plq_options_get", {"base_url"}},
    {"plq_client_set_tokens", {"test-key-0000000000000000", NULL}},
    {"plq_client_set_tokens", {"test-key-0000000000000000", "test-key-1111111111111111"}},
    {"plq_client_set_tokens", {NULL, NULL}},
    {"plq_client_observe", {"call_start", ""}},
    {"plq_client_observe", {"call_end", "status:i32 elapsed_us:u64 trace_id:str"}},
    {"plq_client_observe", {"attempt_start", NULL}},
    {"plq_table_new", {"tables"}},
    {"plq_table_new", {"options"}},
    {"plq_table_new", {"operation_fields"}},
    {"plq_table_new", {"transports"}},
    {"plq_table_new", {"transport_options"}},
    {"plq_table_new", {"statuses"}},
    {"plq_request_new", {"client_secrets.create"}},
    {"plq_request_new", {"client_secrets.create_v2"}},
    {"plq_request_set", {"payer.id", "00000000-0000-4000-8000-000000000001"}},
    {"plq_request_set", {"payer.id", NULL}},
    {"plq_request_set", {"type", "CARD"}},
    {"plq_request_set", {"trace_id", "00000000-0000-4000-8000-000000000002"}},
    {"plq_request_set", {"user_agent", "test-agent/1.0"}},
    {"plq_request_set", {"end_user_device_id", "test-device"}},
    {"plq_request_set", {"end_user_ip", "192.0.2.1"}},
    {"plq_request_set", {"end_user_ip", "2001:db8::1"}},
    {"plq_request_add_header", {"X-Test", "a b"}},
    {"plq_request_add_header", {"End-User-Ip", "192.0.2.2"}},
    {"plq_request_set_extra", {"{}"}},
    {"plq_request_set_extra", {NULL}},
    {"plq_request_set_extra", {"{\"a\":[1,2.5,null,true,\"x\"]}"}},
    {"plq_request_set_extra", {"{\"payer\":{\"name\":\"Test\"}}"}},
    {"plq_response_text", {"client_secret"}},
    {"plq_response_take_secret", {"client_secret"}},
};
enum { ROWS = sizeof rows / sizeof *rows };

static char *words[1024]; /* names that the library knows */
static size_t word_count;

int text_row(const char *function) {
  int fitting[ROWS], count = 0;
  for (int i = 0; i < ROWS; i++)
    if (strcmp(rows[i].function, function) == 0) fitting[count++] = i;
  return count > 0 ? fitting[below((uint64_t)count)] : -1;
}

/* Of exactly this length, so that a byte too much that is read is one outside of the block. */
static struct bytes exact(const void *data, size_t len) {
  void *block = get(len);
  if (len > 0) memcpy(block, data, len);
  return (struct bytes){block, len, block};
}

static struct bytes terminated(const char *text) {
  struct bytes bytes = exact(text, strlen(text) + 1);
  bytes.len = PLQ_NUL;
  return bytes;
}

static struct bytes repeated(const char *unit, size_t times, bool nul) {
  size_t len = strlen(unit);
  char *block = get(len * times + nul);
  for (size_t i = 0; i < times; i++) memcpy(block + i * len, unit, len);
  if (nul) block[len * times] = '\0';
  return (struct bytes){block, nul ? PLQ_NUL : len * times, block};
}

static struct bytes random_bytes(size_t len) {
  uint8_t data[64];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)random_bits();
  return exact(data, len);
}

static const char *text_at(int row, int column) {
  return row >= 0 && column < 2 ? rows[row].texts[column] : "";
}

struct bytes text_good(int row, int column) {
  const char *text = text_at(row, column);
  if (text == NULL) return (struct bytes){NULL, below(2) ? PLQ_NUL : 0, NULL};
  return below(2) ? terminated(text) : exact(text, strlen(text));
}

struct bytes text_hostile(int variant, int row, int column) {
  static const char *const odd[] = {
      "",   "\xff\xfe", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80",    "\x01\r\n\x7f",   "%s%n%s%n%99999d",
      "-1", "1e309",    " ",     ",,,",          "../../x",  "9223372036854775808", "\xef\xbb\xbf{}", "{\"a\":1,"};
  enum { ODD = sizeof odd / sizeof *odd, MIB = 1024 * 1024 };
  const char *good = text_at(row, column);
  if (good == NULL) good = "";
  size_t len = strlen(good);
  if (variant < ODD) return below(2) ? terminated(odd[variant]) : exact(odd[variant], strlen(odd[variant]));
  switch (variant - ODD) {
    case 0:
      return (struct bytes){NULL, 0, NULL};
    case 1:
      return (struct bytes){NULL, 5, NULL};
    case 2:
      return (struct bytes){NULL, PLQ_NUL, NULL};
    case 3:
      return exact(good, len + 1); /* with the NUL in it */
    case 4:
      return exact(good, len > 0 ? len - 1 : 0);
    case 5:
      return repeated("a", 64 * 1024, true);
    case 6:
      return repeated("\xff", 64 * 1024 + 1, false);
    case 7:
      return repeated("[", 100 * 1024, true);
    case 8:
      return repeated("{\"a\":", 20 * 1024, false);
    case 9:
      return repeated(",a", 32 * 1024, true);
    case 10:
      return below(8) == 0 ? repeated("\xe2\x82\xac", MIB, false) : repeated("\xe2\x82\xac", 1024, true);
    case 11:
      return random_bytes((size_t)below(64));
    case 12: {
      struct bytes changed = exact(good, len);
      if (len > 0) ((uint8_t *)changed.at)[below(len)] ^= (uint8_t)(1u << below(8));
      return changed;
    }
    case 13: { /* what another function takes */
      const char *other = rows[below(ROWS)].texts[below(2)];
      return other != NULL ? terminated(other) : (struct bytes){NULL, 0, NULL};
    }
    default:
      return word_count > 0 ? terminated(words[below(word_count)]) : exact("", 0);
  }
}

/* ---- messages ---- */

static const char *const json_messages[] = {
    "{\"v\": 1, \"op\": \"client_secrets.create\", \"want\": [\"secret_handle\"]}",
    "{\"v\": 1, \"op\": \"client_secrets.create\"}",
    "{\"v\": 1, \"op\": \"client_secrets.create_v2\", \"want\": [\"secret_handle\", \"attempts\", \"events\"], \"timeout_ms\": "
    "5000, \"max_repeats\": 1,"
    " \"params\": {\"payer.id\": \"00000000-0000-4000-8000-000000000001\", \"end_user_ip\": null}, \"headers\": {\"X-Test\": "
    "\"1\"},"
    " \"extra\": {\"a\": [1, -2.5, null, {\"b\": true}]}}",
    "{\"v\": 1, \"op\": \"describe\", \"params\": {\"table\": \"options\"}}",
    "{\"v\": 1, \"op\": \"client_secrets.create\", \"timeout_ms\": -1}",
    "{\"v\": 1, \"op\": \"client_secrets.create\", \"headers\": [{\"name\": \"X-Test\", \"value\": \"1\", \"sensitive\": true}]}",
    /* from here on they break a rule */
    "{\"v\": 2, \"op\": \"client_secrets.create\"}",
    "{\"v\": 1, \"op\": \"client_secrets.creat\"}",
    "{\"v\": 1, \"op\": \"client_secrets.create\", \"wants\": []}",
    "{\"v\": 1, \"op\": \"describe\"}",
    "{\"op\": 1}",
    "[]",
};
enum { MESSAGES = sizeof json_messages / sizeof *json_messages, MESSAGES_GOOD = 6 };
static struct bytes messages[MESSAGES];

struct bytes message_good(void) {
  const struct bytes *one = &messages[below(2) ? 0 : below(MESSAGES_GOOD)];
  return exact(one->at, one->len);
}

struct bytes message_hostile(int variant) {
  static const struct {
    const char *bytes;
    size_t len;
  } odd[] = {{"\xdd\xff\xff\xff\xff", 5},
             {"\xdf\xff\xff\xff\xff", 5},
             {"\xc6\xff\xff\xff\xff", 5},
             {"\xdb\xff\xff\xff\xff", 5},
             {"\xc9\xff\xff\xff\xff\x01", 6},
             {"\xdd\x0f\xff\xff\xff\x01", 6},
             {"\xc1", 1},
             {"\x81\xc0\xc0", 3},
             {"\x80", 1},
             {"\x81\xa1v", 3},
             {"\x82\xa1v\x01\xa2op\xdb\x00\x10\x00\x00", 12}};
  enum { ODD = sizeof odd / sizeof *odd };
  const struct bytes *one = &messages[below(MESSAGES)];
  if (variant < ODD) return exact(odd[variant].bytes, odd[variant].len);
  switch (variant - ODD) {
    case 0:
      return (struct bytes){NULL, 0, NULL};
    case 1:
      return (struct bytes){NULL, 5, NULL};
    case 2:
      return exact("", 0);
    case 3:
      return repeated("\x91", 100 * 1024, false);
    case 4:
      return repeated(
          "\x81\xa1"
          "a",
          50 * 1024, false);
    case 5:
      return repeated("\x01", 64 * 1024, false);
    case 6:
      return exact(one->at, (size_t)below(one->len));
    case 7: {
      struct bytes longer = exact(one->at, one->len);
      longer.at = longer.block = realloc(longer.block, one->len + 1);
      if (longer.at == NULL) abort();
      ((uint8_t *)longer.at)[longer.len++] = (uint8_t)random_bits();
      return longer;
    }
    case 8:
      return random_bytes((size_t)below(64));
    case 9:
      return exact(messages[MESSAGES_GOOD + below(MESSAGES - MESSAGES_GOOD)].at, 0);
    case 10: {
      const struct bytes *wrong = &messages[MESSAGES_GOOD + below(MESSAGES - MESSAGES_GOOD)];
      return exact(wrong->at, wrong->len);
    }
    default: {
      struct bytes changed = exact(one->at, one->len);
      for (uint64_t n = 1 + below(3); n > 0; n--) ((uint8_t *)changed.at)[below(changed.len)] = (uint8_t)random_bits();
      return changed;
    }
  }
}

static void open_messages(void) {
  for (int i = 0; i < MESSAGES; i++) {
    json_object *value = json_tokener_parse(json_messages[i]);
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    if (value == NULL) abort();
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    test_pack_json(&packer, value);
    messages[i] = exact(buffer.data, buffer.size);
    msgpack_sbuffer_destroy(&buffer);
    json_object_put(value);
  }
}

/* ---- memory that is written ---- */

enum { GUARD = 16 };

struct bytes memory_hostile(int variant, size_t width) {
  static const size_t sizes[MEMORY_VARIANTS - 2] = {0, 1, 7, 64, 4096};
  if (variant == 0) return (struct bytes){NULL, 0, NULL};
  if (variant == 1) return (struct bytes){NULL, below(2) ? 5 : UINT32_MAX, NULL};
  size_t len = sizes[variant - 2], size = len * width;
  uint8_t *block = get(size + GUARD);
  memset(block, SLOT_FILLER, size + GUARD);
  return (struct bytes){block, len, block};
}

static bool is_filler(const uint8_t *at, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (at[i] != SLOT_FILLER) return false;
  return true;
}

bool memory_unharmed(const struct bytes *memory, size_t width) {
  return memory->block == NULL || is_filler((uint8_t *)memory->block + memory->len * width, GUARD);
}

struct bytes slot_new(size_t width) {
  uint8_t *block = get(GUARD + width + GUARD);
  memset(block, SLOT_FILLER, GUARD + width + GUARD);
  return (struct bytes){block + GUARD, width, block};
}

bool slot_unharmed(const struct bytes *slot) {
  return is_filler(slot->block, GUARD) && is_filler((uint8_t *)slot->at + slot->len, GUARD);
}

bool slot_unwritten(const struct bytes *slot) {
  return is_filler(slot->at, slot->len);
}

uint64_t slot_number(const struct bytes *slot) {
  uint64_t number = 0;
  uint32_t half;
  if (slot->len == sizeof half) {
    memcpy(&half, slot->at, sizeof half);
    return half;
  }
  memcpy(&number, slot->at, sizeof number);
  return number;
}

/* ---- all of it ---- */

/* The names in a table of the library are words that it knows, and so worth passing anywhere. */
static void learn(const char *name, const plq_options *options) {
  plq_table *table = NULL;
  if (library.plq_table_new(name, PLQ_NUL, options, &table, NULL) != PLQ_OK)
    problem("plq_table_new", "the table %s cannot be made", name);
  for (uint32_t column = 0; column < library.plq_table_columns(table); column++) {
    if (strcmp(library.plq_table_column(table, column, NULL), "name") != 0) continue;
    for (uint32_t row = 0; row < library.plq_table_rows(table) && word_count < sizeof words / sizeof *words; row++)
      if ((words[word_count++] = strdup(library.plq_table_text(table, row, column, NULL))) == NULL) abort();
  }
  library.plq_table_free(table);
}

void values_open(void) {
  static const char *const tables[] = {"tables",       "operations", "operation_fields",
                                       "options",      "transports", "transport_options",
                                       "capabilities", "events",     "event_fields"};
  plq_options *options = NULL;
  open_messages();
  library.plq_options_new(PLQ_NO_AMBIENT, &options, NULL);
  library.plq_options_set(options, "transport_dir", PLQ_NUL, library.transports, PLQ_NUL, NULL);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) learn(tables[i], options);
  library.plq_options_free(options);
}

void values_close(void) {
  for (int i = 0; i < MESSAGES; i++) free(messages[i].block);
  while (word_count > 0) free(words[--word_count]);
}
