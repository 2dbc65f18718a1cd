/* SPDX-License-Identifier: MIT */
#include "certificates.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "authority.h"
#include "files.h"

static const extension ca_extensions[] = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                          {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                          {NID_subject_key_identifier, "hash"},
                                          {0, NULL}};

static bool make_leaf(identity *out, const identity *ca, const char *name, int valid_days, const char *usage, const char *names) {
  const extension extensions[] = {{NID_basic_constraints, "critical,CA:FALSE"},
                                  {NID_key_usage, "critical,digitalSignature"},
                                  {NID_ext_key_usage, usage},
                                  {NID_subject_key_identifier, "hash"},
                                  {NID_authority_key_identifier, "keyid"},
                                  {NID_subject_alt_name, names},
                                  {0, NULL}};
  return identity_make(out, ca, name, valid_days, extensions);
}

static bool write_text(const char *folder, const char *name, char *text, mode_t mode) {
  char *path = file_path(folder, name);
  bool good = path != NULL && text != NULL && file_write(path, text, strlen(text), mode);
  free(path);
  file_free(text);
  return good;
}

static bool write_identity(const char *folder, const identity *self, const char *certificate_name, const char *key_name) {
  return write_text(folder, certificate_name, identity_certificate_pem(self), 0644) &&
         write_text(folder, key_name, identity_key_pem(self), 0600);
}

bool certificates_make(const char *folder, const char *address, int valid_days, const char **out_reason) {
  identity ca = {NULL, NULL};
  identity server = {NULL, NULL};
  identity client = {NULL, NULL};
  char names[160];
  bool good = false;
  if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
    *out_reason = strerror(errno);
    goto cleanup;
  }

  *out_reason = "libcrypto failed";
  snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1,IP:%s", address);
  if (strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0) *strrchr(names, ',') = '\0';
  if (!identity_make(&ca, NULL, "throwaway CA", valid_days, ca_extensions)) goto cleanup;
  if (!make_leaf(&server, &ca, "localhost", valid_days, "serverAuth", names)) goto cleanup;
  if (!make_leaf(&client, &ca, "test client", valid_days, "clientAuth", "DNS:client.test")) goto cleanup;

  *out_reason = "a file cannot be written";
  errno = 0;
  good = write_identity(folder, &server, "server.pem", "server-key.pem") &&
         write_identity(folder, &client, "client.pem", "client-key.pem") &&
         write_text(folder, "ca.pem", identity_certificate_pem(&ca), 0644);
  if (!good && errno != 0) *out_reason = strerror(errno);
cleanup:
  identity_clear(&ca);
  identity_clear(&server);
  identity_clear(&client);
  return good;
}
