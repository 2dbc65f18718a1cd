/* SPDX-License-Identifier: MIT */
/* From an outcome to a reply. The buffer lies in the secure pages; msgpack-c's packer writes straight into it and keeps nothing. */
#include <plastiq/message.h>
#include <string.h>

#include "../operations/response.h"
#include "../operations/secret.h"
#include "facts.h"
#include "message.h"
#include "table.h"

/* msgpack_packer_write: what fails is kept by the buffer, which takes no more and is asked at the end. */
static int write_bytes(void *data, const char *bytes, size_t len) { return plq__buffer_add(data, bytes, len) ? 0 : -1; }

/* ---- parts ---- */

/* A msgpack text must be UTF-8, or readers refuse the whole reply: a message may have been cut inside a character. */
static void pack_repaired(msgpack_packer *packer, struct plq__text text) {
  struct plq__buffer repaired;
  plq__buffer_init(&repaired, SIZE_MAX / 4, false);
  while (text.len > 0) {
    size_t step = plq__utf8_step(text);
    plq__buffer_add(&repaired, step > 0 ? text.at : "\xef\xbf\xbd", step > 0 ? step : 3);
    text.at += step > 0 ? step : 1;
    text.len -= step > 0 ? step : 1;
  }
  msgpack_pack_str_with_body(packer, repaired.at, repaired.len);
  plq__buffer_clear(&repaired);
}

/* A short text as msgpack-c would write it, into room that is to be added at once; NULL: it is too long for that. */
static char *put_short(char room[static 2 + 63], const char *text, size_t len) {
  char *at = room;
  if (len > 63) return NULL;
  if (len > 31) *at++ = (char)0xd9;
  *at++ = (char)(len > 31 ? len : 0xa0 | len);
  memcpy(at, text, len);
  return at + len;
}

static void pack_valid(msgpack_packer *packer, const char *text, size_t len) {
  char room[2 + 63], *end = put_short(room, text, len);
  if (end != NULL)
    write_bytes(packer->data, room, (size_t)(end - room));
  else
    msgpack_pack_str_with_body(packer, text, len);
}

static void pack_text(msgpack_packer *packer, const char *text) {
  size_t len = strlen(text);
  if (!plq__is_utf8((struct plq__text){text, len})) {
    pack_repaired(packer, (struct plq__text){text, len});
    return;
  }
  pack_valid(packer, text, len);
}

/* A name out of our own tables. */
static void pack_key(msgpack_packer *packer, const char *name) { pack_valid(packer, name, strlen(name)); }

static void pack_number(msgpack_packer *packer, const char *name, int64_t number) {
  char room[2 + 63 + 5], *end = number >= 0 && number <= UINT32_MAX ? put_short(room, name, strlen(name)) : NULL;
  if (end == NULL) {
    pack_key(packer, name);
    msgpack_pack_int64(packer, number);
    return;
  }
  int bytes = number < 0x80 ? 0 : number <= UINT16_MAX ? 2 : 4; /* one of 8 bits alone would be as good as of 16 */
  *end++ = (char)(bytes == 0 ? number : bytes == 2 ? 0xcd : 0xce);
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) *end++ = (char)(number >> shift);
  write_bytes(packer->data, room, (size_t)(end - room));
}

static void pack_facts(msgpack_packer *packer, const struct plq__facts *facts) {
  for (size_t i = 0; i < facts->count; i++) {
    const struct plq__fact *fact = &facts->rows[i];
    pack_key(packer, fact->name);
    switch (fact->kind) {
      case PLQ__FACT_TEXT: pack_text(packer, fact->text); break;
      case PLQ__FACT_NUMBER: msgpack_pack_int64(packer, fact->number); break;
      case PLQ__FACT_BOOL: fact->number != 0 ? msgpack_pack_true(packer) : msgpack_pack_false(packer); break;
    }
  }
}

static void pack_attempts(msgpack_packer *packer, const struct plq_attempts *attempts) {
  struct plq__facts facts;
  pack_key(packer, "attempts");
  msgpack_pack_array(packer, attempts->count);
  for (uint32_t i = 0; i < attempts->count; i++) {
    plq__facts_of_attempt(&facts, &attempts->rows[i]);
    msgpack_pack_map(packer, facts.count);
    pack_facts(packer, &facts);
  }
}

