# SPDX-License-Identifier: MIT
"""What the completions of shells are told. test_completion.py has the shells."""
import os
import re

import pytest
from support import commands

DIR = os.environ["TRANSPORT_DIR"]


@pytest.fixture
def offered(plastiq):
    """The words that could stand at the end of these."""

    def ask(*words, env=None):
        result = plastiq("complete", text="".join(f"{word}\n" for word in words), env=env)
        assert (result.code, result.err) == (0, "")
        return [line.split("\t")[0] for line in result.out.splitlines()]

    return ask


def test_commands(offered):
    assert sorted(offered("")) == sorted({command[0] for command in commands()})
    assert offered("be") == ["bench"] and offered("x") == []
    assert offered("client-secrets", "") == ["create"] and offered("transports", "")[0].startswith("--")
    assert offered("-") == ["--help", "--version"] and offered("client-secrets", "-") == ["--help"]
    assert offered("nonsense", "more", "") == []


def test_it_is_hidden(plastiq, offered):
    assert "complete" not in plastiq("--help").out and "complete" not in offered("")
    assert '"complete"' not in plastiq("compleet").err


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_options_are_those_of_help(plastiq, offered, command):
    known = set(re.findall(r"^  (?:-.,|   ) (--[a-z][a-z0-9-]*)", plastiq(*command, "--help").out, re.M))
    assert known and set(offered(*command, "--")) == known == set(offered(*command, ""))


def test_every_answer_says_what_it_means(plastiq):
    for line in plastiq("complete", text="bench\n--\n").out.splitlines():
        assert re.fullmatch(r"--[a-z0-9-]+\t\S.+", line)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--environment", ""], ["sandbox", "production"]),
        (["--environment", "p"], ["production"]),
        (["--environment=p"], ["--environment=production"]),
        (["--environment", "="], ["sandbox", "production"]),
        (["--environment", "=", "s"], ["sandbox"]),
        (["--http-version="], ["--http-version=auto", "--http-version=1.1", "--http-version=2"]),
        (["--environment", "sandbox", "--http-v"], ["--http-version"]),
        (["--v2", "--token-f"], ["--token-file"]),
        (["--base-url", "https", ":", "//x", "--token-f"], ["--token-file"]),
        (["--header", "--token-file", "--token-f"], ["--token-file"]),
        (["--token-file", "x"], [":files"]),
        (["--token-file=/x"], [":files"]),
        (["--ca-dir", ""], [":dirs"]),
        (["--payer-id", ""], []),
        (["--no-such-option="], []),
        (["--transport", ""], ["curl", "openssl", "stub"]),
        (["--transport=o"], ["--transport=openssl"]),
        (["--transport", "./x"], [":files"]),
        (["--transport-allow", "curl,o"], ["curl,openssl"]),
        (["--transport-allow=curl,o"], ["--transport-allow=curl,openssl"]),
    ],
)
def test_values(offered, words, wanted):
    assert offered("client-secrets", "create", *words, env={"PLASTIQ_TRANSPORT_DIR": DIR}) == wanted


def test_transports_of_the_folder_that_the_line_names(offered, tmp_path):
    assert offered("bench", "--transport-dir", DIR, "--transport", "") == ["curl", "openssl", "stub"]
    assert offered("bench", "--transport-dir", "=", DIR, "--transport", "") == ["curl", "openssl", "stub"]
    assert offered("bench", "--transport-dir", tmp_path, "--transport", "") == []


@pytest.mark.parametrize("text", ["", "\n", "bench", "bench\n--token-file", "\n" * 3000, "x" * 100000, "bench\n--" + "a" * 1000 + "=\n", "\0\n"])
def test_any_input_will_do(plastiq, text):
    assert plastiq("complete", text=text).code == 0
