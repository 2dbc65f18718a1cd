# SPDX-License-Identifier: MIT
"""What is measured, and what each row must reach."""
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import equal
import measure
from measure import Failure, Spread, Subject

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

# libplastiq
CREATE = {transport: Subject("plastiq", "create", transport) for transport in ("openssl", "curl")}
MESSAGE = Subject("plastiq", "message", "openssl")
PACKED = Subject("plastiq", "packed", "openssl")
FULL = {transport: Subject("plastiq", "full", transport, "full") for transport in ("openssl", "curl")}
RESUMED = {transport: Subject("plastiq", "resumed", transport) for transport in ("openssl", "curl")}
CLIENT = {transport: Subject("plastiq", "client", transport) for transport in ("openssl", "curl")}
WARM = {transport: Subject("plastiq", "warm", transport) for transport in ("openssl", "curl")}
# What it is compared with.
RAW = Subject("openssl", "create")
PLAIN = Subject("libcurl", "create")
PARSED = Subject("libcurl", "parsed")
BARE = {"openssl": "openssl", "curl": "libcurl"}  # the program that does the same by the same library
NAMES = {"openssl": "raw OpenSSL", "curl": "plain libcurl loop"}

# Many calls at once on one thread.
IN_FLIGHT = 64
MANY = {"in_flight": IN_FLIGHT, "max_connections": IN_FLIGHT}
QUEUE = {transport: Subject("queue", "create", transport, **MANY) for transport in ("openssl", "curl")}
QUEUE_MESSAGE = {transport: Subject("queue", "message", transport, **MANY) for transport in ("openssl", "curl")}
QUEUE_H2 = Subject("queue", "create", "curl", "h2", http=2, **MANY)
# Of the two ways to write such a loop, the one that takes less is what counts.
MULTI = [Subject("multi", job, **MANY) for job in ("poll", "epoll")]
MULTI_H2 = [Subject("multi", job, port="h2", http=2, **MANY) for job in ("poll", "epoll")]
WRK = Subject("wrk", **MANY)
# With as many connections for all but one call, so that only what waits is more.
GROWTH = (1, 16, 64, 256, 1000)
GROWTH_CONNECTIONS = 16
HELD = {transport: Subject("queue", "held", transport, **MANY) for transport in ("openssl", "curl")}
HELD_CALLS = 9000

# All that send requests over HTTP/1.1: what is compared is the same work only if the requests are the same.
SENDERS = [RAW, *CREATE.values(), MESSAGE, PACKED, PLAIN, PARSED, *QUEUE.values(), *QUEUE_MESSAGE.values(), *MULTI, WRK]

# In other languages, each against what its users would pick otherwise. Their runtimes have threads, so nothing is pinned, the typed message call in C
# for comparison neither.
def binding(language, job, **more):
    return Subject(language, job, "openssl", pinned=False, **more)


def other(language, job, **more):
    return Subject(language, job, pinned=False, **more)


