#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs into an empty prefix and uses it as a newcomer would: with cc and pkg-config alone, or with CMake.
# install.sh SOURCE_DIR
set -euo pipefail
source_dir=$1
. "$source_dir/tests/install/lib.sh"
prefix=$work/prefix

step "build and install"
quietly cmake -S "$source_dir" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" \
  -DPLASTIQ_TESTS=OFF -DPLASTIQ_STATIC=ON
quietly cmake --build "$work/build"
quietly cmake --install "$work/build"
DESTDIR=$work/staged quietly cmake --install "$work/build"
diff <(cd "$prefix" && find . -type f -o -type l | sort) <(cd "$work/staged$prefix" && find . -type f -o -type l | sort)

step "nothing that is installed names the build or the source folder"
if grep -rlF -e "$work/build" -e "$source_dir/" "$prefix"; then false; fi

step "pkg-config"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name plastiq.pc)")
plugindir=$(pkg-config --variable=plugindir plastiq)
[ "$plugindir" = "$(pkg-config --variable=plugindir plastiq-transport)" ]
[ -f "$plugindir/libplastiq-transport-curl.so" ] && [ -f "$plugindir/libplastiq-transport-stub.so" ]

step "manual pages, and completion for shells"
for file in bash-completion/completions/plastiq zsh/site-functions/_plastiq fish/vendor_completions.d/plastiq.fish; do
  [ -s "$prefix/share/$file" ]
done
for page in man1/plastiq.1 man1/plastiq-emulator.1 man1/plastiq-transport-check.1 man3/libplastiq.3 man5/plastiq-options.5; do
  [ -s "$prefix/share/man/$page" ]
done

step "SONAME and symbol versions"
libdir=$(pkg-config --variable=libdir plastiq)
has 'SONAME.*\[libplastiq\.so\.1\]' readelf -d "$libdir/libplastiq.so"
has 'plq_call@@PLASTIQ_1.0' readelf --dyn-syms -W "$libdir/libplastiq.so"

step "an example, by cc and pkg-config alone"
cp "$source_dir/docs/examples/create.c" "$work/example.c"
# shellcheck disable=SC2046
cc "$work/example.c" $(pkg-config --cflags --libs plastiq) -o "$work/example-as-is"
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror "$work/example.c" $(pkg-config --cflags --libs plastiq) -o "$work/example"
echo '#include <plastiq/plastiq.h>
int main() { return plq_abi_require(PLQ_ABI_MAJOR, PLQ_ABI_MINOR); }' >"$work/abi.cc"
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Werror "$work/abi.cc" $(pkg-config --cflags --libs plastiq) -o "$work/abi"
export LD_LIBRARY_PATH=$libdir
"$work/abi"

step "run it over curl against the emulator, then over the stub by one option"
start_emulator "$prefix/bin/plastiq-emulator"
run() { "$work/example" base_url "$url" ca_file "$ca" "$@"; }
has '^cs_test_' run
has '^cs_test_' "$work/example-as-is" base_url "$url" ca_file "$ca"
has '^cs_test_' run transport curl
has '^cs_test_' run transport stub allow_test_transports true
if run transport stub >"$work/out" 2>&1; then false; fi
grep -q PLQ_E_TRANSPORT_TEST_CLASS "$work/out"

step "the README's example, by variables alone"
code c README.md >"$work/readme.c"
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror "$work/readme.c" $(pkg-config --cflags --libs plastiq) -o "$work/readme"
. "$source_dir/tests/bindings/readme.sh"
readme_example_runs "$prefix/bin/plastiq-emulator" "$plugindir" "$work/readme"

step "the same program, over each production transport that is installed, by PLASTIQ_TRANSPORT alone"
production=$("$prefix/bin/plastiq" transports | awk '$2 == "production" { print $1 }')
grep -qx curl <<<"$production"
for name in $production; do
  PLASTIQ_TRANSPORT=$name has '^cs_test_' run
  echo "   $name"
