"""A tap as a source of the Airbyte protocol: the commands spec, check, discover and read."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, NoReturn

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib.encoding import SimpleSingerWriter

from airbyte_source.catalog import configure, describe_stream
from airbyte_source.failures import Failure, explain
from airbyte_source.inputs import read_catalog, read_settings, read_state
from airbyte_source.logs import logging_as_messages
from airbyte_source.messages import Messages, masker
from airbyte_source.reading import Reading
from airbyte_source.specification import own_settings, secrets_of, specification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from singer_sdk import Stream, Tap
    from singer_sdk.singerlib.encoding import GenericSingerWriter
    from singer_sdk.singerlib.encoding.simple import Message

EXIT_DONE, EXIT_FAILED, EXIT_WRONG_SETTINGS = 0, 1, 2


class _Discard(SimpleSingerWriter):
    """Writes nothing: a check reads records, and keeps none."""

    def write_message(self, message: Message) -> None:
        """Drop a message."""


def _unknown(_: Any) -> None:  # noqa: ANN401 - anything a tap does not tell
    return None


@dataclass(frozen=True)
class Source:
    """A tap, and what the protocol asks of a source that the SDK has no place for.

    Attributes:
        name: The name of the command, such as `source-github`.
        title: The name of the service.
        tap: The tap.
        fixed: Settings that are not the user's, with the value they have under Airbyte.
        describe: Gives one line about an exception where its own words will not do, or None.
        estimate: Gives how many records a stream is about to send, or None. It is asked when
            the first record is there.
        shortfall: Gives why a read that went through has left something out, or None.
        redactor: Takes the values of the secret settings, and gives what hides them in a text.
    """

    name: str
    title: str
    tap: type[Tap]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    describe: Callable[[Exception], str | None] = _unknown
    estimate: Callable[[Stream], int | None] = _unknown
    shortfall: Callable[[Stream], Exception | None] = _unknown
    redactor: Callable[[Sequence[str]], Callable[[str], str]] = masker

    def explain(self, error: Exception) -> Failure:
        """Put an exception into the words of the protocol."""
        return explain(error, self.describe)

    def open(
        self,
        settings: Mapping[str, Any],
        *,
        writer: GenericSingerWriter[Any, Any],
        state: Mapping[str, Any] | None = None,
    ) -> Tap:
        """Make the tap, which does not look for its streams yet.

        Raises:
            ConfigurationError: If a setting is wrong.
        """
        known = own_settings(self.tap)
        given = {name: value for name, value in settings.items() if name in known}
        ignored = sorted(settings.keys() - given.keys())
        if ignored:
            self.tap.logger.warning("not known, and ignored: settings %s", ", ".join(ignored))
        with _signals_kept():
            tap = self.tap(
                config={**given, **self.fixed},
                state=dict(state or {}),
                message_writer=writer,
                setup_mapper=False,
            )
        # The tap's own would ask for every stream, whether or not it is wanted.
        PluginBase.setup_mapper(tap)
        return tap

    def run(self, arguments: Sequence[str], out: IO[bytes]) -> int:
        """Carry out a command.

        Args:
            arguments: The command line, without the name of the program.
            out: Where messages go.

        Returns:
            The exit code: 0 done, 1 failed, 2 wrong settings. A check that could be made is
            done, whatever it found.

        Raises:
            SystemExit: If the command line is wrong, or only help was asked for.
        """
        options = self._parser().parse_args(arguments)
        messages = Messages(out)
        level = logging.DEBUG if options.debug else logging.INFO
        with logging_as_messages(messages, level), redirect_stdout(sys.stderr):
            try:
                code: int = options.command(self, options, messages)
            except BrokenPipeError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                messages.error(self.explain(error))
                is_wrong = isinstance(error, ConfigurationError)
                return EXIT_WRONG_SETTINGS if is_wrong else EXIT_FAILED
        return code

    def main(self) -> NoReturn:
        """Carry out the command line of this process, and end it."""
        try:
            code = self.run(sys.argv[1:], sys.stdout.buffer)
            sys.stdout.flush()
        except BrokenPipeError:
            # Nobody listens any more; nor shall Python complain when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = EXIT_FAILED
        sys.exit(code)

    def _parser(self) -> ArgumentParser:
        parser = ArgumentParser(
            prog=self.name, description=f"{self.title} as a source of the Airbyte protocol."
        )
        commands = parser.add_subparsers(required=True, metavar="COMMAND")

        def add(name: str, command: Callable[..., int], words: str) -> ArgumentParser:
            added = commands.add_parser(name, help=words, description=f"{words}.")
            added.set_defaults(command=command)
            added.add_argument("--debug", action="store_true", help="log more")
            return added

        def needs(added: ArgumentParser, option: str, words: str) -> None:
            added.add_argument(option, required=True, metavar="FILE", help=words)

        add("spec", Source._spec, "say which settings there are")
        check = add("check", Source._check, "say whether the service can be read")
        needs(check, "--config", "JSON file of the settings")
        discover = add("discover", Source._discover, "say which streams there are")
        needs(discover, "--config", "JSON file of the settings")
        read = add("read", Source._read, "read streams")
        needs(read, "--config", "JSON file of the settings")
        needs(read, "--catalog", "JSON file of the configured catalog: which streams, and how")
        read.add_argument("--state", metavar="FILE", help="JSON file of the states to go on from")
        return parser

    # Commands

    def _spec(self, _: Namespace, messages: Messages) -> int:
        messages.spec(specification(self.tap, self.title, self.fixed))
        return EXIT_DONE

    def _settings(self, options: Namespace, messages: Messages) -> dict[str, Any]:
        settings = read_settings(options.config)
        messages.redacted = self.redactor(secrets_of(self.tap, settings))
        return settings

    def _check(self, options: Namespace, messages: Messages) -> int:
        """Look for all streams; a tap that need not ask for that reads a record of each."""
        failure = None
        try:
            tap = self.open(self._settings(options, messages), writer=_Discard())
            for stream in tap.streams.values():
                configure(tap, stream, None)
            if not tap.dynamic_catalog:
                tap.run_connection_test()
        except Exception as error:  # noqa: BLE001 - any failure is the answer
            failure = self.explain(error)
            if failure.kind == "system_error":
                messages.error(failure)
        messages.connection_status(failure)
        is_defect = failure is not None and failure.kind == "system_error"
        return EXIT_FAILED if is_defect else EXIT_DONE

    def _discover(self, options: Namespace, messages: Messages) -> int:
        tap = self.open(self._settings(options, messages), writer=_Discard())
        messages.catalog([describe_stream(stream) for stream in tap.streams.values()])
        return EXIT_DONE

    def _read(self, options: Namespace, messages: Messages) -> int:
        settings = self._settings(options, messages)
        catalog = read_catalog(options.catalog)
        states = read_state(options.state)
        is_whole = Reading(self, messages, catalog).run(settings, states)
        return EXIT_DONE if is_whole else EXIT_FAILED


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Undo what a tap does about signals: it would end with 0, as if all had been read."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in zip(numbers, handlers, strict=True):
                signal.signal(number, handler)
