# SPDX-License-Identifier: MIT
"""Messages: what a call becomes before it crosses into the library, and what comes back."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, Union

import msgpack

from ._errors import Error, from_facts
from ._library import lib
from ._secret import Secret

VERSION: int = lib.PLQ_MESSAGE_VERSION


class Header(NamedTuple):
    """A further header of a request. The value of a sensitive one is never shown."""

    name: str
    value: str
    sensitive: bool = False


Headers = Union[Mapping[str, str], Sequence[Header]]

_TEXTS = (uuid.UUID, ipaddress.IPv4Address, ipaddress.IPv6Address)


class Response:
    """What a call that ended well brought. Closing it wipes its secrets."""

    __slots__ = ("attempts", "http_status", "results", "trace_id")

    def __init__(self, reply: Mapping[str, Any]) -> None:
        #: Results by name: texts, and secrets as Secret.
        self.results: dict[str, Any] = _claim_all(reply.get("results") or {})
        #: The trace id that the service answered with.
        self.trace_id: str | None = reply.get("trace_id")
        self.http_status: int | None = reply.get("http_status")
        #: What happened in each attempt, if the call was made with ``with_attempts=True``.
        self.attempts: tuple[Mapping[str, Any], ...] = tuple(reply.get("attempts", ()))

    def close(self) -> None:
        """Wipes its secrets."""
        for value in self.results.values():
            if isinstance(value, Secret):
                value.close()

    def __enter__(self: R) -> R:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.http_status} trace_id={self.trace_id} results={list(self.results)}>"


R = TypeVar("R", bound=Response)


def _claim_all(results: Mapping[str, Any]) -> dict[str, Any]:
    claimed = {}
    for name, value in results.items():
        claimed[name] = Secret._claim(value["handle"], value["expires_at_ms"]) if isinstance(value, dict) and "handle" in value else value
    return claimed


def wrong_type(field: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{field} must be {wanted}, not {type(value).__name__}")


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise wrong_type("params", "a mapping", params)
    made = {}
    for name, value in params.items():
        if not isinstance(name, str):
            raise wrong_type("a name in params", "str", name)
        if value is not None and not isinstance(value, str):
            if not isinstance(value, _TEXTS):
                raise wrong_type(name, "str", value)
            value = str(value)
        made[name] = value
    return made


def _headers(headers: Headers) -> Any:
    if isinstance(headers, Mapping):
        for name, value in headers.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise wrong_type(f"the header {name}", "str", value if isinstance(name, str) else name)
        return dict(headers)
    if isinstance(headers, (str, bytes)) or not isinstance(headers, Sequence):
        raise wrong_type("headers", "a mapping or a list of Header", headers)
    made = []
    for index, item in enumerate(headers):
        if not isinstance(item, tuple) or not 2 <= len(item) <= 3:
            raise wrong_type(f"headers[{index}]", "a Header", item)
        header = Header(*item)
        if not isinstance(header.name, str) or not isinstance(header.value, str):
            raise wrong_type(f"the header {header.name}", "str", header.value if isinstance(header.name, str) else header.name)
        made.append({"name": header.name, "value": header.value, "sensitive": bool(header.sensitive)})
    return made


def number(name: str, value: object, low: int = -(2**63), high: int = 2**63 - 1) -> int:
    """A number that fits where the library takes it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "int", value)
    if not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}")
    return int(value)


def build(
    operation: str,
    params: Mapping[str, Any] | None,
    headers: Headers | None,
    extra: Mapping[str, Any] | None,
    timeout_ms: int | None,
    max_repeats: int | None,
    with_attempts: bool,
) -> dict[str, Any]:
    """The message of a call. Types are checked here, where Python can name them; values by the library."""
    if not isinstance(operation, str):
        raise wrong_type("operation", "str", operation)
    message: dict[str, Any] = {
        "v": VERSION,
        "op": operation,
        "want": ["secret_handle", "attempts"] if with_attempts else ["secret_handle"],
    }
    if params is not None:
        message["params"] = _params(params)
    if headers is not None:
        message["headers"] = _headers(headers)
    if extra is not None:
        if not isinstance(extra, Mapping):
            raise wrong_type("extra", "a mapping", extra)
        message["extra"] = dict(extra)
    if timeout_ms is not None:
        message["timeout_ms"] = number("timeout_ms", timeout_ms)
    if max_repeats is not None:
        message["max_repeats"] = number("max_repeats", max_repeats)
    return message


def pack(message: Mapping[str, Any]) -> bytes:
    # What is no UTF-8 goes on as it is: the library refuses it, and names the field.
    try:
        return bytes(msgpack.packb(message, unicode_errors="surrogatepass"))
    except TypeError as error:
        raise TypeError(f"extra: {error}") from None  # all else was looked at before
    except (OverflowError, ValueError) as error:
        raise ValueError(f"extra: {error}") from None


def unpack(reply: Any) -> dict[str, Any]:
    made: dict[str, Any] = msgpack.unpackb(reply)
    return made


def open_reply(reply: Mapping[str, Any], made: type[R]) -> R:
    """The response in a reply, or the error raised."""
    if reply["status"] == lib.PLQ_OK:
        return made(reply)
    raise error_in(reply)


def error_in(reply: Mapping[str, Any]) -> Error:
    return from_facts({"attempts": reply.get("attempts", ()), **(reply.get("error") or {"status": reply["status"]})})


def discard(reply: Mapping[str, Any]) -> None:
    """Wipes the secrets of a reply that nobody waits for any more."""
    for value in (reply.get("results") or {}).values():
        if isinstance(value, dict) and "handle" in value:
            try:
                Secret._claim(value["handle"], 0).close()
            except Error:
                continue  # its client has ended, and the secret with it
