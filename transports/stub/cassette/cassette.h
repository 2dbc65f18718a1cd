/* SPDX-License-Identifier: MIT */
/*
 * Cassettes: what another transport did, on file, without the secrets that were in it. Written and replayed by the stub
 * transport, and shown by `plastiq cassette show`.
 *
 * A file is a row of msgpack maps. The first says what it is, one follows for each attempt, written as soon as that is over, and
 * the last one says that there are no more. format.c has the members, docs/cassettes.md what is kept of an attempt and what is
 * not.
 */
#ifndef PLASTIQ_CASSETTE_H
#define PLASTIQ_CASSETTE_H

#include <plastiq/transport.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CASSETTE_VERSION 1
#define CASSETTE_MOST_BYTES (64 << 20)

typedef struct cassette_text {
  const char *at;
  size_t len;
} cassette_text;

/* What is wrong, and what would be right. */
typedef struct cassette_problem {
  char text[240];
} cassette_problem;

/* ---- memory.c ---- */

/* Bytes that grow. What they outgrow, and what they had at the end, is wiped. */
typedef struct cassette_bytes {
  const plq_transport_host *host;
  char *at;
  size_t len;
  size_t capacity;
} cassette_bytes;

/* False: no memory, and nothing was added. */
bool cassette_bytes_add(cassette_bytes *self, const void *data, size_t len);
void cassette_bytes_clear(cassette_bytes *self);

/* Blocks that end together, wiped. */
typedef struct cassette_arena {
  const plq_transport_host *host;
  struct cassette_block *blocks;
} cassette_arena;

/* Zeroed, and not NULL for 0 bytes; NULL: no memory. */
void *cassette_arena_take(cassette_arena *self, size_t size);
/* A copy, with a NUL after it. */
char *cassette_arena_copy(cassette_arena *self, cassette_text text);
void cassette_arena_clear(cassette_arena *self);

/* ---- an attempt ---- */

typedef struct cassette_header {
  cassette_text name;
  cassette_text value; /* of a secret: the scheme alone ("Bearer"), or nothing */
  bool secret;
} cassette_header;

/* What is kept of a request. */
typedef struct cassette_request {
  cassette_text method;
  cassette_text origin;
  cassette_text path;
  cassette_header *headers;
  size_t header_count;
  bool has_body;
  cassette_text body;
} cassette_request;

/* What the sink was told, and when, in ns since the attempt began; -1: that did not happen. */
typedef struct cassette_entry {
  cassette_request request;
  uint64_t number; /* from 1 on */
  int64_t connected_ns;
  int64_t first_ns; /* the first line */
  int64_t end_ns;
  bool connected;
  plq_transport_connection connection;
  cassette_text *lines;
  size_t line_count;
  cassette_text body;
  cassette_text *trailers;
  size_t trailer_count;
  bool failed;
  plq_transport_error error;
  bool has_transfer;
  plq_transport_transfer transfer;
} cassette_entry;

/* What the first map says. */
typedef struct cassette_about {
  int64_t recorded_s; /* Unix time */
  char library[32];
  char transport[40];
  char transport_version[64];
  char stack[128];
} cassette_about;

/* ---- secrets.c, scrub.c, json.c: taking secrets out ---- */

/* What is known to be secret: the newest ones. Wiped when it is replaced. */
enum { CASSETTE_SECRETS = 64 };
typedef struct cassette_secrets {
  const plq_transport_host *host;
  char *at[CASSETTE_SECRETS];
  size_t len[CASSETTE_SECRETS];
  size_t next;
} cassette_secrets;

/* False: no memory. One that is known already is not added twice. */
bool cassette_secrets_add(cassette_secrets *self, cassette_text secret);
/* Adds what a request has: the values of its sensitive headers, whole and without the scheme. */
bool cassette_secrets_add_request(cassette_secrets *self, const plq_transport_request *request);
/* Adds what a replayed success gives out: what a program does with it was taken out of later requests when they were recorded. */
bool cassette_secrets_add_answer(cassette_secrets *self, const cassette_entry *entry);
/* Whether a text has one of them in it. */
bool cassette_secrets_in(const cassette_secrets *self, cassette_text text);
void cassette_secrets_clear(cassette_secrets *self);

/* What may be kept of a request, in memory of the arena. False: no memory. */
bool cassette_request_keep(cassette_arena *arena, cassette_secrets *secrets, const plq_transport_request *request,
                           cassette_request *out);
