# SPDX-License-Identifier: MIT
"""Failures of a call."""

from __future__ import annotations

from typing import Any

import plastiq

from ..http.http_response import HttpResponse
from ..models.error_1 import Error1


class APIException(Exception):
    """A call failed. All of these are always there; ``__cause__`` is the ``plastiq.Error``, which knows more.

    :ivar response_code: HTTP status; 0: the service did not answer
    :ivar response: what is known of the response
    :ivar code: the service's code of the error, or None
    :ivar message: the service's message, else why the call failed
    :ivar errors: the service's list of details, perhaps empty
    :ivar trace_id: the trace id, or None
    """

    def __init__(self, reason: str, response: HttpResponse, error: plastiq.Error | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.response = response
        self.response_code = response.status_code
        self._error = error
        self.code: str | None = None if error is None else error.code
        self.message: str = reason if error is None else error.service_message or error.message
        self.errors: list[Error1] = [] if error is None else [Error1(detail) for detail in error.details]
        self.trace_id: str | None = None if error is None else error.trace_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.response, self._error)
