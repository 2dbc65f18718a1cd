# SPDX-License-Identifier: MIT
"""The client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from .configuration import RETRY_METHODS, RETRY_STATUSES, Configuration, Environment, Timeout
from .controllers.client_secrets_controller import ClientSecretsController


class PlastiqpublicapiClient:
    """Gives out controllers. Its parameters are those of the published SDK, and its defaults too.

    :param timeout: seconds for a whole call, repeats included; a pair is for connecting and for the rest; None: for ever
    :param max_retries: how often a call is repeated at most: only if ``retry_methods`` has POST, which it has not unless said
    :param backoff_factor: seconds of the longest first wait before a repeat; it doubles with each one
    :param retry_statuses: HTTP statuses that are repeated
    :param retry_methods: HTTP methods that are repeated; an empty list means all
    :param environment: PRODUCTION, the default, is the sandbox: say SANDBOX or LIVE
    :param access_token: API key
    :param config: a Configuration in place of all the others
    :param proxies: ``{"https": "http://host:port"}``, or the address alone. Variables of the environment do not count
    """

    def __init__(
        self,
        timeout: Timeout = 60,
        max_retries: int = 0,
        backoff_factor: float = 2,
        retry_statuses: Iterable[int] | None = RETRY_STATUSES,
        retry_methods: Iterable[str] | None = RETRY_METHODS,
        environment: Environment = Environment.PRODUCTION,
        access_token: str | None = None,
        config: Configuration | None = None,
        proxies: Mapping[str, str] | str | None = None,
    ) -> None:
        self.config = config or Configuration(
            timeout, max_retries, backoff_factor, retry_statuses, retry_methods, environment, access_token, proxies, _stacklevel=4
        )
        self._client_secrets: ClientSecretsController | None = None

    @property
    def client_secrets(self) -> ClientSecretsController:
        if self._client_secrets is None:
            self._client_secrets = ClientSecretsController(self.config)
        return self._client_secrets

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("recipients", "categories", "documents", "payers", "payments", "payment_methods"):
            raise AttributeError(f"libplastiq makes client secrets and no more: it has nothing for {name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def close(self) -> None:
        """Closes the connections."""
        self.config.close()

    def __enter__(self) -> PlastiqpublicapiClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
