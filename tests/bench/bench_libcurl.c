/* SPDX-License-Identifier: MIT */
/*
 * A plain loop by libcurl and json-c that uses its handle again.
 *
 * create   one connection for all calls
 * parsed   the same, with a URL that was parsed before (CURLOPT_CURLU)
 * full     a connection for each, with a full handshake, by a server that gives no tickets
 * resumed  a connection for each, with the session of the one before
 */
#include "plain.h"

static struct bench_settings with;
static struct plain plain;
static long opened, called;

bool bench_open(const struct bench_settings *settings) {
  with = *settings;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !plain_open(&plain, settings)) return false;
  bool fresh = bench_is(&with, "full") || bench_is(&with, "resumed");
  if (fresh) curl_easy_setopt(plain.easy, CURLOPT_FORBID_REUSE, 1L);
  return true;
}

bool bench_run(long calls) {
  for (long i = 0; i < calls; i++) {
    long connects = 0;
    if (!plain_begin(&plain) || !plain_end(&plain, curl_easy_perform(plain.easy))) return false;
    curl_easy_getinfo(plain.easy, CURLINFO_NUM_CONNECTS, &connects);
    opened += connects;
    called++;
  }
  return true;
}

bool bench_close(void) {
  bool fresh = bench_is(&with, "full") || bench_is(&with, "resumed");
  plain_close(&plain);
  curl_global_cleanup();
  if (called > 0 && opened != (fresh ? called : 1)) return bench_fail("%ld connections for %ld calls", opened, called);
  return true;
}
