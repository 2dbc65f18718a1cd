/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/error.h"

static const char *const environments[][2] = {{"sandbox", "https://connect.sandbox.plastiq.com/api"},
                                              {"production", "https://connect.plastiq.com/api"}};

static int32_t read_address(struct plq__settings *settings, plq_options *options, plq_error **out_error) {
  if (!plq__options_is_set(options, PLQ__OPT_BASE_URL)) {
    const char *environment = plq__options_text(options, PLQ__OPT_ENVIRONMENT);
    int32_t source = options->values[PLQ__OPT_ENVIRONMENT].source;
    bool production = strcmp(environment, environments[1][0]) == 0;
    int32_t status =
        plq__options_put(options, PLQ__TEXT("base_url"), plq__text_in(environments[production][1], PLQ_NUL), source, out_error);
    if (status != PLQ_OK) return status;
  }
  struct plq__text text = plq__text_in(plq__options_text(options, PLQ__OPT_BASE_URL), PLQ_NUL);
  struct plq__url *url = &settings->url;
  const char *trouble = plq__url_parse(text, url);
  if (trouble != NULL) return plq__fail(out_error, PLQ_E_BASE_URL, "base_url", "base_url %s", trouble);
  if (!url->tls && !plq__options_number(options, PLQ__OPT_ALLOW_PLAIN_HTTP))
    return plq__fail(out_error, PLQ_E_PLAIN_HTTP, "base_url",
                     "base_url is plain http, which would show the access token to everybody on the way; use https, or for a test "
                     "server on this machine set allow_plain_http to true");
  if (!url->tls && !url->loopback)
    return plq__fail(out_error, PLQ_E_PLAIN_HTTP, "base_url",
                     "base_url is plain http to a host that is not this machine; allow_plain_http allows only localhost, 127.0.0.0/8 and "
                     "::1; use https");
  settings->target = (plq_transport_target){
      .struct_size = sizeof settings->target,
      .flags = (url->tls ? PLQ_TARGET_TLS : 0) | (url->address ? PLQ_TARGET_ADDRESS : 0),
      .port = url->port,
      .origin = url->origin.at,
      .origin_len = url->origin.len,
      .host = url->host.at,
      .host_len = url->host.len,
  };
  return PLQ_OK;
}

static int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : 63;
}

/* 43 characters and '=', as the option's check has seen. */
static void decode_pin(const char *base64, uint8_t out[32]) {
  uint32_t bits = 0;
  int have = 0, written = 0;
  for (int i = 0; i < 43; i++) {
    bits = bits << 6 | (uint32_t)sextet(base64[i]);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    if (written < 32) out[written++] = (uint8_t)(bits >> have);
  }
}

static int32_t read_pins(struct plq__settings *settings, const plq_options *options, plq_error **out_error) {
  struct plq__text list = plq__text_in(plq__options_text(options, PLQ__OPT_PINS), PLQ_NUL), pin;
  if (list.at == NULL) return PLQ_OK;
  settings->pins = plq__alloc((list.len / 52 + 1) * sizeof *settings->pins);
  if (settings->pins == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  while (plq__next_part(&list, ',', &pin)) decode_pin(pin.at + 8, settings->pins[settings->pin_count++]);
  return PLQ_OK;
}

static void read_statuses(struct plq__settings *settings, const plq_options *options) {
  struct plq__text list = plq__text_in(plq__options_text(options, PLQ__OPT_RETRY_STATUSES), PLQ_NUL), part;
  int64_t number;
  while (plq__next_part(&list, ',', &part))
    if (plq__to_number(part, &number)) settings->retry_status[number / 8] |= (uint8_t)(1 << (number % 8));
}

int32_t plq__settings_init(struct plq__settings *settings, plq_options *options, plq_error **out_error) {
  memset(settings, 0, sizeof *settings);
  settings->timeout_ms = plq__options_number(options, PLQ__OPT_TIMEOUT_MS);
  settings->max_repeats = (uint32_t)plq__options_number(options, PLQ__OPT_MAX_REPEATS);
  settings->only_safe = plq__options_number(options, PLQ__OPT_REPEAT_ONLY_SAFE) != 0;
  settings->backoff_base_ms = plq__options_number(options, PLQ__OPT_BACKOFF_BASE_MS);
  settings->backoff_cap_ms = plq__options_number(options, PLQ__OPT_BACKOFF_CAP_MS);
  settings->repeat_budget = plq__options_number(options, PLQ__OPT_REPEAT_BUDGET);
  settings->max_head_bytes = (size_t)plq__options_number(options, PLQ__OPT_MAX_HEAD_BYTES);
  settings->max_body_bytes = (size_t)plq__options_number(options, PLQ__OPT_MAX_BODY_BYTES);
  settings->retry_operations = plq__options_text(options, PLQ__OPT_RETRY_OPERATIONS);
  read_statuses(settings, options);
  int32_t status = read_address(settings, options, out_error);
  if (status == PLQ_OK) status = read_pins(settings, options, out_error);
  return status;
}

void plq__settings_clear(struct plq__settings *settings) { plq__free(settings->pins); }

bool plq__settings_retries(const struct plq__settings *settings, int32_t http_status) {
  return http_status >= 0 && http_status < 600 && settings->retry_status[http_status / 8] & 1 << (http_status % 8);
}

bool plq__settings_pinned(const struct plq__settings *settings, const uint8_t spki_sha256[32]) {
  for (size_t i = 0; i < settings->pin_count; i++)
    if (memcmp(settings->pins[i], spki_sha256, 32) == 0) return true;
  return false;
}
