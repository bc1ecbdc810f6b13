"""What was staged goes into the database in one transaction, all of it or nothing.

First the tables take on what the schemas bring (`evolve`), then the rows go in as the load method
has it, then rows that are gone from the source are marked or deleted.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from target_duckdb.columns import (
    DELETED_AT,
    METADATA,
    VERSION,
    canonical,
    column_definition,
    converted,
    evolved,
    exact_types,
    is_number_type,
    reads_back,
    rounding,
    spelled,
)
from target_duckdb.database import NEW_COLUMN
from target_duckdb.errors import EvolutionError
from target_duckdb.names import assign, folded, literal, quote
from target_duckdb.settings import APPEND_ONLY, OVERWRITE
from target_duckdb.storage import FILE, Storage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from target_duckdb.database import Memory
    from target_duckdb.staging import StagedColumn, StagingTable, Stream

_MOST_RENAMED = 500
"""Columns that DuckDB renames in less time than it copies rows: each change copies all of them."""

_NO_MARKS = "'', 'false', '0', '0.0', 'null'"
"""Texts by which taps say that a row is not deleted."""

_SPELLED_NUMBER = r"-?(0|[1-9]\d*)(\.\d*[1-9])?|NaN|-?Infinity"
"""A number as the key rule spells it."""

_ERRORS_END_TRANSACTIONS = int(duckdb.__version__.partition(".")[0]) > 1
"""Whether a statement that fails ends its transaction, as since DuckDB 2."""

_ROW_ID = "rowid"
"""DuckDB's number of a row, hidden in a table that has a column of this name."""


@dataclass(frozen=True)
class Table:
    """Where a stream's rows live.

    Attributes:
        database: Name of the database.
        schema: Name of the schema.
        name: Name of the table.
        storage: How tables of the database are kept.
    """

    database: str
    schema: str
    name: str
    storage: Storage = FILE

    @property
    def sql(self) -> str:
        """The table as SQL writes it."""
        return ".".join(map(quote, (self.database, self.schema, self.name)))


def look_up_schema(connection: DuckDBPyConnection, database: str, wanted: str) -> str | None:
    """Return the schema's name as the database spells it, None where it does not exist."""
    rows = connection.execute(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = $1", [database]
    ).fetchall()
    for (name,) in rows:
        if folded(name) == folded(wanted):
            return str(name)
    return None


def find_schema(connection: DuckDBPyConnection, database: str, wanted: str) -> str:
    """Return the schema's name as the database spells it, made where it does not exist."""
    found = look_up_schema(connection, database, wanted)
    if found is None:
        connection.execute(f"CREATE SCHEMA {quote(database)}.{quote(wanted)}")
    return found or wanted


def find_names(connection: DuckDBPyConnection, database: str, schema: str) -> list[str]:
    """Return the names of all tables and views of a schema."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_catalog = $1 AND table_schema = $2",
        [database, schema],
    ).fetchall()
    return [name for (name,) in rows]


def refuse_views(connection: DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Raise an error where a view has the name of a stream.

    Raises:
        EvolutionError: One has.
    """
    for table in tables:
        found = connection.execute(
            "SELECT 1 FROM duckdb_views() "
            "WHERE database_name = $1 AND schema_name = $2 AND view_name = $3",
            [table.database, table.schema, table.name],
        ).fetchone()
        if found is not None:
            msg = (
                f"{table.schema}.{table.name} is a view, where a table was due; drop or rename it, "
                "or give the stream another '__alias__' in 'stream_maps'"
            )
            raise EvolutionError(msg)


def find_columns(connection: DuckDBPyConnection, table: Table) -> dict[str, str]:
    """Return the types of a table's columns by name, in order; nothing for a missing table."""
    place = [table.database, table.schema, table.name]
    # Where `DESCRIBE` finds no table it looks further: it takes `orders.csv` for a file, and `time`
    # for what Python calls so.
    if _ERRORS_END_TRANSACTIONS or any('"' in name for name in place):
        # The other function fails for a missing table, and reads no name with a quotation mark.
        rows = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = $1 AND schema_name = $2 AND table_name = $3 "
            "ORDER BY column_index",
            place,
        ).fetchall()
    else:
        # It looks at no other table, of which there may be thousands.
        query = f"SELECT name, type FROM pragma_table_info({literal(table.sql)})"  # noqa: S608
        try:
            rows = connection.execute(query).fetchall()
        except duckdb.CatalogException:
            return {}
    return {name: canonical(sql_type) for name, sql_type in rows}


