# SPDX-License-Identifier: MIT
"""What is shipped: generated files, declarations, types, examples, the README."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import plastiq
from conftest import KEY, ROOT, STRICT

PACKAGE = ROOT / "bindings/python"
STUB = ["transport", "stub", "allow_test_transports", "true"]
STUB_KEY = "test-key-0000000000000000"


def run(*command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **more)


def test_what_is_generated_is_fresh():
    done = run(sys.executable, PACKAGE / "generate.py", "--check")
    assert done.returncode == 0, done.stdout


def test_declarations_are_those_of_the_headers(tmp_path):
    """The compiler sees both: a declaration that differs from the header's is an error."""
    text = (PACKAGE / "native/declarations.h").read_text()
    functions = "\n".join(line for line in text.splitlines() if line.endswith(");"))
    assert functions.count(";") > 90
    (tmp_path / "both.c").write_text(f"#include <plastiq/plastiq.h>\n{functions}\n")
    flags = shlex.split(run("pkg-config", "--cflags", "plastiq").stdout)
    assert run("cc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", *flags, tmp_path / "both.c").returncode == 0
    (tmp_path / "both.c").write_text(f"#include <plastiq/plastiq.h>\n{functions.replace('int64_t timeout_ms', 'int32_t timeout_ms', 1)}\n")
    assert run("cc", "-std=c11", "-fsyntax-only", *flags, tmp_path / "both.c").returncode != 0


def test_no_callback_crosses():
    """Nothing of the library can call into Python: no function pointer is declared."""
    text = (PACKAGE / "native/declarations.h").read_text()
    assert "(*" not in text and "_fn" not in text


def test_the_package_has_its_types():
    folder = Path(plastiq.__file__).parent
    assert (folder / "py.typed").is_file() and (folder / "_native.pyi").is_file()
    assert (folder.parent / "plastiqpublicapi/py.typed").is_file()
    assert re.search(r"_native\.abi3\.so$", str(next(folder.glob("_native*.so"))))


def test_everything_public_is_there_and_documented():
    for name in plastiq.__all__:
        thing = getattr(plastiq, name)
        assert name in ("Headers", "events") or thing.__doc__, name


def readme_blocks():
    return re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)


def test_the_readme_example(tmp_path):
    """The first block is a program, and works as it stands."""
    program = tmp_path / "example.py"
    program.write_text(readme_blocks()[0])
    done = run(sys.executable, "-X", "dev", program, *STUB, env={**os.environ, "EXAMPLE_TOKEN": STUB_KEY})
    assert (done.returncode, done.stderr) == (0, "") and re.fullmatch(r"cs_test_[\w-]+\n", done.stdout)
    done = run(sys.executable, program, *STUB, env={**os.environ, "EXAMPLE_TOKEN": "test-key-none"})
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("PLQ_E_HTTP"), done.stderr
    done = run(sys.executable, program, "nosuch", "1", env={**os.environ, "EXAMPLE_TOKEN": STUB_KEY})
    assert done.returncode == 1 and done.stderr.startswith("PLQ_E_OPTION_UNKNOWN"), done.stderr


@pytest.mark.parametrize("number", range(1, len(readme_blocks())))
def test_the_other_blocks(number, tmp_path):
    """They are parts of programs: each runs after a client was made as the page has it."""
    block = readme_blocks()[number]
    prelude = f"""
import asyncio, threading
import plastiq, plastiqpublicapi.configuration
from plastiqpublicapi.configuration import Configuration
OPTIONS = {{"transport": "stub", "allow_test_transports": True}}
Configuration.native_options = {{**OPTIONS, "stub.api_keys": "{KEY}"}}
token, other_token = "{KEY}", "test-key-other"
class Client(plastiq.Client):
    def __init__(self, options=(), **named): super().__init__({{**OPTIONS, **dict(options)}}, **named)
class AsyncClient(plastiq.AsyncClient):
    def __init__(self, **named): super().__init__(OPTIONS, **named)
plastiq.Client, plastiq.AsyncClient = Client, AsyncClient
client = plastiq.Client(access_token=token)
def send_to_the_browser(data): assert data.startswith(b"cs_test_")
"""
    program = tmp_path / "block.py"
    program.write_text(prelude + block)
    done = run(sys.executable, program)
    assert done.returncode == 0, done.stderr
    assert "cs_test_" not in done.stdout + done.stderr


def example(name, *arguments, **env):
    kept = ("PATH", "LD_LIBRARY_PATH", "PLASTIQ_TRANSPORT_DIR", "PYTHONDONTWRITEBYTECODE")
    clean = {name: os.environ[name] for name in kept if name in os.environ}
    return run(*STRICT, PACKAGE / "examples" / name, *arguments, env={**clean, **env})


def test_examples_are_run():
    """A new example needs a test here."""
    assert {file.name for file in (PACKAGE / "examples").glob("*.py")} == {
        "blocking.py",
        "event_loop.py",
        "web_server.py",
        "ctypes_proof.py",
    }


@pytest.mark.parametrize("name", ["blocking.py", "event_loop.py"])
def test_example(name):
    done = example(name, *STUB, EXAMPLE_TOKEN=STUB_KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cs_test_" not in done.stdout and "secrets" in done.stdout


@pytest.mark.parametrize("transport", ["curl", "openssl"])
@pytest.mark.parametrize("name", ["blocking.py", "event_loop.py"])
def test_example_over_tls(name, transport, emulator):
    done = example(name, "base_url", emulator.url, "ca_file", emulator.ca, EXAMPLE_TOKEN=STUB_KEY, PLASTIQ_TRANSPORT=transport)
    assert (done.returncode, done.stderr) == (0, "")


def test_web_server():
    """The server of the example gives secrets to a browser, and says 503 when the service fails."""
    import urllib.error
    import urllib.request

    process = subprocess.Popen(
        [sys.executable, PACKAGE / "examples/web_server.py", *STUB],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "EXAMPLE_TOKEN": STUB_KEY},
    )
    try:
        port = int(process.stdout.readline().rpartition(":")[2])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/client-secret", method="POST"), timeout=20) as answer:
            assert answer.read().startswith(b'{"clientSecret": "cs_test_')
            assert answer.headers["Cache-Control"] == "no-store"
        with pytest.raises(urllib.error.HTTPError):
            opener.open(f"http://127.0.0.1:{port}/", timeout=20)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_ctypes_proof():
    """The same without this package: the interface is flat enough for ctypes, in forty lines."""
    text = (PACKAGE / "examples/ctypes_proof.py").read_text()
    assert "import plastiq" not in text
    code = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(code) <= 40
    imports = {alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names}
    assert imports <= {"ctypes", "os", "sys"}
    library = run("pkg-config", "--variable=libdir", "plastiq").stdout.strip() + "/libplastiq.so.1"
    done = example("ctypes_proof.py", *STUB, EXAMPLE_TOKEN=STUB_KEY, LIBPLASTIQ=library)
    assert (done.returncode, done.stderr) == (0, "") and re.fullmatch(r"cs_test_[\w-]+ \d+ ms\n", done.stdout), done
    done = example("ctypes_proof.py", *STUB, EXAMPLE_TOKEN="test-key-none", LIBPLASTIQ=library)
    assert done.returncode == 1 and "PLQ_E_HTTP" in done.stderr
