#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules for the source that no compiler checks.

source.py layers  core/ includes downwards only; transports, tools and bindings see the public headers and their own
source.py calls   no getenv in core/ and transports/ but in the one helper; no printing, ending, or changing of the process in core/
source.py licence an SPDX line in each file, and no path of this machine
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
problems = []


def files(*tops, suffixes=(".c", ".h")):
    for top in tops:
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and path.suffix in suffixes and not SKIPPED.intersection(path.relative_to(ROOT).parts):
                yield path, path.relative_to(ROOT).as_posix()


def code(path):
    """The file's lines with comments blanked, and strings too unless the line is an #include."""
    text = path.read_text()
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])  # noqa: E731
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  lambda found: found[0] if found[0].startswith('"') and "#include" in found.string[found.string.rfind("\n", 0, found.start()) + 1:found.start()] else blank(found),
                  text, flags=re.S)
    return text.splitlines()


# ---- layers ----

RANK = {"base": 0, "codec": 1, "plugin": 2, "pipeline": 3, "operations": 4, "api": 5}


def included(path):
    for number, line in enumerate(code(path), 1):
        if found := re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line):
            yield number, found[1], found[2]


def layers():
    seen = 0
    for path, name in files("core"):
        layer = name.split("/")[1]
        if layer == "generated":
            continue
        if layer not in RANK:
            problems.append(f"{name}: core/{layer} is no layer")
            continue
        for number, quote, target in included(path):
            seen += 1
            if quote == "<":
                continue
            to = (path.parent / target).resolve()
            if not to.is_relative_to(ROOT / "core"):
                problems.append(f"{name}:{number}: {target} is not in core/")
                continue
            other = to.relative_to(ROOT / "core").parts[0]
            if other != "generated" and other != layer and not RANK.get(other, 99) < RANK[layer]:
                problems.append(f"{name}:{number}: {layer} includes {other}, which is not below it")
    # The others see what a user sees, and what is their own. The stub runs the emulator's engine, and names statuses in its scripts;
    # the command line shows the cassettes that it makes.
    for path, name in files("transports", "tools", "bindings"):
        for number, quote, target in included(path):
            seen += 1
            if (name, target) == ("transports/stub/names.c", "../../core/generated/status_names.inc"):
                continue
            if "core/" in target:
                problems.append(f"{name}:{number}: {target} is inside the core")
            own = (path.parent / target).exists() or (name.startswith("transports/stub/") and any((ROOT / top / target).exists() for top in ("tools/emulator/engine", "transports/stub/cassette")))
            own = own or (name.startswith("tools/plastiq/") and (ROOT / "transports/stub/cassette" / target).exists())
            own = own or (name.startswith("tools/emulator/") and (ROOT / "tools/emulator/engine" / target).exists())
            # The conformance kit looks at transports with the core's eyes, and has the scripted servers of the tests.
            own = own or (name.startswith("tools/check/") and any((ROOT / top / target).exists() for top in ("core", "tools/testbed")))
            if quote == '"' and not own:
                problems.append(f"{name}:{number}: {target} is neither in its folder nor public")
    for path, name in files("transports"):
        for number, quote, target in included(path):
            if target.startswith("plastiq/") and target not in ("plastiq/transport.h", "plastiq/http1.h", "plastiq/chain.h", "plastiq/status.h", "plastiq/base.h", "plastiq/version.h"):
                problems.append(f"{name}:{number}: {target} is for callers, not for transports")
    return seen


# ---- calls ----

ENVIRONMENT = r"\b(getenv|secure_getenv|setenv|unsetenv|putenv|clearenv|environ)\b"
PRINTING = r"(?<![\w.>])(printf|vprintf|fprintf|vfprintf|dprintf|puts|fputs|putchar|perror|psignal|syslog|error|warn|warnx|err|errx)\s*\(|\b(stdout|stderr|stdin)\b"
ENDING = r"(?<![\w.>])(exit|_exit|_Exit|quick_exit|abort|raise|kill|pthread_exit|longjmp|siglongjmp)\s*\("
CHANGING = (r"(?<![\w.>])(signal|sigaction|sigprocmask|setlocale|uselocale|chdir|fchdir|umask|setrlimit|setuid|setgid|setpriority|nice|srand|srandom|"
            r"alarm|setitimer|system|popen|execv\w*|execl\w*|vfork|fork|dlclose|strtok|localtime|gmtime|asctime|ctime|rand|random)\s*\(")
UNSAFE = r"(?<![\w.>])(gets|strcpy|strcat|sprintf|vsprintf|alloca|tmpnam|mktemp|select)\s*\("
# What is meant: path, pattern, why.
ALLOWED = [
    ("core/base/environment.c", "secure_getenv", "the one helper"),
    ("core/plugin/isolate.c", "dlclose", "of handles had by RTLD_NOLOAD: nothing that was loaded before may be kept by a look at it"),
]


def calls():
    seen, used = 0, set()
    for tops, pattern, what in ((("core", "transports"), ENVIRONMENT, "reads or changes the environment"), (("core", "transports"), PRINTING, "prints"),
                                (("core", "transports"), ENDING, "ends or signals the process"), (("core", "transports"), CHANGING, "changes or shares the process's state"),
                                (("core", "transports"), UNSAFE, "is never safe")):
        for path, name in files(*tops):
            seen += 1
            for number, line in enumerate(code(path), 1):
                for found in re.finditer(pattern, line):
                    word = next(group for group in found.groups() if group)
                    allowed = [row for row in ALLOWED if row[0] == name and row[1] == word]
                    used.update(allowed)
                    if not allowed:
                        problems.append(f"{name}:{number}: {word} {what}")
    problems.extend(f"source.py allows {row[1]} in {row[0]}, where it is not" for row in set(ALLOWED) - used)
    return seen


# ---- licence ----

SPDX = "SPDX-License-Identifier: MIT"
# Formats that have no comments, and what is not ours.
BARE = {".json", ".lock", ".png", ".svg", ".bin", ".sum", ".golden", ".pem", ".mod", ".typed"}
BARE_NAMES = {"LICENSE", ".gitignore", ".gitattributes", ".npmignore", ".dockerignore", ".gitkeep"}
SKIPPED = {".git", "build", "node_modules", "target", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".venv"}


def licence():
    seen = 0
    here = str(ROOT).encode()
    telling = len(ROOT.parts) > 2  # a folder such as /src may well be named in a text
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if not path.is_file() or path.is_symlink() or SKIPPED.intersection(parts) or any(part.startswith("build") for part in parts[:-1]):
            continue
        name, data = "/".join(parts), path.read_bytes()
        seen += 1
        if path.suffix not in BARE and path.name not in BARE_NAMES and SPDX.encode() not in data[:600]:
            problems.append(f"{name}: no {SPDX} in its first lines")
        if telling and here in data:
            problems.append(f"{name}: names {here.decode()}")
    return seen


def main():
    checks = {"layers": layers, "calls": calls, "licence": licence}
    if len(sys.argv) != 2 or sys.argv[1] not in checks:
        sys.exit("usage: source.py " + " | ".join(checks))
    seen = checks[sys.argv[1]]()
    print(*problems, sep="\n")
    print(f"{seen} looked at, {len(problems)} problems")
    sys.exit(1 if problems or seen == 0 else 0)


if __name__ == "__main__":
    main()
