/* SPDX-License-Identifier: MIT */
#include "fork.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic uint32_t generation;

static void in_child(void) { atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed); }

/* At load time, so that no fork can come before it. */
__attribute__((constructor)) static void watch(void) { pthread_atfork(NULL, NULL, in_child); }

uint32_t plq__fork_generation(void) { return atomic_load_explicit(&generation, memory_order_relaxed); }
