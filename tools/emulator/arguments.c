/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <plastiq/version.h>

#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum { ON_KEY = 1, ON_FORBIDDEN, ON_KEY_FILE, ON_SHAPE, ON_LOG, ON_HELP, ON_VERSION };

static const char epilogue[] =
    "\n"
    "A make-believe of the Plastiq Connect API, for tests. It is not the real service, contacts nothing, and listens on loopback "
    "only.\n"
    "One of --make-ca, --certificate with --key, or --plain-http is needed. Without --api-key, " ENGINE_DEFAULT_KEY
    " is accepted.\n"
    "\n"
    "Served under the base path (" ENGINE_DEFAULT_BASE_PATH
    "), all by POST:\n"
    "  /client-secrets      a secret that lives 60 seconds and works once; bearer: an API key\n"
    "  /v2/client-secrets   the same, living 30 minutes\n"
    "  /payment-methods     uses a secret up; bearer: the secret. Card data is discarded unread\n"
    "\n"
    "Admin calls, on the same port, without authentication:\n"
    "  GET    /_emulator/state     counters\n"
    "  GET    /_emulator/requests  the last 1000 requests, without keys, secrets and bodies; DELETE empties the log\n"
    "  POST   /_emulator/faults    "
    "[{\"count\":1,\"path\":\"/client-secrets\",\"status\":503,\"code\":\"..\",\"message\":\"..\",\"body\":\"..\",\n"
    "                               \"headers\":[[\"X-A\",\"1\"]],\"retry_after\":2,\"delay_ms\":100,\"truncate_body\":5,\n"
    "                               \"drop\":\"before_handling\" or \"after_handling\" or \"after_response\"}, ..]; DELETE "
    "removes all\n"
    "  POST   /_emulator/clock     {\"advance_ms\":60000}\n"
    "  PUT    /_emulator/keys      {\"keys\":[\"test-key-1\"],\"forbidden\":[]}\n"
    "\n"
    "Exit codes: 0 ended by SIGTERM or SIGINT, 1 could not start, 2 wrong use. More in docs/emulator.md.\n";

static int wrong(const char *option, const char *message) {
  fprintf(stderr, "plastiq-emulator: %s: %s\n", option, message);
  return EXIT_WRONG_USE;
}

static bool add_key(key_list *list, const char *key, size_t len) {
  if (!engine_key_valid((engine_text){key, len})) return false;
  engine_text *items = realloc(list->items, (list->count + 1) * sizeof *items);
  if (items == NULL) return false;
  list->items = items;
  char *copy = strndup(key, len);
  if (copy == NULL) return false;
  list->items[list->count++] = (engine_text){copy, len};
  return true;
}

/* One key a line; empty lines and those that begin with # do not count. */
static bool add_key_file(key_list *list, const char *path) {
  char *text = file_read(path, NULL);
  bool good = text != NULL;
  char *rest = NULL;
  for (char *line = good ? strtok_r(text, "\r\n", &rest) : NULL; good && line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
    line += strspn(line, " \t");
    size_t len = strcspn(line, " \t");
    if (len > 0 && line[0] != '#') good = add_key(list, line, len);
  }
  file_free(text);
  return good;
}

static int find(const char *const *names, const char *name) {
  for (int i = 0; names[i] != NULL; i++) {
    if (strcmp(names[i], name) == 0) return i;
  }
  return -1;
}

/* Handles an option that popt does not store by itself. -1: go on. */
static int handle(int code, const char *value, poptContext context, struct arguments *out) {
  static const char *const shapes[] = {"old", "new", NULL};
  static const char *const logs[] = {"text", "json", "none", NULL};
  int found = 0;
  switch (code) {
    case ON_KEY:
      return add_key(&out->keys, value, strlen(value)) ? -1 : wrong("--api-key", "no key: letters, digits and -._~+/ only");
    case ON_FORBIDDEN:
      return add_key(&out->forbidden_keys, value, strlen(value))
                 ? -1
                 : wrong("--forbidden-key", "no key: letters, digits and -._~+/ only");
    case ON_KEY_FILE:
      return add_key_file(&out->keys, value) ? -1 : wrong("--api-key-file", "must be a readable file with one key a line");
    case ON_SHAPE:
      found = find(shapes, value);
      out->error_shape = (engine_error_shape)found;
      return found >= 0 ? -1 : wrong("--error-shape", "must be old or new");
    case ON_LOG:
      found = find(logs, value);
      out->log = (log_format)found;
      return found >= 0 ? -1 : wrong("--log", "must be text, json or none");
    case ON_HELP:
      poptPrintHelp(context, stdout, 0);
      fputs(epilogue, stdout);
      return 0;
    case ON_VERSION:
      puts("plastiq-emulator " PLQ_VERSION_TEXT);
      return 0;
    default:
      return -1;
  }
}

