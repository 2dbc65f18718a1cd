# SPDX-License-Identifier: MIT
"""Fixtures: the command line as a program, the emulator as a program, and servers that record what reaches them.

From the environment: PLASTIQ_BIN, EMULATOR_BIN, CHECK_BIN, TRANSPORT_DIR, CC.
"""
import json
import os
import shutil
import subprocess

import pytest
from servers import Proxy, Recorder
from support import KEY, Cli, Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator"), "--api-key", KEY, "--forbidden-key", "forbidden-key") as running:
        yield running


@pytest.fixture
def plastiq():
    """Runs the program: plastiq("version", ...) gives code, out and err."""
    return Cli()


@pytest.fixture
def create(emulator):
    """Runs `client-secrets create` over curl against the emulator, which starts with no faults queued."""
    emulator.clear_faults()
    return Cli("client-secrets", "create", "--base-url", emulator.url, "--ca-file", emulator.ca, token=KEY)


@pytest.fixture
def stub():
    """Runs `client-secrets create` over the stub transport."""
    return Cli("client-secrets", "create", "--transport", "stub", "--allow-test-transports", token="test-key-0000000000000000")


@pytest.fixture
def recorder():
    """A plain HTTP server that answers with a secret and keeps what it was sent."""
    with Recorder() as running:
        yield running


@pytest.fixture
def record(recorder):
    """Runs `client-secrets create` against the recorder and gives the one request that reached it."""
    cli = Cli("client-secrets", "create", "--base-url", recorder.url, "--allow-plain-http", token=KEY)

    def run(*arguments):
        result = cli(*arguments)
        assert result.code == 0, result.err
        assert len(recorder.requests) == 1
        return recorder.requests[0]

    return run


@pytest.fixture
def proxy():
    with Proxy() as running:
        yield running


@pytest.fixture
def compile_plugin(tmp_path):
    """Compiles C text to a transport file of this name, and gives its path."""

    def build(name, text):
        source = tmp_path / f"{name}.c"
        source.write_text(text)
        target = tmp_path / f"libplastiq-transport-{name}.so"
        command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", target, source]
        if "INCLUDE_DIR" in os.environ:
            command += ["-I", os.environ["INCLUDE_DIR"]]
        subprocess.run(command, check=True, umask=0o022)
        return target

    return build


@pytest.fixture
def openssl():
    """Runs the openssl program and gives what it prints."""
    assert shutil.which("openssl"), "the openssl program is needed (Debian: openssl)"

    def run(*arguments, data=None):
        return subprocess.run(["openssl", *map(str, arguments)], input=data, check=True, capture_output=True).stdout

    return run


@pytest.fixture
def secret_file(tmp_path):
    """Writes a file that only its owner can read."""

    def write(text, mode=0o600, name="secret"):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def pytest_addoption(parser):
    parser.addoption("--shell", help="only this one of test_completion.py")


def pytest_report_header():
    return f"plastiq: {os.environ.get('PLASTIQ_BIN')}, transports: {json.dumps(sorted(os.listdir(os.environ['TRANSPORT_DIR'])))}"


def pytest_sessionfinish(session, exitstatus):
    """Tests that all had to be left out have not passed: ctest counts them as skipped."""
    reports = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus == 0 and reports.get("skipped") and not reports.get("passed"):
        session.exitstatus = 77
