#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disables each rule of "Required behaviour, by case" once, in a copy of the source, and sees whether the row's tests notice.

mutants.toml lists them. A mutant that no test kills is a test that is missing. Nothing outside a temporary folder is changed.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ROWS = [f"{number:02}" for number in range(1, 27)]
UNWANTED = {"CFLAGS", "CPPFLAGS", "LDFLAGS", "LD_PRELOAD", "LD_LIBRARY_PATH", "SSLKEYLOGFILE", "MAKEFLAGS", "DESTDIR"}
GRACE = 0.5  # seconds that a test gets to clean up once one of its cases has failed
# What ctest -V prints.
STARTED = re.compile(r" *Start +(\d+): (\S+)")
ENDED = re.compile(r" *\d+/\d+ Test +#\d+: (\S+) \.* *(?:\*\*\*)?(\S.*?) +([\d.]+) sec")
UNIT_TEST = re.compile(r"\^?(unit/\w+|ffi)/\w")  # what a mutant's `test` begins with, if it is none of its row
FAILED_CASE = re.compile(r"(\d+): \[  FAILED  \] ([a-z]\S*)$")


class Wrong(Exception):
    """What is wrong with a mutant, so that it says nothing about the tests."""


@dataclass
class Edit:
    file: str
    old: str
    new: str

    def apply(self, tree):
        path = tree / self.file
        if not path.is_file():
            raise Wrong(f"there is no {self.file}")
        text = path.read_text()
        count = text.count(self.old)
        if count != 1:
            raise Wrong(f"stale: its text occurs {count} times in {self.file}")
        path.write_text(text.replace(self.old, self.new))
        return path, text


@dataclass
class Mutant:
    row: str
    name: str
    test: str
    edits: list


@dataclass
class Verdict:
    mutant: Mutant
    outcome: str  # "killed", "survived", or "wrong"
    detail: str
    seconds: float


# ---- the list ----


def read_edit(entry, where):
    for key in ("file", "from", "to"):
        if not isinstance(entry.get(key), str):
            sys.exit(f"mutants.toml: {where}: {key} is missing")
    return Edit(entry["file"], entry["from"], entry["to"])


def read_mutants(path):
    with open(path, "rb") as file:
        entries = tomllib.load(file)["mutant"]
    mutants, seen = [], set()
    for entry in entries:
        row, name = entry.get("row"), entry.get("name")
        where = f"row {row}: {name}"
        if row not in ROWS or not name:
            sys.exit(f"mutants.toml: {where}: needs a row from 01 to 26 and a name")
        if (row, name) in seen:
            sys.exit(f"mutants.toml: {where}: comes twice")
        unknown = entry.keys() - {"row", "name", "file", "from", "to", "test", "and"}
        if unknown:
            sys.exit(f"mutants.toml: {where}: no such key: {', '.join(sorted(unknown))}")
        seen.add((row, name))
        edits = [read_edit(entry, where)] + [read_edit({"file": entry["file"], **more}, where) for more in entry.get("and", [])]
        mutants.append(Mutant(row, name, entry.get("test", f"^row-{row}"), edits))
    return sorted(mutants, key=lambda mutant: mutant.row)


# ---- the copy and its build ----


def run(command, limit=None, enough=None, **options):
    """Runs a command in a group of its own, which ends with it. Returns its status, None if it was cut short, and what it printed.

    It is cut short after `limit` seconds, or GRACE seconds after a line that `enough` is true for.
    """
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True, **options)
    lines, seen = [], threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line)
            if enough and enough(line):
                seen.set()

    reader = threading.Thread(target=read)
    reader.start()
    end = time.monotonic() + limit if limit else float("inf")
    try:
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
            if seen.is_set() and end - time.monotonic() > GRACE:
                end = time.monotonic() + GRACE
    finally:
        status = process.poll()
        if status is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join()
    return status, "".join(lines)


def copy_tree(to):
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"], stdout=subprocess.PIPE)
    if listed.returncode != 0:
        sys.exit("git does not tell which files are the source")
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, to / name
        if not source.is_symlink() and not source.is_file():
            continue  # deleted, and not yet committed so
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


