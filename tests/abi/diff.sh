#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares the ABI of a library that was built with debug information with the baseline libplastiq.abi.
# diff.sh [--update] LIBRARY
#   --update  writes a new baseline. A change is told in CHANGELOG.md under ABI.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
include=$here/../../include
update=
if [ "${1:-}" = --update ]; then
  update=1
  shift
fi
library=$1

skip() {
  echo "skipped: $1"
  exit 77
}
command -v abidw >/dev/null && command -v abidiff >/dev/null || skip "abigail-tools is not installed"
[ "$(uname -m)" = x86_64 ] || skip "the baseline is one of x86-64"

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
# Types that no public header has are nobody's business, and where files lie neither.
abidw --headers-dir "$include" --drop-private-types --no-show-locs --no-corpus-path --no-comp-dir-path --type-id-style hash \
  --out-file "$folder/now.abi" "$library" || exit
grep -q '<function-decl' "$folder/now.abi" || {
  echo "$library has no debug information"
  exit 1
}
if [ -n "$update" ]; then
  # File names of translation units hold the folder of the build.
  { echo '<!-- SPDX-License-Identifier: MIT -->' && sed -E "s# (path|comp-dir-path)='[^']*/((core|include)/[^']*)'# \1='\2'#" "$folder/now.abi"; } >"$here/libplastiq.abi"
  exit
fi
abidiff --headers-dir1 "$include" --headers-dir2 "$include" "$here/libplastiq.abi" "$folder/now.abi"
status=$?
[ $status -eq 0 ] || echo "the ABI is not that of tests/abi/libplastiq.abi; if that is meant: tests/abi/diff.sh --update LIBRARY, and a line in CHANGELOG.md"
exit $status
