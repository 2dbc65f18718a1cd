/* SPDX-License-Identifier: MIT */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

struct plq__attempt *plq__attempts_add(struct plq_attempts *attempts) {
  if (attempts->count == attempts->room) {
    uint32_t room = attempts->room > 0 ? attempts->room * 2 : 1;
    struct plq__attempt *rows = plq__realloc(attempts->rows, room * sizeof *rows);
    if (rows == NULL) return NULL;
    attempts->rows = rows;
    attempts->room = room;
  }
  struct plq__attempt *row = &attempts->rows[attempts->count++];
  memset(row, 0, sizeof *row);
  return row;
}

void plq__attempts_clear(struct plq_attempts *attempts) {
  plq__free(attempts->rows);
  memset(attempts, 0, sizeof *attempts);
}

void plq__load_log_add(struct plq__load_log *log, const char *path, const char *stage, const char *reason) {
  if (log->count == log->room) {
    uint32_t room = log->room > 0 ? log->room * 2 : 4;
    struct plq__load_row *rows = plq__realloc(log->rows, room * sizeof *rows);
    if (rows == NULL) return;
    log->rows = rows;
    log->room = room;
  }
  struct plq__load_row *row = &log->rows[log->count++];
  const char *texts[3] = {path, stage, reason};
  for (int i = 0; i < 3; i++) row->texts[i] = plq__copy(texts[i], strlen(texts[i]));
}

void plq__load_log_clear(struct plq__load_log *log) {
  for (uint32_t i = 0; i < log->count; i++)
    for (int j = 0; j < 3; j++) plq__free(log->rows[i].texts[j]);
  plq__free(log->rows);
  memset(log, 0, sizeof *log);
}

plq_error *plq__error_new(int32_t status) {
  plq_error *error = plq__alloc(sizeof *error);
  if (error == NULL) return NULL;
  error->status = status;
  error->phase = plq_status_phase(status);
  error->delivery = PLQ_DELIVERY_NOT_SENT;
  error->retry_after_ms = -1;
  return error;
}

void plq__error_set(plq_error *error, enum plq__error_text which, const char *text, size_t len) {
  plq__free(error->texts[which]);
  error->texts[which] = plq__copy(text, len);
}

static void set_formatted(plq_error *error, const char *format, va_list args) {
  char message[1536];
  vsnprintf(message, sizeof message, format, args);
  plq__error_set(error, PLQ__ERROR_MESSAGE, message, plq__utf8_cut(plq__text_in(message, PLQ_NUL), PLQ__MESSAGE_LONGEST));
}

void plq__error_setf(plq_error *error, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set_formatted(error, format, args);
  va_end(args);
}

int32_t plq__fail(plq_error **out_error, int32_t status, const char *field, const char *format, ...) {
  if (out_error == NULL) return status;
  plq_error *error = *out_error = plq__error_new(status);
  if (error == NULL) return status;
  va_list args;
  va_start(args, format);
  set_formatted(error, format, args);
  va_end(args);
  if (field != NULL) plq__error_set(error, PLQ__ERROR_FIELD, field, strlen(field));
  return status;
}

int32_t plq__fail_plain(plq_error **out_error, int32_t status) { return plq__fail(out_error, status, NULL, "%s", plq_status_text(status)); }

void plq__out_error(plq_error **out_error) {
  if (out_error != NULL) *out_error = NULL;
}
