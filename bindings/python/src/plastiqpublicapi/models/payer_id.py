# SPDX-License-Identifier: MIT
"""Who pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PayerId:
    """The id of a payer, a UUID."""

    def __init__(self, id: str | None = None) -> None:
        self.id = id

    @classmethod
    def from_dictionary(cls, dictionary: Mapping[str, Any] | None) -> PayerId | None:
        return None if dictionary is None else cls(dictionary.get("id"))
