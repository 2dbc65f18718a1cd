#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/linking.md, "musl": the library and all that it needs, built by musl's compiler, and a static program that runs.
# musl.sh SOURCE_DIR EMULATOR ARCHIVES: the folder with Debian's source archives, which tools/test fetches
set -euo pipefail
source_dir=$1
archives=$3
skip() {
  echo "skipped: $1"
  exit 77
}
command -v musl-gcc >/dev/null || skip "there is no musl-gcc; Debian's package is musl-tools"
for tool in make perl; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
for library in json-c msgpack-c libffi openssl; do
  compgen -G "$archives/${library}_*.orig.tar.*" >/dev/null ||
    skip "there is no source archive of $library in $archives; tools/test fetches it"
done
. "$source_dir/tests/install/lib.sh"
cd "$work"
ln -s "$source_dir" libplastiq
cp "$source_dir/docs/examples/create.c" example.c
code c docs/linking.md "Transports inside the program" >linked.c
for library in json-c msgpack-c libffi openssl; do
  mkdir "$library"
  archive=$(compgen -G "$archives/${library}_*.orig.tar.*" | sort -V | tail -n 1)
  tar --extract --strip-components=1 --directory "$library" --file "$archive"
done

step "build by musl-gcc: json-c, msgpack-c, libffi, OpenSSL, libplastiq, and the program"
code sh docs/linking.md musl >commands
export CFLAGS=-O0 # which OpenSSL takes in place of its own: a test need not wait for a fast one
quietly bash -eu commands
one_file example-musl
if grep -qa GLIBC_TUNABLES example-musl; then false; fi

step "run"
start_emulator "$2"
linked "$work/example-musl"
no_loading "$work/example-musl"

step "observers, by way of musl's libffi: docs/observers.md"
code c docs/observers.md Prometheus >observer.c
export PKG_CONFIG_LIBDIR=$work/musl/lib/pkgconfig
# shellcheck disable=SC2046
musl-gcc -std=gnu11 -static observer.c linked.c \
  $(pkg-config --static --cflags --libs plastiq plastiq-transport-openssl plastiq-transport-stub) -o observer
export PLASTIQ_TRANSPORT=openssl PLASTIQ_BASE_URL=$url PLASTIQ_CA_FILE=$ca
has '^plastiq_calls_total{status="PLQ_OK"} 3' ./observer
stop_emulator
echo "built, linked, run"
