/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 512

bool address_read(const char *text, struct address *out) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)&out->storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->storage;
  if (text == NULL || strcmp(text, "localhost") == 0) text = "127.0.0.1";
  *out = (struct address){0};
  if (strlen(text) >= sizeof out->text) return false;
  strcpy(out->text, text);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    out->len = sizeof *v4;
    snprintf(out->url_host, sizeof out->url_host, "%s", text);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    out->len = sizeof *v6;
    snprintf(out->url_host, sizeof out->url_host, "[%s]", text);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
  }
  return false;
}

static void set_port(struct sockaddr_storage *storage, int port) {
  in_port_t number = htons((uint16_t)port);
  if (storage->ss_family == AF_INET)
    ((struct sockaddr_in *)storage)->sin_port = number;
  else
    ((struct sockaddr_in6 *)storage)->sin6_port = number;
}

static int get_port(const struct sockaddr_storage *storage) {
  if (storage->ss_family == AF_INET) return ntohs(((const struct sockaddr_in *)storage)->sin_port);
  return ntohs(((const struct sockaddr_in6 *)storage)->sin6_port);
}

int address_listen(const struct address *self, int port, int *out_port) {
  struct sockaddr_storage storage = self->storage;
  socklen_t len = self->len;
  int on = 1;
  set_port(&storage, port);
  int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  bool good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(fd, (struct sockaddr *)&storage, len) == 0 &&
              listen(fd, BACKLOG) == 0 && getsockname(fd, (struct sockaddr *)&storage, &len) == 0;
  if (good) {
    *out_port = get_port(&storage);
    return fd;
  }
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}
