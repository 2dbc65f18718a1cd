# SPDX-License-Identifier: MIT
"""HTTP methods."""

from enum import Enum


class HttpMethodEnum(Enum):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"

    @classmethod
    def to_string(cls, val: "HttpMethodEnum") -> str:
        return val.value
