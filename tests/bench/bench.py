#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures libplastiq against what one would write by hand, on one local nginx. tools/bench builds what it needs and calls it."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import report
import rows
from measure import NO_PROGRAM, Failure, Setting
from server import Server

ROOT = Path(__file__).resolve().parent.parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="a build folder with PLASTIQ_BENCH")
    parser.add_argument("--mode", choices=("full", "quick", "smoke"), default="full")
    parser.add_argument("--part", action="append", choices=rows.PARTS, help="only this part; may be given several times")
    parser.add_argument("--write", action="store_true", help="refresh docs/bench.json, docs/bench.svg and README.md")
    options = parser.parse_args()
    if options.write and (options.part or options.mode == "smoke"):
        parser.error("--write is for a run of all parts")
    return options


def parts(mode):
    """All; for a smoke test those in C, since the others are built apart."""
    return [part for part in rows.PARTS if mode != "smoke" or part != "bindings"]


def processors():
    """One for nginx, one for what is timed; None where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def draw(results, path):
    from draw import draw as as_svg  # matplotlib is for this alone, and a smoke test does without

    as_svg(results, path)


def main():
    options = arguments()
    missing = [name for name in ("nginx", "wrk", "valgrind", "strace", "openssl", "strip") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        print(f"skip: there is no {', no '.join(missing)}")
        return 77 if options.mode == "smoke" else 1
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that nginx is ended too
        signal.signal(number, lambda *_: sys.exit(1))

    def say(text):
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    for_server, for_client = processors()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Server(folder, for_server) as server:
        bench = rows.Bench(Setting(options.build / "bench", server, for_client), options.mode, say)
        try:
            results = bench.run(options.build, options.part or parts(options.mode))
        except Failure as failure:
            sys.exit(f"tools/bench: {failure}")
    facts = report.machine()
    print(report.table(results.rows))
    print(f"\n{report.tally(results.rows)}. Measured in {time.monotonic() - began:.0f} s on {report.machine_text(facts)}")
    text = report.as_json(results, facts, options.mode)
    (options.build / "bench.json").write_text(text)
    if options.mode != "smoke":
        draw(json.loads(text), options.build / "bench.svg")
    if options.write:
        for name in ("bench.json", "bench.svg"):
            shutil.copyfile(options.build / name, ROOT / "docs" / name)
        report.put_into(ROOT / "README.md", report.markdown(results, facts, options.mode))
        report.put_into(ROOT / "docs" / "speed.md", report.missed(results))
    if options.mode == "smoke":
        missing = {row.trouble for row in results.rows if row.trouble.startswith(NO_PROGRAM)}
        for trouble in sorted(missing):
            print(f"skip: {trouble}")
        return 0 if all(row.verdict != "not measured" or row.trouble in missing for row in results.rows) else 1
    return 0 if all(row.verdict in ("reached", "told") for row in results.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
