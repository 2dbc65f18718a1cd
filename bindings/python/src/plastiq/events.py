# SPDX-License-Identifier: MIT
# Made by bindings/python/generate.py from core/tables/events.toml: change that.
"""What observers are told. An event is a plain dict: its name under ``event``, its fields under theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypedDict, Union, overload


class _Common(TypedDict):
    client: int
    """Handle of the client."""
    call: int
    """Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none."""
    time_us: int
    """When it happened, in microseconds since 1970 (UTC), on the system's clock."""


class CallStart(_Common):
    """A call begins. A request that breaks a rule never begins, and has no events."""

    event: Literal["call_start"]
    operation: str
    """Name of the operation."""
    trace_id: str
    """Trace id that is sent with every attempt."""
    timeout_ms: int
    """Deadline of the whole call; -1: none."""
    max_repeats: int
    """How often it may be repeated."""


class AttemptStart(_Common):
    """A request is about to be handed to the transport."""

    event: Literal["attempt_start"]
    attempt: int
    """Number of the attempt, from 1."""
    trace_id: str
    """Trace id that is sent."""
    token: int
    """1: the access token, 2: the second one."""
    wait_us: int
    """What was waited before it."""


class ConnectionOpened(_Common):
    """A new connection was found good for the request, which has not left yet."""

    event: Literal["connection_opened"]
    attempt: int
    """Number of the attempt."""
    peer: str
    """Address and port of the server."""
    http_version: int
    """10, 11 or 20."""
    tls_version: int
    """0x0303 for TLS 1.2, 0x0304 for 1.3; 0: none, or not known."""
    resumed: int
    """1: the TLS session was resumed."""
    tls_cipher: str
    """Name of the cipher suite."""
    pin: str
    """The server's public key, as the option pins takes it: sha256//BASE64."""
    verified: int
    """1: a trusted CA vouches for the certificate, and it names the host."""
    proxied: int
    """1: through a proxy."""


class ConnectionReused(_Common):
    """The same, of a connection that carried a request before, or was opened ahead of use."""

    event: Literal["connection_reused"]
    attempt: int
    """Number of the attempt."""
    peer: str
    """Address and port of the server."""
    http_version: int
    """10, 11 or 20."""
    tls_version: int
    """0x0303 for TLS 1.2, 0x0304 for 1.3; 0: none, or not known."""
    resumed: int
    """1: its TLS session was resumed when it was opened."""
    tls_cipher: str
    """Name of the cipher suite."""
    pin: str
    """The server's public key, as the option pins takes it: sha256//BASE64."""
    verified: int
    """1: a trusted CA vouches for the certificate, and it names the host."""
    proxied: int
    """1: through a proxy."""


class AttemptEnd(_Common):
    """An attempt is over, well or not. Its facts are those of attempts.h."""

    event: Literal["attempt_end"]
    attempt: int
    """Number of the attempt."""
    status: int
    """PLQ_OK or PLQ_E_*."""
    status_name: str
    """Its name, such as PLQ_E_CONNECT_REFUSED."""
    kind: str
    """Its kind, such as connect."""
    phase: str
    """Where it failed; none: it did not."""
    delivery: str
    """not_sent, maybe_sent or answered."""
    http_status: int
    """HTTP status of the response; 0: there was none."""
    http_version: int
    """10, 11 or 20."""
    tls_version: int
    """0x0303 for TLS 1.2, 0x0304 for 1.3."""
    reused: int
    """1: the connection had been used or opened before."""
    resumed: int
    """1: its TLS session was resumed."""
    token: int
    """1: the access token, 2: the second one."""
    start_us: int
    """When it began, since the call did."""
    wait_us: int
    """What was waited before it."""
    queue_us: int
    """Waiting for a free connection."""
    resolve_us: int
    """Name look-up."""
    connect_us: int
    """TCP, and the tunnel of a proxy."""
    tls_us: int
    """TLS handshake."""
    send_us: int
    """Sending the request."""
    first_byte_us: int
    """From the request to the first byte of the response."""
    total_us: int
    """The whole attempt."""
    bytes_sent: int
    """Bytes of HTTP, 0 where none left."""
    bytes_received: int
    """Bytes of HTTP, 0 where none came."""
    peer: str
    """Address and port of the server."""
    trace_id: str
    """Trace id that the service answered with, else the one that was sent."""
    message: str
    """Why it failed, for people; at most 255 bytes."""


