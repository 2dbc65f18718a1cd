/* SPDX-License-Identifier: MIT */
/* Memory for tokens and secrets: pages of our own, locked where the system allows, left out of core dumps, wiped when freed. */
#ifndef PLQ_BASE_SECURE_H
#define PLQ_BASE_SECURE_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory, or NULL. */
void *plq__secure_alloc(size_t size);
/* Wipes and frees. Accepts NULL. */
void plq__secure_free(void *block);
/* A NUL-terminated copy, or NULL. */
char *plq__secure_copy(const char *text, size_t len);
/* Whether pages can be kept out of core dumps here. */
bool plq__secure_has_dontdump(void);

#endif
