"""The catalog of an earlier discovery beside the account as it is now.

Under Meltano, discovery and sync are two processes, and the account may change in between:
a column is added, or a value makes a column wider. The types of the response that is being
sent are the right ones; what is selected is the catalog's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.singerlib import Metadata, Schema

from rest_tap.arguments import select_key

if TYPE_CHECKING:
    import logging

    from singer_sdk.singerlib import CatalogEntry
    from singer_sdk.streams import Stream


def bring_up_to_date(entry: CatalogEntry, stream: Stream, logger: logging.Logger) -> None:
    """Put the columns of the account's answer into a catalog entry.

    A column the catalog does not know is taken in, unless somebody has left out columns of
    this stream: then it stays out too, since it may be just what was not to be copied.

    Args:
        entry: The entry, changed in place.
        stream: The stream, which knows the account's answer.
        logger: Is told which columns are new.
    """
    known = entry.schema.to_dict()
    found = stream.schema
    properties = {**known.get("properties", {}), **found["properties"]}
    new = [name for name in found["properties"] if name not in known.get("properties", {})]
    selection = entry.metadata.resolve_selection()
    all_wanted = all(selection["properties", name] for name in known.get("properties", {}))
    for name in new:
        entry.metadata["properties", name] = Metadata(
            inclusion=Metadata.InclusionType.AVAILABLE, selected=all_wanted
        )
    if new:
        logger.warning(
            "%s: columns that the catalog does not know: %s (%s)",
            stream.name,
            ", ".join(new),
            "taken in" if all_wanted else "left out, since other columns are deselected",
        )
    entry.schema = Schema.from_dict({**found, "properties": properties})
    entry.key_properties = list(stream.primary_keys)
    select_key(entry)
