# SPDX-License-Identifier: MIT
"""What a secret is asked for with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .payer_id import PayerId


class ClientSecretsRequest:
    """The body of a request. What is None is left out.

    :param payer: whom the secret is for
    :param mtype: what it tokenizes: ``"CARD"``, which is also the service's default
    """

    def __init__(self, payer: PayerId | Mapping[str, Any] | None = None, mtype: str | None = None) -> None:
        self.payer = payer
        self.mtype = mtype

    @classmethod
    def from_dictionary(cls, dictionary: Mapping[str, Any] | None) -> ClientSecretsRequest | None:
        if dictionary is None:
            return None
        return cls(PayerId.from_dictionary(dictionary.get("payer")), dictionary.get("type"))

    def to_dictionary(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.payer is not None:
            made["payer"] = {"id": self.payer.id} if isinstance(self.payer, PayerId) else dict(self.payer)
        if self.mtype is not None:
            made["type"] = getattr(self.mtype, "value", self.mtype)
        return made