/* Each changes a text in place and leaves its length. */
void cassette_scrub_line(const cassette_secrets *secrets, char *line, size_t len);
void cassette_scrub_message(const cassette_secrets *secrets, char *message, size_t len);
/* Digits of what could be a card number become 1. */
void cassette_scrub_cards(char *text, size_t len);

typedef enum cassette_body_kind {
  CASSETTE_BODY_REQUEST, /* its texts are kept, but for known secrets */
  CASSETTE_BODY_ERROR,   /* an answer of 400 or more: the texts that say what went wrong are kept */
  CASSETTE_BODY_ANSWER   /* any other one: no text is kept */
} cassette_body_kind;

/*
 * Takes secrets out of a body in place: of JSON, structure, names of members and lengths stay. What is no JSON becomes x, all of
 * it. Texts that were taken out of an answer are secrets from then on. `number` makes what stands in their place different; it is
 * counted up. False: no memory; then the body is x.
 */
bool cassette_scrub_body(cassette_secrets *secrets, cassette_body_kind kind, uint64_t *number, char *body, size_t len);

/* Shared by the above. Whether a text has a word that looks like a credential: 16 or more letters and digits, and not a UUID. */
bool cassette_looks_secret(cassette_text text);

/* ---- record.c: one attempt, while it goes on ---- */

typedef struct cassette_take {
  const plq_transport_host *host;
  const plq_transport_request *request;
  int64_t began_ns;
  cassette_arena arena;
  cassette_bytes lines;    /* rows of cassette_text */
  cassette_bytes trailers; /* the same */
  cassette_bytes body;
  cassette_entry entry;
  bool no_memory;
} cassette_take;

/* The request is borrowed until the take is cleared. */
void cassette_take_begin(cassette_take *self, const plq_transport_host *host, const plq_transport_request *request);
void cassette_take_connected(cassette_take *self, const plq_transport_connection *connection);
void cassette_take_line(cassette_take *self, const char *line, size_t len);
void cassette_take_body(cassette_take *self, const uint8_t *data, size_t len);
void cassette_take_end(cassette_take *self, const plq_transport_error *error, const plq_transport_transfer *transfer);
void cassette_take_clear(cassette_take *self);

/* ---- write.c: a file that is being written. Any thread. ---- */

typedef struct cassette_writer {
  const plq_transport_host *host;
  pthread_mutex_t lock;
  int fd; /* -1: none */
  int64_t size;
  uint64_t count;
  uint64_t number;
  cassette_secrets secrets;
  int32_t broken; /* PLQ_OK, or why nothing is recorded any more */
} cassette_writer;

/* Makes the file, which must not be there. PLQ_OK, or the status and *problem. */
int32_t cassette_writer_open(cassette_writer *self, const plq_transport_host *host, const char *path, const cassette_about *about,
                             cassette_problem *problem);
/* Takes the secrets out of an attempt that is over, and appends it. After a failure each further one fails alike. */
int32_t cassette_writer_add(cassette_writer *self, cassette_take *take, cassette_problem *problem);
/* Why nothing can be recorded any more, or PLQ_OK. */
int32_t cassette_writer_state(cassette_writer *self, cassette_problem *problem);
/* Says in the file that it is complete, and closes it. False: that could not be written. */
bool cassette_writer_close(cassette_writer *self);
/* In a forked child. */
void cassette_writer_abandon(cassette_writer *self);

/* ---- read.c ---- */

typedef struct cassette {
  cassette_arena arena; /* the file, and what points into it */
  cassette_bytes rows;  /* the entries */
  cassette_about about;
  cassette_entry *entries;
  size_t count;
  bool complete; /* the recording was closed */
} cassette;

/* PLQ_OK; PLQ_E_OPTION_VALUE or PLQ_E_MEMORY, and *problem. Then there is nothing to clear. */
int32_t cassette_read_file(const plq_transport_host *host, const char *path, cassette *out, cassette_problem *problem);
int32_t cassette_read(const plq_transport_host *host, const char *bytes, size_t len, cassette *out, cassette_problem *problem);
void cassette_clear(cassette *self);

/* ---- match.c ---- */

/* Whether a request is the recorded one; if not, *problem has the first difference. Both went through cassette_request_keep. */
bool cassette_match(const cassette_request *recorded, const cassette_request *now, cassette_problem *problem);

/* ---- format.c: maps and their members. For read.c and write.c ---- */

/* Each adds a map to out. False: no memory. */
bool cassette_pack_about(cassette_bytes *out, const cassette_about *about);
bool cassette_pack_entry(cassette_bytes *out, const cassette_entry *entry);
bool cassette_pack_end(cassette_bytes *out, uint64_t count);

#endif
