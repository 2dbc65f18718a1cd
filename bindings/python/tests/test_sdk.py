# SPDX-License-Identifier: MIT
"""plastiqpublicapi: the published SDK's documentation example unchanged, and the faults that are not kept."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
import warnings

import pytest

import plastiq
from conftest import KEY
from plastiqpublicapi import configuration
from plastiqpublicapi.configuration import Configuration, Environment, Server
from plastiqpublicapi.controllers.client_secrets_controller import ClientSecretsController
from plastiqpublicapi.exceptions.api_exception import APIException
from plastiqpublicapi.exceptions.error_exception import ErrorException
from plastiqpublicapi.http.http_call_back import HttpCallBack
from plastiqpublicapi.models.client_secrets_request import ClientSecretsRequest
from plastiqpublicapi.models.payer_id import PayerId
from plastiqpublicapi.models.type_7_enum import Type7Enum
from plastiqpublicapi.plastiqpublicapi_client import PlastiqpublicapiClient

PAYER = "7d9b2b0e-5a3c-4b7e-8f1a-2c3d4e5f6a7b"
TRACE = "3f0e1f6a-7c2b-4d7e-9a51-0c8f6f1d2e3a"

# As it stands in the documentation of the published SDK: the client, the controller, the example of the call.
EXAMPLE = """
from plastiqpublicapi.plastiqpublicapi_client import PlastiqpublicapiClient
from plastiqpublicapi.configuration import Environment

client = PlastiqpublicapiClient(
    access_token='AccessToken',
    environment=Environment.PRODUCTION,)

client_secrets_controller = client.client_secrets

body = ClientSecretsRequest()

