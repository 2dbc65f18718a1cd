/* SPDX-License-Identifier: MIT */
#include "plain.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* ---- a Trace-Id ---- */

/* Random bytes come in stock: a system call for each id would be waste. */
static bool random_bytes(uint8_t *out, size_t len) {
  static uint8_t stock[4096];
  static size_t left;
  if (left < len) {
    if (getrandom(stock, sizeof stock, 0) != (ssize_t)sizeof stock) return bench_fail("no random bytes");
    left = sizeof stock;
  }
  left -= len;
  memcpy(out, stock + left, len);
  return true;
}

static bool write_uuid(char *out) {
  static const char digits[] = "0123456789abcdef";
  uint8_t bytes[16];
  if (!random_bytes(bytes, sizeof bytes)) return false;
  bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0f));
  bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = digits[bytes[i] >> 4];
    *out++ = digits[bytes[i] & 15];
  }
  return true;
}

/* ---- the answer ---- */

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  static const char name[] = "Trace-Id: ";
  struct plain *plain = context;
  size_t len = size * count;
  if (len >= sizeof name - 1 + 36 && strncasecmp(line, name, sizeof name - 1) == 0)
    memcpy(plain->answer_trace_id, line + sizeof name - 1, 36);
  return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *context) {
  struct plain *plain = context;
  size_t len = size * count;
  if (len > sizeof plain->answer - plain->answer_len) return 0;
  memcpy(plain->answer + plain->answer_len, data, len);
  plain->answer_len += len;
  return len;
}

/* ---- the handle ---- */

static bool add_header(struct plain *plain, const char *line) {
  struct curl_slist *longer = curl_slist_append(plain->headers, line);
  if (longer == NULL) return false;
  plain->headers = longer;
  return true;
}

static bool make_headers(struct plain *plain) {
  static const char trace_id[] = "Trace-Id: ";
  bool ok = add_header(plain, "Accept: application/json") && add_header(plain, "Accept-Encoding: identity") &&
            add_header(plain, "Content-Type: application/json") && add_header(plain, "User-Agent: " BENCH_AGENT) &&
            add_header(plain, "End-User-Ip: " BENCH_IP) && add_header(plain, "Authorization: Bearer " BENCH_TOKEN) &&
            add_header(plain, "Trace-Id: 00000000-0000-4000-8000-000000000000");
  struct curl_slist *last = plain->headers;
  while (ok && last->next != NULL) last = last->next;
  if (ok) plain->trace_id = last->data + sizeof trace_id - 1;
  return ok;
}

bool plain_open(struct plain *plain, const struct bench_settings *settings) {
  char url[128];
  memset(plain, 0, sizeof *plain);
  snprintf(url, sizeof url, "https://" BENCH_HOST ":%d" BENCH_PATH, settings->port);
  CURL *easy = plain->easy = curl_easy_init();
  plain->tokener = json_tokener_new();
  if (easy == NULL || plain->tokener == NULL || !make_headers(plain)) return bench_fail("no memory");
  bool ok = true;
  if (bench_is(settings, "parsed")) {
    plain->url = curl_url();
    ok &= plain->url != NULL && curl_url_set(plain->url, CURLUPART_URL, url, 0) == CURLUE_OK;
    ok &= !curl_easy_setopt(easy, CURLOPT_CURLU, plain->url);
  } else {
    ok &= !curl_easy_setopt(easy, CURLOPT_URL, url);
  }
  ok &= !curl_easy_setopt(easy, CURLOPT_PRIVATE, plain);
  ok &= !curl_easy_setopt(easy, CURLOPT_POST, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, plain->headers);
  ok &= !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  ok &= !curl_easy_setopt(easy, CURLOPT_WRITEDATA, plain);
  ok &= !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  ok &= !curl_easy_setopt(easy, CURLOPT_HEADERDATA, plain);
  ok &= !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, plain->error);
  ok &= !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  ok &= !curl_easy_setopt(easy, CURLOPT_PROXY, "");
  ok &= !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 15000L);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  ok &= !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  ok &= !curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
  ok &= !curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  bool two = settings->http == 2;
  ok &= !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, two ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  ok &= !curl_easy_setopt(easy, CURLOPT_PIPEWAIT, two ? 1L : 0L); /* one connection, whatever is in flight */
  return ok || bench_fail("libcurl refuses an option");
}

bool plain_begin(struct plain *plain) {
  size_t len = 0;
  if (!write_uuid(plain->trace_id)) return false;
  json_object *payer = json_object_new_object();
  plain->body = json_object_new_object();
  if (plain->body == NULL || payer == NULL || json_object_object_add(payer, "id", json_object_new_string(BENCH_PAYER)) != 0 ||
      json_object_object_add(plain->body, "payer", payer) != 0)
    return bench_fail("no memory");
  const char *text =
      json_object_to_json_string_length(plain->body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
  plain->answer_len = 0;
  plain->answer_trace_id[0] = plain->secret[0] = '\0';
  return !curl_easy_setopt(plain->easy, CURLOPT_POSTFIELDSIZE, (long)len) &&
         !curl_easy_setopt(plain->easy, CURLOPT_POSTFIELDS, text);
}

bool plain_end(struct plain *plain, CURLcode code) {
  json_object *found = NULL;
  long status = 0;
  json_object_put(plain->body);
  plain->body = NULL;
  if (code != CURLE_OK) return bench_fail("%s", plain->error[0] != '\0' ? plain->error : curl_easy_strerror(code));
  curl_easy_getinfo(plain->easy, CURLINFO_RESPONSE_CODE, &status);
  json_tokener_reset(plain->tokener);
  json_object *answer = json_tokener_parse_ex(plain->tokener, plain->answer, (int)plain->answer_len);
  bool ok =
      status == 200 && json_object_object_get_ex(answer, "clientSecret", &found) && json_object_is_type(found, json_type_string);
  size_t len = ok ? (size_t)json_object_get_string_len(found) : 0;
  ok = ok && len > 0 && len < sizeof plain->secret && plain->answer_trace_id[0] != '\0';
  if (ok) memcpy(plain->secret, json_object_get_string(found), len + 1);
  json_object_put(answer);
  return ok || bench_fail("not the answer that was expected");
}

void plain_close(struct plain *plain) {
  json_object_put(plain->body);
  if (plain->tokener != NULL) json_tokener_free(plain->tokener);
  curl_easy_cleanup(plain->easy);
  curl_url_cleanup(plain->url);
  curl_slist_free_all(plain->headers);
}
