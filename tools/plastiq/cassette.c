/* SPDX-License-Identifier: MIT */
/* What is in a cassette of the stub transport. All of it was scrubbed when it was recorded; nothing here takes out more. */
#include "cassette.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

static const struct poptOption output_table[] = {{"json", 0, POPT_ARG_NONE, NULL, CLI_JSON, "Print a JSON object", NULL},
                                                 {"help", 'h', POPT_ARG_NONE, NULL, CLI_HELP, "Show this help", NULL},
                                                 POPT_TABLEEND};
static const struct poptOption table[] = {{NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)output_table, 0, "Output:", NULL},
                                          POPT_TABLEEND};

/* ---- a host for the reader: memory, and nothing else ---- */

static void *take_memory(void *context, size_t size) {
  (void)context;
  return malloc(size);
}

static void free_memory(void *context, void *block) {
  (void)context;
  free(block);
}

static const plq_transport_host host = {
    .struct_size = sizeof host, .alloc = take_memory, .free = free_memory, .wipe = plq_memzero};

/* ---- texts ---- */

static bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x7f && c != '\\';
}

/* Bytes as a text that can be shown, on a terminal too: what is no ASCII, and a backslash, as \xNN. To be freed; NULL: no memory.
 */
static char *shown(cassette_text text) {
  char *out = malloc(text.len * 4 + 1);
  size_t len = 0;
  if (out == NULL) return NULL;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if (is_plain(c))
      out[len++] = (char)c;
    else
      len += (size_t)sprintf(out + len, "\\x%02x", c);
  }
  out[len] = '\0';
  return out;
}

/* A line without its end, if that is the usual one. */
static cassette_text without_end(cassette_text line) {
  if (line.len >= 2 && memcmp(line.at + line.len - 2, "\r\n", 2) == 0) line.len -= 2;
  return line;
}

static void print_text(const char *before, cassette_text text, const char *after) {
  char *clean = shown(text);
  printf("%s%s%s", before, clean != NULL ? clean : "", after);
  free(clean);
}

