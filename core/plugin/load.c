/* SPDX-License-Identifier: MIT */
/*
 * From a name to a loaded plugin. What can be known without running the file's code is known before it runs; nothing falls back
 * to another transport, nothing is unloaded, and a failure is not remembered: the next load looks again.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../base/alloc.h"
#include "internal.h"

#ifndef PLQ_NO_DLOPEN
#include <dlfcn.h>
#ifndef PLQ_PLUGIN_DIR
#error "PLQ_PLUGIN_DIR must be the absolute path of the transport folder"
#endif
#endif

const char *plq__transport_folder(const plq_options *options) {
#ifdef PLQ_NO_DLOPEN
  (void)options;
  return NULL;
#else
  const char *folder = plq__options_text(options, PLQ__OPT_TRANSPORT_DIR);
  return folder != NULL ? folder : PLQ_PLUGIN_DIR;
#endif
}

/* ---- policy ---- */

static int32_t check_allowed(struct plq__loading *loading, struct plq__text name) {
  if (!plq__options_is_set(loading->options, PLQ__OPT_TRANSPORT_ALLOW)) return PLQ_OK;
  const char *allow = plq__options_text(loading->options, PLQ__OPT_TRANSPORT_ALLOW);
  if (plq__list_has(allow, name)) return PLQ_OK;
  loading->field = "transport_allow";
  return plq__loading_fail(loading, PLQ_E_TRANSPORT_NOT_ALLOWED, "policy",
                           "the transport \"%.*s\" is not allowed: the option transport_allow names \"%s\"", (int)name.len,
                           name.at, allow);
}

static int32_t check_class(struct plq__loading *loading, const char *stage, uint32_t deployment_class) {
  bool allowed = plq__options_number(loading->options, PLQ__OPT_ALLOW_TEST_TRANSPORTS) != 0;
  if (deployment_class != PLQ_CLASS_TEST || allowed) return PLQ_OK;
  loading->field = "allow_test_transports";
  return plq__loading_fail(
      loading, PLQ_E_TRANSPORT_TEST_CLASS, stage,
      "%s is a test transport, which does not reach the service by itself; set the option allow_test_transports to true in code "
      "if that is meant",
      loading->path);
}

/* For every use, also of what was loaded for other options. `name` is empty if a path was asked for. */
static int32_t check_use(struct plq__loading *loading, const struct plq__loaded *loaded, struct plq__text name) {
  const char *own = loaded->plugin.transport.name;
  if (name.len > 0 && !plq__text_is(name, own))
    return plq__loading_fail(loading, PLQ_E_TRANSPORT_INVALID, "descriptor",
                             "%s calls itself \"%s\", not \"%.*s\"; its file has the wrong name", loading->path, own,
                             (int)name.len, name.at);
  int32_t status = check_allowed(loading, plq__text_in(own, SIZE_MAX));
  return status == PLQ_OK ? check_class(loading, "policy", loaded->plugin.transport.deployment_class) : status;
}

/* ---- not found ---- */

static void append(char *text, size_t room, const char *part) {
  size_t len = strlen(text);
  if (len + strlen(part) + 3 < room) snprintf(text + len, room - len, "%s%s", len > 0 ? ", " : "", part);
}

static void list_present(const char *folder, char *text, size_t room) {
  struct plq__names names = {0};
  text[0] = '\0';
  for (struct plq__loaded *at = plq__registry_first(); at != NULL; at = plq__registry_next(at))
    if (at->plugin.path[0] == '\0') append(text, room, at->plugin.transport.name);
  if (folder != NULL) plq__names_new(folder, &names);
  for (size_t i = 0; i < names.count; i++) append(text, room, names.rows[i]);
  plq__names_clear(&names);
  if (text[0] == '\0') append(text, room, "none");
}

