# SPDX-License-Identifier: MIT
"""Every option about the request: what reaches the service, and what is refused before anything leaves."""
import re

import pytest
from support import KEY

UUID = "2b1e4a5e-1111-4222-8333-444455556666"


def test_nothing_given_is_an_empty_object(record):
    request = record()
    assert request["path"] == "/api/client-secrets"
    assert request["body"] == {}
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", request["headers"]["Trace-Id"])
    assert request["headers"]["User-Agent"].startswith("libplastiq/")


@pytest.mark.parametrize(
    "arguments, body",
    [
        (["--payer-id", UUID], {"payer": {"id": UUID}}),
        ([f"--payer-id={UUID}"], {"payer": {"id": UUID}}),
        (["--type", "CARD"], {"type": "CARD"}),
        (["--extra", '{"payerId": 7, "a": [null]}'], {"payerId": 7, "a": [None]}),
        (["--payer-id", UUID, "--extra", '{"payer": {"b": 1}}'], {"payer": {"id": UUID, "b": 1}}),
    ],
)
def test_members_of_the_body(record, arguments, body):
    assert record(*arguments)["body"] == body


@pytest.mark.parametrize(
    "arguments, name, value",
    [
        (["--trace-id", UUID], "Trace-Id", UUID),
        (["--user-agent", "Mozilla/5.0 (X; Y)"], "User-Agent", "Mozilla/5.0 (X; Y)"),
        (["--end-user-device-id", "device-7"], "End-User-Device-Id", "device-7"),
        (["--end-user-ip", "192.0.2.7"], "End-User-Ip", "192.0.2.7"),
        (["--end-user-ip", "2001:db8::7"], "End-User-Ip", "2001:db8::7"),
        (["--header", "End-User-Os: Linux: 6"], "End-User-Os", "Linux: 6"),
        (["--header", "X-A:1", "--header", "X-B: 2"], "X-A", "1"),
        (["--header", "X-A:1", "--header", "X-B: 2"], "X-B", "2"),
        (["--sensitive-header", "X-Session: s"], "X-Session", "s"),
    ],
)
def test_headers(record, arguments, name, value):
    assert record(*arguments)["headers"][name] == value


@pytest.mark.parametrize("arguments", [["--v2"], ["--operation-version", "2"], ["--v2", "--operation-version", "2"]])
def test_second_version(record, arguments):
    assert record(*arguments)["path"] == "/api/v2/client-secrets"


def test_first_version_by_name(record):
    assert record("--operation-version", "1")["path"] == "/api/client-secrets"


def test_the_last_value_counts(record):
    assert record("--user-agent", "a", "--user-agent", "b")["headers"]["User-Agent"] == "b"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--payer-id", "7"], "payer.id must be a UUID"),
        (["--payer-id", ""], "payer.id must be a UUID"),
        (["--type", "BANK"], "type"),
        (["--trace-id", "7"], "trace_id"),
        (["--user-agent", ""], "user_agent"),
        (["--user-agent", "a\nb"], "user_agent"),
        (["--end-user-ip", "256.1.1.1"], "end_user_ip"),
        (["--end-user-device-id", "\x01"], "end_user_device_id"),
        (["--extra", "[]"], "JSON object"),
        (["--extra", "{"], "JSON object"),
        (["--extra", '{"type": "X"}', "--type", "CARD"], "set it once"),
        (["--header", "Host: a"], "Host"),
        (["--header", "Authorization: a"], "Authorization"),
        (["--header", "X Y: a"], "header"),
        (["--header", "X-A: "], "X-A"),
        (["--header", "X-A: a\rb"], "X-A"),
    ],
)
def test_a_broken_rule_is_said_and_nothing_is_sent(create, emulator, arguments, said):
    before = emulator.requests()
    result = create(*arguments)
    assert result.code == 4
    assert result.out == ""
    assert said.lower() in result.err.lower()
    assert emulator.requests() == before


def test_the_option_is_named_as_it_is_written_here(create):
    assert "--payer-id" in create("--payer-id", "7").err


def test_a_sensitive_value_is_not_shown(create, emulator):
    emulator.faults({"status": 400, "code": "VALIDATION_ERROR", "message": "bad s3ssion-value here"})
    result = create("--sensitive-header", "X-Session: s3ssion-value", "--json", "--verbose")
    assert result.code == 7
    assert "s3ssion-value" not in result.out + result.err