class Repeat(_Common):
    """Another attempt will be made, after a wait."""

    event: Literal["repeat"]
    attempt: int
    """Number of the attempt that failed."""
    status: int
    """Why it failed: PLQ_E_*."""
    status_name: str
    """Its name."""
    reason: str
    """backoff: a random wait; retry_after: the service said when; second_token: the first token was refused."""
    wait_us: int
    """What will be waited."""
    repeats_left: int
    """What is left of the option repeat_budget."""


class CallEnd(_Common):
    """A call is over: exactly once for each call_start."""

    event: Literal["call_end"]
    operation: str
    """Name of the operation."""
    status: int
    """PLQ_OK or PLQ_E_*."""
    status_name: str
    """Its name."""
    kind: str
    """Its kind."""
    phase: str
    """Where it failed; none: it did not."""
    delivery: str
    """not_sent, maybe_sent or answered."""
    http_status: int
    """HTTP status of the last response; 0: there was none."""
    attempts: int
    """How many attempts were made."""
    elapsed_us: int
    """From the start of the call, waits included."""
    trace_id: str
    """Trace id that the service answered with, else the one that was sent."""
    service_code: str
    """The service's code of the error."""
    retry_after_ms: int
    """What the service said about when to try again."""
    message: str
    """Why it failed, for people."""


class Warm(_Common):
    """plq_client_warm() or plq_queue_warm() is over."""

    event: Literal["warm"]
    count: int
    """How many connections were to be open."""
    open: int
    """How many are."""
    status: int
    """PLQ_OK or PLQ_E_*."""
    status_name: str
    """Its name."""
    elapsed_us: int
    """What it took."""


class Log(_Common):
    """A line for people, from the library or from the transport."""

    event: Literal["log"]
    level: int
    """PLQ_LOG_* of transport.h: 1 debug, 2 info, 3 warning, 4 error, 5: the library misbehaved towards the
    transport."""
    level_name: str
    """The level's name."""
    source: str
    """libplastiq, or the transport's name."""
    text: str
    """The line; without control characters, tokens or secrets."""


Event = Union[CallStart, AttemptStart, ConnectionOpened, ConnectionReused, AttemptEnd, Repeat, CallEnd, Warm, Log]

NAMES = (
    "call_start",
    "attempt_start",
    "connection_opened",
    "connection_reused",
    "attempt_end",
    "repeat",
    "call_end",
    "warm",
    "log",
)


class Observation(Protocol):
    """An observer that is told of events until it is stopped, or its ``with`` block is left."""

    def stop(self) -> None: ...
    def __enter__(self) -> Observation: ...
    def __exit__(self, *exc: object) -> None: ...


class Observable:
    # What a client has on top of the overloads.
    def _observe(self, event: str | None, function: Callable[[Any], object]) -> Observation:
        raise NotImplementedError

    @overload
    def observe(self, event: Literal["call_start"], function: Callable[[CallStart], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["attempt_start"], function: Callable[[AttemptStart], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["connection_opened"], function: Callable[[ConnectionOpened], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["connection_reused"], function: Callable[[ConnectionReused], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["attempt_end"], function: Callable[[AttemptEnd], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["repeat"], function: Callable[[Repeat], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["call_end"], function: Callable[[CallEnd], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["warm"], function: Callable[[Warm], object]) -> Observation: ...

    @overload
    def observe(self, event: Literal["log"], function: Callable[[Log], object]) -> Observation: ...

    @overload
    def observe(self, event: None, function: Callable[[Event], object]) -> Observation: ...

    def observe(self, event: str | None, function: Callable[[Any], object]) -> Observation:
        """Tells a function of one kind of event, or with None of all, for calls that begin from now on.

        It is called with a dict, in the order in which things happened, when the call that it belongs to is over, on the thread
        that made the call or in its event loop. What it raises is logged (logger "plastiq") and does not change the call. No
        token, secret, header or body is in an event.
        """
        return self._observe(event, function)
