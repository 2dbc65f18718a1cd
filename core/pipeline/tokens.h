/* SPDX-License-Identifier: MIT */
/* The access tokens of a client: immutable, counted, replaced as a whole. They lie in the secure pages. */
#ifndef PLQ_PIPELINE_TOKENS_H
#define PLQ_PIPELINE_TOKENS_H

#include <stdatomic.h>

#include "../base/text.h"

struct plq__tokens {
  _Atomic int references;
  char *header[2]; /* "Bearer <token>", or NULL: the access token and the second one */
  size_t header_len[2];
  int32_t source[2]; /* PLQ_SOURCE_* */
};

/* Copies; a NULL token is none. Both came from `source`. NULL without memory. */
struct plq__tokens *plq__tokens_new(struct plq__text first, struct plq__text second, int32_t source);
/* The same ones in memory of their own. NULL without memory. */
struct plq__tokens *plq__tokens_copy(const struct plq__tokens *tokens);
struct plq__tokens *plq__tokens_ref(struct plq__tokens *tokens);
void plq__tokens_unref(struct plq__tokens *tokens);
/* The bare token, for redaction. */
struct plq__text plq__tokens_bare(const struct plq__tokens *tokens, int which);

#endif
