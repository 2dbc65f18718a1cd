/* SPDX-License-Identifier: MIT */
/*
 * Reads from the file, not from a mapping, so that a file that shrinks meanwhile is an error and no SIGBUS. Whatever a field
 * says, nothing is read outside the file and nothing is allocated beyond the caps here.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/alloc.h"
#include "internal.h"

#if UINTPTR_MAX > 0xffffffffu
#define OWN_CLASS ELFCLASS64
#define OWN_BITS "64"
#else
#define OWN_CLASS ELFCLASS32
#define OWN_BITS "32"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define OWN_DATA ELFDATA2MSB
#else
#define OWN_DATA ELFDATA2LSB
#endif
#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__i386__)
#define OWN_MACHINE EM_386
#elif defined(__arm__)
#define OWN_MACHINE EM_ARM
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#elif defined(__s390__)
#define OWN_MACHINE EM_S390
#else
#define OWN_MACHINE EM_NONE /* not known here: the dynamic loader decides */
#endif

enum {
  LARGEST_FILE = 512 * 1024 * 1024,
  MOST_SEGMENTS = 256,
  MOST_SECTIONS = 4096,
  LARGEST_NOTES = 64 * 1024,
  LARGEST_NAMES = 32 * 1024 * 1024,
  SYMBOL_BATCH = 128
};

struct reader {
  struct plq__loading *loading;
  int fd;
  uint64_t size;
};

static bool is_inside(const struct reader *reader, uint64_t at, uint64_t len) {
  return at <= reader->size && len <= reader->size - at;
}

static bool read_at(const struct reader *reader, uint64_t at, void *out, size_t len) {
  if (!is_inside(reader, at, len)) return false;
  for (size_t done = 0; done < len;) {
    ssize_t got = pread(reader->fd, (char *)out + done, len - done, (off_t)(at + done));
    if (got > 0) done += (size_t)got;
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
  }
  return true;
}

static int32_t bad(const struct reader *reader, const char *what) {
  return plq__loading_fail(reader->loading, PLQ_E_TRANSPORT_FORMAT, "elf", "%s %s, so it cannot be loaded here",
                           reader->loading->path, what);
}

static const char *machine_name(unsigned machine) {
  switch (machine) {
    case EM_386: return "i386";
    case EM_ARM: return "arm";
    case EM_X86_64: return "x86-64";
    case EM_AARCH64: return "aarch64";
    case EM_RISCV: return "riscv";
    case EM_PPC64: return "ppc64";
    case EM_S390: return "s390";
    default: return "another machine";
  }
}

static int32_t read_head(const struct reader *reader, ElfW(Ehdr) * head) {
  unsigned char start[EI_NIDENT];
  if (!read_at(reader, 0, start, sizeof start) || memcmp(start, ELFMAG, SELFMAG) != 0)
    return bad(reader, "is not an ELF shared object");
  if (start[EI_CLASS] != OWN_CLASS) return bad(reader, "is not a " OWN_BITS "-bit object as this process needs");
  if (start[EI_DATA] != OWN_DATA) return bad(reader, "has another byte order than this machine");
  if (!read_at(reader, 0, head, sizeof *head)) return bad(reader, "is cut off inside its ELF header");
  if (OWN_MACHINE != EM_NONE && head->e_machine != OWN_MACHINE)
    return plq__loading_fail(reader->loading, PLQ_E_TRANSPORT_FORMAT, "elf",
                             "%s was built for %s (ELF machine %u) and this process is %s; install the build for this machine",
                             reader->loading->path, machine_name(head->e_machine), (unsigned)head->e_machine,
                             machine_name(OWN_MACHINE));
  if (head->e_type != ET_DYN) return bad(reader, "is an ELF file but not a shared object");
  if (head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phnum == 0 || head->e_phnum > MOST_SEGMENTS)
    return bad(reader, "has a broken table of segments");
  return PLQ_OK;
}

/* ---- the note ---- */

