"""Names of columns and tables that are the loader's, whatever a service calls its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The metadata columns of the Singer SDK. A loader takes what a tap says in `_sdc_deleted_at` for
#: the deletion of the row.
LOADER_COLUMNS = frozenset(
    {
        "_sdc_extracted_at",
        "_sdc_received_at",
        "_sdc_batched_at",
        "_sdc_deleted_at",
        "_sdc_sequence",
        "_sdc_table_version",
        "_sdc_sync_started_at",
    }
)

#: Tables that `target-duckdb` keeps for itself.
LOADER_TABLES = frozenset({"_quarantine"})

_OF_THE_SERVICE = "service"


def without_loader_columns(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose columns are none of the loader's; most are given back as they are.

    A column `_sdc_deleted_at` becomes `service_sdc_deleted_at`, and keeps its place.
    """
    # Databases take names that differ by case for one.
    if not any(name[:1] == "_" and name.lower() in LOADER_COLUMNS for name in record):
        return record
    return {_own(name, record): value for name, value in record.items()}


def _own(name: str, record: Mapping[str, Any]) -> str:
    if name.lower() not in LOADER_COLUMNS:
        return name
    own = f"{_OF_THE_SERVICE}{name}"
    while own in record:
        own += "_"
    return own
