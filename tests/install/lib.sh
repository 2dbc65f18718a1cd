# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced, with the source folder in source_dir: what the tests of an installation share.
# shellcheck disable=SC2034,SC2154
unset "${!PLASTIQ_@}"
export PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 EXAMPLE_TOKEN=test-key-0000000000000000
unset LD_LIBRARY_PATH DESTDIR CC CFLAGS CPPFLAGS LDFLAGS CMAKE_PREFIX_PATH CMAKE_GENERATOR PKG_CONFIG_PATH PKG_CONFIG_LIBDIR
umask 022
emulator=
trap 'echo "$(basename "$0"): failed in line $LINENO" >&2' ERR
# Outside of the tree: a prefix inside it would name the source folder by itself.
work=$(mktemp -d)
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT

step() { echo "-- $*"; }

# quietly COMMAND ..: shows what it printed only if it fails
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2 && return 1; }; }

# has PATTERN COMMAND ..: the command succeeds and prints a line like this. Not a pipe: grep would end before the writer does.
has() {
  local pattern=$1 printed
  shift
  printed=$("$@") && grep -q "$pattern" <<<"$printed" && return
  printf '%s\nprinted no line like %s, but:\n%s\n' "$*" "$pattern" "$printed" >&2
  return 1
}

# code LANGUAGE PAGE [HEADING]: its code in that language, or only that of one section, as it stands
code() {
  awk -v fence="\`\`\`$1" -v heading="${3:+## $3}" 'BEGIN { wanted = heading == "" }
    /^## / && heading != "" { wanted = $0 == heading }
    $0 == fence { inside = wanted; next } /^```$/ { inside = 0 } inside' "$source_dir/$2" >"$work/code"
  [ -s "$work/code" ] || { echo "$2 has no code in $1 ${3:+below \"$3\"}" >&2 && return 1; }
  cat "$work/code"
}

# start_emulator PROGRAM: sets url, ca and emulator
start_emulator() {
  local folder
  folder=$(mktemp -d "$work/emulator-XXXX")
  "$1" --make-ca "$folder/ca" --ready-file "$folder/ready" --log none >/dev/null &
  emulator=$!
  for _ in $(seq 300); do
    [ -f "$folder/ready" ] && break
    sleep 0.1
  done
  url=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$folder/ready" | sed 's|\\/|/|g')
  ca=$folder/ca/ca.pem
}

stop_emulator() {
  kill "$emulator"
  wait "$emulator"
  emulator=
}

# one_file PROGRAM: it is complete, without a dynamic loader, without a library
one_file() {
  local header
  header=$(readelf --wide --segments --dynamic "$1")
  ! grep -q -e INTERP -e NEEDED <<<"$header"
}

# linked PROGRAM: a program of docs/linking.md that has its transports inside makes secrets over each, and keeps their rules
linked() {
  local program=$1
  step "  $(basename "$program")"
  has '^cs_test_' "$program" transport openssl base_url "$url" ca_file "$ca"
  has '^cs_test_' env PLASTIQ_TRANSPORT=openssl "$program" base_url "$url" ca_file "$ca"
  has '^cs_test_' "$program" transport stub allow_test_transports true
  "$program" transport openssl base_url "$url" >"$work/out" 2>&1 && false # the system knows nothing of this CA
  grep -q PLQ_E_VERIFY_UNTRUSTED "$work/out"
  "$program" transport stub >"$work/out" 2>&1 && false
  grep -q PLQ_E_TRANSPORT_TEST_CLASS "$work/out"
}

# no_loading PROGRAM: one that cannot load files says so, and what it has
no_loading() {
  for transport in curl /usr/lib/libplastiq-transport-curl.so; do
    "$1" transport "$transport" >"$work/out" 2>&1 && false
    grep -q 'PLQ_E_TRANSPORT_NOT_FOUND: .*loads no files' "$work/out"
  done
}
