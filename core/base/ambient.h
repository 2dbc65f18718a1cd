/* SPDX-License-Identifier: MIT */
/*
 * Options that come from the surroundings, which are the environment and a file that it names: which variables there are, what a
 * failure says of them, and which secrets from code may not go where the surroundings point.
 */
#ifndef PLQ_BASE_AMBIENT_H
#define PLQ_BASE_AMBIENT_H

#include "options.h"

enum { PLQ__PLACE_ROOM = 512 };

/* Puts what the environment says into options. The first bad value is a failure that names its variable. */
int32_t plq__ambient_read(plq_options *options, plq_error **out_error);

/* Where the value of an option came from, such as "the variable PLASTIQ_PROXY"; "" if from code or nowhere. */
const char *plq__ambient_place(const plq_options *options, int index, char *room, size_t size);
/* Adds to a failure with `options` where the value came from that it is about. The error may be NULL. */
void plq__ambient_blame(const plq_options *options, plq_error *error);

/* The first option by which the surroundings decide who gets the tokens, or is believed to be the service; -1: there is none, or
   code allows it. */
int plq__ambient_address(const plq_options *options);
/* Refuses secrets from code that would go there. */
int32_t plq__ambient_check(const plq_options *options, plq_error **out_error);
/* The failure: `address` is as from plq__ambient_address(), `secret` is what came from code. */
int32_t plq__ambient_refuse(const plq_options *options, int address, const char *secret, plq_error **out_error);

#endif
