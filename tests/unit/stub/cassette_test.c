/* SPDX-License-Identifier: MIT */
/* Cassettes by themselves: what is taken out of an attempt, what comes back from a file, and files that are damaged in every way.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "cassette.h"
#include "codec/scan.h"
#include "host.h"

#define TOKEN "test-token-8f3a91c27d"
#define SECRET "cs_live_4h5s8d1k2j9q"
#define CARD "5500005555555559"

static char folder[400];
static char path[480];

static int setup(void **state) {
  (void)state;
  temporary_folder(folder, sizeof folder);
  snprintf(path, sizeof path, "%s/a.cassette", folder);
  host_time_ns = START;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  rmdir(folder);
  assert_int_equal(blocks, 0);
  return 0;
}

/* ---- secrets ---- */

static cassette_text text_of(const char *text) {
  return (cassette_text){text, strlen(text)};
}

static cassette_secrets known(void) {
  cassette_secrets secrets = {.host = &host};
  assert_true(cassette_secrets_add(&secrets, text_of(TOKEN)));
  assert_true(cassette_secrets_add(&secrets, text_of("pin-77")));
  return secrets;
}

static void cards(void **state) {
  static const char *const rows[][2] = {
      {CARD, "1111111111111111"},
      {"a " CARD ".", "a 1111111111111111."},
      {"4111 1111 1111 1111", "1111 1111 1111 1111"},
      {"4111-1111-1111-1111 12/27", "1111-1111-1111-1111 12/27"},
      {"3782 822463 10005", "1111 111111 11111"},
      {"x4222222222222", "x1111111111111"},
      {"6304000000000000001", "6304000000000000001"}, /* the sum is wrong */
      {"4111111111111112", "4111111111111112"},
      {"411111111111", "411111111111"},
      {"12345678901234567890", "12345678901234567890"},
      {"2b1e4a5e-1111-4222-8333-444455556666", "2b1e4a5e-1111-4222-8333-444455556666"},
      {"00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000"},
      {"2026-11-26 11:33:57", "2026-11-26 11:33:57"},
      {"", ""},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    char text[64];
    snprintf(text, sizeof text, "%s", rows[i][0]);
    cassette_scrub_cards(text, strlen(text));
    EXPECT_ROW(strcmp(text, rows[i][1]) == 0, text);
  }
  expect_rows_end();
}

static void lines(void **state) {
  static const char *const rows[][2] = {
      {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n"},
      {"HTTP/2 401\r\n", "HTTP/2 401\r\n"},
      {"HTTP/1.1 401 no " TOKEN "\r\n", "HTTP/1.1 401 no xxxxxxxxxxxxxxxxxxxxx\r\n"},
      {"HTTP/1.1 400 k9s8d7f6g5h4j3k2\r\n", "HTTP/1.1 400 xxxxxxxxxxxxxxxx\r\n"},
      {"HTTP/1.1secret 200 OK\r\n", "HTTP/x.xxxxxxx xxx xx\r\n"},
      {"HTTP/1.1 2x0 ?\n", "HTTP/1.1 2x0 ?\n"},
      {"Content-Length: 35\r\n", "Content-Length: 35\r\n"},
      {"content-type: application/json; charset=utf-8\r\n", "content-type: application/json; charset=utf-8\r\n"},
      {"Trace-Id: 2b1e4a5e-1111-4222-8333-444455556666\r\n", "Trace-Id: 2b1e4a5e-1111-4222-8333-444455556666\r\n"},
      {"Trace-Id: " TOKEN "\r\n", "Trace-Id: xxxxxxxxxxxxxxxxxxxxx\r\n"},
      {"Retry-After: 30\r\n", "Retry-After: 30\r\n"},
      {"Set-Cookie: a=b; Path=/\r\n", "Set-Cookie: xxxx xxxxxx\r\n"},
      {"X-Anything: some value\xc3\xa9\r\n", "X-Anything: xxxx xxxxx\xe9\xe9\r\n"},
      {"WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"},
      {"WWW-Authenticate: Bearer token=\"" SECRET "\"\r\n", "WWW-Authenticate: Bearer token=\"xxxxxxxxxxxxxxxxxxxx\"\r\n"},
      {"X-" TOKEN ": 1\r\n", "x-xxxx-xxxxx-xxxxxxxxxx: x\r\n"},
      {"no colon here\r\n", "xx xxxxx xxxx\r\n"},
      {"Bad Name: value\r\n", "xxx xxxx: xxxxx\r\n"},
      {"b@d: value\r\n", "x@x: xxxxx\r\n"},
      {" folded\r\n", " xxxxxx\r\n"},
      {"\r\n", "\r\n"},
      {"\n", "\n"},
  };
  cassette_secrets secrets = known();
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct plq__text line = exact((struct plq__text){rows[i][0], strlen(rows[i][0])});
    cassette_scrub_line(&secrets, (char *)(uintptr_t)line.at, line.len);
    EXPECT_ROW(line.len == strlen(rows[i][1]) && memcmp(line.at, rows[i][1], line.len) == 0, rows[i][0]);
    free((char *)(uintptr_t)line.at);
  }
  cassette_secrets_clear(&secrets);
  expect_rows_end();
}