static void pack_event(msgpack_packer *packer, const struct plq__event_entry *entry) {
  const struct plq__event_row row = plq__event_row(entry->event);
  msgpack_pack_map(packer, 1 + row.field_count);
  pack_key(packer, "event");
  pack_key(packer, row.name);
  for (size_t i = 0; i < row.field_count; i++) {
    const struct plq__event_field field = plq__event_field(entry->event, i);
    pack_key(packer, field.name);
    if (field.type == PLQ__TYPE_STR)
      pack_text(packer, entry->values.rows[i].s);
    else
      msgpack_pack_int64(packer, entry->values.rows[i].n);
  }
}

/* How many keys of a reply pack_events() writes. */
static size_t event_keys(const struct plq__message *message) { return message->want_events + (message->events.lost > 0); }

static void pack_events(msgpack_packer *packer, const struct plq__message *message) {
  const struct plq__event_log *log = &message->events;
  if (!message->want_events) return;
  pack_key(packer, "events");
  msgpack_pack_array(packer, log->count);
  for (size_t i = 0; i < log->count; i++) pack_event(packer, &log->rows[i]);
  if (log->lost > 0) pack_number(packer, "events_lost", (int64_t)log->lost);
}

/* What every reply begins with; more: how many further keys come. */
static void pack_head(msgpack_packer *packer, int32_t status, int32_t http_status, const char *trace_id, size_t more) {
  msgpack_pack_map(packer, 2 + (http_status != 0) + (trace_id[0] != '\0') + more);
  pack_number(packer, "v", PLQ_MESSAGE_VERSION);
  pack_number(packer, "status", status);
  if (http_status != 0) pack_number(packer, "http_status", http_status);
  if (trace_id[0] != '\0') {
    pack_key(packer, "trace_id");
    pack_text(packer, trace_id);
  }
}

/* ---- failure ---- */

static void pack_error(msgpack_packer *packer, const plq_error *error) {
  struct plq__facts facts;
  plq__facts_of_error(&facts, error);
  msgpack_pack_map(packer, facts.count + (error->detail_count > 0) + (error->load.count > 0));
  pack_facts(packer, &facts);
  if (error->detail_count > 0) {
    pack_key(packer, "details");
    msgpack_pack_array(packer, error->detail_count);
    for (uint32_t i = 0; i < error->detail_count; i++) pack_text(packer, error->details[i]);
  }
  if (error->load.count > 0) {
    pack_key(packer, "load");
    msgpack_pack_array(packer, error->load.count);
    for (uint32_t i = 0; i < error->load.count; i++) {
      plq__facts_of_load(&facts, &error->load.rows[i]);
      msgpack_pack_map(packer, facts.count);
      pack_facts(packer, &facts);
    }
  }
}

/* For lack of memory there is no error, and delivery can only be told with care. */
static struct plq_error bare_error(int32_t status) {
  int32_t kind = plq_status_kind(status);
  bool local = kind == PLQ_KIND_USAGE || kind == PLQ_KIND_CONFIG || kind == PLQ_KIND_INPUT || kind == PLQ_KIND_LOAD;
  int32_t delivery = local ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT;
  return (struct plq_error){.status = status, .phase = plq_status_phase(status), .delivery = delivery, .retry_after_ms = -1};
}

int32_t plq__message_write_failure(struct plq__buffer *reply, const struct plq__message *message, int32_t status,
                                   const plq_error *error) {
  const struct plq_error bare = bare_error(status);
  msgpack_packer packer;
  msgpack_packer_init(&packer, reply, write_bytes);
  if (error == NULL) error = &bare;
  pack_head(&packer, status, error->http_status, plq_error_trace_id(error, NULL), 2 + event_keys(message));
  pack_key(&packer, "error");
  pack_error(&packer, error);
  pack_attempts(&packer, &error->attempts);
  pack_events(&packer, message);
  return reply->failed ? PLQ_E_MEMORY : PLQ_OK;
}

/* ---- a table ---- */

