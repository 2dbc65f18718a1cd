# SPDX-License-Identifier: MIT
"""The surface, over the stub transport: what goes in, what comes out, and what is wrong."""

from __future__ import annotations

import copy
import enum
import http
import ipaddress
import json
import logging
import math
import os
import pathlib
import pickle
import pprint
import threading
import uuid

import pytest
import tomllib

import plastiq
from conftest import KEY, ROOT, in_thread, stub_options
from plastiq import _errors, _options, events

PAYER = "7d9b2b0e-5a3c-4b7e-8f1a-2c3d4e5f6a7b"
TRACE = "3f0e1f6a-7c2b-4d7e-9a51-0c8f6f1d2e3a"


NO_TRANSPORT = str(next(pathlib.Path(plastiq.__file__).parent.glob("_native*.so")))


class Kind(str, enum.Enum):
    CARD = "CARD"


def script(*entries):
    return stub_options(**{"stub.script": json.dumps(entries)})


def fault(name, **more):
    return {"fault": {"status": name, **more}}


# ---- making clients ----


def test_versions():
    assert plastiq.version().startswith("0.1.") and plastiq.__version__ == "0.1.0"
    assert plastiq.abi_version() >= (1, 0)
    assert plastiq.features() >= {"observers"}


def test_every_option_is_taken_and_read_back(tmp_path):
    """Every row of the table of options, with a value that is not its default."""
    with open(ROOT / "core/tables/options.toml", "rb") as file:
        rows = {row["name"]: row for row in tomllib.load(file)["option"]}
    assert set(_options.Options.__annotations__) == set(rows)
    assert set(_options.KINDS) == set(rows)
    described = {row["name"]: row for row in plastiq.describe("options")}
    assert set(described) == set(rows)
    # What the stub does not do is an error there, and what needs a file has tests of its own.
    special = {"access_token_file", "second_access_token_file", "transport", "transport_dir", "base_url"}
    values = {}
    for name, row in rows.items():
        if name in special or row["type"] in ("path", "secret") or name in ("pins", "resolve", "proxy", "proxy_user", "http_version"):
            continue
        if row["type"] == "bool":
            values[name] = described[name]["default"] != "true"
        elif row["type"] in ("int", "ms"):
            values[name] = int(described[name]["default"]) + 1
        elif row["type"] == "choice":
            values[name] = next(choice for choice in row["choices"] if choice != described[name]["default"])
    values |= {"transport_allow": ["stub", "curl"], "retry_statuses": [429, 503], "retry_operations": ("client_secrets.create",)}
    values |= {"allow_test_transports": True, "allow_plain_http": True}
    with plastiq.Client(stub_options(), **{name: value for name, value in values.items() if name not in stub_options()}) as client:
        effective = client.options()
    for name, value in values.items():
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
        text = ",".join(map(str, text)) if isinstance(text, (list, tuple)) else str(text)
        assert effective[name] == text, name
    assert effective["access_token"] == "[set]"


def test_paths_and_bytes(tmp_path):
    token = pathlib.Path(tmp_path / "token")
    token.write_text(KEY)
    token.chmod(0o600)
    with plastiq.Client(transport="stub", allow_test_transports=True, access_token_file=token) as client:
        client.client_secrets.create().close()
        assert client.options()["access_token_file"] == str(token)
    for given in (KEY.encode(), bytearray(KEY.encode())):
        with plastiq.Client(transport="stub", allow_test_transports=True, access_token=given) as client:
            client.client_secrets.create().close()


