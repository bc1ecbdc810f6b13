"""A service whose contacts change while they are read, by a clock of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARIS = ZoneInfo("Europe/Paris")

Stamp = str | int | float


@dataclass(frozen=True)
class Notation:
    """How the service writes when a contact changed, and how it compares that with a bound."""

    write: Callable[[datetime], Stamp]
    key: Callable[[str], Any]
    zone: str | None = None
    is_clock: bool = True


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _day_first(text: str) -> tuple[str, ...]:
    day, _, time = text.partition(" ")
    return (*reversed(day.split("/")), time)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(PARIS)


_revisions = count(1)

NOTATIONS = {
    "UTC": Notation(lambda m: m.isoformat().replace("+00:00", "Z"), _iso),
    "offset": Notation(lambda m: _local(m).isoformat(), _iso),
    "local": Notation(lambda m: f"{_local(m):%Y-%m-%d %H:%M:%S}", str, "Europe/Paris"),
    "local T": Notation(lambda m: f"{_local(m):%Y-%m-%dT%H:%M:%S.%f}", str, "Europe/Paris"),
    "local, unknown zone": Notation(lambda m: f"{_local(m):%Y-%m-%d %H:%M:%S}", str),
    "minutes": Notation(lambda m: f"{_local(m):%Y-%m-%d %H:%M}", str, "Europe/Paris"),
    "date": Notation(lambda m: f"{_local(m):%Y-%m-%d}", str, "Europe/Paris"),
    "day first": Notation(lambda m: f"{_local(m):%d/%m/%Y %H:%M:%S}", _day_first, "Europe/Paris"),
    "digits": Notation(lambda m: f"{_local(m):%Y%m%d%H%M%S}", int, "Europe/Paris"),
    "integer of digits": Notation(lambda m: int(f"{_local(m):%Y%m%d%H%M%S}"), int, "Europe/Paris"),
    "seconds": Notation(lambda m: int(m.timestamp()), int),
    "fractional seconds": Notation(lambda m: m.timestamp(), float),
    "seconds in text": Notation(lambda m: str(int(m.timestamp())), int),
    "milliseconds": Notation(lambda m: int(m.timestamp() * 1000), int),
    "revision": Notation(lambda _: next(_revisions), int, is_clock=False),
    "revision in text": Notation(lambda _: str(next(_revisions)), int, is_clock=False),
    "sortable text": Notation(lambda _: f"v{next(_revisions):06}", str, is_clock=False),
}


@dataclass
class Service:
    """The contacts and the clock of a service."""

    notation: Notation
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    tells_date: bool = True
    contacts: dict[int, dict[str, Any]] = field(default_factory=dict)
    queries: list[dict[str, str]] = field(default_factory=list)
    after_response: Callable[[int], None] = lambda _number: None
    url: str = ""

    def change(self, contact: int, name: str, *, stamp: Stamp | None = None) -> None:
        """Change a contact now, or with the given stamp."""
        stamp = self.notation.write(self.now) if stamp is None else stamp
        self.contacts[contact] = {"id": contact, "name": name, "changed": stamp}

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def names(self) -> dict[int, str]:
        return {key: contact["name"] for key, contact in self.contacts.items()}

    def answer(self, query: dict[str, str]) -> list[dict[str, Any]]:
        self.queries.append(query)
        found = [self.contacts[key] for key in sorted(self.contacts)]
        if "since" in query:
            bound = self.notation.key(query["since"])
            found = [one for one in found if self.notation.key(str(one["changed"])) >= bound]
        size = int(query.get("limit", len(found)))
        start = (int(query.get("page", 1)) - 1) * size
        return found[start : start + size]


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """Serve on a free port of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {
                name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()
            }
            body = json.dumps({"contacts": service.answer(query)}).encode()
            self.send_response_only(200)
            if service.tells_date:
                self.send_header("Date", format_datetime(service.now, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # What happens after the answer happens before the next request.
            service.after_response(len(service.queries))
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}/action_manager.php"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