static int32_t not_found(struct plq__loading *loading, struct plq__text name) {
  char present[300], why[512];
  const char *folder = plq__transport_folder(loading->options);
  list_present(folder, present, sizeof present);
  if (folder == NULL)
    return plq__loading_fail(
        loading, PLQ_E_TRANSPORT_NOT_FOUND, "name",
        "there is no transport \"%.*s\": this build of libplastiq loads no files, and linked in are: %s; use "
        "plq_transport_register_static()",
        (int)name.len, name.at, present);
  const struct plq__value *chosen = &loading->options->values[PLQ__OPT_TRANSPORT_DIR];
  plq__clean(why, sizeof why, loading->message, strlen(loading->message)); /* of the row before this one */
  return plq__loading_fail(
      loading, PLQ_E_TRANSPORT_NOT_FOUND, "name", "there is no transport \"%.*s\": %s; there are: %s. %s", (int)name.len, name.at,
      why, present,
      chosen->text == NULL              ? "That folder is the plugindir of this build (pkg-config --variable=plugindir plastiq); the "
                                          "option transport_dir chooses another"
      : plq__is_ambient(chosen->source) ? "The variable PLASTIQ_TRANSPORT_DIR chose that folder"
                                        : "The option transport_dir chose that folder");
}

#ifndef PLQ_NO_DLOPEN

/* ---- one file ---- */

static int32_t no_entry(struct plq__loading *loading, const char *stage) {
  return plq__loading_fail(loading, PLQ_E_TRANSPORT_FOREIGN, stage,
                           "%s is a shared object but no libplastiq transport: it does not export plq_transport_entry_v1",
                           loading->path);
}

/* The facts in the file, without running it: the entry function, and what the note says of this ABI. */
static int32_t check_elf(struct plq__loading *loading, const struct plq__elf *elf) {
  const char *path = loading->path;
  bool noted = elf->has_note && elf->note.abi_major == PLQ_TRANSPORT_ABI_MAJOR;
  uint32_t major = elf->other_major;
  if (major == 0 && elf->has_note && !noted) major = elf->note.abi_major;
  if (elf->entry != PLQ__ENTRY_PRESENT && !noted && major != 0)
    return plq__loading_fail(
        loading, PLQ_E_TRANSPORT_ABI_MAJOR, "elf",
        "%s was built for major version %u of the transport ABI, and this libplastiq has version %d; install the build "
        "of the transport that matches",
        path, (unsigned)major, PLQ_TRANSPORT_ABI_MAJOR);
  if (elf->entry == PLQ__ENTRY_ABSENT) return no_entry(loading, "elf");
  plq__loading_pass(loading, "elf", "a shared object for this machine");
  if (!noted) return PLQ_OK;
  const plq_transport_note *note = &elf->note;
  if (note->abi_minor_required > PLQ_TRANSPORT_ABI_MINOR)
    return plq__loading_fail(
        loading, PLQ_E_TRANSPORT_ABI_MINOR, "note",
        "%s needs minor version %u of the transport ABI, and this libplastiq has %d.%d; install a newer libplastiq", path,
        (unsigned)note->abi_minor_required, PLQ_TRANSPORT_ABI_MAJOR, PLQ_TRANSPORT_ABI_MINOR);
  if (note->deployment_class != PLQ_CLASS_PRODUCTION && note->deployment_class != PLQ_CLASS_TEST)
    return plq__loading_fail(loading, PLQ_E_TRANSPORT_INVALID, "note", "%s has a note with the unknown class %u; build it again",
                             path, (unsigned)note->deployment_class);
  int32_t status = check_class(loading, "note", note->deployment_class);
  if (status == PLQ_OK) plq__loading_pass(loading, "note", "what it needs is here");
  return status;
}

/* NULL if the symbol lies in the file that was checked, else where it lies. */
static const char *lies_elsewhere(void *symbol, const struct plq__file *file) {
  Dl_info info;
  struct stat now;
  if (dladdr(symbol, &info) == 0 || info.dli_fname == NULL) return "nowhere";
  bool same = stat(info.dli_fname, &now) == 0 && now.st_dev == file->info.st_dev && now.st_ino == file->info.st_ino;
  return same ? NULL : info.dli_fname;
}

