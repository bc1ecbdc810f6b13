"""The server leaves no connection open when it ends."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.server import running
from tests.servers import SMALL

if TYPE_CHECKING:
    import pytest


def test_who_came_as_the_server_ended_is_not_left_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if it had been accepted after the others were told.
    monkeypatch.setattr(H11Protocol, "shutdown", lambda _self: None)
    with ExitStack() as stack:
        with running(SMALL) as sandbox:
            client = stack.enter_context(
                socket.create_connection((sandbox.host, sandbox.port), timeout=30)
            )
            client.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 404")
        with suppress(ConnectionResetError):
            assert client.recv(65536) == b""
