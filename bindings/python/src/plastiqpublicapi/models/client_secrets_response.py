# SPDX-License-Identifier: MIT
"""What the service gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientSecretsResponse:
    """A client secret, as a plain str: it cannot be wiped, and lives in memory until Python reuses that."""

    def __init__(self, client_secret: str | None = None) -> None:
        self.client_secret = client_secret

    @classmethod
    def from_dictionary(cls, dictionary: Mapping[str, Any] | None) -> ClientSecretsResponse | None:
        return None if dictionary is None else cls(dictionary.get("clientSecret"))

    def __repr__(self) -> str:
        return "<ClientSecretsResponse [redacted]>"
