# SPDX-License-Identifier: MIT
"""Transports: the list, and those that must not be loaded."""
import json
import os
import shutil

import pytest
from support import Cli


@pytest.fixture
def transports():
    return Cli("transports")


def listed(transports, folder, *arguments):
    result = transports("--transport-dir", folder, "--json", *arguments)
    assert result.code == 0, result.err
    return {row["name"]: row for row in result.json["transports"]}


@pytest.fixture
def here():
    return os.environ["TRANSPORT_DIR"]


def test_json(transports, here):
    rows = listed(transports, here, "--allow-test-transports")
    for name, kind in (("curl", "production"), ("stub", "test")):
        row = rows[name]
        assert row["class"] == kind and row["path"] == os.path.join(os.path.realpath(here), f"libplastiq-transport-{name}.so")
        assert "blocking" in row["capabilities"] and row["version"] and row["id"] and row["vendor"] and row["license"]
    assert "libcurl/" in rows["curl"]["stack"]


def test_a_test_transport_needs_a_flag(transports, here):
    rows = listed(transports, here)
    assert "allow_test_transports" in rows["stub"]["failure"] and "failure" not in rows["curl"]


def test_table(transports, here):
    result = transports("--transport-dir", here)
    assert result.code == 0
    for name in ("curl", "openssl"):
        assert f"{name:7}  production" in result.out and f"libplastiq-transport-{name}.so" in result.out
    assert "keepalive" in result.out and "stub     not usable: " in result.out


def test_a_relative_folder(transports, here, create):
    result = transports("--transport-dir", os.path.basename(here), cwd=os.path.dirname(here))
    assert result.code == 0 and "curl" in result.out
    assert create(f"--transport-dir=./{os.path.basename(here)}", cwd=os.path.dirname(here)).code == 0


def test_an_empty_folder(transports, tmp_path):
    result = transports("--transport-dir", tmp_path)
    assert (result.code, result.out) == (0, "") and "no transports" in result.err


def test_no_folder(transports, tmp_path):
    result = transports("--transport-dir", tmp_path / "none", "--json")
    assert result.code == 3 and result.json["name"] == "PLQ_E_TRANSPORT_NOT_FOUND"


# ---- by path ----


def test_a_transport_by_path(create, here):
    path = os.path.join(here, "libplastiq-transport-curl.so")
    assert create("--transport", path).code == 0
    assert create("--transport", "./libplastiq-transport-curl.so", cwd=here).code == 0


BROKEN = {
    "foreign": ("int hello(void) { return 1; }\n", "PLQ_E_TRANSPORT_FOREIGN", "no libplastiq transport"),
    "tomorrow": ("int plq_transport_entry_v2(void) { return 0; }\n", "PLQ_E_TRANSPORT_ABI_MAJOR", "install the build of the transport that matches"),
    "unlinked": (
        "extern int nowhere(void); int plq_transport_entry_v1(void) { return nowhere(); }\n",
        "PLQ_E_TRANSPORT_DLOPEN",
        "nowhere",
    ),
    "refuses": ("int plq_transport_entry_v1(void) { return 4010; }\n", "PLQ_E_TRANSPORT_REFUSED", "refus"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_transport_of_ours(create, transports, emulator, compile_plugin, name):
    text, status, said = BROKEN[name]
    path = compile_plugin(name, text)
    before = emulator.requests()
    result = create("--transport", path)
    assert result.code == 3 and said in result.err and str(path) in result.err
    assert json.loads(create("--transport", path, "--json").out)["name"] == status
    verbose = create("--transport", name, "--verbose", f"--transport-dir={path.parent}")
    assert verbose.code == 3 and f"{path}: path: " in verbose.err
    assert said in listed(transports, path.parent)[name]["failure"]
    assert emulator.requests() == before


def test_a_file_that_is_no_shared_object(create, tmp_path):
    path = tmp_path / "libplastiq-transport-text.so"
    path.write_text("hello\n" * 100)
    path.chmod(0o644)
    result = create("--transport", path, "--json")
    assert result.code == 3 and result.json["name"] == "PLQ_E_TRANSPORT_FORMAT"


def test_a_folder_that_others_can_write(create, transports, here, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    shutil.copy(os.path.join(here, "libplastiq-transport-curl.so"), folder)
    folder.chmod(0o777)
    result = create("--transport", "curl", f"--transport-dir={folder}")
    assert result.code == 3 and "chmod go-w" in result.err
    assert transports("--transport-dir", folder).code == 3
    assert create("--transport", "curl", f"--transport-dir={folder}", "--option", "transport_path_check=false").code == 0
