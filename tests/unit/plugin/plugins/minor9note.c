/* SPDX-License-Identifier: MIT */
/* Needs a newer core, and its note says so. */
#include "common.h"

PLQ_TRANSPORT_DEFINE_NOTE(9, PLQ_CLASS_PRODUCTION, PLQ_CAP_BLOCKING);

ENTRY("minor9note", transport.abi_minor_required = 9)
