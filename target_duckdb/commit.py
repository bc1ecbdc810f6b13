"""What was staged goes into the database, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_duckdb.load import ROW_ID, Merge, rename
from target_duckdb.memory import NEW_COLUMN
from target_duckdb.names import assign, folded
from target_duckdb.settings import APPEND_ONLY, OVERWRITE
from target_duckdb.tables import (
    Table,
    evolve,
    find_columns,
    find_names,
    find_schema,
    look_up_schema,
)
from target_duckdb.versions import activate, delete_marked, newest_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duckdb import DuckDBPyConnection

    from target_duckdb.memory import Memory
    from target_duckdb.sink import DuckDBSink


@dataclass
class Committer:
    """Writes staged streams; one object serves a whole run.

    Attributes:
        database: Name of the database.
        memory: DuckDB's limit of memory.
        schema: Name of the schema of all tables.
        load_method: One of the setting's values.
        hard_delete: Whether deleted rows go.
    """

    database: str
    memory: Memory
    schema: str
    load_method: str
    hard_delete: bool
    _streams: list[str] = field(default_factory=list, init=False)
    _replaced: set[str] = field(default_factory=set, init=False)
    _replacing: set[str] = field(default_factory=set, init=False)

    def write(self, connection: DuckDBPyConnection, sinks: Iterable[DuckDBSink]) -> None:
        """Write all staged rows; must be called inside a transaction.

        Raises:
            EvolutionError: A table cannot take in what a schema brings.
        """
        self._replacing = set()
        sinks = [sink for sink in sinks if sink.columns]
        if not sinks:
            return
        tables = self._tables(connection, sinks)
        schemas = Counter(sink.stream_name for sink in sinks)
        renamed = [
            sink
            for sink in sinks
            # Values of several schemas go into a table that is wide enough for all of them.
            if schemas[sink.stream_name] == 1 and self._rename(connection, sink, tables)
        ]
        self.memory.make_room(NEW_COLUMN * self._new_columns(connection, sinks, tables))
        # DuckDB alters no table after rows of it were changed in the same transaction.
        columns = [
            evolve(connection, tables[sink.stream_name], sink.columns, sink.stream_name)
            for sink in sinks
        ]
        for sink, names in zip(sinks, columns, strict=True):
            self._merge(
                connection, sink, tables[sink.stream_name], names, is_renamed=sink in renamed
            )
        for sink in sinks:
            if sink.staging.can_be_renamed and sink not in renamed:
                connection.execute(f"DROP TABLE {sink.staging.sql}")
        # Also if the schema has changed since, and another sink has taken the stream over.
        refused = {sink.stream_name for sink in sinks if sink.has_refused}
        for sink in sinks:
            table = tables[sink.stream_name]
            if sink.activation is not None and sink.stream_name in refused:
                sink.logger.warning(
                    "Stream '%s': records of it were quarantined, so that in this run no row "
                    "counts as deleted",
                    sink.stream_name,
                )
            elif sink.activation is not None:
                activate(connection, table, sink.activation, hard_delete=self.hard_delete)
            if sink.marks_deleted and self.hard_delete:
                delete_marked(connection, table)

    def committed(self) -> None:
        """Remember what was replaced by the rows just written."""
        self._replaced |= self._replacing

    def versions(
        self, connection: DuckDBPyConnection, sinks: Iterable[DuckDBSink]
    ) -> dict[str, int | None]:
        """Return for each stream the newest version in its table.

        Args:
            connection: The working connection, with the database attached.
            sinks: Sinks whose records have a version that has not been activated.

        Returns:
            None for a stream of whose table no row has such a version, or one after it.
        """
        sinks = list(sinks)
        schema = look_up_schema(connection, self.database, self.schema)
        if schema is None:
            return {sink.stream_name: None for sink in sinks}
        tables = self._tables_in(schema, connection, sinks)
        return {
            sink.stream_name: newest_version(connection, tables[sink.stream_name], sink.unactivated)
            for sink in sinks
            if sink.unactivated is not None
        }

    def _tables(self, connection: DuckDBPyConnection, sinks: list[DuckDBSink]) -> dict[str, Table]:
        schema = find_schema(connection, self.database, self.schema)
        return self._tables_in(schema, connection, sinks)

    def _tables_in(
        self, schema: str, connection: DuckDBPyConnection, sinks: list[DuckDBSink]
    ) -> dict[str, Table]:
        for sink in sinks:
            if sink.stream_name not in self._streams:
                self._streams.append(sink.stream_name)
        names = assign(self._streams, find_names(connection, self.database, schema))
        return {name: Table(self.database, schema, names[name]) for name in self._streams}

    @staticmethod
    def _new_columns(
        connection: DuckDBPyConnection, sinks: Iterable[DuckDBSink], tables: Mapping[str, Table]
    ) -> int:
        """Count the columns that tables need which are there already."""
        count = 0
        for sink in sinks:
            existing = find_columns(connection, tables[sink.stream_name])
            if existing:
                count += len(set(assign(sink.columns, existing).values()) - existing.keys())
        return count

    @staticmethod
    def _rename(
        connection: DuckDBPyConnection, sink: DuckDBSink, tables: Mapping[str, Table]
    ) -> bool:
        """Make a staging table the stream's table, where there is none and that is possible."""
        table = tables[sink.stream_name]
        names = assign(sink.columns)
        # Names that the staging table needs for itself, until its columns are renamed and after.
        taken = {ROW_ID, *(f"c{index}" for index, _ in enumerate(sink.staging.columns))}
        if (
            not sink.staging.can_be_renamed
            or not taken.isdisjoint(map(folded, names.values()))
            or find_columns(connection, table)
        ):
            return False
        rename(connection, sink.staging, table, names)
        return True

    def _merge(
        self,
        connection: DuckDBPyConnection,
        sink: DuckDBSink,
        table: Table,
        names: dict[str, str],
        *,
        is_renamed: bool,
    ) -> None:
        keys = [] if self.load_method == APPEND_ONLY else sink.key_properties
        # A tap that could read nothing sends a SCHEMA message all the same. That a table is
        # empty is believed only where the tap says that it has read all of it.
        is_told = bool(sink.staging.rows) or sink.activation is not None
        replace = (
            self.load_method == OVERWRITE
            and sink.stream_name not in self._replaced | self._replacing
            and is_told
        )
        if replace:
            self._replacing.add(sink.stream_name)
        Merge(
            staging=sink.staging,
            table=table,
            columns=names,
            types=find_columns(connection, table),
            keys=[names[key] for key in keys],
            replace=replace,
            place=f"stream {sink.stream_name!r}",
            is_renamed=is_renamed,
        ).run(connection)
