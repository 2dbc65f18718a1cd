/* SPDX-License-Identifier: MIT */
/* Its note promises more than its descriptor. */
#include "common.h"

PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_PRODUCTION, PLQ_CAP_BLOCKING | PLQ_CAP_PINS);

ENTRY("othernote", (void)0)
