# SPDX-License-Identifier: MIT
"""The scenario that every language plays, over TLS against the emulator. Only PLASTIQ_TRANSPORT says which transport it is."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import threading
import time

import pytest

import plastiq
from conftest import KEY, STRICT, in_thread


def use(emulator, secret):
    """What the buyer's browser does with a secret: the status of its answer."""
    connection = http.client.HTTPSConnection("127.0.0.1", emulator.port, context=emulator.context, timeout=30)
    with secret.revealed() as data:
        token = data.decode()
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "Test-Browser/1.0",
    }
    connection.request("POST", "/api/payment-methods", b"{}", headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_which_transport(live):
    with plastiq.Client(live) as client:
        assert client.transport()["name"] == os.environ["PLASTIQ_TRANSPORT"]
        assert {row["name"]: row["source"] for row in client.describe("options")}["transport"] == "environment"


@pytest.mark.parametrize("run", [lambda work: work(), in_thread], ids=["main", "thread"])
def test_use_once_and_twice(live, emulator, run):
    with plastiq.Client(live) as client:
        created = run(lambda: client.client_secrets.create(end_user_ip="192.0.2.1", with_attempts=True))
        assert created.attempts[0]["tls_version"] >= 0x0303
        assert use(emulator, created.client_secret) == 201
        assert use(emulator, created.client_secret) == 401


def test_expired(live, emulator):
    with plastiq.Client(live) as client:
        created = client.client_secrets.create()
        emulator.admin("POST", "clock", {"advance_ms": 61000})
        assert use(emulator, created.client_secret) == 401
        later = client.client_secrets.create_v2()
        emulator.admin("POST", "clock", {"advance_ms": 61000})
        assert use(emulator, later.client_secret) == 201


def test_rotated(live, emulator):
    with plastiq.Client(live) as client:
        client.client_secrets.create().close()
        emulator.admin("PUT", "keys", {"keys": ["test-key-new"], "forbidden": []})
        with pytest.raises(plastiq.HttpError) as caught:
            client.client_secrets.create()
        assert (caught.value.http_status, caught.value.code, caught.value.repeatable) == (401, "AUTHORIZATION_ERROR", False)
        client.set_tokens(KEY, second="test-key-new")
        assert [one.get("http_status") for one in client.client_secrets.create(with_attempts=True).attempts] == [401, 200]
        client.set_tokens("test-key-new")
        assert len(client.client_secrets.create(with_attempts=True).attempts) == 1


def test_refused(live):
    with plastiq.Client({**live, "access_token": "test-key-forbidden"}) as client:
        with pytest.raises(plastiq.HttpError) as caught:
            client.client_secrets.create()
        assert (caught.value.http_status, caught.value.code) == (403, "FORBIDDEN_ERROR")


def test_unavailable(live, emulator):
    with plastiq.Client(live) as client:
        emulator.faults({"status": 503, "retry_after": 1})
        began = time.monotonic()
        assert len(client.client_secrets.create(with_attempts=True).attempts) == 2
        assert time.monotonic() - began >= 1
        emulator.faults({"status": 503, "retry_after": 3600})
        with pytest.raises(plastiq.HttpError) as caught:
            client.client_secrets.create()
        assert (caught.value.http_status, caught.value.retry_after_ms, caught.value.repeatable) == (503, 3_600_000, True)


@pytest.mark.parametrize("run", [lambda work: work(), in_thread], ids=["main", "thread"])
def test_cancelled_in_flight(live, emulator, run):
    with plastiq.Client(live) as client:
        run(client.client_secrets.create).close()
        emulator.faults({"delay_ms": 5000})
        token = plastiq.CancelToken()
        threading.Timer(0.3, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(plastiq.CallCancelledError) as caught:
            run(lambda: client.client_secrets.create(cancel=token))
        assert time.monotonic() - began < 3 and caught.value.delivery == "maybe_sent"


def test_timeout(live, emulator):
    with plastiq.Client(live) as client:
        emulator.faults({"delay_ms": 3000})
        with pytest.raises(plastiq.CallTimeoutError) as caught:
            client.client_secrets.create(timeout_ms=300)
        assert caught.value.delivery == "maybe_sent"


def test_closed_with_calls_in_flight(live, emulator):
    emulator.faults({"count": 8, "delay_ms": 5000})
    client, ended = plastiq.Client(live), []

    def work():
        with pytest.raises(plastiq.CallCancelledError) as caught:
            client.client_secrets.create()
        ended.append(caught.value)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        if client.stats()["calls_in_flight"] == 8:
            break
        time.sleep(0.02)
    time.sleep(0.2)
    began = time.monotonic()
    assert client.close()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - began < 3 and len(ended) == 8


def test_a_thousand_threads_at_once(live):
    previous = threading.stack_size(256 * 1024)
    try:
        with plastiq.Client(live, timeout_ms=60000) as client:
            made, ready = [], threading.Event()

            def work():
                ready.wait()
                made.append(bytes(client.client_secrets.create().client_secret.take()))

            threads = [threading.Thread(target=work) for _ in range(1000)]
            for thread in threads:
                thread.start()
            ready.set()
            for thread in threads:
                thread.join(60)
            assert len(set(made)) == 1000
            assert client.stats()["connections_open"] <= 64
    finally:
        threading.stack_size(previous)


def test_a_thousand_tasks_at_once(live, emulator, any_loop):
    async def main():
        async with plastiq.AsyncClient(live, timeout_ms=60000) as client:
            made = await asyncio.gather(*[client.client_secrets.create() for _ in range(1000)])
            assert len({bytes(one.client_secret.take()) for one in made}) == 1000
            assert client.stats()["connections_open"] <= 64

    asyncio.run(main())
    assert threading.active_count() == 1


def test_tasks_cancelled_and_closed_in_flight(live, emulator, any_loop):
    async def main():
        client = plastiq.AsyncClient(live)
        (await client.client_secrets.create()).close()
        emulator.faults({"count": 6, "delay_ms": 5000})
        calls = [asyncio.ensure_future(client.client_secrets.create()) for _ in range(6)]
        await asyncio.sleep(0.3)
        began = time.monotonic()
        calls[0].cancel()
        assert await client.close()
        kinds = [type(one) for one in await asyncio.gather(*calls, return_exceptions=True)]
        assert kinds == [asyncio.CancelledError] + [plastiq.CallCancelledError] * 5
        assert time.monotonic() - began < 3

    asyncio.run(main())


def test_three_loops(live, any_loop):
    client, made = plastiq.AsyncClient(live), []

    async def work():
        for one in await asyncio.gather(*[client.client_secrets.create() for _ in range(50)]):
            made.append(bytes(one.client_secret.take()))

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(made)) == 150
    asyncio.run(client.close())


def test_warm(live):
    with plastiq.Client(live) as client:
        assert client.warm(3) == 3
        before = client.stats()["connections_open"]
        client.client_secrets.create().close()
        in_thread(client.client_secrets.create).close()
        assert client.stats()["connections_open"] == before
        assert client.stats()["connections_reused"] == 2

    async def main():
        async with plastiq.AsyncClient(live) as client:
            assert await client.warm(4) == 4
            (await client.client_secrets.create()).close()
            assert client.stats()["connections_reused"] == 1

    asyncio.run(main())


IDLE = """
import asyncio, json, sys, plastiq
options = json.loads(sys.argv[1])
blocking, looping = plastiq.Client(options), plastiq.AsyncClient(options)
blocking.client_secrets.create()
async def main():
    await looping.client_secrets.create()
asyncio.run(main())
print("idle", flush=True)
"""


def test_exit_while_idle(live):
    """With open clients, connections and secrets: at once, and without a word."""
    began = time.monotonic()
    done = subprocess.run([*STRICT, "-c", IDLE, json.dumps(live)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "idle\n", "")
    assert time.monotonic() - began < 10


def test_a_server_that_nobody_vouches_for(live):
    with plastiq.Client({key: value for key, value in live.items() if key != "ca_file"}) as client:
        with pytest.raises(plastiq.VerifyError) as caught:
            client.client_secrets.create()
        assert caught.value.delivery == "not_sent"
