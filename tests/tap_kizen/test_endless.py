"""A list whose `next` never becomes null ends the run in one line."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.programs import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Results = list[dict[str, Any]]
FIELDS = [{"id": f"f-{name}", "name": name, "field_type": "datetime"} for name in ("updated",)]
MOMENT = "2026-01-01T00:00:00.000000Z"


def record(key: int) -> dict[str, Any]:
    """A record that may be of any list."""
    return {"id": f"r-{key}", "fields": {"f-updated": {"id": "f-updated", "value": MOMENT}}}


#: What page numbers of an endless list hold.
LISTS: dict[str, Callable[[int], Results]] = {
    "new records": lambda page: [record(2 * page), record(2 * page + 1)],
    "no records": lambda _: [],
    "no records after the third page": lambda page: [record(page)] if page < 4 else [],
    "the same three pages": lambda page: [record(page % 3), record(10 + page % 3)],
    "the last page": lambda page: [record(min(page, 3)), record(10 + min(page, 3))],
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Service

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        query = parse_qs(address.query)
        page = int(query.get("page", ["1"])[0])
        body: Any = {"next": None, "results": []}
        if address.path == "/custom-objects":
            body["results"] = [{"id": "o", "name": "thing"}]
        elif address.path.endswith("/fields"):
            body = FIELDS
        if address.path == self.server.endless:
            self.server.pages.append(page)
            body = {"next": "https://elsewhere.example/", "results": self.server.results(page)}
            if self.server.count is not None:
                body["count"] = self.server.count
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer  # noqa: N815 - the library's names


class _Service(ThreadingHTTPServer):
    daemon_threads = True
    endless: str
    results: Callable[[int], Results]
    count: int | None = None
    pages: list[int]


@contextmanager
def serving() -> Iterator[_Service]:
    with _Service(("127.0.0.1", 0), _Handler) as service:
        service.pages = []
        Thread(target=service.serve_forever, daemon=True).start()
        yield service
        service.shutdown()


def settings_of(service: _Service) -> dict[str, Any]:
    return {
        "api_url": f"http://127.0.0.1:{service.server_port}",
        "api_key": "invented",
        "user_id": "u",
        "business_id": "b",
        "rate_limit": 1000,
        "page_size": 2,
        "request_tries": 1,
    }


@pytest.mark.parametrize("count", [None, 5, 10**17])
@pytest.mark.parametrize("held", LISTS)
@pytest.mark.parametrize(
    "stream", [("companies", "/company"), ("thing", "/records/thing/search"), ("team", "/team")]
)
def test_a_list_without_an_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: tuple[str, str], held: str, count: Any
) -> None:
    name, path = stream
    # A list that is read from its first page on is bounded, too, but later.
    monkeypatch.setattr("tap_kizen.pagination.paginator.MAX_EMPTY_PAGES", 20)
    monkeypatch.setattr("tap_kizen.pagination.paginator.Paginator.last_page", 30)
    with serving() as service:
        service.endless, service.results, service.count = path, LISTS[held], count
        outcome = run_tap("tap_kizen", settings_of(service), tmp_path)
    assert outcome.code == 1
    told = ("the list has no end: ", "hold the same records: ")
    assert any(f"{name}: " in outcome.last_line and words in outcome.last_line for words in told)
    assert "Traceback" not in outcome.err
    assert len(service.pages) < 80
    assert max(service.pages) <= 2**31
    assert name not in {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}


def test_changes_without_an_end_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed is read from a moment on, and page by page where all is of one moment."""
    monkeypatch.setattr("tap_kizen.pagination.paginator.MAX_EMPTY_PAGES", 20)
    monkeypatch.setattr("tap_kizen.pagination.paginator.Paginator.last_page", 30)
    with serving() as service:
        service.endless, service.results = "/records/thing/search", LISTS["new records"]
        settings = {**settings_of(service), "start_date": "2025-01-01"}
        outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 1
    assert "thing: " in outcome.last_line
    assert "the list has no end: page " in outcome.last_line
    assert len(service.pages) < 80
