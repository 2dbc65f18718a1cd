# SPDX-License-Identifier: MIT
"""The client whose calls block."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ._core import Core, Options, OptionValue
from ._errors import check, from_status
from ._library import ffi, lib
from ._message import Headers, Response, build, discard, number, open_reply, unpack, wrong_type
from ._operations import ClientSecrets

if TYPE_CHECKING:
    from typing_extensions import Unpack

R = TypeVar("R", bound=Response)

# How long a signal's handler, such as that of Ctrl-C, may have to wait while the main thread is inside the library.
SLICE_MS = 50
# How long what was interrupted is waited for: a cancelled call ends at once.
DRAIN_MS = 200


class CancelToken:
    """Cancels calls from another thread: give it to any number of calls, then ``cancel()``. One that begins later is cancelled too."""

    def __init__(self) -> None:
        self._targets: dict[object, Callable[[], object]] = {}
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Cancels every call that has it: each raises CallCancelledError, unless its outcome was there first.

        Any thread may do so, and signal handlers.
        """
        self._cancelled = True
        for target in list(self._targets.values()):
            target()

    def _add(self, target: Callable[[], object]) -> object:
        # Added before the flag is looked at, as it is set before targets are: one of the two sees the other.
        key = object()
        self._targets[key] = target
        if self._cancelled:
            target()
        return key

    def _remove(self, key: object) -> None:
        self._targets.pop(key, None)


