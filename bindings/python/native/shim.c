/* SPDX-License-Identifier: MIT */
/*
 * What cannot be left to Python: a secret's pointer. Between two steps of Python another thread, or a signal's handler, may close
 * the secret, so each use of the pointer is one call here, under a lock. The box lives as long as its Python object; closing
 * empties it.
 */
#include <plastiq/plastiq.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct plqpy_box {
  pthread_mutex_t lock;
  plq_secret *secret; /* NULL: closed */
} plqpy_box;

/* *out_len is how much room plqpy_box_get() needs: what a secret holds never changes, so it is asked once. 0: it has expired
 * already. */
static int32_t plqpy_box_claim(uint64_t id, plqpy_box **out_box, size_t *out_len) {
  const char *bytes = NULL;
  plq_secret *secret = NULL;
  int32_t status = plq_secret_claim(id, &secret);
  if (status != PLQ_OK) return status;
  plqpy_box *box = malloc(sizeof *box);
  if (box == NULL || pthread_mutex_init(&box->lock, NULL) != 0) {
    free(box);
    plq_secret_free(secret);
    return PLQ_E_MEMORY;
  }
  box->secret = secret;
  if (plq_secret_read(secret, &bytes, out_len) != PLQ_OK) *out_len = 0;
  *out_box = box;
  return PLQ_OK;
}

/* Copies the secret, or with take moves it. PLQ_E_HANDLE: it was closed. */
static int32_t plqpy_box_get(plqpy_box *box, int32_t take, char *buffer, size_t room) {
  const char *bytes = NULL;
  size_t len = 0;
  pthread_mutex_lock(&box->lock);
  int32_t status = box->secret == NULL ? PLQ_E_HANDLE : plq_secret_read(box->secret, &bytes, &len);
  if (status == PLQ_OK && len > room) status = PLQ_E_BUFFER_TOO_SMALL;
  if (status == PLQ_OK && take)
    status = plq_secret_take(box->secret, buffer, room, &len);
  else if (status == PLQ_OK)
    memcpy(buffer, bytes, len);
  pthread_mutex_unlock(&box->lock);
  return status;
}

/* -1: it was closed. */
static int64_t plqpy_box_life_ms(plqpy_box *box) {
  pthread_mutex_lock(&box->lock);
  int64_t left = box->secret == NULL ? -1 : plq_secret_life_ms(box->secret);
  pthread_mutex_unlock(&box->lock);
  return left;
}

static void plqpy_box_close(plqpy_box *box) {
  pthread_mutex_lock(&box->lock);
  plq_secret *secret = box->secret;
  box->secret = NULL;
  pthread_mutex_unlock(&box->lock);
  plq_secret_free(secret);
}

static void plqpy_box_free(plqpy_box *box) {
  plqpy_box_close(box);
  pthread_mutex_destroy(&box->lock);
  free(box);
}
