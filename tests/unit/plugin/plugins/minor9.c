/* SPDX-License-Identifier: MIT */
/* Needs a newer core, and says so in its descriptor only. */
#include "common.h"

ENTRY("minor9", transport.abi_minor_required = 9)
