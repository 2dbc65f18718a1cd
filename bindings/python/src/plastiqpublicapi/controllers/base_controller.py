# SPDX-License-Identifier: MIT
"""What controllers share."""

from __future__ import annotations

from ..configuration import Configuration
from ..http.http_call_back import HttpCallBack


class BaseController:
    """A controller of a configuration; ``call_back`` is told of each request and response."""

    def __init__(self, config: Configuration, call_back: HttpCallBack | None = None) -> None:
        self._config = config
        self._http_call_back = call_back

    @property
    def config(self) -> Configuration:
        return self._config

    @property
    def http_call_back(self) -> HttpCallBack | None:
        return self._http_call_back
