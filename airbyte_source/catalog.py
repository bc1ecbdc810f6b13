"""Streams of a tap as Airbyte lists them, and what Airbyte chose, as the tap has to know it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Catalog, CatalogEntry, MetadataMapping, Schema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

if TYPE_CHECKING:
    from singer_sdk import Stream, Tap

    from airbyte_source.inputs import ConfiguredStream

# Times leave a Singer tap as RFC 3339, which names an offset.
_TIMES = {"date-time": "timestamp_with_timezone", "time": "time_without_timezone"}


def describe_stream(stream: Stream) -> dict[str, Any]:
    """Give a stream as a catalog lists it: schema, keys, and how it can be read.

    `is_resumable` is about full refreshes, which begin anew here. Were it set, Airbyte would keep
    what a broken attempt brought, and the next one would bring it again.
    """
    key = stream.replication_key
    is_incremental = stream.replication_method != REPLICATION_FULL_TABLE
    described: dict[str, Any] = {
        "name": stream.name,
        "json_schema": _typed(deepcopy(stream.schema)),
        "supported_sync_modes": ["full_refresh"],
        "is_resumable": False,
    }
    if is_incremental:
        described["supported_sync_modes"].append("incremental")
        described["source_defined_cursor"] = True
    if is_incremental and key is not None:
        described["default_cursor_field"] = [key]
    if stream.primary_keys:
        described["source_defined_primary_key"] = [[name] for name in stream.primary_keys]
    return described


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    """Name the types that JSON schema has no word for, at every depth.

    A closed object is opened: to Airbyte, one that a column vanishes from would be another.
    """
    if schema.get("format") in _TIMES:
        schema["airbyte_type"] = _TIMES[schema["format"]]
    if schema.get("additionalProperties") is False:
        schema["additionalProperties"] = True
    if isinstance(schema.get("items"), dict):
        _typed(schema["items"])
    for nested in schema.get("properties", {}).values():
        _typed(nested)
    return schema


def configure(tap: Tap, stream: Stream, wanted: ConfiguredStream | None) -> None:
    """Make a stream read what was chosen; one without a cursor is always read whole.

    Args:
        tap: Its tap, whose mapper has been set up.
        stream: The stream.
        wanted: How it is to be read; None for one that is read only for its children.
    """
    key = stream.replication_key
    method = stream.replication_method
    # PyAirbyte asks for `incremental` of every stream, whatever the catalog says.
    if wanted is not None and wanted.sync_mode == "full_refresh":
        method = REPLICATION_FULL_TABLE
    metadata = MetadataMapping.get_standard_metadata(
        schema=stream.schema,
        key_properties=stream.primary_keys,
        valid_replication_keys=None if key is None else [key],
        replication_method=method,
    )
    metadata.root.selected = wanted is not None
    columns = None if wanted is None else wanted.columns
    if columns is not None:
        for name in stream.schema.get("properties", {}):
            # Keys are included whatever this says.
            metadata["properties", name].selected = name in columns
    entry = CatalogEntry(
        tap_stream_id=stream.tap_stream_id,
        stream=stream.name,
        schema=Schema.from_dict(stream.schema),
        metadata=metadata,
        key_properties=stream.primary_keys,
        replication_key=key,
        replication_method=method,
    )
    catalog = Catalog([(stream.tap_stream_id, entry)])
    stream.apply_catalog(catalog)
    tap.mapper.register_raw_streams_from_catalog(catalog)
