/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <plastiq/options.h>
#include <plastiq/transports.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/ambient.h"
#include "../plugin/internal.h"
#include "table.h"

enum { TEXTS = PLQ_TRANSPORT_FAILURE };

struct row {
  char *texts[TEXTS]; /* by PLQ_TRANSPORT_*, from 1; NULL: "" */
};

struct plq_transports {
  uint32_t count;
  size_t room;
  struct row *rows;
};

/* By their bits. */
static const char *const capability_names[] = {
    "blocking", "async",      "concurrent", "prewarm",      "keepalive",          "http2", "proxy", "client_certificate", "ca",
    "pins",     "send_state", "tls_facts",  "fork_abandon", "self_contained_tls", "wipes"};

const char *plq__capability_name(unsigned bit) {
  return bit < sizeof capability_names / sizeof *capability_names ? capability_names[bit] : NULL;
}

static struct row *add_row(struct plq_transports *transports) {
  if (transports->count == transports->room) {
    size_t room = transports->room > 0 ? transports->room * 2 : 4;
    struct row *rows = plq__realloc(transports->rows, room * sizeof *rows);
    if (rows == NULL) return NULL;
    transports->rows = rows;
    transports->room = room;
  }
  struct row *row = &transports->rows[transports->count++];
  memset(row, 0, sizeof *row);
  return row;
}

static bool set(struct row *row, int which, const char *text) {
  if (text == NULL || text[0] == '\0') return true;
  row->texts[which - 1] = plq__copy(text, strlen(text));
  return row->texts[which - 1] != NULL;
}

static bool set_capabilities(struct row *row, uint64_t capabilities) {
  char text[256] = "";
  size_t len = 0;
  for (size_t i = 0; i < sizeof capability_names / sizeof *capability_names; i++)
    if ((capabilities & UINT64_C(1) << i) != 0)
      len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? " " : "", capability_names[i]);
  return set(row, PLQ_TRANSPORT_CAPABILITIES, text);
}

static bool add_loaded(struct plq_transports *transports, const struct plq__plugin *plugin) {
  const plq_transport *transport = &plugin->transport;
  struct row *row = add_row(transports);
  return row != NULL && set(row, PLQ_TRANSPORT_NAME, transport->name) && set(row, PLQ_TRANSPORT_PATH, plugin->path) &&
         set(row, PLQ_TRANSPORT_VERSION, transport->version) && set(row, PLQ_TRANSPORT_STACK, transport->stack) &&
         set(row, PLQ_TRANSPORT_CLASS, transport->deployment_class == PLQ_CLASS_TEST ? "test" : "production") &&
         set(row, PLQ_TRANSPORT_ID, transport->id) && set(row, PLQ_TRANSPORT_VENDOR, transport->vendor) &&
         set(row, PLQ_TRANSPORT_LICENSE, transport->license) && set_capabilities(row, transport->capabilities);
}

static bool add_failed(struct plq_transports *transports, const char *name, const char *path, const plq_error *error) {
  struct row *row = add_row(transports);
  const char *why = error != NULL ? error->texts[PLQ__ERROR_MESSAGE] : NULL;
  return row != NULL && set(row, PLQ_TRANSPORT_NAME, name) && set(row, PLQ_TRANSPORT_PATH, path) &&
         set(row, PLQ_TRANSPORT_FAILURE, why != NULL ? why : "out of memory");
}

/* A failure of one is a row, not a failure of the list. */
static int32_t add(struct plq_transports *transports, const plq_options *options, const char *name, const char *path) {
  const struct plq__plugin *plugin = NULL;
  plq_error *error = NULL;
  int32_t status = plq__load(options, name, &plugin, &error);
  bool good =
      status != PLQ_E_MEMORY && (status == PLQ_OK ? add_loaded(transports, plugin) : add_failed(transports, name, path, error));
  plq_error_free(error);
  return good ? PLQ_OK : PLQ_E_MEMORY;
}

static int32_t add_linked(struct plq_transports *transports, const plq_options *options) {
  int32_t status = PLQ_OK;
  for (struct plq__loaded *at = plq__registry_first(); at != NULL && status == PLQ_OK; at = plq__registry_next(at))
    if (at->plugin.path[0] == '\0') status = add(transports, options, at->plugin.transport.name, "");
  return status;
}

