"""Clients without the secret, as many as they like: good events are answered within a second."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import requests
import uvicorn

from kananas_webhooks.protocol import MAX_CONNECTIONS, SPARE_CONNECTIONS, Server, protocol
from tests.kananas_webhooks.attackers import ATTACKS, head
from tests.kananas_webhooks.receivers import ReceiverProcess
from tests.kananas_webhooks.test_hostile import SECONDS, connect, exchange, post, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 40


@contextmanager
def attacked(receiver: ReceiverProcess, name: str, number: int) -> Iterator[None]:
    """Attack from a process of its own, once all have connected."""
    command = [sys.executable, "-m", "tests.kananas_webhooks.attackers"]
    arguments = ["--port", str(receiver.port), "--attack", name, "--number", str(number)]
    with subprocess.Popen(
        [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as attackers:
        assert attackers.stdin is not None
        assert attackers.stdout is not None
        try:
            assert attackers.stdout.readline() == b"connected\n"
            yield
        finally:
            # They end with their input.
            attackers.stdin.close()


def send_event(receiver: ReceiverProcess, number: int) -> float:
    """Send an event, and return the seconds until it was accepted."""
    began = monotonic()
    answer = receiver.send(json.dumps({"id": number}))
    assert answer.status_code == 202
    return monotonic() - began


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    """A receiver that nobody attacks."""
    with ReceiverProcess(tmp_path_factory.mktemp("left alone")) as process:
        yield process


@pytest.mark.parametrize("name", ATTACKS)
def test_good_events_are_delayed_by_less_than_a_second(
    receiver: ReceiverProcess, other: ReceiverProcess, name: str
) -> None:
    before = len(receiver.events("sequence"))
    with attacked(receiver, name, MAX_CONNECTIONS):
        took = [
            (send_event(receiver, number), send_event(other, number)) for number in range(EVENTS)
        ]
        assert receiver.health()["code"] == 200
    stored = [json.loads(body)["id"] for (body,) in receiver.events("body")[before:]]
    assert stored == list(range(EVENTS))
    slowest, usual = map(max, zip(*took, strict=True))
    # The machine may have other work, which makes seconds longer.
    second = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert slowest - usual < second


@pytest.mark.parametrize("name", ["silence", "body to an unknown path"])
def test_more_connections_than_there_is_room_for_stop_no_event(tmp_path: Path, name: str) -> None:
    number = MAX_CONNECTIONS + SPARE_CONNECTIONS + 100
    with ReceiverProcess(tmp_path) as receiver, attacked(receiver, name, number):
        for event in range(EVENTS):
            send_event(receiver, event)
        assert len(receiver.events()) == EVENTS


def test_a_slow_sender_who_knows_the_secret_is_heard_to_the_end(tmp_path: Path) -> None:
    body = b"{}" + b" " * 8
    with ReceiverProcess(tmp_path, "--timeout", "60") as receiver, connect(receiver) as slow:
        slow.settimeout(60)
        slow.sendall(post(receiver, f"Content-Length: {len(body)}"))
        with attacked(receiver, "body to an unknown path", MAX_CONNECTIONS + 150):
            for byte in body:
                slow.sendall(bytes([byte]))
                assert receiver.send("{}").status_code == 202
        assert slow.recv(100).startswith(b"HTTP/1.1 202")
        assert len(receiver.events()) == len(body) + 1


def test_a_connection_that_has_sent_events_stays(tmp_path: Path) -> None:
    with (
        ReceiverProcess(tmp_path) as receiver,
        requests.Session() as session,
        attacked(receiver, "silence", MAX_CONNECTIONS + 150),
    ):
        for _ in range(10):
            answer = session.post(receiver.address, b"{}", timeout=60)
            assert answer.status_code == 202
            assert "Connection" not in answer.headers


@pytest.mark.parametrize("name", ["body to an unknown path", "body after GET", "fast body"])
def test_what_follows_a_response_is_read_for_a_moment_only(
    receiver: ReceiverProcess, name: str
) -> None:
    first, more = ATTACKS[name]
    with connect(receiver) as connection:
        connection.sendall(first)
        assert connection.recv(1000).startswith((b"HTTP/1.1 404", b"HTTP/1.1 200"))
        began = monotonic()
        connection.settimeout(0.05)
        with suppress(BrokenPipeError, ConnectionResetError):
            while monotonic() - began < 2 * SECONDS:
                with suppress(TimeoutError):
                    connection.sendall(more)
                with suppress(TimeoutError):
                    connection.recv(1000)
        assert monotonic() - began < SECONDS


def test_a_refused_sender_sees_the_answer_to_a_large_body(receiver: ReceiverProcess) -> None:
    for path in ("/nowhere", "/hooks/wrong"):
        for _ in range(10):
            answer = requests.post(f"{receiver.base}{path}", b"x" * 500_000, timeout=60)
            assert (answer.status_code, answer.headers["Connection"]) == (404, "close")


def test_only_the_first_of_several_requests_without_the_secret_is_answered(
    receiver: ReceiverProcess,
) -> None:
    answer = exchange(receiver, 20 * head("GET /healthz HTTP/1.1"))
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", ("Content-Length: 2", "Transfer-Encoding: chunked")),
        ("1.1", ("Transfer-Encoding: chunked", "Content-Length: 7")),
        ("1.0", ("Transfer-Encoding: chunked",)),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_body_of_two_lengths_is_refused(
    receiver: ReceiverProcess, version: str, headers: tuple[str, ...], *, known: bool
) -> None:
    before = len(receiver.events())
    good = post(receiver, "Content-Length: 2") + b"{}"
    path = f"/hooks/{receiver.secret if known else 'wrong'}"
    bad = post(receiver, *headers, path=path).replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    answer = exchange(receiver, bad + b"2\r\n{}\r\n0\r\n\r\n" + good)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1
    assert len(receiver.events()) == before


def test_connections_beyond_the_limit_are_told_so_and_leave_room(tmp_path: Path) -> None:
    number = MAX_CONNECTIONS + SPARE_CONNECTIONS + 1
    with ReceiverProcess(tmp_path, "--timeout", "60") as receiver, ExitStack() as stack:
        silent = [stack.enter_context(connect(receiver)) for _ in range(number)]
        assert receiver.send("{}").status_code == 202
        for connection in (silent[0], silent[1], silent[-1]):
            said = read_all(connection)
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nRetry-After: 5\r\n" in said
        silent[2].sendall(head("GET /healthz HTTP/1.1"))
        assert read_all(silent[2]).startswith(b"HTTP/1.1 200")


def test_who_was_accepted_just_before_the_end_is_not_waited_for() -> None:
    async def nobody(scope: object, receive: object, send: object) -> None:
        """No request comes."""

    async def come_late() -> bytes:
        limited = protocol(head_seconds=3600, knows_secret=lambda _: False)
        config = uvicorn.Config(nobody, http=limited, lifespan="off", timeout_graceful_shutdown=1)
        config.load()
        server = Server(config, lambda: None)
        server.lifespan = config.lifespan_class(config)
        server.servers = []
        await server.shutdown()
        ours, theirs = socket.socketpair()
        with theirs:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(
                lambda: limited(config, server.server_state, {}, loop), ours
            )
            theirs.setblocking(False)  # noqa: FBT003 - its name says it
            return await asyncio.wait_for(loop.sock_recv(theirs, 1), SECONDS)

    assert asyncio.run(come_late()) == b""


def test_the_receiver_waits_for_no_attacker_when_it_ends(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path) as receiver:
        with attacked(receiver, "head by bytes", 100):
            assert receiver.stop() == 0
        assert "Shutting down" in receiver.log
        assert "graceful shutdown exceeded" not in receiver.log
        receiver.start()
