/* SPDX-License-Identifier: MIT */
/* What the program tells the world: that it is ready, and a line for each request. */
#ifndef PLASTIQ_EMULATOR_REPORT_H
#define PLASTIQ_EMULATOR_REPORT_H

#include "address.h"
#include "arguments.h"
#include "engine.h"

/* Writes the ready line to where the arguments say, and a text for people to stdout. False: it could not be written. */
bool report_ready(const struct arguments *arguments, const struct address *address, int port);

/* Writes a request's line to stderr. */
void report_request(log_format format, const engine_answer *answer, int64_t elapsed_us);

#endif
