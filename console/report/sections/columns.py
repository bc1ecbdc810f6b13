"""Which columns of the account feed what, and what is empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published, Row

_QUERY = """
    select
        {table} as raw_table, meaning, raw_column, json_path, effect, candidate,
        {count} as row_count, filled_count, fill_rate
    from marts.{report}
    order by all
"""


@dataclass(frozen=True)
class Columns:
    """The columns of one raw table."""

    table: str
    rows: int
    feeding: list[Row]
    """Columns that feed a meaning and hold something, in the order of the meanings."""
    empty: list[str]
    """Meanings whose columns are all empty …"""
    missing: list[str]
    """… and those without a column."""
    unused: list[str]
    """Columns that hold something and feed nothing."""


def read(published: Published) -> list[Columns]:
    """Read what feeds what, per raw table; nothing where no report was made."""
    rows: list[Row] = []
    if published.has("marts.contact_mapping_report"):
        rows += published.rows(
            _QUERY.format(
                table="'contacts'", count="contact_count", report="contact_mapping_report"
            )
        )
    if published.has("marts.crm_mapping_report"):
        rows += published.rows(
            _QUERY.format(table="raw_table", count="row_count", report="crm_mapping_report")
        )
    tables = dict.fromkeys(row["raw_table"] for row in rows)
    return [_columns(table, [row for row in rows if row["raw_table"] == table]) for table in tables]


def _columns(table: str, rows: list[Row]) -> Columns:
    feeding = [row for row in rows if row["effect"].startswith("feeds") and row["meaning"]]
    filled = [row for row in feeding if row["filled_count"]]
    fed = {row["meaning"] for row in filled}
    return Columns(
        table=table,
        rows=rows[0]["row_count"] or 0,
        feeding=filled,
        empty=[
            each for each in dict.fromkeys(row["meaning"] for row in feeding) if each not in fed
        ],
        missing=[row["meaning"] for row in rows if row["effect"] == "no column"],
        unused=[
            row["raw_column"]
            for row in rows
            if row["effect"] == "feeds nothing" and row["filled_count"]
        ],
    )
