/* SPDX-License-Identifier: MIT */
/*
 * plastiq doctor: looks at one thing after the other that a call needs, and says in plain words what is wrong and what to do.
 * Nothing is sent to the service: a call is begun, and cancelled by an observer once its connection was found good, before its
 * first byte. With --call one is made.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "cli.h"

static const struct poptOption what_table[] = {
    {"call", 0, POPT_ARG_NONE, NULL, CLI_DOCTOR_CALL, "Make one call too: a client secret is created, and thrown away", NULL},
    POPT_TABLEEND};
static const struct poptOption output_table[] = {{"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object", NULL},
                                                 {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
                                                 POPT_TABLEEND};
static const struct poptOption table[] = {
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)what_table, 0, "What to do:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_secrets_table, 0, "Secrets, never taken from an argument:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_client_table, 0, "Client:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)cli_loading_table, 0, "Transports and other options:", NULL},
    {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
    POPT_TABLEEND};

enum verdict { GOOD, NOTE, BAD };

struct doctor {
  const struct cli_args *args;
  json_object *checks; /* with --json */
  plq_client_id client;
  plq_call_id call;
  bool made_up_token; /* there is none: one stands in for it, and is never sent */
  bool connected;
  char base_url[1024];
  int end; /* CLI_GO_ON as long as nothing is wrong */
};

/* ---- the report ---- */

__attribute__((format(printf, 4, 5))) static void report(struct doctor *doctor, enum verdict verdict, const char *what,
                                                         const char *format, ...) {
  static const char *const words[] = {"ok", "note", "bad"};
  char text[1536];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  if (doctor->checks == NULL) {
    for (char *at = text; *at != '\0'; at++)
      if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?';
    printf("%-4s  %-10s  %s\n", words[verdict], what, text);
    return;
  }
  json_object *check = json_object_new_object();
  cli_add_text(check, "check", what);
  cli_add_text(check, "verdict", words[verdict]);
  cli_add_text(check, "text", text);
  json_object_array_add(doctor->checks, check);
}

/* What to do about a failure, in plain words. */
static const char *advice(int32_t status) {
  static const struct {
    int32_t status;
    const char *text;
  } rows[] = {
      {PLQ_E_TOKEN_MISSING, "Give the API key by --token-file, PLASTIQ_ACCESS_TOKEN, or the option access_token_file."},
      {PLQ_E_TOKEN_FILE, "Look at the file: one API key and nothing else, readable by this user."},
      {PLQ_E_AMBIENT_ADDRESS, "Say the address on the command line, or take the token from a variable too."},
      {PLQ_E_TRANSPORT_NOT_FOUND, "plastiq transports lists what there is; --transport-dir names another folder."},
      {PLQ_E_TRANSPORT_PATH_UNSAFE, "chmod go-w the file and the folders above it, or install it as root."},
      {PLQ_E_TRANSPORT_CLASH, "Use a build with -DPLASTIQ_TLS_INSIDE=ON, or a program that keeps its OpenSSL to itself."},
      {PLQ_E_RESOLVE_NOT_FOUND,
       "Look at the host in the address above. If it is right, look at /etc/resolv.conf and at the firewall for port 53."},
      {PLQ_E_RESOLVE_TEMPORARY, "The name server does not answer: look at /etc/resolv.conf and at the network."},
      {PLQ_E_CONNECT_REFUSED, "Nothing listens at this address and port: look at both, and whether the server runs."},
      {PLQ_E_TIMEOUT_CONNECT, "No answer at all: a firewall drops the packets, or this network needs a proxy (--proxy)."},
      {PLQ_E_VERIFY_UNTRUSTED,
       "The certificate's CA is not trusted here. If it is your own or your proxy's, name it by --ca-file; else find out who "
       "answers."},
      {PLQ_E_VERIFY_HOST, "The certificate is for another name: look at the host in the address, and find out who answers."},
      {PLQ_E_VERIFY_EXPIRED,
       "Compare the clock above with the real time. If it is right, the server's certificate is out of date."},
      {PLQ_E_VERIFY_NOT_YET_VALID, "Compare the clock above with the real time: it is probably slow."},
      {PLQ_E_VERIFY_PIN,
       "The server has another key than --pins names: was it renewed? The note above has the key that it showed."},
      {PLQ_E_TRUST, "Look at the CA file or folder: it must be there, readable, and PEM."},
      {PLQ_E_HTTP_UNAUTHORIZED,
       "The service does not take this API key: look at it, and whether it is one for this environment."},
      {PLQ_E_HTTP_FORBIDDEN, "The API key is known, but may not do this: ask whoever gave it to you."},
      {PLQ_E_HTTP_NOT_FOUND, "The server answers, but not at this path: look at the path of --base-url."},
      {PLQ_E_HTTP_THROTTLED, "Too many calls for now: wait, and make fewer."},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].status == status) return rows[i].text;
  switch (plq_status_kind(status)) {
    case PLQ_KIND_CONFIG:
      return "Mend the option that the message names; plastiq describe --options shows where each comes from.";
    case PLQ_KIND_LOAD:
      return "plastiq transports says of each what is wrong with it.";
    case PLQ_KIND_RESOLVE:
      return "Look at the name servers in /etc/resolv.conf.";
    case PLQ_KIND_CONNECT:
      return "Look at the address, the port, and what is between here and there.";
    case PLQ_KIND_PROXY:
      return "Look at --proxy, and its user and password.";
    case PLQ_KIND_TLS:
      return "The two could not agree: is it TLS 1.2 or later that answers at this port?";
    case PLQ_KIND_VERIFY:
      return "Do not go on before you know who answers there.";
    case PLQ_KIND_TIMEOUT:
      return "Look at what is between here and there; is it slow, or does it drop what it gets?";
    case PLQ_KIND_HTTP:
      return "Try again later; if it stays so, tell the service's support the trace id.";
    default:
      return "If it stays so, report it with this text.";
  }
}

