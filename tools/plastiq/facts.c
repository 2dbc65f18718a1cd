/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli.h"

void cli_add_text(json_object *object, const char *key, const char *text) {
  if (text[0] != '\0') json_object_object_add(object, key, json_object_new_string(text));
}

void cli_add_number(json_object *object, const char *key, int64_t number) {
  json_object_object_add(object, key, json_object_new_int64(number));
}

int64_t cli_attempt_number(const plq_attempts *attempts, uint32_t index, int32_t which) {
  int64_t number = -1;
  return plq_attempts_number(attempts, index, which, &number) == PLQ_OK ? number : -1;
}

/* An address needs no look-up and plain http no handshake, but there is no new connection without connecting. */
int64_t cli_attempt_connect_us(const plq_attempts *attempts, uint32_t index) {
  int64_t resolve_us = cli_attempt_number(attempts, index, PLQ_ATTEMPT_RESOLVE_US);
  int64_t connect_us = cli_attempt_number(attempts, index, PLQ_ATTEMPT_CONNECT_US);
  int64_t tls_us = cli_attempt_number(attempts, index, PLQ_ATTEMPT_TLS_US);
  if (connect_us < 0) return -1;
  return connect_us + (resolve_us > 0 ? resolve_us : 0) + (tls_us > 0 ? tls_us : 0);
}

static void add_durations(json_object *object, const plq_attempts *attempts, uint32_t index) {
  static const struct {
    const char *key;
    int32_t which;
  } rows[] = {{"start_us", PLQ_ATTEMPT_START_US},
              {"wait_us", PLQ_ATTEMPT_WAIT_US},
              {"queue_us", PLQ_ATTEMPT_QUEUE_US},
              {"resolve_us", PLQ_ATTEMPT_RESOLVE_US},
              {"connect_us", PLQ_ATTEMPT_CONNECT_US},
              {"tls_us", PLQ_ATTEMPT_TLS_US},
              {"send_us", PLQ_ATTEMPT_SEND_US},
              {"first_byte_us", PLQ_ATTEMPT_FIRST_BYTE_US},
              {"total_us", PLQ_ATTEMPT_TOTAL_US},
              {"bytes_sent", PLQ_ATTEMPT_BYTES_SENT},
              {"bytes_received", PLQ_ATTEMPT_BYTES_RECEIVED},
              {"token", PLQ_ATTEMPT_TOKEN}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t number = cli_attempt_number(attempts, index, rows[i].which);
    if (number >= 0) cli_add_number(object, rows[i].key, number);
  }
}

static void add_connection(json_object *object, const plq_attempts *attempts, uint32_t index) {
  int64_t http_status = cli_attempt_number(attempts, index, PLQ_ATTEMPT_HTTP_STATUS);
  int64_t http_version = cli_attempt_number(attempts, index, PLQ_ATTEMPT_HTTP_VERSION);
  int64_t tls_version = cli_attempt_number(attempts, index, PLQ_ATTEMPT_TLS_VERSION);
  if (http_status > 0) cli_add_number(object, "http_status", http_status);
  if (http_version > 0) cli_add_number(object, "http_version", http_version);
  if (tls_version > 0) cli_add_number(object, "tls_version", tls_version);
  json_object_object_add(object, "reused", json_object_new_boolean(cli_attempt_number(attempts, index, PLQ_ATTEMPT_REUSED) == 1));
  json_object_object_add(object, "resumed",
                         json_object_new_boolean(cli_attempt_number(attempts, index, PLQ_ATTEMPT_RESUMED) == 1));
  cli_add_text(object, "peer", plq_attempts_text(attempts, index, PLQ_ATTEMPT_PEER, NULL));
}

json_object *cli_attempts_json(const plq_attempts *attempts) {
  json_object *list = json_object_new_array();
  for (uint32_t i = 0; i < plq_attempts_count(attempts); i++) {
    json_object *object = json_object_new_object();
    int32_t status = (int32_t)cli_attempt_number(attempts, i, PLQ_ATTEMPT_STATUS);
    cli_add_number(object, "status", status);
    cli_add_text(object, "name", plq_status_name(status));
    int32_t phase = (int32_t)cli_attempt_number(attempts, i, PLQ_ATTEMPT_PHASE);
    if (phase != PLQ_PHASE_NONE) cli_add_text(object, "phase", plq_phase_name(phase));
    cli_add_text(object, "delivery", plq_delivery_name((int32_t)cli_attempt_number(attempts, i, PLQ_ATTEMPT_DELIVERY)));
    add_connection(object, attempts, i);
    add_durations(object, attempts, i);
    cli_add_text(object, "trace_id", plq_attempts_text(attempts, i, PLQ_ATTEMPT_TRACE_ID, NULL));
    cli_add_text(object, "message", plq_attempts_text(attempts, i, PLQ_ATTEMPT_MESSAGE, NULL));
    json_object_array_add(list, object);
  }
  return list;
}

json_object *cli_transport_json(plq_client_id client) {
  plq_transports *transport = NULL;
  json_object *object = json_object_new_object();
  if (plq_client_transport(client, &transport, NULL) == PLQ_OK) {
    cli_add_text(object, "name", plq_transports_text(transport, 0, PLQ_TRANSPORT_NAME, NULL));
    cli_add_text(object, "version", plq_transports_text(transport, 0, PLQ_TRANSPORT_VERSION, NULL));
    cli_add_text(object, "stack", plq_transports_text(transport, 0, PLQ_TRANSPORT_STACK, NULL));
  }
  plq_transports_free(transport);
  return object;
}
