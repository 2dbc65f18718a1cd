# SPDX-License-Identifier: MIT
"""Both TLS transports in programs that bring an OpenSSL of their own: they run on the one that they were built with, or refuse and say why."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import Emulator

KEY = "test-key-0000000000000000"
SYSTEM = re.search(r"OpenSSL (\S+)", subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout)[1]


def brings_openssl(node):
    """Whether this Node shows an OpenSSL to what it loads; Debian's own does not."""
    shared = subprocess.run([node, "-p", "process.config.variables.node_shared_openssl"], capture_output=True, text=True, timeout=30)
    return shared.stdout.strip() == "false"


def find_node():
    for node in (os.environ.get("TEST_NODE"), shutil.which("node")):
        if node and Path(node).exists() and brings_openssl(node):
            return node
    return None


NODE = find_node()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator"), "--api-key", KEY) as running:
        yield running


@pytest.fixture(params=["node", "program"])
def host(request, emulator):
    """Runs clients with these options in a program, one after the other, and gives what each said."""
    addon = f"process.dlopen({{exports: {{}}}}, {json.dumps(os.environ['ADDON'])})"
    command = [NODE, "-e", addon] if request.param == "node" else [os.environ["PROGRAM"]]

    def run(*clients, **env):
        usual = {"transport_dir": os.environ["TRANSPORT_DIR"], "base_url": emulator.url, "ca_file": emulator.ca, "access_token": KEY}
        clients = [{**usual, **client} for client in clients]
        done = subprocess.run(command, env={**os.environ, "HOST_CLIENTS": json.dumps(clients), **env}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(lines) == len(clients)
        return lines

    return run


def test_node_is_there():
    """Without one the half of these tests that matters most would not run."""
    if NODE is None:
        pytest.exit("skipped: there is no Node with an OpenSSL of its own (tools/test fetches one)", returncode=77)


def test_each_transport_runs_on_its_own_openssl(host):
    for said in host({"transport": "curl"}, {"transport": "openssl"}, {"transport": "curl"}):
        assert said["status"] == "PLQ_OK", said
        assert said["stack"].endswith("OpenSSL/" + SYSTEM)


def test_without_isolation_a_transport_refuses(host):
    for name in ("curl", "openssl"):
        (said,) = host({"transport": name, "transport_isolation": "off"})
        assert said["status"] == "PLQ_E_TRANSPORT_REFUSED", said
        # By its place, or where the versions differ that much, by its version.
        assert "OpenSSL" in said["message"] and ("node" in said["message"] or "isolation" in said["message"])


def test_a_malloc_of_its_own_is_named(host):
    for name in ("curl", "openssl"):
        (said,) = host({"transport": name}, LD_PRELOAD=os.environ["MALLOC"])
        assert said["status"] == "PLQ_E_TRANSPORT_CLASH", said
        assert "malloc of its own" in said["message"] and ("node" in said["message"] or "isolation-program" in said["message"])


def test_a_library_that_was_bound_before_is_named(host):
    (said,) = host({"transport": "openssl"}, HOST_LOADS_BEFORE="libssl.so.3")
    assert said["status"] == "PLQ_E_TRANSPORT_CLASH", said
    assert "libssl.so.3 was loaded before" in said["message"]


def test_openssl_inside_a_transport(host):
    """Two builds of OpenSSL beside the program's, in one process; the one inside needs no isolation."""
    inside = os.environ["INSIDE_DIR"] + "/libplastiq-transport-openssl.so"
    for isolation in ("auto", "off"):
        first, second, third = host({"transport": inside, "transport_isolation": isolation}, {"transport": "openssl"}, {"transport": "curl"})
        assert [first["status"], second["status"], third["status"]] == ["PLQ_OK"] * 3
    (said,) = host({"transport": inside}, LD_PRELOAD=os.environ["MALLOC"])
    assert said["status"] == "PLQ_OK", said


def test_a_library_below_the_transport(host):
    """The template names libcurl alone, and never looks at OpenSSL: what is below it counts."""
    (said,) = host({"transport": os.environ["EXAMPLES_DIR"] + "/libplastiq-transport-template.so"})
    assert said["status"] == "PLQ_OK", said
    (said,) = host({"transport": os.environ["EXAMPLES_DIR"] + "/libplastiq-transport-template.so"}, LD_PRELOAD=os.environ["MALLOC"])
    assert said["status"] == "PLQ_E_TRANSPORT_CLASH", said


def test_the_stub_needs_none(host):
    (said,) = host({"transport": "stub", "allow_test_transports": "true"}, LD_PRELOAD=os.environ["MALLOC"])
    assert said["status"] == "PLQ_OK", said
