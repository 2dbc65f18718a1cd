# SPDX-License-Identifier: MIT
"""The names of the published Python SDK of the Plastiq Public API, over libplastiq. Unofficial.

Code that makes client secrets with that SDK runs unchanged; README.md says what is better now, and what differs. New code
had better use ``plastiq``.
"""

__all__ = ["configuration", "controllers", "exceptions", "http", "models", "plastiqpublicapi_client"]
