/* SPDX-License-Identifier: MIT */
/* Secrets among the options: from a file, or from the environment, which the library reads itself; never from an argument, which
   every user of a machine can see. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { LONGEST = 16384 };

static const struct source {
  const char *key;
  int code;
  const char *flag;
  const char *variable;
} sources[] = {
    {"access_token", CLI_TOKEN_FILE, "--token-file", "PLASTIQ_ACCESS_TOKEN"},
    {"second_access_token", CLI_SECOND_TOKEN_FILE, "--second-token-file", "PLASTIQ_SECOND_ACCESS_TOKEN"},
    {"proxy_password", CLI_PROXY_PASSWORD_FILE, "--proxy-password-file", "PLASTIQ_PROXY_PASSWORD"},
    {"client_key_password", CLI_CLIENT_KEY_PASSWORD_FILE, "--client-key-password-file", "PLASTIQ_CLIENT_KEY_PASSWORD"},
};
enum { SOURCES = sizeof sources / sizeof *sources };

const struct poptOption cli_secrets_table[] = {
    {"token-file", 0, POPT_ARG_STRING, NULL, CLI_TOKEN_FILE, "Access token (or PLASTIQ_ACCESS_TOKEN)", "FILE"},
    {"second-token-file", 0, POPT_ARG_STRING, NULL, CLI_SECOND_TOKEN_FILE,
     "Token to try when the first is refused (or PLASTIQ_SECOND_ACCESS_TOKEN)", "FILE"},
    {"proxy-password-file", 0, POPT_ARG_STRING, NULL, CLI_PROXY_PASSWORD_FILE,
     "Password for the proxy (or PLASTIQ_PROXY_PASSWORD)", "FILE"},
    {"client-key-password-file", 0, POPT_ARG_STRING, NULL, CLI_CLIENT_KEY_PASSWORD_FILE,
     "Password of the private key (or PLASTIQ_CLIENT_KEY_PASSWORD)", "FILE"},
    POPT_TABLEEND};

const char *cli_secrets_other_way(const char *key) {
  static char text[96];
  for (size_t i = 0; i < SOURCES; i++) {
    if (strcmp(key, sources[i].key) != 0) continue;
    snprintf(text, sizeof text, "%s FILE, or the variable %s", sources[i].flag, sources[i].variable);
    return text;
  }
  return NULL;
}

static void warn_if_open(const char *path, int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & (S_IRGRP | S_IROTH)) == 0) return;
  cli_say("warning: %s can be read by others (mode %04o); chmod 600 it", path, (unsigned)info.st_mode & 07777u);
}

/* Up to `room` bytes; -1 and errno on failure. */
static ssize_t read_file(const char *path, char *buffer, size_t room) {
  size_t used = 0;
  ssize_t got = 1;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -1;
  warn_if_open(path, fd);
  while (used < room && got != 0) {
    got = read(fd, buffer + used, room - used);
    if (got > 0) used += (size_t)got;
    if (got < 0 && errno != EINTR) break;
  }
  int number = errno;
  close(fd);
  errno = number;
  return got < 0 ? -1 : (ssize_t)used;
}

static int set(const struct cli_args *args, plq_options *options, const char *key, const char *value, size_t len) {
  plq_error *error = NULL;
  int32_t status = plq_options_set(options, key, PLQ_NUL, value, len, &error);
  return status == PLQ_OK ? CLI_GO_ON : cli_fail(args, status, error);
}

static int set_from_file(const struct cli_args *args, plq_options *options, const struct source *source, const char *path) {
  char buffer[LONGEST + 1];
  int end;
  ssize_t len = read_file(path, buffer, sizeof buffer);
  const char *trouble = len < 0 ? strerror(errno) : len > LONGEST ? "it is too long to be what is meant" : "it is empty";
  while (len > 0 && len <= LONGEST && (buffer[len - 1] == '\n' || buffer[len - 1] == '\r')) len--;
  if (len <= 0 || len > LONGEST)
    end =
        cli_fail_with(args, PLQ_E_OPTION_VALUE, source->key, "%s: nothing can be read from %s: %s", source->flag, path, trouble);
  else
    end = set(args, options, source->key, buffer, (size_t)len);
  plq_memzero(buffer, sizeof buffer);
  return end;
}

int cli_secrets_set(const struct cli_args *args, plq_options *options) {
  int end = CLI_GO_ON;
  for (size_t i = 0; i < SOURCES && end == CLI_GO_ON; i++) {
    const char *path = cli_args_value(args, sources[i].code);
    if (path != NULL) end = set_from_file(args, options, &sources[i], path);
  }
  return end;
}
