# SPDX-License-Identifier: MIT
"""The vectors that every language runs, over the stub transport: on the main thread, on another one, and in an event loop."""

from __future__ import annotations

import asyncio

import pytest

import plastiq
import vectors
from conftest import in_thread

CASES, LEFT_OUT = vectors.load()


def arguments(case):
    headers = [plastiq.Header(one["name"], one["value"], one.get("sensitive", False)) for one in case.get("headers", [])]
    return {
        "params": case.get("params"),
        "headers": headers or None,
        "extra": case.get("extra"),
        "timeout_ms": case.get("timeout_ms"),
        "max_repeats": case.get("max_repeats"),
        "with_attempts": True,
    }


def play_blocking(case):
    try:
        with plastiq.Client(vectors.options(case), ambient=False) as client:
            return client.call(case.get("operation", "client_secrets.create"), **arguments(case))
    except plastiq.Error as error:
        return error


def play_in_thread(case):
    return in_thread(lambda: play_blocking(case))


def play_asyncio(case):
    async def main():
        async with plastiq.AsyncClient(vectors.options(case), ambient=False) as client:
            return await client.call(case.get("operation", "client_secrets.create"), **arguments(case))

    try:
        return asyncio.run(main())
    except plastiq.Error as error:
        return error


@pytest.mark.parametrize("play", [play_blocking, play_in_thread, play_asyncio], ids=["main", "thread", "asyncio"])
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_vector(case, play):
    outcome = play(case)
    if isinstance(outcome, plastiq.Error):
        got = vectors.of_error(outcome)
        said = f"{outcome} {outcome!r} {vars(outcome)}"
        assert not [canary for canary in vectors.CANARIES if canary in said]
    else:
        assert not [canary for canary in vectors.CANARIES if canary in f"{outcome!r} {outcome} {outcome.results}"]
        got = vectors.of_response(outcome)
        assert 0 < got["life_ms"] <= (1_800_000 if case.get("operation", "").endswith("_v2") else 60_000)
    wanted = vectors.expected(case)
    wrong = [line for key in wanted for line in vectors.differences(key, wanted[key], got.get(key))]
    assert not wrong, "\n".join([*wrong, str(got)[:4000]])


def test_left_out(capsys):
    """What is not run is counted, and only for these reasons."""
    with capsys.disabled():
        reasons = sorted({reason for _, reason in LEFT_OUT})
        print("".join(f"\nvectors left out: {sum(why == reason for _, why in LEFT_OUT)}, {reason}" for reason in reasons))
    assert len(CASES) > 300
    assert reasons == ["its extra is a text, and a message has a map there", "needs a server"]
