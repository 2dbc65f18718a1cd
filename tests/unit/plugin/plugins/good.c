/* SPDX-License-Identifier: MIT */
/* Nothing wrong with it. */
#include "common.h"

PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_PRODUCTION, PLQ_CAP_BLOCKING);

ENTRY("good", (void)0)