def find_collated(connection: DuckDBPyConnection, database: str) -> set[tuple[str, str]]:
    """Return schema and name of the tables with a collation: the loader itself gives none."""
    query = (
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = $1 AND contains(sql, ' COLLATE ')"
    )
    return set(connection.execute(query, [database]).fetchall())


def find_restrictions(connection: DuckDBPyConnection, tables: Iterable[Table]) -> list[str]:
    """Return in words the indexes and constraints of tables: the loader itself makes none."""
    found = connection.execute(
        "SELECT database_name, schema_name, table_name, 'index ' || index_name "
        "FROM duckdb_indexes() UNION ALL "
        "SELECT database_name, schema_name, table_name, constraint_type || ' constraint' "
        "FROM duckdb_constraints() UNION ALL "
        "SELECT database_name, schema_name, referenced_table, "
        "'foreign key of table ' || table_name || ' to a column' "
        "FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY' ORDER BY ALL"
    ).fetchall()
    names = {(table.database, table.schema, table.name) for table in tables}
    return [
        f"{what} of table {schema}.{table}"
        for database, schema, table, what in dict.fromkeys(found)
        if (database, schema, table) in names
    ]


def evolve(
    connection: DuckDBPyConnection,
    table: Table,
    wanted: Mapping[str, str],
    exact: Mapping[str, ExactColumn],
    stream: str,
) -> dict[str, str]:
    """Make a table hold what a schema brings, without losing what it holds.

    Args:
        connection: In a transaction, before any row of the table is changed in it: DuckDB alters
            no table whose rows were.
        table: The table; made where it does not exist.
        wanted: Types by property name, in the order of the schema.
        exact: What the key rule says of columns, whatever is wanted of them.
        stream: Name of the stream, for errors.

    Returns:
        For each property the name of its column.

    Raises:
        EvolutionError: A column has a type that the loader makes no columns of, or widening it
            would round what it holds.
    """
    existing = find_columns(connection, table)
    names = assign(wanted, existing)
    kept_as = table.storage.kept_as
    wanted = {
        name: kept_as(exact[name].sql_type if name in exact else sql_type)
        for name, sql_type in wanted.items()
    }
    if not existing:
        columns = ", ".join(column_definition(names[name], wanted[name]) for name in wanted)
        connection.execute(f"CREATE TABLE {table.sql} ({columns})")
        return names
    for name, sql_type in wanted.items():
        column = names[name]
        if column not in existing:
            definition = column_definition(column, sql_type)
            connection.execute(f"ALTER TABLE {table.sql} ADD COLUMN {definition}")
            continue
        needed = evolved(existing[column], sql_type)
        if kept_as(existing[column]) != existing[column]:
            msg = (
                f"stream {stream!r}: column {column!r} of table {table.schema}.{table.name} is "
                f"{existing[column]}, which this database would round; make it "
                f"{kept_as(existing[column])}, or rename or drop it"
            )
            raise EvolutionError(msg)
        if needed is None:
            msg = (
                f"stream {stream!r}: column {column!r} of table {table.schema}.{table.name} is "
                f"{existing[column]}, which cannot take in the {sql_type} of its schema; rename, "
                "alter or drop the column"
            )
            raise EvolutionError(msg)
        if name in exact and existing[column] != sql_type:
            using = exact[name].carried(
                quote(column), existing[column], sql_type, is_spelled=exact[name].has_number_texts
            )
            _retype(connection, table, column, sql_type, using)
        elif name not in exact and needed != existing[column]:
            _widen(connection, table, column, (existing[column], kept_as(needed)), stream)
    return names


def _widen(
    connection: DuckDBPyConnection, table: Table, column: str, types: tuple[str, str], stream: str
) -> None:
    refuse_rounding(connection, table.sql, quote(column), types, (stream, column))
    _retype(connection, table, column, types[1], converted(quote(column), *types))


def _retype(
    connection: DuckDBPyConnection, table: Table, column: str, sql_type: str, using: str
) -> None:
    for statement in table.storage.retype(table.sql, quote(column), sql_type, using):
        connection.execute(statement)


