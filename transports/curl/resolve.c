/* SPDX-License-Identifier: MIT */
/*
 * Name look-ups. libcurl's own resolver threads inherit the caller's signal mask, cannot be counted, and are joined when a
 * transfer ends, for as long as getaddrinfo likes. These block all signals, are shared by everybody who asks for the same name,
 * and are abandoned after a limit or a cancellation. The block of the resolver belongs to the instance and to every thread that
 * still runs.
 */
#include "plqc.h"

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

#define CACHE_SIZE 8
#define ADDRESSES_MAX 16

struct plqc_lookup {
  plqc_lookup *next;
  plqc_resolver *resolver;
  uint32_t port;
  int fd; /* readable once it is done */
  int waiting;
  bool done;
  int code, os_errno;
  char *addresses;
  char host[256];
};

typedef struct cached {
  struct cached *next; /* of a preset */
  char host[256];
  uint32_t port;
  int64_t until;
  char *addresses;
} cached;

struct plqc_resolver {
  pthread_mutex_t lock;
  int owners;
  int abandoned;
  plqc_fd_block *fds; /* the instance's; NULL after its end */
  plqc_lookup *running;
  cached *preset; /* does not change after create */
  cached cache[CACHE_SIZE];
  int next_slot;
};

plqc_resolver *plqc_resolver_new(plqc_fd_block *fds) {
  plqc_resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver) return NULL;
  pthread_mutex_init(&resolver->lock, NULL);
  resolver->owners = 1;
  resolver->fds = fds;
  return resolver;
}

/* Unlocks, too. */
static void drop(plqc_resolver *resolver) {
  bool last = --resolver->owners == 0;
  pthread_mutex_unlock(&resolver->lock);
  if (!last) return;
  for (int i = 0; i < CACHE_SIZE; i++) free(resolver->cache[i].addresses);
  while (resolver->preset) {
    cached *next = resolver->preset->next;
    free(resolver->preset->addresses);
    free(resolver->preset);
    resolver->preset = next;
  }
  pthread_mutex_destroy(&resolver->lock);
  free(resolver);
}

void plqc_resolver_release(plqc_resolver *resolver) {
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
  return entry->addresses && entry->port == port && entry->until > now && strcasecmp(entry->host, host) == 0;
}

char *plqc_resolver_cached(plqc_resolver *resolver, const char *host, uint32_t port, int64_t now) {
  char *found = NULL;
  for (const cached *entry = resolver->preset; entry; entry = entry->next) {
    if (is_for(entry, host, port, now)) return strdup(entry->addresses);
  }
  pthread_mutex_lock(&resolver->lock);
  for (int i = 0; i < CACHE_SIZE && !found; i++) {
    if (is_for(&resolver->cache[i], host, port, now)) found = strdup(resolver->cache[i].addresses);
  }
  pthread_mutex_unlock(&resolver->lock);
  return found;
}

/* One "host:port:address"; libcurl wants an IPv6 address in brackets. */
static bool preset_one(plqc_resolver *resolver, const char *text, size_t len) {
  const char *host_end = memchr(text, ':', len);
  if (!host_end || host_end == text || host_end - text > 255) return false;
  char *port_end;
  unsigned long port = strtoul(host_end + 1, &port_end, 10);
  if (port == 0 || port > 65535 || *port_end != ':' || port_end + 1 >= text + len) return false;
  const char *address = port_end + 1;
  size_t address_len = (size_t)(text + len - address);
  char plain[64];
  bool bracketed = address[0] == '[' && address[address_len - 1] == ']';
  if (address_len - 2 * bracketed >= sizeof plain) return false;
  snprintf(plain, sizeof plain, "%.*s", (int)(address_len - 2 * bracketed), address + bracketed);
  unsigned char binary[16];
  bool six = inet_pton(AF_INET6, plain, binary) == 1;
  if (!six && inet_pton(AF_INET, plain, binary) != 1) return false;
  cached *entry = calloc(1, sizeof *entry);
  if (!entry) return false;
  entry->next = resolver->preset;
  resolver->preset = entry;
  memcpy(entry->host, text, (size_t)(host_end - text));
  entry->port = (uint32_t)port;
  entry->until = PLQC_NEVER;
  if (asprintf(&entry->addresses, six ? "[%s]" : "%s", plain) < 0) entry->addresses = NULL;
  return entry->addresses != NULL;
}

int32_t plqc_resolver_preset(plqc_resolver *resolver, const char *list, plq_transport_error *error) {
  while (*list) {
    size_t len = strcspn(list, ",");
    if (len && !preset_one(resolver, list, len)) {
      plqc_error_set(error, PLQ_E_OPTION_VALUE, PLQ_PHASE_CONFIG, PLQ_DELIVERY_NOT_SENT, 0, 0,
                     "resolve: \"%.*s\" is not host:port:address", (int)(len < 100 ? len : 100), list);
      return PLQ_E_OPTION_VALUE;
    }
    list += len + (list[len] == ',');
  }
  return PLQ_OK;
}

static void remember(plqc_resolver *resolver, const plqc_lookup *lookup) {
  int slot = -1;
  for (int i = 0; i < CACHE_SIZE && slot < 0; i++) {
    if (resolver->cache[i].port == lookup->port && strcmp(resolver->cache[i].host, lookup->host) == 0) slot = i;
  }
  if (slot < 0) slot = resolver->next_slot++ % CACHE_SIZE;
  cached *entry = &resolver->cache[slot];
  free(entry->addresses);
  entry->addresses = strdup(lookup->addresses);
  entry->port = lookup->port;
  entry->until = monotonic() + PLQC_CACHE_NS;
  memcpy(entry->host, lookup->host, sizeof entry->host);
}

