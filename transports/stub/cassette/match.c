/* SPDX-License-Identifier: MIT */
/* Whether a request is the recorded one. Both were scrubbed alike, so what is shown of a difference holds no secret. */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN = 48 };

static bool same(cassette_text a, cassette_text b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool same_name(cassette_text a, cassette_text b) {
  return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool is_name(cassette_text text, const char *name) {
  return text.len == strlen(name) && strncasecmp(text.at, name, text.len) == 0;
}

/* The next character of a User-Agent without the versions of its products: what follows a slash and begins with a digit. */
static char next_of_agent(cassette_text text, size_t *at) {
  if (*at > 0 && text.at[*at - 1] == '/') {
    while (*at < text.len && ((text.at[*at] >= '0' && text.at[*at] <= '9') || text.at[*at] == '.')) ++*at;
  }
  return *at < text.len ? text.at[(*at)++] : '\0';
}

static bool same_agent(cassette_text a, cassette_text b) {
  size_t at_a = 0, at_b = 0;
  for (;;) {
    char next_a = next_of_agent(a, &at_a), next_b = next_of_agent(b, &at_b);
    if (next_a != next_b) return false;
    if (next_a == '\0' && at_a >= a.len && at_b >= b.len) return true;
  }
}

static bool same_value(const cassette_header *a, const cassette_header *b) {
  if (a->secret != b->secret) return true; /* that it is there is what counts */
  return is_name(a->name, "User-Agent") ? same_agent(a->value, b->value) : same(a->value, b->value);
}

/* A part of a text around where it differs. */
typedef struct shown {
  char text[SHOWN + 8];
} shown;

static shown show(cassette_text text, size_t from) {
  shown out;
  size_t begin = from > 12 ? from - 12 : 0;
  size_t len = begin < text.len ? text.len - begin : 0;
  if (text.len <= SHOWN) begin = 0, len = text.len;
  bool cut = len > SHOWN;
  snprintf(out.text, sizeof out.text, "%s%.*s%s", begin > 0 ? ".." : "", (int)(cut ? SHOWN : len),
           text.len > 0 ? text.at + begin : "", cut ? ".." : "");
  return out;
}

static bool differ(cassette_problem *problem, const char *what, cassette_text recorded, cassette_text now) {
  size_t at = 0;
  while (at < recorded.len && at < now.len && recorded.at[at] == now.at[at]) at++;
  return cassette_fail(problem, "%s was \"%s\" and is \"%s\"", what, show(recorded, at).text, show(now, at).text);
}

/* Occurrence `nth` of a name, or NULL. */
static const cassette_header *find(const cassette_request *request, cassette_text name, size_t nth) {
  for (size_t i = 0; i < request->header_count; i++) {
    if (same_name(request->headers[i].name, name) && nth-- == 0) return &request->headers[i];
  }
  return NULL;
}

static size_t count_before(const cassette_request *request, size_t index) {
  size_t count = 0;
  for (size_t i = 0; i < index; i++) count += same_name(request->headers[i].name, request->headers[index].name);
  return count;
}

/* The trace id is another one for each call, unless somebody sets it. */
static bool is_volatile(cassette_text name) {
  return is_name(name, "Trace-Id");
}

static bool same_headers(const cassette_request *recorded, const cassette_request *now, cassette_problem *problem) {
  char what[96];
  for (size_t i = 0; i < recorded->header_count; i++) {
    const cassette_header *header = &recorded->headers[i];
    const cassette_header *other = find(now, header->name, count_before(recorded, i));
    if (is_volatile(header->name)) continue;
    if (other == NULL) return cassette_fail(problem, "the header %.60s was there and is not", show(header->name, 0).text);
    snprintf(what, sizeof what, "the header %.60s", show(header->name, 0).text);
    if (!same_value(header, other)) return differ(problem, what, header->value, other->value);
  }
  for (size_t i = 0; i < now->header_count; i++) {
    const cassette_header *header = &now->headers[i];
    if (is_volatile(header->name) || find(recorded, header->name, count_before(now, i)) != NULL) continue;
    return cassette_fail(problem, "the header %.60s was not there and is", show(header->name, 0).text);
  }
  return true;
}

bool cassette_match(const cassette_request *recorded, const cassette_request *now, cassette_problem *problem) {
  if (!same(recorded->method, now->method)) return differ(problem, "the method", recorded->method, now->method);
  if (!same(recorded->origin, now->origin)) return differ(problem, "the origin", recorded->origin, now->origin);
  if (!same(recorded->path, now->path)) return differ(problem, "the path", recorded->path, now->path);
  if (!same_headers(recorded, now, problem)) return false;
  if (recorded->has_body != now->has_body)
    return cassette_fail(problem, "%s", now->has_body ? "there was no body and is one" : "there was a body and is none");
  return same(recorded->body, now->body) || differ(problem, "the body", recorded->body, now->body);
}