def refuse_rounding(
    connection: DuckDBPyConnection,
    source: str,
    column: str,
    types: tuple[str, str],
    place: tuple[str, str],
) -> None:
    """Raise an error where a conversion would change numbers.

    Args:
        connection: Where the rows are.
        source: The table, in SQL.
        column: The column, in SQL.
        types: Its type and the one it is to become.
        place: What the error names: the stream, and the column of its table.

    Raises:
        EvolutionError: At least one value would be rounded.
    """
    changes = rounding(column, *types)
    if changes is None:
        return
    query = f"SELECT count(*) FILTER (WHERE {changes}) FROM {source}"  # noqa: S608 (quoted names)
    row = connection.execute(query).fetchone()
    if row is not None and row[0]:
        msg = (
            f"stream {place[0]!r}: {row[0]} values of column {place[1]!r} are {types[0]} and would "
            f"not be the same as {types[1]}; give the property 'multipleOf' or an "
            "'x-sql-datatype' of DECIMAL, or alter the column to VARCHAR"
        )
        raise EvolutionError(msg)


def _before(version: int, column: str) -> str:
    """Return the SQL condition that a row's version, if it has one, comes before this one.

    A version is the time at which a read began, in milliseconds or seconds since 1970. Where this
    one has passed and a row's is still to come, the row's is from a clock that was ahead.
    """
    now = time.time_ns() // 1_000_000
    is_wrong = f" OR {quote(column)} > {now}" if version <= now else ""
    return f"({quote(column)} < {int(version)}{is_wrong})"


def newest_version(
    connection: DuckDBPyConnection, table: Table, version: int, wanted: Iterable[str]
) -> int | None:
    """Return the newest version among a table's rows that does not come before the given one.

    Args:
        connection: The working connection.
        table: The table, which need not exist.
        version: A version that records of the stream have.
        wanted: Names of the properties and metadata columns that the table is to have.

    Returns:
        None where all rows come before, or there is none.
    """
    existing = find_columns(connection, table)
    # A property may be called the same but for its case.
    column = assign([*wanted, VERSION], existing)[VERSION]
    if existing.get(column) != METADATA[VERSION]:
        return None
    query = f"SELECT max({quote(column)}) FROM {table.sql} WHERE NOT {_before(version, column)}"  # noqa: S608 (quoted names)
    row = connection.execute(query).fetchone()
    return row[0] if row else None


