# SPDX-License-Identifier: MIT
"""Threads that share a client, with an observer, statistics and a rotated token.

blocking.py [OPTION VALUE]..; the API key is in EXAMPLE_TOKEN.
"""

import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import plastiq
from plastiq.events import CallEnd

statuses: "Counter[str]" = Counter()
elapsed_us: "list[int]" = []


def on_call_end(event: CallEnd) -> None:
    statuses[event["status_name"]] += 1
    elapsed_us.append(event["elapsed_us"])


def work(client: plastiq.Client, number: int) -> int:
    """Makes a secret, and tells how long it is; in a program it would go to a browser."""
    with client.client_secrets.create(end_user_ip=f"192.0.2.{number}", user_agent="Example-Browser/1.0") as created:
        with created.client_secret.revealed() as data:
            return len(data)


def main() -> None:
    options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    with plastiq.Client(options, access_token=os.environ["EXAMPLE_TOKEN"], timeout_ms=10_000) as client:
        client.observe("call_end", on_call_end)
        client.warm(2)
        with ThreadPoolExecutor(4) as pool:
            lengths = list(pool.map(lambda number: work(client, number), range(1, 21)))
        client.set_tokens(os.environ["EXAMPLE_TOKEN"])  # as after a rotation: no call is disturbed
        lengths.append(work(client, 21))
        stats = client.stats()
        print(f"{len(lengths)} secrets: {dict(statuses)}, {stats['attempts']} attempts, the longest took {max(elapsed_us)} us")


if __name__ == "__main__":
    try:
        main()
    except plastiq.Error as error:
        sys.exit(f"{error.status_name}: {error}")