/* What no option alone can say. */
static int check(const struct arguments *a) {
  bool files = a->certificate != NULL || a->key != NULL;
  if (a->port < 0 || a->port > 65535) return wrong("--port", "must be from 0 to 65535");
  if (a->success_status != 200 && a->success_status != 201) return wrong("--success-status", "must be 200 or 201");
  if (a->valid_days < 1 || a->valid_days > 7) return wrong("--valid-days", "must be from 1 to 7");
  if (a->idle_timeout_s < 0 || a->idle_timeout_s > 86400) return wrong("--idle-timeout", "must be from 0 to 86400 seconds");
  if (files && (a->certificate == NULL || a->key == NULL)) return wrong("--certificate, --key", "go together");
  if (files + (a->make_ca != NULL) + (a->plain_http != 0) != 1) {
    return wrong("--make-ca, --certificate with --key, --plain-http", "exactly one is needed; for a start: --make-ca DIR");
  }
  if (a->client_ca != NULL && a->plain_http) return wrong("--client-ca", "does not go together with --plain-http");
  if (a->base_path != NULL && ((a->base_path[0] != '/' && a->base_path[0] != '\0') || strpbrk(a->base_path, " ?#") != NULL)) {
    return wrong("--base-path", "must begin with /, without query and fragment");
  }
  if (a->base_path != NULL && strncmp(a->base_path, "/_emulator", 10) == 0)
    return wrong("--base-path", "/_emulator is for admin calls");
  return -1;
}

int arguments_read(int argc, const char **argv, struct arguments *out) {
  *out = (struct arguments){.valid_days = 1, .success_status = 200, .ready_fd = -1};
  const struct poptOption table[] = {
      {"port", 'p', POPT_ARG_INT, &out->port, 0, "port to listen on; 0, the default: any free one", "N"},
      {"address", 'a', POPT_ARG_STRING, &out->address, 0, "loopback address to listen on, 127.0.0.1 unless said", "ADDRESS"},
      {"make-ca", 0, POPT_ARG_STRING, &out->make_ca, 0,
       "make a throwaway CA and a server and a client certificate in DIR, and use them", "DIR"},
      {"valid-days", 0, POPT_ARG_INT, &out->valid_days, 0, "how long these are valid: 1, the default, to 7", "N"},
      {"certificate", 0, POPT_ARG_STRING, &out->certificate, 0, "PEM file of the server certificate and its chain", "FILE"},
      {"key", 0, POPT_ARG_STRING, &out->key, 0, "PEM file of its private key", "FILE"},
      {"client-ca", 0, POPT_ARG_STRING, &out->client_ca, 0, "require a client certificate from a CA of this PEM file", "FILE"},
      {"plain-http", 0, POPT_ARG_NONE, &out->plain_http, 0, "no TLS", NULL},
      {"base-path", 0, POPT_ARG_STRING, &out->base_path, 0,
       "path before /client-secrets, " ENGINE_DEFAULT_BASE_PATH " unless said; / for none", "PATH"},
      {"api-key", 'k', POPT_ARG_STRING, NULL, ON_KEY, "accept this API key; may be repeated", "KEY"},
      {"api-key-file", 0, POPT_ARG_STRING, NULL, ON_KEY_FILE, "accept the API keys in this file, one a line", "FILE"},
      {"forbidden-key", 0, POPT_ARG_STRING, NULL, ON_FORBIDDEN, "answer 403 to this API key; may be repeated", "KEY"},
      {"error-shape", 0, POPT_ARG_STRING, NULL, ON_SHAPE, "shape of error objects: old, the default, or new", "old|new"},
      {"success-status", 0, POPT_ARG_INT, &out->success_status, 0, "HTTP status of a created secret: 200, the default, or 201",
       "200|201"},
      {"idle-timeout", 0, POPT_ARG_INT, &out->idle_timeout_s, 0, "close a connection that is idle so long; 0, the default: never",
       "SECONDS"},
      {"log", 0, POPT_ARG_STRING, NULL, ON_LOG, "a line for each request on stderr: text, the default, json, or none", "FORMAT"},
      {"ready-fd", 0, POPT_ARG_INT, &out->ready_fd, 0, "write a line of JSON to this descriptor when ready, and close it", "N"},
      {"ready-file", 0, POPT_ARG_STRING, &out->ready_file, 0, "write the same to a file, which appears whole", "PATH"},
      {"help", 'h', POPT_ARG_NONE, NULL, ON_HELP, "show this", NULL},
      {"version", 'V', POPT_ARG_NONE, NULL, ON_VERSION, "show the version", NULL},
      POPT_TABLEEND,
  };
  poptContext context = poptGetContext("plastiq-emulator", argc, argv, table, 0);
  int code = 0;
  int result = -1;
  while (result < 0 && (code = poptGetNextOpt(context)) > 0) {
    char *value = poptGetOptArg(context);
    result = handle(code, value, context, out);
    free(value);
  }
  if (result < 0 && code < -1) result = wrong(poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(code));
  if (result < 0 && poptPeekArg(context) != NULL) result = wrong(poptPeekArg(context), "unexpected; see --help");
  if (result < 0) result = check(out);
  poptFreeContext(context);
  return result;
}

static void clear_keys(key_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    explicit_bzero((char *)list->items[i].data, list->items[i].len);
    free((char *)list->items[i].data);
  }
  free(list->items);
}

void arguments_clear(struct arguments *self) {
  clear_keys(&self->keys);
  clear_keys(&self->forbidden_keys);
  free(self->address);
  free(self->certificate);
  free(self->key);
  free(self->make_ca);
  free(self->client_ca);
  free(self->base_path);
  free(self->ready_file);
  *self = (struct arguments){0};
}
