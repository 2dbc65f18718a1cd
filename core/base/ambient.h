/* SPDX-License-Identifier: MIT */
/* Options that come from where the program runs, and not from its code: the one place that reads the environment. */
#ifndef PLQ_BASE_AMBIENT_H
#define PLQ_BASE_AMBIENT_H

#include "options.h"

/*
 * Puts the values of PLASTIQ_<KEY> into options that have no PLQ_NO_AMBIENT, for every option that is not for code only. Empty is not set.
 * A privileged process reads nothing.
 */
int32_t plq__ambient_read(plq_options *options, plq_error **out_error);

/*
 * A token from code does not go to an address, or by a trust setting, that somebody else chose: PLQ_E_AMBIENT_ADDRESS, unless
 * allow_ambient_address is set. token_source: PLQ_SOURCE_*.
 */
int32_t plq__ambient_check(const plq_options *options, int32_t token_source, plq_error **out_error);

#endif
