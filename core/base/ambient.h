/* SPDX-License-Identifier: MIT */
/*
 * Options that come from the surroundings: which variables there are, what a failure says of them, and which secrets from code
 * may not go where the surroundings point. A file of options would come in here too, as one more weaker source.
 */
#ifndef PLQ_BASE_AMBIENT_H
#define PLQ_BASE_AMBIENT_H

#include "options.h"

/* Puts what the environment says into options. The first bad value is a failure that names its variable. */
int32_t plq__ambient_read(plq_options *options, plq_error **out_error);

/* Adds to a failure with `options` which variable gave the value that it is about. The error may be NULL. */
void plq__ambient_blame(const plq_options *options, plq_error *error);

/* The first option by which the surroundings decide who gets the tokens, or is believed to be the service; -1: there is none, or
   code allows it. */
int plq__ambient_address(const plq_options *options);
/* Refuses secrets from code that would go there. */
int32_t plq__ambient_check(const plq_options *options, plq_error **out_error);
/* The failure: `address` is as from plq__ambient_address(), `secret` is what came from code. */
int32_t plq__ambient_refuse(int address, const char *secret, plq_error **out_error);

#endif
