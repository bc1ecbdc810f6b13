"""The command `review`: serve the review page on this machine."""

from __future__ import annotations

import argparse
import socket
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from console.decisions.decision import this_user
from console.decisions.file import DecisionsFile, default_path, output_folder
from console.published import Published, PublishedError
from console.published import default_path as default_copy
from console.review.app import Review, Settings
from console.review.deciding import Deciding
from console.review.gate import LOOPBACK, Sessions
from console.review.questions import Questions
from console.review.runs import Runs, command
from console.settings import env_file_needed, variables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

DONE, FAILED, WRONG_USAGE = 0, 1, 2
DEFAULT_PORT = 8790
DEFAULT_IDLE_MINUTES = 60.0

_GRACE_SECONDS = 5


class _UsageError(Exception):
    """A wrong argument; the message names it."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="review", description="Serve the page on which people decide what the rules cannot."
    )
    environment = variables().get
    output = output_folder()
    made.add_argument(
        "--db", type=Path, default=default_copy(output), help="the published copy (%(default)s)"
    )
    made.add_argument(
        "--decisions", type=Path, default=default_path(), help="the decisions file (%(default)s)"
    )
    made.add_argument(
        "--host",
        default=environment("REVIEW_HOST") or "127.0.0.1",
        help="address to listen on (%(default)s); another needs REVIEW_PASSWORD or --user-header",
    )
    made.add_argument(
        "--port",
        type=int,
        default=environment("REVIEW_PORT") or str(DEFAULT_PORT),
        help="port to listen on, 0 for any free (%(default)s)",
    )
    made.add_argument(
        "--names",
        default=environment("REVIEW_NAMES", ""),
        help="names by which browsers call this host, parted by commas; or REVIEW_NAMES",
    )
    made.add_argument(
        "--user-header",
        default=environment("REVIEW_USER_HEADER", ""),
        help="header in which a proxy says who somebody is; or REVIEW_USER_HEADER",
    )
    made.add_argument(
        "--proxy",
        default=environment("REVIEW_PROXY") or "127.0.0.1",
        help="addresses of proxies that are believed, parted by commas (%(default)s)",
    )
    made.add_argument(
        "--https", action="store_true", help="browsers reach the page by HTTPS, through a proxy"
    )
    made.add_argument(
        "--author",
        default=environment("REVIEW_AUTHOR") or this_user(),
        help="who decides, unless the page is told otherwise (%(default)s)",
    )
    made.add_argument(
        "--idle-minutes",
        type=float,
        default=DEFAULT_IDLE_MINUTES,
        help="minutes after which a session ends that nobody uses (%(default)s)",
    )
    made.add_argument(
        "--project", type=Path, default=Path(), help="folder of the Meltano project, for runs"
    )
    return made


@env_file_needed
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when ended by a signal, 1 when it failed, 2 on wrong usage.
    """
    given = parser().parse_args(arguments)
    try:
        return _serve(given)
    except _UsageError as error:
        sys.stderr.write(f"review: {error}\n")
        return WRONG_USAGE


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def settings(given: argparse.Namespace) -> Settings:
    """Return how the page is reached.

    Raises:
        _UsageError: Others could reach it, and nothing would tell who they are.
    """
    password = variables().get("REVIEW_PASSWORD", "")
    names = _listed(given.names)
    if not _is_loopback(given.host):
        if not password and not given.user_header:
            message = (
                f"--host {given.host}: others can reach it. Set REVIEW_PASSWORD, or --user-header"
                " where a proxy says who they are"
            )
            raise _UsageError(message)
        if not names:
            message = f"--host {given.host}: name this host as browsers call it, by --names"
            raise _UsageError(message)
    return Settings(
        hosts=(*LOOPBACK, *names),
        password=password,
        user_header=given.user_header,
        proxies=_listed(given.proxy),
        is_secure=given.https,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Server(uvicorn.Server):
    """Takes a signal as a wish to end, not as a failure."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - overrides
        """End; at once where it was asked twice."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _serve(given: argparse.Namespace) -> int:
    page = settings(given)
    sessions = Sessions(given.idle_minutes * 60, given.author)
    # The questions of a page are short: where other programs are at work, too, threads that wait
    # for each other take longer than one.
    published = Published(given.db, threads=1)
    questions = Questions(published)
    # Where there is no copy yet, the page says so.
    with suppress(PublishedError):
        questions.prepare()
    review = Review(
        questions,
        Deciding(DecisionsFile(given.decisions)),
        sessions,
        # A run has to read the decisions that the page writes.
        Runs(
            command(given.project),
            given.project,
            {"DUCKDB_DECISIONS_PATH": str(given.decisions.expanduser().absolute())},
        ),
        page,
    )
    with listening(given.host, given.port) as listener:
        config = uvicorn.Config(
            review.app(),
            interface="asgi3",
            ws="none",
            lifespan="off",
            # No address and no answer is logged.
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        host, port = listener.getsockname()[:2]
        _announce(page, sessions, host, port)
        _Server(config).run(sockets=[listener])
    published.close()
    return DONE


def _announce(page: Settings, sessions: Sessions, host: str, port: int) -> None:
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    if page.user_header or page.password:
        sys.stdout.write(f"The review page: {base}\n")
    else:
        sys.stdout.write(f"Open this address, which works once:\n{base}open/")
        sys.stdout.write(f"{sessions.one_time_token()}\n")
    sys.stdout.write("Ctrl-C ends it; each decision is on the disk at once.\n")
    sys.stdout.flush()


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        _UsageError: It cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        message = f"cannot listen on {host} port {port}: {error}: choose another --host or --port"
        raise _UsageError(message) from error
    # Its connections have it, too. asyncio does not set it on a socket that it did not make, and
    # then the end of each page waits 40 ms for the browser to confirm the beginning.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