def test_none_is_not_set_and_in_the_mapping_takes_back():
    with plastiq.Client(stub_options(timeout_ms=None), access_token=None) as client:
        assert client.options()["timeout_ms"] == "15000"


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"time_out_ms": 5}, plastiq.ConfigError, "timeout_ms"),
        ({"timeout_ms": 0}, plastiq.ConfigError, "timeout_ms"),
        ({"timeout_ms": "soon"}, plastiq.ConfigError, "timeout_ms"),
        ({"environment": "moon"}, plastiq.ConfigError, "environment"),
        ({"timeout_ms": 1.5}, TypeError, "timeout_ms"),
        ({"timeout_ms": object()}, TypeError, "timeout_ms"),
        ({"timeout_ms": True}, TypeError, "timeout_ms"),
        ({"timeout_ms": math.nan}, TypeError, "timeout_ms"),
        ({"timeout_ms": -2}, plastiq.ConfigError, "timeout_ms"),
        ({"timeout_ms": 10**5000}, ValueError, "timeout_ms"),
        ({"max_repeats": 10**9}, plastiq.ConfigError, "max_repeats"),
        ({5: "x"}, TypeError, "option"),
        ({"a\0b": "x"}, plastiq.UsageError, "option"),
        ({"retry_statuses": ["429,503"]}, ValueError, "retry_statuses"),
        ({"retry_statuses": [None]}, TypeError, "retry_statuses"),
        ({"retry_statuses": [True]}, TypeError, "retry_statuses"),
        ({"retry_statuses": 429}, TypeError, "retry_statuses"),
        ({"access_token": 5}, TypeError, "access_token"),
        ({"access_token": ["x"]}, TypeError, "access_token"),
        ({"access_token": "a\0b"}, plastiq.UsageError, "access_token"),
        ({"transport": True}, TypeError, "transport"),
        ({"transport_dir": 5}, TypeError, "transport_dir"),
        ({"allow_test_transports": 1}, TypeError, "allow_test_transports"),
        ({"allow_test_transports": "yes"}, plastiq.ConfigError, "allow_test_transports"),
        ({"stub.script": 1.5}, TypeError, "stub.script"),
        ({"transport": "/etc/passwd"}, plastiq.LoadError, "not an ELF shared object"),
        ({"transport": NO_TRANSPORT}, plastiq.LoadError, NO_TRANSPORT),
        ({"access_token": "bad\ntoken"}, plastiq.ConfigError, "access_token"),
        ({"base_url": "https://x\ud800"}, plastiq.Error, ""),
        ({"transport": "nosuch"}, plastiq.LoadError, "nosuch"),
        ({"transport": "/nonexistent/transport.so"}, plastiq.LoadError, "/nonexistent"),
        ({"allow_test_transports": False}, plastiq.LoadError, "allow_test_transports"),
    ],
)
def test_bad_options(options, kind, says):
    with pytest.raises(kind) as caught:
        plastiq.Client({**stub_options(), **options})
    assert says in str(caught.value)
    if isinstance(caught.value, plastiq.ConfigError):
        assert caught.value.field == says  # of an unknown one: the nearest


@pytest.mark.parametrize("options", [5, "x", [], [("timeout_ms", 5)]])
def test_options_that_are_no_mapping(options):
    with pytest.raises(TypeError, match="options must be a mapping"):
        plastiq.Client(options)


def test_a_missing_transport_says_where_it_was_looked_for():
    with pytest.raises(plastiq.LoadError) as caught:
        plastiq.Client({**stub_options(), "transport": "nosuch"})
    assert caught.value.load and all({"path", "stage", "reason"} <= set(row) for row in caught.value.load)


def test_the_environment_counts_unless_told_not_to(monkeypatch):
    monkeypatch.setenv("PLASTIQ_TIMEOUT_MS", "1234")
    with plastiq.Client(stub_options()) as client:
        assert client.options()["timeout_ms"] == "1234"
        assert {row["name"]: row["source"] for row in client.describe("options")}["timeout_ms"] == "environment"
    with plastiq.Client(stub_options(transport_dir=os.environ.get("TRANSPORT_DIR")), ambient=False) as client:
        assert client.options()["timeout_ms"] == "15000"
    monkeypatch.setenv("PLASTIQ_BASE_URL", "https://elsewhere.test/api")
    with pytest.raises(plastiq.ConfigError, match="base_url"):
        plastiq.Client(stub_options())


# ---- calls ----


def test_every_argument(stub):
    seen = []
    with stub.observe("call_start", seen.append):
        created = stub.client_secrets.create(
            payer_id=uuid.UUID(PAYER),
            type="CARD",
            trace_id=TRACE,
            user_agent="Test-Browser/1.0",
            end_user_device_id="test-device-1",
            end_user_ip=ipaddress.ip_address("2001:db8::1"),
            headers={"End-User-Os": "Test OS"},
            extra={"payerId": PAYER, "more": {"list": [1, 2.5, None, True, "x"]}},
            timeout_ms=4321,
            max_repeats=7,
            with_attempts=True,
        )
    assert created.trace_id == TRACE and created.http_status == 200
    assert [attempt["http_status"] for attempt in created.attempts] == [200]
    assert 0 < created.client_secret.life_ms <= 60000
    assert (seen[0]["timeout_ms"], seen[0]["max_repeats"], seen[0]["trace_id"]) == (4321, 7, TRACE)
    with stub.client_secrets.create_v2() as later:
        assert 60000 < later.client_secret.life_ms <= 1_800_000
    assert later.client_secret.closed


