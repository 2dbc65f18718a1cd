/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef PLASTIQ_EMULATOR_ARGUMENTS_H
#define PLASTIQ_EMULATOR_ARGUMENTS_H

#include "engine.h"

#define EXIT_WRONG_USE 2

typedef enum log_format { LOG_TEXT, LOG_JSON, LOG_NONE } log_format;

/* Keys, each NUL-terminated and owned. */
typedef struct key_list {
  engine_text *items;
  size_t count;
} key_list;

struct arguments {
  char *address;
  int port;
  char *certificate;
  char *key;
  char *make_ca;
  int valid_days;
  char *client_ca;
  int plain_http;
  char *base_path;
  key_list keys;
  key_list forbidden_keys;
  engine_error_shape error_shape;
  int success_status;
  log_format log;
  int ready_fd; /* -1: none */
  char *ready_file;
  int idle_timeout_s; /* 0: none */
};

/* Reads the command line. -1: go on; otherwise the program ends with this exit code, and has said why. */
int arguments_read(int argc, const char **argv, struct arguments *out);
void arguments_clear(struct arguments *self);

#endif
