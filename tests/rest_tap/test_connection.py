"""What goes wrong below HTTP is one line with host and port, and the setting to look at."""

from __future__ import annotations

import gzip
import socket
import struct
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.programs import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.programs import Outcome

SECRET = "invented-key"
TAPS = {
    "tap_kizen": {"api_key": SECRET, "user_id": "u", "business_id": "b"},
    "tap_kananas": {"secret_key": SECRET},
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PACKED = gzip.compress(b"[" + b" " * 100_000 + b"]")


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Return the port of a server that does nothing but what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    answer(connection)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def sends(*pieces: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return answer


def resets(*pieces: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        sends(*pieces)(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


@pytest.fixture(params=TAPS)
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return str(request.param)


def run(module: str, url: str, folder: Path, **changes: Any) -> Outcome:
    settings = {"api_url": url, "request_tries": 1, "request_timeout": 1, **TAPS[module]}
    return run_tap(module, {**settings, **changes}, folder)


def assert_told(outcome: Outcome, words: str) -> None:
    assert outcome.code in {1, 2}
    assert words in outcome.last_line
    assert "Traceback" not in outcome.err
    assert SECRET not in outcome.err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sends(HEAD + b"Content-Length: 9\r\n\r\n[1"), "the answer of {place} broke off"),
        (resets(HEAD + b"Content-Length: 9\r\n\r\n[1"), "the answer of {place} broke off"),
        (
            sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[1"),
            "the answer of {place} broke off",
        ),
        (
            sends(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n[1,2"),
            "the answer of {place} is damaged",
        ),
        (resets(), "no connection to {place}: it was closed without an answer"),
        (sends(), "no connection to {place}: it was closed without an answer"),
        (sends(b"220 mail.example.org ESMTP\r\n"), "no connection to {place}: it does not speak"),
        (sends(b"HTTP/9.9 200 OK\r\n\r\n[]"), "no connection to {place}: it does not speak"),
        (sends(HEAD, b"X-A: a\r\n" * 200, b"\r\n[]"), "no connection to {place}: it does not"),
        (sends(HEAD, b"X-A: " + b"a" * 70_000), "no connection to {place}: it does not speak"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Ty"), "an empty body"),
        (sends(b"HTTP/1.1 500 \xe9\r\nX-\xe9: \xff\r\n\r\n"), "answered 500: an empty body"),
        (
            sends(b"HTTP/1.1 301 M\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"),
            "redirects are not followed",
        ),
    ],
)
def test_an_answer_that_is_none(
    module: str, tmp_path: Path, answer: Callable[[socket.socket], None], words: str
) -> None:
    with answering(answer) as port:
        outcome = run(module, f"http://127.0.0.1:{port}/api", tmp_path)
    assert_told(outcome, words.format(place=f"127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((), "no answer from {place} in time"),
        ((HEAD + b"Content-Length: 9\r\n\r\n[1",), "the answer of {place} stopped before its"),
    ],
)
def test_an_answer_that_takes_too_long(
    module: str, tmp_path: Path, pieces: tuple[bytes, ...], words: str
) -> None:
    ended = Event()

    def answer(connection: socket.socket) -> None:
        sends(*pieces)(connection)
        ended.wait(60)

    with answering(answer) as port:
        outcome = run(module, f"http://127.0.0.1:{port}/api", tmp_path)
        ended.set()
    assert_told(outcome, words.format(place=f"127.0.0.1:{port}"))
    assert "raise 'request_timeout'" in outcome.last_line


def test_a_packed_answer_that_is_cut_off(module: str, tmp_path: Path) -> None:
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED)
    with answering(sends(head, PACKED[: len(PACKED) // 2])) as port:
        outcome = run(module, f"http://127.0.0.1:{port}/api", tmp_path)
    assert_told(outcome, f"the answer of 127.0.0.1:{port} ")


def test_tls_where_there_is_none(module: str, tmp_path: Path) -> None:
    with answering(sends(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) as port:
        outcome = run(module, f"https://127.0.0.1:{port}/api", tmp_path)
    told = f"127.0.0.1:{port} does not speak TLS: check whether 'api_url' is to begin with http://"
    assert_told(outcome, told)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://nowhere.invalid/api", "no connection to nowhere.invalid:443: no address"),
        ("http://127.0.0.1:9/api", "no connection to 127.0.0.1:9: check the network"),
        ("http://127.0.0.1:99999/api", "setting 'api_url' is not a valid address"),
        ("http://[::1/api", "setting 'api_url' is not a valid address"),
        ("http://a..b/api", "setting 'api_url' is not a valid address"),
        (f"http://{'a' * 64}.example/api", "api_url'"),
    ],
)
def test_an_address_that_leads_nowhere(module: str, tmp_path: Path, url: str, words: str) -> None:
    assert_told(run(module, url, tmp_path), words)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("variable", "proxy", "words"),
    [
        ("ALL_PROXY", "socks5://u:hidden@127.0.0.1:9", "the proxy of ALL_PROXY needs a package"),
        ("ALL_PROXY", "http://u:hidden@127.0.0.1:9", "through the proxy 127.0.0.1:9: check the"),
        ("ALL_PROXY", "http://nowhere.invalid:3128", "through the proxy nowhere.invalid:3128: "),
        ("ALL_PROXY", "gopher://127.0.0.1:9", "ALL_PROXY does not hold the address of a proxy"),
        ("ALL_PROXY", "http://", "ALL_PROXY does not hold the address of a proxy"),
        ("ALL_PROXY", " ", "ALL_PROXY does not hold the address of a proxy"),
        ("ALL_PROXY", "http://127.0.0.1:abc", "ALL_PROXY does not hold the address of a proxy"),
        ("ALL_PROXY", "http://u:hidden@[::1", "ALL_PROXY does not hold the address of a proxy"),
        ("ALL_PROXY", "127.0.0.1:9", "through the proxy 127.0.0.1:9: check the variable"),
        ("ALL_PROXY", "socks4a://127.0.0.1:9", "the proxy of ALL_PROXY needs a package"),
    ],
)
def test_a_proxy_that_is_none(  # noqa: PLR0913, PLR0917 - a table
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    variable: str,
    proxy: str,
    words: str,
) -> None:
    monkeypatch.setenv(variable, proxy)
    outcome = run(module, f"{scheme}://service.example/api", tmp_path)
    assert_told(outcome, words)
    port = {"http": 80, "https": 443}[scheme]
    assert f"no connection to service.example:{port}" in outcome.last_line
    assert variable in outcome.last_line
    assert "hidden" not in outcome.err


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("proxy_scheme", "answer", "words"),
    [
        (
            "https",
            b"HTTP/1.1 400 Bad\r\n\r\n",
            "the proxy {proxy} does not speak TLS: check whether",
        ),
        ("http", b"", "through the proxy {proxy}"),
        ("http", b"garbage\r\n", "through the proxy {proxy}"),
    ],
)
def test_a_proxy_that_does_not_answer_as_one_is_named(  # noqa: PLR0913, PLR0917 - a table
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    proxy_scheme: str,
    answer: bytes,
    words: str,
) -> None:
    variable = f"{scheme.upper()}_PROXY"
    with answering(sends(answer)) as port:
        monkeypatch.setenv(variable, f"{proxy_scheme}://u:hidden@127.0.0.1:{port}")
        outcome = run(module, f"{scheme}://service.example/api", tmp_path)
    assert_told(outcome, words.format(proxy=f"127.0.0.1:{port}"))
    assert variable in outcome.last_line
    assert "hidden" not in outcome.err


@pytest.mark.parametrize("content", [None, "no certificates", ""])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_cannot_be_read(
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    content: str | None,
) -> None:
    file = tmp_path / "certificates.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    with answering(sends()) as port:
        outcome = run(module, f"https://127.0.0.1:{port}/api", tmp_path)
    assert_told(outcome, f"the certificates that {variable} names cannot be read")


def test_a_proxy_that_asks_for_a_password(module: str, tmp_path: Path) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with answering(sends(answer)) as port:
        outcome = run(module, f"http://127.0.0.1:{port}/api", tmp_path)
    assert_told(outcome, "a proxy asks for a user and a password: check HTTPS_PROXY or HTTP_PROXY")
