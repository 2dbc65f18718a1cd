/* SPDX-License-Identifier: MIT */
/*
 * Name look-ups on threads. getaddrinfo blocks and cannot be ended (curl/curl#18532), and asking in its place would not know what
 * the system is set to. These threads block all signals, are shared by everybody who asks for the same name, and are abandoned
 * after a limit or a cancellation. The block of the resolver belongs to the instance and to every thread that still runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "plqt.h"

#define CACHE_SIZE 8

struct plqt_lookup {
  plqt_lookup *next;
  plqt_resolver *resolver;
  uint32_t port;
  int fd; /* readable once it is done */
  int waiting;
  bool done;
  int code, os_errno;
  plqt_addresses addresses;
  char host[256];
};

typedef struct cached {
  struct cached *next; /* of a preset */
  char host[256];
  uint32_t port;
  int64_t until;
  plqt_addresses addresses;
} cached;

struct plqt_resolver {
  pthread_mutex_t lock;
  int owners;
  int abandoned;
  plqt_fds *fds; /* the instance's; NULL after its end */
  plqt_lookup *running;
  cached *preset; /* does not change after create */
  cached cache[CACHE_SIZE];
  int next_slot;
};

plqt_resolver *plqt_resolver_new(plqt_fds *fds) {
  plqt_resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver) return NULL;
  pthread_mutex_init(&resolver->lock, NULL);
  resolver->owners = 1;
  resolver->fds = fds;
  return resolver;
}

/* Unlocks, too. */
static void drop(plqt_resolver *resolver) {
  bool last = --resolver->owners == 0;
  pthread_mutex_unlock(&resolver->lock);
  if (!last) return;
  while (resolver->preset) {
    cached *next = resolver->preset->next;
    free(resolver->preset);
    resolver->preset = next;
  }
  pthread_mutex_destroy(&resolver->lock);
  free(resolver);
}

void plqt_resolver_release(plqt_resolver *resolver) {
  if (!resolver) return;
  pthread_mutex_lock(&resolver->lock);
  resolver->fds = NULL;
  drop(resolver);
}

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool is_for(const cached *entry, const char *host, uint32_t port, int64_t now) {
  return entry->addresses.count && entry->port == port && entry->until > now && strcasecmp(entry->host, host) == 0;
}

bool plqt_resolver_cached(plqt_resolver *resolver, const char *host, uint32_t port, int64_t now, plqt_addresses *out) {
  bool found = false;
  for (const cached *entry = resolver->preset; entry; entry = entry->next) {
    if (!is_for(entry, host, port, now)) continue;
    *out = entry->addresses;
    return true;
  }
  pthread_mutex_lock(&resolver->lock);
  for (int i = 0; i < CACHE_SIZE && !found; i++) {
    found = is_for(&resolver->cache[i], host, port, now);
    if (found) *out = resolver->cache[i].addresses;
  }
  pthread_mutex_unlock(&resolver->lock);
  return found;
}

bool plqt_address_read(const char *text, uint32_t port, plqt_address *out) {
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, text, &out->at.v4.sin_addr) == 1) {
    out->len = sizeof out->at.v4;
    out->at.v4.sin_family = AF_INET;
    out->at.v4.sin_port = htons((uint16_t)port);
  } else if (inet_pton(AF_INET6, text, &out->at.v6.sin6_addr) == 1) {
    out->len = sizeof out->at.v6;
    out->at.v6.sin6_family = AF_INET6;
    out->at.v6.sin6_port = htons((uint16_t)port);
  }
  return out->len > 0;
}

void plqt_address_write(const plqt_address *address, char *out, size_t size) {
  if (getnameinfo(&address->at.any, address->len, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST)) snprintf(out, size, "?");
}

/* The preset of a host and port, made if there is none yet; NULL without memory. */
static cached *preset_for(plqt_resolver *resolver, const char *host, size_t len, uint32_t port) {
  cached **at = &resolver->preset;
  for (; *at; at = &(*at)->next)
    if ((*at)->port == port && strncasecmp((*at)->host, host, len) == 0 && (*at)->host[len] == '\0') return *at;
  *at = calloc(1, sizeof **at);
  if (!*at) return NULL;
  (*at)->port = port;
  (*at)->until = PLQT_NEVER;
  memcpy((*at)->host, host, len);
  return *at;
}

