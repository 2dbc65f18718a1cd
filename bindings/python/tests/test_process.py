# SPDX-License-Identifier: MIT
"""What happens around calls: signals, fork, exit, and a library that is missing or another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import plastiq
from conftest import KEY, STRICT

PREAMBLE = f"""
import asyncio, json, os, signal, sys, threading, time, plastiq
HANG = json.dumps([{{"hang": True}}] * 50)
def options(**more):
    return {{"access_token": "{KEY}", "transport": "stub", "allow_test_transports": True, **more}}
"""


def run(code, *arguments, env=None, timeout=60, strict=True, **more):
    return subprocess.run(
        [*STRICT, "-c", PREAMBLE + textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **({"PYTHONMALLOC": "debug"} if strict else {}), **(env or {})},
        **more,
    )


def test_keyboard_interrupt():
    """Ctrl-C ends a call that would wait for ever, and the client works on."""
    done = run("""
        client = plastiq.Client(options(**{"stub.script": '[{"hang": true}, {"engine": true}]'}))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            client.client_secrets.create(timeout_ms=-1)
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - began < 1, client.stats()["calls_in_flight"])
        with client.client_secrets.create() as created:
            print(created.http_status)
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted True 0\n200\n", "")


def test_a_handler_that_calls():
    """A signal's handler that runs inside of a call may make calls of its own."""
    done = run("""
        client = plastiq.Client(options(**{"stub.script": '[{"hang": true}, {"engine": true}]'}))
        token = plastiq.CancelToken()
        # The script is played by each pool of connections: the other threads' one is past what hangs.
        def first():
            try:
                client.client_secrets.create(timeout_ms=100)
            except plastiq.CallTimeoutError:
                print("timeout")
        thread = threading.Thread(target=first)
        thread.start(); thread.join()
        def handler(*_):
            token.cancel()  # the outer call's end comes while the inner one waits, and is not the inner one's to take
            print([client.client_secrets.create().http_status for _ in range(3)])
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            client.client_secrets.create(timeout_ms=-1, cancel=token)
        except plastiq.CallCancelledError:
            print("cancelled")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "timeout\n[200, 200, 200]\ncancelled\n", "")


def test_interrupted_warm(tmp_path):
    done = run("""
        import socket
        silent = socket.create_server(("127.0.0.1", 0))
        client = plastiq.Client(access_token="test-key-1", transport="openssl", base_url=f"https://127.0.0.1:{silent.getsockname()[1]}/api")
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            client.warm(1, timeout_ms=1000)
        except KeyboardInterrupt:
            print("interrupted")
        try:
            client.client_secrets.create(timeout_ms=2000, max_repeats=0)
        except plastiq.CallTimeoutError:
            print("timeout")
    """)
    assert (done.returncode, done.stdout) == (0, "interrupted\ntimeout\n"), done.stderr


def test_exit_during_a_call():
    """Calls run in threads and in a queue while the process ends: it ends with its own status, at once, without a crash."""
    for _ in range(5):
        began = time.monotonic()
        done = run("""
            client = plastiq.Client(options(**{"stub.script": HANG}))
            for _ in range(8):
                threading.Thread(target=lambda: client.client_secrets.create(timeout_ms=-1), daemon=True).start()
            looping = plastiq.AsyncClient(options(**{"stub.script": HANG}))
            def loop():
                async def main():
                    await asyncio.gather(*[looping.client_secrets.create(timeout_ms=-1) for _ in range(8)])
                asyncio.run(main())
            threading.Thread(target=loop, daemon=True).start()
            while client.stats()["calls_in_flight"] + looping.stats()["calls_in_flight"] < 16:
                time.sleep(0.01)
            sys.exit(7)
        """)
        assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
        assert time.monotonic() - began < 10


def test_exit_while_calls_are_made():
    """The same with calls that come and go."""
    for _ in range(10):
        done = run("""
            client = plastiq.Client(options())
            def work():
                while True:
                    client.client_secrets.create().client_secret.read()
            for _ in range(4):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(0.1)
            sys.exit(7)
        """)
        assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


def test_an_exception_that_nobody_catches():
    done = run("""
        secret = plastiq.Client(options()).client_secrets.create().client_secret
        text = secret.read().decode()
        raise RuntimeError(repr(secret))
    """)
    assert done.returncode == 1 and "redacted" in done.stderr and "cs_test_" not in done.stderr


FORK = """
    client, looping = plastiq.Client(options()), plastiq.AsyncClient(options())
    made = [client.client_secrets.create()]
    thread = threading.Thread(target=lambda: made.append(client.client_secrets.create()))
    thread.start(); thread.join()
    async def use():
        (await looping.client_secrets.create()).close()
    asyncio.run(use())
    kept = made[0].client_secret.read()
    pid = os.fork()
    # Both work on: on the main thread, on another one, and in a new loop.
    assert client.client_secrets.create().http_status == 200
    thread = threading.Thread(target=lambda: made.append(client.client_secrets.create()))
    thread.start(); thread.join()
    assert len(made) == 3
    asyncio.run(use())
    assert made[0].client_secret.read() == kept
    if pid == 0:
        client.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert client.client_secrets.create().http_status == 200
    print("both")
"""


@pytest.mark.filterwarnings("ignore")
def test_fork_after_a_call():
    done = run(FORK)
    assert (done.returncode, done.stdout) == (0, "both\n"), done.stderr


@pytest.mark.parametrize("transport", ["curl", "openssl"])
def test_fork_over_tls(emulator, transport):
    """The parent's connections stay the parent's: neither notices the other."""
    options = {"access_token": KEY, "base_url": emulator.url, "ca_file": emulator.ca}
    code = FORK.replace("options()", "json.loads(sys.argv[1])")
    done = run(code, json.dumps(options), env={"PLASTIQ_TRANSPORT": transport})
    assert (done.returncode, done.stdout) == (0, "both\n"), done.stderr


def test_fork_in_a_running_loop():
    """The loop is the parent's, as asyncio itself has it. In the child a call in it is an error, and the parent notices nothing."""
    done = run("""
        async def main():
            async with plastiq.AsyncClient(options()) as client:
                await client.client_secrets.create()
                pid = os.fork()
                if pid == 0:
                    try:
                        await client.client_secrets.create()
                    except RuntimeError:
                        os._exit(5)
                    os._exit(7)
                for _ in range(200):
                    (await client.client_secrets.create()).close()
                print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                (await client.client_secrets.create()).close()
        asyncio.run(main())
    """)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr


def test_multiprocessing_spawn_and_fork():
    import multiprocessing

    for method in ("spawn", "fork"):
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            assert pool.map(_in_a_worker, range(4)) == [200] * 4


def _in_a_worker(_):
    with plastiq.Client({"access_token": KEY, "transport": "stub", "allow_test_transports": True}) as client:
        return client.client_secrets.create().http_status


# ---- what stays in memory ----


def occurrences(pid, needle):
    """How often a text is in the memory of a process that can be written."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            begin, end = (int(part, 16) for part in span.split("-"))
            if not mode.startswith("rw") or line.endswith("[vvar]\n"):
                continue
            try:
                memory.seek(begin)
                found += memory.read(end - begin).count(needle)
            except OSError:
                continue
    return found


WIPED = """
    client = plastiq.Client(json.loads(sys.argv[1]))
    def stop(data=b""):
        # Masked, so that what is told leaves no copy.
        for number in data:
            os.write(1, b"%d " % (number ^ 0x5A))
        os.write(1, b"\\n")
        sys.stdin.readline()
    def work():
        created = client.client_secrets.create()
        with created.client_secret.revealed() as data:
            stop(data)
        taken = created.client_secret.take()
        stop()
        plastiq.wipe(taken)
        stop()
    {run}
"""
RUNS = {
    "main": "work()",
    "thread": "thread = threading.Thread(target=work); thread.start(); thread.join()",
    "asyncio": """looping = plastiq.AsyncClient(json.loads(sys.argv[1]))
    async def main():
        global client
        created = await looping.client_secrets.create()
        class One: pass
        client = One(); client.client_secrets = One(); client.client_secrets.create = lambda: created
        work()
    asyncio.run(main())""",
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("transport", ["stub", "openssl"])
def test_nothing_of_a_secret_stays(transport, run, request):
    options = {"access_token": KEY, "transport": "stub", "allow_test_transports": True}
    if transport != "stub":
        emulator = request.getfixturevalue("emulator")
        options = {"access_token": KEY, "transport": transport, "base_url": emulator.url, "ca_file": emulator.ca}
    code = PREAMBLE + textwrap.dedent(WIPED).replace("{run}", textwrap.dedent("    " + RUNS[run]))
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counts = []
    try:
        needle = bytes(int(word) ^ 0x5A for word in process.stdout.readline().split())
        assert needle.startswith(b"cs_test_") and len(needle) > 30
        for _ in range(3):
            counts.append(occurrences(process.pid, needle))
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
        assert process.wait(20) == 0
    finally:
        process.kill()
    # The library's and the copy; then what was taken; then nothing.
    assert counts == [2, 1, 0]


def test_memory_stays_flat():
    done = run(
        """
        import gc
        def resident():
            gc.collect()
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4
        client = plastiq.Client(options())
        looping = plastiq.AsyncClient(options())
        async def many(count):
            for _ in range(count):
                (await looping.client_secrets.create()).close()
                try:
                    await looping.client_secrets.create(payer_id="none")
                except plastiq.InputError:
                    pass
        loop = asyncio.new_event_loop()
        def all_doors(count):
            for _ in range(count):
                client.client_secrets.create().client_secret.read()
                try:
                    client.client_secrets.create(payer_id="none")
                except plastiq.InputError:
                    pass
            thread = threading.Thread(target=lambda: [client.client_secrets.create() for _ in range(count)])
            thread.start(); thread.join()
            loop.run_until_complete(many(count))
        all_doors(66000)  # the stub remembers the last 65,536 secrets that it gave out
        grown, files = [], len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            before = resident()
            all_doors(10000)
            grown.append(resident() - before)
        print(sorted(grown)[1], len(os.listdir("/proc/self/fd")) - files)
        for _ in range(20):  # loops come and go, the client stays
            asyncio.run(many(2))
        print(len(os.listdir("/proc/self/fd")) - files <= 4)
        loop.run_until_complete(looping.close())
        loop.close()
    """,
        strict=False,
    )
    assert done.returncode == 0, done.stderr
    grown, files, few = done.stdout.split()
    # In KiB, the median of three rounds: 50,000 calls that lose 4 bytes each would be seen.
    assert int(grown) < 200 and int(files) == 0 and few == "True"


# ---- the clock ----

# The machine sleeps: the clock that runs on meanwhile is ahead.
AHEAD = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
long ahead_s;
int clock_gettime(clockid_t id, struct timespec *out) {
  int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, out);
  if (id == CLOCK_BOOTTIME) out->tv_sec += ahead_s;
  return result;
}
"""


def test_an_expired_secret(tmp_path):
    source, library = tmp_path / "ahead.c", tmp_path / "ahead.so"
    source.write_text(AHEAD)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True, capture_output=True)
    done = run(
        """
        import ctypes
        ahead = ctypes.c_long.in_dll(ctypes.CDLL(sys.argv[1]), "ahead_s")
        client = plastiq.Client(options())
        created, later = client.client_secrets.create(), client.client_secrets.create_v2()
        secret = created.client_secret
        print(secret.expired, len(secret.read()) > 30)
        ahead.value = 61
        print(secret.expired, secret.life_ms, secret.closed, later.client_secret.expired)
        for use in (secret.read, secret.take, secret.revealed().__enter__):
            try:
                use()
            except plastiq.SecretError as error:
                print(error.status_name, error.field)
        secret.close()
    """,
        str(library),
        env={"LD_PRELOAD": str(library)},
        strict=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    expired = "PLQ_E_SECRET_EXPIRED client_secret\n" * 3
    assert done.stdout == "False True\nTrue 0 False False\n" + expired


# ---- a library that is missing, or another one ----


def package():
    return Path(plastiq.__file__).parent


def imported(folder, **env):
    done = subprocess.run(
        [sys.executable, "-c", "import plastiq"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **env, "PYTHONPATH": str(folder)},
    )
    return done.returncode, done.stderr.strip().splitlines()[-1] if done.stderr else ""


def copy_of_the_package(folder):
    """The package with an extension that has forgotten where the library lies, so that LD_LIBRARY_PATH says it."""
    import shutil

    shutil.copytree(package(), folder / "plastiq")
    (extension,) = (folder / "plastiq").glob("_native*.so")
    data = bytearray(extension.read_bytes())
    found = subprocess.run(["readelf", "-d", str(extension)], capture_output=True, text=True, check=True).stdout
    for line in found.splitlines():
        if "RUNPATH" in line or "RPATH" in line:
            path = line.partition("[")[2].rstrip("]").encode()
            at = data.index(b"\0" + path + b"\0") + 1
            data[at : at + len(path)] = b"/" + b"x" * (len(path) - 1)
    extension.write_bytes(data)
    return folder


def make_library(folder, source, *arguments):
    folder.mkdir()
    (folder / "old.c").write_text(source)
    command = [
        "cc",
        "-shared",
        "-fPIC",
        "-Wl,-soname,libplastiq.so.1",
        *arguments,
        "-o",
        str(folder / "libplastiq.so.1"),
        str(folder / "old.c"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return {"LD_LIBRARY_PATH": str(folder)}


def test_a_missing_library(tmp_path):
    code, said = imported(copy_of_the_package(tmp_path), LD_LIBRARY_PATH="/nonexistent")
    if code == 0:
        pytest.skip("the system has a libplastiq of its own")
    assert code == 1
    assert said.startswith("plastiq.LibraryError: plastiq needs libplastiq 0.1.0 or later (C ABI 1.0) and found no libplastiq.so.1")


OLD = """
#include <stdint.h>
const char *plq_version(void) { return "0.0.9"; }
uint32_t plq_abi_version(void) { return 0x00000005; }
"""


def test_an_older_library(tmp_path):
    """One that lacks functions."""
    folder = copy_of_the_package(tmp_path)
    code, said = imported(folder, **make_library(tmp_path / "old", OLD))
    assert code == 1
    assert "plastiq needs libplastiq 0.1.0 or later (C ABI 1.0) and found libplastiq 0.0.9 (C ABI 0.5)" in said


def test_a_library_of_another_abi(tmp_path):
    """One that has every function, and says that it does not serve this caller."""
    import re

    folder = copy_of_the_package(tmp_path)
    declared = (Path(__file__).parents[1] / "native/declarations.h").read_text()
    names = set(re.findall(r"\b(plq_\w+)\(", declared)) - {"plq_version", "plq_abi_version", "plq_abi_require"}
    source = OLD.replace("0.0.9", "9.0.0").replace("0x00000005", "0x00090000") + "int plq_abi_require(void) { return 1003; }\n"
    source += "".join(f"void {name}(void) {{}}\n" for name in sorted(names))
    (tmp_path / "map").write_text("PLASTIQ_1.0 { global: plq_*; local: *; };\n")
    code, said = imported(folder, **make_library(tmp_path / "later", source, f"-Wl,--version-script={tmp_path / 'map'}"))
    assert code == 1
    assert said.endswith("plastiq needs libplastiq 0.1.0 or later (C ABI 1.0) and found libplastiq 9.0.0 (C ABI 9.0)")
