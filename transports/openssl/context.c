/* SPDX-License-Identifier: MIT */
/*
 * One SSL_CTX for each instance, made once and shared by its threads: CA certificates are parsed here and never again. Sessions
 * are kept here too, by target, because resuming one skips the certificate (RFC 8446 section 2.2): they belong to one instance,
 * whose trust does not change, and are forgotten before an hour is over. No key log callback is ever set.
 */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "plqo.h"

static int instance_index = -1; /* of SSL_CTX */

bool plqo_context_setup(void) {
  instance_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  return instance_index >= 0;
}

/* ---- verification ---- */

static int on_verify(int ok, X509_STORE_CTX *store) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  plqo_conn *conn = ssl ? SSL_get_app_data(ssl) : NULL;
  if (!conn) return 0;
  conn->certificate_seen = true;
  if (ok) return 1;
  conn->verify_error = X509_STORE_CTX_get_error(store);
  X509 *certificate = X509_STORE_CTX_get_current_cert(store);
  bool time = conn->verify_error == X509_V_ERR_CERT_HAS_EXPIRED || conn->verify_error == X509_V_ERR_CERT_NOT_YET_VALID;
  if (time && certificate) plqt_describe_time(certificate, conn->verify_error, conn->detail, sizeof conn->detail);
  return 0;
}

/* ---- sessions ---- */

static int64_t session_limit(const plqo_instance *instance, const SSL_SESSION *session, int64_t now) {
  const int64_t hour = INT64_C(3600000) * PLQT_MS;
  int64_t life = instance->config.connection_lifetime_ns < hour ? instance->config.connection_lifetime_ns : hour;
  int64_t said = (int64_t)SSL_SESSION_get_timeout(session) * 1000 * PLQT_MS;
  return now + (said < life ? said : life);
}

/* The place that is free, or the one that would be so first. */
static plqo_ticket *ticket_room(plqo_instance *instance) {
  plqo_ticket *room = instance->tickets;
  for (plqo_ticket *ticket = instance->tickets; ticket < instance->tickets + PLQO_TICKETS; ticket++) {
    if (!ticket->session) return ticket;
    if (ticket->until_ns < room->until_ns) room = ticket;
  }
  return room;
}

/* Inside SSL_read: TLS 1.3 sends tickets whenever it likes. 1: the reference is ours. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  plqo_conn *conn = SSL_get_app_data(ssl);
  plqo_instance *instance = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), instance_index);
  if (!conn || !instance || instance->config.connection_lifetime_ns == 0) return 0;
  int64_t until = session_limit(instance, session, plqo_now(instance));
  pthread_mutex_lock(&instance->lock);
  plqo_ticket *room = ticket_room(instance);
  SSL_SESSION *old = room->session;
  *room = (plqo_ticket){session, conn->target, until};
  pthread_mutex_unlock(&instance->lock);
  SSL_SESSION_free(old);
  return 1;
}

SSL_SESSION *plqo_session_take(plqo_instance *instance, const plqo_target *target, int64_t now) {
  plqo_ticket *best = NULL;
  SSL_SESSION *session = NULL;
  pthread_mutex_lock(&instance->lock);
  for (plqo_ticket *ticket = instance->tickets; ticket < instance->tickets + PLQO_TICKETS; ticket++) {
    if (ticket->session && ticket->target == target && ticket->until_ns > now && (!best || ticket->until_ns > best->until_ns))
      best = ticket;
  }
  if (best) {
    session = best->session;
    if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
      best->session = NULL;
    } else {
      SSL_SESSION_up_ref(session);
    }
  }
  pthread_mutex_unlock(&instance->lock);
  return session;
}

/* ---- life ---- */

static bool set_options(SSL_CTX *ctx) {
  static const unsigned char alpn[] = "\x08http/1.1";
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
  /* A host's openssl.cnf may say otherwise of these. */
  SSL_CTX_clear_options(ctx,
                        SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  if (SSL_CTX_get_security_level(ctx) < 2) SSL_CTX_set_security_level(ctx, 2);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_max_send_fragment(ctx, 8192); /* requests are small, and each connection has a buffer of that size */
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, on_session);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
  return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(ctx, 0) == 1 &&
         SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1) == 0; /* 0 is success here */
}

static int32_t set_up(plqo_instance *instance, plq_transport_error *error) {
  const plqo_config *config = &instance->config;
  SSL_CTX *ctx = instance->context = SSL_CTX_new(TLS_client_method());
  if (!ctx || SSL_CTX_set_ex_data(ctx, instance_index, instance) != 1 || !set_options(ctx)) return PLQ_E_MEMORY;
  int32_t status = plqt_trust_load(SSL_CTX_get_cert_store(ctx), config->ca_file, config->ca_dir, config->crl_file, error);
  if (status || !config->client_certificate_file) return status;
  return plqt_identity_load(ctx, config->client_certificate_file, config->client_key_file, config->client_key_password, error);
}

int32_t plqo_context_create(plqo_instance *instance, plq_transport_error *error) {
  ERR_set_mark(); /* the host shares the thread's error queue */
  int32_t status = set_up(instance, error);
  ERR_pop_to_mark();
  return status;
}

void plqo_context_clear(plqo_instance *instance) {
  for (size_t i = 0; i < PLQO_TICKETS; i++) {
    SSL_SESSION_free(instance->tickets[i].session);
    instance->tickets[i].session = NULL;
  }
  SSL_CTX_free(instance->context);
  instance->context = NULL;
}
