# SPDX-License-Identifier: MIT
"""Checks the conformance kit: transports that are spoilt in one way each must fail the case that is about it, and not the others."""

import json
import os
import subprocess
import sys

import pytest

KIT, ZOO = os.environ["CHECK_BIN"], os.environ["ZOO_DIR"]

# What must fail; what may fail besides, because it is a consequence.
SPOILT = {
    "done_twice": ("call/good/blocking", "*"),
    "no_done": ("call/good/blocking", "*"),
    "refusal_ignored": ("refuse/connection/blocking", "refuse/"),
    "descriptor_left": ("load/surroundings", "life/nothing-left"),
    "memory_left": ("load/surroundings", "life/"),
    "sent_twice": ("call/good/blocking", "*"),
    "sigpipe": ("load/surroundings", ""),
    "cancel_ignored": ("cancel/waiting/blocking", "cancel/"),
    "unverified": ("tls/untrusted/blocking", "tls/"),
    "token_logged": ("secrets/log", ""),
    "lines_trimmed": ("call/good/blocking", "*"),
    "redirects": ("call/redirect/blocking", "call/redirect"),
    "proxy": ("call/no-proxy/blocking", "call/no-proxy"),
    "not_sent_always": ("fail/cut/blocking", "*"),
    "crash": ("call/good/blocking", "*"),
}
GAP = "life/close-on-exec"  # of libcurl, not of the zoo


def run(*arguments):
    return subprocess.run([KIT, *arguments], capture_output=True, text=True, timeout=300, check=False)


def verdicts(way, *arguments):
    result = run("--json", "--timeout", "6", *arguments, f"{ZOO}/libplastiq-transport-{way}.so")
    assert result.returncode in (0, 1), result.stderr
    return {row["case"]: row for row in json.loads(result.stdout)}, result.returncode


def test_unspoilt_passes():
    rows, code = verdicts("good", "--known-gap", f"{GAP}=libcurl's own wake-up sockets")
    assert [name for name, row in rows.items() if row["verdict"] == "failed"] == []
    assert rows[GAP]["verdict"] == "known_gap" and code == 0


@pytest.mark.parametrize("way", SPOILT)
def test_spoilt_is_noticed(way):
    wanted, besides = SPOILT[way]
    group = wanted.split("/")[0]
    # Its own group and those that have nothing to do with it; a transport that can do nothing right is not run whole.
    rows, code = verdicts(way, *(["--case", f"{group}/*"] if besides == "*" else []))
    failed = {name for name, row in rows.items() if row["verdict"] == "failed" and name != GAP}
    assert wanted in failed and code == 1, rows.get(wanted)
    if besides != "*":
        allowed = tuple(part for part in (besides,) if part)
        assert not {name for name in failed - {wanted} if not (allowed and name.startswith(allowed))}, failed


def test_a_gap_that_is_none_is_told():
    result = run("--known-gap", "call/good/blocking=it was bad once", "--known-gap", f"{GAP}=libcurl", f"{ZOO}/libplastiq-transport-good.so")
    assert result.returncode == 1 and "none any more" in result.stderr


@pytest.mark.parametrize(("arguments", "code", "says"), [
    ([], 2, "absolute path"),
    (["relative.so"], 2, "absolute path"),
    (["--option", "x", "/x.so"], 2, "KEY=VALUE"),
    (["--timeout", "soon", "/x.so"], 2, "seconds"),
    (["--nonsense", "/x.so"], 2, "--help"),
    (["/no/such.so"], 3, "PLQ_E_TRANSPORT_NOT_FOUND"),
    (["/etc/hostname"], 3, "cannot be loaded"),
])
def test_bad_command_lines(arguments, code, says):
    result = run(*arguments)
    assert result.returncode == code and says in result.stderr


def test_page_lists_every_case():
    """docs/conformance.md has the table that --list prints."""
    page = open(os.environ["PAGE"], encoding="utf-8").read()
    for line in run("--list").stdout.splitlines():
        name, needs, rule = line.split("|")
        assert f"| `{name}` | {needs} | {rule} |" in page, name


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
