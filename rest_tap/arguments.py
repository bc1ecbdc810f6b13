"""What a tap is given besides its settings: a state and a catalog, as JSON in files."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib import Catalog

_OBJECT = {"type": "object"}
_LIST = {"type": "array", "items": _OBJECT}

_SHAPES: dict[str, dict[str, Any]] = {
    "state": {
        "type": "object",
        "properties": {
            "bookmarks": {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"partitions": _LIST}},
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
                    "properties": {"schema": _OBJECT, "metadata": _LIST},
                    "required": ["tap_stream_id"],
                },
            }
        },
    },
}


def check_argument(name: str, given: object) -> None:
    """See that a state or a catalog has the shape that the SDK takes for granted.

    Args:
        name: `state` or `catalog`.
        given: What was read of the file; None, or the path of a file yet to be read, is right.

    Raises:
        ConfigurationError: If it has another shape; the line says where.
    """
    if given is None or isinstance(given, str | PurePath | Catalog):
        return
    error = best_match(Draft202012Validator(_SHAPES[name]).iter_errors(given))
    if error is not None:
        place = "".join(f"[{step!r}]" for step in error.absolute_path)
        expected = error.validator_value
        wanted = f"no {expected}" if error.validator == "type" else f"without {expected}"
        message = f"the file given as --{name} holds no {name}: what stands at ${place} is {wanted}"
        raise ConfigurationError(message)
