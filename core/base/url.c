/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <string.h>

static bool starts(struct plq__text text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && plq__text_is_nocase((struct plq__text){text.at, len}, prefix);
}

static bool is_name(struct plq__text host) {
  for (size_t i = 0; i < host.len; i++) {
    char c = host.at[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    bool inside = (c == '-' || c == '_' || c == '.') && i > 0 && !(c == '.' && host.at[i - 1] == '.');
    if (!letter && !inside) return false;
  }
  return host.len > 0 && host.len <= 253;
}

static bool is_loopback(struct plq__text host, bool address) {
  if (!address) return plq__text_is_nocase(host, "localhost");
  return plq__text_is(host, "::1") || starts(host, "127.");
}

static bool is_path(struct plq__text path) {
  for (size_t i = 0; i < path.len; i++) {
    char c = path.at[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && (c == '\0' || strchr("/-._~%!$&'()*+,;=:@", c) == NULL)) return false;
  }
  return true;
}

/* Takes host and port off the front of `rest`. */
static const char *parse_authority(struct plq__text authority, struct plq__url *url) {
  struct plq__text port = {"", 0};
  if (memchr(authority.at, '@', authority.len) != NULL) return "has a user name, which does not belong there";
  if (authority.len > 0 && authority.at[0] == '[') {
    const char *end = memchr(authority.at, ']', authority.len);
    if (end == NULL) return "has a bracket that is not closed";
    url->host = (struct plq__text){authority.at + 1, (size_t)(end - authority.at) - 1};
    if (!plq__is_address(url->host) || memchr(url->host.at, ':', url->host.len) == NULL) return "has no IPv6 address between its brackets";
    port = (struct plq__text){end + 1, authority.len - url->host.len - 2};
  } else {
    const char *colon = memchr(authority.at, ':', authority.len);
    size_t len = colon != NULL ? (size_t)(colon - authority.at) : authority.len;
    url->host = (struct plq__text){authority.at, len};
    port = (struct plq__text){authority.at + len, authority.len - len};
    if (url->host.len > 1 && url->host.at[url->host.len - 1] == '.') url->host.len--;
    if (url->host.len == 0) return "has no host";
    if (!is_name(url->host)) return "has a host that is neither a name in ASCII nor an address";
  }
  url->address = plq__is_address(url->host);
  url->loopback = is_loopback(url->host, url->address);
  int64_t number = url->tls ? 443 : 80;
  if (port.len > 0) {
    struct plq__text digits = {port.at + 1, port.len - 1};
    if (port.at[0] != ':' || digits.len > 5 || !plq__to_number(digits, &number) || number < 1 || number > 65535)
      return "has a port that is no number from 1 to 65535";
  }
  url->port = (uint32_t)number;
  return NULL;
}

const char *plq__url_parse(struct plq__text text, struct plq__url *out_url) {
  struct plq__url url = {0};
  size_t scheme;
  if (starts(text, "https://"))
    url.tls = true, scheme = 8;
  else if (starts(text, "http://"))
    scheme = 7;
  else
    return "does not begin with https://";
  size_t end = scheme;
  while (end < text.len && strchr("/?#", text.at[end]) == NULL) end++;
  const char *trouble = parse_authority((struct plq__text){text.at + scheme, end - scheme}, &url);
  if (trouble != NULL) return trouble;
  url.origin = (struct plq__text){text.at, end};
  url.path = (struct plq__text){text.at + end, text.len - end};
  if (memchr(url.path.at, '?', url.path.len) != NULL || memchr(url.path.at, '#', url.path.len) != NULL)
    return "has a query or a fragment, which does not belong there";
  if (!is_path(url.path)) return "has a character in its path that must be percent-encoded";
  while (url.path.len > 0 && url.path.at[url.path.len - 1] == '/') url.path.len--;
  *out_url = url;
  return NULL;
}
