# SPDX-License-Identifier: MIT
# Made by bindings/python/generate.py from core/tables/operations.toml: change that.
"""Operations of the API, by name and with types."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ._message import Headers, Response, build
from ._secret import Secret

if TYPE_CHECKING:
    from ._aio import AsyncClient
    from ._client import CancelToken, Client


class ClientSecretsCreateResponse(Response):
    """What ``client_secrets.create`` answered."""

    __slots__ = ()

    @property
    def client_secret(self) -> Secret:
        """The client secret. It lives 60 seconds."""
        value: Secret = self.results["client_secret"]
        return value


class ClientSecretsCreateV2Response(Response):
    """What ``client_secrets.create_v2`` answered."""

    __slots__ = ()

    @property
    def client_secret(self) -> Secret:
        """The client secret. It lives 1800 seconds."""
        value: Secret = self.results["client_secret"]
        return value


class ClientSecrets:
    """Operations ``client_secrets.*``."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self,
        *,
        payer_id: str | uuid.UUID | None = None,
        type: Literal["CARD"] | None = None,
        trace_id: str | uuid.UUID | None = None,
        user_agent: str | None = None,
        end_user_device_id: str | None = None,
        end_user_ip: str | ipaddress.IPv4Address | ipaddress.IPv6Address | None = None,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
        max_repeats: int | None = None,
        with_attempts: bool = False,
        cancel: CancelToken | None = None,
    ) -> ClientSecretsCreateResponse:
        """Creates a single-use client secret that lives 60 seconds. It is handed to the buyer's browser, which
        tokenizes a card with it.

        :param payer_id: Id of the payer that the secret is for.
        :param type: What the secret tokenizes. The service's default is CARD.
        :param trace_id: Id that follows the call through the service's logs. Without one the library makes one.
        :param user_agent: The end user's User-Agent. Without one the library sends its own.
        :param end_user_device_id: Unique id of the end user's browser or device; recommended for compliance.
        :param end_user_ip: The end user's IPv4 or IPv6 address; recommended for compliance.
        :param headers: Further headers: a mapping, or a list of Header where some are sensitive.
        :param extra: Members of the body that the library does not know.
        :param timeout_ms: Deadline of this call, repeats included, in place of the client's; -1: none.
        :param max_repeats: How often this call is repeated at most, in place of the client's.
        :param with_attempts: Puts what happened in each attempt into the response. An error has it always.
        :param cancel: Cancels the call from another thread.
        """
        params: dict[str, Any] = {}
        if payer_id is not None:
            params["payer.id"] = payer_id
        if type is not None:
            params["type"] = type
        if trace_id is not None:
            params["trace_id"] = trace_id
        if user_agent is not None:
            params["user_agent"] = user_agent
        if end_user_device_id is not None:
            params["end_user_device_id"] = end_user_device_id
        if end_user_ip is not None:
            params["end_user_ip"] = end_user_ip
        message = build("client_secrets.create", params, headers, extra, timeout_ms, max_repeats, with_attempts)
        return self._client._run(message, ClientSecretsCreateResponse, cancel)

    def create_v2(
        self,
        *,
        payer_id: str | uuid.UUID | None = None,
        type: Literal["CARD"] | None = None,
        trace_id: str | uuid.UUID | None = None,
        user_agent: str | None = None,
        end_user_device_id: str | None = None,
        end_user_ip: str | ipaddress.IPv4Address | ipaddress.IPv6Address | None = None,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
        max_repeats: int | None = None,
        with_attempts: bool = False,
        cancel: CancelToken | None = None,
    ) -> ClientSecretsCreateV2Response:
        """The later variant: the same request, but the secret lives 30 minutes.

        :param payer_id: Id of the payer that the secret is for.
        :param type: What the secret tokenizes. The service's default is CARD.
        :param trace_id: Id that follows the call through the service's logs. Without one the library makes one.
        :param user_agent: The end user's User-Agent. Without one the library sends its own.
        :param end_user_device_id: Unique id of the end user's browser or device; recommended for compliance.
        :param end_user_ip: The end user's IPv4 or IPv6 address; recommended for compliance.
        :param headers: Further headers: a mapping, or a list of Header where some are sensitive.
        :param extra: Members of the body that the library does not know.
        :param timeout_ms: Deadline of this call, repeats included, in place of the client's; -1: none.
        :param max_repeats: How often this call is repeated at most, in place of the client's.
        :param with_attempts: Puts what happened in each attempt into the response. An error has it always.
        :param cancel: Cancels the call from another thread.
        """
        params: dict[str, Any] = {}
        if payer_id is not None:
            params["payer.id"] = payer_id
        if type is not None:
            params["type"] = type
        if trace_id is not None:
            params["trace_id"] = trace_id
        if user_agent is not None:
            params["user_agent"] = user_agent
        if end_user_device_id is not None:
            params["end_user_device_id"] = end_user_device_id
        if end_user_ip is not None:
            params["end_user_ip"] = end_user_ip
        message = build("client_secrets.create_v2", params, headers, extra, timeout_ms, max_repeats, with_attempts)
        return self._client._run(message, ClientSecretsCreateV2Response, cancel)


