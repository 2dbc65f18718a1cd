/* SPDX-License-Identifier: MIT */
/* Needs a function that nobody has. */
#include "common.h"

extern void plq_test_function_that_nobody_has(void);

ENTRY("undefined", plq_test_function_that_nobody_has())
