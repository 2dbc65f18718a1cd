# SPDX-License-Identifier: MIT
"""Finding one's way: help at every level, versions, commands that do not exist, and a manual that tells all of it."""
import pathlib
import re

import pytest
from support import commands

MANUAL = pathlib.Path(__file__).parents[2] / "docs" / "command-line.md"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["client-secrets", "--help"], ["client-secrets", "create", "--help"], ["bench", "--help"], ["describe", "--help"], ["doctor", "--help"], ["transports", "-h"], ["cassette", "--help"], ["cassette", "show", "--help"], ["version", "--help"]])
def test_help(plastiq, arguments):
    result = plastiq(*arguments)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage: plastiq") and "Exit codes:" in result.out and "safe to try again" in result.out


def test_no_command(plastiq):
    result = plastiq()
    assert result.code == 2 and result.out == "" and "Commands:" in result.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["transprots"], '"transports"'),
        (["client-secret"], '"client-secrets"'),
        (["zzzzzzzzzzz"], "no command"),
        (["client-secrets"], '"create"'),
        (["client-secrets", "crate"], '"create"'),
        (["client-secrets", "--json"], '"create"'),
        (["casette"], '"cassette"'),
        (["cassette", "shwo"], '"show"'),
        (["--json"], "a command comes first"),
        (["transports", "--jsom"], "--json"),
        (["transports", "x"], "too many"),
    ],
)
def test_lost(plastiq, arguments, said):
    result = plastiq(*arguments)
    assert result.code == 2 and result.out == ""
    assert said in result.err and "--help" in result.err


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version(plastiq, arguments):
    assert re.fullmatch(r"plastiq \d+\.\d+\.\d+ \(libplastiq \d+\.\d+\.\d+, ABI \d+\.\d+\)\n", plastiq(*arguments).out)
    assert set(plastiq(*arguments, "--json").json) == {"version", "library", "abi"}


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_manual_has_every_option(plastiq, command):
    options = re.findall(r"--[a-z][a-z0-9-]*", plastiq(*command, "--help").out.split("Exit codes:")[0])
    manual = MANUAL.read_text()
    assert options and [option for option in options if f"`{option}" not in manual] == []


def test_the_manual_has_the_exit_codes(plastiq):
    codes = re.findall(r"^  (\d)  ", plastiq("--help").out, re.M)
    assert codes == [str(i) for i in range(9)]
    assert re.findall(r"^\| `(\d)` ", MANUAL.read_text(), re.M) == codes