/* Takes over the error. */
static void fail(struct doctor *doctor, const char *what, int32_t status, plq_error *error) {
  const char *message = plq_error_message(error, NULL);
  report(doctor, BAD, what, "%s [%s]", message[0] != '\0' ? message : plq_status_text(status), plq_status_name(status));
  report(doctor, NOTE, "advice", "%s", advice(status));
  for (uint32_t i = 0; i < plq_error_load_count(error); i++)
    report(doctor, NOTE, "load", "%s: %s", plq_error_load_text(error, i, PLQ_LOAD_STAGE, NULL),
           plq_error_load_text(error, i, PLQ_LOAD_REASON, NULL));
  doctor->end = cli_failure_code(status, error);
  plq_error_free(error);
}

/* ---- what there is ---- */

static void check_clock(struct doctor *doctor) {
  struct timex state = {.modes = 0}; /* reads only */
  time_t now = time(NULL);
  struct tm utc;
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&now, &utc));
  bool synchronized = adjtimex(&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  report(doctor, synchronized ? GOOD : NOTE, "clock", "%s UTC; %s", text,
         synchronized ? "the system keeps it synchronized" : "the system does not say that it is synchronized: compare it");
}

static uint32_t column(const plq_table *options, const char *name) {
  uint32_t i = 0;
  while (i < plq_table_columns(options) && strcmp(plq_table_column(options, i, NULL), name) != 0) i++;
  return i;
}

/* Every option that is not its default, and where it comes from. */
static void show_options(struct doctor *doctor, const plq_options *options) {
  plq_table *rows = NULL;
  if (plq_table_new("options", PLQ_NUL, options, &rows, NULL) != PLQ_OK) return;
  uint32_t value = column(rows, "value"), source = column(rows, "source"), place = column(rows, "place");
  for (uint32_t i = 0; i < plq_table_rows(rows); i++) {
    const char *from = plq_table_text(rows, i, source, NULL), *where = plq_table_text(rows, i, place, NULL);
    if (strcmp(from, "default") == 0) continue;
    report(doctor, GOOD, "option", "%s = %s, from %s", plq_table_text(rows, i, 0, NULL), plq_table_text(rows, i, value, NULL),
           where[0] != '\0'            ? where
           : strcmp(from, "code") == 0 ? "the command line"
                                       : from);
  }
  plq_table_free(rows);
}

