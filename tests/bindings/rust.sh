#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds and tests the Rust binding, from nothing.
#   PLASTIQ_PREFIX    where libplastiq is installed, emulator included
#   PLASTIQ_EMULATOR  the emulator; default: that of the prefix
#   CARGO             the cargo command; default: the one in PATH
# Needed are Rust 1.85 or later (Debian 12: rustc-web and cargo-web), a C compiler, pkg-config, OpenSSL's development package, python3, and the
# crates that the lock file names. rustfmt, clippy, miri and cargo-deny are used where they are.
# Exit status 77: it could not be tested here, and the line "skip: .." says why. What was left out is said in such lines too.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
binding=$source_dir/bindings/rust
cargo=${CARGO:-cargo}
prefix=${PLASTIQ_PREFIX:?names the folder where libplastiq is installed}
emulator=${PLASTIQ_EMULATOR:-$prefix/bin/plastiq-emulator}
command -v "$cargo" >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
if ! command -v "$cargo" >/dev/null; then
  echo "skip: there is no cargo (Debian 12: rustc-web and cargo-web)"
  exit 77
fi
for needed in cc pkg-config python3; do
  command -v $needed >/dev/null || { echo "skip: there is no $needed" && exit 77; }
done
pkg-config --exists openssl || { echo "skip: OpenSSL's development package is not there" && exit 77; }

unset "${!PLASTIQ_@}" RUSTFLAGS RUSTDOCFLAGS CARGO_BUILD_TARGET LD_PRELOAD LD_LIBRARY_PATH PKG_CONFIG_LIBDIR RUST_TEST_THREADS
export LC_ALL=C.UTF-8 CARGO_TERM_COLOR=never RUST_BACKTRACE=0
umask 022
work=$(mktemp -d)
trap 'status=$?; rm -rf "$work"; exit $status' EXIT
trap 'echo "rust.sh: failed in line $LINENO" >&2' ERR

step() { echo "-- $*"; }
# quietly COMMAND ..: shows what it printed only if it fails
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log" >&2 && return 1; }; }
# tests NAME LEAST ARGUMENT ..: cargo test, how many passed, and each that was left out; fewer than LEAST are a failure
tests() {
  local name=$1 least=$2 passed
  shift 2
  quietly timeout 900 "$cargo" test --locked "$@"
  passed=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$work/log" | awk '{ sum += $1 } END { print sum + 0 }')
  echo "   $name: $passed passed"
  grep -E '^[0-9]+ vectors:' "$work/log" | sed 's/^/   /' || true
  [ "$passed" -ge "$least" ]
}

cd "$binding"
version=$("$cargo" --version | awk '{ print $2 }')
if [ "$(printf '1.85.0\n%s\n' "$version" | sort -V | head -n 1)" != 1.85.0 ]; then
  echo "skip: cargo $version is older than 1.85 (Debian 12: rustc-web and cargo-web)"
  exit 77
