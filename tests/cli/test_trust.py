# SPDX-License-Identifier: MIT
"""Whom the TLS transports trust: the system's CAs in any host program, and in their place those that are named."""
import os
import subprocess
import sys
import textwrap

import pytest
from support import KEY, SECRET

TRANSPORTS = ["curl", "openssl"]
PLASTIQ = ["client-secrets", "create", "--transport-dir", os.environ["TRANSPORT_DIR"]]

# A host program of another kind: the interface called by hand.
PYTHON_HOST = textwrap.dedent("""
    import ctypes, sys
    lib = ctypes.CDLL(sys.argv[1])
    lib.plq_error_message.restype = ctypes.c_char_p
    client, response, error = ctypes.c_uint64(), ctypes.c_void_p(), ctypes.c_void_p()
    request = ctypes.c_void_p()
    def check(status):
        if status:
            sys.exit(f"{status}: {lib.plq_error_message(error, None)}")
    check(lib.plq_client_new(None, ctypes.byref(client), ctypes.byref(error)))
    nul = ctypes.c_size_t(-1)
    check(lib.plq_request_new(b"client_secrets.create", nul, ctypes.byref(request), ctypes.byref(error)))
    check(lib.plq_call(client, request, ctypes.byref(response), ctypes.byref(error)))
    lib.plq_response_free(response); lib.plq_request_free(request); lib.plq_client_free(client)
    print("minted")
""")


@pytest.fixture(scope="module")
def system(tmp_path_factory, emulator):
    """Runs a program on a system that trusts the emulator's CA, and no other: its folder is laid over /etc/ssl/certs."""
    folder = tmp_path_factory.mktemp("certs")
    name = subprocess.run(["openssl", "x509", "-in", emulator.ca, "-noout", "-subject_hash"], check=True, capture_output=True, text=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(open(emulator.ca, "rb").read())
    folder.chmod(0o755)
    lay = 'mount --bind "$0" /etc/ssl/certs && exec "$@"'
    if subprocess.run(["unshare", "--mount", "sh", "-c", lay, str(folder), "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace can be had here: root is needed, and a kernel that allows it")

    def run(transport, *command, **variables):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PLASTIQ_", "SSL_", "CURL_"))}
        env |= {"PLASTIQ_TRANSPORT": transport, "PLASTIQ_ACCESS_TOKEN": KEY, "PLASTIQ_BASE_URL": emulator.url, **variables}
        return subprocess.run(["unshare", "--mount", "sh", "-c", lay, str(folder), *map(str, command)], env=env, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def other_ca(tmp_path, openssl):
    path = tmp_path / "other.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=another test CA", "-days", "2",
            "-keyout", tmp_path / "other-key.pem", "-out", path)
    return path


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_systems_cas_are_found_by_a_c_program(system, transport):
    result = system(transport, os.environ["PLASTIQ_BIN"], *PLASTIQ)
    assert result.returncode == 0 and result.stdout.startswith(SECRET), result.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.skipif("PLASTIQ_LIB" not in os.environ, reason="a sanitized library cannot be loaded into Python")
def test_the_systems_cas_are_found_by_python(system, transport):
    result = system(transport, sys.executable, "-c", PYTHON_HOST, os.environ["PLASTIQ_LIB"], PLASTIQ_TRANSPORT_DIR=os.environ["TRANSPORT_DIR"])
    assert result.returncode == 0 and result.stdout == "minted\n", result.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("option", ["--ca-file", "--ca-dir"])
def test_what_is_named_replaces_the_systems(system, transport, option, other_ca, openssl, tmp_path):
    """Not beside them: the system trusts the server, and that does not count any more."""
    value = other_ca
    if option == "--ca-dir":
        value = tmp_path / "folder"
        value.mkdir()
        name = openssl("x509", "-in", other_ca, "-noout", "-subject_hash").decode().strip()
        (value / f"{name}.0").write_bytes(other_ca.read_bytes())
    result = system(transport, os.environ["PLASTIQ_BIN"], *PLASTIQ, option, value, "--json")
    assert result.returncode != 0 and "PLQ_E_VERIFY_UNTRUSTED" in result.stdout + result.stderr, (result.stdout, result.stderr)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_variables_of_the_libraries_do_not_count(system, transport, other_ca):
    variables = {name: str(other_ca) for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")}
    result = system(transport, os.environ["PLASTIQ_BIN"], *PLASTIQ, SSL_CERT_DIR=str(other_ca.parent), **variables)
    assert result.returncode == 0, result.stderr
