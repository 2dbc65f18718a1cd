/* SPDX-License-Identifier: MIT */
/*
 * Handles: numbers that stand for objects. A number carries its kind and the generation of its slot, so that a stale or foreign one
 * is noticed and never reaches memory. Nothing here takes a lock: it works in a forked child whatever the parent was doing.
 */
#ifndef PLQ_BASE_HANDLE_H
#define PLQ_BASE_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

enum plq__handle_kind { PLQ__HANDLE_CLIENT = 1, PLQ__HANDLE_CALL = 2, PLQ__HANDLE_SECRET = 3, PLQ__HANDLE_QUEUE = 4 };

/* Gives an object a handle, and the caller a reference. `destroy` is called when the handle is closed and no reference is left.
   0: no slot is left. */
uint64_t plq__handle_new(enum plq__handle_kind kind, void *object, void (*destroy)(void *object));
/* The object with one more reference, or NULL if the handle is stale, closed or of another kind. */
void *plq__handle_acquire(uint64_t handle, enum plq__handle_kind kind);
/* Gives a reference back. May destroy the object. */
void plq__handle_release(uint64_t handle);
/* Closes the handle: no acquire succeeds from now on. True for exactly one caller; others find it closed already.
   The reference that plq__handle_new gave is still to be released. */
bool plq__handle_close(uint64_t handle, enum plq__handle_kind kind);

#endif