fi
pc=$(find "$prefix" -name plastiq.pc -print -quit)
export PKG_CONFIG_PATH=${pc%/*}
libdir=$(realpath "$(pkg-config --variable=libdir plastiq)")
plugindir=$(realpath "$(pkg-config --variable=plugindir plastiq)")
export LD_LIBRARY_PATH=$libdir PLASTIQ_TRANSPORT_DIR=$plugindir CARGO_TARGET_DIR=$work/target
export PLASTIQ_VECTORS=$source_dir/tests/vectors
step "cargo $version, libplastiq $(pkg-config --modversion plastiq)"
if ! quietly "$cargo" fetch --locked; then
  echo "skip: the crates of bindings/rust/Cargo.lock are not here and cannot be had"
  exit 77
fi

step "layout, what is generated, where unsafe is"
[ "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)" = "$(pkg-config --modversion plastiq)" ]
grep -rL 'SPDX-License-Identifier' --include=*.rs --include=*.md --include=*.toml . | grep -v '^./target/' >"$work/without" || true
[ ! -s "$work/without" ] || { echo "no SPDX line: $(cat "$work/without")" >&2 && false; }
unsafe=$(grep -lE '\bunsafe\b *(\{|fn|impl)' plastiq/src/*.rs plastiq/src/*/*.rs plastiq/examples/*.rs || true)
[ "$unsafe" = plastiq/src/raw.rs ] || { echo "unsafe is in: $unsafe" >&2 && false; }
if "$cargo" fmt --version >/dev/null 2>&1; then
  quietly "$cargo" fmt --all --check
  quietly python3 tools/generate --check
else
  echo "skip: there is no rustfmt"
fi
if "$cargo" clippy --version >/dev/null 2>&1; then
  quietly "$cargo" clippy --locked --all-targets --all-features -- -D warnings
  quietly "$cargo" clippy --locked --all-targets -- -D warnings
else
  echo "skip: there is no clippy"
fi
if "$cargo" deny --version >/dev/null 2>&1; then
  quietly "$cargo" deny check bans licenses sources
  echo "skip: cargo deny check advisories: their database comes from outside"
else
  echo "skip: there is no cargo-deny"
fi

step "documentation"
RUSTDOCFLAGS="-D warnings" quietly "$cargo" doc --locked --no-deps --all-features

step "tests over the stub"
tests "all features" 60 --workspace --all-features -- --nocapture
tests "no features" 50 --workspace -- --nocapture
# Moves the clock by which secrets live, once a file is there.
cat >"$work/later.c" <<'C'
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  const char *later = getenv("PLASTIQ_TEST_LATER");
  int result = (int)syscall(SYS_clock_gettime, id, at);
  if (result == 0 && id == CLOCK_BOOTTIME && later != NULL && access(later, F_OK) == 0) at->tv_sec += 61;
  return result;
}
C
cc -shared -fPIC -o "$work/later.so" "$work/later.c"
LD_PRELOAD=$work/later.so PLASTIQ_TEST_LATER=$work/later tests "61 seconds later" 1 --all-features --test behaviour -- --ignored expired

if [ -x "$emulator" ]; then
  for transport in curl openssl; do
    step "against the emulator, over $transport"
    PLASTIQ_TEST_EMULATOR=$emulator PLASTIQ_TRANSPORT=$transport tests "$transport" 11 --all-features --test live -- --ignored --skip child
  done
else
  echo "skip: live: there is no emulator in $prefix"
fi

step "packages, in an empty folder"
# The crates are not in a registry, so a package that needs the other one is only checked by a cargo that packages both at once.
packages=(package --locked --allow-dirty --workspace)
if [ "$(printf '1.90.0\n%s\n' "$version" | sort -V | head -n 1)" != 1.90.0 ]; then
  packages=(package --locked --allow-dirty --package plastiq-sys)
  echo "skip: packaging of plastiq: cargo $version packages no workspace"
fi
quietly "$cargo" "${packages[@]}"
mkdir "$work/packages"
for crate in "$CARGO_TARGET_DIR"/package/*.crate; do tar -xzf "$crate" -C "$work/packages"; done
[ -d "$work/packages/plastiq-0.1.0" ] || ln -s "$binding/plastiq" "$work/packages/plastiq-0.1.0"
mkdir -p "$work/empty/src"
cd "$work/empty"
cat >Cargo.toml <<'TOML'
[package]
name = "example"
version = "0.0.0"
edition = "2024"
[dependencies]
plastiq = { path = "../packages/plastiq-0.1.0", features = ["tokio"] }
[patch.crates-io]
plastiq-sys = { path = "../packages/plastiq-sys-0.1.0" }
TOML
cp "$binding/Cargo.lock" .
python3 - "$binding/README.md" >src/main.rs <<'PYTHON'
import re, sys
print(re.search(r"^```rust[^\n]*\n(.*?)^```", open(sys.argv[1]).read(), re.M | re.S)[1], end="")
PYTHON
export EXAMPLE_TOKEN=test-key-0000000000000000
CARGO_TARGET_DIR=$work/example RUSTFLAGS="-C link-arg=-Wl,-rpath,$libdir" quietly "$cargo" build
secret=$(env -u LD_LIBRARY_PATH "$work/example/debug/example" transport stub allow_test_transports true)
[[ $secret == cs_test_* ]]
if [ -x "$emulator" ]; then
  . "$source_dir/tests/bindings/readme.sh"
  readme_example rust >src/main.rs
  CARGO_TARGET_DIR=$work/example quietly "$cargo" build
  readme_example_runs "$emulator" "$plugindir" "$work/example/debug/example"
fi
cd "$binding"

step "examples"
for example in create concurrent metrics cancel; do
  quietly "$cargo" build --locked --all-features --example $example
  quietly "$CARGO_TARGET_DIR/debug/examples/$example" stub
done

step "a library that is missing, or another one"
# Without the library's folder, pkg-config finds none.
if PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$work "$cargo" build --locked -p plastiq-sys --target-dir "$work/missing" >"$work/log" 2>&1; then false; fi
grep -q 'plastiq-sys needs libplastiq 0.1.0 or a later one, and pkg-config does not find it' "$work/log"
# An older one, as pkg-config tells of it.
mkdir "$work/older"
sed 's/^Version:.*/Version: 0.0.9/' "$pc" >"$work/older/plastiq.pc"
if PKG_CONFIG_PATH=$work/older "$cargo" build --locked -p plastiq-sys --target-dir "$work/missing" >"$work/log" 2>&1; then false; fi
grep -q 'plastiq-sys needs libplastiq 0.1.0 or a later one, and pkg-config does not find it' "$work/log"
grep -q '0\.0\.9' "$work/log"
# One that is gone when the program runs: the loader says so.
if env -u LD_LIBRARY_PATH "$CARGO_TARGET_DIR/debug/examples/create" stub >"$work/log" 2>&1; then false; fi
grep -q 'libplastiq\.so\.1: cannot open shared object file' "$work/log"
# What stands in for one of another ABI.
cat >"$work/other.c" <<'C'
#include <stdint.h>
const char *plq_version(void);
uint32_t plq_abi_version(void);
int32_t plq_abi_require(uint32_t major, uint32_t minor);
const char *plq_version(void) { return "9.8.7"; }
uint32_t plq_abi_version(void) { return UINT32_C(7) << 16 | 3; }
int32_t plq_abi_require(uint32_t major, uint32_t minor) { return (int32_t)(major + minor) > 0 ? 1003 : 0; }
C
cc -shared -fPIC -o "$work/other.so" "$work/other.c"
if LD_PRELOAD=$work/other.so "$CARGO_TARGET_DIR/debug/examples/create" stub >"$work/log" 2>&1; then false; fi
grep -qx 'libplastiq 9.8.7 with the ABI 7.3 was found, and this version of the crate plastiq needs the ABI 1, 1.0 or later' "$work/log"

step "miri, where no C is called"
if "$cargo" +nightly miri --version >/dev/null 2>&1; then
  quietly timeout 900 "$cargo" +nightly miri test --locked --all-features -p plastiq --lib
  grep '^test result' "$work/log" | sed 's/^/   /'
else
  echo "skip: there is no miri"
fi

step "done"
