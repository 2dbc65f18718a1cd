# SPDX-License-Identifier: MIT
"""What Client and AsyncClient share: the library's client, its options, tokens and tables, and observers."""

from __future__ import annotations

import difflib
import logging
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Union

from . import events
from ._errors import UsageError, check, closed, from_status
from ._library import ffi, lib, text
from ._message import VERSION, error_in, number, pack, unpack, wrong_type
from ._options import KINDS, Options

_log = logging.getLogger("plastiq")

_TRANSPORT_TEXTS = ("name", "path", "version", "stack", "class", "id", "vendor", "license", "capabilities")

OptionValue = Union[str, bytes, bytearray, int, bool, "os.PathLike[str]", Sequence[str], Sequence[int], None]


# What an option of each kind may be given as, beside text. Those of transports are not known here: they may be any of these.
_KINDS = {"text": "str", "secret": "str, bytes or bytearray", "path": "str or a path", "bool": "bool", "int": "int", "list": "list or str"}


def _bytes(key: str, value: Any) -> bytes | bytearray | None:
    """An option's value as the text that the library takes."""
    if value is None or isinstance(value, (bytes, bytearray)):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")  # what is no UTF-8 the library refuses, and names the option
    kind = KINDS.get(key)
    if isinstance(value, bool):
        if kind in ("bool", None):
            return b"true" if value else b"false"
    elif isinstance(value, int):
        if kind in ("int", None):
            return str(number(key, value)).encode()
    elif isinstance(value, os.PathLike):
        if kind in ("path", None):
            return os.fsencode(value)
    elif isinstance(value, Sequence) and not isinstance(value, memoryview) and kind in ("list", None):
        return ",".join(_part(key, part) for part in value).encode("utf-8", "surrogatepass")
    raise wrong_type(key, "text, a number, a bool, a path or a list" if kind is None else _KINDS[kind], value)


def _part(key: str, part: object) -> str:
    if isinstance(part, int) and not isinstance(part, bool):
        return str(number(key, part))
    if not isinstance(part, str):
        raise wrong_type(f"an element of {key}", "str or int", part)
    if "," in part:
        raise ValueError(f"{key}: an element of the list has a comma in it")
    return part


class NativeOptions:
    """The library's options, freed when the block is left."""

    def __init__(self, values: Mapping[str, OptionValue], ambient: bool) -> None:
        out, error = ffi.new("plq_options **"), ffi.new("plq_error **")
        check(lib.plq_options_new(0 if ambient else lib.PLQ_NO_AMBIENT, out, error), error)
        self.native = out[0]
        try:
            for key, value in values.items():
                self._set(key, value)
        except BaseException:
            self.free()
            raise

    def _set(self, key: str, value: OptionValue) -> None:
        if not isinstance(key, str):
            raise TypeError(f"the name of an option must be str, not {type(key).__name__}")
        name, error = key.encode("utf-8", "surrogatepass"), ffi.new("plq_error **")
        data = _bytes(key, value)
        with ffi.from_buffer("char[]", data if data is not None else b"") as memory:
            pointer = ffi.NULL if data is None else memory
            check(lib.plq_options_set(self.native, name, len(name), pointer, 0 if data is None else len(data), error), error)

    def free(self) -> None:
        lib.plq_options_free(self.native)

    def __enter__(self) -> Any:
        return self.native

    def __exit__(self, *exc: object) -> None:
        self.free()


def describe(table: str) -> list[dict[str, str]]:
    """What the library says of itself, as rows of text: "tables" lists which there are, such as "options" and "statuses"."""
    return described(table, 0)


def described(table: str, client: int) -> list[dict[str, str]]:
    message = pack({"v": VERSION, "op": "describe", "params": {"table": table}})
    out, length = ffi.new("uint8_t **"), ffi.new("size_t *")
    status = lib.plq_call_message(client, message, len(message), out, length)
    if status != lib.PLQ_OK:
        raise from_status(status)
    try:
        reply = unpack(ffi.buffer(out[0], length[0]))
    finally:
        lib.plq_message_free(out[0], length[0])
    if reply["status"] != lib.PLQ_OK:
        raise error_in(reply)
    columns = reply["results"]["columns"]
    return [dict(zip(columns, row)) for row in reply["results"]["rows"]]


class _Observation:
    def __init__(self, core: Core, event: str | None, function: Callable[[Any], object]) -> None:
        self._core, self._event, self._function = core, event, function
        core._observations = (*core._observations, self)

    def stop(self) -> None:
        self._core._observations = tuple(one for one in self._core._observations if one is not self)

    def __enter__(self) -> _Observation:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


