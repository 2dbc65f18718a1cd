/* SPDX-License-Identifier: MIT */
/*
 * The call as one would write it by hand, with libcurl and json-c: what bench_libcurl.c makes one after the other and
 * bench_multi.c many at once. It does the job that libplastiq does: a body made by json-c, a fresh Trace-Id, a deadline,
 * verification against the same file; the status, the Trace-Id and the secret out of the answer. What can be done once is done
 * once.
 */
#ifndef PLASTIQ_BENCH_PLAIN_H
#define PLASTIQ_BENCH_PLAIN_H

#include <curl/curl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench.h"

struct plain {
  CURL *easy;
  CURLU *url; /* NULL: libcurl gets the URL as text */
  struct curl_slist *headers;
  char *trace_id; /* inside of a header, where each call writes its own */
  json_object *body;
  json_tokener *tokener;
  char answer[4096];
  size_t answer_len;
  char answer_trace_id[37];
  char secret[256];
  char error[CURL_ERROR_SIZE];
};

/* Makes a handle with all that stays. */
bool plain_open(struct plain *plain, const struct bench_settings *settings);
/* Makes the request of one call and gives it to the handle. */
bool plain_begin(struct plain *plain);
/* Looks at the answer: the secret is in plain->secret. */
bool plain_end(struct plain *plain, CURLcode code);
void plain_close(struct plain *plain);

#endif
