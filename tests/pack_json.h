/* SPDX-License-Identifier: MIT */
/* Writes JSON as msgpack, for tests of the message call. */
#ifndef TEST_PACK_JSON_H
#define TEST_PACK_JSON_H

#include <json-c/json.h>
#include <msgpack.h>

/* A NULL value is null. */
void test_pack_json(msgpack_packer *packer, json_object *value);

#endif