result = client_secrets_controller.create_a_single_use_client_secret(body)
"""
IMPORTS = "from plastiqpublicapi.models.client_secrets_request import ClientSecretsRequest\n"


@pytest.fixture
def native(monkeypatch):
    """Further options of libplastiq, by which tests reach the stub."""

    def use(*entries, **more):
        options = {
            "transport": "stub",
            "allow_test_transports": True,
            "stub.api_keys": f"{KEY},AccessToken",
            "stub.script": json.dumps(entries),
        }
        monkeypatch.setattr(Configuration, "native_options", {**options, **more})

    use()
    return use


def make(**settings):
    return PlastiqpublicapiClient(**{"access_token": KEY, "environment": Environment.SANDBOX, **settings})


def create(**settings):
    with make(**settings) as client:
        return client.client_secrets.create_a_single_use_client_secret(ClientSecretsRequest())


def failure(**settings):
    with pytest.raises(APIException) as caught:
        create(**settings)
    return caught.value


def test_the_documentation_example(native):
    names = {}
    exec(IMPORTS + EXAMPLE, names)  # noqa: S102 - a text of this file
    assert type(names["result"].client_secret) is str and names["result"].client_secret.startswith("cs_test_")
    names["client"].close()


@pytest.mark.parametrize("transport", ["curl", "openssl"])
def test_the_documentation_example_over_tls(emulator, transport, monkeypatch):
    monkeypatch.setenv("PLASTIQ_TRANSPORT", transport)
    emulator.admin("PUT", "keys", {"keys": ["AccessToken"], "forbidden": []})
    monkeypatch.setattr(Configuration, "native_options", {"ca_file": emulator.ca})
    monkeypatch.setitem(Configuration.environments[Environment.PRODUCTION], Server.DEFAULT, emulator.url)
    names, before = {}, emulator.admin("GET", "state")["secrets_issued"]
    exec(IMPORTS + EXAMPLE, names)  # noqa: S102 - a text of this file
    assert names["result"].client_secret.startswith("cs_test_")
    assert emulator.admin("GET", "state")["secrets_issued"] == before + 1
    names["client"].close()


def test_one_warning():
    code = IMPORTS + EXAMPLE.replace(
        "body = ", "again = PlastiqpublicapiClient(environment=Environment.PRODUCTION); default = PlastiqpublicapiClient()\nbody = "
    )
    options = {"transport": "stub", "allow_test_transports": True, "stub.api_keys": "AccessToken"}
    code = f"from plastiqpublicapi.configuration import Configuration\nConfiguration.native_options = {options}\n{code}"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("DeprecationWarning") == 1 and "<string>" in done.stderr, done.stderr


def test_environments(monkeypatch, native):
    monkeypatch.setattr(configuration, "_warned", False)
    with pytest.warns(DeprecationWarning, match=r"Environment\.LIVE"):
        assert make(environment=Environment.PRODUCTION).config.get_base_uri() == "https://connect.sandbox.plastiq.com/api"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(environment=Environment.PRODUCTION)
        assert make().config.get_base_uri() == "https://connect.sandbox.plastiq.com/api"
        live = make(environment=Environment.LIVE)
    assert live.config.get_base_uri() == "https://connect.plastiq.com/api"
    assert Environment.ENVIRONMENT2 is Environment.LIVE and Environment.PRODUCTION.value == 0
    assert live.config.client().options()["base_url"] == "https://connect.plastiq.com/api"
    live.close()
    with pytest.raises(ValueError, match="environment"):
        make(environment="production")


def test_everything_is_sent(native):
    hooked = []

    class Hook(HttpCallBack):
        def on_before_request(self, request):
            hooked.append(request)

        def on_after_response(self, response):
            hooked.append(response)

    with make() as client:
        controller = ClientSecretsController(client.config, Hook())
        result = controller.create_a_single_use_client_secret(
            ClientSecretsRequest(payer=PayerId(id=PAYER), mtype="CARD"),
            trace_id=TRACE,
            user_agent="Test-Browser/1.0",
            end_user_device_id="test-device-1",
            end_user_ip="192.0.2.1",
        )
        request, response = hooked
        assert request.headers == {
            "Trace-Id": TRACE,
            "User-Agent": "Test-Browser/1.0",
            "End-User-Device-Id": "test-device-1",
            "End-User-Ip": "192.0.2.1",
        }
        assert (response.status_code, response.headers["Trace-Id"], response.text) == (200, TRACE, "")
        shown = "".join(str(vars(one)) for one in hooked) + repr(result)
        assert KEY not in shown and result.client_secret not in shown
        for body in (
            None,
            {},
            {"type": "CARD", "payerId": PAYER},
            ClientSecretsRequest(mtype=Type7Enum.CARD),
            ClientSecretsRequest(payer={"id": PAYER}),
        ):
            assert controller.create_a_single_use_client_secret(body).client_secret
        assert client.config.client().stats()["calls_succeeded"] == 6
        with pytest.raises(TypeError, match="body"):
            controller.create_a_single_use_client_secret("{}")


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_documented_errors(native, status):
    body = {"code": "TEST_ERROR", "message": "It is wrong.", "traceId": TRACE, "errors": [{"details": "one"}, {"details": "two"}]}
    native({"status": status, "body": json.dumps(body)})
    error = failure()
    assert type(error) is ErrorException
    assert (error.response_code, error.code, error.message, error.trace_id) == (status, "TEST_ERROR", "It is wrong.", TRACE)
    assert [one.details for one in error.errors] == ["one", "two"]
    assert json.loads(error.response.text) == body and error.response.status_code == status
    assert isinstance(error.__cause__, plastiq.HttpError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    assert (again.response_code, again.code, str(again)) == (status, "TEST_ERROR", str(error))


@pytest.mark.parametrize(
    "body", ["", "<html>", "[1]", '"x"', '{"errors": null}', '{"errors": "x"}', '{"errors": [1, null, {}]}', '{"code": 5', "[" * 5000]
)
@pytest.mark.parametrize("status", [400, 404, 503])
def test_any_body_of_an_error(native, status, body):
    native({"status": status, "body": body})
    error = failure()
    assert isinstance(error, ErrorException) == (status == 400)
    assert error.response_code == status and isinstance(error.errors, list)
    assert error.code is None and error.message and error.trace_id
    assert error.response.text


@pytest.mark.parametrize(
    "body", ["", "<html>", "{}", '{"clientSecret": null}', '{"clientSecret": ""}', '{"clientSecret": 5}', "[]", '{"clientSecret": "x']
)
def test_a_success_without_a_secret_is_none(native, body):
    native({"status": 200, "body": body})
    error = failure()
    assert type(error) is APIException and isinstance(error.__cause__, plastiq.ProtocolError)
    assert (error.response_code, error.code, error.errors) == (200, None, [])


def test_no_answer(native):
    native({"fault": {"status": "PLQ_E_CONNECT_REFUSED"}})
    error = failure()
    assert type(error) is APIException and isinstance(error.__cause__, plastiq.ConnectError)
    assert (error.response_code, error.code, error.errors, error.response.text) == (0, None, [], "") and error.message


def test_local_errors(native):
    with make() as client:
        create = client.client_secrets.create_a_single_use_client_secret
        for arguments in ({"trace_id": "none"}, {"user_agent": "a\r\nb"}, {"end_user_ip": "here"}):
            with pytest.raises(APIException, match=next(iter(arguments))) as caught:
                create(ClientSecretsRequest(), **arguments)
            assert caught.value.response_code == 0 and isinstance(caught.value.__cause__, plastiq.InputError)
        for body in (ClientSecretsRequest(payer=PayerId(id="none")), ClientSecretsRequest(mtype="CASH")):
            with pytest.raises(APIException):
                create(body)
    error = failure(access_token=None)
    assert isinstance(error.__cause__, plastiq.ConfigError) and "access_token" in error.message


def attempts(error):
    return len(error.__cause__.attempts)


def test_repeats_are_the_callers(native):
    busy = {"status": 503}
    native(*[busy] * 10)
    assert attempts(failure()) == 1  # max_retries is 0
    assert attempts(failure(max_retries=3)) == 1  # POST is none of the methods
    settings = {"backoff_factor": 0, "retry_methods": ["GET", "POST"]}
    assert attempts(failure(max_retries=3, **settings)) == 4
    assert attempts(failure(max_retries=2, backoff_factor=0, retry_methods=[])) == 3  # as urllib3 has it: all
    assert attempts(failure(max_retries=3, retry_statuses=[500], **settings)) == 1
    assert attempts(failure(max_retries=3, retry_statuses=[], **settings)) == 1
    native(*[{"status": 413}] * 10)
    assert attempts(failure(max_retries=1, **settings)) == 2  # of the default list
    native(*[{"status": 404}] * 10)
    assert attempts(failure(max_retries=1, retry_statuses=[404], **settings)) == 2
    native(busy)
    assert create(max_retries=1, **settings).client_secret


def test_settings(native):
    with make(timeout=2.5, proxies={"https": "http://127.0.0.1:3128", "http": "http://127.0.0.1:1"}, backoff_factor=0.25) as client:
        options = client.config.client().options()
    assert options["timeout_ms"] == options["idle_timeout_ms"] == options["connect_timeout_ms"] == "2500"
    assert (options["proxy"], options["backoff_base_ms"], options["max_repeats"]) == ("http://127.0.0.1:3128", "250", "0")
    assert make().config.client().options()["timeout_ms"] == "60000"
    assert make(timeout=None).config.client().options()["timeout_ms"] == "-1"
    options = make(timeout=(3, 27)).config.client().options()
    assert (options["connect_timeout_ms"], options["idle_timeout_ms"], options["timeout_ms"]) == ("3000", "27000", "30000")
    for wrong in (0, -1, "5", True, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            make(timeout=wrong).config.client()
    with pytest.raises(plastiq.ConfigError, match="max_repeats"):
        make(max_retries=-1, retry_methods=["POST"]).config.client()


def test_one_deadline_for_all(native):
    native({"delay_ms": 10, "status": 503, "headers": [["Retry-After", "5"]]})
    began = time.monotonic()
    error = failure(timeout=1, max_retries=3, retry_methods=["POST"])
    assert error.response_code == 503 and time.monotonic() - began < 1


def test_clone_with(native):
    config = make(max_retries=3, retry_statuses=[500]).config
    clone = config.clone_with(max_retries=0, retry_statuses=[], timeout=5)
    assert (clone.max_retries, clone.retry_statuses, clone.timeout, clone.environment) == (0, (), 5, Environment.SANDBOX)
    assert config.max_retries == 3
    with pytest.raises(TypeError):
        config.clone_with(nosuch=1)
    with PlastiqpublicapiClient(config=clone) as client:
        assert client.config is clone


def test_what_there_is_not(native):
    client = make()
    with pytest.raises(AttributeError, match="payments"):
        _ = client.payments
    assert not hasattr(client, "recipients") and not hasattr(client, "other")
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.client_secrets.create_a_single_use_client_secret(None)


def test_proxy_variables_do_not_count(native, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with make() as client:
        assert "proxy" not in client.config.client().options()
