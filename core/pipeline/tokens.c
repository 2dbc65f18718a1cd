/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/secure.h"

static const struct plq__text scheme = {"Bearer ", 7};

static bool set(struct plq__tokens *tokens, int which, struct plq__text token) {
  if (token.at == NULL) return true;
  char *header = plq__secure_alloc(scheme.len + token.len + 1);
  if (header == NULL) return false;
  memcpy(header, scheme.at, scheme.len);
  memcpy(header + scheme.len, token.at, token.len);
  header[scheme.len + token.len] = '\0';
  tokens->header[which] = header;
  tokens->header_len[which] = scheme.len + token.len;
  return true;
}

struct plq__tokens *plq__tokens_new(struct plq__text first, struct plq__text second, int32_t source) {
  struct plq__tokens *tokens = plq__alloc(sizeof *tokens);
  if (tokens == NULL) return NULL;
  tokens->references = 1;
  tokens->source[0] = tokens->source[1] = source;
  if (set(tokens, 0, first) && set(tokens, 1, second)) return tokens;
  plq__tokens_unref(tokens);
  return NULL;
}

struct plq__tokens *plq__tokens_copy(const struct plq__tokens *tokens) {
  struct plq__tokens *copy = plq__tokens_new(plq__tokens_bare(tokens, 0), plq__tokens_bare(tokens, 1), tokens->source[0]);
  if (copy != NULL) copy->source[1] = tokens->source[1];
  return copy;
}

struct plq__tokens *plq__tokens_ref(struct plq__tokens *tokens) {
  atomic_fetch_add_explicit(&tokens->references, 1, memory_order_relaxed);
  return tokens;
}

void plq__tokens_unref(struct plq__tokens *tokens) {
  if (tokens == NULL || atomic_fetch_sub_explicit(&tokens->references, 1, memory_order_acq_rel) != 1) return;
  plq__secure_free(tokens->header[0]);
  plq__secure_free(tokens->header[1]);
  plq__free(tokens);
}

struct plq__text plq__tokens_bare(const struct plq__tokens *tokens, int which) {
  if (tokens->header[which] == NULL) return (struct plq__text){NULL, 0};
  return (struct plq__text){tokens->header[which] + scheme.len, tokens->header_len[which] - scheme.len};
}
