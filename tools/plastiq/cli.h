/* SPDX-License-Identifier: MIT */
/* The command line program: what its files share. */
#ifndef PLASTIQ_CLI_H
#define PLASTIQ_CLI_H

#include <json-c/json.h>
#include <plastiq/plastiq.h>
#include <popt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes: what a script can do next. docs/command-line.md explains them. */
enum {
  CLI_DONE = 0,
  CLI_DEFECT = 1,   /* out of memory, a failed write, a defect */
  CLI_USAGE = 2,    /* the command line is wrong */
  CLI_SETUP = 3,    /* an option, token, file, transport or certificate is wrong; nothing was sent */
  CLI_REQUEST = 4,  /* the request breaks a rule; nothing was sent */
  CLI_NOT_SENT = 5, /* the service was not reached; safe to try again */
  CLI_UNKNOWN = 6,  /* it may have been done: no usable answer */
  CLI_REFUSED = 7,  /* the service answered no; the same request will be refused again */
  CLI_LATER = 8     /* the service answered that it cannot now; safe to try again */
};

/* In place of an exit code: nothing speaks against going on. */
#define CLI_GO_ON (-1)

/* ---- main.c: the commands ---- */

struct cli_command {
  const char *group; /* the first word */
  const char *name;  /* the second, or NULL */
  const char *full;
  const char *what; /* for help; NULL: it is not for people */
  int (*run)(int argc, const char **argv);
};

const struct cli_command *cli_commands(size_t *out_count);

/* ---- args.c: a command's options, in the order given ---- */

/* What an option is, as `val` of its row in a popt table. Up to CLI_REQUEST_LAST each is a part of the request, up to
   CLI_SECRET_LAST the file of a secret, and up to CLI_CLIENT_LAST an option of the client that has the same name with _ for -. */
enum {
  CLI_PAYER_ID = 1,
  CLI_TYPE,
  CLI_TRACE_ID,
  CLI_USER_AGENT,
  CLI_END_USER_DEVICE_ID,
  CLI_END_USER_IP,
  CLI_EXTRA,
  CLI_HEADER,
  CLI_SENSITIVE_HEADER,
  CLI_REQUEST_LAST = CLI_SENSITIVE_HEADER,
  CLI_TOKEN_FILE,
  CLI_SECOND_TOKEN_FILE,
  CLI_PROXY_PASSWORD_FILE,
  CLI_CLIENT_KEY_PASSWORD_FILE,
  CLI_SECRET_LAST = CLI_CLIENT_KEY_PASSWORD_FILE,
  CLI_ENVIRONMENT,
  CLI_BASE_URL,
  CLI_ALLOW_PLAIN_HTTP,
  CLI_ALLOW_AMBIENT_ADDRESS,
  CLI_TRANSPORT,
  CLI_TRANSPORT_DIR,
  CLI_TRANSPORT_ALLOW,
  CLI_ALLOW_TEST_TRANSPORTS,
  CLI_CA_FILE,
  CLI_CA_DIR,
  CLI_PINS,
  CLI_CLIENT_CERTIFICATE_FILE,
  CLI_CLIENT_KEY_FILE,
  CLI_PROXY,
  CLI_PROXY_USER,
  CLI_HTTP_VERSION,
  CLI_TIMEOUT_MS,
  CLI_MAX_REPEATS,
  CLI_CLIENT_LAST = CLI_MAX_REPEATS,
  CLI_OPTION,
  CLI_OPERATION_VERSION,
  CLI_V2,
  CLI_CALLS,
  CLI_SECONDS,
  CLI_THREADS,
  CLI_WARM,
  CLI_ALLOW_REMOTE,
  CLI_JSON,
  CLI_REDACT,
  CLI_VERBOSE,
  CLI_DESCRIBE_OPTIONS,
  CLI_DESCRIBE_OPERATIONS,
  CLI_DESCRIBE_TRANSPORTS,
  CLI_DESCRIBE_CAPABILITIES,
  CLI_DESCRIBE_EVENTS,
  CLI_DESCRIBE_STATUSES,
  CLI_DESCRIBE_TABLE,
  CLI_DOCTOR_CALL,
  CLI_HELP
};

struct cli_arg {
  int code;
  char *value; /* NULL for a flag */
};

struct cli_args {
  const char *command;            /* "plastiq transports" */
  const struct poptOption *table; /* what it takes */
  struct cli_arg *rows;
  size_t count;
  char *argument; /* what stands beside the options, where the command takes something there */
};

/* Reads a command's options; every command does this first, so that completion can ask it for its table. Returns CLI_GO_ON, or
 * the exit code when help was printed or the command line is wrong. */
int cli_args_read(struct cli_args *args, const char *command, const struct poptOption *table, int argc, const char **argv);
/* The table that a command reads its options with, or NULL. */
const struct poptOption *cli_args_table_of(const struct cli_command *command);
/* The same for a command that takes one argument beside its options: what help calls that, such as "FILE". */
int cli_args_read_with(struct cli_args *args, const char *command, const struct poptOption *table, const char *argument, int argc,
                       const char **argv);
