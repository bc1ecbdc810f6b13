"""The published copy of the DuckDB file, opened to read."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

Row = dict[str, Any]


class PublishedError(Exception):
    """There is no published copy, or it cannot be read; the message says what to do."""


class Published:
    """The tables of a published copy."""

    def __init__(self, path: Path) -> None:
        """Open the copy.

        Raises:
            PublishedError: There is none, or it is no DuckDB file.
        """
        if not path.is_file():
            message = f"there is no published copy {path}: run `meltano run elt`, which makes it"
            raise PublishedError(message)
        try:
            self._connection = duckdb.connect(
                str(path),
                read_only=True,
                config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
            )
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            message = f"the published copy {path} cannot be opened: {reason}"
            raise PublishedError(message) from None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the copy."""
        self._connection.close()

    @cached_property
    def columns(self) -> dict[str, set[str]]:
        """The columns of each table and view, by `schema.table`."""
        found: dict[str, set[str]] = {}
        query = """
            select schema_name || '.' || table_name as name, column_name
            from duckdb_columns()
            where database_name = current_database() and not internal
        """
        for row in self.rows(query):
            found.setdefault(row["name"], set()).add(row["column_name"])
        return found

    def has(self, *tables: str) -> bool:
        """Return whether there are such tables or views, named `schema.table`."""
        return all(table in self.columns for table in tables)

    def rows(self, query: str, *values: object) -> list[Row]:
        """Return the rows of a query, by the names of its columns.

        Raises:
            PublishedError: The tables are not those of this version of the project.
        """
        try:
            result = self._connection.execute(query, list(values))
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        except duckdb.Error as error:
            # Of a table or a column that is not there the first line has the name. What else goes
            # wrong may show values of records.
            is_shape = isinstance(error, duckdb.CatalogException | duckdb.BinderException)
            reason = str(error).splitlines()[0] if is_shape else type(error).__name__
            message = (
                "the published copy is not as this version of the project makes it, "
                f"run `meltano run transform`: {reason}"
            )
            raise PublishedError(message) from None

    def row(self, query: str, *values: object) -> Row:
        """Return the only row of a query."""
        (row,) = self.rows(query, *values)
        return row

    def built_at(self) -> datetime | None:
        """Return when dbt began the last build; None where the copy does not say.

        The view `marts.link_changes` has it in its text: it tells what the last build changed.
        """
        query = r"""
            select epoch_us(cast(nullif(regexp_extract(sql,
                '''(\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+\+00:00)''', 1), '') as timestamptz)) as moment
            from duckdb_views()
            where schema_name = 'marts' and view_name = 'link_changes'
        """
        return next((moment(row["moment"]) for row in self.rows(query)), None)


def moment(microseconds: int | None) -> datetime | None:
    """Return a moment from microseconds since 1970, as `epoch_us` gives them."""
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / 1_000_000, timezone.utc)
