#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds and tests the Go binding, from nothing.
#   PLASTIQ_PREFIX    where libplastiq is installed, emulator included
#   PLASTIQ_BUILD     its build folder, for the bad transports of the conformance kit; may be left out
#   PLASTIQ_EMULATOR  the emulator; default: that of the prefix
#   GO                the Go command; default: the one in PATH
# Needed are Debian's golang-go (1.19) or any later one, gcc and pkg-config, and the modules that go.mod names.
# Exit status 77: it could not be tested here, and the line "skip: .." says why. What was left out is said in such lines too.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
binding=$source_dir/bindings/go
go=${GO:-go}
prefix=${PLASTIQ_PREFIX:?names the folder where libplastiq is installed}
emulator=${PLASTIQ_EMULATOR:-$prefix/bin/plastiq-emulator}
zoo=${PLASTIQ_BUILD:+$PLASTIQ_BUILD/tests/check/zoo}
# Some systems have Go here, where no PATH leads.
command -v "$go" >/dev/null || PATH=$PATH:/usr/lib/go/bin:/usr/local/go/bin
if ! command -v "$go" >/dev/null; then
  echo "skip: there is no Go (Debian: golang-go)"
  exit 77
fi
for needed in cc pkg-config; do
  command -v $needed >/dev/null || { echo "skip: there is no $needed" && exit 77; }
done

unset "${!PLASTIQ_@}" "${!CGO_@}" GOFLAGS GOOS GOARCH GOEXPERIMENT GODEBUG GOMAXPROCS GORACE LD_PRELOAD PKG_CONFIG_LIBDIR
export LC_ALL=C.UTF-8 GOTOOLCHAIN=local CGO_ENABLED=1 GOWORK=off
umask 022
work=$(mktemp -d)
# shellcheck disable=SC2154
trap 'status=$?; chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"; exit $status' EXIT
trap 'echo "go.sh: failed in line $LINENO" >&2' ERR

