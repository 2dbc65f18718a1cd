/* SPDX-License-Identifier: MIT */
/* Errors and attempts: what the rest of the core fills in and the API shows. */
#ifndef PLQ_BASE_ERROR_H
#define PLQ_BASE_ERROR_H

#include <plastiq/attempts.h>
#include <plastiq/error.h>
#include <stdbool.h>

/* When a status may be repeated; the table core/tables/status.toml says which. */
enum plq__repeat { REPEAT_NEVER, REPEAT_NOT_SENT, REPEAT_AMBIGUOUS, REPEAT_STATUS };
enum plq__repeat plq__status_repeat(int32_t status);
/* The statuses, in the order of the table; false: there are no more. */
bool plq__status_at(size_t index, int32_t *out_status);

struct plq__attempt {
  int32_t status, phase, delivery, http_status, http_version, tls_version;
  int32_t reused, resumed, token;
  int64_t start_us, wait_us, queue_us, resolve_us, connect_us, tls_us, send_us, first_byte_us, total_us, bytes_sent, bytes_received;
  char peer[80];
  char trace_id[40];
  char message[256];
};

struct plq_attempts {
  uint32_t count, room;
  struct plq__attempt *rows;
};

/* A new row, zeroed, or NULL. */
struct plq__attempt *plq__attempts_add(struct plq_attempts *attempts);
void plq__attempts_clear(struct plq_attempts *attempts);

enum plq__error_text {
  PLQ__ERROR_MESSAGE,
  PLQ__ERROR_FIELD,
  PLQ__ERROR_SERVICE_CODE,
  PLQ__ERROR_SERVICE_MESSAGE,
  PLQ__ERROR_TRACE_ID,
  PLQ__ERROR_JSON,
  PLQ__ERROR_TEXTS
};

struct plq__load_row {
  char *texts[3]; /* path, stage, reason */
};

struct plq__load_log {
  uint32_t count, room;
  struct plq__load_row *rows;
};

void plq__load_log_add(struct plq__load_log *log, const char *path, const char *stage, const char *reason);
void plq__load_log_clear(struct plq__load_log *log);

struct plq_error {
  int32_t status, phase, delivery, http_status;
  bool repeatable;
  int64_t retry_after_ms;
  char *texts[PLQ__ERROR_TEXTS];
  char **details;
  uint32_t detail_count;
  struct plq_attempts attempts;
  struct plq__load_log load;
};

/* Longest message in bytes; what is longer is cut between characters. */
enum { PLQ__MESSAGE_LONGEST = 1024 };

/* Makes an error in *out_error, if the caller wants one, and returns the status. The message never holds a secret. */
__attribute__((format(printf, 4, 5))) int32_t plq__fail(plq_error **out_error, int32_t status, const char *field, const char *format, ...);
/* The same with the table's text. */
int32_t plq__fail_plain(plq_error **out_error, int32_t status);
/* A new error with the status's usual phase and no message, or NULL. */
plq_error *plq__error_new(int32_t status);
/* Replaces a text. Without memory the text is left out. */
void plq__error_set(plq_error *error, enum plq__error_text which, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) void plq__error_setf(plq_error *error, const char *format, ...);
/* Starts an out pair: *out_error = NULL where there is one. */
void plq__out_error(plq_error **out_error);

#endif
