/* SPDX-License-Identifier: MIT */
/* Refuses the first time it is asked, and logs a line. */
#include "common.h"

int32_t plq_transport_entry_v1(const plq_transport_host *host, plq_transport_error *error, const plq_transport **out) {
  static const char why[] =
      "the moon is \xff"
      "full\n";
  static int asked;
  if (asked++ > 0) return answer(host, "refuses", out);
  counters.entries++;
  host->log(host->context, PLQ_LOG_WARNING, "looked at the moon", 18);
  error->status = PLQ_E_UNSUPPORTED;
  memcpy(error->message, why, sizeof why);
  return PLQ_E_UNSUPPORTED;
}
