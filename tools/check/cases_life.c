/* SPDX-License-Identifier: MIT */
/* What an instance takes and leaves behind: memory, descriptors, threads, secrets. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "memory_scan.h"

#define GOOD "{\"status\":200,\"body\":\"{\\\"clientSecret\\\":\\\"test-secret-kit\\\"}\"}"
#define MANY "[{\"copies\":100,\"of\":" GOOD "}]"

static void check_nothing_left(check *self) {
  check_serve(self, MANY, NULL);
  if (!check_create(self, NULL)) return; /* what a library sets up once for the process */
  check_good_call(self);
  check_destroy(self);
  for (int i = 0; i < 3; i++) {
    if (!check_create(self, NULL)) return;
    check_good_call(self);
    check_destroy(self);
  }
  EXPECT(self, atomic_load(&self->blocks) == 0, "%ld blocks of the host's memory are left after destroy",
         atomic_load(&self->blocks));
  check_stop(self); /* the server runs in this process: its threads and its ends of the connections are gone now too */
  EXPECT(self, check_count_threads() == 3, /* ".", "..", and this one */
         "threads are left after destroy");
  size_t fds = check_count_fds();
  for (int i = 0; i < 3; i++) {
    if (!check_create(self, NULL)) return;
    check_destroy(self);
  }
  EXPECT(self, check_count_fds() == fds, "%zd descriptors are left after destroy", (ssize_t)(check_count_fds() - fds));
}

static void check_close_on_exec(check *self) {
  bool before[1024] = {false};
  for (int fd = 0; fd < 1024; fd++) before[fd] = fcntl(fd, F_GETFD) >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
  check_serve(self, MANY, NULL);
  if (!check_create(self, NULL)) return;
  check_good_call(self);
  for (int fd = 0; fd < 1024; fd++) {
    int flags = fcntl(fd, F_GETFD);
    EXPECT(self, flags < 0 || before[fd] || (flags & FD_CLOEXEC) != 0, "descriptor %d is not close-on-exec", fd);
  }
}

/* Each allocation by the host's table fails once. What was accepted is reported, and what was reported is true. */
static void check_no_memory(check *self) {
  static const char script[] = "[{\"copies\":1000,\"of\":" GOOD "}]";
  check_serve(self, script, NULL);
  for (long n = 1; n < 60; n++) {
    plq_transport_error error;
    record made;
    atomic_store(&self->allocs, 0);
    self->fail_at = n;
    int32_t status = check_try_create(self, NULL, 0, &error);
    if (status != PLQ_OK) {
      EXPECT(self, status == PLQ_E_MEMORY, "create without memory (allocation %ld) answers %s", n, plq_status_name(status));
      EXPECT(self, error.status == status, "create without memory (allocation %ld): the error has the status %d", n,
             (int)error.status);
      EXPECT(self, atomic_load(&self->blocks) == 0, "create without memory (allocation %ld) leaves blocks", n);
      continue;
    }
    record_init(&made, self);
    check_request request;
    check_request_init(self, &request);
    plq_transport_sink sink = record_sink(&made);
    error = (plq_transport_error){.struct_size = sizeof error};
    if ((self->what->capabilities & PLQ_CAP_BLOCKING) != 0) {
      status = self->functions->perform(self->instance, &request.request, &sink, &error);
      EXPECT(self, status != PLQ_OK || made.over, "a call without memory (allocation %ld) was accepted, and not reported", n);
      EXPECT(self, status == PLQ_OK || !made.over, "a call without memory (allocation %ld) was not accepted, and reported", n);
    }
    self->fail_at = 0;
    if (atomic_load(&self->allocs) >= n && made.over && made.error.status == PLQ_OK) (void)0; /* it can do without that one */
    check_good_call(self); /* and the instance is as good as before */
    check_destroy(self);
    EXPECT(self, atomic_load(&self->blocks) == 0, "blocks are left after allocation %ld failed", n);
    record_clear(&made);
    check_request_clear(&request);
    if (atomic_load(&self->allocs) < n) return;
  }
}

