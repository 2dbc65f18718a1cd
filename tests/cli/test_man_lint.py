# SPDX-License-Identifier: MIT
"""Manual pages as the programs see them that show them."""
import pathlib
import shutil
import subprocess

import pytest

PAGES = sorted((pathlib.Path(__file__).parents[2] / "docs" / "man").iterdir())


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is missing (Debian: mandoc)")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc(path):
    said = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True, timeout=60).stdout
    # A date would be that of whoever ran tools/generate last.
    assert [line for line in said.splitlines() if "missing date" not in line] == []


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is missing (Debian: groff-base)")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_groff(path):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