class _MainQueue:
    """Calls of the main thread. Only there do signal handlers run, and only between two steps of Python: so its calls go through a queue,
    which is left every now and then. Calls of other threads block in the library for as long as they take."""

    def __init__(self, client: int) -> None:
        out, error = ffi.new("plq_queue_id *"), ffi.new("plq_error **")
        check(lib.plq_queue_new(client, out, error), error)
        self.handle: int = out[0]
        self._tag = 0
        self._room = 4096
        self._buffer = ffi.new("uint8_t[]", self._room)
        self._len, self._got, self._id = ffi.new("size_t *"), ffi.new("uint64_t *"), ffi.new("uint64_t *")

    def _next(self, timeout_ms: int) -> tuple[int, dict[str, Any]] | int:
        """A tag and its reply, or the status that says why there is none."""
        while True:
            status: int = lib.plq_queue_next_message(self.handle, timeout_ms, self._buffer, self._room, self._len, self._got, ffi.NULL)
            if status == 0:  # PLQ_OK
                return self._got[0], unpack(ffi.buffer(self._buffer, self._len[0]))
            if status != lib.PLQ_E_BUFFER_TOO_SMALL:
                return status
            self._room = 2 * self._len[0]
            self._buffer = ffi.new("uint8_t[]", self._room)

    def call(self, message: bytes, cancel: CancelToken | None) -> dict[str, Any] | None:
        """The reply; None: the queue was left behind by a fork."""
        self._tag = tag = self._tag + 1
        error = ffi.new("plq_error **")
        status = lib.plq_queue_submit_message(self.handle, message, len(message), tag, 0, self._id, error)
        if status == lib.PLQ_E_FORKED:
            lib.plq_error_free(error[0])
            return None
        check(status, error)
        call = self._id[0]
        key = None if cancel is None else cancel._add(partial(lib.plq_queue_cancel, self.handle, call))
        try:
            return self._wait(tag, SLICE_MS)
        except BaseException:
            lib.plq_queue_cancel(self.handle, call)
            self._drain(tag)
            raise
        finally:
            if cancel is not None:
                cancel._remove(key)

    def _wait(self, tag: int, slice_ms: int) -> dict[str, Any]:
        while True:
            got = self._next(slice_ms)
            if isinstance(got, tuple):
                if got[0] == tag:
                    return got[1]
                discard(got[1])  # of a call that was interrupted
            elif got == lib.PLQ_E_BUSY:
                time.sleep(0.01)  # connections are opened still, for a warm() that was interrupted
            elif got != lib.PLQ_E_QUEUE_EMPTY:
                raise from_status(got)

    def _drain(self, tag: int) -> None:
        for _ in range(DRAIN_MS // 20):
            got = self._next(20)
            if isinstance(got, tuple):
                discard(got[1])
                if got[0] == tag:
                    return
            elif got != lib.PLQ_E_QUEUE_EMPTY:
                return

    def free(self) -> None:
        lib.plq_queue_free(self.handle)


class Client(Core):
    """A client whose calls block; any number of threads may use it at once.

    :param options: options by their names, also those of transports, such as ``{"stub.script": "[]"}``
    :param ambient: whether the environment (``PLASTIQ_...``) says what code leaves open
    :param named: options by keyword, such as ``access_token=...``; docs/options.md lists them all

    >>> with plastiq.Client(access_token=token) as client:  # doctest: +SKIP
    ...     created = client.client_secrets.create(end_user_ip="192.0.2.1")
    """

    def __init__(self, options: Mapping[str, OptionValue] | None = None, *, ambient: bool = True, **named: Unpack[Options]) -> None:
        super().__init__(options, ambient, named)
        self.client_secrets = ClientSecrets(self)
        self._queue: _MainQueue | None = None
        self._inside = False

    def call(
        self,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
        max_repeats: int | None = None,
        with_attempts: bool = False,
        cancel: CancelToken | None = None,
    ) -> Response:
        """Makes any operation by its name, with fields by their paths (``{"payer.id": ...}``): also those of a later library."""
        return self._run(build(operation, params, headers, extra, timeout_ms, max_repeats, with_attempts), Response, cancel)

    def warm(self, count: int = 1, *, timeout_ms: int = 15000) -> int:
        """Opens connections ahead of the first call, and tells how many are open.

        The main thread's calls have connections of their own. Called there, it opens so many for it, and as many for all other threads.
        """
        if threading.current_thread() is not threading.main_thread() or self._inside:
            return self._warm(partial(lib.plq_client_warm, self._open()), count, timeout_ms)
        # Not on this thread, so that signals are heard meanwhile.
        outcome: list[Any] = []

        def work() -> None:
            try:
                for target in (partial(lib.plq_queue_warm, queue.handle), partial(lib.plq_client_warm, client)):
                    outcome.append(self._warm(target, count, timeout_ms))
            except BaseException as error:
                outcome.append(error)

        client, queue = self._open(), self._main_queue()
        thread = threading.Thread(target=work, name="plastiq-warm", daemon=True)
        thread.start()
        thread.join()
        for one in outcome:
            if isinstance(one, BaseException):
                raise one
        return int(min(outcome))

    @staticmethod
    def _warm(target: Callable[..., int], count: int, timeout_ms: int) -> int:
        opened, error = ffi.new("uint32_t *"), ffi.new("plq_error **")
        check(target(number("count", count, 0, 2**32 - 1), number("timeout_ms", timeout_ms), opened, error), error)
        return int(opened[0])

    def close(self, timeout_ms: int = 5000) -> bool:
        """Ends the client: what is in flight is cancelled, and waited for.

        False: some of it still ran when the time was over, and ends by itself.
        """
        ended = self._end(timeout_ms)
        if not self._inside:  # otherwise the main thread frees its queue itself
            self._free_queue()
        return ended

    def __enter__(self) -> Client:
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<plastiq.Client{' closed' if self._closed else ''}>"

    def __del__(self) -> None:
        if getattr(self, "_queue", None) is not None:
            self._free_queue()

    # ---- calls ----

    def _run(self, message: dict[str, Any], made: type[R], cancel: CancelToken | None) -> R:
        client = self._open()
        if cancel is not None and not isinstance(cancel, CancelToken):
            raise wrong_type("cancel", "a CancelToken", cancel)
        packed = self._pack(message)
        # A handler of a signal that arrived inside of a call of the main thread makes its own calls as another thread would.
        if threading.get_ident() == threading.main_thread().ident and not self._inside:
            reply = self._run_main(packed, cancel)
        elif cancel is None:
            reply = _run_direct(partial(lib.plq_call_message, client), packed)
        else:
            reply = _run_cancellable(client, packed, cancel)
        if self._observations:
            self._tell(reply)
        return open_reply(reply, made)

    def _main_queue(self) -> _MainQueue:
        if self._queue is None:
            self._queue = _MainQueue(self._open())
        return self._queue

    def _free_queue(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.free()

    def _run_main(self, packed: bytes, cancel: CancelToken | None) -> dict[str, Any]:
        self._inside = True
        try:
            while True:
                reply = self._main_queue().call(packed, cancel)
                if reply is not None:
                    return reply
                self._free_queue()  # what the child holds of it
        finally:
            self._inside = False
            if self._closed:
                self._free_queue()


def _run_direct(call: Callable[..., int], packed: bytes) -> dict[str, Any]:
    out, length = ffi.new("uint8_t **"), ffi.new("size_t *")
    status = call(packed, len(packed), out, length)
    if status != 0:  # PLQ_OK
        raise from_status(status)
    try:
        return unpack(ffi.buffer(out[0], length[0]))
    finally:
        lib.plq_message_free(out[0], length[0])


def _run_cancellable(client: int, packed: bytes, cancel: CancelToken) -> dict[str, Any]:
    out, error = ffi.new("plq_call_id *"), ffi.new("plq_error **")
    check(lib.plq_call_new(client, out, error), error)
    call = out[0]
    key = cancel._add(partial(lib.plq_call_cancel, call))
    try:
        return _run_direct(partial(lib.plq_call_run_message, call), packed)
    finally:
        cancel._remove(key)
        lib.plq_call_free(call)
