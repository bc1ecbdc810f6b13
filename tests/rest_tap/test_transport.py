"""How answers are read."""

from __future__ import annotations

import gzip
import tracemalloc
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import requests
from urllib3 import HTTPResponse

from rest_tap import transport
from rest_tap.transport import TooLargeError, new_session

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = b"x" * 1_000_000
BOMB_BYTES = 128 << 20


@cache
def bomb() -> bytes:
    """Return a small body that becomes a large one; to make it takes as long as several tests."""
    return gzip.compress(b"\0" * BOMB_BYTES)


class Handler(BaseHTTPRequestHandler):
    """Answers with a large body, or with the first half of it."""

    def do_GET(self) -> None:
        is_bomb = self.path.startswith("/bomb")
        body = bomb() if is_bomb else BODY
        self.send_response(200)
        if is_bomb:
            self.send_header("Content-Encoding", "gzip")
        if not self.path.endswith("/no-length"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path.startswith("/half") else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_answer_is_read_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the small pieces of the HTTP library, large pages cost most of what a tap does."""
    reads = []
    read = HTTPResponse.read

    def counted(self: HTTPResponse, *args: object, **options: object) -> bytes:
        reads.append(args)
        return read(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(HTTPResponse, "read", counted)
    response = new_session(address, 1000).get(f"{address}/whole", timeout=10)
    assert response.content == BODY
    assert len(reads) <= 2


@pytest.mark.parametrize("pace", [1000, None])
@pytest.mark.parametrize("length", ["", "/no-length"])
def test_no_more_is_unpacked_than_an_answer_may_have(
    address: str, monkeypatch: pytest.MonkeyPatch, pace: int | None, length: str
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 4 << 20)
    session = new_session(address, pace)
    bomb()  # made before memory is counted
    tracemalloc.start()
    with pytest.raises(TooLargeError) as caught:
        session.get(f"{address}/bomb{length}?secret=1", timeout=10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answered = f"GET 127.0.0.1/bomb{length} answered 200 with more than 4 MiB, unpacked"
    assert str(caught.value) == answered
    assert peak < BOMB_BYTES / 4
    # Not a byte less is allowed.
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", len(BODY))
    assert session.get(f"{address}/whole{length}", timeout=10).content == BODY
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", BOMB_BYTES)
    assert len(session.get(f"{address}/bomb{length}", timeout=10).content) == BOMB_BYTES


def test_an_answer_that_breaks_off_is_told_as_such(address: str) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        new_session(address, 1000).get(f"{address}/half", timeout=10)


def test_a_streamed_answer_is_not_read(address: str) -> None:
    session = new_session(address, 1000)
    with session.get(f"{address}/whole", stream=True, timeout=10) as response:
        assert next(response.iter_content(10)) == BODY[:10]
