# SPDX-License-Identifier: MIT
"""A thousand calls submitted at once, over real TLS to the emulator: a checkout page that everybody opens."""
import json
import os
import subprocess

import pytest
from support import KEY

COUNT = 1000
CONNECTIONS = 16


def burst(*options):
    made = subprocess.run([os.environ["BURST_BIN"], str(COUNT), *options], capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@pytest.mark.parametrize("transport", ["curl", "openssl"])
def test_over_tls(emulator, transport):
    emulator.clear_faults()
    found = burst("transport", transport, "transport_dir", os.environ["TRANSPORT_DIR"], "transport_path_check", "false", "access_token", KEY,
                  "base_url", emulator.url, "ca_file", emulator.ca, "max_connections", str(CONNECTIONS), "timeout_ms", "60000")
    assert found["good"] == COUNT
    assert found["different"] == COUNT
    assert found["threads"] == 0
    assert 1 <= found["connections"] <= CONNECTIONS


def test_offline():
    found = burst("transport", "stub", "transport_dir", os.environ["TRANSPORT_DIR"], "transport_path_check", "false",
                  "allow_test_transports", "true", "access_token", "test-key-0000000000000000")
    assert (found["good"], found["different"], found["threads"]) == (COUNT, COUNT, 0)
