/* SPDX-License-Identifier: MIT */
/*
 * Puts a request into an easy handle. Only what differs from the request before is set. The header lines lie in one buffer of
 * ours that is wiped afterwards; libcurl's own copies (its send buffer, the TLS records) cannot be wiped: the transport does not
 * claim PLQ_CAP_WIPES.
 */
#include "plqc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_address(const char *host) {
  unsigned char address[16];
  return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static bool same_url(const plqc_operation *op, const plq_transport_request *request) {
  const plq_transport_target *target = request->target;
  return op->url && op->url_len == target->origin_len + request->path_len && op->origin_len == target->origin_len &&
         memcmp(op->url, target->origin, target->origin_len) == 0 &&
         memcmp(op->url + target->origin_len, request->path, request->path_len) == 0;
}

static bool set_target(plqc_operation *op, const plq_transport_target *target) {
  const plqc_config *config = &op->instance->config;
  bool tls = (target->flags & PLQ_TARGET_TLS) != 0;
  plqc_free(op->instance, op->host_text);
  op->host_text = plqc_copy(op->instance, target->host, target->host_len);
  if (!op->host_text) return false;
  op->host = config->proxy ? config->proxy_host : op->host_text;
  op->port = config->proxy ? config->proxy_port : target->port;
  op->numeric = is_address(op->host);
  op->tls = tls;
  return curl_easy_setopt(op->easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http") == CURLE_OK;
}

/*
 * A URL that libcurl gets parsed saves it a tenth of its work per request. It reads the text form, too, where it must know the
 * URL as such, so both are kept the same.
 */
bool plqc_request_set_url(plqc_operation *op) {
  const plq_transport_request *request = op->request;
  const plq_transport_target *target = request->target;
  if (same_url(op, request)) return true;
  plqc_free(op->instance, op->url);
  op->url_len = target->origin_len + request->path_len;
  op->origin_len = target->origin_len;
  op->url = plqc_alloc(op->instance, op->url_len + 1);
  if (!op->url) return false;
  memcpy(op->url, target->origin, target->origin_len);
  memcpy(op->url + target->origin_len, request->path, request->path_len);
  op->url[op->url_len] = '\0';
  CURLU *parsed = curl_url();
  if (!parsed) return false;
  CURLUcode code = curl_url_set(parsed, CURLUPART_URL, op->url, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
  bool set = code == CURLUE_OK && set_target(op, target) && curl_easy_setopt(op->easy, CURLOPT_URL, op->url) == CURLE_OK &&
             curl_easy_setopt(op->easy, CURLOPT_CURLU, parsed) == CURLE_OK;
  if (!set) {
    curl_url_cleanup(parsed);
    plqc_free(op->instance, op->url);
    op->url = NULL;
    return false;
  }
  curl_url_cleanup(op->url_parsed);
  op->url_parsed = parsed;
  return true;
}

static bool reserve(plqc_operation *op, size_t bytes, size_t lines) {
  if (bytes > op->scratch_capacity) {
    char *scratch = plqc_alloc(op->instance, bytes + 512);
    if (!scratch) return false;
    plqc_free(op->instance, op->scratch);
    op->scratch = scratch;
    op->scratch_capacity = bytes + 512;
  }
  if (lines > op->line_capacity) {
    struct curl_slist *nodes = plqc_alloc(op->instance, (lines + 8) * sizeof *nodes);
    if (!nodes) return false;
    plqc_free(op->instance, op->lines);
    op->lines = nodes;
    op->line_capacity = lines + 8;
  }
  return true;
}

static const plq_transport_header *header_at(const plq_transport_request *request, size_t index) {
  return (const plq_transport_header *)(const void *)((const char *)request->headers + index * request->header_stride);
}

/* libcurl's own defaults: a line with a name and nothing else keeps each of them away. */
static struct curl_slist no_accept = {(char *)"Accept:", NULL};
static struct curl_slist no_type = {(char *)"Content-Type:", NULL};
static const char no_expect[] = "Expect:";

static char *put(char *at, const char *text, size_t len) {
  memcpy(at, text, len);
  return at + len;
}

static bool set_headers(plqc_operation *op) {
  const plq_transport_request *request = op->request;
  bool has_accept = false, has_type = request->body == NULL;
  size_t bytes = 0, line = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *header = header_at(request, i);
    bytes += header->name_len + header->value_len + 3;
  }
  if (!reserve(op, bytes, request->header_count + 3)) return false;
  char *at = op->scratch;
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *header = header_at(request, i);
    if (header->name_len == 6 && strncasecmp(header->name, "Accept", 6) == 0) has_accept = true;
    if (header->name_len == 12 && strncasecmp(header->name, "Content-Type", 12) == 0) has_type = true;
    op->lines[line++].data = at;
    at = put(at, header->name, header->name_len);
    /* "Name;" is how libcurl wants to be told of an empty value. */
    *at++ = header->value_len ? ':' : ';';
    if (header->value_len) *at++ = ' ';
    at = put(at, header->value, header->value_len);
    *at++ = '\0';
  }
  op->scratch_len = (size_t)(at - op->scratch);
  if (!has_accept) op->lines[line++].data = no_accept.data;
  if (!has_type) op->lines[line++].data = no_type.data;
  if (request->body_len > 65536) op->lines[line++].data = (char *)no_expect;
  for (size_t i = 0; i < line; i++) op->lines[i].next = i + 1 < line ? &op->lines[i + 1] : NULL;
  return curl_easy_setopt(op->easy, CURLOPT_HTTPHEADER, line ? op->lines : NULL) == CURLE_OK;
}

static bool set_method(plqc_operation *op) {
  const plq_transport_request *request = op->request;
  CURL *easy = op->easy;
  bool body = request->body != NULL;
  bool known = strlen(op->method) == request->method_len && memcmp(op->method, request->method, request->method_len) == 0;
  if (!known || op->method_body != body) {
    char method[sizeof op->method];
    snprintf(method, sizeof method, "%.*s", (int)request->method_len, request->method);
    bool head = strcmp(method, "HEAD") == 0;
    op->method[0] = '\0';
    if (curl_easy_setopt(easy, CURLOPT_NOBODY, head && !body ? 1L : 0L)) return false;
    if (!body && !head && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L)) return false;
    bool natural = body ? strcmp(method, "POST") == 0 : strcmp(method, "GET") == 0 || head;
    if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, natural ? NULL : method)) return false;
    memcpy(op->method, method, sizeof method);
    op->method_body = body;
  }
  if (!body) return true;
  curl_off_t len = op->prewarm ? 1 : (curl_off_t)request->body_len;
  return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, len) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body) == CURLE_OK;
}

bool plqc_request_set(plqc_operation *op) {
  if (!plqc_request_set_url(op) || !set_method(op)) return false;
  return set_headers(op);
}

void plqc_request_forget(plqc_operation *op) {
  if (op->scratch_len) op->instance->host->wipe(op->scratch, op->scratch_len);
  op->scratch_len = 0;
}
