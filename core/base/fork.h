/* SPDX-License-Identifier: MIT */
/* Noticing a fork, lazily: the child handler bumps a counter and does nothing else; whoever keeps state compares. */
#ifndef PLQ_BASE_FORK_H
#define PLQ_BASE_FORK_H

#include <stdint.h>

/* How many forks lie between the first use of the library and this process. */
uint32_t plq__fork_generation(void);

#endif
