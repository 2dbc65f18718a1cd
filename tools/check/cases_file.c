/* SPDX-License-Identifier: MIT */
/* What can be seen of a plugin without a request: its file, its descriptor, what loading it does to the process. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* ---- the file, as it lies in memory ---- */

typedef struct module {
  const char *path;
  ElfW(Addr) base;
  const ElfW(Dyn) * dynamic;
  ElfW(Word) stack_flags;
  bool found, relro;
} module;

static int find(struct dl_phdr_info *info, size_t size, void *context) {
  module *self = context;
  (void)size;
  if (info->dlpi_name == NULL || strcmp(info->dlpi_name, self->path) != 0) return 0;
  self->found = true;
  self->base = info->dlpi_addr;
  self->stack_flags = PF_X; /* without a header of its own the stack is executable */
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type == PT_DYNAMIC) self->dynamic = (const ElfW(Dyn) *)(info->dlpi_addr + header->p_vaddr);
    if (header->p_type == PT_GNU_STACK) self->stack_flags = header->p_flags;
    if (header->p_type == PT_GNU_RELRO) self->relro = true;
  }
  return 1;
}

static module find_module(check *self) {
  module made = {.path = self->what->path};
  dl_iterate_phdr(find, &made);
  EXPECT(self, made.found && made.dynamic != NULL, "it is not among the modules of the process");
  return made;
}

static ElfW(Xword) dynamic_value(const module *self, ElfW(Sxword) tag) {
  for (const ElfW(Dyn) *row = self->dynamic; row != NULL && row->d_tag != DT_NULL; row++)
    if (row->d_tag == tag) return row->d_un.d_val;
  return 0;
}

static void check_hardening(check *self) {
  module made = find_module(self);
  ElfW(Xword) flags = dynamic_value(&made, DT_FLAGS), flags_1 = dynamic_value(&made, DT_FLAGS_1);
  EXPECT(self, (made.stack_flags & PF_X) == 0, "it wants an executable stack");
  EXPECT(self, made.relro, "its relocations are not read-only (-Wl,-z,relro)");
  EXPECT(self, (flags & DF_BIND_NOW) != 0 || (flags_1 & DF_1_NOW) != 0, "it resolves symbols lazily (-Wl,-z,now)");
  EXPECT(self, (flags & DF_TEXTREL) == 0, "it has text relocations (-fPIC)");
  EXPECT(self, (flags & DF_STATIC_TLS) == 0, "it needs static TLS, which dlopen may not have");
}

static void check_needed(check *self) {
  module made = find_module(self);
  const char *strings = (const char *)dynamic_value(&made, DT_STRTAB);
  for (const ElfW(Dyn) *row = made.dynamic; row != NULL && row->d_tag != DT_NULL; row++)
    if (row->d_tag == DT_NEEDED && strstr(strings + row->d_un.d_val, "libplastiq") != NULL)
      check_fail(self, "it needs %s, but everything comes through the host table", strings + row->d_un.d_val);
}

/* The number of dynamic symbols is in no table: the hash chains tell it. */
static size_t count_symbols(const module *self) {
  const uint32_t *hash = (const uint32_t *)dynamic_value(self, DT_GNU_HASH);
  if (hash == NULL) return 0;
  uint32_t buckets = hash[0], first = hash[1], words = hash[2], last = 0;
  const uint32_t *bucket = hash + 4 + words * (sizeof(ElfW(Addr)) / 4), *chain = bucket + buckets;
  for (uint32_t i = 0; i < buckets; i++)
    if (bucket[i] > last) last = bucket[i];
  if (last < first) return first;
  while ((chain[last - first] & 1) == 0) last++;
  return last + 1;
}

static void check_exports(check *self) {
  module made = find_module(self);
  const ElfW(Sym) *symbols = (const ElfW(Sym) *)dynamic_value(&made, DT_SYMTAB);
  const char *strings = (const char *)dynamic_value(&made, DT_STRTAB);
  size_t count = count_symbols(&made), entries = 0;
  EXPECT(self, count > 0, "its symbols cannot be listed: it has no GNU hash table");
  for (size_t i = 0; i < count; i++) {
    const char *name = strings + symbols[i].st_name;
    if (symbols[i].st_shndx == SHN_UNDEF || symbols[i].st_shndx == SHN_ABS) continue;
    if (strncmp(name, "plq_transport_entry_v", 21) == 0)
      entries++;
    else
      check_fail(self, "it exports %s too", name);
  }
  EXPECT(self, entries > 0, "it exports no plq_transport_entry_v1");
}

