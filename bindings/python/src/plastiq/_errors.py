# SPDX-License-Identifier: MIT
"""Failures. One class for each kind of the library's statuses, so that code can branch on what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ._library import ffi, lib, text


class Error(Exception):
    """A failure, with all that is known of it. No token, secret or sensitive header is in any of its texts."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        facts = facts or {}
        self._facts = dict(facts)
        #: One sentence for people.
        self.message = message
        #: The library's status: its number, which is never reused, and its name, such as ``PLQ_E_CONNECT_REFUSED``.
        self.status: int = facts.get("status", 0)
        self.status_name: str = facts.get("name", "")
        #: Its kind, such as ``"connect"``: what the class says too.
        self.kind: str = facts.get("kind", "")
        #: Where in the call it happened, such as ``"tls"``, if anywhere.
        self.phase: str | None = facts.get("phase")
        #: Whether the server may have seen the request: ``"not_sent"``, ``"maybe_sent"`` or ``"answered"``.
        self.delivery: str = facts.get("delivery", "not_sent")
        #: Whether the same call may succeed later, without any change.
        self.repeatable: bool = bool(facts.get("repeatable", False))
        #: The option, field or header that was wrong.
        self.field: str | None = facts.get("field")
        #: The HTTP status, if the service answered in this call.
        self.http_status: int | None = facts.get("http_status")
        #: The service's own code, such as ``"VALIDATION_ERROR"``, its message, and its list of details.
        self.code: str | None = facts.get("service_code")
        self.service_message: str | None = facts.get("service_message")
        self.details: tuple[str, ...] = tuple(facts.get("details", ()))
        #: The trace id: the service's, else the one that was sent.
        self.trace_id: str | None = facts.get("trace_id")
        #: How long the service asked to wait (Retry-After).
        self.retry_after_ms: int | None = facts.get("retry_after_ms")
        #: What happened in each attempt.
        self.attempts: tuple[Mapping[str, Any], ...] = tuple(facts.get("attempts", ()))
        #: Where a transport was looked for, and why it was not taken.
        self.load: tuple[Mapping[str, str], ...] = tuple(facts.get("load", ()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self._facts)


class UsageError(Error):
    """The library was called in a way that it does not allow; also what is closed was used."""


class ConfigError(Error, ValueError):
    """An option is missing, unknown or wrong."""


class InputError(Error, ValueError):
    """The request breaks a rule. Nothing was sent."""


class LoadError(Error):
    """A transport could not be loaded; ``load`` says where it was looked for."""


class TransportError(Error):
    """No complete answer came. ``delivery`` says whether the service may have acted."""


class ResolveError(TransportError):
    """The host name could not be resolved."""


class ConnectError(TransportError):
    """No connection could be made."""


class ProxyError(TransportError):
    """The proxy did not let the connection through."""


class TlsError(TransportError):
    """The TLS handshake failed."""


class VerifyError(TransportError):
    """The server could not prove who it is. Nothing was sent."""


class ConnectionLostError(TransportError):
    """The connection was lost."""


class TruncatedError(TransportError):
    """The response ended before it was complete."""


class CallTimeoutError(TransportError, TimeoutError):
    """Time ran out."""


class ProtocolError(Error):
    """The response breaks a rule of HTTP or of the API."""


class LimitError(Error):
    """The response is larger than allowed."""


class HttpError(Error):
    """The service answered with an error: ``http_status``, ``code``, ``service_message``, ``details``."""


class CallCancelledError(Error):
    """The call was cancelled: by a CancelToken, or because its client was closed."""


class ResourceError(Error):
    """The system lacks a resource."""


class OutOfMemoryError(Error, MemoryError):
    """Out of memory."""


class StateError(Error):
    """The object is not in a state that allows this."""


class UnsupportedError(Error):
    """The chosen parts cannot do this."""


class SecretError(Error):
    """The secret cannot be had: it has expired, or was taken."""


class InternalError(Error):
    """A defect in the library or in a transport: please report it."""


KINDS: dict[str, type[Error]] = {
    "usage": UsageError,
    "config": ConfigError,
    "input": InputError,
    "load": LoadError,
    "resolve": ResolveError,
    "connect": ConnectError,
    "proxy": ProxyError,
    "tls": TlsError,
    "verify": VerifyError,
    "io": ConnectionLostError,
    "truncated": TruncatedError,
    "timeout": CallTimeoutError,
    "protocol": ProtocolError,
    "limit": LimitError,
    "http": HttpError,
    "cancelled": CallCancelledError,
    "resource": ResourceError,
    "memory": OutOfMemoryError,
    "state": StateError,
    "unsupported": UnsupportedError,
    "secret": SecretError,
    "internal": InternalError,
}


def from_facts(facts: Mapping[str, Any]) -> Error:
    """An error of what the library says of one. A kind that this package does not know, of a later library, is a plain Error."""
    return KINDS.get(facts.get("kind", ""), Error)(facts.get("message") or facts.get("name", "unknown failure"), facts)


def from_status(status: int, message: str | None = None, field: str | None = None) -> Error:
    """An error of a status that came without details."""
    facts = {
        "status": status,
        "name": text(lib.plq_status_name(status)),
        "kind": text(lib.plq_kind_name(lib.plq_status_kind(status))),
        "delivery": "not_sent",
        "message": message or text(lib.plq_status_text(status)),
    }
    if field is not None:
        facts["field"] = field
    return from_facts(facts)


def closed(what: str) -> Error:
    return from_status(lib.PLQ_E_HANDLE, f"the {what} is closed", what)


def check(status: int, out_error: Any) -> None:
    """Raises what a function of the library says, unless that is PLQ_OK, and frees its error."""
    if status == lib.PLQ_OK:
        return
    native = out_error[0]
    if native == ffi.NULL:
        raise from_status(status)
    try:
        said = text(lib.plq_error_json(native, ffi.NULL))
    finally:
        lib.plq_error_free(native)
    raise from_facts(json.loads(said)) if said else from_status(status)