/* One "host:port:address"; an IPv6 address may have brackets. Several of one host and port are its addresses, in this order. */
static int32_t preset_one(plqt_resolver *resolver, const char *text, size_t len) {
  const char *host_end = memchr(text, ':', len);
  if (!host_end || host_end == text || host_end - text > 255) return PLQ_E_OPTION_VALUE;
  char *port_end;
  unsigned long port = strtoul(host_end + 1, &port_end, 10);
  if (port == 0 || port > 65535 || *port_end != ':' || port_end + 1 >= text + len) return PLQ_E_OPTION_VALUE;
  const char *at = port_end + 1;
  size_t at_len = (size_t)(text + len - at);
  char plain[64];
  plqt_address address;
  bool bracketed = at_len > 2 && at[0] == '[' && at[at_len - 1] == ']';
  if (at_len - 2 * bracketed >= sizeof plain) return PLQ_E_OPTION_VALUE;
  snprintf(plain, sizeof plain, "%.*s", (int)(at_len - 2 * bracketed), at + bracketed);
  if (!plqt_address_read(plain, (uint32_t)port, &address)) return PLQ_E_OPTION_VALUE;
  cached *entry = preset_for(resolver, text, (size_t)(host_end - text), (uint32_t)port);
  if (!entry) return PLQ_E_MEMORY;
  if (entry->addresses.count == PLQT_ADDRESSES_MAX) return PLQ_E_OPTION_VALUE;
  entry->addresses.rows[entry->addresses.count++] = address;
  return PLQ_OK;
}

int32_t plqt_resolver_preset(plqt_resolver *resolver, const char *list, plq_transport_error *error) {
  while (*list) {
    size_t len = strcspn(list, ",");
    int32_t status = len ? preset_one(resolver, list, len) : PLQ_OK;
    if (status == PLQ_E_OPTION_VALUE)
      plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0,
                     "resolve: \"%.*s\" is not host:port:address with an IPv4 or IPv6 address, at most %d for one host and port",
                     (int)(len < 100 ? len : 100), list, PLQT_ADDRESSES_MAX);
    if (status == PLQ_E_MEMORY)
      plqt_error_set(error, status, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0, "no memory for the option resolve");
    if (status != PLQ_OK) return status;
    list += len + (list[len] == ',');
  }
  return PLQ_OK;
}

static void remember(plqt_resolver *resolver, const plqt_lookup *lookup) {
  int slot = -1;
  for (int i = 0; i < CACHE_SIZE && slot < 0; i++) {
    if (resolver->cache[i].port == lookup->port && strcmp(resolver->cache[i].host, lookup->host) == 0) slot = i;
  }
  if (slot < 0) slot = resolver->next_slot++ % CACHE_SIZE;
  cached *entry = &resolver->cache[slot];
  entry->addresses = lookup->addresses;
  entry->port = lookup->port;
  entry->until = monotonic() + PLQT_CACHE_NS;
  memcpy(entry->host, lookup->host, sizeof entry->host);
}

static bool has(const plqt_addresses *addresses, const struct addrinfo *item) {
  for (size_t i = 0; i < addresses->count; i++) {
    const plqt_address *row = &addresses->rows[i];
    if (row->len == item->ai_addrlen && memcmp(&row->at, item->ai_addr, row->len) == 0) return true;
  }
  return false;
}

static plqt_addresses as_addresses(struct addrinfo *list, uint32_t port) {
  plqt_addresses addresses = {0};
  for (struct addrinfo *item = list; item && addresses.count < PLQT_ADDRESSES_MAX; item = item->ai_next) {
    plqt_address *row = &addresses.rows[addresses.count];
    if ((item->ai_family != AF_INET && item->ai_family != AF_INET6) || item->ai_addrlen > sizeof row->at) continue;
    /* sin_port and sin6_port lie in the same place */
    ((struct sockaddr_in *)(void *)item->ai_addr)->sin_port = htons((uint16_t)port);
    if (has(&addresses, item)) continue;
    row->len = item->ai_addrlen;
    memcpy(&row->at, item->ai_addr, item->ai_addrlen);
    addresses.count++;
  }
  return addresses;
}

static void unlink_running(plqt_lookup *lookup) {
  plqt_lookup **at = &lookup->resolver->running;
  while (*at && *at != lookup) at = &(*at)->next;
  if (*at) *at = lookup->next;
}

static void *run(void *argument) {
  plqt_lookup *lookup = argument;
  plqt_resolver *resolver = lookup->resolver;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  errno = 0;
  int code = getaddrinfo(lookup->host, NULL, &hints, &list);
  /* Without a descriptor for its files and sockets the resolver says that there is no such name. */
  int os_errno = code == EAI_SYSTEM || (code && (errno == EMFILE || errno == ENFILE)) ? errno : 0;
  plqt_addresses addresses = as_addresses(code ? NULL : list, lookup->port);
  if (list) freeaddrinfo(list);
  pthread_mutex_lock(&resolver->lock);
  unlink_running(lookup);
  lookup->code = code;
  lookup->os_errno = os_errno;
  lookup->addresses = addresses;
  lookup->done = true;
  if (addresses.count) remember(resolver, lookup);
  if (lookup->waiting) {
    uint64_t one = 1;
    ssize_t written = write(lookup->fd, &one, sizeof one);
    (void)written;
  } else {
    resolver->abandoned--;
    free(lookup);
  }
  drop(resolver);
  return NULL;
}

