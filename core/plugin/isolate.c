/* SPDX-License-Identifier: MIT */
/*
 * Programs bring libraries of their own: Node exports nearly all of libssl and libcrypto from its executable, and RTLD_LOCAL does
 * not stop a plugin from binding to them, with another version's structs and another default for trusted certificates. A clash is
 * a symbol that the plugin needs and that would come from another module than the libraries that it names. It is found before the
 * plugin is loaded, by asking the global scope; RTLD_DEEPBIND puts the plugin's own libraries first.
 */
#ifndef PLQ_NO_DLOPEN
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "../base/alloc.h"
#include "internal.h"

/* What libraries below the plugin's own need: which symbol stands for which library. */
static const struct {
  const char *symbol, *library;
} below[] = {{"SSL_CTX_new", "libssl.so."}, {"OPENSSL_init_crypto", "libcrypto.so."}, {"curl_easy_init", "libcurl.so."}};
/* Who has them below it. */
static const char *const stacks[] = {"libcurl", "libssl"};

struct clash {
  const char *symbol;
  const char *module; /* from dladdr */
};

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static bool is_needed(const struct plq__elf_imports *imports, const char *module) {
  const char *base = base_of(module);
  for (size_t at = 0; at < imports->needed_len; at += strlen(imports->needed + at) + 1) {
    const char *name = imports->needed + at;
    /* libssl.so.3 may be installed as libssl.so.3.0.22 */
    if (strncmp(base, name, strlen(name)) == 0) return true;
  }
  return false;
}

/* The module that defines a symbol for the global scope, or NULL. A program at a fixed address that only uses a function gives
   the function an address of its own; that is no definition. */
static const char *global_module(const char *symbol) {
  Dl_info info;
  void *at = dlsym(RTLD_DEFAULT, symbol);
#ifdef __GLIBC__
  const ElfW(Sym) *entry = NULL;
  bool found = at != NULL && dladdr1(at, &info, (void **)&entry, RTLD_DL_SYMENT) != 0;
  return found && (entry == NULL || entry->st_shndx != SHN_UNDEF) ? info.dli_fname : NULL;
#else
  return at != NULL && dladdr(at, &info) != 0 ? info.dli_fname : NULL;
#endif
}

/* What the C library defines others may define too (malloc), and whoever does means it for the whole process; likewise what
   compilers and sanitizers need, whose names begin so. */
static bool is_of_system(void *libc, const char *symbol, const char *module) {
  static const char *const libraries[] = {"libpthread.so.", "libdl.so.", "librt.so.", "libm.so.",
                                          "libgcc_s.so.",   "ld-linux",  "ld-musl"};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
    if (strncmp(base_of(module), libraries[i], strlen(libraries[i])) == 0) return true;
  return strncmp(symbol, "__", 2) == 0 || (libc != NULL && dlsym(libc, symbol) != NULL);
}

static bool clashes_itself(const struct plq__elf_imports *imports, struct clash *out) {
  void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  bool found = false;
  for (size_t at = 0; at < imports->symbols_len && !found; at += strlen(imports->symbols + at) + 1) {
    const char *symbol = imports->symbols + at, *module = global_module(symbol);
    found = module != NULL && !is_needed(imports, module) && !is_of_system(libc, symbol, module);
    if (found) *out = (struct clash){symbol, module};
  }
  if (libc != NULL) dlclose(libc);
  return found;
}

static bool clashes_below(const struct plq__elf_imports *imports, struct clash *out) {
  bool has_stack = false;
  for (size_t at = 0; at < imports->needed_len; at += strlen(imports->needed + at) + 1)
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++)
      has_stack = has_stack || strncmp(imports->needed + at, stacks[i], strlen(stacks[i])) == 0;
  for (size_t i = 0; has_stack && i < sizeof below / sizeof *below; i++) {
    const char *module = global_module(below[i].symbol);
    if (module == NULL || strncmp(base_of(module), below[i].library, strlen(below[i].library)) == 0) continue;
    *out = (struct clash){below[i].symbol, module};
    return true;
  }
  return false;
}

#ifdef RTLD_DEEPBIND
/* Asks the program, and each library by itself: where the program uses malloc at a fixed address, the global scope hides who
 * defines it. */
