"""The manifest: which files make up a snapshot, and which snapshots there are.

`manifest.json` describes the newest one. It is replaced in one step, after all of its files are in
place; files are never changed. Each snapshot has the same text, without the earlier ones, in its
own directory, where it stays as long as its files do.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from target_duckdb.parquet.tables import Column

FORMAT = 1
CURRENT = "manifest.json"
SNAPSHOTS = "snapshots"


class ManifestError(Exception):
    """A manifest that this version cannot read."""


@dataclass(frozen=True)
class File:
    """A file of a table; its path is relative to where the manifest is."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class TableEntry:
    """What the manifest says of a table.

    Attributes:
        schema: Its schema in DuckDB.
        name: Its name there.
        rows: How many it has.
        snapshot: The one it was written in: an earlier one, where it has not changed since.
        directory: Where its files are, and no others; relative to where the manifest is.
        content: Changes with its rows: see `target_duckdb.parquet.tables.content`.
        columns: Its columns.
        files: Its files, at least one.
    """

    schema: str
    name: str
    rows: int
    snapshot: str
    directory: str
    content: str
    columns: list[Column]
    files: list[File]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot, by its name and when it was published (ISO 8601, UTC)."""

    snapshot: str
    published_at: str

    @property
    def manifest(self) -> str:
        """The path of its own manifest."""
        return f"{SNAPSHOTS}/{self.snapshot}/{CURRENT}"


@dataclass(frozen=True)
class Manifest:
    """A manifest.

    Attributes:
        snapshot: The snapshot that it describes.
        tables: Its tables, by schema and name.
        earlier: Snapshots before it that are kept, the newest first.
    """

    snapshot: Snapshot
    tables: list[TableEntry]
    earlier: list[Snapshot]

    def paths(self) -> set[str]:
        """Return the paths of all files that it needs, its own copy with them."""
        files = {file.path for table in self.tables for file in table.files}
        return files | {self.snapshot.manifest}

    def without_earlier(self) -> Manifest:
        """Return it as it stays beside its files."""
        return Manifest(self.snapshot, self.tables, [])

    def encoded(self) -> bytes:
        """Return it as the content of its file."""
        value = {
            "format": FORMAT,
            **asdict(self.snapshot),
            "tables": [asdict(table) for table in self.tables],
            "earlier": [asdict(each) | {"manifest": each.manifest} for each in self.earlier],
        }
        return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def decoded(content: bytes, place: str) -> Manifest:
    """Return a manifest from the content of its file.

    Args:
        content: That of the file.
        place: Where it is, for the error.

    Raises:
        ManifestError: It is no manifest, or one of a later format.
    """
    try:
        value: dict[str, Any] = json.loads(content)
        known = value["format"]
        if known == FORMAT:
            return Manifest(
                Snapshot(value["snapshot"], value["published_at"]),
                [_table(table) for table in value["tables"]],
                [Snapshot(each["snapshot"], each["published_at"]) for each in value["earlier"]],
            )
    except (ValueError, KeyError, TypeError):
        message = f"{place} is no manifest of parquet-publish: name another URL"
        raise ManifestError(message) from None
    message = f"{place} has format {known}, written by another version of parquet-publish"
    raise ManifestError(message)


def _table(value: dict[str, Any]) -> TableEntry:
    columns = [Column(**each) for each in value["columns"]]
    files = [File(**each) for each in value["files"]]
    return TableEntry(**{**value, "columns": columns, "files": files})
