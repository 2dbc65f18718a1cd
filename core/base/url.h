/* SPDX-License-Identifier: MIT */
/* URLs, as far as the library takes them: scheme://host[:port][/path], RFC 3986, without user, query or fragment. */
#ifndef PLQ_BASE_URL_H
#define PLQ_BASE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct plq__url {
  bool tls;                /* https */
  bool address;            /* host is an IP address */
  bool loopback;           /* host is localhost or a loopback address */
  uint32_t port;
  struct plq__text origin; /* scheme://host[:port], as given */
  struct plq__text host;   /* without brackets and trailing dot */
  struct plq__text path;   /* without the slash at its end; may be empty */
};

/* Parses; the spans point into `text`. Returns NULL, or what is wrong with it, in words that follow "the URL". */
const char *plq__url_parse(struct plq__text text, struct plq__url *out_url);

#endif
