"""Clients without the secret that hold on to connections, as a program.

They send, read nothing, and come back when they are closed, until standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, "Host: x", *headers, "", ""]).encode("latin-1")


#: What an attacker sends at once, and then again and again.
ATTACKS: dict[str, tuple[bytes, bytes]] = {
    "silence": (b"", b""),
    "head by bytes": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", b"x"),
    "head of the webhooks by bytes": (b"POST /hooks/wrong HTTP/1.1\r\nHost: x\r\nX: ", b"x"),
    "body to an unknown path": (head("POST /nowhere HTTP/1.1", "Content-Length: 900000"), b"x"),
    "body with a wrong secret": (head("POST /hooks/no HTTP/1.1", "Content-Length: 900000"), b"x"),
    "chunks to an unknown path": (
        head("POST /nowhere HTTP/1.1", "Transfer-Encoding: chunked"),
        b"1\r\nx\r\n",
    ),
    "body after GET": (head("GET /healthz HTTP/1.1", "Content-Length: 900000"), b"x"),
    "continue": (
        head("POST /hooks/no HTTP/1.1", "Content-Length: 900000", "Expect: 100-continue"),
        b"x",
    ),
    "fast body": (
        head("POST /nowhere HTTP/1.1", "Content-Length: 900000000"),
        b"x" * 100_000,
    ),
    "pipelined and unread": (300 * head("GET /metrics HTTP/1.1"), head("GET /metrics HTTP/1.1")),
    "idle after a request": (head("GET /healthz HTTP/1.1"), b""),
    "huge head": (b"GET / HTTP/1.1\r\nX: " + b"x" * 15_000, b"x"),
    "empty lines": (b"\r\n", b"\r\n"),
    "no HTTP": (b"\x16\x03\x01\x02\x00", b"\x00"),
}


class Attackers:
    """Connections that are held at the same time."""

    def __init__(self, port: int, attack: str, number: int) -> None:
        """Attack a port of this machine."""
        self._port = port
        self._first, self._more = ATTACKS[attack]
        self._number = number
        self._connected = 0
        self._is_over = False

    async def run(self) -> None:
        """Attack until standard input ends."""
        attacks = [asyncio.create_task(self._attack()) for _ in range(self._number)]
        await asyncio.to_thread(sys.stdin.read)
        self._is_over = True
        await asyncio.gather(*attacks)

    async def _attack(self) -> None:
        while not self._is_over:
            writer = None
            with suppress(OSError, asyncio.TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1)
                self._count()
                writer.write(self._first)
                while not (reader.at_eof() or self._is_over):
                    # Nobody reads: what is answered stays where it is.
                    await asyncio.wait_for(writer.drain(), 1)
                    await asyncio.sleep(0.2)
                    writer.write(self._more)
            if writer is not None:
                writer.transport.abort()
            await asyncio.sleep(0.05)

    def _count(self) -> None:
        self._connected += 1
        if self._connected == self._number:
            print("connected", flush=True)  # noqa: T201 - what the test waits for


def main() -> None:
    """Run the attackers from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.kananas_webhooks.attackers")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--attack", choices=ATTACKS, required=True)
    parser.add_argument("--number", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(Attackers(given.port, given.attack, given.number).run())


if __name__ == "__main__":
    main()
