# SPDX-License-Identifier: MIT
"""The client for event loops."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ._core import Core, Options, OptionValue
from ._errors import check, from_status
from ._library import ffi, lib
from ._message import Headers, Response, build, discard, number, open_reply, unpack
from ._operations import AsyncClientSecrets

if TYPE_CHECKING:
    from typing_extensions import Unpack

R = TypeVar("R", bound=Response)

# So many results are handed out before the loop does something else.
RESULTS_A_TURN = 64


class _LoopQueue:
    """The calls of one event loop: a queue, and one reader on its descriptor. Everything but ``shut`` runs on the loop's thread."""

    def __init__(self, client: int, loop: asyncio.AbstractEventLoop) -> None:
        out, error, fd = ffi.new("plq_queue_id *"), ffi.new("plq_error **"), ffi.new("int *")
        check(lib.plq_queue_new(client, out, error), error)
        self.handle: int = out[0]
        # Weak, as the loop keeps this by its reader: so both go when the loop does.
        self.loop = weakref.ref(loop)
        self._net = weakref.finalize(self, lib.plq_queue_free, self.handle)
        self._net.atexit = False
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tag = 0
        self._room = 4096
        self._buffer = ffi.new("uint8_t[]", self._room)
        self._len, self._got, self._id = ffi.new("size_t *"), ffi.new("uint64_t *"), ffi.new("uint64_t *")
        self._warming: asyncio.Future[int] | None = None
        self._ended = False
        # Whoever waits for the end. No future lives longer than somebody waits: it would hold the loop.
        self._end_waiters: list[asyncio.Future[None]] = []
        status = lib.plq_queue_fd(self.handle, fd)
        if status != lib.PLQ_OK:
            raise from_status(status)
        self._fd: int = fd[0]
        loop.add_reader(self._fd, self._on_readable)

    async def call(self, message: bytes) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        error = ffi.new("plq_error **")
        self._tag = tag = self._tag + 1
        status = lib.plq_queue_submit_message(self.handle, message, len(message), tag, 0, self._id, error)
        if status != 0:  # PLQ_OK
            check(status, error)
        call = self._id[0]
        self._waiting[tag] = future = loop.create_future()
        if len(self._waiting) == 1 and self._warming is None:
            self._on_readable()  # a call that is alone leaves at once, and not after a turn of the loop
        try:
            reply: dict[str, Any] = await future
            return reply
        except BaseException:
            # Cancelled, or closed (GeneratorExit) as its task is gone. What comes late for a tag that nobody knows is wiped.
            if self._waiting.pop(tag, None) is not None:
                lib.plq_queue_cancel(self.handle, call)
            elif future.done() and not future.cancelled() and future.exception() is None:
                discard(future.result())
            raise

    def _on_readable(self) -> None:
        for _ in range(RESULTS_A_TURN):
            status = lib.plq_queue_next_message(self.handle, 0, self._buffer, self._room, self._len, self._got, ffi.NULL)
            if status == 0:  # PLQ_OK
                self._deliver(self._got[0], unpack(ffi.buffer(self._buffer, self._len[0])))
                if not self._waiting:
                    return  # what else there is to do keeps the descriptor readable
            elif status == lib.PLQ_E_BUFFER_TOO_SMALL:
                self._room = 2 * self._len[0]
                self._buffer = ffi.new("uint8_t[]", self._room)
            elif status in (lib.PLQ_E_QUEUE_EMPTY, lib.PLQ_E_BUSY):
                return
            elif status in (lib.PLQ_E_CLOSED, lib.PLQ_E_HANDLE, lib.PLQ_E_FORKED):
                self.end(status)
                return
            else:
                # The transport cannot work now, of lack of descriptors for instance. Calls stay in flight, and end by their deadlines.
                self._pause()
                return

    def _deliver(self, tag: int, reply: dict[str, Any]) -> None:
        future = self._waiting.pop(tag, None)
        if future is None or future.done():
            discard(reply)
        else:
            future.set_result(reply)

    def _pause(self) -> None:
        loop = self.loop()
        if loop is not None:
            loop.remove_reader(self._fd)
            loop.call_later(0.05, self._resume)

    def _resume(self) -> None:
        loop = self.loop()
        if loop is not None and not self._ended:
            loop.add_reader(self._fd, self._on_readable)

    def end(self, status: int) -> None:
        """Stops watching, and frees the queue. Nothing comes any more: who still waits is told."""
        loop = self.loop()
        # After a fork the loop's own descriptor is shared with the parent: it must not be touched.
        if loop is not None and not loop.is_closed() and status != lib.PLQ_E_FORKED:
            loop.remove_reader(self._fd)
        self._net()
        self._ended = True
        waiting, self._waiting = self._waiting, {}
        waiters, self._end_waiters = self._end_waiters, []
        if loop is None or loop.is_closed():
            return
        for future in waiting.values():
            if not future.done():
                future.set_exception(from_status(status))
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_end(self) -> None:
        if not self._ended:
            waiter = asyncio.get_running_loop().create_future()
            self._end_waiters.append(waiter)
            await waiter

    async def warm(self, count: int, timeout_ms: int) -> int:
        number("count", count, 0, 2**32 - 1)
        number("timeout_ms", timeout_ms)
        opened, error = ffi.new("uint32_t *"), ffi.new("plq_error **")
        loop = asyncio.get_running_loop()
        while self._warming is not None:  # one after the other
            await asyncio.wait([self._warming])
        # It blocks, so not here, and only one thread may be inside: nobody watches until it is done, cancelled or not.
        loop.remove_reader(self._fd)
        self._warming = loop.run_in_executor(None, lib.plq_queue_warm, self.handle, count, timeout_ms, opened, error)
        self._warming.add_done_callback(self._warmed)
        status = await asyncio.shield(self._warming)
        check(status, error)
        return int(opened[0])

    def _warmed(self, _: object) -> None:
        self._warming = None
        self._resume()

    def shut(self) -> None:
        """Cancels what is in flight, from any thread. The loop hears of it by the descriptor."""
        lib.plq_queue_close(self.handle, 1)
        loop = self.loop()
        if loop is None or loop.is_closed():
            self._net()


