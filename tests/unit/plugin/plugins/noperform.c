/* SPDX-License-Identifier: MIT */
/* Declares PLQ_CAP_BLOCKING and has no perform. */
#include "common.h"

ENTRY("noperform", functions.perform = NULL)