done
PLASTIQ_TRANSPORT=no-such-transport run >"$work/out" 2>&1 && false # it is the variable that decides
grep -q 'PLQ_E_TRANSPORT_NOT_FOUND: the variable PLASTIQ_TRANSPORT:' "$work/out"
PLASTIQ_TRANSPORT=stub run >"$work/out" 2>&1 && false
grep -q 'PLQ_E_TRANSPORT_TEST_CLASS: the variable PLASTIQ_TRANSPORT:' "$work/out"
PLASTIQ_TRANSPORT=stub has '^cs_test_' run allow_test_transports true
PLASTIQ_TRANSPORT=$plugindir/libplastiq-transport-curl.so run >"$work/out" 2>&1 && false
grep -q 'PLQ_E_TRANSPORT_NAME: the variable PLASTIQ_TRANSPORT:' "$work/out"
PLASTIQ_BASE_URL=$url "$work/example" ca_file "$ca" >"$work/out" 2>&1 && false # the token is from code, the address is not
grep -q PLQ_E_AMBIENT_ADDRESS "$work/out"
PLASTIQ_BASE_URL=$url PLASTIQ_CA_FILE=$ca has '^cs_test_' env -u EXAMPLE_TOKEN "$work/example"

step "the examples of docs/observers.md: a span of OpenTelemetry, and Prometheus text"
for example in 1 2; do
  awk -v wanted=$example '/^```c$/ { inside = ++count == wanted; next } /^```$/ { inside = 0 } inside' "$source_dir/docs/observers.md" >"$work/observer$example.c"
  # shellcheck disable=SC2046
  cc -std=gnu11 -Wall -Wextra -Werror -Wno-cast-function-type "$work/observer$example.c" $(pkg-config --cflags --libs plastiq) -o "$work/observer$example"
  PLASTIQ_BASE_URL=$url PLASTIQ_CA_FILE=$ca "$work/observer$example" >"$work/observed$example"
done
python3 - "$work/observed1" <<'EOF'
import json, sys
(span,) = json.load(open(sys.argv[1]))["resourceSpans"][0]["scopeSpans"][0]["spans"]
facts = {row["key"]: next(iter(row["value"].values())) for row in span["attributes"]}
assert len(span["traceId"]) == 32 and len(span["spanId"]) == 16 and int(span["startTimeUnixNano"]) < int(span["endTimeUnixNano"]), span
assert span["name"] == "client_secrets.create" and span["status"]["code"] == 1 and facts["http.response.status_code"] == "200", span
EOF
grep -qx 'plastiq_calls_total{status="PLQ_OK"} 3' "$work/observed2"
grep -qx 'plastiq_attempt_seconds_count 3' "$work/observed2"
grep -qx 'plastiq_connections_open 1' "$work/observed2"

step "the example of docs/queues.md: messages into a buffer of the program's own"
code c docs/queues.md >"$work/queue.c"
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror "$work/queue.c" $(pkg-config --cflags --libs plastiq) -o "$work/queue"
for name in $production; do
  [ "$(PLASTIQ_TRANSPORT=$name PLASTIQ_BASE_URL=$url PLASTIQ_CA_FILE=$ca "$work/queue" | sort | grep -c '^call [123]: a reply of [0-9]* bytes$')" = 3 ]
done

