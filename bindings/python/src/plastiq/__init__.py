# SPDX-License-Identifier: MIT
"""Client secrets of the Plastiq Public API, by libplastiq. Unofficial: not affiliated with Plastiq.

>>> with plastiq.Client(access_token=token) as client:  # doctest: +SKIP
...     with client.client_secrets.create(end_user_ip="192.0.2.1") as created, created.client_secret.revealed() as data:
...         send_to_the_browser(data)
"""

from . import events
from ._aio import AsyncClient
from ._client import CancelToken, Client
from ._core import describe
from ._errors import (
    CallCancelledError,
    CallTimeoutError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
    Error,
    HttpError,
    InputError,
    InternalError,
    LimitError,
    LoadError,
    OutOfMemoryError,
    ProtocolError,
    ProxyError,
    ResolveError,
    ResourceError,
    SecretError,
    StateError,
    TlsError,
    TransportError,
    TruncatedError,
    UnsupportedError,
    UsageError,
    VerifyError,
)
from ._library import LibraryError, abi_version, features, life_now_ms, version, wipe
from ._message import Header, Headers, Response
from ._operations import (
    AsyncClientSecrets,
    ClientSecrets,
    ClientSecretsCreateResponse,
    ClientSecretsCreateV2Response,
)
from ._secret import Secret

__version__ = "0.1.0"

__all__ = [
    "Client",
    "AsyncClient",
    "CancelToken",
    "Secret",
    "Response",
    "Header",
    "Headers",
    "ClientSecrets",
    "AsyncClientSecrets",
    "ClientSecretsCreateResponse",
    "ClientSecretsCreateV2Response",
    "Error",
    "UsageError",
    "ConfigError",
    "InputError",
    "LoadError",
    "TransportError",
    "ResolveError",
    "ConnectError",
    "ProxyError",
    "TlsError",
    "VerifyError",
    "ConnectionLostError",
    "TruncatedError",
    "CallTimeoutError",
    "ProtocolError",
    "LimitError",
    "HttpError",
    "CallCancelledError",
    "ResourceError",
    "OutOfMemoryError",
    "StateError",
    "UnsupportedError",
    "SecretError",
    "InternalError",
    "LibraryError",
    "describe",
    "events",
    "version",
    "abi_version",
    "features",
    "life_now_ms",
    "wipe",
]

# Classes are known by where they are to be imported from, in tracebacks and pickles too.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
