# SPDX-License-Identifier: MIT
"""What is known of a response."""

from __future__ import annotations

from .http_request import HttpRequest


class HttpResponse:
    """Status, and the headers and text that the library keeps: the trace id, and of an error object what could be read, as JSON.

    The text of a success is empty, since the secret was in it.
    """

    def __init__(self, status_code: int, reason_phrase: str, headers: dict[str, str], text: str, request: HttpRequest) -> None:
        self.status_code = status_code
        self.reason_phrase = reason_phrase
        self.headers = headers
        self.text = text
        self.request = request