/* Wipes and frees them. */
void cli_args_free(struct cli_args *args);
bool cli_args_has(const struct cli_args *args, int code);
/* The last value given for an option, or NULL. */
const char *cli_args_value(const struct cli_args *args, int code);
/* The last value given for an option as a number, or `fallback`. Returns CLI_GO_ON, or CLI_USAGE when it is not in the range. */
int cli_args_number(const struct cli_args *args, int code, int64_t least, int64_t most, int64_t fallback, int64_t *out);
/* The long name of an option in a table and the tables in it, or NULL. */
const char *cli_args_name(const struct poptOption *table, int code);
/* Prints a sentence about the command line, and where help is. Returns CLI_USAGE. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- nearest.c ---- */

struct cli_nearest {
  const char *name; /* NULL: none is near */
  size_t distance;
};
/* Takes `candidate` if it is nearer to `word` than what was found so far; begin with {NULL, 0}. */
void cli_nearest_offer(struct cli_nearest *nearest, const char *word, const char *candidate);

/* ---- client.c, secrets.c: from options to a client ---- */

extern const struct poptOption cli_client_table[];
extern const struct poptOption cli_loading_table[]; /* those of them that say which transports there are */
extern const struct poptOption cli_secrets_table[];

/* Makes library options of what was given. The caller frees them, also on failure. */
int cli_options_new(const struct cli_args *args, plq_options **out_options);
int cli_client_new(const struct cli_args *args, plq_client_id *out_client);
/* Sets the secrets among the options from the files that were named. */
int cli_secrets_set(const struct cli_args *args, plq_options *options);
/* Whether an option is a secret, which is never taken from an argument; then how it is given. */
const char *cli_secrets_other_way(const char *key);

/* ---- request.c ---- */

extern const struct poptOption cli_request_table[];

/* Which operation the options ask for. */
int cli_request_operation(const struct cli_args *args, const char **out_operation);
/* Makes the request that the options describe. The caller frees it, also on failure. */
int cli_request_new(const struct cli_args *args, plq_request **out_request);

/* ---- out.c: standard output and standard error ---- */

/* Writes to standard output, past any buffer, so that no copy of a secret stays in one. */
void cli_out_write(const char *data, size_t len);
/* The same, as the inside of a JSON string. */
void cli_out_write_escaped(const char *data, size_t len);
/* Prints a JSON object and a line end. It is freed. */
void cli_out_json(json_object *object);
/* Prints "plastiq: ..." on standard error; control characters, which may come from the service, become "?". */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The exit code, unless something could not be written. */
int cli_out_end(int code);

/* ---- facts.c: what happened, as JSON ---- */

json_object *cli_attempts_json(const plq_attempts *attempts);
/* The client's transport: name, version, stack. */
json_object *cli_transport_json(plq_client_id client);
void cli_add_text(json_object *object, const char *key, const char *text); /* nothing for "" */
void cli_add_number(json_object *object, const char *key, int64_t number);
/* One number of one attempt, or -1. */
int64_t cli_attempt_number(const plq_attempts *attempts, uint32_t index, int32_t which);
/* Name look-up, connection and handshake of an attempt together in us, or -1. */
int64_t cli_attempt_connect_us(const plq_attempts *attempts, uint32_t index);

/* ---- failure.c ---- */

/* Reports a failure of the library: a sentence on standard error, with --json the whole error on standard output. Frees the
   error, which may be NULL. Returns the exit code. */
int cli_fail(const struct cli_args *args, int32_t status, plq_error *error);
/* The same for what the program itself found wrong, with one of the library's statuses. */
int cli_fail_with(const struct cli_args *args, int32_t status, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The sentence alone, for a failure that is not the last word. The error may be NULL, and is not freed. */
void cli_say_failure(const struct cli_args *args, int32_t status, const plq_error *error);
/* The exit code of a failure. */
int cli_failure_code(int32_t status, const plq_error *error);
/* The part of every help that explains exit codes. */
extern const char cli_exit_codes[];

/* ---- calls.c, report.c ---- */

struct cli_plan {
  const struct cli_args *args;
  const char *operation;
  int64_t calls; /* how many, one after the other */
  int64_t warm;  /* connections to open first; 0: none */
};

/* Opens connections; tells of them with --verbose. `count` may be 0. */
int cli_calls_warm(const struct cli_args *args, plq_client_id client, int64_t count);
/* Makes the calls, reporting each; stops at the first that fails. */
int cli_calls_run(const struct cli_plan *plan, plq_client_id client, const plq_request *request);
/* Reports a call that succeeded. `secret` is as the response gave it. */
int cli_report(const struct cli_plan *plan, plq_client_id client, const plq_response *response, const plq_secret *secret,
               int64_t elapsed_us);

/* ---- the commands ---- */

int cli_bench(int argc, const char **argv);
int cli_client_secrets_create(int argc, const char **argv);
int cli_describe(int argc, const char **argv);
int cli_doctor(int argc, const char **argv);
int cli_complete(int argc, const char **argv);
int cli_cassette_show(int argc, const char **argv);
int cli_transports(int argc, const char **argv);
int cli_version(int argc, const char **argv);

#endif
