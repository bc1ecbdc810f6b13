"""A second stand-in of Kizen, which shares no line with the sandbox: lists of any manners.

It knows one object and `/company`, orders or filters them, or refuses to, or pays no heed, and
writes its times in every form.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

EPOCH = datetime(2026, 3, 29, 0, 59, 58, tzinfo=timezone.utc)
THINGS = "thing_thing"
MANNERS = ("honour", "honour", "honour", "ignore", "refuse")

Row = dict[str, Any]


def written(rng: Random, moment: datetime) -> str:
    """Write a moment with any offset, and with no more decimals than it needs, or with all."""
    zone = timezone(timedelta(minutes=rng.choice([0, 0, -300, 330, 840])))
    forms = ["microseconds"]
    if moment.microsecond % 1000 == 0:
        forms.append("milliseconds")
    if moment.microsecond == 0:
        forms += ["seconds", "seconds"]
    text = moment.astimezone(zone).isoformat(timespec=rng.choice(forms))
    return text.replace("+00:00", "Z") if rng.random() < 0.7 else text


@dataclass
class Listing:
    """Rows with what a list does not tell of itself: `{id, created, updated, text}`."""

    rng: Random
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.orders = {name: self.rng.choice(MANNERS) for name in ("created", "updated")}
        self.filters = self.rng.choice(MANNERS)
        self.counts = self.rng.random() < 0.5
        self.ends_with_404 = self.rng.random() < 0.5

    def chosen(self, ordering: str | None, since: datetime | None) -> list[Row] | None:
        """Return the rows that a request asks for; None where it is refused."""
        rows = self.rows
        if since is not None and self.filters != "ignore":
            if self.filters == "refuse":
                return None
            rows = [row for row in rows if row["updated"] >= since]
        if ordering is None:
            return rows
        name = ordering.lstrip("-")
        if self.orders[name] == "honour":
            return sorted(rows, key=lambda row: row[name], reverse=ordering[0] == "-")
        return rows if self.orders[name] == "ignore" else None


class Account:
    """What the service holds, and how it changes."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        # Many rows share a moment, or a second.
        self.step = timedelta(microseconds=rng.choice([1, 1000, 500_000, 1_000_000]))
        self.clock = EPOCH
        self.made = 0
        self.things = Listing(rng)
        self.companies = Listing(rng)
        for listing in (self.things, self.companies):
            for _ in range(rng.randrange(30)):
                self.add(listing)
            rng.shuffle(listing.rows)

    def now(self) -> datetime:
        self.clock += self.step * self.rng.choice([0, 0, 1, 3])
        return self.clock

    def add(self, listing: Listing) -> None:
        self.made += 1
        now = self.now()
        row = {"id": f"ü-{self.made}", "created": now, "updated": now, "text": f"é\n{self.made}"}
        listing.rows.insert(self.rng.randrange(len(listing.rows) + 1), row)

    def change(self) -> None:
        """Change, make and archive some rows, perhaps at the very moment of the last change."""
        for listing in (self.things, self.companies):
            for _ in range(self.rng.choice([0, 1, 12])):
                kind = self.rng.randrange(3)
                if kind == 0 or not listing.rows:
                    self.add(listing)
                elif kind == 1:
                    listing.rows.pop(self.rng.randrange(len(listing.rows)))
                else:
                    row = self.rng.choice(listing.rows)
                    row.update(updated=self.now(), text=f"{row['text']}!")

    # As the service words it

    def thing(self, row: Row) -> dict[str, Any]:
        values = {**row, **{name: written(self.rng, row[name]) for name in ("created", "updated")}}
        del values["id"]
        fields = {f"f-{name}": {"id": f"f-{name}", "value": text} for name, text in values.items()}
        return {"id": row["id"], "fields": fields, "access": {"view": True}}

    def company(self, row: Row) -> dict[str, Any]:
        created = written(self.rng, row["created"])
        return {"id": row["id"], "name": row["text"], "created": created, "more": [1]}

    def answer(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Return status and body for a request."""
        if path == "/custom-objects":
            return 200, {"next": None, "results": [{"id": "o", "name": THINGS}]}
        if path == "/custom-objects/o/fields":
            kinds = {"created": "datetime", "updated": "datetime", "text": "text"}
            return 200, [
                {"id": f"f-{name}", "name": name, "field_type": kind}
                for name, kind in kinds.items()
            ]
        lists = {"/company": self.companies, f"/records/{THINGS}/search": self.things}
        if path not in lists:
            return 404, {"detail": "Not found."}
        since = body["query"][0]["filters"][0]["value"] if body and body["query"] else None
        moment = datetime.fromisoformat(since.replace("Z", "+00:00")) if since else None
        listing = lists[path]
        rows = listing.chosen(query.get("ordering"), moment)
        if rows is None:
            return 400, {"errors": ["not offered"]}
        size, start = int(query["page_size"]), (int(query["page"]) - 1) * int(query["page_size"])
        if 0 < start >= len(rows) and listing.ends_with_404:
            return 404, {"detail": "Invalid page."}
        word = self.thing if listing is self.things else self.company
        has_more = start + size < len(rows)
        page = {
            "next": "https://elsewhere.example/" if has_more else None,
            "results": [word(row) for row in rows[start : start + size]],
        }
        return 200, {**page, "count": len(rows)} if listing.counts else page


class Service(ThreadingHTTPServer):
    """Serves one account after the other."""

    daemon_threads = True
    account: Account

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else head and body go as two packets, and the second one waits for the first.
    wbufsize = -1
    server: Service

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        asked = json.loads(body) if body else None
        status, answer = self.server.account.answer(address.path, query, asked)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer  # noqa: N815 - the library's names


@contextmanager
def serving() -> Iterator[Service]:
    """Serve whatever account it is given."""
    with Service(("127.0.0.1", 0), _Handler) as service:
        thread = Thread(target=service.serve_forever, daemon=True)
        thread.start()
        yield service
        service.shutdown()
