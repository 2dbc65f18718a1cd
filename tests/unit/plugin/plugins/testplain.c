/* SPDX-License-Identifier: MIT */
/* Of the class test, without a note. */
#include "common.h"

ENTRY("testplain", transport.deployment_class = PLQ_CLASS_TEST)