class Core(events.Observable):
    """See Client and AsyncClient."""

    def __init__(self, options: Mapping[str, OptionValue] | None, ambient: bool, named: Mapping[str, Any]) -> None:
        self._closed = True  # until it is open
        self._observations: tuple[_Observation, ...] = ()
        if options is not None and not isinstance(options, Mapping):
            raise wrong_type("options", "a mapping", options)
        values = {**(options or {}), **{key: value for key, value in named.items() if value is not None}}
        out, error = ffi.new("plq_client_id *"), ffi.new("plq_error **")
        with NativeOptions(values, ambient) as native:
            check(lib.plq_client_new(native, out, error), error)
        self._handle: int = out[0]
        self._closed = False
        # The net for those who forget to close. Not at exit: there is nothing to be saved then, and calls may run in other threads.
        self._finalizer = weakref.finalize(self, lib.plq_client_free, self._handle)
        self._finalizer.atexit = False

    def set_tokens(self, access_token: str | bytes | bytearray | None, second: str | bytes | bytearray | None = None) -> None:
        """Replaces the access tokens, for calls in flight too: their next attempt uses the new ones. ``second`` is tried once after a 401.

        A bytearray may be wiped afterwards.
        """
        error = ffi.new("plq_error **")
        tokens: list[Any] = []
        for name, token in (("access_token", access_token), ("second", second)):
            if token is not None and not isinstance(token, (str, bytes, bytearray)):
                raise TypeError(f"{name} must be str, bytes or bytearray, not {type(token).__name__}")
            tokens.append(token.encode("utf-8", "surrogatepass") if isinstance(token, str) else token)
        with ffi.from_buffer("char[]", tokens[0] or b"") as one, ffi.from_buffer("char[]", tokens[1] or b"") as two:
            arguments: list[Any] = []
            for token, memory in zip(tokens, (one, two)):
                arguments += [ffi.NULL, 0] if token is None else [memory, len(token)]
            check(lib.plq_client_set_tokens(self._open(), *arguments, error), error)

    def describe(self, table: str) -> list[dict[str, str]]:
        """What the library says of itself, as this client sees it: see ``plastiq.describe()``."""
        return described(table, self._open())

    def options(self) -> dict[str, str]:
        """Every option as it is in effect; secrets as ``"[set]"``. What has no value is left out."""
        return {row["name"]: row["value"] for row in self.describe("options") if row["value"] != ""}

    def transport(self) -> dict[str, str]:
        """The transport in use: its name, path, version, stack (the libraries under it), class, id, vendor, license and capabilities."""
        out, error = ffi.new("plq_transports **"), ffi.new("plq_error **")
        check(lib.plq_client_transport(self._open(), out, error), error)
        try:
            return {
                name: text(lib.plq_transports_text(out[0], 0, getattr(lib, f"PLQ_TRANSPORT_{name.upper()}"), ffi.NULL))
                for name in _TRANSPORT_TEXTS
            }
        finally:
            lib.plq_transports_free(out[0])

    def stats(self) -> dict[str, int]:
        """What this client has done and is doing: calls, attempts, repeats, connections, bytes. -1 is what its transport does not tell."""
        names = _stat_names()
        values = ffi.new("int64_t[]", len(names))
        status = lib.plq_client_stats(self._open(), values, len(names))
        if status != lib.PLQ_OK:
            raise from_status(status)
        return dict(zip(names, values))

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _open(self) -> int:
        if self._closed:
            raise closed("client")
        return self._handle

    def _end(self, timeout_ms: int) -> bool:
        number("timeout_ms", timeout_ms)  # before anything is done
        if self._closed:
            return True
        self._closed = True
        self._finalizer.detach()
        return bool(lib.plq_client_close(self._handle, timeout_ms) == lib.PLQ_OK)

    # ---- observers ----

    def _observe(self, event: str | None, function: Callable[[Any], object]) -> events.Observation:
        self._open()
        if not callable(function):
            raise TypeError(f"an observer must be callable, not {type(function).__name__}")
        if event is not None and event not in events.NAMES:
            known = [row["name"] for row in describe("events")]  # a later library may have more
            if event not in known:
                near = difflib.get_close_matches(str(event), known, 1, 0)
                raise UsageError(f"there is no event {event!r}; the nearest is {near[0]!r}", {"field": "event", "kind": "usage"})
        return _Observation(self, event, function)

    def _pack(self, message: dict[str, Any]) -> bytes:
        if self._observations:
            message["want"] = [*message["want"], "events"]
        return pack(message)

    def _tell(self, reply: Mapping[str, Any]) -> None:
        """Tells observers what happened in a call that is over."""
        for event in reply.get("events", ()):
            for one in self._observations:
                if one._event is None or one._event == event["event"]:
                    try:
                        one._function(event)
                    except Exception:
                        _log.exception("an observer of %s failed", event["event"])
        if reply.get("events_lost"):
            _log.warning("%d events of a call were too many to be told", reply["events_lost"])


_names: list[str] = []


def _stat_names() -> list[str]:
    if not _names:
        _names[:] = [row["name"] for row in describe("stats")]
    return _names


__all__ = ["Core", "OptionValue", "Options", "describe"]
