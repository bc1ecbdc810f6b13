"""Real servers on this machine that are told: HTTP, and mail with STARTTLS."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path


@dataclass
class Heard:
    """What was heard, and how the next requests are answered."""

    url: str
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [body for method, _, body in self.requests if method == "POST"]

    @property
    def paths(self) -> list[str]:
        return [path for method, path, _ in self.requests if method == "GET"]


@contextmanager
def http() -> Iterator[Heard]:
    """A server that takes any request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(json.loads(body))

        def do_GET(self) -> None:
            self._answer(None)

        def _answer(self, body: object) -> None:
            code = heard.codes.pop(0) if heard.codes else 200
            if code == 200:
                heard.requests.append((self.command, self.path, body))
                heard.logins += self.headers.get_all("Authorization", [])
            self.send_response(code)
            if 300 <= code < 400:
                self.send_header("Location", f"{heard.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard = Heard(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield heard
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def raw(*parts: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that answers with these bytes, with a pause before each part; yield its address."""
    is_over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            with suppress(OSError):
                for part in parts:
                    if is_over.wait(pause):
                        break
                    self.request.sendall(part)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            is_over.set()
            server.shutdown()
            thread.join()


@dataclass
class Post:
    """What a mail server got."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuses: str = "nobody"
    password: str = ""


@contextmanager
def smtp(certificate: Path | None = None) -> Iterator[Post]:
    """A mail server; with a certificate, it offers STARTTLS and a login."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            stream, is_encrypted = self.request, False
            reader = stream.makefile("rb")
            stream.sendall(b"220 here\r\n")
            while line := reader.readline():
                word, _, rest = line.decode().strip().partition(" ")
                word = word.upper()
                answer = "250 fine"
                if word == "EHLO":
                    offers = ["AUTH PLAIN"] if is_encrypted else []
                    offers += ["STARTTLS"] if certificate and not is_encrypted else []
                    answer = "\r\n".join([*(f"250-{each}" for each in ["here", *offers]), "250 OK"])
                elif word == "STARTTLS":
                    assert certificate is not None
                    stream.sendall(b"220 go\r\n")
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate)
                    stream = context.wrap_socket(stream, server_side=True)
                    reader, is_encrypted = stream.makefile("rb"), True
                    continue
                elif word == "AUTH":
                    post.logins.append(base64.b64decode(rest.split()[1]).decode())
                    is_right = post.logins[-1].endswith(f"\0{post.password}")
                    answer = "235 in" if is_right or not post.password else "535 no"
                elif word in {"MAIL", "RCPT"} and post.refuses in f"{word} {rest}":
                    answer = "550 no"
                elif word == "DATA":
                    stream.sendall(b"354 go on\r\n")
                    text = b""
                    while (part := reader.readline()) != b".\r\n":
                        text += part
                    letter = message_from_bytes(text, policy=default)
                    post.letters.append(letter)
                    post.encrypted.append(is_encrypted)
                elif word == "QUIT":
                    stream.sendall(b"221 bye\r\n")
                    break
                stream.sendall(f"{answer}\r\n".encode())
            reader.close()
            stream.close()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        post = Post(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield post
        finally:
            server.shutdown()
            thread.join()
