#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares the ABI that the public headers describe with the baseline libplastiq.abi, by abidiff.
# diff.sh [--update] [CC]
#   --update  writes a new baseline. A change is told in CHANGELOG.md under ABI.
# What is read is a library of empty functions, made from core/tables/abi.toml and the headers alone, so that opaque structs stay opaque.
# That libplastiq.so is the same: its sources compile against these headers, core/generated/abi_check.c compares every type with the
# table, and the test abi/symbols every symbol and version.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$here/../..
update=
if [ "${1:-}" = --update ]; then
  update=1
  shift
fi
cc=${1:-cc}

skip() {
  echo "skipped: $1"
  exit 77
}
command -v abidw >/dev/null && command -v abidiff >/dev/null || skip "abigail-tools is not installed"
[ "$(uname -m)" = x86_64 ] || skip "the baseline is one of x86-64"

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
python3 - "$root/core/tables/abi.toml" >"$folder/libplastiq.c" <<'PYTHON' || exit
import sys, tomllib
print("#include <plastiq/plastiq.h>\n#include <plastiq/transport.h>")
for f in tomllib.load(open(sys.argv[1], "rb"))["function"]:
    arguments = ", ".join(f"{kind} {name}" for name, kind, _ in f["args"]) or "void"
    print(f"{f['result']} {f['name']}({arguments}) {{ {'' if f['result'] == 'void' else 'return 0;'} }}")
PYTHON
(cd "$folder" && "$cc" -std=c11 -g -gdwarf-4 -fPIC -shared -w -DPLQ_BUILDING -fvisibility=hidden -ffile-prefix-map="$folder"=. \
  -Wl,-soname,libplastiq.so.1 -Wl,--version-script="$root/core/generated/libplastiq.map" -I"$root/include" -o libplastiq.so libplastiq.c) || exit
abidw --load-all-types --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed --type-id-style hash --out-file "$folder/now.abi" \
  "$folder/libplastiq.so" || exit
if [ -n "$update" ]; then
  sed '1a <!-- SPDX-License-Identifier: MIT -->' "$folder/now.abi" >"$here/libplastiq.abi"
  exit
fi
abidiff --no-unreferenced-symbols "$here/libplastiq.abi" "$folder/now.abi"
status=$?
[ $status -eq 0 ] || echo "the ABI is not that of tests/abi/libplastiq.abi; if that is meant: tests/abi/diff.sh --update, and a line in CHANGELOG.md"
exit $status
