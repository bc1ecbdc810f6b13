"""Many events from several connections, while the receiver runs or is killed again and again.

As a program: `python -m tests.kananas_webhooks.load --rate 200 --seconds 60 --kills 10`, which is
`make check-webhooks`. The tests run the same for a few seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import quantiles
from time import monotonic
from typing import TYPE_CHECKING

import psutil

from sandbox.server import Options, running
from tests.kananas_webhooks.receivers import SECONDS_AT_MOST, ReceiverProcess, Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTIONS = 8

_NOTE = "Inscription en ligne, à confirmer par le bureau. " * 16


@dataclass
class Outcome:
    """What became of the events that were sent.

    Attributes:
        accepted: The ids of those that were answered 202.
        others: Answers that were none.
        seconds: How long each accepted event waited for its answer.
        took: How long sending took in all, in seconds.
    """

    accepted: set[int] = field(default_factory=set)
    others: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0


class Load:
    """Sends events at a steady rate."""

    def __init__(
        self, receiver: ReceiverProcess, rate: float, seconds: float, *, first_id: int = 0
    ) -> None:
        """Send `rate` events a second for so many seconds, over several connections."""
        self._first_id = first_id
        self._receiver = receiver
        self._rate = rate
        self._number = round(rate * seconds)
        self._outcome = Outcome()
        self._change = threading.Condition()
        self._pause = threading.Event()
        self._sent = 0

    def run(self, kills: int = 0) -> Outcome:
        """Send all of them, and kill the receiver so often meanwhile, at even distances."""
        path = f"/hooks/{self._receiver.secret}"
        senders = [
            threading.Thread(target=self._send, args=(path, first, monotonic()))
            for first in range(CONNECTIONS)
        ]
        started = monotonic()
        for sender in senders:
            sender.start()
        for kill in range(kills):
            self._wait_for(self._number * (kill + 1) // (kills + 1))
            self._receiver.kill()
            self._receiver.start()
        for sender in senders:
            sender.join()
        self._outcome.took = monotonic() - started
        return self._outcome

    def _wait_for(self, sent: int) -> None:
        with self._change:
            self._change.wait_for(lambda: self._sent >= sent)

    def _send(self, path: str, first: int, started: float) -> None:
        """Send every so-manieth event, each at its time."""
        connection = HTTPConnection("127.0.0.1", self._receiver.port, timeout=SECONDS_AT_MOST)
        for number in range(first, self._number, CONNECTIONS):
            self._pause.wait(max(0.0, started + number / self._rate - monotonic()))
            identity = self._first_id + number
            body = json.dumps({"event": "contact.updated", "id": identity, "note": _NOTE})
            before = monotonic()
            status = None
            try:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                # No answer came: the receiver may have stored it, or not.
                connection.close()
            with self._change:
                self._sent += 1
                if status == 202:
                    self._outcome.accepted.add(identity)
                    self._outcome.seconds.append(monotonic() - before)
                elif status is not None:
                    self._outcome.others.append(status)
                self._change.notify_all()
        connection.close()


def check(receiver: ReceiverProcess, warehouse: Warehouse, accepted: set[int]) -> int:
    """See that DuckDB holds exactly what the store does, and each accepted event once.

    Returns:
        How many events DuckDB holds.
    """
    stored = {row["sequence"]: row["body_sha256"] for row in receiver.events()}
    loaded = warehouse.rows(
        "select sequence, body_sha256, sha256(body), (payload->>'id')::int "
        "from kananas.webhook_events"
    )
    assert len(loaded) == len(stored)
    assert {sequence: digest for sequence, digest, _, _ in loaded} == stored
    assert all(digest == actual for _, digest, actual, _ in loaded)
    ids = [number for _, _, _, number in loaded]
    assert len(set(ids)) == len(ids)
    assert accepted <= set(ids), f"lost: {sorted(accepted - set(ids))[:20]}"
    return len(loaded)


def _run(folder: Path, rate: float, seconds: float, kills: int) -> None:
    with running(Options(contacts=5, companies=2)) as sandbox:
        for name, times in (("undisturbed", 0), (f"killed {kills} times", kills)):
            if name != "undisturbed" and not kills:
                continue
            with ReceiverProcess(folder / name.replace(" ", "-")) as receiver:
                warehouse = Warehouse.of(folder / f"{name} warehouse", sandbox, receiver.store)
                outcome = Load(receiver, rate, seconds).run(times)
                with suppress(psutil.NoSuchProcess):
                    memory = psutil.Process(receiver.pid).memory_info().rss / 1e6
                warehouse.load()
                rows = check(receiver, warehouse, outcome.accepted)
                warehouse.load()
                assert check(receiver, warehouse, outcome.accepted) == rows
            cuts = [1000 * cut for cut in quantiles(outcome.seconds, n=100)]
            number = round(rate * seconds)
            print(  # noqa: T201
                f"{name}: {number:,} events in {outcome.took:.1f} s; "
                f"{len(outcome.accepted):,} answered 202, {len(outcome.others):,} otherwise, "
                f"{number - len(outcome.accepted) - len(outcome.others):,} not at all; "
                f"median {cuts[49]:.0f} ms, 99 % within {cuts[98]:.0f} ms, "
                f"at most {1000 * max(outcome.seconds):.0f} ms; receiver {memory:.0f} MB; "
                f"{rows:,} in DuckDB, each accepted one once"
            )
            if not times:
                assert len(outcome.accepted) == number, outcome.others


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line; a failure is an AssertionError."""
    parser = argparse.ArgumentParser(prog="python -m tests.kananas_webhooks.load")
    parser.add_argument("--rate", type=float, default=200, help="events a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=10)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="webhooks-") as folder:
        _run(Path(folder), given.rate, given.seconds, given.kills)
    return 0


if __name__ == "__main__":
    sys.exit(main())
