/* SPDX-License-Identifier: MIT */
/* plastiq-emulator: the engine behind an HTTPS server on loopback, for the tests of those who use the library. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "address.h"
#include "arguments.h"
#include "certificates.h"
#include "files.h"
#include "report.h"
#include "server.h"

#define LOG_CAPACITY 1000

/* PEM texts, owned. */
typedef struct credentials {
  char *certificate;
  char *key;
  char *client_ca;
} credentials;

static int64_t start_ms;

/* Runs through suspend, as the life of real secrets does. */
static int64_t boot_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int64_t engine_clock(void *context) {
  (void)context;
  return boot_ms() - start_ms;
}

static bool engine_random(void *context, void *out, size_t len) {
  (void)context;
  for (size_t done = 0; done < len;) {
    ssize_t got = getrandom((char *)out + done, len - done, 0);
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) done += (size_t)got;
  }
  return true;
}

static bool complain(const char *what, const char *why) {
  fprintf(stderr, "plastiq-emulator: %s: %s\n", what, why);
  return false;
}

static bool read_pem(const char *path, char **out) {
  *out = file_read(path, NULL);
  return *out != NULL || complain(path, strerror(errno));
}

static bool read_made(const char *folder, const char *name, char **out) {
  char *path = file_path(folder, name);
  bool good = path != NULL && read_pem(path, out);
  free(path);
  return good;
}

static bool get_credentials(const struct arguments *a, const struct address *address, credentials *out) {
  const char *reason = NULL;
  if (a->make_ca != NULL && !certificates_make(a->make_ca, address->text, a->valid_days, &reason))
    return complain(a->make_ca, reason);
  /* After that: the CA for clients may be the one just made. */
  if (a->client_ca != NULL && !read_pem(a->client_ca, &out->client_ca)) return false;
  if (a->make_ca != NULL) {
    return read_made(a->make_ca, "server.pem", &out->certificate) && read_made(a->make_ca, "server-key.pem", &out->key);
  }
  return a->certificate == NULL || (read_pem(a->certificate, &out->certificate) && read_pem(a->key, &out->key));
}

static engine *make_engine(const struct arguments *a) {
  engine_settings settings = {.base_path = a->base_path,
                              .success_status = a->success_status,
                              .error_shape = a->error_shape,
                              .log_capacity = LOG_CAPACITY,
                              .now_ms = engine_clock,
                              .random = engine_random};
  engine_text standard = {ENGINE_DEFAULT_KEY, strlen(ENGINE_DEFAULT_KEY)};
  bool none = a->keys.count == 0;
  engine *service = engine_new(&settings);
  if (service == NULL) {
    complain("--base-path", "must begin with /, without query and fragment");
    return NULL;
  }
  if (engine_set_keys(service, none ? &standard : a->keys.items, none ? 1 : a->keys.count, a->forbidden_keys.items,
                      a->forbidden_keys.count)) {
    return service;
  }
  complain("start", "out of memory");
  engine_free(service);
  return NULL;
}

/* Signals come to this thread alone, by sigwait; every other inherits the mask. */
static void block_signals(sigset_t *out) {
  sigemptyset(out);
  sigaddset(out, SIGTERM);
  sigaddset(out, SIGINT);
  pthread_sigmask(SIG_BLOCK, out, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static int serve(const struct arguments *a, const struct address *address) {
  credentials pem = {NULL, NULL, NULL};
  struct server server;
  sigset_t signals;
  int signal_number = 0;
  int port = 0;
  int result = EXIT_FAILURE;
  engine *service = make_engine(a);
  if (service == NULL || !get_credentials(a, address, &pem)) goto cleanup;
  block_signals(&signals);
  int fd = address_listen(address, a->port, &port);
  if (fd < 0) {
    complain("listening", strerror(errno));
    goto cleanup;
  }
  const server_tls tls = {pem.certificate, pem.key, pem.client_ca};
  if (!server_start(&server, service, fd, &tls, a)) {
    complain("server",
             a->plain_http ? "could not be started" : "could not be started; are certificate and key PEM and do they match?");
    goto cleanup;
  }
  if (report_ready(a, address, port)) {
    while (sigwait(&signals, &signal_number) != 0) continue;
    result = EXIT_SUCCESS;
  }
  server_stop(&server);
cleanup:
  engine_free(service);
  file_free(pem.certificate);
  file_free(pem.key);
  file_free(pem.client_ca);
  return result;
}

int main(int argc, char **argv) {
  struct arguments a;
  struct address address;
  uint8_t probe = 0;
  start_ms = boot_ms();
  int result = arguments_read(argc, (const char **)argv, &a);
  if (result < 0 && !address_read(a.address, &address)) {
    complain("--address", "must be a loopback address, such as 127.0.0.1 or ::1: the emulator is for this machine only");
    result = EXIT_WRONG_USE;
  }
  if (result < 0 && !engine_random(NULL, &probe, sizeof probe)) {
    complain("getrandom", strerror(errno));
    result = EXIT_FAILURE;
  }
  if (result < 0) result = serve(&a, &address);
  arguments_clear(&a);
  return result;
}