static void check_token(struct doctor *doctor, const plq_options *options) {
  const char *names[] = {"access_token", "access_token_file"}, *value = NULL;
  for (int i = 0; i < 2 && value == NULL; i++) (void)plq_options_get(options, names[i], PLQ_NUL, &value, NULL, NULL);
  doctor->made_up_token = value == NULL;
  if (value != NULL) report(doctor, GOOD, "token", "there is one (it is not shown, and not sent unless --call is given)");
  if (value == NULL)
    report(doctor, NOTE, "token", "there is none: what follows is tried without. %s", advice(PLQ_E_TOKEN_MISSING));
}

static void make_client(struct doctor *doctor, plq_options *options) {
  plq_error *error = NULL;
  plq_options *used = NULL;
  plq_transports *transport = NULL;
  const char *value = NULL;
  int32_t status = PLQ_OK;
  if (doctor->made_up_token)
    status = plq_options_set(options, "access_token", PLQ_NUL, "plastiq-doctor-sends-nothing", PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_options_set(options, "max_repeats", PLQ_NUL, "0", PLQ_NUL, &error);
  if (status == PLQ_OK) status = plq_client_new(options, &doctor->client, &error);
  if (status != PLQ_OK) {
    fail(doctor, "client", status, error);
    return;
  }
  if (plq_client_options(doctor->client, &used, NULL) == PLQ_OK &&
      plq_options_get(used, "base_url", PLQ_NUL, &value, NULL, NULL) == PLQ_OK)
    snprintf(doctor->base_url, sizeof doctor->base_url, "%s", value != NULL ? value : "");
  if (plq_client_transport(doctor->client, &transport, NULL) == PLQ_OK)
    report(doctor, GOOD, "transport", "%s (%s), %s", plq_transports_text(transport, 0, PLQ_TRANSPORT_NAME, NULL),
           plq_transports_text(transport, 0, PLQ_TRANSPORT_STACK, NULL),
           plq_transports_text(transport, 0, PLQ_TRANSPORT_PATH, NULL));
  report(doctor, GOOD, "address", "%s", doctor->base_url);
  plq_transports_free(transport);
  plq_options_free(used);
}

/* As the transport will do it, unless the option resolve or a proxy comes first. */
static void check_name(struct doctor *doctor) {
  char host[256], text[512] = "", address[64];
  const char *at = strstr(doctor->base_url, "://");
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
  if (at == NULL) return;
  at += 3;
  bool bracketed = *at == '[';
  size_t len = strcspn(at + bracketed, bracketed ? "]" : ":/");
  snprintf(host, sizeof host, "%.*s", (int)len, at + bracketed);
  int code = getaddrinfo(host, NULL, &hints, &list);
  for (struct addrinfo *row = list; row != NULL && strlen(text) < sizeof text - 80; row = row->ai_next)
    if (getnameinfo(row->ai_addr, row->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) == 0)
      snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] != '\0' ? ", " : "", address);
  if (code == 0)
    report(doctor, GOOD, "name", "%s is %s", host, text);
  else
    report(doctor, NOTE, "name", "%s is not known to this system: %s", host, gai_strerror(code));
  if (list != NULL) freeaddrinfo(list);
}

/* ---- a call that goes as far as wanted ---- */

static void on_connected(void *context, const char *peer, int32_t http_version, int32_t tls_version, const char *tls_cipher,
                         const char *pin, int32_t verified, int32_t proxied) {
  struct doctor *doctor = context;
  doctor->connected = true;
  report(doctor, GOOD, "connection", "to %s%s, HTTP/%d%s", peer[0] != '\0' ? peer : "an unknown place",
         proxied ? " through the proxy" : "", http_version / 10, http_version == 11 ? ".1" : "");
  if (tls_version == 0)
    report(doctor, NOTE, "tls", "none: plain http");
  else
    report(
        doctor, verified ? GOOD : BAD, "tls", "TLS 1.%d, %s; %s", tls_version - 0x0301, tls_cipher,
        verified ? "a trusted CA vouches for the server, and the certificate names the host" : "nobody vouches for the server");
  if (pin[0] != '\0') report(doctor, GOOD, "key", "%s (what --pins would take)", pin);
  if (doctor->call != 0) plq_call_cancel(doctor->call);
}

static double ms(int64_t us) {
  return (double)us / 1000;
}

