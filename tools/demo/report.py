"""What the demo shows at its end, read from the published copy of the DuckDB file."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from rest_tap.logs import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

QUERY = """\
select first_name, last_name, organisation, company_name, link_tier
from marts.contacts
where company_id is not null
order by contact_id
limit 5"""

LINKS = """\
select status, coalesce(tier, '') as tier, count(*) as contacts
from marts.contact_company_links
group by all
order by status, contacts desc, tier"""


PERSONS = """\
select status, count(*) as contacts, count(truth.contact_id) as "right"
from marts.contact_person_links as links
left join truth_people as truth using (contact_id, kizen_contact_id)
group by all
order by status"""

RIGHT = """\
select
    links.status,
    case when is_by_person then 'the CRM, by the person' else 'names, domains, phones, places' end
        as "rests on",
    count(*) as contacts,
    count(truth.contact_id) as "right"
from marts.contact_company_links as links
left join truth using (contact_id, company_id)
where links.company_id is not null
group by all
order by status, contacts desc"""


class Stream(NamedTuple):
    """Rows of one stream, as the service has them and as DuckDB has them."""

    name: str
    served: int
    loaded: int


def streams(database: Path, served: dict[str, int]) -> list[Stream]:
    """Count the current rows of each stream.

    Args:
        database: The DuckDB file.
        served: Rows per stream as the services have them, by `schema.table`.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        return [
            Stream(name, rows, _count(connection, name)) for name, rows in sorted(served.items())
        ]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    schema, name = table.split(".")
    row = connection.execute(
        f'select count(*) from "{schema}"."{name}" where _sdc_deleted_at is null'  # noqa: S608
    ).fetchone()
    return int(row[0]) if row else 0


def select(
    database: Path, query: str, truths: Mapping[str, Path] | None = None
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Run a query and give the names of its columns and its rows.

    Args:
        database: The DuckDB file.
        query: The query.
        truths: CSV files that it may join, by the name it gives them.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, path in (truths or {}).items():
            connection.execute(
                f'create temp table "{name}" as from read_csv(?, all_varchar=true, header=true)',
                [str(path)],
            )
        result = connection.execute(query)
        return [column[0] for column in result.description], result.fetchall()


def fit_any_terminal() -> None:
    """Show a question mark for what the terminal's encoding lacks, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Set rows in columns of equal width."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    cells.insert(1, ["─" * width for width in widths])
    return "\n".join(_line(row, widths) for row in cells)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  " + "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else printable(str(value))
