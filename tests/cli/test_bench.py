# SPDX-License-Identifier: MIT
"""plastiq bench: what it counts, that it stays on this machine unless told, that it can be interrupted, and the line on a terminal."""
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest
from servers import dead_port
from support import KEY, SECRET, Cli

STUB = ("--transport", "stub", "--allow-test-transports")
MEMBERS = {"transport", "threads", "calls", "failed", "failures", "interrupted", "elapsed_us", "calls_per_second", "first_us", "latency_us",
           "connections", "repeats", "cpu_us_per_call", "bytes"}


@pytest.fixture
def stub():
    return Cli("bench", *STUB, token="test-key-0000000000000000")


@pytest.fixture
def bench(emulator):
    """Runs `bench` against the emulator, which starts with no faults queued."""
    emulator.clear_faults()
    return Cli("bench", "--base-url", emulator.url, "--ca-file", emulator.ca, token=KEY)


def start(cli, *arguments, **more):
    """Runs it beside the test, with signals as a shell's foreground job has them."""
    command = [os.environ["PLASTIQ_BIN"], *cli.first, "--transport-dir", os.environ["TRANSPORT_DIR"], *arguments]

    def reset():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(command, env=cli.env, stdout=subprocess.PIPE, preexec_fn=reset, **more)


# ---- what it tells ----


def test_table(stub):
    result = stub("--calls", "50")
    assert (result.code, result.err) == (0, "")
    for label in ("transport    stub", "calls        50 in ", "failures     0\n", "first call   ", "other calls  min ", ", median ", ", p99 ", "connections  1 opened, 49 reused\n",
                  "repeats      0\n", "CPU time     ", "bytes        "):
        assert label in result.out
    assert SECRET not in result.out and "test-key" not in result.out


def test_json(bench, emulator):
    before = emulator.requests()
    facts = bench("--calls", "40", "--threads", "2", "--json").json
    assert emulator.requests() == before + 40
    assert set(facts) == MEMBERS | {"base_url"}
    assert (facts["calls"], facts["failed"], facts["failures"], facts["threads"]) == (40, 0, {}, 2)
    assert facts["base_url"] == emulator.url and facts["transport"]["name"] == "curl" and facts["interrupted"] is False
    spread = [facts["latency_us"][name] for name in ("min", "median", "p90", "p99", "max")]
    assert spread == sorted(spread) and 0 < spread[0] and spread[-1] <= facts["elapsed_us"] + 1
    assert facts["connections"]["opened"] + facts["connections"]["reused"] == 40 and facts["connections"]["opened"] <= 2
    assert facts["calls_per_second"] == pytest.approx(40e6 / facts["elapsed_us"], rel=0.01)
    assert facts["bytes"]["sent"] > 40 * 100 and facts["cpu_us_per_call"]["user"] + facts["cpu_us_per_call"]["system"] > 0


def test_an_operation_and_a_request_of_ones_own(bench, emulator):
    facts = bench("--calls", "2", "--v2", "--payer-id", "2b1e4a5e-1111-4222-8333-444455556666", "--json").json
    assert facts["failed"] == 0
    assert [row["path"] for row in emulator.admin("GET", "requests")[-2:]] == ["/api/v2/client-secrets"] * 2
    refused = bench("--payer-id", "no-uuid")
    assert refused.code == 4 and "payer.id" in refused.err


def test_warm(bench):
    facts = bench("--calls", "10", "--warm", "2", "--json").json
    assert facts["connections"] == {"warmed": 2, "opened": 0, "reused": 10}


def test_seconds(stub):
    began = time.monotonic()
    facts = stub("--seconds", "1", "--json").json
    assert 1 <= time.monotonic() - began < 10
    assert 1e6 <= facts["elapsed_us"] < 9e6 and facts["calls"] > 10


def test_both_ends(stub):
    assert stub("--seconds", "30", "--calls", "5", "--json").json["calls"] == 5


def test_one_call_has_no_spread(stub):
    facts = stub("--calls", "1", "--json").json
    assert set(facts) == MEMBERS - {"latency_us"}
    assert "other calls" not in stub("--calls", "1").out


@pytest.mark.parametrize("arguments", [["--calls", "0"], ["--calls", "x"], ["--seconds", "0"], ["--threads", "5000"], ["--warm", "-1"], ["--jsom"]])
def test_wrong_use(stub, arguments):
    result = stub(*arguments)
    assert (result.code, result.out) == (2, "") and "plastiq bench --help" in result.err


# ---- failures ----


def test_failures_are_counted_by_name(stub):
    script = '--option=stub.script=[{"status": 400}, {"status": 200, "body": ""}, {"status": 500}, {"status": 400}]'
    result = stub("--calls", "10", "--max-repeats", "0", script, "--json")
    facts = result.json
    assert facts["failures"] == {"PLQ_E_HTTP_CLIENT": 2, "PLQ_E_HTTP_SERVER": 1, **{k: 1 for k in facts["failures"] if k.startswith("PLQ_E_PROTOCOL")}}
    assert (facts["calls"], facts["failed"]) == (10, 4)
    assert result.code == 7 and "(400)" in result.err  # those of the first failure
    table = stub("--calls", "10", "--max-repeats", "0", script).out
    assert "failures     4\n" in table and " PLQ_E_HTTP_CLIENT 2\n" in table


