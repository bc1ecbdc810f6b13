"""The settings of these programs: environment variables, or lines of `.env`, as for Meltano.

What an environment of `meltano.yml` sets counts where neither of them does.
"""

from __future__ import annotations

import os
import sys
from functools import cache, wraps
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DEFAULT_ENVIRONMENT = "prod"
#: Under Meltano, which has set all variables before it starts a program.
_BY_MELTANO = "MELTANO_PROJECT_ROOT"
#: The plugins whose settings are read, by their namespace, from variables that begin so.
_PLUGINS, _PREFIX = {"dbt", "parquet", "publish", "report", "target-duckdb"}, "DUCKDB_"


class EnvFileError(Exception):
    """`.env` cannot be read; the message names it."""


def env_file_needed(main: Callable[..., int]) -> Callable[..., int]:
    """Let a program end with 2, in one line, where `.env` cannot be read."""

    @wraps(main)
    def ended(arguments: Sequence[str] | None = None) -> int:
        try:
            return main(arguments)
        except EnvFileError as error:
            sys.stderr.write(f"{error}\n")
            return 2

    return ended


def variables(project: Path | None = None, environment: str | None = None) -> dict[str, str]:
    """Return all variables: of the environment, of `.env`, and of `meltano.yml`, the first wins.

    Args:
        project: The folder of both files; by default the one this runs in.
        environment: Of Meltano; by default MELTANO_ENVIRONMENT, else `prod`.

    Raises:
        EnvFileError: `.env` cannot be read.
    """
    project = project or Path()
    given = {**_of_file(project / ".env"), **os.environ}
    if _BY_MELTANO in os.environ:
        return given
    name = environment or given.get("MELTANO_ENVIRONMENT") or DEFAULT_ENVIRONMENT
    return {**_of_environment(project.absolute() / "meltano.yml", name), **given}


def _of_file(path: Path) -> dict[str, str]:
    try:
        return {name: value or "" for name, value in dotenv_values(path).items()}
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = f"cannot read {path}: line {line} is no UTF-8: save the file as UTF-8"
        raise EnvFileError(reason) from None
    except OSError as error:
        reason = f"cannot read {path}: {error.strerror}"
        raise EnvFileError(reason) from None


@cache
def meltano_project(path: Path) -> dict[str, Any]:
    """Return what a `meltano.yml` says; nothing where there is none."""
    if not path.is_file():
        return {}
    import yaml  # noqa: PLC0415 - it comes with Meltano, and the file is of nobody else

    # The parser in C is ten times as fast, and not everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), loader) or {}  # noqa: S506 - a safe one
    return content


def _of_environment(path: Path, name: str) -> dict[str, str]:
    """Return what `meltano.yml` sets for an environment, as variables."""
    meant = {"MELTANO_PROJECT_ROOT": str(path.parent), "MELTANO_ENVIRONMENT": name}
    return {
        f"{_PREFIX}{setting.upper()}": Template(str(value)).safe_substitute(meant)
        for setting, value in _settings(meltano_project(path), name)
    }


def _settings(content: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    for environment in content.get("environments") or []:
        if environment["name"] == name:
            for plugins in environment.get("config", {}).get("plugins", {}).values():
                for plugin in plugins:
                    if plugin["name"] in _PLUGINS:
                        yield from plugin.get("config", {}).items()