static void bodies(void **state) {
  static const struct {
    cassette_body_kind kind;
    const char *from, *to;
  } rows[] = {
      /* a success keeps no text at all */
      {CASSETTE_BODY_ANSWER, "{\"clientSecret\":\"cs_live_4h5s8d1k2j9q\"}", "{\"clientSecret\":\"test-secret-00000001\"}"},
      {CASSETTE_BODY_ANSWER, "{\"clientSecret\":\"cs_live_4h5s8d1k2j9qXYZ\"}", "{\"clientSecret\":\"test-secret-xxx00000001\"}"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"short\",\"b\":\"\"}", "{\"a\":\"test-\",\"b\":\"\"}"},
      {CASSETTE_BODY_ANSWER, " [ \"a\" , {\"code\":\"b\"} ] ", " [ \"t\" , {\"code\":\"t\"} ] "},
      {CASSETTE_BODY_ANSWER, "\"abc\"", "\"tes\""},
      {CASSETTE_BODY_ANSWER, "{\"a\":[true,false,null,-1.5e3,123456789]}", "{\"a\":[true,false,null,-1.5e3,123456789]}"},
      {CASSETTE_BODY_ANSWER, "{\"a\":1234567890,\"b\":-0.1234567890}", "{\"a\":1111111111,\"b\":-1.1111111111}"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"x\\u0041\\n\\u0000y\\ud83d\\ude00\"}", "{\"a\":\"test-se\\n\\u0000xxxxx00000001\"}"},
      {CASSETTE_BODY_ANSWER, "{\"line_2_of_3\":1}", "{\"line_2_of_3\":1}"},
      {CASSETTE_BODY_ANSWER, "{\"4fa85f6412\":1}", "{\"test-secre\":1}"},
      {CASSETTE_BODY_ANSWER, "{\"n\\u0061me\":1}", "{\"n\\u0061me\":1}"},
      {CASSETTE_BODY_ANSWER, "\xef\xbb\xbf{\"a\":\"b\"}", "\xef\xbb\xbf{\"a\":\"t\"}"},
      /* what is no JSON is nothing */
      {CASSETTE_BODY_ANSWER, "{\"clientSecret\":\"cs_live", "xxxxxxxxxxxxxxxxxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"b\"}}", "xxxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\" \"b\"}", "xxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"\\q\"}", "xxxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"\\ud800\"}", "xxxxxxxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"\xff\"}", "xxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\":\"\t\"}", "xxxxxxxxx"},
      {CASSETTE_BODY_ANSWER, "{\"a\":01}", "xxxxxxxx"},
      {CASSETTE_BODY_ERROR, "<html>no</html>", "xxxxxxxxxxxxxxx"},
      {CASSETTE_BODY_ERROR, " ", "x"},
      {CASSETTE_BODY_ERROR, "", ""},
      /* an error tells what went wrong */
      {CASSETTE_BODY_ERROR, "{\"code\":\"VALIDATION_ERROR\",\"message\":\"no payer\",\"statusCode\":400}",
       "{\"code\":\"VALIDATION_ERROR\",\"message\":\"no payer\",\"statusCode\":400}"},
      {CASSETTE_BODY_ERROR, "{\"errors\":[{\"details\":\"a b\"},\"c\"],\"details\":[\"d\",[\"e\"]]}",
       "{\"errors\":[{\"details\":\"a b\"},\"c\"],\"details\":[\"d\",[\"e\"]]}"},
      {CASSETTE_BODY_ERROR, "{\"details\":{\"other\":\"kept?\"},\"hint\":\"no\"}",
       "{\"details\":{\"other\":\"test-\"},\"hint\":\"te\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"token " TOKEN " is bad\"}", "{\"message\":\"token xxxxxxxxxxxxxxxxxxxxx is bad\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"pin-77\"}", "{\"message\":\"xxxxxx\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"a\\npin-77\"}", "{\"message\":\"t\\nt-secr\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"p\\u0069n-77\"}", "{\"message\":\"test-secret\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"not \\u0061 word\"}", "{\"message\":\"test-secret-001\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"key k9s8d7f6g5h4j3k2 or\\nk9s8d7f6g5h4j3k2\"}",
       "{\"message\":\"key xxxxxxxxxxxxxxxx or\\nxxxxxxxxxxxxxxxx\"}"},
      {CASSETTE_BODY_ERROR, "{\"traceId\":\"2b1e4a5e-1111-4222-8333-444455556666\"}",
       "{\"traceId\":\"2b1e4a5e-1111-4222-8333-444455556666\"}"},
      {CASSETTE_BODY_ERROR, "{\"message\":\"card " CARD "\"}", "{\"message\":\"card xxxxxxxxxxxxxxxx\"}"},
      {CASSETTE_BODY_ERROR, "{\"" TOKEN "\":1}", "{\"test-secret-x00000001\":1}"},
      /* a request keeps its texts */
      {CASSETTE_BODY_REQUEST, "{\"payer\":{\"id\":\"2b1e4a5e-1111-4222-8333-444455556666\"},\"type\":\"CARD\",\"n\":12345678901}",
       "{\"payer\":{\"id\":\"2b1e4a5e-1111-4222-8333-444455556666\"},\"type\":\"CARD\",\"n\":12345678901}"},
      {CASSETTE_BODY_REQUEST, "{\"card\":\"" CARD "\",\"n\":" CARD "}", "{\"card\":\"1111111111111111\",\"n\":1111111111111111}"},
      {CASSETTE_BODY_REQUEST, "{\"a\":\"" TOKEN "\",\"b\":\"\\\"pin-77\"}",
       "{\"a\":\"xxxxxxxxxxxxxxxxxxxxx\",\"b\":\"test-sec\"}"},
      {CASSETTE_BODY_REQUEST, "a=b", "xxx"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    cassette_secrets secrets = known();
    uint64_t number = 0;
    struct plq__text body = exact((struct plq__text){rows[i].from, strlen(rows[i].from)});
    assert_true(cassette_scrub_body(&secrets, rows[i].kind, &number, (char *)(uintptr_t)body.at, body.len));
    bool same = body.len == strlen(rows[i].to) && memcmp(body.at, rows[i].to, body.len) == 0;
    if (!same) print_error("%.*s\n", (int)body.len, body.at);
    EXPECT_ROW(same, rows[i].from);
    free((char *)(uintptr_t)body.at);
    cassette_secrets_clear(&secrets);
  }
  expect_rows_end();
}

static void schemes(void **state) {
  static const char *const rows[][3] = {
      {"Authorization", "Bearer abc", "Bearer"},
      {"authorization", "basic abc", "basic"},
      {"Authorization", "half other", ""},
      {"Authorization", "abc", ""},
      {"Authorization", "", ""},
      {"X-Key", "Bearer abc", ""},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    cassette_arena arena = {.host = &host};
    cassette_secrets secrets = {.host = &host};
    cassette_request kept;
    plq_transport_header header = {.name = rows[i][0],
                                   .name_len = strlen(rows[i][0]),
                                   .value = rows[i][1],
                                   .value_len = strlen(rows[i][1]),
                                   .flags = PLQ_TRANSPORT_HEADER_SENSITIVE};
    plq_transport_target target = {.struct_size = sizeof target, .origin = "o", .origin_len = 1};
    plq_transport_request request = {.struct_size = sizeof request,
                                     .header_stride = sizeof header,
                                     .target = &target,
                                     .method = "GET",
                                     .method_len = 3,
                                     .path = "/",
                                     .path_len = 1,
                                     .headers = &header,
                                     .header_count = 1};
    assert_true(cassette_request_keep(&arena, &secrets, &request, &kept));
    EXPECT_ROW(kept.headers[0].secret && kept.headers[0].value.len == strlen(rows[i][2]) &&
                   memcmp(kept.headers[0].value.at, rows[i][2], kept.headers[0].value.len) == 0,
               rows[i][1]);
    cassette_secrets_clear(&secrets);
    cassette_arena_clear(&arena);
  }
  expect_rows_end();
}

/* Also one that does not look like a secret, and however it was written. */
static void what_was_given_out_is_known(void **state) {
  cassette_secrets secrets = {.host = &host};
  char given[] = "{\"clientSecret\":\"blue\\u0067reen\"}", told[] = "{\"message\":\"not bluegreen, but red\"}";
  uint64_t number = 0;
  (void)state;
  assert_true(cassette_scrub_body(&secrets, CASSETTE_BODY_ANSWER, &number, given, strlen(given)));
  assert_true(cassette_scrub_body(&secrets, CASSETTE_BODY_ERROR, &number, told, strlen(told)));
  assert_string_equal(told, "{\"message\":\"not xxxxxxxxx, but red\"}");
  cassette_secrets_clear(&secrets);
}

/* ---- what the core makes of a body, before and after ---- */

static uint32_t dice(void) {
  static uint32_t seed = 20260101;
  seed ^= seed << 13;
  seed ^= seed >> 17;
  return seed ^= seed << 5;
}

static void mutate(char *text, size_t len) {
  static const char signs[] = "{}[]:,\"\\u0aZ \n-.eE+tnf\x80\xc3\xed\xf4\xff\x01";
  for (uint32_t i = dice() % 3; i > 0; i--) text[dice() % len] = signs[dice() % (sizeof signs - 1)];
}

/* A body that is refused must be refused when it is replayed, and one that is taken must be taken. */
static void the_verdict_stays(void **state) {
  static const char *const seeds[] = {
      "{\"clientSecret\":\"cs_live_1234567890\",\"a\":[1,2.5e3,{\"b\":null}],\"c\":\"\\ud83d\\ude00\\u0000\\n\"}",
      "\xef\xbb\xbf{ \"clientSecret\" : \"\xc3\xa9\xf0\x9f\x98\x80\" , \"d\" : { } , \"e\" : [ ] }",
      "{\"clientSecret\":\"\",\"clientSecret\":\"x\",\"f\":-0,\"g\":[[[[true,false]]]]}",
  };
  size_t taken = 0;
  (void)state;
  for (int round = 0; round < 60000; round++) {
    char body[160];
    struct plq__scan_member before = {.name = "clientSecret"}, after = before;
    cassette_secrets secrets = {.host = &host};
    uint64_t number = 0;
    int len = snprintf(body, sizeof body, "%s", seeds[(size_t)round % COUNT(seeds)]);
    mutate(body, (size_t)len);
    struct plq__text copy = exact((struct plq__text){body, (size_t)len});
    bool first = plq__scan_object(body, (size_t)len, &before, 1);
    assert_true(cassette_scrub_body(&secrets, CASSETTE_BODY_ANSWER, &number, (char *)(uintptr_t)copy.at, copy.len));
    bool second = plq__scan_object(copy.at, copy.len, &after, 1);
    taken += first;
    EXPECT_ROW(first == second, body);
    if (first && second) EXPECT_ROW(before.kind == after.kind && before.raw_len == after.raw_len, body);
    free((char *)(uintptr_t)copy.at);
    cassette_secrets_clear(&secrets);
  }
  expect_rows_end();
  assert_true(taken > 10000);
}

/* ---- what is known ---- */

static void many_secrets(void **state) {
  cassette_secrets secrets = {.host = &host};
  char text[32];
  (void)state;
  assert_true(cassette_secrets_add(&secrets, text_of("abc"))); /* too short to be looked for */
  assert_false(cassette_secrets_in(&secrets, text_of("abc")));
  for (int i = 0; i < CASSETTE_SECRETS + 5; i++) {
    snprintf(text, sizeof text, "secret number %d.", i);
    assert_true(cassette_secrets_add(&secrets, text_of(text)));
    assert_true(cassette_secrets_add(&secrets, text_of(text)));
  }
  assert_false(cassette_secrets_in(&secrets, text_of("the secret number 4.")));
  assert_true(cassette_secrets_in(&secrets, text_of("the secret number 5.")));
  snprintf(text, sizeof text, "secret number %d.", CASSETTE_SECRETS + 4);
  assert_true(cassette_secrets_in(&secrets, text_of(text)));
  cassette_secrets_clear(&secrets);
}

/* The one that is left of two that overlap would tell a part of the other. */
static void overlapping_secrets(void **state) {
  cassette_secrets secrets = {.host = &host};
  char text[] = "<abcd1234efgh>";
  (void)state;
  assert_true(cassette_secrets_add(&secrets, text_of("abcd1234")));
  assert_true(cassette_secrets_add(&secrets, text_of("1234efgh")));
  cassette_scrub_message(&secrets, text, sizeof text - 1);
  assert_string_equal(text, "<xxxxxxxxxxxx>");
  cassette_secrets_clear(&secrets);
}

/* ---- recording ---- */

#define HEADER(n, v, f) \
  { .name = n, .name_len = sizeof(n) - 1, .value = v, .value_len = sizeof(v) - 1, .flags = f }
static const plq_transport_header headers[] = {
    HEADER("Accept", "application/json", 0),
    HEADER("Trace-Id", "2b1e4a5e-1111-4222-8333-444455556666", 0),
    HEADER("User-Agent", "libplastiq/0.1.0", 0),
    HEADER("End-User-Ip", "192.0.2.1", 0),
    HEADER("X-Pin", "pin-4711", PLQ_TRANSPORT_HEADER_SENSITIVE),
    HEADER("Cookie", "session=1234567", 0),
    HEADER("Authorization", "Bearer " TOKEN, PLQ_TRANSPORT_HEADER_SENSITIVE),
};
#define ORIGIN "https://plastiq.test"
#define BODY "{\"extra\":\"" TOKEN "\",\"card\":\"" CARD "\"}"
static const plq_transport_target target = {
    .struct_size = sizeof target, .flags = PLQ_TARGET_TLS, .port = 443, .origin = ORIGIN, .origin_len = sizeof ORIGIN - 1};

static plq_transport_request request_of(const char *body) {
  return (plq_transport_request){.struct_size = sizeof(plq_transport_request),
                                 .header_stride = sizeof headers[0],
                                 .op = 1,
                                 .target = &target,
                                 .method = "POST",
                                 .method_len = 4,
                                 .path = "/api/client-secrets",
                                 .path_len = 19,
                                 .headers = headers,
                                 .header_count = COUNT(headers),
                                 .body = (const uint8_t *)body,
                                 .body_len = body == NULL ? 0 : strlen(body)};
}

static const plq_transport_connection connection = {
    .struct_size = sizeof connection,
    .known = PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED | PLQ_FACT_PEER | PLQ_FACT_SPKI,
    .flags = PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED,
    .tls_version = 0x0304,
    .http_version = 11,
    .peer_port = 443,
    .spki_sha256 = {1, 2, 3},
    .peer_address = "192.0.2.9",
    .tls_cipher = "TLS_AES_128_GCM_SHA256"};
static const plq_transport_transfer transfer = {.struct_size = sizeof transfer,
                                                .queue_ns = 0,
                                                .resolve_ns = -1,
                                                .connect_ns = 3,
                                                .tls_ns = 4,
                                                .send_ns = 5,
                                                .first_byte_ns = 6,
                                                .total_ns = 70,
                                                .bytes_sent = 1000,
                                                .bytes_received = UINT64_C(1) << 40};
static const cassette_about about = {
    .recorded_s = 1700000000, .library = "0.1.0", .transport = "curl", .transport_version = "0.1.0", .stack = "libcurl/7.88.1"};

static void pass(int64_t ns) {
  host_time_ns += ns;
}

static void tell_lines(cassette_take *take, const char *text) {
  while (*text != '\0') {
    size_t len = (size_t)(strchr(text, '\n') - text) + 1;
    cassette_take_line(take, text, len);
    text += len;
  }
}

/* A success, with an interim response, trailers and a secret. */
static void take_success(cassette_take *take, const plq_transport_request *request) {
  cassette_take_begin(take, &host, request);
  pass(10 * MS);
  cassette_take_connected(take, &connection);
  pass(10 * MS);
  tell_lines(take, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: " SECRET "\r\n\r\n");
  cassette_take_body(take, (const uint8_t *)"{\"clientSecret\":\"", 17);
  cassette_take_body(take, (const uint8_t *)SECRET "\"}", sizeof SECRET + 1);
  tell_lines(take, "X-Trailer: " SECRET "\r\n\r\n");
  pass(5 * MS);
  cassette_take_end(take, NULL, &transfer);
}

/* An error that says too much: its own token, and a secret that was given out before. */
static void take_error(cassette_take *take, const plq_transport_request *request) {
  static const char body[] =
      "{\"code\":\"AUTHORIZATION_ERROR\",\"message\":\"" TOKEN " and " SECRET " and pin-4711 and 1234567\"}";
  cassette_take_begin(take, &host, request);
  cassette_take_connected(take, &connection);
  tell_lines(take, "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n");
  cassette_take_body(take, (const uint8_t *)body, sizeof body - 1);
  cassette_take_end(take, NULL, NULL);
}

static void take_failure(cassette_take *take, const plq_transport_request *request) {
  plq_transport_error error = {.struct_size = sizeof error,
                               .status = PLQ_E_CONNECT_REFUSED,
                               .phase = PLQ_PHASE_CONNECT,
                               .delivery = PLQ_DELIVERY_NOT_SENT,
                               .os_errno = ECONNREFUSED,
                               .plugin_code = -7,
                               .message = "refused, and " TOKEN " was not sent"};
  cassette_take_begin(take, &host, request);
  pass(3 * MS);
  cassette_take_end(take, &error, &transfer);
}

typedef void take_fn(cassette_take *take, const plq_transport_request *request);

static int32_t record(cassette_writer *writer, take_fn *how) {
  cassette_take take;
  cassette_problem problem = {""};
  plq_transport_request request = request_of(BODY);
  how(&take, &request);
  int32_t status = cassette_writer_add(writer, &take, &problem);
  if (status != PLQ_OK) assert_true(problem.text[0] != '\0');
  cassette_take_clear(&take);
  return status;
}

static void open_writer(cassette_writer *writer) {
  cassette_problem problem;
  assert_int_equal(cassette_writer_open(writer, &host, path, &about, &problem), PLQ_OK);
}

static void record_three(void) {
  cassette_writer writer;
  open_writer(&writer);
  assert_int_equal(record(&writer, take_success), PLQ_OK);
  assert_int_equal(record(&writer, take_error), PLQ_OK);
  assert_int_equal(record(&writer, take_failure), PLQ_OK);
  assert_true(cassette_writer_close(&writer));
}

/* The file's bytes; to be freed. */
static char *bytes_of(size_t *out_len) {
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(fstat(fd, &info), 0);
  char *bytes = malloc((size_t)info.st_size + 1);
  assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
  close(fd);
  *out_len = (size_t)info.st_size;
  return bytes;
}

static bool is(cassette_text text, const char *other) {
  return text.len == strlen(other) && memcmp(text.at, other, text.len) == 0;
}

static void assert_text(cassette_text text, const char *other) {
  if (!is(text, other)) fail_msg("\"%.*s\" is not \"%s\"", (int)text.len, text.at, other);
}

static void comes_back(void **state) {
  cassette c;
  cassette_problem problem = {""};
  (void)state;
  record_three();
  if (cassette_read_file(&host, path, &c, &problem) != PLQ_OK) fail_msg("%s", problem.text);
  assert_int_equal(c.count, 3);
  assert_true(c.complete);
  assert_memory_equal(&c.about, &about, sizeof about);
  const cassette_entry *e = &c.entries[0];
  assert_text(e->request.method, "POST");
  assert_text(e->request.origin, ORIGIN);
  assert_text(e->request.path, "/api/client-secrets");
  assert_int_equal(e->request.header_count, COUNT(headers));
  assert_text(e->request.headers[3].name, "End-User-Ip");
  assert_text(e->request.headers[3].value, "192.0.2.1");
  assert_false(e->request.headers[3].secret);
  for (int i = 4; i <= 6; i++) assert_true(e->request.headers[i].secret);
  assert_text(e->request.headers[4].value, "");
  assert_text(e->request.headers[5].value, "");
  assert_text(e->request.headers[6].value, "Bearer");
  assert_text(e->request.body, "{\"extra\":\"xxxxxxxxxxxxxxxxxxxxx\",\"card\":\"1111111111111111\"}");
  assert_true(e->connected && !e->failed && e->has_transfer);
  assert_memory_equal(&e->connection, &connection, sizeof connection);
  assert_memory_equal(&e->transfer, &transfer, sizeof transfer);
  assert_int_equal(e->connected_ns, 10 * MS);
  assert_int_equal(e->first_ns, 20 * MS);
  assert_int_equal(e->end_ns, 25 * MS);
  assert_int_equal(e->line_count, 5);
  assert_text(e->lines[0], "HTTP/1.1 103 Early Hints\r\n");
  assert_text(e->lines[3], "Set-Cookie: xxxxxxxxxxxxxxxxxxxx\r\n");
  assert_text(e->body, "{\"clientSecret\":\"test-secret-00000001\"}");
  assert_int_equal(e->trailer_count, 2);
  assert_text(e->trailers[0], "X-Trailer: xxxxxxxxxxxxxxxxxxxx\r\n");
  e = &c.entries[1];
  assert_text(e->body,
              "{\"code\":\"AUTHORIZATION_ERROR\",\"message\":\"xxxxxxxxxxxxxxxxxxxxx and xxxxxxxxxxxxxxxxxxxx and xxxxxxxx and "
              "1234567\"}");
  assert_false(e->has_transfer);
  e = &c.entries[2];
  assert_true(e->failed && !e->connected);
  assert_int_equal(e->error.status, PLQ_E_CONNECT_REFUSED);
  assert_int_equal(e->error.phase, PLQ_PHASE_CONNECT);
  assert_int_equal(e->error.delivery, PLQ_DELIVERY_NOT_SENT);
  assert_int_equal(e->error.os_errno, ECONNREFUSED);
  assert_int_equal(e->error.plugin_code, -7);
  assert_string_equal(e->error.message, "refused, and xxxxxxxxxxxxxxxxxxxxx was not sent");
  assert_int_equal(e->connected_ns, -1);
  assert_int_equal(e->end_ns, 3 * MS);
  cassette_clear(&c);
}

static void holds_no_secret(void **state) {
  static const char *const secrets[] = {TOKEN, SECRET, CARD, "pin-4711", "session=1234567"};
  size_t len = 0;
  struct stat info;
  (void)state;
  record_three();
  char *bytes = bytes_of(&len);
  for (size_t i = 0; i < COUNT(secrets); i++) {
    /* not a half of it either */
    size_t half = (strlen(secrets[i]) + 1) / 2;
    EXPECT_ROW(memmem(bytes, len, secrets[i], half) == NULL, secrets[i]);
    EXPECT_ROW(memmem(bytes, len, secrets[i] + strlen(secrets[i]) - half, half) == NULL, secrets[i]);
  }
  expect_rows_end();
  free(bytes);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
}

/* ---- the file ---- */

static void overwrites_nothing(void **state) {
  cassette_writer writer;
  cassette_problem problem = {""};
  struct stat before, after;
  (void)state;
  record_three();
  assert_int_equal(stat(path, &before), 0);
  assert_int_equal(cassette_writer_open(&writer, &host, path, &about, &problem), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(problem.text, "remove it, or choose another name"));
  assert_int_equal(stat(path, &after), 0);
  assert_int_equal(before.st_size, after.st_size);
  assert_int_equal(cassette_writer_open(&writer, &host, "/no/such/folder/x", &about, &problem), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(problem.text, "no such file or folder"));
  assert_int_equal(cassette_writer_open(&writer, &host, folder, &about, &problem), PLQ_E_OPTION_VALUE);
  char link[500];
  snprintf(link, sizeof link, "%s/link", folder); /* not followed, wherever it leads */
  assert_int_equal(symlink("/tmp/not-there-and-never-made", link), 0);
  assert_int_equal(cassette_writer_open(&writer, &host, link, &about, &problem), PLQ_E_OPTION_VALUE);
  unlink(link);
}

/* A process that dies leaves what it recorded: all of it can be read, and that it was not closed can be seen. */
static void is_there_at_once(void **state) {
  cassette_writer writer;
  cassette_problem problem;
  cassette c;
  (void)state;
  open_writer(&writer);
  for (size_t i = 0; i <= 3; i++) {
    assert_int_equal(cassette_read_file(&host, path, &c, &problem), PLQ_OK);
    assert_int_equal(c.count, i);
    assert_false(c.complete);
    cassette_clear(&c);
    assert_int_equal(record(&writer, i % 2 == 0 ? take_success : take_failure), PLQ_OK);
  }
  assert_true(cassette_writer_close(&writer));
  assert_int_equal(cassette_read_file(&host, path, &c, &problem), PLQ_OK);
  assert_int_equal(c.count, 4);
  assert_true(c.complete);
  cassette_clear(&c);
}

/* A disk that is full: what was recorded stays whole, and from then on nothing is. */
static void no_space(void **state) {
  cassette_writer writer;
  cassette_problem problem = {""};
  cassette c;
  struct rlimit old, small;
  (void)state;
  open_writer(&writer);
  assert_int_equal(record(&writer, take_success), PLQ_OK);
  assert_int_equal(cassette_writer_state(&writer, &problem), PLQ_OK);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = old;
  small.rlim_cur = (rlim_t)writer.size + 100;
  void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  int32_t got = record(&writer, take_success);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, before);
  assert_int_equal(got, PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(record(&writer, take_success), PLQ_E_RESOURCE_SYSTEM);
  assert_int_equal(cassette_writer_state(&writer, &problem), PLQ_E_RESOURCE_SYSTEM);
  assert_non_null(strstr(problem.text, "nothing is recorded any more"));
  assert_false(cassette_writer_close(&writer));
  assert_int_equal(cassette_read_file(&host, path, &c, &problem), PLQ_OK);
  assert_int_equal(c.count, 1);
  assert_false(c.complete);
  cassette_clear(&c);
}

static void *record_often(void *context) {
  for (int i = 0; i < 25; i++) {
    if (record(context, i % 2 == 0 ? take_success : take_error) != PLQ_OK) return context;
  }
  return NULL;
}

static void many_threads(void **state) {
  pthread_t threads[4];
  cassette_writer writer;
  cassette_problem problem;
  cassette c;
  void *failed = NULL;
  (void)state;
  open_writer(&writer);
  for (size_t i = 0; i < COUNT(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, record_often, &writer), 0);
  for (size_t i = 0; i < COUNT(threads); i++) {
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  assert_true(cassette_writer_close(&writer));
  assert_int_equal(cassette_read_file(&host, path, &c, &problem), PLQ_OK);
  assert_int_equal(c.count, 100);
  cassette_clear(&c);
}

/* ---- files that are damaged ---- */

/* Reads a copy of exactly these bytes. */
static int32_t read_exactly(const char *bytes, size_t len, cassette *out, cassette_problem *problem) {
  struct plq__text copy = exact((struct plq__text){bytes, len});
  problem->text[0] = '\0';
  int32_t status = cassette_read(&host, copy.at, copy.len, out, problem);
  free((char *)(uintptr_t)copy.at);
  if (status != PLQ_OK) assert_memory_equal(problem->text, "cassette: ", 10);
  return status;
}

/* Between two entries it may end: that is what a process that died leaves. */
static void cut_anywhere(void **state) {
  size_t len = 0, whole = 0;
  cassette c;
  cassette_problem problem;
  (void)state;
  record_three();
  char *bytes = bytes_of(&len);
  for (size_t cut = 0; cut < len; cut++) {
    int32_t status = read_exactly(bytes, cut, &c, &problem);
    if (status == PLQ_OK) {
      assert_false(c.complete);
      assert_int_equal(c.count, whole++);
      cassette_clear(&c);
      continue;
    }
    char says[80];
    snprintf(says, sizeof says, "it is cut off: the file ends at byte %zu, inside of ", cut);
    assert_int_equal(status, PLQ_E_OPTION_VALUE);
    assert_non_null(strstr(problem.text, cut == 0 ? "the file is empty" : says));
  }
  assert_int_equal(whole, 4); /* after the first map, and after each entry */
  assert_int_equal(read_exactly(bytes, len, &c, &problem), PLQ_OK);
  cassette_clear(&c);
  free(bytes);
}

/* Nothing that one byte can do is a crash, and what is read could be played. */
static void any_byte_changed(void **state) {
  size_t len = 0, taken = 0;
  cassette c;
  cassette_problem problem;
  (void)state;
  record_three();
  char *bytes = bytes_of(&len);
  for (size_t at = 0; at < len; at++) {
    char good = bytes[at];
    static const unsigned char masks[] = {0x01, 0x10, 0x80, 0xff, 0x5a};
    for (size_t i = 0; i < COUNT(masks); i++) {
      bytes[at] = (char)((unsigned char)good ^ masks[i]);
      if (read_exactly(bytes, len, &c, &problem) != PLQ_OK) continue;
      taken++;
      cassette_clear(&c);
    }
    bytes[at] = good;
  }
  assert_true(taken > 0); /* a text may be another text */
  free(bytes);
}

static void no_cassettes(void **state) {
  static const struct {
    const char *bytes;
    size_t len;
    const char *says;
  } rows[] = {
      {S(""), "the file is empty; record it"},
      {S("{\"plastiq\":1}"), "this is none: it does not begin with a map of msgpack"},
      {S("\xc1"), "this is none"},
      {S("\xef\xbb\xbf"), "this is none"},
      {S("\x93\x01\x02\x03"), "this is none"},
      {S("\x80"), "has no number plastiq_cassette"},
      {S("\x81\xb0plastiq_cassette\xa1x"), "has no number plastiq_cassette"},
      {S("\x82\xb0plastiq_cassette\x02\xa5other\xc0"), "of version 2, and this library reads version 1"},
      {S("\x81\xb0plastiq_cassette\x01"), "the map has 1 members; right are 6"},
      {S("\xdf\xff\xff\xff\xff"), "it is cut off"},
      {S("\x81\xdd\xff\xff\xff\xff\x01"), "it is cut off"},
      {S("\x81\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01\x01"), "this is none"},
  };
  cassette c;
  cassette_problem problem;
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    EXPECT_ROW(read_exactly(rows[i].bytes, rows[i].len, &c, &problem) == PLQ_E_OPTION_VALUE, rows[i].says);
    if (strstr(problem.text, rows[i].says) == NULL) EXPECT_ROW(false, problem.text);
  }
  expect_rows_end();
  assert_int_equal(cassette_read_file(&host, "/no/such/file", &c, &problem), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(problem.text, "cannot be read: there is no such file or folder"));
  assert_int_equal(cassette_read_file(&host, folder, &c, &problem), PLQ_E_OPTION_VALUE);
  assert_non_null(strstr(problem.text, "it is a folder"));
}

/* Entries that no transport could have made, each by one change of a good one. */
static void impossible(cassette_entry *e, int which) {
  static cassette_text line = {"no end", 6};
  switch (which) {
    case 0:
      e->number = 2;
      break;
    case 1:
      e->connected = false;
      break;
    case 2:
      e->connected_ns = -1;
      break;
    case 3:
      e->connected_ns = e->end_ns + 1;
      break;
    case 4:
      e->first_ns = -1;
      break;
    case 5:
      e->first_ns = e->end_ns + 1;
      break;
    case 6:
      e->line_count = 0;
      break;
    case 7:
      e->lines[0] = line;
      break;
    case 8:
      e->failed = true, e->error.status = 0;
      break;
    case 9:
      e->failed = true, e->error.phase = PLQ_PHASE_DECODE;
      break;
    case 10:
      e->failed = true, e->error.delivery = PLQ_DELIVERY_ANSWERED;
      break;
    case 11:
      e->end_ns = -1;
      break;
    case 12:
      e->transfer.total_ns = -2;
      break;
    default:
      break;
  }
}

static void impossible_entries(void **state) {
  plq_transport_request request = request_of(NULL);
  cassette c;
  cassette_problem problem;
  (void)state;
  for (int which = 0; which <= 13; which++) {
    cassette_bytes bytes = {.host = &host};
    cassette_take take;
    cassette_text rows[8];
    take_success(&take, &request);
    take.entry.error.status = PLQ_E_IO_RESET;
    take.entry.number = 1;
    memcpy(rows, take.entry.lines, take.entry.line_count * sizeof *rows);
    take.entry.lines = rows;
    impossible(&take.entry, which);
    assert_true(cassette_pack_about(&bytes, &about) && cassette_pack_entry(&bytes, &take.entry));
    int32_t status = read_exactly(bytes.at, bytes.len, &c, &problem);
    if (status != (which <= 12 ? PLQ_E_OPTION_VALUE : PLQ_OK)) fail_msg("%d: %s", which, problem.text);
    if (status == PLQ_OK) cassette_clear(&c);
    if (status != PLQ_OK) assert_non_null(strstr(problem.text, "cassette: entry 1 (at byte "));
    cassette_bytes_clear(&bytes);
    cassette_take_clear(&take);
  }
}

static void a_wrong_end(void **state) {
  cassette c;
  cassette_problem problem;
  (void)state;
  for (int which = 0; which < 3; which++) {
    cassette_bytes bytes = {.host = &host};
    assert_true(cassette_pack_about(&bytes, &about) && cassette_pack_end(&bytes, which == 0 ? 1 : 0));
    if (which == 2) assert_true(cassette_pack_end(&bytes, 0));
    int32_t status = read_exactly(bytes.at, bytes.len, &c, &problem);
    assert_int_equal(status, which == 1 ? PLQ_OK : PLQ_E_OPTION_VALUE);
    if (which == 1) cassette_clear(&c);
    if (which != 1) assert_non_null(strstr(problem.text, "entries are missing, or come after it"));
    cassette_bytes_clear(&bytes);
  }
}

/* ---- no memory ---- */

static void recording_without_memory(void **state) {
  (void)state;
  for (int left = 0;; left++) {
    cassette_writer writer;
    cassette_problem problem;
    allocations_left = left;
    int32_t status = cassette_writer_open(&writer, &host, path, &about, &problem);
    bool opened = status == PLQ_OK;
    if (opened) status = record(&writer, take_success);
    if (status == PLQ_OK) status = record(&writer, take_error);
    allocations_left = -1;
    if (opened) (void)cassette_writer_close(&writer);
    unlink(path);
    assert_int_equal(blocks, 0);
    if (status == PLQ_OK) break;
    assert_int_equal(status, PLQ_E_MEMORY);
  }
}

static void reading_without_memory(void **state) {
  cassette c;
  cassette_problem problem;
  (void)state;
  record_three();
  for (int left = 0;; left++) {
    allocations_left = left;
    int32_t status = cassette_read_file(&host, path, &c, &problem);
    allocations_left = -1;
    if (status == PLQ_OK) break;
    assert_int_equal(status, PLQ_E_MEMORY);
    assert_int_equal(blocks, 0);
  }
  cassette_clear(&c);
}

/* ---- matching ---- */

typedef struct change {
  const char *method, *path, *origin, *body; /* NULL: as recorded */
  const char *header;                        /* to be changed */
  const char *value;                         /* NULL: taken out */
  const char *says;                          /* NULL: it matches */
} change;

static void differences(void **state) {
  static const change rows[] = {
      {.says = NULL},
      {.method = "PUT", .says = "the method was \"POST\" and is \"PUT\""},
      {.path = "/api/v2/client-secrets", .says = "the path was \"/api/client-secrets\" and is \"/api/v2/client-secrets\""},
      {.origin = "https://plastiq.test:8443",
       .says = "the origin was \"https://plastiq.test\" and is \"https://plastiq.test:8443\""},
      {.header = "End-User-Ip", .value = "192.0.2.2", .says = "the header End-User-Ip was \"192.0.2.1\" and is \"192.0.2.2\""},
      {.header = "End-User-Ip", .says = "the header End-User-Ip was there and is not"},
      {.header = "X-New", .value = "1", .says = "the header X-New was not there and is"},
      {.header = "Trace-Id", .value = "00000000-0000-4000-8000-000000000000"},
      {.header = "Trace-Id"},
      {.header = "User-Agent", .value = "libplastiq/12.3.44"},
      {.header = "User-Agent", .value = "libplastiq/0.1.0 more/1", .says = "the header User-Agent was"},
      {.header = "User-Agent",
       .value = "other/0.1.0",
       .says = "the header User-Agent was \"libplastiq/0.1.0\" and is \"other/0.1.0\""},
      {.header = "Authorization", .value = "Bearer another-token-000"},
      {.header = "Authorization", .value = "Basic YTpi", .says = "the header Authorization was \"Bearer\" and is \"Basic\""},
      {.header = "Authorization", .says = "the header Authorization was there and is not"},
      {.header = "X-Pin", .value = "pin-0815"},
      {.header = "X-Pin", .says = "the header X-Pin was there and is not"},
      {.body = "{\"a\":1}", .says = "the body was \"{}\" and is \"{\"a\":1}\""},
      {.body = "{\"card\":\"5500005555555559\"}", .says = "the body was \"{}\" and is \"{\"card\":\"1111111111111111\"}\""},
      {.body = "", .says = "there was a body and is none"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    const change *row = &rows[i];
    cassette_arena arena = {.host = &host};
    cassette_secrets secrets = {.host = &host};
    cassette_request recorded, now;
    cassette_problem problem = {""};
    plq_transport_header changed[COUNT(headers) + 1];
    plq_transport_target other = target;
    plq_transport_request request = request_of("{}");
    assert_true(cassette_secrets_add_request(&secrets, &request));
    assert_true(cassette_request_keep(&arena, &secrets, &request, &recorded));
    size_t count = 0;
    bool found = false;
    for (size_t h = 0; h < COUNT(headers); h++) {
      bool hit = row->header != NULL && strcmp(headers[h].name, row->header) == 0;
      found = found || hit;
      if (hit && row->value == NULL) continue;
      changed[count] = headers[h];
      if (hit) changed[count].value = row->value, changed[count].value_len = strlen(row->value);
      count++;
    }
    if (row->header != NULL && !found)
      changed[count++] = (plq_transport_header){
          .name = row->header, .name_len = strlen(row->header), .value = row->value, .value_len = strlen(row->value)};
    request.headers = changed;
    request.header_count = count;
    request.target = &other;
    if (row->method != NULL) request.method = row->method, request.method_len = strlen(row->method);
    if (row->path != NULL) request.path = row->path, request.path_len = strlen(row->path);
    if (row->origin != NULL) other.origin = row->origin, other.origin_len = strlen(row->origin);
    if (row->body != NULL)
      request.body = row->body[0] == '\0' ? NULL : (const uint8_t *)row->body, request.body_len = strlen(row->body);
    assert_true(cassette_secrets_add_request(&secrets, &request));
    assert_true(cassette_request_keep(&arena, &secrets, &request, &now));
    bool same = cassette_match(&recorded, &now, &problem);
    if (same != (row->says == NULL) || (row->says != NULL && strstr(problem.text, row->says) == NULL))
      EXPECT_ROW(false, row->says == NULL ? problem.text : row->says);
    assert_null(strstr(problem.text, TOKEN));
    assert_null(strstr(problem.text, "another-token"));
    cassette_secrets_clear(&secrets);
    cassette_arena_clear(&arena);
  }
  expect_rows_end();
}

/* Of long texts, the part that differs is shown. */
static void long_differences(void **state) {
  char first[4000], second[4000];
  cassette_request a = {.method = {"POST", 4}, .origin = {"o", 1}, .path = {"/", 1}, .has_body = true}, b = a;
  cassette_problem problem;
  (void)state;
  memset(first, 'a', sizeof first);
  memset(second, 'a', sizeof second);
  second[3000] = 'b';
  a.body = (cassette_text){first, sizeof first};
  b.body = (cassette_text){second, sizeof second};
  assert_false(cassette_match(&a, &b, &problem));
  assert_non_null(strstr(problem.text, "..aaaaaaaaaaaabaaa"));
  assert_true(strlen(problem.text) < 160);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(cards, setup, teardown),
      cmocka_unit_test_setup_teardown(lines, setup, teardown),
      cmocka_unit_test_setup_teardown(bodies, setup, teardown),
      cmocka_unit_test_setup_teardown(schemes, setup, teardown),
      cmocka_unit_test_setup_teardown(what_was_given_out_is_known, setup, teardown),
      cmocka_unit_test_setup_teardown(the_verdict_stays, setup, teardown),
      cmocka_unit_test_setup_teardown(many_secrets, setup, teardown),
      cmocka_unit_test_setup_teardown(overlapping_secrets, setup, teardown),
      cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
      cmocka_unit_test_setup_teardown(holds_no_secret, setup, teardown),
      cmocka_unit_test_setup_teardown(overwrites_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(is_there_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(no_space, setup, teardown),
      cmocka_unit_test_setup_teardown(many_threads, setup, teardown),
      cmocka_unit_test_setup_teardown(cut_anywhere, setup, teardown),
      cmocka_unit_test_setup_teardown(any_byte_changed, setup, teardown),
      cmocka_unit_test_setup_teardown(no_cassettes, setup, teardown),
      cmocka_unit_test_setup_teardown(impossible_entries, setup, teardown),
      cmocka_unit_test_setup_teardown(a_wrong_end, setup, teardown),
      cmocka_unit_test_setup_teardown(recording_without_memory, setup, teardown),
      cmocka_unit_test_setup_teardown(reading_without_memory, setup, teardown),
      cmocka_unit_test_setup_teardown(differences, setup, teardown),
      cmocka_unit_test_setup_teardown(long_differences, setup, teardown),
  };
  return cmocka_run_group_tests_name("cassettes", tests, NULL, NULL);
}
