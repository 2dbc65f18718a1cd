/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

const char cli_exit_codes[] =
    "Exit codes:\n"
    "  0  done\n"
    "  1  a defect, no memory, or the output could not be written\n"
    "  2  the command line is wrong\n"
    "  3  an option, token, file, transport or certificate is wrong; nothing was sent\n"
    "  4  the request breaks a rule; nothing was sent\n"
    "  5  the service was not reached, nothing was sent; safe to try again\n"
    "  6  it may have been done: no usable answer came\n"
    "  7  the service answered no; the same request will be refused again\n"
    "  8  the service answered that it cannot now; safe to try again\n";

static int code_of_unsent(int32_t kind) {
  switch (kind) {
    case PLQ_KIND_INPUT:
      return CLI_REQUEST;
    case PLQ_KIND_RESOLVE:
    case PLQ_KIND_CONNECT:
    case PLQ_KIND_PROXY:
    case PLQ_KIND_TLS:
    case PLQ_KIND_IO:
    case PLQ_KIND_TRUNCATED:
    case PLQ_KIND_TIMEOUT:
      return CLI_NOT_SENT;
    case PLQ_KIND_CONFIG:
    case PLQ_KIND_LOAD:
    case PLQ_KIND_VERIFY: /* trying again would meet the same certificate */
    case PLQ_KIND_UNSUPPORTED:
    case PLQ_KIND_USAGE:
      return CLI_SETUP;
    default:
      return CLI_DEFECT;
  }
}

/* An answer that cannot be read, such as success without a secret, leaves open what the service did. */
int cli_failure_code(int32_t status, const plq_error *error) {
  int32_t kind = plq_status_kind(status), delivery = plq_error_delivery(error);
  if (kind == PLQ_KIND_HTTP) return plq_error_repeatable(error) ? CLI_LATER : CLI_REFUSED;
  return delivery == PLQ_DELIVERY_NOT_SENT ? code_of_unsent(kind) : CLI_UNKNOWN;
}

/* How what the library calls an option or field is given here; "" if that is the same word. */
static void other_name(const struct cli_args *args, const char *field, char *out, size_t room) {
  char name[64];
  const char *other_way = cli_secrets_other_way(field);
  snprintf(name, sizeof name, "%s", field);
  for (char *at = name; *at != '\0'; at++)
    if (*at == '_' || *at == '.') *at = '-';
  out[0] = '\0';
  if (other_way != NULL) snprintf(out, room, "%s", other_way);
  if (strcmp(name, field) == 0) return;
  for (int code = 1; code <= CLI_CLIENT_LAST && out[0] == '\0'; code++) {
    const char *known = cli_args_name(args->table, code);
    if (known != NULL && name[0] != '\0' && strcmp(name, known) == 0) snprintf(out, room, "--%s", known);
  }
}

/* What to look at, for failures that the library alone cannot say it of. */
static const char *hint_for(int32_t status) {
  static const struct {
    int32_t status;
    const char *hint;
  } rows[] = {
      {PLQ_E_HTTP_UNAUTHORIZED,
       "check the token in --token-file or PLASTIQ_ACCESS_TOKEN, and that it is one for this --environment"},
      {PLQ_E_AMBIENT_ADDRESS, "here: give the address as an option, or allow it by --allow-ambient-address"},
      {PLQ_E_HTTP_NOT_FOUND, "check the path in --base-url"},
      {PLQ_E_RESOLVE_NOT_FOUND, "check the host in --base-url"},
      {PLQ_E_CONNECT_REFUSED, "check --base-url, and that something listens there"},
      {PLQ_E_VERIFY_UNTRUSTED, "if the server has a CA of its own, name its certificate by --ca-file"},
      {PLQ_E_VERIFY_PIN, "check --pins"},
      {PLQ_E_TRANSPORT_NOT_FOUND, "--transport-dir chooses the folder, plastiq transports lists what is in it"},
      {PLQ_E_TRANSPORT_FOREIGN, "plastiq transports lists those that there are"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].status == status) return rows[i].hint;
  return "";
}

