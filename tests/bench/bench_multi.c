/* SPDX-License-Identifier: MIT */
/*
 * A plain loop by libcurl's multi interface and json-c: --in-flight handles that are used again, all on one thread.
 *
 * poll   curl_multi_poll() and curl_multi_perform()
 * epoll  curl_multi_socket_action() and an epoll of its own
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "plain.h"

enum { EVENTS = 256 };

static struct bench_settings with;
static CURLM *multi;
static struct plain *calls; /* one for each call in flight */
static int epoll_fd = -1;
static int64_t due_ns = -1; /* when libcurl wants to be called; -1: never */
static long opened, started, ended, end;

/* ---- what libcurl tells ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
  (void)easy, (void)context;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    curl_multi_assign(multi, fd, NULL);
    return 0;
  }
  struct epoll_event event = {.data.fd = fd};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  if (known == NULL) curl_multi_assign(multi, fd, &with);
  return epoll_ctl(epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : -1;
}

static int on_timer(CURLM *of, long timeout_ms, void *context) {
  (void)of, (void)context;
  due_ns = timeout_ms < 0 ? -1 : timeout_ms == 0 ? 0 : bench_now_ns() + timeout_ms * INT64_C(1000000);
  return 0;
}

/* ---- calls ---- */

static bool start(struct plain *call) {
  started++;
  return plain_begin(call) && curl_multi_add_handle(multi, call->easy) == CURLM_OK;
}

/* Takes what is done, and starts others with the same handles. */
static bool take(void) {
  int left = 0;
  bool ok = true;
  for (CURLMsg *told; ok && (told = curl_multi_info_read(multi, &left)) != NULL;) {
    struct plain *call = NULL;
    long connects = 0;
    CURL *easy = told->easy_handle;
    CURLcode code = told->data.result;
    if (told->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_multi_remove_handle(multi, easy);
    opened += connects;
    ended++;
    ok = plain_end(call, code) && (started == end || start(call));
  }
  return ok;
}

static bool step_by_poll(void) {
  int running = 0;
  if (curl_multi_perform(multi, &running) != CURLM_OK || !take()) return false;
  return ended == end || curl_multi_poll(multi, NULL, 0, 1000, NULL) == CURLM_OK;
}

static bool step_by_epoll(void) {
  struct epoll_event events[EVENTS];
  int running = 0, wait_ms = -1;
  if (due_ns >= 0) {
    int64_t left = due_ns == 0 ? 0 : due_ns - bench_now_ns();
    wait_ms = left <= 0 ? 0 : (int)((left + 999999) / 1000000);
  }
  /* What is due at once needs no look at the sockets first. */
  int count = due_ns == 0 ? 0 : epoll_wait(epoll_fd, events, EVENTS, wait_ms);
  if (count < 0) return errno == EINTR || bench_fail("epoll");
  for (int i = 0; i < count; i++) {
    int what = 0;
    if (events[i].events & EPOLLIN) what |= CURL_CSELECT_IN;
    if (events[i].events & EPOLLOUT) what |= CURL_CSELECT_OUT;
    if (events[i].events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
    if (curl_multi_socket_action(multi, events[i].data.fd, what, &running) != CURLM_OK) return false;
  }
  if (due_ns >= 0 && (due_ns == 0 || bench_now_ns() >= due_ns)) {
    due_ns = -1;
    if (curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running) != CURLM_OK) return false;
  }
  return take();
}

/* ---- the program ---- */

bool bench_open(const struct bench_settings *settings) {
  with = *settings;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return false;
  multi = curl_multi_init();
  calls = calloc((size_t)with.in_flight, sizeof *calls);
  if (multi == NULL || calls == NULL) return bench_fail("no memory");
  if (with.max_connections > 0) {
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)with.max_connections);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)with.max_connections);
  }
  if (bench_is(&with, "epoll")) {
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  }
  for (int i = 0; i < with.in_flight; i++)
    if (!plain_open(&calls[i], settings)) return false;
  return true;
}

bool bench_run(long count) {
  bool ok = true;
  end = ended + count;
  for (int i = 0; i < with.in_flight && started < end && ok; i++) ok = start(&calls[i]);
  while (ended < end && ok) ok = bench_is(&with, "epoll") ? step_by_epoll() : step_by_poll();
  return ok;
}

bool bench_close(void) {
  long most = with.max_connections > 0 && with.max_connections < with.in_flight ? with.max_connections : with.in_flight;
  if (with.http == 2) most = 1;
  for (int i = 0; i < with.in_flight; i++) {
    curl_multi_remove_handle(multi, calls[i].easy);
    plain_close(&calls[i]);
  }
  curl_multi_cleanup(multi);
  curl_global_cleanup();
  free(calls);
  if (epoll_fd >= 0) close(epoll_fd);
  if (opened > most) return bench_fail("%ld connections for %ld calls", opened, ended);
  return true;
}
