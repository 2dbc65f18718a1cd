/* SPDX-License-Identifier: MIT */
#include "host.h"

int main(void) {
  host_run();
  return 0;
}
