"""Variables of dbt that are an account's own: `config/vars.yml`, which no upgrade touches.

A map, such as `contact_columns`, may have a few of its meanings; the others stay those of
`dbt_project.yml`.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml

from refresh.yaml_file import YamlError, YamlFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class VarsError(Exception):
    """A variable is wrong.

    Attributes:
        names: The variable, and the meaning in its map, if it is that.
    """

    def __init__(self, reason: str, *names: str) -> None:
        """Say what is wrong with which."""
        super().__init__(reason)
        self.names = names


def complete(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables as dbt takes them: each map whole.

    Args:
        given: Those that differ.
        defaults: Those of `dbt_project.yml`.

    Raises:
        VarsError: There is no such variable or meaning, or its value is of another kind.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in defaults:
            reason = f"there is no variable {name}{_meant(name, defaults)}"
            raise VarsError(reason, name)
        default = defaults[name]
        found[name] = _map(name, value, default) if isinstance(default, dict) else value
        if (wanted := _kind(default)) and _kind(value) != wanted:
            reason = f"{name} must be {wanted}"
            raise VarsError(reason, name)
    return found


def _map(name: str, value: object, default: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value, dict):
        reason = f"{name} must be a map of meanings to lists of columns"
        raise VarsError(reason, name)
    for meaning, columns in value.items():
        if meaning not in default:
            reason = f"{name} has no meaning {meaning}{_meant(meaning, default)}"
            raise VarsError(reason, name, str(meaning))
        if not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
            reason = f"{name}: {meaning} must be a list of columns, such as [{meaning}]"
            raise VarsError(reason, name, str(meaning))
    return default | value


def _meant(name: object, known: Iterable[str]) -> str:
    near = get_close_matches(str(name), known, n=1)
    return f": did you mean {near[0]}?" if near else ""


def _kind(value: object) -> str:
    """Return what a value is, as a person calls it; empty where it may be anything."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number" if math.isfinite(value) else "no number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else ""


def read(path: Path, project: Path) -> dict[str, Any]:
    """Return the variables of a file, none where there is no file.

    Args:
        path: The file.
        project: The folder of `dbt_project.yml`.

    Raises:
        VarsError: It cannot be read, or a variable is wrong; the message names the file and line.
    """
    try:
        file = YamlFile.read(path)
    except YamlError as error:
        raise VarsError(str(error)) from None
    given = file.value if file is not None else None
    if file is None or given is None:
        return {}
    if not isinstance(given, dict):
        reason = f"{path}: variables are written as name: value"
        raise VarsError(reason)
    defaults = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    try:
        return complete(given, defaults)
    except VarsError as error:
        reason = f"{path}, line {file.line(*error.names)}: {error}"
        raise VarsError(reason, *error.names) from None
