# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced: makes sure that what the build needs is installed. For Debian 12, also one without sudo and git.

# What it takes to build the library, its transports, the command line and the emulator.
setup_build_packages=(cmake ninja-build gcc libc6-dev pkg-config libcurl4-openssl-dev libssl-dev libffi-dev libjson-c-dev libmsgpack-dev libpopt-dev
  libmicrohttpd-dev)
setup_updated=

# Prints those of the packages that are not installed.
setup_missing() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

setup_apt() {
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

setup_install() {
  if [ -z "$setup_updated" ]; then
    setup_apt update || return
    setup_updated=1
  fi
  setup_apt install --yes --no-install-recommends "$@"
}

# setup_packages [PACKAGE ..]: installs the packages of the build and these, if they are missing. Says what it does in one line, and
# what went wrong if it does. As root, or by sudo.
setup_packages() {
  local missing log
  if ! command -v apt-get >/dev/null; then
    echo "This is no Debian, so nothing can be installed here. Needed are what Debian 12 calls: ${setup_build_packages[*]} $*" >&2
    return 1
  fi
  mapfile -t missing < <(setup_missing "${setup_build_packages[@]}" "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "Debian packages are missing, and this is neither root nor is there sudo. As root: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing Debian packages: ${missing[*]}"
  log=$(mktemp) || return
  if ! setup_install "${missing[@]}" >"$log" 2>&1; then
    echo "The packages could not be installed. apt-get says:" >&2
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# setup_toolchains: Go, Node, Python and Rust, for what is built in those languages: one that is there already is taken, whoever installed it.
setup_toolchains() {
  local missing=0
  command -v go >/dev/null || [ -x /usr/lib/go/bin/go ] || [ -x /usr/local/go/bin/go ] || setup_packages golang-go || missing=1
  command -v node >/dev/null && command -v npm >/dev/null || setup_packages nodejs npm || missing=1
  setup_packages python3-venv python3-dev python3-pip || missing=1
  command -v cargo >/dev/null || [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ] || setup_packages rustc-web cargo-web || missing=1
  return $missing
}

# setup_sources FOLDER PACKAGE ..: puts Debian's source archives of these packages there, if they are missing. From where the system
# has its packages, and without a change to its lists, which have no deb-src lines on most systems. Needs no root.
setup_sources() {
  local folder=$1 own package missing=() list options
  own=$(realpath -m -- "$folder")/apt
  shift
  for package in "$@"; do
    compgen -G "$folder/${package}_*.orig.tar.*" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  mkdir -p "$own/parts" "$own/lists/partial" || return
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] || continue
    sed 's/^Types:.*/Types: deb-src/; s/^deb /deb-src /' "$list" >"$own/parts/${list##*/}"
  done
  options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$own/parts" -o "Dir::State::Lists=$own/lists"
    -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache=)
  echo "fetching source archives: ${missing[*]}"
  apt-get "${options[@]}" update || true # a list of somebody else's may have no sources
  (cd "$folder" && apt-get "${options[@]}" --download-only --tar-only source "${missing[@]}") && rm -rf "$own"
}
