"""The command `kananas-webhooks`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import shutil
import socket
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from kananas_webhooks.addresses import Secrets, SecretsError
from kananas_webhooks.metrics import Metrics
from kananas_webhooks.protocol import Server, protocol
from kananas_webhooks.receiver import DEFAULT_MAX_BODY, DEFAULT_TIMEOUT, PATH, Limits, Receiver
from kananas_webhooks.runner import Runner
from kananas_webhooks.schedule import DEFAULT_EVERY_SECONDS, DEFAULT_QUIET_SECONDS, Schedule
from kananas_webhooks.store import DEFAULT_KEEP_DAYS, DEFAULT_MAX_BYTES, Store, StoreError
from kananas_webhooks.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, WRONG_USAGE = 0, 1, 2
DEFAULT_PORT = 8780
DEFAULT_FOLDER = "output/webhooks"
STORE, SECRETS = "events.sqlite", "secrets"

# The tap's setting that names the store.
_TAP_VARIABLE = "TAP_KANANAS_WEBHOOK_STORE"

_GRACE_SECONDS = 10

# How many connections may wait to be accepted. As many are at one go, so files are needed for them
# besides those that are open.
_BACKLOG = 512
_MOST_FILES = 4096

_MEGABYTE = 1_000_000


class _UsageError(Exception):
    """A wrong argument; the message names it."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    main_parser = argparse.ArgumentParser(
        prog="kananas-webhooks",
        description="Receive webhooks, keep each whole, and start a refresh once they pause.",
    )
    commands = main_parser.add_subparsers(dest="command", required=True)
    url = commands.add_parser("url", help="print the address to paste into Parameters/API")
    _add(
        url,
        "base-url",
        default=f"http://127.0.0.1:{DEFAULT_PORT}",
        help="where the receiver is reached from outside, such as https://hooks.example.org",
    )
    _add(url, "folder", type=Path, default=DEFAULT_FOLDER, help="where the secret is kept")
    change = url.add_mutually_exclusive_group()
    change.add_argument(
        "--rotate", action="store_true", help="make a new address; the one before stays valid"
    )
    change.add_argument("--retire", action="store_true", help="leave only the newest address valid")
    _add_serve(commands.add_parser("serve", help="receive webhooks"))
    return main_parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    _add(serve, "host", default="127.0.0.1", help="address to listen on")
    _add(serve, "port", type=int, default=DEFAULT_PORT, help="port to listen on; 0 for any free")
    _add(serve, "folder", type=Path, default=DEFAULT_FOLDER, help="of the store and the secret")
    _add(serve, "max-body", type=int, default=DEFAULT_MAX_BODY, help="bytes a body may have")
    _add(
        serve,
        "timeout",
        type=float,
        default=DEFAULT_TIMEOUT,
        help="seconds a sender may take for the head of a request, and again for its body",
    )
    _add(
        serve,
        "max-store",
        type=int,
        default=DEFAULT_MAX_BYTES // _MEGABYTE,
        help="megabytes the store may take; beyond, events are refused with 503",
    )
    _add(
        serve,
        "keep-days",
        type=float,
        default=DEFAULT_KEEP_DAYS,
        help="days to keep events that have been extracted",
    )
    _add(
        serve,
        "allow",
        default="",
        help="networks that may send, parted by commas, such as 192.0.2.0/24 (by default all)",
    )
    _add(
        serve,
        "proxy",
        default="127.0.0.1",
        help="reverse proxies, parted by commas, whose X-Forwarded-For is believed",
    )
    _add(
        serve,
        "run",
        default="",
        help="what to run after events: refresh with its options, or jobs of Meltano, such as elt",
    )
    _add(serve, "project", type=Path, default=".", help="folder of the Meltano project")
    _add(
        serve,
        "quiet",
        type=float,
        default=DEFAULT_QUIET_SECONDS,
        help="seconds that events must pause before a run",
    )
    _add(
        serve,
        "every",
        type=float,
        default=DEFAULT_EVERY_SECONDS,
        help="seconds between the starts of two runs at least, and a first event waits at most",
    )


