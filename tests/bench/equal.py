# SPDX-License-Identifier: MIT
"""Whether all programs send the same: what nginx logged of each on a port that is never measured."""
import time
from dataclasses import replace

import measure
from measure import Failure

FACTS = ("method", "path", "status", "protocol", "tls", "cipher", "length")
ALIKE = ("method", "path", "status", "protocol", "tls")  # of other clients, which have headers of their own, and some another cipher


def send(setting, subject, calls):
    """Makes calls, to a port that is logged, and gives what nginx says of them."""
    setting.server.seen()
    if subject.program == "wrk":
        calls, _ = measure.Wrk(setting, subject).once(1)
    else:
        measure.run([*setting.command(subject), "--calls", str(calls)])
    rows, late = [], time.monotonic() + 10
    while len(rows) < calls and time.monotonic() < late:  # nginx writes a line after the answer is out
        rows += setting.server.seen()
        time.sleep(0.01)
    if len(rows) < calls:
        raise Failure(f"nginx saw {len(rows)} of {calls} requests of {subject.program}")
    return rows


def compare(setting, subjects, facts=FACTS):
    """What all requests have in common. A Failure if it is not the same for each."""
    found = {}
    for subject in subjects:
        rows = send(setting, replace(subject, port="seen", in_flight=min(subject.in_flight, 4)), 8)
        for row in rows:
            found.setdefault(tuple(row[fact] for fact in facts), set()).add(f"{subject.program} {subject.transport} {subject.job}".replace("  ", " "))
    if len(found) != 1:
        raise Failure("the programs send different requests, so nothing can be compared: "
                      + "; ".join(f"{', '.join(sorted(who))}: {' '.join(values)}" for values, who in sorted(found.items())))
    return dict(zip(facts, next(iter(found))))