class Build:
    def __init__(self, tree, jobs):
        self.tree, self.folder, self.jobs = tree, tree / "build" / "mutants", jobs
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("PLASTIQ_", "CTEST_")) and key not in UNWANTED}
        self.env["LC_ALL"] = "C.UTF-8"
        self.env["TMPDIR"] = str(tree / "build" / "tmp")  # what a test that was cut short leaves behind goes with the tree
        self.tests = {}  # name: what has to be built for it
        # Loaded at run time, so that no test depends on them.
        self.transports = [f"transport-{path.parent.name}" for path in sorted(tree.glob("transports/*/CMakeLists.txt")) if path.parent.name != "common"]
        self.seconds = {}  # name: how long it took unchanged

    def run(self, command, limit=None, enough=None):
        return run(command, limit, enough, cwd=self.tree, env=self.env)

    def prepare(self, mutants):
        """Builds what the mutants' tests are: the rows, and folders of unit tests that a mutant names."""
        Path(self.env["TMPDIR"]).mkdir(parents=True)
        status, output = self.run(["cmake", "--preset", "debug", "-B", self.folder, "-DPLASTIQ_WERROR=OFF"])
        if status != 0:
            sys.exit(f"{output}\nthe source cannot be configured")
        folders = {found[1] for mutant in mutants if (found := UNIT_TEST.match(mutant.test))}
        status, output = self.build("tests/rows/all", *(f"tests/{folder}/all" for folder in sorted(folders)))
        if status != 0:
            sys.exit(f"{output[-4000:]}\nthe source does not build, and nothing was mutated yet")
        # ctest tells the program of a test only once it is built.
        status, output = self.run(["ctest", "--test-dir", self.folder, "--show-only=json-v1"])
        for test in json.loads(output)["tests"]:
            program = Path(test["command"][0]) if test.get("command") else None
            if program and program.is_relative_to(self.folder):
                self.tests[test["name"]] = str(program.relative_to(self.folder))

    def select(self, mutant):
        """The tests that are to notice. Only those of its row: another row's test would hide that this row's is missing. What only a unit
        test can show names that one."""
        names = [name for name in self.tests if re.search(mutant.test, name)]
        own = UNIT_TEST if UNIT_TEST.match(mutant.test) else re.compile(f"row-{mutant.row}(-|$)")
        strange = [name for name in names if not own.match(name)]
        if not names:
            raise Wrong(f"no test is called {mutant.test}")
        if strange:
            raise Wrong(f"{', '.join(strange)} is no test of row {mutant.row}")
        return names

    def build(self, *targets):
        return self.run(["cmake", "--build", self.folder, "--parallel", self.jobs, "--target", "plastiq", *self.transports, *targets])

    def build_for(self, names):
        return self.build(*sorted({self.tests[name] for name in names}))

    def test(self, names, limit=None, enough=None):
        """Runs tests. Returns {name: (verdict, seconds)} of those that ended, {name: [case, ..]} of what failed, and whether all ended."""
        pattern = "^(" + "|".join(re.escape(name) for name in names) + ")$"
        status, output = self.run(["ctest", "--test-dir", self.folder, "-V", "-R", pattern, "--parallel", self.jobs], limit, enough)
        verdicts, cases, numbers = {}, {}, {}
        for line in output.splitlines():
            if started := STARTED.match(line):
                numbers[started[1]] = started[2]
            elif ended := ENDED.match(line):
                verdicts[ended[1]] = (ended[2].replace("***", " ").rstrip(": "), float(ended[3]))
            elif failed := FAILED_CASE.match(line):
                of_test = cases.setdefault(numbers[failed[1]], [])
                if failed[2] not in of_test:
                    of_test.append(failed[2])
        return verdicts, cases, status is not None

    def baseline(self, names):
        verdicts, cases, _ = self.test(names)
        bad = sorted(name for name in names if verdicts.get(name, ("Lost",))[0] != "Passed")
        for name in bad:
            print(f"{name}: {verdicts.get(name, ('Lost',))[0]}: {', '.join(cases.get(name, ['?']))}")
        if bad:
            sys.exit(f"nothing was mutated yet, and these do not pass: {', '.join(bad)}")
        self.seconds = {name: verdicts[name][1] for name in names}


# ---- one mutant ----


def killed_by(verdicts, cases, ended):
    """What noticed, as text; empty if nothing did."""
    killers = []
    for name in sorted(cases):
        more = f" and {len(cases[name]) - 1} more" if len(cases[name]) > 1 else ""
        killers.append(f"{name}: {cases[name][0]}{more}")
    for name, (verdict, _) in sorted(verdicts.items()):
        if name not in cases and verdict not in ("Passed", "Skipped"):
            killers.append(f"{name}: {verdict}")
    return "; ".join(killers) or ("" if ended else "a time limit")


