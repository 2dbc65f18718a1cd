# SPDX-License-Identifier: MIT
"""The client for event loops, over the stub transport."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
import weakref
from functools import partial

import pytest

import plastiq
from conftest import stub_options
from plastiq import _aio, _client, _message
from plastiq._library import lib

HANG = {"hang": True}
pytestmark = pytest.mark.usefixtures("any_loop")


def script(*entries):
    return stub_options(**{"stub.script": json.dumps(entries)})


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_which_loop(any_loop):
    async def main():
        async with plastiq.AsyncClient(stub_options()) as client:
            (await client.client_secrets.create()).close()
            return type(asyncio.get_running_loop()).__module__

    assert asyncio.run(main()).startswith(any_loop)


def test_a_thousand_at_once():
    async def main():
        async with plastiq.AsyncClient(stub_options()) as client:
            made = await asyncio.gather(*[client.client_secrets.create() for _ in range(1000)])
            assert len({bytes(one.client_secret.take()) for one in made}) == 1000
            assert (await client.client_secrets.create_v2()).client_secret.life_ms > 60000
            assert client.stats()["calls_succeeded"] == 1001

    asyncio.run(main())


def test_three_loops_in_three_threads():
    """One client, three loops: each has its own queue and one reader; results go to the loop that asked."""
    client = plastiq.AsyncClient(stub_options())
    made, readers, together = [], [], threading.Barrier(3)

    async def work():
        loop = asyncio.get_running_loop()
        await client.client_secrets.create()
        together.wait(10)
        for _ in range(5):
            for one in await asyncio.gather(*[client.client_secrets.create() for _ in range(50)]):
                made.append(bytes(one.client_secret.take()))
        readers.append((client._queues[loop]._fd, threading.get_ident()))
        together.wait(10)

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(made)) == 750
    assert len({fd for fd, _ in readers}) == 3 and len({ident for _, ident in readers}) == 3
    asyncio.run(client.close())
    assert client.closed


def test_closing_ends_the_calls_of_every_loop():
    client = plastiq.AsyncClient(script(*[HANG] * 10))
    ended, started = [], threading.Barrier(3)

    async def work():
        calls = [asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1)) for _ in range(3)]
        await asyncio.sleep(0.05)
        started.wait(10)
        ended.extend(type(one) for one in await asyncio.gather(*calls, return_exceptions=True))

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    started.wait(10)
    asyncio.run(client.close())
    for thread in threads:
        thread.join(10)
    assert ended == [plastiq.CallCancelledError] * 6


def test_cancelling_the_task_cancels_the_call():
    async def main():
        async with plastiq.AsyncClient(script(*[HANG] * 100)) as client:
            ended = []
            client.observe("call_end", ended.append)
            calls = [asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1)) for _ in range(100)]
            await asyncio.sleep(0.05)
            assert client.stats()["calls_in_flight"] == 100
            for call in calls:
                call.cancel()
            assert {type(one) for one in await asyncio.gather(*calls, return_exceptions=True)} == {asyncio.CancelledError}
            for _ in range(100):
                if client.stats()["calls_in_flight"] == 0:
                    break
                await asyncio.sleep(0.01)
            stats = client.stats()
            assert (stats["calls_in_flight"], stats["calls_failed"]) == (0, 100)
            assert not client._queues[asyncio.get_running_loop()]._waiting
            (await client.client_secrets.create()).close()

    asyncio.run(main())


def test_wait_for():
    async def main():
        async with plastiq.AsyncClient(script(HANG)) as client:
            began = time.monotonic()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.client_secrets.create(timeout_ms=-1), 0.1)
            assert time.monotonic() - began < 2

    asyncio.run(main())


def test_a_result_that_nobody_waits_for_is_wiped(monkeypatch):
    """Cancelled between the reply's arrival and the task's next step: the secret must not stay."""
    discarded = []
    monkeypatch.setattr(_aio, "discard", lambda reply: (discarded.append(reply), plastiq._message.discard(reply)))

    async def main():
        async with plastiq.AsyncClient(script(HANG)) as client:
            hanging = asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1))
            await asyncio.sleep(0)  # a call that is alone would be done at once
            queue_calls = [asyncio.ensure_future(client.client_secrets.create()) for _ in range(20)]
            await asyncio.sleep(0)
            queue = client._queues[asyncio.get_running_loop()]
            for _ in range(1000):
                queue._on_readable()
                if len(queue._waiting) == 1:
                    break
            for call in [hanging, *queue_calls]:
                call.cancel()
            await asyncio.gather(*queue_calls, return_exceptions=True)

    asyncio.run(main())
    found = [reply for reply in discarded if "results" in reply]
    assert len(found) == 20
    for reply in found:
        with pytest.raises(plastiq.UsageError):  # claimed before, so it cannot be claimed again
            plastiq.Secret._claim(reply["results"]["client_secret"]["handle"], 0)


def test_a_coroutine_that_is_dropped_cancels_its_call():
    """Closed while it waits, without a task that is cancelled."""

    async def main():
        async with plastiq.AsyncClient(script(HANG)) as client:
            dropped = client.client_secrets.create(timeout_ms=-1)
            dropped.send(None)
            queue = client._queues[asyncio.get_running_loop()]
            assert client.stats()["calls_in_flight"] == 1 and len(queue._waiting) == 1
            dropped.close()
            assert not queue._waiting
            for _ in range(100):
                if client.stats()["calls_in_flight"] == 0:
                    break
                await asyncio.sleep(0.01)
            assert client.stats()["calls_in_flight"] == 0

    asyncio.run(main())


def test_a_reply_with_a_tag_that_nobody_knows_is_wiped():
    async def main():
        async with plastiq.AsyncClient(stub_options()) as client:
            (await client.client_secrets.create()).close()
            message = _message.pack(_message.build("client_secrets.create", None, None, None, None, None, False))
            reply = _client._run_direct(partial(lib.plq_call_message, client._handle), message)
            client._queues[asyncio.get_running_loop()]._deliver(12345, reply)
            with pytest.raises(plastiq.UsageError):  # claimed before
                plastiq.Secret._claim(reply["results"]["client_secret"]["handle"], 0)

    asyncio.run(main())


def test_errors_are_raised_where_they_belong():
    async def main():
        async with plastiq.AsyncClient(stub_options()) as client:
            with pytest.raises(plastiq.InputError, match=r"payer\.id"):
                await client.client_secrets.create(payer_id="none")
            with pytest.raises(TypeError, match="timeout_ms"):
                await client.client_secrets.create(timeout_ms="1")
            with pytest.raises(plastiq.UsageError):
                await client.call("nosuch")
            for wrong in ({"count": "1"}, {"count": -1}, {"timeout_ms": 1.5}):
                with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
                    await client.warm(**wrong)
            with pytest.raises(TypeError, match="timeout_ms"):
                await client.close("1")
            assert not client.closed
            (await client.client_secrets.create()).close()
        with pytest.raises(plastiq.UsageError, match="the client is closed"):
            await client.client_secrets.create()
        with pytest.raises(plastiq.UsageError, match="the client is closed"):
            await client.warm()
        with pytest.raises(plastiq.UsageError, match="the client is closed"):
            async with client:
                pass
        assert await client.close()

    asyncio.run(main())


def test_a_full_queue():
    async def main():
        async with plastiq.AsyncClient(script(*[HANG] * 3), queue_max_calls=2) as client:
            calls = [asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1)) for _ in range(2)]
            await asyncio.sleep(0.01)
            with pytest.raises(plastiq.Error) as caught:
                await client.client_secrets.create()
            assert caught.value.status_name == "PLQ_E_QUEUE_FULL"
            await client.close()
            assert {type(one) for one in await asyncio.gather(*calls, return_exceptions=True)} == {plastiq.CallCancelledError}

    asyncio.run(main())


def test_a_large_reply():
    text = "test-secret-" + "x" * 3000
    details = [{"details": "d" * 200} for _ in range(50)]

    async def main():
        entries = [{"status": 200, "body": json.dumps({"clientSecret": text})}, {"status": 400, "body": json.dumps({"errors": details})}]
        async with plastiq.AsyncClient(script(*entries)) as client:
            assert (await client.client_secrets.create()).client_secret.read() == text.encode()
            with pytest.raises(plastiq.HttpError) as caught:
                await client.client_secrets.create()
            assert caught.value.details

    asyncio.run(main())


def test_observers_and_warm():
    async def main():
        async with plastiq.AsyncClient(stub_options()) as client:
            assert await client.warm(2) == 2
            with pytest.raises(plastiq.UsageError):
                await client.warm(1000)
            told = []
            with client.observe(None, told.append):
                await client.client_secrets.create()
            assert [event["event"] for event in told][-1] == "call_end"
            # Calls that are made while connections are opened wait, and come.
            await asyncio.gather(client.warm(5), client.warm(6), *[client.client_secrets.create() for _ in range(10)])
            warming = asyncio.ensure_future(client.warm(7))
            await asyncio.sleep(0)
            warming.cancel()
            (await client.client_secrets.create()).close()

    asyncio.run(main())


def test_the_loop_stays_alive():
    """Thousands of results at once do not hold it for long: others have their turn in between."""

    async def main():
        gaps, last = [], time.monotonic()

        async def tick():
            nonlocal last
            while True:
                await asyncio.sleep(0)
                gaps.append(time.monotonic() - last)
                last = time.monotonic()

        async with plastiq.AsyncClient(script(HANG), queue_max_calls=20000) as client:
            hanging = asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1))
            await asyncio.sleep(0)
            calls = [asyncio.ensure_future(client.client_secrets.create()) for _ in range(5000)]
            await asyncio.sleep(0)
            last = time.monotonic()
            ticking = asyncio.ensure_future(tick())
            await asyncio.gather(*calls)
            ticking.cancel()
            hanging.cancel()
        assert max(gaps) < 0.5 and len(gaps) > 50

    asyncio.run(main())


def test_nothing_is_left():
    """Clients that were closed, dropped, or whose loop ended: descriptors and objects go."""

    async def use(close):
        client = plastiq.AsyncClient(stub_options())
        await client.client_secrets.create()
        if close:
            await client.close()
        return weakref.ref(client), weakref.ref(client._queues[asyncio.get_running_loop()])

    asyncio.run(use(True))
    gc.collect()
    before, refs = descriptors(), []
    for i in range(60):
        refs += asyncio.run(use(i % 2 == 0))
    gc.collect()
    assert not [ref for ref in refs if ref() is not None]
    assert descriptors() <= before

    async def in_one_loop():
        made = [(await use(i % 2 == 0))[0] for i in range(20)]
        gc.collect()
        await asyncio.sleep(0.05)
        gc.collect()
        assert not [ref for ref in made if ref() is not None]
        assert descriptors() <= before + 8  # the loop's own

    asyncio.run(in_one_loop())


def test_loops_come_and_go():
    """A client that outlives its loops keeps none of them: also of those that ended with calls in flight."""
    client, before = plastiq.AsyncClient(script(*[HANG] * 100)), descriptors()

    async def leave():
        left.append(asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1)))
        await asyncio.sleep(0.01)

    loops, left = [], []
    for i in range(20):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave())
        if i % 2:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
        loop.set_exception_handler(lambda *_: None)  # tasks that are left pending are said to be
        loops.append(weakref.ref(loop))
        loop.close()
        left.clear()
        del loop
        gc.collect()
    asyncio.run(client.close())
    gc.collect()
    assert descriptors() <= before
    assert not [one for one in loops[:-1] if one() is not None]


def test_abandoned_calls_leave_nothing():
    async def main():
        async with plastiq.AsyncClient(script(*[HANG] * 2000)) as client:
            for _ in range(20):
                calls = [asyncio.ensure_future(client.client_secrets.create(timeout_ms=-1)) for _ in range(100)]
                await asyncio.sleep(0)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            await asyncio.sleep(0.1)
            assert not client._queues[asyncio.get_running_loop()]._waiting
            assert client.stats()["calls_in_flight"] == 0

    asyncio.run(main())
