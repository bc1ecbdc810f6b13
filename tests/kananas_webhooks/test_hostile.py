"""What is sent by mistake or on purpose: the receiver stays up, and stores none of it."""

from __future__ import annotations

import random
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from kananas_webhooks.protocol import MAX_CONNECTIONS
from tests.kananas_webhooks.receivers import ReceiverProcess
from tests.kananas_webhooks.test_payload import nested

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    """A receiver that waits for a second only."""
    folder = tmp_path_factory.mktemp("hostile")
    with ReceiverProcess(folder, "--max-body", "100000", "--timeout", "1") as process:
        yield process


def connect(receiver: ReceiverProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", receiver.port), timeout=SECONDS)


def read_all(connection: socket.socket) -> bytes:
    """Give all that comes until the other side closes, or cuts, the connection."""
    said = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return said
        if not piece:
            return said
        said += piece


def exchange(receiver: ReceiverProcess, data: bytes, *, leave: bool = False) -> bytes:
    """Send, and give all that is answered; who leaves is not heard to the end."""
    with connect(receiver) as connection:
        try:
            connection.sendall(data)
            if leave:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            # It has heard enough, and closed.
            return b""
        return read_all(connection)


def post(receiver: ReceiverProcess, *headers: str, path: str | None = None) -> bytes:
    lines = [f"POST {path or f'/hooks/{receiver.secret}'} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def is_well(receiver: ReceiverProcess, stored: int) -> None:
    assert len(receiver.events("sequence")) == stored
    assert receiver.health()["code"] == 200


def test_malformed_requests_store_nothing(receiver: ReceiverProcess) -> None:
    stored = len(receiver.events("sequence"))
    requests = (
        b"",
        b"\r\n\r\n",
        b"POST\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        post(receiver, "Content-Length: -1"),
        post(receiver, "Content-Length: 1e3"),
        post(receiver, "Content-Length: 2", "Content-Length: 3") + b"abc",
        post(receiver, "Content-Length: 10") + b"abc",  # breaks off
        post(receiver, "Transfer-Encoding: chunked") + b"xyz\r\n",
        post(receiver, "Transfer-Encoding: chunked") + b"3\r\nabc\r\n",  # breaks off
        post(receiver, "Transfer-Encoding: chunked") + b"fffffffffffffffff\r\nabc",
        post(receiver, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        post(receiver, f"X: {'x' * 1_000_000}", "Content-Length: 0"),
        post(receiver, "X: a\0b", "Content-Length: 0"),
        post(receiver, path=f"/hooks/{receiver.secret}\0"),
        post(receiver, path=f"/hooks/../hooks/{receiver.secret}"),
        post(receiver, "Upgrade: websocket", "Connection: Upgrade", path="/hooks/x"),
    )
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(lambda data: exchange(receiver, data), requests))
    for data, answer in zip(requests, answers, strict=True):
        assert not answer.startswith(b"HTTP/1.1 2"), data
        assert answer == b"" or answer.endswith(b"\r\n\r\n"), answer
    is_well(receiver, stored)


def test_random_requests_store_nothing(receiver: ReceiverProcess) -> None:
    stored = len(receiver.events("sequence"))
    chance = random.Random(1)  # noqa: S311 - the same in every run
    good = post(receiver, "Content-Type: application/json", "Content-Length: 2") + b"{}"
    unknown = good.replace(receiver.secret.encode(), b"not-the-secret")
    for _ in range(150):
        data = bytearray(unknown)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        exchange(receiver, bytes(data[: chance.randint(1, len(data))]), leave=True)
        exchange(receiver, chance.randbytes(chance.randint(1, 300)), leave=True)
    is_well(receiver, stored)
    assert exchange(receiver, good).startswith(b"HTTP/1.1 202")
    is_well(receiver, stored + 1)


def test_requests_sent_at_once_on_one_connection_are_all_stored(receiver: ReceiverProcess) -> None:
    stored = len(receiver.events("sequence"))
    answer = exchange(receiver, 20 * (post(receiver, "Content-Length: 2") + b"{}"))
    assert answer.count(b"HTTP/1.1 202") == 20
    is_well(receiver, stored + 20)


def test_a_form_that_no_program_reads_is_kept_whole(receiver: ReceiverProcess) -> None:
    stored = len(receiver.events("sequence"))
    body = nested(1_500)
    head = post(
        receiver,
        "Content-Type: multipart/form-data; boundary=b0",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    assert exchange(receiver, head + body).startswith(b"HTTP/1.1 202")
    assert tuple(receiver.events("body, payload")[-1]) == (body, None)
    is_well(receiver, stored + 1)


def test_slow_senders_are_cut_off_and_are_in_nobody_s_way(receiver: ReceiverProcess) -> None:
    stored = len(receiver.events("sequence"))
    with ExitStack() as stack:
        silent = stack.enter_context(connect(receiver))
        slow = [stack.enter_context(connect(receiver)) for _ in range(50)]
        head = post(receiver, "Content-Length: 50000")
        for number, connection in enumerate(slow):
            connection.sendall(head[:20] if number % 2 else head + b"x" * 20_000)
        assert receiver.send("{}").status_code == 202
        assert read_all(silent) == b""
        for number, connection in enumerate(slow):
            said = read_all(connection)
            assert said[:12] == (b"" if number % 2 else b"HTTP/1.1 408")
    is_well(receiver, stored + 1)


def test_connections_have_a_limit(receiver: ReceiverProcess) -> None:
    stored = len(receiver.events("sequence"))
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            stack.enter_context(connect(receiver))
        said = read_all(stack.enter_context(connect(receiver)))
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 5\r\n" in said
    assert receiver.send("{}").status_code == 202
    is_well(receiver, stored + 1)


def test_memory_stays_flat(receiver: ReceiverProcess) -> None:
    def oversize(_: int) -> int:
        body = iter([b"x" * 50_000] * 20)
        return requests.post(receiver.address, body, timeout=SECONDS).status_code

    def wrong(_: int) -> int:
        address = f"{receiver.base}/hooks/wrong"
        return requests.post(address, b"x" * 50_000, timeout=SECONDS).status_code

    stored = len(receiver.events("sequence"))
    process = psutil.Process(receiver.pid)
    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(oversize, range(20))} == {413}
        before = process.memory_info().rss
        assert {*pool.map(oversize, range(120))} == {413}
        assert {*pool.map(wrong, range(120))} == {404}
    # 126 MB were sent.
    assert process.memory_info().rss - before < 20_000_000
    is_well(receiver, stored)
