/* SPDX-License-Identifier: MIT */
/* The operations of the service: what they check, and what they answer. */
#include "internal.h"

#include <stdio.h>

struct route {
  const char *path;
  void (*handle)(exchange *x, const struct route *route);
  int64_t life_ms;
};

static bool make_random(exchange *x, void *out, size_t len) {
  const engine_settings *s = &x->engine->settings;
  if (s->random(s->context, out, len)) return true;
  answer_error(x, 500, "INTERNAL_SERVER_ERROR", "No randomness is to be had.");
  return false;
}

/* Answers 400 if anything was found wrong. */
static bool refuse_if_wrong(exchange *x) {
  if (x->detail_count == 0) return false;
  answer_error(x, 400, "VALIDATION_ERROR", "The request is not valid.");
  return true;
}

/* Whether the API key lets the request pass; answers 401 or 403 otherwise. */
static bool check_key(exchange *x) {
  engine_text token;
  if (!request_bearer(x->request, &token)) {
    answer_error(x, 401, "AUTHORIZATION_ERROR", "The header Authorization must be: Bearer <API key>.");
    return false;
  }
  switch (keys_look_up(&x->engine->keys, token)) {
    case KEY_VALID:
      return true;
    case KEY_FORBIDDEN:
      answer_error(x, 403, "FORBIDDEN_ERROR", "The API key does not allow this operation.");
      return false;
    case KEY_UNKNOWN:
      break;
  }
  answer_error(x, 401, "AUTHORIZATION_ERROR", "The API key is not known.");
  return false;
}

static void create_secret(exchange *x, const struct route *route) {
  uint8_t bytes[24];
  char secret[sizeof ENGINE_SECRET_PREFIX + sizeof bytes / 3 * 4];
  char body[64 + sizeof secret];
  engine *e = x->engine;
  if (!check_key(x)) return;
  validate_headers(x);
  validate_secret_body(x);
  if (refuse_if_wrong(x) || !make_random(x, bytes, sizeof bytes)) return;

  memcpy(secret, ENGINE_SECRET_PREFIX, sizeof ENGINE_SECRET_PREFIX - 1);
  base64url(bytes, sizeof bytes, secret + sizeof ENGINE_SECRET_PREFIX - 1);
  if (!secrets_add(&e->secrets, secret, engine_now_ms(e) + route->life_ms)) x->out_of_memory = true;
  int len = snprintf(body, sizeof body, "{\"clientSecret\":\"%s\"}", secret);
  x->answer->status = e->settings.success_status;
  answer_body(x, body, (size_t)len);
  e->journal.secrets_issued++;
  explicit_bzero(bytes, sizeof bytes);
  explicit_bzero(secret, sizeof secret);
  explicit_bzero(body, sizeof body);
}

static const char *secret_problem(secret_state state) {
  switch (state) {
    case SECRET_USED:
      return "The client secret was used already: it works once.";
    case SECRET_EXPIRED:
      return "The client secret has expired.";
    case SECRET_UNKNOWN:
    case SECRET_GOOD:
      break;
  }
  return "The client secret is not known.";
}

/* A browser's part: a secret and card data become a payment method. The card data is not even looked at. */
static void create_payment_method(exchange *x, const struct route *route) {
  engine *e = x->engine;
  engine_text token = {"", 0};
  size_t index = 0;
  uint8_t bytes[16];
  char id[32];
  char body[64];
  (void)route;
  secret_state state = SECRET_UNKNOWN;
  if (request_bearer(x->request, &token)) state = secrets_look_up(&e->secrets, token, engine_now_ms(e), &index);
  if (state != SECRET_GOOD) {
    e->journal.secrets_refused++;
    answer_error(x, 401, "AUTHORIZATION_ERROR",
                 token.len == 0 ? "The header Authorization must be: Bearer <client secret>." : secret_problem(state));
    return;
  }
  validate_headers(x);
  validate_card_body(x);
  if (refuse_if_wrong(x) || !make_random(x, bytes, sizeof bytes)) return;

  secrets_use(&e->secrets, index);
  e->journal.secrets_used++;
  base64url(bytes, sizeof bytes, id);
  int len = snprintf(body, sizeof body, "{\"id\":\"pm_test_%s\"}", id);
  x->answer->status = 201;
  answer_body(x, body, (size_t)len);
}

static const struct route routes[] = {
    {"/client-secrets", create_secret, ENGINE_SECRET_LIFE_MS},
    {"/v2/client-secrets", create_secret, ENGINE_SECRET_LIFE_V2_MS},
    {"/payment-methods", create_payment_method, 0},
};

static const struct route *find_route(const exchange *x) {
  const char *base = x->engine->base_path;
  size_t base_len = strlen(base);
  if (x->path.len < base_len || memcmp(x->path.data, base, base_len) != 0) return NULL;
  engine_text rest = {x->path.data + base_len, x->path.len - base_len};
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (text_is(rest, routes[i].path)) return &routes[i];
  }
  return NULL;
}

/* The API documents no 405, so another method on a known path is an operation that does not exist. */
void handle_request(exchange *x) {
  const struct route *route = find_route(x);
  if (route == NULL) {
    add_detail(x, "path: known are /client-secrets, /v2/client-secrets and /payment-methods under the base path");
    answer_error(x, 404, "NOT_FOUND_ERROR", "There is nothing at this path.");
  } else if (!text_is(x->request->method, "POST")) {
    add_detail(x, "method: must be POST");
    answer_error(x, 404, "NOT_FOUND_ERROR", "There is no such operation at this path.");
  } else {
    route->handle(x, route);
  }
}
