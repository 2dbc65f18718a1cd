# SPDX-License-Identifier: MIT
"""Checks tests/vectors/matrix.json: which cases test each fault that a transport must survive. A case that is named there and does
not exist is a hole in the matrix; so is a fault that some TLS transport does not meet, or meets less well, while the row does not say why."""

import json
import re
import sys
from pathlib import Path

FAULTS = 62  # rows of the matrix: none may get lost
NO_SOCKET = {"an allocation fails"}  # tested where there is none
TESTS = Path(__file__).resolve().parent.parent


def load_vectors():
    """All vectors by name, such as row-19/tls-alert."""
    found = {}
    for path in sorted((TESTS / "vectors").glob("row-*.json")):
        cases = json.loads(path.read_text())
        for case in cases if isinstance(cases, list) else [cases]:
            found[f"row-{case['row']}/{case['name']}"] = case
    return found


def load_programs():
    """All tests in C by name, such as row-19-failures/test_resolve; the value tells whether each TLS transport runs it."""
    found = {}
    for path in TESTS.glob("rows/*_test.c"):
        program = path.name.removesuffix("_test.c").replace("_", "-")
        text = path.read_text()
        for name in re.findall(r"cmocka_unit_test_setup_teardown\((\w+),", text):
            found[f"{program}/{name}"] = "fixture_tls(" in text
    for path in TESTS.glob("unit/*/*_test.c"):
        program = "unit/" + str(path.relative_to(TESTS / "unit")).removesuffix("_test.c")
        found[program] = False
        for name in re.findall(r"^static void (\w+)\(void \*\*state\)", path.read_text(), re.M):
            found[f"{program}/{name}"] = False
    return found


def tls_transports():
    """The one list of them."""
    return re.search(r"set\(PLASTIQ_TLS_TRANSPORTS (.*)\)", (TESTS / "CMakeLists.txt").read_text())[1].split()


def check(entry, vectors, programs):
    """Yields what is wrong with one row of the matrix."""
    tls = tls_transports()
    ran, weaker = set(), set()
    for name in entry["cases"]:
        if name in vectors:
            case = vectors[name]
            ran |= set(case.get("transports", tls))
            weaker |= set(case.get("outcome_on", {}))
        elif name in programs:
            ran |= set(tls if programs[name] else [])
        else:
            yield f"no such case: {name}"
    for transport in tls:
        if transport in entry:
            continue
        if transport not in ran and entry["fault"] not in NO_SOCKET:
            yield f"no case of it runs on {transport}, and the row does not say why"
        if transport in weaker:
            yield f"a case has outcome_on for {transport}, and the row does not say why"


def main():
    """Prints what is wrong; the exit status tells whether anything is."""
    vectors, programs = load_vectors(), load_programs()
    entries = json.loads((TESTS / "vectors" / "matrix.json").read_text())
    problems = [f"{entry['fault']}: {problem}" for entry in entries for problem in check(entry, vectors, programs)]
    if len({entry["fault"] for entry in entries}) != FAULTS:
        problems.append(f"{len(entries)} rows, not {FAULTS}")
    named = {name for entry in entries for name in entry["cases"]}
    for problem in problems:
        print(problem)
    print(f"{len(entries)} faults, {len(named)} cases, {sum(bool(set(entry) - {'fault', 'cases'}) for entry in entries)} with a word on one transport, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
