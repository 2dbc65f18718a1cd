/* SPDX-License-Identifier: MIT */
/* One attempt, while it goes on: a copy of all that the sink is told. Nothing is taken out yet, so all of it is wiped at the end.
 */
#include "internal.h"

#include <string.h>

static int64_t elapsed_ns(const cassette_take *self) {
  int64_t ns = self->host->now_ns(self->host->context) - self->began_ns;
  return ns > 0 ? ns : 0;
}

void cassette_take_begin(cassette_take *self, const plq_transport_host *host, const plq_transport_request *request) {
  *self = (cassette_take){.host = host,
                          .request = request,
                          .began_ns = host->now_ns(host->context),
                          .arena.host = host,
                          .lines.host = host,
                          .trailers.host = host,
                          .body.host = host,
                          .entry = {.connected_ns = -1, .first_ns = -1, .end_ns = -1}};
}

/* Structs of a transport may be shorter or longer than ours. */
static void copy_struct(void *to, size_t to_size, const void *from, uint32_t from_size) {
  memset(to, 0, to_size);
  memcpy(to, from, from_size < to_size ? from_size : to_size);
}

void cassette_take_connected(cassette_take *self, const plq_transport_connection *connection) {
  plq_transport_connection *kept = &self->entry.connection;
  copy_struct(kept, sizeof *kept, connection, connection->struct_size);
  kept->struct_size = sizeof *kept;
  kept->peer_address[sizeof kept->peer_address - 1] = '\0';
  kept->tls_cipher[sizeof kept->tls_cipher - 1] = '\0';
  self->entry.connected = true;
  self->entry.connected_ns = elapsed_ns(self);
}

/* Lines after the body are trailers; without a body, those after the empty line that ends a head other than a 1xx one. */
static bool is_trailer(const cassette_take *self) {
  const cassette_text *rows = (const cassette_text *)(const void *)self->lines.at;
  size_t count = self->lines.len / sizeof *rows;
  if (self->body.len > 0 || self->trailers.len > 0) return true;
  if (count == 0 || rows[count - 1].len > 2 || memchr("\r\n", rows[count - 1].at[0], 2) == NULL) return false;
  for (size_t i = count; i > 0; i--) {
    const cassette_text *row = &rows[i - 1];
    const char *space = row->len > 5 && memcmp(row->at, "HTTP/", 5) == 0 ? memchr(row->at, ' ', row->len) : NULL;
    if (space != NULL) return space + 1 < row->at + row->len && space[1] != '1';
  }
  return false;
}

void cassette_take_line(cassette_take *self, const char *line, size_t len) {
  cassette_text row = {cassette_arena_copy(&self->arena, (cassette_text){line, len}), len};
  if (self->entry.first_ns < 0) self->entry.first_ns = elapsed_ns(self);
  if (row.at == NULL || !cassette_bytes_add(is_trailer(self) ? &self->trailers : &self->lines, &row, sizeof row))
    self->no_memory = true;
}

void cassette_take_body(cassette_take *self, const uint8_t *data, size_t len) {
  if (!cassette_bytes_add(&self->body, data, len)) self->no_memory = true;
}

void cassette_take_end(cassette_take *self, const plq_transport_error *error, const plq_transport_transfer *transfer) {
  cassette_entry *entry = &self->entry;
  entry->end_ns = elapsed_ns(self);
  entry->lines = (cassette_text *)(void *)self->lines.at;
  entry->line_count = self->lines.len / sizeof *entry->lines;
  entry->trailers = (cassette_text *)(void *)self->trailers.at;
  entry->trailer_count = self->trailers.len / sizeof *entry->trailers;
  entry->body = (cassette_text){self->body.at, self->body.len};
  entry->failed = error != NULL;
  if (error != NULL) copy_struct(&entry->error, sizeof entry->error, error, error->struct_size);
  entry->error.struct_size = sizeof entry->error;
  entry->error.message[sizeof entry->error.message - 1] = '\0';
  entry->has_transfer = transfer != NULL;
  if (transfer != NULL) copy_struct(&entry->transfer, sizeof entry->transfer, transfer, transfer->struct_size);
  entry->transfer.struct_size = sizeof entry->transfer;
}

void cassette_take_clear(cassette_take *self) {
  cassette_bytes_clear(&self->lines);
  cassette_bytes_clear(&self->trailers);
  cassette_bytes_clear(&self->body);
  cassette_arena_clear(&self->arena);
  self->host->wipe(&self->entry, sizeof self->entry);
}
