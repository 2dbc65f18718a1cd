# SPDX-License-Identifier: MIT
"""How things are counted: what two runs differ by, and programs that take turns."""
import json
import os
import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

UNWANTED = {"LD_PRELOAD", "LD_LIBRARY_PATH", "SSLKEYLOGFILE", "OPENSSL_CONF", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in UNWANTED and not name.startswith(("PLASTIQ_", "CURL_", "SSL_"))}


NO_PROGRAM = "there is no program"


class Failure(Exception):
    """Why something could not be measured."""


@dataclass(frozen=True)
class Subject:
    """A program, and what it is told to do."""

    program: str  # plastiq, queue, openssl, libcurl, multi; go, node, python, rust; or wrk
    job: str = "create"
    transport: str = ""
    port: str = "h1"  # of the server
    ca_file: str = ""  # another one than the server's
    in_flight: int = 0
    max_connections: int = 0
    http: int = 0
    pinned: bool = True  # to the processor for what is timed: not if its runtime has threads that would be in each other's way


@dataclass
class Setting:
    """Where the programs are and what they talk to."""

    programs: Path
    server: object
    cpu: int | None  # the processor for what is timed

    def command(self, subject):
        program = self.programs / f"bench-{subject.program}"
        if not program.exists():
            raise Failure(f"{NO_PROGRAM} {program.name}")
        command = [program, "--job", subject.job, "--port", str(self.server.ports[subject.port]), "--ca-file",
                   subject.ca_file or self.server.ca_file]
        for name, value in (("transport", subject.transport), ("in-flight", subject.in_flight), ("max-connections", subject.max_connections),
                            ("http", subject.http)):
            if value:
                command += ["--" + name, str(value)]
        return [str(word) for word in command]


def run(command, timeout=300, **more):
    """Runs a program to its end; what it says on stderr is the reason if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **({"env": ENVIRONMENT} | more))
    except subprocess.TimeoutExpired as late:
        raise Failure(f"{Path(command[0]).name} took more than {timeout} s") from late
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line and not line.startswith("==")] or ["no word"]  # == begins what valgrind says
        raise Failure(f"{Path(command[0]).name} ended with {done.returncode}: {said[-1]}")
    return done


# ---- what is counted ----


def instructions(setting, subject, few, many):
    """Per call, of as many as `many` is more than `few`. Until `few` were made, callgrind looks on and counts nothing, which is much faster."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        run(["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", *setting.command(subject), "--first", str(few),
             "--calls", str(many - few)])
        found = re.search(r"^totals: (\d+)", out.read_text(), re.M)
        if not found:
            raise Failure("callgrind gives no sum")
        return int(found[1]) / (many - few)


def syscalls_once(setting, subject, calls):
    """A map from the name of a system call to how often it was made."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "strace.out"
        run(["strace", "-f", "-c", "-U", "calls,name", "-o", str(out), *setting.command(subject), "--calls", str(calls)])
        rows = [line.split() for line in out.read_text().splitlines()]
        counts = {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit()}
        counts.pop("total", None)
        if not counts:
            raise Failure("strace counts nothing")
        return counts


def allocations_once(setting, subject, calls):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "count"
        counter = {"LD_PRELOAD": str(setting.programs / "bench-count-allocations.so"), "BENCH_ALLOCATIONS": str(out)}
        run([*setting.command(subject), "--calls", str(calls)], env=ENVIRONMENT | counter)
        return int(out.read_text())


def difference(once):
    """Per call, from a run with few of them and one with many. Maps become maps, of what is not nothing."""

    def counted(setting, subject, few, many):
        less, more = once(setting, subject, few), once(setting, subject, many)
        if isinstance(less, dict):
            each = {name: (more.get(name, 0) - less.get(name, 0)) / (many - few) for name in less | more}
            return {name: value for name, value in sorted(each.items(), key=lambda item: -item[1]) if abs(value) >= 0.005}
        return (more - less) / (many - few)

    return counted


COUNT = {"instructions": instructions, "syscalls": difference(syscalls_once), "allocations": difference(allocations_once)}


# ---- programs that take turns ----


def pin(setting):
    """What a program does first, to stay on the processor for what is timed."""
    return (lambda: os.sched_setaffinity(0, {setting.cpu})) if setting.cpu is not None else None


class Worker:
    """A program that stays, and makes calls when it is told to."""

    def __init__(self, setting, subject):
        command = setting.command(subject)
        self.name = Path(command[0]).name
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=ENVIRONMENT,
                                        preexec_fn=pin(setting) if subject.pinned else None)

    def _why(self):
        self.process.kill()
        code = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines() or ["no word"]
        return Failure(f"{self.name} ended with {code}: {said[-1]}")

    def run(self, calls):
        try:
            self.process.stdin.write(f"{calls}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError as broken:
            raise self._why() from broken
        if not line:
            raise self._why()
        return json.loads(line)

    def per_call(self, calls):
        """CPU per call in microseconds."""
        return self.run(calls)["cpu_us"] / calls

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        """Ends the program; a Failure if it finds then that it did not do what was meant."""
        self.process.stdin.close()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            code = None
        self.process.stdout.close()
        if code != 0:
            raise self._why()


@dataclass
class Spread:
    """A median, and the quarters around it."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values):
        values = sorted(values)
        if len(values) < 2:
            return Spread(values[0], values[0], values[0])
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return Spread(statistics.median(values), low, high)


class Wrk:
    """wrk in place of a Worker. It opens its connections anew each time, so a turn is two runs: what the longer one has more is requests alone."""

    SHORT, MORE = 1, 2  # seconds

    def __init__(self, setting, subject):
        self.setting, self.subject = setting, subject

    def once(self, seconds):
        """Its requests and its CPU time in microseconds, user and system."""
        url = f"https://127.0.0.1:{self.setting.server.ports[self.subject.port]}/api/client-secrets"
        command = ["wrk", "-t1", f"-c{self.subject.in_flight}", f"-d{seconds}s", "-s", str(Path(__file__).with_name("post.lua")), url]
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENVIRONMENT, preexec_fn=pin(self.setting))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            said = out.read()
        requests = re.search(r"^ *(\d+) requests in", said, re.M)
        if process.returncode != 0 or not requests or "Non-2xx" in said or "Socket errors" in said:
            raise Failure(f"wrk ended with {process.returncode}: {said.strip()}")
        return int(requests[1]), (usage.ru_utime + usage.ru_stime) * 1e6

    def per_call(self, _):
        for _ in range(4):  # a machine that was busy elsewhere meanwhile gets another chance
            (few, less), (many, more) = self.once(self.SHORT), self.once(self.SHORT + self.MORE)
            if many > few and more > less:
                return (more - less) / (many - few)
        raise Failure("wrk made no more requests in more time")

    def kill(self):
        pass

    def close(self):
        pass


def take_turns(setting, subjects, rounds, calls, warm_up=200):
    """CPU per call in microseconds for each subject. In each round every program has its turn, forth and then back, so that what else happens
    on the machine happens to all."""
    workers, times = {}, {subject: [] for subject in subjects}
    try:
        for subject in subjects:
            workers[subject] = Wrk(setting, subject) if subject.program == "wrk" else Worker(setting, subject)
            if subject.program != "wrk":
                workers[subject].per_call(max(warm_up, 2 * subject.in_flight))
        for number in range(rounds):
            for subject in subjects if number % 2 == 0 else reversed(subjects):
                times[subject].append(workers[subject].per_call(calls))
    except BaseException:
        for worker in workers.values():
            worker.kill()
        raise
    for worker in workers.values():
        worker.close()
    return {subject: Spread.of(values) for subject, values in times.items()}
