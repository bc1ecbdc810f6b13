"""The command `refresh`: run everything, say what happened, or try who is told."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from refresh import channels, own_files, status
from refresh.alerts import FAILURE, Alerts
from refresh.channels import ChannelError
from refresh.history import now
from refresh.lock import BusyError
from refresh.run import ALERTS, Runner
from refresh.settings import SettingError, Settings, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DONE, FAILED, WRONG_SETTINGS, BUSY = 0, 1, 2, 75


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when done, 1 when something failed, 2 when a setting is wrong, 75 when a run goes on.
    """
    given = _parser().parse_args(arguments)
    try:
        settings = read(given.environment, sources=given.sources)
        own_files.require_environment(settings.project, settings.environment)
        if given.command in _COMMANDS:
            return _COMMANDS[given.command](settings)
        return _run(settings, given)
    except SettingError as error:
        sys.stderr.write(f"refresh: {error}\n")
        if error.others is not None and given.command not in _COMMANDS:
            _refuse(error.others, str(error))
        return WRONG_SETTINGS
    except BusyError as error:
        if not given.quiet:
            sys.stderr.write(f"refresh: {error}\n")
        return BUSY
    except OSError as error:
        sys.stderr.write(f"refresh: {_words(error)}\n")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="refresh",
        description="Read each source, build the models, publish and report; say what fails.",
    )
    parser.add_argument("--environment", help="of Meltano (default: MELTANO_ENVIRONMENT, or prod)")
    parser.add_argument(
        "--quiet", action="store_true", help="say something only where a step fails: for cron"
    )
    parser.add_argument(
        "--full-refresh", action="store_true", help="read all records, not only what changed"
    )
    parser.add_argument(
        "--load-only", action="store_true", help="read the sources, and build nothing of them"
    )
    parser.add_argument(
        "--sources", help="which are read, parted by commas (default: REFRESH_SOURCES, or all)"
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="build everything, not only what has changed"
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run all steps; what is done without a command")
    commands.add_parser("status", help="print the last runs, what waits, and what is stale")
    commands.add_parser("check", help="say what is wrong in .env and in config/")
    commands.add_parser("test-alerts", help="send a message by each channel, and a ping")
    return parser


def _run(settings: Settings, given: argparse.Namespace) -> int:
    wrong = own_files.wrong(settings.project, settings.variables)
    if wrong:
        raise SettingError("; ".join(wrong), settings)
    said: list[str] = []
    say = said.append if given.quiet else _print
    _warn(settings, say)
    try:
        code = Runner(settings, say).run(
            full_refresh=given.full_refresh, load_only=given.load_only, rebuild=given.rebuild
        )
    except BaseException:
        _print_all(said)
        raise
    if code != DONE:
        _print_all(said)
    return code


def _refuse(settings: Settings, reason: str) -> None:
    """Tell of a wrong setting, by the channels that are right."""
    said: list[str] = []
    try:
        Runner(settings, said.append).refuse(reason)
    except BusyError:
        # Nothing is written beside it; the next run says it again.
        return
    except OSError as error:
        said.append(f"warning: {_words(error)}")
    _print_all([line for line in said if line.startswith("warning: ")])


def _words(error: OSError) -> str:
    """Return what went wrong, and with which file, where the system says so."""
    return ": ".join(str(each) for each in (error.filename, error.strerror or error) if each)


def _warn(settings: Settings, say: Callable[[str], None]) -> None:
    """Say who had better run this, and which lines of `.env` count for nothing."""
    for line in (*own_files.of_another(settings.folder), *own_files.doubtful(settings.project)):
        say(f"warning: {line}")


def _status(settings: Settings) -> int:
    _print("\n".join(status.lines(settings)))
    return DONE


def _check(settings: Settings) -> int:
    found = [
        *own_files.doubtful(settings.project),
        *own_files.wrong(settings.project, settings.variables),
        *own_files.open_to_others(settings.project),
        *own_files.missing(settings.project, settings.sources, settings.variables),
    ]
    for line in own_files.of_another(settings.folder):
        _print(f"warning: {line}")
    _print("\n".join(found or ["Nothing is wrong in .env and in config/"]))
    return WRONG_SETTINGS if found else DONE


def _test_alerts(settings: Settings) -> int:
    _warn(settings, _print)
    message = Alerts(settings.folder / ALERTS, failing={"test": {"error": "this is a test"}})
    told = message.message(settings, FAILURE, {"test": now()}, "test")
    named = list(dict.fromkeys((*settings.on_failure, *settings.on_recovery)))
    attempts: dict[str, Callable[[], str | None]] = {
        each: partial(channels.tell, each, settings, told) for each in named
    }
    if settings.ping_url:
        attempts["ping"] = partial(channels.ping, settings.ping_url)
    if not attempts:
        _print("Nobody is told of anything: docs/operations.md says how to set it up")
    worked = [_works(name, attempt) for name, attempt in attempts.items()]
    return DONE if all(worked) else FAILED


def _works(name: str, attempt: Callable[[], str | None]) -> bool:
    try:
        missed = attempt()
    except ChannelError as error:
        _print(f"{name}: {error}")
        return False
    _print(f"{name}: told, but {missed}" if missed else f"{name}: told")
    return not missed


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _print_all(lines: list[str]) -> None:
    for line in lines:
        _print(line)


_COMMANDS = {"status": _status, "check": _check, "test-alerts": _test_alerts}

if __name__ == "__main__":
    sys.exit(main())
