#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the Python package in an empty folder, installs its wheel, and tests it: tests/bindings/python.sh
#
#   PREFIX_DIR     where the library is installed with its headers and transports (cmake --install); required
#   EMULATOR_BIN   the emulator; without it what needs one is skipped, and counted
#   PYTHON         the Python to use: python3, of 3.11 or later for the tests
#   PYTHONS        further ones, in which the same wheel must work: python3.9 to python3.14, as far as they are there
#   WORK_DIR       where to build; a temporary folder unless said
#
# Needs a C compiler, pkg-config, readelf, Python's headers and its module venv (Debian: gcc pkg-config binutils python3-dev python3-venv), and
# from the registry what bindings/python/tests/requirements.txt pins. Ends with 77 if one of these cannot be had.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
python=${PYTHON:-python3}
skip() {
  echo "skip: $1"
  exit 77
}
step() { printf '== %s\n' "$1"; }

[ -n "${PREFIX_DIR:-}" ] || skip "PREFIX_DIR does not say where the library is installed"
pc=$(find "$PREFIX_DIR" -name plastiq.pc -print -quit)
[ -n "$pc" ] || skip "there is no plastiq.pc in PREFIX_DIR"
for tool in cc pkg-config readelf "$python"; do
  command -v "$tool" >/dev/null || skip "$tool is missing (Debian: gcc pkg-config binutils python3)"
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || skip "$python is older than 3.11, and the tests read TOML"
"$python" -c 'import ensurepip, venv' 2>/dev/null || skip "Python's module venv is missing (Debian: python3-venv)"
header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
[ -e "$header" ] || skip "Python's headers are missing (Debian: python3-dev)"

work=${WORK_DIR:-}
if [ -z "$work" ]; then
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
fi
set -e
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
# A prefix that is not the one of configuring keeps its transports where the library does not look.
TRANSPORT_DIR=$(find "$PREFIX_DIR" -name 'libplastiq-transport-*.so' -printf '%h\n' -quit)
export PKG_CONFIG_PATH TRANSPORT_DIR PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

step "tools from the registry"
rm -rf "$work/tools"
"$python" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --requirement "$root/bindings/python/tests/requirements.txt" >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log"
  skip "the registry does not give the packages of bindings/python/tests/requirements.txt"
}

step "a wheel, from a source archive, in an empty folder"
rm -rf "$work/copy" "$work/dist" "$work/empty" "$work/plain" "$work/opened"
mkdir -p "$work/dist" "$work/empty"
cp -r "$root/bindings/python" "$work/copy"
(cd "$work/copy" && rm -rf build src/*.egg-info && "$work/tools/bin/python" -c '
import sys
from setuptools import build_meta
build_meta.build_sdist(sys.argv[1])' "$work/dist") >"$work/sdist.log" 2>&1 || {
  tail -n 20 "$work/sdist.log"
  exit 1
}
cd "$work/empty"
"$work/tools/bin/pip" wheel --quiet --no-build-isolation --no-deps --no-cache-dir --wheel-dir "$work/dist" "$work"/dist/plastiq-*.tar.gz
wheel=$(ls "$work"/dist/plastiq-0.1.0-cp39-abi3-*.whl)
echo "${wheel##*/}"
"$work/tools/bin/python" -m zipfile -e "$wheel" "$work/opened"
cmp "$root/LICENSE" "$work"/opened/plastiq-0.1.0.dist-info/licenses/LICENSE

step "installed where nothing else is"
"$python" -m venv "$work/plain"
"$work/plain/bin/pip" install --quiet "$wheel" cffi==2.1.1 msgpack==1.2.4
"$work/plain/bin/python" -I -c 'import plastiq, plastiqpublicapi.plastiqpublicapi_client; print("libplastiq", plastiq.version())'

if [ -n "${EMULATOR_BIN:-}" ]; then
  step "the example of the README at the top"
  . "$root/tests/bindings/readme.sh"
  readme_example python >"$work/readme.py"
  readme_example_runs "$EMULATOR_BIN" "$TRANSPORT_DIR" "$work/plain/bin/python" -I "$work/readme.py"
fi

step "the same wheel in other Pythons"
others=0
for other in ${PYTHONS:-python3.9 python3.10 python3.11 python3.12 python3.13 python3.14}; do
  { "$other" -c 'import ensurepip, sys; sys.exit("%d.%d" % sys.version_info[:2] == sys.argv[1])' \
    "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; } 2>/dev/null || continue
  rm -rf "$work/other"
  "$other" -m venv "$work/other"
  "$work/other/bin/pip" install --quiet "$wheel"
  "$work/other/bin/python" -I -W error -c '
import sys, plastiq, plastiqpublicapi.plastiqpublicapi_client
with plastiq.Client(transport="stub", allow_test_transports=True, transport_dir=sys.argv[1], access_token="test-key-0000000000000000") as client:
    print("%d.%d" % sys.version_info[:2], len(client.client_secrets.create().client_secret.take()))' "$TRANSPORT_DIR"
  others=$((others + 1))
done
[ "$others" -gt 0 ] || echo "skip: no other Python is here for the wheel to be tried in"

step "ruff, mypy"
"$work/tools/bin/pip" install --quiet --no-deps --force-reinstall "$wheel"
cd "$root/bindings/python"
"$work/tools/bin/ruff" check --no-cache .
"$work/tools/bin/ruff" format --no-cache --check .
"$work/tools/bin/mypy" --cache-dir "$work/mypy"
"$work/tools/bin/mypy" --cache-dir "$work/mypy" --strict examples/blocking.py examples/event_loop.py examples/web_server.py tests/typed.py

step "tests"
"$work/tools/bin/python" -m pytest "$@"
