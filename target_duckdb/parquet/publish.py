"""Publishing: a snapshot of the tables becomes the one that readers find.

1. The manifest is read, and all files that are there are listed.
2. Each table is read once. One whose content is that of the last snapshot is not written: the new
   manifest names the files it has. All others are written to the directory of the new snapshot.
3. The manifest is replaced, if it is still the one that was read.
4. Files that were listed in step 1 and that no kept snapshot needs are removed.

A file that was there in step 1 is of a publisher that had read the manifest before it was replaced
in step 3. Such a publisher cannot replace it any more. So no file is removed that a manifest will
ever name, whoever else publishes, or was killed, at the same time, and no clock is asked.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from target_duckdb.parquet.manifest import (
    CURRENT,
    SNAPSHOTS,
    File,
    Manifest,
    ManifestError,
    Snapshot,
    TableEntry,
    decoded,
)
from target_duckdb.parquet.places import PlaceError, ReplacedError
from target_duckdb.parquet.tables import FILE_BYTES, columns, content, tables, write

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import duckdb

    from target_duckdb.parquet.places import Place
    from target_duckdb.parquet.tables import Table


class PublishParquetError(Exception):
    """Nothing was published; readers find what they found before."""


class CleaningError(Exception):
    """The snapshot was published, and files that nobody needs could not be removed."""


@dataclass(frozen=True)
class Options:
    """How to publish.

    Attributes:
        schemas: The schemas whose tables are published.
        keep: How many earlier snapshots stay.
        file_bytes: The size of a file from which on a table goes on in another one.
    """

    schemas: Collection[str]
    keep: int = 3
    file_bytes: int = FILE_BYTES


def publish(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    options: Options,
    say: Callable[[str], None],
) -> Manifest:
    """Publish the tables of a database.

    Args:
        connection: To the database; nobody writes to it meanwhile.
        place: Where to.
        options: What, and how much of it is kept.
        say: Takes a line for each table that is written.

    Returns:
        The new manifest.

    Raises:
        PublishParquetError: There is no such table, or another publisher was faster.
        CleaningError: It is published, but something could not be removed.
        ManifestError, PlaceError, TableError: It failed.
    """
    before = place.read(CURRENT)
    last = decoded(before.content, f"{place.name}/{CURRENT}") if before else None
    there = place.sizes(SNAPSHOTS)
    found = tables(connection, options.schemas)
    if not found:
        message = f"there is no table in {', '.join(options.schemas)}: PARQUET_SCHEMAS names others"
        raise PublishParquetError(message)
    run = _Run(connection, place, options, say)
    with run.removed_on_failure():
        entries = [run.entry(table, _unchanged(last, there)) for table in found]
        earlier = [last.snapshot, *last.earlier][: options.keep] if last else []
        manifest = Manifest(run.snapshot, entries, earlier)
        place.add(run.snapshot.manifest, manifest.without_earlier().encoded())
    try:
        place.replace(CURRENT, manifest.encoded(), before)
    except ReplacedError:
        run.remove()
        message = (
            f"another publisher has replaced {place.name}/{CURRENT} since this one began; it "
            "stays, and nothing of this one does: let one publish at a time"
        )
        raise PublishParquetError(message) from None
    _clean(place, manifest, there)
    return manifest


class _Run:
    """One publishing."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        place: Place,
        options: Options,
        say: Callable[[str], None],
    ) -> None:
        self._connection, self._place = connection, place
        self._options, self._say = options, say
        now = datetime.now(timezone.utc)
        name = f"{now:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        self.snapshot = Snapshot(name, f"{now:%Y-%m-%dT%H:%M:%SZ}")

    def entry(self, table: Table, unchanged: dict[tuple[str, str, str], TableEntry]) -> TableEntry:
        """Return what the manifest says of a table, after its files are in place."""
        digest = content(self._connection, table)
        known = unchanged.get((table.schema, table.name, digest))
        if known:
            return known
        directory = f"{SNAPSHOTS}/{self.snapshot.snapshot}/{table.directory}"
        with self._place.adding(directory) as folder:
            rows = write(self._connection, table, folder, self._options.file_bytes)
            files = [
                File(f"{directory}/{name}", rows_of_file, (folder / name).stat().st_size)
                for name, rows_of_file in rows.items()
            ]
        count, size = sum(rows.values()), sum(file.bytes for file in files)
        parts = f"{len(files)} files" if len(files) > 1 else "1 file"
        self._say(f"{table.full_name}: {count:,} rows, {parts}, {size / 1e6:,.2f} MB")
        return TableEntry(
            schema=table.schema,
            name=table.name,
            rows=count,
            snapshot=self.snapshot.snapshot,
            directory=directory,
            content=digest,
            columns=columns(self._connection, table),
            files=files,
        )

    @contextmanager
    def removed_on_failure(self) -> Iterator[None]:
        """Leave nothing behind where something goes wrong before the manifest is sent."""
        try:
            yield
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove what this run has added, as far as the place lets it; the next run looks, too."""
        try:
            self._place.remove(self._place.sizes(f"{SNAPSHOTS}/{self.snapshot.snapshot}"))
        except PlaceError as error:
            self._say(f"what this run wrote stays until the next one: {error}")


def _unchanged(
    last: Manifest | None, there: dict[str, int]
) -> dict[tuple[str, str, str], TableEntry]:
    """Return the tables of the last snapshot whose files are all there, by name and content."""
    return {
        (table.schema, table.name, table.content): table
        for table in (last.tables if last else [])
        if all(there.get(file.path) == file.bytes for file in table.files)
    }


def _clean(place: Place, manifest: Manifest, there: dict[str, int]) -> None:
    """Remove what was there before and no snapshot needs that is kept.

    Raises:
        CleaningError: Something cannot be read or removed.
    """
    try:
        needed = manifest.paths()
        for snapshot in manifest.earlier:
            found = place.read(snapshot.manifest)
            if found:
                needed |= decoded(found.content, f"{place.name}/{snapshot.manifest}").paths()
        place.remove(sorted(there.keys() - needed))
    except (PlaceError, ManifestError) as error:
        message = f"snapshot {manifest.snapshot.snapshot} is published, but old files stay: {error}"
        raise CleaningError(message) from None
