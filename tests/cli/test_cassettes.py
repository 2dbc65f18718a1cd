# SPDX-License-Identifier: MIT
"""Cassettes: recorded over each TLS transport against the emulator, free of secrets, replayed when it is gone, and shown."""
import json
import os
import pathlib
import re
import stat
import subprocess

import pytest
from support import KEY, Cli, Emulator

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "cassettes.md"
CARD = "5500005555555559"
PRIVATE = "test-private-cli-4711"


def tape(cli, path, mode, over=None):
    arguments = ["--transport", "stub", "--allow-test-transports", "--option", f"stub.cassette={path}"]
    arguments += ["--option", f"stub.cassette_mode={mode}"] if mode else []
    arguments += ["--option", f"stub.record_over={over}"] if over else []
    return lambda *rest, **named: cli(*arguments, *rest, **named)


def parts_of(secret):
    """Any half of it would be too much."""
    half = len(secret) // 2
    return [secret.encode(), secret[:half].encode(), secret[half:].encode()]


def holds_none(path, *secrets):
    data = path.read_bytes()
    return [secret for secret in secrets for part in parts_of(secret) if part in data] == []


@pytest.fixture
def show(plastiq):
    return lambda path, *rest: plastiq("cassette", "show", path, *rest)


@pytest.mark.parametrize("over", ["curl", "openssl"])
def test_record_and_replay(tmp_path, tmp_path_factory, show, over):
    path = tmp_path / "calls.cassette"
    request = ["--extra", json.dumps({"card": CARD, "key": KEY}), "--sensitive-header", f"X-Private: {PRIVATE}", "--json"]
    with Emulator(tmp_path_factory.mktemp("emulator"), "--api-key", KEY) as emulator:
        cli = Cli("client-secrets", "create", "--base-url", emulator.url, token=KEY)
        emulator.faults({"count": 1, "status": 503, "retry_after": 0})
        # A service that tells everything that it was told.
        echo = json.dumps({"code": "VALIDATION_ERROR", "message": f"no {KEY}, no {PRIVATE}, no {CARD}", "other": "gone"})
        recorded = tape(cli, path, "record", over)("--ca-file", emulator.ca, "--calls", 2, *request)
        assert recorded.code == 0, recorded.err
        secrets = [line["client_secret"] for line in recorded.lines[:2]]
        second = tmp_path / "refused.cassette"
        emulator.faults({"status": 400, "body": echo, "headers": [["Set-Cookie", secrets[0]], ["X-Echo", KEY]]})
        refused = tape(cli, second, "record", over)("--ca-file", emulator.ca, *request)
        assert refused.code == 7
        assert emulator.requests() == 4
    for file in (path, second):
        assert holds_none(file, KEY, PRIVATE, CARD, *secrets)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    # The emulator is gone, and so are its CA and the key.
    cli = Cli("client-secrets", "create", "--base-url", emulator.url, token="test-key-of-somebody-else")
    replayed = tape(cli, path, None)("--calls", 2, *request[2:], "--extra", json.dumps({"card": CARD, "key": "x" * len(KEY)}))
    assert replayed.code == 0, replayed.err
    assert [line["client_secret"] for line in replayed.lines[:2]] == ["test-secret-xxxxxxxxxxxxxxxxxxxx00000001", "test-secret-xxxxxxxxxxxxxxxxxxxx00000002"]
    for old, new in zip(recorded.lines[:2], replayed.lines[:2]):
        assert [a["status"] for a in new["attempts"]] == [a["status"] for a in old["attempts"]]
        assert [a.get("total_us") for a in new["attempts"]] == [a.get("total_us") for a in old["attempts"]]
        assert old["trace_id"] == new["trace_id"]
    again = tape(cli, second, "replay")(*request[2:], "--extra", json.dumps({"card": CARD, "key": "x" * len(KEY)}))
    assert again.code == 7
    assert again.json["service_code"] == "VALIDATION_ERROR" and again.json["service_message"] == f"no {'x' * len(KEY)}, no {'x' * len(PRIVATE)}, no {'x' * 16}"

    shown = show(path)
    assert shown.code == 0 and shown.err == ""
    assert f"over {over} " in shown.out and "3 attempts" in shown.out and "not closed" not in shown.out
    assert "> Authorization: Bearer (not kept)" in shown.out and "> X-Private: (not kept)" in shown.out
    assert "< HTTP/1.1 503" in shown.out and '< {"clientSecret":"test-secret-' in shown.out
    facts = show(path, "--json").json
    assert (facts["version"], facts["transport"], facts["complete"], len(facts["attempts"])) == (1, over, True, 3)
    headers = {row["name"]: row for row in facts["attempts"][0]["request"]["headers"]}
    assert headers["Authorization"] == {"name": "Authorization", "value": "Bearer", "secret": True}
    assert facts["attempts"][1]["lines"][0] == "HTTP/1.1 200 OK" and facts["attempts"][1]["connection"]["tls_version"] == 0x0304


def test_a_failure_comes_back(tmp_path, show):
    path = tmp_path / "a"
    cli = Cli("client-secrets", "create", "--base-url", "https://127.0.0.1:1/api", "--max-repeats", "0", token=KEY)
    first = tape(cli, path, "record")("--json")
    second = tape(cli, path, "replay")("--json")
    assert first.code == second.code == 5
    assert first.json["name"] == second.json["name"] == "PLQ_E_CONNECT_REFUSED"
    assert first.json["message"] == second.json["message"] and "stub: " in first.json["message"]
    assert "PLQ_E_CONNECT_REFUSED, phase connect, not_sent, after " in show(path).out
    assert show(path, "--json").json["attempts"][0]["error"]["name"] == "PLQ_E_CONNECT_REFUSED"


