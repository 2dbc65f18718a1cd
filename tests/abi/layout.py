#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layout of the structs of transport.h, http1.h and chain.h, at 64 and at 32 bits, against the tables beside this script.

layout.py [--update] CC: asks the compiler for the offset and size of each field by the constants in its assembly, so that nothing has to
run and no 32-bit C library is needed.  Also checks the rules of transport.h: struct_size first, no padding, none at the end.
A struct may only grow at its end, and a field never moves: --update is for that.
"""
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / "include"
HEADERS = ("plastiq/transport.h", "plastiq/http1.h", "plastiq/chain.h")
SPDX = "# SPDX-License-Identifier: MIT\n# Made by tests/abi/layout.py --update. Struct, field, offset, size.\n"
# Without struct_size: rows of arrays have a stride in place of it, and the note's form is ELF's.
UNSIZED = {"plq_transport_header", "plq_transport_option", "plq_transport_value", "plq_transport_note"}


def structs(text):
    """Yields (struct, [field, ..]) in the order of the header."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\n\} \1;", text, flags=re.S):
        fields = []
        for part in body.split(";"):
            if part.strip():
                found = re.search(r"\(\*(\w+)\)\s*\(", part) or re.search(r"(\w+)\s*(?:\[\w+\])?\s*$", part)
                fields.append(found[1])
        yield name, fields


def measure(compiler, flags, all_structs):
    source = [*(f"#include <{header}>" for header in HEADERS), "void measure(void);", "void measure(void) {"]
    for name, fields in all_structs:
        source.append(f'  __asm__("@ {name} - 0 %c0" : : "i"(sizeof({name})));')
        for field in fields:
            source.append(f'  __asm__("@ {name} {field} %c0 %c1" : : "i"(offsetof({name}, {field})), "i"(sizeof((({name} *)0)->{field})));')
    source.append("}\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measure.c"
        path.write_text("\n".join(source))
        done = subprocess.run([compiler, *flags, f"-I{INCLUDE}", "-O0", "-S", "-o", "-", str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return [(name, field, int(offset), int(size)) for name, field, offset, size in re.findall(r"@ (\w+) (\S+) (\d+) (\d+)", done.stdout)]


def rules(rows, which):
    problems, at, last = [], 0, None
    sizes = {name: size for name, field, _, size in rows if field == "-"}
    for name, field, offset, size in rows + [("", "-", 0, 0)]:
        if field == "-":
            if last is not None and at != sizes[last]:
                problems.append(f"{which}: {last} has {sizes[last] - at} bytes of padding at its end")
            at, last = 0, name
            continue
        if at == 0 and name not in UNSIZED and (field, size) != ("struct_size", 4):
            problems.append(f"{which}: {name} does not begin with a uint32_t struct_size")
        if offset != at:
            problems.append(f"{which}: {name} has {offset - at} bytes of padding before {field}")
        at = offset + size
    return problems


def compare(rows, path, which):
    want = [tuple(line.split()) for line in path.read_text().splitlines() if line and not line.startswith("#")]
    got = [tuple(map(str, row)) for row in rows]
    problems = [f"{which}: {' '.join(row)} was there and is not, or is not the same" for row in want if row not in got]
    return problems + [f"{which}: {' '.join(row)} is new or changed" for row in got if row not in want]


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ["--update"]
    compiler = arguments[-1] if len(arguments) > update else "cc"
    all_structs = [struct for header in HEADERS for struct in structs((INCLUDE / header).read_text())]
    if len(all_structs) < 15:
        sys.exit(f"found only {len(all_structs)} structs in {' and '.join(HEADERS)}")
    problems = []
    models = [("lp64", ["-std=c11"])]
    if platform.machine() in ("x86_64", "i686"):
        models = [("lp64", ["-std=c11", "-m64"]), ("ilp32", ["-std=c11", "-m32", "-ffreestanding"])]
    for which, flags in models:
        rows, path = measure(compiler, flags, all_structs), HERE / f"layout-{which}.txt"
        if len(rows) != sum(len(fields) + 1 for _, fields in all_structs):
            sys.exit(f"{which}: the compiler answered {len(rows)} rows")
        problems += rules(rows, which)
        if update:
            path.write_text(SPDX + "".join(" ".join(map(str, row)) + "\n" for row in rows))
        else:
            problems += compare(rows, path, which)
        print(f"{which}: {len(all_structs)} structs, {len(rows) - len(all_structs)} fields")
    print(*problems, sep="\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
