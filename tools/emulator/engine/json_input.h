/* SPDX-License-Identifier: MIT */
/* Reads JSON that people write (faults, scripts, admin calls), and tells them what is wrong and what would be right. */
#ifndef PLASTIQ_EMULATOR_JSON_INPUT_H
#define PLASTIQ_EMULATOR_JSON_INPUT_H

#include "engine.h"

#include <json-c/json.h>

/* Parses one JSON document, strictly. `where` begins each problem. NULL: see the problem. To be released by json_object_put. */
struct json_object *json_input_parse(engine_text text, const char *where, engine_problem *out_problem);

/* Whether a value is an object with no members but those named; the list of names ends with NULL. */
bool json_input_object(struct json_object *value, const char *const *names, const char *where, engine_problem *out_problem);

/* Each reads an optional member and leaves *out alone if it is not there. False: it is wrong. */
bool json_input_number(struct json_object *object, const char *name, int64_t min, int64_t max, const char *where, int64_t *out,
                       engine_problem *out_problem);
bool json_input_bool(struct json_object *object, const char *name, const char *where, bool *out, engine_problem *out_problem);
/* The text is borrowed from the object. */
bool json_input_text(struct json_object *object, const char *name, const char *where, engine_text *out,
                     engine_problem *out_problem);
/* A text that is one of several; *out becomes its index. The list ends with NULL. */
bool json_input_choice(struct json_object *object, const char *name, const char *const *choices, const char *where, int *out,
                       engine_problem *out_problem);
/* Checks that a member, if there, is a list of [name, value] pairs fit for a header; *out is the list, or NULL. */
bool json_input_headers(struct json_object *object, const char *name, size_t max, const char *where, struct json_object **out,
                        engine_problem *out_problem);
/* One pair of a checked list. */
engine_header json_input_header(struct json_object *list, size_t index);

/* Writes a problem; the format is printf's. Always false. */
bool json_input_fail(engine_problem *out_problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