struct line {
  char text[1536];
  size_t len;
};

/* Adds a text and what surrounds it; nothing for "". */
static void add(struct line *line, const char *before, const char *text, const char *after) {
  size_t room = sizeof line->text - line->len;
  if (text[0] == '\0' || room < 2) return;
  int len = snprintf(line->text + line->len, room, "%s%s%s", before, text, after);
  line->len += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

static void say_more(int32_t status, const plq_error *error) {
  const plq_attempts *attempts = plq_error_attempts(error);
  cli_say("  %s (%d), phase %s, %s", plq_status_name(status), status, plq_phase_name(plq_error_phase(error)),
          plq_delivery_name(plq_error_delivery(error)));
  for (uint32_t i = 0; i < plq_error_detail_count(error); i++) cli_say("  the service: %s", plq_error_detail(error, i, NULL));
  for (uint32_t i = 0; i < plq_attempts_count(attempts); i++)
    cli_say("  attempt %u: %s (%.1f ms)", i + 1, plq_attempts_text(attempts, i, PLQ_ATTEMPT_MESSAGE, NULL),
            (double)cli_attempt_number(attempts, i, PLQ_ATTEMPT_TOTAL_US) / 1000);
  for (uint32_t i = 0; i < plq_error_load_count(error); i++)
    cli_say("  %s: %s: %s", plq_error_load_text(error, i, PLQ_LOAD_PATH, NULL),
            plq_error_load_text(error, i, PLQ_LOAD_STAGE, NULL), plq_error_load_text(error, i, PLQ_LOAD_REASON, NULL));
}

void cli_say_failure(const struct cli_args *args, int32_t status, const plq_error *error) {
  const char *message = plq_error_message(error, NULL);
  char name[128];
  struct line line = {"", 0};
  other_name(args, plq_error_field(error, NULL), name, sizeof name);
  add(&line, "", message[0] != '\0' ? message : plq_status_text(status), "");
  add(&line, " (here: ", name, ")");
  add(&line, "; ", hint_for(status), "");
  if (plq_attempts_count(plq_error_attempts(error)) > 0) add(&line, " [trace ", plq_error_trace_id(error, NULL), "]");
  cli_say("%s", line.text);
  if (error != NULL && cli_args_has(args, CLI_VERBOSE)) say_more(status, error);
}

/* Where the library gave no error of its own. */
static json_object *failure_json(int32_t status, const char *field, const char *message) {
  json_object *object = json_object_new_object();
  cli_add_number(object, "status", status);
  cli_add_text(object, "name", plq_status_name(status));
  cli_add_text(object, "kind", plq_kind_name(plq_status_kind(status)));
  cli_add_text(object, "delivery", plq_delivery_name(PLQ_DELIVERY_NOT_SENT));
  json_object_object_add(object, "repeatable", json_object_new_boolean(false));
  cli_add_text(object, "message", message);
  cli_add_text(object, "field", field);
  return object;
}

int cli_fail(const struct cli_args *args, int32_t status, plq_error *error) {
  int code = cli_failure_code(status, error);
  size_t len = 0;
  cli_say_failure(args, status, error);
  const char *json = plq_error_json(error, &len);
  if (cli_args_has(args, CLI_JSON) && len > 0) {
    cli_out_write(json, len);
    cli_out_write("\n", 1);
  } else if (cli_args_has(args, CLI_JSON)) {
    cli_out_json(failure_json(status, "", plq_status_text(status)));
  }
  plq_error_free(error);
  return code;
}

int cli_fail_with(const struct cli_args *args, int32_t status, const char *field, const char *format, ...) {
  char text[512];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  cli_say("%s", text);
  if (cli_args_has(args, CLI_JSON)) cli_out_json(failure_json(status, field, text));
  return cli_failure_code(status, NULL);
}
