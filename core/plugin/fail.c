/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* ---- a load under way ---- */

static void add_row(struct plq__loading *loading, const char *stage, const char *reason) {
  char path[4096];
  plq__clean(path, sizeof path, loading->path, strlen(loading->path));
  plq__load_log_add(&loading->log, path, stage, reason);
}

static void format_clean(char *out, size_t room, const char *format, va_list args) {
  char raw[1024];
  int len = vsnprintf(raw, sizeof raw, format, args);
  plq__clean(out, room, raw, len > 0 ? strlen(raw) : 0);
}

void plq__loading_pass(struct plq__loading *loading, const char *stage, const char *format, ...) {
  char reason[1024];
  va_list args;
  va_start(args, format);
  format_clean(reason, sizeof reason, format, args);
  va_end(args);
  add_row(loading, stage, reason);
}

int32_t plq__loading_fail(struct plq__loading *loading, int32_t status, const char *stage, const char *format, ...) {
  va_list args;
  va_start(args, format);
  format_clean(loading->message, sizeof loading->message, format, args);
  va_end(args);
  add_row(loading, stage, loading->message);
  return status;
}

int32_t plq__loading_end(struct plq__loading *loading, int32_t status, plq_error **out_error) {
  if (status != PLQ_OK) {
    const char *message = loading->message[0] != '\0' ? loading->message : plq_status_text(status);
    plq__fail(out_error, status, loading->field, "%s", message);
    if (out_error != NULL && *out_error != NULL) {
      (*out_error)->load = loading->log;
      memset(&loading->log, 0, sizeof loading->log);
    }
  }
  plq__load_log_clear(&loading->log);
  return status;
}

/* ---- what a transport reports ---- */

/* A transport allocates what it gives to on_done: only what lies inside its struct_size is there. */
static plq_transport_error normalized(const plq_transport_error *reported) {
  plq_transport_error error = {0};
  if (reported == NULL) return error;
  size_t size = reported->struct_size;
  if (size >= offsetof(plq_transport_error, delivery) + sizeof error.delivery) {
    error.phase = reported->phase;
    error.delivery = reported->delivery;
    error.struct_size = (uint32_t)size;
  }
  if (size >= offsetof(plq_transport_error, message) + sizeof error.message)
    memcpy(error.message, reported->message, sizeof error.message - 1); /* the last byte stays NUL, whatever came */
  return error;
}

/* The statuses that transport.h leaves to transports, and the one for a create that fails for no better reason. */
static bool is_allowed(int32_t status) {
  int32_t kind = plq_status_kind(status);
  bool allowed = kind == PLQ_KIND_CONFIG || (kind >= PLQ_KIND_RESOLVE && kind <= PLQ_KIND_LIMIT) || kind == PLQ_KIND_CANCELLED ||
                 kind == PLQ_KIND_RESOURCE || kind == PLQ_KIND_MEMORY || kind == PLQ_KIND_UNSUPPORTED ||
                 status == PLQ_E_TRANSPORT_CREATE;
  return status > 0 && allowed && strcmp(plq_status_name(status), "PLQ_E_UNKNOWN") != 0;
}

/* NOT_SENT must be said: whatever else comes, the server may have seen the request. */
static int32_t delivery_of(const plq_transport_error *error, int32_t status) {
  bool told = error->struct_size != 0;
  int32_t phase = plq_status_phase(status);
  bool before = phase >= PLQ_PHASE_CONFIG && phase <= PLQ_PHASE_TLS;
  return (told ? error->delivery == PLQ_DELIVERY_NOT_SENT : before) ? PLQ_DELIVERY_NOT_SENT : PLQ_DELIVERY_MAYBE_SENT;
}

int32_t plq__plugin_fail(plq_error **out_error, const struct plq__plugin *plugin, int32_t status,
                         const plq_transport_error *reported) {
  plq_transport_error error = normalized(reported);
  char text[800]; /* room for U+FFFD in place of each byte */
  size_t len = plq__clean(text, sizeof text, error.message, strlen(error.message));
  const char *name = plugin->transport.name;
  int32_t shown = status;
  if (is_allowed(status)) {
    plq__fail(out_error, status, NULL, "%s: %s", name, len > 0 ? text : plq_status_text(status));
  } else {
    shown = PLQ_E_TRANSPORT_MISBEHAVED;
    plq__fail(out_error, shown, NULL, "%s: it reported status %d, which a transport may not%s%s", name, (int)status,
              len > 0 ? "; it said: " : "", text);
  }
  if (out_error == NULL || *out_error == NULL) return shown;
  if (error.phase >= PLQ_PHASE_CONFIG && error.phase <= PLQ_PHASE_RECEIVE) (*out_error)->phase = error.phase;
  (*out_error)->delivery = delivery_of(&error, status);
  return shown;
}