def test_repeats(stub):
    facts = stub("--calls", "3", '--option=stub.script=[{"status": 503}]', "--json").json
    assert (facts["failed"], facts["repeats"]) == (0, 1)


def test_what_would_fail_every_call_ends_it(bench, emulator):
    bench.first = ["bench", "--base-url", emulator.url]  # without its CA
    result = bench("--json")
    assert result.code == 3 and (result.json["calls"], result.json["failures"]) == (1, {"PLQ_E_VERIFY_UNTRUSTED": 1})
    bench.env["PLASTIQ_ACCESS_TOKEN"] = "not a token"
    assert bench("--json").json["name"] == "PLQ_E_TOKEN_INVALID"


# ---- where it goes ----


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--environment", "production"],
        ["--base-url", "https://plastiq.test/api"],
        ["--base-url", "https://127.0.0.1.plastiq.test"],
        ["--base-url", "https://localhost.plastiq.test:443/"],
        ["--base-url", "https://127-0-0-1.test/127.0.0.1"],
        ["--base-url", "https://[::2]/"],
        ["--base-url", "https://localhost/", "--proxy", "http://127.0.0.1:9"],
        ["--base-url", "https://localhost/", "--option", "resolve=localhost:443:192.0.2.1"],
    ],
)
def test_nothing_goes_to_the_service_by_accident(plastiq, arguments):
    cli = Cli("bench", token=KEY)
    result = cli("--calls", "1", "--timeout-ms", "1", *arguments)
    assert (result.code, result.out) == (2, ""), result
    for way in ("--base-url", "--transport stub", "--allow-remote"):
        assert way in result.err


def test_an_address_from_a_variable_was_not_chosen(emulator):
    emulator.clear_faults()
    cli, before = Cli("bench", "--calls", "1", token=KEY), emulator.requests()
    env = {"PLASTIQ_BASE_URL": emulator.url, "PLASTIQ_CA_FILE": emulator.ca}
    refused = cli(env=env)
    assert refused.code == 2 and "which a variable names" in refused.err and emulator.requests() == before
    assert cli("--allow-remote", env=env).code == 0 and emulator.requests() == before + 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost", "LocalHost"])
def test_every_loopback_address_will_do(host):
    cli = Cli("bench", token=KEY)
    result = cli("--calls", "1", "--max-repeats", "0", "--allow-plain-http", "--base-url", f"http://{host}:{dead_port()}", "--json")
    assert result.code == 5 and result.json["failures"] == {"PLQ_E_CONNECT_REFUSED": 1}, result


# ---- signals and terminals ----


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_what_there_is(bench, emulator, number):
    process = start(bench, "--seconds", "60", "--threads", "2", "--json", stderr=subprocess.PIPE)
    before = emulator.requests()
    for _ in range(300):
        if emulator.requests() > before + 20:
            break
        time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    facts = json.loads(out)
    assert (process.returncode, err) == (0, b"")
    assert facts["interrupted"] is True and facts["calls"] > 10 and facts["failed"] == 0 and facts["elapsed_us"] < 50e6


def test_a_signal_does_not_wait_for_a_call_that_hangs(bench, emulator):
    emulator.faults({"delay_ms": 30000})
    before = emulator.requests()
    process = start(bench, "--json", "--timeout-ms", "40000", stderr=subprocess.PIPE)
    for _ in range(300):
        if emulator.requests() > before:
            break
        time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    facts = json.loads(process.communicate(timeout=20)[0])
    assert time.monotonic() - began < 10
    assert process.returncode == 0 and (facts["calls"], facts["failed"], facts["interrupted"]) == (0, 0, True)


def test_a_signal_that_is_ignored_stays_so(stub):
    command = [os.environ["PLASTIQ_BIN"], *stub.first, "--transport-dir", os.environ["TRANSPORT_DIR"], "--seconds", "2", "--json"]
    process = subprocess.Popen(command, env=stub.env, stdout=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert json.loads(process.communicate(timeout=30)[0])["interrupted"] is False


def test_progress_on_a_terminal(stub):
    master, slave = pty.openpty()
    process = start(stub, "--seconds", "2", stderr=slave)
    os.close(slave)
    out = process.communicate(timeout=30)[0].decode()
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:  # the other end is closed
        pass
    os.close(master)
    text = shown.decode()
    assert process.returncode == 0 and "calls        " in out
    lines = re.findall(r"\r(\d+) calls, 0 failed, [\d.]+ of 2 s, \d+ per second", text)
    assert len(lines) > 3 and [int(n) for n in lines] == sorted(int(n) for n in lines)
    assert "\n" not in text and text.endswith("\r") and text.rstrip("\r").endswith(" ")  # one line, and it is gone


def test_no_progress_elsewhere(stub):
    assert stub("--seconds", "1").err == ""