static void format_time(int64_t seconds, char *out, size_t room) {
  time_t when = (time_t)seconds;
  struct tm parts;
  if (gmtime_r(&when, &parts) == NULL || strftime(out, room, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) snprintf(out, room, "unknown");
}

static void format_ms(int64_t ns, char *out, size_t room) {
  snprintf(out, room, "%.1f ms", (double)ns / 1e6);
}

/* ---- for people ---- */

static cassette_text text_of(const char *text) {
  return (cassette_text){text, strlen(text)};
}

static void print_head(const char *path, const cassette *tape) {
  const cassette_about *about = &tape->about;
  char when[40];
  format_time(about->recorded_s, when, sizeof when);
  print_text("", text_of(path), "");
  printf(": %zu attempt%s over ", tape->count, tape->count == 1 ? "" : "s");
  print_text("", text_of(about->transport), " ");
  print_text("", text_of(about->transport_version), " (");
  print_text("", text_of(about->stack), "), recorded ");
  print_text("", text_of(when), " by libplastiq ");
  print_text("", text_of(about->library), tape->complete ? "\n" : "; not closed, so there may have been more\n");
}

static void print_request(const cassette_request *request) {
  print_text("> ", request->method, " ");
  print_text("", request->origin, "");
  print_text("", request->path, "\n");
  for (size_t i = 0; i < request->header_count; i++) {
    const cassette_header *header = &request->headers[i];
    print_text("> ", header->name, ": ");
    print_text("", header->value, header->secret ? (header->value.len > 0 ? " (not kept)\n" : "(not kept)\n") : "\n");
  }
  if (request->has_body) print_text("> ", request->body, "\n");
}

static void print_connection(const cassette_entry *entry) {
  const plq_transport_connection *c = &entry->connection;
  char when[32];
  format_ms(entry->connected_ns, when, sizeof when);
  printf("  %s connection", c->known & c->flags & PLQ_FACT_REUSED ? "a used" : "a new");
  if (c->known & PLQ_FACT_PEER) print_text(" to ", text_of(c->peer_address), "");
  if (c->known & PLQ_FACT_PEER) printf(" port %u", (unsigned)c->peer_port);
  if (c->known & PLQ_FACT_TLS_VERSION && c->tls_version >= 0x0301) printf(", TLS 1.%u", (unsigned)(c->tls_version - 0x0301));
  if (c->known & PLQ_FACT_HTTP_VERSION)
    printf(", HTTP/%u.%u", (unsigned)(c->http_version / 10), (unsigned)(c->http_version % 10));
  printf(", after %s\n", when);
}

static void print_lines(const cassette_text *lines, size_t count) {
  for (size_t i = 0; i < count; i++) {
    cassette_text line = without_end(lines[i]);
    if (line.len > 0) print_text("< ", line, "\n");
  }
}

static void print_end(const cassette_entry *entry) {
  const plq_transport_error *error = &entry->error;
  char when[32];
  format_ms(entry->end_ns, when, sizeof when);
  if (!entry->failed) {
    printf("  complete after %s\n", when);
    return;
  }
  printf("  %s, phase %s, %s, after %s: ", plq_status_name(error->status), plq_phase_name(error->phase),
         plq_delivery_name(error->delivery), when);
  print_text("", text_of(error->message), "\n");
}

static void print_all(const char *path, const cassette *tape) {
  print_head(path, tape);
  for (size_t i = 0; i < tape->count; i++) {
    const cassette_entry *entry = &tape->entries[i];
    printf("\nattempt %zu\n", i + 1);
    print_request(&entry->request);
    if (entry->connected) print_connection(entry);
    print_lines(entry->lines, entry->line_count);
    if (entry->body.len > 0) print_text("< ", entry->body, "\n");
    print_lines(entry->trailers, entry->trailer_count);
    print_end(entry);
  }
}

/* ---- as JSON ---- */

static json_object *text_json(cassette_text text) {
  char *clean = shown(text);
  json_object *value = json_object_new_string(clean != NULL ? clean : "");
  free(clean);
  return value;
}

static json_object *lines_json(const cassette_text *lines, size_t count) {
  json_object *list = json_object_new_array();
  for (size_t i = 0; i < count; i++) json_object_array_add(list, text_json(without_end(lines[i])));
  return list;
}

static json_object *request_json(const cassette_request *request) {
  json_object *object = json_object_new_object(), *headers = json_object_new_array();
  json_object_object_add(object, "method", text_json(request->method));
  json_object_object_add(object, "origin", text_json(request->origin));
  json_object_object_add(object, "path", text_json(request->path));
  for (size_t i = 0; i < request->header_count; i++) {
    const cassette_header *header = &request->headers[i];
    json_object *row = json_object_new_object();
    json_object_object_add(row, "name", text_json(header->name));
    json_object_object_add(row, "value", text_json(header->value));
    json_object_object_add(row, "secret", json_object_new_boolean(header->secret));
    json_object_array_add(headers, row);
  }
  json_object_object_add(object, "headers", headers);
  if (request->has_body) json_object_object_add(object, "body", text_json(request->body));
  return object;
}

static json_object *connection_json(const plq_transport_connection *c) {
  json_object *object = json_object_new_object();
  if (c->known & PLQ_FACT_PEER) json_object_object_add(object, "peer", text_json(text_of(c->peer_address)));
  if (c->known & PLQ_FACT_PEER) cli_add_number(object, "peer_port", c->peer_port);
  if (c->known & PLQ_FACT_TLS_VERSION) cli_add_number(object, "tls_version", c->tls_version);
  if (c->known & PLQ_FACT_TLS_CIPHER) json_object_object_add(object, "tls_cipher", text_json(text_of(c->tls_cipher)));
  if (c->known & PLQ_FACT_HTTP_VERSION) cli_add_number(object, "http_version", c->http_version);
  if (c->known & PLQ_FACT_REUSED)
    json_object_object_add(object, "reused", json_object_new_boolean((c->flags & PLQ_FACT_REUSED) != 0));
  return object;
}

static json_object *error_json(const plq_transport_error *error) {
  json_object *object = json_object_new_object();
  cli_add_number(object, "status", error->status);
  cli_add_text(object, "name", plq_status_name(error->status));
  cli_add_text(object, "phase", plq_phase_name(error->phase));
  cli_add_text(object, "delivery", plq_delivery_name(error->delivery));
  json_object_object_add(object, "message", text_json(text_of(error->message)));
  return object;
}

static void add_us(json_object *object, const char *key, int64_t ns) {
  if (ns >= 0) cli_add_number(object, key, ns / 1000);
}

static json_object *entry_json(const cassette_entry *entry) {
  json_object *object = json_object_new_object();
  json_object_object_add(object, "request", request_json(&entry->request));
  if (entry->connected) json_object_object_add(object, "connection", connection_json(&entry->connection));
  add_us(object, "connected_us", entry->connected_ns);
  add_us(object, "first_us", entry->first_ns);
  add_us(object, "end_us", entry->end_ns);
  json_object_object_add(object, "lines", lines_json(entry->lines, entry->line_count));
  json_object_object_add(object, "body", text_json(entry->body));
  json_object_object_add(object, "trailers", lines_json(entry->trailers, entry->trailer_count));
  if (entry->failed) json_object_object_add(object, "error", error_json(&entry->error));
  return object;
}

static void print_json(const char *path, const cassette *tape) {
  json_object *object = json_object_new_object(), *entries = json_object_new_array();
  const cassette_about *about = &tape->about;
  char when[40];
  format_time(about->recorded_s, when, sizeof when);
  cli_add_text(object, "cassette", path);
  cli_add_number(object, "version", CASSETTE_VERSION);
  cli_add_text(object, "recorded", when);
  json_object_object_add(object, "library", text_json(text_of(about->library)));
  json_object_object_add(object, "transport", text_json(text_of(about->transport)));
  json_object_object_add(object, "transport_version", text_json(text_of(about->transport_version)));
  json_object_object_add(object, "stack", text_json(text_of(about->stack)));
  json_object_object_add(object, "complete", json_object_new_boolean(tape->complete));
  for (size_t i = 0; i < tape->count; i++) json_object_array_add(entries, entry_json(&tape->entries[i]));
  json_object_object_add(object, "attempts", entries);
  cli_out_json(object);
}

static int show(const struct cli_args *args) {
  cassette tape;
  cassette_problem problem;
  int32_t status = cassette_read_file(&host, args->argument, &tape, &problem);
  if (status != PLQ_OK) return cli_fail_with(args, status, "FILE", "%s: %s", args->argument, problem.text);
  if (cli_args_has(args, CLI_JSON))
    print_json(args->argument, &tape);
  else
    print_all(args->argument, &tape);
  cassette_clear(&tape);
  return CLI_DONE;
}

int cli_cassette_show(int argc, const char **argv) {
  struct cli_args args;
  int end = cli_args_read_with(&args, "plastiq cassette show", table, "FILE", argc, argv);
  if (end == CLI_GO_ON) end = show(&args);
  cli_args_free(&args);
  return end;
}
