# SPDX-License-Identifier: MIT
# Made by bindings/python/generate.py from core/tables/options.toml: change that.
"""Options of a client, for type checkers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, TypedDict


class Options(TypedDict, total=False):
    """Every option that a client takes by keyword. docs/options.md has defaults and limits."""

    access_token: str | bytes | bytearray | None
    """API key, sent as a bearer token (RFC 6750). Required before the first call."""

    second_access_token: str | bytes | bytearray | None
    """API key that is tried once when the service answers 401 to the first: for the 12 hours in which a rotated key
    still works."""

    access_token_file: str | os.PathLike[str] | None
    """File that holds the access token; white space around it does not count. It is followed: looked at before an
    attempt, at most once a second, and read again when it was replaced or changed, symbolic links too. If it cannot
    be read then, the last good token stays in use. Instead of access_token."""

    second_access_token_file: str | os.PathLike[str] | None
    """The same for the second access token. Instead of second_access_token."""

    environment: Literal["sandbox", "production"] | None
    """Which service to talk to: sandbox is https://connect.sandbox.plastiq.com/api, production is
    https://connect.plastiq.com/api."""

    base_url: str | None
    """Replaces the environment's address, for example to reach the emulator: https://host[:port][/path], without
    user, query or fragment."""

    allow_plain_http: bool | None
    """Allows an http base URL, to a loopback host only (127.0.0.0/8, ::1, localhost). For tests."""

    allow_ambient_address: bool | None
    """Allows a token or proxy_password from code to go where a variable points: without it, base_url, ca_file,
    ca_dir, pins, proxy and resolve from the environment do not combine with one."""

    transport: str | None
    """Transport plugin: a name ([a-z0-9][a-z0-9_-]{0,31}, found in transport_dir) or, from code only, an absolute
    path."""

    transport_dir: str | os.PathLike[str] | None
    """Absolute path of the one folder in which transport names are looked up. Default: the plugindir that the
    library was built with."""

    transport_allow: str | Sequence[str] | Sequence[int] | None
    """Names of the transports that may be used. Default: every production transport."""

    allow_test_transports: bool | None
    """Allows transports of the class test, such as stub, which do not reach the service by themselves."""

    transport_path_check: bool | None
    """Refuses a transport file that somebody other than root and the current user could replace."""

    transport_isolation: Literal["auto", "deepbind", "off"] | None
    """What to do when the program itself brings a library that the transport needs, such as Node its OpenSSL: auto
    binds the transport to its own libraries where that is safe and refuses otherwise, deepbind does so in any case,
    off loads it as it comes."""

    timeout_ms: int | None
    """Deadline of a whole call, repeats and waits included, on the monotonic clock. -1: none."""

    resolve_timeout_ms: int | None
    """Limit for one name look-up, inside timeout_ms."""

    connect_timeout_ms: int | None
    """Limit for opening one connection, inside timeout_ms."""

    tls_timeout_ms: int | None
    """Limit for one TLS handshake, inside timeout_ms."""

    idle_timeout_ms: int | None
    """Longest pause in which nothing moves: while sending, before the first byte of the response, and between two
    bytes, inside timeout_ms."""

    max_repeats: int | None
    """How often a call that failed in a repeatable way is repeated: 2 means at most 3 attempts."""

    repeat_only_safe: bool | None
    """Repeats only what certainly had no effect: NOT_SENT, 429, and 503 with Retry-After."""

    retry_statuses: str | Sequence[str] | Sequence[int] | None
    """HTTP statuses that are repeated. An empty list repeats none."""

    retry_operations: str | Sequence[str] | Sequence[int] | None
    """Names of the operations that may be repeated. Default: those that the operations table marks repeatable."""

    repeat_budget: int | None
    """Token bucket: how many repeats a client may make before successes have filled it again (five successes give
    one back), so that an outage is not multiplied."""

    backoff_base_ms: int | None
    """Upper bound of the first random wait before a repeat; it doubles with each one (full jitter)."""

    backoff_cap_ms: int | None
    """Upper bound of any random wait before a repeat."""

    max_head_bytes: int | None
    """Largest response head in bytes: status line, headers, 1xx responses and trailers together."""

    max_body_bytes: int | None
    """Largest response body in bytes."""

    max_connections: int | None
    """Most connections that one transport instance keeps open at once. A call that finds none free waits, inside
    its deadline."""

    queue_max_calls: int | None
    """Most calls that a completion queue holds, in flight and waiting to be taken together. One more is refused, or
    waits for room."""

    queue_threads: int | None
    """Most threads that a completion queue starts for a transport that can only block. Others need none."""

    connection_idle_ms: int | None
    """An idle connection older than this is not used again."""

    connection_lifetime_ms: int | None
    """A connection older than this is not used again, so that revocation, expiry and changes of address take
    effect."""

    ca_file: str | os.PathLike[str] | None
    """PEM file of the CA certificates to trust instead of the system's."""

    ca_dir: str | os.PathLike[str] | None
    """Folder of CA certificates, hashed as by openssl rehash, to trust instead of the system's."""

    crl_file: str | os.PathLike[str] | None
    """PEM file of revocation lists: every certificate of the chain must be covered by one, or the connection is
    refused."""

    pins: str | Sequence[str] | Sequence[int] | None
    """SHA-256 of the server's public key (SubjectPublicKeyInfo), base64, as sha256//BASE64; one of them must match,
    on top of verification (RFC 7469 section 2.4)."""

    client_certificate_file: str | os.PathLike[str] | None
    """PEM file of the client certificate and its chain, for a server that asks for one."""

    client_key_file: str | os.PathLike[str] | None
    """PEM file of the client certificate's private key."""

    client_key_password: str | bytes | bytearray | None
    """Password of client_key_file."""

    proxy: str | None
    """HTTP proxy to tunnel through, http://host[:port] or https://host[:port]. The environment's proxy variables
    are never read."""

    proxy_user: str | None
    """User name for the proxy."""

    proxy_password: str | bytes | bytearray | None
    """Password for the proxy."""

    resolve: str | Sequence[str] | Sequence[int] | None
    """Addresses to use in place of name look-ups, as host:port:address; several of one host and port are tried in
    this order. Certificates are checked against the name all the same."""

    http_version: Literal["auto", "1.1", "2"] | None
    """HTTP version: auto lets the transport choose, 1.1 and 2 insist."""