class AsyncClientSecrets:
    """Operations ``client_secrets.*``, in an event loop."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(
        self,
        *,
        payer_id: str | uuid.UUID | None = None,
        type: Literal["CARD"] | None = None,
        trace_id: str | uuid.UUID | None = None,
        user_agent: str | None = None,
        end_user_device_id: str | None = None,
        end_user_ip: str | ipaddress.IPv4Address | ipaddress.IPv6Address | None = None,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
        max_repeats: int | None = None,
        with_attempts: bool = False,
    ) -> ClientSecretsCreateResponse:
        """Creates a single-use client secret that lives 60 seconds. It is handed to the buyer's browser, which
        tokenizes a card with it.

        :param payer_id: Id of the payer that the secret is for.
        :param type: What the secret tokenizes. The service's default is CARD.
        :param trace_id: Id that follows the call through the service's logs. Without one the library makes one.
        :param user_agent: The end user's User-Agent. Without one the library sends its own.
        :param end_user_device_id: Unique id of the end user's browser or device; recommended for compliance.
        :param end_user_ip: The end user's IPv4 or IPv6 address; recommended for compliance.
        :param headers: Further headers: a mapping, or a list of Header where some are sensitive.
        :param extra: Members of the body that the library does not know.
        :param timeout_ms: Deadline of this call, repeats included, in place of the client's; -1: none.
        :param max_repeats: How often this call is repeated at most, in place of the client's.
        :param with_attempts: Puts what happened in each attempt into the response. An error has it always.
        """
        params: dict[str, Any] = {}
        if payer_id is not None:
            params["payer.id"] = payer_id
        if type is not None:
            params["type"] = type
        if trace_id is not None:
            params["trace_id"] = trace_id
        if user_agent is not None:
            params["user_agent"] = user_agent
        if end_user_device_id is not None:
            params["end_user_device_id"] = end_user_device_id
        if end_user_ip is not None:
            params["end_user_ip"] = end_user_ip
        message = build("client_secrets.create", params, headers, extra, timeout_ms, max_repeats, with_attempts)
        return await self._client._run(message, ClientSecretsCreateResponse)

    async def create_v2(
        self,
        *,
        payer_id: str | uuid.UUID | None = None,
        type: Literal["CARD"] | None = None,
        trace_id: str | uuid.UUID | None = None,
        user_agent: str | None = None,
        end_user_device_id: str | None = None,
        end_user_ip: str | ipaddress.IPv4Address | ipaddress.IPv6Address | None = None,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
        max_repeats: int | None = None,
        with_attempts: bool = False,
    ) -> ClientSecretsCreateV2Response:
        """The later variant: the same request, but the secret lives 30 minutes.

        :param payer_id: Id of the payer that the secret is for.
        :param type: What the secret tokenizes. The service's default is CARD.
        :param trace_id: Id that follows the call through the service's logs. Without one the library makes one.
        :param user_agent: The end user's User-Agent. Without one the library sends its own.
        :param end_user_device_id: Unique id of the end user's browser or device; recommended for compliance.
        :param end_user_ip: The end user's IPv4 or IPv6 address; recommended for compliance.
        :param headers: Further headers: a mapping, or a list of Header where some are sensitive.
        :param extra: Members of the body that the library does not know.
        :param timeout_ms: Deadline of this call, repeats included, in place of the client's; -1: none.
        :param max_repeats: How often this call is repeated at most, in place of the client's.
        :param with_attempts: Puts what happened in each attempt into the response. An error has it always.
        """
        params: dict[str, Any] = {}
        if payer_id is not None:
            params["payer.id"] = payer_id
        if type is not None:
            params["type"] = type
        if trace_id is not None:
            params["trace_id"] = trace_id
        if user_agent is not None:
            params["user_agent"] = user_agent
        if end_user_device_id is not None:
            params["end_user_device_id"] = end_user_device_id
        if end_user_ip is not None:
            params["end_user_ip"] = end_user_ip
        message = build("client_secrets.create_v2", params, headers, extra, timeout_ms, max_repeats, with_attempts)
        return await self._client._run(message, ClientSecretsCreateV2Response)
