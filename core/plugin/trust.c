/* SPDX-License-Identifier: MIT */
/*
 * Which CA certificates to trust is settled here and told to the transport. A TLS library's own default is not asked: it depends
 * on the build of the library, and with Node as the host it is not even the library that the transport was linked to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static const char *const system_folders[] = {"/etc/ssl/certs", NULL};
static const char *const system_files[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                           "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", NULL};

const struct plq__trust_places plq__trust_system = {system_folders, system_files};

/* 0, or an errno. */
static int try_file(const char *path) {
  char byte;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return errno;
  ssize_t got = read(fd, &byte, 1); /* opening a folder works, reading it does not */
  int number = got < 0 ? errno : got == 0 ? ENODATA : 0;
  close(fd);
  return number;
}

static int try_folder(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return errno;
  closedir(folder);
  return 0;
}

/* As openssl rehash makes them: 8 hex digits, and a number from 0 on. */
static bool is_hash_link(const char *name) { return strspn(name, "0123456789abcdef") == 8 && strcmp(name + 8, ".0") == 0; }

static bool has_hash_links(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return false;
  struct dirent *entry;
  do {
    entry = readdir(folder);
  } while (entry != NULL && !is_hash_link(entry->d_name));
  closedir(folder);
  return entry != NULL;
}

static const char *find_folder(const char *const *paths) {
  while (*paths != NULL && !has_hash_links(*paths)) paths++;
  return *paths;
}

static const char *find_file(const char *const *paths) {
  while (*paths != NULL && try_file(*paths) != 0) paths++;
  return *paths;
}

static int32_t check_given(const char *option, const char *path, int number, plq_error **out_error) {
  char buffer[128];
  if (number == 0) return PLQ_OK;
  if (number == ENODATA) return plq__fail(out_error, PLQ_E_TRUST, option, "%s: %s is empty", option, path);
  return plq__fail(out_error, PLQ_E_TRUST, option, "%s: %s cannot be read: %s", option, path,
                   plq__errno_text(number, buffer, sizeof buffer));
}

/* What the user names replaces what the system has, all of it. */
static int32_t use_given(const plq_options *options, struct plq__trust *trust, plq_error **out_error) {
  int32_t status = PLQ_OK;
  trust->file = plq__options_text(options, PLQ__OPT_CA_FILE);
  trust->folder = plq__options_text(options, PLQ__OPT_CA_DIR);
  if (trust->file != NULL) status = check_given("ca_file", trust->file, try_file(trust->file), out_error);
  if (trust->folder != NULL && status == PLQ_OK)
    status = check_given("ca_dir", trust->folder, try_folder(trust->folder), out_error);
  return status;
}

/* Over plain http, to a loopback host, there is nothing to verify. */
static bool needs_trust(const struct plq__plugin *plugin, const plq_options *options) {
  const char *base = plq__options_text(options, PLQ__OPT_BASE_URL);
  bool plain = base != NULL && strncmp(base, "http://", 7) == 0 && plq__options_text(options, PLQ__OPT_PROXY) == NULL;
  return plugin->transport.deployment_class == PLQ_CLASS_PRODUCTION && !plain;
}

int32_t plq__trust_find(const struct plq__plugin *plugin, const plq_options *options, const struct plq__trust_places *places,
                        struct plq__trust *out_trust, plq_error **out_error) {
  bool takes_file = plq__schema_find(&plugin->transport, PLQ__TEXT("ca_file")) >= 0;
  bool takes_folder = plq__schema_find(&plugin->transport, PLQ__TEXT("ca_dir")) >= 0;
  *out_trust = (struct plq__trust){NULL, NULL};
  if (!takes_file && !takes_folder) return PLQ_OK;
  if (plq__options_is_set(options, PLQ__OPT_CA_FILE) || plq__options_is_set(options, PLQ__OPT_CA_DIR))
    return use_given(options, out_trust, out_error);
  if (takes_folder) out_trust->folder = find_folder(places->folders);
  if (takes_file && out_trust->folder == NULL) out_trust->file = find_file(places->files);
  if (out_trust->folder != NULL || out_trust->file != NULL || !needs_trust(plugin, options)) return PLQ_OK;
  return plq__fail(
      out_error, PLQ_E_TRUST, takes_file ? "ca_file" : "ca_dir",
      "this system has no CA certificates where they usually are (/etc/ssl/certs and others); install its ca-certificates "
      "package, or set the option %s",
      takes_file && takes_folder ? "ca_file or ca_dir"
      : takes_file               ? "ca_file"
                                 : "ca_dir");
}