MESSAGE_FREE = replace(MESSAGE, pinned=False)
REQUESTS = other("python", "requests")
NAMED = {"nethttp": "net/http", "reqwest": "reqwest, blocking", "reqwest-async": "reqwest", "reqwest-async-multi": "reqwest", "fetch": "fetch", "requests": "requests"}
AT_ONCE = f"{IN_FLIGHT} at once"
# id, language, what, ours, theirs, limit, and what ours may take above a message call in C, in microseconds, or None
BINDINGS = [
    ("go", "Go", "one after the other", binding("go", "create"), other("go", "nethttp"), 0.6, 8),
    ("go-many", "Go", AT_ONCE, binding("go", "create", **MANY), other("go", "nethttp", **MANY), 0.6, None),
    ("rust", "Rust", "blocking, one after the other", binding("rust", "blocking"), other("rust", "reqwest"), 0.8, 8),
    ("rust-async", "Rust", "async, one after the other, tokio on one thread", binding("rust", "async"), other("rust", "reqwest-async"), 0.8, 8),
    ("rust-async-many", "Rust", f"async, {AT_ONCE}, tokio on one thread", binding("rust", "async", **MANY), other("rust", "reqwest-async", **MANY), 0.8, None),
    ("rust-threads-many", "Rust", f"async, {AT_ONCE}, tokio on all processors", binding("rust", "async-multi", **MANY), other("rust", "reqwest-async-multi", **MANY), 0.8,
     None),
    ("node", "Node", "one after the other", binding("node", "create"), other("node", "fetch"), 0.3, 25),
    ("node-many", "Node", AT_ONCE, binding("node", "create", **MANY), other("node", "fetch", **MANY), 0.3, None),
    ("python", "Python", "blocking, one after the other", binding("python", "create"), REQUESTS, 0.15, 25),
    ("python-sdk", "Python", "plastiqpublicapi, one after the other", binding("python", "sdk"), REQUESTS, 0.15, None),
    ("python-async", "Python", "asyncio, one after the other", binding("python", "async"), REQUESTS, 0.15, 25),
    ("python-async-many", "Python", f"asyncio, {AT_ONCE}", binding("python", "gather", **MANY), REQUESTS, 0.15, None),
]  # fmt: skip

GROUP = f"queue, {IN_FLIGHT} in flight on one thread"
LOOP = "plain curl_multi loop"

# In the order of the table.
PARTS = ("counted", "timed", "queue", "growth", "connections", "handshakes", "creation", "memory", "soak", "sizes", "bindings")


@dataclass
class Row:
    """One line of the table. `how`: ratio, ours / theirs; above, ours - theirs; most, ours alone. Without a limit it only tells."""

    id: str
    group: str
    text: str
    unit: str
    how: str
    limit: float | None
    against: str = ""
    ours: float | None = None
    theirs: float | None = None
    ours_spread: Spread | None = None
    theirs_spread: Spread | None = None
    note: str = ""
    trouble: str = ""

    @property
    def value(self):
        if self.ours is None or (self.how != "most" and self.theirs is None):
            return None
        return {"ratio": lambda: self.ours / self.theirs, "above": lambda: self.ours - self.theirs, "most": lambda: self.ours}[self.how]()

    @property
    def verdict(self):
        if self.value is None:
            return "not measured"
        if self.limit is None:
            return "told"
        return "reached" if self.value <= self.limit else "missed"


@dataclass
class Plan:
    """How much is done."""

    few: int
    many: int
    few_connections: int
    many_connections: int
    repeats: int
    rounds: int
    round_calls: int
    wrk_rounds: int
    soak: int
    warm_up: int  # calls of a program whose language compiles while it runs

    @staticmethod
    def of(mode):
        return {
            "full": Plan(200, 1200, 8, 32, 2, 30, 2000, 10, 1_000_000, 5000),
            "quick": Plan(100, 500, 5, 15, 1, 10, 1000, 3, 100_000, 3000),
            "smoke": Plan(5, 10, 2, 4, 1, 1, 20, 1, 100, 20),
        }[mode]


@dataclass
class Results:
    rows: list = field(default_factory=list)
    details: dict = field(default_factory=dict)


class Counter:
    """Runs that count, two at a time, and each only once for whatever rows want it."""

    def __init__(self, setting, plan, say):
        self.setting, self.plan, self.say = setting, plan, say
        self.pool = ThreadPoolExecutor(max_workers=max(1, min(2, os.cpu_count() or 1)))
        self.futures = {}

    def want(self, what, subject):
        """Orders it, as often as the plan says; once if handshakes make it slow."""
        if (what, subject) in self.futures:
            return
        few, many, repeats = self.plan.few, self.plan.many, self.plan.repeats
        if subject.job in ("full", "resumed"):
            few, many, repeats = self.plan.few_connections, self.plan.many_connections, 1
        elif subject.in_flight:  # all connections are open by then
            few, many, repeats = max(few, 2 * subject.in_flight), many + 2 * subject.in_flight, 1
        elif what == "syscalls" and self.plan.rounds > 1:
            repeats = 3
        self.futures[what, subject] = [self.pool.submit(measure.COUNT[what], self.setting, subject, few, many) for _ in range(repeats)]

    def each(self, what, subject):
        """Per call, once for each repeat."""
        self.want(what, subject)
        return [future.result() for future in self.futures[what, subject]]

    def number(self, what, subject):
        """Per call; of the repeats their median. System calls are summed, and rounded: now and then the answer comes a moment sooner or later, and
        so in one call less or more."""
        values = [sum(value.values()) if isinstance(value, dict) else value for value in self.each(what, subject)]
        median = statistics.median(values)
        return median if what != "syscalls" else round(median, 1 if subject.in_flight else None)

    def stop(self):
        self.pool.shutdown(cancel_futures=True)


