/* SPDX-License-Identifier: MIT */
/*
 * The conformance kit: what plastiq/transport.h promises, as cases. A case runs in a process of its own, which loads the plugin,
 * so that a crash or a hang is a failed case and not the end of the kit. Whoever runs cases never loads the plugin itself.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a plugin says of itself. */
typedef struct check_plugin {
  char path[4096];
  char name[33];
  uint32_t deployment_class;
  uint64_t capabilities;
} check_plugin;

/* What a case is about. */
#define CHECK_SERVER 1u /* talks to a loopback server: not for transports of the class test, which answer by themselves */
#define CHECK_HALVES 2u /* run once for the blocking half and once for the asynchronous one, as far as they are offered */

typedef struct check check;

typedef struct check_case {
  const char *name;
  uint64_t needs; /* PLQ_CAP_*: without one of them the case is not for this transport */
  uint32_t flags;
  const char *rule; /* what is promised, and where */
  void (*run)(check *self);
} check_case;

typedef enum check_verdict { CHECK_PASSED, CHECK_FAILED, CHECK_NOT_DECLARED, CHECK_UNABLE } check_verdict;

typedef struct check_result {
  check_verdict verdict;
  char text[2000]; /* what was wrong, or why it was not run */
} check_result;

/* A further option for the transport. */
typedef struct check_option {
  const char *key, *value;
} check_option;

typedef struct check_settings {
  const check_option *options;
  size_t option_count;
  int timeout_s; /* for one case */
  int soon_ms;   /* that a transport may take to notice a deadline or a cancel; 0: 2000 */
} check_settings;

/* All cases; the number in *out_count. */
const check_case *check_cases(size_t *out_count);
/* Loads the plugin in a process of its own and asks what it is. False: `out_why` says what is wrong. */
bool check_describe(const char *path, check_plugin *out_plugin, char *out_why, size_t size);
/* Runs a case. half: PLQ_CAP_BLOCKING or PLQ_CAP_ASYNC for one with CHECK_HALVES, else 0. */
void check_run(const check_plugin *plugin, const check_case *what, uint64_t half, const check_settings *settings,
               check_result *out);

#endif
