# SPDX-License-Identifier: MIT
"""One program of docs/examples over one transport: TEST_EXAMPLE, TEST_TRANSPORT. What all have in common, and what only some do."""
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import SECRET, Emulator

KEY = "test-key-0000000000000000"
PROGRAM, TRANSPORT = os.environ["TEST_EXAMPLE"], os.environ["TEST_TRANSPORT"]
NAME = Path(PROGRAM).name.removeprefix("example-")
STUB = TRANSPORT == "stub"
SECRET_LEN = 40
CORES = os.sysconf("SC_NPROCESSORS_ONLN")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("emulator"), "--api-key", KEY) as running:
        yield running


class Example:
    """The program, under way."""

    def __init__(self, emulator, arguments, script, faults, env):
        base = {key: value for key, value in os.environ.items() if not key.startswith("PLASTIQ_")}
        base |= {"PLASTIQ_TRANSPORT_DIR": os.environ["TRANSPORT_DIR"], "PLASTIQ_ACCESS_TOKEN": KEY}
        command = [PROGRAM, *map(str, arguments)]
        emulator.clear_faults()
        if STUB:  # code alone may choose it, so it is named on the command line
            command += ["transport", "stub", "allow_test_transports", "true"]
            command += ["stub.script", json.dumps(script)] if script else []
        else:
            base |= {"PLASTIQ_TRANSPORT": TRANSPORT, "PLASTIQ_BASE_URL": emulator.url, "PLASTIQ_CA_FILE": emulator.ca}
            emulator.faults(*faults)
        self.process = subprocess.Popen(command, env=base | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def threads(self):
        """How many it has now; None once it has ended."""
        try:
            return int(re.search(r"^Threads:\t(\d+)$", Path(f"/proc/{self.process.pid}/status").read_text(), re.M)[1])
        except (FileNotFoundError, ProcessLookupError, TypeError):
            return None

    def end(self):
        """How it ended: its exit status, the numbers that it printed by what they count, and what it complained of."""
        out, err = self.process.communicate(timeout=30)
        assert "Sanitizer" not in err and "runtime error" not in err, err
        for text in out, err:
            assert SECRET not in text and KEY not in text
        assert self.process.returncode >= 0, err
        counts = {what: int(count) for count, what in re.findall(r"(\d+) ([a-z]+)", out)}
        complaints = [line for line in err.splitlines() if " submitted, " not in line]  # which is how epoll_edge tells where it is
        return self.process.returncode, counts, complaints


@pytest.fixture
def start(emulator):
    """Runs the program: start(200) makes so many calls. What the first of them meet: over the stub script, else faults."""
    running = []

    def run(*arguments, script=(), faults=(), **env):
        running.append(Example(emulator, arguments, script, faults, env))
        return running[-1]

    yield run
    for example in running:
        if example.process.poll() is None:
            example.process.kill()
            example.process.communicate()


def made_all(calls, counts):
    """threads takes back its last call, which may have been too late."""
    if NAME == "threads":
        assert counts["secrets"] + counts["cancelled"] == calls and counts["cancelled"] <= 1
    else:
        assert counts["secrets"] == calls
    assert counts["failures"] == 0 and counts["bytes"] == counts["secrets"] * SECRET_LEN
    return True


def test_every_secret_is_made(start, emulator):
    issued = emulator.admin("GET", "state")["secrets_issued"]
    code, counts, complaints = start(200).end()
    assert code == 0 and complaints == [] and made_all(200, counts)
    if not STUB:
        issued = emulator.admin("GET", "state")["secrets_issued"] - issued
        assert issued in (counts["secrets"], counts["secrets"] + counts.get("cancelled", 0))
    if NAME == "poll":
        assert counts["served"] == counts["buyers"] == 200


def test_more_calls_than_the_queue_holds(start):
    code, counts, complaints = start(300, PLASTIQ_QUEUE_MAX_CALLS="7", PLASTIQ_MAX_CONNECTIONS="3").end()
    if NAME == "uv":  # ten come at once, and those for whom there is no room are sent away
        assert code == 1 and counts["refused"] > 0 and counts["secrets"] + counts["refused"] == 300
        assert all(line.startswith("PLQ_E_QUEUE_FULL: the queue holds 7 calls") for line in complaints)
    else:
        assert code == 0 and complaints == [] and made_all(300, counts)


def test_a_failure_is_told(start):
    example = start(20, script=[{"status": 400, "body": '{"message":"as the test wants"}'}], faults=[{"status": 400, "message": "as the test wants"}])
    code, counts, complaints = example.end()
    expected = min(CORES, 20) if STUB and NAME == "threads" else 1  # each queue has a stub, and so a script, of its own
    assert code == 1 and counts["failures"] == len(complaints) == expected
    assert all(line.startswith("PLQ_E_HTTP_CLIENT: ") and "as the test wants" in line for line in complaints)


def test_threads_are_the_programs_own(start):
    """A queue starts none: the one of main(), and in threads one for each core."""
    calls = 200 if not STUB else 2000 if NAME in ("poll", "uv") else 20000  # long enough to be looked at
    most, example = 0, start(calls, faults=[{"delay_ms": 300}])
    while (now := example.threads()) is not None:
        most = max(most, now)
        if example.process.poll() is not None:
            break
        time.sleep(0.0005)
    assert example.end()[0] == 0
    if NAME == "threads":
        assert most in (1 + CORES, 2 + CORES)  # ThreadSanitizer has one too
    else:
        assert most == 1


def test_without_a_number_it_says_what_it_wants(start):
    code, counts, (complaint,) = start().end()
    assert code == 2 and counts == {} and complaint.startswith(f"usage: {NAME} ")


if NAME == "uv":

    def test_a_signal_ends_it_in_order(start):
        """What hangs is cancelled, every request hears of it, and the program comes to its end by itself."""
        example = start(10, script=[{"hang": True}] * 10, faults=[{"count": 10, "delay_ms": 30000}], PLASTIQ_TIMEOUT_MS="-1")
        time.sleep(1)
        example.process.send_signal(signal.SIGTERM)
        code, counts, complaints = example.end()
        assert code == 1 and counts["secrets"] == 0 and counts["failures"] == counts["requests"] == 10
        assert len(complaints) == 10 and all(line.startswith("PLQ_E_CANCELLED: ") for line in complaints)
