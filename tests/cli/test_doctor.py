# SPDX-License-Identifier: MIT
"""plastiq doctor and plastiq describe."""
import os
import ssl
import base64

import pytest
from support import KEY, Cli


@pytest.fixture
def doctor(emulator):
    emulator.clear_faults()
    return Cli("doctor", "--transport-dir", os.environ["TRANSPORT_DIR"], "--base-url", emulator.url, "--ca-file", emulator.ca, token=KEY)


def checks(result):
    return {row["check"]: row for row in result.json["checks"]}


@pytest.mark.parametrize("transport", ["curl", "openssl"])
def test_a_good_setup(doctor, emulator, transport):
    before = emulator.requests()
    result = doctor("--transport", transport, "--json")
    found = checks(result)
    assert result.code == 0 and result.json["good"] is True
    assert [found[name]["verdict"] for name in ("transport", "address", "connection", "tls", "key", "time", "call", "all")] == ["ok"] * 8
    assert emulator.url in found["address"]["text"]
    assert "TLS 1.3" in found["tls"]["text"] and "vouches" in found["tls"]["text"]
    assert "none was made" in found["call"]["text"]
    assert emulator.requests() == before  # nothing was sent
    assert KEY not in result.out


def test_the_key_is_what_pins_take(doctor):
    pin = checks(doctor("--json"))["key"]["text"].split()[0]
    assert doctor("--pins", pin).code == 0
    wrong = "sha256//" + base64.b64encode(bytes(32)).decode()
    result = doctor("--pins", wrong)
    assert result.code == 3 and "PLQ_E_VERIFY_PIN" in result.out


def test_a_call_on_request(doctor, emulator):
    before = emulator.requests()
    result = doctor("--call", "--json")
    assert result.code == 0 and "HTTP status 200" in checks(result)["call"]["text"]
    assert emulator.requests() == before + 1


def test_a_key_that_is_not_taken(doctor):
    result = doctor("--call", env={"PLASTIQ_ACCESS_TOKEN": None, "PLASTIQ_CONFIG": None}, text=None)
    assert result.code == 3 and "there is none" in result.out
    result = doctor("--call", env={"PLASTIQ_ACCESS_TOKEN": "test-key-of-somebody-else"})
    assert result.code == 7 and "PLQ_E_HTTP_UNAUTHORIZED" in result.out and "does not take this API key" in result.out


def test_what_is_wrong_and_what_to_do(doctor, tmp_path):
    cases = [
        (("--base-url", "https://no-such-host.invalid"), 5, "PLQ_E_RESOLVE_NOT_FOUND", "/etc/resolv.conf"),
        (("--base-url", "https://127.0.0.1:1"), 5, "PLQ_E_CONNECT_REFUSED", "Nothing listens"),
        (("--ca-file", os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().openssl_cafile), 3, "PLQ_E_", ""),
        (("--transport", "not-there"), 3, "PLQ_E_TRANSPORT_NOT_FOUND", "plastiq transports"),
        (("--option", f"access_token_file={tmp_path}/nothing"), 3, "", ""),
    ]
    for arguments, code, status, advice in cases:
        result = doctor(*arguments)
        assert result.code == code, result.out
        assert status in result.out and advice in result.out
        assert "bad " in result.out
        assert KEY not in result.out


def test_options_and_where_they_come_from(tmp_path):
    config = tmp_path / "options.json"
    config.write_text('{"idle_timeout_ms": 4321, "retry_statuses": [429]}')
    env = {"PLASTIQ_CONFIG": str(config), "PLASTIQ_TIMEOUT_MS": "1234"}
    result = Cli("describe", "--options", "--json", "--max-repeats", "1", token=KEY)(env=env)
    rows = {row["name"]: row for row in result.json["rows"]}
    assert (rows["timeout_ms"]["value"], rows["timeout_ms"]["source"], rows["timeout_ms"]["place"]) == ("1234", "environment", "the variable PLASTIQ_TIMEOUT_MS")
    assert (rows["idle_timeout_ms"]["value"], rows["idle_timeout_ms"]["source"]) == ("4321", "file")
    assert rows["idle_timeout_ms"]["place"] == f"the file {config}"
    assert (rows["max_repeats"]["value"], rows["max_repeats"]["source"]) == ("1", "code")
    assert rows["access_token"]["value"] == "[set]" and KEY not in result.out
    text = Cli("describe", "--options")(env=env)
    assert any(line.split() == ["timeout_ms", "1234", "environment", "the", "variable", "PLASTIQ_TIMEOUT_MS"] for line in text.out.splitlines())


def test_a_broken_file_of_options(tmp_path):
    config = tmp_path / "options.json"
    config.write_text('{\n  "timeout_ms": 1234,\n  "max_repeat": 1\n}')
    result = Cli("describe", "--options")(env={"PLASTIQ_CONFIG": str(config)})
    assert result.code == 3
    assert f"the file {config}, line 3, column 4" in result.err and '"max_repeats"' in result.err


@pytest.mark.parametrize("flag", ["--operations", "--transports", "--capabilities", "--events", "--statuses"])
def test_each_table(flag):
    run = Cli("describe", "--transport-dir", os.environ["TRANSPORT_DIR"], flag)
    assert run().out.strip() and run("--json").json["rows"]
    assert run("--options").code == 2


def test_every_table_by_name():
    run = Cli("describe", "--transport-dir", os.environ["TRANSPORT_DIR"])
    names = [row["name"] for row in run("--json").json["rows"]]
    assert "transport_options" in names
    for name in names:
        assert run("--table", name, "--json").json["rows"], name
    result = run("--table", "option")
    assert result.code == 3 and '"options"' in result.err
