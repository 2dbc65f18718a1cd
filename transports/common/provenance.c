/* SPDX-License-Identifier: MIT */
/*
 * Which OpenSSL this plugin is bound to. A program that brings its own may have taken its place, with other structs and other
 * defaults: then what the headers said does not hold, and nothing is done with it.
 */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>

#include "plqt.h"

static int32_t refuse(plq_transport_error *error, const char *what, const char *module) {
  plqt_error_set(error, PLQ_E_TRANSPORT_REFUSED, PLQ_PHASE_LOAD, PLQ_DELIVERY_NOT_SENT, 0, 0,
                 "%s: it is bound to OpenSSL %s in %s, and was built with " OPENSSL_VERSION_TEXT, what,
                 OpenSSL_version(OPENSSL_VERSION_STRING), module);
  return PLQ_E_TRANSPORT_REFUSED;
}

/* The module that a function of OpenSSL comes from. */
static const char *module_of(void (*function)(void)) {
  Dl_info info;
  void *at;
  memcpy(&at, &function, sizeof at);
  return dladdr(at, &info) && info.dli_fname ? info.dli_fname : "an unknown place";
}

#if !defined(PLQ_TRANSPORT_STATIC) && !defined(PLQT_TLS_INSIDE)
static bool is_library(const char *module, const char *soname) {
  const char *slash = strrchr(module, '/');
  return strncmp(slash ? slash + 1 : module, soname, strlen(soname)) == 0;
}
#endif

int32_t plqt_tls_check(plq_transport_error *error) {
  unsigned long minor = OpenSSL_version_num() >> 20, built_minor = OPENSSL_VERSION_NUMBER >> 20; /* 0xMNN: major, minor */
  const char *ssl = module_of((void (*)(void))SSL_CTX_new), *crypto = module_of((void (*)(void))OPENSSL_init_crypto);
  if (minor >> 8 != built_minor >> 8 || minor < built_minor)
    return refuse(error, "another OpenSSL than the one that it was built with", ssl);
#if defined(PLQ_TRANSPORT_STATIC)
  (void)crypto; /* whoever linked it chose */
#elif defined(PLQT_TLS_INSIDE)
  const char *own = module_of((void (*)(void))plqt_tls_check);
  if (strcmp(ssl, own) != 0) return refuse(error, "the program's OpenSSL took the place of the one inside it", ssl);
  if (strcmp(crypto, own) != 0) return refuse(error, "the program's OpenSSL took the place of the one inside it", crypto);
#else
  if (!is_library(ssl, "libssl.so.3")) return refuse(error, "the program's OpenSSL took the place of libssl.so.3", ssl);
  if (!is_library(crypto, "libcrypto.so.3"))
    return refuse(error, "the program's OpenSSL took the place of libcrypto.so.3", crypto);
#endif
  return PLQ_OK;
}