def test_call_by_name(stub):
    with stub.call("client_secrets.create", {"payer.id": PAYER, "type": None}) as response:
        assert response.results["client_secret"].read().startswith(b"cs_test_")
    with pytest.raises(plastiq.UsageError, match=r"client_secrets\.create"):
        stub.call("client_secrets.creat")
    with pytest.raises(plastiq.InputError, match=r"payer\.id"):
        stub.call("client_secrets.create", {"payer_id": PAYER})
    with pytest.raises(TypeError, match="operation"):
        stub.call(None)
    for params in ([], ["payer.id"], "payer.id", 5, {5: "x"}):
        with pytest.raises(TypeError, match="params"):
            stub.call("client_secrets.create", params)


def test_enumerations_count_as_their_values():
    with plastiq.Client(stub_options(retry_statuses=[http.HTTPStatus.SERVICE_UNAVAILABLE, 429])) as client:
        assert client.options()["retry_statuses"] == "503,429"
        client.client_secrets.create(type=Kind.CARD, headers={"X-Kind": Kind.CARD}).close()


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"payer_id": "none"}, plastiq.InputError, "payer.id"),
        ({"payer_id": 5}, TypeError, "payer.id"),
        ({"payer_id": b"7d9b"}, TypeError, "payer.id"),
        ({"type": "CASH"}, plastiq.InputError, "type"),
        ({"trace_id": "00000000-0000-0000-0000-000000000000"}, plastiq.InputError, "trace_id"),
        ({"trace_id": uuid.UUID(int=5)}, plastiq.InputError, "trace_id"),
        ({"user_agent": ""}, plastiq.InputError, "user_agent"),
        ({"user_agent": "a\r\nb"}, plastiq.InputError, "user_agent"),
        ({"user_agent": "\ud800"}, plastiq.Error, "user_agent"),
        ({"end_user_ip": "localhost"}, plastiq.InputError, "end_user_ip"),
        ({"end_user_ip": ["192.0.2.1"]}, TypeError, "end_user_ip"),
        ({"headers": {"Authorization": "x"}}, plastiq.InputError, "Authorization"),
        ({"headers": {"X-A": 5}}, TypeError, "X-A"),
        ({"headers": {5: "x"}}, TypeError, "header"),
        ({"headers": "X-A: 5"}, TypeError, "headers"),
        ({"headers": [plastiq.Header("X-A", None)]}, TypeError, "X-A"),
        ({"headers": [("X-A",)]}, TypeError, "headers[0]"),
        ({"headers": [plastiq.Header("X-A", "b"), "cd"]}, TypeError, "headers[1]"),
        ({"headers": [None]}, TypeError, "headers[0]"),
        ({"headers": ""}, TypeError, "headers"),
        ({"headers": 0}, TypeError, "headers"),
        ({"headers": {"X-A": "a\0b"}}, plastiq.InputError, "X-A"),
        ({"payer_id": PAYER + "\0"}, plastiq.UsageError, "payer.id"),
        ({"cancel": "now"}, TypeError, "cancel"),
        ({"extra": ["x"]}, TypeError, "extra"),
        ({"extra": {"x": object()}}, TypeError, "extra"),
        ({"extra": {"x": 2**70}}, ValueError, "extra"),
        ({"extra": {"x": math.nan}}, plastiq.InputError, "extra"),
        ({"extra": {"x": b"x"}}, plastiq.InputError, "extra"),
        ({"extra": {"x": "\ud800"}}, plastiq.Error, "extra"),
        ({"extra": {5: "x"}}, plastiq.UsageError, "extra"),
        ({"extra": {"type": "CARD"}, "type": "CARD"}, plastiq.InputError, "type"),
        ({"timeout_ms": 0}, plastiq.Error, "timeout_ms"),
        ({"timeout_ms": 1.0}, TypeError, "timeout_ms"),
        ({"timeout_ms": True}, TypeError, "timeout_ms"),
        ({"timeout_ms": 2**80}, ValueError, "timeout_ms"),
        ({"timeout_ms": 10**5000}, ValueError, "timeout_ms"),
        ({"timeout_ms": math.nan}, TypeError, "timeout_ms"),
        ({"max_repeats": -1}, plastiq.Error, "max_repeats"),
        ({"max_repeats": "2"}, TypeError, "max_repeats"),
    ],
)
@pytest.mark.parametrize("run", [lambda work: work(), in_thread], ids=["main", "thread"])
def test_bad_arguments(stub, arguments, kind, says, run):
    with pytest.raises(kind) as caught:
        run(lambda: stub.client_secrets.create(**arguments))
    assert not isinstance(caught.value, plastiq.InternalError)
    assert says in str(caught.value)
    if type(caught.value) is plastiq.InputError:
        assert caught.value.field == says and caught.value.delivery == "not_sent"
    assert stub.stats()["calls_in_flight"] == 0
    stub.client_secrets.create().close()  # and the client is as good as before