KINDS = {
    "access_token": "secret",
    "second_access_token": "secret",
    "access_token_file": "path",
    "second_access_token_file": "path",
    "environment": "text",
    "base_url": "text",
    "allow_plain_http": "bool",
    "allow_ambient_address": "bool",
    "transport": "text",
    "transport_dir": "path",
    "transport_allow": "list",
    "allow_test_transports": "bool",
    "transport_path_check": "bool",
    "transport_isolation": "text",
    "timeout_ms": "int",
    "resolve_timeout_ms": "int",
    "connect_timeout_ms": "int",
    "tls_timeout_ms": "int",
    "idle_timeout_ms": "int",
    "max_repeats": "int",
    "repeat_only_safe": "bool",
    "retry_statuses": "list",
    "retry_operations": "list",
    "repeat_budget": "int",
    "backoff_base_ms": "int",
    "backoff_cap_ms": "int",
    "max_head_bytes": "int",
    "max_body_bytes": "int",
    "max_connections": "int",
    "queue_max_calls": "int",
    "queue_threads": "int",
    "connection_idle_ms": "int",
    "connection_lifetime_ms": "int",
    "ca_file": "path",
    "ca_dir": "path",
    "crl_file": "path",
    "pins": "list",
    "client_certificate_file": "path",
    "client_key_file": "path",
    "client_key_password": "secret",
    "proxy": "text",
    "proxy_user": "text",
    "proxy_password": "secret",
    "resolve": "list",
    "http_version": "text",
}
