"""How answers are read."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, ClassVar

import pytest
import requests
from urllib3 import HTTPResponse

from rest_tap.transport import new_session

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = b"x" * 1_000_000


class Handler(BaseHTTPRequestHandler):
    """Answers with a large body, or with the first half of it; notes what is asked for."""

    asked: ClassVar[list[str]] = []
    came: ClassVar = Semaphore(0)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.came.release()
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY if self.path.startswith("/whole") else BODY[: len(BODY) // 2])

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


def test_an_answer_that_breaks_off_is_told_as_such(address: str) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        new_session(address, 1000).get(f"{address}/half", timeout=10)


def test_a_streamed_answer_is_not_read(address: str) -> None:
    session = new_session(address, 1000)
    with session.get(f"{address}/whole", stream=True, timeout=10) as response:
        assert next(response.iter_content(10)) == BODY[:10]


def test_whoever_has_waited_longest_is_next(address: str) -> None:
    """Else the page that is needed next may be asked for last, and all others wait for it."""
    session = new_session(address, 25)

    def asking(number: int) -> Thread:
        url = f"{address}/whole?{number:02}"
        thread = Thread(target=session.get, args=(url,), kwargs={"timeout": 30})
        thread.start()
        return thread

    Handler.asked.clear()
    while Handler.came.acquire(blocking=False):
        pass
    threads = [asking(number) for number in range(8)]
    for _ in range(3):
        assert Handler.came.acquire(timeout=30)
    # By now the others of the first eight have been waiting for long.
    threads += [asking(number) for number in range(8, 16)]
    for thread in threads:
        thread.join()
    order = [int(path[-2:]) for path in Handler.asked]
    assert len(order) == 16
    assert set(order[:8]) == set(range(8)), order