def test_deep_extra(stub):
    deep = {}
    for _ in range(40):
        deep = {"x": deep}
    with pytest.raises((plastiq.Error, ValueError)):
        stub.client_secrets.create(extra=deep)


def test_tokens_are_rotated(stub):
    with plastiq.Client(script() | {"stub.api_keys": "test-key-old,test-key-new", "access_token": "test-key-old"}) as client:
        client.client_secrets.create().close()
        client.set_tokens("test-key-none")
        with pytest.raises(plastiq.HttpError) as caught:
            client.client_secrets.create()
        assert (caught.value.http_status, caught.value.code) == (401, "AUTHORIZATION_ERROR")
        client.set_tokens("test-key-none", second=bytearray(b"test-key-new"))
        assert len(client.client_secrets.create(with_attempts=True).attempts) == 2
        client.set_tokens(None)
        with pytest.raises(plastiq.ConfigError, match="access_token"):
            client.client_secrets.create()
        with pytest.raises(TypeError, match="access_token"):
            client.set_tokens(5)
        with pytest.raises(plastiq.ConfigError):
            client.set_tokens("bad\ntoken")


def test_a_closed_client():
    client = plastiq.Client(stub_options())
    client.client_secrets.create().close()
    assert client.close() and client.close() and client.closed
    for use in (
        client.client_secrets.create,
        lambda: client.client_secrets.create_v2(cancel=plastiq.CancelToken()),
        lambda: client.call("client_secrets.create"),
        lambda: client.describe("options"),
        lambda: client.observe("call_end", print),
        client.__enter__,
        client.warm,
        client.stats,
        client.options,
        client.transport,
        lambda: client.set_tokens("test-key-1"),
        lambda: in_thread(client.client_secrets.create),
    ):
        with pytest.raises(plastiq.UsageError, match="the client is closed") as caught:
            use()
        assert caught.value.status_name == "PLQ_E_HANDLE" and caught.value.field == "client"


def test_closing_wrongly_closes_nothing(stub):
    for wrong in ("1", 1.5, None, 2**70):
        with pytest.raises((TypeError, ValueError), match="timeout_ms"):
            stub.close(wrong)
    assert not stub.closed
    stub.client_secrets.create().close()


def test_closing_from_another_thread_ends_a_call():
    client = plastiq.Client(script({"hang": True}))
    threading.Timer(0.2, client.close).start()
    with pytest.raises(plastiq.CallCancelledError):
        client.client_secrets.create(timeout_ms=-1)
    with pytest.raises(plastiq.UsageError):
        client.client_secrets.create()


@pytest.mark.parametrize("run", [lambda work: work(), in_thread], ids=["main", "thread"])
def test_cancel(run):
    with plastiq.Client(script({"hang": True}, {"engine": True})) as client:
        token = plastiq.CancelToken()
        threading.Timer(0.1, token.cancel).start()
        with pytest.raises(plastiq.CallCancelledError) as caught:
            run(lambda: client.client_secrets.create(timeout_ms=-1, cancel=token))
        assert caught.value.status_name == "PLQ_E_CANCELLED" and token.cancelled
        # A cancel is never lost.
        with pytest.raises(plastiq.CallCancelledError) as caught:
            run(lambda: client.client_secrets.create(timeout_ms=-1, cancel=token))
        assert caught.value.delivery == "not_sent"
        assert not token._targets
        run(lambda: client.client_secrets.create(cancel=plastiq.CancelToken())).close()


def test_many_threads(stub):
    made, threads = [], []
    for _ in range(20):
        threads.append(
            threading.Thread(target=lambda: made.extend(bytes(stub.client_secrets.create().client_secret.take()) for _ in range(50)))
        )
        threads[-1].start()
    made.extend(bytes(stub.client_secrets.create().client_secret.take()) for _ in range(50))
    for thread in threads:
        thread.join()
    assert len(set(made)) == 21 * 50