class AsyncClient(Core):
    """A client whose calls are awaited. Several event loops, of several threads, may use it at once: each has connections of its own.

    :param options: options by their names, also those of transports, such as ``{"stub.script": "[]"}``
    :param ambient: whether the environment (``PLASTIQ_...``) says what code leaves open
    :param named: options by keyword, such as ``access_token=...``; docs/options.md lists them all

    >>> async with plastiq.AsyncClient(access_token=token) as client:  # doctest: +SKIP
    ...     created = await client.client_secrets.create(end_user_ip="192.0.2.1")

    Cancelling the task that awaits a call cancels the call, and so do ``asyncio.timeout`` and ``asyncio.wait_for``.
    """

    def __init__(self, options: Mapping[str, OptionValue] | None = None, *, ambient: bool = True, **named: Unpack[Options]) -> None:
        super().__init__(options, ambient, named)
        self.client_secrets = AsyncClientSecrets(self)
        self._queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopQueue] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    async def call(
        self,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
        max_repeats: int | None = None,
        with_attempts: bool = False,
    ) -> Response:
        """Makes any operation by its name, with fields by their paths (``{"payer.id": ...}``): also those of a later library."""
        return await self._run(build(operation, params, headers, extra, timeout_ms, max_repeats, with_attempts), Response)

    async def warm(self, count: int = 1, *, timeout_ms: int = 15000) -> int:
        """Opens connections of this loop ahead of the first call, and tells how many are open. Calls wait for it meanwhile."""
        return await self._queue().warm(count, timeout_ms)

    async def close(self, timeout_ms: int = 5000) -> bool:
        """Ends the client, in all loops: what is in flight is cancelled, and in this loop waited for.

        False: that took longer than the time, and ends by itself.
        """
        number("timeout_ms", timeout_ms)
        ended = self._end(0)
        with self._lock:
            queues = list(self._queues.values())
        for queue in queues:
            queue.shut()
        for queue in queues:
            if queue.loop() is asyncio.get_running_loop():
                try:
                    await asyncio.wait_for(queue.wait_end(), timeout_ms / 1000 if timeout_ms >= 0 else None)
                except asyncio.TimeoutError:
                    ended = False
        return ended

    async def __aenter__(self) -> AsyncClient:
        self._open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<plastiq.AsyncClient{' closed' if self._closed else ''}>"

    def _queue(self) -> _LoopQueue:
        client, loop = self._open(), asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = _LoopQueue(client, loop)
            with self._lock:
                gone = [(old, left) for old, left in self._queues.items() if old.is_closed()]
                for old, _ in gone:
                    del self._queues[old]
                self._queues[loop] = queue
            for _, left in gone:
                left.end(lib.PLQ_E_HANDLE)
        return queue

    async def _run(self, message: dict[str, Any], made: type[R]) -> R:
        packed = self._pack(message)
        reply = await self._queue().call(packed)
        if self._observations:
            self._tell(reply)
        return open_reply(reply, made)
