# SPDX-License-Identifier: MIT
"""The emulator as its users see it: secrets that work once and expire, keys that rotate, admin calls, wrong arguments."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest
from support import KEY, Emulator

CARD = {"card": {"number": "4111111111111111", "cvv": "000"}}
TRACE = "5f0c1f6e-3d0b-4a39-9d55-0c1b8d8c7a11"


def post(emulator, path, token, body=None, **headers):
    """Status, headers and JSON of a POST to the API."""
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "tests", **headers}
    request = urllib.request.Request(f"{emulator.url}{path}", method="POST", data=json.dumps(body or {}).encode(), headers=given)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=emulator.context))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def mint(emulator, path="/client-secrets"):
    status, _, body = post(emulator, path, KEY)
    assert status == 200
    return body["clientSecret"]


def test_a_secret_works_once(emulator):
    emulator.clear_faults()
    secret = mint(emulator)
    assert post(emulator, "/payment-methods", secret, CARD)[0] == 201
    status, _, error = post(emulator, "/payment-methods", secret, CARD)
    assert status == 401 and error["code"] == "AUTHORIZATION_ERROR"
    assert post(emulator, "/payment-methods", "cs_test_unknown", CARD)[0] == 401


@pytest.mark.parametrize(("path", "life_ms"), [("/client-secrets", 60_000), ("/v2/client-secrets", 1_800_000)])
def test_a_secret_expires(tmp_path, path, life_ms):
    with Emulator(tmp_path, "--api-key", KEY) as emulator:
        early, late = mint(emulator, path), mint(emulator, path)
        emulator.admin("POST", "clock", {"advance_ms": life_ms - 10_000})
        assert post(emulator, "/payment-methods", early, CARD)[0] == 201
        emulator.admin("POST", "clock", {"advance_ms": 10_001})
        assert post(emulator, "/payment-methods", late, CARD)[0] == 401


def test_secrets_differ(emulator):
    assert len({mint(emulator) for _ in range(50)}) == 50


def test_a_valid_trace_id_is_echoed_and_another_is_replaced(emulator):
    assert post(emulator, "/client-secrets", KEY, **{"Trace-Id": TRACE})[1]["Trace-Id"] == TRACE
    made = post(emulator, "/client-secrets", KEY, **{"Trace-Id": "nonsense"})[1]["Trace-Id"]
    assert made != "nonsense" and made[14] == "4"


def test_what_is_wrong_with_a_request_is_listed(emulator):
    status, _, error = post(emulator, "/client-secrets", KEY, {"payer": {"id": "x"}, "type": "COIN"})
    assert (status, error["code"]) == (400, "VALIDATION_ERROR")
    assert len(error["errors"]) == 2
    assert post(emulator, "/nowhere", KEY)[0] == 404
    assert post(emulator, "/client-secrets", "not-a-key")[0] == 401
    assert post(emulator, "/client-secrets", "forbidden-key")[0] == 403


def test_keys_rotate(tmp_path):
    with Emulator(tmp_path, "--api-key", KEY) as emulator:
        emulator.admin("PUT", "keys", {"keys": ["cli-test-key-2"]})
        assert post(emulator, "/client-secrets", KEY)[0] == 401
        assert post(emulator, "/client-secrets", "cli-test-key-2")[0] == 200


def test_the_request_log_has_no_secrets(emulator):
    secret = mint(emulator)
    post(emulator, "/payment-methods", secret, CARD)
    log = json.dumps(emulator.admin("GET", "requests"))
    assert secret not in log and KEY not in log and CARD["card"]["number"] not in log and "/payment-methods" in log


@pytest.mark.parametrize(("method", "path", "body"), [("POST", "faults", [{"status": "many"}]), ("POST", "faults", [{"unknown": 1}]),
                                                      ("POST", "clock", {"advance_ms": "soon"}), ("PUT", "keys", {"keys": "one"})])
def test_bad_admin_calls(emulator, method, path, body):
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.admin(method, path, body)
    assert caught.value.code == 400 and len(caught.value.read()) > 20


@pytest.mark.parametrize(("arguments", "said"), [(["--make-ca", "{tmp}", "--address", "0.0.0.0"], "loopback"), ([], "--make-ca"),
                                                 (["--plain-http", "--port", "x"], "numeric"), (["--nonsense"], "nonsense"),
                                                 (["--certificate", "{tmp}/none.pem", "--key", "{tmp}/none.pem"], "none.pem")])
def test_wrong_arguments(tmp_path, arguments, said):
    command = [os.environ["EMULATOR_BIN"], *(a.format(tmp=tmp_path) for a in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode in (1, 2) and said in done.stderr, done.stderr
