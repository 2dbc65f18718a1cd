/* SPDX-License-Identifier: MIT */
/* Its note ends too early. */
#include "common.h"

struct broken {
  uint32_t name_len, content_len, type;
  char name[8];
  uint32_t abi_major;
};
__attribute__((section(".note.plastiq"), used, aligned(4))) static const struct broken note = {
    8, 4, PLQ_TRANSPORT_NOTE_TYPE, PLQ_TRANSPORT_NOTE_NAME, PLQ_TRANSPORT_ABI_MAJOR};

ENTRY("brokennote", (void)0)
