"""The server leaves no connection open when it ends."""

from __future__ import annotations

from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.server import running
from tests.servers import SMALL

if TYPE_CHECKING:
    import pytest


def test_who_came_as_the_server_ended_is_not_left_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if it had been accepted after the others were told.
    monkeypatch.setattr(H11Protocol, "shutdown", lambda _self: None)
    with running(SMALL) as sandbox:
        client = HTTPConnection(sandbox.host, sandbox.port, timeout=30)
        client.request("GET", "/nothing")
        response = client.getresponse()
        # Head and body come in packets of their own.
        response.read()
        assert response.status == 404
    with closing(client), suppress(ConnectionResetError):
        assert client.sock.recv(1) == b""