def try_mutant(build, mutant, patient):
    began, undo = time.monotonic(), []
    try:
        names = build.select(mutant)
        for edit in mutant.edits:
            undo.append(edit.apply(build.tree))
        status, output = build.build_for(names)
        if status != 0:
            raise Wrong(f"it does not compile:\n{output[-2000:]}")
        # A mutant may make a test hang: that is noticed, too.
        limit = max(12, 5 * sum(build.seconds[name] for name in names))
        verdicts, cases, ended = build.test(names, limit, None if patient else FAILED_CASE.match)
        detail = killed_by(verdicts, cases, ended)
        outcome = "killed" if detail else "survived"
        if not detail:
            detail = f"noticed by none of {', '.join(names)}"
        if patient:
            detail += "".join(f"\n      {name}: {case}" for name in sorted(cases) for case in cases[name][:10])
    except Wrong as error:
        outcome, detail = "wrong", str(error)
    finally:
        for path, text in reversed(undo):
            path.write_text(text)
    return Verdict(mutant, outcome, detail, time.monotonic() - began)


# ---- all of them ----


def show(row, name, detail, seconds, width):
    print(f"{row:3} | {name:{width}} | {detail} | {seconds}", flush=True)


def report(verdicts, mutants, complete):
    lacking = [row for row in ROWS if row not in {mutant.row for mutant in mutants}] if complete else []
    bad = [verdict for verdict in verdicts if verdict.outcome != "killed"]
    print()
    for row in ROWS:
        of_row = [verdict for verdict in verdicts if verdict.mutant.row == row]
        if of_row:
            print(f"row {row}: {sum(verdict.outcome == 'killed' for verdict in of_row)} of {len(of_row)} killed")
    for verdict in bad:
        print(f"{verdict.outcome.upper()}: row {verdict.mutant.row}: {verdict.mutant.name}: {verdict.detail}")
    for row in lacking:
        print(f"row {row} has no mutant")
    print(f"{len(verdicts) - len(bad)} passed, {len(bad) + len(lacking)} failed")
    return 1 if bad or lacking else 0


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", action="append", default=[], metavar="NN", help="only this row; may come several times")
    parser.add_argument("--name", metavar="PART", default="", help="only mutants whose name has this in it")
    parser.add_argument("--list", action="store_true", help="show the mutants and do nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="compilers and tests at once (%(default)s)")
    parser.add_argument("--patient", action="store_true", help="run each test to its end, and show more of the cases that failed")
    arguments = parser.parse_args()
    arguments.row = [row.zfill(2) for row in arguments.row]
    for row in arguments.row:
        if row not in ROWS:
            parser.error(f"there is no row {row}")
    if arguments.jobs < 1:
        parser.error("--jobs needs a number of 1 or more")
    return arguments


def main():
    arguments = read_arguments()
    mutants = read_mutants(HERE / "mutants.toml")
    chosen = [m for m in mutants if (not arguments.row or m.row in arguments.row) and arguments.name in m.name]
    width = max((len(mutant.name) for mutant in chosen), default=4)
    if arguments.list:
        for mutant in chosen:
            print(f"{mutant.row} | {mutant.name:{width}} | {', '.join(edit.file for edit in mutant.edits)} | {mutant.test}")
        return 0
    if not chosen:
        sys.exit("no such mutant")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="plastiq-mutants-") as folder:
        tree = Path(folder).resolve()
        copy_tree(tree)
        build = Build(tree, arguments.jobs)
        began = time.monotonic()
        build.prepare(chosen)
        names = set()
        for mutant in chosen:
            try:
                names.update(build.select(mutant))
            except Wrong:
                pass  # told when its turn comes
        build.baseline(sorted(names))
        print(f"unchanged, {len(names)} tests pass ({time.monotonic() - began:.0f} s with the build)\n")
        show("row", "mutant", "killed by", "seconds", width)
        verdicts = []
        for mutant in chosen:
            verdict = try_mutant(build, mutant, arguments.patient)
            verdicts.append(verdict)
            told = verdict.detail if verdict.outcome == "killed" else f"{verdict.outcome.upper()}: {verdict.detail}"
            show(mutant.row, mutant.name, told, f"{verdict.seconds:.1f}", width)
    return report(verdicts, chosen, not arguments.row and not arguments.name)


if __name__ == "__main__":
    sys.exit(main())
