# SPDX-License-Identifier: MIT
"""What pyproject.toml cannot say: the extension module, and that it works with every Python from 3.9 on."""

from setuptools import setup

setup(cffi_modules=["native/build.py:ffibuilder"], options={"bdist_wheel": {"py_limited_api": "cp39"}})
