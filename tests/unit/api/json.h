/* SPDX-License-Identifier: MIT */
/* Messages written and read as JSON, so that a table of cases can be read by people. Bytes are shown as {"bin": text}. */
#ifndef TEST_API_JSON_H
#define TEST_API_JSON_H

#include <json-c/json.h>
#include <msgpack.h>

/* Packs a JSON text; single quotes stand for double ones. */
void pack_json(msgpack_sbuffer *out, const char *json);
/* The reply as JSON. Fails the test if it is not one msgpack object. */
json_object *unpack_json(const void *bytes, size_t len);

#endif
