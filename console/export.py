"""What is seen as a table for spreadsheets: CSV, or a workbook.

    python -m console.export FOLDER

writes each table in both forms into a folder: `make export`.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
import tempfile
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import xlsxwriter

from console.decisions.file import DecisionsFile, DecisionsFileError, output_folder
from console.decisions.file import default_path as default_decisions
from console.decisions.table import COLUMNS
from console.published import Published, PublishedError, default_path, quote
from console.settings import env_file_needed
from console.tables import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from console.decisions.decision import Decision

DONE, FAILED = 0, 1

#: What can be exported: tables of the published copy, and the decisions, which are in their file.
TABLES = {
    "contacts": "marts.contacts_with_companies",
    "queue": "marts.link_review_queue",
    "duplicates": "marts.possible_duplicates",
    "decisions": None,
}
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

MOST_ROWS = 1_048_575
"""What a sheet takes beside its heading."""

_LONGEST_CELL = 32_767
_FIRST_DAY = date(1900, 3, 1)  # before it, days of spreadsheets are one off
_NOT_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")

Table = tuple[list[str], list[tuple[Any, ...]]]


class ExportError(Exception):
    """A table cannot be exported; the message says why."""


def read(published: Published, decisions: Iterable[Decision], name: str) -> Table:
    """Return the columns and rows of a table.

    Raises:
        ExportError: The copy has no such table.
        PublishedError: There is no copy.
    """
    table = TABLES[name]
    if table is None:
        columns = list(COLUMNS)
        return columns, [tuple(getattr(each, column) for column in columns) for each in decisions]
    if not published.has(table):
        message = f"the published copy has no table {table}"
        raise ExportError(message)
    # A moment with a zone is one in UTC: without it, no other package is needed to read it.
    selected = [
        f"cast({quote(row['column_name'])} as timestamp) as {quote(row['column_name'])}"
        if row["column_type"] == "TIMESTAMP WITH TIME ZONE"
        else quote(row["column_name"])
        for row in published.rows(f"describe {table}")
    ]
    return published.table(f"select {', '.join(selected)} from {table} order by all")


def write_csv(file: IO[bytes], table: Table) -> None:
    """Write a table as CSV in UTF-8, with the mark by which spreadsheets know it."""
    columns, rows = table
    wrapped = open(file.fileno(), "w", encoding="utf-8-sig", newline="", closefd=False)  # noqa: SIM115 - of a file that is open
    with wrapped:
        writer = csv.writer(wrapped)
        writer.writerow([as_text(column) for column in columns])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, dict)):
        return as_text(msgspec.json.encode(value).decode())
    return as_text(value)


def write_xlsx(file: IO[bytes], table: Table, name: str) -> None:
    """Write a table as a workbook of one sheet. A text is never a formula or a link.

    Raises:
        ExportError: It has more rows than a sheet.
    """
    columns, rows = table
    if len(rows) > MOST_ROWS:
        message = f"{name} has {len(rows)} rows: a sheet has {MOST_ROWS}; take CSV"
        raise ExportError(message)
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(name)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, _text(column))
        for number, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                _write(sheet, number, place, value, day)


def _write(sheet: Worksheet, row: int, column: int, value: Any, day: Format) -> None:  # noqa: ANN401
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, float, Decimal)):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime) and value.date() >= _FIRST_DAY:
        moment = value.astimezone(timezone.utc) if value.tzinfo else value
        sheet.write_datetime(row, column, moment.replace(tzinfo=None))
    elif isinstance(value, date) and not isinstance(value, datetime) and value >= _FIRST_DAY:
        sheet.write_datetime(row, column, value, day)
    elif isinstance(value, (list, dict)):
        sheet.write_string(row, column, _text(msgspec.json.encode(value).decode()))
    else:
        sheet.write_string(row, column, _text(str(value)))


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)[:_LONGEST_CELL]


def write(file: IO[bytes], table: Table, name: str, format_: str) -> None:
    """Write a table in one of `FORMATS`.

    Raises:
        ExportError: It does not fit.
    """
    if format_ == "csv":
        write_csv(file, table)
    else:
        write_xlsx(file, table, name)


def to_file(table: Table, name: str, format_: str, folder: Path | None = None) -> Path:
    """Write a table to a new file that only this user reads, and return its path."""
    descriptor, path = tempfile.mkstemp(f".{format_}", f"{name}-", folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file, table, name, format_)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return Path(path)


@env_file_needed
def main(arguments: Sequence[str] | None = None) -> int:
    """Write every table that there is into a folder: 0 done, 1 failed."""
    output = output_folder()
    parser = argparse.ArgumentParser(prog="python -m console.export", description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=output / "export")
    parser.add_argument("--db", type=Path, default=default_path(output))
    parser.add_argument("--decisions", type=Path, default=default_decisions())
    given = parser.parse_args(arguments)
    published = Published(given.db)
    try:
        decisions = DecisionsFile(given.decisions).read()
        given.folder.mkdir(parents=True, exist_ok=True)
        for name, table in TABLES.items():
            if table is not None and not published.has(table):
                continue
            rows = read(published, decisions, name)
            for format_ in FORMATS:
                path = given.folder / f"{name}.{format_}"
                to_file(rows, name, format_, given.folder).replace(path)
                sys.stdout.write(f"{path}: {len(rows[1]):,} rows\n")
    except (OSError, DecisionsFileError, ExportError, PublishedError) as error:
        sys.stderr.write(f"export: {error}\n")
        return FAILED
    finally:
        published.close()
    return DONE


if __name__ == "__main__":
    sys.exit(main())
