# SPDX-License-Identifier: MIT
"""Makes the extension module plastiq._native, for setup.py: the library's declarations and the few lines of shim.c.

pkg-config finds the library. If it lies where the system's loader does not look, the module remembers its folder (rpath);
PLASTIQ_RPATH=0 turns that off, and LD_LIBRARY_PATH is then what tells.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
NEEDS = "0.1.0"
SYSTEM = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")


def pkg_config(*arguments: str) -> list[str]:
    command = [*shlex.split(os.environ.get("PKG_CONFIG", "pkg-config")), *arguments, f"plastiq >= {NEEDS}"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    except FileNotFoundError:
        raise SystemExit("plastiq: building needs pkg-config, to find libplastiq") from None
    if done.returncode != 0:
        raise SystemExit(
            f"plastiq: building needs libplastiq {NEEDS} or later with its headers; name the folder of its plastiq.pc in PKG_CONFIG_PATH. "
            f"pkg-config says: {done.stderr.strip()}"
        )
    return shlex.split(done.stdout)


def is_system(folder: str) -> bool:
    return any(folder == known or os.path.dirname(folder) == known for known in SYSTEM)


def link_arguments() -> list[str]:
    flags = pkg_config("--libs")
    folders = pkg_config("--variable=libdir")
    if os.environ.get("PLASTIQ_RPATH", "1") != "0":
        flags += [f"-Wl,-rpath,{folder}" for folder in folders if not is_system(folder)]
    return flags


ffibuilder = FFI()
ffibuilder.cdef((HERE / "declarations.h").read_text())
ffibuilder.cdef((HERE / "shim.h").read_text())
ffibuilder.set_source(
    "plastiq._native",
    (HERE / "shim.c").read_text(),
    extra_compile_args=["-std=gnu11", "-Wno-missing-field-initializers", *pkg_config("--cflags")],
    extra_link_args=link_arguments(),
    py_limited_api=True,
)
