/* SPDX-License-Identifier: MIT */
#ifndef TEST_CODEC_CASES_H
#define TEST_CODEC_CASES_H

#include "unit.h"

/* A copy of exactly len bytes on the heap, to be changed and freed by the test. */
static inline char *exact_copy(const char *text, size_t len) { return (char *)(uintptr_t)exact((struct plq__text){text, len}).at; }

#endif
