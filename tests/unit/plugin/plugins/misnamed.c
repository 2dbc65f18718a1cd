/* SPDX-License-Identifier: MIT */
/* Calls itself otherwise than its file. */
#include "common.h"

ENTRY("other", (void)0)