def test_warm(stub):
    assert stub.warm(3) == 3
    assert in_thread(lambda: stub.warm(2)) >= 2
    with pytest.raises(plastiq.UsageError):
        stub.warm(1000)
    for wrong in ({"count": "1"}, {"count": -1}, {"count": 2**40}, {"count": 1.5}, {"timeout_ms": None}, {"timeout_ms": 2**80}):
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            stub.warm(**wrong)


def test_collecting_a_client_frees_it():
    import gc

    for _ in range(3000):  # many more than there are handles for, were they kept
        plastiq.Client(stub_options())
    gc.collect()


# ---- secrets ----


def test_a_secret_is_read_taken_and_wiped(stub):
    created = stub.client_secrets.create()
    secret = created.client_secret
    first = secret.read()
    assert isinstance(first, bytearray) and first.startswith(b"cs_test_")
    with secret.revealed() as data:
        assert data == first
    assert data == bytes(len(first))
    assert secret.take() == first
    for use in (secret.read, secret.take):
        with pytest.raises(plastiq.SecretError) as caught:
            use()
        assert caught.value.status_name == "PLQ_E_SECRET_TAKEN"
    plastiq.wipe(first)
    assert first == bytes(len(first))
    secret.close()
    secret.close()
    with pytest.raises(plastiq.UsageError, match="the secret is closed"):
        secret.read()
    assert secret.closed and secret.expired and secret.life_ms == 0


@pytest.mark.parametrize("what", [b"test bytes", "test text", None, memoryview(b"test"), 5])
def test_only_a_bytearray_is_wiped(what):
    """Others may be shared by all of the program: the bytes of a constant, for instance."""
    before = bytes(what) if isinstance(what, (bytes, memoryview)) else what
    with pytest.raises(TypeError, match="bytearray"):
        plastiq.wipe(what)
    assert what == before


def test_a_large_secret():
    text = "test-secret-" + "x" * 5000
    with plastiq.Client(script({"status": 200, "body": json.dumps({"clientSecret": text})})) as client:
        for run in (lambda work: work(), in_thread):
            with plastiq.Client(script({"status": 200, "body": json.dumps({"clientSecret": text})})) as client:
                secret = run(client.client_secrets.create).client_secret
                assert secret.read() == text.encode()


def test_a_secret_outlives_its_client():
    with plastiq.Client(stub_options()) as client:
        secret = client.client_secrets.create().client_secret
    assert secret.read().startswith(b"cs_test_")


def test_a_secret_shows_nothing(stub):
    created = stub.client_secrets.create()
    secret = created.client_secret
    shown = secret.read().decode()
    said = [repr(secret), str(secret), f"{secret}", f"{secret!r:>50}", pprint.pformat({"secret": secret}), repr(created), str(created)]
    said += [repr(created.results), repr([getattr(secret, name, None) for name in dir(secret) if name not in ("read", "take")])]
    assert not any(shown in text or shown[8:] in text for text in said)
    assert "[redacted]" in repr(secret)
    for leak in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy, bytes, bytearray, iter, len, vars):
        with pytest.raises(TypeError):
            leak(secret)
    with pytest.raises(TypeError):
        plastiq.Secret()
    with pytest.raises(TypeError):
        secret + ""


def test_a_secret_in_many_threads(stub):
    """Closing races with reading: one of two answers, and no third."""
    for _ in range(50):
        secret = stub.client_secrets.create().client_secret
        seen = []

        def use(secret=secret, seen=seen):
            for _ in range(20):
                try:
                    seen.append(bytes(secret.read()))
                except plastiq.UsageError:
                    seen.append(b"cs_test_")

        threads = [threading.Thread(target=use) for _ in range(3)]
        for thread in threads:
            thread.start()
        secret.close()
        for thread in threads:
            thread.join()
        assert len(seen) == 60 and all(one.startswith(b"cs_test_") for one in seen)


# ---- errors ----


def test_every_kind_has_a_class():
    with open(ROOT / "core/tables/status.toml", "rb") as file:
        table = tomllib.load(file)
    assert set(_errors.KINDS) == set(table["kinds"]) - {"ok"}
    assert {kind.__name__ for kind in _errors.KINDS.values()} <= set(plastiq.__all__)
    for row in plastiq.describe("statuses"):
        if row["kind"] != "ok":
            assert type(_errors.from_status(int(row["number"]))) is _errors.KINDS[row["kind"]]
    assert type(_errors.from_facts({"kind": "later", "message": "x"})) is plastiq.Error