static bool has_own_malloc(void) {
  const char *libc = global_module("gnu_get_libc_version"), *program = global_module("malloc");
  bool found = libc == NULL || (program != NULL && strcmp(program, libc) != 0);
  void *self = dlopen(NULL, RTLD_LAZY);
  struct link_map *map = NULL;
  if (self == NULL || dlinfo(self, RTLD_DI_LINKMAP, &map) != 0) map = NULL;
  for (; map != NULL && !found; map = map->l_next) {
    Dl_info info;
    void *library = map->l_name[0] != '\0' ? dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    void *at = library != NULL ? dlsym(library, "malloc") : NULL; /* its own, or of a library below it */
    found = at != NULL && dladdr(at, &info) != 0 && strcmp(info.dli_fname, libc) != 0;
    if (library != NULL) dlclose(library);
  }
  if (self != NULL) dlclose(self);
  return found;
}
#endif

/* Why RTLD_DEEPBIND would do harm here, or NULL. */
static const char *harm(void) {
#ifndef RTLD_DEEPBIND
  return "this system has no RTLD_DEEPBIND";
#else
  static const char *const sanitizers[] = {"__asan_init", "__tsan_init", "__msan_init", "__lsan_init"};
  for (size_t i = 0; i < sizeof sanitizers / sizeof *sanitizers; i++)
    if (dlsym(RTLD_DEFAULT, sanitizers[i]) != NULL) return "the process runs under a sanitizer";
  return has_own_malloc() ? "the process has a malloc of its own, which the transport's libraries would not share" : NULL;
#endif
}

static bool self_contained(const struct plq__elf *elf) {
  uint64_t capabilities = (uint64_t)elf->note.capabilities_high << 32 | elf->note.capabilities_low;
  return elf->has_note && elf->note.abi_major == PLQ_TRANSPORT_ABI_MAJOR && (capabilities & PLQ_CAP_SELF_CONTAINED_TLS) != 0;
}

/* The loader binds a library once: one that another part of the program loaded into the clash stays bound to it. */
static const char *bound_already(void) {
  static const char *const libraries[] = {"libssl.so.3", "libcurl.so.4"};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL) continue;
    dlclose(library);
    return libraries[i];
  }
  return NULL;
}

static int32_t refuse(struct plq__loading *loading, const struct clash *clash, const char *why) {
  loading->field = "transport_isolation";
  return plq__loading_fail(
      loading, PLQ_E_TRANSPORT_CLASH, "isolate",
      "%s needs %s, which this program brings itself, in %s; the transport cannot be bound to its own libraries, "
      "because %s. Use a transport that has its TLS library inside it, or the option transport_isolation",
      loading->path, clash->symbol, clash->module, why);
}

/* Under the loader's lock. */
static bool isolated_before;

static int32_t isolate(struct plq__loading *loading, const struct clash *clash, bool whatever, int *flags) {
  const char *why = whatever ? NULL : harm(), *already = whatever || isolated_before ? NULL : bound_already();
  if (why != NULL) return refuse(loading, clash, why);
  if (already != NULL) {
    char text[128];
    plq__clean(text, sizeof text, already, strlen(already));
    strncat(text, " was loaded before, and is bound to the program's", sizeof text - strlen(text) - 1);
    return refuse(loading, clash, text);
  }
#ifdef RTLD_DEEPBIND
  *flags |= RTLD_DEEPBIND;
#endif
  isolated_before = true;
  if (clash->symbol != NULL)
    plq__loading_pass(loading, "isolate", "this program brings %s itself, in %s: bound to its own libraries (RTLD_DEEPBIND)",
                      clash->symbol, clash->module);
  else
    plq__loading_pass(loading, "isolate", "bound to its own libraries (RTLD_DEEPBIND), as the option transport_isolation asks");
  return PLQ_OK;
}

int32_t plq__isolate(struct plq__loading *loading, const struct plq__file *file, const struct plq__elf *elf, int *flags) {
  const char *mode = plq__options_text(loading->options, PLQ__OPT_TRANSPORT_ISOLATION);
  struct plq__elf_imports imports;
  struct clash clash = {NULL, NULL};
  if (strcmp(mode, "off") == 0 || self_contained(elf)) return PLQ_OK;
  if (strcmp(mode, "deepbind") == 0) return isolate(loading, &clash, true, flags);
  int32_t status = plq__elf_imports(file->fd, (uint64_t)file->info.st_size, &imports);
  if (status != PLQ_OK) return status;
  if (clashes_itself(&imports, &clash) || clashes_below(&imports, &clash)) status = isolate(loading, &clash, false, flags);
  plq__elf_imports_clear(&imports);
  return status;
}

#else
typedef int plq__isolate_is_empty; /* ISO C wants something in a file */
#endif
