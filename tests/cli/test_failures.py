# SPDX-License-Identifier: MIT
"""What goes wrong on the way: the exit code tells a script what it may do next, the sentence tells a person."""
import shutil
import socket
import time

import pytest
from servers import dead_port
from support import KEY, Cli


def check_unsent(create, emulator, code, *arguments):
    before = emulator.requests()
    result = create(*arguments)
    assert result.code == code, result.err
    assert result.out == "" and result.err.startswith("plastiq: ") and result.err.count("\n") == 1
    assert emulator.requests() == before
    return result.err


# ---- the client ----


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--option", "max_repeat=1"], 'the nearest is "max_repeats"'),
        (["--option", "zzzzzz=1"], "docs/options.md"),
        (["--option", "max_repeats=x"], "whole number"),
        (["--max-repeats", "101"], "0 to 100"),
        (["--timeout-ms", "0"], "1 to 86400000"),
        (["--environment", "staging"], "sandbox or production"),
        (["--base-url", "ftp://127.0.0.1"], "https://host"),
        (["--http-version", "3"], "auto,1.1,2"),
        (["--pins", "abc"], "sha256//BASE64"),
        (["--proxy", "socks5://127.0.0.1:1"], "proxy"),
        (["--ca-file", "/nonexistent/ca.pem"], "/nonexistent/ca.pem"),
        (["--ca-dir", "/nonexistent"], "/nonexistent"),
        (["--client-certificate-file", "/nonexistent/c.pem", "--client-key-file", "/nonexistent/k.pem"], "/nonexistent"),
        (["--warm", "65"], "max_connections"),
        (["--transport-allow", "openssl"], "transport_allow"),
        (["--transport", "a b"], "transport must be"),
        (["--transport", "missing"], "there are: curl"),
        (["--transport-dir", "/nonexistent"], "/nonexistent"),
        (["--transport", "/nonexistent/t.so"], "/nonexistent/t.so"),
        (["--transport", "stub"], "--allow-test-transports"),
    ],
)
def test_wrong_setup(create, emulator, arguments, said):
    assert said in check_unsent(create, emulator, 3, *arguments)


def test_a_ca_file_that_is_no_certificate(create, emulator, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("no certificate\n")
    assert str(path) in check_unsent(create, emulator, 3, "--ca-file", path)


def test_plain_http_needs_a_flag(create, emulator, recorder):
    assert "allow_plain_http" in check_unsent(create, emulator, 3, "--base-url", recorder.url)
    assert recorder.requests == []


def test_plain_http_is_for_this_machine_only(create, emulator):
    assert "not this machine" in check_unsent(create, emulator, 3, "--base-url", "http://192.0.2.1/api", "--allow-plain-http")


# ---- the command line ----


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--payer", "x"], "the nearest is --payer-id"),
        (["--zzzzzzzz"], "there is no option --zzzzzzzz"),
        (["--payer-id"], "--payer-id needs a value"),
        (["--json=yes"], "--json takes no value"),
        (["--option", "max_repeats"], "KEY=VALUE"),
        (["--header", "X-A"], "NAME: VALUE"),
        (["--sensitive-header", "X-A"], "NAME: VALUE"),
        (["--operation-version", "3"], "1 or 2"),
        (["--operation-version", "1", "--v2"], "contradict"),
        (["--calls", "0"], "from 1"),
        (["--calls", "1x"], "from 1"),
        (["--warm", "-1"], "from 1"),
        (["extra"], "too many"),
    ],
)
def test_wrong_command_line(create, emulator, arguments, said):
    err = check_unsent(create, emulator, 2, *arguments)
    assert said in err and "--help" in err


# ---- the server ----


@pytest.fixture
def other_ca(tmp_path, openssl):
    """The certificate of a CA that has nothing to do with the emulator's."""
    path = tmp_path / "other.pem"
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null"]
    openssl("req", "-x509", *key, "-subj", "/CN=other", "-addext", "basicConstraints=critical,CA:TRUE", "-out", path)
    return path