@dataclass
class Changes:
    """What a transaction has done to the rows of a stream's table.

    Attributes:
        inserted: Rows whose key was not there before; all rows of a stream without a key.
        updated: Rows that another one of the same key has replaced, with other values or the same.
        deleted: Rows that were marked as deleted, or removed.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def _count(connection: DuckDBPyConnection) -> int:
    """Return how many rows the statement that was just executed has changed."""
    row = connection.fetchone()
    return int(row[0]) if row else 0


def activate(  # noqa: PLR0913
    connection: DuckDBPyConnection,
    table: Table,
    version: int,
    columns: Mapping[str, str],
    *,
    hard_delete: bool,
    with_unversioned: bool,
) -> int:
    """Let rows of versions before this one go; must be called inside a transaction.

    Args:
        connection: The working connection.
        table: The table, with its version column.
        version: The version that is active now.
        columns: For each property and metadata column its name in the table.
        hard_delete: Whether rows are deleted; otherwise they get the time of their deletion.
        with_unversioned: Whether rows without a version come before it.

    Returns:
        How many rows went.
    """
    older = _before(version, columns[VERSION])
    if with_unversioned:
        older = f"({older} OR {quote(columns[VERSION])} IS NULL)"
    if hard_delete:
        connection.execute(f"DELETE FROM {table.sql} WHERE {older}")  # noqa: S608
        return _count(connection)
    deleted_at = quote(columns[DELETED_AT])
    connection.execute(
        f"UPDATE {table.sql} SET {deleted_at} = now() "  # noqa: S608
        f"WHERE {older} AND {deleted_at} IS NULL"
    )
    return _count(connection)


def delete_marked(connection: DuckDBPyConnection, table: Table, column: str) -> int:
    """Delete rows the tap marked as deleted; must be called inside a transaction.

    Where its schema makes no moment of it, an empty text marks nothing, nor does `false` or 0.

    Args:
        connection: The working connection.
        table: The table.
        column: Name of the column that says since when a row is deleted.

    Returns:
        How many rows went.
    """
    is_marked = f"{quote(column)} IS NOT NULL"
    if find_columns(connection, table)[column] != METADATA[DELETED_AT]:
        # JSON has quotes around a text.
        text = f"lower(trim(CAST({quote(column)} AS VARCHAR), '\"'))"
        is_marked += f" AND {text} NOT IN ({_NO_MARKS})"
    connection.execute(f"DELETE FROM {table.sql} WHERE {is_marked}")  # noqa: S608
    return _count(connection)


def rename(
    connection: DuckDBPyConnection,
    staging: StagingTable,
    table: Table,
    columns: Mapping[str, str],
    exact: Mapping[str, ExactColumn],
) -> None:
    """Make a staging table a table of the target; must be called inside a transaction.

    Args:
        connection: The working connection.
        staging: A staging table that can be renamed.
        table: A table that does not exist.
        columns: For each staged name the column it becomes; others are removed.
        exact: What the key rule says of columns, by staged name.
    """
    for index, column in enumerate(staging.columns):
        change = f"ALTER TABLE {staging.sql} "
        rule = exact.get(column.name)
        sql_type = column.sql_type if rule is None else rule.sql_type
        if column.name in columns and rule is not None and sql_type != column.sql_type:
            using = rule.carried(f"c{index}", column.sql_type, sql_type, is_spelled=True)
            connection.execute(f"{change} ALTER c{index} TYPE {sql_type} USING {using}")
        if column.name in columns:
            connection.execute(f"{change} RENAME c{index} TO {quote(columns[column.name])}")
        else:
            connection.execute(f"{change} DROP c{index}")
    connection.execute(f"ALTER TABLE {staging.sql} RENAME TO {quote(table.name)}")


@dataclass(frozen=True)
class ExactColumn:
    """What the key rule says of a column.

    Attributes:
        sql_type: Its type.
        has_moments: Whether values of it are moments. A date among them is its midnight.
        has_number_texts: Whether texts in the table are numbers that no type of numbers has room
            for. Texts are texts otherwise, also one such as `true`.
    """

    sql_type: str
    has_moments: bool = False
    has_number_texts: bool = False

    def carried(self, expression: str, source: str, target: str, *, is_spelled: bool) -> str:
        """Return SQL that carries over a value, as it is spelled, into another type.

        Args:
            expression: The value, in SQL.
            source: Its type.
            target: The type of the column.
            is_spelled: Whether a text is that of a value that need not be one.
        """
        if self.has_moments:
            expression, source = _midnight(expression, source)
        if source == target:
            return expression
        text = spelled(expression, source)
        if target == "VARCHAR":
            return text
        if target == "JSON" and source == "VARCHAR" and not is_spelled:
            return f"to_json({text})"
        if target == "JSON":
            return (
                f"CASE WHEN json_valid({text}) THEN CAST({text} AS JSON) ELSE to_json({text}) END"
            )
        return f"CAST({text} AS {target})"


def _midnight(expression: str, sql_type: str) -> tuple[str, str]:
    """Return SQL for a date as its midnight, with the type of that; any other value as it is."""
    if sql_type != "DATE":
        return expression, sql_type
    return f"CAST({expression} AS TIMESTAMPTZ)", "TIMESTAMPTZ"


class _Source(NamedTuple):
    """Values of a column: their table and expression in SQL, their type.

    Attributes:
        is_text: Whether they are texts only because they are staged so.
    """

    table: str
    expression: str
    sql_type: str
    is_text: bool = False

    def holds(self, connection: DuckDBPyConnection, condition: str) -> bool:
        """Return whether a condition is true for each value."""
        query = f"SELECT 1 FROM {self.table} WHERE NOT ({condition}) LIMIT 1"  # noqa: S608
        return connection.execute(query).fetchone() is None

    @property
    def text(self) -> str:
        """SQL for the value, as it is spelled."""
        return spelled(self.expression, self.sql_type)

    def at_midnight(self) -> _Source:
        """Return the midnights of dates; other values as they are."""
        expression, sql_type = _midnight(self.expression, self.sql_type)
        return self._replace(expression=expression, sql_type=sql_type)

    def are_number_texts(self, connection: DuckDBPyConnection) -> bool:
        """Return whether all are numbers of which some are texts for want of a type of numbers."""
        if self.sql_type != "VARCHAR":
            return False
        is_number = f"regexp_full_match({self.expression}, {literal(_SPELLED_NUMBER)})"
        return self.holds(connection, is_number) and (
            _exact_type(connection, [self], None, ["DOUBLE"]) == "VARCHAR"
        )


def _exact_type(
    connection: DuckDBPyConnection,
    sources: Sequence[_Source],
    existing: str | None,
    declared: Sequence[str],
) -> str:
    """Return the first type that all values read back from as they came: the key rule."""
    scale = 0
    if all(map(is_number_type, declared)):
        for source in sources:
            digits = f"max(length(split_part({source.text}, '.', 2)))"
            query = f"SELECT coalesce({digits}, 0) FROM {source.table}"  # noqa: S608
            scale = max(scale, *connection.execute(query).fetchall()[0])
    for sql_type in dict.fromkeys(exact_types(existing, declared, scale)):
        if sql_type in {"VARCHAR", "JSON"} or all(
            (source.sql_type == sql_type and not source.is_text)
            or source.holds(connection, reads_back(source.text, sql_type))
            for source in sources
        ):
            return sql_type
    return "VARCHAR"


@dataclass(frozen=True)
class _Rows:
    """How the rows of one staging table go into a table.

    Attributes:
        staging: The rows.
        table: The table, which has all columns already.
        columns: For each staged name the column it goes to; others are left behind.
        types: Types of the table's columns.
        keys: Columns of the key; rows that share it replace each other.
        replace: Whether the table is emptied first.
        stream: Name of the stream, for errors.
        exact: What the key rule says of columns, by staged name.
        spelled: Staged names of the columns that are texts only because they are staged so.
        version: The version of rows that came without one; None leaves them without.
        is_renamed: Whether the staging table has become the table, and all rows are in it.
        is_collated: Whether columns of the table have a collation.
    """

    staging: StagingTable
    table: Table
    columns: dict[str, str]
    types: dict[str, str]
    keys: Sequence[str]
    replace: bool
    stream: str
    exact: Mapping[str, ExactColumn]
    spelled: Collection[str]
    version: int | None
    is_renamed: bool
    is_collated: bool

    def run(self, connection: DuckDBPyConnection) -> Changes:
        """Write the rows; must be called inside a transaction.

        Returns:
            What that has changed.

        Raises:
            EvolutionError: The table is wider than the schema and would round a value.
        """
        if self.is_renamed:
            return Changes(inserted=self.staging.rows - self._remove_repeated(connection))
        changes = Changes()
        if self.replace:
            connection.execute(f"DELETE FROM {self.table.sql}")  # noqa: S608
            changes.deleted = _count(connection)
        if not self.staging.rows:
            return changes
        cells = {
            self.columns[column.name]: self._cell(connection, f"c{index}", column)
            for index, column in enumerate(self.staging.columns)
            if column.name in self.columns
        }
        where, replaced = "", 0
        if self.keys:
            key = ", ".join(cells[name] for name in self.keys)
            where = self._last_of_each(connection, self.staging.sql, key)
            if not self.replace and self._has_rows(connection):
                replaced = self._remove_replaced(connection, cells)
        names = ", ".join(map(quote, cells))
        connection.execute(
            f"INSERT INTO {self.table.sql} ({names}) "  # noqa: S608
            f"SELECT {', '.join(cells.values())} FROM {self.staging.sql} {where}"
        )
        written = _count(connection)
        # Rows that were appended may have shared a key.
        changes.updated = min(replaced, written)
        changes.inserted = written - changes.updated
        changes.deleted += replaced - changes.updated
        return changes

    def _cell(self, connection: DuckDBPyConnection, name: str, column: StagedColumn) -> str:
        types = (column.sql_type, self.types[self.columns[column.name]])
        if column.name == VERSION and self.version is not None:
            return f"coalesce({name}, {self.version:d})"
        if column.name in self.exact:
            is_spelled = column.name in self.spelled
            return self.exact[column.name].carried(name, *types, is_spelled=is_spelled)
        place = (self.stream, self.columns[column.name])
        refuse_rounding(connection, self.staging.sql, name, types, place)
        return converted(name, *types)

    def _last_of_each(self, connection: DuckDBPyConnection, source: str, key: str) -> str:
        """Return a condition that leaves the last row of each key, nothing where all differ."""
        # Keys with other hashes are others, and hashes take a fraction of the memory. Where two
        # hashes are the same, by chance or not, the rows tell.
        counted = connection.execute(
            f"SELECT count(DISTINCT hash({key})) FROM {source}"  # noqa: S608
        ).fetchone()
        if counted == (self.staging.rows,):
            return ""
        return f"WHERE {_ROW_ID} IN (SELECT max({_ROW_ID}) FROM {source} GROUP BY {key})"  # noqa: S608

    def _remove_repeated(self, connection: DuckDBPyConnection) -> int:
        """Leave the last row of each key in a table that holds just what was staged.

        Returns:
            How many rows went.
        """
        if not self.keys:
            return 0
        key = ", ".join(map(quote, self.keys))
        where = self._last_of_each(connection, self.table.sql, key)
        if not where:
            return 0
        others = where.replace(f"{_ROW_ID} IN", f"{_ROW_ID} NOT IN")
        connection.execute(f"DELETE FROM {self.table.sql} {others}")  # noqa: S608
        return _count(connection)

    def _has_rows(self, connection: DuckDBPyConnection) -> bool:
        query = f"SELECT 1 FROM {self.table.sql} LIMIT 1"  # noqa: S608
        return connection.execute(query).fetchone() is not None

    def _remove_replaced(self, connection: DuckDBPyConnection, cells: dict[str, str]) -> int:
        """Remove the rows whose key was staged; return how many went."""
        keys = [(quote(name), f"k{index}") for index, name in enumerate(self.keys)]
        selected = ", ".join(
            f"{cells[name]} AS {alias}" for name, (_, alias) in zip(self.keys, keys, strict=True)
        )
        # A column that somebody has made may have a collation, for which "a" is "A".
        equal = "encode({}) = encode({})" if self.is_collated else "{} = {}"
        same = " AND ".join(
            (equal if self.types[name] == "VARCHAR" else "{} = {}").format(
                f"old.{column}", f"new.{alias}"
            )
            for name, (column, alias) in zip(self.keys, keys, strict=True)
        )
        connection.execute(
            f"DELETE FROM {self.table.sql} AS old "  # noqa: S608
            f"USING (SELECT DISTINCT {selected} FROM {self.staging.sql}) AS new WHERE {same}"
        )
        return _count(connection)


@dataclass
class Merge:
    """Writes staged streams; one object serves a whole run.

    Attributes:
        database: Name of the database.
        memory: DuckDB's limit of memory.
        storage: How tables are kept.
        schema: Name of the schema of all tables.
        load_method: One of the setting's values.
        hard_delete: Whether deleted rows go.
        restrictions: Indexes and constraints that somebody has put on the tables, in words.
        changes: What the last transaction has changed, by stream.
    """

    database: str
    memory: Memory
    storage: Storage
    schema: str
    load_method: str
    hard_delete: bool
    restrictions: list[str] = field(default_factory=list, init=False)
    changes: dict[str, Changes] = field(default_factory=dict, init=False)
    _collated: set[tuple[str, str]] = field(default_factory=set, init=False)
    _streams: list[str] = field(default_factory=list, init=False)
    _replaced: set[str] = field(default_factory=set, init=False)
    _replacing: set[str] = field(default_factory=set, init=False)
    _unversioned: set[str] = field(default_factory=set, init=False)
    _unversioning: set[str] = field(default_factory=set, init=False)

    def write(self, connection: DuckDBPyConnection, streams: Iterable[Stream]) -> None:
        """Write all staged rows; must be called inside a transaction.

        Raises:
            EvolutionError: A table cannot take in what a schema brings.
        """
        self._replacing, self.changes = set(), {}
        streams = list(streams)
        for stream in streams:
            stream.look_for_deleted(connection)
        streams = [stream for stream in streams if stream.columns]
        if not streams:
            return
        tables = self._tables(connection, streams)
        refuse_views(connection, tables.values())
        self.restrictions = find_restrictions(connection, tables.values())
        self._collated = find_collated(connection, self.database)
        exact = {name: self._exact(connection, name, streams, tables[name]) for name in tables}
        schemas = Counter(stream.name for stream in streams)
        versions = self._adopted(streams)
        renamed = [
            stream
            for stream in streams
            # Values of several schemas go into a table that is wide enough for all of them.
            if schemas[stream.name] == 1
            and stream.name not in versions
            and self._rename(connection, stream, tables, exact)
        ]
        self.memory.make_room(NEW_COLUMN * self._new_columns(connection, streams, tables))
        # DuckDB alters no table after rows of it were changed in the same transaction.
        columns = [
            evolve(connection, tables[stream.name], stream.columns, exact[stream.name], stream.name)
            for stream in streams
        ]
        for stream, names in zip(streams, columns, strict=True):
            self._merge(
                connection,
                stream,
                tables[stream.name],
                names,
                exact[stream.name],
                version=versions.get(stream.name),
                is_renamed=stream in renamed,
            )
        for stream in streams:
            if stream.staging.can_be_renamed and stream not in renamed:
                connection.execute(f"DROP TABLE {stream.staging.sql}")
        # Also if the schema has changed since, and another stream has taken the stream over.
        refused = {stream.name for stream in streams if stream.has_refused}
        for stream, names in zip(streams, columns, strict=True):
            table = tables[stream.name]
            if stream.activation is not None and stream.name in refused:
                stream.logger.warning(
                    "Stream '%s': records of it were quarantined, so that in this run no row "
                    "counts as deleted",
                    stream.name,
                )
            elif stream.activation is not None:
                self._changes_of(stream).deleted += activate(
                    connection,
                    table,
                    stream.activation,
                    names,
                    hard_delete=self.hard_delete,
                    with_unversioned=stream.name not in self._unversioned,
                )
            if stream.marks_deleted and self.hard_delete:
                self._changes_of(stream).deleted += delete_marked(
                    connection, table, names[DELETED_AT]
                )
        self._unversioning = {
            stream.name
            for stream in streams
            if stream.staging.rows and not stream.versioned and stream.name not in versions
        }

    @staticmethod
    def _adopted(streams: Iterable[Stream]) -> dict[str, int]:
        """Return the version that rows without one get, by the name of their stream.

        Some taps send ACTIVATE_VERSION, and no version in any record or batch file: what they
        have just read is what they activate.
        """
        versioned = {stream.name for stream in streams if stream.has_versions}
        return {
            stream.name: stream.activation
            for stream in streams
            if stream.activation is not None and stream.name not in versioned
        }

    def committed(self) -> None:
        """Remember what was replaced by the rows just written, and which have no version."""
        self._replaced |= self._replacing
        self._unversioned |= self._unversioning

    def versions(
        self, connection: DuckDBPyConnection, streams: Iterable[Stream]
    ) -> dict[str, int | None]:
        """Return for each stream the newest version in its table.

        Args:
            connection: The working connection, with the database attached.
            streams: Sinks whose records have a version that has not been activated.

        Returns:
            None for a stream of whose table no row has such a version, or one after it.
        """
        streams = list(streams)
        schema = look_up_schema(connection, self.database, self.schema)
        if schema is None:
            return {stream.name: None for stream in streams}
        tables = self._tables_in(schema, connection, streams)
        return {
            stream.name: newest_version(
                connection, tables[stream.name], stream.unactivated, stream.columns
            )
            for stream in streams
            if stream.unactivated is not None
        }

    def _tables(self, connection: DuckDBPyConnection, streams: list[Stream]) -> dict[str, Table]:
        schema = find_schema(connection, self.database, self.schema)
        return self._tables_in(schema, connection, streams)

    def _tables_in(
        self, schema: str, connection: DuckDBPyConnection, streams: list[Stream]
    ) -> dict[str, Table]:
        new = {stream.name: stream for stream in streams if stream.name not in self._streams}
        self._streams += new
        existing = find_names(connection, self.database, schema)
        names = assign(self._streams, existing, takes_over=False)
        for name, stream in new.items():
            if names[name] != name:
                stream.logger.warning(
                    "Stream %r: its table is %r, since DuckDB cannot hold the name, or not "
                    "beside that of another table",
                    name,
                    names[name],
                )
        return {
            name: Table(self.database, schema, names[name], self.storage) for name in self._streams
        }

    @staticmethod
    def _exact(
        connection: DuckDBPyConnection, name: str, streams: Iterable[Stream], table: Table
    ) -> dict[str, ExactColumn]:
        """Find the types of a stream's columns by the key rule, where the schema alone cannot tell.

        Returns:
            What the rule says of columns, by property name.
        """
        own = [stream for stream in streams if stream.name == name]
        existing = find_columns(connection, table)
        exact: dict[str, ExactColumn] = {}
        wanted = [(stream, stream.columns) for stream in own]
        columns: dict[str, str] = {}
        for _, types in reversed(wanted):
            columns |= assign(types, existing)
        # The schema alone can tell of all others.
        asked = {prop for stream in own for prop in (*stream.keys, *stream.exact)}
        for prop in (prop for prop in columns if prop in asked):
            having = [stream for stream, types in wanted if prop in types]
            column = columns[prop]
            today = existing.get(column)
            declared = [table.storage.kept_as(types[prop]) for _, types in wanted if prop in types]
            known = {*declared, *([today] if today is not None else [])}
            is_key = any(prop in stream.keys for stream in having)
            is_open = any(prop in stream.exact for stream in having)
            if not is_open and not (is_key and len(known) > 1):
                continue
            sources = [_Source(table.sql, quote(column), today)] if today is not None else []
            for stream in having:
                names = [each.name for each in stream.staging.columns]
                at = names.index(prop)
                if stream.staging.rows:
                    kind = stream.staging.columns[at].sql_type
                    is_text = prop in stream.exact
                    sources.append(_Source(stream.staging.sql, f"c{at}", kind, is_text=is_text))
            has_moments = "TIMESTAMPTZ" in known
            has_number_texts = today is not None and sources[0].are_number_texts(connection)
            if has_moments:
                sources = [source.at_midnight() for source in sources]
            sql_type = _exact_type(connection, sources, today, declared)
            exact[prop] = ExactColumn(sql_type, has_moments, has_number_texts)
        return exact

    @staticmethod
    def _new_columns(
        connection: DuckDBPyConnection, streams: Iterable[Stream], tables: Mapping[str, Table]
    ) -> int:
        """Count the columns that tables need which are there already."""
        count = 0
        for stream in streams:
            existing = find_columns(connection, tables[stream.name])
            if existing:
                count += len(set(assign(stream.columns, existing).values()) - existing.keys())
        return count

    @staticmethod
    def _rename(
        connection: DuckDBPyConnection,
        stream: Stream,
        tables: Mapping[str, Table],
        exact: Mapping[str, Mapping[str, ExactColumn]],
    ) -> bool:
        """Make a staging table the stream's table, where there is none and that is possible."""
        table = tables[stream.name]
        names = assign(stream.columns)
        # Names that the staging table needs for itself, until its columns are renamed and after.
        taken = {_ROW_ID, *(f"c{index}" for index, _ in enumerate(stream.staging.columns))}
        if (
            not stream.staging.can_be_renamed
            or len(taken) > _MOST_RENAMED
            or not taken.isdisjoint(map(folded, names.values()))
            or find_columns(connection, table)
        ):
            return False
        rename(connection, stream.staging, table, names, exact[stream.name])
        return True

    def _merge(  # noqa: PLR0913
        self,
        connection: DuckDBPyConnection,
        stream: Stream,
        table: Table,
        names: dict[str, str],
        exact: Mapping[str, ExactColumn],
        *,
        version: int | None,
        is_renamed: bool,
    ) -> None:
        keys = [] if self.load_method == APPEND_ONLY else stream.keys
        # A tap that could read nothing sends a SCHEMA message all the same. That a table is
        # empty is believed only where the tap says that it has read all of it.
        is_told = bool(stream.staging.rows) or stream.activation is not None
        replace = (
            self.load_method == OVERWRITE
            and stream.name not in self._replaced | self._replacing
            and is_told
        )
        if replace:
            self._replacing.add(stream.name)
        done = _Rows(
            staging=stream.staging,
            table=table,
            columns=names,
            types=find_columns(connection, table),
            keys=[names[key] for key in keys],
            exact=exact,
            spelled=stream.exact,
            replace=replace,
            stream=stream.name,
            version=version,
            is_renamed=is_renamed,
            is_collated=(table.schema, table.name) in self._collated,
        ).run(connection)
        changes = self._changes_of(stream)
        changes.inserted += done.inserted
        changes.updated += done.updated
        changes.deleted += done.deleted

    def _changes_of(self, stream: Stream) -> Changes:
        return self.changes.setdefault(stream.name, Changes())