int32_t plq__message_write_table(struct plq__buffer *reply, const plq_table *table) {
  uint32_t rows = plq_table_rows(table), columns = plq_table_columns(table);
  msgpack_packer packer;
  msgpack_packer_init(&packer, reply, write_bytes);
  pack_head(&packer, PLQ_OK, 0, "", 1);
  pack_key(&packer, "results");
  msgpack_pack_map(&packer, 3);
  pack_key(&packer, "table");
  pack_key(&packer, table->name);
  pack_key(&packer, "columns");
  msgpack_pack_array(&packer, columns);
  for (uint32_t i = 0; i < columns; i++) pack_text(&packer, plq_table_column(table, i, NULL));
  pack_key(&packer, "rows");
  msgpack_pack_array(&packer, rows);
  for (uint32_t i = 0; i < rows; i++) {
    msgpack_pack_array(&packer, columns);
    for (uint32_t j = 0; j < columns; j++) pack_text(&packer, plq_table_text(table, i, j, NULL));
  }
  return reply->failed ? PLQ_E_MEMORY : PLQ_OK;
}

/* ---- success ---- */

/* What a reply shows of a secret. */
struct shown {
  int64_t expires_at_ms, life_ms;
};

static struct shown look_at(const plq_secret *secret) {
  return (struct shown){.expires_at_ms = plq_secret_expires_at_ms(secret), .life_ms = plq_secret_life_ms(secret)};
}

/* A secret whose life is over by now is shown without its bytes. */
static void pack_secret(msgpack_packer *packer, const plq_secret *secret, plq_secret_id id, struct shown shown) {
  const char *bytes = NULL;
  size_t len = 0;
  bool readable = id == 0 && plq_secret_read(secret, &bytes, &len) == PLQ_OK;
  msgpack_pack_map(packer, 2 + (id != 0 || readable));
  if (id != 0) {
    pack_number(packer, "handle", (int64_t)id);
  } else if (readable) {
    pack_key(packer, "bin");
    msgpack_pack_bin(packer, len);
    msgpack_pack_bin_body(packer, bytes, len);
  }
  pack_number(packer, "expires_at_ms", shown.expires_at_ms);
  pack_number(packer, "life_ms", shown.life_ms);
}

/* Gives the response's secrets handles, and the reply what they show. */
static int32_t publish(struct plq__message *message, plq_client_id client, plq_response *response, struct shown *shown) {
  int32_t status = PLQ_OK;
  for (size_t i = 0; i < message->operation->result_count && status == PLQ_OK; i++) {
    plq_secret *secret = response->secrets[i];
    if (secret == NULL) continue;
    shown[i] = look_at(secret);
    if (!message->want_secret_handle) continue;
    status = plq__secret_publish(client, secret, &message->published[i]);
    if (status == PLQ_OK) response->secrets[i] = NULL;
  }
  return status;
}

void plq__message_take_back(struct plq__message *message, plq_response *response) {
  for (size_t i = 0; i < PLQ__RESULTS_MOST; i++) {
    if (message->published[i] != 0 && plq_secret_claim(message->published[i], &response->secrets[i]) != PLQ_OK) response->secrets[i] = NULL;
    message->published[i] = 0;
  }
}

static void pack_results(msgpack_packer *packer, const struct plq__message *message, const plq_response *response,
                         const struct shown *shown) {
  const struct plq__operation *operation = message->operation;
  size_t count = 0;
  for (size_t i = 0; i < operation->result_count; i++)
    count += response->secrets[i] != NULL || message->published[i] != 0 || response->texts[i] != NULL;
  pack_key(packer, "results");
  msgpack_pack_map(packer, count);
  for (size_t i = 0; i < operation->result_count; i++) {
    bool secret = response->secrets[i] != NULL || message->published[i] != 0;
    if (!secret && response->texts[i] == NULL) continue;
    pack_key(packer, operation->results[i].name);
    if (secret)
      pack_secret(packer, response->secrets[i], message->published[i], shown[i]);
    else
      pack_text(packer, response->texts[i]);
  }
}

int32_t plq__message_write_success(struct plq__buffer *reply, struct plq__message *message, plq_client_id client,
                                   plq_response *response, plq_error **out_error) {
  struct shown shown[PLQ__RESULTS_MOST];
  int32_t status = publish(message, client, response, shown);
  if (status == PLQ_OK) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, reply, write_bytes);
    pack_head(&packer, PLQ_OK, plq_response_http_status(response), plq_response_trace_id(response, NULL),
              1 + message->want_attempts + event_keys(message));
    pack_results(&packer, message, response, shown);
    if (message->want_attempts) pack_attempts(&packer, plq_response_attempts(response));
    pack_events(&packer, message);
    if (reply->failed) status = PLQ_E_MEMORY;
  }
  if (status == PLQ_OK) return PLQ_OK;
  plq__message_take_back(message, response);
  return plq__fail_plain(out_error, status);
}
