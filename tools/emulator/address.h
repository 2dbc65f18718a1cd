/* SPDX-License-Identifier: MIT */
/* The address to listen on, which must be a loopback one. */
#ifndef PLASTIQ_EMULATOR_ADDRESS_H
#define PLASTIQ_EMULATOR_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct address {
  struct sockaddr_storage storage;
  socklen_t len;
  char text[64];     /* without brackets */
  char url_host[72]; /* as it stands in a URL */
};

/* Reads an address; NULL: 127.0.0.1. False: it is no loopback address. */
bool address_read(const char *text, struct address *out);

/* Opens a listening socket and says its port. -1: errno says why. */
int address_listen(const struct address *self, int port, int *out_port);

#endif