static int32_t open_object(struct plq__loading *loading, const struct plq__file *file, const struct plq__elf *elf,
                           plq_transport_entry_fn *out_entry) {
  int flags = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
  int32_t status = plq__isolate(loading, file, elf, &flags);
  if (status != PLQ_OK) return status;
  dlerror();
  void *object = dlopen(file->path, flags);
  if (object == NULL) {
    const char *trouble = dlerror();
    return plq__loading_fail(loading, PLQ_E_TRANSPORT_DLOPEN, "dlopen", "the dynamic loader refused %s: %s", loading->path,
                             trouble != NULL ? trouble : "it does not say why");
  }
  void *symbol = dlsym(object, "plq_transport_entry_v1");
  if (symbol == NULL) return no_entry(loading, "dlopen");
  const char *elsewhere = lies_elsewhere(symbol, file);
  if (elsewhere != NULL && elf->entry != PLQ__ENTRY_PRESENT) return no_entry(loading, "dlopen"); /* a library under it has one */
  if (elsewhere != NULL)
    return plq__loading_fail(
        loading, PLQ_E_TRANSPORT_PATH_UNSAFE, "dlopen",
        "%s was checked, but the dynamic loader has it from %s, which is another file; was it replaced just now?", loading->path,
        elsewhere);
  plq__loading_pass(loading, "dlopen", "loaded");
  memcpy(out_entry, &symbol, sizeof symbol);
  return PLQ_OK;
}

/* The descriptor must repeat what the note says, or the note's checks were worth nothing. */
static int32_t compare_note(struct plq__loading *loading, const struct plq__elf *elf, const plq_transport *transport) {
  const plq_transport_note *note = &elf->note;
  if (!elf->has_note || note->abi_major != PLQ_TRANSPORT_ABI_MAJOR) return PLQ_OK;
  uint64_t capabilities = (uint64_t)note->capabilities_high << 32 | note->capabilities_low;
  if (note->abi_minor_required == transport->abi_minor_required && note->deployment_class == transport->deployment_class &&
      capabilities == transport->capabilities)
    return PLQ_OK;
  return plq__loading_fail(
      loading, PLQ_E_TRANSPORT_INVALID, "descriptor",
      "%s is not usable as a transport: its descriptor differs from its note in minor version, class or capabilities",
      loading->path);
}

static int32_t load_file(struct plq__loading *loading, const char *asked, const struct plq__file *file,
                         struct plq__loaded **out_loaded) {
  struct plq__elf elf;
  plq_transport_entry_fn entry = NULL;
  int32_t status = plq__elf_read(loading, file->fd, (uint64_t)file->info.st_size, &elf);
  if (status == PLQ_OK) status = check_elf(loading, &elf);
  if (status == PLQ_OK) status = open_object(loading, file, &elf, &entry);
  if (status != PLQ_OK) return status;
  /* the same file under another name: its entry function was called already */
  *out_loaded = plq__registry_find_entry(entry);
  if (*out_loaded != NULL) return PLQ_OK;
  struct plq__loaded *fresh = plq__loaded_new(asked, file->path, entry);
  if (fresh == NULL) return PLQ_E_MEMORY;
  status = plq__loaded_accept(loading, fresh);
  if (status == PLQ_OK) status = compare_note(loading, &elf, &fresh->plugin.transport);
  if (status != PLQ_OK) {
    plq__loaded_free(fresh);
    return status;
  }
  plq__registry_add(fresh);
  *out_loaded = fresh;
  return PLQ_OK;
}

static int32_t find_file(struct plq__loading *loading, const char *asked, struct plq__text name,
                         struct plq__loaded **out_loaded) {
  struct plq__file file;
  *out_loaded = plq__registry_find_path(asked);
  if (*out_loaded != NULL) return PLQ_OK;
  bool check = plq__options_number(loading->options, PLQ__OPT_TRANSPORT_PATH_CHECK) != 0;
  int32_t status = plq__file_open(loading, asked, check, &file);
  if (status == PLQ_E_TRANSPORT_NOT_FOUND && name.len > 0) return not_found(loading, name);
  if (status != PLQ_OK) return status;
  plq__loading_pass(loading, "path", "found%s%s%s", strcmp(file.path, asked) != 0 ? " at " : "",
                    strcmp(file.path, asked) != 0 ? file.path : "", check ? "" : "; who could replace it was not checked");
  *out_loaded = plq__registry_find_path(file.path);
  if (*out_loaded == NULL) status = load_file(loading, asked, &file, out_loaded);
  plq__file_close(&file);
  return status;
}

