# SPDX-License-Identifier: MIT
"""Where tokens and passwords come from, and where they must not show."""
import base64

import pytest
from support import KEY, SECRET, Emulator


def test_token_from_the_environment(create):
    result = create()
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(SECRET) and result.out.count("\n") == 1


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_token_from_a_file(create, secret_file, end):
    result = create("--token-file", secret_file(KEY + end), env={"PLASTIQ_ACCESS_TOKEN": None})
    assert (result.code, result.err) == (0, "")


def test_token_from_a_pipe(create):
    assert create("--token-file", "/dev/stdin", env={"PLASTIQ_ACCESS_TOKEN": None}, text=KEY + "\n").code == 0


def test_the_file_is_stronger_than_the_environment(create, secret_file):
    assert create("--token-file", secret_file(KEY), env={"PLASTIQ_ACCESS_TOKEN": "wrong"}).code == 0
    assert create("--token-file", secret_file("wrong"), env={"PLASTIQ_ACCESS_TOKEN": KEY}).code == 7


def test_second_token(create, secret_file):
    first = {"PLASTIQ_ACCESS_TOKEN": "rotated-away"}
    assert create(env=first).code == 7
    by_file = create("--second-token-file", secret_file(KEY), "--json", env=first)
    by_environment = create("--json", env={**first, "PLASTIQ_SECOND_ACCESS_TOKEN": KEY})
    for result in (by_file, by_environment):
        assert result.code == 0
        assert [attempt["token"] for attempt in result.json["attempts"]] == [1, 2]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_warned_of(create, secret_file, mode):
    result = create("--token-file", secret_file(KEY, mode))
    assert result.code == 0
    assert "warning" in result.err and "chmod 600" in result.err and KEY not in result.err


@pytest.mark.parametrize("content, said", [("", "empty"), ("\n", "empty"), ("x" * 20000, "too long"), ("two words", "access_token must be")])
def test_a_file_that_is_no_token(create, emulator, secret_file, content, said):
    before = emulator.requests()
    result = create("--token-file", secret_file(content))
    assert result.code == 3
    assert said in result.err and "two words" not in result.err
    assert emulator.requests() == before


def test_a_file_that_is_not_there(create, tmp_path):
    result = create("--token-file", tmp_path / "none", "--json")
    assert result.code == 3
    assert "No such file" in result.err
    assert result.json["field"] == "access_token" and result.json["delivery"] == "not_sent"


@pytest.mark.parametrize("value", [None, ""])
def test_no_token(create, emulator, value):
    before = emulator.requests()
    result = create(env={"PLASTIQ_ACCESS_TOKEN": value})
    assert result.code == 3
    assert "--token-file" in result.err and "PLASTIQ_ACCESS_TOKEN" in result.err
    assert emulator.requests() == before


def test_wrong_token(create, emulator):
    before = emulator.requests()
    result = create(env={"PLASTIQ_ACCESS_TOKEN": "wrong-token-value"})
    assert result.code == 7
    assert "401" in result.err and "check the token" in result.err and "wrong-token-value" not in result.err
    assert emulator.requests() == before + 1


def test_forbidden_token(create):
    result = create(env={"PLASTIQ_ACCESS_TOKEN": "forbidden-key"})
    assert result.code == 7 and "403" in result.err


@pytest.mark.parametrize("key", ["access_token", "second_access_token", "proxy_password", "client_key_password"])
def test_no_secret_from_an_argument(create, emulator, key):
    before = emulator.requests()
    result = create("--option", f"{key}=value-7531")
    assert result.code == 2
    assert "-file FILE" in result.err and "value-7531" not in result.err
    assert emulator.requests() == before


@pytest.mark.parametrize("arguments", [["--token=value-7531"], ["--token", "value-7531"], ["--access-token=value-7531"], ["value-7531"], ["-tvalue-7531"]])
def test_a_token_in_the_wrong_place_is_not_shown(create, emulator, arguments):
    before = emulator.requests()
    result = create(*arguments)
    assert result.code == 2
    assert "value-7531" not in result.out + result.err
    assert emulator.requests() == before


def test_redact(create):
    assert create("--redact").out == "[redacted]\n"
    assert create("--redact", "--json").json["client_secret"] == "[redacted]"


def test_verbose_keeps_the_secret_off_standard_error(create):
    result = create("--verbose", "--calls", "2")
    assert result.code == 0
    for line in result.out.splitlines():
        assert line.startswith(SECRET) and line not in result.err


def test_a_token_that_the_service_repeats_is_not_shown(create, emulator):
    emulator.faults({"status": 400, "code": "X", "message": f"you sent {KEY}"})
    result = create("--json", "--verbose")
    assert result.code == 7
    assert KEY not in result.out + result.err


def test_proxy_password(create, proxy, secret_file):
    result = create("--proxy", proxy.url, "--proxy-user", "u", "--proxy-password-file", secret_file("p w\n"))
    assert result.code == 0, result.err
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'u:p w').decode()}" in proxy.heads[0]
    assert KEY not in proxy.heads[0]


def test_client_certificate_with_a_password(create, tmp_path, openssl, secret_file):
    with Emulator(tmp_path, "--api-key", KEY, "--client-ca", tmp_path / "ca" / "ca.pem") as strict:
        address = ["--base-url", strict.url, "--ca-file", strict.ca, "--max-repeats", "0"]
        locked = tmp_path / "locked.pem"
        openssl("pkey", "-in", strict.made("client-key.pem"), "-aes256", "-passout", "pass:p", "-out", locked)
        certificate = ["--client-certificate-file", strict.made("client.pem")]
        password = ["--client-key-password-file", secret_file("p")]
        assert create(*address).code in (5, 6)
        assert create(*address, *certificate, "--client-key-file", strict.made("client-key.pem")).code == 0
        assert create(*address, *certificate, "--client-key-file", locked, *password).code == 0
        assert create(*address, *certificate, "--client-key-file", locked, "--client-key-password-file", secret_file("q")).code == 3
