# SPDX-License-Identifier: MIT
"""What a secret tokenizes."""

from enum import Enum


class Type7Enum(str, Enum):
    CARD = "CARD"
