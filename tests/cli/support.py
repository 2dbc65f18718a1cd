# SPDX-License-Identifier: MIT
"""The two programs, to be run by tests."""
import json
import os
import re
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass

KEY = "cli-test-key-1"
# What every secret of the emulator and the stub begins with.
SECRET = "cs_test_"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self):
        (only,) = self.lines
        return only


class Cli:
    """The program with its first arguments; called with the rest."""

    def __init__(self, *first, token=None):
        self.first = [str(part) for part in first]
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PLASTIQ_")}
        if token is not None:
            self.env["PLASTIQ_ACCESS_TOKEN"] = token

    def __call__(self, *rest, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=None, text=None):
        command = [os.environ["PLASTIQ_BIN"], *self.first]
        arguments = [str(part) for part in rest]
        if self.first[:1] in (["client-secrets"], ["bench"]) and not any(a.startswith("--transport-dir") for a in arguments):
            command += ["--transport-dir", os.environ["TRANSPORT_DIR"]]
        merged = {**self.env, **(env or {})}
        done = subprocess.run(
            command + arguments,
            env={k: v for k, v in merged.items() if v is not None},
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=cwd,
            timeout=60,
            text=True,
            **({"input": text} if text is not None else {"stdin": stdin}),
        )
        # Whatever happens: standard error never has a secret, and no sanitizer has found anything.
        assert SECRET not in done.stderr
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        assert done.returncode in range(9), done.stderr
        return Result(done.returncode, done.stdout, done.stderr)


def commands():
    """Every command as a list of words, from help."""
    text = subprocess.run([os.environ["PLASTIQ_BIN"], "--help"], check=True, capture_output=True, text=True, timeout=30).stdout
    return [re.split(r"  +", line.strip())[0].split() for line in re.search(r"Commands:\n((?:  .*\n)+)", text)[1].splitlines()]


class Emulator:
    """plastiq-emulator on a free port, with a throwaway CA."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        ready = folder / "ready"
        read_end, write_end = os.pipe()
        command = [os.environ["EMULATOR_BIN"], "--make-ca", folder / "ca", "--ready-fd", str(write_end), "--log", "none", *arguments]
        self.process = subprocess.Popen(command, pass_fds=[write_end], stdout=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            facts = json.loads(ready.readline())
        self.url, self.admin_url, self.ca, self.port = facts["url"], facts["admin_url"], facts["ca"], facts["port"]
        self.context = ssl.create_default_context(cafile=self.ca)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0

    def made(self, name):
        """A file that the emulator made next to its CA."""
        return self.folder / "ca" / name

    def admin(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.admin_url}/{path}", method=method, data=data)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context))
        with opener.open(request, timeout=30) as response:
            return json.load(response)

    def requests(self):
        """How many requests of the API have come; these admin calls do not count."""
        return self.admin("GET", "state")["requests"]

    def faults(self, *faults):
        self.admin("POST", "faults", list(faults))

    def clear_faults(self):
        self.admin("DELETE", "faults")
