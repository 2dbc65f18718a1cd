/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>

/* GnuTLS gives its hook no pointer of ours, and a process has one server. */
static atomic_uint_fast64_t handshakes;

/* The client's Finished comes exactly once in every handshake that succeeds. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message) {
  (void)session;
  (void)type;
  (void)when;
  (void)message;
  if (incoming) atomic_fetch_add(&handshakes, 1);
  return 0;
}

void tls_prepare(struct MHD_Connection *connection, bool require_certificate) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info == NULL || info->tls_session == NULL) return;
  gnutls_session_t session = info->tls_session;
  gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
  if (!require_certificate) return;
  /* Borrowed by the session, so it outlives every one. */
  static gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
  gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
  gnutls_session_set_verify_cert2(session, &purpose, 1, 0);
}

uint64_t tls_handshakes(void) {
  return atomic_load(&handshakes);
}
