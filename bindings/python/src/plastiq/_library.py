# SPDX-License-Identifier: MIT
"""The library itself: found, and of a version that this package can use, or an ImportError that says what was found and what is needed."""

from __future__ import annotations

import ctypes
import sys

NEEDS = "libplastiq 0.1.0 or later (C ABI 1.0)"


class LibraryError(ImportError):
    """libplastiq is missing, or is not one that this package can use."""

    __module__ = "plastiq"


def _found() -> str:
    # Only asked when the extension could not be loaded, so without it.
    try:
        library = ctypes.CDLL("libplastiq.so.1")
        library.plq_version.restype = ctypes.c_char_p
        library.plq_abi_version.restype = ctypes.c_uint32
        abi = library.plq_abi_version()
        return f"found libplastiq {library.plq_version().decode()} (C ABI {abi >> 16}.{abi & 0xFFFF})"
    except (OSError, AttributeError):
        return "found no libplastiq.so.1 that can be loaded"


if not sys.platform.startswith("linux"):
    raise LibraryError(f"plastiq needs {NEEDS}, which is for Linux, and this is {sys.platform}")

try:
    from ._native import ffi as ffi
    from ._native import lib as lib
except ImportError as error:
    raise LibraryError(f"plastiq needs {NEEDS} and {_found()}: {error}") from error

if lib.plq_abi_require(lib.PLQ_ABI_MAJOR, 0) != lib.PLQ_OK:
    raise LibraryError(f"plastiq needs {NEEDS} and {_found()}")


def text(pointer: object) -> str:
    """A text that the library owns, as one of Python's."""
    return str(ffi.string(pointer).decode())


def version() -> str:
    """The version of the library that runs."""
    return text(lib.plq_version())


def abi_version() -> tuple[int, int]:
    """The C ABI of the library that runs."""
    number = lib.plq_abi_version()
    return number >> 16, number & 0xFFFF


_FEATURES = ("dlopen", "dontdump", "observers")


def features() -> frozenset[str]:
    """What the library that runs was built with: some of "dlopen", "dontdump", "observers"."""
    bits = lib.plq_features()
    return frozenset(name for bit, name in enumerate(_FEATURES) if bits & 1 << bit)


def life_now_ms() -> int:
    """Now, on the clock of ``Secret.expires_at_ms``, which runs while the machine sleeps and is no wall clock."""
    return int(lib.plq_life_now_ms())


def wipe(buffer: bytearray) -> None:
    """Overwrites a bytearray with zeros. Nothing else is taken: what is in a str or bytes may be shared, and cannot be overwritten."""
    if not isinstance(buffer, bytearray):
        raise TypeError(f"what is wiped must be a bytearray, not {type(buffer).__name__}")
    with ffi.from_buffer(buffer, require_writable=True) as memory:
        lib.plq_memzero(memory, len(buffer))
