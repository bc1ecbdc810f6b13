"""A list of records as the sandbox answers it, byte by byte, at the speed of a file.

The sandbox makes its records when they are asked for, which would be the slowest part of every
pipeline. This server holds them ready, and answers from one process with little Python in it.

Usage: python service.py RECORDS.jsonl READY_FILE [--latency MS] [--rate-limit N] [--object FILE]

The records are companies, `GET /api/company`. With `--object` they are those of one object of the
current API, which the file describes: `{"object": {id, name, …}, "fields": [{id, name, …}, …]}`.

Once it listens, READY_FILE holds its port; once the first page was asked for, `READY_FILE.first`
holds when, in seconds since 1970.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

LARGEST_PAGE = 1000
_SECOND = 1.0


class Records:
    """The records of a file, as JSON, in the order of their creation."""

    def __init__(self, path: Path) -> None:
        """Read the file, one record per line."""
        self._text = path.read_bytes().replace(b"\n", b",")
        self._ends = [0]
        position = 0
        # A line break stands between records only, and each has become a comma.
        for line in path.open("rb"):
            position += len(line)
            self._ends.append(position)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._ends) - 1

    def between(self, start: int, end: int) -> bytes:
        """Return records as they stand in an array, the oldest first."""
        return self._text[self._ends[start] : max(self._ends[end] - 1, 0)]


def page_of(records: Records, address: str, query: dict[str, str]) -> tuple[int, bytes]:
    """Return status and body of a page.

    Args:
        records: All records.
        address: The address asked for, without its query.
        query: Its parameters.
    """
    size, number = int(query.get("page_size", LARGEST_PAGE)), int(query.get("page", 1))
    if not 1 <= size <= LARGEST_PAGE:
        return 400, b'{"page_size":["Ensure this value is between 1 and 1000."]}'
    total = len(records)
    last = max(1, -(-total // size))
    if not 1 <= number <= last:
        return 404, b'{"detail":"Invalid page."}'

    def link(other: int) -> str:
        others = {name: value for name, value in query.items() if name != "page"}
        return f"{address}?{urlencode({**others, 'page': other})}"

    head = {
        "next": link(number + 1) if number < last else None,
        "previous": link(number - 1) if number > 1 else None,
    }
    start, end = (number - 1) * size, min(number * size, total)
    if query.get("ordering") == "-created":
        ordered = (records.between(n, n + 1) for n in range(total - 1 - start, total - 1 - end, -1))
        results = b",".join(ordered)
    else:
        results = records.between(start, end)
    text = json.dumps(head, separators=(",", ":")).encode()
    return 200, b"".join((text[:-1], b',"results":[', results, b"]}"))


class Service:
    """What all connections share."""

    def __init__(
        self,
        records: Records,
        *,
        latency: float,
        limit: int,
        first: Path | None = None,
        described: dict[str, Any] | None = None,
    ) -> None:
        """Answer after `latency` seconds; at most `limit` requests a second where it is not 0."""
        self.records = records
        self._path = "/api/company"
        self._others: dict[str, bytes] = {}
        if described is not None:
            entity = described["object"]
            self._path = f"/api/records/{entity['name']}/search"
            page = {"count": 1, "next": None, "previous": None, "results": [entity]}
            self._others = {
                "/api/custom-objects": json.dumps(page).encode(),
                f"/api/custom-objects/{entity['id']}/fields": json.dumps(
                    described["fields"]
                ).encode(),
            }
        self.latency = latency
        self._limit = limit
        self._passed: deque[float] = deque()
        self._first = first

    def answer(self, target: str, host: str) -> tuple[int, bytes]:
        """Return status and body."""
        parts = urlsplit(target)
        path = parts.path.rstrip("/")
        if path in self._others:
            return 200, self._others[path]
        if path != self._path:
            return 404, b'{"detail":"Not found."}'
        if self._limit and not self._passes():
            return 503, b'{"detail":"Request limit exceeded."}'
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if self._first is not None and query.get("page_size") != "1":
            self._first.write_text(repr(time.time()), encoding="utf-8")
            self._first = None
        return page_of(self.records, f"http://{host}{parts.path}", query)

    def _passes(self) -> bool:
        now = time.monotonic()
        while self._passed and now - self._passed[0] >= _SECOND:
            self._passed.popleft()
        if len(self._passed) >= self._limit:
            return False
        self._passed.append(now)
        return True


class Connection(asyncio.Protocol):
    """One connection, whose requests are answered in order, whatever is in their bodies."""

    def __init__(self, service: Service) -> None:
        """Answer from a service."""
        self._service = service
        self._received = b""
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a TCP connection)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what has come whole."""
        self._received += data
        loop = asyncio.get_running_loop()
        while b"\r\n\r\n" in self._received:
            head, rest = self._received.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:])
            length = int(headers.get("content-length", "0"))
            if len(rest) < length:
                return
            self._received = rest[length:]
            answer = self._service.answer(lines[0].split(" ")[1], headers["host"])
            self._due = max(self._due, loop.time() + self._service.latency)
            if self._service.latency:
                loop.call_at(self._due, self._send, *answer)
            else:
                self._send(*answer)

    def _send(self, status: int, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
            f"X-Request-ID: 0\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.writelines([head.encode(), body])


async def serve(service: Service, ready: Path) -> None:
    """Listen on a free port until the process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
    part = ready.with_suffix(".part")
    part.write_text(str(server.sockets[0].getsockname()[1]), encoding="utf-8")
    part.replace(ready)
    await server.serve_forever()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path)
    parser.add_argument("ready", type=Path)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds per request")
    parser.add_argument("--rate-limit", type=int, default=0, help="requests a second; 0 is none")
    parser.add_argument("--object", type=Path, help="describes the object that the records are of")
    options = parser.parse_args()
    service = Service(
        Records(options.records),
        latency=options.latency / 1000,
        limit=options.rate_limit,
        first=Path(f"{options.ready}.first"),
        described=json.loads(options.object.read_bytes()) if options.object else None,
    )
    asyncio.run(serve(service, options.ready))


if __name__ == "__main__":
    main()
