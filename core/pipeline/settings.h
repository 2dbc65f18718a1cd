/* SPDX-License-Identifier: MIT */
/* What the options decide for every call of a client, checked together and read once. */
#ifndef PLQ_PIPELINE_SETTINGS_H
#define PLQ_PIPELINE_SETTINGS_H

#include <plastiq/transport.h>
#include <stdbool.h>

#include "../base/options.h"
#include "../base/url.h"

struct plq__settings {
  int64_t timeout_ms;
  uint32_t max_repeats;
  bool only_safe;
  int64_t backoff_base_ms, backoff_cap_ms;
  int64_t repeat_budget;
  size_t max_head_bytes, max_body_bytes;
  uint8_t retry_status[600 / 8];  /* a bit for each HTTP status */
  const char *retry_operations;   /* borrowed from the options; NULL: by the operations table */
  uint8_t (*pins)[32];            /* SHA-256 of the keys that are good */
  size_t pin_count;
  struct plq__url url;            /* spans borrowed from the options */
  plq_transport_target target;    /* likewise */
};

/* Reads `options`, in which base_url is made the effective one. The settings borrow from them. */
int32_t plq__settings_init(struct plq__settings *settings, plq_options *options, plq_error **out_error);
void plq__settings_clear(struct plq__settings *settings);

bool plq__settings_retries(const struct plq__settings *settings, int32_t http_status);
bool plq__settings_pinned(const struct plq__settings *settings, const uint8_t spki_sha256[32]);

#endif