static int32_t add_files(struct plq_transports *transports, const plq_options *options, const char *folder) {
  struct plq__names names;
  char path[PATH_MAX];
  int32_t status = plq__names_new(folder, &names);
  for (size_t i = 0; i < names.count && status == PLQ_OK; i++) {
    const char *name = names.rows[i];
    if (plq__registry_find_static(plq__text_in(name, SIZE_MAX)) != NULL) continue; /* it comes first, and has its row */
    snprintf(path, sizeof path, "%s/" PLQ__FILE_PREFIX "%s" PLQ__FILE_SUFFIX, folder, name);
    status = add(transports, options, name, path);
  }
  plq__names_clear(&names);
  return status;
}

static int compare(const void *a, const void *b) {
  const struct row *left = a, *right = b;
  return strcmp(left->texts[PLQ_TRANSPORT_NAME - 1], right->texts[PLQ_TRANSPORT_NAME - 1]);
}

/* The folder of the build may be missing where all transports are linked in. */
static int32_t check_folder(const plq_options *options, const char *folder, bool *out_there, plq_error **out_error) {
  struct plq__loading loading = {.options = options, .path = folder, .field = "transport_dir"};
  bool check = plq__options_number(options, PLQ__OPT_TRANSPORT_PATH_CHECK) != 0;
  int32_t status = plq__folder_check(&loading, folder, check);
  *out_there = status == PLQ_OK;
  for (struct plq__loaded *at = plq__registry_first(); at != NULL && status == PLQ_E_TRANSPORT_NOT_FOUND;
       at = plq__registry_next(at))
    if (at->plugin.path[0] == '\0' && !plq__options_is_set(options, PLQ__OPT_TRANSPORT_DIR)) status = PLQ_OK;
  return plq__loading_end(&loading, status, out_error);
}

int32_t plq_transports_new(const plq_options *options, plq_transports **out_transports, plq_error **out_error) {
  plq__out_error(out_error);
  if (out_transports == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "out_transports is NULL");
  *out_transports = NULL;
  bool there = false;
  plq_options *made = NULL;
  struct plq_transports *transports = plq__alloc(sizeof *transports);
  if (transports == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  int32_t status = options == NULL ? plq_options_new(0, &made, out_error) : PLQ_OK;
  if (status != PLQ_OK) goto cleanup;
  if (options == NULL) options = made;
  const char *folder = plq__transport_folder(options);
  if (folder != NULL) status = check_folder(options, folder, &there, out_error);
  if (status != PLQ_OK && out_error != NULL) plq__ambient_blame(options, *out_error);
  if (status != PLQ_OK) goto cleanup;
  status = add_linked(transports, options);
  if (status == PLQ_OK && there) status = add_files(transports, options, folder);
  if (status != PLQ_OK) {
    plq__fail_plain(out_error, status);
    goto cleanup;
  }
  if (transports->count > 1) qsort(transports->rows, transports->count, sizeof *transports->rows, compare);
  *out_transports = transports;
  transports = NULL;

cleanup:
  plq_transports_free(transports);
  plq__options_free(made);
  return status;
}

int32_t plq__transports_of(const struct plq__plugin *plugin, plq_transports **out_transports, plq_error **out_error) {
  struct plq_transports *transports = plq__alloc(sizeof *transports);
  *out_transports = NULL;
  if (transports == NULL || !add_loaded(transports, plugin)) {
    plq_transports_free(transports);
    return plq__fail_plain(out_error, PLQ_E_MEMORY);
  }
  *out_transports = transports;
  return PLQ_OK;
}

uint32_t plq_transports_count(const plq_transports *transports) { return transports != NULL ? transports->count : 0; }

const char *plq_transports_text(const plq_transports *transports, uint32_t index, int32_t which, size_t *out_len) {
  const char *text = NULL;
  if (transports != NULL && index < transports->count && which >= 1 && which <= TEXTS)
    text = transports->rows[index].texts[which - 1];
  if (text == NULL) text = "";
  if (out_len != NULL) *out_len = strlen(text);
  return text;
}

void plq_transports_free(plq_transports *transports) {
  if (transports == NULL) return;
  for (uint32_t i = 0; i < transports->count; i++)
    for (int j = 0; j < TEXTS; j++) plq__free(transports->rows[i].texts[j]);
  plq__free(transports->rows);
  plq__free(transports);
}
