# SPDX-License-Identifier: MIT
"""Completion as somebody sees it who presses the tab key: bash, zsh and fish on a terminal.

In place of plastiq stands a program that writes down how it was called, so that no test has to read a shell's screen.
"""
import os
import pathlib
import pty
import select
import shutil
import signal
import time

import pytest

FILES = pathlib.Path(__file__).parents[2] / "tools" / "plastiq" / "completion"
BASH_COMPLETION = pathlib.Path("/usr/share/bash-completion/bash_completion")
STAND_IN = """#!/bin/sh
[ "$1" != complete ] || exec {real} "$@"
for word; do printf '%s\\n' "$word"; done >{folder}/called.new
mv {folder}/called.new {folder}/called
"""


class Shell:
    def __init__(self, folder, command, setup, env):
        self.folder, self.screen = folder, b""
        # A place of its own for everything: no file of whoever runs the test is read or written.
        env = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "ZDOTDIR": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder),
               "TERM": "dumb", "LC_ALL": "C.UTF-8", "PLASTIQ_TRANSPORT_DIR": os.environ["TRANSPORT_DIR"], **env}
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(folder)
            os.execvpe(command[0], command, env)
        self.run(f"{setup}; plastiq ready", ["ready"])

    def type(self, keys):
        os.write(self.master, keys.encode())

    def look(self, seconds):
        """Reads what the shell writes: it would stop if nobody did."""
        if select.select([self.master], [], [], seconds)[0]:
            self.screen += os.read(self.master, 65536)

    def run(self, keys, wanted):
        """Types a line, ends it, and waits for the call."""
        called = self.folder / "called"
        called.unlink(missing_ok=True)
        self.type(keys + "\r")
        end = time.monotonic() + 30
        while not called.exists() and time.monotonic() < end:
            self.look(0.05)
        assert called.exists(), self.screen.decode(errors="replace")
        assert called.read_text().splitlines() == wanted, self.screen.decode(errors="replace")

    def shows(self, keys, *words):
        """Types keys until the words are on the screen, and gives what is there."""
        self.screen = b""
        self.type(keys)
        end = time.monotonic() + 30
        while not all(word.encode() in self.screen for word in words):
            assert time.monotonic() < end, self.screen.decode(errors="replace")
            self.look(0.05)
        return self.screen.decode(errors="replace")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


def bash(folder):
    return ["bash", "--norc", "--noprofile", "-i"], f"source {FILES}/plastiq.bash", {}


def bash_completion(folder):
    """By bash-completion, which finds the file by the command's name."""
    place = folder / "bash-completion" / "completions"
    place.mkdir(parents=True)
    shutil.copy(FILES / "plastiq.bash", place / "plastiq")
    return ["bash", "--norc", "--noprofile", "-i"], f"source {BASH_COMPLETION}", {}


def zsh(folder):
    return ["zsh", "-f", "-i"], f"fpath=({FILES} $fpath); autoload -Uz compinit; compinit -u -D", {}


def fish(folder):
    (folder / "fish" / "completions").mkdir(parents=True)
    shutil.copy(FILES / "plastiq.fish", folder / "fish" / "completions")
    return ["fish", "-i"], "true", {"TERM": "xterm"}  # on a dumb terminal it lists nothing


def pytest_generate_tests(metafunc):
    asked = metafunc.config.getoption("--shell")
    shells = [one for one in (bash, bash_completion, zsh, fish) if asked in (None, one.__name__)]
    metafunc.parametrize("shell", shells, ids=lambda one: one.__name__, indirect=True)


@pytest.fixture
def shell(request, tmp_path):
    if not shutil.which(request.param.__name__.split("_")[0]):
        pytest.skip(f"{request.param.__name__} is missing (Debian: {request.param.__name__})")
    if request.param is bash_completion and not BASH_COMPLETION.exists():
        pytest.skip("bash-completion is missing (Debian: bash-completion)")
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "plastiq"
    stand_in.write_text(STAND_IN.format(real=os.environ["PLASTIQ_BIN"], folder=tmp_path))
    stand_in.chmod(0o755)
    (tmp_path / "a token.txt").touch()
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificate.pem").touch()
    running = Shell(tmp_path, *request.param(tmp_path))
    yield running
    running.close()


def test_commands_and_options(shell):
    shell.run("plastiq be\t--thr\t4 --js\t", ["bench", "--threads", "4", "--json"])
    shell.run("plastiq cl\tcr\t--sec\tx --v2 --operation-v\t2", ["client-secrets", "create", "--second-token-file", "x", "--v2", "--operation-version", "2"])
    shell.run("plastiq --ver\t", ["--version"])


def test_choices(shell):
    shell.run("plastiq bench --environment pro\t--js\t", ["bench", "--environment", "production", "--json"])
    shell.run("plastiq bench --environment=pro\t--js\t", ["bench", "--environment=production", "--json"])
    shell.run("plastiq bench --base-url https://localhost:1/x --http-version au\t", ["bench", "--base-url", "https://localhost:1/x", "--http-version", "auto"])


def test_transports(shell):
    shell.run("plastiq bench --transport op\t", ["bench", "--transport", "openssl"])
    shell.run("plastiq transports --transport-allow curl,op\t", ["transports", "--transport-allow", "curl,openssl"])


def test_files_and_folders(shell):
    shell.run("plastiq bench --token-file a\t--js\t", ["bench", "--token-file", "a token.txt", "--json"])
    shell.run("plastiq bench --token-file=a\t--js\t", ["bench", "--token-file=a token.txt", "--json"])
    shell.run("plastiq bench --ca-dir cert\tx", ["bench", "--ca-dir", "certificates/x"])
    shell.run("plastiq bench --ca-dir=cert\tx", ["bench", "--ca-dir=certificates/x"])


def test_a_list(shell):
    shown = shell.shows("plastiq \t\t", "bench", "client-secrets", "transports", "version")
    assert "complete" not in shown


def test_a_list_of_choices(shell):
    shell.shows("plastiq bench --environment \t\t", "sandbox", "production")


def test_what_is_typed_is_no_argument_of_a_program(shell):
    """Others could see it there."""
    (shell.folder / "bin" / "plastiq").write_text(f'#!/bin/sh\necho "$@" >>{shell.folder}/asked\ncat >>{shell.folder}/words\nexit 1\n')
    shell.type("plastiq bench --header 'X: hidden' --js\t")
    end = time.monotonic() + 30
    while "--js" not in ((shell.folder / "words").read_text() if (shell.folder / "words").exists() else ""):
        assert time.monotonic() < end, shell.screen.decode(errors="replace")
        shell.look(0.05)
    assert set((shell.folder / "asked").read_text().splitlines()) == {"complete"}


def test_no_program_of_this_folder_is_run(shell):
    (shell.folder / "trap").mkdir()
    trap = shell.folder / "trap" / "plastiq"
    trap.write_text(f"#!/bin/sh\ntouch {shell.folder}/fell\n")
    trap.chmod(0o755)
    shell.shows("trap/plastiq ben\t --js\t", "--js")
    assert not (shell.folder / "fell").exists()