static char *as_text(const struct addrinfo *list) {
  char *text = malloc(ADDRESSES_MAX * 64);
  size_t len = 0;
  if (!text) return NULL;
  text[0] = '\0';
  int count = 0;
  for (const struct addrinfo *item = list; item && count < ADDRESSES_MAX; item = item->ai_next) {
    char address[NI_MAXHOST];
    if (getnameinfo(item->ai_addr, item->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST)) continue;
    if (strlen(address) > 46) continue; /* libcurl reads no longer ones */
    len += (size_t)snprintf(text + len, 64, item->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", len ? "," : "", address);
    count++;
  }
  return text;
}

static void unlink_running(plqc_lookup *lookup) {
  plqc_lookup **at = &lookup->resolver->running;
  while (*at && *at != lookup) at = &(*at)->next;
  if (*at) *at = lookup->next;
}

static void *run(void *argument) {
  plqc_lookup *lookup = argument;
  plqc_resolver *resolver = lookup->resolver;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  errno = 0;
  int code = getaddrinfo(lookup->host, NULL, &hints, &list);
  /* Without a descriptor for its files and sockets the resolver says that there is no such name. */
  int os_errno = code == EAI_SYSTEM || (code && (errno == EMFILE || errno == ENFILE)) ? errno : 0;
  char *addresses = code ? NULL : as_text(list);
  if (list) freeaddrinfo(list);
  pthread_mutex_lock(&resolver->lock);
  unlink_running(lookup);
  lookup->code = code;
  lookup->os_errno = os_errno;
  lookup->addresses = addresses;
  lookup->done = true;
  if (addresses && addresses[0]) remember(resolver, lookup);
  if (lookup->waiting) {
    uint64_t one = 1;
    ssize_t written = write(lookup->fd, &one, sizeof one);
    (void)written;
  } else {
    resolver->abandoned--;
    free(addresses);
    free(lookup);
  }
  drop(resolver);
  return NULL;
}

static int start_thread(plqc_lookup *lookup) {
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

static int32_t open_fd(plqc_lookup *lookup, int *out_errno) {
  lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (lookup->fd < 0) {
    *out_errno = errno;
    return PLQ_E_RESOURCE_DESCRIPTORS;
  }
  plqc_fds_add(lookup->resolver->fds, lookup->fd);
  return PLQ_OK;
}

/* Somebody else's that runs, or one that was abandoned and may yet come back. */
static int32_t join(plqc_lookup *lookup, int *out_errno) {
  if (!lookup->waiting) {
    int32_t status = open_fd(lookup, out_errno);
    if (status) return status;
    lookup->resolver->abandoned--;
  }
  lookup->waiting++;
  return PLQ_OK;
}

static int32_t begin(plqc_resolver *resolver, const char *host, uint32_t port, plqc_lookup **out, int *out_errno) {
  if (resolver->abandoned >= PLQC_ABANDONED_MAX) return PLQ_E_RESOURCE_SYSTEM;
  plqc_lookup *lookup = calloc(1, sizeof *lookup);
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
    plqc_fds_close(resolver->fds, lookup->fd);
    free(lookup);
    return PLQ_E_RESOURCE_SYSTEM;
  }
  resolver->owners++;
  lookup->next = resolver->running;
  resolver->running = lookup;
  *out = lookup;
  return PLQ_OK;
}

plqc_lookup *plqc_lookup_start(plqc_resolver *resolver, const char *host, uint32_t port, int32_t *out_status, int *out_errno) {
  plqc_lookup *lookup;
  *out_status = PLQ_OK;
  *out_errno = 0;
  pthread_mutex_lock(&resolver->lock);
  for (lookup = resolver->running; lookup; lookup = lookup->next) {
    if (lookup->port == port && strcmp(lookup->host, host) == 0) break;
  }
  *out_status = lookup ? join(lookup, out_errno) : begin(resolver, host, port, &lookup, out_errno);
  pthread_mutex_unlock(&resolver->lock);
  return *out_status ? NULL : lookup;
}

int plqc_lookup_fd(const plqc_lookup *lookup) {
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

bool plqc_lookup_result(plqc_resolver *resolver, plqc_lookup *lookup, char **out_addresses, int32_t *out_status, int *out_errno,
                        int *out_code) {
  pthread_mutex_lock(&resolver->lock);
  bool done = lookup->done;
  if (done) {
    bool found = lookup->addresses && lookup->addresses[0];
    *out_addresses = found ? strdup(lookup->addresses) : NULL;
    *out_errno = lookup->os_errno;
    *out_code = lookup->code;
    *out_status = PLQ_OK;
    if (!*out_addresses)
      *out_status = found || (!lookup->code && !lookup->addresses) ? PLQ_E_MEMORY : status_of(lookup->code, lookup->os_errno);
  }
  pthread_mutex_unlock(&resolver->lock);
  return done;
}

/* The last one to leave closes the descriptor; a thread that still runs is abandoned and frees the rest. */
void plqc_lookup_leave(plqc_resolver *resolver, plqc_lookup *lookup) {
  pthread_mutex_lock(&resolver->lock);
  if (--lookup->waiting == 0) {
    plqc_fds_close(resolver->fds, lookup->fd);
    if (lookup->done) {
      free(lookup->addresses);
      free(lookup);
    } else {
      resolver->abandoned++;
    }
  }
  pthread_mutex_unlock(&resolver->lock);
}
