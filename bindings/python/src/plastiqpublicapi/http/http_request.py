# SPDX-License-Identifier: MIT
"""What is known of a request."""

from __future__ import annotations

from .http_method_enum import HttpMethodEnum


class HttpRequest:
    """Method, address, and the caller's own headers. The access token is not among them."""

    def __init__(self, http_method: HttpMethodEnum, query_url: str, headers: dict[str, str] | None = None) -> None:
        self.http_method = http_method
        self.query_url = query_url
        self.headers = headers or {}
