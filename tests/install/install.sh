#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs into an empty prefix and uses it as a newcomer would: with cc and pkg-config alone.
# install.sh SOURCE_DIR WORK_DIR
set -euo pipefail
source_dir=$1 work=$2
export PLASTIQ_ACCESS_TOKEN=test-key-0000000000000000 EXAMPLE_TOKEN=test-key-0000000000000000
umask 022
trap 'echo "install: failed in line $LINENO" >&2; [ -z "${emulator:-}" ] || kill "$emulator" 2>/dev/null || true' ERR
rm -rf "$work"
mkdir -p "$work"
prefix=$work/prefix

step() { echo "-- $*"; }

step "build and install"
cmake -S "$source_dir" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DPLASTIQ_TESTS=OFF >"$work/log"
cmake --build "$work/build" >>"$work/log" 2>&1 || { tail "$work/log"; false; }
cmake --install "$work/build" >>"$work/log"
DESTDIR=$work/staged cmake --install "$work/build" >>"$work/log"
diff <(cd "$prefix" && find . -type f -o -type l | sort) <(cd "$work/staged$prefix" && find . -type f -o -type l | sort)

step "nothing that is installed names the build or the source folder"
if grep -rlF -e "$work/build" -e "$source_dir/" "$prefix"; then false; fi

step "pkg-config"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name plastiq.pc)")
plugindir=$(pkg-config --variable=plugindir plastiq)
[ "$plugindir" = "$(pkg-config --variable=plugindir plastiq-transport)" ]
[ -f "$plugindir/libplastiq-transport-curl.so" ] && [ -f "$plugindir/libplastiq-transport-stub.so" ]

step "SONAME and symbol versions"
libdir=$(pkg-config --variable=libdir plastiq)
readelf -d "$libdir/libplastiq.so" | grep -q 'SONAME.*\[libplastiq\.so\.1\]'
readelf --dyn-syms -W "$libdir/libplastiq.so" | grep -q 'plq_call@@PLASTIQ_1.0'

step "the README's example, by cc and pkg-config alone"
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_dir/README.md" >"$work/example.c"
[ "$(wc -l <"$work/example.c")" -ge 15 ]
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror "$work/example.c" $(pkg-config --cflags --libs plastiq) -o "$work/example"
echo '#include <plastiq/plastiq.h>
int main() { return plq_abi_require(PLQ_ABI_MAJOR, PLQ_ABI_MINOR); }' >"$work/abi.cc"
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Werror "$work/abi.cc" $(pkg-config --cflags --libs plastiq) -o "$work/abi"
export LD_LIBRARY_PATH=$libdir
"$work/abi"

step "run it over curl against the emulator, then over the stub by one option"
"$prefix/bin/plastiq-emulator" --make-ca "$work/ca" --ready-file "$work/ready" --log none >/dev/null &
emulator=$!
for _ in $(seq 300); do
  [ -f "$work/ready" ] && break
  sleep 0.1
done
url=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$work/ready" | sed 's|\\/|/|g')
run() { "$work/example" base_url "$url" ca_file "$work/ca/ca.pem" "$@"; }
run | grep -q '^cs_test_'
run transport curl | grep -q '^cs_test_'
run transport stub allow_test_transports true | grep -q '^cs_test_'
if run transport stub >"$work/out" 2>&1; then false; fi
grep -q PLQ_E_TRANSPORT_TEST_CLASS "$work/out"

step "the installed program finds its library and its transports by itself"
unset LD_LIBRARY_PATH
"$prefix/bin/plastiq" --version | grep -q plastiq
"$prefix/bin/plastiq" transports | grep -q libcurl
"$prefix/bin/plastiq" client-secrets create --base-url "$url" --ca-file "$work/ca/ca.pem" | grep -q '^cs_test_'
kill "$emulator"
wait "$emulator"

step "somebody else's transport, by cc and plastiq-transport alone"
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror -shared -fPIC $(pkg-config --cflags plastiq-transport) "$source_dir/tests/unit/plugin/plugins/good.c" \
  -o "$plugindir/libplastiq-transport-good.so"
"$prefix/bin/plastiq" transports --allow-test-transports >"$work/out" 2>&1 || "$prefix/bin/plastiq" transports >"$work/out"
grep -q good "$work/out"
echo "installed, compiled, swapped"
