"""A tap whose failures are one line of plain words."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from functools import cached_property
from tempfile import gettempdir
from typing import IO, TYPE_CHECKING, Any, ClassVar, NoReturn

import requests
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError, MappingError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand

from rest_tap.arguments import (
    check_argument,
    close_to_others,
    files_told,
    readable,
    select_key,
)
from rest_tap.http.connection import describe_connection_failure
from rest_tap.logs import keep_to_own_words
from rest_tap.mapping import unused_maps
from rest_tap.sdk import OpenTap
from rest_tap.secrets import keep_out_of_logs, secret_values
from rest_tap.settings import explain_booleans, explain_environment, explain_settings_errors
from rest_tap.transport import new_session
from rest_tap.writers.backpressure import Backpressure
from rest_tap.writers.batches import BatchFolder
from rest_tap.writers.messages import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click
    from singer_sdk import Stream
    from singer_sdk.singerlib import Catalog

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_SIGNALLED = 128
"""Added to the number of the signal that ended the program, as shells do."""

EXIT_FAILED = 1
EXIT_WRONG_SETTINGS = 2


@contextmanager
def _stop_signals_restored() -> Iterator[None]:
    """Take back the handlers of stop signals that the SDK sets for a run, when it is over.

    They write the state, which has been written when a run is over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _not_searched_at_its_end() -> Iterator[None]:
    """Spare a program that has done its work a look through all modules for cycles: 0.1 s."""
    try:
        yield
    except SystemExit as end:
        if not end.code:
            atexit.register(gc.freeze)
        raise


class OneLineCommand(SingerCommand):
    """A Singer command that ends a foreseen failure with a line instead of a traceback.

    Foreseen are wrong settings (exit code 2) and all that the SDK or the HTTP client raise
    by name (exit code 1). Anything else is a defect and keeps its traceback.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command, as `click.Command.main` does."""
        try:
            with _stop_signals_restored(), _not_searched_at_its_end():
                return super().main(*args, **kwargs)
        except ConfigurationError as error:
            self._end(EXIT_WRONG_SETTINGS, str(error))
        except requests.RequestException as error:
            # Some are a ValueError or an OSError as well.
            self._end(EXIT_FAILED, describe_connection_failure(error))
        except MappingError as error:
            self._end(EXIT_WRONG_SETTINGS, f"setting 'stream_maps': {error}")
        except SingerSDKError as error:
            self._end(EXIT_FAILED, str(error))
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._end(
                EXIT_FAILED,
                f"cannot write: {error.strerror}: make room where standard output goes and in the "
                f"folder for temporary files, {gettempdir()} (TMPDIR)",
            )

    def _end(self, code: int, line: str) -> NoReturn:
        self.logger.critical("%s", line)
        sys.exit(code)


class RestTap(OpenTap):
    """A Singer tap over an HTTP service, with errors a user can act on."""

    package_name = "kananas-kizen-elt"
    message_writer_class = BufferedWriter

    # SDK 0.55 gives every tap a setting `start_date`; where a tap has one, it declares its own.
    capabilities: ClassVar = [each for each in Tap.capabilities if each.value != "start-date"]

    #: What the tap takes for granted of its state, as a JSON schema.
    state_shape: ClassVar[dict[str, Any]] = {}

    _batch_folder: BatchFolder | None = None

    def __init__(self, *, state: Any = None, catalog: Any = None, **arguments: Any) -> None:  # noqa: ANN401 - the SDK's
        """Take the same as any tap.

        Raises:
            ConfigurationError: If the state or the catalog has another shape than theirs, or an
                environment variable is not what its setting takes.
        """
        check_argument("state", state, self.state_shape)
        check_argument("catalog", catalog)
        self._reads_environment = bool(arguments.get("parse_env_config"))
        try:
            super().__init__(state=state, catalog=catalog, **arguments)
        except ValueError as error:
            lines = explain_environment(os.environ, self.config_jsonschema, self._env_var_prefix)
            if not self._reads_environment or not lines:
                raise
            # Without the SDK's words, which quote the value.
            raise ConfigurationError("; ".join(lines)) from error

    def end_on_signal(self, number: int) -> NoReturn:
        """End at once, after a last STATE message.

        The SDK raises `SystemExit` wherever the program is, and where Python cleans up that is a
        traceback which nobody can catch; and it ends with 0, as if all had been read.
        """
        try:
            # There may be nobody who reads any more.
            with suppress(OSError):
                self._state_writer.write_state(self.state)
        except RuntimeError:
            # In the middle of writing to standard output: the rest of that has to follow.
            sys.exit(_SIGNALLED + number)
        os._exit(_SIGNALLED + number)

    @cached_property
    def session(self) -> requests.Session:
        """The session of all streams; setting `rate_limit`, where a tap has it, paces it."""
        return new_session(self.config["api_url"], self.config.get("rate_limit"))

    def batch_folder(self, root: Path) -> BatchFolder:
        """Return the folder of this run's batch files, made when it is first needed."""
        if self._batch_folder is None:
            self._batch_folder = BatchFolder(root, self.name, Backpressure(self.logger))
        return self._batch_folder

    @property
    def input_catalog(self) -> Catalog | None:
        """The catalog the tap was given; it deselects no key."""
        catalog = super().input_catalog
        for entry in (catalog or {}).values():
            select_key(entry)
        return catalog

    @property
    def streams(self) -> dict[str, Stream]:
        """All streams by name; the first time, it is told which stream maps are for none."""
        is_first = self._streams is None
        streams = super().streams
        maps = (self.config.get("stream_maps") or {}) if is_first else {}
        for pattern in unused_maps(maps, streams):
            self.logger.warning(
                "setting 'stream_maps' has a map for '%s', and there is no such stream: what it "
                "was to change or to leave out is sent as it is",
                pattern,
            )
        return streams

    def check_settings(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings; say what is wrong without quoting a secret.

        Raises:
            ConfigurationError: If a setting is wrong and `raise_errors` is set. Not the SDK's
                ConfigValidationError, which it would end with its own exit code.
        """
        self.append_builtin_config(self.config_jsonschema)
        keep_out_of_logs(secret_values(self._config, self.config_jsonschema))
        lines = explain_settings_errors(self._config, self.config_jsonschema, self._env_var_prefix)
        if self._reads_environment:
            lines += explain_booleans(os.environ, self.config_jsonschema, self._env_var_prefix)
        if lines and raise_errors:
            raise ConfigurationError("; ".join(lines))
        # The SDK's check also fills in the defaults.
        return super().check_settings(raise_errors=False)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:  # noqa: ANN401 - the SDK's
        """Read the files of settings.

        Raises:
            ConfigurationError: If one cannot be read, or holds no object.
        """
        close_to_others(value)
        with files_told():
            return super().cb_config(ctx, param, value)

    @classmethod
    def invoke(
        cls,
        *,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        **options: Any,  # noqa: ANN401 - the SDK's
    ) -> None:
        """Run the tap with the options of the command line.

        Raises:
            ConfigurationError: If the state or the catalog is no JSON, besides wrong settings.
        """
        super().invoke(
            state=readable("state", state), catalog=readable("catalog", catalog), **options
        )

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line of the tap."""
        keep_to_own_words(cls.name, __file__, str(sys.modules[cls.__module__].__file__))
        command = super().get_singer_command()
        return OneLineCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )
