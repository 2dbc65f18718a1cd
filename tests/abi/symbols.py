#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the shared objects export and what they need.

symbols.py SOURCE-FOLDER LIBRARY TRANSPORT-FOLDER: the library exports exactly what core/tables/abi.toml, core/generated/libplastiq.map and
the headers say, under the version of each; a transport exports its entry function; the library needs no TLS and no HTTP library, by
itself or through another one; nothing can be written and run, and everything is bound at the start.
"""
import re
import subprocess
import sys
import tomllib
from pathlib import Path

source, library, transports = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
problems = []
ENTRY = "plq_transport_entry_v1"
FORBIDDEN = re.compile(r"^lib(ssl|crypto|curl(-gnutls|-nss)?|gnutls|nss3|mbedtls|mbedcrypto|wolfssl|nghttp2|nghttp3|ngtcp2|neon|serf|soup|microhttpd|hyper)\b")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def same(what, got, want):
    for name in sorted(got - want):
        problems.append(f"{what}: {name} is too much")
    for name in sorted(want - got):
        problems.append(f"{what}: {name} is missing")


def exported(path):
    """Defined, visible dynamic symbols as a set of (name, version)."""
    found = set()
    for line in run("readelf", "--wide", "--dyn-syms", str(path)).splitlines():
        part = line.split()
        if len(part) < 8 or not part[0].endswith(":") or part[6] in ("UND", "Ndx") or part[4] not in ("GLOBAL", "WEAK"):
            continue
        name, _, version = part[7].partition("@@")
        if part[6] == "ABS" and part[2] == "0" and not version:
            continue  # the name of a version itself
        found.add((name, version))
    return found


def dynamic(path, tag):
    return re.findall(rf"\({tag}\).*\[(.*)\]", run("readelf", "--wide", "--dynamic", str(path)))


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


# ---- what is exported ----

manifest = {(f["name"], "PLASTIQ_" + f["since"]) for f in tomllib.loads((source / "core/tables/abi.toml").read_text())["function"]}
names = {name for name, _ in manifest}

mapped, version = set(), None
for line in (source / "core/generated/libplastiq.map").read_text().splitlines():
    if found := re.match(r"(PLASTIQ_[0-9.]+) \{", line):
        version = found[1]
    elif found := re.match(r"\s+(plq_\w+);", line):
        mapped.add((found[1], version))
same("libplastiq.map against abi.toml", mapped, manifest)
same("libplastiq.so against abi.toml", exported(library), manifest)

declared = {}
for header in sorted((source / "include/plastiq").glob("*.h")):
    for name in re.findall(r"PLQ_API\b[^;(]*?\b(plq_\w+)\s*\(", without_comments(header.read_text())):
        declared.setdefault(name, []).append(header.name)
same("PLQ_API in the headers against abi.toml", set(declared), names)
problems += [f"{name} is declared in {' and '.join(where)}" for name, where in declared.items() if len(where) > 1]
for function in tomllib.loads((source / "core/tables/abi.toml").read_text())["function"]:
    if function["header"] not in declared.get(function["name"], [function["header"]]):
        problems.append(f"{function['name']} is declared in {declared[function['name']][0]}, and abi.toml says {function['header']}")

plugins = sorted(transports.glob("libplastiq-transport-*.so"))
if not plugins:
    problems.append(f"no transport in {transports}")
for plugin in plugins:
    same(plugin.name, {name for name, _ in exported(plugin)}, {ENTRY})
    for needed in dynamic(plugin, "NEEDED"):
        if needed.startswith("libplastiq"):
            problems.append(f"{plugin.name} needs {needed}: a transport links against nothing of libplastiq")

# ---- what is needed ----

if dynamic(library, "SONAME") != ["libplastiq.so.1"]:
    problems.append(f"SONAME is {dynamic(library, 'SONAME')}")
for needed in dynamic(library, "NEEDED"):
    if FORBIDDEN.match(needed):
        problems.append(f"libplastiq.so needs {needed}")
for line in run("ldd", str(library)).splitlines():
    if FORBIDDEN.match(line.strip()):
        problems.append(f"libplastiq.so needs, through another library: {line.strip()}")
    if "not found" in line:
        problems.append(f"libplastiq.so: {line.strip()}")

# ---- how they are linked ----

for path in [library, *plugins]:
    segments, tags = run("readelf", "--wide", "--segments", str(path)), run("readelf", "--wide", "--dynamic", str(path))
    for line in segments.splitlines():
        part = line.split()
        if part and part[0] in ("LOAD", "GNU_STACK") and "W" in line.split("0x")[-2] and "E" in line.split("0x")[-2]:
            problems.append(f"{path.name}: a segment can be written and run: {line.strip()}")
    if "GNU_RELRO" not in segments:
        problems.append(f"{path.name}: relocations stay writable")
    if "NOW" not in tags:
        problems.append(f"{path.name}: symbols are bound late")
    if "(TEXTREL)" in tags:
        problems.append(f"{path.name}: code is relocated")

print(*problems, sep="\n")
print(f"{len(manifest)} functions, {len(plugins)} transports, {len(problems)} problems")
sys.exit(1 if problems else 0)
