/* SPDX-License-Identifier: MIT */
/* Nothing wrong with it; it has no note. */
#include "common.h"

ENTRY("plain", (void)0)