/* With what is loaded already there is no lock, so that a forked child needs none. */
static int32_t find_path(struct plq__loading *loading, const char *asked, struct plq__text name,
                         struct plq__loaded **out_loaded) {
  *out_loaded = plq__registry_find_path(asked);
  if (*out_loaded != NULL) return PLQ_OK;
  if (plq__host_listener() != NULL)
    return plq__loading_fail(loading, PLQ_E_REENTRANT, "policy",
                             "a transport may not load another one from inside its own loading");
  struct plq__registry_lock *lock = plq__registry_lock();
  if (lock == NULL) return PLQ_E_MEMORY;
  plq__host_listen(loading);
  int32_t status = find_file(loading, asked, name, out_loaded);
  plq__host_listen(NULL);
  plq__registry_unlock(lock);
  return status;
}

#endif /* PLQ_NO_DLOPEN */

/* ---- name or path ---- */

static int32_t find_by_path(struct plq__loading *loading, const char *path, struct plq__loaded **out_loaded) {
  struct plq__text told = plq__name_of_path(path), none = {path, 0};
  int32_t status = told.len > 0 ? check_allowed(loading, told) : PLQ_OK;
  if (status != PLQ_OK) return status;
#ifdef PLQ_NO_DLOPEN
  (void)out_loaded;
  (void)none;
  return plq__loading_fail(loading, PLQ_E_TRANSPORT_NOT_FOUND, "path",
                           "this build of libplastiq loads no files, so not %s; use plq_transport_register_static()", path);
#else
  status = find_path(loading, path, none, out_loaded);
  return status == PLQ_OK ? check_use(loading, *out_loaded, none) : status;
#endif
}

static int32_t find_by_name(struct plq__loading *loading, struct plq__text name, struct plq__loaded **out_loaded) {
  if (!plq__is_transport_name(name))
    return plq__loading_fail(loading, PLQ_E_TRANSPORT_NAME, "name",
                             "\"%s\" is no name for a transport: use 1 to 32 of a-z 0-9 _ -, or an absolute path", loading->path);
  int32_t status = check_allowed(loading, name);
  if (status != PLQ_OK) return status;
  *out_loaded = plq__registry_find_static(name);
  if (*out_loaded != NULL) return check_use(loading, *out_loaded, name);
#ifdef PLQ_NO_DLOPEN
  return not_found(loading, name);
#else
  char asked[PATH_MAX];
  const char *folder = plq__transport_folder(loading->options);
  size_t len = strlen(folder);
  while (len > 0 && folder[len - 1] == '/') len--;
  int size =
      snprintf(asked, sizeof asked, "%.*s/" PLQ__FILE_PREFIX "%.*s" PLQ__FILE_SUFFIX, (int)len, folder, (int)name.len, name.at);
  if (size < 0 || (size_t)size >= sizeof asked)
    return plq__loading_fail(loading, PLQ_E_TRANSPORT_NAME, "name", "the option transport_dir is too long for a path");
  const char *said = loading->path;
  loading->path = asked;
  status = find_path(loading, asked, name, out_loaded);
  if (status == PLQ_OK) status = check_use(loading, *out_loaded, name);
  loading->path = said;
  return status;
#endif
}

int32_t plq__load(const plq_options *options, const char *what, const struct plq__plugin **out_plugin, plq_error **out_error) {
  struct plq__loading loading = {.options = options, .path = what, .field = "transport", .stage = "entry"};
  struct plq__loaded *loaded = NULL;
  int32_t status =
      what[0] == '/' ? find_by_path(&loading, what, &loaded) : find_by_name(&loading, plq__text_in(what, SIZE_MAX), &loaded);
  *out_plugin = status == PLQ_OK ? &loaded->plugin : NULL;
  return plq__loading_end(&loading, status, out_error);
}

int32_t plq__plugin_load(const plq_options *options, const struct plq__plugin **out_plugin, plq_error **out_error) {
  return plq__load(options, plq__options_text(options, PLQ__OPT_TRANSPORT), out_plugin, out_error);
}
