#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the Node package in a copy of its folder, tests it, packs it, and tries the packed file in an empty folder: tests/bindings/node.sh
#
#   PREFIX_DIR     where the library is installed with its headers and transports (cmake --install); required
#   EMULATOR_BIN   the emulator; without it what needs one is skipped, and counted
#   TEST_NODE      the Node to use, 18.18 or later; without it the one of the PATH
#   TEST_LONG      1: 1,000,000 calls where 100,000 are usual
#   WORK_DIR       where to build; a temporary folder unless said
#
# Needs a C compiler, pkg-config, npm, openssl and binutils (Debian: gcc libc6-dev pkg-config npm openssl binutils), uv.h (Node's own include folder,
# or Debian: libuv1-dev), and from the registry what the lock files in bindings/node pin. Ends with 77 if one of these cannot be had.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
skip() {
  echo "skip: $1"
  exit 77
}
step() { printf '== %s\n' "$1"; }

[ -n "${PREFIX_DIR:-}" ] || skip "PREFIX_DIR does not say where the library is installed"
pc=$(find "$PREFIX_DIR" -name plastiq.pc -print -quit)
[ -n "$pc" ] || skip "there is no plastiq.pc in PREFIX_DIR"
[ -z "${TEST_NODE:-}" ] || PATH=$(dirname "$TEST_NODE"):$PATH
for tool in cc pkg-config nm ldd node npm; do
  command -v "$tool" >/dev/null || skip "$tool is missing (Debian: gcc libc6-dev pkg-config binutils nodejs npm)"
done
node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 18 || (major == 18 && minor >= 18) ? 0 : 1)' || skip "node $(node --version) is older than 18.18"
own=$(node -p 'require("node:path").join(process.execPath, "../../include/node/uv.h")')
[ -e "$own" ] || pkg-config --exists libuv || skip "there is no uv.h (Debian: libuv1-dev)"

work=${WORK_DIR:-}
if [ -z "$work" ]; then
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
# What a caller's environment says must not decide how tests end.
unset "${!PLASTIQ_@}" "${!npm_@}" "${!NODE_@}" CFLAGS LDFLAGS CC LD_LIBRARY_PATH LD_PRELOAD
umask 022
PKG_CONFIG_PATH=$(dirname "$pc")
# A prefix that is not the one of configuring keeps its transports where the library does not look.
TRANSPORT_DIR=$(find "$PREFIX_DIR" -name 'libplastiq-transport-*.so' -printf '%h\n' -quit)
export PKG_CONFIG_PATH TRANSPORT_DIR VECTORS_DIR=$root/tests/vectors
failed=0
limit=300 # seconds for one set of tests, which takes 20: what hangs must not take all of the time that there is
[ "${TEST_LONG:-}" = 1 ] && limit=3000

# run NAME COMMAND ..: what it prints is shown only if it fails.
run() {
  local name=$1
  shift
  if "$@" >"$work/$name.log" 2>&1; then return 0; fi
  tail -n 40 "$work/$name.log"
  echo "FAILED $name"
  failed=1
  return 1
}

# tests NAME FILE ..: by node's own runner. Says how many, and each that was skipped or failed.
tests() {
  local name=$1 log=$work/$1.log
  shift
  timeout "$limit" node --test --test-reporter=tap "$@" >"$log" 2>&1 || failed=1
  grep -hE '^ *ok .*# SKIP' "$log" | sed -E 's/^ *ok [0-9]+ - /skipped: /; s/# SKIP/:/'
  grep -hE '^# ([0-9]+ calls |vectors: |curl: |openssl: |glibc: )' "$log"
  if grep -qE '^# fail [1-9]|^# cancelled [1-9]' "$log" || ! grep -q '^# pass ' "$log"; then
    grep -hE -A 25 '^ *not ok ' "$log" | head -n 120
    failed=1
  fi
  printf '%s: %s passed, %s failed, %s skipped\n' "$name" "$(sed -n 's/^# pass //p' "$log")" "$(sed -n 's/^# fail //p' "$log")" "$(sed -n 's/^# skipped //p' "$log")"
}