static int start_thread(plqt_lookup *lookup) {
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&thread, &attributes, run, lookup);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return code;
}

static int32_t open_fd(plqt_lookup *lookup, int *out_errno) {
  lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (lookup->fd < 0) {
    *out_errno = errno;
    return PLQ_E_RESOURCE_DESCRIPTORS;
  }
  plqt_fds_add(lookup->resolver->fds, lookup->fd);
  return PLQ_OK;
}

/* Somebody else's that runs, or one that was abandoned and may yet come back. */
static int32_t join(plqt_lookup *lookup, int *out_errno) {
  if (!lookup->waiting) {
    int32_t status = open_fd(lookup, out_errno);
    if (status) return status;
    lookup->resolver->abandoned--;
  }
  lookup->waiting++;
  return PLQ_OK;
}

static int32_t begin(plqt_resolver *resolver, const char *host, uint32_t port, plqt_lookup **out, int *out_errno) {
  if (resolver->abandoned >= PLQT_ABANDONED_MAX) return PLQ_E_RESOURCE_SYSTEM;
  plqt_lookup *lookup = calloc(1, sizeof *lookup);
  if (!lookup) return PLQ_E_MEMORY;
  snprintf(lookup->host, sizeof lookup->host, "%s", host);
  lookup->port = port;
  lookup->resolver = resolver;
  lookup->waiting = 1;
  int32_t status = open_fd(lookup, out_errno);
  if (status) {
    free(lookup);
    return status;
  }
  int code = start_thread(lookup);
  if (code) {
    *out_errno = code;
    plqt_fds_close(resolver->fds, lookup->fd);
    free(lookup);
    return PLQ_E_RESOURCE_SYSTEM;
  }
  resolver->owners++;
  lookup->next = resolver->running;
  resolver->running = lookup;
  *out = lookup;
  return PLQ_OK;
}

plqt_lookup *plqt_lookup_start(plqt_resolver *resolver, const char *host, uint32_t port, int32_t *out_status, int *out_errno) {
  plqt_lookup *lookup;
  *out_status = PLQ_E_RESOLVE_NOT_FOUND;
  *out_errno = 0;
  if (strlen(host) >= sizeof lookup->host) return NULL; /* RFC 1035 section 2.3.4: no name is so long */
  pthread_mutex_lock(&resolver->lock);
  for (lookup = resolver->running; lookup; lookup = lookup->next) {
    if (lookup->port == port && strcmp(lookup->host, host) == 0) break;
  }
  *out_status = lookup ? join(lookup, out_errno) : begin(resolver, host, port, &lookup, out_errno);
  pthread_mutex_unlock(&resolver->lock);
  return *out_status ? NULL : lookup;
}

int plqt_lookup_fd(const plqt_lookup *lookup) {
  return lookup->fd;
}

static int32_t status_of(int code, int os_errno) {
  if (os_errno == EMFILE || os_errno == ENFILE) return PLQ_E_RESOURCE_DESCRIPTORS;
  switch (code) {
    case 0:
      return PLQ_E_RESOLVE_NOT_FOUND; /* no address of a kind that can be used */
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return PLQ_E_RESOLVE_NOT_FOUND;
    case EAI_AGAIN:
      return PLQ_E_RESOLVE_TEMPORARY;
    case EAI_MEMORY:
      return PLQ_E_MEMORY;
    default:
      return PLQ_E_RESOLVE_FAILED;
  }
}

bool plqt_lookup_result(plqt_resolver *resolver, plqt_lookup *lookup, plqt_addresses *out, int32_t *out_status, int *out_errno,
                        int *out_code) {
  pthread_mutex_lock(&resolver->lock);
  bool done = lookup->done;
  if (done) {
    *out = lookup->addresses;
    *out_errno = lookup->os_errno;
    *out_code = lookup->code;
    *out_status = lookup->addresses.count ? PLQ_OK : status_of(lookup->code, lookup->os_errno);
  }
  pthread_mutex_unlock(&resolver->lock);
  return done;
}

/* The last one to leave closes the descriptor; a thread that still runs is abandoned and frees the rest. */
void plqt_lookup_leave(plqt_resolver *resolver, plqt_lookup *lookup) {
  pthread_mutex_lock(&resolver->lock);
  if (--lookup->waiting == 0) {
    plqt_fds_close(resolver->fds, lookup->fd);
    if (lookup->done) {
      free(lookup);
    } else {
      resolver->abandoned++;
    }
  }
  pthread_mutex_unlock(&resolver->lock);
}
