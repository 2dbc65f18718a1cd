/* SPDX-License-Identifier: MIT */
/*
 * The list of what is loaded. It only grows, and at its head, so that look-ups need no lock and work in a forked child. The lock
 * for loading belongs to one process: a child makes one of its own, because a thread of the parent may have held the old one at
 * the fork.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../base/alloc.h"
#include "../base/fork.h"
#include "internal.h"

static _Atomic(struct plq__plugin *) head;

struct plq__loaded *plq__registry_first(void) {
  return (struct plq__loaded *)atomic_load_explicit(&head, memory_order_acquire); /* plugin is its first member */
}

struct plq__loaded *plq__registry_next(const struct plq__loaded *loaded) {
  return (struct plq__loaded *)loaded->plugin.next;
}

struct plq__loaded *plq__registry_find_path(const char *path) {
  struct plq__loaded *at = plq__registry_first();
  while (at != NULL && strcmp(at->plugin.path, path) != 0 && strcmp(at->asked, path) != 0) at = plq__registry_next(at);
  return at;
}

struct plq__loaded *plq__registry_find_entry(plq_transport_entry_fn entry) {
  struct plq__loaded *at = plq__registry_first();
  while (at != NULL && at->entry != entry) at = plq__registry_next(at);
  return at;
}

struct plq__loaded *plq__registry_find_static(struct plq__text name) {
  struct plq__loaded *at = plq__registry_first();
  while (at != NULL && (at->plugin.path[0] != '\0' || !plq__text_is(name, at->plugin.transport.name)))
    at = plq__registry_next(at);
  return at;
}

void plq__registry_add(struct plq__loaded *loaded) {
  loaded->plugin.next = atomic_load_explicit(&head, memory_order_relaxed);
  atomic_store_explicit(&head, &loaded->plugin, memory_order_release);
}

struct plq__loaded *plq__loaded_new(const char *asked, const char *path, plq_transport_entry_fn entry) {
  struct plq__loaded *loaded = plq__alloc(sizeof *loaded);
  if (loaded == NULL) return NULL;
  loaded->entry = entry;
  loaded->asked = plq__copy(asked, strlen(asked));
  loaded->plugin.path = plq__copy(path, strlen(path));
  if (loaded->asked != NULL && loaded->plugin.path != NULL) return loaded;
  plq__loaded_free(loaded);
  return NULL;
}

void plq__loaded_free(struct plq__loaded *loaded) {
  if (loaded == NULL) return;
  plq__free(loaded->asked);
  plq__free(loaded->plugin.path);
  plq__free(loaded);
}

/* ---- the loader's lock ---- */

struct plq__registry_lock {
  pthread_mutex_t mutex;
  uint32_t generation;
};

static struct plq__registry_lock first_lock = {PTHREAD_MUTEX_INITIALIZER, 0};
static _Atomic(struct plq__registry_lock *) current = &first_lock;

/* A lock of the parent is leaked: it may be held by a thread that is not here. */
static struct plq__registry_lock *lock_now(void) {
  struct plq__registry_lock *lock = atomic_load_explicit(&current, memory_order_acquire);
  uint32_t generation = plq__fork_generation();
  if (lock->generation == generation) return lock;
  struct plq__registry_lock *fresh = plq__alloc(sizeof *fresh);
  if (fresh == NULL) return NULL;
  pthread_mutex_init(&fresh->mutex, NULL);
  fresh->generation = generation;
  if (atomic_compare_exchange_strong_explicit(&current, &lock, fresh, memory_order_acq_rel, memory_order_acquire)) return fresh;
  pthread_mutex_destroy(&fresh->mutex);
  plq__free(fresh);
  return lock;
}

struct plq__registry_lock *plq__registry_lock(void) {
  struct plq__registry_lock *lock = lock_now();
  if (lock != NULL) pthread_mutex_lock(&lock->mutex);
  return lock;
}

void plq__registry_unlock(struct plq__registry_lock *lock) { pthread_mutex_unlock(&lock->mutex); }

/* ---- what is linked in ---- */

static int32_t check_name(struct plq__loading *loading, const struct plq__loaded *fresh) {
  const char *name = fresh->plugin.transport.name;
  for (struct plq__loaded *at = plq__registry_first(); at != NULL; at = plq__registry_next(at)) {
    if (strcmp(at->plugin.transport.name, name) != 0) continue;
    bool linked = at->plugin.path[0] == '\0';
    return plq__loading_fail(
        loading, PLQ_E_TRANSPORT_NAME, "name",
        "another transport called \"%s\" is %s%s already; register a linked-in transport once, before the first client", name,
        linked ? "registered" : "loaded from ", at->plugin.path);
  }
  return PLQ_OK;
}

static int32_t register_new(struct plq__loading *loading, plq_transport_entry_fn entry) {
  struct plq__loaded *loaded = plq__loaded_new("", "", entry);
  if (loaded == NULL) return PLQ_E_MEMORY;
  int32_t status = plq__loaded_accept(loading, loaded);
  if (status == PLQ_OK) status = check_name(loading, loaded);
  if (status == PLQ_OK)
    plq__registry_add(loaded);
  else
    plq__loaded_free(loaded);
  return status;
}

int32_t plq_transport_register_static(plq_transport_entry_fn entry, plq_error **out_error) {
  plq__out_error(out_error);
  if (entry == NULL) return plq__fail(out_error, PLQ_E_ARGUMENT, NULL, "the entry function is NULL");
  if (plq__host_listener() != NULL) return plq__fail_plain(out_error, PLQ_E_REENTRANT);
  struct plq__loading loading = {.path = "linked in", .stage = "entry"};
  struct plq__registry_lock *lock = plq__registry_lock();
  if (lock == NULL) return plq__fail_plain(out_error, PLQ_E_MEMORY);
  plq__host_listen(&loading);
  int32_t status = plq__registry_find_entry(entry) != NULL ? PLQ_OK : register_new(&loading, entry);
  plq__host_listen(NULL);
  plq__registry_unlock(lock);
  return plq__loading_end(&loading, status, out_error);
}
