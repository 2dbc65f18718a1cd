# SPDX-License-Identifier: MIT
"""What is printed: the secret alone, JSON, facts for people, many calls."""
import pathlib
import re

import pytest
from support import SECRET

FACTS = {"client_secret", "status", "name", "operation", "expires_in_ms", "trace_id", "http_status", "elapsed_us", "transport", "attempts"}


def test_json(create):
    facts = create("--json").json
    assert set(facts) == FACTS
    assert facts["client_secret"].startswith(SECRET)
    assert (facts["status"], facts["name"], facts["http_status"]) == (0, "PLQ_OK", 200)
    assert facts["operation"] == "client_secrets.create"
    assert 55000 < facts["expires_in_ms"] <= 60000
    assert facts["transport"]["name"] == "curl" and "libcurl/" in facts["transport"]["stack"]
    (attempt,) = facts["attempts"]
    assert attempt["tls_version"] >= 0x0303 and attempt["delivery"] == "answered" and attempt["trace_id"] == facts["trace_id"]


def test_the_second_version_lives_longer(create):
    facts = create("--json", "--v2").json
    assert facts["operation"] == "client_secrets.create_v2" and 1795000 < facts["expires_in_ms"] <= 1800000


def test_json_of_a_failure(create, emulator):
    emulator.faults({"status": 400, "code": "VALIDATION_ERROR", "message": "bad"})
    error = create("--json").json
    assert (error["status"], error["kind"], error["http_status"]) == (15003, "http", 400)
    assert (error["service_code"], error["service_message"]) == ("VALIDATION_ERROR", "bad")


def test_attempts_are_named_as_in_the_header(create, emulator):
    header = pathlib.Path(__file__).parents[2] / "include" / "plastiq" / "attempts.h"
    known = {name.lower() for name in re.findall(r"#define PLQ_ATTEMPT_(\w+) ", header.read_text())} | {"name"}
    emulator.faults({"status": 400})
    failed, good = create("--json").json["attempts"][0], create("--json").json["attempts"][0]
    always = {"status", "name", "delivery", "http_status", "http_version", "tls_version", "reused", "resumed", "peer", "total_us", "token", "trace_id"}
    assert always <= set(good) <= known
    assert always | {"phase", "message"} <= set(failed) <= known


def test_attempts_that_failed_before_success(create, emulator):
    emulator.faults({"status": 503})
    attempts = create("--json").json["attempts"]
    assert [a["status"] for a in attempts] == [15009, 0]
    assert "503" in attempts[0]["message"]


def test_verbose(create):
    result = create("--verbose")
    assert result.out.startswith(SECRET)
    for part in ("curl", "libcurl/", "HTTP/1.1", "TLS 1.", "1 attempt,", "s of life left", "trace "):
        assert part in result.err


def test_verbose_of_a_failure(create, emulator):
    emulator.faults({"status": 503, "count": 3})
    err = create("-v").err
    assert "PLQ_E_HTTP_SERVER (15009)" in err and "attempt 3:" in err


def test_control_characters_of_the_service_do_not_reach_the_terminal(create, emulator):
    emulator.faults({"status": 400, "message": "a\u001b[31mb\u009bc\rd\ne"})
    err = create("-v").err
    assert all(c == "\n" or c >= " " for c in err) and "\u009b" not in err


def test_calls(create):
    *calls, last = create("--calls", "4", "--json").lines
    assert len(calls) == 4 and all(set(call) == FACTS for call in calls)
    assert len({call["client_secret"] for call in calls}) == 4
    assert [call["attempts"][0]["reused"] for call in calls] == [False, True, True, True]
    summary = last["summary"]
    assert {"calls", "cold_us", "warm_us"} <= set(summary) and summary["calls"] == 4
    assert summary["cold_us"] == calls[0]["elapsed_us"]
    assert summary["warm_us"] == sorted(call["elapsed_us"] for call in calls[1:])[1]
    first = calls[0]["attempts"][0]
    if "connect_us" in first:  # a transport may not know
        assert summary["connect_us"] == first.get("resolve_us", 0) + first["connect_us"] + first["tls_us"]
    else:
        assert "connect_us" not in summary


def test_calls_print_one_secret_a_line(create):
    assert len(set(create("--calls", "3").out.splitlines())) == 3


def test_calls_end_with_the_first_failure(create, emulator):
    emulator.faults({"delay_ms": 1}, {"status": 400})
    result = create("--calls", "3")
    assert result.code == 7 and len(result.out.splitlines()) == 1


def test_warm(create):
    result = create("--warm", "2", "--verbose", "--json")
    assert result.code == 0 and "2 connections open" in result.err
    assert result.json["attempts"][0]["reused"] is True


def test_over_the_stub(stub):
    facts = stub("--json").json
    assert set(facts) == FACTS and facts["transport"]["name"] == "stub"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_output_that_cannot_be_written(stub, arguments):
    with open("/dev/full", "w") as full:
        result = stub(*arguments, stdout=full)
    assert result.code == 1 and "standard output" in result.err