pc=$(find "$prefix" -name plastiq.pc -print -quit)
export PKG_CONFIG_PATH=${pc%/*}
libdir=$(pkg-config --variable=prefix plastiq)/lib
[ -e "$libdir/libplastiq.so.1" ] || libdir=$(dirname "$(find "$prefix" -name libplastiq.so.1 -print -quit)")
plugindir=$(pkg-config --variable=plugindir plastiq)
export LD_LIBRARY_PATH=$libdir PLASTIQ_TRANSPORT_DIR=$plugindir
export PLASTIQ_VECTORS=$source_dir/tests/vectors PLASTIQ_TEST_EMULATOR=$emulator
[ -z "$zoo" ] || [ ! -d "$zoo" ] || export PLASTIQ_TEST_ZOO=$zoo

step() { echo "-- $*"; }
# quietly COMMAND ..: shows what it printed only if it fails
quietly() { "$@" >"$work/log" 2>&1 || { grep -v -e '--- PASS' -e '=== ' "$work/log" | tail -n 60 >&2 && return 1; }; }
# tests NAME ARGUMENT ..: go test, how many passed, and each that was skipped
tests() {
  local name=$1
  shift
  quietly "$go" test -count=1 -v "$@"
  sed -n 's/^ *[a-z_]*\.go:[0-9]*: \(skip: .*\)/\1/p; s/^ *[a-z_]*\.go:[0-9]*: \(.* vectors ran.*\)/   \1/p; s/^ *[a-z_]*\.go:[0-9]*: \(at most .* threads\)/   \1/p' "$work/log" | sort -u
  echo "   $name: $(grep -c -- '^ *--- PASS' "$work/log") passed, $(grep -c -- '^ *--- SKIP' "$work/log") skipped"
  [ "$(grep -c -- '^ *--- PASS' "$work/log")" -gt 20 ]
}
minor() { "$go" env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/'; }

cd "$binding"
step "$("$go" version), libplastiq $(pkg-config --modversion plastiq)"
if ! quietly "$go" mod download; then
  echo "skip: the modules of bindings/go/go.mod are not here and cannot be had"
  exit 77
fi

step "gofmt, vet, what is generated"
unformatted=$("$(dirname "$(command -v "$go")")/gofmt" -l . 2>/dev/null || gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt: $unformatted" >&2 && false; }
quietly "$go" vet ./...
quietly "$go" run ./internal/gen -check
quietly "$go" mod verify
[ "$(sed -n 's/^const Version = "\(.*\)"/\1/p' native.go)" = "$(pkg-config --modversion plastiq)" ]
cmp LICENSE "$source_dir/LICENSE"
grep -L 'SPDX-License-Identifier' ./*.go internal/gen/*.go README.md >"$work/without" || true
[ ! -s "$work/without" ] || { echo "no SPDX line: $(cat "$work/without")" >&2 && false; }

step "staticcheck"
modfile=go.mod
[ "$(minor)" -ge 25 ] || modfile=go119.mod
if (cd tools && quietly "$go" build -modfile=$modfile -o "$work/staticcheck" honnef.co/go/tools/cmd/staticcheck) 2>/dev/null; then
  PATH=$(dirname "$(command -v "$go")"):$PATH quietly "$work/staticcheck" -checks all,-ST1000 ./...
else
  echo "skip: staticcheck, which tools/$modfile names, cannot be built here"
fi

step "without cgo it says why"
CGO_ENABLED=0 "$go" build . >"$work/log" 2>&1 && false
grep -q 'this_package_calls_the_C_library_libplastiq' "$work/log"

step "tests over each transport, by nothing but PLASTIQ_TRANSPORT"
for transport in openssl curl; do
  PLASTIQ_TRANSPORT=$transport tests "$transport" .
done
step "the same with one processor"
GOMAXPROCS=1 PLASTIQ_TRANSPORT=openssl tests "GOMAXPROCS=1" .
step "the race detector"
if quietly "$go" test -race -run XXX . 2>/dev/null; then
  PLASTIQ_TRANSPORT=openssl tests race -race .
else
  echo "skip: the race detector does not work here: $(tail -n 1 "$work/log")"
fi
step "strict rules for pointers that C gets"
if [ "$(minor)" -ge 21 ]; then
  GOEXPERIMENT=cgocheck2 PLASTIQ_TRANSPORT=openssl tests cgocheck2 .
else
  GODEBUG=cgocheck=2 PLASTIQ_TRANSPORT=openssl tests cgocheck=2 .
fi
step "fuzzing, some seconds each"
for target in FuzzReply FuzzRequest; do
  quietly "$go" test -run XXX -fuzz "$target\$" -fuzztime 5s .
done

step "the README's example in an empty folder, by pkg-config alone"
mkdir "$work/example"
awk '/^```go$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md >"$work/example/main.go"
[ "$(wc -l <"$work/example/main.go")" -ge 15 ]
cd "$work/example"
quietly "$go" mod init example.test/example
quietly "$go" mod edit -require=plastiq.example/go@v0.1.0 -replace="plastiq.example/go=$binding"
quietly "$go" mod tidy
CGO_LDFLAGS="-Wl,-rpath,$libdir" quietly "$go" build -o example .
export EXAMPLE_TOKEN=test-key-0000000000000000
env -u LD_LIBRARY_PATH ./example transport stub allow_test_transports true transport_path_check false >"$work/out"
grep -q '^cs_test_' "$work/out"
folder=$work/emulator
"$emulator" --make-ca "$folder" --ready-file "$work/ready" --log none >/dev/null &
running=$!
for _ in $(seq 300); do [ -f "$work/ready" ] && break; sleep 0.1; done
url=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$work/ready" | sed 's|\\/|/|g')
good=yes
for transport in openssl curl; do
  PLASTIQ_TRANSPORT=$transport timeout 30 env -u LD_LIBRARY_PATH ./example base_url "$url" ca_file "$folder/ca.pem" transport_path_check false >"$work/out" 2>&1 &&
    grep -q '^cs_test_' "$work/out" || good="$transport: $(cat "$work/out")"
done
./example base_url "$url" >"$work/out" 2>&1 && good="an unknown CA was trusted"
grep -q PLQ_E_VERIFY_UNTRUSTED "$work/out" || good="the reason is not told: $(cat "$work/out")"
kill "$running" && wait "$running"
. "$source_dir/tests/bindings/readme.sh"
readme_example go >main.go
CGO_LDFLAGS="-Wl,-rpath,$libdir" quietly "$go" build -o readme .
readme_example_runs "$emulator" "$plugindir" env -u LD_LIBRARY_PATH ./readme
[ "$good" = yes ] || { echo "$good" >&2 && false; }

step "what it says where there is no library"
cp -r "$binding" "$work/other" && echo "// another one, so that Go has not built it before" >>"$work/other/native.go"
(cd "$work/other" && PKG_CONFIG_PATH=$work "$go" build . >"$work/log" 2>&1) && false
grep -q "Package plastiq was not found" "$work/log"

step "what it says to headers of another ABI"
mkdir -p "$work/headers/lib/pkgconfig"
cp -r "$(pkg-config --variable=includedir plastiq)" "$work/headers/include"
sed 's/^\(Cflags: -I\).*/\1${pcfiledir}\/..\/..\/include/' "$PKG_CONFIG_PATH/plastiq.pc" >"$work/headers/lib/pkgconfig/plastiq.pc"
sed -i 's/^\(#define PLQ_ABI_MAJOR\) .*/\1 2/' "$work"/headers/include/plastiq/*.h
(cd "$work/other" && PKG_CONFIG_PATH=$work/headers/lib/pkgconfig "$go" build . >"$work/log" 2>&1) && false
grep -q "needs the headers of libplastiq with ABI 1.0 or a later 1.x; those that pkg-config found are of another one" "$work/log"

echo "passed"
