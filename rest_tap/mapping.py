"""What goes wrong with the user's stream maps, told without what is in a record."""

from __future__ import annotations

from contextlib import contextmanager
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError, MappingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SOURCE = "__source__"
_OPTION = "__"


@contextmanager
def failures_told(stream: str) -> Iterator[None]:
    """Name the stream whose map fails for a record, whatever its expressions raise.

    Python's own words, and a traceback, would quote the value: `int() … with base 10: 'Jane'`.

    Raises:
        MappingError: The map fails.
    """
    try:
        yield
    except MappingError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever the user's expressions raise)
        message = f"the map of stream '{stream}' fails for a record with {type(error).__name__}"
        raise MapExpressionError(message) from None


def unused_maps(maps: Mapping[str, Any], streams: Iterable[str]) -> list[str]:
    """Return the streams, or patterns of them, that have a map in the settings and do not exist.

    Args:
        maps: The setting `stream_maps`.
        streams: The names of all streams.
    """
    names = list(streams)
    wanted = (
        own.get(_SOURCE, name) if isinstance(own, dict) else name
        for name, own in maps.items()
        if not name.startswith(_OPTION)
    )
    return [pattern for pattern in wanted if not any(fnmatch(name, pattern) for name in names)]