@pytest.fixture
def recorded(tmp_path, emulator):
    """A cassette of one call, and the command line to replay it."""
    emulator.clear_faults()
    path = tmp_path / "one"
    cli = Cli("client-secrets", "create", "--base-url", emulator.url, token=KEY)
    assert tape(cli, path, "record")("--ca-file", emulator.ca, "--end-user-ip", "192.0.2.1").code == 0
    return path, tape(cli, path, "replay")


@pytest.mark.parametrize(
    "arguments, difference",
    [
        (["--end-user-ip", "192.0.2.2"], 'the header End-User-Ip was "192.0.2.1" and is "192.0.2.2"'),
        ([], "the header End-User-Ip was there and is not"),
        (["--end-user-ip", "192.0.2.1", "--v2"], 'the path was "/api/client-secrets" and is "/api/v2/client-secrets"'),
        (["--end-user-ip", "192.0.2.1", "--type", "CARD"], 'the body was "{}" and is "{"type":"CARD"}"'),
        (["--end-user-ip", "192.0.2.1", "--sensitive-header", f"X-A: {PRIVATE}"], "the header X-A was not there and is"),
        (["--end-user-ip", "192.0.2.1", "--extra", json.dumps({"a": KEY})], f'and is "{{"a":"{"x" * len(KEY)}"}}"'),
        (["--end-user-ip", "192.0.2.1", "--base-url", "https://127.0.0.1:2/api"], "the origin was"),
    ],
)
def test_mismatch(recorded, arguments, difference):
    _, replay = recorded
    result = replay(*arguments, "--json")
    assert result.code == 3 and result.json["name"] == "PLQ_E_CASSETTE_MISMATCH"
    assert f"entry 1 of 1: {difference}" in result.json["message"] or difference in result.json["message"]
    assert KEY not in result.out + result.err and PRIVATE not in result.out + result.err


def test_what_cannot_be_used(recorded, tmp_path, emulator, show):
    path, replay = recorded
    whole = path.read_bytes()
    cli = Cli("client-secrets", "create", "--base-url", emulator.url, "--ca-file", emulator.ca, token=KEY)
    before = emulator.requests()
    for make, says in [
        (lambda: None, "the file is there already"),
        (lambda: path.unlink() or path.mkdir(), "the file is there already"),
    ]:
        make()
        result = tape(cli, path, "record")()
        assert result.code == 3 and says in result.err
    path.rmdir()
    for data, says in [
        (b"", "the file is empty"),
        (b"not a cassette", "this is none"),
        (whole[: len(whole) // 2], f"it is cut off: the file ends at byte {len(whole) // 2}, inside of entry 1 (at byte "),
        (whole.replace(b"plastiq_cassette\x01", b"plastiq_cassette\x02"), "of version 2, and this library reads version 1"),
    ]:
        path.write_bytes(data)
        for result in (replay("--end-user-ip", "192.0.2.1"), show(path)):
            assert result.code == 3 and result.out == "" and says in result.err, result.err
        assert show(path, "--json").json["name"] == "PLQ_E_OPTION_VALUE"
        assert path.read_bytes() == data
    assert emulator.requests() == before
    path.unlink()
    assert "there is no such file" in show(path).err
    assert tape(cli, path, "record", "nowhere")("--json").json["name"] == "PLQ_E_TRANSPORT_NOT_FOUND"
    assert tape(cli, path, "record", "stub")("--json").json["name"] == "PLQ_E_UNSUPPORTED"
    assert not path.exists()


def test_a_variable_records_nothing(tmp_path, emulator):
    """What is recorded is chosen in code: a variable can choose the stub only where a test transport is allowed, and no option of it."""
    cli = Cli("client-secrets", "create", "--base-url", emulator.url, "--ca-file", emulator.ca, token=KEY)
    path = tmp_path / "x"
    env = {"PLASTIQ_STUB_CASSETTE": str(path), "PLASTIQ_STUB_CASSETTE_MODE": "record", "PLASTIQ_TRANSPORT": "stub"}
    assert cli(env=env).code == 3
    assert cli("--allow-test-transports", env=env).code in (0, 7)
    assert not path.exists()


def test_show_is_safe_on_a_terminal(recorded, show):
    path, _ = recorded
    path.write_bytes(path.read_bytes().replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 \x1b[2J\xff\\"))
    shown = show(path)
    assert shown.code == 0 and "\x1b" not in shown.out and r"< HTTP/1.1 \x1b[2J\xff\x5c" in shown.out
    assert "\x1b" not in show(path, "--json").json["attempts"][0]["lines"][0]


@pytest.mark.parametrize("arguments, says", [([], "FILE is missing"), (["a", "b"], "too many"), (["--jsom", "a"], "--json")])
def test_wrong_use(plastiq, arguments, says):
    result = plastiq("cassette", "show", *arguments)
    assert result.code == 2 and says in result.err and result.out == ""


def shell_blocks():
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def test_the_page(tmp_path):
    """The commands of docs/cassettes.md, as they stand, in an empty folder."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for name, variable in (("plastiq", "PLASTIQ_BIN"), ("plastiq-emulator", "EMULATOR_BIN")):
        (bin_dir / name).symlink_to(os.environ[variable])
    blocks = shell_blocks()
    assert len(blocks) >= 2
    work = tmp_path / "work"
    work.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith("PLASTIQ_")}
    env |= {"PATH": f"{bin_dir}:{os.environ['PATH']}", "PLASTIQ_TRANSPORT_DIR": os.environ["TRANSPORT_DIR"]}
    done = subprocess.run(["bash", "-euo", "pipefail"], input="\n".join(blocks), cwd=work, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("cs_test_") and "test-secret-xxxxxxxxxxxxxxxxxxxx00000001" in lines
