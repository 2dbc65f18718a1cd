# SPDX-License-Identifier: MIT
"""Manual pages and programs tell of the same options."""
import os
import pathlib
import re
import subprocess

import pytest
from support import commands

MAN = pathlib.Path(__file__).parents[2] / "docs" / "man"
OPTION = r"--[a-z][a-z0-9-]*"


def options_of(*command):
    """From help, without what follows the list of options."""
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    return set(re.findall(rf"^  (?:-.,|   ) ({OPTION})", text, re.M))


def page(name):
    return (MAN / name).read_text().replace("\\-", "-")


def tags(name):
    """The options that have an entry in the page."""
    return {option for tag in re.findall(r"^\.TP\n(.*)", page(name), re.M) for option in re.findall(rf"\\fB({OPTION})", tag)}


def test_commands_are_found():
    assert ["client-secrets", "create"] in commands() and ["bench"] in commands() and len(options_of(os.environ["PLASTIQ_BIN"], "bench", "--help")) > 30


def test_plastiq():
    known = set()
    for command in commands():
        known |= options_of(os.environ["PLASTIQ_BIN"], *command, "--help")
        assert f'.SH "plastiq {" ".join(command)}"' in page("plastiq.1")
    assert tags("plastiq.1") == known


@pytest.mark.parametrize(("program", "name"), [("EMULATOR_BIN", "plastiq-emulator.1"), ("CHECK_BIN", "plastiq-transport-check.1")])
def test_other_programs(program, name):
    assert tags(name) == options_of(os.environ[program], "--help")


def test_the_exit_codes():
    assert re.findall(r"^\.TP\n\\fB(\d)\\fR", page("plastiq.1").partition("EXIT STATUS")[2], re.M)[:9] == [str(i) for i in range(9)]


@pytest.mark.parametrize("path", sorted(MAN.iterdir()), ids=lambda path: path.name)
def test_nothing_of_markdown_is_left(path):
    text = re.sub(r"^\.EX\n.*?^\.EE\n", "", path.read_text(), flags=re.M | re.S)
    assert not re.search(r"`|\]\(|^#|^\| |<!--", text, re.M)
    for name, section in re.findall(r"^\.BR ([\w\\-]+) \((\d)\)", text, re.M):
        assert (MAN / f"{name.replace(chr(92), '')}.{section}").exists()
