/* SPDX-License-Identifier: MIT */
/* What the files of the engine share. */
#ifndef PLASTIQ_EMULATOR_INTERNAL_H
#define PLASTIQ_EMULATOR_INTERNAL_H

#include "engine.h"

#include <string.h>

#define HASH_SIZE 32
#define UUID_SIZE 37
#define LIFE_UNKNOWN INT64_MIN

/* ---- small things (ids.c, sha256.c) ---- */

static inline bool text_is(engine_text text, const char *other) {
  return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

/* A copy with a NUL at its end; NULL: no memory. */
char *text_copy(engine_text text);
/* Whether two texts are the same but for the case of ASCII letters. */
bool text_is_nocase(engine_text text, const char *other);
/* Without the blanks at both ends. */
engine_text text_trim(engine_text text);

void sha256(const void *data, size_t len, uint8_t out[HASH_SIZE]);
/* Compares in a time that does not depend on where they differ. */
bool hash_equal(const uint8_t a[HASH_SIZE], const uint8_t b[HASH_SIZE]);
/* Writes base64url without padding, and a NUL: (len * 4 + 2) / 3 + 1 bytes. */
void base64url(const uint8_t *data, size_t len, char *out);

/* ---- JSON without copies (scan.c) ---- */

typedef enum scan_type { SCAN_NULL, SCAN_BOOL, SCAN_NUMBER, SCAN_STRING, SCAN_ARRAY, SCAN_OBJECT } scan_type;

/* A value inside a text: its bytes stay where they are. */
typedef struct scan_value {
  scan_type type;
  const char *begin;
  const char *end;
} scan_value;

/* Finds the one JSON value that a text must be (RFC 8259, UTF-8, at most 64 levels). */
bool scan_document(engine_text text, scan_value *out);
/* Finds a member of an object, the last one if there are several. */
bool scan_member(const scan_value *object, const char *name, scan_value *out);
/* Decodes a string that has at most size - 1 bytes; false if it is longer. */
bool scan_string(const scan_value *value, char *out, size_t size, size_t *out_len);

/* ---- what the engine keeps ---- */

typedef struct key_set {
  struct key {
    uint8_t hash[HASH_SIZE];
    bool forbidden;
  } * items;
  size_t count;
} key_set;

typedef enum key_state { KEY_UNKNOWN, KEY_FORBIDDEN, KEY_VALID } key_state;

bool keys_replace(key_set *self, const engine_text *keys, size_t key_count, const engine_text *forbidden, size_t forbidden_count);
key_state keys_look_up(const key_set *self, engine_text token);
void keys_clear(key_set *self);

/* The last secrets that were issued, oldest overwritten first; only hashes. */
typedef struct secret_table {
  struct secret {
    uint8_t hash[HASH_SIZE];
    int64_t expires_ms;
    bool used;
  } * items;
  size_t count;    /* in use */
  size_t capacity; /* allocated */
  size_t next;     /* to be overwritten, once it is full */
} secret_table;

typedef enum secret_state { SECRET_UNKNOWN, SECRET_USED, SECRET_EXPIRED, SECRET_GOOD } secret_state;

#define SECRET_TABLE_MAX 65536

bool secrets_add(secret_table *self, const char *secret, int64_t expires_ms);
/* Says what is known of a secret; where it is good, out_index tells secrets_use which one it is. */
secret_state secrets_look_up(const secret_table *self, engine_text token, int64_t now_ms, size_t *out_index);
void secrets_use(secret_table *self, size_t index);
void secrets_clear(secret_table *self);

typedef struct fault {
  struct fault *next;
  int64_t count; /* requests left */
  char *path;
  int status; /* 0: as the request deserves */
  char *code;
  char *message;
  char *body;
  size_t body_len;
  char *retry_after;
  int64_t delay_ms;
  engine_drop drop;
  int64_t truncate_body; /* -1: not */
  engine_answer_header headers[16];
  size_t header_count;
} fault;

/* Takes the first fault for a path out of the queue, for one request. It is the caller's to free if out_last. */
fault *faults_take(engine *self, engine_text path, bool *out_last);
void fault_free(fault *self);

/* One line of the request log. */
typedef struct log_entry {
  uint64_t number;
  int64_t at_ms;
  int64_t delay_ms;
  int status;
  engine_drop drop;
  bool fault;
  char method[sizeof((engine_answer *)0)->method];
  char path[sizeof((engine_answer *)0)->path];
  char trace_id[UUID_SIZE];
  char code[sizeof((engine_answer *)0)->code];
} log_entry;

typedef struct journal {
  log_entry *items;
  size_t capacity;
  uint64_t written; /* since the log was cleared */
  uint64_t requests;
  uint64_t by_status[600];
  uint64_t dropped;
  uint64_t secrets_issued;
  uint64_t secrets_used;
  uint64_t secrets_refused;
  uint64_t faults_applied;
} journal;

/* Writes a request's method and path without what could be a secret. */
void journal_describe(engine_answer *answer, engine_text method, engine_text path);
void journal_add(journal *self, const log_entry *entry);

struct engine {
  engine_settings settings;
  char *base_path; /* begins with '/' and ends with none, or is empty */
  int64_t offset_ms;
  key_set keys;
  secret_table secrets;
  fault *faults;
  size_t fault_count;
  journal journal;
};

/* ---- one request on its way (validate.c, handlers.c, answer.c) ---- */

#define MAX_DETAILS 16

typedef struct exchange {
  engine *engine;
  const engine_request *request;
  engine_text path; /* without the query */
  engine_answer *answer;
  const char *code; /* of the error, or NULL; borrowed for the exchange */
  const char *details[MAX_DETAILS];
  size_t detail_count;
  bool out_of_memory;
} exchange;

/* The first header of this name; false if there is none. */
bool request_header(const engine_request *request, const char *name, engine_text *out_value);
/* Gives the token after "Bearer "; false if there is none. */
bool request_bearer(const engine_request *request, engine_text *out_token);
/* Collects everything that is wrong with a request, as details. */
void validate_headers(exchange *x);
void validate_secret_body(exchange *x);
void validate_card_body(exchange *x);
void add_detail(exchange *x, const char *text);

/* Finds what the path and method ask for, and does it. */
void handle_request(exchange *x);

/* Makes the answer. Bodies are copied; each returns nothing but sets out_of_memory. */
void answer_header(exchange *x, const char *name, const char *value);
void answer_body(exchange *x, const char *body, size_t len);
void answer_error(exchange *x, int status, const char *code, const char *message);
/* The code that the service uses for a status. */
const char *code_for_status(int status);
/* Carries out the parts of a fault that change an answer. */
void answer_apply_fault(exchange *x, const fault *f);

#endif
