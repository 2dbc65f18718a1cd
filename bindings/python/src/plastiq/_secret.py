# SPDX-License-Identifier: MIT
"""Client secrets, kept in the library's own memory until they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ._errors import closed, from_status
from ._library import ffi, lib, wipe


class Secret:
    """A client secret, for a buyer's browser. It lies in locked memory of the library, in no string, and is wiped when it is closed.

    >>> with created.client_secret as secret, secret.revealed() as data:  # doctest: +SKIP
    ...     send(data)

    It can be read as often as its life allows, by any thread, and is never part of what is printed, logged, pickled or turned
    into JSON.
    """

    __slots__ = ("__weakref__", "_box", "_expires_at_ms", "_len")
    _box: Any
    _len: int
    _expires_at_ms: int

    def __init__(self, *_: object) -> None:
        raise TypeError("a Secret comes from a call, and cannot be made")

    @classmethod
    def _claim(cls, handle: int, expires_at_ms: int) -> Secret:
        out, length = ffi.new("plqpy_box **"), ffi.new("size_t *")
        status = lib.plqpy_box_claim(handle, out, length)
        if status != lib.PLQ_OK:
            raise from_status(status)
        self = object.__new__(cls)
        # The net for those who forget to close: it wipes when the object goes.
        self._box = ffi.gc(out[0], lib.plqpy_box_free)
        self._len = length[0]
        self._expires_at_ms = expires_at_ms
        return self

    def read(self) -> bytearray:
        """A copy, which is yours to wipe: see ``wipe()``, or better ``revealed()``.

        :raises SecretError: it has expired, or was taken
        :raises UsageError: it was closed
        """
        return self._get(0)

    def take(self) -> bytearray:
        """The same, once: the library's copy is wiped."""
        return self._get(1)

    @contextmanager
    def revealed(self) -> Iterator[bytearray]:
        """A copy that is wiped when the ``with`` block is left."""
        data = self._get(0)
        try:
            yield data
        finally:
            wipe(data)

    def _get(self, take: int) -> bytearray:
        buffer = bytearray(self._len)  # of the right size at once, so that it is never moved
        with ffi.from_buffer("char[]", buffer, require_writable=True) as memory:
            status = lib.plqpy_box_get(self._box, take, memory, self._len)
        if status != lib.PLQ_OK:
            raise closed("secret") if status == lib.PLQ_E_HANDLE else from_status(status, field="client_secret")
        return buffer

    @property
    def life_ms(self) -> int:
        """What is left of its life, counted from the moment that the request was sent. 0 once it has expired or was closed."""
        return max(0, int(lib.plqpy_box_life_ms(self._box)))

    @property
    def expired(self) -> bool:
        """Whether its life is over."""
        return self.life_ms == 0

    @property
    def expires_at_ms(self) -> int:
        """When its life ends, on the clock of ``life_now_ms()``."""
        return self._expires_at_ms

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return bool(lib.plqpy_box_life_ms(self._box) < 0)

    def close(self) -> None:
        """Wipes it. What was read of it is the reader's to wipe."""
        lib.plqpy_box_close(self._box)

    def __enter__(self) -> Secret:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<plastiq.Secret [redacted]>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
