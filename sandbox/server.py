"""The sandbox as a server: in this process for tests, or as a process of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.account import Account
from sandbox.faults import Fault
from sandbox.kananas.registration import PAGE
from sandbox.kananas.service import SCRIPT
from sandbox.options import Options
from sandbox.stack import KIZEN_BASE, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from sandbox.arrivals import Arrivals
    from sandbox.credentials import Credentials
    from sandbox.faults import Faults
    from sandbox.kananas.webhooks import Webhooks
    from sandbox.middleware import Closing

__all__ = ["Fault", "Options", "PortInUseError", "Sandbox", "running"]

_GRACE_SECONDS = 2
_TICK_SECONDS = 1
_KEEP_ALIVE_SECONDS = 75


class PortInUseError(Exception):
    """The address is taken by some other process."""


class _Protocol(H11Protocol):
    """HTTP/1.1 that lets a request close its connection: ``state["transport"]`` in its scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A head and a body are two writes: the second must not wait for the client's receipt.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Tells when it listens, ends waiting requests when it stops, and exits with 0 on a signal."""

    def __init__(
        self, config: uvicorn.Config, closing: Closing, listening: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._closing = closing
        self._listening = listening
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    async def main_loop(self) -> None:
        """Serve until :meth:`stop`, at once when it is called rather than at the next tick."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    def stop(self) -> None:
        """End serving; may be called from any thread and from a signal handler."""
        self.should_exit = True
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.close()
        await super().shutdown(sockets)
        # Whoever was accepted just before the end was told of it by nobody.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - overrides
        self.force_exit = self.should_exit
        self.stop()


class Sandbox:
    """A sandbox that listens: where, with which data, and the means to disturb it."""

    def __init__(self, options: Options, account: Account, listener: socket.socket) -> None:
        """Serve ``account`` on the bound socket ``listener``."""
        self.options = options
        self.account = account
        self.host, self.port = listener.getsockname()[:2]
        self._stack = Stack(options, account)
        self._listener = listener

    @property
    def _base(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def kananas_url(self) -> str:
        """The address of Kananas' script."""
        return self._base + SCRIPT

    @property
    def registration_url(self) -> str:
        """The address of the page on which contacts register."""
        return self._base + PAGE

    @property
    def webhooks(self) -> Webhooks:
        """What was sent to the address that is told of new contacts."""
        return self._stack.registration.webhooks

    @property
    def kizen_url(self) -> str:
        """The base address of Kizen's API."""
        return self._base + KIZEN_BASE

    @property
    def credentials(self) -> Credentials:
        """What the services accept."""
        return self.options.credentials

    @property
    def requests(self) -> Arrivals:
        """The requests that arrived so far."""
        return self._stack.arrivals

    @property
    def kananas_lie(self) -> str | None:
        """How Kananas' answers are wrong (a key of ``LIES``); may be set."""
        return self._stack.kananas.lie

    @kananas_lie.setter
    def kananas_lie(self, lie: str | None) -> None:
        self._stack.kananas.lie = lie

    @property
    def faults(self) -> Faults:
        """Faults that happen to requests from now on."""
        return self._stack.faults

    def server(self, listening: Callable[[], None]) -> _Server:
        """Return the server, which calls ``listening`` once it does."""
        config = uvicorn.Config(
            self._stack.app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            backlog=512,
        )
        return _Server(config, self._stack.closing, listening)

    def serve(self, listening: Callable[[], None]) -> None:
        """Serve until a signal or an interrupt ends it; needs the main thread."""
        self.server(listening).run(sockets=[self._listener])


@contextmanager
def opened(options: Options) -> Iterator[Sandbox]:
    """Bind the port and hold the data of a sandbox that does not serve yet.

    Raises:
        PortInUseError: the port is taken.
        OSError: the host is no address of this machine.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {options.port} of {options.host} is in use: choose another --port"
            raise PortInUseError(message) from error
        raise
    with listener:
        yield Sandbox(options, Account(options), listener)


@contextmanager
def running(options: Options | None = None) -> Iterator[Sandbox]:
    """Serve a sandbox from a thread of this process, and stop it at the end of the block."""
    with opened(options or Options()) as sandbox:
        started = threading.Event()
        server = sandbox.server(started.set)
        failure: list[BaseException] = []

        def serve() -> None:
            try:
                server.run(sockets=[sandbox._listener])  # noqa: SLF001 - the same module
            except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
                failure.append(error)
            finally:
                started.set()

        thread = threading.Thread(target=serve, name="sandbox")
        thread.start()
        started.wait()
        try:
            if failure:
                raise failure[0]
            yield sandbox
        finally:
            if thread.is_alive():
                server.stop()
            thread.join()
