# SPDX-License-Identifier: MIT
"""A detail of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Error1:
    def __init__(self, details: str | None = None) -> None:
        self.details = details

    @classmethod
    def from_dictionary(cls, dictionary: Mapping[str, Any] | None) -> Error1 | None:
        return None if dictionary is None else cls(dictionary.get("details"))

    def __repr__(self) -> str:
        return f"Error1({self.details!r})"
