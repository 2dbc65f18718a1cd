/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *find_head_end(const char *bytes, size_t len) {
  const char *end = bytes == NULL ? NULL : memmem(bytes, len, "\r\n\r\n", 4);
  return end == NULL ? NULL : end + 4;
}

size_t test_request_length(const test_bytes *received) {
  const char *end = find_head_end(received->data, received->len);
  if (end == NULL) return 0;
  size_t head = (size_t)(end - received->data);
  size_t body = 0;
  for (const char *line = received->data; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1)
    if (strncasecmp(line, "content-length:", 15) == 0) body = strtoul(line + 15, NULL, 10);
  return received->len >= head + body ? head + body : 0;
}

static json_object *text(const char *start, const char *end) {
  return json_object_new_string_len(start, (int)(end - start));
}

static void add_header(json_object *headers, const char *line, const char *end, const char **broken) {
  const char *colon = memchr(line, ':', (size_t)(end - line));
  if (colon == NULL || colon == line) {
    *broken = "a header line without a name";
    return;
  }
  const char *value = colon + 1;
  while (value < end && *value == ' ') value++;
  json_object *pair = json_object_new_array();
  json_object_array_add(pair, text(line, colon));
  json_object_array_add(pair, text(value, end));
  json_object_array_add(headers, pair);
}

static const char *add_request_line(json_object *request, const char *line, const char *end) {
  const char *target = memchr(line, ' ', (size_t)(end - line));
  const char *version = target == NULL ? NULL : memchr(target + 1, ' ', (size_t)(end - target - 1));
  if (version == NULL) return "the request line";
  json_object_object_add(request, "method", text(line, target));
  json_object_object_add(request, "target", text(target + 1, version));
  json_object_object_add(request, "version", text(version + 1, end));
  return NULL;
}

json_object *test_request_parse(const char *bytes, size_t len, int connection, int position) {
  json_object *request = json_object_new_object();
  json_object *headers = json_object_new_array();
  const char *end = find_head_end(bytes, len);
  const char *broken = end == NULL ? "no end of the head" : NULL;
  for (const char *line = bytes; end != NULL && line < end - 2;) {
    const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
    if (line == bytes)
      broken = add_request_line(request, line, line_end);
    else
      add_header(headers, line, line_end, &broken);
    line = line_end + 2;
  }
  json_object_object_add(request, "headers", headers);
  if (end != NULL) json_object_object_add(request, "body", text(end, bytes + len));
  json_object_object_add(request, "connection", json_object_new_int(connection));
  json_object_object_add(request, "position", json_object_new_int(position));
  if (broken != NULL) json_object_object_add(request, "broken", json_object_new_string(broken));
  return request;
}