step "docs/examples: each by the two commands in its head, over the stub"
mkdir "$work/examples"
cp "$source_dir"/docs/examples/*.c "$work/examples/"
for file in "$work"/examples/*.c; do
  if grep -q 'libs plastiq libuv' "$file" && ! pkg-config --exists libuv; then continue; fi
  sed -n 's/^ \*     \(cc .*\|.*transport stub .*\)/\1/p' "$file" >"$work/examples/commands"
  [ "$(wc -l <"$work/examples/commands")" = 2 ]
  has ' secrets of \|^cs_test_' bash -euc "cd '$work/examples'; . ./commands"
  echo "   $(basename "$file")"
done

step "docs/deployment.md: a file of options, a token that is rotated, and a mistake in the file"
mkdir "$work/deployment"
code json docs/deployment.md |
  sed "s|/run/secrets/plastiq/token|$work/deployment/token|" >"$work/deployment/options.json"
code sh docs/deployment.md >"$work/deployment/commands"
ln -s "$work/observer2" "$work/deployment/program" # Prometheus' example: it takes everything from its surroundings
deploy() { (cd "$work/deployment" && env -u PLASTIQ_ACCESS_TOKEN PLASTIQ_BASE_URL="$url" PLASTIQ_CA_FILE="$ca" sh -e ./commands); }
has 'status="PLQ_OK"} 3' deploy
sed -i 's/"timeout_ms": 5000/"timeout_ms": "5000"/' "$work/deployment/options.json"
if deploy >"$work/out" 2>&1; then false; fi
grep -q "the file $work/deployment/options.json, line 4, column 18: timeout_ms must be a number" "$work/out"

step "the example of docs/testing.md passes"
code c docs/testing.md >"$work/testing.c"
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror "$work/testing.c" $(pkg-config --cflags --libs plastiq) -o "$work/testing"
"$work/testing"

step "the example of docs/cassettes.md records from the emulator, and replays without it"
code c docs/cassettes.md >"$work/tape.c"
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror "$work/tape.c" $(pkg-config --cflags --libs plastiq) -o "$work/tape"
has '^cs_test_' "$work/tape" record "$work/calls.cassette" base_url "$url" ca_file "$ca"
has '^test-secret-x*00000001$' "$work/tape" replay "$work/calls.cassette" base_url "$url"
if grep -q -e cs_test_ -e test-key "$work/calls.cassette"; then false; fi
has '^> Authorization: Bearer (not kept)$' "$prefix/bin/plastiq" cassette show "$work/calls.cassette"

step "the installed program finds its library and its transports by itself"
unset LD_LIBRARY_PATH
has plastiq "$prefix/bin/plastiq" --version
has libcurl "$prefix/bin/plastiq" transports
has '^cs_test_' "$prefix/bin/plastiq" client-secrets create --base-url "$url" --ca-file "$ca"

step "docs/linking.md: pkg-config and CMake"
linking() { code "$1" docs/linking.md "$2"; }
folder=$work/linking
mkdir "$folder"
cp "$work/example.c" "$folder/"
# in_folder: runs the page's commands, from standard input, where its files are
in_folder() { quietly env CMAKE_PREFIX_PATH="$prefix" bash -euc "cd '$folder'; $(cat)"; }
linking sh pkg-config | in_folder
LD_LIBRARY_PATH=$libdir has '^cs_test_' "$folder/example" base_url "$url" ca_file "$ca"
linking cmake CMake >"$folder/CMakeLists.txt"
linking sh CMake | in_folder
has '^cs_test_' "$folder/build/example" base_url "$url" ca_file "$ca"

step "docs/linking.md: transports inside the program, with all three in one"
linking c "Transports inside the program" >"$folder/linked.c"
linking sh "Transports inside the program" | in_folder
LD_LIBRARY_PATH=$libdir linked "$folder/example-linked"
linked "$folder/example-archive"
rm -r "$folder/build"
linking cmake "Transports inside the program" >"$folder/CMakeLists.txt"
echo 'cmake -S . -B build; cmake --build build' | in_folder
linked "$folder/build/example-static"
sed 's/_stub/_curl/' "$folder/linked.c" >"$folder/curl.c"
sed -i 's/linked.c/& curl.c/; s/plastiq::transport-stub/& plastiq::transport-curl/' "$folder/CMakeLists.txt"
echo 'cmake --build build' | in_folder
linked "$folder/build/example-static"
has '^cs_test_' "$folder/build/example-static" transport curl transport_dir /dev base_url "$url" ca_file "$ca"
for archive in "$libdir"/libplastiq-transport-*.a; do # no name of it can meet one of the program or of another transport
  name=${archive##*-transport-}
  [ "$(nm --extern-only --defined-only "$archive" | awk 'NF == 3 { print $3 }')" = "plq_transport_entry_v1_${name%.a}" ]
done
nm --extern-only --defined-only "$libdir/libplastiq.a" >"$work/out"
awk 'NF == 3 && $3 !~ /^plq_/ { print "libplastiq.a defines " $3; bad = 1 } END { exit bad }' "$work/out"

step "find_package: versions and components"
# finds [ARGUMENT ..]: whether find_package(plastiq ARGUMENT ..) succeeds
finds() {
  mkdir -p "$work/finds"
  printf '%s\n' "cmake_minimum_required(VERSION 3.16)" "project(finds LANGUAGES C)" "find_package(plastiq $*)" \
    >"$work/finds/CMakeLists.txt"
  rm -rf "$work/finds/build"
  CMAKE_PREFIX_PATH=$prefix cmake -S "$work/finds" -B "$work/finds/build" >"$work/log" 2>&1
}
version=$(pkg-config --modversion plastiq)
finds "$version" EXACT REQUIRED
finds "${version%.*}" REQUIRED COMPONENTS plastiq transport static
for wrong in "${version%.*}.99999" 99.0 "0.0 EXACT" "COMPONENTS no-such-component"; do
  finds "$wrong" REQUIRED && false
done

step "somebody else's transport, by cc and plastiq-transport alone: the one of docs/transport-guide.md"
code c docs/transport-guide.md >"$work/canned.c"
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Wpedantic -Werror -O2 -shared -fPIC -fvisibility=hidden -Wl,-z,defs $(pkg-config --cflags plastiq-transport) \
  "$work/canned.c" -o "$plugindir/libplastiq-transport-canned.so"
readelf -d "$plugindir/libplastiq-transport-canned.so" >"$work/out"
if grep -q 'NEEDED.*plastiq' "$work/out"; then false; fi
has '^canned *test *1\.0' "$prefix/bin/plastiq" transports --allow-test-transports
has '^test-secret-01$' "$prefix/bin/plastiq" client-secrets create --transport canned --allow-test-transports
has '^canned *not usable' "$prefix/bin/plastiq" transports

step "the same one, by CMake and plastiq::transport alone: docs/linking.md"
rm "$plugindir/libplastiq-transport-canned.so"
rm -r "$folder/build"
cp "$work/canned.c" "$folder/"
linking cmake "A transport with CMake" >"$folder/CMakeLists.txt"
linking sh "A transport with CMake" | in_folder
readelf -d "$plugindir/libplastiq-transport-canned.so" >"$work/out"
if grep -q 'NEEDED.*plastiq' "$work/out"; then false; fi
has '^test-secret-01$' "$prefix/bin/plastiq" client-secrets create --transport canned --allow-test-transports

step "the template transport, by cc, libcurl and plastiq-transport alone"
template=$(find "$prefix/share" -name template.c)
[ -n "$template" ] && [ "$(wc -l <"$template")" -le 250 ]
mkdir "$work/template"
# The page's own commands, in a folder that has the file.
code sh docs/template-transport.md | sed "s|--token-file token|--base-url $url --ca-file $ca|" >"$work/template/commands"
grep -q -- '-o libplastiq-transport-template.so' "$work/template/commands"
cp "$template" "$work/template/"
has '^cs_test_' bash -euc "cd '$work/template'; PATH='$prefix/bin':\$PATH; . ./commands"
stop_emulator

step "moved away, the programs and pkg-config still work; the transport folder is told"
mv "$prefix" "$work/moved"
has plastiq "$work/moved/bin/plastiq" --version
PKG_CONFIG_PATH=${PKG_CONFIG_PATH/"$prefix"/"$work/moved"}
moved=$(realpath "$(pkg-config --variable=plugindir plastiq)")
[[ $moved = "$(realpath "$work/moved")"/* ]]
has libcurl "$work/moved/bin/plastiq" transports --transport-dir "$moved"
prefix=$work/moved finds REQUIRED COMPONENTS plastiq transport static
has "^plastiq_DIR:PATH=$work/moved/" cat "$work/finds/build/CMakeCache.txt"
PLASTIQ_TRANSPORT_DIR=$moved has libcurl "$work/moved/bin/plastiq" transports
echo "installed, compiled, linked, swapped, moved"
