"""The user's stream maps, run over records."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MappingError
from singer_sdk.mapper import SameRecordTransform

from target_duckdb.errors import InvalidValueError

if TYPE_CHECKING:
    from singer_sdk.mapper import StreamMap


def is_identity(stream_map: StreamMap) -> bool:
    """Tell whether a map leaves every record as it is."""
    return isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled


def mapped(stream_map: StreamMap, record: dict[str, Any]) -> dict[str, Any] | None:
    """Run a record through a map; None where the map drops it.

    Raises:
        InvalidValueError: The map fails for this record. No value of it is in the text.
    """
    try:
        result = stream_map.transform(record)
    except Exception as error:  # noqa: BLE001 (whatever the user's expressions raise)
        # Python's own words would quote the value.
        words = str(error) if isinstance(error, MappingError) else type(error).__name__
        reason = f"its stream map fails: {words}"
        raise InvalidValueError(reason) from None
    if result is not None and stream_map.flattening_enabled:
        # An object that is null has no columns that it could be flattened into.
        columns = stream_map.transformed_schema["properties"]
        result = {k: value for k, value in result.items() if value is not None or k in columns}
    return None if result is None else _as_json_values(result)


def _as_json_values(value: Any) -> Any:  # noqa: ANN401
    """Turn what stream maps may make, such as dates, into values that JSON has."""
    if isinstance(value, dict):
        return {str(key): _as_json_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json_values(item) for item in value]
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float, Decimal)):
        return value
    return str(value)
