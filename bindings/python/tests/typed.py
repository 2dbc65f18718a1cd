# SPDX-License-Identifier: MIT
"""Not run: what a type checker must see in the package. Each `type: ignore` marks a line that it must refuse (warn_unused_ignores)."""

from __future__ import annotations

from typing_extensions import assert_type

import plastiq
from plastiq.events import AttemptEnd, CallEnd
from plastiqpublicapi.models.client_secrets_request import ClientSecretsRequest
from plastiqpublicapi.plastiqpublicapi_client import PlastiqpublicapiClient


def blocking(client: plastiq.Client) -> None:
    created = client.client_secrets.create(type="CARD", headers={"X-A": "b"}, extra={"a": [1]}, cancel=plastiq.CancelToken())
    assert_type(created, plastiq.ClientSecretsCreateResponse)
    assert_type(created.client_secret, plastiq.Secret)
    assert_type(created.trace_id, "str | None")
    with created as same, same.client_secret.revealed() as data:
        assert_type(same, plastiq.ClientSecretsCreateResponse)
        assert_type(data, bytearray)
    client.client_secrets.create(type="CASH")  # type: ignore[arg-type]
    client.client_secrets.create(payer_id=5)  # type: ignore[arg-type]
    client.client_secrets.create(nosuch=5)  # type: ignore[call-arg]
    str(created.client_secret.text)  # type: ignore[attr-defined]


async def looping(client: plastiq.AsyncClient) -> None:
    assert_type(await client.client_secrets.create_v2(), plastiq.ClientSecretsCreateV2Response)
    await client.client_secrets.create(cancel=plastiq.CancelToken())  # type: ignore[call-arg]


def options() -> None:
    plastiq.Client(access_token=b"x", timeout_ms=5, retry_statuses=[429], http_version="2", environment="production")
    plastiq.Client(time_out_ms=5)  # type: ignore[call-arg]
    plastiq.Client(timeout_ms="5")  # type: ignore[arg-type]
    plastiq.Client(environment="moon")  # type: ignore[arg-type]


def ended(event: CallEnd) -> None:
    assert_type(event["elapsed_us"], int)
    event["nosuch"]  # type: ignore[typeddict-item]


def attempted(event: AttemptEnd) -> None:
    assert_type(event["peer"], str)


def observers(client: plastiq.Client) -> None:
    client.observe("call_end", ended)
    client.observe("call_end", attempted)  # type: ignore[call-overload]
    with client.observe("attempt_end", attempted):
        pass


def sdk(client: PlastiqpublicapiClient) -> None:
    result = client.client_secrets.create_a_single_use_client_secret(ClientSecretsRequest())
    assert_type(result.client_secret, "str | None")
