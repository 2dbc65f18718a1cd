/* SPDX-License-Identifier: MIT */
/*
 * What http1_differential.py asks: reads lines "METHOD MAX_HEAD MAX_BODY HEX-OF-THE-RESPONSE.", parses each with the core's
 * validator as the sink and the connection closed properly, and prints "STATUS TAKEN REUSABLE HTTP-STATUS HTTP-VERSION
 * KEEP-ALIVE-MS HEX-OF-THE-BODY.".
 */
#include <inttypes.h>
#include <plastiq/status.h>

#include "http1_play.h"
#include "unit.h"

static size_t unhex(const char *hex, char *out) {
  size_t len = 0;
  unsigned byte = 0;
  for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) out[len++] = (char)byte;
  return len;
}

static void answer(const char *method, uint64_t max_head, uint64_t max_body, const char *hex) {
  char *data = malloc(strlen(hex) + 1);
  assert_non_null(data);
  const struct play_input input = {data, unhex(hex, data), method, max_head, max_body, false, 0};
  struct play_result result = play(&input, PLAY_RANDOM((uint32_t)input.len), PLQ_HTTP1_END_CLOSED);
  printf("%s %zu %d %d %d %" PRId64 " ", plq_status_name(result.status), result.taken, (result.flags & PLQ_HTTP1_REUSABLE) != 0,
         (int)result.http_status, (int)result.http_version, result.keep_alive_ms);
  for (size_t i = 0; i < result.body.len; i++) printf("%02x", (unsigned char)result.body.at[i]);
  puts(".");
  play_result_clear(&result);
  free(data);
}

int main(void) {
  char method[16];
  uint64_t max_head = 0, max_body = 0;
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    int at = 0;
    if (sscanf(line, "%15s %" SCNu64 " %" SCNu64 " %n", method, &max_head, &max_body, &at) != 3) return 1;
    answer(method, max_head, max_body, line + at);
  }
  free(line);
  return 0;
}
