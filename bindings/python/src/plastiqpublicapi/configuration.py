# SPDX-License-Identifier: MIT
"""How a client is set up."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, ClassVar, Union

import plastiq

# Seconds for the whole call, or for connecting and for the rest of it.
Timeout = Union[float, tuple[float, float], None]
RETRY_STATUSES = (408, 413, 429, 500, 502, 503, 504, 521, 522, 524)
RETRY_METHODS = ("GET", "PUT")
_LONGEST_MS = 86_400_000
_warned = False


class Environment(Enum):
    """Which service to talk to.

    PRODUCTION is the sandbox, as it always was in this module, and the default. Say SANDBOX or LIVE.
    """

    PRODUCTION = 0
    LIVE = 1
    ENVIRONMENT2 = 1  # noqa: PIE796 - the old name of LIVE
    SANDBOX = 2


class Server(Enum):
    """Which of an environment's servers."""

    DEFAULT = 0


def _warn_once(stacklevel: int) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "Environment.PRODUCTION is the sandbox here; say Environment.SANDBOX, or Environment.LIVE for the real service",
            DeprecationWarning,
            stacklevel=stacklevel,
        )


def _ms(name: str, seconds: Any) -> int | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(f"{name} must be a number of seconds above 0, or None, not {seconds!r}")
    return min(_LONGEST_MS, max(1, math.ceil(seconds * 1000)))


class Configuration:
    """The settings of a client, and its connections, which all of its controllers share."""

    #: The addresses. Tests point them at a server of their own.
    environments: ClassVar[dict[Environment, dict[Server, str]]] = {
        Environment.PRODUCTION: {Server.DEFAULT: "https://connect.sandbox.plastiq.com/api"},
        Environment.SANDBOX: {Server.DEFAULT: "https://connect.sandbox.plastiq.com/api"},
        Environment.LIVE: {Server.DEFAULT: "https://connect.plastiq.com/api"},
    }
    #: Further options of libplastiq, for every client that is made from now on: ``{"ca_file": ...}``.
    native_options: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        timeout: Timeout = 60,
        max_retries: int = 0,
        backoff_factor: float = 2,
        retry_statuses: Iterable[int] | None = RETRY_STATUSES,
        retry_methods: Iterable[str] | None = RETRY_METHODS,
        environment: Environment = Environment.PRODUCTION,
        access_token: str | None = None,
        proxies: Mapping[str, str] | str | None = None,
        *,
        _stacklevel: int = 3,
    ) -> None:
        if not isinstance(environment, Environment):
            raise ValueError(f"environment must be one of Environment, not {environment!r}")
        if environment is Environment.PRODUCTION:
            _warn_once(_stacklevel)
        self._timeout = timeout
        self._max_retries = max_retries
        self._backoff_factor = backoff_factor
        self._retry_statuses = tuple(retry_statuses or ())
        self._retry_methods = tuple(retry_methods or ())
        self._environment = environment
        self._access_token = access_token
        self._proxies = proxies
        self._lock = threading.Lock()
        self._client: plastiq.Client | None = None
        self._closed = False

    @property
    def timeout(self) -> Timeout:
        return self._timeout

    @property
    def max_retries(self) -> int:
        return self._max_retries

    @property
    def backoff_factor(self) -> float:
        return self._backoff_factor

    @property
    def retry_statuses(self) -> tuple[int, ...]:
        return self._retry_statuses

    @property
    def retry_methods(self) -> tuple[str, ...]:
        return self._retry_methods

    @property
    def environment(self) -> Environment:
        return self._environment

    @property
    def access_token(self) -> str | None:
        return self._access_token

    @property
    def proxies(self) -> Mapping[str, str] | str | None:
        return self._proxies

    def get_base_uri(self, server: Server = Server.DEFAULT) -> str:
        """The address of the environment's server."""
        return self.environments[self.environment][server]

    def clone_with(self, **changes: Any) -> Configuration:
        """The same settings but for some; 0 and an empty list count as said, and None as not."""
        names = (
            "timeout",
            "max_retries",
            "backoff_factor",
            "retry_statuses",
            "retry_methods",
            "environment",
            "access_token",
            "proxies",
        )
        unknown = set(changes) - set(names)
        if unknown:
            raise TypeError(f"clone_with() got an unexpected keyword argument {sorted(unknown)[0]!r}")
        kept = {name: getattr(self, name) if changes.get(name) is None else changes[name] for name in names}
        return Configuration(**kept)

    # ---- the library's client ----

    def _repeats(self) -> int:
        # As urllib3 has it: no methods at all mean every method.
        methods = {method.upper() for method in self._retry_methods}
        return self._max_retries if not methods or "POST" in methods else 0

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "base_url": self.get_base_uri(),
            "access_token": self._access_token,
            "max_repeats": self._repeats(),
            "retry_statuses": ",".join(str(int(status)) for status in self._retry_statuses),
            # The caller's numbers are what counts, so there is no budget above them.
            "repeat_budget": 1_000_000,
            "backoff_base_ms": min(60_000, int(self._backoff_factor * 1000)),
            "backoff_cap_ms": 120_000,
        }
        if isinstance(self._timeout, (tuple, list)):
            connect, rest = (_ms("timeout", part) for part in self._timeout)
            whole = None if connect is None or rest is None else min(_LONGEST_MS, connect + rest)
        else:
            connect = rest = whole = _ms("timeout", self._timeout)
        options["timeout_ms"] = -1 if whole is None else whole
        for name in ("resolve_timeout_ms", "connect_timeout_ms", "tls_timeout_ms"):
            options[name] = _LONGEST_MS if connect is None else connect
        options["idle_timeout_ms"] = _LONGEST_MS if rest is None else rest
        proxy = self._proxies if isinstance(self._proxies, str) else (self._proxies or {}).get("https")
        if proxy:
            options["proxy"] = proxy
        return {**options, **self.native_options}

    def client(self) -> plastiq.Client:
        """The client of libplastiq, made when it is first used."""
        with self._lock:
            if self._client is None:
                if self._closed:
                    raise RuntimeError("the client is closed")
                self._client = plastiq.Client(self._options())
            return self._client

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            client, self._client, self._closed = self._client, None, True
        if client is not None:
            client.close()

    def __repr__(self) -> str:
        return f"<Configuration {self._environment.name}>"