step "packages of the registry, and the addon"
package=$work/package
rm -rf "$package" "$work/empty" && mkdir "$package" "$work/empty"
(cd "$root/bindings/node" && tar -cf - --exclude=node_modules --exclude=build --exclude=dist .) | tar -xf - -C "$package"
cd "$package" || exit 1
npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1 || {
  tail -n 5 "$work/npm.log"
  skip "the registry does not give the packages of bindings/node/package-lock.json"
}
run addon node scripts/build-addon.mjs || exit 1
grep -q warning "$work/addon.log" && { cat "$work/addon.log"; failed=1; }
run build npm run build || exit 1
(cd test/runtimes && npm ci --ignore-scripts --no-audit --no-fund) >"$work/runtimes.log" 2>&1 || {
  rm -rf test/runtimes/node_modules
  echo "skipped: the registry does not give Bun, Deno and other Nodes for this machine"
}

step "eslint, types, publint"
run eslint npx eslint .
run types npx tsc -p test/tsconfig.json
run publint npx publint --strict

step "tests"
tests unit test/client.test.mjs test/secret.test.mjs test/life.test.mjs test/load.test.mjs test/generated.test.mjs test/examples.test.mjs
tests vectors test/vectors.test.mjs
tests flat test/flat.test.mjs
tests isolation test/isolation.test.mjs
tests runtimes test/runtimes.test.mjs
echo "globalThis[Symbol.for('plastiq.threads')] = true;" >"$work/threads.mjs"
NODE_OPTIONS="--import=$work/threads.mjs" tests threads test/client.test.mjs test/secret.test.mjs test/life.test.mjs
# The addon once more, with AddressSanitizer and UBSan: its own memory, and how it uses Node-API.
asan=$(cc -print-file-name=libasan.so)
if [ -e "$asan" ] && CFLAGS='-g -fsanitize=address,undefined -fno-sanitize-recover=all' LDFLAGS=-fsanitize=address,undefined node scripts/build-addon.mjs >"$work/asan-build.log" 2>&1; then
  ASAN_OPTIONS=detect_leaks=0:intercept_tls_get_addr=0 LD_PRELOAD=$asan tests asan test/life.test.mjs test/client.test.mjs
  run addon node scripts/build-addon.mjs || exit 1
else
  echo "skipped: asan: the compiler has no AddressSanitizer here"
fi
for transport in curl openssl; do
  PLASTIQ_TRANSPORT=$transport tests "live-$transport" test/live.test.mjs
done

step "the packed file, in an empty folder"
run pack npm pack --ignore-scripts --pack-destination "$work/empty" || exit 1
cd "$work/empty" || exit 1
tar -tzf plastiq-*.tgz | grep -qE '/(README.md|LICENSE)$' || { echo "FAILED pack: README.md or LICENSE is missing"; failed=1; }
if tar -tzf plastiq-*.tgz | grep -E '/(test|build|node_modules|src)/'; then echo "FAILED pack: that does not belong there"; failed=1; fi
npm init --yes >/dev/null
run install npm install --no-audit --no-fund ./plastiq-*.tgz || exit 1
# Some npm run no install scripts unless they are told to: then this is what users do.
[ -e node_modules/plastiq/build/plastiq.node ] || run build-by-hand npx plastiq-build || exit 1
sed -n '/^```js$/,/^```$/p' node_modules/plastiq/README.md | sed '1d; /^```$/,$d' >example.mjs
options=(transport stub allowTestTransports true transportDir "$TRANSPORT_DIR")
made=$(EXAMPLE_TOKEN=test-key-0000000000000000 node example.mjs "${options[@]}")
[[ $made == cs_test_* ]] || { echo "FAILED: the example of the README prints no secret"; failed=1; }
if [ -n "${EMULATOR_BIN:-}" ]; then
  . "$root/tests/bindings/readme.sh"
  readme_example js >readme.mjs
  readme_example_runs "$EMULATOR_BIN" "$TRANSPORT_DIR" node readme.mjs || { echo "FAILED: the example of the README at the top"; failed=1; }
fi
made=$(node -e "const { Client } = require('plastiq'); console.log(typeof Client)")
[ "$made" = function ] || { echo "FAILED: require() of the package"; failed=1; }

[ $failed -eq 0 ] && echo "all passed"
exit $failed
