/* SPDX-License-Identifier: MIT */
/*
 * The engine: a make-believe of the service, as far as its public description goes. It decides what a request is answered with;
 * a front end (the emulator's HTTPS server, the stub transport) carries the decision out.
 *
 * It does no I/O, has no thread, and no clock or source of randomness of its own. One thread at a time per engine.
 * It is written from the description of the API alone, not from the library's tables, so that one can check the other.
 * What it keeps of API keys and secrets is their SHA-256; of bodies it keeps nothing.
 */
#ifndef PLASTIQ_EMULATOR_ENGINE_H
#define PLASTIQ_EMULATOR_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The key that both front ends accept unless they are told others: a test value, valid nowhere else. */
#define ENGINE_DEFAULT_KEY "test-key-0000000000000000"
#define ENGINE_DEFAULT_BASE_PATH "/api"
/* What every secret begins with. */
#define ENGINE_SECRET_PREFIX "cs_test_"

#define ENGINE_SECRET_LIFE_MS INT64_C(60000)
#define ENGINE_SECRET_LIFE_V2_MS INT64_C(1800000)

typedef struct engine engine;

/* Some bytes, not NUL-terminated unless said. */
typedef struct engine_text {
  const char *data;
  size_t len;
} engine_text;

typedef struct engine_header {
  engine_text name;
  engine_text value;
} engine_header;

typedef enum engine_error_shape {
  ENGINE_ERRORS_OLD, /* {code, message, traceId, errors: [{details}]} */
  ENGINE_ERRORS_NEW  /* {code, message, traceId, statusCode, details: [{details}]} */
} engine_error_shape;

typedef struct engine_settings {
  const char *base_path; /* what comes before /client-secrets; NULL: the default; "" or "/": nothing */
  int success_status;    /* 200 or 201, for a created secret; 0: 200 */
  engine_error_shape error_shape;
  size_t log_capacity; /* how many requests the log keeps; 0: no log */
  /* Required; any clock that does not go back. */
  int64_t (*now_ms)(void *context);
  /* Required; unpredictable bytes; false: none are to be had. */
  bool (*random)(void *context, void *buffer, size_t length);
  void *context; /* passed to both */
} engine_settings;

typedef struct engine_request {
  engine_text method;
  engine_text target; /* path, and query if there is one */
  const engine_header *headers;
  size_t header_count;
  engine_text body;
} engine_request;

/* What the front end does with the connection. */
typedef enum engine_drop {
  ENGINE_DROP_NONE,
  ENGINE_DROP_BEFORE_HANDLING, /* the request was not acted on; close without an answer */
  ENGINE_DROP_AFTER_HANDLING,  /* the request was acted on; close without an answer */
  ENGINE_DROP_AFTER_RESPONSE   /* answer with Connection: close, then close */
} engine_drop;

#define ENGINE_MAX_ANSWER_HEADERS 40

/* A header of an answer, NUL-terminated. */
typedef struct engine_answer_header {
  char *name;
  char *value;
} engine_answer_header;

/* A decision. Content-Length and Date are the front end's business. */
typedef struct engine_answer {
  int status;
  engine_drop drop;
  int64_t delay_ms;  /* to let pass before the answer, or before closing */
  size_t body_sent;  /* how much of the body is sent before the connection is closed; body_len: all, and it stays open */
  char *body;        /* NUL-terminated too; wiped by engine_answer_clear */
  size_t body_len;   /* what Content-Length says */
  bool fault;        /* a fault had a part in it */
  char trace_id[37]; /* the rest is for a log line: nothing secret is in it */
  char code[40];     /* of the error, or "" */
  char method[16];
  char path[128];
  size_t header_count;
  engine_answer_header headers[ENGINE_MAX_ANSWER_HEADERS];
} engine_answer;

/* Why an input was not accepted: for people, with what would be right. */
typedef struct engine_problem {
  char text[256];
} engine_problem;

/* Makes an engine that accepts no key yet. NULL: no memory, or settings that make no sense. */
engine *engine_new(const engine_settings *settings);
/* Frees it; NULL does nothing. */
void engine_free(engine *self);

/* Replaces the API keys: those of `keys` work, those of `forbidden` are known but get 403. False: no memory; nothing changed. */
bool engine_set_keys(engine *self, const engine_text *keys, size_t key_count, const engine_text *forbidden,
                     size_t forbidden_count);

/* Whether a text can be a bearer token at all (RFC 6750 section 2.1). */
bool engine_key_valid(engine_text key);

/* Decides about a request. The answer is to be cleared by the caller. False: no memory; the answer is empty. */
bool engine_handle(engine *self, const engine_request *request, engine_answer *out_answer);
/* Wipes and frees what an answer holds. */
void engine_answer_clear(engine_answer *answer);

/* Moves the engine's clock on. */
void engine_advance(engine *self, int64_t ms);
/* The engine's clock: now_ms and all advances. */
int64_t engine_now_ms(const engine *self);

/*
 * Appends faults to the queue: a JSON list of objects, or one object. All or nothing; false: see problem. Members of each:
 *   count         for how many requests, 1 unless said
 *   path          only for requests to this path, with or without the base path
 *   status        answers with this HTTP status in place of acting on the request; from 400 on with an error object
 *   code, message of that error object
 *   body          raw text in place of the body
 *   headers       [[name, value], ..] to add
 *   retry_after   number of seconds, or a text that is sent as it is
 *   delay_ms      answers that much later
 *   drop          "before_handling", "after_handling", "after_response"
 *   truncate_body sends only that many bytes of the body, then closes
 */
bool engine_add_faults(engine *self, engine_text json, engine_problem *out_problem);
void engine_clear_faults(engine *self);

/* Counters, as a JSON object without its last brace, so that a front end can add its own; to be freed by the caller. NULL: no
 * memory. */
char *engine_state_json(const engine *self);
/* The log, oldest first, as a JSON list; to be freed by the caller. It has no keys, secrets, queries or bodies. NULL: no memory.
 */
char *engine_log_json(const engine *self);
void engine_clear_log(engine *self);

/* The reason phrase of an HTTP status, or "Unknown". */
const char *engine_reason(int status);

/* Whether a text is a UUID; `version` 0: of any version. */
bool engine_is_uuid(engine_text text, int version);
/* Whether a text can be a header's name or value (RFC 9110 section 5). */
bool engine_is_token(engine_text text);
bool engine_is_field_value(engine_text text);

#endif