static uint64_t align_up(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

static int32_t bad_note(const struct reader *reader) {
  return plq__loading_fail(
      reader->loading, PLQ_E_TRANSPORT_INVALID, "note",
      "%s has a broken note about what it needs; build it with PLQ_TRANSPORT_DEFINE_NOTE of plastiq/transport.h",
      reader->loading->path);
}

static int32_t take_note(const struct reader *reader, const char *content, size_t len, struct plq__elf *elf) {
  plq_transport_note note = {0};
  size_t facts = sizeof note - offsetof(plq_transport_note, abi_major);
  if (len < facts) return bad_note(reader);
  memcpy(&note.abi_major, content, facts);
  /* a file may serve several major versions, with a note for each */
  if (elf->has_note && elf->note.abi_major == PLQ_TRANSPORT_ABI_MAJOR) return PLQ_OK;
  if (elf->has_note && note.abi_major != PLQ_TRANSPORT_ABI_MAJOR) return PLQ_OK;
  elf->note = note;
  elf->has_note = true;
  return PLQ_OK;
}

static int32_t scan_notes(const struct reader *reader, const char *notes, size_t len, uint64_t align, struct plq__elf *elf) {
  const size_t name_len = sizeof PLQ_TRANSPORT_NOTE_NAME;
  for (uint64_t at = 0; at < len && len - at >= 12;) {
    uint32_t sizes[3]; /* name, content, type */
    memcpy(sizes, notes + at, sizeof sizes);
    uint64_t content = align_up(at + 12 + sizes[0], align), end = content + sizes[1];
    bool ours = sizes[0] == name_len && len - at >= 12 + name_len && sizes[2] == PLQ_TRANSPORT_NOTE_TYPE &&
                memcmp(notes + at + 12, PLQ_TRANSPORT_NOTE_NAME, name_len) == 0;
    if (end > len) return ours ? bad_note(reader) : PLQ_OK;
    int32_t status = ours ? take_note(reader, notes + content, sizes[1], elf) : PLQ_OK;
    if (status != PLQ_OK) return status;
    at = align_up(end, align);
  }
  return PLQ_OK;
}

static int32_t read_notes(const struct reader *reader, const ElfW(Phdr) * segment, struct plq__elf *elf) {
  if (segment->p_filesz > LARGEST_NOTES) return PLQ_OK; /* not ours; the descriptor says it all again */
  size_t len = (size_t)segment->p_filesz;
  char *notes = plq__alloc(len);
  if (notes == NULL) return PLQ_E_MEMORY;
  int32_t status = PLQ_OK;
  if (read_at(reader, segment->p_offset, notes, len)) status = scan_notes(reader, notes, len, segment->p_align == 8 ? 8 : 4, elf);
  plq__free(notes);
  return status;
}

static int32_t read_segments(const struct reader *reader, const ElfW(Ehdr) * head, struct plq__elf *elf) {
  bool dynamic = false;
  for (unsigned i = 0; i < head->e_phnum; i++) {
    ElfW(Phdr) segment;
    uint64_t at;
    if (__builtin_add_overflow((uint64_t)head->e_phoff, (uint64_t)i * sizeof segment, &at) ||
        !read_at(reader, at, &segment, sizeof segment))
      return bad(reader, "is cut off inside its table of segments");
    if (segment.p_type != PT_LOAD && segment.p_type != PT_NOTE && segment.p_type != PT_DYNAMIC) continue;
    if (!is_inside(reader, segment.p_offset, segment.p_filesz)) return bad(reader, "is cut off: a part of it is missing");
    dynamic = dynamic || segment.p_type == PT_DYNAMIC;
    int32_t status = segment.p_type == PT_NOTE ? read_notes(reader, &segment, elf) : PLQ_OK;
    if (status != PLQ_OK) return status;
  }
  return dynamic ? PLQ_OK : bad(reader, "has nothing for the dynamic loader");
}

/* ---- the exported symbols ---- */

static void look_at_name(const char *name, struct plq__elf *elf) {
  static const char prefix[] = "plq_transport_entry_v";
  int64_t major;
  if (strncmp(name, prefix, sizeof prefix - 1) != 0) return;
  if (!plq__to_number(plq__text_in(name + sizeof prefix - 1, SIZE_MAX), &major) || major < 1 || major > 9999) return;
  if (major == PLQ_TRANSPORT_ABI_MAJOR)
    elf->entry = PLQ__ENTRY_PRESENT;
  else
    elf->other_major = (uint32_t)major;
}

/* With the names NUL-terminated at their end. False: the table cannot be read. */
static bool scan_symbols(const struct reader *reader, const ElfW(Shdr) * table, const char *names, uint64_t names_len,
                         struct plq__elf *elf) {
  ElfW(Sym) symbols[SYMBOL_BATCH];
  uint64_t count = table->sh_size / sizeof *symbols;
  for (uint64_t at = 0; at < count;) {
    uint64_t batch = count - at < SYMBOL_BATCH ? count - at : SYMBOL_BATCH;
    if (!read_at(reader, table->sh_offset + at * sizeof *symbols, symbols, batch * sizeof *symbols)) return false;
    for (uint64_t i = 0; i < batch; i++)
      if (symbols[i].st_shndx != SHN_UNDEF && symbols[i].st_name < names_len) look_at_name(names + symbols[i].st_name, elf);
    at += batch;
  }
  return true;
}

static bool read_section(const struct reader *reader, const ElfW(Ehdr) * head, uint64_t index, ElfW(Shdr) * out_section) {
  uint64_t at;
  return index < head->e_shnum && !__builtin_add_overflow((uint64_t)head->e_shoff, index * sizeof *out_section, &at) &&
         read_at(reader, at, out_section, sizeof *out_section);
}

static bool find_symbols(const struct reader *reader, const ElfW(Ehdr) * head, ElfW(Shdr) * out_table) {
  if (head->e_shentsize != sizeof *out_table || head->e_shnum > MOST_SECTIONS) return false;
  for (unsigned i = 0; i < head->e_shnum; i++) {
    if (!read_section(reader, head, i, out_table)) return false;
    if (out_table->sh_type == SHT_DYNSYM)
      return out_table->sh_entsize == sizeof(ElfW(Sym)) && is_inside(reader, out_table->sh_offset, out_table->sh_size);
  }
  return false;
}

/* Sections may be missing in a file that loads all the same; then the entry stays unknown until it is looked up. */
static int32_t read_symbols(const struct reader *reader, const ElfW(Ehdr) * head, struct plq__elf *elf) {
  ElfW(Shdr) table, text;
  if (!find_symbols(reader, head, &table) || !read_section(reader, head, table.sh_link, &text)) return PLQ_OK;
  if (text.sh_type != SHT_STRTAB || text.sh_size > LARGEST_NAMES || !is_inside(reader, text.sh_offset, text.sh_size))
    return PLQ_OK;
  char *names = plq__alloc((size_t)text.sh_size + 1);
  if (names == NULL) return PLQ_E_MEMORY;
  bool good =
      read_at(reader, text.sh_offset, names, (size_t)text.sh_size) && scan_symbols(reader, &table, names, text.sh_size, elf);
  if (good && elf->entry == PLQ__ENTRY_UNKNOWN) elf->entry = PLQ__ENTRY_ABSENT;
  plq__free(names);
  return PLQ_OK;
}

/* ---- what it takes from others ---- */

struct names {
  char *at;
  size_t len, room;
};

static bool add_name(struct names *names, const char *name) {
  size_t size = strlen(name) + 1;
  if (names->len + size > names->room) {
    size_t room = (names->len + size) * 2 + 256;
    char *at = plq__realloc(names->at, room);
    if (at == NULL) return false;
    names->at = at;
    names->room = room;
  }
  memcpy(names->at + names->len, name, size);
  names->len += size;
  return true;
}

/* The text of a table, NUL-terminated; NULL: it cannot be read, or without memory. */
static char *read_text(const struct reader *reader, const ElfW(Shdr) * text, int32_t *status) {
  if (text->sh_type != SHT_STRTAB || text->sh_size > LARGEST_NAMES) return NULL;
  char *names = plq__alloc((size_t)text->sh_size + 1);
  if (names == NULL) *status = PLQ_E_MEMORY;
  if (names != NULL && read_at(reader, text->sh_offset, names, (size_t)text->sh_size)) return names;
  plq__free(names);
  return NULL;
}

/* Either kind of table has entries of two words or more: what is wanted of each is the offset of a name, or nothing. */
static int32_t list_names(const struct reader *reader, const ElfW(Ehdr) * head, const ElfW(Shdr) * table, struct names *out) {
  ElfW(Shdr) text;
  int32_t status = PLQ_OK;
  bool dynamic = table->sh_type == SHT_DYNAMIC;
  size_t size = dynamic ? sizeof(ElfW(Dyn)) : sizeof(ElfW(Sym));
  if (table->sh_entsize != size || !read_section(reader, head, table->sh_link, &text)) return PLQ_OK;
  char *names = read_text(reader, &text, &status);
  for (uint64_t at = 0; names != NULL && status == PLQ_OK && at + size <= table->sh_size; at += size) {
    union {
      ElfW(Dyn) dynamic;
      ElfW(Sym) symbol;
    } entry;
    if (!read_at(reader, table->sh_offset + at, &entry, size)) break;
    /* weak: it does without, such as what compilers mention for libraries that may be there */
    bool weak = !dynamic && entry.symbol.st_info >> 4 == STB_WEAK;
    bool wanted = dynamic ? entry.dynamic.d_tag == DT_NEEDED
                          : entry.symbol.st_shndx == SHN_UNDEF && entry.symbol.st_name != 0 && !weak;
    uint64_t name = dynamic ? entry.dynamic.d_un.d_val : entry.symbol.st_name;
    if (wanted && name < text.sh_size && !add_name(out, names + name)) status = PLQ_E_MEMORY;
  }
  plq__free(names);
  return status;
}

int32_t plq__elf_imports(int fd, uint64_t size, struct plq__elf_imports *out) {
  const struct reader reader = {NULL, fd, size};
  struct names needed = {NULL, 0, 0}, symbols = {NULL, 0, 0};
  ElfW(Ehdr) head;
  int32_t status = PLQ_OK;
  bool good = read_at(&reader, 0, &head, sizeof head) && head.e_shentsize == sizeof(ElfW(Shdr)) && head.e_shnum <= MOST_SECTIONS;
  for (unsigned i = 0; good && status == PLQ_OK && i < head.e_shnum; i++) {
    ElfW(Shdr) section;
    if (!read_section(&reader, &head, i, &section)) break;
    if (section.sh_type == SHT_DYNAMIC) status = list_names(&reader, &head, &section, &needed);
    if (section.sh_type == SHT_DYNSYM) status = list_names(&reader, &head, &section, &symbols);
  }
  *out = (struct plq__elf_imports){needed.at, needed.len, symbols.at, symbols.len};
  if (status != PLQ_OK) plq__elf_imports_clear(out);
  return status;
}

void plq__elf_imports_clear(struct plq__elf_imports *imports) {
  plq__free(imports->needed);
  plq__free(imports->symbols);
  memset(imports, 0, sizeof *imports);
}

int32_t plq__elf_read(struct plq__loading *loading, int fd, uint64_t size, struct plq__elf *out_elf) {
  struct reader reader = {loading, fd, size};
  ElfW(Ehdr) head;
  memset(out_elf, 0, sizeof *out_elf);
  if (size > LARGEST_FILE) return bad(&reader, "is larger than 512 MiB");
  int32_t status = read_head(&reader, &head);
  if (status == PLQ_OK) status = read_segments(&reader, &head, out_elf);
  if (status == PLQ_OK) status = read_symbols(&reader, &head, out_elf);
  return status;
}