def test_a_server_that_is_not_trusted(create, emulator, other_ca):
    assert "--ca-file" in check_unsent(create, emulator, 3, "--ca-file", other_ca)


def test_a_certificate_for_another_name(create, emulator, proxy):
    proxy.target = ("127.0.0.1", emulator.port)
    err = check_unsent(create, emulator, 3, "--base-url", "https://other.example/api", "--proxy", proxy.url)
    assert "for another name" in err


def test_pins(create, emulator, openssl):
    public = openssl("x509", "-in", emulator.made("server.pem"), "-noout", "-pubkey")
    digest = openssl("dgst", "-sha256", "-binary", data=openssl("pkey", "-pubin", "-outform", "DER", data=public))
    pin = "sha256//" + openssl("base64", "-A", data=digest).decode().strip()
    assert create("--pins", pin).code == 0
    assert "--pins" in check_unsent(create, emulator, 3, "--pins", "sha256//" + "A" * 43 + "=")


def test_ca_folder(emulator, tmp_path, openssl):
    create = Cli("client-secrets", "create", "--base-url", emulator.url, token=KEY)
    assert create("--ca-dir", tmp_path).code == 3
    shutil.copy(emulator.ca, tmp_path)
    openssl("rehash", tmp_path)
    assert create("--ca-dir", tmp_path).code == 0


def test_a_dead_port(create, emulator):
    err = check_unsent(create, emulator, 5, "--base-url", f"https://127.0.0.1:{dead_port()}")
    assert "refused" in err and "--base-url" in err and "after 3 attempts" in err


def test_a_host_that_does_not_exist(create, emulator):
    assert "--base-url" in check_unsent(create, emulator, 5, "--base-url", "https://nowhere.invalid")


def test_a_dead_proxy(create, emulator):
    check_unsent(create, emulator, 5, "--proxy", f"http://127.0.0.1:{dead_port()}")


def test_the_proxy_variables_are_not_read(create):
    dead = f"http://127.0.0.1:{dead_port()}"
    assert create(env={"https_proxy": dead, "HTTPS_PROXY": dead, "ALL_PROXY": dead, "all_proxy": dead}).code == 0


# ---- the answer ----


@pytest.mark.parametrize(
    "fault, code",
    [
        ({"drop": "before_handling"}, 6),
        ({"drop": "after_handling"}, 6),
        ({"truncate_body": 5}, 6),
        ({"body": "<html>"}, 6),
        ({"body": '{"clientSecret":null}'}, 6),
        ({"status": 302, "headers": [["Location", "https://127.0.0.1:1/"]]}, 7),
        ({"status": 400}, 7),
        ({"status": 404}, 7),
        ({"status": 409}, 7),
        ({"status": 429}, 8),
        ({"status": 500}, 8),
        ({"status": 503}, 8),
        ({"status": 503, "retry_after": 3600}, 8),
    ],
)
def test_exit_code(create, emulator, fault, code):
    emulator.faults({**fault, "count": 1})
    result = create("--max-repeats", "0")
    assert result.code == code, result.err
    assert result.out == "" and result.err.count("\n") == 1 and "[trace " in result.err


def test_repeats(create, emulator):
    before = emulator.requests()
    emulator.faults({"status": 503, "count": 5})
    assert create("--max-repeats", "4").code == 8
    assert emulator.requests() == before + 5
    emulator.faults({"status": 503, "count": 2})
    assert create().code == 0


def test_a_deadline_after_sending(create, emulator):
    emulator.faults({"delay_ms": 5000})
    began = time.monotonic()
    result = create("--timeout-ms", "400")
    assert result.code == 6 and "deadline" in result.err
    assert time.monotonic() - began < 4


def test_any_other_option(create, emulator):
    emulator.faults({"delay_ms": 5000})
    result = create("--option", "idle_timeout_ms=300", "--option", "max_repeats=0", "--json")
    assert result.code == 6 and result.json["kind"] == "timeout"


def test_a_server_that_never_shakes_hands(create):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = create("--base-url", f"https://127.0.0.1:{silent.getsockname()[1]}", "--timeout-ms", "400")
    assert result.code == 5 and "deadline" in result.err
