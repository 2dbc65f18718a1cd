# SPDX-License-Identifier: MIT
"""The cases in tests/vectors, and how what came is compared with what they expect. tests/vectors/README.md has the format."""

from __future__ import annotations

import json
import os
import re

from conftest import ROOT

FOLDER = ROOT / "tests/vectors"
DEFAULTS = {
    "access_token": "test-key-0001",
    "backoff_base_ms": 1,
    "backoff_cap_ms": 2,
    "transport": "stub",
    "transport_path_check": False,
    "allow_test_transports": True,
    "allow_plain_http": True,
    "base_url": "https://plastiq.test/api",
}
if os.environ.get("TRANSPORT_DIR"):
    DEFAULTS["transport_dir"] = os.environ["TRANSPORT_DIR"]
CANARIES = ("test-key", "test-secret", "test-private")


def write_out(value):
    """Writes out the abbreviations of the format."""
    if isinstance(value, list):
        made = []
        for item in value:
            if isinstance(item, dict) and set(item) == {"copies", "of"}:
                made += [write_out(item["of"])] * item["copies"]
            else:
                made.append(write_out(item))
        return made
    if isinstance(value, dict):
        if set(value) == {"repeat", "times"}:
            return write_out(value["repeat"]) * value["times"]
        if set(value) == {"join"}:
            return "".join(write_out(value["join"]))
        return {key: write_out(item) for key, item in value.items()}
    return value


def load():
    """Every case that the stub transport can play, and the names of those that it cannot, with the reason."""
    cases, left_out = [], []
    for file in sorted(FOLDER.glob("row-*.json")):
        found = json.loads(file.read_text())
        for case in map(write_out, found if isinstance(found, list) else [found]):
            case["id"] = f"row-{case['row']:02}/{case['name']}"
            if "stub" not in case.get("transports", ["stub"]):
                left_out.append((case["id"], "needs a server"))
            elif not isinstance(case.get("extra", {}), dict):
                left_out.append((case["id"], "its extra is a text, and a message has a map there"))
            else:
                cases.append(case)
    return cases, left_out


def options(case):
    """A client's options, as the format's defaults and the case say."""

    def fill(text):
        return text.replace("{port}", "443").replace("{transport}", "stub").replace("{folder}", "/nonexistent")

    made = {**DEFAULTS, "stub.script": as_json(case.get("responses", []))}
    for key, value in case.get("options", {}).items():
        made[fill(key)] = fill(value) if isinstance(value, str) else as_json(value) if isinstance(value, (dict, list)) else value
    return made


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


def expected(case):
    return {
        key: value
        for key, value in case.get("outcome_on", {}).get("stub", case["outcome"]).items()
        if key not in ("requests", "connections")  # a server's to say
    }


def differences(what, wanted, got):
    """What of a case's expectation does not hold."""
    if fits(what, wanted, got):
        return []
    if isinstance(wanted, list) and isinstance(got, (list, tuple)) and len(wanted) == len(got):
        return [line for i, pair in enumerate(zip(wanted, got)) for line in differences(f"{what}[{i}]", *pair)]
    if isinstance(wanted, dict) and isinstance(got, dict) and not is_rule(wanted):
        return [line for key in wanted for line in differences(f"{what}.{key}", wanted[key], got.get(key))]
    return [f"{what}: expected {str(wanted)[:400]}, got {str(got)[:400]}"]


def is_rule(wanted):
    return bool(set(wanted) & {"match", "contains", "min", "max"})


def fits(what, wanted, got):
    if wanted is None:
        return got is None or got in ("", [], ()) or (isinstance(got, int) and got <= 0)
    if isinstance(wanted, list):
        return isinstance(got, (list, tuple)) and len(got) == len(wanted) and all(fits(what, *pair) for pair in zip(wanted, got))
    if not isinstance(wanted, dict):
        return type(got) is type(wanted) and got == wanted
    if "match" in wanted:
        return isinstance(got, str) and re.search(wanted["match"], got) is not None
    if "contains" in wanted:
        return isinstance(got, str) and all(part in got for part in wanted["contains"])
    if is_rule(wanted):
        return isinstance(got, int) and wanted.get("min", got) <= got <= wanted.get("max", got)
    return isinstance(got, dict) and all(fits(what, wanted[key], got.get(key)) for key in wanted)


def _attempt(attempt):
    """As the format names it: the status by its name, bools as numbers, and what there is not by a word."""
    made = {key: int(value) if isinstance(value, bool) else value for key, value in attempt.items()}
    return {"phase": "none", **made, "status": attempt["name"]}


def of_response(response):
    secret = response.results["client_secret"]
    life = secret.life_ms
    return {
        "status": "PLQ_OK",
        "http_status": response.http_status,
        "trace_id": response.trace_id,
        "attempts": len(response.attempts),
        "attempt_list": [_attempt(one) for one in response.attempts],
        "life_ms": life,
        "secret": secret.take().decode(),
    }


def of_error(error):
    return {
        "status": error.status_name,
        "kind": error.kind,
        "phase": error.phase,
        "delivery": error.delivery,
        "http_status": error.http_status,
        "repeatable": int(error.repeatable),
        "retry_after_ms": error.retry_after_ms,
        "message": error.message,
        "field": error.field,
        "service_code": error.code,
        "service_message": error.service_message,
        "details": list(error.details),
        "trace_id": error.trace_id,
        "attempts": len(error.attempts),
        "attempt_list": [_attempt(one) for one in error.attempts],
    }
