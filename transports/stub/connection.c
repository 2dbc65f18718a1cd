/* SPDX-License-Identifier: MIT */
/* Connections that do not exist, and what is said of them. */
#include "stub.h"

#include <stdio.h>

/* An idle one is used again; otherwise a new one is opened. */
void connection_take(operation *op) {
  plq_transport_instance *self = op->instance;
  pthread_mutex_lock(&self->lock);
  op->reused = self->idle > 0;
  if (op->reused) self->idle--;
  self->busy++;
  op->connected = true;
  pthread_mutex_unlock(&self->lock);
}

void connection_end(operation *op, bool keep) {
  plq_transport_instance *self = op->instance;
  if (!op->connected) return;
  op->connected = false;
  self->busy--;
  if (keep) self->idle++;
}

void connection_describe(const operation *op, plq_transport_connection *out) {
  static const script_connection nothing = {0};
  const script_connection *said = op->entry == NULL ? &nothing : &op->entry->connection;
  bool tls = (op->request->target->flags & PLQ_TARGET_TLS) != 0;
  *out = (plq_transport_connection){
      .struct_size = sizeof *out,
      .known = PLQ_FACT_REUSED | PLQ_FACT_RESUMED | PLQ_FACT_PROXIED | PLQ_FACT_HTTP_VERSION | PLQ_FACT_PEER};
  out->http_version = op->entry == NULL || op->entry->http_version == 0 ? 11 : op->entry->http_version;
  out->flags = op->reused ? PLQ_FACT_REUSED : 0;
  out->peer_port = op->request->target->port;
  snprintf(out->peer_address, sizeof out->peer_address, "127.0.0.1");
  if (tls) {
    out->known |= PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED | PLQ_FACT_TLS_VERSION | PLQ_FACT_SPKI | PLQ_FACT_TLS_CIPHER;
    out->flags |= PLQ_FACT_CHAIN_VERIFIED | PLQ_FACT_HOST_VERIFIED;
    out->tls_version = 0x0304;
    snprintf(out->tls_cipher, sizeof out->tls_cipher, "TLS_AES_128_GCM_SHA256");
  }
  out->flags = (out->flags | said->yes) & ~(said->no | said->unknown);
  out->known = (out->known | said->yes | said->no) & ~said->unknown;
  if (said->tls_version != 0) {
    out->tls_version = said->tls_version;
    out->known |= PLQ_FACT_TLS_VERSION;
  }
}
