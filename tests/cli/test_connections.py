# SPDX-License-Identifier: MIT
"""What the TLS transports make of a connection: kept alive, warmed, client certificates; HTTP/2, which is curl's alone."""
import json
import os
import shutil
import socket
import subprocess
import time

import pytest
from support import KEY, SECRET, Cli, Emulator


@pytest.fixture(params=["curl", "openssl"])
def over(request):
    """The environment that chooses a transport."""
    return {"PLASTIQ_TRANSPORT": request.param}


@pytest.fixture
def create(create, over):
    create.env.update(over)
    return create


def connections(emulator):
    return emulator.admin("GET", "state")["connections"]["tcp"]


def test_calls_share_a_connection(create, emulator):
    before = connections(emulator)
    facts = create("--json", "--calls", "5").lines
    assert connections(emulator) == before + 2  # one for the calls, one for this look at the state
    attempts = [line["attempts"][0] for line in facts if "attempts" in line]
    assert len(attempts) == 5 and [a["reused"] for a in attempts] == [0, 1, 1, 1, 1]


def test_warm_opens_connections_and_sends_nothing(create, emulator):
    before, requests = connections(emulator), emulator.requests()
    result = create("--json", "--warm", "4", "--calls", "1")
    assert result.code == 0, result.err
    assert connections(emulator) - before == 4 + 2  # the two looks at the state
    assert emulator.requests() == requests + 1
    assert [line["attempts"][0]["reused"] for line in result.lines if "attempts" in line] == [1]


@pytest.fixture
def strict(tmp_path, over):
    """An emulator that requires a client certificate."""
    first = tmp_path / "first"
    first.mkdir()
    with Emulator(first, "--api-key", KEY) as made:
        files = {name: made.made(name) for name in ("ca.pem", "server.pem", "server-key.pem", "client.pem", "client-key.pem")}
        assert all(path.exists() for path in files.values()), sorted(p.name for p in made.made("").iterdir())
    ready = tmp_path / "ready"
    command = [os.environ["EMULATOR_BIN"], "--certificate", files["server.pem"], "--key", files["server-key.pem"], "--client-ca",
               files["ca.pem"], "--api-key", KEY, "--ready-file", ready, "--log", "none"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(300):
        if ready.exists():
            break
        time.sleep(0.1)
    url = json.loads(ready.read_text())["url"]
    cli = Cli("client-secrets", "create", "--base-url", url, "--ca-file", files["ca.pem"], token=KEY)
    cli.env.update(over)
    yield cli, files
    process.terminate()
    assert process.wait(timeout=30) == 0


def test_client_certificates(strict):
    create, files = strict
    good = create("--option", f"client_certificate_file={files['client.pem']}", "--option", f"client_key_file={files['client-key.pem']}")
    assert good.code == 0 and good.out.startswith(SECRET), good.err
    without = create("--json", "--max-repeats", "0")
    assert without.code != 0 and without.json["kind"] in ("tls", "io", "truncated")
    wrong = create("--json", "--option", f"client_certificate_file={files['ca.pem']}", "--option", f"client_key_file={files['client-key.pem']}")
    assert wrong.json["name"] == "PLQ_E_CLIENT_CERTIFICATE" and wrong.json["delivery"] == "not_sent"


NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log stderr crit;
events {{}}
http {{
  access_log off;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{
    listen 127.0.0.1:{port} ssl{http2};
    ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{ proxy_pass https://127.0.0.1:{upstream}; }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def nginx(tmp_path, emulator):
    """nginx in front of the emulator, with or without HTTP/2; gives its URL."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    running = []

    def start(http2):
        folder = tmp_path / f"nginx{len(running)}"
        folder.mkdir()
        port = free_port()
        config = folder / "conf"
        config.write_text(NGINX.format(dir=folder, port=port, http2=" http2" if http2 else "", cert=emulator.made("server.pem"),
                                       key=emulator.made("server-key.pem"), upstream=emulator.port))
        running.append(subprocess.Popen([program, "-p", folder, "-c", config], stdout=subprocess.DEVNULL))
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return f"https://127.0.0.1:{port}/api"
            except OSError:
                assert running[-1].poll() is None, "nginx ended"
                time.sleep(0.1)
        raise AssertionError("nginx did not start")

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.parametrize(("asked", "version"), [("auto", 11), ("1.1", 11), ("2", 20)])
def test_http_version(nginx, emulator, asked, version):
    create = Cli("client-secrets", "create", "--base-url", nginx(True), "--ca-file", emulator.ca, token=KEY)
    facts = create("--json", "--calls", "3", "--option", f"http_version={asked}").lines
    attempts = [line["attempts"][0] for line in facts if "attempts" in line]
    assert [a["http_version"] for a in attempts] == [version] * 3
    assert [a["reused"] for a in attempts] == [0, 1, 1]
    assert all(line["client_secret"].startswith(SECRET) for line in facts if "client_secret" in line)


def test_http2_that_the_server_lacks_is_not_sent(nginx, emulator):
    create = Cli("client-secrets", "create", "--base-url", nginx(False), "--ca-file", emulator.ca, token=KEY)
    before = emulator.requests()
    error = create("--json", "--option", "http_version=2").json
    assert error["status"] != 0 and error["delivery"] == "not_sent", error
    assert emulator.requests() == before
