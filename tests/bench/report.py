# SPDX-License-Identifier: MIT
"""What was measured, as a table, as JSON, and as the part of README that shows it."""
import json
import os
import platform
import re
import subprocess
from pathlib import Path

BEGIN, END = "<!-- bench: begin; refreshed by tools/bench --write -->", "<!-- bench: end -->"
PACKAGES = ("libssl3", "libcurl4", "libjson-c5", "libmsgpackc2", "nginx-light", "wrk", "valgrind", "libc6")


def machine():
    """What the numbers depend on. Ratios depend on it less."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(), re.M))
    versions = {}
    for package in PACKAGES:
        done = subprocess.run(["dpkg-query", "--show", "--showformat=${Version}", package], capture_output=True, text=True)
        if done.returncode == 0:
            versions[package] = done.stdout
    kernel = re.match(r"[0-9.]*[0-9]", platform.release())  # what comes behind it is somebody's own
    return {"cpu": cpu[1] if cpu else platform.machine(), "cores": os.cpu_count(), "kernel": f"{platform.system()} {kernel[0] if kernel else ''}".strip(),
            "distribution": release.get("PRETTY_NAME", "unknown"), "versions": versions}


def machine_text(facts):
    names = {"libssl3": "OpenSSL", "libcurl4": "libcurl", "nginx-light": "nginx", "libjson-c5": "json-c", "libc6": "glibc", "valgrind": "valgrind", "wrk": "wrk"}
    versions = ", ".join(f"{name} {re.split('[-+~]', re.sub('^[0-9]+:', '', facts['versions'][package]))[0]}"
                         for package, name in names.items() if package in facts["versions"])
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['kernel']}, {facts['distribution']}; {versions}"


# ---- numbers ----


def number(value, unit):
    if value is None:
        return "-"
    if unit == "instructions":
        return f"{value:,.0f}"
    if unit == "KiB" or abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def with_spread(value, spread, unit):
    text = number(value, unit)
    if spread is not None and spread.high > spread.low:
        text += f" ({number(spread.low, unit)} to {number(spread.high, unit)})"
    return text


def plus(row, value):
    return "+" if row.how == "above" and value >= 0 else ""


def value_of(row):
    if row.value is None:
        return "-"
    if row.how == "ratio":  # what misses its limit by less than a hundredth does not look like it
        close = row.verdict == "missed" and f"{row.value:.2f}" == f"{row.limit:.2f}"
        return f"{row.value:.{3 if close else 2}f} x"
    return f"{plus(row, row.value)}{number(row.value, row.unit)} {unit_of(row)}"


def unit_of(row):
    return {"us": "µs", "instructions": "instr."}.get(row.unit, row.unit)


def limit_of(row):
    if row.limit is None:
        return "-"
    return f"{row.limit:.2f} x" if row.how == "ratio" else f"{plus(row, row.limit)}{number(row.limit, row.unit)}"


def both_of(row):
    if row.ours is None:
        return row.trouble or "-"
    ours = with_spread(row.ours, row.ours_spread, row.unit)
    if row.how == "most":
        return f"{ours} {unit_of(row)}" + (f"; {row.note}" if row.note else "")
    return f"{ours} against {with_spread(row.theirs, row.theirs_spread, row.unit)} {unit_of(row)}, {row.against}" + (f"; {row.note}" if row.note else "")


def tally(rows):
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("reached", "missed", "not measured")}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


# ---- for people ----


def in_groups(rows):
    """The rows of a group together, groups as they first come."""
    groups = list(dict.fromkeys(row.group for row in rows))
    return sorted(rows, key=lambda row: groups.index(row.group))


def table(rows):
    lines, group = [], None
    for row in in_groups(rows):
        if row.group != group:
            group = row.group
            lines.append(f"\n{group}")
        lines.append(f"  {row.verdict if row.verdict != 'told' else '':13}{value_of(row):>18}  of {limit_of(row):>8}  {row.text}: {both_of(row)}")
    return "\n".join(lines)


def limited(rows):
    """Those with a limit; ratios first, which say the same on other machines."""
    return sorted((row for row in in_groups(rows) if row.limit is not None), key=lambda row: row.how != "ratio")


def markdown(results, facts, mode):
    """For README."""
    lines = ["![What was measured, and what it may be](docs/bench.svg)", "", "| what | result | may be | |", "| --- | --- | --- | --- |"]
    for row in limited(results.rows):
        against = f", against {row.against}" if row.how == "ratio" else ""
        verdict = f"**{row.verdict}**" if row.verdict != "reached" else row.verdict
        lines.append(f"| {row.group}: {row.text}{against} | {value_of(row)} | {limit_of(row)} | {verdict} |")
    lines += ["", f"{tally(results.rows)}. Measured on {machine_text(facts)}" + (f"; shortened, {mode}" if mode != "full" else "") + "."]
    return "\n".join(lines)


def missed(results):
    """For docs/speed.md: each row that misses its limit, with the numbers behind it."""
    rows = [row for row in limited(results.rows) if row.verdict != "reached"]
    if not rows:
        return "In the last run each limit was reached."
    lines = ["| what | result | may be | libplastiq, and what it is compared with |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.group}: {row.text} | {value_of(row)} | {limit_of(row)} | {both_of(row)} |" for row in rows]
    return "\n".join(lines)


def put_into(path, text):
    """Replaces what stands between the markers."""
    old = path.read_text()
    if BEGIN not in old or END not in old:
        raise SystemExit(f"{path.name} has no lines {BEGIN} and {END}")
    head, rest = old.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


# ---- for programs ----


def spread_json(spread, digits):
    return None if spread is None else {"median": round(spread.median, digits), "low": round(spread.low, digits), "high": round(spread.high, digits)}


def row_json(row):
    digits = 0 if row.unit == "instructions" else 3
    rounded = lambda value: None if value is None else round(value, digits) if digits else round(value)  # noqa: E731
    out = {"id": row.id, "group": row.group, "text": row.text, "verdict": row.verdict, "how": row.how,
           "value": None if row.value is None else round(row.value, 3), "limit": row.limit, "value_text": value_of(row), "limit_text": limit_of(row), "unit": row.unit, "ours": rounded(row.ours),
           "theirs": rounded(row.theirs), "against": row.against or None, "ours_spread": spread_json(row.ours_spread, 3),
           "theirs_spread": spread_json(row.theirs_spread, 3), "note": row.note or None, "trouble": row.trouble or None}
    return {name: value for name, value in out.items() if value is not None or name in ("value", "limit", "ours")}


FORMAT = 1  # of bench.json: grows when a member is renamed, removed, or means something else; docs/speed.md has its members


def as_json(results, facts, mode):
    return json.dumps({"format": FORMAT, "mode": mode, "machine": facts, "tally": tally(results.rows), "rows": [row_json(row) for row in results.rows],
                       "details": results.details}, indent=1) + "\n"
