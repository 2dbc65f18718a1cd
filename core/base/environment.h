/* SPDX-License-Identifier: MIT */
/* The one place that reads the process's environment: tests/abi/source.py sees to it that there is no other. */
#ifndef PLQ_BASE_ENVIRONMENT_H
#define PLQ_BASE_ENVIRONMENT_H

/* The value of a variable, or NULL: not set, empty, or the process has more rights than its caller, who chose the environment.
   Borrowed from the environment, so only until anybody may change that. */
const char *plq__environment(const char *name);

#endif
