/* SPDX-License-Identifier: MIT */
/* A cassette that is being recorded. What reaches the file was scrubbed in memory before; there is no other file. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *cassette_errno_text(int number) {
  switch (number) {
    case ENOENT:
      return "there is no such file or folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "that is not permitted";
    case EISDIR:
      return "it is a folder";
    case ENOTDIR:
      return "a part of its path is no folder";
    case ENOSPC:
    case EDQUOT:
      return "no space is left";
    case EFBIG:
      return "it would be too large";
    case EMFILE:
    case ENFILE:
      return "no file descriptor is left";
    case EIO:
      return "the device failed";
    default:
      return "the system refused";
  }
}

/* Writes all, or takes back what was written of it, so that the file always ends with a whole map. 0, or an errno. */
static int append(cassette_writer *self, const cassette_bytes *bytes) {
  size_t done = 0;
  while (done < bytes->len) {
    ssize_t written = write(self->fd, bytes->at + done, bytes->len - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      int number = written < 0 ? errno : EIO;
      int kept = ftruncate(self->fd, (off_t)self->size);
      (void)kept; /* then the file ends inside of a map, and whoever reads it is told */
      return number;
    }
    done += (size_t)written;
  }
  self->size += (int64_t)bytes->len;
  return 0;
}

static int32_t no_memory(cassette_problem *problem) {
  cassette_fail(problem, "out of memory");
  return PLQ_E_MEMORY;
}

static int32_t not_opened(int number, cassette_problem *problem) {
  if (number == EEXIST)
    cassette_fail(problem,
                  "cassette: the file is there already, and a recording overwrites none; remove it, or choose another name");
  else
    cassette_fail(problem, "cassette: the file cannot be made: %s (errno %d)", cassette_errno_text(number), number);
  return number == EMFILE || number == ENFILE ? PLQ_E_RESOURCE_DESCRIPTORS : PLQ_E_OPTION_VALUE;
}

int32_t cassette_writer_open(cassette_writer *self, const plq_transport_host *host, const char *path, const cassette_about *about,
                             cassette_problem *problem) {
  cassette_bytes bytes = {.host = host};
  int32_t status = PLQ_OK;
  *self = (cassette_writer){.host = host, .fd = -1, .secrets.host = host};
  if (!cassette_pack_about(&bytes, about)) {
    cassette_bytes_clear(&bytes);
    return no_memory(problem);
  }
  self->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  int number = self->fd < 0 ? errno : append(self, &bytes);
  if (self->fd < 0) {
    status = not_opened(number, problem);
  } else if (number != 0) {
    cassette_fail(problem, "cassette: the file cannot be written: %s (errno %d)", cassette_errno_text(number), number);
    unlink(path);
    close(self->fd);
    self->fd = -1;
    status = PLQ_E_RESOURCE_SYSTEM;
  } else {
    pthread_mutex_init(&self->lock, NULL);
  }
  cassette_bytes_clear(&bytes);
  return status;
}

/* ---- what is kept ---- */

/* Of the last head; 0: there is none. */
static int http_status(const cassette_entry *entry) {
  for (size_t i = entry->line_count; i > 0; i--) {
    const cassette_text *line = &entry->lines[i - 1];
    const char *space = line->len > 5 && memcmp(line->at, "HTTP/", 5) == 0 ? memchr(line->at, ' ', line->len) : NULL;
    if (space == NULL) continue;
    int status = 0;
    for (const char *at = space + 1; at < line->at + line->len && *at >= '0' && *at <= '9' && status < 1000; at++)
      status = status * 10 + (*at - '0');
    return status;
  }
  return 0;
}

static cassette_body_kind kind_of(const cassette_entry *entry) {
  int status = http_status(entry);
  return status >= 400 && status <= 599 ? CASSETTE_BODY_ERROR : CASSETTE_BODY_ANSWER;
}

bool cassette_secrets_add_answer(cassette_secrets *self, const cassette_entry *entry) {
  cassette_arena arena = {.host = self->host};
  uint64_t number = 0;
  if (kind_of(entry) != CASSETTE_BODY_ANSWER) return true;
  char *copy = cassette_arena_copy(&arena, entry->body);
  bool good = copy != NULL && cassette_scrub_body(self, CASSETTE_BODY_ANSWER, &number, copy, entry->body.len);
  cassette_arena_clear(&arena);
  return good;
}

/* Takes the secrets out of what was received, where it lies: the take is about to be wiped. */
static bool scrub(cassette_writer *self, cassette_take *take) {
  cassette_entry *entry = &take->entry;
  cassette_body_kind kind = kind_of(entry);
  if (!cassette_secrets_add_request(&self->secrets, take->request)) return false;
  if (!cassette_scrub_body(&self->secrets, kind, &self->number, take->body.at, take->body.len)) return false;
  if (!cassette_request_keep(&take->arena, &self->secrets, take->request, &entry->request)) return false;
  for (size_t i = 0; i < entry->line_count; i++)
    cassette_scrub_line(&self->secrets, (char *)(uintptr_t)entry->lines[i].at, entry->lines[i].len);
  for (size_t i = 0; i < entry->trailer_count; i++)
    cassette_scrub_line(&self->secrets, (char *)(uintptr_t)entry->trailers[i].at, entry->trailers[i].len);
  cassette_scrub_message(&self->secrets, entry->error.message, strlen(entry->error.message));
  return true;
}

static int32_t broken(int32_t status, cassette_problem *problem) {
  cassette_fail(problem, "nothing is recorded any more, because an attempt before this one could not be");
  return status;
}

static int32_t add(cassette_writer *self, cassette_take *take, cassette_bytes *bytes, cassette_problem *problem) {
  if (self->broken != PLQ_OK) return broken(self->broken, problem);
  take->entry.number = self->count + 1;
  if (take->no_memory || !scrub(self, take) || !cassette_pack_entry(bytes, &take->entry)) {
    self->broken = PLQ_E_MEMORY;
    return no_memory(problem);
  }
  int number = self->size + (int64_t)bytes->len > CASSETTE_MOST_BYTES ? EFBIG : append(self, bytes);
  if (number == 0) {
    self->count++;
    return PLQ_OK;
  }
  cassette_fail(problem, "the attempt was made, but it could not be recorded: %s (errno %d)", cassette_errno_text(number),
                number);
  self->broken = PLQ_E_RESOURCE_SYSTEM;
  return self->broken;
}

int32_t cassette_writer_add(cassette_writer *self, cassette_take *take, cassette_problem *problem) {
  cassette_bytes bytes = {.host = self->host};
  pthread_mutex_lock(&self->lock);
  int32_t status = add(self, take, &bytes, problem);
  pthread_mutex_unlock(&self->lock);
  cassette_bytes_clear(&bytes);
  return status;
}

int32_t cassette_writer_state(cassette_writer *self, cassette_problem *problem) {
  pthread_mutex_lock(&self->lock);
  int32_t status = self->broken;
  pthread_mutex_unlock(&self->lock);
  return status == PLQ_OK ? PLQ_OK : broken(status, problem);
}

bool cassette_writer_close(cassette_writer *self) {
  cassette_bytes bytes = {.host = self->host};
  if (self->fd < 0) return true;
  bool good = self->broken == PLQ_OK && cassette_pack_end(&bytes, self->count) && append(self, &bytes) == 0;
  if (close(self->fd) != 0) good = false; /* where a full disk shows only now */
  self->fd = -1;
  cassette_bytes_clear(&bytes);
  cassette_secrets_clear(&self->secrets);
  pthread_mutex_destroy(&self->lock);
  return good;
}

void cassette_writer_abandon(cassette_writer *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}
