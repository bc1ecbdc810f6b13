"""What a tap is given in files of JSON: settings, a state and a catalog."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, NoReturn

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib import Catalog, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.singerlib import CatalogEntry

_OBJECT = {"type": "object"}
_LIST = {"type": "array", "items": _OBJECT}
_METADATA = {
    "type": "object",
    "properties": {"breadcrumb": {"type": "array"}, "metadata": _OBJECT},
    "required": ["breadcrumb", "metadata"],
}

_SHAPES: dict[str, dict[str, Any]] = {
    "state": {
        "type": "object",
        "properties": {
            "bookmarks": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    # The SDK takes both for granted.
                    "properties": {"partitions": _LIST, "progress_markers": _OBJECT},
                },
            }
        },
    },
    "catalog": {
        "type": "object",
        "properties": {
            "streams": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "properties": {"type": "object", "additionalProperties": _OBJECT}
                            },
                        },
                        "metadata": {"type": "array", "items": _METADATA},
                    },
                    "required": ["tap_stream_id"],
                },
            }
        },
    },
}


@contextmanager
def files_told() -> Iterator[None]:
    """Tell a file that cannot be read, or holds something else, as what it is.

    Raises:
        ConfigurationError: In the place of what reading it raises.
    """
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        message = f"a file given as an argument: {error}"
        raise ConfigurationError(message) from error


def close_to_others(paths: Iterable[str]) -> None:
    """Let only its owner into the folder in which Meltano hands over settings, secrets too.

    Meltano makes it for all to read, as the umask has it: the one of a shell is rarely narrow.

    Args:
        paths: The files of settings; those of other programs stay as they are.
    """
    for path in paths:
        folder = Path(path).parent
        if folder.parent.name == "run" and folder.parent.parent.name == ".meltano":
            # Somebody else's is for them to close.
            with suppress(OSError):
                folder.chmod(0o700)


def readable(name: str, file: IO[str] | None) -> IO[str] | None:
    """Return a file of the same text, which is JSON.

    Args:
        name: `state` or `catalog`.
        file: The file.

    Raises:
        ConfigurationError: If it is not, or cannot be read.
    """
    if file is None:
        return None
    with files_told():
        text = file.read()
        given = json.loads(text)
    if isinstance(given, str):
        # The SDK takes it for the path of another file.
        _refuse(name, "$", "no object")
    return StringIO(text)


def _refuse(name: str, place: str, wanted: str) -> NoReturn:
    message = f"the file given as --{name} holds no {name}: what stands at {place} is {wanted}"
    raise ConfigurationError(message)


def check_argument(name: str, given: object, own_shape: Mapping[str, Any] | None = None) -> None:
    """See that a state or a catalog has the shape that the SDK and the tap take for granted.

    Args:
        name: `state` or `catalog`.
        given: What was read of the file; None, or the path of a file yet to be read, is right.
        own_shape: What the tap takes for granted, as a JSON schema.

    Raises:
        ConfigurationError: If it has another shape; the line says where.
    """
    if given is None or isinstance(given, str | PurePath | Catalog):
        return
    shape = {"allOf": [_SHAPES[name], own_shape or {}]}
    error = best_match(Draft202012Validator(shape).iter_errors(given))
    if error is not None:
        place = "".join(f"[{step!r}]" for step in error.absolute_path)
        expected = error.validator_value
        if isinstance(expected, list):
            expected = (" and " if error.validator == "required" else " or ").join(expected)
        wanted = f"no {expected}" if error.validator == "type" else f"without {expected}"
        _refuse(name, f"${place}", wanted)


def select_key(entry: CatalogEntry) -> None:
    """Select the key of a stream, whatever an edited or earlier catalog says: rows need it."""
    for name in entry.key_properties or ():
        # What has no entry is selected.
        if ("properties", name) in entry.metadata:
            entry.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC
