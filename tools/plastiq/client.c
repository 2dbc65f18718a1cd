/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct poptOption cli_loading_table[] = {
    {"transport-dir", 0, POPT_ARG_STRING, NULL, CLI_TRANSPORT_DIR, "Folder in which transport names are looked up", "DIR"},
    {"transport-allow", 0, POPT_ARG_STRING, NULL, CLI_TRANSPORT_ALLOW, "Transports that may be used", "NAME,..."},
    {"allow-test-transports", 0, POPT_ARG_NONE, NULL, CLI_ALLOW_TEST_TRANSPORTS,
     "Allow transports that do not reach the service by themselves, such as stub", NULL},
    {"option", 0, POPT_ARG_STRING, NULL, CLI_OPTION, "Any other option of docs/options.md; may be given more than once",
     "KEY=VALUE"},
    POPT_TABLEEND};

const struct poptOption cli_client_table[] = {
    {"environment", 0, POPT_ARG_STRING, NULL, CLI_ENVIRONMENT, "Which service to talk to (sandbox unless said)",
     "sandbox|production"},
    {"base-url", 0, POPT_ARG_STRING, NULL, CLI_BASE_URL, "Address in place of the environment's", "https://HOST[:PORT][/PATH]"},
    {"allow-plain-http", 0, POPT_ARG_NONE, NULL, CLI_ALLOW_PLAIN_HTTP, "Allow an http address on this machine, for tests", NULL},
    {"allow-ambient-address", 0, POPT_ARG_NONE, NULL, CLI_ALLOW_AMBIENT_ADDRESS,
     "Allow a token from a file to go where a variable points", NULL},
    {"transport", 0, POPT_ARG_STRING, NULL, CLI_TRANSPORT, "Transport to use (curl unless said)", "NAME|PATH"},
    {"ca-file", 0, POPT_ARG_STRING, NULL, CLI_CA_FILE, "CA certificates to trust instead of the system's", "FILE"},
    {"ca-dir", 0, POPT_ARG_STRING, NULL, CLI_CA_DIR, "The same, a hashed folder", "DIR"},
    {"pins", 0, POPT_ARG_STRING, NULL, CLI_PINS, "Public keys of which the server must have one", "sha256//BASE64,..."},
    {"client-certificate-file", 0, POPT_ARG_STRING, NULL, CLI_CLIENT_CERTIFICATE_FILE, "Client certificate and its chain",
     "FILE"},
    {"client-key-file", 0, POPT_ARG_STRING, NULL, CLI_CLIENT_KEY_FILE, "Its private key", "FILE"},
    {"proxy", 0, POPT_ARG_STRING, NULL, CLI_PROXY, "HTTP proxy to tunnel through", "http://HOST[:PORT]"},
    {"proxy-user", 0, POPT_ARG_STRING, NULL, CLI_PROXY_USER, "User name for the proxy", "NAME"},
    {"http-version", 0, POPT_ARG_STRING, NULL, CLI_HTTP_VERSION, "HTTP version to insist on", "auto|1.1|2"},
    {"timeout-ms", 0, POPT_ARG_STRING, NULL, CLI_TIMEOUT_MS, "Deadline of a call, repeats included (15000 unless said; -1: none)",
     "MS"},
    {"max-repeats", 0, POPT_ARG_STRING, NULL, CLI_MAX_REPEATS, "How often a call that failed may be repeated (2 unless said)",
     "N"},
    POPT_TABLEEND};

/* The library takes no relative path for what it loads as code; who writes one on the command line has chosen it. */
static bool is_relative_path(int code, const char *value) {
  if (code == CLI_TRANSPORT) return value[0] != '/' && strchr(value, '/') != NULL;
  return code == CLI_TRANSPORT_DIR && value[0] != '/' && value[0] != '\0';
}

static char *make_absolute(const char *value) {
  char *folder = getcwd(NULL, 0), *path = NULL;
  while (strncmp(value, "./", 2) == 0) value += 2;
  if (folder != NULL && asprintf(&path, "%s/%s", folder, value) < 0) path = NULL;
  free(folder);
  return path;
}

static int set(const struct cli_args *args, plq_options *options, const char *key, size_t key_len, const char *value) {
  plq_error *error = NULL;
  int32_t status = plq_options_set(options, key, key_len, value, PLQ_NUL, &error);
  return status == PLQ_OK ? CLI_GO_ON : cli_fail(args, status, error);
}

static int set_own(const struct cli_args *args, plq_options *options, const struct cli_arg *arg) {
  char key[64];
  snprintf(key, sizeof key, "%s", cli_args_name(args->table, arg->code));
  for (char *at = key; *at != '\0'; at++)
    if (*at == '-') *at = '_';
  if (arg->value == NULL || !is_relative_path(arg->code, arg->value))
    return set(args, options, key, PLQ_NUL, arg->value != NULL ? arg->value : "true");
  char *path = make_absolute(arg->value);
  int end = path != NULL ? set(args, options, key, PLQ_NUL, path) : cli_fail(args, PLQ_E_MEMORY, NULL);
  free(path);
  return end;
}

/* --option key=value */
static int set_any(const struct cli_args *args, plq_options *options, const char *text) {
  const char *equals = strchr(text, '=');
  char key[64];
  if (equals == NULL) return cli_usage(args->command, "--option needs KEY=VALUE, such as --option idle_timeout_ms=2000");
  snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
  const char *other_way = cli_secrets_other_way(key);
  if (other_way != NULL)
    return cli_usage(args->command, "%s is a secret, and arguments can be seen by every user of this machine. Use %s", key,
                     other_way);
  return set(args, options, text, (size_t)(equals - text), equals + 1);
}

int cli_options_new(const struct cli_args *args, plq_options **out_options) {
  plq_error *error = NULL;
  int32_t status = plq_options_new(0, out_options, &error);
  if (status != PLQ_OK) return cli_fail(args, status, error);
  int end = CLI_GO_ON;
  for (size_t i = 0; i < args->count && end == CLI_GO_ON; i++) {
    const struct cli_arg *arg = &args->rows[i];
    if (arg->code > CLI_SECRET_LAST && arg->code <= CLI_CLIENT_LAST) end = set_own(args, *out_options, arg);
    if (arg->code == CLI_OPTION) end = set_any(args, *out_options, arg->value);
  }
  return end;
}

int cli_client_new(const struct cli_args *args, plq_client_id *out_client) {
  plq_options *options = NULL;
  plq_error *error = NULL;
  *out_client = 0;
  int end = cli_options_new(args, &options);
  if (end == CLI_GO_ON) end = cli_secrets_set(args, options);
  if (end == CLI_GO_ON) {
    int32_t status = plq_client_new(options, out_client, &error);
    if (status != PLQ_OK) end = cli_fail(args, status, error);
  }
  plq_options_free(options);
  return end;
}