static void on_attempt_end(void *context, int64_t resolve_us, int64_t connect_us, int64_t tls_us, int64_t send_us,
                           int64_t first_byte_us, int64_t total_us) {
  static const char *const names[] = {"name look-up", "connect", "TLS", "send", "first byte"};
  const int64_t parts[] = {resolve_us, connect_us, tls_us, send_us, first_byte_us};
  char text[256] = "";
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i] >= 0) snprintf(text + strlen(text), sizeof text - strlen(text), "%s %.1f ms, ", names[i], ms(parts[i]));
  report(context, GOOD, "time", "%sin all %.1f ms", text, ms(total_us));
}

static void observe(struct doctor *doctor, const char *event, const char *fields, plq_observer_fn function) {
  plq_error *error = NULL;
  int32_t status = plq_client_observe(doctor->client, event, PLQ_NUL, fields, PLQ_NUL, function, doctor, NULL, &error);
  if (status != PLQ_OK) fail(doctor, "observer", status, error);
}

/* Without --call the cancel is what is wanted. */
static void check_connection(struct doctor *doctor) {
  plq_request *request = NULL;
  plq_response *response = NULL;
  plq_error *error = NULL;
  bool real = cli_args_has(doctor->args, CLI_DOCTOR_CALL) && !doctor->made_up_token;
  plq_call_id call = 0;
  observe(doctor, "connection_opened", "peer http_version tls_version tls_cipher pin verified proxied",
          (plq_observer_fn)on_connected);
  observe(doctor, "attempt_end", "resolve_us connect_us tls_us send_us first_byte_us total_us", (plq_observer_fn)on_attempt_end);
  int32_t status = plq_request_new("client_secrets.create", PLQ_NUL, &request, &error);
  if (status == PLQ_OK) status = plq_call_new(doctor->client, &call, &error);
  if (!real) doctor->call = call;
  if (status == PLQ_OK) status = plq_call_run(call, request, &response, &error);
  if (status == PLQ_E_CANCELLED && doctor->connected && !real) {
    plq_error_free(error);
    report(doctor, GOOD, "call", "none was made; --call makes one");
  } else if (status == PLQ_OK) {
    report(doctor, GOOD, "call", "HTTP status %d, trace %s; a client secret was made and thrown away",
           plq_response_http_status(response), plq_response_trace_id(response, NULL));
  } else {
    fail(doctor, doctor->connected ? "call" : "connection", status, error);
  }
  plq_response_free(response);
  plq_request_free(request);
  plq_call_free(call);
}

/* ---- all ---- */

static int examine(const struct cli_args *args) {
  struct doctor doctor = {.args = args, .end = CLI_GO_ON};
  plq_options *options = NULL;
  int end = cli_options_new(args, &options);
  if (end == CLI_GO_ON) end = cli_secrets_set(args, options);
  if (end != CLI_GO_ON) {
    plq_options_free(options);
    return end;
  }
  if (cli_args_has(args, CLI_JSON)) doctor.checks = json_object_new_array();
  report(&doctor, GOOD, "version", "libplastiq %s", plq_version());
  check_clock(&doctor);
  show_options(&doctor, options);
  check_token(&doctor, options);
  make_client(&doctor, options);
  if (doctor.end == CLI_GO_ON) check_name(&doctor);
  if (doctor.end == CLI_GO_ON) check_connection(&doctor);
  if (doctor.end == CLI_GO_ON)
    report(&doctor, GOOD, "all", "nothing is wrong%s", doctor.made_up_token ? ", but for the missing token" : "");
  if (doctor.end == CLI_GO_ON && doctor.made_up_token) doctor.end = CLI_SETUP;
  if (doctor.client != 0) plq_client_close(doctor.client, 1000);
  plq_options_free(options);
  if (doctor.checks != NULL) {
    json_object *object = json_object_new_object();
    json_object_object_add(object, "good", json_object_new_boolean(doctor.end == CLI_GO_ON));
    json_object_object_add(object, "checks", doctor.checks);
    cli_out_json(object);
  }
  return doctor.end == CLI_GO_ON ? CLI_DONE : doctor.end;
}

int cli_doctor(int argc, const char **argv) {
  struct cli_args args;
  int end = cli_args_read(&args, "plastiq doctor", table, argc, argv);
  if (end == CLI_GO_ON) end = examine(&args);
  cli_args_free(&args);
  return end;
}