static void check_log(check *self) {
  check_serve(self, "[" GOOD ",{\"raw\":\"HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\n{\",\"end\":\"close\"}]", NULL);
  if (!check_create(self, NULL)) return;
  check_good_call(self);
  record made;
  record_init(&made, self);
  check_call(self, &made);
  record_clear(&made);
  check_destroy(self);
  EXPECT(self, self->log.data == NULL || strstr(self->log.data, CHECK_TOKEN) == NULL, "the token was logged");
  EXPECT(self, self->log.data == NULL || strstr(self->log.data, "test-secret") == NULL, "a body was logged");
}

/* A server in a process of its own: what it keeps is not the transport's. */
static pid_t serve_elsewhere(check *self, int *out_stop) {
  int told[2], stop[2];
  uint16_t port = 0;
  self->ca = test_ca_new();
  if (pipe(told) != 0 || pipe(stop) != 0) test_die("no pipe");
  pid_t child = fork();
  if (child == 0) {
    char end;
    close(stop[1]);
    check_serve(self, "[" GOOD "]", NULL);
    port = test_server_port(self->server);
    if (write(told[1], &port, sizeof port) == sizeof port) (void)!read(stop[0], &end, 1);
    _exit(0);
  }
  close(told[1]);
  close(stop[0]);
  if (child < 0 || read(told[0], &port, sizeof port) != sizeof port) test_die("no server");
  close(told[0]);
  *out_stop = stop[1];
  snprintf(self->origin, sizeof self->origin, "%s://127.0.0.1:%d", self->what->capabilities & PLQ_CAP_CA ? "https" : "http",
           port);
  return child;
}

/* The token of one call, random, so that no other copy can be meant. */
static void check_wipes(check *self) {
  const char *unable = scan_unable();
  needle token;
  char value[128] = "Bearer ";
  if (unable != NULL) {
    check_unable(self, unable);
    return;
  }
  int stop = -1;
  pid_t server = serve_elsewhere(self, &stop);
  needle_make(&token, 40);
  if (!check_create(self, NULL)) return;
  record made;
  check_request request;
  plq_transport_error error = {.struct_size = sizeof error};
  record_init(&made, self);
  check_request_init(self, &request);
  needle_show(&token, value + strlen(value));
  request.headers[3].value = value;
  request.headers[3].value_len = strlen(value);
  request.target.host = "127.0.0.1";
  request.target.host_len = 9;
  request.target.flags |= PLQ_TARGET_ADDRESS;
  request.target.port = (uint32_t)atoi(strrchr(self->origin, ':') + 1);
  plq_transport_sink sink = record_sink(&made);
  self->functions->perform(self->instance, &request.request, &sink, &error);
  EXPECT(self, made.over && made.error.status == PLQ_OK, "the call failed: %s", made.error.message);
  self->host.wipe(value, sizeof value);
  check_request_clear(&request);
  record_clear(&made);
  scan_result found = scan_memory(&token);
  EXPECT(self, found.hits == 0, "%zu copies of the token are in memory after the call", found.hits);
  check_destroy(self);
  close(stop);
  waitpid(server, NULL, 0);
}

const check_case check_life_cases[] = {
    {"life/nothing-left", 0, CHECK_SERVER, "memory, threads and descriptors are given back by destroy", check_nothing_left},
    {"life/close-on-exec", 0, CHECK_SERVER, "every descriptor is close-on-exec", check_close_on_exec},
    {"life/no-memory", 0, CHECK_SERVER, "where memory is lacking, nothing crashes, leaks or goes unreported", check_no_memory},
    {"secrets/log", 0, CHECK_SERVER, "no header value and no body is logged", check_log},
    {"secrets/wiped", PLQ_CAP_WIPES | PLQ_CAP_BLOCKING, CHECK_SERVER, "no copy of a sensitive header is left behind",
     check_wipes},
    {NULL, 0, 0, NULL, NULL}};
