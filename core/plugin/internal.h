/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: a load under way, the list of what is loaded, and the steps of loading. */
#ifndef PLQ_PLUGIN_INTERNAL_H
#define PLQ_PLUGIN_INTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "../base/text.h"
#include "plugin.h"

#define PLQ__FILE_PREFIX "libplastiq-transport-"
#define PLQ__FILE_SUFFIX ".so"

/* ---- fail.c: failures ---- */

/* A load, or a create, under way: collects the load log and what went wrong. */
struct plq__loading {
  const plq_options *options;
  const char *path;  /* what the next row of the log is about: a file, or a name */
  const char *field; /* the option that an error names */
  const char *stage; /* what the plugin logs belongs to: entry, create */
  struct plq__instance *creating; /* the instance of a create, else NULL */
  int32_t behind_status;          /* PLQ_OK, or why none could be opened behind that one */
  plq_error *behind;              /* the same, with its load log; may be NULL */
  struct plq__load_log log;
  char message[1024];
};

/* Adds a row: a stage went well. */
__attribute__((format(printf, 3, 4))) void plq__loading_pass(struct plq__loading *loading, const char *stage, const char *format,
                                                             ...);
/* Adds a row: a stage failed, and why is the error's message. Returns the status. */
__attribute__((format(printf, 4, 5))) int32_t plq__loading_fail(struct plq__loading *loading, int32_t status, const char *stage,
                                                                const char *format, ...);
/* Hands message and log to an error if the status is one, clears, and returns the status. */
int32_t plq__loading_end(struct plq__loading *loading, int32_t status, plq_error **out_error);

/* ---- host.c ---- */

/* The host table for entry functions. */
const plq_transport_host *plq__host_process(void);
/* A host table for an instance. */
void plq__host_init(plq_transport_host *host, void *context);
/* What the plugin logs on this thread goes to this load's log until NULL is given. */
void plq__host_listen(struct plq__loading *loading);
/* The load or create that this thread is inside of, or NULL. */
struct plq__loading *plq__host_listener(void);

/* ---- instance.c, chain.c: an instance behind another ---- */

/* As plq__instance_new(), for one that has none behind it. */
int32_t plq__instance_new_behind(const struct plq__plugin *plugin, const plq_options *options, struct plq__instance **out_instance,
                                 plq_error **out_error);
/* Whether another one opened it. */
bool plq__instance_is_behind(const struct plq__instance *instance);
/* Ends what is behind an instance. In a forked child its memory stays, and is freed with the one in front, if that is. */
void plq__instance_close_behind(struct plq__instance *instance);
/* The extension plastiq.chain/1 for the context of a host table, or NULL. */
const void *plq__chain_for(void *context);

/* ---- registry.c: what is loaded, for the life of the process ---- */

struct plq__loaded {
  struct plq__plugin plugin;
  plq_transport_entry_fn entry;
  char *asked; /* the path before symbolic links were followed; "" if it is linked in */
};

/* A new one, not in the list yet, or NULL. */
struct plq__loaded *plq__loaded_new(const char *asked, const char *path, plq_transport_entry_fn entry);
void plq__loaded_free(struct plq__loaded *loaded);

/* Look-ups take no lock: the list only grows, and at its head. */
struct plq__loaded *plq__registry_first(void);
struct plq__loaded *plq__registry_next(const struct plq__loaded *loaded);
struct plq__loaded *plq__registry_find_path(const char *path);
struct plq__loaded *plq__registry_find_entry(plq_transport_entry_fn entry);
struct plq__loaded *plq__registry_find_static(struct plq__text name);
/* Adds, with the lock held. */
void plq__registry_add(struct plq__loaded *loaded);

/* The loader's lock: one load at a time. NULL: no memory for one, in a forked child. */
struct plq__registry_lock *plq__registry_lock(void);
void plq__registry_unlock(struct plq__registry_lock *lock);

/* ---- path.c ---- */

struct plq__file {
  int fd;
  struct stat info;
  char path[4096]; /* real: absolute, without symbolic links */
};

