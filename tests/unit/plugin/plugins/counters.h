/* SPDX-License-Identifier: MIT */
#ifndef PLQ_TEST_PLUGIN_COUNTERS_H
#define PLQ_TEST_PLUGIN_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* What a test may ask by get_extension(TEST_EXTENSION). */
#define TEST_EXTENSION "test.counters/1"
struct test_counters {
  int32_t entries, creates, destroys, abandons, performs;
  int32_t create_status; /* what create answers */
  size_t values;         /* how many create got the last time */
};

#endif
