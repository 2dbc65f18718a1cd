# SPDX-License-Identifier: MIT
"""Failures that the API documents."""

from __future__ import annotations

from .api_exception import APIException


class ErrorException(APIException):
    """The service answered 400, 401, 403 or 500."""