def _add(
    parser: argparse.ArgumentParser,
    name: str,
    *,
    default: object,
    help: str,  # noqa: A002 - argparse's word
    type: type = str,  # noqa: A002
) -> None:
    """Add an option that can be given by an environment variable, too."""
    variable = f"KANANAS_WEBHOOKS_{name.upper().replace('-', '_')}"
    shown = "" if default == "" else f" (default: {default})"

    def read(text: str) -> object:
        # An empty host is every host, an empty folder is this one: never by mistake.
        if default != "" and not text.strip():
            message = f"is empty: name one, or leave it and {variable} out"
            raise argparse.ArgumentTypeError(message)
        return type(text)

    # What argparse calls a text that is no number.
    read.__name__ = type.__name__
    parser.add_argument(
        f"--{name}",
        type=read,
        default=os.environ.get(variable) or str(default),
        help=f"{help}{shown}; or {variable}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when done or ended by a signal, 1 when it failed, 2 on wrong usage.
    """
    given = parser().parse_args(arguments)
    try:
        if given.command == "url":
            return _url(given)
        return _serve(given)
    except _UsageError as error:
        sys.stderr.write(f"kananas-webhooks: {error}\n")
        return WRONG_USAGE
    except (OSError, SecretsError, StoreError) as error:
        sys.stderr.write(f"kananas-webhooks: {error}\n")
        return FAILED


def _url(given: argparse.Namespace) -> int:
    secrets = Secrets(given.folder / SECRETS)
    if given.retire:
        secrets.retire()
    secret = secrets.rotate() if given.rotate else secrets.newest()
    sys.stdout.write(f"{given.base_url.rstrip('/')}{PATH}{secret}\n")
    return DONE


def _serve(given: argparse.Namespace) -> int:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    _raise_file_limit()
    limits, schedule = _limits(given), _schedule(given)
    command = _command(given)
    path = (given.folder / STORE).absolute()
    secrets = Secrets(given.folder / SECRETS)
    secrets.newest()
    store = Store(path, max_bytes=given.max_store * _MEGABYTE, keep_days=given.keep_days)
    writer = Writer(store)
    try:
        metrics = Metrics(lambda: writer.figures)
        runner = None
        if command:
            environment = {_TAP_VARIABLE: str(path), **os.environ}
            runner = Runner(command, given.project, environment, schedule, metrics.ran)
        receiver = Receiver(secrets, writer, metrics, limits, runner)
        with _listener(given.host, given.port) as listener:
            config = uvicorn.Config(
                receiver.app,
                interface="asgi3",
                http=protocol(given.timeout, receiver.knows_secret),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=True,
                forwarded_allow_ips=given.proxy,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
            Server(config, lambda: _announce(listener)).run(sockets=[listener])
    finally:
        # Where it was told twice to end, the application's own end is skipped.
        writer.stop()
        store.close()
    return DONE


def _raise_file_limit() -> None:
    """Let this process open as many files as it may, where the usual limit is low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _limits(given: argparse.Namespace) -> Limits:
    for name in ("max_body", "timeout", "max_store", "keep_days", "quiet", "every"):
        if getattr(given, name) < 0:
            message = f"--{name.replace('_', '-')} is {getattr(given, name)}: use 0 or more"
            raise _UsageError(message)
    try:
        allowed = tuple(ip_network(part.strip()) for part in given.allow.split(",") if part.strip())
    except ValueError as error:
        message = f"--allow: {error}"
        raise _UsageError(message) from error
    if given.allow and not allowed:
        message = f"--allow names no network: {given.allow!r}"
        raise _UsageError(message)
    return Limits(max_body=given.max_body, body_seconds=given.timeout, allowed=allowed)


def _schedule(given: argparse.Namespace) -> Schedule:
    return Schedule(quiet=given.quiet, every=given.every)


def _command(given: argparse.Namespace) -> list[str]:
    """Return the command to run: that of this environment, else of the path."""
    words = given.run.split()
    if not words:
        return []
    name = "refresh" if words[0] == "refresh" else "meltano"
    beside = Path(sys.executable).with_name(name)
    program = str(beside) if beside.exists() else shutil.which(name)
    if program is None:
        message = f"--run needs {name}: `make setup` installs it beside this program"
        raise _UsageError(message)
    if not (given.project / "meltano.yml").is_file():
        message = f"--project: there is no meltano.yml in {given.project.absolute()}"
        raise _UsageError(message)
    return [program, *words[1:]] if name == "refresh" else [program, "run", *words]


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        message = f"cannot listen on {host} port {port}: {error}: choose another --host or --port"
        raise _UsageError(message) from error
    # Its connections have it, too: asyncio does not set it on a socket that it did not make.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _announce(listener: socket.socket) -> None:
    """Write in one line of JSON that the receiver listens, and where; never the secret."""
    host, port = listener.getsockname()[:2]
    sys.stdout.write(json.dumps({"pid": os.getpid(), "host": host, "port": port}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
