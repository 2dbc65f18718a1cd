# SPDX-License-Identifier: MIT
"""What the tests share. They run against the library that is installed, the stub transport, and the emulator (EMULATOR_BIN)."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
KEY = "test-key-0000000000000000"
# As -X dev, but for asyncio's own debugging, which says so when a step takes long: on a busy machine many do.
STRICT = [sys.executable, "-X", "faulthandler", "-W", "default"]
sys.path.insert(0, str(ROOT / "tests/cli"))

for name in [name for name in os.environ if name.startswith("PLASTIQ_")]:
    del os.environ[name]

# Where the transports are, if the library was installed elsewhere than it was configured for.
if os.environ.get("TRANSPORT_DIR"):
    os.environ["PLASTIQ_TRANSPORT_DIR"] = os.environ["TRANSPORT_DIR"]

import support  # noqa: E402 - tests/cli/support.py, which starts the emulator

import plastiq  # noqa: E402


def stub_options(**more: object) -> dict[str, object]:
    return {"access_token": KEY, "transport": "stub", "allow_test_transports": True, **more}


def in_thread(work):
    """The outcome of a function that runs on a thread of its own."""
    outcome = []

    def run():
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


@pytest.fixture(params=["asyncio", "uvloop"])
def any_loop(request, monkeypatch):
    """Has asyncio.run() and asyncio.new_event_loop() make loops of asyncio's own, or of uvloop."""
    if request.param == "uvloop":
        made = pytest.importorskip("uvloop").new_event_loop
        monkeypatch.setattr(asyncio, "new_event_loop", made)
        monkeypatch.setattr(asyncio.events, "new_event_loop", made)
    return request.param


@pytest.fixture
def stub():
    """A client of the stub transport."""
    with plastiq.Client(stub_options()) as client:
        yield client


@pytest.fixture(scope="session")
def emulator_program():
    if not os.environ.get("EMULATOR_BIN"):
        pytest.skip("EMULATOR_BIN does not name the emulator")
    return os.environ["EMULATOR_BIN"]


@pytest.fixture(scope="module")
def running_emulator(emulator_program, tmp_path_factory):
    with support.Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator):
    running_emulator.clear_faults()
    running_emulator.admin("PUT", "keys", {"keys": [KEY], "forbidden": ["test-key-forbidden"]})
    return running_emulator


@pytest.fixture(params=["curl", "openssl"])
def live(request, emulator, monkeypatch):
    """Options for the emulator over TLS; which transport is the environment's to say, and nothing else."""
    monkeypatch.setenv("PLASTIQ_TRANSPORT", request.param)
    return {"access_token": KEY, "base_url": emulator.url, "ca_file": emulator.ca, "timeout_ms": 10000}
