/* SPDX-License-Identifier: MIT */
/* What the API's description asks of a request. Every fault is collected, as the service does, so that a user sees all at once.
 */
#include "internal.h"

#include <arpa/inet.h>

void add_detail(exchange *x, const char *text) {
  if (x->detail_count < MAX_DETAILS) x->details[x->detail_count++] = text;
}

bool request_header(const engine_request *request, const char *name, engine_text *out_value) {
  for (size_t i = 0; i < request->header_count; i++) {
    if (!text_is_nocase(request->headers[i].name, name)) continue;
    *out_value = text_trim(request->headers[i].value);
    return true;
  }
  return false;
}

bool request_bearer(const engine_request *request, engine_text *out_token) {
  engine_text value;
  if (!request_header(request, "Authorization", &value)) return false;
  if (value.len < 8 || !text_is_nocase((engine_text){value.data, 7}, "Bearer ")) return false;
  *out_token = text_trim((engine_text){value.data + 7, value.len - 7});
  return engine_key_valid(*out_token);
}

/* Takes the next part of a list up to `separator`, without parameters. */
static bool next_media_type(engine_text *rest, char separator, engine_text *out) {
  if (rest->len == 0) return false;
  const char *end = memchr(rest->data, separator, rest->len);
  size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
  const char *parameters = memchr(rest->data, ';', len);
  *out = text_trim((engine_text){rest->data, parameters == NULL ? len : (size_t)(parameters - rest->data)});
  size_t taken = end == NULL ? len : len + 1;
  rest->data += taken;
  rest->len -= taken;
  return true;
}

static bool accepts_json(engine_text value) {
  engine_text type;
  while (next_media_type(&value, ',', &type)) {
    if (text_is_nocase(type, "application/json") || text_is(type, "application/*") || text_is(type, "*/*")) return true;
  }
  return false;
}

static bool is_address(engine_text value) {
  char text[INET6_ADDRSTRLEN];
  unsigned char address[16];
  if (value.len >= sizeof text) return false;
  memcpy(text, value.data, value.len);
  text[value.len] = '\0';
  return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

void validate_headers(exchange *x) {
  engine_text value;
  engine_text type;
  if (!request_header(x->request, "Accept", &value) || !accepts_json(value))
    add_detail(x, "header Accept: must be application/json");
  if (!request_header(x->request, "Content-Type", &value) || !next_media_type(&value, ',', &type) ||
      !text_is_nocase(type, "application/json")) {
    add_detail(x, "header Content-Type: must be application/json");
  }
  if (!request_header(x->request, "User-Agent", &value) || value.len == 0) add_detail(x, "header User-Agent: is required");
  if (request_header(x->request, "End-User-Ip", &value) && !is_address(value)) {
    add_detail(x, "header End-User-Ip: must be an IPv4 or IPv6 address");
  }
}

static void validate_payer(exchange *x, const scan_value *payer) {
  scan_value id;
  char text[64];
  size_t len = 0;
  if (payer->type == SCAN_NULL) {
    add_detail(x, "payer: must not be null; leave it out");
  } else if (payer->type != SCAN_OBJECT) {
    add_detail(x, "payer: must be an object");
  } else if (!scan_member(payer, "id", &id)) {
    add_detail(x, "payer.id: is required in payer");
  } else if (id.type == SCAN_NULL) {
    add_detail(x, "payer.id: must not be null");
  } else if (id.type != SCAN_STRING || !scan_string(&id, text, sizeof text, &len) ||
             !engine_is_uuid((engine_text){text, len}, 0)) {
    add_detail(x, "payer.id: must be a UUID");
  }
}

static void validate_type(exchange *x, const scan_value *type) {
  char text[64];
  size_t len = 0;
  if (type->type == SCAN_NULL) {
    add_detail(x, "type: must not be null; leave it out");
  } else if (type->type != SCAN_STRING || !scan_string(type, text, sizeof text, &len) ||
             !text_is((engine_text){text, len}, "CARD")) {
    add_detail(x, "type: must be CARD");
  }
}

static bool body_object(exchange *x, scan_value *out) {
  if (scan_document(x->request->body, out) && out->type == SCAN_OBJECT) return true;
  add_detail(x, "body: must be a JSON object");
  return false;
}

void validate_secret_body(exchange *x) {
  scan_value body;
  scan_value member;
  if (!body_object(x, &body)) return;
  if (scan_member(&body, "payer", &member)) validate_payer(x, &member);
  if (scan_member(&body, "type", &member)) validate_type(x, &member);
}

void validate_card_body(exchange *x) {
  scan_value body;
  body_object(x, &body);
}
