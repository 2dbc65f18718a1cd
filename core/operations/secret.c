/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <string.h>

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/fork.h"
#include "../base/handle.h"
#include "../base/secure.h"
#include "../pipeline/client.h"

plq_secret *plq__secret_new(size_t len, int64_t expires_at_ms) {
  /* One block: the bytes follow. */
  plq_secret *secret = len < SIZE_MAX - sizeof *secret ? plq__secure_alloc(sizeof *secret + len + 1) : NULL;
  if (secret == NULL) return NULL;
  *secret = (plq_secret){(char *)(secret + 1), len, expires_at_ms};
  return secret;
}

void plq_secret_free(plq_secret *secret) {
  plq__secure_free(secret);
}

static int32_t usable(const plq_secret *secret) {
  if (secret->bytes == NULL) return PLQ_E_SECRET_TAKEN;
  return plq_secret_life_ms(secret) > 0 ? PLQ_OK : PLQ_E_SECRET_EXPIRED;
}

int32_t plq_secret_read(const plq_secret *secret, const char **out_bytes, size_t *out_len) {
  if (out_bytes != NULL) *out_bytes = NULL;
  if (out_len != NULL) *out_len = 0;
  if (secret == NULL || out_bytes == NULL) return PLQ_E_ARGUMENT;
  int32_t status = usable(secret);
  if (status != PLQ_OK) return status;
  *out_bytes = secret->bytes;
  if (out_len != NULL) *out_len = secret->len;
  return PLQ_OK;
}

int32_t plq_secret_take(plq_secret *secret, char *buffer, size_t buffer_len, size_t *out_len) {
  if (out_len != NULL) *out_len = 0;
  if (secret == NULL || out_len == NULL || (buffer == NULL && buffer_len > 0)) return PLQ_E_ARGUMENT;
  int32_t status = usable(secret);
  if (status != PLQ_OK) return status;
  *out_len = secret->len;
  if (buffer_len < secret->len) return PLQ_E_BUFFER_TOO_SMALL;
  memcpy(buffer, secret->bytes, secret->len);
  plq__wipe(secret->bytes, secret->len);
  secret->bytes = NULL;
  return PLQ_OK;
}

int64_t plq_secret_life_ms(const plq_secret *secret) {
  if (secret == NULL) return 0;
  int64_t left = secret->expires_at_ms - plq__life_now_ms();
  return left > 0 ? left : 0;
}

int64_t plq_secret_expires_at_ms(const plq_secret *secret) { return secret != NULL ? secret->expires_at_ms : 0; }

int64_t plq_life_now_ms(void) { return plq__life_now_ms(); }

/* ---- secrets that wait to be claimed ---- */

struct plq__published {
  struct plq__published *next, **link; /* in the live part's list */
  plq_client_id client;
  plq_secret_id id;
  uint32_t generation; /* of fork: the list of another generation is not touched */
  plq_secret *secret;
};

static void published_free(void *object) {
  struct plq__published *published = object;
  plq_secret_free(published->secret);
  plq__free(published);
}

/* The client ends, and nobody can hold a reference to it any more: no claim is under way. */
static void drop_all(struct plq__published *published) {
  while (published != NULL) {
    struct plq__published *next = published->next;
    plq__handle_close(published->id, PLQ__HANDLE_SECRET);
    plq__handle_release(published->id);
    published = next;
  }
}

static int32_t publish(struct plq__client *client, struct plq__published *published) {
  int32_t status;
  struct plq__live *live = plq__client_live(client, &status, NULL);
  if (live == NULL) return status;
  published->client = client->id;
  published->generation = plq__fork_generation();
  published->id = plq__handle_new(PLQ__HANDLE_SECRET, published, published_free);
  if (published->id == 0) return PLQ_E_RESOURCE_HANDLES;
  pthread_mutex_lock(&live->lock);
  live->drop_published = drop_all;
  published->next = live->published;
  published->link = &live->published;
  if (published->next != NULL) published->next->link = &published->next;
  live->published = published;
  pthread_mutex_unlock(&live->lock);
  return PLQ_OK;
}

int32_t plq__secret_publish(plq_client_id id, plq_secret *secret, plq_secret_id *out_id) {
  struct plq__client *client = plq__client_acquire(id);
  struct plq__published *published = plq__alloc(sizeof *published);
  int32_t status = client == NULL ? PLQ_E_HANDLE : published == NULL ? PLQ_E_MEMORY : PLQ_OK;
  if (status == PLQ_OK) {
    published->secret = secret;
    status = publish(client, published);
    if (status == PLQ_OK) *out_id = published->id;
  }
  if (status != PLQ_OK) plq__free(published);
  if (client != NULL) plq__client_release(client);
  return status;
}

/* With a reference to the client, so that the list stays. */
static int32_t claim(struct plq__client *client, struct plq__published *published, plq_secret **out_secret) {
  int32_t status;
  struct plq__live *live = plq__client_live(client, &status, NULL);
  if (live == NULL) return status;
  if (!plq__handle_close(published->id, PLQ__HANDLE_SECRET)) return PLQ_E_HANDLE;
  if (published->generation == live->generation) {
    pthread_mutex_lock(&live->lock);
    *published->link = published->next;
    if (published->next != NULL) published->next->link = published->link;
    pthread_mutex_unlock(&live->lock);
  }
  *out_secret = published->secret;
  published->secret = NULL;
  plq__handle_release(published->id); /* the reference that publishing left */
  return PLQ_OK;
}

int32_t plq_secret_claim(plq_secret_id id, plq_secret **out_secret) {
  if (out_secret == NULL) return PLQ_E_ARGUMENT;
  *out_secret = NULL;
  struct plq__published *published = plq__handle_acquire(id, PLQ__HANDLE_SECRET);
  if (published == NULL) return PLQ_E_HANDLE;
  struct plq__client *client = plq__client_acquire(published->client);
  int32_t status = client != NULL ? claim(client, published, out_secret) : PLQ_E_HANDLE;
  plq__handle_release(id);
  if (client != NULL) plq__client_release(client);
  return status;
}