/* Opens a transport's file. With `check` others may not be able to replace it. On failure nothing is open. */
int32_t plq__file_open(struct plq__loading *loading, const char *path, bool check, struct plq__file *out_file);
void plq__file_close(struct plq__file *file);
/* Checks that a folder is there and, with `check`, that others cannot replace what lies in it. */
int32_t plq__folder_check(struct plq__loading *loading, const char *path, bool check);

/* ---- folder.c: the names in a transport folder ---- */

struct plq__names {
  char (*rows)[33];
  size_t count, room;
};

/* The names of the files in a folder, sorted. A folder that cannot be read has none. PLQ_E_MEMORY is the one failure. */
int32_t plq__names_new(const char *folder, struct plq__names *out_names);
void plq__names_clear(struct plq__names *names);
/* The <name> of a path to a file libplastiq-transport-<name>.so; length 0: it is not called so. */
struct plq__text plq__name_of_path(const char *path);

/* ---- elf.c ---- */

enum plq__entry { PLQ__ENTRY_UNKNOWN, PLQ__ENTRY_PRESENT, PLQ__ENTRY_ABSENT };

struct plq__elf {
  enum plq__entry entry; /* whether it exports the entry function of this ABI; unknown if its symbols cannot be listed */
  uint32_t other_major;  /* another major version that it exports an entry function for, or 0 */
  bool has_note;
  plq_transport_note note;
};

/* Reads a shared object's facts without running any of it. */
int32_t plq__elf_read(struct plq__loading *loading, int fd, uint64_t size, struct plq__elf *out_elf);

/* What a shared object takes from others: names one after the other, each with its NUL. */
struct plq__elf_imports {
  char *needed; /* DT_NEEDED: names of libraries */
  size_t needed_len;
  char *symbols; /* those that it does not define */
  size_t symbols_len;
};

/* PLQ_OK, also where the file does not say it (it has no sections): then there is nothing in *out; PLQ_E_MEMORY. */
int32_t plq__elf_imports(int fd, uint64_t size, struct plq__elf_imports *out);
void plq__elf_imports_clear(struct plq__elf_imports *imports);

/* ---- isolate.c ---- */

/* Whether what the plugin needs would come from another module than its own libraries, and what to do: adds flags for dlopen, or
   refuses. The option transport_isolation decides. */
int32_t plq__isolate(struct plq__loading *loading, const struct plq__file *file, const struct plq__elf *elf, int *flags);

/* ---- descriptor.c ---- */

/* Calls the entry function, checks what it answers, and keeps a copy. */
int32_t plq__loaded_accept(struct plq__loading *loading, struct plq__loaded *loaded);
/* Row `index` of an option schema. */
plq_transport_option plq__schema_row(const plq_transport *transport, size_t index);
/* The index of a key, or -1. */
int plq__schema_find(const plq_transport *transport, struct plq__text key);
/* The row in the table of all options that this key receives, or -1: the key is the transport's own. */
int plq__schema_standard(const char *key);

/* ---- load.c ---- */

/* Loads one transport by name or path; plq__plugin_load() takes the name from the options. */
int32_t plq__load(const plq_options *options, const char *what, const struct plq__plugin **out_plugin, plq_error **out_error);
/* The folder in which names are looked up, or NULL where files cannot be loaded. */
const char *plq__transport_folder(const plq_options *options);

/* ---- values.c ---- */

struct plq__values {
  plq_transport_value *rows; /* texts point into options, schema and trust */
  size_t count;
};

int32_t plq__values_new(const struct plq__plugin *plugin, const plq_options *options, struct plq__values *out_values,
                        plq_error **out_error);
void plq__values_clear(struct plq__values *values);

/* ---- trust.c ---- */

/* Where systems keep their CA certificates; the lists end with NULL. */
struct plq__trust_places {
  const char *const *folders;
  const char *const *files;
};
extern const struct plq__trust_places plq__trust_system;

struct plq__trust {
  const char *file, *folder; /* or NULL */
};

/* What a transport that takes ca_file, ca_dir or both is to trust. */
int32_t plq__trust_find(const struct plq__plugin *plugin, const plq_options *options, const struct plq__trust_places *places,
                        struct plq__trust *out_trust, plq_error **out_error);

#endif
