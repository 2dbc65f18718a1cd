/* SPDX-License-Identifier: MIT */
/* As if it was built when the descriptor ended after `functions`: what follows must not be read. */
#include <stddef.h>

#include "common.h"

ENTRY("short", transport.struct_size = offsetof(plq_transport, get_extension))
