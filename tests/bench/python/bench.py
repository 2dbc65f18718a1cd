# SPDX-License-Identifier: MIT
"""What a client secret costs from Python. Takes what the C programs of the benchmark take, and answers as they do.

create    plastiq.Client on the main thread
thread    the same on another thread
async     plastiq.AsyncClient, one call after the other
gather    plastiq.AsyncClient, --in-flight at once
sdk       plastiqpublicapi on the main thread
requests  what the published SDK does with requests: a session with its adapter and repeats, its headers, JSON both ways

With --calls N it makes N calls and prints what they cost; without, it reads numbers of calls from its input, and answers each with a line.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import threading
import time

TOKEN = "test-key-0000000000000000"  # noqa: S105 - a test's
PAYER = "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"
IP = "192.0.2.1"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def options(arguments):
    made = {"access_token": TOKEN, "base_url": f"https://127.0.0.1:{arguments.port}/api", "ca_file": arguments.ca_file, "transport": arguments.transport}
    made["connection_idle_ms"] = 3600000  # it waits for its turn
    if arguments.transport_dir:
        made["transport_dir"] = arguments.transport_dir
    if arguments.max_connections:
        made["max_connections"] = arguments.max_connections
    return made


def blocking(arguments):
    import plastiq

    client = plastiq.Client(options(arguments), ambient=False)

    def run(calls):
        create = client.client_secrets.create
        for _ in range(calls):
            with create(payer_id=PAYER, user_agent=AGENT, end_user_ip=IP) as created:
                if not created.client_secret.take():
                    raise RuntimeError("a success without a secret")

    return run, lambda: client.stats()["connections_opened"]


def on_a_thread(arguments):
    run, opened = blocking(arguments)

    def run_there(calls):
        thread = threading.Thread(target=run, args=(calls,))
        thread.start()
        thread.join()

    return run_there, opened


def in_a_loop(arguments):
    import plastiq

    client = plastiq.AsyncClient(options(arguments), ambient=False)
    loop = asyncio.new_event_loop()
    at_once = arguments.in_flight if arguments.job == "gather" else 1

    async def make(calls):
        create = client.client_secrets.create
        for _ in range(calls):
            with await create(payer_id=PAYER, user_agent=AGENT, end_user_ip=IP) as created:
                if not created.client_secret.take():
                    raise RuntimeError("a success without a secret")

    async def main(calls):
        share, rest = divmod(calls, at_once)
        await asyncio.gather(*[make(share + (i < rest)) for i in range(at_once)])

    def opened():
        count = client.stats()["connections_opened"]
        loop.run_until_complete(client.close())
        loop.close()
        return count

    return lambda calls: loop.run_until_complete(main(calls)), opened


def sdk(arguments):
    from plastiqpublicapi.configuration import Configuration, Environment, Server
    from plastiqpublicapi.models.client_secrets_request import ClientSecretsRequest
    from plastiqpublicapi.models.payer_id import PayerId
    from plastiqpublicapi.plastiqpublicapi_client import PlastiqpublicapiClient

    made = options(arguments)
    Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = made.pop("base_url")
    Configuration.native_options = made
    client = PlastiqpublicapiClient(access_token=TOKEN, environment=Environment.SANDBOX)

    def run(calls):
        for _ in range(calls):
            body = ClientSecretsRequest(payer=PayerId(id=PAYER))
            if not client.client_secrets.create_a_single_use_client_secret(body, user_agent=AGENT, end_user_ip=IP).client_secret:
                raise RuntimeError("a success without a secret")

    return run, lambda: client.config.client().stats()["connections_opened"]


def with_requests(arguments):
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    # Variables of this machine that would have it use another CA or a proxy; looking for them is part of what a call costs.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        os.environ.pop(name, None)
    session = requests.session()
    statuses = [408, 413, 429, 500, 502, 503, 504, 521, 522, 524]
    adapter = HTTPAdapter(max_retries=Retry(total=0, backoff_factor=2, status_forcelist=statuses, allowed_methods=["GET", "PUT"]))
    session.mount("https://", adapter)
    session.verify = arguments.ca_file
    url = f"https://127.0.0.1:{arguments.port}/api/client-secrets"

    def run(calls):
        for _ in range(calls):
            headers = {
                "accept": "application/json",
                "content-type": "application/json; charset=utf-8",
                "Trace-Id": None,
                "User-Agent": AGENT,
                "End-User-Device-Id": None,
                "End-User-Ip": IP,
                "Authorization": f"Bearer {TOKEN}",
            }
            response = session.request("POST", url, headers=headers, params={}, data=json.dumps({"payer": {"id": PAYER}}), files={}, timeout=60)
            if response.status_code != 200 or not json.loads(response.text)["clientSecret"]:
                raise RuntimeError("a success without a secret")

    return run, lambda: sum(pool.num_connections for pool in pools(adapter))


def pools(adapter):
    manager = adapter.poolmanager.pools
    return [manager.get(key) for key in manager.keys()]  # noqa: SIM118 - it is no mapping


JOBS = {"create": blocking, "thread": on_a_thread, "async": in_a_loop, "gather": in_a_loop, "sdk": sdk, "requests": with_requests}


def cpu_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e6)


def answer(run, calls):
    wall, cpu = time.perf_counter(), cpu_us()
    run(calls)
    cpu, wall = cpu_us() - cpu, time.perf_counter() - wall
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * resource.getpagesize()
    print(json.dumps({"calls": calls, "cpu_us": cpu, "wall_us": round(wall * 1e6), "resident": resident}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", choices=JOBS, default="create")
    parser.add_argument("--transport", default="openssl")
    parser.add_argument("--transport-dir")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--max-connections", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--calls", type=int)
    arguments = parser.parse_args()
    run, opened = JOBS[arguments.job](arguments)
    if arguments.first:
        run(arguments.first)
    for calls in [arguments.calls] if arguments.calls is not None else map(int, sys.stdin):
        answer(run, calls)
    most = (arguments.max_connections or arguments.in_flight) if arguments.job == "gather" else 1
    count = opened()
    if count > most:
        sys.exit(f"{count} connections were opened: they were not kept")


if __name__ == "__main__":
    main()