def test_an_error_knows_all():
    body = {"code": "VALIDATION_ERROR", "message": "It is wrong.", "errors": [{"details": "one"}, {"details": "two"}]}
    busy = {"status": 503, "headers": [["Retry-After", "3600"], ["Trace-Id", TRACE]], "body": json.dumps(body)}
    with plastiq.Client(script(fault("PLQ_E_CONNECT_REFUSED"), busy)) as client, pytest.raises(plastiq.HttpError) as caught:
        client.client_secrets.create()
    error = caught.value
    assert (error.kind, error.delivery, error.http_status) == ("http", "answered", 503)
    assert error.status_name == "PLQ_E_HTTP_THROTTLED"  # it said when to come back
    assert (error.code, error.service_message, error.details) == ("VALIDATION_ERROR", "It is wrong.", ("one", "two"))
    assert (error.trace_id, error.retry_after_ms, error.repeatable) == (TRACE, 3_600_000, True)
    assert [attempt["name"] for attempt in error.attempts] == ["PLQ_E_CONNECT_REFUSED", error.status_name]
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    assert type(again) is plastiq.HttpError and vars(again) == vars(error) and str(again) == str(error)
    assert all(one.__module__ == "plastiq" for one in vars(plastiq).values() if isinstance(one, type))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PLQ_E_RESOLVE_NOT_FOUND", plastiq.ResolveError),
        ("PLQ_E_CONNECT_REFUSED", plastiq.ConnectError),
        ("PLQ_E_TLS_ALERT", plastiq.TlsError),
        ("PLQ_E_VERIFY_HOST", plastiq.VerifyError),
        ("PLQ_E_TIMEOUT_CONNECT", plastiq.CallTimeoutError),
    ],
)
def test_transport_errors(name, kind):
    known = {row["name"]: row["kind"] for row in plastiq.describe("statuses")}
    if name not in known:
        name = next(status for status, of in known.items() if of == {v: k for k, v in _errors.KINDS.items()}[kind])
    with plastiq.Client(script(*[fault(name)] * 3)) as client, pytest.raises(plastiq.TransportError) as caught:
        client.client_secrets.create()
    assert type(caught.value) is kind and caught.value.status_name == name and caught.value.http_status is None


# ---- observers and introspection ----


@pytest.mark.parametrize("run", [lambda work: work(), in_thread], ids=["main", "thread"])
def test_observers(stub, run, caplog):
    told, ended = [], []

    def fails(event):
        raise RuntimeError("of the observer")

    everything = stub.observe(None, told.append)
    stub.observe("call_end", ended.append)
    failing = stub.observe("call_start", fails)
    with caplog.at_level(logging.ERROR, logger="plastiq"):
        run(stub.client_secrets.create).close()
    assert "an observer of call_start failed" in caplog.text
    assert told[0]["event"] == "call_start" and told[-1]["event"] == "call_end"
    assert [event["status_name"] for event in ended] == ["PLQ_OK"]
    failing.stop()
    everything.stop()
    count = len(told)
    with pytest.raises(plastiq.InputError):
        run(lambda: stub.client_secrets.create(payer_id="none"))
    with pytest.raises(TypeError):
        stub.observe("call_end", None)
    run(stub.client_secrets.create).close()
    assert len(told) == count and len(ended) == 2
    with pytest.raises(plastiq.UsageError, match="call_end"):
        stub.observe("call_ended", print)


def test_events_are_those_of_the_library():
    """The types of events are the table's, and the table is the library's."""
    assert set(events.NAMES) == {row["name"] for row in plastiq.describe("events")}
    for row in plastiq.describe("event_fields"):
        name = "".join(part.capitalize() for part in row["event"].split("_"))
        assert row["name"] in {**getattr(events, name).__annotations__}, row


def test_an_observer_may_call(stub):
    made = []
    with stub.observe("call_end", lambda event: made.append(event) or (len(made) < 3 and stub.client_secrets.create().close())):
        stub.client_secrets.create().close()
    assert len(made) == 3


def test_describe(stub):
    tables = {row["table"] if "table" in row else row["name"] for row in plastiq.describe("tables")}
    assert {"operations", "options", "transports", "events", "statuses", "stats"} <= tables
    assert all(isinstance(plastiq.describe(table), list) for table in tables)
    assert "stub" in {row["name"] for row in stub.describe("transports")}
    with pytest.raises(plastiq.UsageError, match="options"):
        plastiq.describe("option")
    assert stub.transport()["class"] == "test"
    stats = stub.stats()
    assert stats["calls"] == 0 and "connections_open" in stats
    stub.client_secrets.create().close()
    assert stub.stats()["calls_succeeded"] == 1
