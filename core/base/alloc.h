/* SPDX-License-Identifier: MIT */
/* The one door to the heap, so that a test can make every allocation fail once. */
#ifndef PLQ_BASE_ALLOC_H
#define PLQ_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory, or NULL. */
void *plq__alloc(size_t size);
/* As realloc; what is new is not zeroed. */
void *plq__realloc(void *block, size_t size);
void plq__free(void *block);
/* A NUL-terminated copy, or NULL. */
char *plq__copy(const char *text, size_t len);
/* As free, after wiping len bytes. Accepts NULL. */
void plq__wipe_free(void *block, size_t len);
/* Overwrites memory in a way that the compiler may not leave out. */
void plq__wipe(void *data, size_t len);

/* For tests: asked before each allocation; 0 makes it fail. NULL: never fails. Set while no other thread is inside the library. */
extern int (*plq__alloc_gate)(size_t size);

#endif
