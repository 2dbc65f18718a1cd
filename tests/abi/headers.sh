#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every public header compiles alone, twice over, as C99, C11 and C++17 with all warnings, and without a C library at 32 bits.
# headers.sh INCLUDE-FOLDER CC CXX
set -uo pipefail
include=$1 cc=$2 cxx=$3
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0 done=0

warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wcast-qual -Wformat=2 -Wdouble-promotion -Werror)
c_warnings=(-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wc++-compat)

# try NAME COMPILER [ARG ..]
try() {
  local name=$1
  shift
  done=$((done + 1))
  "$@" -I"$include" >"$folder/log" 2>&1 && return
  failed=$((failed + 1))
  echo "$name:"
  sed 's/^/  /' "$folder/log"
}

# At 32 bits only the compiler's own headers are there, which is all that a public header may need.
bits32=(-m32 -ffreestanding)
echo 'typedef int nothing;' >"$folder/probe.c"
"$cc" "${bits32[@]}" -fsyntax-only "$folder/probe.c" 2>/dev/null || bits32=()

for path in "$include"/plastiq/*.h; do
  header=plastiq/$(basename "$path")
  printf '#include <%s>\n#include <%s>\ntypedef int not_empty;\n' "$header" "$header" >"$folder/one.c"
  cp "$folder/one.c" "$folder/one.cc"
  padded=()
  case $header in plastiq/transport.h | plastiq/http1.h) padded=(-Wpadded) ;; esac
  for standard in c99 c11 c17; do
    try "$header as $standard" "$cc" -std=$standard "${warnings[@]}" "${c_warnings[@]}" "${padded[@]}" -fsyntax-only "$folder/one.c"
  done
  for standard in c++11 c++17 c++20; do
    try "$header as $standard" "$cxx" -std=$standard "${warnings[@]}" "${padded[@]}" -Wold-style-cast -Wno-error=old-style-cast -fsyntax-only "$folder/one.cc"
  done
  try "$header freestanding" "$cc" -std=c99 -ffreestanding "${warnings[@]}" "${padded[@]}" -fsyntax-only "$folder/one.c"
  [ ${#bits32[@]} -eq 0 ] ||
    try "$header freestanding at 32 bits" "$cc" "${bits32[@]}" -std=c99 "${warnings[@]}" "${padded[@]}" -fsyntax-only "$folder/one.c"
done

# What a plugin writes at file scope: the note and the entry function, loaded and linked in.
cat >"$folder/plugin.c" <<'TEXT'
#include <plastiq/transport.h>
PLQ_TRANSPORT_DEFINE_NOTE(0, PLQ_CLASS_TEST, PLQ_CAP_BLOCKING | PLQ_CAP_WIPES);
PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(own)(const plq_transport_host *host, plq_transport_error *error,
                                                      const plq_transport **out_transport);
PLQ_TRANSPORT_EXPORT int32_t PLQ_TRANSPORT_ENTRY(own)(const plq_transport_host *host, plq_transport_error *error,
                                                      const plq_transport **out_transport) {
  (void)host, (void)error, (void)out_transport;
  return PLQ_E_UNSUPPORTED;
}
TEXT
for standard in c99 c11; do
  try "a plugin as $standard" "$cc" -std=$standard "${warnings[@]}" -fsyntax-only "$folder/plugin.c"
  try "a plugin that is linked in, as $standard" "$cc" -std=$standard "${warnings[@]}" -DPLQ_TRANSPORT_STATIC -fsyntax-only "$folder/plugin.c"
done
sed 's/^PLQ_TRANSPORT_EXPORT/extern "C" &/' "$folder/plugin.c" >"$folder/plugin.cc"
try "a plugin as c++17" "$cxx" -std=c++17 "${warnings[@]}" -fsyntax-only "$folder/plugin.cc"

# The typed calls are inline: they must also generate code without a warning.
printf '#include <plastiq/plastiq.h>\nint32_t use(plq_client_id client);\nint32_t use(plq_client_id client) { return plq_client_secrets_create(client, NULL, NULL, NULL); }\n' >"$folder/use.c"
try "a typed call at -O2" "$cc" -std=c99 -O2 "${warnings[@]}" -c -o "$folder/use.o" "$folder/use.c"

echo "$done compilations, $failed failed$([ ${#bits32[@]} -gt 0 ] || echo '; this compiler has no 32 bits')"
[ "$failed" -eq 0 ] && [ "$done" -gt 0 ]
