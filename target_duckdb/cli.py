"""The command line of the target: what goes wrong is one line and an exit code."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from singer_sdk import Target
from singer_sdk.exceptions import ConfigValidationError, MappingError

from target_duckdb.errors import SettingError, TargetError, one_line
from target_duckdb.paths import MISSING_PATH
from target_duckdb.settings import CONFIG_JSONSCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click
    from singer_sdk.plugin_base import _ConfigInput

_EXIT_FAILED = 1
_EXIT_WRONG_SETTINGS = 2

_NO_PATH = (
    "'path' is a required property",
    "None is not of type 'string' in config['path']",
)
_WITH_SECRETS = {"batch_config", "stream_map_config"}
"""Settings of which a part may be a secret: the address of a store, the seed of a hash."""


class CommandTarget(Target):
    """A target whose errors a user can do something about."""

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the files of `--config`; one that is missing or no JSON object ends the program.

        Args:
            ctx: Of the command line.
            param: The option.
            value: Paths, or `ENV`.
        """
        _close_to_others(value)
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, TypeError, ValueError) as error:
            name = "', '".join(path for path in value if path != "ENV")
            cls.logger.error(  # noqa: TRY400 (one line is enough)
                "Wrong settings: --config '%s' is no file with a JSON object: %s",
                name,
                one_line(error),
            )
            sys.exit(_EXIT_WRONG_SETTINGS)

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Run the target; an error the user can do something about is one line and an exit code.

        Args:
            about: Show settings and capabilities, and nothing else.
            about_format: How they are shown.
            config: Settings.
            file_input: Messages; standard input if None.
        """
        try:
            super().invoke(
                about=about, about_format=about_format, config=config, file_input=file_input
            )
            # All is closed. To look through all modules for cycles at the end takes 0.1 s.
            atexit.register(gc.freeze)
        except ConfigValidationError as error:
            for line in map(_in_words, error.errors):
                cls.logger.error("Wrong settings: %s", line)  # noqa: TRY400 (one line is enough)
            sys.exit(_EXIT_WRONG_SETTINGS)
        except MappingError as error:
            cls.logger.error("Wrong settings: config['stream_maps']: %s", error)  # noqa: TRY400
            sys.exit(_EXIT_WRONG_SETTINGS)
        except SettingError as error:
            cls.logger.error("Wrong settings: %s", error)  # noqa: TRY400 (one line is enough)
            sys.exit(_EXIT_WRONG_SETTINGS)
        except TargetError as error:
            cls.logger.error("%s", error)  # noqa: TRY400 (one line is enough)
            sys.exit(_EXIT_FAILED)


def _in_words(line: str) -> str:
    """Return which setting is missing; leave out what one that may hold secrets was set to."""
    if line in _NO_PATH:
        return MISSING_PATH
    properties = CONFIG_JSONSCHEMA["properties"].items()
    for name in _WITH_SECRETS.union(name for name, each in properties if each.get("secret")):
        if f"['{name}']" in line:
            return f"config['{name}'] is of a wrong type"
    return line


def _close_to_others(paths: Iterable[str]) -> None:
    """Let only its owner into the folder in which Meltano hands over settings, secrets too.

    Args:
        paths: The files of settings; those of other programs stay as they are.
    """
    for path in paths:
        folder = Path(path).parent
        if folder.parent.name == "run" and folder.parent.parent.name == ".meltano":
            # Somebody else's is for them to close.
            with suppress(OSError):
                folder.chmod(0o700)
