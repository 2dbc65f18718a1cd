# SPDX-License-Identifier: MIT
"""Options from variables: they pass through to the library, the command line is stronger, and none leads a token away."""
import os

import pytest
from support import KEY, SECRET, Cli

FOLDER = {"PLASTIQ_TRANSPORT_DIR": os.environ["TRANSPORT_DIR"]}
STUB_KEY = "test-key-0000000000000000"


@pytest.fixture
def bare():
    """Runs `client-secrets create`; variables say the rest. Not even --transport-dir is given."""

    class Bare(Cli):
        def __call__(self, *rest, env=None, **more):
            self.first = []
            return super().__call__("client-secrets", "create", *rest, env={**FOLDER, **(env or {})}, **more)

    return Bare()


def test_all_from_variables(bare, emulator):
    emulator.clear_faults()
    result = bare(env={"PLASTIQ_ACCESS_TOKEN": KEY, "PLASTIQ_BASE_URL": emulator.url, "PLASTIQ_CA_FILE": emulator.ca})
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(SECRET)


def test_the_variable_alone_swaps_the_transport(plastiq, bare, emulator):
    """Over every production transport that is listed, and the result says which one it was."""
    emulator.clear_faults()
    listed = plastiq("transports", "--allow-test-transports", "--json", env=FOLDER).json["transports"]
    production = [row["name"] for row in listed if row.get("class") == "production"]
    assert "curl" in production
    for name in production:
        result = bare("--base-url", emulator.url, "--ca-file", emulator.ca, "--json", env={"PLASTIQ_ACCESS_TOKEN": KEY, "PLASTIQ_TRANSPORT": name})
        assert result.code == 0, result.err
        assert result.json["transport"]["name"] == name


def test_a_test_transport_needs_the_flag(bare):
    env = {"PLASTIQ_ACCESS_TOKEN": STUB_KEY, "PLASTIQ_TRANSPORT": "stub", "PLASTIQ_ALLOW_TEST_TRANSPORTS": "true"}
    refused = bare("--json", env=env)
    assert refused.code == 3
    assert refused.json["name"] == "PLQ_E_TRANSPORT_TEST_CLASS" and "PLASTIQ_TRANSPORT" in refused.err
    assert bare("--allow-test-transports", env=env).code == 0


@pytest.mark.parametrize("value", ["./stub", "/x/libplastiq-transport-stub.so", "file:///x/libplastiq-transport-stub.so"])
def test_the_variable_takes_a_name_only(bare, value):
    result = bare("--json", "--allow-test-transports", env={"PLASTIQ_ACCESS_TOKEN": STUB_KEY, "PLASTIQ_TRANSPORT": value})
    assert result.code == 3
    assert result.json["name"] == "PLQ_E_TRANSPORT_NAME"
    assert "the variable PLASTIQ_TRANSPORT" in result.err and "must be a name" in result.err


def test_the_command_line_is_stronger(bare, emulator):
    emulator.clear_faults()
    env = {"PLASTIQ_ACCESS_TOKEN": KEY, "PLASTIQ_TRANSPORT": "stub", "PLASTIQ_BASE_URL": "https://plastiq.test/", "PLASTIQ_CA_FILE": "/none"}
    result = bare("--transport", "curl", "--base-url", emulator.url, "--ca-file", emulator.ca, "--json", env=env)
    assert result.code == 0, result.err
    assert result.json["transport"]["name"] == "curl"


@pytest.mark.parametrize(
    "variable, value, name, right",
    [
        ("PLASTIQ_TIMEOUT_MS", "7531s", "PLQ_E_OPTION_VALUE", "1 to 86400000"),
        ("PLASTIQ_ENVIRONMENT", "prod", "PLQ_E_ENVIRONMENT_UNKNOWN", "sandbox or production"),
        ("PLASTIQ_ACCESS_TOKEN", "Bearer value-7531", "PLQ_E_TOKEN_INVALID", "RFC 6750"),
        ("PLASTIQ_PROXY_PASSWORD", "value-7531\udcff", "PLQ_E_TEXT_ENCODING", "UTF-8"),
        ("PLASTIQ_CA_FILE", "/none", "PLQ_E_TRUST", "cannot be read"),
    ],
)
def test_a_bad_value(bare, variable, value, name, right):
    result = bare("--json", env={"PLASTIQ_ACCESS_TOKEN": KEY, variable: value})
    assert result.code == 3
    assert result.json["name"] == name
    assert variable in result.err and right in result.err and "7531" not in result.err + result.out


@pytest.mark.parametrize("variable", ["PLASTIQ_BASE_URL", "PLASTIQ_CA_FILE", "PLASTIQ_PROXY"])
def test_a_token_from_a_file_goes_to_no_address_of_a_variable(bare, emulator, proxy, secret_file, variable):
    emulator.clear_faults()
    values = {"PLASTIQ_BASE_URL": emulator.url, "PLASTIQ_CA_FILE": emulator.ca, "PLASTIQ_PROXY": proxy.url}
    flags = {"PLASTIQ_BASE_URL": "--base-url", "PLASTIQ_CA_FILE": "--ca-file", "PLASTIQ_PROXY": "--proxy"}
    arguments = ["--token-file", secret_file(KEY)]
    for other in values:
        arguments += [flags[other], values[other]] if other != variable else []
    before = emulator.requests()
    result = bare(*arguments, "--json", env={variable: values[variable]})
    assert result.code == 3
    assert result.json["name"] == "PLQ_E_AMBIENT_ADDRESS"
    assert variable in result.err and "access_token" in result.err and "--allow-ambient-address" in result.err and KEY not in result.err
    assert (emulator.requests(), proxy.heads) == (before, [])
    assert bare(*arguments, "--allow-ambient-address", env={variable: values[variable]}).code == 0
    assert emulator.requests() == before + 1


def test_others_may_use_the_prefix(bare):
    env = {"PLASTIQ_PORT": "tcp://10.0.0.1:80", "PLASTIQ_TIMEOUT": "x", "PLASTIQ_STUB_SCRIPT": "x", "PLASTIQ_TRANSPORT": ""}
    assert bare("--transport", "stub", "--allow-test-transports", env={"PLASTIQ_ACCESS_TOKEN": STUB_KEY, **env}).code == 0


def test_transports_of_a_folder_from_a_variable(plastiq, tmp_path):
    assert "curl" in plastiq("transports", env=FOLDER).out
    missing = plastiq("transports", env={"PLASTIQ_TRANSPORT_DIR": str(tmp_path / "none")})
    assert missing.code == 3 and "PLASTIQ_TRANSPORT_DIR" in missing.err
    assert "curl" in plastiq("transports", "--transport-dir", os.environ["TRANSPORT_DIR"], env={"PLASTIQ_TRANSPORT_DIR": str(tmp_path / "none")}).out
