#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the programs of the benchmark in other languages, each by its binding as users build it: tests/bench/languages.sh BUILD
# BUILD is a build folder of the library; the programs are BUILD/bench/bench-go, bench-node, bench-python and bench-rust.
# A language whose toolchain or packages cannot be had is left out with a line "skip: ..".
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$(cd "${1:?names the build folder of the library}" && pwd -P) || exit
work=$build/languages
programs=$build/bench
unset "${!PLASTIQ_@}" "${!npm_@}" "${!NODE_@}" "${!CGO_@}" "${!PYTHON@}" GOFLAGS RUSTFLAGS CARGO_BUILD_TARGET VIRTUAL_ENV CFLAGS LDFLAGS LD_PRELOAD LD_LIBRARY_PATH
export LC_ALL=C.UTF-8 GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=1 PYTHONDONTWRITEBYTECODE=1
PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin:${CARGO_HOME:-$HOME/.cargo}/bin
umask 022
mkdir -p "$work" "$programs"
cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || exit
pc=$(find "$work/prefix" -name plastiq.pc -print -quit)
libdir=$(dirname "$(find "$work/prefix" -name libplastiq.so.1 -print -quit)")
transports=$(dirname "$(find "$work/prefix" -name 'libplastiq-transport-openssl.so' -print -quit)")
export PKG_CONFIG_PATH=${pc%/*}

# program NAME COMMAND ..: what runs it. Its library is the one of this build, wherever that was configured to be installed.
program() {
  local name=$1
  shift
  printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%q\nexec %s "$@"\n' "$libdir" "$(printf '%q ' "$@")--transport-dir $(printf %q "$transports")" >"$programs/bench-$name"
  chmod +x "$programs/bench-$name"
}
skip() { echo "skip: $*" && return 77; }
# copied FOLDER: a fresh copy of it, without what was built there
copied() {
  local copy=$work/${1##*/}
  rm -rf "$copy" && mkdir -p "$copy"
  (cd "$root/$1" && tar -cf - --exclude=node_modules --exclude=build --exclude=dist --exclude='*.egg-info' .) | tar -xf - -C "$copy"
  echo "$copy"
}

go_program() {
  command -v go >/dev/null || skip "there is no Go (Debian: golang-go)" || return
  cd "$root/tests/bench/go" || return
  go mod download || skip "the modules of tests/bench/go cannot be had" || return
  go vet . && go build -o "$work/bench-go" . && program go "$work/bench-go"
}

rust_program() {
  command -v cargo >/dev/null || skip "there is no cargo (Debian: rustc-web cargo-web)" || return
  cd "$root/tests/bench/rust" || return
  cargo fetch --locked || skip "the crates of tests/bench/rust cannot be had" || return
  cargo build --release --locked --target-dir "$work/rust-target" && program rust "$work/rust-target/release/bench-rust"
}

node_program() {
  local package
  command -v npm >/dev/null || skip "there is no npm (Debian: nodejs npm)" || return
  package=$(copied bindings/node) && cd "$package" || return
  npm ci --ignore-scripts --no-audit --no-fund || skip "the packages of bindings/node cannot be had" || return
  node scripts/build-addon.mjs && npm run build && program node env PLASTIQ_NODE="$package" node "$root/tests/bench/node/bench.mjs"
}

python_program() {
  local package python=$work/venv/bin/python system=/usr/bin/python3 # Debian's own, even where another one comes first in PATH
  [ -x "$system" ] || system=python3
  "$system" -c 'import ensurepip, venv' || skip "Python's module venv is missing (Debian: python3-venv)" || return
  package=$(copied bindings/python) && rm -rf "$work/venv" && "$system" -m venv "$work/venv" || return
  "$python" -m pip install --requirement "$package/tests/requirements.txt" || skip "the packages of bindings/python/tests cannot be had" || return
  "$python" -m pip install --no-build-isolation --no-deps "$package" && program python "$python" "$root/tests/bench/python/bench.py"
}

failed=0
for language in go rust node python; do
  rm -f "$programs/bench-$language"
  (${language}_program) >"$work/$language.log" 2>&1
  case $? in
    0) echo "bench-$language" ;;
    77) sed -n 's/^skip: /skip: bench-'"$language"': /p' "$work/$language.log" ;;
    *)
      echo "bench-$language could not be built:"
      tail -n 20 "$work/$language.log"
      failed=1
      ;;
  esac
done
exit $failed