class Bench:
    def __init__(self, setting, mode, say):
        self.setting, self.mode, self.say = setting, mode, say
        self.plan = Plan.of(mode)
        self.counter = Counter(setting, self.plan, say)
        self.results = Results()

    def add(self, row, fill):
        """Takes a row up, measured or not: fill(row) sets its numbers."""
        try:
            fill(row)
        except (Failure, OSError, ValueError, KeyError) as trouble:
            row.ours = row.theirs = None
            row.trouble = str(trouble)
        self.results.rows.append(row)
        self.say(f"  {row.group}, {row.text}: {row.verdict}" + (f" ({row.trouble})" if row.trouble else ""))

    # ---- what is counted ----

    def bundled(self):
        """The system's certificates, and ours."""
        if not BUNDLE.exists():
            raise Failure(f"there is no {BUNDLE}")
        path = self.setting.server.folder / "bundle.pem"
        path.write_bytes(BUNDLE.read_bytes() + b"\n" + self.setting.server.ca_file.read_bytes())
        return str(path)

    def with_bundle(self, transport):
        subject = FULL[transport]
        return Subject(subject.program, subject.job, subject.transport, subject.port, self.bundled())

    def compare(self, what, ours, theirs):
        def fill(row):
            row.ours = self.counter.number(what, ours)
            row.theirs = self.counter.number(what, theirs)
            if what == "syscalls":
                for subject in (ours, theirs):
                    self.results.details.setdefault("syscalls", {})[label(subject)] = self.counter.each(what, subject)[0]

        return fill

    def least(self, what, subjects):
        """Of several ways to do the same, the one that takes least."""
        return min(subjects, key=lambda subject: self.counter.number(what, subject))

    def alone(self, what, subject):
        def fill(row):
            row.ours = self.counter.number(what, subject)
            if what == "syscalls":
                self.results.details.setdefault("syscalls", {})[label(subject)] = self.counter.each(what, subject)[0]

        return fill

    def counted(self):
        """Orders all that is counted, so that two runs always go on at once; then waits for each."""
        want = self.counter.want
        for subject in (RAW, CREATE["openssl"], MESSAGE, PACKED, PLAIN, PARSED, CREATE["curl"]):
            want("instructions", subject)
        for subject in (RAW, CREATE["openssl"], PLAIN, CREATE["curl"]):
            want("syscalls", subject)
            want("allocations", subject)
        for subject in (*QUEUE.values(), *QUEUE_MESSAGE.values(), *MULTI):
            want("instructions", subject)
        for subject in (*QUEUE.values(), QUEUE_H2, *MULTI, *MULTI_H2):
            want("syscalls", subject)
        openssl, curl = CREATE["openssl"], CREATE["curl"]
        self.add(Row("openssl-instructions", "blocking create, openssl", "instructions per call", "instructions", "ratio", 2.5, NAMES["openssl"]),
                 self.compare("instructions", openssl, RAW))
        self.add(Row("openssl-syscalls", "blocking create, openssl", "system calls per call", "calls", "most", 4), self.alone("syscalls", openssl))
        self.add(Row("curl-instructions", "blocking create, curl", "instructions per call", "instructions", "ratio", 1.10, NAMES["curl"]),
                 self.compare("instructions", curl, PLAIN))
        self.add(Row("curl-syscalls", "blocking create, curl", "system calls per call", "calls", "ratio", 1.0, NAMES["curl"]),
                 self.compare("syscalls", curl, PLAIN))
        self.add(Row("curl-instructions-parsed", "blocking create, curl", "instructions per call, against the loop with a URL parsed before",
                     "instructions", "ratio", None, "plain libcurl loop, CURLOPT_CURLU"), self.compare("instructions", curl, PARSED))
        self.add(Row("message-instructions", "message call, openssl", "instructions above the typed call", "instructions", "above", 6000, "typed call"),
                 self.compare("instructions", MESSAGE, openssl))
        self.add(Row("message-packed", "message call, openssl", "the same, packed and unpacked by msgpack-c in the caller", "instructions", "above", None,
                     "typed call"), self.compare("instructions", PACKED, openssl))
        self.add(Row("openssl-allocations", "memory", "allocations per warm call, openssl", "allocations", "most", 45), self.alone("allocations", openssl))
        self.add(Row("curl-allocations", "memory", "allocations per warm call, curl", "allocations", "ratio", None, NAMES["curl"]),
                 self.compare("allocations", curl, PLAIN))
        self.queue_counted()

    def queue_counted(self):
        self.add(Row("queue-openssl-instructions", GROUP, "openssl, instructions per call", "instructions", "most", None),
                 self.alone("instructions", QUEUE["openssl"]))
        self.add(Row("queue-openssl-syscalls", GROUP, "openssl, system calls per call", "calls", "most", None), self.alone("syscalls", QUEUE["openssl"]))
        for text, what, unit, ours, theirs in (("curl, instructions per call", "instructions", "instructions", QUEUE["curl"], MULTI),
                                               ("curl, system calls per call", "syscalls", "calls", QUEUE["curl"], MULTI),
                                               ("curl over HTTP/2, system calls per call", "syscalls", "calls", QUEUE_H2, MULTI_H2)):

            def fill(row, what=what, ours=ours, theirs=theirs):
                best = self.least(what, theirs)
                row.note = f"by {best.job}"
                self.compare(what, ours, best)(row)

            self.add(Row(f"queue-curl-{'h2-' if ours.http else ''}{what}", GROUP, text, unit, "ratio", None, LOOP), fill)
        for transport in ("openssl", "curl"):
            self.add(Row(f"queue-{transport}-message-instructions", GROUP, f"{transport}, messages, instructions above the typed call", "instructions", "above",
                         None, "typed calls"), self.compare("instructions", QUEUE_MESSAGE[transport], QUEUE[transport]))

    def connections(self):
        for transport in ("openssl", "curl"):
            for job in (FULL, RESUMED):
                self.counter.want("instructions", job[transport])
                self.counter.want("instructions", Subject(BARE[transport], job[transport].job, port=job[transport].port))
            if BUNDLE.exists():
                self.counter.want("instructions", self.with_bundle(transport))
        for transport in ("openssl", "curl"):
            bare = {"openssl": "bare OpenSSL", "curl": "bare libcurl"}[transport]
            for job, text in ((FULL, "full handshake and a call"), (RESUMED, "resumed handshake and a call")):
                ours = job[transport]
                self.add(Row(f"{transport}-{ours.job}", "new connection", f"{text}, instructions, {transport}", "instructions", "ratio", 1.15, bare),
                         self.compare("instructions", ours, Subject(BARE[transport], ours.job, port=ours.port)))
            self.add(Row(f"{transport}-bundle", "new connection", f"with the system's CA bundle, instructions per connection, {transport}", "instructions",
                         "ratio", 1.02, "a file with one certificate"), lambda row, t=transport: self.compare("instructions", self.with_bundle(t), FULL[t])(row))

    # ---- what is timed ----

    def timed(self):
        subjects = [RAW, CREATE["openssl"], PLAIN, CREATE["curl"]]
        times = {}

        def cpu(ours, theirs):
            def fill(row):
                if not times:
                    times.update(measure.take_turns(self.setting, subjects, self.plan.rounds, self.plan.round_calls))
                row.ours_spread, row.theirs_spread = times[ours], times[theirs]
                row.ours, row.theirs = row.ours_spread.median, row.theirs_spread.median

            return fill

        self.add(Row("openssl-cpu", "blocking create, openssl", "CPU per call", "us", "ratio", 1.3, NAMES["openssl"]), cpu(CREATE["openssl"], RAW))
        self.add(Row("curl-cpu", "blocking create, curl", "CPU per call", "us", "ratio", None, NAMES["curl"]), cpu(CREATE["curl"], PLAIN))

    def queue(self):
        calls = self.plan.round_calls * 2
        times = {}

        def of(ours, theirs, subjects, rounds):
            """theirs: several ways to do the same, of which the one that takes least counts."""

            def fill(row):
                if ours not in times:
                    times.update(measure.take_turns(self.setting, subjects, rounds, calls))
                best = min(theirs, key=lambda subject: times[subject].median)
                row.note = f"by {best.job}" if len(theirs) > 1 else ""
                row.ours_spread, row.theirs_spread = times[ours], times[best]
                row.ours, row.theirs = row.ours_spread.median, row.theirs_spread.median

            return fill

        with_wrk = (QUEUE["openssl"], WRK), self.plan.wrk_rounds
        with_multi = (QUEUE["curl"], *MULTI), self.plan.rounds
        with_h2 = (QUEUE_H2, *MULTI_H2), max(self.plan.rounds // 2, 1)
        self.add(Row("queue-openssl-cpu", GROUP, "openssl, CPU per call", "us", "ratio", 2.0, f"wrk with {IN_FLIGHT} connections"),
                 of(QUEUE["openssl"], [WRK], *with_wrk))
        self.add(Row("queue-curl-cpu", GROUP, "curl, CPU per call", "us", "ratio", 1.10, LOOP), of(QUEUE["curl"], MULTI, *with_multi))
        self.add(Row("queue-curl-h2-cpu", GROUP, "curl over HTTP/2, CPU per call", "us", "ratio", None, LOOP), of(QUEUE_H2, MULTI_H2, *with_h2))
        self.add(Row("queue-curl-h2-connections", GROUP, "curl over HTTP/2, connections", "connections", "most", 1), self.h2_connections)
        for transport in ("openssl", "curl"):
            typed, message = QUEUE[transport], QUEUE_MESSAGE[transport]
            again = max(self.plan.rounds // 2, 1)

            def fill(row, typed=typed, message=message, again=again):
                pair = measure.take_turns(self.setting, (typed, message), again, calls)
                row.ours_spread, row.theirs_spread = pair[message], pair[typed]
                row.ours, row.theirs = row.ours_spread.median, row.theirs_spread.median

            self.add(Row(f"queue-{transport}-message-cpu", GROUP, f"{transport}, messages, CPU per call", "us", "ratio", None, "typed calls"), fill)

    def h2_connections(self, row):
        """As nginx counts them."""
        seen = equal.send(self.setting, replace(QUEUE_H2, port="seen2"), 10 * IN_FLIGHT)
        if {each["protocol"] for each in seen} != {"HTTP/2.0"}:
            raise Failure("not all requests were HTTP/2")
        row.ours = len({each["connection"] for each in seen})
        row.note = f"{len(seen)} requests in nginx's log"

    def growth(self):
        """CPU per call with ever more in flight. At each step but the first the connections are as many, and the rest waits."""

        def fill(row, transport):
            steps = {count: Subject("queue", "create", transport, in_flight=count, max_connections=GROWTH_CONNECTIONS) for count in GROWTH}
            times = measure.take_turns(self.setting, list(steps.values()), max(self.plan.rounds // 2, 1), max(self.plan.round_calls * 2, GROWTH[-1]))
            row.ours_spread, row.theirs_spread = times[steps[GROWTH[-1]]], times[steps[GROWTH_CONNECTIONS]]
            row.ours, row.theirs = row.ours_spread.median, row.theirs_spread.median
            each = {str(count): times[subject].median for count, subject in steps.items()}
            self.results.details.setdefault("growth_us", {})[transport] = {count: round(value, 2) for count, value in each.items()}
            row.note = f"{GROWTH_CONNECTIONS} connections; " + ", ".join(f"{count}: {value:.1f}" for count, value in each.items())

        for transport in ("openssl", "curl"):
            self.add(Row(f"queue-{transport}-growth", "queue, growth", f"{transport}, CPU per call with {GROWTH[-1]:,} in flight", "us", "ratio", 1.15,
                         f"{GROWTH_CONNECTIONS} in flight"), lambda row, t=transport: fill(row, t))

    def handshakes(self):
        handshakes = [Subject(BARE["openssl"], "full", port="full"), FULL["openssl"], Subject(BARE["openssl"], "resumed"), RESUMED["openssl"],
                      Subject(BARE["curl"], "full", port="full"), FULL["curl"], Subject(BARE["curl"], "resumed"), RESUMED["curl"]]
        opened = {}

        def handshake(ours):
            def fill(row):
                if not opened:
                    opened.update(measure.take_turns(self.setting, handshakes, max(self.plan.rounds // 3, 1), max(self.plan.round_calls // 50, 4), 2))
                row.ours_spread = opened[ours]
                row.theirs_spread = opened[Subject(BARE[ours.transport], ours.job, port=ours.port)]
                row.ours, row.theirs = row.ours_spread.median, row.theirs_spread.median

            return fill

        for transport in ("openssl", "curl"):
            for job in (FULL, RESUMED):
                self.add(Row(f"{transport}-{job[transport].job}-cpu", "new connection", f"{job[transport].job} handshake and a call, CPU, {transport}", "us",
                             "ratio", None, {"openssl": "bare OpenSSL", "curl": "bare libcurl"}[transport]), handshake(job[transport]))

    def creation(self):
        def fill(row, subject):
            worker = measure.Worker(self.setting, subject)
            worker.run(3)  # the first one loads the transport
            each = [worker.run(20)["sample_ns"] / 1e6 for _ in range(3 if self.mode != "full" else 10)]
            worker.close()
            row.ours_spread = Spread.of(each)
            row.ours = row.ours_spread.median

        for transport in ("openssl", "curl"):
            subject = CLIENT[transport]
            self.add(Row(f"{transport}-client", "new connection", f"making a client, {transport}", "ms", "most", 1.0),
                     lambda row, s=subject: fill(row, s))
            bundle = lambda s=subject: Subject(s.program, s.job, s.transport, s.port, self.bundled())  # noqa: E731
            self.add(Row(f"{transport}-client-bundle", "new connection", f"making a client that reads the system's CA bundle, {transport}", "ms", "most", None),
                     lambda row, b=bundle: fill(row, b()))

    # ---- memory ----

    def memory(self):
        def fill(row, transport):
            worker = measure.Worker(self.setting, WARM[transport])
            few, many = 8, 56
            before, after = worker.run(few), worker.run(many)
            worker.close()
            resident, heap = ((after[name] - before[name]) / 1024 / (many - few) for name in ("resident", "heap"))
            row.ours = max(resident, heap)
            row.note = f"resident {resident:.1f}, heap {heap:.1f}; the larger one counts"

        for transport in ("openssl", "curl"):
            self.add(Row(f"{transport}-connection", "memory", f"per open connection, {transport}", "KiB", "most", 64), lambda row, t=transport: fill(row, t))

        def held(row, transport):
            worker = measure.Worker(self.setting, HELD[transport])
            before, after = worker.run(IN_FLIGHT), worker.run(HELD_CALLS)
            worker.close()
            resident, heap = ((after[name] - before[name]) / 1024 / HELD_CALLS for name in ("resident", "heap"))
            row.ours = max(resident, heap)
            row.note = f"resident {resident:.2f}, heap {heap:.2f}; the larger one counts"

        for transport in ("openssl", "curl"):
            self.add(Row(f"{transport}-queued", "memory", f"per queued call, {HELD_CALLS:,} of them on {IN_FLIGHT} connections, {transport}", "KiB", "most", 4),
                     lambda row, t=transport: held(row, t))

    def soak(self):
        """Resident memory after a tenth of the calls and after all of them, of both at once. What is asked for in pages may come one page late."""

        def grown(transport):
            worker = measure.Worker(self.setting, replace(CREATE[transport], pinned=False))
            first = worker.run(max(self.plan.soak // 10, 10))["resident"]
            last = worker.run(self.plan.soak - self.plan.soak // 10)["resident"]
            worker.close()
            return (last - first) / 1024

        with ThreadPoolExecutor() as pool:
            growths = {transport: pool.submit(grown, transport) for transport in ("openssl", "curl")}

        def fill(row, transport):
            row.ours = growths[transport].result()

        for transport in growths:
            self.add(Row(f"{transport}-growth", "memory", f"growth over {self.plan.soak:,} calls, {transport}", "KiB", "most", 64),
                     lambda row, t=transport: fill(row, t))

    # ---- the library ----

    def sizes(self, build):
        def fill(row, path):
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "stripped"
                measure.run(["strip", "-o", str(copy), str(path)])
                row.ours = copy.stat().st_size / 1024

        files = [("library", "libplastiq.so", build / "core" / "libplastiq.so.1", 160)]
        files += [(f"transport-{name}", f"transport {name}", build / "transports-v1" / f"libplastiq-transport-{name}.so", 80)
                  for name in ("curl", "openssl", "stub")]
        for name, text, path, limit in files:
            self.add(Row(f"size-{name}", "library", f"{text}, stripped", "KiB", "most", limit), lambda row, p=path: fill(row, p))

    # ---- other languages ----

    def bindings(self):
        """Programs of one language take turns with each other and with the message call in C."""
        times = {}

        def time(language):
            if language not in times:
                pairs = [(ours, theirs) for _, name, _, ours, theirs, _, _ in BINDINGS if name == language]
                equal.compare(self.setting, [MESSAGE, *(ours for ours, _ in pairs)])
                equal.compare(self.setting, list(dict.fromkeys([MESSAGE, *(theirs for _, theirs in pairs)])), equal.ALIKE)
                subjects = list(dict.fromkeys([MESSAGE_FREE, *(subject for pair in pairs for subject in pair)]))
                times[language] = measure.take_turns(self.setting, subjects, max(self.plan.rounds // 2, 1), self.plan.round_calls, self.plan.warm_up)
            return times[language]

        def cpu(language, ours, theirs):
            def fill(row):
                row.ours_spread, row.theirs_spread = time(language)[ours], time(language)[theirs]
                row.ours, row.theirs = row.ours_spread.median, row.theirs_spread.median

            return fill

        for id, language, text, ours, theirs, limit, above in BINDINGS:
            self.add(Row(f"{id}-cpu", language, f"{text}, CPU per call", "us", "ratio", limit, NAMED[theirs.job]), cpu(language, ours, theirs))
            if above:
                self.add(Row(f"{id}-above", language, f"{text}, CPU above a message call in C", "us", "above", above, "message call in C"),
                         cpu(language, ours, MESSAGE_FREE))

    def run(self, build, parts):
        self.say("requests")
        self.results.details["requests"] = equal.compare(self.setting, SENDERS)
        for part in PARTS:
            if part in parts:
                self.say(part)
                getattr(self, part)(*([build] if part == "sizes" else []))
        self.counter.stop()
        return self.results


def label(subject):
    http = f"h{subject.http}" if subject.http else ""
    return "-".join(word for word in (subject.program, subject.transport, subject.job, http) if word)
