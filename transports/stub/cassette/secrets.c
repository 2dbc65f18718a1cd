/* SPDX-License-Identifier: MIT */
/* What is known to be secret, and where it stands in a text. */
#include "internal.h"

#include <string.h>
#include <strings.h>

/* Shorter ones are looked for nowhere: their bytes are everywhere. */
enum { SHORTEST = 4 };

static bool is_name(cassette_text text, const char *name) {
  return text.len == strlen(name) && strncasecmp(text.at, name, text.len) == 0;
}

/* Also where nobody set the flag. */
bool cassette_is_secret(const plq_transport_header *header) {
  static const char *const names[] = {"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key"};
  if (header->flags & PLQ_TRANSPORT_HEADER_SENSITIVE) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (is_name((cassette_text){header->name, header->name_len}, names[i])) return true;
  }
  return false;
}

cassette_text cassette_scheme(const plq_transport_header *header) {
  static const char *const schemes[] = {"Bearer", "Basic", "Digest", "DPoP", "Negotiate"};
  cassette_text name = {header->name, header->name_len}, none = {header->value, 0};
  const char *space = memchr(header->value, ' ', header->value_len);
  cassette_text first = {header->value, space == NULL ? 0 : (size_t)(space - header->value)};
  if (!is_name(name, "Authorization") && !is_name(name, "Proxy-Authorization")) return none;
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    if (is_name(first, schemes[i])) return first;
  }
  return none;
}

static void forget(cassette_secrets *self, size_t index) {
  if (self->at[index] == NULL) return;
  self->host->wipe(self->at[index], self->len[index]);
  self->host->free(self->host->context, self->at[index]);
  self->at[index] = NULL;
  self->len[index] = 0;
}

bool cassette_secrets_add(cassette_secrets *self, cassette_text secret) {
  if (secret.len < SHORTEST) return true;
  for (size_t i = 0; i < CASSETTE_SECRETS; i++) {
    if (self->len[i] == secret.len && memcmp(self->at[i], secret.at, secret.len) == 0) return true;
  }
  char *copy = self->host->alloc(self->host->context, secret.len);
  if (copy == NULL) return false;
  memcpy(copy, secret.at, secret.len);
  forget(self, self->next);
  self->at[self->next] = copy;
  self->len[self->next] = secret.len;
  self->next = (self->next + 1) % CASSETTE_SECRETS;
  return true;
}

bool cassette_secrets_add_request(cassette_secrets *self, const plq_transport_request *request) {
  for (size_t i = 0; i < request->header_count; i++) {
    const plq_transport_header *header = cassette_header_at(request, i);
    if (!cassette_is_secret(header)) continue;
    size_t scheme = cassette_scheme(header).len;
    size_t skip = scheme > 0 ? scheme + 1 : 0;
    while (skip > 0 && skip < header->value_len && header->value[skip] == ' ') skip++;
    if (!cassette_secrets_add(self, (cassette_text){header->value, header->value_len})) return false;
    if (!cassette_secrets_add(self, (cassette_text){header->value + skip, header->value_len - skip})) return false;
  }
  return true;
}

/* How many bytes from the start of a text are a secret: the longest one counts. */
static size_t secret_at(const cassette_secrets *self, cassette_text text) {
  size_t longest = 0;
  for (size_t i = 0; i < CASSETTE_SECRETS; i++) {
    size_t len = self->len[i];
    if (len > longest && len <= text.len && memcmp(self->at[i], text.at, len) == 0) longest = len;
  }
  return longest;
}

bool cassette_secrets_in(const cassette_secrets *self, cassette_text text) {
  for (size_t i = 0; i < text.len; i++) {
    if (secret_at(self, (cassette_text){text.at + i, text.len - i}) > 0) return true;
  }
  return false;
}

/* What is written lies behind what is still to be compared, so that secrets that overlap all go. */
void cassette_hide_known(const cassette_secrets *self, char *text, size_t len) {
  size_t hidden = 0;
  for (size_t i = 0; i < len; i++) {
    size_t end = i + secret_at(self, (cassette_text){text + i, len - i});
    if (end > hidden) hidden = end;
    if (i < hidden) text[i] = 'x';
  }
}

void cassette_secrets_clear(cassette_secrets *self) {
  for (size_t i = 0; i < CASSETTE_SECRETS; i++) forget(self, i);
}
