/* SPDX-License-Identifier: MIT */
/* Of the class test, and its note says so. */
#include "common.h"

PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_TEST, PLQ_CAP_BLOCKING);

ENTRY("test", transport.deployment_class = PLQ_CLASS_TEST)
