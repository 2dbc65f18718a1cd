/* SPDX-License-Identifier: MIT */
/* The admin calls: what tests tell the emulator, and ask it. */
#ifndef PLASTIQ_EMULATOR_ADMIN_H
#define PLASTIQ_EMULATOR_ADMIN_H

#include "engine.h"

#define ADMIN_PREFIX "/_emulator"

/* What the front end counts. */
typedef struct admin_counters {
  uint64_t tcp_connections;
  uint64_t open_connections;
  uint64_t tls_handshakes;
} admin_counters;

typedef struct admin_answer {
  int status;
  const char *allow; /* for the header Allow, or NULL */
  char *body;        /* to be freed; NULL: no memory */
} admin_answer;

/* Whether a path is one of the admin interface. */
bool admin_owns(const char *path);

/* Answers a call. The engine must not be in use elsewhere meanwhile. */
void admin_handle(engine *service, const admin_counters *counters, const char *method, const char *path, engine_text body,
                  admin_answer *out_answer);

#endif
