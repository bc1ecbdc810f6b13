"""Is everything fresh: the last load of each source, and its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from console.published import quote
from console.report import earlier
from console.report.moments import moment

if TYPE_CHECKING:
    from datetime import datetime

    from console.published import Published, Row
    from console.report.earlier import Loads

#: The sources, as people call them, by the schema of their raw tables.
SOURCES = {"kananas": "Kananas", "kizen": "Kizen"}

#: The tables that people know a source by, best first: it is as fresh as the newest of them. The
#: others would not do: a read that breaks off has brought some of them.
MAIN = {
    "kananas": ("contacts",),
    "kizen": ("companies", "companies_company"),
}

#: The columns in which loaders note when a row came: ours, and Airbyte's.
_LOAD_TIMES = ("_sdc_received_at", "_airbyte_extracted_at")


@dataclass(frozen=True)
class Table:
    """A raw table: its rows as the service has them now."""

    name: str
    rows: int
    loaded_at: datetime | None
    before: int | None
    """Rows at the load before; None where no report has seen it."""
    vanished: int
    """Rows that the last load no longer found at the service."""


@dataclass(frozen=True)
class Source:
    """A service, and how fresh what was read of it is."""

    schema: str
    """That of its raw tables."""
    name: str
    tables: list[Table]
    main: Table | None
    loaded_at: datetime | None
    """The last load; None where there was none, or the loader does not note it."""
    is_stale: bool
    lagging: set[str]
    """Tables that were not loaded for as long as makes a source stale."""
    failing_since: datetime | None = None
    """Since when no run could read it; None where the last one could."""
    last_error: str = ""

    @property
    def is_fresh(self) -> bool:
        """Return whether it was read lately, as far as is known, and by the last run."""
        return self.loaded_at is not None and not self.is_stale and self.failing_since is None

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True)
class Freshness:
    """All sources."""

    sources: list[Source]
    stale_hours: int
    read_at: datetime
    loads: Loads = field(repr=False)

    @property
    def unfresh(self) -> list[Source]:
        """The sources to look at: never loaded, not for too long, or nobody knows when.

        Those that the last run could not read come first.
        """
        found = [source for source in self.sources if not source.is_fresh]
        return sorted(found, key=lambda source: source.failing_since is None)


def read(published: Published, loads: Loads, stale_hours: int, now: datetime) -> Freshness:
    """Read when each table was loaded last.

    Args:
        published: The copy.
        loads: What the report before said; the loads of this one are added.
        stale_hours: After how many hours a source is not fresh.
        now: The time of the report.
    """
    sources = []
    failing = _failing(published)
    for schema, name in SOURCES.items():
        tables = [
            _table(published, full, loads)
            for full in sorted(published.columns)
            if full.startswith(f"{schema}.") and not full.startswith(f"{schema}._")
        ]
        mains = [t for wanted in MAIN[schema] for t in tables if t.name == wanted and t.rows]
        times = [each.loaded_at for each in mains or tables if each.loaded_at is not None]
        loaded_at = max(times, default=None)
        oldest = now - timedelta(hours=stale_hours)
        sources.append(
            Source(
                schema,
                name,
                tables,
                main=mains[0] if mains else None,
                loaded_at=loaded_at,
                is_stale=loaded_at is not None and loaded_at < oldest,
                lagging={
                    each.name for each in tables if each.loaded_at and each.loaded_at < oldest
                },
                failing_since=moment(failing[schema]["since"]) if schema in failing else None,
                last_error=failing[schema]["last_error"] if schema in failing else "",
            )
        )
    return Freshness(sources, stale_hours, now, loads)


def _failing(published: Published) -> dict[str, Row]:
    """Return since when and why the runs cannot read a source, by its schema."""
    if not published.has("marts.freshness"):
        return {}
    rows = published.rows(
        "select source, epoch_us(failing_since) as since, coalesce(last_error, '') as last_error "
        "from marts.freshness where failing_since is not null"
    )
    return {row["source"]: row for row in rows}


def _table(published: Published, full: str, loads: Loads) -> Table:
    columns = published.columns[full]
    schema, _, name = full.partition(".")
    deleted = "_sdc_deleted_at" if "_sdc_deleted_at" in columns else "null"
    received = next((each for each in _LOAD_TIMES if each in columns), "cast(null as timestamptz)")
    quoted = f"{quote(schema)}.{quote(name)}"
    row = published.row(f"""
        with stamped as (
            select {deleted} as deleted_at, {received} as received_at from {quoted}
        )
        select
            count(*) filter (where deleted_at is null) as row_count,
            epoch_us(max(received_at)) as loaded_at,
            count(*) filter (where deleted_at >= (select max(received_at) from stamped))
                as vanished
        from stamped
    """)  # noqa: S608 - names of tables, quoted
    before = None
    if row["loaded_at"] is not None:
        before = earlier.add(loads, full, row["loaded_at"], row["row_count"])
    return Table(name, row["row_count"], moment(row["loaded_at"]), before, row["vanished"])
