# SPDX-License-Identifier: MIT
"""Hooks of a controller."""

from __future__ import annotations

from .http_request import HttpRequest
from .http_response import HttpResponse


class HttpCallBack:
    """To be derived from. A token or a secret is never shown to it."""

    def on_before_request(self, request: HttpRequest) -> None:
        """A call begins."""

    def on_after_response(self, response: HttpResponse) -> None:
        """The service has answered."""
