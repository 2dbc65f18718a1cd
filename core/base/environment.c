/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <stdlib.h>

const char *plq__environment(const char *name) {
  const char *value = secure_getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}
