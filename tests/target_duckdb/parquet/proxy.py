"""A proxy before a server of S3 that lets a share of the requests fail, in one of four ways."""

from __future__ import annotations

import http.client
import random
import socket
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = ("dropped before the server", "refused with 503", "response dropped", "response cut")
_OF_THE_CONNECTION = {"connection", "content-length", "keep-alive", "transfer-encoding"}


class Proxy:
    """Passes requests on, and counts those that it lets fail, by way.

    Attributes:
        share: How many of all requests fail, from 0 to 1.
        requests: How many came.
        failed: How many failed, by way.
    """

    def __init__(self, server_port: int, share: float, seed: int) -> None:
        """Take the port of the server on loopback."""
        self.server_port, self.share = server_port, share
        self.requests = 0
        self.failed: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311 - it is no secret
        self._lock = threading.Lock()

    def fate(self) -> str | None:
        """Return how the next request fails; None where it does not."""
        with self._lock:
            self.requests += 1
            if self._random.random() >= self.share:
                return None
            way = self._random.choice(WAYS)
            self.failed[way] += 1
            return way

    @contextmanager
    def running(self) -> Iterator[int]:
        """Serve on loopback; give the port."""
        proxy = self

        class Handler(_Handler):
            of = proxy

        with _Server(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield server.server_port
            finally:
                server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: publishers that are killed break their connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        way = self.of.fate()
        if way == "dropped before the server":
            self._drop()
            return
        if way == "refused with 503":
            self._answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.of.server_port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if way == "response dropped":
            self._drop()
            return
        self._answer(response.status, response.getheaders(), content, is_cut=way == "response cut")

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, is_cut: bool = False
    ) -> None:
        self.send_response_only(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        if status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_cut else content)
        if is_cut:
            self._drop()

    def _drop(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        # A reset instead of an orderly end.
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - of the class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the class
        """Say nothing."""