/* ---- the descriptor ---- */

static void check_descriptor(check *self) {
  const plq_transport *transport = &self->plugin->transport;
  EXPECT(self, transport->id != NULL && strchr(transport->id, '.') != NULL, "the id is no reverse-DNS name");
  EXPECT(self, transport->version != NULL && transport->version[0] != '\0', "it has no version");
  EXPECT(self, transport->abi_minor_required <= transport->abi_minor_built, "it requires a later ABI than it was built with");
  for (size_t i = 0; i < transport->option_count; i++) {
    const plq_transport_option *row = (const void *)((const char *)transport->options + i * transport->option_stride);
    EXPECT(self, row->doc != NULL && row->doc[0] != '\0', "the option %s has no doc", row->key);
    for (size_t j = 0; j < i; j++) {
      const plq_transport_option *other = (const void *)((const char *)transport->options + j * transport->option_stride);
      EXPECT(self, strcmp(row->key, other->key) != 0, "the option %s is there twice", row->key);
    }
  }
}

static void check_extension(check *self) {
  const plq_transport *transport = &self->plugin->transport;
  if (transport->get_extension == NULL) return;
  EXPECT(self, transport->get_extension("plastiq.no-such-thing/1") == NULL,
         "it gives a table for an extension that nobody knows");
}

/* ---- the process ---- */

extern char **environ;

typedef struct surroundings {
  struct sigaction actions[32];
  sigset_t mask;
  char folder[4096], locale[256];
  mode_t mask_of_files;
  size_t variables, fds, threads;
} surroundings;

static surroundings look_around(void) {
  surroundings made;
  memset(&made, 0, sizeof made);
  for (int i = 1; i < 32; i++) sigaction(i, NULL, &made.actions[i]);
  pthread_sigmask(SIG_SETMASK, NULL, &made.mask);
  if (getcwd(made.folder, sizeof made.folder) == NULL) made.folder[0] = '\0';
  const char *locale = setlocale(LC_ALL, NULL);
  strncpy(made.locale, locale != NULL ? locale : "", sizeof made.locale - 1);
  umask(made.mask_of_files = umask(0));
  for (char **at = environ; *at != NULL; at++) made.variables++;
  made.fds = check_count_fds();
  made.threads = check_count_threads();
  return made;
}

/* Loading came before; entry has run once, so it is create and destroy that are watched, and the entry of a second load. */
static void check_surroundings(check *self) {
  surroundings before = look_around();
  bool created = check_create(self, NULL);
  surroundings during = look_around();
  check_destroy(self);
  surroundings after = look_around();
  for (int i = 1; i < 32; i++)
    EXPECT(self, before.actions[i].sa_handler == after.actions[i].sa_handler, "the handling of signal %d changed", i);
  for (int i = 1; i < 32; i++)
    EXPECT(self, sigismember(&before.mask, i) == sigismember(&after.mask, i), "the mask of signal %d changed", i);
  EXPECT(self, strcmp(before.folder, after.folder) == 0, "the working directory changed");
  EXPECT(self, strcmp(before.locale, after.locale) == 0, "the locale changed");
  EXPECT(self, before.mask_of_files == after.mask_of_files, "the umask changed");
  EXPECT(self, before.variables == after.variables, "the environment changed");
  EXPECT(self, !created || during.threads == before.threads, "create started a thread");
  EXPECT(self, before.fds == after.fds, "%zd descriptors are left after destroy", (ssize_t)(after.fds - before.fds));
  EXPECT(self, before.threads == after.threads, "a thread is left after destroy");
  EXPECT(self, atomic_load(&self->blocks) == 0, "%ld blocks of the host's memory are left after destroy",
         atomic_load(&self->blocks));
}

const check_case check_file_cases[] = {
    {"file/exports", 0, 0, "it exports its entry function and nothing else", check_exports},
    {"file/needed", 0, 0, "it links against nothing of libplastiq", check_needed},
    {"file/hardening", 0, 0, "RELRO and NOW, no executable stack, no text relocations, no static TLS", check_hardening},
    {"descriptor/sane", 0, 0, "id, version and option schema say something", check_descriptor},
    {"descriptor/extension", 0, 0, "an extension that it does not know is NULL", check_extension},
    {"load/surroundings", 0, 0, "signals, environment, folder, locale, umask, threads and descriptors are left as they were",
     check_surroundings},
    {NULL, 0, 0, NULL, NULL}};
