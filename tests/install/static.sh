#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/linking.md, "One file without a dynamic loader": the library without dlopen and its transports in one static program.
# static.sh SOURCE_DIR EMULATOR
set -euo pipefail
source_dir=$1
. "$source_dir/tests/install/lib.sh"
section="One file without a dynamic loader"
# glibc has no static program without these, and a compiler may come without an archive of it.
echo 'int main(void) { return 0; }' >"$work/probe.c"
if ! cc -static "$work/probe.c" -lssl -lcrypto -ljson-c -lmsgpackc -lffi -o "$work/probe" 2>"$work/log"; then
  echo "skipped: no static program can be linked here: $(head -n 1 "$work/log")"
  exit 77
fi
cd "$work"
ln -s "$source_dir" libplastiq
cp "$source_dir/docs/examples/create.c" example.c
code c docs/linking.md "Transports inside the program" >linked.c

step "build and link, by pkg-config"
code sh docs/linking.md "$section" >commands
quietly bash -eu commands
if compgen -G "static/lib/*.so*"; then false; fi
if nm static/lib/libplastiq.a | grep -w -e dlopen -e dlsym; then false; fi

step "link by CMake: the static component, and plastiq::plastiq where nothing else is installed"
code cmake docs/linking.md "$section" >CMakeLists.txt
export CMAKE_PREFIX_PATH=$work/static
quietly cmake -S . -B build/cmake
quietly cmake --build build/cmake
sed -i 's/COMPONENTS static//; s/plastiq::static/plastiq::plastiq/' CMakeLists.txt
if grep -q "COMPONENTS" CMakeLists.txt; then false; fi
quietly cmake -S . -B build/plain
quietly cmake --build build/plain

step "run"
start_emulator "$2"
for program in example-static build/cmake/example-static build/plain/example-static; do
  one_file "$program"
  grep -qa GLIBC_TUNABLES "$program" # which install/musl does not find in its own
  linked "$work/$program"
done
no_loading "$work/example-static"
stop_emulator
echo "built, linked, run"
